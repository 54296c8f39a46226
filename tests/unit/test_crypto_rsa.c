/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys and RSASSA-PSS signatures, made with the openssl command; also while memory is short. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/encode.h"
#include "providers.h"

static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAv0TXZBfCQ1O4UiWmlb5s\n"
                          "T8oEUV9k7AZ6Qu5OY+q/7KYg03in7XVqsD+EXzAzgtyZ7O1MrZBe0kvG8g/wOFk7\n"
                          "NAgdQ/Al23BR3K8ggoEfOo3B4hki+LE0bk1CmwJy/PguzCzwu4u6DXAvZKB9zwni\n"
                          "TNRAQi+pWf9JoU4awpRkTk7CXvFZaUoVaakZ2r5D7jfzFPP0XFlgDWsr1SBd6zcT\n"
                          "imkc2wl8hrzX48Jvx+JhcKioXR3yIAtY+pQU9S7Y074627MrVpaEaSXYgvy+1LBC\n"
                          "KdvJrqfXN4PkxDU3VDKsnm3oWZszC+Dps+4HT1Jh2DURHl3V1rjugj6fd1JaxBYt\n"
                          "YQIDAQAB\n"
                          "-----END PUBLIC KEY-----\n";

/* Of "abc", with a salt of 32 bytes. */
static const char signature_hex[] = "bd97f150972b43fd87a5246d72fefcdf6787b6514376fe0f43cd6f934e7a1626"
                                    "2fce9fcf179ba775798d1a38344848343c2402a63a7786e5c252de894e12bb77"
                                    "43d90012caee67a85cec0367c1da6a10bf2f5787e02920244f14ca9a621bd875"
                                    "b49cdf49b59866b7dfe3656b88eb648024e7399e67ee94fad4b061a532f28303"
                                    "08f02308158aacc38e850cb9a83171070417abcf9c14058e6ecfbceb623df78e"
                                    "423f7b07a3c17e635c310dd31cb6afaca0a92a254dbb6378a7c7f823c4b3f3f8"
                                    "558647e50425efc9cbb531b910b6612fb8151fc1d5165049621b275dbbc417f8"
                                    "45d180a84ccf5612a842107983f4c572a076a26eee93b9fbd94679d672cc6c83";

static long left = -1; /* allocations of OpenSSL's until the one that fails; negative: none does */

static bool denied(void)
{
    return left >= 0 && left-- == 0;
}

static void *scarce_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return denied() ? NULL : malloc(size);
}

static void *scarce_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return denied() ? NULL : realloc(block, size);
}

static void plain_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    free(block);
}

static struct pintle_crypto *crypto;

static int setup(void **state)
{
    (void)state;
    return provider_new(&crypto) == PINTLE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    pintle_crypto_free(crypto);
    return 0;
}

static enum pintle_status key_new(struct pintle_bytes text, void **key, uint8_t identity[PINTLE_SHA256_SIZE])
{
    struct pti_error error;
    enum pintle_status status = crypto->ops->key_new(crypto, PTI_KEY_RSA_PSS, text, key, identity, &error);

    assert_true((status == PINTLE_OK) == (*key != NULL));
    return status;
}

static struct pintle_bytes signature(uint8_t out[256])
{
    size_t size = 0;

    assert_true(pti_hex_decode(pti_bytes_text(signature_hex), out, 256, &size));
    return (struct pintle_bytes){out, size};
}

static void test_signatures(void **state)
{
    uint8_t identity[PINTLE_SHA256_SIZE], bytes[256];
    struct pintle_bytes right = signature(bytes);
    void *key;

    (void)state;
    assert_int_equal(key_new(pti_bytes_text(pem), &key, identity), PINTLE_OK);
    assert_int_equal(crypto->ops->verify(crypto, key, pti_bytes_text("abc"), right), PINTLE_OK);
    assert_int_equal(crypto->ops->verify(crypto, key, pti_bytes_text("abd"), right), PINTLE_ERR_TRUST);
    assert_int_equal(crypto->ops->verify(crypto, key, pti_bytes_text("abc"), (struct pintle_bytes){bytes, 255}),
                     PINTLE_ERR_TRUST);
    bytes[100] ^= 1;
    assert_int_equal(crypto->ops->verify(crypto, key, pti_bytes_text("abc"), right), PINTLE_ERR_TRUST);
    memset(bytes, 0xff, sizeof bytes); /* larger than the modulus */
    assert_int_equal(crypto->ops->verify(crypto, key, pti_bytes_text("abc"), right), PINTLE_ERR_TRUST);
    crypto->ops->key_free(crypto, key);
}

/* The key in DER, changed at one place, as PEM again. */
static enum pintle_status changed_key(size_t at, uint8_t value, size_t more)
{
    static const char head[] = "-----BEGIN PUBLIC KEY-----\n", foot[] = "\n-----END PUBLIC KEY-----\n";
    uint8_t identity[PINTLE_SHA256_SIZE], der[600] = {0};
    char base64[800], text[900], again[900];
    size_t size = 0, used = 0;
    enum pintle_status status;
    void *key;

    for (const char *c = pem + sizeof head - 1; *c != '-'; c++)
        if (*c != '\n')
            base64[used++] = *c;
    assert_true(pti_base64_decode((struct pintle_bytes){(const uint8_t *)base64, used}, der, sizeof der, &size));
    assert_int_equal(size, 294);
    der[at] = value;
    pti_base64_encode(der, size + more, again);
    (void)snprintf(text, sizeof text, "%s%s%s", head, again, foot);
    status = key_new(pti_bytes_text(text), &key, identity);
    crypto->ops->key_free(crypto, key);
    return status;
}

static void test_keys(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        size_t more;
        enum pintle_status want;
    } cases[] = {
        {"as it is", 0, 0x30, 0, PINTLE_OK},
        {"no SEQUENCE", 0, 0x31, 0, PINTLE_ERR_INPUT},
        {"a byte after it", 0, 0x30, 1, PINTLE_ERR_INPUT},
        {"length too small", 3, 0x21, 0, PINTLE_ERR_INPUT},
        {"length too large", 3, 0x23, 0, PINTLE_ERR_INPUT},
        {"length in a form of its own", 1, 0x83, 0, PINTLE_ERR_INPUT},
        {"indefinite length", 1, 0x80, 0, PINTLE_ERR_INPUT},
        {"another algorithm", 16, 0x0a, 0, PINTLE_ERR_INPUT},
        {"parameters that are not NULL", 17, 0x04, 0, PINTLE_ERR_INPUT},
        {"unused bits", 23, 0x01, 0, PINTLE_ERR_INPUT},
        {"no modulus", 28, 0x03, 0, PINTLE_ERR_INPUT},
        {"a modulus with a needless zero", 33, 0x3f, 0, PINTLE_ERR_INPUT},
        {"a negative modulus", 32, 0x80, 0, PINTLE_ERR_INPUT},
        {"a negative exponent", 291, 0x81, 0, PINTLE_ERR_INPUT},
        {"an exponent with a needless zero", 291, 0x00, 0, PINTLE_ERR_INPUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum pintle_status status = changed_key(cases[i].at, cases[i].value, cases[i].more);

        if (status != cases[i].want)
            fail_msg("%s: expected %s, found %s", cases[i].name, pintle_status_name(cases[i].want),
                     pintle_status_name(status));
    }
}

/* A lack of memory never makes a wrong signature right, nor a right key wrong or another's. */
static void test_short_of_memory(void **state)
{
    uint8_t identity[PINTLE_SHA256_SIZE], other_identity[PINTLE_SHA256_SIZE], bytes[256];
    struct pintle_bytes right = signature(bytes);
    void *key, *other;
    long total = 0;

    (void)state;
    if (!provider_takes(PTI_KEY_ED25519)) {
        provider_leaves_out("lack of memory", "test_crypto_mbedtls_memory does that");
        return;
    }
    assert_int_equal(key_new(pti_bytes_text(pem), &key, identity), PINTLE_OK);
    for (bool more = true; more; total++) {
        enum pintle_status made, accepted, refused;

        left = total;
        made = key_new(pti_bytes_text(pem), &other, other_identity);
        more = left < 0;
        left = total;
        accepted = crypto->ops->verify(crypto, key, pti_bytes_text("abc"), right);
        more = more || left < 0;
        left = total;
        refused = crypto->ops->verify(crypto, key, pti_bytes_text("abd"), right);
        more = more || left < 0;
        left = -1;
        assert_true(made == PINTLE_OK ? memcmp(identity, other_identity, sizeof identity) == 0
                                      : made == PINTLE_ERR_MEMORY);
        assert_true(accepted == PINTLE_OK || accepted == PINTLE_ERR_MEMORY);
        assert_true(refused == PINTLE_ERR_TRUST || refused == PINTLE_ERR_MEMORY);
        crypto->ops->key_free(crypto, other);
    }
    assert_true(total > 10);
    crypto->ops->key_free(crypto, key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_short_of_memory),
    };

    if (CRYPTO_set_mem_functions(scarce_malloc, scarce_realloc, plain_free) != 1)
        return EXIT_FAILURE;
    return cmocka_run_group_tests(tests, setup, teardown);
}
