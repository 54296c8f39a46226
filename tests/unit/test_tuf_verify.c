/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and thresholds, hashes and lengths, and what may follow what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "providers.h"
#include "tuf/verify.h"
#include "tuf_fixture.h"

/* Who may sign is taken from a root whose timestamp role is role; who did sign stands in signers. */
static struct pti_tuf_metadata *root_with(struct tuf_fixture *fixture, const char *role)
{
    char *keys = tuf_edit(tuf_root, "@K3", "@K3,@K4,@K5,@K6,@K7");
    char *text = tuf_edit(keys, "'timestamp':{'keyids':[@I3],'threshold':1}", role);
    struct pti_tuf_metadata *root = tuf_parse(fixture, PTI_TUF_ROOT, text, "0");

    free(text);
    free(keys);
    return root;
}

static enum pintle_status verify(struct tuf_fixture *fixture, const struct pti_tuf_metadata *root,
                                 const struct pti_tuf_metadata *metadata)
{
    fixture->error = (struct pti_error){PINTLE_OK, ""};
    return pti_tuf_verify(metadata, &root->roles[metadata->type], &root->keys, "who", &fixture->error);
}

static void test_thresholds(void **state)
{
    static const struct {
        const char *name, *role, *signers, *want;
    } cases[] = {
        {"one of one", "'timestamp':{'keyids':[@I3],'threshold':1}", "3", NULL},
        {"P-256", "'timestamp':{'keyids':[@I6],'threshold':1}", "6", NULL},
        {"nobody", "'timestamp':{'keyids':[@I3],'threshold':1}", "", "who: 0 of 1 required"},
        {"somebody else", "'timestamp':{'keyids':[@I3],'threshold':1}", "4", "who: 0 of 1 required"},
        {"a key of another role", "'timestamp':{'keyids':[@I3],'threshold':1}", "0", "who: 0 of 1 required"},
        {"two of three", "'timestamp':{'keyids':[@I3,@I4,@I6],'threshold':2}", "64", NULL},
        {"three of three", "'timestamp':{'keyids':[@I3,@I4,@I6],'threshold':3}", "436", NULL},
        {"one of three is too few", "'timestamp':{'keyids':[@I3,@I4,@I6],'threshold':2}", "4", "who: 1 of 2 required"},
        {"one and a stranger", "'timestamp':{'keyids':[@I3,@I4,@I6],'threshold':2}", "47", "who: 1 of 2 required"},
        {"strangers beside enough", "'timestamp':{'keyids':[@I3,@I4,@I6],'threshold':2}", "01273456", NULL},
        {"threshold above the keys", "'timestamp':{'keyids':[@I3],'threshold':2}", "3", "who: 1 of 2 required"},
        {"largest threshold", "'timestamp':{'keyids':[@I3],'threshold':256}", "3", "who: 1 of 256 required"},
        {"no keys", "'timestamp':{'keyids':[],'threshold':1}", "3", "who: 0 of 1 required"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_tuf_metadata *root = root_with(&fixture, cases[i].role);
        struct pti_tuf_metadata *metadata = tuf_parse(&fixture, PTI_TUF_TIMESTAMP, tuf_timestamp, cases[i].signers);
        enum pintle_status status = verify(&fixture, root, metadata);

        if (cases[i].want == NULL ? status != PINTLE_OK
                                  : status != PINTLE_ERR_TRUST || strstr(fixture.error.detail, cases[i].want) == NULL)
            fail_msg("%s: found %s: %s", cases[i].name, pintle_status_name(status), fixture.error.detail);
        pti_tuf_metadata_free(metadata);
        pti_tuf_metadata_free(root);
    }
    tuf_clear(&fixture);
}

/* go-tuf 733, CVE-2026-6966: the same public key under two keyids, both in the role, both "signing". */
static void test_one_key_under_two_ids_counts_once(void **state)
{
    struct tuf_fixture fixture;
    struct pti_tuf_metadata *root, *metadata;
    struct pintle_bytes envelope;
    char id[PTI_KEYID_SIZE + 1], *object, *other, *entry, *keys, *role, *text, *first, *second, *both;
    struct pti_json *json;

    (void)state;
    tuf_init(&fixture);
    object = tuf_expand(&fixture, "@O3");
    other = tuf_edit(object, "{", "{\"x\":1,");
    assert_int_equal(pti_json_parse(pti_bytes_text(other), &json, NULL), PINTLE_OK);
    assert_int_equal(pti_tuf_keyid(pti_json_root(json), fixture.crypto, id, NULL), PINTLE_OK);
    pti_json_free(json);
    entry = malloc(strlen(other) + 200);
    assert_non_null(entry);
    (void)snprintf(entry, strlen(other) + 200, "@K3,'%s':%s", id, other);
    keys = tuf_edit(tuf_root, "@K3", entry);
    (void)snprintf(entry, strlen(other) + 200, "[@I3,'%s'],'threshold':2", id);
    role = tuf_edit(keys, "[@I3],'threshold':1", entry);
    root = tuf_parse(&fixture, PTI_TUF_ROOT, role, "0");
    assert_int_equal(root->roles[PTI_TUF_TIMESTAMP].count, 2);

    first = tuf_signature(&fixture, tuf_timestamp, 3);
    second = tuf_edit(first, pti_signing_key_public(fixture.keys[3])->id, id);
    both = malloc(strlen(first) + strlen(second) + 4);
    assert_non_null(both);
    (void)snprintf(both, strlen(first) + strlen(second) + 4, "[%s,%s]", first, second);
    text = tuf_expand(&fixture, tuf_timestamp);
    envelope = tuf_envelope_with(&fixture, text, both);
    tuf_expect(&fixture, "both", tuf_read(&fixture, PTI_TUF_TIMESTAMP, envelope, &metadata), NULL);
    assert_int_equal(metadata->signature_count, 2);
    assert_int_equal(verify(&fixture, root, metadata), PINTLE_ERR_TRUST);
    assert_non_null(strstr(fixture.error.detail, "1 of 2"));
    root->roles[PTI_TUF_TIMESTAMP].threshold = 1; /* either id is good for one */
    assert_int_equal(verify(&fixture, root, metadata), PINTLE_OK);

    pti_tuf_metadata_free(metadata);
    pti_tuf_metadata_free(root);
    pti_bytes_free(&envelope);
    free(both);
    free(second);
    free(first);
    free(text);
    free(role);
    free(keys);
    free(entry);
    free(other);
    free(object);
    tuf_clear(&fixture);
}

/* Beside one good signature: whatever else stands there does no harm, and alone it is worth nothing. */
static void test_bad_signatures(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "0",
        "zz",
        "hello",
        "30060201010201",
        "3006020101020101", /* DER of r = 1, s = 1 */
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFF",
        "\\u0000",
    };
    struct pti_tuf_metadata *root;
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    root = root_with(&fixture, "'timestamp':{'keyids':[@I3,@I4,@I6],'threshold':1}");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t key = 4; key <= 6; key += 2) {
            const char *id = pti_signing_key_public(fixture.keys[key])->id;
            char *good = tuf_signature(&fixture, tuf_timestamp, 3), list[1024];
            enum pintle_status want[] = {PINTLE_OK, PINTLE_ERR_TRUST};

            for (size_t n = 0; n < 2; n++) {
                struct pti_tuf_metadata *metadata;
                struct pintle_bytes envelope;

                (void)snprintf(list, sizeof list, "[{\"keyid\":\"%s\",\"sig\":\"%s\"}%s%s]", id, bad[i],
                               n == 0 ? "," : "", n == 0 ? good : "");
                envelope = tuf_envelope_with(&fixture, tuf_timestamp, list);
                tuf_expect(&fixture, bad[i], tuf_read(&fixture, PTI_TUF_TIMESTAMP, envelope, &metadata), NULL);
                if (verify(&fixture, root, metadata) != want[n])
                    fail_msg("\"%s\" %s: %s", bad[i], n == 0 ? "beside a good one" : "alone", fixture.error.detail);
                pti_tuf_metadata_free(metadata);
                pti_bytes_free(&envelope);
            }
            free(good);
        }
    }
    pti_tuf_metadata_free(root);
    tuf_clear(&fixture);
}

/* Flips every bit of the file (every fifth where that takes long); whatever still parses does not verify, unless it is outside of what counts. */
static void test_any_altered_bit(void **state)
{
    static const char *const signers[] = {"3", "6"};         /* Ed25519, P-256 */
    size_t stride = provider_takes(PTI_KEY_ED25519) ? 1 : 5; /* mbedTLS takes its time */
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t s = 0; s < 2; s++) {
        struct pti_tuf_metadata *root = root_with(&fixture, "'timestamp':{'keyids':[@I3,@I6],'threshold':1}");
        struct pintle_bytes envelope = tuf_envelope(&fixture, tuf_timestamp, signers[s]);
        uint8_t *file = malloc(envelope.size);
        struct pti_tuf_metadata *metadata;
        size_t parsed = 0;

        assert_non_null(file);
        memcpy(file, envelope.data, envelope.size);
        for (size_t bit = 0; bit < envelope.size * 8; bit += stride) {
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (tuf_read(&fixture, PTI_TUF_TIMESTAMP, (struct pintle_bytes){file, envelope.size}, &metadata) ==
                PINTLE_OK) {
                parsed++;
                if (verify(&fixture, root, metadata) != PINTLE_ERR_TRUST)
                    fail_msg("key %s: bit %zu of byte %zu does not matter", signers[s], bit % 8, bit / 8);
            }
            pti_tuf_metadata_free(metadata);
            file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(parsed > 500 / stride); /* most of it was for the signature to notice */
        free(file);
        pti_bytes_free(&envelope);
        pti_tuf_metadata_free(root);
    }
    tuf_clear(&fixture);
}

static void test_unusable_keys_are_named(void **state)
{
    static const char object[] = "{'keytype':'new','scheme':'new','keyval':{}}";
    struct tuf_fixture fixture;
    struct pti_tuf_metadata *root, *metadata;
    char id[PTI_KEYID_SIZE + 1], entry[256], *expanded, *keys, *text;
    struct pti_json *json;

    (void)state;
    tuf_init(&fixture);
    expanded = tuf_expand(&fixture, object);
    assert_int_equal(pti_json_parse(pti_bytes_text(expanded), &json, NULL), PINTLE_OK);
    assert_int_equal(pti_tuf_keyid(pti_json_root(json), fixture.crypto, id, NULL), PINTLE_OK);
    (void)snprintf(entry, sizeof entry, "@K3,'%s':%s", id, object);
    keys = tuf_edit(tuf_root, "@K3", entry);
    (void)snprintf(entry, sizeof entry, "[@I3,'%s'],'threshold':2", id);
    text = tuf_edit(keys, "[@I3],'threshold':1", entry);
    root = tuf_parse(&fixture, PTI_TUF_ROOT, text, "0");
    metadata = tuf_parse(&fixture, PTI_TUF_TIMESTAMP, tuf_timestamp, "3");
    assert_int_equal(verify(&fixture, root, metadata), PINTLE_ERR_TRUST);
    assert_non_null(strstr(fixture.error.detail, "1 of its 2 keys are malformed or of a kind"));
    pti_tuf_metadata_free(metadata);
    pti_tuf_metadata_free(root);
    pti_json_free(json);
    free(text);
    free(keys);
    free(expanded);
    tuf_clear(&fixture);
}

/* Two of three root keys are Ed25519: over mbedTLS they are nobody's signature, but still the keys that they are. */
static void test_keys_that_the_provider_cannot_verify(void **state)
{
    static const struct {
        const char *role, *signers, *want; /* want: what mbedTLS says; OpenSSL verifies them all */
    } cases[] = {
        {"'root':{'keyids':[@I0,@I1,@I6],'threshold':2}", "06",
         "root: 1 of 2 required signatures verify; 2 of its 3 keys are Ed25519, which the provider mbedtls cannot verify; "
         "sign with ECDSA P-256 keys, or use another provider"},
        {"'root':{'keyids':[@I0],'threshold':1}", "0",
         "root: 0 of 1 required signatures verify; 1 of its 1 keys are Ed25519, which the provider mbedtls cannot verify; "
         "sign with ECDSA P-256 keys, or use another provider"},
        {"'root':{'keyids':[@I0,@I1,@I6],'threshold':1}", "16", NULL},
    };
    struct tuf_fixture fixture;
    struct pintle_crypto *mbedtls;

    (void)state;
    if (!provider_takes(PTI_KEY_ED25519)) {
        provider_leaves_out("Ed25519 keys in a root", "this test takes mbedTLS anyway, and needs OpenSSL to sign");
        return;
    }
    tuf_init(&fixture);
    assert_int_equal(pintle_crypto_mbedtls_new(&mbedtls), PINTLE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *keys = tuf_edit(tuf_root, "@K3", "@K3,@K6");
        char *text = tuf_edit(keys, "'root':{'keyids':[@I0],'threshold':1}", cases[i].role);
        struct pintle_bytes bytes = tuf_envelope(&fixture, text, cases[i].signers);
        struct pti_tuf_metadata *root = NULL;
        struct pti_error error = {PINTLE_OK, ""};
        enum pintle_status status;

        assert_int_equal(pti_tuf_metadata_parse(bytes, PTI_TUF_ROOT, fixture.crypto, &root, &error), PINTLE_OK);
        assert_int_equal(pti_tuf_root_verifies_itself(root, &error), PINTLE_OK);
        pti_tuf_metadata_free(root);
        assert_int_equal(pti_tuf_metadata_parse(bytes, PTI_TUF_ROOT, mbedtls, &root, &error), PINTLE_OK);
        status = pti_tuf_root_verifies_itself(root, &error);
        assert_int_equal(status, cases[i].want == NULL ? PINTLE_OK : PINTLE_ERR_TRUST);
        if (cases[i].want != NULL)
            assert_string_equal(error.detail, cases[i].want);
        assert_int_equal(
            pti_tuf_signers_shared(&root->roles[PTI_TUF_ROOT], &root->keys, &root->roles[PTI_TUF_ROOT], &root->keys),
            root->roles[PTI_TUF_ROOT].count);
        pti_tuf_metadata_free(root);
        pti_bytes_free(&bytes);
        free(text);
        free(keys);
    }
    pintle_crypto_free(mbedtls);
    tuf_clear(&fixture);
}

static void test_files(void **state)
{
    static const struct {
        const char *name, *content;
        int64_t length;
        bool hashed;
        const char *want;
    } cases[] = {
        {"length and hash", "content", 7, true, NULL},
        {"hash alone", "content", -1, true, NULL},
        {"length alone", "another", 7, false, NULL},
        {"neither", "anything", -1, false, NULL},
        {"one byte too long", "content!", 7, true, "8 bytes, the signed length is 7"},
        {"one byte too short", "conten", 7, true, "6 bytes, the signed length is 7"},
        {"empty", "", 7, true, "0 bytes, the signed length is 7"},
        {"other content", "contenT", 7, true, "x.json: the bytes do not have the signed hash"},
        {"other content, no length", "contents", -1, true, "signed hash"},
        {"length 0", "c", 0, false, "signed length is 0"},
        {"largest length", "content", PTI_JSON_INTEGER_MAX, false, "signed length is 9007199254740991"},
    };
    struct pti_tuf_file file = {.name = pti_bytes_text("x.json")};
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    assert_int_equal(pti_sha256(fixture.crypto, pti_bytes_text("content"), file.sha256), PINTLE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum pintle_status status;

        file.length = cases[i].length;
        file.has_sha256 = cases[i].hashed;
        status = pti_tuf_verify_file(pti_bytes_text(cases[i].content), &file, fixture.crypto, &fixture.error);
        if (cases[i].want == NULL ? status != PINTLE_OK
                                  : status != PINTLE_ERR_TRUST || strstr(fixture.error.detail, cases[i].want) == NULL)
            fail_msg("%s: found %s: %s", cases[i].name, pintle_status_name(status), fixture.error.detail);
    }
    /* Signed by a hash that is unknown here: what cannot be checked is not taken, whatever its length. */
    file = (struct pti_tuf_file){.name = pti_bytes_text("x.json"), .length = 7, .has_other_hash = true};
    assert_int_equal(pti_tuf_verify_file(pti_bytes_text("content"), &file, fixture.crypto, &fixture.error),
                     PINTLE_ERR_UNSUPPORTED);
    assert_non_null(strstr(fixture.error.detail, "x.json: no hash of it that is signed is a sha256"));
    tuf_clear(&fixture);
}

static void test_successors(void **state)
{
    static const struct {
        enum pti_tuf_type type;
        const char *name, *before, *after; /* edits of the good text's "'version':1,'expires'" and "meta" */
        const char *want;
    } cases[] = {
        {PTI_TUF_TIMESTAMP, "next", "5 'snapshot.json':{'version':5}", "6 'snapshot.json':{'version':6}", NULL},
        {PTI_TUF_TIMESTAMP, "equal", "5 'snapshot.json':{'version':5}", "5 'snapshot.json':{'version':5}", NULL},
        {PTI_TUF_TIMESTAMP, "lower", "5 'snapshot.json':{'version':5}", "4 'snapshot.json':{'version':5}",
         "timestamp: version 4 is older than version 5"},
        {PTI_TUF_TIMESTAMP, "lower snapshot", "5 'snapshot.json':{'version':5}", "6 'snapshot.json':{'version':4}",
         "names snapshot version 4, older than version 5"},
        {PTI_TUF_SNAPSHOT, "next", "5 'targets.json':{'version':1}", "6 'targets.json':{'version':2}", NULL},
        {PTI_TUF_SNAPSHOT, "equal", "5 'targets.json':{'version':1}", "5 'targets.json':{'version':1}", NULL},
        {PTI_TUF_SNAPSHOT, "lower", "5 'targets.json':{'version':1}", "4 'targets.json':{'version':1}",
         "snapshot: version 4 is older than version 5"},
        {PTI_TUF_SNAPSHOT, "role added", "5 'targets.json':{'version':1}",
         "6 'a.json':{'version':1},'targets.json':{'version':1}", NULL},
        {PTI_TUF_SNAPSHOT, "role gone", "5 'a.json':{'version':1},'targets.json':{'version':1}",
         "6 'targets.json':{'version':1}", "no longer lists a.json"},
        {PTI_TUF_SNAPSHOT, "role lower", "5 'a.json':{'version':2},'targets.json':{'version':1}",
         "6 'a.json':{'version':1},'targets.json':{'version':1}", "a.json goes back from version 2 to 1"},
        {PTI_TUF_SNAPSHOT, "targets lower", "5 'targets.json':{'version':3}", "6 'targets.json':{'version':2}",
         "targets.json goes back from version 3 to 2"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const sides[2] = {cases[i].before, cases[i].after};
        struct pti_tuf_metadata *metadata[2];
        enum pintle_status status;

        for (size_t s = 0; s < 2; s++) {
            char text[512];

            (void)snprintf(text, sizeof text,
                           "{'_type':'%s','spec_version':'1.0','expires':'2030-01-01T00:00:00Z','version':%c,"
                           "'meta':{%s}}",
                           pti_tuf_type_name(cases[i].type), sides[s][0], sides[s] + 2);
            metadata[s] = tuf_parse(&fixture, cases[i].type, text, "");
        }
        status = cases[i].type == PTI_TUF_TIMESTAMP
                     ? pti_tuf_timestamp_succeeds(metadata[0], metadata[1], &fixture.error)
                     : pti_tuf_snapshot_succeeds(metadata[0], metadata[1], &fixture.error);
        if (cases[i].want == NULL ? status != PINTLE_OK
                                  : status != PINTLE_ERR_TRUST || strstr(fixture.error.detail, cases[i].want) == NULL)
            fail_msg("%s: found %s: %s", cases[i].name, pintle_status_name(status), fixture.error.detail);
        pti_tuf_metadata_free(metadata[0]);
        pti_tuf_metadata_free(metadata[1]);
    }
    tuf_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thresholds),
        cmocka_unit_test(test_one_key_under_two_ids_counts_once),
        cmocka_unit_test(test_bad_signatures),
        cmocka_unit_test(test_any_altered_bit),
        cmocka_unit_test(test_unusable_keys_are_named),
        cmocka_unit_test(test_keys_that_the_provider_cannot_verify),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_successors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
