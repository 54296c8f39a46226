/* SPDX-License-Identifier: Apache-2.0 */
#include "server/counts.h"

#include <stdlib.h>
#include <string.h>

struct pti_counted {
    char name[PTI_HOLDING_WORD_MAX + 1];
    struct pti_holding published;
    struct pti_tally tallies[PTI_LIVE_SOURCES];
};

static struct pti_counted *find(const struct pti_counts *counts, const char *name)
{
    for (size_t i = 0; i < counts->repository_count; i++)
        if (strcmp(counts->repositories[i]->name, name) == 0)
            return counts->repositories[i];
    return NULL;
}

/* Room for one more, NULL if there is none. */
static struct pti_counted *add(struct pti_counts *counts, const char *name)
{
    struct pti_counted *repository;

    if (counts->repository_count == PTI_CENSUS_REPOSITORIES_MAX)
        return NULL;
    repository = calloc(1, sizeof *repository);
    if (repository == NULL)
        return NULL;
    (void)pti_copy_text(repository->name, sizeof repository->name, name);
    for (size_t i = 0; i < PTI_LIVE_SOURCES; i++)
        pti_tally_init(&repository->tallies[i], PTI_ADOPTION_PENDING_MAX);
    counts->repositories[counts->repository_count++] = repository;
    return repository;
}

void pti_counts_clear(struct pti_counts *counts)
{
    for (size_t i = 0; i < counts->repository_count; i++) {
        for (int source = 0; source < PTI_LIVE_SOURCES; source++)
            pti_tally_clear(&counts->repositories[i]->tallies[source]);
        free(counts->repositories[i]);
    }
    free(counts->releases);
}

void pti_counts_publish(struct pti_counts *counts, const char *name, const struct pti_holding *published)
{
    struct pti_counted *repository = find(counts, name);

    if (repository == NULL)
        repository = add(counts, name);
    if (repository != NULL)
        repository->published = *published;
}

void pti_counts_published(const struct pti_counts *counts, const char *name, struct pti_holding *published)
{
    const struct pti_counted *repository = find(counts, name);

    memset(published, 0, sizeof *published);
    if (repository != NULL)
        *published = repository->published;
}

struct pti_release *pti_counts_replace_releases(struct pti_counts *counts, struct pti_release *releases, size_t count)
{
    struct pti_release *before = counts->releases;

    counts->releases = releases;
    counts->release_count = count;
    return before;
}

/* ---- what counts ---- */

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
static void name_release(const struct pti_counts *counts, struct pti_tally_row *row)
{
    struct pti_release wanted = {.generation = 0};

    memcpy(wanted.app, row->app, sizeof wanted.app);
    memcpy(wanted.version, row->app_version, sizeof wanted.version);
    if (counts->release_count == 0 ||
        bsearch(&wanted, counts->releases, counts->release_count, sizeof wanted, compare_releases) == NULL)
        pti_tally_fold(row);
}

static enum pti_adoption_result add_row(const struct pti_counts *counts, const struct pti_counted *repository,
                                        const struct pti_tally_row *said, struct pti_tally *tally)
{
    struct pti_tally_row row = *said;

    if (!is_published(&repository->published, &row))
        return PTI_ADOPTION_UNKNOWN;
    name_release(counts, &row);
    return pti_tally_add(tally, &row) ? PTI_ADOPTION_COUNTED : PTI_ADOPTION_FULL;
}

struct polled {
    const struct pti_counts *counts;
    struct pti_counted *repository;
};

static bool take_polled(void *ctx, const struct pti_tally_row *row)
{
    struct polled *polled = ctx;
    struct pti_tally *tally = &polled->repository->tallies[PTI_ADOPTION_POLL];

    pti_metrics_count_adoption(polled->counts->metrics, add_row(polled->counts, polled->repository, row, tally), 1);
    return true;
}

void pti_counts_poll(struct pti_counts *counts, const char *name, const struct pti_holding *holding, uint64_t network,
                     int64_t day)
{
    struct polled polled = {counts, find(counts, name)};

    if (polled.repository == NULL)
        pti_metrics_count_adoption(counts->metrics, PTI_ADOPTION_UNKNOWN, 1);
    else if (!pti_sources_count(&counts->sources, day, network))
        pti_metrics_count_adoption(counts->metrics, PTI_ADOPTION_CAPPED, 1);
    else
        (void)pti_tally_header(holding, day, take_polled, &polled);
}

void pti_counts_report(struct pti_counts *counts, const struct pti_census_report *report, int64_t day)
{
    struct pti_tally_row row = {.day = day, .version = report->zone_version};
    struct pti_counted *repository = find(counts, report->repository);
    enum pti_adoption_result result;

    if (repository == NULL || report->successes < 1 || report->weight < 1 || report->zone[0] == '\0' ||
        strlen(report->zone) > PINTLE_ZONE_NAME_MAX)
        return;
    row.hits = report->successes < PTI_ADOPTION_REPORT_MAX / report->weight ? report->successes * report->weight
                                                                            : PTI_ADOPTION_REPORT_MAX;
    (void)pti_copy_text(row.zone, sizeof row.zone, report->zone);
    pti_holding_word(report->app, row.app);
    pti_holding_word(report->app_version, row.app_version);
    row.os = pti_holding_platform(report->os);
    result = add_row(counts, repository, &row, &repository->tallies[PTI_ADOPTION_REPORT]);
    pti_metrics_count_adoption(counts->metrics, result, 1);
}

void pti_counts_judge(const struct pti_counts *counts, const char *name, const struct pti_tally *rows, int64_t today,
                      struct pti_tally *judged, int64_t *counted, int64_t *refused)
{
    const struct pti_counted *repository = find(counts, name);

    *counted = *refused = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct pti_tally_row *row = &rows->rows[i];
        bool dated = row->day <= today + 1 &&
                     row->day > today - PTI_ADOPTION_DAYS_KEPT; /* else it would push others out */
        enum pti_adoption_result result = PTI_ADOPTION_UNKNOWN;

        if (repository != NULL && dated)
            result = add_row(counts, repository, row, judged);
        if (result == PTI_ADOPTION_COUNTED)
            *counted = pti_tally_sum(*counted, row->hits);
        else
            *refused = pti_tally_sum(*refused, row->hits);
    }
    pti_tally_sort(judged);
}

/* ---- what is stored ---- */

size_t pti_counts_take(struct pti_counts *counts, struct pti_tally taken[PTI_PENDING_MAX],
                       struct pti_adoption_counts pending[PTI_PENDING_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < counts->repository_count; i++) {
        for (int source = 0; source < PTI_LIVE_SOURCES; source++) {
            struct pti_tally *tally = &counts->repositories[i]->tallies[source];

            if (tally->count == 0)
                continue;
            taken[count] = *tally;
            pending[count] = (struct pti_adoption_counts){counts->repositories[i]->name,
                                                          (enum pti_adoption_source)source, &taken[count]};
            count++;
            pti_tally_init(tally, tally->max);
        }
    }
    return count;
}

void pti_counts_give_back(struct pti_counts *counts, const struct pti_adoption_counts *pending, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pti_tally *tally = &find(counts, pending[i].repository)->tallies[pending[i].source];

        for (size_t row = 0; row < pending[i].tally->count; row++)
            if (!pti_tally_add(tally, &pending[i].tally->rows[row]))
                pti_metrics_count_adoption(counts->metrics, PTI_ADOPTION_FULL, 1);
    }
}
