/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of adoption: per repository, UTC day, source, zone, zone version, app release and platform how many
 * requests there were, and how many of them were a device's first of its day and week.  No more is known of anybody.
 *
 * All return PINTLE_OK, PINTLE_ERR_STORAGE or PINTLE_ERR_MEMORY.
 */
#ifndef PTI_SERVER_ADOPTION_H
#define PTI_SERVER_ADOPTION_H

#include "report/tally.h"
#include "server/database.h"

/* Where a count comes from. */
enum pti_adoption_source {
    PTI_ADOPTION_POLL,   /* polls of the head that came here */
    PTI_ADOPTION_REPORT, /* successful checks that reports tell of; devices cannot be told apart there */
    PTI_ADOPTION_LOG     /* requests in access logs, by `pintle logfeed` */
};
#define PTI_ADOPTION_SOURCES 3
const char *pti_adoption_source_name(enum pti_adoption_source source); /* "poll", "report", "log" */

/* Counts of one repository and source, sorted. */
struct pti_adoption_counts {
    const char *repository; /* "" is the plain one */
    enum pti_adoption_source source;
    const struct pti_tally *tally;
};

/*
 * Adds counts, all of them, durably, or nothing.  A day of a repository and source has at most PTI_ADOPTION_ROWS_MAX
 * rows: beyond them, what is new counts as of another app and platform, and beyond PTI_ADOPTION_SPARE_ROWS more, not
 * at all; *dropped receives how many hits that were.
 *
 * batch (NULL: none) names what is added: one that was added before is not added again, and *known says so.
 */
enum pintle_status pti_adoption_add(struct pti_database *database, const struct pti_adoption_counts *counts,
                                    size_t count, const char *batch, int64_t today, bool *known, int64_t *dropped,
                                    struct pti_error *error);

/* Keeps the newest PTI_ADOPTION_DAYS_KEPT days on which anything was counted, so that a clock that jumped loses one. */
enum pintle_status pti_adoption_trim(struct pti_database *database, struct pti_error *error);

struct pti_adoption_query {
    const char *repository;
    int64_t from, to; /* days, both counted */
};

/* Sums over the days asked for. */
struct pti_adoption_row {
    struct pintle_bytes zone; /* PTI_TALLY_CHARTER is that of the charter's version */
    int64_t version;
    struct pintle_bytes app, app_version, os, source;
    int64_t hits, days, weeks;
};

/* The rows after a row (NULL: from the first), ordered by zone, version, app, app_version, os, source. */
enum pintle_status pti_adoption_list(struct pti_database *database, const struct pti_adoption_query *query,
                                     const struct pti_adoption_row *after, int64_t limit,
                                     bool (*row)(void *ctx, const struct pti_adoption_row *row), void *ctx,
                                     struct pti_error *error);

/* How many hold a version: ordered by zone, then version. */
struct pti_adoption_version {
    struct pintle_bytes zone;
    int64_t version;
    bool registered; /* in a registered app release; all others are other rows */
    int64_t hits, days, weeks;
};
enum pintle_status pti_adoption_versions(struct pti_database *database, const struct pti_adoption_query *query,
                                         bool (*row)(void *ctx, const struct pti_adoption_version *version), void *ctx,
                                         struct pti_error *error);

#endif
