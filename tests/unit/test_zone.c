/* SPDX-License-Identifier: Apache-2.0 */
/* Zone files: names, reading, changing, writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pin_fixture.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz1"
#define HEAD "'type':'pintle-zone','format':1,'zone':'payments','version':41,"

static void names(void **state)
{
    static const struct {
        const char *name;
        bool want;
    } cases[] = {
        {"payments", true},  {"a", true},
        {"zone-2", true},    {"4", true},
        {LABEL_63, true},    {LABEL_63 "2", false},
        {"", false},         {"-a", false},
        {"a-", false},       {"-", false},
        {"Payments", false}, {"a_b", false},
        {"a.b", false},      {"a/b", false},
        {"..", false},       {"a b", false},
        {"root", false},     {"targets", false},
        {"snapshot", false}, {"timestamp", false},
        {"roots", true},     {"z\xc3\xb6ne", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (pti_zone_name_valid(pti_bytes_text(cases[i].name)) != cases[i].want)
            fail_msg("\"%s\"", cases[i].name);
    }
    assert_false(pti_zone_name_valid((struct pintle_bytes){(const uint8_t *)"a\0b", 3}));
}

static void reads_or_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        enum pintle_status want;
        size_t hosts;
    } cases[] = {
        {"empty", "{" HEAD "'critical':[],'hosts':[]}", PINTLE_OK, 0},
        {"two hosts",
         "{" HEAD "'hosts':[" FIXTURE_ZONE_HOST("b.example", FIXTURE_PIN("a", "leaf"),
                                                FIXTURE_DENY("b")) "," FIXTURE_ZONE_HOST("a.example", "", "") "]}",
         PINTLE_OK, 2},
        {"no lists", "{" HEAD "'hosts':[{'host':'a.example'}]}", PINTLE_OK, 1},
        {"an IP literal", "{" HEAD "'hosts':[{'host':'2001:db8::1'}]}", PINTLE_OK, 1},
        {"unknown fields", "{" HEAD "'colour':'red','hosts':[{'host':'a.example','port':443}]}", PINTLE_OK, 1},
        {"a critical field that is known", "{" HEAD "'critical':['deny'],'hosts':[]}", PINTLE_OK, 0},
        {"white space", " {" HEAD "'hosts':[ ]}\n", PINTLE_OK, 0},
        {"a critical field that is not known", "{" HEAD "'critical':['colour'],'colour':'red','hosts':[]}",
         PINTLE_ERR_INPUT, 0},
        {"critical is no array", "{" HEAD "'critical':{},'hosts':[]}", PINTLE_ERR_INPUT, 0},
        {"critical holds no name", "{" HEAD "'critical':[1],'hosts':[]}", PINTLE_ERR_INPUT, 0},
        {"not JSON", "{", PINTLE_ERR_INPUT, 0},
        {"not an object", "[]", PINTLE_ERR_INPUT, 0},
        {"trailing bytes", "{" HEAD "'hosts':[]}x", PINTLE_ERR_INPUT, 0},
        {"duplicate key", "{" HEAD "'hosts':[],'hosts':[]}", PINTLE_ERR_INPUT, 0},
        {"no hosts", "{" HEAD "'critical':[]}", PINTLE_ERR_INPUT, 0},
        {"another type", "{'type':'pintle-charter','format':1,'zone':'payments','version':1,'hosts':[]}",
         PINTLE_ERR_INPUT, 0},
        {"another format", "{'type':'pintle-zone','format':2,'zone':'payments','version':1,'hosts':[]}",
         PINTLE_ERR_INPUT, 0},
        {"another zone", "{'type':'pintle-zone','format':1,'zone':'web','version':1,'hosts':[]}", PINTLE_ERR_INPUT, 0},
        {"a longer name", "{'type':'pintle-zone','format':1,'zone':'payments\\u0000','version':1,'hosts':[]}",
         PINTLE_ERR_INPUT, 0},
        {"no version", "{'type':'pintle-zone','format':1,'zone':'payments','hosts':[]}", PINTLE_ERR_INPUT, 0},
        {"negative version", "{'type':'pintle-zone','format':1,'zone':'payments','version':-1,'hosts':[]}",
         PINTLE_ERR_INPUT, 0},
        {"float version", "{'type':'pintle-zone','format':1,'zone':'payments','version':1.0,'hosts':[]}",
         PINTLE_ERR_INPUT, 0},
        {"a host twice", "{" HEAD "'hosts':[{'host':'a.example'},{'host':'b.example'},{'host':'a.example'}]}",
         PINTLE_ERR_INPUT, 0},
        {"a host in upper case", "{" HEAD "'hosts':[{'host':'A.example'}]}", PINTLE_ERR_INPUT, 0},
        {"a host with a trailing dot", "{" HEAD "'hosts':[{'host':'a.example.'}]}", PINTLE_ERR_INPUT, 0},
        {"a host with a NUL", "{" HEAD "'hosts':[{'host':'a.example\\u0000.evil'}]}", PINTLE_ERR_INPUT, 0},
        {"a host in brackets", "{" HEAD "'hosts':[{'host':'[::1]'}]}", PINTLE_ERR_INPUT, 0},
        {"an empty host", "{" HEAD "'hosts':[{'host':''}]}", PINTLE_ERR_INPUT, 0},
        {"an entry without host", "{" HEAD "'hosts':[{'pins':[]}]}", PINTLE_ERR_INPUT, 0},
        {"an entry that is no object", "{" HEAD "'hosts':['a.example']}", PINTLE_ERR_INPUT, 0},
        {"pins that are null", "{" HEAD "'hosts':[{'host':'a.example','pins':null}]}", PINTLE_ERR_INPUT, 0},
        {"a bad pin",
         "{" HEAD "'hosts':[" FIXTURE_ZONE_HOST("a.example", FIXTURE_PIN("a", "leaf"), "") "," FIXTURE_ZONE_HOST(
             "b.example", "{'sha256':'AA==','of':'spki','at':'leaf'}", "") "]}",
         PINTLE_ERR_INPUT, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_zone zone;
        struct pti_error error = {.detail = ""};
        char *json = fixture_json(cases[i].input);
        enum pintle_status status = pti_zone_parse(pti_bytes_text(json), "payments", &zone, &error);
        if (status != cases[i].want || zone.host_count != cases[i].hosts)
            fail_msg("%s: %s, %zu hosts, %s", cases[i].name, pintle_status_name(status), zone.host_count, error.detail);
        if (status != PINTLE_OK && (strstr(error.detail, "payments") == NULL || zone.hosts != NULL))
            fail_msg("%s: refused, but not cleanly: %s", cases[i].name, error.detail);
        pti_zone_clear(&zone);
        free(json);
    }
}

static void sorts_and_finds(void **state)
{
    struct pti_zone zone;

    (void)state;
    fixture_zone(FIXTURE_ZONE("payments", "41",
                              "{'host':'c.example'},{'host':'a.example'},{'host':'b.example','pins':[" FIXTURE_PIN(
                                  "a", "leaf") "]}"),
                 "payments", &zone);
    assert_int_equal(zone.version, 41);
    assert_string_equal(zone.hosts[0].host, "a.example");
    assert_string_equal(zone.hosts[2].host, "c.example");
    assert_int_equal(pti_zone_find(&zone, "b.example")->pins.count, 1);
    assert_null(pti_zone_find(&zone, "b.exampl"));
    assert_null(pti_zone_find(&zone, ""));
    pti_zone_clear(&zone);
}

static void changes_and_writes(void **state)
{
    struct pti_zone zone;
    struct pti_zone again;
    struct pti_zone_host *entry;
    struct pti_error error;
    struct pti_buf out;
    const struct pti_pin pin = fixture_pin('a', PINTLE_OF_SPKI, PINTLE_AT_LEAF);
    const struct pti_pin denial = fixture_pin('b', PINTLE_OF_CERT, PINTLE_AT_ANY);
    bool added;

    (void)state;
    pti_zone_init(&zone, "payments");
    assert_int_equal(pti_zone_host(&zone, "b.example", &entry, &error), PINTLE_OK);
    assert_int_equal(pti_pins_add(&entry->pins, &pin, &added), PINTLE_OK);
    assert_int_equal(pti_zone_host(&zone, "a.example", &entry, &error), PINTLE_OK);
    assert_int_equal(pti_pins_add(&entry->deny, &denial, &added), PINTLE_OK);
    assert_int_equal(pti_zone_host(&zone, "c.example", &entry, &error), PINTLE_OK);
    assert_int_equal(pti_zone_host(&zone, "b.example", &entry, &error), PINTLE_OK);
    assert_int_equal(entry->pins.count, 1);
    assert_int_equal(zone.host_count, 3);
    assert_int_equal(pti_zone_host(&zone, "C.example", &entry, &error), PINTLE_ERR_INPUT);
    assert_null(entry);
    pti_zone_remove_host(&zone, "c.example");
    pti_zone_remove_host(&zone, "nobody.example");
    zone.version = 7;

    pti_buf_init(&out, 4096);
    pti_zone_write(&zone, &out);
    char *want = fixture_json("{'type':'pintle-zone','format':1,'zone':'payments','version':7,'critical':[],'hosts':["
                              "{'host':'a.example','pins':[],'deny':[{'sha256':'@b','of':'cert'}]},"
                              "{'host':'b.example','pins':[{'sha256':'@a','of':'spki','at':'leaf'}],'deny':[]}]}");
    assert_string_equal(pti_buf_cstr(&out), want);
    assert_int_equal(pti_zone_parse(pti_buf_bytes(&out), "payments", &again, &error), PINTLE_OK);
    assert_int_equal(again.host_count, 2);
    free(want);
    pti_buf_clear(&out);
    pti_zone_clear(&again);
    pti_zone_clear(&zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(reads_or_refuses),
        cmocka_unit_test(sorts_and_finds),
        cmocka_unit_test(changes_and_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
