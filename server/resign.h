/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping the publication fresh: looks at the published files, shows the signer what is new, and renews timestamp and
 * snapshot when half of their life is over.  One thread uses it.
 */
#ifndef PTI_SERVER_RESIGN_H
#define PTI_SERVER_RESIGN_H

#include <sys/stat.h>

#include "server/census.h"
#include "server/checks.h"
#include "server/signer.h"
#include "server/status.h"
#include "server/storage.h"

/* Ready once its first part is set and the rest is zero. */
struct pti_resigner {
    const char *directory; /* of the repository; borrowed, as all below */
    const char *name;      /* in URLs; "" for the one at the root */
    struct pintle_crypto *crypto;
    struct pti_database *storage;
    struct pti_signer *signer;
    struct pti_status_board *board;
    int64_t every_s;
    struct pti_census *census; /* told what is published; NULL: nobody counts */
    struct pti_checks *checks; /* likewise */

    struct stat seen;     /* of timestamp.json when it was last read; all zero before */
    bool failed;          /* the last look or renewal: try again, though nothing changed */
    int64_t next_look;    /* Unix seconds, here and below */
    int64_t next_ask;     /* look then in any case: a signer that hangs is found by asking it */
    int64_t timestamp_at; /* when each has to be renewed */
    int64_t snapshot_at;
    int64_t next_warning;      /* about offline roles that expire soon */
    int64_t timestamp_version; /* allocated and not signed: the signer refused; 0: none */
    int64_t snapshot_version;
};

#define PTI_SERIES_SIZE (PTI_SERVED_NAME_MAX + 33) /* bytes with terminator */

/*
 * Under which name the versions of a role are counted: the repository's, its own and a hash of its keys.  Who once
 * owned the server may have used the numbers up; a root that replaces the keys lets them start again here too.
 * PINTLE_ERR_INPUT, _MEMORY.
 */
enum pintle_status pti_resigner_series(const struct pti_resigner *resigner, const struct pti_published *published,
                                       const char *role, char series[PTI_SERIES_SIZE], struct pti_error *error);

/*
 * The first look, before anybody is served: fills the board, and waits for nobody.  What is due is renewed by the next
 * tick, which may have to wait for a publisher.
 */
void pti_resigner_look(struct pti_resigner *resigner, int64_t now);

/*
 * Cheap when nothing has changed and nothing is due, so it may be called every second; force looks anyway.  Failures
 * are logged and shown on the board, and tried again every_s seconds later.
 */
void pti_resigner_tick(struct pti_resigner *resigner, int64_t now, bool force);

#endif
