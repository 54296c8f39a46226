/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many requests of one network and day are counted.  Requests can be forged: with this, who wants to bend a count
 * needs many networks, not many requests.
 *
 * Networks share PTI_SOURCES slots by a keyed hash, so the size is fixed and no address is kept; whoever does not
 * know the key cannot choose whom to share with.  Where more networks than slots are active, some share a cap.
 */
#ifndef PTI_REPORT_SOURCES_H
#define PTI_REPORT_SOURCES_H

#include <stdbool.h>
#include <stdint.h>

#define PTI_SOURCES 4096
#define PTI_SOURCES_KEY_SIZE 16
#define PTI_SOURCES_PER_DAY_DEFAULT 10000
#define PTI_SOURCES_PER_DAY_MAX 1000000000

struct pti_sources {
    uint8_t key[PTI_SOURCES_KEY_SIZE];
    uint32_t per_day;
    int64_t day; /* since 1970-01-01 */
    uint32_t counted[PTI_SOURCES];
};

/* key is random. */
void pti_sources_init(struct pti_sources *sources, const uint8_t key[PTI_SOURCES_KEY_SIZE], uint32_t per_day);
/*
 * Whether a request of this network (network.h) on this day counts; if so, it has been.  All begin anew with each day;
 * what comes late, on the day before, counts with the day that has begun.
 */
bool pti_sources_count(struct pti_sources *sources, int64_t day, uint64_t network);

#endif
