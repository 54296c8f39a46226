/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate walk against OpenSSL over fresh certificates of many kinds, whole, cut and altered byte by byte.
 * Whatever OpenSSL takes for a certificate of one key, the walk never takes for one of another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "pin/der.h"
#include "pin_fixture.h"

/* ---- certificates ---- */

enum extras {
    PLAIN = 0,
    VERSION_1 = 1,
    NO_SUBJECT = 2,
    MANY_NAMES = 4,
    HUGE_EXTENSION = 8,
    LONG_SERIAL = 16,
    LONG_LIFE = 32
};

static const struct kind {
    const char *name;
    const char *algorithm; /* of EVP */
    const char *parameter; /* a curve, or an encoding of points or of a curve */
    unsigned bits;
    unsigned extras;
} kinds[] = {
    {"RSA 1024", "RSA", NULL, 1024, PLAIN},
    {"RSA 2048, many names", "RSA", NULL, 2048, MANY_NAMES},
    {"RSA-PSS", "RSA-PSS", NULL, 1024, PLAIN},
    {"P-256", "EC", "P-256", 0, PLAIN},
    {"P-256, version 1", "EC", "P-256", 0, VERSION_1},
    {"P-256, no subject", "EC", "P-256", 0, NO_SUBJECT},
    {"P-256, 20 octets of serial number", "EC", "P-256", 0, LONG_SERIAL},
    {"P-256, until 9999", "EC", "P-256", 0, LONG_LIFE},
    {"P-256, many names", "EC", "P-256", 0, MANY_NAMES},
    {"P-256, an extension of 70000 octets", "EC", "P-256", 0, HUGE_EXTENSION},
    {"P-256, everything", "EC", "P-256", 0, MANY_NAMES | HUGE_EXTENSION | LONG_SERIAL | LONG_LIFE},
    {"P-256, compressed point", "EC", "compressed", 0, PLAIN},
    {"P-256, curve spelt out", "EC", "explicit", 0, PLAIN},
    {"P-384", "EC", "P-384", 0, PLAIN},
    {"P-521", "EC", "P-521", 0, MANY_NAMES},
    {"Ed25519", "ED25519", NULL, 0, PLAIN},
    {"Ed25519, version 1, no subject", "ED25519", NULL, 0, VERSION_1 | NO_SUBJECT},
    {"Ed448", "ED448", NULL, 0, PLAIN},
    {"X25519, which signs nothing", "X25519", NULL, 0, PLAIN},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static EVP_PKEY *make_key(const struct kind *kind)
{
    if (kind->parameter != NULL && strncmp(kind->parameter, "P-", 2) != 0) {
        bool compressed = strcmp(kind->parameter, "compressed") == 0;
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        assert_true(EVP_PKEY_set_utf8_string_param(key, compressed ? "point-format" : "encoding",
                                                   compressed ? "compressed" : "explicit"));
        return key;
    }
    if (kind->bits != 0) {
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind->algorithm, NULL);
        EVP_PKEY *key = NULL;
        assert_true(EVP_PKEY_keygen_init(context) > 0 &&
                    EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)kind->bits) > 0);
        assert_true(EVP_PKEY_keygen(context, &key) > 0);
        EVP_PKEY_CTX_free(context);
        return key;
    }
    return kind->parameter != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, kind->algorithm, kind->parameter)
                                   : EVP_PKEY_Q_keygen(NULL, NULL, kind->algorithm);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    assert_true(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_names(X509 *certificate)
{
    struct pti_buf names;

    pti_buf_init(&names, 8192);
    for (int i = 0; i < 100; i++)
        pti_buf_printf(&names, "%sDNS:host-%d.example.com", i == 0 ? "" : ",", i);
    add_extension(certificate, NID_subject_alt_name, pti_buf_cstr(&names));
    add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate, NID_name_constraints, "permitted;DNS:example.com");
    pti_buf_clear(&names);
}

static void add_huge_extension(X509 *certificate)
{
    static uint8_t content[70000];
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *type = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    X509_EXTENSION *extension;

    memset(content, 0x30, sizeof(content));
    assert_true(ASN1_OCTET_STRING_set(octets, content, sizeof(content)));
    extension = X509_EXTENSION_create_by_OBJ(NULL, type, 0, octets);
    assert_true(X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(type);
    ASN1_OCTET_STRING_free(octets);
}

static void set_serial(X509 *certificate, bool is_long)
{
    static const uint8_t octets[20] = {0x7f, 0xff, 0x30, 0x82, 0xff, 0xff};
    BIGNUM *number = BN_bin2bn(octets, is_long ? sizeof(octets) : 1, NULL);

    assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
    BN_free(number);
}

static X509 *make_certificate(const struct kind *kind, EVP_PKEY *key, EVP_PKEY *signer)
{
    X509 *certificate = X509_new();
    bool version_1 = (kind->extras & VERSION_1) != 0;

    assert_true(X509_set_version(certificate, version_1 ? X509_VERSION_1 : X509_VERSION_3));
    set_serial(certificate, (kind->extras & LONG_SERIAL) != 0);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    if ((kind->extras & LONG_LIFE) != 0)
        assert_true(ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z"));
    if ((kind->extras & NO_SUBJECT) == 0)
        assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                               (const unsigned char *)kind->name, -1, -1, 0));
    assert_true(X509_set_pubkey(certificate, key));
    if ((kind->extras & MANY_NAMES) != 0)
        add_names(certificate);
    if ((kind->extras & HUGE_EXTENSION) != 0)
        add_huge_extension(certificate);
    assert_true(X509_sign(certificate, signer, EVP_sha256()) > 0);
    return certificate;
}

/* One of each kind, made once: keys take their time.  spki by OpenSSL's encoder, the certificate in an exact block. */
static struct {
    struct pintle_bytes der, spki;
} made[KINDS];

static struct pintle_bytes exact(uint8_t *openssl_block, int size)
{
    struct pintle_bytes copy;

    assert_true(size > 0);
    assert_int_equal(pti_bytes_copy((struct pintle_bytes){openssl_block, (size_t)size}, &copy), PINTLE_OK);
    OPENSSL_free(openssl_block);
    return copy;
}

static int make_all(void **state)
{
    EVP_PKEY *signer = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        EVP_PKEY *key = make_key(&kinds[i]);
        X509 *certificate = make_certificate(&kinds[i], key, signer);
        uint8_t *block = NULL;
        int size = i2d_X509(certificate, &block);

        made[i].der = exact(block, size);
        block = NULL;
        size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &block);
        made[i].spki = exact(block, size);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    EVP_PKEY_free(signer);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        pti_bytes_free(&made[i].der);
        pti_bytes_free(&made[i].spki);
    }
    return 0;
}

static void every_kind_of_key_is_found_as_openssl_finds_it(void **state)
{
    struct pintle_crypto *crypto = NULL;

    (void)state;
    assert_int_equal(pintle_crypto_openssl_new(&crypto), PINTLE_OK);
    for (size_t i = 0; i < KINDS; i++) {
        struct pintle_evidence evidence;
        struct pintle_bytes spki;
        uint8_t want[SHA256_DIGEST_LENGTH];

        if (!pti_der_certificate_spki(made[i].der, &spki) || !pti_bytes_equal(spki, made[i].spki))
            fail_msg("%s: not found, or other bytes", kinds[i].name);
        assert_int_equal(pintle_evidence_init(&evidence, crypto, &made[i].der, 1, PINTLE_OF_SPKI), PINTLE_OK);
        SHA256(made[i].spki.data, made[i].spki.size, want);
        assert_memory_equal(evidence.spki[0], want, sizeof(want));
    }
    pintle_crypto_free(crypto);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        /* of the large ones, the first and the last 700 bytes: between them there are extensions */
        for (size_t size = 0; size < made[i].der.size; size++) {
            struct pintle_bytes cut, spki;

            if (size == 700 && made[i].der.size > 1400)
                size = made[i].der.size - 700;
            assert_int_equal(pti_bytes_copy((struct pintle_bytes){made[i].der.data, size}, &cut), PINTLE_OK);
            if (pti_der_certificate_spki(cut, &spki) || spki.data != NULL || spki.size != 0)
                fail_msg("%s: %zu of %zu bytes were taken for a certificate", kinds[i].name, size, made[i].der.size);
            pti_bytes_free(&cut);
        }
    }
}

static void something_behind_a_certificate_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint8_t *longer = malloc(2 * made[i].der.size);
        struct pintle_bytes spki;

        assert_non_null(longer);
        memcpy(longer, made[i].der.data, made[i].der.size);
        memcpy(longer + made[i].der.size, made[i].der.data, made[i].der.size);
        assert_false(pti_der_certificate_spki((struct pintle_bytes){longer, made[i].der.size + 1}, &spki));
        assert_false(pti_der_certificate_spki((struct pintle_bytes){longer, 2 * made[i].der.size}, &spki));
        free(longer);
    }
}

/* ---- alterations ---- */

/* The key as OpenSSL would write it; NULL if it is none to it. */
static uint8_t *rewritten(X509_PUBKEY *key, int *size)
{
    uint8_t *out = NULL;

    *size = key != NULL ? i2d_X509_PUBKEY(key, &out) : 0;
    return out;
}

/* Do both, where both find a key in these bytes, find the same? */
static bool same_key(struct pintle_bytes der, struct pintle_bytes spki)
{
    const uint8_t *at = der.data, *key_at = spki.data;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.size);
    X509_PUBKEY *key = d2i_X509_PUBKEY(NULL, &key_at, (long)spki.size);
    uint8_t *theirs = NULL, *ours = NULL;
    int their_size = 0, our_size = 0;
    bool same = true;

    if (certificate != NULL && at == der.data + der.size) {
        theirs = rewritten(X509_get_X509_PUBKEY(certificate), &their_size);
        ours = rewritten(key, &our_size);
        same = theirs != NULL && ours != NULL && their_size == our_size && memcmp(theirs, ours, (size_t)our_size) == 0;
    }
    OPENSSL_free(theirs);
    OPENSSL_free(ours);
    X509_PUBKEY_free(key);
    X509_free(certificate);
    return same;
}

/* tests/fuzz/fuzz_der.c goes on with this. */
static void no_altered_byte_leads_to_another_key(void **state)
{
    static const uint8_t values[] = {0x00, 0x30, 0x80, 0xff};
    static const char *const names[] = {"P-256", "Ed25519"};
    unsigned found = 0;

    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        bool chosen = false;
        struct pintle_bytes copy;

        for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
            chosen = chosen || strcmp(names[n], kinds[i].name) == 0;
        if (!chosen)
            continue;
        assert_int_equal(pti_bytes_copy(made[i].der, &copy), PINTLE_OK);
        uint8_t *altered = (uint8_t *)(uintptr_t)copy.data;
        for (size_t at = 0; at < copy.size; at++) {
            for (size_t v = 0; v < sizeof(values); v++) {
                struct pintle_bytes spki;
                altered[at] = values[v];
                if (!pti_der_certificate_spki(copy, &spki))
                    continue;
                found++;
                assert_true(spki.data > copy.data && spki.size >= 2);
                assert_true(spki.size <= copy.size - (size_t)(spki.data - copy.data));
                if (!same_key(copy, spki))
                    fail_msg("%s: byte %zu is 0x%02x: another key than OpenSSL's", kinds[i].name, at, values[v]);
            }
            altered[at] = made[i].der.data[at];
        }
        pti_bytes_free(&copy);
    }
    assert_true(found > 1000); /* most bytes are content, which the walk does not read */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_key_is_found_as_openssl_finds_it),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(something_behind_a_certificate_is_refused),
        cmocka_unit_test(no_altered_byte_leads_to_another_key),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
