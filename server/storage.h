/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server keeps: reports, and the highest version ever allocated of each online role under each set of keys.
 *
 * A back end (storage_<name>.c, the one file that knows its database) binds, steps and maps errors; transactions,
 * locking and what a value may be live above it, in storage.c, and are the same for every back end.  A handle is one
 * connection; any thread may use it, one at a time.  Who must not wait for another's disk writes opens a handle of its
 * own.
 */
#ifndef PTI_SERVER_STORAGE_H
#define PTI_SERVER_STORAGE_H

#include <pthread.h>

#include "server/report.h"

/* What happened to one report of a batch. */
enum pti_stored { PTI_STORED_NEW, PTI_STORED_BEFORE };

struct pti_report_row {
    int64_t received; /* Unix seconds, our clock */
    struct pintle_bytes document;
};

struct pti_report_query {
    const char *host; /* NULL: all */
    int64_t limit;    /* 1 to PTI_LIST_MAX */
    /* Newest first; row is borrowed.  Stops and fails with PINTLE_ERR_MEMORY when this returns false. */
    bool (*row)(void *ctx, const struct pti_report_row *row);
    void *ctx;
};

/*
 * All return PINTLE_OK or PINTLE_ERR_STORAGE (the disk is full, the database locked for too long, or broken; the detail
 * says which).  After begin() exactly one of commit() and rollback() follows; a failed commit() has rolled back.
 */
struct pti_storage_ops {
    const char *name;
    /* Brings the schema to the newest version, in one transaction.  Refuses a newer one, and another program's. */
    enum pintle_status (*migrate)(void *connection, struct pti_error *error);
    enum pintle_status (*begin)(void *connection, struct pti_error *error);  /* excludes every other writer */
    enum pintle_status (*commit)(void *connection, struct pti_error *error); /* durable once it returns PINTLE_OK */
    void (*rollback)(void *connection);
    enum pintle_status (*insert_report)(void *connection, const struct pti_report *report, int64_t received,
                                        enum pti_stored *stored, struct pti_error *error);
    /* Deletes the oldest reports beyond keep; *removed receives how many. */
    enum pintle_status (*trim_reports)(void *connection, int64_t keep, int64_t *removed, struct pti_error *error);
    enum pintle_status (*list_reports)(void *connection, const struct pti_report_query *query, struct pti_error *error);
    /* Sets the version of role to max(version, floor) + 1 and returns it. */
    enum pintle_status (*raise_version)(void *connection, const char *role, int64_t floor, int64_t *version,
                                        struct pti_error *error);
    enum pintle_status (*read_version)(void *connection, const char *role, int64_t *version, struct pti_error *error);
    void (*close)(void *connection);
};

struct pti_storage {
    const struct pti_storage_ops *ops;
    void *connection;
    pthread_mutex_t mutex;
};

/*
 * SQLite in directory/pintled.db (mode 0600), WAL, synchronous=FULL: what is committed survives power loss.  Migrates.
 * On success the caller frees *storage with pti_storage_close().  PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_storage_open_sqlite(const char *directory, struct pti_storage **storage,
                                           struct pti_error *error);

/* For back ends: wraps a connection and migrates; closes the connection on failure. */
enum pintle_status pti_storage_new(const struct pti_storage_ops *ops, void *connection, struct pti_storage **storage,
                                   struct pti_error *error);
void pti_storage_close(struct pti_storage *storage); /* NULL is legal */

/*
 * Stores a batch in one transaction: all of it, durably, or nothing.  A report whose id is there already is not stored
 * again.  Then keeps the newest keep reports only.  stored has count elements; *trimmed may be NULL.
 */
enum pintle_status pti_storage_insert_reports(struct pti_storage *storage, const struct pti_report *const *reports,
                                              size_t count, int64_t received, int64_t keep, enum pti_stored *stored,
                                              int64_t *trimmed, struct pti_error *error);
enum pintle_status pti_storage_list_reports(struct pti_storage *storage, const struct pti_report_query *query,
                                            struct pti_error *error);

/*
 * A version for role that nobody was given before: max(allocated, published) + 1, durable before it is returned.  A
 * version that is then not used is lost, which harms nothing.  role is any short text: it names a series of numbers.
 */
enum pintle_status pti_storage_allocate_version(struct pti_storage *storage, const char *role, int64_t published,
                                                int64_t *version, struct pti_error *error);
/* The highest version allocated for role; 0 if none was. */
enum pintle_status pti_storage_allocated_version(struct pti_storage *storage, const char *role, int64_t *version,
                                                 struct pti_error *error);

#endif
