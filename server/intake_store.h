/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one transaction of the intake does: the reports that nobody sent before are counted in their cells, a few are
 * kept whole, and the ids of all are logged, or none of it.  So a report that is sent again, after an answer that was
 * lost or a server that was killed, is known, and what was acknowledged is in a cell.
 *
 * The database has the truth; what stands in memory is read from its log, also what another node has written since.
 * One thread uses it.
 */
#ifndef PTI_SERVER_INTAKE_STORE_H
#define PTI_SERVER_INTAKE_STORE_H

#include "server/database.h"
#include "server/rollup.h"
#include "server/seen.h"
#include "server/series.h"
#include "server/storage.h"

enum pti_stored { PTI_STORED_NEW, PTI_STORED_BEFORE };

/* One report of a batch. */
struct pti_intake_item {
    struct pti_report *report; /* its document is made if it is kept */
    const char *repository;    /* "" for the one without a name */
    uint64_t network;          /* hash of where it came from; 0: not known */
    uint64_t id;               /* hash of repository and id */
    struct pti_series_key series;
    enum pti_stored stored; /* what became of it */
};

struct pti_intake_store {
    struct pti_database *database;
    struct pintle_crypto *crypto;
    int64_t keep;   /* whole reports, in all */
    int64_t sample; /* of one series in an hour */
    struct pti_seen seen;
    struct pti_seen batch; /* ids of the transaction under way */
    struct pti_series_set series;
    struct pti_rollup *rollup;
    struct pti_report_entry *whole; /* PTI_INTAKE_REPORTS_MAX: to be kept */
    uint64_t *ids;                  /* as many: to be logged */
    int64_t logged, forgotten;      /* numbers of the log: the last one known, and up to which it was cut */
};

/* database and crypto are borrowed.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_intake_store_new(struct pti_database *database, struct pintle_crypto *crypto, int64_t keep,
                                        int64_t sample, struct pti_intake_store **store, struct pti_error *error);
void pti_intake_store_free(struct pti_intake_store *store); /* NULL is legal */
/* Fills in what is computed from the report alone.  May run on any thread. */
enum pintle_status pti_intake_item_init(struct pti_intake_item *item, struct pintle_crypto *crypto,
                                        struct pti_report *report, const char *repository, uint64_t network);
/* At most PTI_INTAKE_REPORTS_MAX at once.  *trimmed receives how many whole reports made room. */
enum pintle_status pti_intake_store_put(struct pti_intake_store *store, struct pti_intake_item *items, size_t count,
                                        int64_t now, int64_t *trimmed, struct pti_error *error);

/* Once a second: rolls up cells that are old enough, some at a time. */
enum pintle_status pti_intake_store_age(struct pti_intake_store *store, int64_t now, struct pti_error *error);

#endif
