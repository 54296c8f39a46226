/* SPDX-License-Identifier: Apache-2.0 */
/* The header Pintle-Manifest, read by whoever counts: exactly its grammar, and what may be told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "report/holding.h"
#include "report/network.h"
#include "report/sources.h"

#define Z63 "z23456789012345678901234567890123456789012345678901234567890123"

static void takes_what_clients_send(void **state)
{
    struct pti_holding held;

    (void)state;
    assert_true(pti_holding_parse(pti_bytes_text("charter=3,payments=41;d=1;w=1"), &held));
    assert_int_equal(held.charter, 3);
    assert_int_equal(held.zone_count, 1);
    assert_string_equal(held.zones[0].name, "payments");
    assert_int_equal(held.zones[0].version, 41);
    assert_true(held.day && held.week);
    assert_string_equal(held.app, "");
    assert_true(pti_holding_parse(
        pti_bytes_text("charter=0,a=9007199254740991," Z63 "=0;app=com.example_shop+x/1.2-b;os=iOS/17.1;w=1"), &held));
    assert_int_equal(held.zone_count, 2);
    assert_int_equal(held.zones[0].version, PTI_JSON_INTEGER_MAX);
    assert_string_equal(held.zones[1].name, Z63);
    assert_string_equal(held.app, "com.example_shop+x");
    assert_string_equal(held.app_version, "1.2-b");
    assert_string_equal(held.os, "iOS");
    assert_string_equal(held.os_version, "17.1");
    assert_true(!held.day && held.week);
    assert_true(pti_holding_parse(pti_bytes_text("charter=1;app=shop"), &held));
    assert_string_equal(held.app, "shop");
    assert_string_equal(held.app_version, "");
    assert_true(pti_holding_parse(pti_bytes_text("charter=1,charter=2"), &held)); /* a zone may have that name */
    assert_int_equal(held.zone_count, 1);
}

static void refuses_everything_else(void **state)
{
    static const char *const values[] = {
        "",
        "-",
        "x",
        "charter",
        "charter=",
        "charter=-1",
        "charter=+1",
        "charter= 1",
        " charter=1",
        "charter=1 ",
        "charter=01",
        "charter=1,",
        "charter=1,,a=1",
        "charter=1,a",
        "charter=1,a=",
        "charter=1,=1",
        "charter=1,A=1",
        "charter=1,-a=1",
        "charter=1,a_b=1",
        "charter=1,root=1",
        "charter=1,a=1,a=2",
        "charter=9007199254740992",
        "charter=1,a=99999999999999999999999",
        "charter=1;",
        "charter=1;d",
        "charter=1;d=0",
        "charter=1;d=1;d=1",
        "charter=1;w=1;d=1",
        "charter=1;os=a;app=b",
        "charter=1;app=",
        "charter=1;app=/1",
        "charter=1;app=a/",
        "charter=1;app=a/1/2",
        "charter=1;app=a b",
        "charter=1;app=a;x=1",
        "charter=1;app=" Z63 "4",
        "charter=1\n",
        "charter=1,a=1;d=1;w=1;",
        "Charter=1",
        "charter=1,a=1\x80",
        "charter=1;app=\xc3\xa4",
        "charter=1," Z63 "4=1",
    };
    struct pti_holding held;

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (pti_holding_parse(pti_bytes_text(values[i]), &held))
            fail_msg("taken: %s", values[i]);
        assert_int_equal(held.charter, 0);
        assert_int_equal(held.zone_count, 0);
    }
    assert_false(pti_holding_parse((struct pintle_bytes){(const uint8_t *)"charter=1\0", 10}, &held));
}

static void is_bounded(void **state)
{
    struct pti_holding held;
    struct pti_buf text;

    (void)state;
    pti_buf_init(&text, 4096);
    pti_buf_text(&text, "charter=1");
    for (int i = 0; i < PTI_ZONES_MAX; i++)
        pti_buf_printf(&text, ",zone%d=%d", i, i);
    assert_true(pti_holding_parse(pti_buf_bytes(&text), &held));
    assert_int_equal(held.zone_count, PTI_ZONES_MAX);
    assert_int_equal(held.zones[PTI_ZONES_MAX - 1].version, PTI_ZONES_MAX - 1);
    pti_buf_text(&text, ",more=1");
    assert_false(pti_holding_parse(pti_buf_bytes(&text), &held));
    pti_buf_clear(&text);
    pti_buf_text(&text, "charter=1");
    for (int i = 0; text.size <= PTI_HOLDING_SIZE_MAX; i++)
        pti_buf_printf(&text, ",%s%02d=1", "long-long-long-long-long-long-long-long", i);
    assert_false(pti_holding_parse(pti_buf_bytes(&text), &held));
    pti_buf_clear(&text);
}

static void words_and_platforms(void **state)
{
    char word[PTI_HOLDING_WORD_MAX + 1];

    (void)state;
    pti_holding_word("My App (beta)/\"\xff", word);
    assert_string_equal(word, "My_App__beta____");
    pti_holding_word(Z63 "too long", word);
    assert_string_equal(word, Z63);
    pti_holding_word("", word);
    assert_string_equal(word, "");
    assert_string_equal(pti_holding_platform("iOS"), "ios");
    assert_string_equal(pti_holding_platform("Android"), "android");
    assert_string_equal(pti_holding_platform("linux"), "linux");
    assert_string_equal(pti_holding_platform("linux2"), "other");
    assert_string_equal(pti_holding_platform("io"), "other");
    assert_string_equal(pti_holding_platform("android\x01"), "other");
    assert_string_equal(pti_holding_platform(""), "other");
}

static void networks_are_coarse(void **state)
{
    (void)state;
    assert_true(pti_network_parse("192.0.2.1") == pti_network_parse("192.0.2.255"));
    assert_true(pti_network_parse("192.0.2.1") != pti_network_parse("192.0.3.1"));
    assert_true(pti_network_parse("::ffff:192.0.2.7") == pti_network_parse("192.0.2.1"));
    assert_true(pti_network_parse("2001:db8:1:2::1") == pti_network_parse("2001:db8:1:ffff:1::"));
    assert_true(pti_network_parse("2001:db8:1::") != pti_network_parse("2001:db8:2::"));
    assert_true(pti_network_parse("4.0.0.1") != pti_network_parse("0400::"));
    assert_true(pti_network_parse("unix:") == PTI_NETWORK_UNKNOWN);
    assert_true(pti_network_parse("0.0.0.0") != PTI_NETWORK_UNKNOWN);
}

static void a_network_counts_so_often_a_day(void **state)
{
    static const uint8_t key[PTI_SOURCES_KEY_SIZE] = "0123456789abcde";
    static struct pti_sources sources;
    size_t alone = 0;

    (void)state;
    pti_sources_init(&sources, key, 3);
    for (int i = 0; i < 10; i++)
        assert_int_equal(pti_sources_count(&sources, 100, 7), i < 3);
    for (uint64_t network = 1000; network < 1100; network++)
        alone += pti_sources_count(&sources, 100, network);
    assert_in_range(alone, 95, 100);                  /* few of them share a place with another */
    assert_false(pti_sources_count(&sources, 99, 7)); /* late: of the day that was */
    assert_true(pti_sources_count(&sources, 101, 7));
    for (int i = 0; i < 3; i++)
        (void)pti_sources_count(&sources, 5000, 7);
    assert_false(pti_sources_count(&sources, 5000, 7));
    assert_true(pti_sources_count(&sources, 102, 7)); /* the clock had jumped, and came back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_clients_send),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(words_and_platforms),
        cmocka_unit_test(networks_are_coarse),
        cmocka_unit_test(a_network_counts_so_often_a_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
