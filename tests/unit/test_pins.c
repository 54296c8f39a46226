/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of pins: what is read, what is refused, what is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pin_fixture.h"

static enum pintle_status parse(const char *notation, bool denials, struct pti_pins *pins, struct pti_error *error)
{
    struct pti_json *json;
    char *text = fixture_json(notation);

    assert_int_equal(pti_json_parse(pti_bytes_text(text), &json, error), PINTLE_OK);
    enum pintle_status status = pti_pins_parse(pti_json_root(json), denials, pins, error);
    pti_json_free(json);
    free(text);
    return status;
}

static void an_absent_list_is_empty(void **state)
{
    struct pti_pins pins = {NULL, 1, 1};
    struct pti_error error;

    (void)state;
    assert_int_equal(pti_pins_parse(NULL, false, &pins, &error), PINTLE_OK);
    assert_int_equal(pins.count, 0);
    assert_int_equal(pins.unusable, 0);
    assert_int_equal(parse("null", false, &pins, &error), PINTLE_ERR_INPUT);
    assert_non_null(strstr(error.detail, "found null"));
}

static void reads_or_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        bool denials;
        enum pintle_status want;
        size_t count;
        size_t unusable;
    } cases[] = {
        {"none", "[]", false, PINTLE_OK, 0, 0},
        {"one", "[" FIXTURE_PIN("a", "leaf") "]", false, PINTLE_OK, 1, 0},
        {"every place", "[" FIXTURE_PIN("a", "leaf") "," FIXTURE_PIN("a", "issuer") "," FIXTURE_PIN("a", "any") "]",
         false, PINTLE_OK, 3, 0},
        {"one twice counts once", "[" FIXTURE_PIN("a", "leaf") "," FIXTURE_PIN("a", "leaf") "]", false, PINTLE_OK, 1,
         0},
        {"a certificate", "[{'sha256':'@a','of':'cert','at':'leaf'}]", false, PINTLE_OK, 1, 0},
        {"an unknown field", "[{'sha256':'@a','of':'spki','at':'leaf','note':1}]", false, PINTLE_OK, 1, 0},
        {"an unknown hash kind", "[{'sha256':'@a','of':'raw-key','at':'leaf'}]", false, PINTLE_OK, 0, 1},
        {"an unknown kind needs no sha256", "[{'sha3':'x','of':'spki-sha3','at':'leaf'}]", false, PINTLE_OK, 0, 1},
        {"an unknown place", "[{'sha256':'@a','of':'spki','at':'root'}," FIXTURE_PIN("b", "any") "]", false, PINTLE_OK,
         1, 1},
        {"kinds are lower case", "[{'sha256':'@a','of':'SPKI','at':'leaf'}]", false, PINTLE_OK, 0, 1},
        {"a denial", "[" FIXTURE_DENY("a") "]", true, PINTLE_OK, 1, 0},
        {"a denial with a place denies everywhere", "[" FIXTURE_PIN("a", "leaf") "]", true, PINTLE_OK, 1, 0},
        {"an unknown kind of denial", "[{'sha256':'@a','of':'name'}]", true, PINTLE_OK, 0, 1},
        {"no array", "{}", false, PINTLE_ERR_INPUT, 0, 0},
        {"a string in place of a pin", "['@a']", false, PINTLE_ERR_INPUT, 0, 0},
        {"no kind", "[{'sha256':'@a','at':'leaf'}]", false, PINTLE_ERR_INPUT, 0, 0},
        {"no place", "[" FIXTURE_DENY("a") "]", false, PINTLE_ERR_INPUT, 0, 0},
        {"no hash", "[{'of':'spki','at':'leaf'}]", false, PINTLE_ERR_INPUT, 0, 0},
        {"hash is a number", "[{'sha256':1,'of':'spki','at':'leaf'}]", false, PINTLE_ERR_INPUT, 0, 0},
        {"hash is empty", "[{'sha256':'','of':'spki','at':'leaf'}]", false, PINTLE_ERR_INPUT, 0, 0},
        {"hash of 31 bytes", "[{'sha256':'YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ==','of':'spki','at':'leaf'}]",
         false, PINTLE_ERR_INPUT, 0, 0},
        {"hash of 33 bytes", "[{'sha256':'YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh','of':'spki','at':'leaf'}]",
         false, PINTLE_ERR_INPUT, 0, 0},
        {"hash without padding", "[{'sha256':'YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE','of':'spki','at':'leaf'}]",
         false, PINTLE_ERR_INPUT, 0, 0},
        {"hash with bits left over",
         "[{'sha256':'YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWF=','of':'spki','at':'leaf'}]", false, PINTLE_ERR_INPUT,
         0, 0},
        {"hash with prefix", "[{'sha256':'sha256/@a','of':'spki','at':'leaf'}]", false, PINTLE_ERR_INPUT, 0, 0},
        {"hash with line feed", "[{'sha256':'@a\\n','of':'spki','at':'leaf'}]", false, PINTLE_ERR_INPUT, 0, 0},
        {"hash in base64url", "[{'sha256':'__________________________________________8=','of':'spki','at':'leaf'}]",
         false, PINTLE_ERR_INPUT, 0, 0},
        {"bad after good", "[" FIXTURE_PIN("a", "leaf") ",{'sha256':'x','of':'spki','at':'leaf'}]", false,
         PINTLE_ERR_INPUT, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_pins pins;
        struct pti_error error = {.detail = ""};
        enum pintle_status status = parse(cases[i].input, cases[i].denials, &pins, &error);
        if (status != cases[i].want || pins.count != cases[i].count || pins.unusable != cases[i].unusable)
            fail_msg("%s: %s, %zu pins, %zu unusable, %s", cases[i].name, pintle_status_name(status), pins.count,
                     pins.unusable, error.detail);
        if (status != PINTLE_OK && (error.detail[0] == '\0' || pins.items != NULL))
            fail_msg("%s: refused, but not cleanly", cases[i].name);
        for (size_t j = 0; cases[i].denials && j < pins.count; j++)
            assert_int_equal(pins.items[j].at, PINTLE_AT_ANY);
        pti_pins_clear(&pins);
    }
}

static void bounds_the_list(void **state)
{
    (void)state;
    for (size_t count = PTI_PINS_PER_HOST_MAX; count <= PTI_PINS_PER_HOST_MAX + 1; count++) {
        struct pti_pins pins;
        struct pti_error error = {.detail = ""};
        struct pti_buf notation;
        pti_buf_init(&notation, 1u << 20);
        for (size_t i = 0; i < count; i++)
            pti_buf_printf(&notation, "%c{'sha256':'@%c','of':'spki','at':'leaf'}", i == 0 ? '[' : ',',
                           (char)('0' + i));
        pti_buf_text(&notation, "]");
        enum pintle_status status = parse(pti_buf_cstr(&notation), false, &pins, &error);
        assert_int_equal(status, count <= PTI_PINS_PER_HOST_MAX ? PINTLE_OK : PINTLE_ERR_INPUT);
        if (status == PINTLE_OK) {
            struct pti_pin one_more = fixture_pin('~', PINTLE_OF_SPKI, PINTLE_AT_LEAF);
            bool added = true;
            assert_int_equal(pins.count, count);
            assert_int_equal(pti_pins_add(&pins, &one_more, &added), PINTLE_ERR_INPUT);
            assert_false(added);
            assert_int_equal(pins.count, count);
        }
        pti_pins_clear(&pins);
        pti_buf_clear(&notation);
    }
}

static void adds_and_removes(void **state)
{
    struct pti_pins pins = {NULL, 0, 0};
    const struct pti_pin leaf = fixture_pin('a', PINTLE_OF_SPKI, PINTLE_AT_LEAF);
    const struct pti_pin issuer = fixture_pin('a', PINTLE_OF_SPKI, PINTLE_AT_ISSUER);
    const struct pti_pin other = fixture_pin('b', PINTLE_OF_CERT, PINTLE_AT_ANY);
    bool added;

    (void)state;
    assert_int_equal(pti_pins_add(&pins, &leaf, &added), PINTLE_OK);
    assert_true(added);
    assert_int_equal(pti_pins_add(&pins, &leaf, &added), PINTLE_OK);
    assert_false(added);
    assert_int_equal(pti_pins_add(&pins, &other, &added), PINTLE_OK);
    assert_int_equal(pti_pins_add(&pins, &issuer, &added), PINTLE_OK);
    assert_true(added);
    assert_int_equal(pins.count, 3);
    assert_int_equal(pti_pins_remove(&pins, leaf.sha256), 2);
    assert_int_equal(pins.count, 1);
    assert_memory_equal(pins.items[0].sha256, other.sha256, PINTLE_SHA256_SIZE);
    assert_int_equal(pti_pins_remove(&pins, leaf.sha256), 0);
    pti_pins_clear(&pins);
    assert_null(pins.items);
}

static void writes_what_it_reads(void **state)
{
    static const char
        notation[] = "[{'sha256':'@a','of':'spki','at':'leaf'},{'sha256':'@b','of':'cert','at':'issuer'}]";
    struct pti_pins pins;
    struct pti_error error;
    struct pti_buf out;
    struct pti_json_writer writer;
    char *want = fixture_json(notation);

    (void)state;
    assert_int_equal(parse(notation, false, &pins, &error), PINTLE_OK);
    pti_buf_init(&out, 4096);
    pti_json_writer_init(&writer, &out, false);
    pti_pins_write(&pins, false, NULL, &writer);
    assert_string_equal(pti_buf_cstr(&out), want);
    pti_pins_clear(&pins);
    pti_buf_clear(&out);
    free(want);
}

static void names_round_trip(void **state)
{
    uint8_t value;

    (void)state;
    for (unsigned of = PINTLE_OF_SPKI; of <= PINTLE_OF_CERT; of++) {
        assert_true(pti_of_parse(pti_bytes_text(pti_of_name(of)), &value));
        assert_int_equal(value, of);
    }
    for (unsigned at = PINTLE_AT_LEAF; at <= PINTLE_AT_ANY; at++) {
        assert_true(pti_at_parse(pti_bytes_text(pti_at_name(at)), &value));
        assert_int_equal(value, at);
    }
    assert_false(pti_of_parse(pti_bytes_text("unknown"), &value));
    assert_false(pti_at_parse(pti_bytes_text(""), &value));
    assert_string_equal(pti_of_name(0), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absent_list_is_empty), cmocka_unit_test(reads_or_refuses),
        cmocka_unit_test(bounds_the_list),         cmocka_unit_test(adds_and_removes),
        cmocka_unit_test(writes_what_it_reads),    cmocka_unit_test(names_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
