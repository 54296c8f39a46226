/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which versions of a repository's roles there were and since when: what this server signed, and what it saw published
 * by others.  Functions return PINTLE_OK, PINTLE_ERR_STORAGE or PINTLE_ERR_MEMORY.
 */
#ifndef PTI_SERVER_SIGNINGS_H
#define PTI_SERVER_SIGNINGS_H

#include "server/database.h"
#include "server/status.h"

struct pti_signing {
    int64_t number; /* from 1 */
    int64_t time;   /* Unix seconds; when it was signed, or first seen */
    bool seen;      /* published by others */
    const char *repository;
    const char *role;
    int64_t version;
};

/* A timestamp and, unless 0, a snapshot, with a line in the journal, all in one transaction. */
enum pintle_status pti_signings_add(struct pti_database *database, const char *repository, int64_t timestamp,
                                    int64_t snapshot, int64_t now, struct pti_error *error);

/*
 * What is published: each role whose version is not the one noted last is noted as seen, and all of them together make
 * one line in the journal.  Nothing is written if there is none.
 */
enum pintle_status pti_signings_see(struct pti_database *database, const char *repository,
                                    const struct pti_role_status *roles, size_t count, int64_t now,
                                    struct pti_error *error);

struct pti_signing_query {
    const char *repository; /* NULL: all */
    int64_t before;         /* only those with smaller numbers */
    int64_t limit;
    /* Newest first; the signing is borrowed.  false ends with PINTLE_ERR_MEMORY. */
    bool (*row)(void *ctx, const struct pti_signing *signing);
    void *ctx;
};
enum pintle_status pti_signings_list(struct pti_database *database, const struct pti_signing_query *query,
                                     struct pti_error *error);

#endif
