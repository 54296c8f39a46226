/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider over OpenSSL 3.  Everything that costs a lookup by name is done once: the digest when the provider is made,
 * a signature's context when a key is.  Nothing stays behind in OpenSSL's error queue, which belongs to the application.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include "base/crypto.h"
#include "crypto/public_key.h"

#define SLOTS 16
#define CACHE_LINE 64

/* A digest context that is there for whoever takes it; NULL while taken. A line each, lest threads share one. */
struct slot {
    _Atomic(EVP_MD_CTX *) digest;
    char line[CACHE_LINE - sizeof(void *)];
};

struct provider {
    struct pintle_crypto base;
    EVP_MD *sha256;
    EC_GROUP *p256;
    struct slot slots[SLOTS];
};

struct key {
    enum pti_key_kind kind;
    EVP_MD_CTX *prepared; /* for DigestVerify under this key: copied for each signature, never used itself */
};

static struct provider *provider_of(struct pintle_crypto *crypto)
{
    return (struct provider *)crypto; /* base is the first member */
}

/* Threads start in different places: their stacks lie far apart. */
static size_t first_slot(const void *on_stack)
{
    uintptr_t address = (uintptr_t)on_stack;
    return (address >> 12 ^ address >> 16 ^ address >> 20 ^ address >> 23) % SLOTS;
}

static bool digest_parts(const struct provider *provider, EVP_MD_CTX *digest, const struct pintle_bytes *parts,
                         size_t count, uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        if (EVP_DigestInit_ex2(digest, provider->sha256, NULL) != 1 ||
            EVP_DigestUpdate(digest, parts[i].data, parts[i].size) != 1 ||
            EVP_DigestFinal_ex(digest, digests[i], NULL) != 1) {
            return false;
        }
    }
    return true;
}

static enum pintle_status provider_sha256(struct pintle_crypto *crypto, const struct pintle_bytes *parts, size_t count,
                                          uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    struct provider *provider = provider_of(crypto);
    size_t first = first_slot(&provider);
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &provider->slots[(first + i) % SLOTS];
        EVP_MD_CTX *digest = atomic_exchange_explicit(&slot->digest, NULL, memory_order_acquire);
        if (digest != NULL) {
            bool done = digest_parts(provider, digest, parts, count, digests);
            atomic_store_explicit(&slot->digest, digest, memory_order_release);
            return done ? PINTLE_OK : PINTLE_ERR_MEMORY;
        }
    }
    ERR_set_mark();
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool done = digest != NULL && digest_parts(provider, digest, parts, count, digests);
    EVP_MD_CTX_free(digest);
    ERR_pop_to_mark();
    return done ? PINTLE_OK : PINTLE_ERR_MEMORY;
}

static EVP_PKEY *ed25519_pkey(struct pintle_bytes raw, struct pti_error *error)
{
    if (pti_ed25519_check(raw, error) != PINTLE_OK) {
        return NULL;
    }
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, raw.data, raw.size);
    if (pkey == NULL) {
        bool missing = ERR_GET_REASON(ERR_peek_last_error()) == EVP_R_UNSUPPORTED_ALGORITHM;
        pti_fail(error, missing ? PINTLE_ERR_UNSUPPORTED : PINTLE_ERR_MEMORY, "%s",
                 missing ? "this OpenSSL cannot verify Ed25519; use ECDSA P-256 keys" : "Ed25519 key: out of memory");
    }
    return pkey;
}

/* Proves that the point is on the curve and brings it into the form that has one spelling. */
static enum pintle_status canonical_point(const struct provider *provider, struct pti_p256_point *point,
                                          struct pti_error *error)
{
    EC_POINT *parsed = EC_POINT_new(provider->p256);
    enum pintle_status status = PINTLE_ERR_MEMORY;
    if (parsed == NULL) {
        pti_fail(error, status, "P-256 key: out of memory");
    } else if (EC_POINT_oct2point(provider->p256, parsed, point->bytes, point->size, NULL) != 1) {
        unsigned long code = ERR_peek_last_error();
        int reason = ERR_GET_LIB(code) == ERR_LIB_EC ? ERR_GET_REASON(code) : 0;
        bool bad = reason == EC_R_POINT_IS_NOT_ON_CURVE || reason == EC_R_INVALID_ENCODING ||
                   reason == EC_R_INVALID_COMPRESSED_POINT || reason == EC_R_INVALID_COMPRESSION_BIT;
        status = bad ? PINTLE_ERR_INPUT : PINTLE_ERR_MEMORY;
        pti_fail(error, status, "%s",
                 bad ? "expected a P-256 key, found a point that is not on the curve" : "P-256 key: out of memory");
    } else {
        point->size = EC_POINT_point2oct(provider->p256, parsed, POINT_CONVERSION_UNCOMPRESSED, point->bytes,
                                         sizeof point->bytes, NULL);
        status = point->size == PTI_P256_POINT_SIZE
                     ? PINTLE_OK
                     : pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
    }
    EC_POINT_free(parsed);
    return status;
}

static EVP_PKEY *p256_pkey(struct pti_p256_point *point, struct pti_error *error)
{
    char group[] = SN_X9_62_prime256v1;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point->bytes, point->size),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (make == NULL || EVP_PKEY_fromdata_init(make) != 1 ||
        EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
    }
    EVP_PKEY_CTX_free(make);
    return pkey;
}

/* The parsed key, and the bytes that identify it: its kind, then its one encoding. */
static enum pintle_status read_key(const struct provider *provider, enum pti_key_kind kind, struct pintle_bytes text,
                                   EVP_PKEY **pkey, uint8_t identifying[1 + PTI_P256_POINT_SIZE], size_t *size,
                                   struct pti_error *error)
{
    struct pti_p256_point point;
    enum pintle_status status = PINTLE_ERR_MISUSE;
    *pkey = NULL;
    identifying[0] = (uint8_t)kind;
    switch (kind) {
    case PTI_KEY_ED25519:
        *pkey = ed25519_pkey(text, error);
        if (*pkey != NULL) {
            memcpy(identifying + 1, text.data, text.size);
            *size = 1 + text.size;
        }
        return *pkey != NULL ? PINTLE_OK : error->status;
    case PTI_KEY_ECDSA_P256:
        status = pti_p256_read_pem(text, &point, error);
        if (status == PINTLE_OK) {
            status = canonical_point(provider, &point, error);
        }
        if (status == PINTLE_OK) {
            *pkey = p256_pkey(&point, error);
            memcpy(identifying + 1, point.bytes, point.size);
            *size = 1 + point.size;
        }
        return status != PINTLE_OK || *pkey != NULL ? status : error->status;
    }
    return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "expected an Ed25519 or ECDSA P-256 key, found kind %d", (int)kind);
}

static void provider_key_free(struct pintle_crypto *crypto, void *opaque)
{
    struct key *key = opaque;
    (void)crypto;
    if (key != NULL) {
        EVP_MD_CTX_free(key->prepared);
        free(key);
    }
}

static enum pintle_status key_make(struct provider *provider, enum pti_key_kind kind, struct pintle_bytes text,
                                   struct key **key, uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    uint8_t identifying[1 + PTI_P256_POINT_SIZE];
    size_t size = 0;
    EVP_PKEY *pkey = NULL;
    enum pintle_status status = read_key(provider, kind, text, &pkey, identifying, &size, error);
    if (status != PINTLE_OK) {
        return status;
    }
    const EVP_MD *digest = kind == PTI_KEY_ECDSA_P256 ? provider->sha256 : NULL;
    struct key *made = calloc(1, sizeof *made);
    if (made != NULL) {
        made->kind = kind;
        made->prepared = EVP_MD_CTX_new();
    }
    if (made == NULL || made->prepared == NULL ||
        EVP_DigestVerifyInit(made->prepared, NULL, digest, NULL, pkey) != 1 ||
        pti_sha256(&provider->base, (struct pintle_bytes){identifying, size}, identity) != PINTLE_OK) {
        provider_key_free(&provider->base, made);
        made = NULL;
        status = pti_fail(error, PINTLE_ERR_MEMORY, "public key: out of memory");
    }
    EVP_PKEY_free(pkey); /* the prepared context keeps its own reference */
    *key = made;
    return status;
}

static enum pintle_status provider_key_new(struct pintle_crypto *crypto, enum pti_key_kind kind,
                                           struct pintle_bytes public_key, void **key,
                                           uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    struct pti_error ignored;
    struct key *made = NULL;
    *key = NULL;
    memset(identity, 0, PINTLE_SHA256_SIZE);
    ERR_set_mark();
    enum pintle_status status =
        key_make(provider_of(crypto), kind, public_key, &made, identity, error == NULL ? &ignored : error);
    ERR_pop_to_mark();
    *key = made;
    return status;
}

/*
 * EVP_DigestVerify answers a wrong Ed25519 signature and a failure inside with the same 0; only the latter leaves an error
 * behind, above the one that is put there first.
 */
static enum pintle_status digest_verify(const struct key *key, EVP_MD_CTX *digest, struct pintle_bytes message,
                                        struct pintle_bytes signature)
{
    if (digest == NULL || EVP_MD_CTX_copy_ex(digest, key->prepared) != 1) {
        return PINTLE_ERR_MEMORY;
    }
    ERR_raise(ERR_LIB_USER, 1);
    unsigned long none = ERR_peek_last_error();
    int result = EVP_DigestVerify(digest, signature.data, signature.size, message.data, message.size);
    if (result == 1) {
        return PINTLE_OK;
    }
    bool failed = key->kind == PTI_KEY_ED25519 ? ERR_peek_last_error() != none : result < 0;
    return failed ? PINTLE_ERR_MEMORY : PINTLE_ERR_TRUST;
}

static enum pintle_status provider_verify(struct pintle_crypto *crypto, void *opaque, struct pintle_bytes message,
                                          struct pintle_bytes signature)
{
    const struct key *key = opaque;
    (void)crypto;
    /* Malformed signatures end here, so that a failure further on is one of memory and not of what was signed. */
    bool formed = key->kind == PTI_KEY_ED25519 ? signature.size == PTI_ED25519_SIGNATURE_SIZE
                                               : pti_p256_signature_is_der(signature);
    if (!formed) {
        return PINTLE_ERR_TRUST;
    }
    ERR_set_mark();
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    enum pintle_status status = digest_verify(key, digest, message, signature);
    EVP_MD_CTX_free(digest);
    ERR_pop_to_mark();
    return status;
}

static void provider_destroy(struct pintle_crypto *crypto)
{
    struct provider *provider = provider_of(crypto);
    for (size_t i = 0; i < SLOTS; i++) {
        EVP_MD_CTX_free(atomic_load_explicit(&provider->slots[i].digest, memory_order_acquire));
    }
    EC_GROUP_free(provider->p256);
    EVP_MD_free(provider->sha256);
    free(provider);
}

static const struct pti_crypto_ops ops = {
    .name = "openssl",
    .sha256 = provider_sha256,
    .key_new = provider_key_new,
    .key_free = provider_key_free,
    .verify = provider_verify,
    .destroy = provider_destroy,
};

/* Each context is initialised here, so that taking it later allocates nothing. */
static bool fill_slots(struct provider *provider)
{
    for (size_t i = 0; i < SLOTS; i++) {
        EVP_MD_CTX *digest = EVP_MD_CTX_new();
        atomic_init(&provider->slots[i].digest, digest);
        if (digest == NULL || EVP_DigestInit_ex2(digest, provider->sha256, NULL) != 1) {
            return false;
        }
    }
    return true;
}

enum pintle_status pintle_crypto_openssl_new(struct pintle_crypto **crypto)
{
    *crypto = NULL;
    struct provider *provider = calloc(1, sizeof *provider);
    if (provider == NULL) {
        return PINTLE_ERR_MEMORY;
    }
    provider->base.ops = &ops;
    atomic_init(&provider->base.references, 1);
    enum pintle_status status = PINTLE_ERR_UNSUPPORTED;
    ERR_set_mark();
    provider->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (provider->sha256 != NULL) {
        provider->p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
        status = provider->p256 != NULL && fill_slots(provider) ? PINTLE_OK : PINTLE_ERR_MEMORY;
    }
    ERR_pop_to_mark();
    if (status != PINTLE_OK) {
        provider_destroy(&provider->base);
        return status;
    }
    *crypto = &provider->base;
    return PINTLE_OK;
}
