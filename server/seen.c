/* SPDX-License-Identifier: Apache-2.0 */
#include "server/seen.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN 1024

void pti_seen_init(struct pti_seen *seen, size_t max)
{
    memset(seen, 0, sizeof *seen);
    seen->max = max;
}

void pti_seen_clear(struct pti_seen *seen)
{
    free(seen->young.slots);
    free(seen->old.slots);
    pti_seen_init(seen, seen->max);
}

void pti_seen_forget(struct pti_seen *seen)
{
    if (seen->young.slots)
        memset(seen->young.slots, 0, seen->young.capacity * sizeof *seen->young.slots);
    seen->young.count = 0;
}

/* Ids are hashes already: their low bits say where to look, and 0, which marks a free slot, is taken for 1. */
static uint64_t *find(const struct pti_seen_generation *generation, uint64_t id)
{
    size_t mask = generation->capacity - 1;
    size_t at = (size_t)id & mask;

    while (generation->slots[at] != 0 && generation->slots[at] != id)
        at = (at + 1) & mask;
    return &generation->slots[at];
}

static bool has(const struct pti_seen_generation *generation, uint64_t id)
{
    return generation->count > 0 && *find(generation, id) == id;
}

bool pti_seen_has(const struct pti_seen *seen, uint64_t id)
{
    id += id == 0;
    return has(&seen->young, id) || has(&seen->old, id);
}

/* At most three quarters of the slots are used. */
bool pti_seen_reserve(struct pti_seen *seen, size_t count)
{
    struct pti_seen_generation *young = &seen->young, grown = *young;

    grown.capacity = young->capacity > 0 ? young->capacity : CAPACITY_MIN;
    while (grown.capacity / 4 * 3 < young->count + count)
        grown.capacity *= 2;
    if (grown.capacity == young->capacity)
        return true;
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < young->capacity; i++)
        if (young->slots[i] != 0)
            *find(&grown, young->slots[i]) = young->slots[i];
    free(young->slots);
    *young = grown;
    return true;
}

void pti_seen_turn(struct pti_seen *seen, int64_t at, int64_t number)
{
    struct pti_seen_generation *young = &seen->young;

    if (young->count > 0 && (young->count >= seen->max || at - young->began >= PTI_SEEN_SPAN_S)) {
        free(seen->old.slots);
        seen->old = *young;
        memset(young, 0, sizeof *young);
    }
    if (young->count == 0) {
        young->began = at;
        young->first = number;
    }
}

void pti_seen_add(struct pti_seen *seen, uint64_t id)
{
    uint64_t *slot = NULL;

    assert(seen->young.count < seen->young.capacity);
    id += id == 0;
    slot = find(&seen->young, id);
    seen->young.count += *slot == 0;
    *slot = id;
}

int64_t pti_seen_oldest(const struct pti_seen *seen)
{
    return seen->old.count > 0 ? seen->old.first : seen->young.first;
}
