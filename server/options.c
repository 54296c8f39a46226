/* SPDX-License-Identifier: Apache-2.0 */
#include "server/options.h"

#include <inttypes.h>
#include <string.h>

#include "server/limits.h"

enum option { REPO, DATA, LISTEN, ADMIN, KEYS, RESIGN_EVERY, KEEP_REPORTS, HELP, VERSION, OPTIONS };

#define DEFAULT_LISTEN "127.0.0.1:8440"

static const struct {
    const char *name;
    const char *value; /* NULL: a flag */
    const char *help;
} table[OPTIONS] = {
    [REPO] = {"repo", "DIR", "the repository to serve and to re-sign, made by `pintle init`; required"},
    [DATA] = {"data", "DIR", "where reports and allocated versions are kept; made if missing; required"},
    [LISTEN] = {"listen", "ADDR:PORT", "where clients come (default " DEFAULT_LISTEN "; port 0: any free one)"},
    [ADMIN] = {"admin", "ADDR:PORT",
               "where /metrics and the list of reports are, on loopback only\n"
               "(default: with --listen if that is on loopback, else nowhere; behind a proxy\n"
               "on this machine give one of its own, or the proxy shows them to everybody)"},
    [KEYS] = {"keys", "DIR", "the online keys: timestamp*.pem and snapshot*.pem (default: REPO/keys)"},
    [RESIGN_EVERY] = {"resign-every", "SECONDS",
                      "how often to look whether timestamp or snapshot are due, 1 to 3600\n"
                      "(default 60); also after a failure, and on SIGHUP at once"},
    [KEEP_REPORTS] = {"keep-reports", "N", "how many reports to keep; the oldest go (default 200000)"},
    [HELP] = {"help", NULL, "print this text"},
    [VERSION] = {"version", NULL, "print the version"},
};

void pti_server_options_help(FILE *stream)
{
    fputs("usage: pintled --repo DIR --data DIR [options]\n\n"
          "Serves the public files of a repository, re-signs its timestamp and snapshot before they\n"
          "expire, and takes reports at POST /v1/reports.\n\noptions:\n",
          stream);
    for (int i = 0; i < OPTIONS; i++) {
        char left[32];
        const char *line = table[i].help;

        snprintf(left, sizeof left, "--%s%s%s", table[i].name, table[i].value ? " " : "",
                 table[i].value ? table[i].value : "");
        while (line) {
            size_t length = strcspn(line, "\n");

            fprintf(stream, "  %-22s  %.*s\n", left, (int)length, line);
            left[0] = '\0';
            line = line[length] ? line + length + 1 : NULL;
        }
    }
    fputs("\nroutes for clients: /head/N /body/HASH /metadata/... /targets/... POST /v1/reports /healthz\n"
          "routes for administrators: /metrics GET /v1/reports[?host=HOST][&limit=N] /healthz\n"
          "signals: SIGTERM and SIGINT stop it when all is answered, SIGHUP looks at the repository at once\n"
          "exit codes: 0 stopped by a signal, 1 it cannot run (stderr says why), 64 wrong command line\n\n"
          "example:\n  pintle init --repo pins && pintled --repo pins --data pintled-data\n",
          stream);
}

static enum pintle_status find_option(const char *typed, enum option *option, const char **value,
                                      struct pti_error *error)
{
    size_t length = strcspn(typed, "=");

    for (int i = 0; i < OPTIONS; i++) {
        if (strlen(table[i].name) != length || strncmp(table[i].name, typed, length) != 0)
            continue;
        *option = (enum option)i;
        *value = typed[length] ? typed + length + 1 : NULL;
        return PINTLE_OK;
    }
    return pti_fail(error, PINTLE_ERR_MISUSE, "there is no option --%.*s; see pintled --help",
                    (int)(length < 40 ? length : 40), typed);
}

static enum pintle_status parse_number(enum option option, const char *text, int64_t min, int64_t max, int64_t *number,
                                       struct pti_error *error)
{
    int64_t value = 0;

    for (const char *digit = text; *digit && value <= max; digit++) {
        if (*digit < '0' || *digit > '9')
            value = max; /* the next step makes it too large */
        value = value * 10 + (*digit >= '0' && *digit <= '9' ? *digit - '0' : 9);
    }
    if (!*text || value < min || value > max)
        return pti_fail(error, PINTLE_ERR_MISUSE,
                        "--%s needs a whole number from %" PRId64 " to %" PRId64 ", found \"%.40s\"",
                        table[option].name, min, max, text);
    *number = value;
    return PINTLE_OK;
}

static enum pintle_status parse_address(enum option option, const char *text, struct pti_address *address,
                                        struct pti_error *error)
{
    if (pti_address_parse(text, address, error) == PINTLE_OK)
        return PINTLE_OK;
    error->status = PINTLE_ERR_MISUSE;
    return pti_error_prefix(error, "--%s", table[option].name);
}

static enum pintle_status set_keys(struct pti_server_options *options, const char *keys, struct pti_error *error)
{
    if (pti_copy_text(options->keys, sizeof options->keys, keys) >= sizeof options->keys)
        return pti_fail(error, PINTLE_ERR_MISUSE, "--keys is longer than %d bytes", PTI_PATH_MAX - 1);
    return PINTLE_OK;
}

static enum pintle_status take(struct pti_server_options *options, enum option option, const char *value,
                               struct pti_error *error)
{
    switch (option) {
    case REPO:
        options->repository = value;
        return PINTLE_OK;
    case DATA:
        options->data = value;
        return PINTLE_OK;
    case LISTEN:
        return parse_address(option, value, &options->listen, error);
    case ADMIN:
        return parse_address(option, value, &options->admin, error);
    case KEYS:
        return set_keys(options, value, error);
    case RESIGN_EVERY:
        return parse_number(option, value, 1, PTI_RESIGN_EVERY_MAX_S, &options->resign_every_s, error);
    case KEEP_REPORTS:
        return parse_number(option, value, 1, PTI_KEEP_REPORTS_MAX, &options->keep_reports, error);
    case HELP:
        options->help = true;
        return PINTLE_OK;
    case VERSION:
        options->version = true;
        return PINTLE_OK;
    case OPTIONS:
        break;
    }
    return PINTLE_ERR_MISUSE;
}

static enum pintle_status take_words(int argc, char **argv, struct pti_server_options *options, struct pti_error *error)
{
    bool given[OPTIONS] = {false};

    for (int i = 1; i < argc; i++) {
        enum option option = OPTIONS;
        const char *value = NULL;
        enum pintle_status status = PINTLE_ERR_MISUSE;

        if (strncmp(argv[i], "--", 2) != 0)
            return pti_fail(error, PINTLE_ERR_MISUSE, "expected only options, found \"%.60s\"; see pintled --help",
                            argv[i]);
        status = find_option(argv[i] + 2, &option, &value, error);
        if (status != PINTLE_OK)
            return status;
        if (!table[option].value && value)
            return pti_fail(error, PINTLE_ERR_MISUSE, "--%s takes no value", table[option].name);
        if (table[option].value && !value && i + 1 < argc)
            value = argv[++i];
        if (table[option].value && (!value || !*value))
            return pti_fail(error, PINTLE_ERR_MISUSE, "--%s needs %s after it", table[option].name,
                            table[option].value);
        if (given[option])
            return pti_fail(error, PINTLE_ERR_MISUSE, "--%s was given twice; give it once", table[option].name);
        given[option] = true;
        status = take(options, option, value, error);
        if (status != PINTLE_OK)
            return status;
    }
    return PINTLE_OK;
}

static enum pintle_status complete(struct pti_server_options *options, struct pti_error *error)
{
    if (!options->repository)
        return pti_fail(error, PINTLE_ERR_MISUSE, "--repo DIR is missing: the repository to serve; see pintled --help");
    if (!options->data)
        return pti_fail(error, PINTLE_ERR_MISUSE, "--data DIR is missing: where to keep reports; see pintled --help");
    if (options->admin.size > 0 && !pti_address_is_loopback(&options->admin))
        return pti_fail(error, PINTLE_ERR_MISUSE,
                        "--admin must be on loopback, such as 127.0.0.1:8441: reports and "
                        "metrics are not for everybody; reach it from elsewhere through SSH or a proxy that "
                        "authenticates");
    options->admin_on_listen = options->admin.size == 0 && pti_address_is_loopback(&options->listen);
    if (options->keys[0])
        return PINTLE_OK;
    if (pti_file_path(options->keys, options->repository, "keys", error) != PINTLE_OK)
        return error->status = PINTLE_ERR_MISUSE;
    return PINTLE_OK;
}

enum pintle_status pti_server_options_parse(int argc, char **argv, struct pti_server_options *options,
                                            struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_MISUSE;

    memset(options, 0, sizeof *options);
    options->resign_every_s = PTI_RESIGN_EVERY_DEFAULT_S;
    options->keep_reports = PTI_KEEP_REPORTS_DEFAULT;
    status = pti_address_parse(DEFAULT_LISTEN, &options->listen, error);
    if (status == PINTLE_OK)
        status = take_words(argc, argv, options, error);
    if (status != PINTLE_OK || options->help || options->version)
        return status;
    return complete(options, error);
}
