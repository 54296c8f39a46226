/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of adoption counts, and what was counted and is not stored yet.  Pure: no clock, no disk, no lock; whoever
 * shares it between threads locks it.
 */
#ifndef PTI_SERVER_COUNTS_H
#define PTI_SERVER_COUNTS_H

#include "report/sources.h"
#include "server/adoption.h"
#include "server/census.h"
#include "server/limits.h"
#include "server/releases.h"

#define PTI_LIVE_SOURCES 2 /* polls and reports; what comes from logs is not gathered */
#define PTI_PENDING_MAX (PTI_LIVE_SOURCES * PTI_CENSUS_REPOSITORIES_MAX)

struct pti_counted; /* of one repository */

struct pti_counts {
    struct pti_metrics *metrics; /* borrowed: what became of each version that was named */
    struct pti_sources sources;
    struct pti_release *releases; /* owned, sorted */
    size_t release_count;
    struct pti_counted *repositories[PTI_CENSUS_REPOSITORIES_MAX];
    size_t repository_count;
};

void pti_counts_clear(struct pti_counts *counts); /* of one that is zero but for metrics and sources, too */

void pti_counts_publish(struct pti_counts *counts, const char *name, const struct pti_holding *published);
void pti_counts_published(const struct pti_counts *counts, const char *name, struct pti_holding *published);
/* Takes releases over, and gives those before them back, for the caller to free. */
struct pti_release *pti_counts_replace_releases(struct pti_counts *counts, struct pti_release *releases, size_t count);

void pti_counts_poll(struct pti_counts *counts, const char *name, const struct pti_holding *holding, uint64_t network,
                     int64_t day);
void pti_counts_report(struct pti_counts *counts, const struct pti_census_report *report, int64_t day);
/*
 * What of rows counts goes to judged, sorted, with the names that are kept; *refused receives the hits of the
 * others.
 */
void pti_counts_judge(const struct pti_counts *counts, const char *name, const struct pti_tally *rows, int64_t today,
                      struct pti_tally *judged, int64_t *counted, int64_t *refused);

/* What was counted so far, which counts anew from here on.  *taken belong to the caller, and pending points to them. */
size_t pti_counts_take(struct pti_counts *counts, struct pti_tally taken[PTI_PENDING_MAX],
                       struct pti_adoption_counts pending[PTI_PENDING_MAX]);
/* It was not stored: adds it again, as far as there is room. */
void pti_counts_give_back(struct pti_counts *counts, const struct pti_adoption_counts *pending, size_t count);

#endif
