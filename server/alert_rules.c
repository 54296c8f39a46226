/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alert_rules.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "base/json_write.h"

#define DAY_S 86400
#define FULL_SOON_S DAY_S /* a ticket when the disk is full by then */
#define CONFIDENCE_Z 3.09 /* one-sided 99.9 % of the normal distribution */
#define RATE_FACTOR 2.0

static const struct {
    const char *name;
    int64_t pending_s, keep_s;
    const char *advice;
} rules[PTI_ALERT_RULES] = {
    [PTI_ALERT_MISMATCH_RATE] =
        {"PintleMismatchRate", 0, PTI_ALERT_WINDOW_S,
         "Look at the cells and reports of this host: one network is an interception there, many "
         "networks since a deployment are a key that is not pinned. Probe the edges."},
    [PTI_ALERT_EDGE_UNPINNED] =
        {"PintleEdgeUnpinned", 0, 0,
         "Serve a pinned key there again, or publish the pin of the one that is served; clients "
         "that know the pins refuse this edge."},
    [PTI_ALERT_MANIFEST_EXPIRY] = {"PintleManifestExpiry", 60, 0,
                                   "timestamp, snapshot: see why pintled does not renew them, or run pintle resign. "
                                   "targets, root: its holders sign a renewal."},
    [PTI_ALERT_ZONE_EXPIRY] = {"PintleZoneExpiry", 0, 0, "Its team signs a renewal: pintle zone renew."},
    [PTI_ALERT_CERTIFICATE_EXPIRY] = {"PintleCertificateExpiry", 0, 0,
                                      "Renew the certificate with the same key, or with the next one that is pinned."},
    [PTI_ALERT_ONLINE_KEY_FAILING] =
        {"PintleOnlineKeyFailing", 600, 0,
         "The log of pintled says why timestamp or snapshot cannot be signed; clients become "
         "stale once the timestamp expires."},
    [PTI_ALERT_SIGNER_SILENT] = {"PintleSignerSilent", 0, 0,
                                 "Restart pintled; nothing is renewed before. Find out why its signer ended."},
    [PTI_ALERT_DISK_FILLING] =
        {"PintleDiskFilling", 300, 600,
         "Make room, or lower --keep-reports; on a full disk reports are turned away and nothing "
         "is re-signed."},
};

const char *pti_alert_rule_name(enum pti_alert_rule rule)
{
    return rules[rule].name;
}

const char *pti_alert_advice(enum pti_alert_rule rule)
{
    return rules[rule].advice;
}

int64_t pti_alert_pending_s(enum pti_alert_rule rule)
{
    return rules[rule].pending_s;
}

int64_t pti_alert_keep_s(enum pti_alert_rule rule)
{
    return rules[rule].keep_s;
}

bool pti_alert_rule_find(const char *name, enum pti_alert_rule *rule)
{
    for (int i = 0; i < PTI_ALERT_RULES; i++) {
        if (strcmp(rules[i].name, name) != 0)
            continue;
        *rule = (enum pti_alert_rule)i;
        return true;
    }
    return false;
}

const char *pti_severity_name(enum pti_severity severity)
{
    switch (severity) {
    case PTI_SEVERITY_TICKET:
        return "ticket";
    case PTI_SEVERITY_PAGE:
        return "page";
    }
    return "?";
}

/* ---- making one ---- */

/* What an alert is about; NULL or empty: not that. */
struct subject {
    const char *edge, *host, *key, *repository, *role, *zone;
};

/* FNV-1a with 64 bits over every name and value, each with 0xff behind it: Alertmanager's own. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static enum pintle_status label(struct pti_alert *alert, const struct subject *subject)
{
    const char *const labels[][2] = {
        {"alertname", pti_alert_rule_name(alert->rule)},
        {"edge", subject->edge},
        {"host", subject->host},
        {"key", subject->key},
        {"repository", subject->repository},
        {"role", subject->role},
        {"severity", pti_severity_name(alert->severity)},
        {"zone", subject->zone},
    };
    uint64_t hash = UINT64_C(14695981039346656037);
    enum pintle_status status;
    struct pti_json_writer writer;
    struct pti_buf out;

    pti_buf_init(&out, sizeof alert->labels - 1);
    pti_json_writer_init(&writer, &out, false);
    pti_json_begin_object(&writer, NULL);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (!labels[i][1] || !*labels[i][1])
            continue;
        pti_json_put_text(&writer, labels[i][0], labels[i][1]);
        hash = hash_text(hash_text(hash, labels[i][0]), labels[i][1]);
    }
    pti_json_end_object(&writer);
    status = out.status;
    if (status == PINTLE_OK) {
        memcpy(alert->labels, out.data, out.size);
        alert->labels[out.size] = '\0';
        snprintf(alert->fingerprint, sizeof alert->fingerprint, "%016" PRIx64, hash);
    }
    pti_buf_clear(&out);
    return status;
}

static enum pintle_status raise_alert(struct pti_alert_list *list, enum pti_alert_rule rule, enum pti_severity severity,
                                      const struct subject *subject, const char *format, ...) PTI_PRINTF(5, 6);

static enum pintle_status raise_alert(struct pti_alert_list *list, enum pti_alert_rule rule, enum pti_severity severity,
                                      const struct subject *subject, const char *format, ...)
{
    struct pti_alert *alert = &list->items[list->count];
    va_list arguments;

    if (list->count == PTI_ALERTS_MAX) {
        list->truncated = true;
        return PINTLE_OK;
    }
    alert->rule = rule;
    alert->severity = severity;
    alert->only_goes_on = alert->listed = false;
    va_start(arguments, format);
    vsnprintf(alert->summary, sizeof alert->summary, format, arguments);
    va_end(arguments);
    list->count++;
    return label(alert, subject);
}

/* ---- mismatches ---- */

static double cube(double x)
{
    return x * x * x;
}

static double poisson_lower(double events)
{
    double root = 1 - 1 / (9 * events) - CONFIDENCE_Z / (3 * sqrt(events));

    return events < 1 || root < 0 ? 0 : events * cube(root);
}

static double poisson_upper(double events)
{
    return (events + 1) * cube(1 - 1 / (9 * (events + 1)) + CONFIDENCE_Z / (3 * sqrt(events + 1)));
}

bool pti_alert_rate_is_high(int64_t recent, int64_t window_s, int64_t before, int64_t before_s)
{
    double expected = poisson_upper((double)before) / (double)(before_s > DAY_S ? before_s : DAY_S) * (double)window_s;

    return poisson_lower((double)recent) > RATE_FACTOR * expected;
}

static enum pintle_status look_at_traffic(const struct pti_alert_facts *facts, const struct pti_alert_limits *limits,
                                          bool listed, struct pti_alert_list *list)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < facts->traffic_count && status == PINTLE_OK; i++) {
        const struct pti_alert_traffic *traffic = &facts->traffic[i];
        const struct subject subject = {.repository = traffic->repository, .host = traffic->host};
        size_t place = list->count;

        if (traffic->listed != listed || traffic->recent < limits->mismatches ||
            !pti_alert_rate_is_high(traffic->recent, PTI_ALERT_WINDOW_S, traffic->before, traffic->before_s))
            continue;
        status = raise_alert(list, PTI_ALERT_MISMATCH_RATE, PTI_SEVERITY_TICKET, &subject,
                             "%" PRId64
                             " reports of the last 15 minutes say that %s serves no pinned key; before it was %" PRId64
                             " in %" PRId64 " hours",
                             traffic->recent, traffic->host, traffic->before, traffic->before_s / 3600);
        if (list->count > place)
            list->items[place].listed = listed;
    }
    return status;
}

/* ---- edges and what expires ---- */

/* How long before its expiry somebody has to act: what lives shortly is renewed late by design. */
static int64_t notice_s(int64_t life_s, const struct pti_alert_limits *limits)
{
    int64_t usual_s = limits->expiry_days * DAY_S;

    return life_s > 0 && life_s / 3 < usual_s ? life_s / 3 : usual_s;
}

static enum pintle_status raise_expiry(struct pti_alert_list *list, enum pti_alert_rule rule,
                                       const struct subject *subject, const char *what, int64_t expires, int64_t notice,
                                       int64_t now)
{
    enum pti_severity severity = expires - now < notice / 4 ? PTI_SEVERITY_PAGE : PTI_SEVERITY_TICKET;
    char when[PTI_DATETIME_SIZE + 1];

    if (expires - now >= notice)
        return PINTLE_OK;
    pti_datetime_format(expires, when);
    return raise_alert(list, rule, severity, subject, "%s %s at %s", what, expires > now ? "expires" : "has expired",
                       when);
}

/* Those that are bad; or those that are not seen now, as far as there is room, for they only keep alive what fires. */
static enum pintle_status look_at_edges(const struct pti_alert_facts *facts, bool unseen, struct pti_alert_list *list)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < facts->edge_count && status == PINTLE_OK; i++) {
        const struct pti_alert_edge *edge = &facts->edges[i];
        const struct subject subject = {edge->address, edge->host, edge->key, edge->repository, NULL, NULL};

        if (edge->served != (unseen ? PTI_ALERT_EDGE_UNSEEN : PTI_ALERT_EDGE_BAD))
            continue;
        if (unseen && list->count == PTI_ALERTS_MAX)
            break;
        status = raise_alert(list, PTI_ALERT_EDGE_UNPINNED, PTI_SEVERITY_PAGE, &subject,
                             "%s serves for %s a key (%s) that clients refuse: it is not pinned in every supported "
                             "generation",
                             edge->address, edge->host, edge->key);
        if (unseen)
            list->items[list->count - 1].only_goes_on = true;
    }
    return status;
}

static enum pintle_status look_at_roles(const struct pti_alert_facts *facts, const struct pti_alert_limits *limits,
                                        bool zones, struct pti_alert_list *list)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < facts->repository_count; i++) {
        const struct pti_alert_repository *repository = &facts->repositories[i];

        for (size_t k = 0; k < repository->status->role_count && status == PINTLE_OK; k++) {
            const struct pti_role_status *role = &repository->status->roles[k];
            const struct subject subject = {
                .repository = repository->name, .role = zones ? NULL : role->name, .zone = zones ? role->name : NULL};
            char what[96];

            if (pti_role_is_top_level(role->name) == zones)
                continue;
            snprintf(what, sizeof what, "%s%s", zones ? "zone " : "", role->name);
            status = raise_expiry(list, zones ? PTI_ALERT_ZONE_EXPIRY : PTI_ALERT_MANIFEST_EXPIRY, &subject, what,
                                  role->expires, notice_s(role->life_s, limits), facts->now);
        }
    }
    return status;
}

static enum pintle_status look_at_certificates(const struct pti_alert_facts *facts,
                                               const struct pti_alert_limits *limits, struct pti_alert_list *list)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < facts->edge_count && status == PINTLE_OK; i++) {
        const struct pti_alert_edge *edge = &facts->edges[i];
        const struct subject subject = {edge->address, edge->host, edge->key, edge->repository, NULL, NULL};
        char what[PTI_ALERT_SUMMARY_SIZE - 64];

        if (edge->not_after == 0)
            continue;
        snprintf(what, sizeof what, "the certificate that %s serves for %s", edge->address, edge->host);
        status = raise_expiry(list, PTI_ALERT_CERTIFICATE_EXPIRY, &subject, what, edge->not_after,
                              notice_s(edge->not_after - edge->not_before, limits), facts->now);
    }
    return status;
}

/* ---- the server itself ---- */

static enum pintle_status look_at_signers(const struct pti_alert_facts *facts, struct pti_alert_list *list)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < facts->repository_count && status == PINTLE_OK; i++) {
        const struct pti_alert_repository *repository = &facts->repositories[i];
        const struct subject subject = {.repository = repository->name};

        if (repository->status->signer == PTI_SIGNER_DOWN)
            status = raise_alert(list, PTI_ALERT_SIGNER_SILENT, PTI_SEVERITY_TICKET, &subject,
                                 "the signer has died or does not answer; nothing is re-signed");
        else if (repository->status->resign_failing)
            status = raise_alert(list, PTI_ALERT_ONLINE_KEY_FAILING, PTI_SEVERITY_TICKET, &subject,
                                 "what is published cannot be verified or re-signed with the online keys");
    }
    return status;
}

static enum pintle_status look_at_disk(const struct pti_alert_facts *facts, const struct pti_alert_limits *limits,
                                       struct pti_alert_list *list)
{
    const struct pti_alert_disk *disk = &facts->disk;
    const struct subject subject = {.host = NULL};
    double percent = disk->size > 0 ? 100.0 * (double)disk->available / (double)disk->size : 100;

    if (percent < (double)limits->disk_percent)
        return raise_alert(list, PTI_ALERT_DISK_FILLING,
                           percent < (double)limits->disk_percent / 4 ? PTI_SEVERITY_PAGE : PTI_SEVERITY_TICKET,
                           &subject, "%.1f %% of the disk under --data is left", percent);
    if (disk->size > 0 && disk->full_in_s >= 0 && disk->full_in_s < FULL_SOON_S)
        return raise_alert(list, PTI_ALERT_DISK_FILLING, PTI_SEVERITY_TICKET, &subject,
                           "at the pace of the last hours the disk under --data is full in %" PRId64 " hours",
                           disk->full_in_s / 3600);
    return PINTLE_OK;
}

enum pintle_status pti_alert_rules_apply(const struct pti_alert_facts *facts, const struct pti_alert_limits *limits,
                                         struct pti_alert_list *list)
{
    enum pintle_status status;

    list->count = 0;
    list->truncated = false;
    memset(list->unknown, 0, sizeof list->unknown);
    list->unknown[PTI_ALERT_MISMATCH_RATE] = !facts->traffic_known;
    list->unknown[PTI_ALERT_EDGE_UNPINNED] = !facts->edges_known;
    list->unknown[PTI_ALERT_CERTIFICATE_EXPIRY] = !facts->edges_known;
    list->unknown[PTI_ALERT_DISK_FILLING] = facts->disk.size == 0;
    for (size_t i = 0; i < facts->repository_count; i++)
        if (!facts->repositories[i].status->readable)
            list->unknown[PTI_ALERT_MANIFEST_EXPIRY] = list->unknown[PTI_ALERT_ZONE_EXPIRY] = true;
    status = look_at_signers(facts, list);
    if (status == PINTLE_OK)
        status = look_at_disk(facts, limits, list);
    if (status == PINTLE_OK)
        status = look_at_roles(facts, limits, false, list);
    if (status == PINTLE_OK)
        status = look_at_roles(facts, limits, true, list);
    if (status == PINTLE_OK)
        status = look_at_edges(facts, false, list);
    if (status == PINTLE_OK)
        status = look_at_certificates(facts, limits, list);
    if (status == PINTLE_OK)
        status = look_at_edges(facts, true, list);
    if (status == PINTLE_OK)
        status = look_at_traffic(facts, limits, true, list);
    if (status == PINTLE_OK)
        status = look_at_traffic(facts, limits, false, list);
    return status;
}
