/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto provider: SHA-256 and signature verification, nothing else.  A client that is given none uses the one that
 * this libpintle was built with.
 */
#ifndef PINTLE_CRYPTO_H
#define PINTLE_CRYPTO_H

#include <pintle/export.h>
#include <pintle/status.h>

PINTLE_BEGIN_DECLS

/* Opaque, reference-counted, immutable after creation: any thread may use it at any time. */
struct pintle_crypto;

/*
 * A provider over OpenSSL 3 and its default library context.
 * On success *crypto is owned by the caller; on failure it is NULL.
 * PINTLE_ERR_MEMORY, PINTLE_ERR_UNSUPPORTED (no P-256 in this OpenSSL), PINTLE_ERR_MISUSE (crypto is NULL).
 */
PINTLE_API enum pintle_status pintle_crypto_openssl_new(struct pintle_crypto **crypto);

/* Drops the caller's reference; clients, pinsets and checkers made with it keep their own.  NULL is legal. */
PINTLE_API void pintle_crypto_free(struct pintle_crypto *crypto);

PINTLE_END_DECLS

#endif
