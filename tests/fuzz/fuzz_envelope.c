/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions in an envelope: what is accepted, written again, is the same bytes.  Input is what stands behind the checksum,
 * which is put right here, and input as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "tls/envelope.h"

#define PREFIX 16 /* magic and checksum */

static void try_to_read(struct pintle_bytes bytes)
{
    struct pti_tls_envelope envelope;
    uint8_t head[PTI_TLS_ENVELOPE_HEAD_MAX];
    size_t size;

    if (pti_tls_envelope_read(bytes, 'G', &envelope) != PINTLE_OK) {
        REQUIRE(envelope.host[0] == '\0');
        return;
    }
    size = pti_tls_envelope_head(&envelope, head);
    REQUIRE(size + envelope.session.size == bytes.size && memcmp(head, bytes.data, size) == 0);
    REQUIRE(envelope.session.data == bytes.data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t sum = 0xcbf29ce484222325;
    uint8_t *bytes = malloc(PREFIX + size);

    try_to_read((struct pintle_bytes){data, size});
    if (bytes == NULL)
        return 0;
    memcpy(bytes, "PNTLTLS1", 8);
    if (size > 0)
        memcpy(bytes + PREFIX, data, size);
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * 0x100000001b3;
    for (int i = 0; i < 8; i++)
        bytes[8 + i] = (uint8_t)(sum >> (56 - 8 * i));
    try_to_read((struct pintle_bytes){bytes, PREFIX + size});
    free(bytes);
    return 0;
}
