/* SPDX-License-Identifier: Apache-2.0 */
#include "server/probe_schedule.h"

size_t pti_probe_choose(const struct pti_probe_slot *slots, size_t count, int64_t now_ms, size_t most, int64_t *wait_ms)
{
    size_t first = PTI_PROBE_NONE, running = 0;

    for (size_t i = 0; i < count; i++) {
        running += slots[i].used && slots[i].running;
        if (slots[i].used && !slots[i].running && (first == PTI_PROBE_NONE || slots[i].at_ms < slots[first].at_ms))
            first = i;
    }
    *wait_ms = -1;
    if (first == PTI_PROBE_NONE || running >= most)
        return PTI_PROBE_NONE;
    if (slots[first].at_ms <= now_ms)
        return first;
    *wait_ms = slots[first].at_ms - now_ms;
    return PTI_PROBE_NONE;
}

/* Of 0 to limit_ms, the latter not reached. */
static int64_t share(int64_t limit_ms, uint32_t random)
{
    return (int64_t)(((uint64_t)limit_ms * random) >> 32);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t pti_probe_delay(int64_t interval_ms, unsigned failures, uint32_t random)
{
    int64_t cap = PTI_PROBE_RETRY_MS;

    if (failures == 0)
        return interval_ms / 2 + share(interval_ms, random);
    for (unsigned i = 1; i < failures && cap < interval_ms; i++)
        cap *= 2;
    return share(smaller(cap, interval_ms), random);
}

int64_t pti_probe_first_delay(int64_t interval_ms, uint32_t random)
{
    return share(smaller(interval_ms, PTI_PROBE_SPREAD_MS), random);
}
