/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and who may sign: what is refused, what is only unusable, and how thresholds are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "providers.h"
#include "tuf_fixture.h"

#define ED25519_HEX "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" /* RFC 8032, section 7.1 */

static struct pti_json *parse(const char *text)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_json *json;

    if (pti_json_parse(pti_bytes_text(text), &json, &error) != PINTLE_OK)
        fail_msg("%s: %s", text, error.detail);
    return json;
}

/* {"<its keyid>":object, ...} of up to 4 key objects. */
static char *keyed(const struct tuf_fixture *fixture, const char *const objects[4])
{
    struct pti_buf out;
    char *text;

    pti_buf_init(&out, 1000000);
    pti_buf_text(&out, "{");
    for (size_t i = 0; i < 4 && objects[i] != NULL; i++) {
        char *object = tuf_expand(fixture, objects[i]), id[PTI_KEYID_SIZE + 1];
        struct pti_json *json = parse(object);

        assert_int_equal(pti_tuf_keyid(pti_json_root(json), fixture->crypto, id, NULL), PINTLE_OK);
        pti_buf_printf(&out, "%s'%s':%s", i > 0 ? "," : "", id, object);
        pti_json_free(json);
        free(object);
    }
    pti_buf_text(&out, "}");
    text = pti_bytes_strdup(pti_buf_bytes(&out));
    pti_buf_clear(&out);
    return text;
}

static enum pintle_status read_keys(struct tuf_fixture *fixture, const char *text, struct pti_tuf_keys *keys)
{
    char *expanded = tuf_expand(fixture, text);
    struct pti_json *json = parse(expanded);
    enum pintle_status status;

    fixture->error.detail[0] = '\0';
    status = pti_tuf_keys_parse(pti_json_root(json), PTI_TUF_KEYIDS_HASH, fixture->crypto, keys, &fixture->error);
    pti_json_free(json); /* keys hold no view into it */
    free(expanded);
    return status;
}

static enum pintle_status read_signers(struct tuf_fixture *fixture, const char *text, const struct pti_tuf_keys *keys,
                                       struct pti_tuf_signers *signers)
{
    char *expanded = tuf_expand(fixture, text);
    struct pti_json *json = parse(expanded);
    enum pintle_status status;

    fixture->error.detail[0] = '\0';
    status = pti_tuf_signers_parse(pti_json_root(json), keys, signers, &fixture->error);
    pti_json_free(json);
    free(expanded);
    return status;
}

static void expect(const char *name, enum pintle_status status, const char *detail, const char *want)
{
    if (want == NULL ? status != PINTLE_OK : status != PINTLE_ERR_INPUT || strstr(detail, want) == NULL)
        fail_msg("%s: expected %s, found %s: %s", name, want != NULL ? want : "ok", pintle_status_name(status), detail);
}

/* SHA-256 over the canonical key object, however it is written. */
static void test_keyid(void **state)
{
    static const char same[] = "{ 'scheme' : 'ed25519', 'keyval' : {'public':'" ED25519_HEX
                               "'},\n'keytype':'ed25519' }";
    static const char sorted[] = "{'keytype':'ed25519','keyval':{'public':'" ED25519_HEX "'},'scheme':'ed25519'}";
    char id[PTI_KEYID_SIZE + 1], want[PTI_KEYID_SIZE + 1], *canonical, *object;
    uint8_t digest[PINTLE_SHA256_SIZE];
    struct tuf_fixture fixture;
    struct pti_json *json;

    (void)state;
    tuf_init(&fixture);
    object = tuf_expand(&fixture, same);
    canonical = tuf_expand(&fixture, sorted);
    json = parse(object);
    assert_int_equal(pti_tuf_keyid(pti_json_root(json), fixture.crypto, id, NULL), PINTLE_OK);
    assert_int_equal(pti_sha256(fixture.crypto, pti_bytes_text(canonical), digest), PINTLE_OK);
    pti_hex_encode(digest, sizeof digest, want);
    assert_string_equal(id, want);
    pti_json_free(json);
    free(canonical);
    free(object);
    tuf_clear(&fixture);
}

static void test_keys_that_are_refused(void **state)
{
    static const struct {
        const char *name, *input, *want;
    } cases[] = {
        {"good ones", "{@K0,@K1,@K7}", NULL},
        {"none", "{}", NULL},
        {"keyid of another key", "{@I0:@O1}", "does not belong to its key"},
        {"keyid in capitals", "{'ABC':@O1}", "keyid ABC does not belong"},
        {"empty keyid", "{'':@O1}", "does not belong"},
        {"one keyid right, one wrong", "{@K1,@I0:@O2}", "does not belong"},
        {"key is a string", "{@I0:'key'}", "a key must be an object, found a string"},
        {"key is null", "{@I0:null}", "a key must be an object, found null"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_tuf_keys keys;

        expect(cases[i].name, read_keys(&fixture, cases[i].input, &keys), fixture.error.detail, cases[i].want);
        if (cases[i].want != NULL)
            assert_int_equal(keys.count, 0);
        pti_tuf_keys_clear(&keys);
    }
    tuf_clear(&fixture);
}

/* The keyid fits in each of these; whether the key can be used is another question, and never fatal. */
static void test_keys_that_are_unusable(void **state)
{
    /* clang-format off */
    static const struct {
        const char *name, *input, *want; /* want: "Ed25519" (used, if the provider can), "unusable", or the error */
    } cases[] = {
        {"Ed25519", "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':'" ED25519_HEX "'}}", "Ed25519"},
        {"unknown fields", "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':'" ED25519_HEX
                           "','x':[1]},'keyid_hash_algorithms':['sha256']}", "Ed25519"},
        {"another type", "{'keytype':'ml-dsa','scheme':'ml-dsa-65/1','keyval':{'public':'x'}}", "unusable"},
        {"RSA", "{'keytype':'rsa','scheme':'rsassa-pss-sha256','keyval':{'public':'x'}}", "unusable"},
        {"another scheme", "{'keytype':'ed25519','scheme':'ed25519ph','keyval':{'public':'" ED25519_HEX
                           "'}}", "unusable"},
        {"scheme of another type", "{'keytype':'ed25519','scheme':'ecdsa-sha2-nistp256','keyval':{'public':'"
                                   ED25519_HEX "'}}", "unusable"},
        {"capital hex", "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':"
                        "'D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A'}}", "unusable"},
        {"short key", "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':'d75a98'}}", "unusable"},
        {"no hex", "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':'zz'}}", "unusable"},
        {"small order", "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':"
                        "'0100000000000000000000000000000000000000000000000000000000000000'}}", "unusable"},
        {"public is a number", "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':1}}", "unusable"},
        {"no public", "{'keytype':'ed25519','scheme':'ed25519','keyval':{}}", "unusable"},
        {"PEM of nothing", "{'keytype':'ecdsa','scheme':'ecdsa-sha2-nistp256','keyval':{'public':"
                           "'-----BEGIN PUBLIC KEY-----\\n-----END PUBLIC KEY-----\\n'}}", "unusable"},
        {"no keyval", "{'keytype':'ed25519','scheme':'ed25519'}", "\"keyval\" is missing"},
        {"keyval is a string", "{'keytype':'ed25519','scheme':'ed25519','keyval':'x'}", "\"keyval\" must be an object"},
        {"no scheme", "{'keytype':'ed25519','keyval':{'public':'x'}}", "\"scheme\" is missing"},
        {"no type", "{'scheme':'ed25519','keyval':{'public':'x'}}", "\"keytype\" is missing"},
        {"type is a number", "{'keytype':1,'scheme':'ed25519','keyval':{}}", "\"keytype\" must be a string"},
        {"empty object", "{}", "\"keytype\" is missing"},
    };
    /* clang-format on */
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = keyed(&fixture, (const char *const[4]){cases[i].input});
        bool ed25519 = strcmp(cases[i].want, "Ed25519") == 0;
        bool readable = ed25519 || strcmp(cases[i].want, "unusable") == 0;
        struct pti_tuf_keys keys;

        expect(cases[i].name, read_keys(&fixture, text, &keys), fixture.error.detail, readable ? NULL : cases[i].want);
        if (readable && fixture.error.detail[0] != '\0')
            fail_msg("%s: leaves \"%s\" behind", cases[i].name, fixture.error.detail);
        if (readable && ((keys.items[0].key != NULL) != (ed25519 && provider_takes(PTI_KEY_ED25519)) ||
                         keys.items[0].identified != ed25519))
            fail_msg("%s: expected it to be %s", cases[i].name, cases[i].want);
        pti_tuf_keys_clear(&keys);
        free(text);
    }
    tuf_clear(&fixture);
}

static void test_too_many_keys(void **state)
{
    struct tuf_fixture fixture;
    struct pti_tuf_keys keys;
    struct pti_buf text;

    (void)state;
    tuf_init(&fixture);
    for (size_t count = PTI_KEYS_MAX; count <= PTI_KEYS_MAX + 1; count++) {
        pti_buf_init(&text, 1000000);
        for (size_t i = 0; i < count; i++) {
            char template[64], *one;

            (void)snprintf(template, sizeof template, "{'keytype':'t%zu','scheme':'s','keyval':{}}", i);
            one = keyed(&fixture, (const char *const[4]){template});
            one[strlen(one) - 1] = '\0';
            pti_buf_printf(&text, "%c%s", i == 0 ? '{' : ',', one + 1);
            free(one);
        }
        pti_buf_text(&text, "}");
        expect("many", read_keys(&fixture, pti_buf_cstr(&text), &keys), fixture.error.detail,
               count <= PTI_KEYS_MAX ? NULL : "257 keys, at most 256");
        pti_tuf_keys_clear(&keys);
        pti_buf_clear(&text);
    }
    tuf_clear(&fixture);
}

static void test_signers(void **state)
{
    static const struct {
        const char *name, *input, *want;
        size_t count;
    } cases[] = {
        {"two of two", "{'keyids':[@I0,@I1],'threshold':2}", NULL, 2},
        {"threshold above the keys", "{'keyids':[@I0],'threshold':2}", NULL, 1}, /* it is never met */
        {"unknown keyid is skipped", "{'keyids':['00',@I1],'threshold':1}", NULL, 1},
        {"no keys at all", "{'keyids':[],'threshold':1}", NULL, 0},
        {"threshold 0", "{'keyids':[@I0],'threshold':0}", "\"threshold\" must be from 1 to 256, found 0", 0},
        {"threshold -1", "{'keyids':[@I0],'threshold':-1}", "from 1 to 256, found -1", 0},
        {"threshold 257", "{'keyids':[@I0],'threshold':257}", "from 1 to 256, found 257", 0},
        {"threshold 2^53-1", "{'keyids':[@I0],'threshold':9007199254740991}", "from 1 to 256", 0},
        {"threshold a string", "{'keyids':[@I0],'threshold':'1'}", "\"threshold\" must be an integer", 0},
        {"threshold true", "{'keyids':[@I0],'threshold':true}", "\"threshold\" must be an integer", 0},
        {"no threshold", "{'keyids':[@I0]}", "\"threshold\" is missing", 0},
        {"a keyid twice", "{'keyids':[@I0,@I1,@I0],'threshold':1}", "stands twice", 0},
        {"an unknown keyid twice", "{'keyids':['',''],'threshold':1}", "stands twice", 0},
        {"keyids of another type", "{'keyids':[@I0,5],'threshold':1}", "a keyid must be a string, found an integer", 0},
        {"keyids an object", "{'keyids':{},'threshold':1}", "\"keyids\" must be an array", 0},
        {"no keyids", "{'threshold':1}", "\"keyids\" is missing", 0},
        {"an array", "[1]", "must stand in an object", 0},
    };
    struct tuf_fixture fixture;
    struct pti_tuf_keys keys;

    (void)state;
    tuf_init(&fixture);
    assert_int_equal(read_keys(&fixture, "{@K0,@K1}", &keys), PINTLE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_tuf_signers signers;

        expect(cases[i].name, read_signers(&fixture, cases[i].input, &keys, &signers), fixture.error.detail,
               cases[i].want);
        assert_int_equal(signers.count, cases[i].count);
        pti_tuf_signers_clear(&signers);
    }
    pti_tuf_keys_clear(&keys);
    tuf_clear(&fixture);
}

#define ID_60 "000000000011111111112222222222333333333344444444445555555555"

/* Where any name is allowed, it still has a bound, and is text. */
static void test_any_keyid_is_bounded(void **state)
{
    static const struct {
        const char *name, *input, *want;
    } cases[] = {
        {"a word", "{\"word\":{\"keytype\":\"x\",\"scheme\":\"y\",\"keyval\":{}}}", NULL},
        {"64 bytes", "{\"" ID_60 "4444\":{\"keytype\":\"x\",\"scheme\":\"y\",\"keyval\":{}}}", NULL},
        {"65 bytes", "{\"" ID_60 "55555\":{\"keytype\":\"x\",\"scheme\":\"y\",\"keyval\":{}}}", "a keyid has 65 bytes"},
        {"NUL", "{\"a\\u0000b\":{\"keytype\":\"x\",\"scheme\":\"y\",\"keyval\":{}}}", "a keyid has 3 bytes"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_json *json = parse(cases[i].input);
        struct pti_tuf_keys keys;

        fixture.error.detail[0] = '\0';
        expect(cases[i].name,
               pti_tuf_keys_parse(pti_json_root(json), PTI_TUF_KEYIDS_ANY, fixture.crypto, &keys, &fixture.error),
               fixture.error.detail, cases[i].want);
        pti_tuf_keys_clear(&keys);
        pti_json_free(json);
    }
    tuf_clear(&fixture);
}

static void test_too_many_signers(void **state)
{
    struct tuf_fixture fixture;
    struct pti_tuf_keys keys;
    struct pti_buf text;

    (void)state;
    tuf_init(&fixture);
    assert_int_equal(read_keys(&fixture, "{@K0}", &keys), PINTLE_OK);
    for (size_t count = PTI_KEYS_MAX; count <= PTI_KEYS_MAX + 1; count++) {
        struct pti_tuf_signers signers;

        pti_buf_init(&text, 100000);
        pti_buf_text(&text, "{'threshold':1,'keyids':[");
        for (size_t i = 0; i < count; i++)
            pti_buf_printf(&text, "%s'%zu'", i == 0 ? "" : ",", i);
        pti_buf_text(&text, "]}");
        expect("many", read_signers(&fixture, pti_buf_cstr(&text), &keys, &signers), fixture.error.detail,
               count <= PTI_KEYS_MAX ? NULL : "257 keyids in one role, at most 256");
        pti_tuf_signers_clear(&signers);
        pti_buf_clear(&text);
    }
    pti_tuf_keys_clear(&keys);
    tuf_clear(&fixture);
}

/* One public key under two keyids (an unknown field makes the difference) has one identity and counts once. */
static void test_one_public_key_under_two_ids(void **state)
{
    static const char plain[] = "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':'" ED25519_HEX "'}}";
    static const char other[] = "{'keytype':'ed25519','scheme':'ed25519','keyval':{'public':'" ED25519_HEX "'},'x':1}";
    struct pti_tuf_signers both, one;
    struct tuf_fixture fixture;
    struct pti_tuf_keys keys;
    char *text;

    (void)state;
    tuf_init(&fixture);
    text = keyed(&fixture, (const char *const[4]){plain, other});
    assert_int_equal(read_keys(&fixture, text, &keys), PINTLE_OK);
    assert_int_equal(keys.count, 2);
    assert_string_not_equal(keys.items[0].id, keys.items[1].id);
    assert_memory_equal(keys.items[0].identity, keys.items[1].identity, sizeof keys.items[0].identity);
    both = (struct pti_tuf_signers){(uint16_t[]){0, 1}, 2, 1};
    one = (struct pti_tuf_signers){(uint16_t[]){1}, 1, 1};
    assert_int_equal(pti_tuf_signers_shared(&both, &keys, &both, &keys), 1);
    assert_int_equal(pti_tuf_signers_shared(&both, &keys, &one, &keys), 1);
    assert_int_equal(pti_tuf_signers_shared(&one, &keys, &both, &keys), 1);
    pti_tuf_keys_clear(&keys);
    free(text);
    tuf_clear(&fixture);
}

static void test_shared_signers(void **state)
{
    static const struct {
        const char *name;
        uint16_t a[3], b[3];
        size_t a_count, b_count, want;
    } cases[] = {
        {"none", {0}, {0}, 0, 0, 0},
        {"disjoint", {0, 1}, {2, 3}, 2, 2, 0},
        {"one of two", {0, 1}, {1, 2}, 2, 2, 1},
        {"all, in another order", {0, 1, 2}, {2, 1, 0}, 3, 3, 3},
        {"unusable keys are nobody's", {4}, {4}, 1, 1, 0},
    };
    char *text;
    struct tuf_fixture fixture;
    struct pti_tuf_keys keys;

    (void)state;
    tuf_init(&fixture);
    text = keyed(&fixture, (const char *const[4]){"{'keytype':'new','scheme':'new','keyval':{}}"});
    text[strlen(text) - 1] = '\0';
    {
        struct pti_buf all;

        pti_buf_init(&all, 100000);
        pti_buf_printf(&all, "%s,@K0,@K1,@K2,@K6}", text);
        assert_int_equal(read_keys(&fixture, pti_buf_cstr(&all), &keys), PINTLE_OK);
        pti_buf_clear(&all);
    }
    for (size_t i = 0; i < keys.count - 1; i++) /* the unusable one goes to the end */
        if (keys.items[i].key == NULL) {
            struct pti_tuf_key unusable = keys.items[i];

            keys.items[i] = keys.items[keys.count - 1];
            keys.items[keys.count - 1] = unusable;
        }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint16_t a_keys[3], b_keys[3];
        struct pti_tuf_signers a = {a_keys, cases[i].a_count, 1}, b = {b_keys, cases[i].b_count, 1};

        memcpy(a_keys, cases[i].a, sizeof a_keys);
        memcpy(b_keys, cases[i].b, sizeof b_keys);
        if (pti_tuf_signers_shared(&a, &keys, &b, &keys) != cases[i].want)
            fail_msg("%s: expected %zu", cases[i].name, cases[i].want);
    }
    pti_tuf_keys_clear(&keys);
    free(text);
    tuf_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyid),
        cmocka_unit_test(test_keys_that_are_refused),
        cmocka_unit_test(test_keys_that_are_unusable),
        cmocka_unit_test(test_too_many_keys),
        cmocka_unit_test(test_signers),
        cmocka_unit_test(test_too_many_signers),
        cmocka_unit_test(test_any_keyid_is_bounded),
        cmocka_unit_test(test_one_public_key_under_two_ids),
        cmocka_unit_test(test_shared_signers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
