/* SPDX-License-Identifier: Apache-2.0 */
/* What the providers over OpenSSL and over BoringSSL have in common; compiled once over each. */
#ifndef PTI_CRYPTO_LIBCRYPTO_LIBCRYPTO_H
#define PTI_CRYPTO_LIBCRYPTO_LIBCRYPTO_H

#include <openssl/ec.h>

#include "base/crypto.h"
#include "crypto/public_key.h"

/* pti_crypto_ops.sha256 */
enum pintle_status pti_libcrypto_sha256(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                        uint8_t (*digests)[PINTLE_SHA256_SIZE]);

/*
 * A point of its own, which is the caller's; NULL without memory.  *parsed: point is one, and on the curve, and there was
 * memory enough to find that out.
 */
EC_POINT *pti_libcrypto_point(const EC_GROUP *p256, const struct pti_p256_point *point, bool *parsed);

/* Brings point into the form that has one spelling; one that is uncompressed has it already, on the curve or not. */
enum pintle_status pti_libcrypto_uncompress(const EC_GROUP *p256, struct pti_p256_point *point,
                                            struct pti_error *error);

/* Of what just failed with a point from outside: PINTLE_ERR_INPUT, it was the point; or PINTLE_ERR_MEMORY. */
enum pintle_status pti_libcrypto_point_failed(const EC_GROUP *p256, const struct pti_p256_point *point,
                                              struct pti_error *error);

#endif
