/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which reports were taken before, so that none is counted twice: 64 bits of the hash of each id, in two generations.
 * When the younger one is PTI_SEEN_SPAN_S old, or full, it becomes the older one and that one is forgotten.  So an id
 * is known for one to two spans, unless more come in a span than the set may hold; then for as long as that many take
 * to come.
 *
 * It is the memory of a log that the database keeps (server/intake_store.h); each generation knows with which number
 * of the log it began.  Pure: time is an argument.
 */
#ifndef PTI_SERVER_SEEN_H
#define PTI_SERVER_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PTI_SEEN_SPAN_S (36 * 3600) /* a client tries for a day */

struct pti_seen {
    struct pti_seen_generation {
        uint64_t *slots; /* 0: free */
        size_t capacity; /* a power of two, or 0 */
        size_t count;
        int64_t began; /* Unix seconds */
        int64_t first; /* number of the log */
    } young, old;
    size_t max; /* ids in one generation */
};

void pti_seen_init(struct pti_seen *seen, size_t max);
void pti_seen_clear(struct pti_seen *seen);
void pti_seen_forget(struct pti_seen *seen); /* every id of the younger generation; the room stays */
bool pti_seen_has(const struct pti_seen *seen, uint64_t id);
/* Room for count more, so that adding them cannot fail; false: no memory. */
bool pti_seen_reserve(struct pti_seen *seen, size_t count);
/* Begins a new generation if it is time: number is that of the entry of the log whose ids come next. */
void pti_seen_turn(struct pti_seen *seen, int64_t at, int64_t number);
void pti_seen_add(struct pti_seen *seen, uint64_t id);
/* The oldest entry of the log that is still needed; 0: all. */
int64_t pti_seen_oldest(const struct pti_seen *seen);

#endif
