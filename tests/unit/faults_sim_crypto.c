/* SPDX-License-Identifier: Apache-2.0 */
#include "faults_sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "faults.h"

#define MEMORIES_MAX 256

struct known_key {
    struct pintle_bytes text;
    enum pti_key_kind kind;
    uint8_t identity[PINTLE_SHA256_SIZE];
    void *real;
};

struct known_signature {
    const struct known_key *key;
    uint8_t message[PINTLE_SHA256_SIZE], signature[PINTLE_SHA256_SIZE];
    enum pintle_status status;
};

struct memory {
    struct pintle_crypto base;
    struct pintle_crypto *real;
    struct known_key keys[MEMORIES_MAX];
    struct known_signature signatures[MEMORIES_MAX];
    size_t key_count, signature_count;
};

static struct memory *memory_of(struct pintle_crypto *crypto)
{
    return (struct memory *)crypto; /* base is the first member */
}

static bool memory_is_short(void)
{
    static void *volatile probe; /* compilers know that nobody would miss this allocation */

    probe = malloc(1);
    free(probe);
    return probe == NULL;
}

static enum pintle_status hash(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                               uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    struct pintle_crypto *real = memory_of(crypto)->real;

    return real->ops->sha256(real, parts, count, digests);
}

static struct known_key *find_key(struct memory *memory, enum pti_key_kind kind, struct pintle_bytes text)
{
    for (size_t i = 0; i < memory->key_count; i++)
        if (memory->keys[i].kind == kind && pti_bytes_equal(memory->keys[i].text, text))
            return &memory->keys[i];
    return NULL;
}

static enum pintle_status learn_key(struct memory *memory, enum pti_key_kind kind, struct pintle_bytes text,
                                    struct known_key **key, struct pti_error *error)
{
    struct known_key *next = &memory->keys[memory->key_count];
    enum pintle_status status;

    assert_true(memory->key_count < MEMORIES_MAX);
    status = memory->real->ops->key_new(memory->real, kind, text, &next->real, next->identity, error);
    if (status != PINTLE_OK)
        return status;
    assert_int_equal(pti_bytes_copy(text, &next->text), PINTLE_OK);
    next->kind = kind;
    memory->key_count++;
    *key = next;
    return PINTLE_OK;
}

static enum pintle_status key_new(struct pintle_crypto *crypto, enum pti_key_kind kind, struct pintle_bytes text,
                                  void **key, uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    struct known_key *known = find_key(memory_of(crypto), kind, text);
    enum pintle_status status = PINTLE_OK;

    *key = NULL;
    if (memory_is_short())
        return pti_fail(error, PINTLE_ERR_MEMORY, "public key: out of memory");
    faults_pause();
    if (known == NULL)
        status = learn_key(memory_of(crypto), kind, text, &known, error);
    faults_resume();
    if (status != PINTLE_OK)
        return status;
    memcpy(identity, known->identity, sizeof known->identity);
    *key = known;
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
    const struct pintle_bytes parts[] = {message, signature};
    struct memory *memory = memory_of(crypto);
    struct known_signature *next = &memory->signatures[memory->signature_count];
    uint8_t digests[2][PINTLE_SHA256_SIZE];
    const struct known_key *known = key;

    if (memory_is_short())
        return PINTLE_ERR_MEMORY;
    assert_int_equal(hash(crypto, parts, 2, digests), PINTLE_OK);
    for (size_t i = 0; i < memory->signature_count; i++) {
        const struct known_signature *seen = &memory->signatures[i];

        if (seen->key == known && memcmp(seen->message, digests[0], sizeof digests[0]) == 0 &&
            memcmp(seen->signature, digests[1], sizeof digests[1]) == 0)
            return seen->status;
    }
    assert_true(memory->signature_count < MEMORIES_MAX);
    faults_pause();
    next->status = memory->real->ops->verify(memory->real, known->real, message, signature);
    faults_resume();
    next->key = known;
    memcpy(next->message, digests[0], sizeof digests[0]);
    memcpy(next->signature, digests[1], sizeof digests[1]);
    memory->signature_count++;
    return next->status;
}

static void destroy(struct pintle_crypto *crypto)
{
    struct memory *memory = memory_of(crypto);

    for (size_t i = 0; i < memory->key_count; i++) {
        memory->real->ops->key_free(memory->real, memory->keys[i].real);
        pti_bytes_free(&memory->keys[i].text);
    }
    pintle_crypto_free(memory->real);
    free(memory);
}

static const struct pti_crypto_ops ops = {
    .name = "memory",
    .sha256 = hash,
    .key_new = key_new,
    .key_free = key_free,
    .verify = verify,
    .destroy = destroy,
};

void faults_sim_use_crypto(struct pintle_config *config, struct sim *sim)
{
    struct memory *memory = calloc(1, sizeof *memory);

    assert_non_null(memory);
    memory->base.ops = &ops;
    atomic_init(&memory->base.references, 1);
    memory->real = pti_crypto_ref(sim->crypto);
    assert_int_equal(pintle_config_set_crypto(config, &memory->base), PINTLE_OK);
    pintle_crypto_free(&memory->base);
}
