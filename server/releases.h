/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The app releases that are told apart when adoption is counted; all others are one, "other".  Adding and removing
 * stand in the journal, in the same transaction.
 *
 * All return PINTLE_OK, PINTLE_ERR_STORAGE or PINTLE_ERR_MEMORY, and what is said besides.
 */
#ifndef PTI_SERVER_RELEASES_H
#define PTI_SERVER_RELEASES_H

#include "report/holding.h"
#include "server/database.h"

struct pti_release {
    char app[PTI_HOLDING_WORD_MAX + 1],
        version[PTI_HOLDING_WORD_MAX + 1]; /* as the header Pintle-Manifest writes them */
    int64_t generation;                    /* N: it ships app/shipped-N of its repository; 0: not said */
    int64_t added;                         /* Unix seconds */
};

/*
 * Of an app and a version as the application gives them to pintle_config_set_app(3).  PINTLE_ERR_MISUSE: empty, too
 * long, not ASCII, or the one name that is taken.
 */
enum pintle_status pti_release_init(struct pti_release *release, const char *app, const char *version,
                                    struct pti_error *error);

/* By app, then by version; the order of pti_releases_list(). */
int pti_release_compare(const struct pti_release *a, const struct pti_release *b);

/* PINTLE_ERR_MISUSE: there is that one, or there are PTI_RELEASES_MAX. */
enum pintle_status pti_releases_add(struct pti_database *database, const struct pti_release *release, const char *actor,
                                    struct pti_error *error);
/* What was counted of it stays.  *found tells whether there was one. */
enum pintle_status pti_releases_remove(struct pti_database *database, const struct pti_release *release,
                                       const char *actor, bool *found, struct pti_error *error);

struct pti_release_query {
    const char *app, *version; /* those after this one; "" and "": from the first */
    int64_t limit;
    /* false ends with PINTLE_ERR_MEMORY. */
    bool (*row)(void *ctx, const struct pti_release *release);
    void *ctx;
};
enum pintle_status pti_releases_list(struct pti_database *database, const struct pti_release_query *query,
                                     struct pti_error *error);

#endif
