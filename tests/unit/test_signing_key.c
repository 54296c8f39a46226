/* SPDX-License-Identifier: Apache-2.0 */
/* Signing keys: what they sign, how they are kept, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "publish/envelope.h"
#include "scratch.h"

#define KEYS "tests/vectors/keys/"

static struct pti_signing_key *generate(struct scratch *scratch, enum pti_key_kind kind)
{
    struct pti_signing_key *key;

    scratch_ok(scratch, pti_signing_key_generate(kind, &key, &scratch->error));
    return key;
}

static struct pti_signing_key *load(struct scratch *scratch, const char *path, const char *passphrase)
{
    struct pti_signing_key *key;

    scratch_ok(scratch, pti_signing_key_load(path, passphrase, &key, &scratch->error));
    return key;
}

static bool verifies(struct scratch *scratch, const struct pti_signing_key *key, struct pintle_bytes message,
                     const struct pti_signature *signature)
{
    const struct pti_crypto_ops *ops = scratch->crypto->ops;
    struct pintle_bytes public_bytes = pti_signing_key_public_bytes(key);
    uint8_t identity[PINTLE_SHA256_SIZE], raw[32];
    enum pintle_status status;
    void *public_key;

    if (pti_signing_key_kind(key) == PTI_KEY_ED25519) {
        assert_true(pti_hex_decode_exact(public_bytes, raw, sizeof(raw)));
        public_bytes = (struct pintle_bytes){raw, sizeof(raw)};
    }
    scratch_ok(scratch, ops->key_new(scratch->crypto, pti_signing_key_kind(key), public_bytes, &public_key, identity,
                                     &scratch->error));
    status = ops->verify(scratch->crypto, public_key, message, (struct pintle_bytes){signature->data, signature->size});
    ops->key_free(scratch->crypto, public_key);
    return status == PINTLE_OK;
}

static const enum pti_key_kind kinds[] = {PTI_KEY_ECDSA_P256, PTI_KEY_ED25519};

static void test_what_is_signed_verifies_with_the_clients_crypto(void **state)
{
    struct scratch *scratch = *state;

    for (size_t i = 0; i < 2; i++) {
        struct pti_signing_key *key = generate(scratch, kinds[i]);
        struct pti_signature signature;
        scratch_ok(scratch, pti_signing_key_sign(key, pti_bytes_text("message"), &signature, &scratch->error));
        assert_true(verifies(scratch, key, pti_bytes_text("message"), &signature));
        assert_false(verifies(scratch, key, pti_bytes_text("massage"), &signature));
        signature.data[signature.size / 2] ^= 1;
        assert_false(verifies(scratch, key, pti_bytes_text("message"), &signature));
        pti_signing_key_free(key);
    }
}

/* Computed with Python's hashlib over the canonical form of the key objects. */
static void test_keyids_are_those_of_other_implementations(void **state)
{
    static const struct {
        const char *path, *id, *json;
    } table[] = {
        {KEYS "p256.pem", "7a5805e57abac33b064d117fcce3d2fb227744044a7ea54b031fbce65b42814c",
         "{\"keytype\":\"ecdsa\",\"scheme\":\"ecdsa-sha2-nistp256\",\"keyval\":{\"public\":"
         "\"-----BEGIN PUBLIC KEY-----\\n"},
        {KEYS "ed25519.pem", "c67ad5722769f0097d547dbfe17b6493bbe779aa394bf2b9b42a27e3c67ab522",
         "{\"keytype\":\"ed25519\",\"scheme\":\"ed25519\",\"keyval\":{\"public\":"
         "\"163fc0fb8f2b4a02d1a5c3b848b3bcc544b61196be37e0b80cba275fd9080d91\"}}"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct pti_signing_key *key = load(scratch, table[i].path, NULL);
        assert_string_equal(pti_signing_key_public(key)->id, table[i].id);
        assert_memory_equal(pti_signing_key_public(key)->json, table[i].json, strlen(table[i].json));
        pti_signing_key_free(key);
    }
}

static void test_a_key_survives_its_file(void **state)
{
    static const char *const passphrases[] = {NULL, "correct horse"};
    struct scratch *scratch = *state;

    for (size_t i = 0; i < 4; i++) {
        struct pti_signing_key *key = generate(scratch, kinds[i % 2]), *again;
        const char *path = scratch_path(scratch, i == 0 ? "a.pem" : i == 1 ? "b.pem" : i == 2 ? "c.pem" : "d.pem");
        bool private_key, encrypted;
        scratch_ok(scratch, pti_signing_key_save(key, path, passphrases[i / 2], &scratch->error));
        assert_int_equal(scratch_mode(path), 0600);
        assert_false(pti_signing_key_is_exposed(path));
        scratch_ok(scratch, pti_signing_key_look(path, &private_key, &encrypted, &scratch->error));
        assert_true(private_key);
        assert_int_equal(encrypted, i / 2 == 1);
        again = load(scratch, path, passphrases[i / 2]);
        assert_string_equal(pti_signing_key_public(again)->id, pti_signing_key_public(key)->id);
        pti_signing_key_free(again);
        pti_signing_key_free(key);
    }
}

static void test_a_key_file_is_never_overwritten(void **state)
{
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "key.pem");
    struct pti_signing_key *first = generate(scratch, PTI_KEY_ED25519), *second = generate(scratch, PTI_KEY_ED25519),
                           *kept;

    scratch_ok(scratch, pti_signing_key_save(first, path, NULL, &scratch->error));
    scratch_refused(scratch, pti_signing_key_save(second, path, NULL, &scratch->error), PINTLE_ERR_STORAGE,
                    "exists already and is not overwritten");
    kept = load(scratch, path, NULL);
    assert_string_equal(pti_signing_key_public(kept)->id, pti_signing_key_public(first)->id);
    pti_signing_key_free(kept);
    pti_signing_key_free(first);
    pti_signing_key_free(second);
}

static void test_an_empty_passphrase_is_refused_and_leaves_no_file(void **state)
{
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "key.pem");
    struct pti_signing_key *key = generate(scratch, PTI_KEY_ED25519);

    scratch_refused(scratch, pti_signing_key_save(key, path, "", &scratch->error), PINTLE_ERR_INPUT, "1 to 1024 bytes");
    assert_false(pti_file_exists(path));
    pti_signing_key_free(key);
}

static void test_what_cannot_sign_is_refused_by_name(void **state)
{
    static const struct {
        const char *path, *passphrase;
        enum pintle_status want;
        const char *text;
    } table[] = {
        {KEYS "p256-encrypted.pem", "wrong", PINTLE_ERR_INPUT, "the passphrase does not open this key"},
        {KEYS "p256-encrypted.pem", NULL, PINTLE_ERR_INPUT, "no passphrase was given; use --passphrase-file"},
        {KEYS "p256-sec1.pem", NULL, PINTLE_ERR_INPUT,
         "found \"EC PRIVATE KEY\"; convert it with `openssl pkcs8 -topk8`"},
        {KEYS "p384.pem", NULL, PINTLE_ERR_INPUT, "found EC on another curve"},
        {KEYS "rsa.pem", NULL, PINTLE_ERR_INPUT, "found RSA"},
        {KEYS "p256-public.pem", NULL, PINTLE_ERR_INPUT, "found \"PUBLIC KEY\"; give the private key"},
        {KEYS "p256-certificate.pem", NULL, PINTLE_ERR_INPUT, "found \"CERTIFICATE\"; give the private key"},
        {KEYS "README.md", NULL, PINTLE_ERR_INPUT, "found no PEM block"},
        {KEYS "absent.pem", NULL, PINTLE_ERR_STORAGE, "No such file"},
        {"tests/vectors/keys", NULL, PINTLE_ERR_STORAGE, "found something else"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct pti_signing_key *key = (struct pti_signing_key *)scratch;
        scratch_refused(scratch, pti_signing_key_load(table[i].path, table[i].passphrase, &key, &scratch->error),
                        table[i].want, table[i].text);
        assert_null(key);
        assert_non_null(strstr(scratch->error.detail, table[i].path));
    }
}

static void test_openssls_encrypted_file_opens(void **state)
{
    struct scratch *scratch = *state;
    struct pti_signing_key *key = load(scratch, KEYS "p256-encrypted.pem", "correct");

    assert_string_equal(pti_signing_key_public(key)->id,
                        "7a5805e57abac33b064d117fcce3d2fb227744044a7ea54b031fbce65b42814c");
    pti_signing_key_free(key);
}

static void test_a_public_key_comes_from_either_half(void **state)
{
    static const char *const paths[] = {KEYS "p256-public.pem", KEYS "p256.pem", KEYS "p256-encrypted.pem"};
    struct scratch *scratch = *state;
    struct pti_public_key key;

    for (size_t i = 0; i < 3; i++) {
        scratch_ok(scratch, pti_public_key_load(paths[i], "correct", &key, &scratch->error));
        assert_string_equal(key.id, "7a5805e57abac33b064d117fcce3d2fb227744044a7ea54b031fbce65b42814c");
        pti_public_key_clear(&key);
    }
    scratch_refused(scratch, pti_public_key_load(KEYS "rsa.pem", NULL, &key, &scratch->error), PINTLE_ERR_INPUT,
                    "found RSA");
    scratch_refused(scratch, pti_public_key_load(KEYS "p256-certificate.pem", NULL, &key, &scratch->error),
                    PINTLE_ERR_INPUT, "expected a key or its public half, found \"CERTIFICATE\"");
}

/* ---- envelopes ---- */

static void write_timestamp(struct pti_buf *envelope, int64_t version, struct pti_error *error)
{
    const struct pti_timestamp_fields fields = {
        .version = version, .expires = SCRATCH_NOW, .issued = -1, .snapshot = {.version = 1}};
    struct pti_buf text;

    pti_buf_init(&text, 4096);
    pti_buf_init(envelope, 8192);
    pti_timestamp_write(&fields, &text);
    assert_int_equal(pti_envelope_write(pti_buf_bytes(&text), envelope, error), PINTLE_OK);
    pti_buf_clear(&text);
}

static void sign(struct scratch *scratch, struct pti_buf *envelope, const struct pti_signing_key *key)
{
    struct pti_buf next;

    pti_buf_init(&next, 8192);
    scratch_ok(scratch, pti_envelope_sign(pti_buf_bytes(envelope), key, scratch->crypto, &next, &scratch->error));
    pti_buf_clear(envelope);
    *envelope = next;
}

static int64_t count(struct scratch *scratch, const struct pti_buf *envelope, const struct pti_role_keys *role)
{
    int64_t found;

    scratch_ok(scratch, pti_envelope_count(pti_buf_bytes(envelope), role, scratch->crypto, &found, &scratch->error));
    return found;
}

static void test_an_envelope_counts_keys_and_not_signatures(void **state)
{
    struct scratch *scratch = *state;
    struct pti_signing_key *a = generate(scratch, PTI_KEY_ECDSA_P256), *b = generate(scratch, PTI_KEY_ED25519);
    struct pti_signing_key *stranger = generate(scratch, PTI_KEY_ED25519);
    struct pti_role_keys role = {NULL, 0, 2};
    struct pti_buf envelope;
    size_t size;

    scratch_ok(scratch, pti_role_keys_add(&role, pti_signing_key_public(a), &scratch->error));
    scratch_ok(scratch, pti_role_keys_add(&role, pti_signing_key_public(b), &scratch->error));
    write_timestamp(&envelope, 1, &scratch->error);
    assert_int_equal(count(scratch, &envelope, &role), 0);
    sign(scratch, &envelope, b);
    assert_int_equal(count(scratch, &envelope, &role), 1);
    size = envelope.size;
    sign(scratch, &envelope, b);
    assert_int_equal(envelope.size, size); /* replaced in its place */
    sign(scratch, &envelope, stranger);
    assert_int_equal(count(scratch, &envelope, &role), 1);
    sign(scratch, &envelope, a);
    assert_int_equal(count(scratch, &envelope, &role), 2);
    pti_buf_clear(&envelope);
    pti_role_keys_clear(&role);
    pti_signing_key_free(a);
    pti_signing_key_free(b);
    pti_signing_key_free(stranger);
}

static void test_a_signature_covers_every_byte_of_the_content(void **state)
{
    struct scratch *scratch = *state;
    struct pti_signing_key *key = generate(scratch, PTI_KEY_ED25519);
    struct pti_buf envelope;
    char *version;
    bool good;

    write_timestamp(&envelope, 7, &scratch->error);
    sign(scratch, &envelope, key);
    scratch_ok(scratch, pti_envelope_signed_by(pti_buf_bytes(&envelope), pti_signing_key_public(key), scratch->crypto,
                                               &good, &scratch->error));
    assert_true(good);
    (void)pti_buf_cstr(&envelope);
    version = strstr((char *)envelope.data, "\"version\":7");
    assert_non_null(version);
    version[10] = '8';
    scratch_ok(scratch, pti_envelope_signed_by(pti_buf_bytes(&envelope), pti_signing_key_public(key), scratch->crypto,
                                               &good, &scratch->error));
    assert_false(good);
    pti_buf_clear(&envelope);
    pti_signing_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_what_is_signed_verifies_with_the_clients_crypto),
        SCRATCH_TEST(test_keyids_are_those_of_other_implementations),
        SCRATCH_TEST(test_a_key_survives_its_file),
        SCRATCH_TEST(test_a_key_file_is_never_overwritten),
        SCRATCH_TEST(test_an_empty_passphrase_is_refused_and_leaves_no_file),
        SCRATCH_TEST(test_what_cannot_sign_is_refused_by_name),
        SCRATCH_TEST(test_openssls_encrypted_file_opens),
        SCRATCH_TEST(test_a_public_key_comes_from_either_half),
        SCRATCH_TEST(test_an_envelope_counts_keys_and_not_signatures),
        SCRATCH_TEST(test_a_signature_covers_every_byte_of_the_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
