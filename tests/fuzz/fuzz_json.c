/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON reader: what it accepts survives being written and read again. */
#include "base/json_write.h"
#include "fuzz.h"

#define OUT_MAX (8u << 20)

static void round_trip(const struct pti_json *json)
{
    struct pti_json *again = NULL;
    struct pti_buf compact, canonical, canonical_again;

    pti_buf_init(&compact, OUT_MAX);
    pti_buf_init(&canonical, OUT_MAX);
    pti_buf_init(&canonical_again, OUT_MAX);
    pti_json_write_compact(pti_json_root(json), &compact);
    pti_json_write_canonical(pti_json_root(json), &canonical);
    REQUIRE(compact.status == PINTLE_OK && canonical.status == PINTLE_OK);
    REQUIRE(pti_json_parse(pti_buf_bytes(&compact), &again, NULL) == PINTLE_OK);
    pti_json_write_canonical(pti_json_root(again), &canonical_again);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&canonical), pti_buf_bytes(&canonical_again)));
    pti_json_free(again);
    pti_buf_clear(&canonical_again);
    pti_buf_clear(&canonical);
    pti_buf_clear(&compact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pti_json *json = NULL;
    struct pti_error error = {PINTLE_OK, ""};
    enum pintle_status status = pti_json_parse((struct pintle_bytes){data, size}, &json, &error);

    REQUIRE((status == PINTLE_OK) == (json != NULL));
    REQUIRE(status == PINTLE_OK || (error.status == status && error.detail[0] != '\0'));
    if (json != NULL) {
        round_trip(json);
    }
    pti_json_free(json);
    return 0;
}
