/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a client.  A long call (a refresh, a sending of reports) has its turn, `refreshing`, from begin to end, so
 * that there is one at a time (client/turn.h); the lock `state` guards what the quick questions (info, header, next_due,
 * error) read, and is never held during I/O.
 */
#ifndef PTI_CLIENT_CLIENT_H
#define PTI_CLIENT_CLIENT_H

#include <pintle/client.h>

#include "client/adoption.h"
#include "client/config.h"
#include "client/live.h"
#include "client/mark.h"
#include "client/schedule.h"
#include "manifest/generation.h"

/* The two files of a store. */
#define PTI_STORE_ROOTS "roots"
#define PTI_STORE_ACCEPTED "accepted"

/* One file as this client last saw or wrote it; that is how a change by somebody else is noticed. */
struct pti_stored {
    bool known; /* false: it could not be read */
    bool found;
    struct pti_mark mark;      /* of its content */
    struct pintle_bytes bytes; /* owned; of a generation that could not be verified, until it can be; else empty */
};

struct pintle_client {
    struct pintle_config *config; /* a copy of our own */
    struct pintle_crypto *crypto; /* a reference */
    struct pti_live *live;        /* a reference */
    pthread_mutex_t state;
    pthread_cond_t ended; /* a long call has ended */
    bool refreshing;      /* somebody has the turn; under state */
    unsigned waiting;     /* for the turn, but for those who heal: they let others go first; under state */
    unsigned long_calls;  /* with or without it: pintle_client_free() waits for them; under state */

    /* changed by who has the turn, under state; read by who has either */
    struct pti_roots roots;          /* the anchor's, then those fetched or loaded; only grows */
    struct pti_generation *accepted; /* what is in force; NULL if nothing is */
    struct pti_generation *shipped;  /* what came with the app; NULL if nothing did */
    struct pti_stored stored_roots;
    struct pti_stored stored_accepted;
    bool storage_unverified; /* unreadable or unverifiable, and no refresh has succeeded since */
    uint64_t stale_told;     /* a hash of what the application was told is stale; 0: nothing */
    bool behind;             /* something newer is known to exist that could not be applied */
    struct pti_schedule schedule;
    int64_t retry_after_s;          /* of the refresh under way; -1 */
    int64_t confirmed_at;           /* Unix seconds of the last successful refresh by this process; -1 */
    struct pti_error error;         /* of the last failed call */
    struct pti_error refresh_error; /* of the last refresh */
    int64_t heal_at;                /* Unix seconds of the last refresh that a refusal asked for; -1 */
    bool heal_ok;                   /* and whether it succeeded */

    struct pti_adoption adoption; /* as last seen in the store; under state */
    bool adoption_busy;           /* somebody reads or writes it there; under state */
    bool adoption_told;           /* the application knows that it cannot be remembered; under state */
    int64_t adoption_after_ms;    /* monotonic: the store is left alone until then; under state */

    bool outbox_told; /* the application knows that reports cannot be kept in the store; with the turn */

    /* the optional thread, lib/sys/thread.c; under state */
    void *thread;
    void (*thread_stop)(void *thread);
};

/* Tells the application, and the collector, what in force has expired since it was last told.  With the turn. */
void pti_client_tell_stale(struct pintle_client *client);

/* Copies error into the client, for pintle_client_error(), and returns its status. */
enum pintle_status pti_client_fail(struct pintle_client *client, const struct pti_error *error);

/* The local clock: Unix seconds, within the years that metadata can name (1970 to 9999), however wrong it is. */
int64_t pti_client_clock(const struct pintle_client *client);

/* Metadata time for what is in force: the local clock, or a later issue time that was taken.  Unix seconds. */
int64_t pti_client_now(const struct pintle_client *client);

#endif
