/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of reports to the disk: a bounded queue of requests and one thread that stores what has gathered in one
 * transaction, so that a hundred waiting clients share one fsync, and those who fetch files never wait for a disk.
 *
 * done() of a request is called exactly once, and says PTI_INTAKE_STORED only after the commit.
 */
#ifndef PTI_SERVER_INTAKE_H
#define PTI_SERVER_INTAKE_H

#include "report/report_batch.h"
#include "server/census.h"
#include "server/intake_store.h"
#include "server/metrics.h"

enum pti_intake_result {
    PTI_INTAKE_STORED, /* all of it, now or by an earlier report of the same id */
    PTI_INTAKE_FULL,   /* too much is waiting: nothing was taken */
    PTI_INTAKE_FAILED, /* the disk is full, or the database fails */
    PTI_INTAKE_STOPPED
};

typedef void (*pti_intake_done_fn)(void *ctx, enum pti_intake_result result);

/* What the intake works with; borrowed. */
struct pti_intake_settings {
    struct pti_database *storage;
    struct pintle_crypto *crypto;
    int64_t keep;   /* whole reports, in all */
    int64_t sample; /* of one series in an hour */
    struct pti_metrics *metrics;
    struct pti_census *census; /* NULL is legal */
    struct pti_service_status *status;
};

/* The reports of one request. */
struct pti_intake_request {
    const char *repository;         /* outlives the intake */
    uint64_t network;               /* where it came from, as report/network.h has it */
    struct pti_report_batch *batch; /* cleared by pti_intake_submit(), whatever happens */
    pti_intake_done_fn done;
    void *ctx;
};

struct pti_intake;

/* PINTLE_ERR_MEMORY. */
enum pintle_status pti_intake_new(const struct pti_intake_settings *settings, struct pti_intake **intake,
                                  struct pti_error *error);
/* done runs on the intake's thread, or here if the request cannot be queued. */
void pti_intake_submit(struct pti_intake *intake, const struct pti_intake_request *request);
/* Stores what is queued and ends the thread; later submissions get PTI_INTAKE_STOPPED. */
void pti_intake_stop(struct pti_intake *intake);
void pti_intake_free(struct pti_intake *intake); /* stops first; NULL is legal */

#endif
