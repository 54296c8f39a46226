/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures to both crypto providers, which must be of one opinion (docs/design/0011-crypto-providers.md).  The
 * first byte says what: 'p' a P-256 key, 'r' an RSA key (DER, which is put into PEM here), 't' either in PEM as it stands,
 * 's' an ECDSA signature under a fixed key, 'v' an RSA-PSS signature under a fixed key of 2048 bits.
 */
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "fuzz.h"

#define DER_MAX 3000
#define LINE 64

static const char p256_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                               "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
                               "-----END PUBLIC KEY-----\n";
static const char rsa_pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv0TXZBfCQ1O4UiWmlb5s\n"
                              "T8oEUV9k7AZ6Qu5OY+q/7KYg03in7XVqsD+EXzAzgtyZ7O1MrZBe0kvG8g/wOFk7\n"
                              "NAgdQ/Al23BR3K8ggoEfOo3B4hki+LE0bk1CmwJy/PguzCzwu4u6DXAvZKB9zwni\n"
                              "TNRAQi+pWf9JoU4awpRkTk7CXvFZaUoVaakZ2r5D7jfzFPP0XFlgDWsr1SBd6zcT\n"
                              "imkc2wl8hrzX48Jvx+JhcKioXR3yIAtY+pQU9S7Y074627MrVpaEaSXYgvy+1LBC\n"
                              "KdvJrqfXN4PkxDU3VDKsnm3oWZszC+Dps+4HT1Jh2DURHl3V1rjugj6fd1JaxBYt\n"
                              "YQIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";

enum { PROVIDERS = 2 };

static struct pintle_crypto *const *providers(void)
{
    static struct pintle_crypto *both[PROVIDERS];

    REQUIRE(both[0] != NULL ||
            (pintle_crypto_openssl_new(&both[0]) == PINTLE_OK && pintle_crypto_mbedtls_new(&both[1]) == PINTLE_OK));
    return both;
}

static void verify(void *const *keys, struct pintle_bytes message, struct pintle_bytes signature)
{
    enum pintle_status statuses[PROVIDERS];

    for (size_t i = 0; i < PROVIDERS; i++)
        statuses[i] = providers()[i]->ops->verify(providers()[i], keys[i], message, signature);
    REQUIRE(statuses[0] == statuses[1] && (statuses[0] == PINTLE_OK || statuses[0] == PINTLE_ERR_TRUST));
}

/* Reads text with both; with a key, verifies signature. */
static void read_key(enum pti_key_kind kind, struct pintle_bytes text, struct pintle_bytes signature)
{
    static const struct pintle_bytes message = {(const uint8_t *)"test", 4};
    uint8_t identities[PROVIDERS][PINTLE_SHA256_SIZE];
    enum pintle_status statuses[PROVIDERS];
    void *keys[PROVIDERS];

    for (size_t i = 0; i < PROVIDERS; i++) {
        struct pti_error error = {PINTLE_OK, ""};

        statuses[i] = providers()[i]->ops->key_new(providers()[i], kind, text, &keys[i], identities[i], &error);
        REQUIRE((statuses[i] == PINTLE_OK) == (keys[i] != NULL) && (keys[i] != NULL) == (error.detail[0] == '\0'));
    }
    REQUIRE(statuses[0] == statuses[1] || (statuses[0] == PINTLE_OK && statuses[1] == PINTLE_ERR_UNSUPPORTED));
    REQUIRE(statuses[0] != PINTLE_OK || memcmp(identities[0], identities[1], PINTLE_SHA256_SIZE) == 0);
    if (keys[0] != NULL && keys[1] != NULL)
        verify(keys, message, signature);
    for (size_t i = 0; i < PROVIDERS; i++)
        providers()[i]->ops->key_free(providers()[i], keys[i]);
}

static void read_der(enum pti_key_kind kind, struct pintle_bytes der)
{
    static const uint8_t numbers[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01};
    char base64[PTI_BASE64_SIZE(DER_MAX) + 1];
    struct pti_buf pem;

    if (der.size > DER_MAX)
        return;
    pti_base64_encode(der.data, der.size, base64);
    pti_buf_init(&pem, 2 * sizeof(base64));
    pti_buf_text(&pem, "-----BEGIN PUBLIC KEY-----\n");
    for (size_t at = 0; at < strlen(base64); at += LINE)
        pti_buf_printf(&pem, "%.*s\n", LINE, base64 + at);
    pti_buf_text(&pem, "-----END PUBLIC KEY-----\n");
    read_key(kind, pti_buf_bytes(&pem), (struct pintle_bytes){numbers, sizeof(numbers)});
    pti_buf_clear(&pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pintle_bytes rest;

    if (size == 0)
        return 0;
    rest = (struct pintle_bytes){data + 1, size - 1};
    if (data[0] == 'p') {
        read_der(PTI_KEY_ECDSA_P256, rest);
    } else if (data[0] == 'r') {
        read_der(PTI_KEY_RSA_PSS, rest);
    } else if (data[0] == 't') {
        read_key(PTI_KEY_ECDSA_P256, rest, rest);
        read_key(PTI_KEY_RSA_PSS, rest, rest);
    } else if (data[0] == 's') {
        read_key(PTI_KEY_ECDSA_P256, pti_bytes_text(p256_pem), rest);
    } else if (data[0] == 'v') {
        read_key(PTI_KEY_RSA_PSS, pti_bytes_text(rsa_pem), rest);
    }
    return 0;
}
