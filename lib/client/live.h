/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What checks and updates share: the pinset in force, the wish for a refresh, the queue of reports, and the way to the
 * application's event callback.  Reference-counted: checkers may outlive their client.  Its one lock is held for a few
 * instructions at a time, never during I/O, so that a check never waits for an update.
 */
#ifndef PTI_CLIENT_LIVE_H
#define PTI_CLIENT_LIVE_H

#include <pthread.h>

#include <pintle/checker.h>
#include <pintle/clock.h>
#include <pintle/event.h>

#include "client/bucket.h"
#include "client/chain.h"
#include "client/reports.h"

/* Wishes for a refresh, numbered from 1 as they are granted.  A refresh serves all that were made before it began. */
struct pti_heal {
    uint64_t wished;       /* the last one */
    uint64_t begun;        /* the last one that a refresh which has begun serves */
    uint64_t tried;        /* ... which has ended */
    uint64_t healed;       /* ... which has succeeded */
    int64_t patient_until; /* monotonic ms: the repository asked for patience, so no wish is granted */
};

struct pti_live {
    atomic_size_t references;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a refresh is wanted, a callback ended, or the client is closing */
    struct pintle_clock clock;
    struct pintle_crypto *crypto; /* a reference */
    atomic_uint needs;            /* what evidence must hold for the pinset in force */

    /* under lock */
    struct pintle_pinset *pinset; /* a reference; NULL only before the first pti_live_swap() */
    int64_t time_floor;           /* Unix seconds: metadata time is never before this */
    struct pti_buckets buckets;
    struct pti_heal heal;
    bool reports_wanted;      /* something for the thread: a report that is in no store yet */
    pintle_event_fn on_event; /* NULL once closed */
    void *event_ctx;
    unsigned callbacks; /* running now */
    bool closed;

    /* under a lock of their own, so that a check that passes never waits for a report that is written */
    pthread_mutex_t reports_lock;
    struct pti_reports reports;
    struct pti_chains chains;
    struct pti_successes successes; /* without any lock */
    atomic_uint chains_missing;     /* asked for, not met yet */
    atomic_uint recovering;         /* reports of refusals whose connection may pass yet */
};

/* PINTLE_ERR_MEMORY.  The caller owns one reference. */
enum pintle_status pti_live_new(const struct pintle_clock *clock, struct pintle_crypto *crypto,
                                pintle_event_fn on_event, void *event_ctx, struct pti_live **live);
struct pti_live *pti_live_ref(struct pti_live *live);
void pti_live_unref(struct pti_live *live);
/* The client is going: no event, report or refresh from here on; returns once no callback is running. */
void pti_live_close(struct pti_live *live);

bool pti_live_closed(struct pti_live *live);

/* Takes pinset over. */
void pti_live_swap(struct pti_live *live, struct pintle_pinset *pinset, int64_t time_floor);
struct pintle_pinset *pti_live_pinset(struct pti_live *live); /* a reference */
int64_t pti_live_now(struct pti_live *live);                  /* metadata time in Unix seconds */

void pti_live_emit(struct pti_live *live, enum pintle_event_kind kind, enum pintle_status status,
                   const struct pintle_verdict *verdict, const char *message);

/* Now, with fresh random numbers, for a report. */
struct pti_report_moment pti_live_moment(struct pti_live *live);
/* Under the lock of the reports: how many wait for their connection to pass. */
void pti_live_count_recovering(struct pti_live *live);
bool pti_live_reports_wanted(struct pti_live *live); /* asked once */

/* Queues a report about a manifest from url: reason is "manifest_rejected" or "stale". */
void pti_live_report_manifest(struct pti_live *live, const char *url, const char *reason, int64_t charter_version);

bool pti_live_heal_wanted(struct pti_live *live); /* is there a wish that no refresh has begun to serve? */
/* A refresh begins: it serves every wish so far.  False if there was none. */
bool pti_live_heal_begin(struct pti_live *live);
/* It has ended.  The repository wants no other for patience_ms, of which at most PTI_HEAL_PATIENCE_MAX_MS count. */
void pti_live_heal_end(struct pti_live *live, bool succeeded, int64_t patience_ms);
/* The wish of the last refusal of host with PINTLE_ERR_RETRY; 0 if there was none. */
uint64_t pti_live_wish(struct pti_live *live, const char *host);
/* Has a refresh that serves this wish ended, or succeeded? */
bool pti_live_heal_tried(struct pti_live *live, uint64_t wish);
bool pti_live_heal_healed(struct pti_live *live, uint64_t wish);
/* Waits until a refresh is wanted, a report is new, the client closes, or timeout_ms passed; false if closing. */
bool pti_live_wait(struct pti_live *live, int64_t timeout_ms);

/* A checker that follows this state. */
enum pintle_status pti_live_checker(struct pti_live *live, struct pintle_checker **checker);

#endif
