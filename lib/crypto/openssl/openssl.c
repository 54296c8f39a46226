/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider over OpenSSL 3.  Everything that costs a lookup by name is done once, when a key is made.  Nothing stays
 * behind in OpenSSL's error queue, which belongs to the application.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "crypto/libcrypto/libcrypto.h"

struct provider {
    struct pintle_crypto base;
    EC_GROUP *p256;
    EVP_PKEY
    *p256_empty; /* the curve without a point; each key is a copy of it, at a quarter of what a new one costs */
};

/* Ready to verify under one key; copied for each signature and never used itself, so that threads may share it. */
struct key {
    EVP_PKEY_CTX *p256;    /* takes a digest; else NULL, and ... */
    EVP_MD_CTX *message;   /* ... takes the message: EdDSA, RSA */
    size_t signature_size; /* of message */
};

static struct provider *provider_of(struct pintle_crypto *crypto)
{
    return (struct provider *)crypto; /* base is the first member */
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

/* OpenSSL proves that the point is on the curve when it takes it. */
static EVP_PKEY *p256_pkey(const struct provider *provider, const struct pti_p256_point *point, struct pti_error *error)
{
    EVP_PKEY *pkey = EVP_PKEY_dup(provider->p256_empty);
    if (pkey == NULL) {
        pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
    } else if (EVP_PKEY_set1_encoded_public_key(pkey, point->bytes, point->size) != 1) {
        (void)pti_libcrypto_point_failed(provider->p256, point, error);
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    return pkey;
}

/* P-256 without a point. */
static EVP_PKEY *p256_empty_new(void)
{
    char group[] = SN_X9_62_prime256v1;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (make != NULL && EVP_PKEY_fromdata_init(make) == 1) {
        (void)EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_KEY_PARAMETERS, params);
    }
    EVP_PKEY_CTX_free(make);
    return pkey;
}

/* What is malformed was refused before, so that a failure is OpenSSL's own. */
static EVP_PKEY *rsa_pkey(const struct pti_rsa_key *key, struct pti_error *error)
{
    const uint8_t *at = key->der;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)key->size);

    if (pkey == NULL)
        pti_fail(error, PINTLE_ERR_MEMORY, "RSA key: out of memory");
    return pkey;
}

/* The parsed key, and the bytes that identify it: its kind, then its one encoding. */
#define IDENTIFYING_SIZE (1 + PTI_RSA_SPKI_MAX)
static enum pintle_status read_key(const struct provider *provider, enum pti_key_kind kind, struct pintle_bytes text,
                                   EVP_PKEY **pkey, uint8_t identifying[IDENTIFYING_SIZE], size_t *size,
                                   struct pti_error *error)
{
    struct pti_p256_point point;
    struct pti_rsa_key rsa;
    enum pintle_status status = PINTLE_ERR_MISUSE;
    *pkey = NULL;
    identifying[0] = (uint8_t)kind;
    switch (kind) {
    case PTI_KEY_ED25519:
        *pkey = ed25519_pkey(text, error);
        if (*pkey != NULL || error->status == PINTLE_ERR_UNSUPPORTED) {
            memcpy(identifying + 1, text.data, text.size);
            *size = 1 + text.size;
        }
        return *pkey != NULL ? PINTLE_OK : error->status;
    case PTI_KEY_ECDSA_P256:
        status = pti_p256_read_pem(text, &point, error);
        if (status == PINTLE_OK) {
            status = pti_libcrypto_uncompress(provider->p256, &point, error);
        }
        if (status == PINTLE_OK) {
            *pkey = p256_pkey(provider, &point, error);
            memcpy(identifying + 1, point.bytes, point.size);
            *size = 1 + point.size;
        }
        return status != PINTLE_OK || *pkey != NULL ? status : error->status;
    case PTI_KEY_RSA_PSS:
        status = pti_rsa_read_pem(text, &rsa, error);
        if (status == PINTLE_OK) {
            *pkey = rsa_pkey(&rsa, error);
            memcpy(identifying + 1, rsa.der, rsa.size);
            *size = 1 + rsa.size;
        }
        return status != PINTLE_OK || *pkey != NULL ? status : error->status;
    }
    return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "expected an Ed25519, ECDSA P-256 or RSA key, found kind %d",
                    (int)kind);
}

static void provider_key_free(struct pintle_crypto *crypto, void *opaque)
{
    struct key *key = opaque;
    (void)crypto;
    if (key != NULL) {
        EVP_PKEY_CTX_free(key->p256);
        EVP_MD_CTX_free(key->message);
        free(key);
    }
}

static bool prepare_message(struct key *key, const EVP_MD *digest, EVP_PKEY *pkey, EVP_PKEY_CTX **settings)
{
    key->signature_size = (size_t)EVP_PKEY_get_size(pkey);
    key->message = EVP_MD_CTX_new();
    return key->message != NULL && EVP_DigestVerifyInit(key->message, settings, digest, NULL, pkey) == 1;
}

static bool prepare(struct key *key, enum pti_key_kind kind, EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *settings = NULL; /* the context's own */
    switch (kind) {
    case PTI_KEY_ED25519:
        return prepare_message(key, NULL, pkey, NULL);
    case PTI_KEY_ECDSA_P256:
        key->p256 = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
        return key->p256 != NULL && EVP_PKEY_verify_init(key->p256) == 1;
    case PTI_KEY_RSA_PSS:
        return prepare_message(key, EVP_sha256(), pkey, &settings) &&
               EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_AUTO) == 1;
    }
    return false;
}

static enum pintle_status key_make(struct provider *provider, enum pti_key_kind kind, struct pintle_bytes text,
                                   struct key **key, uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    uint8_t identifying[IDENTIFYING_SIZE];
    size_t size = 0;
    EVP_PKEY *pkey = NULL;
    enum pintle_status status = read_key(provider, kind, text, &pkey, identifying, &size, error);
    if (status == PINTLE_ERR_UNSUPPORTED && size > 0) {
        (void)pti_sha256(&provider->base, (struct pintle_bytes){identifying, size}, identity);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    struct key *made = calloc(1, sizeof *made);
    if (made == NULL || !prepare(made, kind, pkey) ||
        pti_sha256(&provider->base, (struct pintle_bytes){identifying, size}, identity) != PINTLE_OK) {
        provider_key_free(&provider->base, made);
        made = NULL;
        status = pti_fail(error, PINTLE_ERR_MEMORY, "public key: out of memory");
    }
    EVP_PKEY_free(pkey); /* what was prepared keeps its own reference */
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
    enum pintle_status status = key_make(provider_of(crypto), kind, public_key, &made, identity,
                                         error == NULL ? &ignored : error);
    ERR_pop_to_mark();
    *key = made;
    return status;
}

static enum pintle_status verify_p256(struct pintle_crypto *crypto, const struct key *key, struct pintle_bytes message,
                                      struct pintle_bytes signature)
{
    /* What is malformed ends here, so that a failure further on is OpenSSL's own and not the signature's. */
    struct pti_p256_signature parsed;
    if (!pti_p256_signature_read(signature, &parsed)) {
        return PINTLE_ERR_TRUST;
    }
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status = pti_sha256(crypto, message, digest);
    if (status != PINTLE_OK) {
        return status;
    }
    EVP_PKEY_CTX *verify = EVP_PKEY_CTX_dup(key->p256);
    int result = verify == NULL ? -1 : EVP_PKEY_verify(verify, signature.data, signature.size, digest, sizeof digest);
    EVP_PKEY_CTX_free(verify);
    return result == 1 ? PINTLE_OK : result == 0 ? PINTLE_ERR_TRUST : PINTLE_ERR_MEMORY;
}

/* True if there is memory for what a verification makes itself: the context of a digest. */
static bool can_hash(void)
{
    EVP_MD *sha512 = EVP_MD_fetch(NULL, SN_sha512, NULL);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool can = sha512 != NULL && hash != NULL && EVP_DigestInit_ex2(hash, sha512, NULL) == 1;

    EVP_MD_CTX_free(hash);
    EVP_MD_free(sha512);
    return can;
}

static enum pintle_status verify_message_once(const struct key *key, struct pintle_bytes message,
                                              struct pintle_bytes signature, bool ensure_memory)
{
    enum pintle_status status = PINTLE_ERR_MEMORY;
    EVP_MD_CTX *verify = EVP_MD_CTX_new();

    if (verify != NULL && EVP_MD_CTX_copy_ex(verify, key->message) == 1 && (!ensure_memory || can_hash()))
        status = EVP_DigestVerify(verify, signature.data, signature.size, message.data, message.size) == 1
                     ? PINTLE_OK
                     : PINTLE_ERR_TRUST;
    EVP_MD_CTX_free(verify);
    return status;
}

/*
 * OpenSSL 3.0 says the same to a wrong signature and to a lack of memory, which must not make a signer look like a
 * forger.  So a refusal counts only if it is repeated when memory is there.
 */
static enum pintle_status verify_message(const struct key *key, struct pintle_bytes message,
                                         struct pintle_bytes signature)
{
    enum pintle_status status;

    if (signature.size != key->signature_size)
        return PINTLE_ERR_TRUST;
    status = verify_message_once(key, message, signature, false);
    return status == PINTLE_ERR_TRUST ? verify_message_once(key, message, signature, true) : status;
}

static enum pintle_status provider_verify(struct pintle_crypto *crypto, void *opaque, struct pintle_bytes message,
                                          struct pintle_bytes signature)
{
    const struct key *key = opaque;
    ERR_set_mark();
    enum pintle_status status = key->p256 != NULL ? verify_p256(crypto, key, message, signature)
                                                  : verify_message(key, message, signature);
    ERR_pop_to_mark();
    return status;
}

static void provider_destroy(struct pintle_crypto *crypto)
{
    struct provider *provider = provider_of(crypto);
    EC_GROUP_free(provider->p256);
    EVP_PKEY_free(provider->p256_empty);
    free(provider);
}

static const struct pti_crypto_ops ops = {
    .name = "openssl",
    .sha256 = pti_libcrypto_sha256,
    .key_new = provider_key_new,
    .key_free = provider_key_free,
    .verify = provider_verify,
    .destroy = provider_destroy,
};

enum pintle_status pintle_crypto_openssl_new(struct pintle_crypto **crypto)
{
    if (crypto == NULL)
        return PINTLE_ERR_MISUSE;
    *crypto = NULL;
    struct provider *provider = calloc(1, sizeof *provider);
    if (provider == NULL) {
        return PINTLE_ERR_MEMORY;
    }
    provider->base.ops = &ops;
    atomic_init(&provider->base.references, 1);
    ERR_set_mark();
    provider->p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    bool missing = provider->p256 == NULL && ERR_GET_REASON(ERR_peek_last_error()) == EC_R_UNKNOWN_GROUP;
    provider->p256_empty = provider->p256 != NULL ? p256_empty_new() : NULL;
    ERR_pop_to_mark();
    if (provider->p256_empty == NULL) {
        provider_destroy(&provider->base);
        return missing ? PINTLE_ERR_UNSUPPORTED : PINTLE_ERR_MEMORY;
    }
    *crypto = &provider->base;
    return PINTLE_OK;
}
