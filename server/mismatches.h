/* SPDX-License-Identifier: Apache-2.0 */
/* How many reports say that a host serves no pinned key, host by host, from the rollup cells (server/cells.h). */
#ifndef PTI_SERVER_MISMATCHES_H
#define PTI_SERVER_MISMATCHES_H

#include "pin/host.h"
#include "server/database.h"
#include "server/targets.h"

struct pti_mismatches {
    char repository[PTI_REPOSITORY_NAME_SIZE];
    char host[PINTLE_HOST_MAX + 1];
    int64_t reports; /* not weighted: weights are what the senders say */
    int64_t oldest;  /* Unix seconds: when its first cell begins */
};

/*
 * Of the cells that begin in [since, until): the max hosts with most reports, sorted by repository and host; *count of
 * them.  PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_mismatches_count(struct pti_database *database, int64_t since, int64_t until,
                                        struct pti_mismatches *hosts, size_t max, size_t *count,
                                        struct pti_error *error);
/* The one of a host in what was counted; NULL: there is none. */
const struct pti_mismatches *pti_mismatches_of(const struct pti_mismatches *hosts, size_t count, const char *repository,
                                               const char *host);

#endif
