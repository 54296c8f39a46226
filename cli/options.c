/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: one table per command drives getopt_long, the messages and --help. */
#include "cli/cli.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "publish/suggest.h"

/* getopt_long's return values: operands arrive as 1 because the option string starts with '-'. */
enum { OPERAND = 1, HELP = 'h', MISSING_VALUE = ':', UNKNOWN = '?', FIRST_OPTION = 256 };

/* The options of both tables in one row; NULL past the end. */
static const struct pti_option *option_at(const struct pti_command *command, size_t index)
{
    size_t own = 0;

    while (command->options[own].name) {
        own++;
    }
    if (index < own) {
        return &command->options[index];
    }
    for (size_t i = 0; command->shared && command->shared[i].name; i++) {
        if (own + i == index) {
            return &command->shared[i];
        }
    }
    return NULL;
}

static const struct pti_option help_option = {"help", NULL, "print this text", false};

enum pintle_status pti_cli_usage(struct pti_cli *cli, const char *format, ...)
{
    char text[PTI_ERROR_DETAIL_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli->failure = PTI_FAILURE_USAGE;
    return pti_fail(&cli->error, PINTLE_ERR_MISUSE, "%s", text);
}

enum pintle_status pti_cli_other(struct pti_cli *cli, const char *format, ...)
{
    char text[PTI_ERROR_DETAIL_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli->failure = PTI_FAILURE_OTHER;
    return pti_fail(&cli->error, PINTLE_ERR_MISUSE, "%s", text);
}

/* Of an abbreviation the whole name was meant, however much longer it is. */
static void offer_option(struct pti_suggestion *suggestion, const char *name)
{
    pti_suggestion_offer(suggestion, name);
    if (!suggestion->nearest && strncmp(name, suggestion->typed, strlen(suggestion->typed)) == 0) {
        suggestion->nearest = name;
    }
}

static enum pintle_status unknown_option(struct pti_cli *cli, const char *typed)
{
    const struct pti_option *option = NULL;
    struct pti_suggestion suggestion;
    char name[64];

    if (strncmp(typed, "--", 2) != 0) {
        return pti_cli_usage(cli, "there is no option %.40s; options have long names", typed);
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(typed + 2, "="), typed + 2);
    pti_suggestion_init(&suggestion, name);
    for (size_t i = 0; (option = option_at(cli->command, i)) != NULL; i++) {
        offer_option(&suggestion, option->name);
    }
    offer_option(&suggestion, help_option.name);
    if (suggestion.nearest) {
        return pti_cli_usage(cli, "there is no option --%s; did you mean --%s?", name, suggestion.nearest);
    }
    return pti_cli_usage(cli, "there is no option --%s", name);
}

static enum pintle_status take_option(struct pti_cli *cli, const struct pti_option *option, const char *value)
{
    if (!option->repeatable && pti_cli_count(cli, option->name) > 0) {
        return pti_cli_usage(cli, "--%s was given twice; give it once", option->name);
    }
    if (option->value && !*value) {
        return pti_cli_usage(cli, "--%s needs %s, found nothing", option->name, option->value);
    }
    if (cli->given_count == PTI_CLI_GIVEN_MAX) {
        return pti_cli_usage(cli, "more than %d options; give fewer at a time", PTI_CLI_GIVEN_MAX);
    }
    cli->given[cli->given_count++] = (struct pti_given){option, value};
    return PINTLE_OK;
}

static enum pintle_status take_operand(struct pti_cli *cli, const char *operand)
{
    const struct pti_command *command = cli->command;

    if (cli->operand_count == command->operands_max) {
        if (command->operands_max == 0) {
            return pti_cli_usage(cli, "expected only options, found \"%.60s\"", operand);
        }
        return pti_cli_usage(cli, "expected %s, found \"%.60s\" after it", command->operands, operand);
    }
    cli->operands[cli->operand_count++] = operand;
    return PINTLE_OK;
}

/* The word on the command line that getopt_long has just read as a long option. */
static const char *typed_option(char **argv)
{
    if (optarg && optind >= 2 && optarg == argv[optind - 1]) {
        return argv[optind - 2];
    }
    return argv[optind - 1];
}

static bool typed_whole(const char *typed, const char *name)
{
    size_t length = strlen(name);

    return strncmp(typed, "--", 2) == 0 && strncmp(typed + 2, name, length) == 0 &&
           (typed[2 + length] == '\0' || typed[2 + length] == '=');
}

static enum pintle_status take_result(struct pti_cli *cli, int result, char **argv)
{
    const struct pti_option *option = NULL;

    if (result == OPERAND) {
        return take_operand(cli, optarg);
    }
    if (result == HELP) {
        if (strncmp(argv[optind - 1], "--", 2) == 0 && strcmp(argv[optind - 1], "--help") != 0) {
            return unknown_option(cli, argv[optind - 1]);
        }
        cli->help = true;
        return PINTLE_OK;
    }
    if (result == UNKNOWN) {
        const char letter[] = {'-', (char)optopt, '\0'};
        const char *typed = argv[optind - 1];

        if (optopt >= FIRST_OPTION) {
            option = option_at(cli->command, (size_t)(optopt - FIRST_OPTION));
            return pti_cli_usage(cli, "--%s takes no value, found \"%.60s\"", option->name, typed);
        }
        if (optopt == HELP) {
            return pti_cli_usage(cli, "--help takes no value, found \"%.60s\"", typed);
        }
        /* A letter within a cluster does not move optind; a long option leaves optopt 0. */
        return unknown_option(cli, optopt > 0 ? letter : typed);
    }
    if (result == MISSING_VALUE) {
        option = option_at(cli->command, (size_t)(optopt - FIRST_OPTION));
        if (!typed_whole(argv[optind - 1], option->name)) {
            return unknown_option(cli, argv[optind - 1]);
        }
        return pti_cli_usage(cli, "--%s needs %s after it", option->name, option->value);
    }
    option = option_at(cli->command, (size_t)(result - FIRST_OPTION));
    if (!typed_whole(typed_option(argv), option->name)) {
        return unknown_option(cli, typed_option(argv));
    }
    return take_option(cli, option, optarg);
}

static void fill_long_options(const struct pti_command *command, struct option *longs)
{
    const struct pti_option *option = NULL;
    int count = 0;

    for (; (option = option_at(command, (size_t)count)) != NULL; count++) {
        assert(count < PTI_CLI_OPTIONS_MAX);
        longs[count] = (struct option){option->name, option->value ? required_argument : no_argument, NULL,
                                       FIRST_OPTION + count};
    }
    longs[count++] = (struct option){help_option.name, no_argument, NULL, HELP};
    longs[count] = (struct option){NULL, 0, NULL, 0};
}

enum pintle_status pti_cli_parse(struct pti_cli *cli, const struct pti_command *command, int argc, char **argv)
{
    struct option longs[PTI_CLI_OPTIONS_MAX + 2];
    int result = 0;

    cli->command = command;
    fill_long_options(command, longs);
    opterr = 0;
    optind = 0; /* start afresh: glibc, musl and the BSDs all take it so */
    while ((result = getopt_long(argc, argv, "-:h", longs, NULL)) != -1) {
        if (take_result(cli, result, argv) != PINTLE_OK) {
            return cli->error.status;
        }
    }
    for (; optind < argc; optind++) { /* what stands after "--" */
        if (take_operand(cli, argv[optind]) != PINTLE_OK) {
            return cli->error.status;
        }
    }
    if (!cli->help && cli->operand_count < command->operands_min) {
        return pti_cli_usage(cli, "expected %s, found %s", command->operands,
                             cli->operand_count ? "too few names" : "nothing");
    }
    return PINTLE_OK;
}

const char *pti_cli_nth(const struct pti_cli *cli, const char *name, size_t index)
{
    const struct pti_option *option = NULL;

    for (size_t i = 0; (option = option_at(cli->command, i)) != NULL; i++) {
        if (strcmp(option->name, name) == 0) {
            break;
        }
    }
    assert(option); /* a misspelt name in a command, not on a command line */
    for (size_t i = 0; option && i < cli->given_count; i++) {
        if (cli->given[i].option == option && index-- == 0) {
            return option->value ? cli->given[i].value : "";
        }
    }
    return NULL;
}

size_t pti_cli_count(const struct pti_cli *cli, const char *name)
{
    size_t count = 0;

    while (pti_cli_nth(cli, name, count)) {
        count++;
    }
    return count;
}

const char *pti_cli_text(const struct pti_cli *cli, const char *name)
{
    return pti_cli_nth(cli, name, 0);
}

bool pti_cli_flag(const struct pti_cli *cli, const char *name)
{
    return pti_cli_nth(cli, name, 0) != NULL;
}

enum pintle_status pti_cli_number(struct pti_cli *cli, const char *name, int64_t min, int64_t max, int64_t *number)
{
    const char *text = pti_cli_text(cli, name);
    int64_t value = 0;

    if (!text) {
        return PINTLE_OK;
    }
    for (const char *digit = text; *digit; digit++) {
        if (*digit < '0' || *digit > '9' || value > max) {
            return pti_cli_usage(cli, "--%s needs a whole number from %lld to %lld, found \"%.40s\"", name,
                                 (long long)min, (long long)max, text);
        }
        value = value * 10 + (*digit - '0');
    }
    if (value < min || value > max) {
        return pti_cli_usage(cli, "--%s needs a whole number from %lld to %lld, found %.40s", name, (long long)min,
                             (long long)max, text);
    }
    *number = value;
    return PINTLE_OK;
}

enum pintle_status pti_cli_crypto_new(struct pti_cli *cli, struct pintle_crypto **crypto)
{
    enum pintle_status status = pintle_crypto_openssl_new(crypto);

    return status == PINTLE_OK
               ? PINTLE_OK
               : pti_fail(&cli->error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
}

const char *pti_cli_repo(const struct pti_cli *cli)
{
    const char *given = pti_cli_text(cli, "repo");
    const char *environment = getenv("PINTLE_REPO");

    if (given) {
        return given;
    }
    return environment && *environment ? environment : ".";
}

static void print_option(const struct pti_option *option, int width, FILE *stream)
{
    char left[64];
    const char *line = option->help;

    snprintf(left, sizeof left, "--%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
    while (line) {
        size_t length = strcspn(line, "\n");

        fprintf(stream, "  %-*s  %.*s\n", width, left, (int)length, line);
        left[0] = '\0';
        line = line[length] ? line + length + 1 : NULL;
    }
}

void pti_cli_help(const struct pti_command *command, FILE *stream)
{
    const struct pti_option *option = NULL;
    int width = (int)strlen("--help");

    fprintf(stream, "usage: pintle %s%s%s%s\n\n%s.\n", command->name, *command->operands ? " " : "", command->operands,
            option_at(command, 0) ? " [options]" : "", command->summary);
    if (command->details) {
        fprintf(stream, "\n%s\n", command->details);
    }
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        int length = (int)(strlen(option->name) + 2 + (option->value ? strlen(option->value) + 1 : 0));

        if (length > width) {
            width = length;
        }
    }
    fputs("\noptions:\n", stream);
    for (size_t i = 0; (option = option_at(command, i)) != NULL; i++) {
        print_option(option, width, stream);
    }
    print_option(&help_option, width, stream);
    fprintf(stream, "\nexample:\n%s\n", command->example);
}
