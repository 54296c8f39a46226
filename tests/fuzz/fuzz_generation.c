/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole store, read with a provider that believes every signature: the input is a container of "roots" and "accepted".
 * What is accepted, written and read again, is the same bytes.
 */
#include "fuzz.h"
#include "manifest/generation.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pti_container store;
    struct pintle_bytes roots_file, accepted;
    struct pti_roots roots;
    struct pti_generation *generation = NULL;
    struct pti_error error = {PINTLE_OK, ""};

    pti_roots_init(&roots, fuzz_crypto());
    if (pti_container_parse((struct pintle_bytes){data, size}, &store, NULL) == PINTLE_OK &&
        pti_container_find(&store, "roots", &roots_file) && pti_container_find(&store, "accepted", &accepted) &&
        pti_roots_add_file(&roots, roots_file, NULL) == PINTLE_OK) {
        if (pti_generation_read(accepted, &roots, LOCAL_CLOCK, &generation, &error) == PINTLE_OK) {
            write_and_read(generation, &roots);
        } else {
            REQUIRE(generation == NULL && error.detail[0] != '\0');
        }
    }
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    pti_container_clear(&store);
    return 0;
}
