/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/datetime.h"

static struct pintle_bytes text(const char *s)
{
    return (struct pintle_bytes){(const uint8_t *)s, strlen(s)};
}

static void both_ways(void **state)
{
    (void)state;
    /* from `date -u -d TEXT +%s` */
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01Z", 1},
        {"1970-12-31T23:59:59Z", 31535999},
        {"1972-02-29T12:00:00Z", 68212800},
        {"1999-12-31T23:59:59Z", 946684799},
        {"2000-02-29T00:00:00Z", 951782400},
        {"2000-03-01T00:00:00Z", 951868800},
        {"2026-11-21T20:00:00Z", 1795291200},
        {"2038-01-19T03:14:08Z", 2147483648},
        {"2100-02-28T23:59:59Z", 4107542399},
        {"2100-03-01T00:00:00Z", 4107542400},
        {"2400-02-29T00:00:00Z", 13574563200},
        {"9999-12-31T23:59:59Z", 253402300799},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t seconds = -1;
        char out[PTI_DATETIME_SIZE + 1];
        assert_true(pti_datetime_parse(text(cases[i].text), &seconds));
        if (seconds != cases[i].seconds) {
            fail_msg("%s: %lld", cases[i].text, (long long)seconds);
        }
        pti_datetime_format(cases[i].seconds, out);
        assert_string_equal(out, cases[i].text);
    }
}

/* Each day of 8030 years exists once: the formatted dates are read back to the same second. */
static void every_day_survives(void **state)
{
    (void)state;
    for (int64_t day = 0; day * 86400 <= INT64_C(253402300799); day++) {
        int64_t want = day * 86400 + day % 86400;
        int64_t seconds = -1;
        char out[PTI_DATETIME_SIZE + 1];
        pti_datetime_format(want, out);
        if (!pti_datetime_parse(text(out), &seconds) || seconds != want) {
            fail_msg("%s", out);
        }
    }
}

static void format_clamps(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *want;
    } cases[] = {
        {-1, "1970-01-01T00:00:00Z"},
        {INT64_MIN, "1970-01-01T00:00:00Z"},
        {INT64_C(253402300800), "9999-12-31T23:59:59Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[PTI_DATETIME_SIZE + 1];
        pti_datetime_format(cases[i].seconds, out);
        assert_string_equal(out, cases[i].want);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "2026-11-21",
        "2026-11-21T20:00:00",
        "2026-11-21T20:00:00z",
        "2026-11-21t20:00:00Z",
        "2026-11-21 20:00:00Z",
        "2026-11-21T20:00:00ZZ",
        "2026-11-21T20:00:00+00:00",
        "2026-11-21T20:00:00.0Z",
        " 026-11-21T20:00:00Z",
        "+026-11-21T20:00:00Z",
        "2026-1-021T20:00:00Z",
        "2026-00-21T20:00:00Z",
        "2026-13-21T20:00:00Z",
        "2026-11-00T20:00:00Z",
        "2026-11-31T20:00:00Z",
        "2026-02-29T20:00:00Z",
        "2100-02-29T20:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T20:60:00Z",
        "2016-12-31T23:59:60Z",
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "2026-11-21T20:00:0:Z",
        "2026/11/21T20:00:00Z",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t seconds = -1;
        if (pti_datetime_parse(text(cases[i]), &seconds)) {
            fail_msg("\"%s\" was accepted", cases[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(every_day_survives),
        cmocka_unit_test(format_clamps),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
