/* SPDX-License-Identifier: Apache-2.0 */
/* Zone files: what is accepted survives being written and read again. */
#include "fuzz.h"
#include "pin/zone.h"

#define ZONE "main"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pti_zone zone, again;
    struct pti_buf first, second;
    struct pti_error error = {PINTLE_OK, ""};

    if (pti_zone_parse((struct pintle_bytes){data, size}, ZONE, &zone, &error) != PINTLE_OK) {
        REQUIRE(zone.host_count == 0 && error.detail[0] != '\0');
        return 0;
    }
    pti_buf_init(&first, PTI_ZONE_SIZE_MAX);
    pti_buf_init(&second, PTI_ZONE_SIZE_MAX);
    pti_zone_write(&zone, &first);
    REQUIRE(first.status == PINTLE_OK);
    REQUIRE(pti_zone_parse(pti_buf_bytes(&first), ZONE, &again, NULL) == PINTLE_OK);
    pti_zone_write(&again, &second);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&first), pti_buf_bytes(&second)));
    pti_zone_clear(&again);
    pti_zone_clear(&zone);
    pti_buf_clear(&second);
    pti_buf_clear(&first);
    return 0;
}
