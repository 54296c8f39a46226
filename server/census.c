/* SPDX-License-Identifier: Apache-2.0 */
#include "server/census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/counts.h"
#include "server/data.h"
#include "server/log.h"
#include "server/steady.h"

#define DAY_S 86400

struct batch {
    struct pti_census_batch asked;
    char id[PTI_HOLDING_WORD_MAX + 1], repository[PTI_HOLDING_WORD_MAX + 1];
    struct pti_tally tally;
};

struct pti_census {
    struct pti_database *storage;
    int64_t flush_every_s;
    pthread_t thread;
    pthread_mutex_t mutex; /* of all below; never held while a disk is waited for */
    pthread_cond_t changed;
    bool stopping, joined;
    struct pti_counts counts;
    struct batch batches[PTI_ADOPTION_BATCHES_MAX];
    size_t batch_count;
    bool failing;    /* of the thread: said once */
    int64_t trimmed; /* of the thread: the day on which old days were removed last */
};

/* ---- what is counted ---- */

void pti_census_publish(struct pti_census *census, const char *repository, const struct pti_holding *published)
{
    if (census == NULL)
        return;
    pthread_mutex_lock(&census->mutex);
    pti_counts_publish(&census->counts, repository, published);
    pthread_mutex_unlock(&census->mutex);
}

void pti_census_published(struct pti_census *census, const char *repository, struct pti_holding *published)
{
    pthread_mutex_lock(&census->mutex);
    pti_counts_published(&census->counts, repository, published);
    pthread_mutex_unlock(&census->mutex);
}

void pti_census_count_poll(struct pti_census *census, const char *repository, struct pintle_bytes header,
                           uint64_t network, int64_t now)
{
    struct pti_holding holding;

    if (census == NULL)
        return;
    if (!pti_holding_parse(header, &holding)) {
        pti_metrics_count_adoption(census->counts.metrics, PTI_ADOPTION_MALFORMED, 1);
        return;
    }
    pthread_mutex_lock(&census->mutex);
    pti_counts_poll(&census->counts, repository, &holding, network, now / DAY_S);
    pthread_mutex_unlock(&census->mutex);
}

void pti_census_count_report(struct pti_census *census, const struct pti_census_report *report, int64_t now)
{
    if (census == NULL)
        return;
    pthread_mutex_lock(&census->mutex);
    pti_counts_report(&census->counts, report, now / DAY_S);
    pthread_mutex_unlock(&census->mutex);
}

/* ---- releases ---- */

struct releases {
    struct pti_release *all;
    size_t count;
};

static bool take_release(void *ctx, const struct pti_release *release)
{
    struct releases *releases = ctx;

    if (releases->count < PTI_RELEASES_MAX)
        releases->all[releases->count++] = *release;
    return true;
}

enum pintle_status pti_census_read_releases(struct pti_census *census, struct pti_database *database,
                                            struct pti_error *error)
{
    struct releases read = {calloc(PTI_RELEASES_MAX, sizeof *read.all), 0};
    const struct pti_release_query query = {"", "", PTI_RELEASES_MAX, take_release, &read};
    enum pintle_status status;

    if (read.all == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the app releases");
    status = pti_releases_list(database, &query, error);
    if (status == PINTLE_OK) {
        pthread_mutex_lock(&census->mutex);
        read.all = pti_counts_replace_releases(&census->counts, read.all, read.count);
        pthread_mutex_unlock(&census->mutex);
    }
    free(read.all);
    return status;
}

/* ---- batches ---- */

void pti_census_submit(struct pti_census *census, const struct pti_census_batch *asked)
{
    enum pti_census_result result = PTI_CENSUS_ADDED;

    pthread_mutex_lock(&census->mutex);
    if (census->stopping)
        result = PTI_CENSUS_FAILED;
    else if (census->batch_count == PTI_ADOPTION_BATCHES_MAX)
        result = PTI_CENSUS_FULL;
    if (result == PTI_CENSUS_ADDED) {
        struct batch *batch = &census->batches[census->batch_count++];

        memset(batch, 0, sizeof *batch);
        batch->asked = *asked;
        (void)pti_copy_text(batch->id, sizeof batch->id, asked->id);
        (void)pti_copy_text(batch->repository, sizeof batch->repository, asked->repository);
        batch->tally = *asked->tally;
        pti_tally_init(asked->tally, asked->tally->max);
        pthread_cond_signal(&census->changed);
    }
    pthread_mutex_unlock(&census->mutex);
    if (result == PTI_CENSUS_ADDED)
        return;
    pti_tally_clear(asked->tally);
    asked->done(asked->ctx, result, 0, 0);
}

static void store_batch(struct pti_census *census, struct batch *batch, int64_t now)
{
    struct pti_tally judged;
    const struct pti_adoption_counts counts = {batch->repository, PTI_ADOPTION_LOG, &judged};
    enum pti_census_result result = PTI_CENSUS_FAILED;
    int64_t counted = 0, refused = 0, dropped = 0;
    struct pti_metrics *metrics = census->counts.metrics;
    struct pti_error error;
    bool known = false;

    pti_tally_init(&judged, batch->tally.max);
    pthread_mutex_lock(&census->mutex);
    pti_counts_judge(&census->counts, batch->repository, &batch->tally, now / DAY_S, &judged, &counted, &refused);
    pthread_mutex_unlock(&census->mutex);
    if (pti_adoption_add(census->storage, &counts, 1, batch->id, now / DAY_S, &known, &dropped, &error) == PINTLE_OK)
        result = known ? PTI_CENSUS_KNOWN : PTI_CENSUS_ADDED;
    else
        pti_log(PTI_LOG_ERROR, "adoption: counts of an access log cannot be stored: %s", error.detail);
    if (result == PTI_CENSUS_ADDED) {
        pti_metrics_count_adoption(metrics, PTI_ADOPTION_COUNTED, (unsigned long long)(counted - dropped));
        pti_metrics_count_adoption(metrics, PTI_ADOPTION_UNKNOWN, (unsigned long long)refused);
        pti_metrics_count_adoption(metrics, PTI_ADOPTION_FULL, (unsigned long long)dropped);
    }
    pti_tally_clear(&judged);
    pti_tally_clear(&batch->tally);
    batch->asked.done(batch->asked.ctx, result, known ? 0 : counted - dropped, refused + dropped);
}

/* ---- the thread ---- */

static enum pintle_status store_counts(struct pti_census *census, int64_t now, struct pti_error *error)
{
    struct pti_tally taken[PTI_PENDING_MAX];
    struct pti_adoption_counts pending[PTI_PENDING_MAX];
    enum pintle_status status = PINTLE_OK;
    int64_t dropped = 0;
    bool known;
    size_t count;

    pthread_mutex_lock(&census->mutex);
    count = pti_counts_take(&census->counts, taken, pending);
    pthread_mutex_unlock(&census->mutex);
    for (size_t i = 0; i < count; i++)
        pti_tally_sort(&taken[i]);
    if (count > 0)
        status = pti_adoption_add(census->storage, pending, count, NULL, now / DAY_S, &known, &dropped, error);
    if (status != PINTLE_OK) {
        pthread_mutex_lock(&census->mutex);
        pti_counts_give_back(&census->counts, pending, count);
        pthread_mutex_unlock(&census->mutex);
    }
    pti_metrics_count_adoption(census->counts.metrics, PTI_ADOPTION_FULL, (unsigned long long)dropped);
    for (size_t i = 0; i < count; i++)
        pti_tally_clear(&taken[i]);
    return status;
}

static void flush(struct pti_census *census, int64_t now)
{
    struct pti_error error;
    enum pintle_status status = store_counts(census, now, &error);

    if (status == PINTLE_OK && census->trimmed != now / DAY_S) {
        status = pti_adoption_trim(census->storage, &error);
        census->trimmed = status == PINTLE_OK ? now / DAY_S : census->trimmed;
    }
    if (status == PINTLE_OK)
        status = pti_census_read_releases(census, census->storage, &error);
    if (status != PINTLE_OK && !census->failing)
        pti_log(PTI_LOG_ERROR, "adoption: what was counted cannot be stored; it is tried again: %s", error.detail);
    else if (status == PINTLE_OK && census->failing)
        pti_log(PTI_LOG_INFO, "adoption: stored again");
    census->failing = status != PINTLE_OK;
}

/* Waits for a batch, the time of the next flush, or the end; under the mutex. */
static bool wait_for_work(struct pti_census *census, const struct timespec *until)
{
    int code = 0;

    while (!census->stopping && census->batch_count == 0 && code == 0)
        code = pthread_cond_timedwait(&census->changed, &census->mutex, until);
    return census->stopping || code == ETIMEDOUT;
}

static void *run(void *ctx)
{
    struct pti_census *census = ctx;
    struct timespec until = pti_steady_after_ms(census->flush_every_s * 1000);
    bool stopping = false;

    while (!stopping) {
        struct batch batches[PTI_ADOPTION_BATCHES_MAX];
        size_t count;
        bool due;

        pthread_mutex_lock(&census->mutex);
        due = wait_for_work(census, &until);
        stopping = census->stopping;
        count = census->batch_count;
        memcpy(batches, census->batches, sizeof batches);
        census->batch_count = 0;
        pthread_mutex_unlock(&census->mutex);
        for (size_t i = 0; i < count; i++)
            store_batch(census, &batches[i], (int64_t)time(NULL));
        if (due) {
            flush(census, (int64_t)time(NULL));
            until = pti_steady_after_ms(census->flush_every_s * 1000);
        }
    }
    return NULL;
}

/* ---- start and end ---- */

static enum pintle_status init_sources(struct pti_sources *sources, int64_t per_source, struct pti_error *error)
{
    uint8_t key[PTI_SOURCES_KEY_SIZE];
    enum pintle_status status = pti_data_random(key, sizeof key, error);

    if (status == PINTLE_OK)
        pti_sources_init(sources, key, (uint32_t)per_source);
    return status;
}

static bool start_thread(struct pti_census *census)
{
    census->joined = pthread_create(&census->thread, NULL, run, census) != 0;
    return !census->joined;
}

enum pintle_status pti_census_new(const struct pti_census_setup *setup, struct pti_census **census,
                                  struct pti_error *error)
{
    struct pti_census *made = calloc(1, sizeof *made);
    enum pintle_status status;

    *census = NULL;
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for counting adoption");
    made->storage = setup->storage;
    made->counts.metrics = setup->metrics;
    made->flush_every_s = setup->flush_every_s;
    made->joined = true;
    pthread_mutex_init(&made->mutex, NULL);
    pti_steady_condition_init(&made->changed);
    status = init_sources(&made->counts.sources, setup->per_source, error);
    if (status == PINTLE_OK && pti_census_read_releases(made, made->storage, error) != PINTLE_OK) {
        made->failing = true; /* a damaged database stops no client from getting its files */
        pti_log(PTI_LOG_ERROR, "adoption: %s; all counts as of other apps until that is mended", error->detail);
    }
    if (status == PINTLE_OK && !start_thread(made))
        status = pti_fail(error, PINTLE_ERR_MEMORY, "no thread for counting adoption");
    if (status != PINTLE_OK) {
        pti_census_free(made);
        return status;
    }
    *census = made;
    return PINTLE_OK;
}

void pti_census_stop(struct pti_census *census)
{
    pthread_mutex_lock(&census->mutex);
    census->stopping = true;
    pthread_cond_signal(&census->changed);
    pthread_mutex_unlock(&census->mutex);
    if (!census->joined)
        pthread_join(census->thread, NULL);
    census->joined = true;
}

void pti_census_free(struct pti_census *census)
{
    if (census == NULL)
        return;
    pti_census_stop(census);
    pti_counts_clear(&census->counts);
    pthread_cond_destroy(&census->changed);
    pthread_mutex_destroy(&census->mutex);
    free(census);
}
