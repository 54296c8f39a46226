/* SPDX-License-Identifier: Apache-2.0 */
#include "client/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "client/bucket.h"

#define DEDUP_S (24 * 3600)

/* What a report is about. */
struct subject {
    const char *type;
    const char *reason;
    const struct pintle_verdict *verdict;
    const struct pintle_evidence *evidence;
    const struct pintle_pinset *pinset; /* NULL: about a manifest, not a connection */
};

static uint64_t dedup_key(const struct subject *subject)
{
    const struct pintle_verdict *verdict = subject->verdict;
    char leaf[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1] = "";
    char text[sizeof leaf + 80];

    if (subject->evidence->count > 0)
        pti_hex_encode(subject->evidence->spki[0], PINTLE_SHA256_SIZE, leaf);
    (void)snprintf(text, sizeof text, "%s %" PRId64 " %" PRId64, leaf, verdict->charter_version, verdict->zone_version);
    return pti_hash_text(pti_hash_text(pti_hash_text(0, verdict->host), text), subject->reason);
}

/* Was this reported within a day? */
static bool is_known(const struct pti_reports *reports, uint64_t key, int64_t now)
{
    for (size_t i = 0; i < reports->seen_count; i++)
        if (reports->seen[i].key == key && now >= reports->seen[i].at && now - reports->seen[i].at < DEDUP_S)
            return true;
    return false;
}

/* In place of the oldest when the table is full. */
static void remember(struct pti_reports *reports, uint64_t key, int64_t now)
{
    size_t place = 0;

    for (size_t i = 0; i < reports->seen_count; i++)
        if (reports->seen[i].at < reports->seen[place].at)
            place = i;
    if (reports->seen_count < PTI_REPORT_DEDUP_MAX)
        place = reports->seen_count++;
    reports->seen[place].key = key;
    reports->seen[place].at = now;
}

static void write_hash(struct pti_json_writer *writer, const uint8_t hash[PINTLE_SHA256_SIZE])
{
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(hash, PINTLE_SHA256_SIZE, text);
    pti_json_put_text(writer, NULL, text);
}

static void write_known_pins(struct pti_json_writer *writer, const struct pintle_pinset *pinset,
                             const struct pti_policy *policy)
{
    pti_json_begin_array(writer, "known-pins");
    for (uint32_t i = 0; policy != NULL && i < policy->pin_count; i++)
        write_hash(writer, pinset->pins[policy->pins + i].sha256);
    pti_json_end_array(writer);
}

static void write_chain(struct pti_json_writer *writer, const struct pintle_evidence *evidence)
{
    pti_json_begin_array(writer, "chain-spki");
    for (unsigned i = 0; (evidence->of & PINTLE_OF_SPKI) != 0 && i < evidence->count; i++)
        write_hash(writer, evidence->spki[i]);
    pti_json_end_array(writer);
    pti_json_begin_array(writer, "chain-sha256");
    for (unsigned i = 0; (evidence->of & PINTLE_OF_CERT) != 0 && i < evidence->count; i++)
        write_hash(writer, evidence->cert[i]);
    pti_json_end_array(writer);
}

static void write_manifest(struct pti_json_writer *writer, const struct pti_report_settings *settings,
                           const struct pintle_verdict *verdict, int64_t now)
{
    char expires[PTI_DATETIME_SIZE + 1];

    pti_json_begin_object(writer, "manifest");
    pti_json_put_integer(writer, "age_s", settings->issued >= 0 && now > settings->issued ? now - settings->issued : 0);
    pti_json_put_integer(writer, "charter", verdict->charter_version);
    if (settings->expires >= 0) {
        pti_datetime_format(settings->expires, expires);
        pti_json_put_text(writer, "expires", expires);
    }
    pti_json_put_integer(writer, "version", verdict->zone_version);
    pti_json_put_text(writer, "zone", verdict->zone);
    pti_json_end_object(writer);
}

static void write_report(struct pti_buf *out, const struct pti_report_settings *settings, const struct subject *subject,
                         int64_t now, uint64_t id)
{
    const struct pintle_verdict *verdict = subject->verdict;
    const struct pti_policy *policy = subject->pinset != NULL ? pti_pinset_find(subject->pinset, verdict->noted_host)
                                                              : NULL;
    struct pti_json_writer writer;
    char date[PTI_DATETIME_SIZE + 1], name[17];

    pti_datetime_format(now, date);
    (void)snprintf(name, sizeof name, "%016" PRIx64, id);
    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "v", 1);
    pti_json_put_text(&writer, "type", subject->type);
    pti_json_put_text(&writer, "id", name);
    pti_json_put_text(&writer, "host", verdict->host);
    pti_json_put_text(&writer, "noted-hostname", verdict->noted_host);
    pti_json_put_bool(&writer, "include-subdomains", policy != NULL && policy->subdomains);
    pti_json_put_bool(&writer, "enforce", verdict->status != PINTLE_OK);
    pti_json_put_text(&writer, "reason", subject->reason);
    pti_json_put_text(&writer, "date-time", date);
    write_known_pins(&writer, subject->pinset, policy);
    write_chain(&writer, subject->evidence);
    write_manifest(&writer, settings, verdict, now);
    pti_json_put_text(&writer, "pin-source", settings->shipped ? "shipped" : "stored");
    pti_json_put_integer(&writer, "weight", settings->sample_per_mille > 0 ? 1000 / settings->sample_per_mille : 1);
    pti_json_begin_object(&writer, "app");
    pti_json_put_text(&writer, "id", settings->app_id);
    pti_json_put_text(&writer, "ver", settings->app_version);
    pti_json_end_object(&writer);
    pti_json_end_object(&writer);
}

/* What is dropped is not remembered: it may come again once there is room. */
static void add(struct pti_reports *reports, const struct subject *subject, int64_t now, uint64_t random, uint64_t id)
{
    uint64_t key = dedup_key(subject);
    struct pti_buf text;
    struct pintle_bytes copy;

    if (random % 1000 >= (uint64_t)reports->settings.sample_per_mille || is_known(reports, key, now))
        return;
    if (reports->count == PTI_REPORTS_MAX) {
        reports->dropped++;
        return;
    }
    pti_buf_init(&text, PTI_REPORT_SIZE_MAX);
    write_report(&text, &reports->settings, subject, now, id);
    if (text.status != PINTLE_OK || pti_bytes_copy(pti_buf_bytes(&text), &copy) != PINTLE_OK) {
        reports->dropped++;
    } else {
        reports->queue[reports->count++] = copy;
        remember(reports, key, now);
    }
    pti_buf_clear(&text);
}

void pti_reports_add(struct pti_reports *reports, const struct pintle_pinset *pinset,
                     const struct pintle_evidence *evidence, const struct pintle_verdict *verdict, int64_t now,
                     uint64_t random, uint64_t id)
{
    const struct subject subject = {"tls.cert.pinned_key_not_in_cert_chain", pintle_reason_name(verdict->reason),
                                    verdict, evidence, pinset};

    add(reports, &subject, now, random, id);
}

void pti_reports_add_manifest(struct pti_reports *reports, const char *host, const char *reason,
                              int64_t charter_version, int64_t now, uint64_t random, uint64_t id)
{
    const struct pintle_evidence no_chain = {0};
    struct pintle_verdict verdict = {.status = PINTLE_ERR_TRUST, .charter_version = charter_version};
    const struct subject subject = {"pintle.manifest", reason, &verdict, &no_chain, NULL};

    (void)pti_copy_text(verdict.host, sizeof verdict.host, host);
    (void)pti_copy_text(verdict.noted_host, sizeof verdict.noted_host, host);
    add(reports, &subject, now, random, id);
}

bool pti_reports_take(struct pti_reports *reports, struct pintle_bytes *report)
{
    if (reports->count == 0)
        return false;
    *report = reports->queue[0];
    reports->count--;
    reports->drop_told = false;
    memmove(&reports->queue[0], &reports->queue[1], reports->count * sizeof reports->queue[0]);
    return true;
}

void pti_reports_put_back(struct pti_reports *reports, struct pintle_bytes report)
{
    if (reports->count == PTI_REPORTS_MAX) {
        reports->dropped++;
        pti_bytes_free(&report);
        return;
    }
    memmove(&reports->queue[1], &reports->queue[0], reports->count * sizeof reports->queue[0]);
    reports->queue[0] = report;
    reports->count++;
}

void pti_reports_clear(struct pti_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        pti_bytes_free(&reports->queue[i]);
    reports->count = 0;
}
