/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence: the hashes and positions of a chain that a TLS library has verified, as one fixed-size value.
 *
 * It promises that each SPKI hash is over the exact bytes of the SubjectPublicKeyInfo in the certificate received
 * (RFC 5280, section 4.1; RFC 7469, section 2.4), without re-encoding.  It does not validate anything: to make evidence
 * from a chain that was merely sent, and not verified, defeats pinning.
 */
#ifndef PINTLE_EVIDENCE_H
#define PINTLE_EVIDENCE_H

#include <pintle/bytes.h>
#include <pintle/crypto.h>
#include <pintle/export.h>
#include <pintle/status.h>

PINTLE_BEGIN_DECLS

/* The longest chain, in certificates; a longer one is unusable, never cut. */
#define PINTLE_CHAIN_MAX 16

/* What a pin hashes; usable as bits. */
enum pintle_of { PINTLE_OF_SPKI = 1, PINTLE_OF_CERT = 2 };

/* Where in the verified chain a pin must stand; usable as bits. */
enum pintle_at { PINTLE_AT_LEAF = 1, PINTLE_AT_ISSUER = 2, PINTLE_AT_ANY = 3 };

/* What adapter extracted evidence; reports name it. */
enum pintle_adapter {
    PINTLE_ADAPTER_NONE = 0,
    PINTLE_ADAPTER_OPENSSL,
    PINTLE_ADAPTER_GNUTLS,
    PINTLE_ADAPTER_MBEDTLS,
    PINTLE_ADAPTER_BORINGSSL,
    PINTLE_ADAPTER_CURL,
    PINTLE_ADAPTER_JVM
};

/* The largest serialised form, in bytes. */
#define PINTLE_EVIDENCE_SERIALISED_MAX (8 + PINTLE_CHAIN_MAX * 2 * PINTLE_SHA256_SIZE)

/* A plain value: copy it, keep it, compare it.  Index 0 is the leaf. */
struct pintle_evidence {
    uint8_t count;     /* certificates; 0 if there is no usable chain */
    uint8_t of;        /* which hashes are filled in: bits of enum pintle_of */
    uint8_t leaf_only; /* 1 if the adapter could not obtain the issuers: issuer pins cannot be evaluated */
    uint8_t adapter;   /* who made it, for reports: an enum pintle_adapter; not serialised */
    uint8_t spki[PINTLE_CHAIN_MAX][PINTLE_SHA256_SIZE];
    uint8_t cert[PINTLE_CHAIN_MAX][PINTLE_SHA256_SIZE];
};

/*
 * Extracts evidence from count DER certificates, leaf first.  of says which hashes to compute (bits of enum pintle_of,
 * at least one; pintle_pinset_needs() tells what a pinset asks for).  Nothing is allocated while at most 16 threads
 * extract at once; the chain is only read.
 * PINTLE_ERR_INPUT: the chain is empty, too long, or a certificate does not parse; then evidence->count is 0, which
 * every check of a listed host rejects.  PINTLE_ERR_MISUSE: of is 0 or has unknown bits.
 */
PINTLE_API enum pintle_status pintle_evidence_init(struct pintle_evidence *evidence, struct pintle_crypto *crypto,
                                                   const struct pintle_bytes *chain, size_t count, unsigned of);

/*
 * Writes evidence, so that it can travel with a serialised TLS session, and returns how many bytes it took
 * (8 to PINTLE_EVIDENCE_SERIALISED_MAX).  The form is versioned and independent of the machine.
 */
PINTLE_API size_t pintle_evidence_serialise(const struct pintle_evidence *evidence,
                                            uint8_t out[PINTLE_EVIDENCE_SERIALISED_MAX]);

/* Reads what pintle_evidence_serialise() wrote.  PINTLE_ERR_INPUT: anything else; evidence->count is then 0. */
PINTLE_API enum pintle_status pintle_evidence_parse(struct pintle_evidence *evidence, struct pintle_bytes serialised);

PINTLE_END_DECLS

#endif
