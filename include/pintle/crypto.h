/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto provider: SHA-256 and signature verification, nothing else.  libpintle itself contains none: each is a small
 * library over one that the application has already, and the application gives one to pintle_config_set_crypto() or to what
 * else asks for it.  A provider and libpintle are of the same version.
 */
#ifndef PINTLE_CRYPTO_H
#define PINTLE_CRYPTO_H

#include <pintle/export.h>
#include <pintle/status.h>

PINTLE_BEGIN_DECLS

/* Opaque, reference-counted, immutable after creation: any thread may use it at any time. */
struct pintle_crypto;

/*
 * A provider over OpenSSL 3 and its default library context: Ed25519, ECDSA P-256, RSA-PSS (libpintle-crypto-openssl).
 * On success *crypto is owned by the caller; on failure it is NULL.
 * PINTLE_ERR_MEMORY, PINTLE_ERR_UNSUPPORTED (no P-256 in this OpenSSL), PINTLE_ERR_MISUSE (crypto is NULL).
 */
PINTLE_API enum pintle_status pintle_crypto_openssl_new(struct pintle_crypto **crypto);

/*
 * A provider over mbedTLS 2.28 or 3: ECDSA P-256, RSA-PSS (libpintle-crypto-mbedtls).  mbedTLS has no Ed25519: with this
 * provider Ed25519 keys in a manifest count as keys that nobody holds, and a role that cannot do without them is refused
 * in those words.
 * On success *crypto is owned by the caller; on failure it is NULL.
 * PINTLE_ERR_MEMORY, PINTLE_ERR_UNSUPPORTED (no P-256 or SHA-256 in this mbedTLS), PINTLE_ERR_MISUSE (crypto is NULL).
 */
PINTLE_API enum pintle_status pintle_crypto_mbedtls_new(struct pintle_crypto **crypto);

/*
 * A provider over BoringSSL: Ed25519, ECDSA P-256, RSA-PSS with exponents of at most 32 bits (libpintle-crypto-boringssl).
 * BoringSSL's libcrypto and OpenSSL's have the same names and cannot be linked together: a program takes one of the two.
 * On success *crypto is owned by the caller; on failure it is NULL.  PINTLE_ERR_MEMORY, PINTLE_ERR_MISUSE (crypto is NULL).
 */
PINTLE_API enum pintle_status pintle_crypto_boringssl_new(struct pintle_crypto **crypto);

/* Drops the caller's reference; clients, pinsets and checkers made with it keep their own.  NULL is legal. */
PINTLE_API void pintle_crypto_free(struct pintle_crypto *crypto);

PINTLE_END_DECLS

#endif
