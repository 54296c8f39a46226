/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: equal to what OpenSSL says about the same certificates, and the same after a journey as bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "pin_fixture.h"
#include "providers.h"

#define BOTH (PINTLE_OF_SPKI | PINTLE_OF_CERT)

static struct pintle_crypto *crypto;

static int open_crypto(void **state)
{
    (void)state;
    return provider_new(&crypto) == PINTLE_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    pintle_crypto_free(crypto);
    return 0;
}

/* A self-signed certificate of a fresh key. */
static X509 *make_certificate(EVP_PKEY *key, const EVP_MD *digest, long version)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    assert_true(X509_set_version(certificate, version));
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0x1234567));
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    if (version == X509_VERSION_3) { /* the version 1 certificate has empty names */
        assert_true(
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"api.example.com", -1, -1, 0));
        assert_true(X509_set_issuer_name(certificate, name));
        X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:api.example.com");
        assert_true(X509_add_ext(certificate, names, -1));
        X509_EXTENSION_free(names);
    }
    assert_true(X509_set_pubkey(certificate, key));
    assert_true(X509_sign(certificate, key, digest) > 0);
    return certificate;
}

static struct pintle_bytes encode(X509 *certificate)
{
    uint8_t *der = NULL;
    int size = i2d_X509(certificate, &der);

    assert_true(size > 0);
    return (struct pintle_bytes){der, (size_t)size};
}

static void check_against_openssl(X509 *certificate, const struct pintle_evidence *evidence, size_t index,
                                  const char *name)
{
    uint8_t *der = NULL;
    uint8_t want[SHA256_DIGEST_LENGTH];

    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    assert_true(size > 0);
    assert_non_null(SHA256(der, (size_t)size, want));
    OPENSSL_free(der);
    if (memcmp(want, evidence->spki[index], sizeof want) != 0)
        fail_msg("%s: another SPKI hash than OpenSSL's", name);
    assert_true(X509_digest(certificate, EVP_sha256(), want, NULL));
    if (memcmp(want, evidence->cert[index], sizeof want) != 0)
        fail_msg("%s: another certificate hash than OpenSSL's", name);
}

static void equals_openssl(void **state)
{
    static const struct {
        const char *name;
        const char *algorithm;
        const char *parameter;
        bool digest;
        long version;
    } cases[] = {
        {"RSA 2048", "RSA", NULL, true, X509_VERSION_3},    {"P-256", "EC", "P-256", true, X509_VERSION_3},
        {"P-521", "EC", "P-521", true, X509_VERSION_3},     {"Ed25519", "ED25519", NULL, false, X509_VERSION_3},
        {"version 1", "EC", "P-256", true, X509_VERSION_1},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    X509 *certificates[COUNT];
    struct pintle_bytes chain[COUNT];
    struct pintle_evidence evidence;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        EVP_PKEY *key = strcmp(cases[i].algorithm, "RSA") == 0  ? EVP_RSA_gen(2048)
                        : strcmp(cases[i].algorithm, "EC") == 0 ? EVP_EC_gen(cases[i].parameter)
                                                                : EVP_PKEY_Q_keygen(NULL, NULL, cases[i].algorithm);
        assert_non_null(key);
        certificates[i] = make_certificate(key, cases[i].digest ? EVP_sha256() : NULL, cases[i].version);
        chain[i] = encode(certificates[i]);
        EVP_PKEY_free(key);
    }
    assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, COUNT, BOTH), PINTLE_OK);
    assert_int_equal(evidence.count, COUNT);
    assert_int_equal(evidence.of, BOTH);
    assert_int_equal(evidence.leaf_only, 0);
    for (size_t i = 0; i < COUNT; i++) {
        check_against_openssl(certificates[i], &evidence, i, cases[i].name);
        OPENSSL_free((void *)(uintptr_t)chain[i].data);
        X509_free(certificates[i]);
    }
}

/* The smallest certificate; see test_der.c. */
static const uint8_t tiny[] = {0x30, 0x1e, 0x30, 0x17, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01,
                               0x01, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x05,
                               0x30, 0x00, 0x03, 0x01, 0x00, 0x30, 0x00, 0x03, 0x01, 0x00};
static const struct pintle_bytes tiny_bytes = {tiny, sizeof tiny};

static void fill_chain(struct pintle_bytes *chain, size_t count)
{
    for (size_t i = 0; i < count; i++)
        chain[i] = tiny_bytes;
}

static void hashes_what_is_asked(void **state)
{
    static const uint8_t zero[PINTLE_CHAIN_MAX][PINTLE_SHA256_SIZE];
    struct pintle_bytes chain[3];
    struct pintle_evidence spki, cert, both, again;

    (void)state;
    fill_chain(chain, 3);
    memset(&again, 0xee, sizeof again); /* what was there before must not show: evidence is compared as bytes */
    assert_int_equal(pintle_evidence_init(&spki, crypto, chain, 3, PINTLE_OF_SPKI), PINTLE_OK);
    assert_int_equal(pintle_evidence_init(&cert, crypto, chain, 3, PINTLE_OF_CERT), PINTLE_OK);
    assert_int_equal(pintle_evidence_init(&both, crypto, chain, 3, BOTH), PINTLE_OK);
    assert_int_equal(pintle_evidence_init(&again, crypto, chain, 3, BOTH), PINTLE_OK);
    assert_int_equal(spki.of, PINTLE_OF_SPKI);
    assert_int_equal(cert.of, PINTLE_OF_CERT);
    assert_memory_equal(spki.cert, zero, sizeof zero);
    assert_memory_equal(cert.spki, zero, sizeof zero);
    assert_memory_equal(spki.spki, both.spki, sizeof both.spki);
    assert_memory_equal(cert.cert, both.cert, sizeof both.cert);
    assert_memory_equal(&both, &again, sizeof both);
    assert_memory_equal(both.spki[3], zero, sizeof zero[0]);
}

static void bounds_the_chain(void **state)
{
    struct pintle_bytes chain[PINTLE_CHAIN_MAX + 1];
    struct pintle_evidence evidence;

    (void)state;
    fill_chain(chain, PINTLE_CHAIN_MAX + 1);
    assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, PINTLE_CHAIN_MAX, BOTH), PINTLE_OK);
    assert_int_equal(evidence.count, PINTLE_CHAIN_MAX);
    assert_memory_equal(evidence.cert[PINTLE_CHAIN_MAX - 1], evidence.cert[0], PINTLE_SHA256_SIZE);
    /* A longer chain is unusable, never cut. */
    assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, PINTLE_CHAIN_MAX + 1, BOTH), PINTLE_ERR_INPUT);
    assert_int_equal(evidence.count, 0);
    assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, 0, BOTH), PINTLE_ERR_INPUT);
    assert_int_equal(evidence.count, 0);
}

static void refuses_what_is_no_certificate(void **state)
{
    static const unsigned kinds[] = {PINTLE_OF_SPKI, PINTLE_OF_CERT, BOTH};
    struct pintle_bytes chain[3];
    struct pintle_evidence evidence;

    (void)state;
    for (size_t bad = 0; bad < 3; bad++) {
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            fill_chain(chain, 3);
            chain[bad].size--;
            assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, 3, kinds[i]), PINTLE_ERR_INPUT);
            assert_int_equal(evidence.count, 0);
            chain[bad] = (struct pintle_bytes){NULL, 0};
            assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, 3, kinds[i]), PINTLE_ERR_INPUT);
            assert_int_equal(evidence.count, 0);
        }
    }
}

static void refuses_misuse(void **state)
{
    struct pintle_bytes chain[1];
    struct pintle_evidence evidence;

    (void)state;
    fill_chain(chain, 1);
    memset(&evidence, 0xee, sizeof evidence);
    assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, 1, 0), PINTLE_ERR_MISUSE);
    assert_int_equal(evidence.count, 0);
    assert_int_equal(pintle_evidence_init(&evidence, crypto, chain, 1, 4), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_evidence_init(&evidence, NULL, chain, 1, BOTH), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_evidence_init(&evidence, crypto, NULL, 1, BOTH), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_evidence_init(NULL, crypto, chain, 1, BOTH), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_evidence_parse(NULL, tiny_bytes), PINTLE_ERR_MISUSE);
}

/* A provider whose digest fails leaves no half-filled evidence. */
static enum pintle_status failing_sha256(struct pintle_crypto *self, const struct pintle_bytes *parts, size_t count,
                                         uint8_t (*digests)[PINTLE_SHA256_SIZE])
{
    (void)self;
    (void)parts;
    memset(digests, 0xaa, count * sizeof *digests);
    return PINTLE_ERR_MEMORY;
}

static void survives_a_failing_provider(void **state)
{
    static const struct pti_crypto_ops ops = {.name = "failing", .sha256 = failing_sha256};
    struct pintle_crypto failing = {.ops = &ops};
    struct pintle_bytes chain[1];
    struct pintle_evidence evidence;
    const struct pintle_evidence empty = {.count = 0};

    (void)state;
    fill_chain(chain, 1);
    assert_int_equal(pintle_evidence_init(&evidence, &failing, chain, 1, BOTH), PINTLE_ERR_MEMORY);
    assert_memory_equal(&evidence, &empty, sizeof empty);
}

static void travels(void **state)
{
    static const struct {
        const char *chain;
        unsigned of;
        bool leaf_only;
        size_t size;
    } cases[] = {
        {"", 0, false, 8},
        {"l", PINTLE_OF_SPKI, false, 8 + 32},
        {"l", PINTLE_OF_SPKI, true, 8 + 32},
        {"lic", PINTLE_OF_CERT, false, 8 + 96},
        {"lic", BOTH, false, 8 + 192},
        {"abcdefghijklmnop", BOTH, false, PINTLE_EVIDENCE_SERIALISED_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pintle_evidence evidence;
        struct pintle_evidence back;
        uint8_t bytes[PINTLE_EVIDENCE_SERIALISED_MAX];
        fixture_evidence(cases[i].chain, &evidence);
        evidence.of = (uint8_t)cases[i].of;
        evidence.leaf_only = cases[i].leaf_only;
        if ((cases[i].of & PINTLE_OF_SPKI) == 0)
            memset(evidence.spki, 0, sizeof evidence.spki);
        if ((cases[i].of & PINTLE_OF_CERT) == 0)
            memset(evidence.cert, 0, sizeof evidence.cert);
        size_t size = pintle_evidence_serialise(&evidence, bytes);
        assert_int_equal(size, cases[i].size);
        memset(&back, 0xee, sizeof back);
        assert_int_equal(pintle_evidence_parse(&back, (struct pintle_bytes){bytes, size}), PINTLE_OK);
        assert_memory_equal(&back, &evidence, sizeof back);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut + (cut == 0));
            assert_non_null(copy);
            memcpy(copy, bytes, cut);
            if (pintle_evidence_parse(&back, (struct pintle_bytes){copy, cut}) != PINTLE_ERR_INPUT || back.count != 0)
                fail_msg("%zu of %zu bytes were taken for evidence", cut, size);
            free(copy);
        }
    }
}

static void refuses_other_bytes(void **state)
{
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
    } cases[] = {
        {"magic", 0, 'p'},
        {"magic", 1, 'F'},
        {"a later form", 2, 2},
        {"more certificates", 3, 3},
        {"fewer certificates", 3, 1},
        {"17 certificates", 3, 17},
        {"255 certificates", 3, 255},
        {"no kind", 4, 0},
        {"an unknown kind", 4, 5},
        {"another kind", 4, 3},
        {"leaf only of 2", 5, 2},
        {"reserved", 6, 1},
        {"reserved", 7, 1},
    };
    struct pintle_evidence evidence;
    uint8_t bytes[PINTLE_EVIDENCE_SERIALISED_MAX + 1];

    (void)state;
    fixture_evidence("li", &evidence);
    evidence.of = PINTLE_OF_SPKI;
    size_t size = pintle_evidence_serialise(&evidence, bytes);
    bytes[size] = 0;
    assert_int_equal(pintle_evidence_parse(&evidence, (struct pintle_bytes){bytes, size + 1}), PINTLE_ERR_INPUT);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t before = bytes[cases[i].at];
        bytes[cases[i].at] = cases[i].value;
        if (pintle_evidence_parse(&evidence, (struct pintle_bytes){bytes, size}) != PINTLE_ERR_INPUT ||
            evidence.count != 0)
            fail_msg("%s", cases[i].name);
        bytes[cases[i].at] = before;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_openssl),   cmocka_unit_test(hashes_what_is_asked),
        cmocka_unit_test(bounds_the_chain), cmocka_unit_test(refuses_what_is_no_certificate),
        cmocka_unit_test(refuses_misuse),   cmocka_unit_test(survives_a_failing_provider),
        cmocka_unit_test(travels),          cmocka_unit_test(refuses_other_bytes),
    };
    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
