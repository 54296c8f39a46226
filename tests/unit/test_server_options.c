/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of pintled, and the addresses on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/options.h"

#define WORDS_MAX 16

static enum pintle_status parse(const char *line, struct pti_server_options *options, struct pti_error *error)
{
    static char copy[512]; /* options point into it */
    char program[] = "pintled";
    char *words[WORDS_MAX] = {program};
    int count = 1;

    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = copy; *word && count < WORDS_MAX;) {
        char *space = strchr(word, ' ');

        words[count++] = word;
        if (!space)
            break;
        *space = '\0';
        word = space + 1;
    }
    return pti_server_options_parse(count, words, options, error);
}

#define NEEDED "--repo r --data d"

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *line;
        const char *want;
    } cases[] = {
        {"", "--repo DIR is missing"},
        {"--data d", "--repo DIR is missing"},
        {"--repo r", "--data DIR is missing"},
        {"--repo", "--repo needs [NAME=]DIR"},
        {"--repo= --data d", "--repo needs [NAME=]DIR"},
        {NEEDED " --repo x", "given twice"},
        {NEEDED " --keys k --keys l", "--keys: given twice"},
        {NEEDED " --repo shop=x --repo shop=y", "--repo: shop given twice"},
        {NEEDED " --repo =x", "expected NAME=DIR"},
        {NEEDED " --repo Shop=x", "expected NAME=DIR"},
        {NEEDED " --repo -shop=x", "expected NAME=DIR"},
        {NEEDED " --repo ..=x", "expected NAME=DIR"},
        {NEEDED " --repo metadata=x", "is no path of the server"},
        {NEEDED " --repo v1=x", "is no path of the server"},
        {NEEDED " --repo 0123456789012345678901234567890123456789012345678901234567890123=x", "expected NAME=DIR"},
        {NEEDED " --repo shop=", "expected NAME=DIR"},
        {NEEDED " --keys shop=k", "--repo shop=DIR is missing"},
        {"--data d --repo shop=x --keys k", "--repo DIR is missing"},
        {NEEDED " --rep x", "no option --rep;"},
        {NEEDED " --port 80", "no option --port"},
        {NEEDED " serve", "found \"serve\""},
        {"--config /nowhere/f " NEEDED " --config x", "--config was given twice"},
        {NEEDED " -v", "there is no option \"-v\""},
        {NEEDED " --help=yes", "--help takes no value"},
        {NEEDED " --listen 8440", "--listen: expected an IP address and a port"},
        {NEEDED " --listen ::1:8440", "expected an IP address"},
        {NEEDED " --listen example.com:80", "expected an IP address"},
        {NEEDED " --listen 127.0.0.1:65536", "expected an IP address"},
        {NEEDED " --listen 127.0.0.1:", "expected an IP address"},
        {NEEDED " --listen 127.0.0.1:8x", "expected an IP address"},
        {NEEDED " --admin 0.0.0.0:8441", "--admin must be on loopback"},
        {NEEDED " --admin 192.0.2.1:8441", "--admin must be on loopback"},
        {NEEDED " --admin [::]:8441", "--admin must be on loopback"},
        {NEEDED " --tls-cert c", "--tls-key FILE is missing"},
        {NEEDED " --tls-key k", "--tls-cert FILE is missing"},
        {NEEDED " --resign-every 0", "from 1 to 3600"},
        {NEEDED " --resign-every 3601", "found \"3601\""},
        {NEEDED " --resign-every 1s", "--resign-every: expected a whole number from 1 to 3600, found \"1s\""},
        {NEEDED " --keep-reports 99999999999999999999999", "whole number"},
        {NEEDED " --keep-reports -1", "whole number"},
        {NEEDED " --log-level debug", "--log-level: expected error, warning or info, found \"debug\""},
        {NEEDED " --log-format xml", "--log-format: expected text or json, found \"xml\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_server_options options;
        struct pti_error error;

        if (parse(cases[i].line, &options, &error) != PINTLE_ERR_MISUSE)
            fail_msg("%s: taken", cases[i].line);
        if (!strstr(error.detail, cases[i].want))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].line, error.detail, cases[i].want);
    }
}

static struct pti_server_options must_parse(const char *line)
{
    struct pti_server_options options;
    struct pti_error error;

    if (parse(line, &options, &error) != PINTLE_OK)
        fail_msg("%s: %s", line, error.detail);
    return options;
}

static void administration_is_where_it_may_be(void **state)
{
    static const struct {
        const char *line;
        bool on_listen, own;
    } cases[] = {
        {NEEDED, true, false},
        {NEEDED " --listen localhost:80", true, false},
        {NEEDED " --listen [::1]:80", true, false},
        {NEEDED " --listen 127.9.9.9:80", true, false},
        {NEEDED " --listen 0.0.0.0:80", false, false},
        {NEEDED " --listen [2001:db8::1]:80", false, false},
        {NEEDED " --admin 127.0.0.1:0", false, true},
        {NEEDED " --listen 0.0.0.0:80 --admin [::1]:81", false, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_server_options options = must_parse(cases[i].line);

        if (options.admin_on_listen != cases[i].on_listen || (options.admin.size > 0) != cases[i].own)
            fail_msg("%s", cases[i].line);
    }
}

static void values_arrive(void **state)
{
    struct pti_server_options options = must_parse("--data=d --resign-every 5 --repo r --keep-reports=9 --keys k");
    char text[PTI_ADDRESS_TEXT_MAX];

    (void)state;
    assert_int_equal(options.served_count, 1);
    assert_string_equal(options.served[0].name, "");
    assert_string_equal(options.served[0].directory, "r");
    assert_string_equal(options.served[0].keys, "k");
    assert_string_equal(options.data, "d");
    assert_int_equal(options.resign_every_s, 5);
    assert_int_equal(options.keep_reports, 9);
    pti_address_format(&options.listen, text);
    assert_string_equal(text, "127.0.0.1:8440");
    options = must_parse(NEEDED " --listen [::1]:9");
    pti_address_format(&options.listen, text);
    assert_string_equal(text, "[::1]:9");
    assert_null(options.served[0].keys);
    assert_int_equal(options.resign_every_s, 60);
    assert_true(must_parse("--help").help);
    assert_true(must_parse("--version").version);
}

static void repositories_have_names(void **state)
{
    struct pti_server_options options = must_parse(
        "--data d --keys shop=k/=k --repo shop=a/b --repo ./x=y --repo=2-bank=c --keys l");

    (void)state;
    assert_int_equal(options.served_count, 3);
    assert_string_equal(options.served[0].name, "shop");
    assert_string_equal(options.served[0].directory, "a/b");
    assert_string_equal(options.served[0].keys, "k/=k");
    assert_string_equal(options.served[1].name, "");
    assert_string_equal(options.served[1].directory, "./x=y");
    assert_string_equal(options.served[1].keys, "l");
    assert_string_equal(options.served[2].name, "2-bank");
    assert_string_equal(options.served[2].directory, "c");
    assert_null(options.served[2].keys);
}

static void there_is_a_most_of_repositories(void **state)
{
    static char words[2 * PTI_SERVED_MAX + 5][24];
    char *argv[2 * PTI_SERVED_MAX + 5];
    struct pti_server_options options;
    struct pti_error error;
    int count = 3;

    (void)state;
    snprintf(words[1], sizeof words[1], "--data");
    snprintf(words[2], sizeof words[2], "d");
    for (int i = 0; i <= PTI_SERVED_MAX; i++) {
        snprintf(words[count++], sizeof words[0], "--repo");
        snprintf(words[count++], sizeof words[0], "app-%d=x", i);
    }
    for (int i = 0; i < count; i++)
        argv[i] = words[i];
    assert_int_equal(pti_server_options_parse(count - 2, argv, &options, &error), PINTLE_OK);
    assert_int_equal(options.served_count, PTI_SERVED_MAX);
    assert_int_equal(pti_server_options_parse(count, argv, &options, &error), PINTLE_ERR_MISUSE);
    assert_non_null(strstr(error.detail, "at most 64 repositories"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(administration_is_where_it_may_be),
        cmocka_unit_test(values_arrive),
        cmocka_unit_test(repositories_have_names),
        cmocka_unit_test(there_is_a_most_of_repositories),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
