/* SPDX-License-Identifier: Apache-2.0 */
/* The provider that says yes; see fuzz.h. */
#include <string.h>

#include "fuzz.h"

static enum pintle_status zero_sha256(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                      uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    (void)crypto;
    for (size_t i = 0; i < count; i++) {
        REQUIRE(parts[i].data != NULL || parts[i].size == 0);
        memset(digests[i], 0, PINTLE_SHA256_SIZE);
    }
    return PINTLE_OK;
}

static enum pintle_status any_key(struct pintle_crypto *crypto, enum pti_key_kind kind, struct pintle_bytes public_key,
                                  void **key, uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    (void)kind;
    (void)error;
    memset(identity, 0, PINTLE_SHA256_SIZE);
    if (public_key.size > 0) {
        identity[0] = public_key.data[0]; /* keys that differ in their first byte are different keys */
    }
    *key = crypto;
    return PINTLE_OK;
}

static void no_free(struct pintle_crypto *crypto, void *key)
{
    REQUIRE(key == (void *)crypto);
}

static enum pintle_status yes(struct pintle_crypto *crypto, void *key, struct pintle_bytes message,
                              struct pintle_bytes signature)
{
    (void)signature;
    REQUIRE(key == (void *)crypto && message.size > 0);
    return PINTLE_OK;
}

static void no_destroy(struct pintle_crypto *crypto)
{
    (void)crypto;
}

struct pintle_crypto *fuzz_crypto(void)
{
    static const struct pti_crypto_ops ops = {"yes", zero_sha256, any_key, no_free, yes, no_destroy};
    static struct pintle_crypto crypto = {.ops = &ops, .references = 1};

    return &crypto;
}
