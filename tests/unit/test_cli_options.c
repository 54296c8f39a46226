/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "publish/suggest.h"

static const struct pti_option own[] = {
    PTI_OPTION_JSON,
    {"zone", "ZONE", "a zone", false},
    {"key", "FILE", "a key", true},
    {"keep", NULL, "keep it", false},
    PTI_OPTION_END,
};

static const struct pti_option shared[] = {
    PTI_OPTION_REPO,
    {"timeout", "SECONDS", "how long", false},
    PTI_OPTION_END,
};

static const struct pti_command command = {
    .name = "pin add",
    .summary = "Add",
    .operands = "HOST [BASE64]",
    .example = "  pintle pin add api.example.com",
    .options = own,
    .shared = shared,
    .operands_min = 1,
    .operands_max = 2,
};

/* A command line of up to seven words, split at spaces; words may be empty. */
struct line {
    char text[160];
    char *words[10];
    int count;
};

static void split(struct line *line, const char *text)
{
    char *next = line->text;

    snprintf(line->text, sizeof line->text, "add %s", text);
    line->count = 0;
    while (next) {
        line->words[line->count++] = next;
        next = strchr(next, ' ');
        if (next) {
            *next++ = '\0';
        }
    }
    line->words[line->count] = NULL;
}

static void accepted(void **state)
{
    static const struct {
        const char *line;
        const char *host, *second, *zone, *keys, *repo;
        bool json;
    } cases[] = {
        {"h", "h", NULL, NULL, "", NULL, false},
        {"h --json", "h", NULL, NULL, "", NULL, true},
        {"--json h", "h", NULL, NULL, "", NULL, true},
        {"--zone z h b", "h", "b", "z", "", NULL, false},
        {"h --zone=z b", "h", "b", "z", "", NULL, false},
        {"h --key a --key=b", "h", NULL, NULL, "ab", NULL, false},
        {"h --repo r --key a", "h", NULL, NULL, "a", "r", false},
        {"--zone --json h", "h", NULL, "--json", "", NULL, false}, /* a value is a value */
        {"-- --json", "--json", NULL, NULL, "", NULL, false},
        {"h -- b", "h", "b", NULL, "", NULL, false},
        {"h --zone z=y", "h", NULL, "z=y", "", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_cli cli = {.out = stdout, .err = stderr};
        struct line line;
        char keys[8] = "";

        split(&line, cases[i].line);
        if (pti_cli_parse(&cli, &command, line.count, line.words) != PINTLE_OK) {
            fail_msg("%s: %s", cases[i].line, cli.error.detail);
        }
        assert_string_equal(cli.operands[0], cases[i].host);
        assert_int_equal(cli.operand_count, cases[i].second ? 2 : 1);
        if (cases[i].second) {
            assert_string_equal(cli.operands[1], cases[i].second);
        }
        assert_int_equal(pti_cli_flag(&cli, "json"), cases[i].json);
        assert_true(!pti_cli_text(&cli, "zone") == !cases[i].zone);
        if (cases[i].zone) {
            assert_string_equal(pti_cli_text(&cli, "zone"), cases[i].zone);
        }
        for (size_t j = 0; j < pti_cli_count(&cli, "key"); j++) {
            strcat(keys, pti_cli_nth(&cli, "key", j));
        }
        assert_string_equal(keys, cases[i].keys);
        assert_null(pti_cli_nth(&cli, "key", strlen(keys)));
        assert_string_equal(pti_cli_repo(&cli), cases[i].repo ? cases[i].repo : ".");
        assert_int_equal(cli.failure, PTI_FAILURE_STATUS);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *line;
        const char *want; /* in the message */
    } cases[] = {
        {"--json", "expected HOST [BASE64], found nothing"},
        {"h b c", "found \"c\" after it"},
        {"h --zoen z", "--zoen; did you mean --zone?"},
        {"h --zo z", "there is no option --zo; did you mean --zone?"}, /* an abbreviation is no name */
        {"h --zo=z", "there is no option --zo; did you mean --zone?"},
        {"h --js", "there is no option --js; did you mean --json?"},
        {"h --ke", "there is no option --ke;"}, /* ambiguous for getopt_long */
        {"h --timeou 3", "did you mean --timeout?"},
        {"h --he", "there is no option --he; did you mean --help?"},
        {"h --xyzzy", "there is no option --xyzzy"},
        {"h --xyzzy=1", "there is no option --xyzzy"},
        {"h -j", "there is no option -j; options have long names"},
        {"h --json -xy", "there is no option -x;"},
        {"h --zone", "--zone needs ZONE after it"},
        {"h --zo", "there is no option --zo; did you mean --zone?"},
        {"h --zone=", "--zone needs ZONE, found nothing"},
        {"h --zone a --zone b", "--zone was given twice"},
        {"h --json=yes", "--json takes no value"},
        {"h --help=yes", "--help takes no value"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_cli cli = {.out = stdout, .err = stderr};
        struct line line;

        split(&line, cases[i].line);
        assert_int_equal(pti_cli_parse(&cli, &command, line.count, line.words), PINTLE_ERR_MISUSE);
        assert_int_equal(cli.failure, PTI_FAILURE_USAGE);
        if (!strstr(cli.error.detail, cases[i].want)) {
            fail_msg("%s: \"%s\" is not in \"%s\"", cases[i].line, cases[i].want, cli.error.detail);
        }
    }
}

static void help_wins_over_what_is_missing(void **state)
{
    static const char *const lines[] = {"--help", "h --help", "-h", "--help h b"};

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct pti_cli cli = {.out = stdout, .err = stderr};
        struct line line;

        split(&line, lines[i]);
        assert_int_equal(pti_cli_parse(&cli, &command, line.count, line.words), PINTLE_OK);
        assert_true(cli.help);
    }
}

static void numbers(void **state)
{
    static const struct {
        const char *line;
        enum pintle_status status;
        int64_t want;
    } cases[] = {
        {"h", PINTLE_OK, 7},
        {"h --timeout 1", PINTLE_OK, 1},
        {"h --timeout 0600", PINTLE_OK, 600},
        {"h --timeout 0", PINTLE_ERR_MISUSE, 7},
        {"h --timeout 601", PINTLE_ERR_MISUSE, 7},
        {"h --timeout -1", PINTLE_ERR_MISUSE, 7},
        {"h --timeout +1", PINTLE_ERR_MISUSE, 7},
        {"h --timeout 1s", PINTLE_ERR_MISUSE, 7},
        {"h --timeout 1.5", PINTLE_ERR_MISUSE, 7},
        {"h --timeout 18446744073709551617", PINTLE_ERR_MISUSE, 7}, /* 2^64 + 1 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_cli cli = {.out = stdout, .err = stderr};
        struct line line;
        int64_t number = 7;

        split(&line, cases[i].line);
        assert_int_equal(pti_cli_parse(&cli, &command, line.count, line.words), PINTLE_OK);
        assert_int_equal(pti_cli_number(&cli, "timeout", 1, 600, &number), cases[i].status);
        assert_int_equal(number, cases[i].want);
    }
}

static void distances(void **state)
{
    static const struct {
        const char *a, *b;
        size_t want;
    } cases[] = {
        {"", "", 0},        {"", "abc", 3},        {"zone", "zone", 0},      {"zone", "zoen", 1},
        {"zone", "zon", 1}, {"zone", "bone", 1},   {"zone", "ozne", 1},      {"pin add", "pinadd", 1},
        {"ca", "abc", 3},   {"sign", "status", 5}, {"kitten", "sitting", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(pti_suggest_distance(cases[i].a, cases[i].b), cases[i].want);
        assert_int_equal(pti_suggest_distance(cases[i].b, cases[i].a), cases[i].want);
    }
    assert_true(pti_suggest_distance("a-name-that-nobody-could-ever-have-meant-to-type", "zone") == SIZE_MAX);
}

static void exit_codes(void **state)
{
    static const struct {
        enum pintle_status status;
        enum pti_failure failure;
        int want;
    } cases[] = {
        {PINTLE_OK, PTI_FAILURE_STATUS, 0},
        {PINTLE_OK, PTI_FAILURE_USAGE, 0},
        {PINTLE_ERR_MISUSE, PTI_FAILURE_USAGE, 64},
        {PINTLE_ERR_MISUSE, PTI_FAILURE_OTHER, 1},
        {PINTLE_ERR_MISUSE, PTI_FAILURE_STATUS, 70},
        {PINTLE_ERR_INPUT, PTI_FAILURE_STATUS, 65},
        {PINTLE_ERR_TRUST, PTI_FAILURE_STATUS, 66},
        {PINTLE_ERR_PIN_MISMATCH, PTI_FAILURE_STATUS, 67},
        {PINTLE_ERR_RETRY, PTI_FAILURE_STATUS, 67},
        {PINTLE_ERR_NETWORK, PTI_FAILURE_STATUS, 69},
        {PINTLE_ERR_STORAGE, PTI_FAILURE_STATUS, 73},
        {PINTLE_ERR_MEMORY, PTI_FAILURE_STATUS, 71},
        {PINTLE_ERR_UNSUPPORTED, PTI_FAILURE_STATUS, 70},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(pti_exit_code(cases[i].status, cases[i].failure), cases[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted), cmocka_unit_test(refused),   cmocka_unit_test(help_wins_over_what_is_missing),
        cmocka_unit_test(numbers),  cmocka_unit_test(distances), cmocka_unit_test(exit_codes),
    };

    unsetenv("PINTLE_REPO");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
