/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/envelope.h"

#include <string.h>

/*
 * "PNTLTLS1", library, length of host (1), host, length of evidence (2, big endian), evidence, session to the end.
 */
static const uint8_t magic[8] = {'P', 'N', 'T', 'L', 'T', 'L', 'S', '1'};

size_t pti_tls_envelope_head(const struct pti_tls_envelope *envelope, uint8_t out[PTI_TLS_ENVELOPE_HEAD_MAX])
{
    size_t host = strlen(envelope->host), size, evidence;

    memcpy(out, magic, sizeof magic);
    size = sizeof magic;
    out[size++] = (uint8_t)envelope->library;
    out[size++] = (uint8_t)host;
    memcpy(out + size, envelope->host, host);
    size += host;
    evidence = pintle_evidence_serialise(&envelope->evidence, out + size + 2);
    out[size] = (uint8_t)(evidence >> 8);
    out[size + 1] = (uint8_t)evidence;
    return size + 2 + evidence;
}

/* The next size bytes, which *rest then no longer holds. */
static bool take(struct pintle_bytes *rest, size_t size, struct pintle_bytes *taken)
{
    if (rest->size < size)
        return false;
    *taken = (struct pintle_bytes){rest->data, size};
    rest->data += size;
    rest->size -= size;
    return true;
}

enum pintle_status pti_tls_envelope_read(struct pintle_bytes bytes, char library, struct pti_tls_envelope *envelope)
{
    struct pintle_bytes head, host, length, evidence;

    memset(envelope, 0, sizeof *envelope);
    if (!take(&bytes, sizeof magic + 2, &head) || memcmp(head.data, magic, sizeof magic) != 0 ||
        head.data[sizeof magic] != (uint8_t)library || !take(&bytes, head.data[sizeof magic + 1], &host) ||
        host.size == 0 || host.size > PINTLE_HOST_MAX || memchr(host.data, '\0', host.size) != NULL ||
        !take(&bytes, 2, &length) || !take(&bytes, (size_t)length.data[0] << 8 | length.data[1], &evidence) ||
        pintle_evidence_parse(&envelope->evidence, evidence) != PINTLE_OK || bytes.size == 0)
        return PINTLE_ERR_INPUT;
    envelope->library = library;
    memcpy(envelope->host, host.data, host.size);
    envelope->session = bytes;
    return PINTLE_OK;
}
