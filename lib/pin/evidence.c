/* SPDX-License-Identifier: Apache-2.0 */
/* From a verified chain to evidence, and evidence as bytes. */
#include <pintle/evidence.h>

#include <string.h>

#include "base/crypto.h"
#include "pin/der.h"

#define ALL_KINDS ((unsigned)PINTLE_OF_SPKI | (unsigned)PINTLE_OF_CERT)

/*
 * Serialised: "PE", form, count, of, leaf_only, two zero bytes; then the SPKI hashes if of has them, then those of the
 * certificates.
 */
#define FORM 1
#define HEADER_SIZE 8

/* Every certificate is walked, also when only whole ones are hashed: what is no certificate must not become evidence. */
static enum pintle_status hash(struct pintle_evidence *evidence, struct pintle_crypto *crypto,
                               const struct pintle_bytes *chain, size_t count, unsigned of)
{
    struct pintle_bytes spkis[PINTLE_CHAIN_MAX];
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < count; i++) {
        if (!pti_der_certificate_spki(chain[i], &spkis[i]))
            return PINTLE_ERR_INPUT;
    }
    if (of & PINTLE_OF_SPKI)
        status = crypto->ops->sha256(crypto, spkis, count, evidence->spki);
    if (status == PINTLE_OK && (of & PINTLE_OF_CERT))
        status = crypto->ops->sha256(crypto, chain, count, evidence->cert);
    return status;
}

enum pintle_status pintle_evidence_init(struct pintle_evidence *evidence, struct pintle_crypto *crypto,
                                        const struct pintle_bytes *chain, size_t count, unsigned of)
{
    if (evidence == NULL)
        return PINTLE_ERR_MISUSE;
    /* All of it, for 20 ns: a value that is compared, copied and stored must not carry old stack bytes. */
    memset(evidence, 0, sizeof *evidence);
    if (crypto == NULL || (chain == NULL && count > 0) || of == 0 || (of & ~ALL_KINDS) != 0)
        return PINTLE_ERR_MISUSE;
    if (count == 0 || count > PINTLE_CHAIN_MAX)
        return PINTLE_ERR_INPUT;
    enum pintle_status status = hash(evidence, crypto, chain, count, of);
    if (status != PINTLE_OK) {
        memset(evidence, 0, sizeof *evidence); /* no half of it */
        return status;
    }
    evidence->count = (uint8_t)count;
    evidence->of = (uint8_t)of;
    return PINTLE_OK;
}

size_t pintle_evidence_serialise(const struct pintle_evidence *evidence, uint8_t out[PINTLE_EVIDENCE_SERIALISED_MAX])
{
    /* The struct is public: what its fields claim is bounded here, not believed. */
    size_t count = evidence->count <= PINTLE_CHAIN_MAX ? evidence->count : 0;
    size_t hashes = count * PINTLE_SHA256_SIZE;
    size_t size = HEADER_SIZE;
    const uint8_t header[HEADER_SIZE] = {
        'P', 'E', FORM, (uint8_t)count, (uint8_t)(evidence->of & ALL_KINDS), evidence->leaf_only != 0, 0, 0};

    memcpy(out, header, sizeof header);
    if (evidence->of & PINTLE_OF_SPKI) {
        memcpy(out + size, evidence->spki, hashes);
        size += hashes;
    }
    if (evidence->of & PINTLE_OF_CERT) {
        memcpy(out + size, evidence->cert, hashes);
        size += hashes;
    }
    return size;
}

static bool header_is_valid(const uint8_t header[HEADER_SIZE])
{
    return header[0] == 'P' && header[1] == 'E' && header[2] == FORM && header[3] <= PINTLE_CHAIN_MAX &&
           (header[4] & ~ALL_KINDS) == 0 && (header[4] != 0 || header[3] == 0) && header[5] <= 1 && header[6] == 0 &&
           header[7] == 0;
}

enum pintle_status pintle_evidence_parse(struct pintle_evidence *evidence, struct pintle_bytes serialised)
{
    if (evidence == NULL)
        return PINTLE_ERR_MISUSE;
    memset(evidence, 0, sizeof *evidence);
    if (serialised.size < HEADER_SIZE || !header_is_valid(serialised.data))
        return PINTLE_ERR_INPUT;
    const uint8_t *header = serialised.data;
    unsigned of = header[4];
    size_t hashes = header[3] * (size_t)PINTLE_SHA256_SIZE;
    size_t kinds = (of & PINTLE_OF_SPKI ? 1u : 0u) + (of & PINTLE_OF_CERT ? 1u : 0u);
    if (serialised.size != HEADER_SIZE + kinds * hashes)
        return PINTLE_ERR_INPUT;

    const uint8_t *at = header + HEADER_SIZE;
    evidence->count = header[3];
    evidence->of = header[4];
    evidence->leaf_only = header[5];
    if (of & PINTLE_OF_SPKI) {
        memcpy(evidence->spki, at, hashes);
        at += hashes;
    }
    if (of & PINTLE_OF_CERT)
        memcpy(evidence->cert, at, hashes);
    return PINTLE_OK;
}
