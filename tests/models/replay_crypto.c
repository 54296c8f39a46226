/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_crypto.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"

enum { KEYS_MAX = 1024, ANSWERS_MAX = 1 << 16 };

struct kept_key {
    struct pintle_bytes public_key;
    void *real;
    uint8_t identity[PINTLE_SHA256_SIZE];
};

static struct {
    struct pintle_crypto crypto; /* first: what users hold */
    struct pintle_crypto *real;
    struct kept_key keys[KEYS_MAX];
    size_t key_count;
    struct answer {
        uint64_t question;
        enum pintle_status status;
    } answers[ANSWERS_MAX];
} kept;

static uint64_t mix(uint64_t hash, struct pintle_bytes bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

static enum pintle_status sha256(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                 uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    (void)crypto;
    return kept.real->ops->sha256(kept.real, parts, count, digests);
}

static enum pintle_status key_new(struct pintle_crypto *crypto, enum pti_key_kind kind, struct pintle_bytes public_key,
                                  void **key, uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    struct kept_key *found = kept.keys;
    enum pintle_status status;

    (void)crypto;
    *key = NULL;
    while (found < kept.keys + kept.key_count && !pti_bytes_equal(found->public_key, public_key))
        found++;
    if (found == kept.keys + KEYS_MAX)
        return pti_fail(error, PINTLE_ERR_MEMORY, "too many keys for a test");
    if (found == kept.keys + kept.key_count) {
        status = kept.real->ops->key_new(kept.real, kind, public_key, &found->real, found->identity, error);
        if (status != PINTLE_OK)
            return status;
        if (pti_bytes_copy(public_key, &found->public_key) != PINTLE_OK)
            abort();
        kept.key_count++;
    }
    memcpy(identity, found->identity, PINTLE_SHA256_SIZE);
    *key = found;
    return PINTLE_OK;
}

static void key_free(struct pintle_crypto *crypto, void *key)
{
    (void)crypto;
    (void)key;
}

static enum pintle_status verify(struct pintle_crypto *crypto, void *key, struct pintle_bytes message,
                                 struct pintle_bytes signature)
{
    const struct kept_key *kept_key = key;
    uint64_t question = mix(mix(mix(UINT64_C(0xcbf29ce484222325), kept_key->public_key), message), signature);
    struct answer *answer = &kept.answers[question % ANSWERS_MAX];

    (void)crypto;
    if (answer->question != question) {
        answer->question = question;
        answer->status = kept.real->ops->verify(kept.real, kept_key->real, message, signature);
    }
    return answer->status;
}

static void destroy(struct pintle_crypto *crypto)
{
    (void)crypto;
}

struct pintle_crypto *replay_crypto(void)
{
    static const struct pti_crypto_ops ops = {"kept", sha256, key_new, key_free, verify, destroy};

    if (kept.real == NULL) {
        if (pintle_crypto_openssl_new(&kept.real) != PINTLE_OK)
            abort();
        kept.crypto.ops = &ops;
        atomic_init(&kept.crypto.references, 1);
    }
    return &kept.crypto;
}

void replay_crypto_clear(void)
{
    for (size_t i = 0; i < kept.key_count; i++) {
        kept.real->ops->key_free(kept.real, kept.keys[i].real);
        pti_bytes_free(&kept.keys[i].public_key);
    }
    pintle_crypto_free(kept.real);
    memset(&kept, 0, sizeof kept);
}
