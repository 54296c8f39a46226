/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that carried a Pintle-Manifest header, added up: per UTC day, zone, zone version, app release and platform
 * how many there were, and how many of them were a device's first of its day and week.  Bounded: at most `max` rows.
 */
#ifndef PTI_REPORT_TALLY_H
#define PTI_REPORT_TALLY_H

#include <stddef.h>

#include "report/holding.h"

#define PTI_TALLY_OTHER "other" /* the app, without a version, and the platform of what is not told apart */
#define PTI_TALLY_CHARTER ""    /* the zone of the charter's version */

struct pti_tally_row {
    int64_t day; /* since 1970-01-01 */
    char zone[PINTLE_ZONE_NAME_MAX + 1];
    int64_t version;
    char app[PTI_HOLDING_WORD_MAX + 1], app_version[PTI_HOLDING_WORD_MAX + 1];
    const char *os; /* as pti_holding_platform() returns it */
    int64_t hits, days, weeks;
};

struct pti_tally {
    struct pti_tally_row *rows;
    size_t count, capacity, max;
    uint32_t *places; /* hash table: 1 + index of a row; 0: free */
    size_t place_count;
};

void pti_tally_init(struct pti_tally *tally, size_t max);
void pti_tally_clear(struct pti_tally *tally); /* empty, and usable again */
/* Adds hits, days and weeks of row to those of its key.  false: this key is new, and there is no room or no memory. */
bool pti_tally_add(struct pti_tally *tally, const struct pti_tally_row *row);
/*
 * Orders the rows by day, zone, version, app, app_version, os.  Nothing can be added afterwards, until it is
 * cleared.
 */
void pti_tally_sort(struct pti_tally *tally);
int pti_tally_compare(const struct pti_tally_row *a, const struct pti_tally_row *b); /* of keys */
/* Of what is not told apart: PTI_TALLY_OTHER as app and platform. */
void pti_tally_fold(struct pti_tally_row *row);
/* Sum that stays within what JSON and the database can hold. */
int64_t pti_tally_sum(int64_t a, int64_t b);

/*
 * What a header says, on this day: a row for the charter and each zone, of one hit, given to take().  Stops when take()
 * returns false, and returns that.
 */
bool pti_tally_header(const struct pti_holding *held, int64_t day,
                      bool (*take)(void *ctx, const struct pti_tally_row *row), void *ctx);

#endif
