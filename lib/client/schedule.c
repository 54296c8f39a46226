/* SPDX-License-Identifier: Apache-2.0 */
#include "client/schedule.h"

#define BACKOFF_BASE_MS 10000
#define BACKOFF_FLOOR_MS 1000
#define RETRY_AFTER_MAX_S (24 * 3600) /* a server, or whoever speaks for it, cannot silence a client for longer */
#define DEFAULT_MIN_S 300
#define DEFAULT_INTERVAL_S 3600
#define DEFAULT_MAX_S 86400

void pti_schedule_init(struct pti_schedule *schedule, int64_t now_ms)
{
    *schedule = (struct pti_schedule){now_ms, 0, DEFAULT_MIN_S, DEFAULT_INTERVAL_S, DEFAULT_MAX_S};
}

void pti_schedule_set_interval(struct pti_schedule *schedule, int64_t min_s, int64_t interval_s, int64_t max_s)
{
    schedule->min_s = min_s;
    schedule->interval_s = interval_s;
    schedule->max_s = max_s;
}

/* Uniform in [0, bound]: the bias of the remainder is below 2^-30 for any bound of a day or less. */
static int64_t uniform(uint64_t random, int64_t bound)
{
    return (int64_t)(random % ((uint64_t)bound + 1));
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void set_due(struct pti_schedule *schedule, int64_t now_ms, int64_t wait_ms, int64_t retry_after_s)
{
    int64_t floor_ms = clamp(retry_after_s, 0, RETRY_AFTER_MAX_S) * 1000;

    schedule->due_ms = now_ms + (wait_ms > floor_ms ? wait_ms : floor_ms);
}

void pti_schedule_succeeded(struct pti_schedule *schedule, int64_t now_ms, int64_t retry_after_s, uint64_t random)
{
    int64_t interval_ms = clamp(schedule->interval_s, schedule->min_s, schedule->max_s) * 1000;
    int64_t jittered = interval_ms - interval_ms / 10 + uniform(random, interval_ms / 5);

    schedule->failures = 0;
    set_due(schedule, now_ms, clamp(jittered, schedule->min_s * 1000, schedule->max_s * 1000), retry_after_s);
}

void pti_schedule_failed(struct pti_schedule *schedule, int64_t now_ms, int64_t retry_after_s, uint64_t random)
{
    int64_t cap = clamp(schedule->interval_s, schedule->min_s, schedule->max_s) * 1000;
    int64_t bound = BACKOFF_BASE_MS;

    for (unsigned i = 0; i < schedule->failures && bound < cap; i++)
        bound *= 2;
    if (bound > cap)
        bound = cap;
    schedule->failures++;
    set_due(schedule, now_ms,
            clamp(uniform(random, bound), BACKOFF_FLOOR_MS, bound > BACKOFF_FLOOR_MS ? bound : BACKOFF_FLOOR_MS),
            retry_after_s);
}

int64_t pti_schedule_wait_ms(const struct pti_schedule *schedule, int64_t now_ms)
{
    return schedule->due_ms > now_ms ? schedule->due_ms - now_ms : 0;
}
