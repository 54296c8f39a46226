/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json_write.h"

/* Literals may hold NUL. */
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

static void assert_buf(struct pti_buf *buf, struct pintle_bytes want)
{
    assert_int_equal(buf->status, PINTLE_OK);
    if (!pti_bytes_equal(pti_buf_bytes(buf), want)) {
        fail_msg("\"%s\", expected \"%.*s\"", pti_buf_cstr(buf), (int)want.size, (const char *)want.data);
    }
}

/*
 * The canonical column is what securesystemslib.formats.encode_canonical() (python-tuf) makes of the same text:
 * everything but '"' and '\' raw, control characters and line ends too.
 */
static void parsed_values(void **state)
{
    (void)state;
    static const struct {
        struct pintle_bytes text, canonical, compact;
    } cases[] = {
        {TEXT("null"), TEXT("null"), TEXT("null")},
        {TEXT(" [ ] "), TEXT("[]"), TEXT("[]")},
        {TEXT("{ }"), TEXT("{}"), TEXT("{}")},
        {TEXT("[true,false,null,0,-5]"), TEXT("[true,false,null,0,-5]"), TEXT("[true,false,null,0,-5]")},
        {TEXT("{\"b\":[3,2,1],\"a\":{\"d\":0,\"c\":[{}]}}"), TEXT("{\"a\":{\"c\":[{}],\"d\":0},\"b\":[3,2,1]}"),
         TEXT("{\"a\":{\"c\":[{}],\"d\":0},\"b\":[3,2,1]}")},
        {TEXT("\"-----BEGIN\\nMFkw\\n-----END\\n\""), TEXT("\"-----BEGIN\nMFkw\n-----END\n\""),
         TEXT("\"-----BEGIN\\nMFkw\\n-----END\\n\"")},
        {TEXT("\"\\u0000\\u0001\\b\\f\\r\\t\\u001f\\u007f\""), TEXT("\"\0\x01\b\f\r\t\x1f\x7f\""),
         TEXT("\"\\u0000\\u0001\\b\\f\\r\\t\\u001f\x7f\"")},
        {TEXT("\"a\\\"b\\\\c\\/d\""), TEXT("\"a\\\"b\\\\c/d\""), TEXT("\"a\\\"b\\\\c/d\"")},
        {TEXT("\"\\u00e9\\ud83d\\ude00\""), TEXT("\"\xc3\xa9\xf0\x9f\x98\x80\""), TEXT("\"\xc3\xa9\xf0\x9f\x98\x80\"")},
        {TEXT("{\"\\n\":1,\"\\\"\":2,\"\\u0000\":3,\"\":4}"), TEXT("{\"\":4,\"\0\":3,\"\n\":1,\"\\\"\":2}"),
         TEXT("{\"\":4,\"\\u0000\":3,\"\\n\":1,\"\\\"\":2}")},
        /* By byte, not by UTF-16 unit as RFC 8785 would have it. */
        {TEXT("{\"\\ud83d\\ude00\":1,\"\\uff5e\":2,\"Z\":3,\"a\":4}"),
         TEXT("{\"Z\":3,\"a\":4,\"\xef\xbd\x9e\":2,\"\xf0\x9f\x98\x80\":1}"),
         TEXT("{\"Z\":3,\"a\":4,\"\xef\xbd\x9e\":2,\"\xf0\x9f\x98\x80\":1}")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_json *json = NULL;
        struct pti_json *again = NULL;
        struct pti_error error;
        struct pti_buf out;
        struct pti_buf canonical;
        pti_buf_init(&out, 1000);
        pti_buf_init(&canonical, 1000);
        assert_int_equal(pti_json_parse(cases[i].text, &json, &error), PINTLE_OK);
        pti_json_write_canonical(pti_json_root(json), &canonical);
        assert_buf(&canonical, cases[i].canonical);
        pti_json_write_compact(pti_json_root(json), &out);
        assert_buf(&out, cases[i].compact);

        /* The compact form means the same: read again, its canonical form is the same. */
        assert_int_equal(pti_json_parse(pti_buf_bytes(&out), &again, &error), PINTLE_OK);
        pti_buf_clear(&canonical);
        pti_json_write_canonical(pti_json_root(again), &canonical);
        assert_buf(&canonical, cases[i].canonical);
        pti_json_free(json);
        pti_json_free(again);
        pti_buf_clear(&out);
        pti_buf_clear(&canonical);
    }
}

static void write_everything(struct pti_json_writer *writer)
{
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "text", "a\"b\\c\nd\x01/");
    pti_json_put_text(writer, "none", NULL);
    pti_json_put_string(writer, "k\"ey\t", (struct pintle_bytes)TEXT("n\0ul"));
    pti_json_put_integer(writer, "min", -PTI_JSON_INTEGER_MAX);
    pti_json_put_bool(writer, "yes", true);
    pti_json_begin_array(writer, "list");
    pti_json_put_integer(writer, NULL, 1);
    pti_json_begin_object(writer, NULL);
    pti_json_end_object(writer);
    pti_json_begin_array(writer, NULL);
    pti_json_end_array(writer);
    pti_json_put_null(writer, NULL);
    pti_json_end_array(writer);
    pti_json_begin_object(writer, "inner");
    pti_json_put_bool(writer, "no", false);
    pti_json_end_object(writer);
    pti_json_put_raw(writer, "raw", (struct pintle_bytes)TEXT("{\"x\":1}"));
    pti_json_end_object(writer);
}

static void new_text(void **state)
{
    (void)state;
    static const struct pintle_bytes compact = TEXT(
        "{\"text\":\"a\\\"b\\\\c\\nd\\u0001/\",\"none\":null,\"k\\\"ey\\t\":\"n\\u0000ul\","
        "\"min\":-9007199254740991,\"yes\":true,\"list\":[1,{},[],null],\"inner\":{\"no\":false},"
        "\"raw\":{\"x\":1}}");
    static const struct pintle_bytes indented = TEXT("{\n"
                                                     "  \"text\": \"a\\\"b\\\\c\\nd\\u0001/\",\n"
                                                     "  \"none\": null,\n"
                                                     "  \"k\\\"ey\\t\": \"n\\u0000ul\",\n"
                                                     "  \"min\": -9007199254740991,\n"
                                                     "  \"yes\": true,\n"
                                                     "  \"list\": [\n"
                                                     "    1,\n"
                                                     "    {},\n"
                                                     "    [],\n"
                                                     "    null\n"
                                                     "  ],\n"
                                                     "  \"inner\": {\n"
                                                     "    \"no\": false\n"
                                                     "  },\n"
                                                     "  \"raw\": {\"x\":1}\n"
                                                     "}");
    for (int indent = 0; indent < 2; indent++) {
        struct pti_buf out;
        struct pti_json_writer writer;
        pti_buf_init(&out, 1000);
        pti_json_writer_init(&writer, &out, indent == 1);
        write_everything(&writer);
        assert_buf(&out, indent == 1 ? indented : compact);
        struct pti_json *json = NULL;
        struct pti_error error;
        assert_int_equal(pti_json_parse(pti_buf_bytes(&out), &json, &error), PINTLE_OK);
        pti_json_free(json);
        pti_buf_clear(&out);
    }
}

#define BAD "\xef\xbf\xbd"

static void bad_utf8_becomes_replacement_characters(void **state)
{
    (void)state;
    static const struct {
        struct pintle_bytes string, want;
    } cases[] = {
        {TEXT(""), TEXT("\"\"")},
        {TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), TEXT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"")},
        {TEXT("a\xff\xfe"
              "b"),
         TEXT("\"a" BAD BAD "b\"")},
        {TEXT("\x80"), TEXT("\"" BAD "\"")},
        {TEXT("\xe2\x82"), TEXT("\"" BAD BAD "\"")},
        {TEXT("\xe2\"\x82"), TEXT("\"" BAD "\\\"" BAD "\"")},
        {TEXT("\xed\xa0\x80"), TEXT("\"" BAD BAD BAD "\"")},
        {TEXT("\xc0\xaf\\\xf4\x90\x80\x80"), TEXT("\"" BAD BAD "\\\\" BAD BAD BAD BAD "\"")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_buf out;
        struct pti_json_writer writer;
        pti_buf_init(&out, 1000);
        pti_json_writer_init(&writer, &out, false);
        pti_json_put_string(&writer, NULL, cases[i].string);
        assert_buf(&out, cases[i].want);
        pti_buf_clear(&out);
    }
}

static void errors_stick_to_the_buffer(void **state)
{
    (void)state;
    struct pti_buf whole;
    struct pti_json_writer writer;
    pti_buf_init(&whole, 1000);
    pti_json_writer_init(&writer, &whole, true);
    write_everything(&writer);
    for (size_t max = 0; max < whole.size; max++) {
        struct pti_buf out;
        pti_buf_init(&out, max);
        pti_json_writer_init(&writer, &out, true);
        write_everything(&writer);
        assert_int_equal(out.status, PINTLE_ERR_INPUT);
        pti_buf_clear(&out);
    }
    pti_buf_clear(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsed_values),
        cmocka_unit_test(new_text),
        cmocka_unit_test(bad_utf8_becomes_replacement_characters),
        cmocka_unit_test(errors_stick_to_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
