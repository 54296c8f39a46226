/* SPDX-License-Identifier: Apache-2.0 */
#include "server/census.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/sources.h"
#include "server/adoption.h"
#include "server/data.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/releases.h"

#define DAY_S 86400
#define LIVE_SOURCES 2 /* polls and reports; what comes from logs is not gathered */

struct repository {
    char name[PTI_HOLDING_WORD_MAX + 1];
    struct pti_holding published;
    struct pti_tally tallies[LIVE_SOURCES];
};

struct releases {
    struct pti_release *all; /* sorted */
    size_t count;
};

struct batch {
    struct pti_census_batch asked;
    char id[PTI_HOLDING_WORD_MAX + 1], repository[PTI_HOLDING_WORD_MAX + 1];
    struct pti_tally tally;
    int64_t counted, refused;
};

struct pti_census {
    struct pti_database *storage;
    struct pti_metrics *metrics;
    int64_t flush_every_s;
    pthread_t thread;
    pthread_mutex_t mutex; /* of all below; never held while a disk is waited for */
    pthread_cond_t changed;
    bool stopping, joined;
    struct pti_sources sources;
    struct releases releases;
    struct repository *repositories[PTI_CENSUS_REPOSITORIES_MAX];
    size_t repository_count;
    struct batch batches[PTI_ADOPTION_BATCHES_MAX];
    size_t batch_count;
    bool failing;    /* of the thread: said once */
    int64_t trimmed; /* of the thread: the day on which old days were removed last */
};

/* ---- what counts ---- */

static struct repository *find_repository(struct pti_census *census, const char *name)
{
    for (size_t i = 0; i < census->repository_count; i++)
        if (strcmp(census->repositories[i]->name, name) == 0)
            return census->repositories[i];
    return NULL;
}

/* Under the mutex: room for one more, NULL if there is none. */
static struct repository *add_repository(struct pti_census *census, const char *name)
{
    struct repository *repository;

    if (census->repository_count == PTI_CENSUS_REPOSITORIES_MAX)
        return NULL;
    repository = calloc(1, sizeof *repository);
    if (repository == NULL)
        return NULL;
    (void)pti_copy_text(repository->name, sizeof repository->name, name);
    for (size_t i = 0; i < LIVE_SOURCES; i++)
        pti_tally_init(&repository->tallies[i], PTI_ADOPTION_PENDING_MAX);
    census->repositories[census->repository_count++] = repository;
    return repository;
}

void pti_census_publish(struct pti_census *census, const char *name, const struct pti_holding *published)
{
    struct repository *repository;

    if (census == NULL)
        return;
    pthread_mutex_lock(&census->mutex);
    repository = find_repository(census, name);
    if (repository == NULL)
        repository = add_repository(census, name);
    if (repository != NULL)
        repository->published = *published;
    pthread_mutex_unlock(&census->mutex);
}

void pti_census_published(struct pti_census *census, const char *name, struct pti_holding *published)
{
    const struct repository *repository;

    memset(published, 0, sizeof *published);
    pthread_mutex_lock(&census->mutex);
    repository = find_repository(census, name);
    if (repository != NULL)
        *published = repository->published;
    pthread_mutex_unlock(&census->mutex);
}

static bool is_published(const struct pti_holding *published, const struct pti_tally_row *row)
{
    if (row->zone[0] == '\0')
        return row->version <= published->charter;
    for (size_t i = 0; i < published->zone_count; i++)
        if (strcmp(published->zones[i].name, row->zone) == 0)
            return row->version <= published->zones[i].version;
    return false;
}

static int compare_releases(const void *a, const void *b)
{
    return pti_release_compare(a, b);
}

/* Whatever is not registered is one release. */
static void name_release(const struct releases *releases, struct pti_tally_row *row)
{
    struct pti_release wanted = {.generation = 0};

    memcpy(wanted.app, row->app, sizeof wanted.app);
    memcpy(wanted.version, row->app_version, sizeof wanted.version);
    if (releases->count > 0 &&
        bsearch(&wanted, releases->all, releases->count, sizeof wanted, compare_releases) != NULL)
        return;
    pti_tally_fold(row);
}

struct counting {
    struct pti_census *census;
    const struct repository *repository;
    struct pti_tally *tally;
    int64_t counted, refused; /* hits */
};

/* Under the mutex. */
static bool count_row(void *ctx, const struct pti_tally_row *said)
{
    struct counting *counting = ctx;
    struct pti_tally_row row = *said;
    enum pti_adoption_result result = PTI_ADOPTION_COUNTED;

    if (!is_published(&counting->repository->published, &row)) {
        result = PTI_ADOPTION_UNKNOWN;
    } else {
        name_release(&counting->census->releases, &row);
        if (!pti_tally_add(counting->tally, &row))
            result = PTI_ADOPTION_FULL;
    }
    if (result == PTI_ADOPTION_COUNTED)
        counting->counted = pti_tally_sum(counting->counted, row.hits);
    else
        counting->refused = pti_tally_sum(counting->refused, row.hits);
    pti_metrics_count_adoption(counting->census->metrics, result, (unsigned long long)row.hits);
    return true;
}

void pti_census_count_poll(struct pti_census *census, const char *name, struct pintle_bytes header, uint64_t network,
                           int64_t now)
{
    struct counting counting = {.census = census};
    struct repository *repository;
    struct pti_holding held;

    if (census == NULL)
        return;
    if (!pti_holding_parse(header, &held)) {
        pti_metrics_count_adoption(census->metrics, PTI_ADOPTION_MALFORMED, 1);
        return;
    }
    pthread_mutex_lock(&census->mutex);
    repository = find_repository(census, name);
    if (repository != NULL && pti_sources_count(&census->sources, now / DAY_S, network)) {
        counting.repository = repository;
        counting.tally = &repository->tallies[PTI_ADOPTION_POLL];
        (void)pti_tally_header(&held, now / DAY_S, count_row, &counting);
    } else {
        pti_metrics_count_adoption(census->metrics, repository == NULL ? PTI_ADOPTION_UNKNOWN : PTI_ADOPTION_CAPPED, 1);
    }
    pthread_mutex_unlock(&census->mutex);
}

void pti_census_count_report(struct pti_census *census, const struct pti_census_report *report, int64_t now)
{
    struct pti_tally_row row = {.day = now / DAY_S, .version = report->zone_version};
    struct counting counting = {.census = census};

    if (census == NULL || report->successes < 1 || report->weight < 1 || report->zone[0] == '\0' ||
        strlen(report->zone) > PINTLE_ZONE_NAME_MAX)
        return;
    row.hits = report->successes < PTI_ADOPTION_REPORT_MAX / report->weight ? report->successes * report->weight
                                                                            : PTI_ADOPTION_REPORT_MAX;
    (void)pti_copy_text(row.zone, sizeof row.zone, report->zone);
    pti_holding_word(report->app, row.app);
    pti_holding_word(report->app_version, row.app_version);
    row.os = pti_holding_platform(report->os);
    pthread_mutex_lock(&census->mutex);
    counting.repository = find_repository(census, report->repository);
    if (counting.repository != NULL) {
        counting.tally = &find_repository(census, report->repository)->tallies[PTI_ADOPTION_REPORT];
        (void)count_row(&counting, &row);
    }
    pthread_mutex_unlock(&census->mutex);
}

/* ---- releases ---- */

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
        struct releases before;

        pthread_mutex_lock(&census->mutex);
        before = census->releases;
        census->releases = read;
        pthread_mutex_unlock(&census->mutex);
        read = before;
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

/* Under the mutex: what of a batch counts. */
static bool judge_batch(struct pti_census *census, struct batch *batch, struct pti_tally *counted)
{
    struct counting counting = {census, find_repository(census, batch->repository), counted, 0, 0};

    for (size_t i = 0; counting.repository != NULL && i < batch->tally.count; i++)
        (void)count_row(&counting, &batch->tally.rows[i]);
    batch->counted = counting.counted;
    batch->refused = counting.refused;
    return counting.repository != NULL;
}

static void store_batch(struct pti_census *census, struct batch *batch, int64_t now)
{
    struct pti_tally counted;
    struct pti_adoption_counts counts = {batch->repository, PTI_ADOPTION_LOG, &counted};
    enum pti_census_result result = PTI_CENSUS_FAILED;
    struct pti_error error;
    int64_t dropped = 0;
    bool known = false;

    pti_tally_init(&counted, batch->tally.max);
    pthread_mutex_lock(&census->mutex);
    (void)judge_batch(census, batch, &counted);
    pthread_mutex_unlock(&census->mutex);
    pti_tally_sort(&counted);
    if (pti_adoption_add(census->storage, &counts, 1, batch->id, now / DAY_S, &known, &dropped, &error) == PINTLE_OK)
        result = known ? PTI_CENSUS_KNOWN : PTI_CENSUS_ADDED;
    else
        pti_log(PTI_LOG_ERROR, "adoption: counts of an access log cannot be stored: %s", error.detail);
    pti_tally_clear(&counted);
    pti_tally_clear(&batch->tally);
    batch->asked.done(batch->asked.ctx, result, known ? 0 : batch->counted - dropped, batch->refused + dropped);
}

/* ---- the thread ---- */

/* What was counted since the last time, out of the way of those who count. */
static size_t take_counts(struct pti_census *census, struct pti_tally *taken, struct pti_adoption_counts *counts)
{
    size_t count = 0;

    pthread_mutex_lock(&census->mutex);
    for (size_t i = 0; i < census->repository_count; i++) {
        for (int source = 0; source < LIVE_SOURCES; source++) {
            struct pti_tally *tally = &census->repositories[i]->tallies[source];

            if (tally->count == 0)
                continue;
            taken[count] = *tally;
            counts[count] = (struct pti_adoption_counts){census->repositories[i]->name,
                                                         (enum pti_adoption_source)source, &taken[count]};
            count++;
            pti_tally_init(tally, tally->max);
        }
    }
    pthread_mutex_unlock(&census->mutex);
    for (size_t i = 0; i < count; i++)
        pti_tally_sort(&taken[i]);
    return count;
}

/* Nothing was stored: it counts with the next time, as far as there is room. */
static void give_back(struct pti_census *census, const struct pti_adoption_counts *counts, size_t count)
{
    pthread_mutex_lock(&census->mutex);
    for (size_t i = 0; i < count; i++) {
        struct repository *repository = find_repository(census, counts[i].repository);

        for (size_t row = 0; row < counts[i].tally->count; row++)
            if (!pti_tally_add(&repository->tallies[counts[i].source], &counts[i].tally->rows[row]))
                pti_metrics_count_adoption(census->metrics, PTI_ADOPTION_FULL,
                                           (unsigned long long)counts[i].tally->rows[row].hits);
    }
    pthread_mutex_unlock(&census->mutex);
}

static enum pintle_status store_counts(struct pti_census *census, int64_t now, struct pti_error *error)
{
    struct pti_tally taken[LIVE_SOURCES * PTI_CENSUS_REPOSITORIES_MAX];
    struct pti_adoption_counts counts[LIVE_SOURCES * PTI_CENSUS_REPOSITORIES_MAX];
    size_t count = take_counts(census, taken, counts);
    enum pintle_status status = PINTLE_OK;
    int64_t dropped = 0;
    bool known;

    if (count > 0)
        status = pti_adoption_add(census->storage, counts, count, NULL, now / DAY_S, &known, &dropped, error);
    if (status != PINTLE_OK)
        give_back(census, counts, count);
    pti_metrics_count_adoption(census->metrics, PTI_ADOPTION_FULL, (unsigned long long)dropped);
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
    struct timespec until;
    bool stopping = false;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += census->flush_every_s;
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
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += census->flush_every_s;
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
    pthread_condattr_t attributes;
    enum pintle_status status;

    *census = NULL;
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for counting adoption");
    made->storage = setup->storage;
    made->metrics = setup->metrics;
    made->flush_every_s = setup->flush_every_s;
    made->joined = true;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    status = init_sources(&made->sources, setup->per_source, error);
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
    for (size_t i = 0; i < census->repository_count; i++) {
        for (int source = 0; source < LIVE_SOURCES; source++)
            pti_tally_clear(&census->repositories[i]->tallies[source]);
        free(census->repositories[i]);
    }
    free(census->releases.all);
    pthread_cond_destroy(&census->changed);
    pthread_mutex_destroy(&census->mutex);
    free(census);
}
