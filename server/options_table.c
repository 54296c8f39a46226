/* SPDX-License-Identifier: Apache-2.0 */
/* The options themselves: what each takes, says of itself, and is if it is not given. */
#include "server/options.h"

#include <string.h>

#include "publish/file.h"
#include "report/sources.h"
#include "server/targets.h"

#define DEFAULT_LISTEN "127.0.0.1:8440"

/* ---- takers ---- */

static enum pintle_status take_address(const struct pti_setting *setting, const char *value, void *into,
                                       struct pti_error *error)
{
    return pti_address_parse(value, (struct pti_address *)((char *)into + setting->at), error);
}

/* Names that are paths of a repository, or of the server, at the root. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {"head", "body", "metadata", "targets", "healthz", "metrics", "v1"};

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(name, reserved[i]) == 0)
            return true;
    return false;
}

/* "NAME=DIR", or a DIR alone, of the repository at the root: only in a NAME is there no slash before the "=". */
static enum pintle_status split_name(const char *value, char name[PTI_SERVED_NAME_MAX + 1], const char **directory,
                                     struct pti_error *error)
{
    size_t length = strcspn(value, "=/");

    name[0] = '\0';
    *directory = value;
    if (value[length] != '=')
        return PINTLE_OK;
    if (length > 0 && length <= PTI_SERVED_NAME_MAX) {
        memcpy(name, value, length);
        name[length] = '\0';
    }
    *directory = value + length + 1;
    if (!name[0] || name[0] == '-' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length ||
        is_reserved(name) || !**directory)
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "expected NAME=DIR with a NAME of at most %d of a-z, 0-9 and \"-\" (not first) that is no path of "
            "the server, found \"%.70s\"; a directory with \"=\" in its name is ./DIR",
            PTI_SERVED_NAME_MAX, value);
    return PINTLE_OK;
}

/* The repository called name, which --keys may mention before --repo does; NULL if there are too many. */
static struct pti_served_options *find_served(struct pti_server_options *options, const char *name)
{
    struct pti_served_options *served = options->served;

    for (size_t i = 0; i < options->served_count; i++)
        if (strcmp(served[i].name, name) == 0)
            return &served[i];
    if (options->served_count == PTI_SERVED_MAX)
        return NULL;
    served += options->served_count++;
    pti_copy_text(served->name, sizeof served->name, name);
    return served;
}

/* setting->at is that of a member of struct pti_served_options. */
static enum pintle_status take_directory(const struct pti_setting *setting, const char *value, void *into,
                                         struct pti_error *error)
{
    char name[PTI_SERVED_NAME_MAX + 1];
    struct pti_served_options *served = NULL;
    const char *directory = NULL, **place = NULL;
    enum pintle_status status = split_name(value, name, &directory, error);

    if (status != PINTLE_OK)
        return status;
    if (strlen(directory) >= PTI_PATH_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a path of at most %d bytes, found a longer one",
                        PTI_PATH_MAX - 1);
    served = find_served(into, name);
    if (!served)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d repositories, found more", PTI_SERVED_MAX);
    place = (const char **)((char *)served + setting->at);
    if (*place)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s%sgiven twice; of several repositories each has a NAME=DIR of its "
                        "own",
                        name, name[0] ? " " : "");
    *place = directory;
    return PINTLE_OK;
}

static enum pintle_status take_edge(const struct pti_setting *setting, const char *value, void *into,
                                    struct pti_error *error)
{
    struct pti_server_options *options = into;

    (void)setting;
    if (options->edge_count == PTI_OPTION_EDGES_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d edges, found more; add others by the API",
                        PTI_OPTION_EDGES_MAX);
    options->edges[options->edge_count] = value;
    return pti_target_parse(options->edges[options->edge_count++], &(struct pti_target){.source = PTI_TARGET_OPTION},
                            error);
}

static enum pintle_status take_log_level(const struct pti_setting *setting, const char *value, void *into,
                                         struct pti_error *error)
{
    struct pti_server_options *options = into;

    (void)setting;
    if (!pti_log_level_parse(value, &options->log_level))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected error, warning or info, found \"%.40s\"", value);
    return PINTLE_OK;
}

static enum pintle_status take_log_format(const struct pti_setting *setting, const char *value, void *into,
                                          struct pti_error *error)
{
    struct pti_server_options *options = into;

    (void)setting;
    options->log_json = strcmp(value, "json") == 0;
    if (!options->log_json && strcmp(value, "text") != 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected text or json, found \"%.40s\"", value);
    return PINTLE_OK;
}

static enum pintle_status take_webhook(const struct pti_setting *setting, const char *value, void *into,
                                       struct pti_error *error)
{
    struct pti_alerts_config *alerts = &((struct pti_server_options *)into)->alerts;

    (void)setting;
    if (alerts->webhook_count == PTI_WEBHOOKS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d of them, found more", PTI_WEBHOOKS_MAX);
    return pti_webhook_parse(value, &alerts->webhooks[alerts->webhook_count++], error);
}

/* ---- the table ---- */

#define AT(member) offsetof(struct pti_server_options, member)

const struct pti_setting pti_server_settings[] = {
    {.name = "config",
     .value = "FILE",
     .help = "read the options below from FILE too, one \"name = value\" a line; what is\n"
             "on the command line goes before it",
     .take = pti_setting_text,
     .at = AT(config),
     .wanted = PTI_WANTS_DATA | PTI_WANTS_REPOSITORY,
     .line_only = true},
    {.name = "repo",
     .value = "[NAME=]DIR",
     .help = "the repository to serve and to re-sign, made by `pintle init`; required;\n"
             "repeat it for several, which are served below /NAME/",
     .take = take_directory,
     .at = offsetof(struct pti_served_options, directory),
     .wanted = PTI_WANTS_REPOSITORY,
     .repeatable = true},
    {.name = "data",
     .value = "DIR",
     .help = "where reports and allocated versions are kept; made if missing; required",
     .take = pti_setting_text,
     .at = AT(data),
     .wanted = PTI_WANTS_DATA},
    {.name = "listen",
     .value = "ADDR:PORT",
     .help = "where clients come (default " DEFAULT_LISTEN "; port 0: any free one)",
     .take = take_address,
     .at = AT(listen)},
    {.name = "admin",
     .value = "ADDR:PORT",
     .help = "where /metrics and the API are, on loopback only\n"
             "(default: with --listen if that is on loopback, else nowhere; behind a proxy\n"
             "on this machine give one of its own, or the proxy shows them to everybody)",
     .take = take_address,
     .at = AT(admin)},
    {.name = "connections",
     .value = "N",
     .help = "how many connections of clients may be open at once (default 12000)",
     .take = pti_setting_number,
     .at = AT(connections),
     .min = 16,
     .max = PTI_HTTP_CONNECTIONS_MAX},
    {.name = "connections-per-source",
     .value = "N",
     .help = "how many of them from one IPv4 address or IPv6 /64 (default 3000)",
     .take = pti_setting_number,
     .at = AT(per_source),
     .min = 1,
     .max = PTI_HTTP_CONNECTIONS_MAX},
    {.name = "tls-cert",
     .value = "FILE",
     .help = "speak HTTPS, with this certificate and what issued it (PEM); read again on SIGHUP",
     .take = pti_setting_text,
     .at = AT(tls_certificate)},
    {.name = "tls-key",
     .value = "FILE",
     .help = "its private key (PEM, not encrypted)",
     .take = pti_setting_text,
     .at = AT(tls_key)},
    {.name = "admin-client-ca",
     .value = "FILE",
     .help = "answer on --admin only to clients with a certificate of these authorities (PEM),\n"
             "besides the token; needs --tls-cert",
     .take = pti_setting_text,
     .at = AT(admin_client_ca)},
    {.name = "keys",
     .value = "[NAME=]DIR",
     .help = "its online keys: timestamp*.pem and snapshot*.pem (default: keys in DIR)",
     .take = take_directory,
     .at = offsetof(struct pti_served_options, keys),
     .repeatable = true},
    {.name = "resign-every",
     .value = "SECONDS",
     .help = "how often to look whether timestamp or snapshot are due, 1 to 3600\n"
             "(default 60); also after a failure, and on SIGHUP at once",
     .take = pti_setting_number,
     .at = AT(resign_every_s),
     .min = 1,
     .max = PTI_RESIGN_EVERY_MAX_S},
    {.name = "keep-reports",
     .value = "N",
     .help = "how many whole reports to keep; the oldest go (default 200000)",
     .take = pti_setting_number,
     .at = AT(keep_reports),
     .min = 1,
     .max = PTI_KEEP_REPORTS_MAX},
    {.name = "webhook",
     .value = "FORM=URL",
     .help = "who is told of alerts; FORM is alertmanager (the URL is that of an Alertmanager),\n"
             "v4 (as an Alertmanager tells its webhooks) or json; may be given 4 times",
     .take = take_webhook,
     .repeatable = true},
    {.name = "alert-every",
     .value = "SECONDS",
     .help = "how often to look for alerts, 1 to 3600 (default 15)",
     .take = pti_setting_number,
     .at = AT(alerts.every_s),
     .min = 1,
     .max = 3600},
    {.name = "alert-repeat",
     .value = "SECONDS",
     .help = "how often webhooks are reminded of an alert, 60 to 604800 (default 14400)",
     .take = pti_setting_number,
     .at = AT(alerts.repeat_s),
     .min = 60,
     .max = 7 * 86400},
    {.name = "alert-expiry",
     .value = "DAYS",
     .help = "how long before its expiry something is a ticket, at a quarter of it a page\n"
             "(default 14; a third of its life if that is shorter)",
     .take = pti_setting_number,
     .at = AT(alerts.limits.expiry_days),
     .min = 1,
     .max = 365},
    {.name = "alert-disk",
     .value = "PERCENT",
     .help = "how little of the disk under --data is left when it is a ticket, at a quarter\n"
             "of it a page (default 10)",
     .take = pti_setting_number,
     .at = AT(alerts.limits.disk_percent),
     .min = 0,
     .max = 99},
    {.name = "alert-mismatches",
     .value = "N",
     .help = "how many reports of mismatches from one host in 15 minutes are no news yet\n"
             "(default 20), however few there were before",
     .take = pti_setting_number,
     .at = AT(alerts.limits.mismatches),
     .min = 1,
     .max = 1000000},
    {.name = "sample-reports",
     .value = "N",
     .help = "how many reports of a kind (same host, key, zone version, app and so on) to\n"
             "keep whole in an hour (default 20); all are counted",
     .take = pti_setting_number,
     .at = AT(sample_reports),
     .min = 0,
     .max = PTI_SAMPLE_MAX},
    {.name = "reports-per-source",
     .value = "N",
     .help = "how many reports a second one network (/24 or /48) may send, ten times as many\n"
             "at once; 0: any number (default 500)",
     .take = pti_setting_number,
     .at = AT(reports_per_source),
     .min = 0,
     .max = PTI_REPORTS_PER_SOURCE_MAX},
    {.name = "behind-proxy",
     .help = "believe the proxy that all come through: the last address in X-Forwarded-For\n"
             "is where a request comes from",
     .take = pti_setting_flag,
     .at = AT(behind_proxy)},
    {.name = "log-level",
     .value = "LEVEL",
     .help = "what is logged on stderr: error, warning or info, each with those before (default info)",
     .take = take_log_level},
    {.name = "log-format",
     .value = "FORMAT",
     .help = "text, or json: one object a line with time, level and message (default text)",
     .take = take_log_format},
    {.name = "adoption-flush",
     .value = "SECONDS",
     .help = "how often what was counted of adoption is written, 1 to 60 (default 60)",
     .take = pti_setting_number,
     .at = AT(adoption_flush_s),
     .min = 1,
     .max = PTI_ADOPTION_FLUSH_S},
    {.name = "adoption-per-source",
     .value = "N",
     .help = "how many polls of a network are counted a day (default 10000)",
     .take = pti_setting_number,
     .at = AT(adoption_per_source),
     .min = 1,
     .max = PTI_SOURCES_PER_DAY_MAX},
    {.name = "check-config",
     .help = "say what a start would find wrong, change nothing, and end; exit code 78 if it would fail",
     .take = pti_setting_flag,
     .at = AT(check_config),
     .line_only = true},
    {.name = "probe-every",
     .value = "SECONDS",
     .help = "how often to look what each edge of a pinned host serves, 0 to 86400\n"
             "(default 300; 0: never)",
     .take = pti_setting_number,
     .at = AT(probe_every_s),
     .min = 0,
     .max = PTI_PROBE_EVERY_MAX_S},
    {.name = "edge",
     .value = "[NAME/]HOST=ADDR[:PORT]",
     .help = "also look for HOST, of repository NAME, at this address, or at every address\n"
             "of this name; repeat it for several",
     .take = take_edge,
     .at = AT(edges),
     .repeatable = true},
    {.name = "probe-ca",
     .value = "FILE",
     .help = "PEM certificates to validate with what edges serve, instead of this machine's\n"
             "trust store",
     .take = pti_setting_text,
     .at = AT(probe_ca)},
    {.name = "help", .help = "print this text", .take = pti_setting_flag, .at = AT(help), .line_only = true},
    {.name = "version", .help = "print the version", .take = pti_setting_flag, .at = AT(version), .line_only = true},
    {.name = NULL},
};

/* ---- defaults ---- */

void pti_server_options_init(struct pti_server_options *options)
{
    memset(options, 0, sizeof *options);
    options->connections = PTI_HTTP_CONNECTIONS_DEFAULT;
    options->per_source = PTI_HTTP_PER_SOURCE_DEFAULT;
    options->resign_every_s = PTI_RESIGN_EVERY_DEFAULT_S;
    options->keep_reports = PTI_KEEP_REPORTS_DEFAULT;
    options->alerts.every_s = PTI_ALERT_EVERY_DEFAULT_S;
    options->alerts.repeat_s = PTI_ALERT_REPEAT_DEFAULT_S;
    options->alerts.limits = (struct pti_alert_limits){PTI_ALERT_EXPIRY_DEFAULT_DAYS, PTI_ALERT_DISK_DEFAULT_PERCENT,
                                                       PTI_ALERT_MISMATCHES_DEFAULT};
    options->adoption_flush_s = PTI_ADOPTION_FLUSH_S;
    options->adoption_per_source = PTI_SOURCES_PER_DAY_DEFAULT;
    options->sample_reports = PTI_SAMPLE_DEFAULT;
    options->reports_per_source = PTI_REPORTS_PER_SOURCE_DEFAULT;
    options->probe_every_s = PTI_PROBE_EVERY_DEFAULT_S;
    (void)pti_address_parse(DEFAULT_LISTEN, &options->listen, NULL);
}
