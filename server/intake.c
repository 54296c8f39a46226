/* SPDX-License-Identifier: Apache-2.0 */
#include "server/intake.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/network.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/steady.h"

/* A request that waits, with what was computed of its reports before it did. */
struct waiting {
    struct waiting *next;
    pti_intake_done_fn done;
    void *ctx;
    size_t size;           /* in memory, about */
    struct pti_json *json; /* which the reports point into */
    size_t count;
    struct {
        struct pti_report report;
        struct pti_intake_item item;
    } all[];
};

struct pti_intake {
    struct pti_intake_settings settings;
    struct pti_intake_store *store;
    struct pti_intake_item *items; /* PTI_INTAKE_REPORTS_MAX: of a transaction */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    bool joined;
    int64_t tended; /* when, Unix seconds */
    bool ageing_fails;
    struct waiting *first, **last; /* oldest first */
    size_t count, size;
};

static void waiting_free(struct waiting *waiting)
{
    for (size_t i = 0; i < waiting->count; i++)
        pti_report_clear(&waiting->all[i].report);
    pti_json_free(waiting->json);
    free(waiting);
}

/* 0: not known. */
static uint64_t hash_network(struct pintle_crypto *crypto, uint64_t network)
{
    uint8_t digest[PINTLE_SHA256_SIZE] = {0};
    uint64_t hash = 0;

    if (network == PTI_NETWORK_UNKNOWN ||
        pti_sha256(crypto, (struct pintle_bytes){(const uint8_t *)&network, sizeof network}, digest) != PINTLE_OK)
        return 0;
    memcpy(&hash, digest, sizeof hash);
    return hash;
}

/* Takes the reports out of the request; NULL without memory. */
static struct waiting *waiting_new(struct pti_intake *intake, const struct pti_intake_request *request)
{
    struct pti_report_batch *batch = request->batch;
    size_t size = sizeof(struct waiting) + batch->count * sizeof(((struct waiting *)NULL)->all[0]);
    struct pintle_crypto *crypto = intake->settings.crypto;
    const uint64_t network = hash_network(crypto, request->network);
    struct waiting *made = malloc(size);
    bool sound = made != NULL;

    if (!made)
        return NULL;
    *made = (struct waiting){.done = request->done, .ctx = request->ctx, .json = batch->json, .count = batch->count};
    made->size = size + pti_json_memory(batch->json);
    for (size_t i = 0; i < made->count; i++) {
        struct pti_report *report = &made->all[i].report;

        *report = batch->all[i];
        made->size += report->document.capacity;
        sound = sound &&
                pti_intake_item_init(&made->all[i].item, crypto, report, request->repository, network) == PINTLE_OK;
    }
    batch->json = NULL;
    batch->count = 0;
    if (sound)
        return made;
    waiting_free(made);
    return NULL;
}

static void count_refused(struct pti_intake *intake, enum pti_report_drop drop, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pti_metrics_count_report(intake->settings.metrics, PTI_REPORT_DEFERRED);
    pti_metrics_count_drop(intake->settings.metrics, drop, count);
}

static void refuse(struct pti_intake *intake, const struct pti_intake_request *request, size_t count,
                   enum pti_intake_result why)
{
    pti_report_batch_clear(request->batch);
    count_refused(intake, why == PTI_INTAKE_STOPPED ? PTI_DROP_STOPPING : PTI_DROP_QUEUE_FULL, count);
    request->done(request->ctx, why);
}

/* Whether it was taken into the queue; *why it was not. */
static bool enqueue(struct pti_intake *intake, struct waiting *waiting, enum pti_intake_result *why)
{
    bool full = false;

    pthread_mutex_lock(&intake->mutex);
    full = intake->count == PTI_INTAKE_QUEUE_MAX || waiting->size > PTI_INTAKE_QUEUE_BYTES_MAX - intake->size;
    *why = intake->stopping ? PTI_INTAKE_STOPPED : full ? PTI_INTAKE_FULL : PTI_INTAKE_STORED;
    if (*why == PTI_INTAKE_STORED) {
        *intake->last = waiting;
        intake->last = &waiting->next;
        intake->count++;
        intake->size += waiting->size;
        pthread_cond_signal(&intake->changed);
    }
    pthread_mutex_unlock(&intake->mutex);
    return *why == PTI_INTAKE_STORED;
}

void pti_intake_submit(struct pti_intake *intake, const struct pti_intake_request *request)
{
    const size_t count = request->batch->count;
    struct waiting *waiting = waiting_new(intake, request);
    enum pti_intake_result why = PTI_INTAKE_FULL;

    if (waiting && enqueue(intake, waiting, &why))
        return;
    if (waiting)
        waiting_free(waiting);
    refuse(intake, request, count, why);
}

/* Whether it goes on.  *taken becomes the requests of the next transaction; NULL if none came in a second. */
static bool take_batch(struct pti_intake *intake, struct waiting **taken)
{
    struct waiting **end = taken;
    const struct timespec until = pti_steady_after_ms(1000);
    size_t reports = 0;
    bool over;

    *taken = NULL;
    pthread_mutex_lock(&intake->mutex);
    while (!intake->first && !intake->stopping && pthread_cond_timedwait(&intake->changed, &intake->mutex, &until) == 0)
        continue;
    while (intake->first && reports + intake->first->count <= PTI_INTAKE_REPORTS_MAX) {
        struct waiting *one = intake->first;

        intake->first = one->next;
        one->next = NULL;
        *end = one;
        end = &one->next;
        reports += one->count;
        intake->count--;
        intake->size -= one->size;
    }
    if (!intake->first)
        intake->last = &intake->first;
    over = !*taken && intake->stopping;
    pthread_mutex_unlock(&intake->mutex);
    return !over;
}

static void count_stored(struct pti_intake *intake, size_t count, int64_t trimmed)
{
    for (size_t i = 0; i < count; i++)
        pti_metrics_count_report(intake->settings.metrics, intake->items[i].stored == PTI_STORED_NEW
                                                               ? PTI_REPORT_ACCEPTED
                                                               : PTI_REPORT_DUPLICATE);
    pti_metrics_count_drop(intake->settings.metrics, PTI_DROP_OLD, (unsigned long long)trimmed);
}

/* What the ones that were not known before tell of adoption and of checks. */
static void tell_census(struct pti_intake *intake, size_t count, int64_t now)
{
    for (size_t i = 0; i < count; i++) {
        const struct pti_report *report = intake->items[i].report;
        const struct pti_census_report told = {
            intake->items[i].repository, report->zone, report->zone_version, report->app_id,
            report->app_version,         report->os,   report->weight,       report->successes};

        if (intake->items[i].stored != PTI_STORED_NEW)
            continue;
        pti_census_count_report(intake->settings.census, &told, now);
        pti_checks_count(&intake->settings.metrics->checks, report);
    }
}

static size_t gather_items(struct pti_intake *intake, const struct waiting *batch)
{
    size_t count = 0;

    for (; batch; batch = batch->next)
        for (size_t i = 0; i < batch->count; i++)
            intake->items[count++] = batch->all[i].item;
    return count;
}

static void tell_state(struct pti_intake *intake, bool up, const struct pti_error *error)
{
    if (!pti_service_status_set_storage(intake->settings.status, up))
        return;
    if (up)
        pti_log(PTI_LOG_INFO, "reports: they can be stored again");
    else
        pti_log(PTI_LOG_ERROR, "reports: they cannot be stored, clients are told to retry: %s", error->detail);
}

static void store_batch(struct pti_intake *intake, struct waiting *batch)
{
    size_t count = gather_items(intake, batch);
    struct pti_error error;
    int64_t trimmed = 0, now = (int64_t)time(NULL);
    enum pintle_status status = pti_intake_store_put(intake->store, intake->items, count, now, &trimmed, &error);

    if (status == PINTLE_OK) {
        count_stored(intake, count, trimmed);
        tell_census(intake, count, now);
    } else {
        count_refused(intake, PTI_DROP_STORAGE, count);
    }
    tell_state(intake, status == PINTLE_OK, &error);
    while (batch) {
        struct waiting *next = batch->next;

        batch->done(batch->ctx, status == PINTLE_OK ? PTI_INTAKE_STORED : PTI_INTAKE_FAILED);
        waiting_free(batch);
        batch = next;
    }
}

/* Once a second, between transactions: it shares their connection, and so never waits for them. */
static void tend(struct pti_intake *intake)
{
    const int64_t now = (int64_t)time(NULL);
    struct pti_error error;

    if (now == intake->tended)
        return;
    intake->tended = now;
    if (pti_intake_store_age(intake->store, now, &error) == PINTLE_OK)
        intake->ageing_fails = false;
    else if (!intake->ageing_fails) {
        intake->ageing_fails = true;
        pti_log(PTI_LOG_WARNING, "reports: their counts cannot be rolled up, which is tried again: %s", error.detail);
    }
}

static void *run(void *arg)
{
    struct pti_intake *intake = arg;
    struct waiting *batch = NULL;

    while (take_batch(intake, &batch)) {
        if (batch)
            store_batch(intake, batch);
        tend(intake);
    }
    return NULL;
}

enum pintle_status pti_intake_new(const struct pti_intake_settings *settings, struct pti_intake **intake,
                                  struct pti_error *error)
{
    struct pti_intake *made = calloc(1, sizeof *made);
    enum pintle_status status = PINTLE_ERR_MEMORY;

    *intake = NULL;
    if (!made)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the report intake");
    made->settings = *settings;
    made->last = &made->first;
    made->joined = true;
    pthread_mutex_init(&made->mutex, NULL);
    pti_steady_condition_init(&made->changed);
    status = pti_intake_store_new(settings->storage, settings->crypto, settings->keep, settings->sample, &made->store,
                                  error);
    made->items = calloc(PTI_INTAKE_REPORTS_MAX, sizeof *made->items);
    if (status == PINTLE_OK && (!made->items || pthread_create(&made->thread, NULL, run, made) != 0))
        status = pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the report intake");
    if (status != PINTLE_OK) {
        pti_intake_free(made);
        return status;
    }
    made->joined = false;
    *intake = made;
    return PINTLE_OK;
}

void pti_intake_stop(struct pti_intake *intake)
{
    pthread_mutex_lock(&intake->mutex);
    intake->stopping = true;
    pthread_cond_signal(&intake->changed);
    pthread_mutex_unlock(&intake->mutex);
    if (!intake->joined)
        pthread_join(intake->thread, NULL);
    intake->joined = true;
}

void pti_intake_free(struct pti_intake *intake)
{
    if (!intake)
        return;
    pti_intake_stop(intake);
    pthread_cond_destroy(&intake->changed);
    pthread_mutex_destroy(&intake->mutex);
    pti_intake_store_free(intake->store);
    free(intake->items);
    free(intake);
}
