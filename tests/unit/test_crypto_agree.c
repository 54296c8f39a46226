/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two providers are one opinion: the same keys and signatures, well formed or not, to OpenSSL and to mbedTLS; and, compiled
 * with BoringSSL's headers (tests/boringssl), to BoringSSL and to mbedTLS.  They may differ only in what one of them cannot
 * do, which it then says (PINTLE_ERR_UNSUPPORTED).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#ifndef OPENSSL_IS_BORINGSSL
#include <openssl/core_names.h>
#endif

#include "base/buf.h"
#include "base/crypto.h"
#include "base/encode.h"

#ifdef OPENSSL_IS_BORINGSSL
#define FIRST "BoringSSL"
#define first_new pintle_crypto_boringssl_new
#else
#define FIRST "OpenSSL"
#define first_new pintle_crypto_openssl_new
#endif

enum { FIRST_PROVIDER, MBEDTLS_PROVIDER, PROVIDERS };

static struct pintle_crypto *providers[PROVIDERS];
static const struct pintle_bytes message = {(const uint8_t *)"message", 7};

static int setup(void **state)
{
    (void)state;
    return first_new(&providers[FIRST_PROVIDER]) == PINTLE_OK &&
                   pintle_crypto_mbedtls_new(&providers[MBEDTLS_PROVIDER]) == PINTLE_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < PROVIDERS; i++)
        pintle_crypto_free(providers[i]);
    return 0;
}

/* ---- one key in both ---- */

struct pair {
    void *keys[PROVIDERS];
    enum pintle_status status; /* what both said */
};

static void pair_clear(struct pair *pair)
{
    for (size_t i = 0; i < PROVIDERS; i++)
        providers[i]->ops->key_free(providers[i], pair->keys[i]);
}

static bool is_sound(enum pintle_status status)
{
    return status == PINTLE_OK || status == PINTLE_ERR_UNSUPPORTED;
}

static struct pair read_key(const char *name, enum pti_key_kind kind, struct pintle_bytes text)
{
    uint8_t identities[PROVIDERS][PINTLE_SHA256_SIZE];
    enum pintle_status statuses[PROVIDERS];
    struct pti_error errors[PROVIDERS];
    struct pair pair;

    for (size_t i = 0; i < PROVIDERS; i++) {
        pti_error_clear(&errors[i]);
        statuses[i] = providers[i]->ops->key_new(providers[i], kind, text, &pair.keys[i], identities[i], &errors[i]);
        assert_int_equal(pair.keys[i] != NULL, statuses[i] == PINTLE_OK);
    }
    if (statuses[0] != statuses[1] && !(is_sound(statuses[0]) && is_sound(statuses[1])))
        fail_msg("%s: " FIRST " says %s (%s), mbedTLS %s (%s)", name, pintle_status_name(statuses[0]), errors[0].detail,
                 pintle_status_name(statuses[1]), errors[1].detail);
    if (is_sound(statuses[0]) && memcmp(identities[0], identities[1], PINTLE_SHA256_SIZE) != 0)
        fail_msg("%s: two identities", name);
    pair.status = statuses[1];
    return pair;
}

static enum pintle_status verify(const char *name, const struct pair *pair, struct pintle_bytes signature)
{
    enum pintle_status statuses[PROVIDERS];

    for (size_t i = 0; i < PROVIDERS; i++)
        statuses[i] = providers[i]->ops->verify(providers[i], pair->keys[i], message, signature);
    if (statuses[0] != statuses[1])
        fail_msg("%s: " FIRST " says %s, mbedTLS %s", name, pintle_status_name(statuses[0]),
                 pintle_status_name(statuses[1]));
    return statuses[0];
}

/* ---- what OpenSSL or BoringSSL makes ---- */

static EVP_PKEY *p256_key(void)
{
#ifdef OPENSSL_IS_BORINGSSL
    EVP_PKEY *key = EVP_PKEY_new();
    EC_KEY *made = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);

    assert_int_equal(EC_KEY_generate_key(made), 1);
    assert_int_equal(EVP_PKEY_assign_EC_KEY(key, made), 1);
#else
    EVP_PKEY *key = EVP_EC_gen("P-256");
#endif
    assert_non_null(key);
    return key;
}

static EVP_PKEY *rsa_key(unsigned bits)
{
#ifdef OPENSSL_IS_BORINGSSL
    EVP_PKEY *key = EVP_PKEY_new();
    RSA *made = RSA_new();
    BIGNUM *exponent = BN_new();

    assert_int_equal(BN_set_word(exponent, RSA_F4), 1);
    assert_int_equal(RSA_generate_key_ex(made, (int)bits, exponent, NULL), 1);
    assert_int_equal(EVP_PKEY_assign_RSA(key, made), 1);
    BN_free(exponent);
#else
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
#endif
    assert_non_null(key);
    return key;
}

static struct pintle_bytes pem_of(EVP_PKEY *key, char *text, size_t size)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int count;

    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    count = BIO_read(bio, text, (int)size);
    assert_in_range(count, 1, size - 1);
    text[count] = '\0';
    BIO_free(bio);
    return pti_bytes_text(text);
}

static struct pintle_bytes pem_of_der(const uint8_t *der, size_t size, char *text, size_t max)
{
    char *base64 = malloc(PTI_BASE64_SIZE(size) + 1);
    int count;

    assert_non_null(base64);
    pti_base64_encode(der, size, base64);
    count = snprintf(text, max, "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", base64);
    free(base64);
    assert_in_range(count, 1, max - 1);
    return pti_bytes_text(text);
}

#define NO_PSS (-100)
static size_t sign(EVP_PKEY *key, int salt, uint8_t *out, size_t max)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings;
    size_t size = max;

    assert_int_equal(EVP_DigestSignInit(ctx, &settings, EVP_sha256(), NULL, key), 1);
    if (salt != NO_PSS) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, salt), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, out, &size, message.data, message.size), 1);
    EVP_MD_CTX_free(ctx);
    return size;
}

/* ---- ECDSA ---- */

static void put_number(struct pti_buf *out, const char *hex)
{
    uint8_t raw[64];
    size_t size = 0;

    assert_true(pti_hex_decode(pti_bytes_text(hex), raw, sizeof raw, &size));
    pti_buf_append(out, (uint8_t[]){0x02, (uint8_t)size}, 2);
    pti_buf_append(out, raw, size);
}

#define ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define ORDER_PLUS_1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"
#define PRIME "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

static void test_numbers_out_of_range(void **state)
{
    static const char *const numbers[] = {
        "00",   "01",  "00" ORDER, "00" ORDER_PLUS_1, "00" PRIME, "7f",           "ff",        "0001", "80",
        "0080", ORDER, "",         "0100" ORDER,      "0000",     "000000" ORDER, "0000" ORDER};
    EVP_PKEY *key = p256_key();
    char text[1024];
    struct pair pair = read_key("P-256", PTI_KEY_ECDSA_P256, pem_of(key, text, sizeof text));

    (void)state;
    for (size_t r = 0; r < sizeof numbers / sizeof numbers[0]; r++)
        for (size_t s = 0; s < sizeof numbers / sizeof numbers[0]; s++) {
            struct pti_buf inner, whole;
            char name[256];

            (void)snprintf(name, sizeof name, "r %s, s %s", numbers[r], numbers[s]);
            pti_buf_init(&inner, 256);
            pti_buf_init(&whole, 256);
            put_number(&inner, numbers[r]);
            put_number(&inner, numbers[s]);
            pti_buf_append(&whole, (uint8_t[]){0x30, (uint8_t)inner.size}, 2);
            pti_buf_append(&whole, inner.data, inner.size);
            if (verify(name, &pair, pti_buf_bytes(&whole)) != PINTLE_ERR_TRUST)
                fail_msg("%s: accepted", name);
            pti_buf_clear(&inner);
            pti_buf_clear(&whole);
        }
    pair_clear(&pair);
    EVP_PKEY_free(key);
}

/* Every byte of a signature changed, left out, doubled; and the end cut off or made longer. */
static void test_altered_ecdsa_signatures(void **state)
{
    EVP_PKEY *key = p256_key();
    char text[1024], name[64];
    struct pair pair = read_key("P-256", PTI_KEY_ECDSA_P256, pem_of(key, text, sizeof text));
    uint8_t right[128], altered[160];
    size_t size = sign(key, NO_PSS, right, sizeof right);

    (void)state;
    assert_int_equal(verify("right", &pair, (struct pintle_bytes){right, size}), PINTLE_OK);
    for (size_t at = 0; at <= size; at++) {
        (void)snprintf(name, sizeof name, "byte %zu", at);
        if (at < size) {
            memcpy(altered, right, size);
            altered[at] ^= 0x80;
            assert_int_equal(verify(name, &pair, (struct pintle_bytes){altered, size}), PINTLE_ERR_TRUST);
            memmove(altered + at, right + at + 1, size - at - 1);
            (void)verify(name, &pair, (struct pintle_bytes){altered, size - 1});
            assert_int_equal(verify(name, &pair, (struct pintle_bytes){right, at}), PINTLE_ERR_TRUST);
        }
        memcpy(altered, right, at);
        altered[at] = 0;
        memcpy(altered + at + 1, right + at, size - at);
        assert_int_equal(verify(name, &pair, (struct pintle_bytes){altered, size + 1}), PINTLE_ERR_TRUST);
    }
    pair_clear(&pair);
    EVP_PKEY_free(key);
}

#ifndef OPENSSL_IS_BORINGSSL /* which writes one form */
/* The form in which OpenSSL writes a key: its curve, its point, named or with all parameters. */
static EVP_PKEY *ec_key(const char *curve, const char *format, const char *encoding)
{
    EVP_PKEY *key = EVP_EC_gen(curve);

    assert_non_null(key);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, format), 1);
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding), 1);
    return key;
}

static void test_ec_keys(void **state)
{
    static const struct {
        const char *curve, *format, *encoding;
        enum pintle_status want;
    } cases[] = {
        {"P-256", "uncompressed", "named_curve", PINTLE_OK},
        {"P-256", "compressed", "named_curve", PINTLE_OK},
        {"P-256", "hybrid", "named_curve", PINTLE_ERR_INPUT},
        {"P-256", "uncompressed", "explicit", PINTLE_ERR_INPUT},
        {"P-384", "uncompressed", "named_curve", PINTLE_ERR_INPUT},
        {"secp256k1", "uncompressed", "named_curve", PINTLE_ERR_INPUT},
        {"brainpoolP256r1", "compressed", "named_curve", PINTLE_ERR_INPUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int again = 0; again < 4; again++) { /* y is odd or even */
            EVP_PKEY *key = ec_key(cases[i].curve, cases[i].format, cases[i].encoding);
            char text[2048], name[128];
            uint8_t signature[256];
            struct pair pair;

            (void)snprintf(name, sizeof name, "%s, %s, %s", cases[i].curve, cases[i].format, cases[i].encoding);
            pair = read_key(name, PTI_KEY_ECDSA_P256, pem_of(key, text, sizeof text));
            if (pair.status != cases[i].want)
                fail_msg("%s: %s", name, pintle_status_name(pair.status));
            if (pair.status == PINTLE_OK) {
                struct pintle_bytes right = {signature, sign(key, NO_PSS, signature, sizeof signature)};

                assert_int_equal(verify(name, &pair, right), PINTLE_OK);
            }
            pair_clear(&pair);
            EVP_PKEY_free(key);
        }
}

#endif

/* Points of which nobody knows whether they are on the curve until somebody computes it. */
static void test_points(void **state)
{
    static const uint8_t prefix[] = {0x30, 0x39, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
                                     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x22, 0x00};
    static const char *const numbers[] = {
        "0000000000000000000000000000000000000000000000000000000000000000", /* has a root: the point is on the curve */
        PRIME, "ffffffff00000001000000000000000000000000fffffffffffffffffffffffe",
        "ffffffff00000001000000000000000000000001000000000000000000000000",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
    uint8_t der[sizeof prefix + 33];
    size_t taken = 0, refused = 0;
    char text[512], name[32];

    (void)state;
    memcpy(der, prefix, sizeof prefix);
    for (unsigned i = 0; i < 80; i++) {
        struct pair pair;
        size_t size = 0;

        der[sizeof prefix] = (uint8_t)(2 + i % 2);
        if (i / 2 < sizeof numbers / sizeof numbers[0])
            assert_true(pti_hex_decode(pti_bytes_text(numbers[i / 2]), der + sizeof prefix + 1, 32, &size));
        else
            memset(der + sizeof prefix + 1, (int)(i * 7), 32);
        (void)snprintf(name, sizeof name, "point %u", i);
        pair = read_key(name, PTI_KEY_ECDSA_P256, pem_of_der(der, sizeof der, text, sizeof text));
        *(pair.status == PINTLE_OK ? &taken : &refused) += 1;
        pair_clear(&pair);
    }
    assert_true(taken > 15 && refused > 15);
}

/* ---- RSA ---- */

/* Salts up to the longest, and one bit of every 16th byte; the second size makes the padded message one byte shorter than the modulus. */
static void test_rsa_signatures(void **state)
{
    static const unsigned sizes[] = {2048, 2049};
    static const int salts[] = {0, 1, 20, 32, 64, 222};
    char text[2048], name[64];
    uint8_t signature[512];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        EVP_PKEY *key = rsa_key(sizes[i]);
        struct pair pair = read_key("RSA", PTI_KEY_RSA_PSS, pem_of(key, text, sizeof text));
        struct pintle_bytes whole = {signature, 0};

        for (size_t s = 0; s < sizeof salts / sizeof salts[0]; s++) {
            whole.size = sign(key, salts[s], signature, sizeof signature);
            (void)snprintf(name, sizeof name, "%u bits, salt %d", sizes[i], salts[s]);
            assert_int_equal(verify(name, &pair, whole), PINTLE_OK);
        }
        for (size_t at = 0; at < whole.size; at += 16) {
            signature[at] ^= 1;
            assert_int_equal(verify(name, &pair, whole), PINTLE_ERR_TRUST);
            signature[at] ^= 1;
        }
        assert_int_equal(verify(name, &pair, (struct pintle_bytes){signature, whole.size - 1}), PINTLE_ERR_TRUST);
        signature[whole.size] = 0;
        assert_int_equal(verify(name, &pair, (struct pintle_bytes){signature, whole.size + 1}), PINTLE_ERR_TRUST);
        memset(signature, 0, whole.size);
        assert_int_equal(verify(name, &pair, whole), PINTLE_ERR_TRUST);
        memset(signature, 0xff, whole.size); /* larger than the modulus */
        assert_int_equal(verify(name, &pair, whole), PINTLE_ERR_TRUST);
        pair_clear(&pair);
        EVP_PKEY_free(key);
    }
}

static void put_tlv(struct pti_buf *out, uint8_t tag, struct pintle_bytes content)
{
    uint8_t header[] = {tag, 0x82, (uint8_t)(content.size >> 8), (uint8_t)content.size};

    if (content.size < 0x100)
        header[1] = 0x81, header[2] = (uint8_t)content.size;
    if (content.size < 0x80)
        header[1] = (uint8_t)content.size;
    pti_buf_append(out, header, content.size < 0x80 ? 2 : content.size < 0x100 ? 3 : 4);
    pti_buf_append(out, content.data, content.size);
}

/* A SubjectPublicKeyInfo of any two numbers, which are given without the zero that may have to lead them. */
static struct pintle_bytes spki_of(const uint8_t *modulus, size_t modulus_size, const uint8_t *exponent,
                                   size_t exponent_size, char *text, size_t max)
{
    static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    const struct pintle_bytes parts[] = {{modulus, modulus_size}, {exponent, exponent_size}};
    struct pti_buf numbers, number, sequence, string, inner, whole;
    struct pintle_bytes result;

    pti_buf_init(&numbers, 10000);
    for (size_t i = 0; i < 2; i++) {
        pti_buf_init(&number, 5000);
        if (parts[i].data[0] >= 0x80)
            pti_buf_append(&number, (uint8_t[]){0}, 1);
        pti_buf_append(&number, parts[i].data, parts[i].size);
        put_tlv(&numbers, 0x02, pti_buf_bytes(&number));
        pti_buf_clear(&number);
    }
    pti_buf_init(&sequence, 10000);
    put_tlv(&sequence, 0x30, pti_buf_bytes(&numbers));
    pti_buf_init(&string, 10000);
    pti_buf_append(&string, (uint8_t[]){0}, 1);
    pti_buf_append(&string, sequence.data, sequence.size);
    pti_buf_init(&inner, 10000);
    pti_buf_append(&inner, algorithm, sizeof algorithm);
    put_tlv(&inner, 0x03, pti_buf_bytes(&string));
    pti_buf_init(&whole, 10000);
    put_tlv(&whole, 0x30, pti_buf_bytes(&inner));
    result = pem_of_der(whole.data, whole.size, text, max);
    pti_buf_clear(&numbers);
    pti_buf_clear(&sequence);
    pti_buf_clear(&string);
    pti_buf_clear(&inner);
    pti_buf_clear(&whole);
    return result;
}

static void test_rsa_keys(void **state)
{
    static const struct {
        const char *name;
        size_t bytes;
        uint8_t first, last; /* of the modulus */
        const char *exponent;
        enum pintle_status want;
    } cases[] = {
        {"2048 bits", 256, 0x80, 1, "010001", PINTLE_OK},
        {"exponent 3", 256, 0x80, 1, "03", PINTLE_OK},
        {"exponent of 64 bits", 256, 0x80, 1, "ffffffffffffffff", PINTLE_OK},
        {"exponent of 65 bits", 256, 0x80, 1, "010000000000000001", PINTLE_ERR_INPUT},
        {"exponent 1", 256, 0x80, 1, "01", PINTLE_ERR_INPUT},
        {"exponent 2", 256, 0x80, 1, "02", PINTLE_ERR_INPUT},
        {"even exponent", 256, 0x80, 1, "010000", PINTLE_ERR_INPUT},
        {"even modulus", 256, 0x80, 2, "010001", PINTLE_ERR_INPUT},
        {"1024 bits", 128, 0x80, 1, "010001", PINTLE_ERR_INPUT},
        {"2047 bits", 256, 0x7f, 1, "010001", PINTLE_ERR_INPUT},
        {"8192 bits", 1024, 0xff, 1, "010001", PINTLE_OK},
        {"8193 bits", 1025, 0x01, 1, "010001", PINTLE_ERR_UNSUPPORTED},
        {"16384 bits", 2048, 0xff, 1, "010001", PINTLE_ERR_UNSUPPORTED},
        {"16385 bits", 2049, 0x01, 1, "010001", PINTLE_ERR_INPUT},
    };
    uint8_t modulus[2049], exponent[16];
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair;
        size_t size = 0;

        memset(modulus, 0xa5, sizeof modulus);
        modulus[0] = cases[i].first;
        modulus[cases[i].bytes - 1] = cases[i].last;
        assert_true(pti_hex_decode(pti_bytes_text(cases[i].exponent), exponent, sizeof exponent, &size));
        pair = read_key(cases[i].name, PTI_KEY_RSA_PSS,
                        spki_of(modulus, cases[i].bytes, exponent, size, text, sizeof text));
        if (pair.status != cases[i].want)
            fail_msg("%s: %s", cases[i].name, pintle_status_name(pair.status));
        pair_clear(&pair);
    }
}

/* ---- texts ---- */

static void test_texts_around_a_key(void **state)
{
    static const struct {
        const char *name, *before, *after;
        enum pintle_status want;
    } cases[] = {
        {"as it is", "", "", PINTLE_OK},
        {"a line before", "x\n", "", PINTLE_ERR_INPUT},
        {"an empty line before", "\n", "", PINTLE_ERR_INPUT},
        {"a line after", "", "x\n", PINTLE_ERR_INPUT},
        {"a space after", "", " ", PINTLE_ERR_INPUT},
        {"text of openssl x509 before", "Public-Key: (256 bit)\n", "", PINTLE_ERR_INPUT},
        {"another block after", "", "-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n", PINTLE_ERR_INPUT},
        {"a parameter block before", "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
         "", PINTLE_ERR_INPUT},
    };
    EVP_PKEY *keys[] = {p256_key(), rsa_key(2048)};
    static const enum pti_key_kind kinds[] = {PTI_KEY_ECDSA_P256, PTI_KEY_RSA_PSS};
    char pem[1024], text[2048];

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct pair wrong;

        (void)pem_of(keys[k], pem, sizeof pem);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct pair pair;

            (void)snprintf(text, sizeof text, "%s%s%s", cases[i].before, pem, cases[i].after);
            pair = read_key(cases[i].name, kinds[k], pti_bytes_text(text));
            if (pair.status != cases[i].want)
                fail_msg("%s: %s", cases[i].name, pintle_status_name(pair.status));
            pair_clear(&pair);
        }
        (void)snprintf(text, sizeof text, "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,CLEAR\n\n%s",
                       strchr(pem, '\n') + 1);
        wrong = read_key("a header inside", kinds[k], pti_bytes_text(text));
        assert_int_equal(wrong.status, PINTLE_ERR_INPUT);
        wrong = read_key("the other kind", kinds[1 - k], pti_bytes_text(pem));
        assert_int_equal(wrong.status, PINTLE_ERR_INPUT);
        EVP_PKEY_free(keys[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_out_of_range),
        cmocka_unit_test(test_altered_ecdsa_signatures),
#ifndef OPENSSL_IS_BORINGSSL
        cmocka_unit_test(test_ec_keys),
#endif
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_rsa_signatures),
        cmocka_unit_test(test_rsa_keys),
        cmocka_unit_test(test_texts_around_a_key),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
