/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live series: those that reports came for within the last PTI_SERIES_IDLE_S, at most PTI_SERIES_MAX.  What is
 * not among them when there is no room counts as "other".  Pure, of fixed size: time is an argument.
 */
#ifndef PTI_SERVER_SERIES_H
#define PTI_SERVER_SERIES_H

#include "server/rollup.h"

struct pti_series {
    struct pti_series_key key;
    int64_t last;    /* when a report came, Unix seconds */
    int64_t hour;    /* in which */
    int64_t sampled; /* so many were kept whole */
};

struct pti_series_set {
    struct pti_series *all; /* PTI_SERIES_MAX, and the "other" of each repository */
    uint32_t *slots;        /* by key: 1 + the number of one; 0: free */
    size_t count;
    int64_t swept;
};

/* PINTLE_ERR_MEMORY. */
enum pintle_status pti_series_set_init(struct pti_series_set *set, struct pti_error *error);
void pti_series_set_clear(struct pti_series_set *set);
/* NULL if it is not live. */
struct pti_series *pti_series_find(const struct pti_series_set *set, const struct pti_series_key *key);
/* How many more may become live; forgets idle ones if there is none, once a minute. */
size_t pti_series_room(struct pti_series_set *set, int64_t now);
/* A report of it came.  Makes it live if it is not, room or none; NULL beyond the "others". */
struct pti_series *pti_series_note(struct pti_series_set *set, const struct pti_series_key *key, int64_t now);
/* How many of its reports were kept in this hour. */
int64_t pti_series_sampled(const struct pti_series *series, int64_t now);
void pti_series_note_sampled(struct pti_series *series, int64_t count, int64_t now);

#endif
