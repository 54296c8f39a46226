/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of access logs: what of them counts, when and where from, whatever strangers put into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cli/log_feed.h"
#include "report/network.h"

#define NOON INT64_C(1795262400) /* 2026-11-21T12:00:00Z */
#define HEADER "charter=3,main=41;d=1"
#define START "192.0.2.1 - - [21/Nov/2026:12:00:00 +0000] "
#define REQUEST "\"GET / HTTP/1.1\" 200 5 \"-\" \"agent\" "
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define JSON(time, more) "{\"time_iso8601\":\"" time "\",\"remote_addr\":\"192.0.2.1\"" more "}"
#define HOLDING ",\"http_pintle_manifest\":\"" HEADER "\""

static const struct {
    const char *name, *line;
    enum pti_log_verdict want;
    int64_t time;
} lines[] = {
    {"combined", START REQUEST "\"" HEADER "\"", PTI_LOG_HOLDS, NOON},
    {"carriage return", START REQUEST "\"" HEADER "\"\r", PTI_LOG_HOLDS, NOON},
    {"more fields", START REQUEST "\"10.0.0.1, 10.0.0.2\" \"" HEADER "\"", PTI_LOG_HOLDS, NOON},
    {"ahead of UTC", "::1 - - [21/Nov/2026:12:00:00 +0130] " REQUEST "\"" HEADER "\"", PTI_LOG_HOLDS, NOON - 5400},
    {"behind UTC", "::1 - - [21/Nov/2026:12:00:00 -0130] " REQUEST "\"" HEADER "\"", PTI_LOG_HOLDS, NOON + 5400},
    {"a user with a date",
     "::1 - x [01/Jan/2020:00:00:00 +0000] [21/Nov/2026:12:00:00 +0000] " REQUEST "\"" HEADER "\"", PTI_LOG_HOLDS,
     NOON},
    {"no address", "unix: - - [21/Nov/2026:12:00:00 +0000] " REQUEST "\"" HEADER "\"", PTI_LOG_HOLDS, NOON},
    {"no header", START REQUEST "\"-\"", PTI_LOG_SILENT, 0},
    {"empty header", START REQUEST "\"\"", PTI_LOG_SILENT, 0},
    {"body", START "\"GET /pins/body/" HASH " HTTP/1.1\" 200 5 \"-\" \"-\" \"" HEADER "\"", PTI_LOG_BODY, 0},
    {"no hash", START "\"GET /body/" HASH "0 HTTP/1.1\" 200 5 \"-\" \"-\" \"" HEADER "\"", PTI_LOG_HOLDS, NOON},
    {"escapes", START REQUEST "\"charter=3\\x22,main=41\"", PTI_LOG_FORGED, 0},
    {"injection", START REQUEST "\"charter=3'; DROP TABLE adoption; --\"", PTI_LOG_FORGED, 0},
    {"plain combined", START "\"GET / HTTP/1.1\" 200 5 \"-\" \"" HEADER "\"", PTI_LOG_MALFORMED, 0},
    {"unescaped quote", START "\"GET /\" HTTP/1.1\" 200 5 \"-\" \"-\" \"" HEADER "\"", PTI_LOG_MALFORMED, 0},
    {"text after it", START REQUEST "\"" HEADER "\" 1", PTI_LOG_MALFORMED, 0},
    {"cut in front", "[21/Nov/2026:12:00:00 +0000] " REQUEST "\"" HEADER "\"", PTI_LOG_HOLDS, NOON},
    {"no such month", "::1 - - [21/Nev/2026:12:00:00 +0000] " REQUEST "\"" HEADER "\"", PTI_LOG_MALFORMED, 0},
    {"no such day", "::1 - - [31/Nov/2026:12:00:00 +0000] " REQUEST "\"" HEADER "\"", PTI_LOG_MALFORMED, 0},
    {"no such offset", "::1 - - [21/Nov/2026:12:00:00 +2400] " REQUEST "\"" HEADER "\"", PTI_LOG_MALFORMED, 0},
    {"before 1970", "::1 - - [01/Jan/1970:00:00:00 +0100] " REQUEST "\"" HEADER "\"", PTI_LOG_MALFORMED, 0},
    {"empty", "", PTI_LOG_MALFORMED, 0},
    {"a quote", "\"", PTI_LOG_MALFORMED, 0},
    {"quotes", "\"\"\"\"\"\"\"\"\"", PTI_LOG_MALFORMED, 0},
    {"JSON", JSON("2026-11-21T12:00:00+00:00", HOLDING), PTI_LOG_HOLDS, NOON},
    {"JSON, ahead", JSON("2026-11-21T13:00:00+01:00", HOLDING), PTI_LOG_HOLDS, NOON},
    {"JSON, more", JSON("2026-11-21T12:00:00+00:00", HOLDING ",\"t\":0.005,\"a\":[{\"x\":\"]}\\\"\"},[]],\"n\":null"),
     PTI_LOG_HOLDS, NOON},
    {"JSON, blanks",
     "{ \"remote_addr\" : \"::1\" , \"time_local\" : \"21/Nov/2026:12:00:00 +0000\" , \"http_pintle_manifest\": \"" HEADER
     "\" } ",
     PTI_LOG_HOLDS, NOON},
    {"JSON, bad UTF-8", JSON("2026-11-21T12:00:00+00:00", ",\"agent\":\"\xff\xfe\"" HOLDING), PTI_LOG_HOLDS, NOON},
    {"JSON, silent", JSON("2026-11-21T12:00:00+00:00", ",\"http_pintle_manifest\":\"\""), PTI_LOG_SILENT, 0},
    {"JSON, body", JSON("2026-11-21T12:00:00+00:00", HOLDING ",\"request\":\"GET /body/" HASH " HTTP/2.0\""),
     PTI_LOG_BODY, 0},
    {"JSON, escapes", JSON("2026-11-21T12:00:00+00:00", ",\"http_pintle_manifest\":\"charter=3\\u0000\""),
     PTI_LOG_FORGED, 0},
    {"JSON, twice", JSON("2026-11-21T12:00:00+00:00", HOLDING HOLDING), PTI_LOG_MALFORMED, 0},
    {"JSON, absent", JSON("2026-11-21T12:00:00+00:00", ""), PTI_LOG_MALFORMED, 0},
    {"JSON, a number", JSON("2026-11-21T12:00:00+00:00", ",\"http_pintle_manifest\":3"), PTI_LOG_MALFORMED, 0},
    {"JSON, time", JSON("2026-11-21 12:00:00", HOLDING), PTI_LOG_MALFORMED, 0},
    {"JSON, cut", "{\"time_iso8601\":\"2026-11-21T12:00:00+00:00\",\"remote_addr\":\"::1", PTI_LOG_MALFORMED, 0},
    {"JSON, text after it", JSON("2026-11-21T12:00:00+00:00", HOLDING) "x", PTI_LOG_MALFORMED, 0},
    {"JSON, deep", JSON("2026-11-21T12:00:00+00:00", ",\"x\":[[[[[[[[[[[[]]]]]]]]]]]]" HOLDING), PTI_LOG_MALFORMED, 0},
    {"JSON, unbalanced", JSON("2026-11-21T12:00:00+00:00", ",\"x\":]" HOLDING), PTI_LOG_MALFORMED, 0},
    {"JSON, no comma", JSON("2026-11-21T12:00:00+00:00", "\"x\":1" HOLDING), PTI_LOG_MALFORMED, 0},
    {"JSON, only a brace", "{", PTI_LOG_MALFORMED, 0},
    {"JSON, an escape at its end", "{\"a\\", PTI_LOG_MALFORMED, 0},
};

static void each_line_is_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct pti_log_line line;
        enum pti_log_verdict found = pti_log_line_read(pti_bytes_text(lines[i].line), &line);

        if (found != lines[i].want)
            fail_msg("%s: found %d", lines[i].name, (int)found);
        if (found == PTI_LOG_HOLDS && line.time != lines[i].time)
            fail_msg("%s: %lld", lines[i].name, (long long)line.time);
        if (found == PTI_LOG_HOLDS)
            assert_int_equal(line.holding.zones[0].version, 41);
    }
}

static void knows_the_network(void **state)
{
    struct pti_log_line line;

    (void)state;
    assert_int_equal(pti_log_line_read(pti_bytes_text(START REQUEST "\"" HEADER "\""), &line), PTI_LOG_HOLDS);
    assert_true(line.network == pti_network_parse("192.0.2.200"));
    assert_int_equal(pti_log_line_read(pti_bytes_text(JSON("2026-11-21T12:00:00+00:00", HOLDING)), &line),
                     PTI_LOG_HOLDS);
    assert_true(line.network == pti_network_parse("192.0.2.200"));
}

static void nul_bytes_end_nothing(void **state)
{
    char text[] = START REQUEST "\"" HEADER "\"";
    struct pti_log_line line;

    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        char kept = text[i];

        text[i] = '\0'; /* whatever comes of it, it is decided within the line */
        (void)pti_log_line_read((struct pintle_bytes){(const uint8_t *)text, sizeof text - 1}, &line);
        text[i] = kept;
    }
    text[sizeof text - 3] = '\0';
    assert_int_equal(pti_log_line_read((struct pintle_bytes){(const uint8_t *)text, sizeof text - 1}, &line),
                     PTI_LOG_FORGED);
}

static void take_all(struct pti_log_feed *feed, const char *text, size_t size, size_t step)
{
    for (size_t at = 0; at < size;) {
        bool ended;

        at += pti_log_feed_take(
            feed, (struct pintle_bytes){(const uint8_t *)text + at, size - at < step ? size - at : step}, &ended);
    }
}

static void a_line_too_long_is_read_over(void **state)
{
    static const uint8_t key[PTI_SOURCES_KEY_SIZE];
    static struct pti_sources sources;
    static char text[1 << 20];
    static const char after[] = "\n" START REQUEST "\"" HEADER "\"\n" START;
    static const size_t steps[] = {1 << 20, 65536, 4096, 777};

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - sizeof after, after, sizeof after);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct pti_log_feed feed;

        pti_sources_init(&sources, key, 5);
        pti_log_feed_init(&feed, &sources, 100);
        take_all(&feed, text, sizeof text - 1, steps[i]);
        assert_int_equal(feed.counts.lines, 2);
        assert_int_equal(feed.counts.verdicts[PTI_LOG_MALFORMED], 1);
        assert_int_equal(feed.counts.verdicts[PTI_LOG_HOLDS], 1);
        assert_int_equal(feed.tally.count, 2);
        pti_log_feed_end(&feed);
        assert_int_equal(feed.counts.lines, 3);
        pti_log_feed_clear(&feed);
    }
}

static void networks_are_capped(void **state)
{
    static const uint8_t key[PTI_SOURCES_KEY_SIZE];
    static const char line[] = START REQUEST "\"" HEADER "\"\n";
    static struct pti_sources sources;
    struct pti_log_feed feed;
    struct pti_buf rows;

    (void)state;
    pti_sources_init(&sources, key, 3);
    pti_log_feed_init(&feed, &sources, 100);
    for (int i = 0; i < 10; i++)
        take_all(&feed, line, sizeof line - 1, 65536);
    assert_int_equal(feed.counts.capped, 7);
    pti_buf_init(&rows, 4096);
    pti_log_feed_write_rows(&feed, &rows);
    assert_string_equal(
        pti_buf_cstr(&rows),
        "[{\"day\":\"2026-11-21\",\"zone\":null,\"version\":3,\"os\":\"other\",\"hits\":3,\"d\":3},"
        "{\"day\":\"2026-11-21\",\"zone\":\"main\",\"version\":41,\"os\":\"other\",\"hits\":3,\"d\":3}]");
    assert_int_equal(feed.tally.count, 0);
    pti_buf_clear(&rows);
    pti_log_feed_clear(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_what_it_is), cmocka_unit_test(knows_the_network),
        cmocka_unit_test(nul_bytes_end_nothing),   cmocka_unit_test(a_line_too_long_is_read_over),
        cmocka_unit_test(networks_are_capped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
