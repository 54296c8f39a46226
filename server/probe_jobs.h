/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the prober has to do, in memory: targets, which are resolved again and again, and their edges, which are probed.
 * No I/O and no clock: a sequence of calls always leads to the same table.  All times are milliseconds of one clock.
 */
#ifndef PTI_SERVER_PROBE_JOBS_H
#define PTI_SERVER_PROBE_JOBS_H

#include "server/edges.h"
#include "server/probe_schedule.h"

struct pti_probe_job {
    size_t slot;
    bool is_edge;
    bool gone;                   /* removed while somebody was at it */
    struct pti_target target;    /* of an edge: at its address */
    enum pti_probe_key key;      /* of an edge */
    unsigned failures;           /* in a row */
    enum pti_edge_pinned pinned; /* of an edge: as last found */
    bool resolved;               /* of a target, here and below */
    unsigned sources;            /* who names it: bit S for source S */
    struct pti_endpoint *addresses;
    size_t address_count;
};

struct pti_probe_jobs {
    int64_t every_ms;
    uint64_t random; /* any start; each draw changes it */
    struct pti_probe_slot *slots;
    struct pti_probe_job *jobs; /* job i has slot i */
    size_t count, target_count, edge_count;
};

/* Zero-initialised but for every_ms and random, jobs are ready. */
void pti_probe_jobs_clear(struct pti_probe_jobs *jobs);

/* It is there already, or there is room for it.  PINTLE_ERR_INPUT: there are PTI_TARGETS_MAX. */
enum pintle_status pti_probe_jobs_has_room(const struct pti_probe_jobs *jobs, const struct pti_target *target,
                                           struct pti_error *error);
/* One that is there already is named by one more.  PINTLE_ERR_INPUT: there are PTI_TARGETS_MAX; PINTLE_ERR_MEMORY. */
enum pintle_status pti_probe_jobs_add(struct pti_probe_jobs *jobs, const struct pti_target *target, int64_t now_ms,
                                      struct pti_error *error);
/* Once no other source names it; with the edges that no other target yields. */
void pti_probe_jobs_remove(struct pti_probe_jobs *jobs, const struct pti_target *target);
/*
 * The hosts that pinset lists, each at its own name, take the place of those of the manifest before; every edge of
 * repository is due soon, as verdicts may have changed.  False: some found no room.
 */
bool pti_probe_jobs_set_manifest(struct pti_probe_jobs *jobs, const char *repository,
                                 const struct pintle_pinset *pinset, int64_t now_ms);
/* What target resolved to: addresses appear as edges, others disappear.  False: some found no room. */
bool pti_probe_jobs_resolved(struct pti_probe_jobs *jobs, const struct pti_target *target,
                             const struct pti_endpoint *addresses, size_t count, int64_t now_ms);
/* Whether this is an edge, or may be one of a target that has not been resolved yet. */
bool pti_probe_jobs_want(const struct pti_probe_jobs *jobs, const struct pti_edge_key *key);

/* The one to do now, into *job, while fewer than most are under way; false: none, see pti_probe_choose(). */
bool pti_probe_jobs_take(struct pti_probe_jobs *jobs, int64_t now_ms, size_t most, struct pti_probe_job *job,
                         int64_t *wait_ms);
/* What was taken has been done; job->pinned is remembered. */
void pti_probe_jobs_done(struct pti_probe_jobs *jobs, const struct pti_probe_job *job, bool good, int64_t now_ms);

struct pti_edge_key pti_probe_edge_key(const struct pti_target *target, const char *address, enum pti_probe_key key);

#endif
