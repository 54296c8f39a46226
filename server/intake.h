/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a report to the disk: a bounded queue and one thread that stores what has gathered in one transaction, so
 * that a hundred waiting clients share one fsync, and those who fetch files never wait for a disk.
 *
 * done() of a report is called exactly once, and says PTI_INTAKE_STORED only after the commit.
 */
#ifndef PTI_SERVER_INTAKE_H
#define PTI_SERVER_INTAKE_H

#include "server/metrics.h"
#include "server/storage.h"

enum pti_intake_result {
    PTI_INTAKE_STORED, /* now or by an earlier report of this id */
    PTI_INTAKE_FULL,   /* the queue is full: nothing was taken */
    PTI_INTAKE_FAILED, /* the disk is full, or the database fails */
    PTI_INTAKE_STOPPED
};

typedef void (*pti_intake_done_fn)(void *ctx, enum pti_intake_result result);

struct pti_intake;

/* storage, metrics and service are borrowed.  Only the newest keep reports stay.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_intake_new(struct pti_database *storage, int64_t keep, struct pti_metrics *metrics,
                                  struct pti_service_status *service, struct pti_intake **intake,
                                  struct pti_error *error);
/* Takes *report, whatever happens.  done runs on the intake's thread, or here if the report cannot be queued. */
void pti_intake_submit(struct pti_intake *intake, struct pti_report *report, pti_intake_done_fn done, void *ctx);
/* Stores what is queued and ends the thread; later submissions get PTI_INTAKE_STOPPED. */
void pti_intake_stop(struct pti_intake *intake);
void pti_intake_free(struct pti_intake *intake); /* stops first; NULL is legal */

#endif
