/* SPDX-License-Identifier: Apache-2.0 */
/* Pins from certificates, keys and requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "publish/key_source.h"
#include "scratch.h"

#define KEYS "tests/vectors/keys/"
/* openssl pkey -pubout -outform DER | sha256 | base64; and of the certificate */
#define SPKI_PIN "TFOvQ1K+AIIbjh3rXt2P/KPzRyFGzLDwOqKc7x2j8uM="
#define CERT_PIN "+ZSVnoaIUrar1eoK53CjCrWgvZg9j0rLXykRNjWm9fY="

static void assert_pin(const uint8_t sha256[PINTLE_SHA256_SIZE], const char *want)
{
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(sha256, PINTLE_SHA256_SIZE, text);
    assert_string_equal(text, want);
}

static void test_every_form_of_one_key_gives_one_pin(void **state)
{
    static const struct {
        enum pti_key_source source;
        const char *path, *passphrase;
        enum pintle_of of;
        const char *want;
    } table[] = {
        {PTI_KEY_SOURCE_KEY, KEYS "p256.pem", NULL, PINTLE_OF_SPKI, SPKI_PIN},
        {PTI_KEY_SOURCE_KEY, KEYS "p256-sec1.pem", NULL, PINTLE_OF_SPKI, SPKI_PIN},
        {PTI_KEY_SOURCE_KEY, KEYS "p256-encrypted.pem", "correct", PINTLE_OF_SPKI, SPKI_PIN},
        {PTI_KEY_SOURCE_KEY, KEYS "p256-public.pem", NULL, PINTLE_OF_SPKI, SPKI_PIN},
        {PTI_KEY_SOURCE_CSR, KEYS "p256-request.pem", NULL, PINTLE_OF_SPKI, SPKI_PIN},
        {PTI_KEY_SOURCE_CERTIFICATE, KEYS "p256-certificate.pem", NULL, PINTLE_OF_SPKI, SPKI_PIN},
        {PTI_KEY_SOURCE_CERTIFICATE, KEYS "p256-certificate.pem", NULL, PINTLE_OF_CERT, CERT_PIN},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint8_t sha256[PINTLE_SHA256_SIZE];
        struct pintle_bytes data = scratch_read(scratch, table[i].path);
        scratch_ok(scratch, pti_key_source_pin(table[i].source, data, table[i].path, table[i].passphrase, table[i].of,
                                               scratch->crypto, sha256, &scratch->error));
        assert_pin(sha256, table[i].want);
        pti_bytes_free(&data);
    }
}

static void test_what_is_not_what_it_should_be_is_refused(void **state)
{
    static const struct {
        enum pti_key_source source;
        const char *path, *passphrase;
        enum pintle_of of;
        const char *text;
    } table[] = {
        {PTI_KEY_SOURCE_CERTIFICATE, KEYS "p256.pem", NULL, PINTLE_OF_SPKI,
         "expected an X.509 certificate, found \"PRIVATE KEY\"; use --key"},
        {PTI_KEY_SOURCE_KEY, KEYS "p256-certificate.pem", NULL, PINTLE_OF_SPKI,
         "expected a public or private key, found \"CERTIFICATE\"; use --cert"},
        {PTI_KEY_SOURCE_KEY, KEYS "p256-encrypted.pem", "wrong", PINTLE_OF_SPKI, "does not open this key"},
        {PTI_KEY_SOURCE_KEY, KEYS "p256-encrypted.pem", NULL, PINTLE_OF_SPKI, "no passphrase was given"},
        {PTI_KEY_SOURCE_CSR, KEYS "p256-certificate.pem", NULL, PINTLE_OF_SPKI,
         "expected a certificate request (PKCS#10), found \"CERTIFICATE\"; use --cert"},
        {PTI_KEY_SOURCE_CSR, KEYS "p256-request.pem", NULL, PINTLE_OF_CERT, "needs the certificate"},
        {PTI_KEY_SOURCE_KEY, KEYS "README.md", NULL, PINTLE_OF_SPKI, "private key in PEM or DER, found neither"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint8_t sha256[PINTLE_SHA256_SIZE];
        struct pintle_bytes data = scratch_read(scratch, table[i].path);
        scratch_refused(scratch,
                        pti_key_source_pin(table[i].source, data, table[i].path, table[i].passphrase, table[i].of,
                                           scratch->crypto, sha256, &scratch->error),
                        PINTLE_ERR_INPUT, table[i].text);
        pti_bytes_free(&data);
    }
}

/* DER of the first PEM block, decoded by hand so that the test does not lean on what it tests. */
static size_t der_of(struct scratch *scratch, const char *path, uint8_t *out, size_t size)
{
    struct pintle_bytes pem = scratch_read(scratch, path);
    char body[8192];
    size_t used = 0, decoded = 0;
    bool inside = false;

    for (size_t i = 0; i < pem.size;) {
        const char *line = (const char *)pem.data + i;
        size_t length = 0;
        while (i + length < pem.size && line[length] != '\n')
            length++;
        if (length >= 5 && memcmp(line, "-----", 5) == 0) {
            inside = !inside;
        } else if (inside) {
            memcpy(body + used, line, length);
            used += length;
        }
        i += length + 1;
    }
    assert_true(pti_base64_decode((struct pintle_bytes){(const uint8_t *)body, used}, out, size, &decoded));
    pti_bytes_free(&pem);
    return decoded;
}

static void test_der_files_are_read_too(void **state)
{
    static const struct {
        enum pti_key_source source;
        const char *path;
    } table[] = {
        {PTI_KEY_SOURCE_KEY, KEYS "p256.pem"},
        {PTI_KEY_SOURCE_KEY, KEYS "p256-public.pem"},
        {PTI_KEY_SOURCE_CSR, KEYS "p256-request.pem"},
        {PTI_KEY_SOURCE_CERTIFICATE, KEYS "p256-certificate.pem"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint8_t der[4096], sha256[PINTLE_SHA256_SIZE];
        struct pintle_bytes data = {der, der_of(scratch, table[i].path, der, sizeof(der) - 1)};
        scratch_ok(scratch, pti_key_source_pin(table[i].source, data, "test", NULL, PINTLE_OF_SPKI, scratch->crypto,
                                               sha256, &scratch->error));
        assert_pin(sha256, SPKI_PIN);
    }
}

/* Somebody else's public key in a request proves nothing: the self-signature decides. */
static void test_a_request_with_a_wrong_signature_gives_no_pin(void **state)
{
    struct scratch *scratch = *state;
    uint8_t der[4096], sha256[PINTLE_SHA256_SIZE];
    struct pintle_bytes data = {der, der_of(scratch, KEYS "p256-request.pem", der, sizeof(der))};

    der[data.size - 1] ^= 1;
    scratch_refused(scratch,
                    pti_key_source_pin(PTI_KEY_SOURCE_CSR, data, "test", NULL, PINTLE_OF_SPKI, scratch->crypto, sha256,
                                       &scratch->error),
                    PINTLE_ERR_INPUT, "proves no possession");
}

static void test_trailing_bytes_after_der_are_refused(void **state)
{
    struct scratch *scratch = *state;
    uint8_t der[4096], sha256[PINTLE_SHA256_SIZE];

    for (size_t i = 0; i < 3; i++) {
        static const char *const paths[] = {KEYS "p256-public.pem", KEYS "p256-certificate.pem",
                                            KEYS "p256-request.pem"};
        static const enum pti_key_source sources[] = {PTI_KEY_SOURCE_KEY, PTI_KEY_SOURCE_CERTIFICATE,
                                                      PTI_KEY_SOURCE_CSR};
        size_t size = der_of(scratch, paths[i], der, sizeof(der) - 1);
        der[size] = 0;
        scratch_refused(scratch,
                        pti_key_source_pin(sources[i], (struct pintle_bytes){der, size + 1}, "test", NULL,
                                           PINTLE_OF_SPKI, scratch->crypto, sha256, &scratch->error),
                        PINTLE_ERR_INPUT, "expected");
    }
}

/* A full chain file: the first certificate is the server's. */
static void test_the_first_certificate_of_a_chain_counts(void **state)
{
    struct scratch *scratch = *state;
    struct pintle_bytes key = scratch_read(scratch, KEYS "p256.pem");
    struct pintle_bytes certificate = scratch_read(scratch, KEYS "p256-certificate.pem");
    uint8_t sha256[PINTLE_SHA256_SIZE];
    struct pti_buf both;

    pti_buf_init(&both, 65536);
    pti_buf_append(&both, key.data, key.size); /* some tools put the key in front */
    pti_buf_append(&both, certificate.data, certificate.size);
    scratch_ok(scratch, pti_key_source_pin(PTI_KEY_SOURCE_CERTIFICATE, pti_buf_bytes(&both), "test", NULL,
                                           PINTLE_OF_CERT, scratch->crypto, sha256, &scratch->error));
    assert_pin(sha256, CERT_PIN);
    pti_buf_clear(&both);
    pti_bytes_free(&key);
    pti_bytes_free(&certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_every_form_of_one_key_gives_one_pin),
        SCRATCH_TEST(test_what_is_not_what_it_should_be_is_refused),
        SCRATCH_TEST(test_der_files_are_read_too),
        SCRATCH_TEST(test_a_request_with_a_wrong_signature_gives_no_pin),
        SCRATCH_TEST(test_trailing_bytes_after_der_are_refused),
        SCRATCH_TEST(test_the_first_certificate_of_a_chain_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
