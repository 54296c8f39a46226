/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to poll: at start, then every interval with jitter; after failures, full jitter under a growing cap; never before a
 * Retry-After.  Pure: times in milliseconds of a monotonic clock and random numbers are arguments.
 */
#ifndef PTI_CLIENT_SCHEDULE_H
#define PTI_CLIENT_SCHEDULE_H

#include <stdint.h>

struct pti_schedule {
    int64_t due_ms;
    unsigned failures; /* in a row */
    int64_t min_s, interval_s, max_s;
};

/* Due at once; intervals are those of an empty charter until pti_schedule_set_interval(). */
void pti_schedule_init(struct pti_schedule *schedule, int64_t now_ms);
/* What the charter says; takes effect with the next success or failure. */
void pti_schedule_set_interval(struct pti_schedule *schedule, int64_t min_s, int64_t interval_s, int64_t max_s);
/* The next poll is interval, give or take a tenth, within min and max, and not before retry_after_s (-1: none). */
void pti_schedule_succeeded(struct pti_schedule *schedule, int64_t now_ms, int64_t retry_after_s, uint64_t random);
/* The next poll is between one second and min(interval, 10 s * 2^failures), and not before retry_after_s (-1: none). */
void pti_schedule_failed(struct pti_schedule *schedule, int64_t now_ms, int64_t retry_after_s, uint64_t random);
/* Milliseconds until due, 0 if it is. */
int64_t pti_schedule_wait_ms(const struct pti_schedule *schedule, int64_t now_ms);

#endif
