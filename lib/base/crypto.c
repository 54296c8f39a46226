/* SPDX-License-Identifier: Apache-2.0 */
/* What all providers share: references, and the digest of one piece. */
#include "base/crypto.h"

struct pintle_crypto *pti_crypto_ref(struct pintle_crypto *crypto)
{
    atomic_fetch_add_explicit(&crypto->references, 1, memory_order_relaxed);
    return crypto;
}

void pintle_crypto_free(struct pintle_crypto *crypto)
{
    if (crypto != NULL && atomic_fetch_sub_explicit(&crypto->references, 1, memory_order_acq_rel) == 1) {
        crypto->ops->destroy(crypto);
    }
}

enum pintle_status pti_sha256(struct pintle_crypto *crypto, struct pintle_bytes data,
                              uint8_t digest[PINTLE_SHA256_SIZE])
{
    uint8_t(*digests)[PINTLE_SHA256_SIZE] = (uint8_t(*)[PINTLE_SHA256_SIZE])digest;
    return crypto->ops->sha256(crypto, &data, 1, digests);
}
