/* SPDX-License-Identifier: Apache-2.0 */
#include "server/series.h"

#include <stdlib.h>
#include <string.h>

#define ALL_MAX (PTI_SERIES_MAX + PTI_SERVED_MAX)
#define SLOTS (2 * ALL_MAX)
#define SWEEP_EVERY_S 60
#define HOUR_S 3600

enum pintle_status pti_series_set_init(struct pti_series_set *set, struct pti_error *error)
{
    memset(set, 0, sizeof *set);
    set->all = calloc(ALL_MAX, sizeof *set->all);
    set->slots = calloc(SLOTS, sizeof *set->slots);
    if (set->all && set->slots)
        return PINTLE_OK;
    pti_series_set_clear(set);
    return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the live series of reports");
}

void pti_series_set_clear(struct pti_series_set *set)
{
    free(set->all);
    free(set->slots);
    memset(set, 0, sizeof *set);
}

static uint32_t *find_slot(const struct pti_series_set *set, const struct pti_series_key *key)
{
    uint32_t at = 0;

    memcpy(&at, key->bytes, sizeof at);
    for (at %= SLOTS; set->slots[at] != 0; at = (at + 1) % SLOTS)
        if (pti_series_key_compare(&set->all[set->slots[at] - 1].key, key) == 0)
            break;
    return &set->slots[at];
}

struct pti_series *pti_series_find(const struct pti_series_set *set, const struct pti_series_key *key)
{
    uint32_t slot = *find_slot(set, key);

    return slot == 0 ? NULL : &set->all[slot - 1];
}

static void sweep(struct pti_series_set *set, int64_t now)
{
    size_t kept = 0;

    memset(set->slots, 0, SLOTS * sizeof *set->slots);
    for (size_t i = 0; i < set->count; i++) {
        if (now - set->all[i].last > PTI_SERIES_IDLE_S)
            continue;
        set->all[kept] = set->all[i];
        *find_slot(set, &set->all[kept].key) = (uint32_t)kept + 1;
        kept++;
    }
    set->count = kept;
    set->swept = now;
}

size_t pti_series_room(struct pti_series_set *set, int64_t now)
{
    /* A clock that was set back must not stop it. */
    if (set->count >= PTI_SERIES_MAX && (now - set->swept >= SWEEP_EVERY_S || now < set->swept))
        sweep(set, now);
    return set->count < PTI_SERIES_MAX ? PTI_SERIES_MAX - set->count : 0;
}

struct pti_series *pti_series_note(struct pti_series_set *set, const struct pti_series_key *key, int64_t now)
{
    struct pti_series *series = pti_series_find(set, key);

    if (!series && set->count == ALL_MAX)
        return NULL;
    if (!series) {
        series = &set->all[set->count];
        *series = (struct pti_series){.key = *key};
        *find_slot(set, key) = (uint32_t)++set->count;
    }
    series->last = now;
    return series;
}

int64_t pti_series_sampled(const struct pti_series *series, int64_t now)
{
    return series->hour == now / HOUR_S ? series->sampled : 0;
}

void pti_series_note_sampled(struct pti_series *series, int64_t count, int64_t now)
{
    series->sampled = pti_series_sampled(series, now) + count;
    series->hour = now / HOUR_S;
}
