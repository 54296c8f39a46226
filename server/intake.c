/* SPDX-License-Identifier: Apache-2.0 */
#include "server/intake.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/limits.h"
#include "server/log.h"

struct waiting {
    struct pti_report report;
    pti_intake_done_fn done;
    void *ctx;
};

struct pti_intake {
    struct pti_database *storage;
    int64_t keep;
    struct pti_metrics *metrics;
    struct pti_service_status *service;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool stopping;
    bool joined;
    struct waiting *queue; /* ring of PTI_INTAKE_QUEUE_MAX */
    size_t first, count;
};

static void count_refused(struct pti_intake *intake, enum pti_report_drop drop, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pti_metrics_count_report(intake->metrics, PTI_REPORT_DEFERRED);
    pti_metrics_count_drop(intake->metrics, drop, count);
}

static void refuse(struct pti_intake *intake, struct pti_report *report, bool stopping, pti_intake_done_fn done,
                   void *ctx)
{
    pti_report_clear(report);
    count_refused(intake, stopping ? PTI_DROP_STOPPING : PTI_DROP_QUEUE_FULL, 1);
    done(ctx, stopping ? PTI_INTAKE_STOPPED : PTI_INTAKE_FULL);
}

void pti_intake_submit(struct pti_intake *intake, struct pti_report *report, pti_intake_done_fn done, void *ctx)
{
    bool stopping = false, full = false;

    pthread_mutex_lock(&intake->mutex);
    stopping = intake->stopping;
    full = intake->count == PTI_INTAKE_QUEUE_MAX;
    if (!stopping && !full) {
        struct waiting *slot = &intake->queue[(intake->first + intake->count++) % PTI_INTAKE_QUEUE_MAX];

        *slot = (struct waiting){*report, done, ctx};
        memset(report, 0, sizeof *report);
        pthread_cond_signal(&intake->changed);
    }
    pthread_mutex_unlock(&intake->mutex);
    if (stopping || full)
        refuse(intake, report, stopping, done, ctx);
}

/* Moves up to PTI_INTAKE_BATCH_MAX reports into batch, waiting for the first; 0 means that it is over. */
static size_t take_batch(struct pti_intake *intake, struct waiting *batch)
{
    size_t taken = 0;

    pthread_mutex_lock(&intake->mutex);
    while (intake->count == 0 && !intake->stopping)
        pthread_cond_wait(&intake->changed, &intake->mutex);
    for (; intake->count > 0 && taken < PTI_INTAKE_BATCH_MAX; taken++) {
        batch[taken] = intake->queue[intake->first];
        intake->first = (intake->first + 1) % PTI_INTAKE_QUEUE_MAX;
        intake->count--;
    }
    pthread_mutex_unlock(&intake->mutex);
    return taken;
}

static void count_stored(struct pti_intake *intake, const enum pti_stored *stored, size_t count, int64_t trimmed)
{
    for (size_t i = 0; i < count; i++)
        pti_metrics_count_report(intake->metrics,
                                 stored[i] == PTI_STORED_NEW ? PTI_REPORT_ACCEPTED : PTI_REPORT_DUPLICATE);
    pti_metrics_count_drop(intake->metrics, PTI_DROP_OLD, (unsigned long long)trimmed);
}

static void store_batch(struct pti_intake *intake, struct waiting *batch, size_t count)
{
    const struct pti_report *reports[PTI_INTAKE_BATCH_MAX];
    enum pti_stored stored[PTI_INTAKE_BATCH_MAX];
    struct pti_error error;
    int64_t trimmed = 0;
    enum pintle_status status = PINTLE_ERR_STORAGE;

    for (size_t i = 0; i < count; i++)
        reports[i] = &batch[i].report;
    status = pti_storage_insert_reports(intake->storage, reports, count, (int64_t)time(NULL), intake->keep, stored,
                                        &trimmed, &error);
    if (status == PINTLE_OK)
        count_stored(intake, stored, count, trimmed);
    else
        count_refused(intake, PTI_DROP_STORAGE, count);
    if (pti_service_status_set_storage(intake->service, status == PINTLE_OK)) {
        if (status == PINTLE_OK)
            pti_log(PTI_LOG_INFO, "reports: they can be stored again");
        else
            pti_log(PTI_LOG_ERROR, "reports: they cannot be stored, clients are told to retry: %s", error.detail);
    }
    for (size_t i = 0; i < count; i++) {
        pti_report_clear(&batch[i].report);
        batch[i].done(batch[i].ctx, status == PINTLE_OK ? PTI_INTAKE_STORED : PTI_INTAKE_FAILED);
    }
}

static void *run(void *arg)
{
    struct pti_intake *intake = arg;
    struct waiting batch[PTI_INTAKE_BATCH_MAX];
    size_t count = 0;

    while ((count = take_batch(intake, batch)) > 0)
        store_batch(intake, batch, count);
    return NULL;
}

enum pintle_status pti_intake_new(struct pti_database *storage, int64_t keep, struct pti_metrics *metrics,
                                  struct pti_service_status *service, struct pti_intake **intake,
                                  struct pti_error *error)
{
    struct pti_intake *made = calloc(1, sizeof *made);

    *intake = NULL;
    if (!made)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the report intake");
    made->storage = storage;
    made->keep = keep;
    made->metrics = metrics;
    made->service = service;
    made->queue = calloc(PTI_INTAKE_QUEUE_MAX, sizeof *made->queue);
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    if (!made->queue || pthread_create(&made->thread, NULL, run, made) != 0) {
        made->joined = true;
        pti_intake_free(made);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the report intake");
    }
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
    free(intake->queue);
    free(intake);
}
