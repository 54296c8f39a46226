/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage file from a stranger, read with a real provider: what is staged is bound by no hash, so that changes of it get
 * through.  What is accepted is, written again, the same bytes; it can be told in words; and merging it into itself takes
 * nothing twice.
 */
#include <pintle/crypto.h>

#include "fuzz.h"
#include "publish/bundle.h"
#include "publish/stage_file.h"
#include "publish/stage_merge.h"

#define NOW INT64_C(1795305600) /* 2026-11-22 */

static struct pintle_crypto *provider(void)
{
    static struct pintle_crypto *crypto; /* for the life of the process */

    REQUIRE(crypto != NULL || pintle_crypto_openssl_new(&crypto) == PINTLE_OK);
    return crypto;
}

static void ignore(void *ctx, const char *line)
{
    (void)ctx;
    REQUIRE(line[0] != '\0');
}

static void tell(const struct pti_repository *repository)
{
    struct pti_change *changes = NULL;
    struct pti_role_state *states = NULL;
    size_t count = 0;

    if (pti_stage_diff(&repository->stage, &changes, &count, NULL) == PINTLE_OK) {
        for (size_t i = 0; i < count; i++) {
            REQUIRE(changes[i].text[0] != '\0');
        }
        (void)pti_stage_warnings(&repository->stage, changes, count, ignore, NULL, NULL);
    }
    free(changes);
    if (pti_stage_roles(&repository->stage, &states, &count, NULL) == PINTLE_OK) {
        pti_role_states_free(states, count);
    }
    (void)pti_stage_check(&repository->stage, NULL);
    (void)pti_bundle_check_base(&repository->published, (struct pintle_bytes){NULL, 0}, NOW, repository->crypto, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pintle_bytes file = {data, size};
    struct pti_repository *repository = NULL, *again = NULL;
    struct pti_key_names names, other_names;
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_merge merge = {NULL, 0};
    struct pti_buf written;

    if (pti_stage_file_read(file, NOW, provider(), &repository, &names, &error) != PINTLE_OK) {
        REQUIRE(repository == NULL && names.items == NULL && error.detail[0] != '\0');
        return 0;
    }
    REQUIRE(pti_stage_file_write(repository, &names, &written, NULL) == PINTLE_OK);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&written), file));
    tell(repository);
    REQUIRE(pti_stage_file_read(file, NOW, provider(), &again, &other_names, NULL) == PINTLE_OK);
    if (pti_stage_merge(&repository->stage, &again->stage, &merge, NULL) == PINTLE_OK) {
        pti_merge_clear(&merge);
        if (pti_stage_merge(&repository->stage, &again->stage, &merge, NULL) == PINTLE_OK) {
            REQUIRE(pti_merge_count(&merge, PTI_MERGE_TAKEN) == 0);
        }
    }
    pti_merge_clear(&merge);
    pti_buf_clear(&written);
    pti_repository_close(again);
    pti_repository_close(repository);
    pti_key_names_clear(&other_names);
    pti_key_names_clear(&names);
    return 0;
}
