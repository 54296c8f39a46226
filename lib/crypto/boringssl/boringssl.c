/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider over BoringSSL, by its low-level functions: they allocate little, look nothing up, and threads may verify
 * under one key.  Nothing stays behind in BoringSSL's error queue, which belongs to the application; but to read a
 * compressed point BoringSSL empties it.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include "crypto/libcrypto/libcrypto.h"

/* BoringSSL takes no RSA exponent that is longer (RSA_R_BAD_E_VALUE). */
#define EXPONENT_BYTES_MAX 4

struct provider {
    struct pintle_crypto base;
    EC_GROUP *p256;
};

struct key {
    enum pti_key_kind kind;
    uint8_t ed25519[PTI_ED25519_KEY_SIZE]; /* PTI_KEY_ED25519 */
    EC_KEY *p256;                          /* PTI_KEY_ECDSA_P256 */
    RSA *rsa;                              /* PTI_KEY_RSA_PSS */
};

/* The bytes that identify a key: its kind, then its one encoding. */
struct identifying {
    uint8_t bytes[1 + PTI_RSA_SPKI_MAX];
    size_t size;
};

static struct provider *provider_of(struct pintle_crypto *crypto)
{
    return (struct provider *)crypto; /* base is the first member */
}

static void identify(struct identifying *identifying, const uint8_t *encoding, size_t size)
{
    memcpy(identifying->bytes + 1, encoding, size);
    identifying->size = 1 + size;
}

static enum pintle_status read_ed25519(struct pintle_bytes text, struct key *key, struct identifying *identifying,
                                       struct pti_error *error)
{
    enum pintle_status status = pti_ed25519_check(text, error);

    if (status != PINTLE_OK)
        return status;
    memcpy(key->ed25519, text.data, sizeof key->ed25519);
    identify(identifying, text.data, text.size);
    return PINTLE_OK;
}

static enum pintle_status read_p256(const EC_GROUP *p256, struct pintle_bytes text, struct key *key,
                                    struct identifying *identifying, struct pti_error *error)
{
    struct pti_p256_point point;
    enum pintle_status status = pti_p256_read_pem(text, &point, error);
    EC_POINT *parsed;
    bool whole;

    if (status == PINTLE_OK)
        status = pti_libcrypto_uncompress(p256, &point, error);
    if (status != PINTLE_OK)
        return status;
    identify(identifying, point.bytes, point.size);
    parsed = pti_libcrypto_point(p256, &point, &whole);
    if (!whole) {
        status = pti_libcrypto_point_failed(p256, &point, error);
    } else {
        key->p256 = EC_KEY_new();
        if (key->p256 == NULL || EC_KEY_set_group(key->p256, p256) != 1 ||
            EC_KEY_set_public_key(key->p256, parsed) != 1)
            status = pti_fail(error, PINTLE_ERR_MEMORY, "P-256 key: out of memory");
    }
    EC_POINT_free(parsed);
    return status;
}

static RSA *make_rsa(const struct pti_rsa_key *numbers)
{
    RSA *rsa = RSA_new();
    BIGNUM *modulus = BN_bin2bn(numbers->modulus.data, numbers->modulus.size, NULL);
    BIGNUM *exponent = BN_bin2bn(numbers->exponent.data, numbers->exponent.size, NULL);

    if (rsa != NULL && modulus != NULL && exponent != NULL && RSA_set0_key(rsa, modulus, exponent, NULL) == 1)
        return rsa;
    RSA_free(rsa);
    BN_free(modulus);
    BN_free(exponent);
    return NULL;
}

static enum pintle_status read_rsa(struct pintle_bytes text, struct key *key, struct identifying *identifying,
                                   struct pti_error *error)
{
    struct pti_rsa_key numbers;
    enum pintle_status status = pti_rsa_read_pem(text, &numbers, error);

    if (status != PINTLE_OK)
        return status;
    identify(identifying, numbers.der, numbers.size);
    if (numbers.exponent.size > EXPONENT_BYTES_MAX)
        return pti_fail(
            error, PINTLE_ERR_UNSUPPORTED,
            "expected an RSA key with an exponent of at most %d bits, which is what BoringSSL takes, found one "
            "of %zu bytes; use ECDSA P-256 keys",
            EXPONENT_BYTES_MAX * 8, numbers.exponent.size);
    key->rsa = make_rsa(&numbers);
    return key->rsa != NULL ? PINTLE_OK : pti_fail(error, PINTLE_ERR_MEMORY, "RSA key: out of memory");
}

static void provider_key_free(struct pintle_crypto *crypto, void *opaque)
{
    struct key *key = opaque;

    (void)crypto;
    if (key != NULL) {
        EC_KEY_free(key->p256);
        RSA_free(key->rsa);
        free(key);
    }
}

static enum pintle_status read_key(const EC_GROUP *p256, struct pintle_bytes text, struct key *key,
                                   struct identifying *identifying, struct pti_error *error)
{
    switch (key->kind) {
    case PTI_KEY_ED25519:
        return read_ed25519(text, key, identifying, error);
    case PTI_KEY_ECDSA_P256:
        return read_p256(p256, text, key, identifying, error);
    case PTI_KEY_RSA_PSS:
        return read_rsa(text, key, identifying, error);
    }
    return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "expected an Ed25519, ECDSA P-256 or RSA key, found kind %d",
                    (int)key->kind);
}

static enum pintle_status provider_key_new(struct pintle_crypto *crypto, enum pti_key_kind kind,
                                           struct pintle_bytes public_key, void **key,
                                           uint8_t identity[PINTLE_SHA256_SIZE], struct pti_error *error)
{
    struct identifying identifying = {.size = 0};
    struct key *made = calloc(1, sizeof *made);
    enum pintle_status status;

    *key = NULL;
    memset(identity, 0, PINTLE_SHA256_SIZE);
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "public key: out of memory");
    made->kind = kind;
    identifying.bytes[0] = (uint8_t)kind;
    ERR_set_mark();
    status = read_key(provider_of(crypto)->p256, public_key, made, &identifying, error);
    ERR_pop_to_mark();
    if ((status == PINTLE_OK || status == PINTLE_ERR_UNSUPPORTED) && identifying.size > 0)
        (void)pti_sha256(crypto, (struct pintle_bytes){identifying.bytes, identifying.size}, identity);
    if (status == PINTLE_OK)
        *key = made;
    else
        provider_key_free(crypto, made);
    return status;
}

/*
 * Of what just failed: a wrong signature has a reason of the library's own, which begin at 100.  Below are those that all
 * libraries share, such as a lack of memory; and without memory there may be no error at all.
 */
static enum pintle_status verification_failed(void)
{
    return ERR_GET_REASON(ERR_peek_last_error()) >= 100 ? PINTLE_ERR_TRUST : PINTLE_ERR_MEMORY;
}

static enum pintle_status verify_p256(const EC_KEY *key, const uint8_t digest[PINTLE_SHA256_SIZE],
                                      struct pintle_bytes signature)
{
    struct pti_p256_signature numbers;
    enum pintle_status status = PINTLE_ERR_MEMORY;
    ECDSA_SIG *parsed;
    BIGNUM *r, *s;

    if (!pti_p256_signature_read(signature, &numbers))
        return PINTLE_ERR_TRUST;
    parsed = ECDSA_SIG_new();
    r = BN_bin2bn(numbers.r, sizeof numbers.r, NULL);
    s = BN_bin2bn(numbers.s, sizeof numbers.s, NULL);
    if (parsed != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(parsed, r, s) == 1) {
        r = s = NULL; /* they are its own now */
        status = ECDSA_do_verify(digest, PINTLE_SHA256_SIZE, parsed, key) == 1 ? PINTLE_OK : verification_failed();
    }
    ECDSA_SIG_free(parsed);
    BN_free(r);
    BN_free(s);
    return status;
}

static enum pintle_status verify_rsa(RSA *key, const uint8_t digest[PINTLE_SHA256_SIZE], struct pintle_bytes signature)
{
    const int any_salt = -2;

    if (signature.size != RSA_size(key))
        return PINTLE_ERR_TRUST;
    return RSA_verify_pss_mgf1(key, digest, PINTLE_SHA256_SIZE, EVP_sha256(), EVP_sha256(), any_salt, signature.data,
                               signature.size) == 1
               ? PINTLE_OK
               : verification_failed();
}

static enum pintle_status verify_ed25519(const struct key *key, struct pintle_bytes message,
                                         struct pintle_bytes signature)
{
    return signature.size == PTI_ED25519_SIGNATURE_SIZE &&
                   ED25519_verify(message.data, message.size, signature.data, key->ed25519) == 1
               ? PINTLE_OK
               : PINTLE_ERR_TRUST;
}

static enum pintle_status provider_verify(struct pintle_crypto *crypto, void *opaque, struct pintle_bytes message,
                                          struct pintle_bytes signature)
{
    const struct key *key = opaque;
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status;

    if (key->kind == PTI_KEY_ED25519)
        return verify_ed25519(key, message, signature);
    status = pti_sha256(crypto, message, digest);
    if (status != PINTLE_OK)
        return status;
    ERR_set_mark();
    status = key->kind == PTI_KEY_RSA_PSS ? verify_rsa(key->rsa, digest, signature)
                                          : verify_p256(key->p256, digest, signature);
    ERR_pop_to_mark();
    return status;
}

static void provider_destroy(struct pintle_crypto *crypto)
{
    struct provider *provider = provider_of(crypto);

    EC_GROUP_free(provider->p256);
    free(provider);
}

static const struct pti_crypto_ops ops = {
    .name = "boringssl",
    .sha256 = pti_libcrypto_sha256,
    .key_new = provider_key_new,
    .key_free = provider_key_free,
    .verify = provider_verify,
    .destroy = provider_destroy,
};

enum pintle_status pintle_crypto_boringssl_new(struct pintle_crypto **crypto)
{
    struct provider *provider;

    if (crypto == NULL)
        return PINTLE_ERR_MISUSE;
    *crypto = NULL;
    provider = calloc(1, sizeof *provider);
    if (provider == NULL)
        return PINTLE_ERR_MEMORY;
    provider->base.ops = &ops;
    atomic_init(&provider->base.references, 1);
    ERR_set_mark();
    provider->p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    ERR_pop_to_mark();
    if (provider->p256 == NULL) {
        provider_destroy(&provider->base);
        return PINTLE_ERR_MEMORY;
    }
    *crypto = &provider->base;
    return PINTLE_OK;
}
