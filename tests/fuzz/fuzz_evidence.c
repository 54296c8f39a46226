/* SPDX-License-Identifier: Apache-2.0 */
/* Serialised evidence: what is accepted, serialised again, is the same bytes. */
#include <string.h>

#include <pintle/evidence.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pintle_evidence evidence;
    uint8_t out[PINTLE_EVIDENCE_SERIALISED_MAX];

    if (pintle_evidence_parse(&evidence, (struct pintle_bytes){data, size}) == PINTLE_OK) {
        REQUIRE(evidence.count <= PINTLE_CHAIN_MAX);
        REQUIRE(pintle_evidence_serialise(&evidence, out) == size && memcmp(out, data, size) == 0);
    } else {
        REQUIRE(evidence.count == 0);
    }
    return 0;
}
