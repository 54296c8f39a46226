/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys and signatures out of metadata, with the real provider.  The first byte says what: 'e' an Ed25519 key, 'p' a
 * P-256 key, 'r' an RSA key (of both, DER, which is put into PEM here), 't' such a key in PEM as it stands, 's' an ECDSA
 * signature.  What is taken for a key has one identity and verifies nothing by chance; a signature is DER exactly if
 * OpenSSL would write it so.
 */
#include <string.h>

#include <openssl/ecdsa.h>

#include "base/buf.h"
#include "base/encode.h"
#include "crypto/public_key.h"
#include "fuzz.h"

#define DER_MAX 8192
#define LINE 64

static struct pintle_crypto *provider(void)
{
    static struct pintle_crypto *crypto;

    REQUIRE(crypto != NULL || pintle_crypto_openssl_new(&crypto) == PINTLE_OK);
    return crypto;
}

static void read_key(enum pti_key_kind kind, struct pintle_bytes text)
{
    static const uint8_t message[] = "message", zeros[64];
    struct pintle_crypto *crypto = provider();
    uint8_t identity[PINTLE_SHA256_SIZE], again[PINTLE_SHA256_SIZE];
    struct pti_error error = {PINTLE_OK, ""};
    void *key = NULL, *other = NULL;

    if (crypto->ops->key_new(crypto, kind, text, &key, identity, &error) != PINTLE_OK) {
        REQUIRE(key == NULL && error.detail[0] != '\0');
        return;
    }
    REQUIRE(crypto->ops->key_new(crypto, kind, text, &other, again, NULL) == PINTLE_OK);
    REQUIRE(memcmp(identity, again, sizeof(identity)) == 0);
    REQUIRE(crypto->ops->verify(crypto, key, (struct pintle_bytes){message, sizeof(message)},
                                (struct pintle_bytes){zeros, sizeof(zeros)}) == PINTLE_ERR_TRUST);
    crypto->ops->key_free(crypto, other);
    crypto->ops->key_free(crypto, key);
}

static void read_der(enum pti_key_kind kind, struct pintle_bytes der)
{
    char base64[PTI_BASE64_SIZE(DER_MAX) + 1];
    struct pti_buf pem;

    if (der.size > DER_MAX) {
        return;
    }
    pti_base64_encode(der.data, der.size, base64);
    pti_buf_init(&pem, 2 * sizeof(base64));
    pti_buf_text(&pem, "-----BEGIN PUBLIC KEY-----\n");
    for (size_t at = 0; at < strlen(base64); at += LINE) {
        pti_buf_printf(&pem, "%.*s\n", LINE, base64 + at);
    }
    pti_buf_text(&pem, "-----END PUBLIC KEY-----\n");
    read_key(kind, pti_buf_bytes(&pem));
    pti_buf_clear(&pem);
}

/* Positive and at most 256 bits. */
static bool in_range(const BIGNUM *number)
{
    return !BN_is_negative(number) && !BN_is_zero(number) && BN_num_bits(number) <= 256;
}

static void read_signature(struct pintle_bytes bytes)
{
    const uint8_t *at = bytes.data;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)bytes.size);
    struct pti_p256_signature parsed;
    uint8_t *out = NULL;
    int size = signature != NULL ? i2d_ECDSA_SIG(signature, &out) : 0;
    bool same = size > 0 && (size_t)size == bytes.size && memcmp(out, bytes.data, bytes.size) == 0;

    same = same && in_range(ECDSA_SIG_get0_r(signature)) && in_range(ECDSA_SIG_get0_s(signature));
    REQUIRE(pti_p256_signature_read(bytes, &parsed) == same);
    OPENSSL_free(out);
    ECDSA_SIG_free(signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pintle_bytes rest;

    if (size == 0) {
        return 0;
    }
    rest = (struct pintle_bytes){data + 1, size - 1};
    if (data[0] == 'e') {
        read_key(PTI_KEY_ED25519, rest);
    } else if (data[0] == 'p') {
        read_der(PTI_KEY_ECDSA_P256, rest);
    } else if (data[0] == 'r') {
        read_der(PTI_KEY_RSA_PSS, rest);
    } else if (data[0] == 't') {
        read_key(PTI_KEY_ECDSA_P256, rest);
        read_key(PTI_KEY_RSA_PSS, rest);
    } else if (data[0] == 's') {
        read_signature(rest);
    }
    return 0;
}
