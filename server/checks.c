/* SPDX-License-Identifier: Apache-2.0 */
#include "server/checks.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/metrics.h"

#define COUNT_MAX 1000000000 /* of one report, which may say anything */

/* The last of each stands for every other. */
static const char *const systems[PTI_CHECK_SYSTEMS] = {"android", "ios", "linux", "macos", "windows", "other"};
static const char *const verdicts[PTI_CHECK_VERDICTS] = {
    "mismatch",        "denied",        "report_only",       "stale_refused",
    "shipped_too_old", "no_usable_pin", "validation_failed", "other"};

static size_t index_of(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count - 1 && strcasecmp(names[i], name) != 0)
        i++;
    return i;
}

/* FNV-1a: most comparisons end with it. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
    return hash;
}

static struct pti_check_host *find(struct pti_checks *checks, const char *name)
{
    size_t count = atomic_load_explicit(&checks->count, memory_order_acquire);
    uint32_t hash = hash_of(name);

    for (size_t i = 0; i < count; i++)
        if (checks->hosts[i]->hash == hash && strcmp(checks->hosts[i]->name, name) == 0)
            return checks->hosts[i];
    return NULL;
}

/* The host itself, or the nearest parent whose entry covers it. */
static struct pti_check_host *row_of(struct pti_checks *checks, const char *name)
{
    struct pti_check_host *host = find(checks, name);

    for (const char *dot = strchr(name, '.'); !host && dot; dot = strchr(dot + 1, '.')) {
        host = find(checks, dot + 1);
        if (host && !host->subdomains)
            host = NULL;
    }
    return host ? host : &checks->other;
}

void pti_checks_clear(struct pti_checks *checks)
{
    for (size_t i = 0; i < checks->count; i++)
        free(checks->hosts[i]);
    memset(checks, 0, sizeof *checks);
}

void pti_checks_know(struct pti_checks *checks, const struct pti_charter *charter)
{
    for (size_t i = 0; i < charter->host_count; i++) {
        const struct pti_charter_host *host = &charter->hosts[i];
        size_t count = atomic_load_explicit(&checks->count, memory_order_relaxed);
        struct pti_check_host *row;

        if (count == PTI_CHECK_HOSTS_MAX || find(checks, host->host))
            continue;
        row = calloc(1, sizeof *row);
        if (!row)
            return; /* it counts as another */
        pti_copy_text(row->name, sizeof row->name, host->host);
        row->hash = hash_of(row->name);
        row->subdomains = host->subdomains;
        checks->hosts[count] = row;
        atomic_store_explicit(&checks->count, count + 1, memory_order_release);
    }
}

bool pti_checks_has(struct pti_checks *checks, const char *host)
{
    return find(checks, host) != NULL;
}

static unsigned long long bounded(int64_t count)
{
    return (unsigned long long)(count < 0 ? 0 : count < COUNT_MAX ? count : COUNT_MAX);
}

void pti_checks_count(struct pti_checks *checks, const struct pti_report *report)
{
    struct pti_check_host *row = row_of(checks, report->host);
    size_t system = index_of(systems, PTI_CHECK_SYSTEMS, report->os);
    size_t verdict = index_of(verdicts, PTI_CHECK_VERDICTS, report->reason);

    atomic_fetch_add_explicit(&row->passed[system], bounded(report->successes), memory_order_relaxed);
    atomic_fetch_add_explicit(&row->failed[system][verdict], bounded(report->weight), memory_order_relaxed);
}

/* ---- for Prometheus ---- */

static unsigned long long value(atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static unsigned long long all_failed(struct pti_check_host *row, size_t system)
{
    unsigned long long sum = 0;

    for (size_t i = 0; i < PTI_CHECK_VERDICTS; i++)
        sum += value(&row->failed[system][i]);
    return sum;
}

static const char *name_of(const struct pti_check_host *row)
{
    return row->name[0] ? row->name : "other";
}

static void write_checks(struct pti_check_host *row, struct pti_buf *out)
{
    for (size_t i = 0; i < PTI_CHECK_SYSTEMS; i++) {
        unsigned long long passed = value(&row->passed[i]), failed = all_failed(row, i);

        if (passed > 0 || failed > 0)
            pti_buf_printf(out,
                           "pintle_checks_total{host=\"%s\",result=\"accepted\",os=\"%s\"} %llu\n"
                           "pintle_checks_total{host=\"%s\",result=\"failed\",os=\"%s\"} %llu\n",
                           name_of(row), systems[i], passed, name_of(row), systems[i], failed);
    }
}

static void write_failures(struct pti_check_host *row, struct pti_buf *out)
{
    for (size_t i = 0; i < PTI_CHECK_SYSTEMS; i++)
        for (size_t k = 0; k < PTI_CHECK_VERDICTS; k++)
            if (value(&row->failed[i][k]) > 0)
                pti_buf_printf(out, "pintle_failures_total{host=\"%s\",verdict=\"%s\",os=\"%s\"} %llu\n", name_of(row),
                               verdicts[k], systems[i], value(&row->failed[i][k]));
}

static void write_rows(struct pti_checks *checks, void (*write)(struct pti_check_host *row, struct pti_buf *out),
                       struct pti_buf *out)
{
    size_t count = atomic_load_explicit(&checks->count, memory_order_acquire);

    for (size_t i = 0; i < count; i++)
        write(checks->hosts[i], out);
    write(&checks->other, out);
}

void pti_checks_write(struct pti_checks *checks, struct pti_buf *out)
{
    pti_metrics_family(out, "pintle_checks_total", "counter", "Checks of clients that reports tell of.");
    write_rows(checks, write_checks, out);
    pti_metrics_family(out, "pintle_failures_total", "counter", "Failed checks that reports tell of, by reason.");
    write_rows(checks, write_failures, out);
}
