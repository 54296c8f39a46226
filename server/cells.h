/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rollup cells as they are kept: how many reports came in a minute, an hour or a day of each series, from about
 * how many devices and networks.  A report is counted in one span alone: what is older than PTI_CELLS_KEEP_... moves
 * to the next one.
 */
#ifndef PTI_SERVER_CELLS_H
#define PTI_SERVER_CELLS_H

#include "server/database.h"
#include "server/rollup.h"

#define PTI_CELL_MINUTE_S 60
#define PTI_CELL_HOUR_S 3600
#define PTI_CELL_DAY_S 86400

/* Within a transaction: adds what rollup, sorted, holds to the cells of the minute of now. */
enum pti_db_result pti_cells_merge(struct pti_database *database, const struct pti_rollup *rollup, int64_t now,
                                   struct pti_error *error);

/*
 * Where a cell belongs at now: *to_span and *to_start become its own, those of the hour or day that it is to be added
 * to, or 0 if it is to go.  Pure.
 */
void pti_cell_place(int64_t span, int64_t start, int64_t now, int64_t *to_span, int64_t *to_start);
/*
 * Moves cells that are older than their span is kept, at most PTI_CELLS_AGE_MAX, in one transaction: each is in one
 * place only, whenever that ends.  *moved receives how many.  lock is that of who adds to cells.
 */
enum pintle_status pti_cells_age(struct pti_database *database, const char *lock, int64_t now, size_t *moved,
                                 struct pti_error *error);

struct pti_cell_row {
    int64_t span, start;
    struct pintle_bytes series; /* its key */
    struct pintle_bytes repository, host, reason, leaf, zone, app, app_version, os;
    int64_t zone_version;
    int64_t reports, weight, successes, tried, recovered;
    int64_t devices, networks; /* estimates */
};

struct pti_cell_query {
    const char *repository, *host; /* NULL: all */
    int64_t since, until;          /* cells that begin in [since, until) */
    int64_t limit;
    /* The last one of the page before: where to go on; span 0: from the beginning. */
    int64_t after_span, after_start;
    struct pti_series_key after_series;
    /* By span, then time, then series; row is borrowed.  false: there is no memory for it. */
    bool (*row)(void *ctx, const struct pti_cell_row *row);
    void *ctx;
};

enum pintle_status pti_cells_list(struct pti_database *database, const struct pti_cell_query *query,
                                  struct pti_error *error);

#endif
