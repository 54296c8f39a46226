/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prober: a few threads of their own that resolve targets and probe edges, each when it is due
 * (server/probe_schedule.h), judge what is served by every generation that clients may hold, and store it
 * (server/edges.h).  No request ever waits for it.
 */
#ifndef PTI_SERVER_PROBER_H
#define PTI_SERVER_PROBER_H

#include "server/targets.h"

struct pti_prober;

struct pti_prober_settings {
    struct pti_database *database; /* its own; borrowed, as all below */
    struct pintle_crypto *crypto;
    int64_t every_s;     /* between two looks at the same edge; 0: never, targets are only kept */
    const char *ca_file; /* PEM; NULL: the machine's trust store */
};

/* On success the caller frees *prober.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_prober_new(const struct pti_prober_settings *settings, struct pti_prober **prober,
                                  struct pti_error *error);
/* A repository whose hosts are targets, and whose generations judge; directory is borrowed.  Before it is started. */
enum pintle_status pti_prober_add_repository(struct pti_prober *prober, const char *name, const char *directory,
                                             struct pti_error *error);

/* Whether pti_prober_add() would take it now, but for memory. */
enum pintle_status pti_prober_may_add(struct pti_prober *prober, const struct pti_target *target,
                                      struct pti_error *error);

/*
 * From any thread.  A target that is there already stays what it is.  PINTLE_ERR_INPUT: there is no such repository, or
 * there are PTI_TARGETS_MAX targets already; PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_prober_add(struct pti_prober *prober, const struct pti_target *target, struct pti_error *error);
void pti_prober_remove(struct pti_prober *prober, const struct pti_target *target);

/* Takes the targets that the database keeps, if it can, then starts the threads.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_prober_start(struct pti_prober *prober, struct pti_error *error);
/* Main thread, about once a second; cheap while no repository has changed.  A change makes everything due soon. */
void pti_prober_tick(struct pti_prober *prober, int64_t now);
/* Ends what is under way, and the threads. */
void pti_prober_stop(struct pti_prober *prober);
void pti_prober_free(struct pti_prober *prober); /* NULL is legal */

#endif
