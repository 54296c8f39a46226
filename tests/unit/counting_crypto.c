/* SPDX-License-Identifier: Apache-2.0 */
#include "counting_crypto.h"

#include <time.h>

static struct counting_crypto *counting_of(struct pintle_crypto *crypto)
{
    return (struct counting_crypto *)crypto; /* base is the first member */
}

static enum pintle_status count_sha256(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                       uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    struct pintle_crypto *real = counting_of(crypto)->real;

    return real->ops->sha256(real, parts, count, digests);
}

static enum pintle_status count_key_new(struct pintle_crypto *crypto, enum pti_key_kind kind,
                                        struct pintle_bytes public_key, void **key,
                                        uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    struct pintle_crypto *real = counting_of(crypto)->real;

    return real->ops->key_new(real, kind, public_key, key, identity, error);
}

static void count_key_free(struct pintle_crypto *crypto, void *key)
{
    struct pintle_crypto *real = counting_of(crypto)->real;

    real->ops->key_free(real, key);
}

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static enum pintle_status count_verify(struct pintle_crypto *crypto, void *key, struct pintle_bytes message,
                                       struct pintle_bytes signature)
{
    struct counting_crypto *counting = counting_of(crypto);
    int64_t start = now_ns();
    enum pintle_status status = counting->real->ops->verify(counting->real, key, message, signature);

    counting->verify_ns += now_ns() - start;
    counting->verifications++;
    return status;
}

static void keep(struct pintle_crypto *crypto)
{
    (void)crypto;
}

static const struct pti_crypto_ops ops = {
    .name = "counting",
    .sha256 = count_sha256,
    .key_new = count_key_new,
    .key_free = count_key_free,
    .verify = count_verify,
    .destroy = keep,
};

void counting_crypto_init(struct counting_crypto *counting, struct pintle_crypto *real)
{
    counting->base.ops = &ops;
    atomic_init(&counting->base.references, 1);
    counting->real = real;
    counting->verifications = 0;
    counting->verify_ns = 0;
}
