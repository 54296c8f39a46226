/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What POST /v1/adoption brings: counts that somebody added up from access logs, and a name that makes them count once.
 *
 *     {"batch":"ID","repository":"shop","rows":[{"day":"2026-11-21","zone":"payments","version":41,
 *      "app":"com.example.shop","app_version":"3.2.0","os":"ios","hits":12,"d":3,"w":1}]}
 *
 * zone null is the charter; repository (default: the one at the root), app, app_version, os, d and w may be left out.
 * Pure.
 */
#ifndef PTI_SERVER_ADOPTION_BATCH_H
#define PTI_SERVER_ADOPTION_BATCH_H

#include "base/error.h"
#include "report/tally.h"

#define PTI_BATCH_ID_MIN 16
#define PTI_BATCH_ID_MAX PTI_HOLDING_WORD_MAX

struct pti_adoption_batch {
    char id[PTI_BATCH_ID_MAX + 1]; /* letters, digits, . _ + - */
    char repository[PTI_HOLDING_WORD_MAX + 1];
    struct pti_tally tally; /* equal keys are one row */
};

/*
 * Strict: a member that is not known is refused.  On failure *batch is empty.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.  On
 * success the caller clears batch->tally.
 */
enum pintle_status pti_adoption_batch_parse(struct pintle_bytes text, struct pti_adoption_batch *batch,
                                            struct pti_error *error);

#endif
