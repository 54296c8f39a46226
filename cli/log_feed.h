/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of access logs, added up, and what became of them; a batch of rows as the server takes it. */
#ifndef PTI_CLI_LOG_FEED_H
#define PTI_CLI_LOG_FEED_H

#include "base/buf.h"
#include "cli/log_line.h"
#include "report/sources.h"
#include "report/tally.h"

#define PTI_LOG_LINE_MAX 65536 /* bytes; nothing in a longer line counts */
#define PTI_LOG_BATCH_ROWS 2000

struct pti_log_counts {
    int64_t lines, verdicts[PTI_LOG_VERDICTS];
    int64_t capped; /* lines whose network had counted often enough */
    int64_t lost;   /* versions for which there was no room */
};

struct pti_log_feed {
    struct pti_sources *sources;
    struct pti_tally tally;
    struct pti_log_counts counts;
    struct pti_buf line; /* of which the end has not come yet */
    bool too_long;       /* and never will count */
};

/* sources is borrowed. */
void pti_log_feed_init(struct pti_log_feed *feed, struct pti_sources *sources, size_t rows_max);
void pti_log_feed_clear(struct pti_log_feed *feed);

/*
 * Takes bytes up to the end of a line, or all of them; returns how many.  *ended tells whether that was the end of a
 * line, which has been counted.
 */
size_t pti_log_feed_take(struct pti_log_feed *feed, struct pintle_bytes bytes, bool *ended);
/* The stream is over: what has no end is a line too. */
void pti_log_feed_end(struct pti_log_feed *feed);
/* Whether one more line might find no room. */
bool pti_log_feed_is_full(const struct pti_log_feed *feed);
/* Forgets a line whose end did not come. */
void pti_log_feed_drop_line(struct pti_log_feed *feed);

/* The rows as POST /v1/adoption takes them, a JSON array; the tally is empty afterwards. */
void pti_log_feed_write_rows(struct pti_log_feed *feed, struct pti_buf *out);
/* "2026-11-21" */
void pti_log_day_format(int64_t day, char out[11]);

#endif
