/* SPDX-License-Identifier: Apache-2.0 */
/* The form of metadata files: envelopes, sizes, layout, and that nothing malformed is ever more than refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "tuf_fixture.h"

static void test_envelopes(void **state)
{
#define SIG "{'keyid':'a','sig':'00'}"
    static const struct {
        const char *name, *signatures, *want;
    } cases[] = {
        {"none", "[]", NULL},
        {"empty signature", "[{'keyid':'a','sig':''}]", NULL},
        {"signature is no hex", "[{'keyid':'a','sig':'hello'}]", NULL},
        {"empty keyid", "[{'keyid':'','sig':'00'}]", NULL},
        {"two keyids", "[" SIG ",{'keyid':'b','sig':'00'}]", NULL},
        {"a keyid twice", "[" SIG ",{'keyid':'b','sig':'00'}," SIG "]", "two signatures carry the same keyid"},
        {"unknown fields", "[{'keyid':'a','sig':'00','method':'x'}]", NULL},
        {"an object", "{'keyid':'a','sig':'00'}", "\"signatures\" must be an array, found an object"},
        {"null", "null", "\"signatures\" must be an array, found null"},
        {"of strings", "['00']", "\"keyid\" must stand in an object, found a string"},
        {"without keyid", "[{'sig':'00'}]", "\"keyid\" is missing"},
        {"without signature", "[{'keyid':'a'}]", "\"sig\" is missing"},
        {"keyid a number", "[{'keyid':1,'sig':'00'}]", "\"keyid\" must be a string"},
        {"signature null", "[{'keyid':'a','sig':null}]", "\"sig\" must be a string"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *signatures = tuf_expand(&fixture, cases[i].signatures);
        struct pintle_bytes envelope = tuf_envelope_with(&fixture, tuf_timestamp, signatures);
        struct pti_tuf_metadata *metadata;

        tuf_expect(&fixture, cases[i].name, tuf_read(&fixture, PTI_TUF_TIMESTAMP, envelope, &metadata), cases[i].want);
        pti_tuf_metadata_free(metadata);
        pti_bytes_free(&envelope);
        free(signatures);
    }
    tuf_clear(&fixture);
}

static void test_number_of_signatures(void **state)
{
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (unsigned count = PTI_SIGNATURES_MAX; count <= PTI_SIGNATURES_MAX + 1; count++) {
        struct pti_tuf_metadata *metadata;
        struct pintle_bytes envelope;
        struct pti_buf list;

        pti_buf_init(&list, 100000);
        for (unsigned i = 0; i < count; i++)
            pti_buf_printf(&list, "%c{\"keyid\":\"%u\",\"sig\":\"00\"}", i == 0 ? '[' : ',', i);
        pti_buf_text(&list, "]");
        envelope = tuf_envelope_with(&fixture, tuf_timestamp, pti_buf_cstr(&list));
        tuf_expect(&fixture, "many", tuf_read(&fixture, PTI_TUF_TIMESTAMP, envelope, &metadata),
                   count <= PTI_SIGNATURES_MAX ? NULL : "65 signatures, at most 64");
        pti_tuf_metadata_free(metadata);
        pti_bytes_free(&envelope);
        pti_buf_clear(&list);
    }
    tuf_clear(&fixture);
}

static void test_not_an_envelope(void **state)
{
    static const struct {
        const char *input, *want;
    } cases[] = {
        {"", "byte 0"},
        {"{", "byte 1"},
        {"[]", "expected an object, found an array"},
        {"null", "expected an object, found null"},
        {"\"signed\"", "expected an object, found a string"},
        {"{}", "\"signatures\" is missing"},
        {"{\"signatures\":[]}", "\"signed\" is missing"},
        {"{\"signatures\":[],\"signed\":null}", "\"signed\" must be an object, found null"},
        {"{\"signatures\":[],\"signed\":[]}", "\"signed\" must be an object, found an array"},
        {"{\"signatures\":[],\"signed\":{}}", "\"_type\" is missing"},
        {"{\"signatures\":[],\"signatures\":[],\"signed\":{}}", "duplicate key"},
        {"{\"signatures\":[],\"signed\":{}}x", "nothing after the value"},
        {"\xef\xbb\xbf{}", "byte order mark"},
    };
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int type = 0; type < PTI_TUF_TYPES; type++) {
            struct pti_tuf_metadata *metadata;

            tuf_expect(&fixture, cases[i].input,
                       tuf_read(&fixture, (enum pti_tuf_type)type, pti_bytes_text(cases[i].input), &metadata),
                       cases[i].want);
        }
    }
    tuf_clear(&fixture);
}

/* The size limit of each type, to the byte: white space is free. */
static void test_size(void **state)
{
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (int i = 0; i < PTI_TUF_TYPES; i++) {
        enum pti_tuf_type type = (enum pti_tuf_type)i;
        struct pintle_bytes envelope = tuf_envelope_with(&fixture, tuf_signed(type), "[]");
        size_t max = pti_tuf_size_max(type);
        uint8_t *padded = malloc(max + 1);
        struct pti_tuf_metadata *metadata;

        assert_non_null(padded);
        memset(padded, ' ', max + 1);
        memcpy(padded, envelope.data, envelope.size);
        tuf_expect(&fixture, "largest", tuf_read(&fixture, type, (struct pintle_bytes){padded, max}, &metadata), NULL);
        pti_tuf_metadata_free(metadata);
        tuf_expect(&fixture, "too large", tuf_read(&fixture, type, (struct pintle_bytes){padded, max + 1}, &metadata),
                   "bytes, at most");
        free(padded);
        pti_bytes_free(&envelope);
    }
    tuf_clear(&fixture);
}

/* What is signed is the canonical form of everything in "signed", known or not, however the file is laid out. */
static void test_unknown_fields_are_signed_and_layout_is_not(void **state)
{
    static const char plain[] = "{'signed':{'x-new':'\\u00e9\\n','_type':'timestamp','spec_version':'1.0.31',"
                                "'version':1,'expires':'2030-01-01T00:00:00Z','meta':{'snapshot.json':{'version':1,"
                                "'x':[{},[],null,true,-5]}}},'signatures':[]}";
    static const char indented[] =
        "{\n  'signatures' : [ ],\n  'signed' : {\n\t'_type' : 'timestamp',\r\n'expires':'2030-01-01T00:00:00Z',\n"
        "    'meta' : { 'snapshot.json' : { 'x' : [ { }, [ ], null, true, -5 ], 'version' : 1 } },\n"
        "    'spec_version':'1.0.31',\n    'version' : 1,\n    'x-new' : '\\u00E9\\u000a'\n  }\n}\n\n";
    static const char
        want[] = "{\"_type\":\"timestamp\",\"expires\":\"2030-01-01T00:00:00Z\",\"meta\":{\"snapshot.json\":"
                 "{\"version\":1,\"x\":[{},[],null,true,-5]}},\"spec_version\":\"1.0.31\",\"version\":1,"
                 "\"x-new\":\"\xc3\xa9\n\"}";
    const char *const texts[] = {plain, indented};
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (size_t i = 0; i < 2; i++) {
        char *text = tuf_expand(&fixture, texts[i]);
        struct pti_tuf_metadata *metadata;

        tuf_expect(&fixture, "layout", tuf_read(&fixture, PTI_TUF_TIMESTAMP, pti_bytes_text(text), &metadata), NULL);
        assert_true(pti_bytes_equal_text(pti_buf_bytes(&metadata->canonical), want));
        assert_true(pti_bytes_equal_text(metadata->bytes, text)); /* and the file is kept as it came */
        pti_tuf_metadata_free(metadata);
        free(text);
    }
    tuf_clear(&fixture);
}

/* Where the value that begins at text[start] ends. */
static size_t end_of_value(const char *text, size_t start)
{
    size_t at = start, depth = 0;
    bool quoted = false;

    do {
        if (quoted && text[at] == '\\')
            at++;
        else if (text[at] == '"')
            quoted = !quoted;
        else if (!quoted && (text[at] == '{' || text[at] == '['))
            depth++;
        else if (!quoted && (text[at] == '}' || text[at] == ']'))
            depth--;
        at++;
    } while (quoted || depth > 0 || (strchr(",}] \n", text[at]) == NULL && text[at] != '\0'));
    return at;
}

static void replace_each(struct tuf_fixture *fixture, enum pti_tuf_type type, const char *text,
                         const struct pti_json_value *value)
{
    static const char *const others[] = {"null",  "true", "0",  "-1",   "9007199254740991", "\"\"",
                                         "\"x\"", "[]",   "{}", "[[]]", "{\"a\":{}}"};
    size_t start = pti_json_offset(value), end = end_of_value(text, start);

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct pti_tuf_metadata *metadata;
        enum pintle_status status;
        struct pti_buf changed;

        pti_buf_init(&changed, 1000000);
        pti_buf_append(&changed, text, start);
        pti_buf_text(&changed, others[i]);
        pti_buf_text(&changed, text + end);
        status = tuf_read(fixture, type, pti_buf_bytes(&changed), &metadata);
        if (status != PINTLE_OK && status != PINTLE_ERR_INPUT)
            fail_msg("%s at byte %zu: %s", others[i], start, fixture->error.detail);
        pti_tuf_metadata_free(metadata);
        pti_buf_clear(&changed);
    }
    for (const struct pti_json_value *child = pti_json_first(value); child != NULL; child = pti_json_next(child))
        replace_each(fixture, type, text, child);
}

/* Schema-invalid JSON of every kind (CVE-2026-23991): any value of a good file replaced by another. */
static void test_any_value_replaced(void **state)
{
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (int i = 0; i < PTI_TUF_TYPES; i++) {
        enum pti_tuf_type type = (enum pti_tuf_type)i;
        struct pintle_bytes envelope = tuf_envelope(&fixture, tuf_signed(type), "0167");
        char *text = pti_bytes_strdup(envelope);
        struct pti_json *json;

        assert_int_equal(pti_json_parse(envelope, &json, NULL), PINTLE_OK);
        replace_each(&fixture, type, text, pti_json_root(json));
        pti_json_free(json);
        free(text);
        pti_bytes_free(&envelope);
    }
    tuf_clear(&fixture);
}

static void test_cut_anywhere(void **state)
{
    struct tuf_fixture fixture;

    (void)state;
    tuf_init(&fixture);
    for (int i = 0; i < PTI_TUF_TYPES; i++) {
        struct pintle_bytes envelope = tuf_envelope(&fixture, tuf_signed((enum pti_tuf_type)i), "0");

        for (size_t size = 0; size < envelope.size; size++) {
            struct pti_tuf_metadata *metadata;

            if (tuf_read(&fixture, (enum pti_tuf_type)i, (struct pintle_bytes){envelope.data, size}, &metadata) !=
                PINTLE_ERR_INPUT)
                fail_msg("the first %zu bytes are read: %s", size, fixture.error.detail);
        }
        pti_bytes_free(&envelope);
    }
    tuf_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_number_of_signatures),
        cmocka_unit_test(test_not_an_envelope),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_unknown_fields_are_signed_and_layout_is_not),
        cmocka_unit_test(test_any_value_replaced),
        cmocka_unit_test(test_cut_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
