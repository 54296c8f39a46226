/* SPDX-License-Identifier: Apache-2.0 */
#include "client/reports.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "client/bucket.h"

#define DEDUP_S (24 * 3600)
#define DAY_S 86400
#define TOTALS_MAX (PTI_REPORTS_MAX / 2) /* the rest of the queue is for failures */
#define BUCKET_BITS 12

/* ---- counts ---- */

uint64_t pti_reports_policy(const char *name)
{
    return pti_hash_text(0, name) | 1u;
}

void pti_successes_init(struct pti_successes *successes)
{
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX; i++) {
        atomic_init(&successes->hosts[i].policy, 0);
        atomic_init(&successes->hosts[i].count, 0);
    }
}

/* A policy takes the first free place from its own on; beyond the table none is counted. */
void pti_successes_add(struct pti_successes *successes, const char *policy)
{
    uint64_t hash = pti_reports_policy(policy);

    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX; i++) {
        size_t place = (size_t)(hash / 2 + i) % PTI_SUCCESS_HOSTS_MAX;
        uint64_t found = atomic_load_explicit(&successes->hosts[place].policy, memory_order_relaxed);

        if (found == 0 && atomic_compare_exchange_strong(&successes->hosts[place].policy, &found, hash))
            found = hash;
        if (found == hash) {
            (void)atomic_fetch_add_explicit(&successes->hosts[place].count, 1, memory_order_relaxed);
            return;
        }
    }
}

static struct pti_reports_count *find_count(struct pti_reports *reports, uint64_t policy)
{
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX; i++) {
        struct pti_reports_count *count = &reports->counts[i];

        if (count->policy == 0)
            *count = (struct pti_reports_count){.policy = policy};
        if (count->policy == policy)
            return count;
    }
    return NULL;
}

void pti_reports_collect(struct pti_reports *reports, struct pti_successes *successes)
{
    for (size_t i = 0; successes != NULL && i < PTI_SUCCESS_HOSTS_MAX; i++) {
        int64_t more = atomic_exchange_explicit(&successes->hosts[i].count, 0, memory_order_relaxed);
        struct pti_reports_count *count = more > 0 ? find_count(reports, atomic_load(&successes->hosts[i].policy))
                                                   : NULL;

        if (count != NULL) {
            count->delta += more;
            reports->unsaved = true;
        }
    }
}

int64_t pti_reports_consume(struct pti_reports *reports, uint64_t policy)
{
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX; i++) {
        struct pti_reports_count *count = &reports->counts[i];

        if (count->policy == policy) {
            int64_t successes = count->base - count->consumed + count->delta;

            count->consumed = count->base;
            count->delta = 0;
            return successes;
        }
        if (count->policy == 0)
            return 0;
    }
    return -1;
}

/* ---- the queue ---- */

void pti_reports_init(struct pti_reports *reports)
{
    memset(reports, 0, sizeof *reports);
    reports->seed_day = reports->total_day = -1;
}

void pti_reports_clear(struct pti_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++)
        pti_bytes_free(&reports->queue[i].json);
    reports->count = 0;
}

static uint64_t connection_key(const char *host, const uint8_t leaf[PINTLE_SHA256_SIZE])
{
    char text[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_hex_encode(leaf, PINTLE_SHA256_SIZE, text);
    return pti_hash_text(pti_hash_text(1, host), text) | 1u;
}

static uint64_t dedup_key(const struct pti_report_subject *subject)
{
    const struct pintle_verdict *verdict = subject->verdict;
    char leaf[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1] = "";
    char text[sizeof leaf + 80];

    if (subject->evidence != NULL && subject->evidence->count > 0)
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
    reports->seen[place] = (struct pti_reports_seen){key, now};
    reports->unsaved = true;
}

void pti_reports_set_device(const struct pti_reports *reports, struct pti_reports_entry *entry)
{
    uint64_t rest = reports->seed >> BUCKET_BITS;

    entry->bucket = (unsigned)(reports->seed & ((1u << BUCKET_BITS) - 1));
    for (entry->rank = 1; entry->rank <= 64 - BUCKET_BITS && (rest & 1) == 0; entry->rank++)
        rest >>= 1;
}

static bool append(struct pti_reports *reports, const struct pti_report_subject *subject,
                   const struct pti_report_moment *moment)
{
    struct pti_reports_entry *entry = &reports->queue[reports->count];
    struct pti_buf text;
    bool written;

    if (reports->count == PTI_REPORTS_MAX)
        return false;
    *entry = (struct pti_reports_entry){.at = moment->now};
    pti_buf_init(&text, PTI_REPORT_SIZE_MAX - 128); /* what is added on the way */
    pti_report_write(&text, &reports->settings, &reports->network, subject, moment);
    written = text.status == PINTLE_OK && pti_bytes_copy(pti_buf_bytes(&text), &entry->json) == PINTLE_OK;
    pti_buf_clear(&text);
    if (!written)
        return false;
    pti_report_name(moment, entry->id);
    if (reports->seed_day != moment->now / DAY_S) {
        reports->seed = moment->seed;
        reports->seed_day = moment->now / DAY_S;
    }
    pti_reports_set_device(reports, entry);
    reports->count++;
    reports->unsaved = true;
    return true;
}

/*
 * What is dropped is not remembered: it may come again once there is room.  What was sampled out is: a failure that
 * repeats must not throw the dice until it wins.
 */
static struct pti_reports_entry *add(struct pti_reports *reports, const struct pti_report_subject *subject,
                                     const struct pti_report_moment *moment)
{
    uint64_t key = dedup_key(subject);
    struct pti_reports_entry *entry;

    if (is_known(reports, key, moment->now))
        return NULL;
    if (moment->random % 1000 >= (uint64_t)reports->settings.sample_per_mille) {
        remember(reports, key, moment->now);
        return NULL;
    }
    if (!append(reports, subject, moment)) {
        reports->dropped++;
        return NULL;
    }
    remember(reports, key, moment->now);
    entry = &reports->queue[reports->count - 1];
    entry->key = key;
    return entry;
}

void pti_reports_add(struct pti_reports *reports, struct pti_successes *successes, const struct pintle_pinset *pinset,
                     const struct pintle_evidence *evidence, const struct pintle_verdict *verdict,
                     const struct pti_report_moment *moment)
{
    struct pti_report_subject subject = {
        "tls.cert.pinned_key_not_in_cert_chain", pintle_reason_name(verdict->reason), verdict, evidence, pinset, -1};
    struct pti_reports_entry *entry;

    if (is_known(reports, dedup_key(&subject), moment->now))
        return;
    pti_reports_collect(reports, successes);
    subject.successes = pti_reports_consume(reports, pti_reports_policy(verdict->noted_host));
    entry = add(reports, &subject, moment);
    if (entry == NULL || evidence->count == 0)
        return;
    entry->connection = connection_key(verdict->host, evidence->spki[0]);
    entry->retry = verdict->status == PINTLE_ERR_RETRY;
}

void pti_reports_add_manifest(struct pti_reports *reports, const char *host, const char *reason,
                              int64_t charter_version, const struct pti_report_moment *moment)
{
    struct pintle_verdict verdict = {.status = PINTLE_ERR_TRUST, .charter_version = charter_version};
    const struct pti_report_subject subject = {"pintle.manifest", reason, &verdict, NULL, NULL, -1};

    (void)pti_copy_text(verdict.host, sizeof verdict.host, host);
    (void)pti_copy_text(verdict.noted_host, sizeof verdict.noted_host, host);
    (void)add(reports, &subject, moment);
}

bool pti_reports_totals_due(struct pti_reports *reports, int64_t day)
{
    bool due = reports->total_day >= 0 && day > reports->total_day;

    reports->unsaved = reports->unsaved || due;
    reports->total_day = day; /* also if it is earlier: a clock that was ahead stops nothing */
    return due;
}

void pti_reports_add_total(struct pti_reports *reports, const struct pintle_pinset *pinset,
                           const struct pti_policy *policy, const struct pti_report_moment *moment)
{
    struct pintle_verdict verdict = {.charter_version = pinset->charter_version, .zone_version = policy->zone_version};
    struct pti_report_subject subject = {"pintle.total", "total", &verdict, NULL, pinset, 0};

    subject.successes = pti_reports_consume(reports, pti_reports_policy(policy->host));
    if (subject.successes <= 0 || reports->count >= TOTALS_MAX)
        return;
    (void)pti_copy_text(verdict.host, sizeof verdict.host, policy->host);
    (void)pti_copy_text(verdict.noted_host, sizeof verdict.noted_host, policy->host);
    (void)pti_copy_text(verdict.zone, sizeof verdict.zone, policy->zone);
    if (moment->random % 1000 < (uint64_t)reports->settings.sample_per_mille && !append(reports, &subject, moment))
        reports->dropped++;
}

void pti_reports_tried(struct pti_reports *reports)
{
    for (size_t i = 0; i < reports->count; i++) {
        reports->unsaved = reports->unsaved || (reports->queue[i].retry && !reports->queue[i].tried);
        reports->queue[i].tried = reports->queue[i].retry;
    }
}

void pti_reports_recovered(struct pti_reports *reports, const char *host, const uint8_t leaf[PINTLE_SHA256_SIZE])
{
    uint64_t connection = connection_key(host, leaf);

    for (size_t i = 0; i < reports->count; i++)
        if (reports->queue[i].retry && reports->queue[i].connection == connection && !reports->queue[i].ok)
            reports->queue[i].ok = reports->unsaved = true;
}

unsigned pti_reports_recovering(const struct pti_reports *reports)
{
    unsigned count = 0;

    for (size_t i = 0; i < reports->count; i++)
        count += reports->queue[i].retry && !reports->queue[i].ok;
    return count;
}

void pti_reports_compose(const struct pti_reports_entry *entry, struct pti_buf *out)
{
    pti_buf_append(out, entry->json.data, entry->json.size - 1); /* without its "}" */
    pti_buf_printf(out, ",\"hll\":[%u,%u]", entry->bucket, entry->rank);
    if (entry->retry)
        pti_buf_printf(out, ",\"recovery\":{\"ok\":%s,\"tried\":%s}", entry->ok ? "true" : "false",
                       entry->tried ? "true" : "false");
    pti_buf_text(out, "}");
}

void pti_reports_remove(struct pti_reports *reports, const char *id)
{
    for (size_t i = 0; i < reports->count; i++) {
        if (strcmp(reports->queue[i].id, id) != 0)
            continue;
        if (reports->queue[i].stored && reports->gone_count < PTI_REPORTS_MAX)
            (void)pti_copy_text(reports->gone[reports->gone_count++], sizeof reports->gone[0], id);
        pti_bytes_free(&reports->queue[i].json);
        reports->count--;
        memmove(&reports->queue[i], &reports->queue[i + 1], (reports->count - i) * sizeof reports->queue[0]);
        reports->drop_told = false;
        reports->unsaved = true;
        return;
    }
}
