/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/envelope.h"

#include <string.h>

/*
 * "PNTLTLS1", checksum of all that follows (8), library (1), length of host (1), host, length of evidence (2), evidence,
 * session to the end.  Numbers are big endian.
 */
static const uint8_t magic[8] = {'P', 'N', 'T', 'L', 'T', 'L', 'S', '1'};

#define SUM_SIZE 8

/* FNV-1a of 64 bits, to be continued from sum. */
static uint64_t checksum(uint64_t sum, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * 0x100000001b3;
    return sum;
}

static void sum_up(const uint8_t *head, size_t head_size, struct pintle_bytes session, uint8_t out[SUM_SIZE])
{
    uint64_t sum = checksum(checksum(0xcbf29ce484222325, head, head_size), session.data, session.size);

    for (int i = 0; i < SUM_SIZE; i++)
        out[i] = (uint8_t)(sum >> (56 - 8 * i));
}

size_t pti_tls_envelope_head(const struct pti_tls_envelope *envelope, uint8_t out[PTI_TLS_ENVELOPE_HEAD_MAX])
{
    size_t host = strlen(envelope->host), size, evidence;

    memcpy(out, magic, sizeof magic);
    size = sizeof magic + SUM_SIZE;
    out[size++] = (uint8_t)envelope->library;
    out[size++] = (uint8_t)host;
    memcpy(out + size, envelope->host, host);
    size += host;
    evidence = pintle_evidence_serialise(&envelope->evidence, out + size + 2);
    out[size] = (uint8_t)(evidence >> 8);
    out[size + 1] = (uint8_t)evidence;
    size += 2 + evidence;
    sum_up(out + sizeof magic + SUM_SIZE, size - sizeof magic - SUM_SIZE, envelope->session, out + sizeof magic);
    return size;
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
    struct pintle_bytes head, names, host, length, evidence;
    uint8_t sum[SUM_SIZE];

    memset(envelope, 0, sizeof *envelope);
    if (!take(&bytes, sizeof magic + SUM_SIZE, &head) || memcmp(head.data, magic, sizeof magic) != 0)
        return PINTLE_ERR_INPUT;
    sum_up(NULL, 0, bytes, sum);
    if (memcmp(head.data + sizeof magic, sum, sizeof sum) != 0 || !take(&bytes, 2, &names) ||
        names.data[0] != (uint8_t)library || !take(&bytes, names.data[1], &host) || host.size == 0 ||
        host.size > PINTLE_HOST_MAX || memchr(host.data, '\0', host.size) != NULL || !take(&bytes, 2, &length) ||
        !take(&bytes, (size_t)length.data[0] << 8 | length.data[1], &evidence) ||
        pintle_evidence_parse(&envelope->evidence, evidence) != PINTLE_OK || bytes.size == 0)
        return PINTLE_ERR_INPUT;
    envelope->library = library;
    memcpy(envelope->host, host.data, host.size);
    envelope->session = bytes;
    return PINTLE_OK;
}
