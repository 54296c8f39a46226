/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json_write.h"

/* Literals may hold NUL. */
#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        (const uint8_t *)(literal), sizeof(literal) - 1                                                                \
    }

struct refusal {
    struct pintle_bytes text;
    const char *detail;
};

/* The text goes into a block of exactly its size, so that a sanitizer sees a read past its end. */
static enum pintle_status parse(struct pintle_bytes text, struct pti_json **json, struct pti_error *error)
{
    struct pintle_bytes copy;
    assert_int_equal(pti_bytes_copy(text, &copy), PINTLE_OK);
    enum pintle_status status = pti_json_parse(copy, json, error);
    pti_bytes_free(&copy);
    return status;
}

static struct pti_json *parsed(const char *text)
{
    struct pti_json *json = NULL;
    struct pti_error error;
    if (parse(pti_bytes_text(text), &json, &error) != PINTLE_OK) {
        fail_msg("%s: %s", text, error.detail);
    }
    return json;
}

static void refuse(const struct refusal *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pti_json *json = NULL;
        struct pti_error error;
        pti_error_clear(&error);
        if (parse(cases[i].text, &json, &error) != PINTLE_ERR_INPUT || json != NULL ||
            error.status != PINTLE_ERR_INPUT || strcmp(error.detail, cases[i].detail) != 0) {
            fail_msg("case %zu \"%.*s\": \"%s\", expected \"%s\"", i, (int)cases[i].text.size,
                     (const char *)cases[i].text.data, error.detail, cases[i].detail);
        }
    }
}

static void accepts(void **state)
{
    (void)state;
    static const struct {
        struct pintle_bytes text;
        const char *compact;
    } cases[] = {
        {TEXT("null"), "null"},
        {TEXT("true"), "true"},
        {TEXT("false"), "false"},
        {TEXT("0"), "0"},
        {TEXT("-1"), "-1"},
        {TEXT("10"), "10"},
        {TEXT("9007199254740991"), "9007199254740991"},
        {TEXT("-9007199254740991"), "-9007199254740991"},
        {TEXT("\"\""), "\"\""},
        {TEXT("[]"), "[]"},
        {TEXT("{}"), "{}"},
        {TEXT("{\"\":0}"), "{\"\":0}"},
        {TEXT(" \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n"), "[1,2]"},
        {TEXT(" { \"a\" : [ ] , \"b\" : { } } "), "{\"a\":[],\"b\":{}}"},
        {TEXT("[[],{},[[]],\"\",null,true,false,0]"), "[[],{},[[]],\"\",null,true,false,0]"},
        {TEXT("{\"b\":1,\"a\":2,\"\":3,\"aa\":4,\"B\":5}"), "{\"\":3,\"B\":5,\"a\":2,\"aa\":4,\"b\":1}"},
        {TEXT("{\"\xc3\xa9\":1,\"z\":2,\"\\u007f\":3}"), "{\"z\":2,\"\x7f\":3,\"\xc3\xa9\":1}"},
        {TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
        {TEXT("\"\\u0041\\u00e9\\u00E9\\u20ac\""), "\"A\xc3\xa9\xc3\xa9\xe2\x82\xac\""},
        {TEXT("\"\\ud83d\\ude00 \\uD83D\\uDE00\""), "\"\xf0\x9f\x98\x80 \xf0\x9f\x98\x80\""},
        {TEXT("\"\\ud800\\udc00\\udbff\\udfff\""), "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
        {TEXT("\"\\u0000x\\u001f\""), "\"\\u0000x\\u001f\""},
        {TEXT("[\"\\n0123456789\\u00e9abc\xc3\xa9 tail\\\\\",\"next\",\"\\/\"]"),
         "[\"\\n0123456789\xc3\xa9"
         "abc\xc3\xa9 tail\\\\\",\"next\",\"/\"]"},
        {TEXT("\"\\uffff\\ud7ff\\ue000\""), "\"\xef\xbf\xbf\xed\x9f\xbf\xee\x80\x80\""},
        {TEXT("\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
         "\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_json *json = NULL;
        struct pti_error error;
        if (parse(cases[i].text, &json, &error) != PINTLE_OK) {
            fail_msg("case %zu: %s", i, error.detail);
        }
        struct pti_buf out;
        pti_buf_init(&out, 1000);
        pti_json_write_compact(pti_json_root(json), &out);
        assert_string_equal(pti_buf_cstr(&out), cases[i].compact);
        pti_buf_clear(&out);
        pti_json_free(json);
    }
}

static void refuses_structure(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {TEXT(""), "byte 0: expected a value, found the end"},
        {TEXT(" \n "), "byte 3: expected a value, found the end"},
        {TEXT("\0"), "byte 0: expected a value, found byte 0x00"},
        {TEXT("[1]\0"), "byte 3: expected nothing after the value, found byte 0x00"},
        {TEXT("[\0]"), "byte 1: expected a value, found byte 0x00"},
        {TEXT("\xef\xbb\xbf{}"), "byte 0: expected a value, found a byte order mark"},
        {TEXT("\xff\xfe{\0}\0"), "byte 0: expected a value, found byte 0xff"},
        {TEXT("{}{}"), "byte 2: expected nothing after the value, found '{'"},
        {TEXT("1 2"), "byte 2: expected nothing after the value, found '2'"},
        {TEXT("[] ]"), "byte 3: expected nothing after the value, found ']'"},
        {TEXT("["), "byte 1: expected a value, found the end"},
        {TEXT("[1"), "byte 2: expected ',' or ']', found the end"},
        {TEXT("[1,"), "byte 3: expected a value, found the end"},
        {TEXT("[1,]"), "byte 3: expected a value, found ']'"},
        {TEXT("[,1]"), "byte 1: expected a value, found ','"},
        {TEXT("[1 2]"), "byte 3: expected ',' or ']', found '2'"},
        {TEXT("[1}"), "byte 2: expected ',' or ']', found '}'"},
        {TEXT("]"), "byte 0: expected a value, found ']'"},
        {TEXT("{"), "byte 1: expected '\"' to open a key, found the end"},
        {TEXT("{\"a\""), "byte 4: expected ':' after a key, found the end"},
        {TEXT("{\"a\" 1}"), "byte 5: expected ':' after a key, found '1'"},
        {TEXT("{\"a\":"), "byte 5: expected a value, found the end"},
        {TEXT("{\"a\":}"), "byte 5: expected a value, found '}'"},
        {TEXT("{\"a\":1"), "byte 6: expected ',' or '}', found the end"},
        {TEXT("{\"a\":1,}"), "byte 7: expected '\"' to open a key, found '}'"},
        {TEXT("{\"a\":1]"), "byte 6: expected ',' or '}', found ']'"},
        {TEXT("{a:1}"), "byte 1: expected '\"' to open a key, found 'a'"},
        {TEXT("{1:1}"), "byte 1: expected '\"' to open a key, found '1'"},
        {TEXT("{'a':1}"), "byte 1: expected '\"' to open a key, found '''"},
        {TEXT("[1]//"), "byte 3: expected nothing after the value, found '/'"},
        {TEXT("/**/1"), "byte 0: expected a value, found '/'"},
        {TEXT("\v1"), "byte 0: expected a value, found byte 0x0b"},
        {TEXT("\xc2\xa0"
              "1"),
         "byte 0: expected a value, found byte 0xc2"},
        {TEXT("tru"), "byte 3: expected true, false or null, found the end"},
        {TEXT("[tru]"), "byte 4: expected true, false or null, found ']'"},
        {TEXT("True"), "byte 0: expected a value, found 'T'"},
        {TEXT("nulL"), "byte 3: expected true, false or null, found 'L'"},
        {TEXT("nullx"), "byte 4: expected nothing after the value, found 'x'"},
        {TEXT("NaN"), "byte 0: expected a value, found 'N'"},
        {TEXT("Infinity"), "byte 0: expected a value, found 'I'"},
    };
    refuse(cases, sizeof cases / sizeof cases[0]);
}

static void refuses_numbers(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {TEXT("-"), "byte 1: expected a digit, found the end"},
        {TEXT("--1"), "byte 1: expected a digit, found '-'"},
        {TEXT("-a"), "byte 1: expected a digit, found 'a'"},
        {TEXT("+1"), "byte 0: expected a value, found '+'"},
        {TEXT(".5"), "byte 0: expected a value, found '.'"},
        {TEXT("-0"), "byte 0: expected an integer without -0"},
        {TEXT("[-0]"), "byte 1: expected an integer without -0"},
        {TEXT("-0.0"), "byte 0: expected an integer without -0"},
        {TEXT("-00"), "byte 0: expected an integer without -0"},
        {TEXT("00"), "byte 0: expected an integer without a leading zero"},
        {TEXT("01"), "byte 0: expected an integer without a leading zero"},
        {TEXT("-01"), "byte 0: expected an integer without a leading zero"},
        {TEXT("1.0"), "byte 1: expected an integer without fraction or exponent, found '.'"},
        {TEXT("0.0"), "byte 1: expected an integer without fraction or exponent, found '.'"},
        {TEXT("1e3"), "byte 1: expected an integer without fraction or exponent, found 'e'"},
        {TEXT("0E0"), "byte 1: expected an integer without fraction or exponent, found 'E'"},
        {TEXT("0x10"), "byte 1: expected nothing after the value, found 'x'"},
        {TEXT("1_0"), "byte 1: expected nothing after the value, found '_'"},
        {TEXT("9007199254740992"), "byte 0: expected an integer of at most 2^53-1"},
        {TEXT("-9007199254740992"), "byte 0: expected an integer of at most 2^53-1"},
        {TEXT("18446744073709551617"), "byte 0: expected an integer of at most 2^53-1"},
        {TEXT("[1, 99999999999999999999999999999999999999999999]"), "byte 4: expected an integer of at most 2^53-1"},
    };
    refuse(cases, sizeof cases / sizeof cases[0]);
}

static void refuses_strings(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {TEXT("\""), "byte 1: expected '\"' to close the string, found the end"},
        {TEXT("\"a"), "byte 2: expected '\"' to close the string, found the end"},
        {TEXT("\"\\\""), "byte 3: expected '\"' to close the string, found the end"},
        {TEXT("\"\\"), "byte 2: expected one of \"\\/bfnrtu after a backslash, found the end"},
        {TEXT("\"\\\0\""), "byte 2: expected one of \"\\/bfnrtu after a backslash, found byte 0x00"},
        {TEXT("\"\\x41\""), "byte 2: expected one of \"\\/bfnrtu after a backslash, found 'x'"},
        {TEXT("\"\\'\""), "byte 2: expected one of \"\\/bfnrtu after a backslash, found '''"},
        {TEXT("\"\\v\""), "byte 2: expected one of \"\\/bfnrtu after a backslash, found 'v'"},
        {TEXT("\"\\U0041\""), "byte 2: expected one of \"\\/bfnrtu after a backslash, found 'U'"},
        {TEXT("\"\\u\""), "byte 3: expected four hex digits after \\u, found '\"'"},
        {TEXT("\"\\u004"), "byte 6: expected four hex digits after \\u, found the end"},
        {TEXT("\"\\u004g\""), "byte 6: expected four hex digits after \\u, found 'g'"},
        {TEXT("\"\\u+041\""), "byte 3: expected four hex digits after \\u, found '+'"},
        {TEXT("\"\\u00@1\""), "byte 5: expected four hex digits after \\u, found '@'"},
        {TEXT("\"\0\""), "byte 1: expected an escape for a control character, found byte 0x00"},
        {TEXT("\"a\nb\""), "byte 2: expected an escape for a control character, found byte 0x0a"},
        {TEXT("\"\t\""), "byte 1: expected an escape for a control character, found byte 0x09"},
        {TEXT("\"\x1f\""), "byte 1: expected an escape for a control character, found byte 0x1f"},
        {TEXT("\"\\ud800\""), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"x\\udc00\""), "byte 2: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\udfff\\ud800\""), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\ud800\\ud800\""), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\ud800\\u0041\""), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\ud800\\ue000\""), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\ud800\\n\""), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\ud800\\"), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\ud800"), "byte 1: expected a pair of surrogates, found one alone"},
        {TEXT("\"\\ud800\\u"), "byte 9: expected four hex digits after \\u, found the end"},
        {TEXT("\"\x80\""), "byte 1: expected UTF-8, found byte 0x80"},
        {TEXT("\"\xbf\""), "byte 1: expected UTF-8, found byte 0xbf"},
        {TEXT("\"\xc0\x80\""), "byte 1: expected UTF-8, found byte 0xc0"}, /* overlong NUL */
        {TEXT("\"\xc0\xaf\""), "byte 1: expected UTF-8, found byte 0xc0"},
        {TEXT("\"\xc1\xbf\""), "byte 1: expected UTF-8, found byte 0xc1"},
        {TEXT("\"\xc2\""), "byte 1: expected UTF-8, found byte 0xc2"},
        {TEXT("\"\xc2"), "byte 1: expected UTF-8, found byte 0xc2"},
        {TEXT("\"\xc3\xc3\xa9\""), "byte 1: expected UTF-8, found byte 0xc3"},
        {TEXT("\"\xe0\x9f\xbf\""), "byte 1: expected UTF-8, found byte 0xe0"}, /* overlong */
        {TEXT("\"\xe2\x82\""), "byte 1: expected UTF-8, found byte 0xe2"},
        {TEXT("\"\xe2\x82"), "byte 1: expected UTF-8, found byte 0xe2"},
        {TEXT("\"\xed\xa0\x80\""), "byte 1: expected UTF-8, found byte 0xed"}, /* a surrogate */
        {TEXT("\"\xed\xbf\xbf\""), "byte 1: expected UTF-8, found byte 0xed"},
        {TEXT("\"\xf0\x8f\xbf\xbf\""), "byte 1: expected UTF-8, found byte 0xf0"}, /* overlong */
        {TEXT("\"\xf0\x9f\x98\""), "byte 1: expected UTF-8, found byte 0xf0"},
        {TEXT("\"\xf4\x90\x80\x80\""), "byte 1: expected UTF-8, found byte 0xf4"}, /* past U+10FFFF */
        {TEXT("\"\xf5\x80\x80\x80\""), "byte 1: expected UTF-8, found byte 0xf5"},
        {TEXT("\"\xfe\""), "byte 1: expected UTF-8, found byte 0xfe"},
        {TEXT("{\"\xff\":1}"), "byte 2: expected UTF-8, found byte 0xff"},
    };
    refuse(cases, sizeof cases / sizeof cases[0]);
}

static void refuses_duplicate_keys(void **state)
{
    (void)state;
    static const struct refusal cases[] = {
        {TEXT("{\"a\":1,\"a\":1}"), "byte 7: duplicate key \"a\""},
        {TEXT("{\"a\":1,\"\\u0061\":2}"), "byte 7: duplicate key \"a\""},
        {TEXT("{\"\\u0061\":1,\"a\":2}"), "byte 12: duplicate key \"a\""},
        {TEXT("{\"a/b\":1,\"a\\/b\":2}"), "byte 9: duplicate key \"a/b\""},
        {TEXT("{\"\xc3\xa9\":1,\"\\u00E9\":2}"), "byte 8: duplicate key \"??\""},
        {TEXT("{\"\":1,\"b\":0,\"\":2}"), "byte 12: duplicate key \"\""},
        {TEXT("{\"c\":1,\"b\":2,\"a\":3,\"b\":4,\"d\":5}"), "byte 19: duplicate key \"b\""},
        {TEXT("[{\"x\":{\"k\":1,\"j\":2,\"k\":3}}]"), "byte 19: duplicate key \"k\""},
        {TEXT("{\"a\\u0000b\":1,\"a\\u0000b\":2}"), "byte 14: duplicate key \"a\""},
    };
    refuse(cases, sizeof cases / sizeof cases[0]);

    /* What a C string would confuse is not the same. */
    pti_json_free(parsed("{\"a\\u0000b\":1,\"a\\u0000c\":2,\"a\":3,\"A\":4}"));
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    for (int object = 0; object < 2; object++) {
        for (size_t depth = PTI_JSON_DEPTH_MAX; depth <= PTI_JSON_DEPTH_MAX + 1; depth++) {
            struct pti_buf text;
            pti_buf_init(&text, 1000);
            for (size_t i = 0; i < depth; i++) {
                pti_buf_text(&text, object ? "{\"a\":" : "[");
            }
            pti_buf_text(&text, "1");
            for (size_t i = 0; i < depth; i++) {
                pti_buf_text(&text, object ? "}" : "]");
            }
            struct pti_json *json = NULL;
            struct pti_error error;
            bool fits = depth <= PTI_JSON_DEPTH_MAX;
            assert_int_equal(pti_json_parse(pti_buf_bytes(&text), &json, &error), fits ? PINTLE_OK : PINTLE_ERR_INPUT);
            if (!fits) {
                assert_string_equal(error.detail, object ? "byte 160: expected at most 32 nested values"
                                                         : "byte 32: expected at most 32 nested values");
            }
            pti_json_free(json);
            pti_buf_clear(&text);
        }
    }
    /* Depth is that of open values, not of all that came before. */
    struct pti_buf text;
    pti_buf_init(&text, 1000);
    pti_buf_text(&text, "[");
    for (int i = 0; i < 2 * PTI_JSON_DEPTH_MAX; i++) {
        pti_buf_text(&text, "[],{},");
    }
    pti_buf_text(&text, "0]");
    pti_json_free(parsed(pti_buf_cstr(&text)));
    pti_buf_clear(&text);
}

static void values_are_bounded(void **state)
{
    (void)state;
    for (size_t count = PTI_JSON_NODES_MAX - 1; count <= PTI_JSON_NODES_MAX; count++) { /* and the array itself */
        struct pti_buf text;
        pti_buf_init(&text, 4 * PTI_JSON_NODES_MAX);
        pti_buf_text(&text, "[0");
        for (size_t i = 1; i < count; i++) {
            pti_buf_text(&text, ",0");
        }
        pti_buf_text(&text, "]");
        struct pti_json *json = NULL;
        struct pti_error error;
        enum pintle_status status = pti_json_parse(pti_buf_bytes(&text), &json, &error);
        if (count < PTI_JSON_NODES_MAX) {
            assert_int_equal(status, PINTLE_OK);
            assert_int_equal(pti_json_count(pti_json_root(json)), count);
        } else {
            assert_int_equal(status, PINTLE_ERR_INPUT);
            assert_string_equal(error.detail, "byte 1048575: expected at most 524288 values");
        }
        pti_json_free(json);
        pti_buf_clear(&text);
    }
}

/* As many keys as there may be values, in the orders that hurt a careless sort; quadratic work would take hours. */
static void huge_objects_are_sorted(void **state)
{
    (void)state;
    const unsigned count = PTI_JSON_NODES_MAX - 1;
    for (int order = 0; order < 3; order++) {
        struct pti_buf text;
        pti_buf_init(&text, (size_t)16 * PTI_JSON_NODES_MAX);
        for (unsigned i = 0; i < count; i++) {
            unsigned key = order == 0 ? i : order == 1 ? count - 1 - i : (unsigned)((uint64_t)i * 411527 % count);
            pti_buf_printf(&text, "%s\"%06x\":%u", i == 0 ? "{" : ",", key, key);
        }
        pti_buf_text(&text, "}");
        struct pti_json *json = NULL;
        struct pti_error error;
        assert_int_equal(pti_json_parse(pti_buf_bytes(&text), &json, &error), PINTLE_OK);
        pti_buf_clear(&text);
        int64_t want = 0;
        const struct pti_json_value *member = pti_json_first(pti_json_root(json));
        for (; member != NULL; member = pti_json_next(member)) {
            int64_t found = -1;
            pti_json_as_integer(member, &found);
            if (found != want++) {
                fail_msg("order %d: found %d", order, (int)found);
            }
        }
        assert_int_equal(want, count);
        pti_json_free(json);
    }
}

static void values_are_read(void **state)
{
    (void)state;
    struct pti_json *json = parsed(
        " {\"s\":\"a\\u0000b\",\"n\":null, \"t\":true,\"i\":-7,\"a\":[3,1,2],\"o\":{\"z\":0}}");
    const struct pti_json_value *root = pti_json_root(json);
    assert_int_equal(pti_json_type(root), PTI_JSON_OBJECT);
    assert_int_equal(pti_json_offset(root), 1);
    assert_int_equal(pti_json_count(root), 6);

    struct pintle_bytes string = {NULL, 0};
    int64_t integer = 0;
    bool boolean = false;
    assert_true(pti_json_as_string(pti_json_member(root, "s"), &string));
    assert_int_equal(string.size, 3);
    assert_memory_equal(string.data, "a\0b", 3);
    assert_int_equal(pti_json_count(pti_json_member(root, "s")), 0);
    assert_null(pti_json_first(pti_json_member(root, "s")));
    assert_true(pti_json_as_integer(pti_json_member(root, "i"), &integer));
    assert_int_equal(integer, -7);
    assert_true(pti_json_as_bool(pti_json_member(root, "t"), &boolean));
    assert_true(boolean);
    assert_false(pti_json_as_bool(pti_json_member(root, "n"), &boolean));
    assert_false(pti_json_as_integer(pti_json_member(root, "t"), &integer));
    assert_false(pti_json_as_string(NULL, &string));

    static const int64_t elements[] = {3, 1, 2};
    const struct pti_json_value *element = pti_json_first(pti_json_member(root, "a"));
    for (size_t i = 0; i < 3; i++, element = pti_json_next(element)) {
        assert_true(pti_json_as_integer(element, &integer));
        assert_int_equal(integer, elements[i]);
        assert_int_equal(pti_json_name(element).size, 0);
    }
    assert_null(element);

    assert_null(pti_json_member(root, "absent"));
    assert_null(pti_json_member(root, ""));
    assert_null(pti_json_member(root, "zz"));
    assert_null(pti_json_member(NULL, "s"));
    assert_null(pti_json_member(pti_json_member(root, "a"), "s"));
    assert_int_equal(pti_json_count(NULL), 0);
    assert_null(pti_json_first(NULL));
    assert_null(pti_json_next(NULL));
    pti_json_free(json);
    pti_json_free(NULL);
}

static void required_members_say_what_is_wrong(void **state)
{
    (void)state;
    struct pti_json *json = parsed("{\"version\":\"x\",\"n\":12,\"o\":{\"k\":1},\"a\":[]}");
    const struct pti_json_value *root = pti_json_root(json);
    const struct pti_json_value *value = root;
    struct pintle_bytes string = pti_bytes_text("old");
    struct pti_error error;
    int64_t integer = 99;
    bool boolean = true;

    assert_int_equal(pti_json_get_integer(root, "version", 1, 9, &integer, &error), PINTLE_ERR_INPUT);
    assert_string_equal(error.detail, "\"version\" must be an integer, found a string (byte 11)");
    assert_int_equal(integer, 0);
    assert_int_equal(pti_json_get_integer(root, "n", 1, 11, &integer, &error), PINTLE_ERR_INPUT);
    assert_string_equal(error.detail, "\"n\" must be from 1 to 11, found 12 (byte 19)");
    assert_int_equal(integer, 0);
    assert_int_equal(pti_json_get_integer(root, "n", 12, 12, &integer, &error), PINTLE_OK);
    assert_int_equal(integer, 12);
    assert_int_equal(pti_json_get_string(root, "n", &string, &error), PINTLE_ERR_INPUT);
    assert_null(string.data);
    assert_int_equal(pti_json_get_string(root, "version", &string, &error), PINTLE_OK);
    assert_true(pti_bytes_equal_text(string, "x"));
    assert_int_equal(pti_json_get_bool(root, "absent", &boolean, &error), PINTLE_ERR_INPUT);
    assert_string_equal(error.detail, "\"absent\" is missing from the object at byte 0");
    assert_false(boolean);
    assert_int_equal(pti_json_get(root, "o", PTI_JSON_OBJECT, &value, &error), PINTLE_OK);
    assert_int_equal(pti_json_get(value, "x", PTI_JSON_NULL, &value, &error), PINTLE_ERR_INPUT);
    assert_string_equal(error.detail, "\"x\" is missing from the object at byte 26");
    assert_null(value);
    assert_int_equal(pti_json_get(pti_json_member(root, "a"), "x", PTI_JSON_NULL, &value, &error), PINTLE_ERR_INPUT);
    assert_string_equal(error.detail, "\"x\" must stand in an object, found an array (byte 38)");
    assert_int_equal(pti_json_get(NULL, "x", PTI_JSON_NULL, &value, &error), PINTLE_ERR_INPUT);
    assert_string_equal(error.detail, "\"x\" is missing, and so is the object it should stand in");
    assert_int_equal(pti_json_get(NULL, "x", PTI_JSON_NULL, &value, NULL), PINTLE_ERR_INPUT);
    pti_json_free(json);
}

/* Every proper prefix of a text with everything in it is refused, and never read past its end. */
static void every_prefix_is_refused(void **state)
{
    (void)state;
    static const char
        text[] = "{\"a\":[1,-20,true,false,null],\"\\u00e9\\ud83d\\ude00\":{\"\xf0\x9f\x98\x80\":\"\\n\"},\"b\":\"\"}";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        struct pti_json *json = NULL;
        struct pti_error error;
        struct pintle_bytes prefix = {(const uint8_t *)text, size};
        assert_int_equal(parse(prefix, &json, &error), PINTLE_ERR_INPUT);
    }
    pti_json_free(parsed(text));
}

struct given {
    size_t count, fail_at;
    char text[64];
};

static enum pintle_status take_element(void *ctx, const struct pti_json_value *element, struct pti_error *error)
{
    struct given *given = ctx;
    struct pintle_bytes name = {NULL, 0};

    if (++given->count == given->fail_at)
        return pti_fail(error, PINTLE_ERR_MEMORY, "enough");
    assert_true(pti_json_as_string(pti_json_member(element, "host"), &name));
    strncat(given->text, (const char *)name.data, name.size);
    return PINTLE_OK;
}

/* Elements of one array of the root go by, whatever else is called like it; the rest of the text is a tree as ever. */
static void elements_are_given_one_by_one(void **state)
{
    static const struct {
        const char *text, *given;
        size_t count;
        enum pintle_status status;
    } cases[] = {
        {"{\"a\":1,\"hosts\":[{\"host\":\"x\",\"pins\":[1,2]},{\"host\":\"y\"}],\"z\":{\"hosts\":[3]}}", "xy", 2,
         PINTLE_OK},
        {"{\"hosts\":[]}", "", 0, PINTLE_OK},
        {"{\"hosts\":[{\"host\":\"x\",\"hosts\":[{}]}]}", "x", 1, PINTLE_OK},
        {"{\"hosts\":{\"host\":[7]}}", "", 1, PINTLE_OK},
        {"[{\"hosts\":[8]}]", "", 0, PINTLE_OK},
        {"{\"hosts\":[{\"host\":\"x\"}],\"hosts\":[{\"host\":\"y\"}]}", "xy", 0, PINTLE_ERR_INPUT},
        {"{\"hosts\":[{\"host\":\"x\"},{\"host\":\"y\",\"host\":\"z\"}]}", "x", 0, PINTLE_ERR_INPUT},
        {"{\"hosts\":[{\"host\":\"x\"},]}", "x", 0, PINTLE_ERR_INPUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct given given = {0, 0, ""};
        const struct pti_json_elements elements = {"hosts", take_element, &given};
        const struct pti_json_value *hosts;
        struct pti_json *json;

        assert_int_equal(pti_json_parse_elements(pti_bytes_text(cases[i].text), &elements, &json, NULL),
                         cases[i].status);
        assert_string_equal(given.text, cases[i].given);
        hosts = pti_json_member(pti_json_root(json), "hosts");
        assert_int_equal(pti_json_count(hosts), cases[i].count);
        if (hosts != NULL && pti_json_type(hosts) == PTI_JSON_ARRAY)
            assert_null(pti_json_first(hosts));
        pti_json_free(json);
    }
}

static void a_taker_ends_the_parsing(void **state)
{
    struct given given = {0, 2, ""};
    const struct pti_json_elements elements = {"hosts", take_element, &given};
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_json *json;

    (void)state;
    assert_int_equal(
        pti_json_parse_elements(pti_bytes_text("{\"hosts\":[{\"host\":\"x\"},{},{}]}"), &elements, &json, &error),
        PINTLE_ERR_MEMORY);
    assert_null(json);
    assert_int_equal(given.count, 2);
    assert_string_equal(error.detail, "enough");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_given_one_by_one),
        cmocka_unit_test(a_taker_ends_the_parsing),
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses_structure),
        cmocka_unit_test(refuses_numbers),
        cmocka_unit_test(refuses_strings),
        cmocka_unit_test(refuses_duplicate_keys),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(values_are_bounded),
        cmocka_unit_test(huge_objects_are_sorted),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(required_members_say_what_is_wrong),
        cmocka_unit_test(every_prefix_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
