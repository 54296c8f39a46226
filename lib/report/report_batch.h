/* SPDX-License-Identifier: Apache-2.0 */
/* The reports of one request, in our form or in that of others (report/foreign.h). */
#ifndef PTI_REPORT_REPORT_BATCH_H
#define PTI_REPORT_REPORT_BATCH_H

#include "base/crypto.h"
#include "report/report.h"

/* What one request brings: a report, or an array of 1 to PTI_REPORT_BATCH_MAX, all of them or none. */
struct pti_report_batch {
    struct pti_json *json; /* which the reports point into */
    bool foreign;          /* it came in the form of report/foreign.h */
    size_t count;
    struct pti_report all[PTI_REPORT_BATCH_MAX];
};

/*
 * Documents are not made.  A report of others, which comes alone, needs crypto and network (report/foreign.h).  The
 * error of an array names the element.  On success the caller clears the batch.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_report_parse_batch(struct pintle_bytes text, struct pintle_crypto *crypto, uint64_t network,
                                          struct pti_report_batch *batch, struct pti_error *error);
void pti_report_batch_clear(struct pti_report_batch *batch);

#endif
