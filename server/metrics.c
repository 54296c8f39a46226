/* SPDX-License-Identifier: Apache-2.0 */
#include "server/metrics.h"

#include <inttypes.h>

#include <pintle/version.h>

static const char *const route_names[PTI_ROUTES - PTI_FILE_KINDS] = {
    [PTI_ROUTE_REPORTS - PTI_FILE_KINDS] = "reports",   [PTI_ROUTE_REPORT_LIST - PTI_FILE_KINDS] = "report_list",
    [PTI_ROUTE_HEALTHZ - PTI_FILE_KINDS] = "healthz",   [PTI_ROUTE_METRICS - PTI_FILE_KINDS] = "metrics",
    [PTI_ROUTE_JOURNAL - PTI_FILE_KINDS] = "journal",   [PTI_ROUTE_TOKENS - PTI_FILE_KINDS] = "tokens",
    [PTI_ROUTE_CELLS - PTI_FILE_KINDS] = "cells",       [PTI_ROUTE_ADOPTION - PTI_FILE_KINDS] = "adoption",
    [PTI_ROUTE_RELEASES - PTI_FILE_KINDS] = "releases", [PTI_ROUTE_REPOSITORIES - PTI_FILE_KINDS] = "repositories",
    [PTI_ROUTE_ZONES - PTI_FILE_KINDS] = "zones",       [PTI_ROUTE_HOSTS - PTI_FILE_KINDS] = "hosts",
    [PTI_ROUTE_VERSIONS - PTI_FILE_KINDS] = "versions", [PTI_ROUTE_EDGES - PTI_FILE_KINDS] = "edges",
    [PTI_ROUTE_ALERTS - PTI_FILE_KINDS] = "alerts",
};

static const char *const result_names[PTI_REPORT_RESULTS] = {
    [PTI_REPORT_ACCEPTED] = "accepted",
    [PTI_REPORT_DUPLICATE] = "duplicate",
    [PTI_REPORT_INVALID] = "invalid",
    [PTI_REPORT_DEFERRED] = "deferred",
};

static const char *const drop_names[PTI_REPORT_DROPS] = {
    [PTI_DROP_SCHEMA] = "schema",
    [PTI_DROP_TOO_LARGE] = "too_large",
    [PTI_DROP_MEDIA_TYPE] = "media_type",
    [PTI_DROP_QUEUE_FULL] = "queue_full",
    [PTI_DROP_STORAGE] = "storage",
    [PTI_DROP_STOPPING] = "stopping",
    [PTI_DROP_RATE] = "rate",
    [PTI_DROP_OLD] = "old",
};

static const char *const adoption_names[PTI_ADOPTION_RESULTS] = {
    [PTI_ADOPTION_COUNTED] = "counted", [PTI_ADOPTION_MALFORMED] = "malformed", [PTI_ADOPTION_UNKNOWN] = "unknown",
    [PTI_ADOPTION_CAPPED] = "capped",   [PTI_ADOPTION_FULL] = "full",
};

/* The last one stands for every other code. */
static const unsigned codes[PTI_METRIC_CODES] = {200, 201, 202, 204, 400, 401, 403, 404,
                                                 405, 409, 413, 415, 429, 500, 503, 0};

static const char *route_name(unsigned route)
{
    return route < PTI_FILE_KINDS ? pti_file_kind_name((enum pti_file_kind)route) : route_names[route - PTI_FILE_KINDS];
}

static size_t code_index(unsigned code)
{
    size_t i = 0;

    while (codes[i] != 0 && codes[i] != code)
        i++;
    return i;
}

static void add(atomic_ullong *counter, unsigned long long by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

void pti_metrics_count_request(struct pti_metrics *metrics, unsigned route, unsigned code)
{
    add(&metrics->requests[route][code_index(code)], 1);
}

void pti_metrics_count_report(struct pti_metrics *metrics, enum pti_report_result result)
{
    add(&metrics->reports[result], 1);
}

void pti_metrics_count_drop(struct pti_metrics *metrics, enum pti_report_drop drop, unsigned long long count)
{
    add(&metrics->dropped[drop], count);
}

void pti_metrics_set_alerts(struct pti_metrics *metrics, enum pti_alert_rule rule, unsigned firing)
{
    atomic_store_explicit(&metrics->alerts[rule], firing, memory_order_relaxed);
}

void pti_metrics_count_webhook(struct pti_metrics *metrics, bool taken)
{
    add(&metrics->webhooks[taken], 1);
}

void pti_metrics_count_adoption(struct pti_metrics *metrics, enum pti_adoption_result result, unsigned long long count)
{
    add(&metrics->adoption[result], count);
}

static unsigned long long value(atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void pti_metrics_family(struct pti_buf *out, const char *name, const char *type, const char *help)
{
    pti_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_labelled(struct pti_buf *out, const char *name, const char *label, const char *const *values,
                           atomic_ullong *counters, size_t size)
{
    for (size_t i = 0; i < size; i++)
        pti_buf_printf(out, "%s{%s=\"%s\"} %llu\n", name, label, values[i], value(&counters[i]));
}

static void write_requests(struct pti_metrics *metrics, struct pti_buf *out)
{
    pti_metrics_family(out, "pintle_http_requests_total", "counter", "Requests answered.");
    for (unsigned route = 0; route < PTI_ROUTES; route++) {
        for (size_t i = 0; i < PTI_METRIC_CODES; i++) {
            unsigned long long requests = value(&metrics->requests[route][i]);

            if (requests == 0) /* combinations that never happen would be most of the page */
                continue;
            pti_buf_printf(out, "pintle_http_requests_total{route=\"%s\",code=\"", route_name(route));
            if (codes[i])
                pti_buf_printf(out, "%u\"} %llu\n", codes[i], requests);
            else
                pti_buf_printf(out, "other\"} %llu\n", requests);
        }
    }
}

/* The one at the root has no label, which to Prometheus is the same as an empty one. */
static void write_sample(struct pti_buf *out, const char *name, const char *repository, const char *role,
                         int64_t number)
{
    const char *mark = "{";

    pti_buf_text(out, name);
    if (*repository) {
        pti_buf_printf(out, "%srepository=\"%s\"", mark, repository);
        mark = ",";
    }
    if (role) {
        pti_buf_printf(out, "%srole=\"%s\"", mark, role);
        mark = ",";
    }
    pti_buf_printf(out, "%s %" PRId64 "\n", *mark == ',' ? "}" : "", number);
}

static int64_t signer_up(const struct pti_status *status)
{
    return status->signer == PTI_SIGNER_UP;
}

static int64_t resign_failing(const struct pti_status *status)
{
    return status->resign_failing;
}

static int64_t readable(const struct pti_status *status)
{
    return status->readable;
}

static int64_t role_expires(const struct pti_role_status *role)
{
    return role->expires;
}

static int64_t role_version(const struct pti_role_status *role)
{
    return role->version;
}

/* Gauges that each repository has once, or once for each role. */
static const struct {
    const char *name, *help;
    int64_t (*once)(const struct pti_status *status);
    int64_t (*of_role)(const struct pti_role_status *role);
} gauges[] = {
    {"pintle_signer_up", "1 while timestamp and snapshot can be re-signed.", signer_up, NULL},
    {"pintle_resign_failing", "1 while the last attempt to re-sign or to verify the publication failed.",
     resign_failing, NULL},
    {"pintle_repository_readable", "1 while the published files can be read and fit together.", readable, NULL},
    {"pintle_manifest_expiry_timestamp_seconds", "When published metadata expire.", NULL, role_expires},
    {"pintle_manifest_version", "Version of published metadata.", NULL, role_version},
};

static void write_gauge(struct pti_service_status *service, size_t gauge, struct pti_buf *out)
{
    const char *name = gauges[gauge].name;

    pti_metrics_family(out, name, "gauge", gauges[gauge].help);
    for (size_t i = 0; i < service->board_count; i++) {
        const char *repository = service->boards[i]->repository;
        struct pti_status status;

        pti_status_board_read(service->boards[i], &status);
        if (gauges[gauge].once)
            write_sample(out, name, repository, NULL, gauges[gauge].once(&status));
        for (size_t role = 0; gauges[gauge].of_role && role < status.role_count; role++)
            write_sample(out, name, repository, status.roles[role].name, gauges[gauge].of_role(&status.roles[role]));
    }
}

static void write_alerts(struct pti_metrics *metrics, struct pti_buf *out)
{
    static const char *const results[] = {"failed", "taken"};

    pti_metrics_family(out, "pintle_alerts_firing", "gauge", "Alerts that fire.");
    for (int i = 0; i < PTI_ALERT_RULES; i++)
        pti_buf_printf(out, "pintle_alerts_firing{alert=\"%s\"} %llu\n", pti_alert_rule_name((enum pti_alert_rule)i),
                       value(&metrics->alerts[i]));
    pti_metrics_family(out, "pintle_webhook_requests_total", "counter",
                       "Requests to webhooks, by what became of them.");
    write_labelled(out, "pintle_webhook_requests_total", "result", results, metrics->webhooks, 2);
}

static void write_disk(const struct pti_disk_use *disk, struct pti_buf *out)
{
    pti_metrics_family(out, "pintle_disk_size_bytes", "gauge", "Size of the file system that holds the data.");
    write_sample(out, "pintle_disk_size_bytes", "", NULL, disk->size);
    pti_metrics_family(out, "pintle_disk_available_bytes", "gauge", "What is left of it for this user.");
    write_sample(out, "pintle_disk_available_bytes", "", NULL, disk->available);
    pti_metrics_family(out, "pintle_database_size_bytes", "gauge", "Size of the database with its log.");
    write_sample(out, "pintle_database_size_bytes", "", NULL, disk->database);
}

void pti_metrics_write(struct pti_metrics *metrics, struct pti_service_status *service, const struct pti_disk_use *disk,
                       struct pti_buf *out)
{
    pti_metrics_family(out, "pintle_build_info", "gauge", "Version of this pintled; always 1.");
    pti_buf_printf(out, "pintle_build_info{version=\"%d.%d.%d\"} 1\n", PINTLE_VERSION_MAJOR, PINTLE_VERSION_MINOR,
                   PINTLE_VERSION_PATCH);
    for (size_t gauge = 0; gauge < sizeof gauges / sizeof gauges[0]; gauge++)
        write_gauge(service, gauge, out);
    pti_metrics_family(out, "pintle_storage_up", "gauge", "1 while reports can be stored.");
    write_sample(out, "pintle_storage_up", "", NULL, atomic_load(&service->storage_up));
    pti_metrics_family(out, "pintle_reports_total", "counter", "Reports received, by what became of them.");
    write_labelled(out, "pintle_reports_total", "result", result_names, metrics->reports, PTI_REPORT_RESULTS);
    pti_metrics_family(out, "pintle_reports_dropped_total", "counter", "Reports that are not, or no longer, stored.");
    write_labelled(out, "pintle_reports_dropped_total", "reason", drop_names, metrics->dropped, PTI_REPORT_DROPS);
    pti_metrics_family(out, "pintle_adoption_versions_total", "counter",
                       "Versions that requests and reports named, by whether they were counted.");
    write_labelled(out, "pintle_adoption_versions_total", "result", adoption_names, metrics->adoption,
                   PTI_ADOPTION_RESULTS);
    write_requests(metrics, out);
    pti_checks_write(&metrics->checks, out);
    write_alerts(metrics, out);
    if (disk)
        write_disk(disk, out);
}
