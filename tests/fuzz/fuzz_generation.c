/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole store, read with a provider that believes every signature: the input is a container of "roots", "accepted" and
 * perhaps "next".  What is accepted, written and read again, is the same bytes; so is what follows it, with all that is
 * inherited.
 */
#include "fuzz.h"
#include "manifest/apply.h"
#include "tuf/container.h"

#define LOCAL_CLOCK INT64_C(1800000000) /* 2027-01-15 */

static void write_and_read(const struct pti_generation *generation, const struct pti_roots *roots)
{
    struct pti_generation *again = NULL;
    struct pti_buf first, second;

    pti_buf_init(&first, PTI_STORE_BLOB_MAX);
    pti_buf_init(&second, PTI_STORE_BLOB_MAX);
    pti_generation_write(generation, &first);
    REQUIRE(first.status == PINTLE_OK);
    REQUIRE(pti_generation_read(pti_buf_bytes(&first), roots, LOCAL_CLOCK, &again, NULL) == PINTLE_OK);
    pti_generation_write(again, &second);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&first), pti_buf_bytes(&second)));
    pti_generation_free(again);
    pti_buf_clear(&second);
    pti_buf_clear(&first);
}

static void follow(const struct pti_generation *accepted, struct pintle_bytes file, const struct pti_roots *roots)
{
    struct pti_generation *next = NULL;
    struct pti_error error = {PINTLE_OK, ""};

    if (pti_generation_read(file, roots, LOCAL_CLOCK, &next, NULL) == PINTLE_OK) {
        const struct pti_tuf_metadata *root = pti_roots_version(roots, next->root_version);

        REQUIRE(root != NULL);
        if (pti_apply(accepted, next, root, &error) == PINTLE_OK) {
            REQUIRE(next->targets->version >= accepted->targets->version);
            REQUIRE(pti_apply_inherit(accepted, next, root, NULL) == PINTLE_OK);
            REQUIRE(pti_apply(accepted, next, root, NULL) == PINTLE_OK);
            write_and_read(next, roots);
        } else {
            REQUIRE(error.status == PINTLE_ERR_TRUST && error.detail[0] != '\0');
        }
    }
    pti_generation_free(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pti_container store;
    struct pintle_bytes roots_file, accepted, next;
    struct pti_roots roots;
    struct pti_generation *generation = NULL;
    struct pti_error error = {PINTLE_OK, ""};

    pti_roots_init(&roots, fuzz_crypto());
    if (pti_container_parse((struct pintle_bytes){data, size}, &store, NULL) == PINTLE_OK &&
        pti_container_find(&store, "roots", &roots_file) && pti_container_find(&store, "accepted", &accepted) &&
        pti_roots_add_file(&roots, roots_file, NULL) == PINTLE_OK) {
        if (pti_generation_read(accepted, &roots, LOCAL_CLOCK, &generation, &error) == PINTLE_OK) {
            write_and_read(generation, &roots);
            if (pti_container_find(&store, "next", &next)) {
                follow(generation, next, &roots);
            }
        } else {
            REQUIRE(generation == NULL && error.detail[0] != '\0');
        }
    }
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    pti_container_clear(&store);
    return 0;
}
