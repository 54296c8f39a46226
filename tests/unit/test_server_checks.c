/* SPDX-License-Identifier: Apache-2.0 */
/* Checks are counted by host of the charter, OS and verdict; what a report makes up becomes no label. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/checks.h"

static struct pti_checks checks;

static void know(const char *host, bool subdomains)
{
    char name[PINTLE_HOST_MAX + 1];
    struct pti_charter_host entry = {.host = name, .subdomains = subdomains};
    struct pti_charter charter = {.hosts = &entry, .host_count = 1};

    pti_copy_text(name, sizeof name, host);
    pti_checks_know(&checks, &charter);
}

static void count(const char *host, const char *reason, const char *os, int64_t weight, int64_t successes)
{
    struct pti_report report = {.weight = weight, .successes = successes};

    pti_copy_text(report.host, sizeof report.host, host);
    pti_copy_text(report.reason, sizeof report.reason, reason);
    pti_copy_text(report.os, sizeof report.os, os);
    pti_checks_count(&checks, &report);
}

/* Without the lines that start with '#'. */
static void assert_written(const char *want)
{
    struct pti_buf out, samples;

    pti_buf_init(&out, 1 << 20);
    pti_buf_init(&samples, 1 << 20);
    pti_checks_write(&checks, &out);
    for (const char *line = pti_buf_cstr(&out); *line; line = strchr(line, '\n') + 1)
        if (*line != '#')
            pti_buf_append(&samples, line, (size_t)(strchr(line, '\n') + 1 - line));
    assert_string_equal(pti_buf_cstr(&samples), want);
    pti_buf_clear(&out);
    pti_buf_clear(&samples);
}

#define CHECKS(host, os, accepted, failed)                                                                             \
    "pintle_checks_total{host=\"" host "\",result=\"accepted\",os=\"" os "\"} " accepted "\n"                          \
    "pintle_checks_total{host=\"" host "\",result=\"failed\",os=\"" os "\"} " failed "\n"
#define FAILURES(host, verdict, os, number)                                                                            \
    "pintle_failures_total{host=\"" host "\",verdict=\"" verdict "\",os=\"" os "\"} " number "\n"

static void counts_by_what_is_known(void **state)
{
    (void)state;
    know("api.example", false);
    know("example.org", true);
    know("api.example", true); /* is there already, and stays what it was */
    count("api.example", "mismatch", "Android", 10, 412);
    count("api.example", "denied", "android", 1, 0);
    count("a.b.example.org", "mismatch", "ios", 1, 3);
    count("www.api.example", "mismatch", "ios", 1, 5);
    count("made.up", "\"}\n", "\"} 1\n", 1, 7);
    assert_true(pti_checks_has(&checks, "api.example"));
    assert_false(
        pti_checks_has(&checks, "a.b.example.org")); /* covered, and a stranger can make up any number of them */
    assert_false(pti_checks_has(&checks, "made.up"));
    assert_written(CHECKS("api.example", "android", "412", "11") CHECKS("example.org", "ios", "3", "1")
                       CHECKS("other", "ios", "5", "1") CHECKS("other", "other", "7", "1") FAILURES(
                           "api.example", "mismatch", "android", "10") FAILURES("api.example", "denied", "android", "1")
                           FAILURES("example.org", "mismatch", "ios", "1") FAILURES("other", "mismatch", "ios", "1")
                               FAILURES("other", "other", "other", "1"));
    pti_checks_clear(&checks);
    assert_written("");
}

static void is_bounded(void **state)
{
    char host[32];

    (void)state;
    for (int i = 0; i < PTI_CHECK_HOSTS_MAX + 10; i++) {
        snprintf(host, sizeof host, "h%d.example", i);
        know(host, false);
    }
    assert_int_equal(checks.count, PTI_CHECK_HOSTS_MAX);
    snprintf(host, sizeof host, "h%d.example", PTI_CHECK_HOSTS_MAX);
    count(host, "mismatch", "linux", INT64_MAX, -5);
    assert_written(CHECKS("other", "linux", "0", "1000000000") FAILURES("other", "mismatch", "linux", "1000000000"));
    pti_checks_clear(&checks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_by_what_is_known), cmocka_unit_test(is_bounded)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
