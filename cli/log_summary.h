/* SPDX-License-Identifier: Apache-2.0 */
/* What `pintle logfeed` prints: what the lines were, and what became of the versions they named. */
#ifndef PTI_CLI_LOG_SUMMARY_H
#define PTI_CLI_LOG_SUMMARY_H

#include <stdio.h>

#include "cli/log_feed.h"

struct pti_log_summary {
    const struct pti_log_counts *counts;
    int64_t counted, refused; /* hits, as the server says */
    struct pti_tally *rows;   /* of a dry run, which sends nothing; sorted here.  NULL */
};

/* PINTLE_ERR_MEMORY, PINTLE_ERR_STORAGE (stream). */
enum pintle_status pti_log_summary_print(const struct pti_log_summary *summary, bool json, FILE *out,
                                         struct pti_error *error);

#endif
