/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counting of adoption while the server runs: requests are added up in memory, and what was added up is written
 * once a minute by a thread of its own, so no request waits for a disk, and a crash loses a minute at most.
 *
 * Headers and reports can be forged.  Of a repository only zones that it has, and versions up to the published one, are
 * counted; releases that are not registered are all one; a network counts a bounded number of requests a day; no
 * address, and nothing else of who asked, is kept.
 */
#ifndef PTI_SERVER_CENSUS_H
#define PTI_SERVER_CENSUS_H

#include "report/holding.h"
#include "report/tally.h"
#include "server/database.h"
#include "server/metrics.h"

struct pti_census;

struct pti_census_setup {
    struct pti_database *storage; /* borrowed; the census's own connection */
    struct pti_metrics *metrics;  /* borrowed */
    int64_t flush_every_s;
    int64_t per_source; /* requests a day */
};

/*
 * Reads the registered releases and starts the thread; where they cannot be read, that is logged, and there are none
 * until they can.  PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_census_new(const struct pti_census_setup *setup, struct pti_census **census,
                                  struct pti_error *error);
/* Writes what was counted and ends the thread; later counts are lost, later batches refused. */
void pti_census_stop(struct pti_census *census);
void pti_census_free(struct pti_census *census); /* stops first; NULL is legal */

/* Any thread may call these; none waits for a disk, none fails.  A NULL census counts nothing. */

/* What a repository has published: the charter's version and those of its zones.  Before that nothing of it counts. */
void pti_census_publish(struct pti_census *census, const char *repository, const struct pti_holding *published);

/* What was told last; empty if nothing was. */
void pti_census_published(struct pti_census *census, const char *repository, struct pti_holding *published);

/* A poll of the head, with the header that it carried. */
void pti_census_count_poll(struct pti_census *census, const char *repository, struct pintle_bytes header,
                           uint64_t network, int64_t now);

/* What a report, counted once, tells of the checks that passed; texts may be "".  Borrowed. */
struct pti_census_report {
    const char *repository, *zone;
    int64_t zone_version;
    const char *app, *app_version, *os;
    int64_t weight;    /* how many such reports it stands for */
    int64_t successes; /* "success_since_last" */
};
void pti_census_count_report(struct pti_census *census, const struct pti_census_report *report, int64_t now);

/* The releases that are registered, read again. */
enum pintle_status pti_census_read_releases(struct pti_census *census, struct pti_database *database,
                                            struct pti_error *error);

/* What became of a batch. */
enum pti_census_result {
    PTI_CENSUS_ADDED,
    PTI_CENSUS_KNOWN, /* it was added before; nothing was added now */
    PTI_CENSUS_FULL,  /* too many are waiting */
    PTI_CENSUS_FAILED /* the database fails, or the server is stopping */
};

/* Counts that somebody else added up from access logs. */
struct pti_census_batch {
    const char *id; /* makes it count once */
    const char *repository;
    struct pti_tally *tally;                                                                  /* taken over: emptied */
    void (*done)(void *ctx, enum pti_census_result result, int64_t counted, int64_t refused); /* hits, once durable */
    void *ctx;
};
void pti_census_submit(struct pti_census *census, const struct pti_census_batch *asked);

#endif
