/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 comes from the low-level functions: EVP_DigestInit_ex2() of OpenSSL 3.0 frees and allocates the algorithm's
 * context each time, even for the digest it already holds, and hashing a P-256 SPKI that way takes half as long again.
 * They are deprecated in favour of EVP, but part of every OpenSSL 3 and 4, LibreSSL and BoringSSL.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "crypto/libcrypto/libcrypto.h"

#include <openssl/sha.h>

enum pintle_status pti_libcrypto_sha256(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                        uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    (void)crypto;
    for (size_t i = 0; i < count; i++) {
        SHA256_CTX digest;
        if (SHA256_Init(&digest) != 1 || SHA256_Update(&digest, parts[i].data, parts[i].size) != 1 ||
            SHA256_Final(digests[i], &digest) != 1) {
            return PINTLE_ERR_UNSUPPORTED; /* none of them fails, says OpenSSL */
        }
    }
    return PINTLE_OK;
}

EC_POINT *pti_libcrypto_point(const EC_GROUP *p256, const struct pti_p256_point *point, bool *parsed)
{
    EC_POINT *result = EC_POINT_new(p256);

    *parsed = result != NULL && EC_POINT_oct2point(p256, result, point->bytes, point->size, NULL) == 1;
    return result;
}

/* True if the point is not on the curve, seen with the memory that sufficed for one that is. */
static bool is_off_curve(const EC_GROUP *p256, const struct pti_p256_point *point)
{
    const EC_POINT *generator = EC_GROUP_get0_generator(p256);
    struct pti_p256_point good;
    bool has_memory, parsed;
    EC_POINT *again;

    good.size = EC_POINT_point2oct(p256, generator,
                                   point->size == PTI_P256_POINT_SIZE ? POINT_CONVERSION_UNCOMPRESSED
                                                                      : POINT_CONVERSION_COMPRESSED,
                                   good.bytes, sizeof good.bytes, NULL);
    again = pti_libcrypto_point(p256, &good, &has_memory);
    parsed = has_memory && EC_POINT_oct2point(p256, again, point->bytes, point->size, NULL) == 1;
    EC_POINT_free(again);
    return has_memory && !parsed;
}

/* OpenSSL 3.0 does not tell them apart. */
enum pintle_status pti_libcrypto_point_failed(const EC_GROUP *p256, const struct pti_p256_point *point,
                                              struct pti_error *error)
{
    return is_off_curve(p256, point)
               ? pti_fail(error, PINTLE_ERR_INPUT, "expected a P-256 key, found a point that is not on the curve")
               : pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
}

enum pintle_status pti_libcrypto_uncompress(const EC_GROUP *p256, struct pti_p256_point *point, struct pti_error *error)
{
    if (point->size == PTI_P256_POINT_SIZE) {
        return PINTLE_OK;
    }
    bool whole;
    EC_POINT *parsed = pti_libcrypto_point(p256, point, &whole);
    enum pintle_status status = PINTLE_OK;
    if (!whole) {
        status = pti_libcrypto_point_failed(p256, point, error);
    } else {
        point->size = EC_POINT_point2oct(p256, parsed, POINT_CONVERSION_UNCOMPRESSED, point->bytes, sizeof point->bytes,
                                         NULL);
        if (point->size != PTI_P256_POINT_SIZE) {
            status = pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
        }
    }
    EC_POINT_free(parsed);
    return status;
}
