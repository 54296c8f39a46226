/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server keeps: reports, and the highest version ever allocated of each online role under each set of keys.  All
 * of it stands in the SQL that every database behind server/database.h understands.
 *
 * All return PINTLE_OK, PINTLE_ERR_STORAGE (the disk is full, the database locked for too long, or broken; the detail says
 * which) or PINTLE_ERR_MEMORY.
 */
#ifndef PTI_SERVER_STORAGE_H
#define PTI_SERVER_STORAGE_H

#include "report/report.h"
#include "server/database.h"

struct pti_report_entry {
    const struct pti_report *report;
    const char *repository;
};

struct pti_report_row {
    int64_t number;   /* newer ones have larger ones */
    int64_t received; /* Unix seconds, our clock */
    struct pintle_bytes document;
};

struct pti_report_query {
    const char *host; /* "": all; likewise below */
    const char *reason;
    int64_t before; /* only those with smaller numbers */
    int64_t limit;
    /* Newest first; row is borrowed.  Stops and fails with PINTLE_ERR_MEMORY when this returns false. */
    bool (*row)(void *ctx, const struct pti_report_row *row);
    void *ctx;
};

/*
 * Within a transaction: stores whole reports, those whose id is not there already, and then keeps the newest keep only.
 * *trimmed receives how many went.
 */
enum pti_db_result pti_storage_insert_reports(struct pti_database *database, const struct pti_report_entry *entries,
                                              size_t count, int64_t received, int64_t keep, int64_t *trimmed,
                                              struct pti_error *error);
enum pintle_status pti_storage_list_reports(struct pti_database *database, const struct pti_report_query *query,
                                            struct pti_error *error);

/*
 * A version for role that nobody was given before: max(allocated, published) + 1, durable before it is returned.  A
 * version that is then not used is lost, which harms nothing.  role is any short text: it names a series of numbers.
 */
enum pintle_status pti_storage_allocate_version(struct pti_database *database, const char *role, int64_t published,
                                                int64_t *version, struct pti_error *error);
/* The highest version allocated for role; 0 if none was. */
enum pintle_status pti_storage_allocated_version(struct pti_database *database, const char *role, int64_t *version,
                                                 struct pti_error *error);
/* Makes every allocated version higher by jump. */
enum pintle_status pti_storage_raise_versions(struct pti_database *database, int64_t jump, struct pti_error *error);

#endif
