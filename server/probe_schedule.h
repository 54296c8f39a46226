/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to look at what: pure.  Everything that is looked at again and again (a name that is resolved, an edge that is
 * probed) has a slot.  Each waits a random time of its own, so that nothing ever goes out to all edges at one
 * instant, and at most so many are under way at once.
 */
#ifndef PTI_SERVER_PROBE_SCHEDULE_H
#define PTI_SERVER_PROBE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pti_probe_slot {
    int64_t at_ms; /* when it is due, on the clock that now_ms is read from */
    bool used;     /* false: free */
    bool running;  /* somebody has taken it */
};

#define PTI_PROBE_NONE SIZE_MAX

/*
 * Which slot to take now: the one that has been due for longest.  PTI_PROBE_NONE: none is, or most are under way
 * already; *wait_ms is then how long nothing will be due (-1: until something changes).
 */
size_t pti_probe_choose(const struct pti_probe_slot *slots, size_t count, int64_t now_ms, size_t most,
                        int64_t *wait_ms);

/*
 * How long to wait after a result, failures of which in a row were bad: from half of the interval to one and a half
 * after a good one.  After a bad one anything up to a cap that starts at PTI_PROBE_RETRY_MS, so that a passing
 * failure is soon over, and doubles up to the interval, so that a dead edge costs no more than a live one.  random is
 * uniform.
 */
int64_t pti_probe_delay(int64_t interval_ms, unsigned failures, uint32_t random);

/*
 * How long something that is new, or is to be looked at anew, waits: anything up to PTI_PROBE_SPREAD_MS or the
 * interval.
 */
int64_t pti_probe_first_delay(int64_t interval_ms, uint32_t random);

#define PTI_PROBE_RETRY_MS 15000
#define PTI_PROBE_SPREAD_MS 30000

#endif
