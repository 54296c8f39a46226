/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the texts of public keys and signatures, the same way for every provider: each provider's own parser would
 * accept a different set.  No arithmetic: whether a point is on its curve is the provider's to say.
 */
#ifndef PTI_CRYPTO_PUBLIC_KEY_H
#define PTI_CRYPTO_PUBLIC_KEY_H

#include <stdbool.h>

#include <pintle/bytes.h>

#include "base/error.h"

#define PTI_ED25519_KEY_SIZE 32
#define PTI_ED25519_SIGNATURE_SIZE 64
#define PTI_P256_COMPRESSED_SIZE 33
#define PTI_P256_POINT_SIZE 65

/* A point as it was written (SEC 1, section 2.3.3), compressed or not; not yet known to be on the curve. */
struct pti_p256_point {
    uint8_t bytes[PTI_P256_POINT_SIZE];
    size_t size;
};

/*
 * Reads exactly one PEM block "PUBLIC KEY" (RFC 7468; LF or CRLF, the last one optional) with a P-256 key that names
 * its curve (RFC 5480, section 2.1.1).  PINTLE_ERR_INPUT for anything else.
 */
enum pintle_status pti_p256_read_pem(struct pintle_bytes pem, struct pti_p256_point *point, struct pti_error *error);

#define PTI_RSA_BITS_MIN 2048
#define PTI_RSA_BITS_MAX 16384
#define PTI_RSA_EXPONENT_BITS_MAX 64
#define PTI_RSA_SPKI_MAX (PTI_RSA_BITS_MAX / 8 + 64) /* the modulus; headers and exponent */

/* An RSA key: its DER, which has one spelling and so identifies it, and the numbers inside, without leading zeros. */
struct pti_rsa_key {
    uint8_t der[PTI_RSA_SPKI_MAX];
    size_t size;
    struct pintle_bytes modulus;
    struct pintle_bytes exponent;
    size_t bits; /* of modulus */
};

/*
 * Reads exactly one PEM block "PUBLIC KEY" with an RSA key (RFC 3279, section 2.3.1) of PTI_RSA_BITS_MIN to _MAX bits.
 * Modulus and exponent are odd; the exponent is at least 3, for with 1 everybody can sign, and has at most
 * PTI_RSA_EXPONENT_BITS_MAX bits, for the time of a verification grows with it.  PINTLE_ERR_INPUT for anything else.
 */
enum pintle_status pti_rsa_read_pem(struct pintle_bytes pem, struct pti_rsa_key *key, struct pti_error *error);

/* A DER Ecdsa-Sig-Value of two positive integers of at most 256 bits, big endian; false for anything else. */
#define PTI_P256_NUMBER_SIZE 32
struct pti_p256_signature {
    uint8_t r[PTI_P256_NUMBER_SIZE];
    uint8_t s[PTI_P256_NUMBER_SIZE];
};
bool pti_p256_signature_read(struct pintle_bytes der, struct pti_p256_signature *signature);

/*
 * Whether raw is 32 bytes with the one encoding of a point that is not of small order: under a key of small order there
 * are signatures that everybody can make.  PINTLE_ERR_INPUT if not.
 */
enum pintle_status pti_ed25519_check(struct pintle_bytes raw, struct pti_error *error);

#endif
