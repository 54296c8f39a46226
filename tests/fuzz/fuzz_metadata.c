/* SPDX-License-Identifier: Apache-2.0 */
/* TUF metadata of every type, form only: each input is tried as root, timestamp, snapshot and targets. */
#include "fuzz.h"
#include "tuf/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned accepted = 0;

    for (int type = 0; type < PTI_TUF_TYPES; type++) {
        struct pti_tuf_metadata *metadata = NULL;
        struct pti_error error = {PINTLE_OK, ""};

        if (pti_tuf_metadata_parse((struct pintle_bytes){data, size}, (enum pti_tuf_type)type, fuzz_crypto(), &metadata,
                                   &error) == PINTLE_OK) {
            REQUIRE(metadata->version > 0 && metadata->canonical.size > 0);
            REQUIRE(metadata->signature_count <= PTI_SIGNATURES_MAX && metadata->keys.count <= PTI_KEYS_MAX);
            for (size_t i = 1; i < metadata->files.count; i++) {
                REQUIRE(pti_bytes_compare(metadata->files.items[i - 1].name, metadata->files.items[i].name) < 0);
            }
            accepted++;
        } else {
            REQUIRE(metadata == NULL && error.detail[0] != '\0');
        }
        pti_tuf_metadata_free(metadata);
    }
    REQUIRE(accepted <= 1); /* a file has one type */
    return 0;
}
