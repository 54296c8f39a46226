/* SPDX-License-Identifier: Apache-2.0 */
#include "report/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define ROWS_AT_FIRST 64

void pti_tally_init(struct pti_tally *tally, size_t max)
{
    memset(tally, 0, sizeof *tally);
    tally->max = max;
}

void pti_tally_clear(struct pti_tally *tally)
{
    free(tally->rows);
    free(tally->places);
    pti_tally_init(tally, tally->max);
}

int64_t pti_tally_sum(int64_t a, int64_t b)
{
    return a > PTI_JSON_INTEGER_MAX - b ? PTI_JSON_INTEGER_MAX : a + b;
}

int pti_tally_compare(const struct pti_tally_row *a, const struct pti_tally_row *b)
{
    int order = (a->day > b->day) - (a->day < b->day);

    if (order == 0)
        order = strcmp(a->zone, b->zone);
    if (order == 0)
        order = (a->version > b->version) - (a->version < b->version);
    if (order == 0)
        order = strcmp(a->app, b->app);
    if (order == 0)
        order = strcmp(a->app_version, b->app_version);
    return order == 0 ? strcmp(a->os, b->os) : order;
}

/* FNV-1a.  The rows are bounded and few; who chooses keys that collide makes a bounded walk longer. */
static uint64_t mix(uint64_t sum, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static size_t place_of(const struct pti_tally *tally, const struct pti_tally_row *row)
{
    uint64_t sum = mix(UINT64_C(0xcbf29ce484222325), &row->day, sizeof row->day);

    sum = mix(sum, &row->version, sizeof row->version);
    sum = mix(sum, row->zone, strlen(row->zone) + 1);
    sum = mix(sum, row->app, strlen(row->app) + 1);
    sum = mix(sum, row->app_version, strlen(row->app_version) + 1);
    sum = mix(sum, row->os, strlen(row->os));
    for (sum ^= sum >> 32;; sum++) {
        uint32_t found = tally->places[sum & (tally->place_count - 1)];

        if (found == 0 || pti_tally_compare(&tally->rows[found - 1], row) == 0)
            return sum & (tally->place_count - 1);
    }
}

/* Twice as many rows, and four places a row. */
static bool grow(struct pti_tally *tally)
{
    size_t capacity = tally->capacity == 0 ? ROWS_AT_FIRST : 2 * tally->capacity;
    struct pti_tally_row *rows = realloc(tally->rows, capacity * sizeof *rows);
    uint32_t *places = calloc(4 * capacity, sizeof *places);

    if (rows != NULL)
        tally->rows = rows;
    if (rows == NULL || places == NULL) {
        free(places);
        return false;
    }
    free(tally->places);
    tally->places = places;
    tally->place_count = 4 * capacity;
    tally->capacity = capacity;
    for (size_t i = 0; i < tally->count; i++)
        places[place_of(tally, &rows[i])] = (uint32_t)i + 1;
    return true;
}

bool pti_tally_add(struct pti_tally *tally, const struct pti_tally_row *row)
{
    struct pti_tally_row *there;
    size_t place;

    if (tally->count == tally->capacity && tally->count < tally->max && !grow(tally))
        return false;
    place = place_of(tally, row);
    if (tally->places[place] == 0) {
        if (tally->count >= tally->max)
            return false;
        tally->rows[tally->count++] = *row;
        tally->places[place] = (uint32_t)tally->count;
        return true;
    }
    there = &tally->rows[tally->places[place] - 1];
    there->hits = pti_tally_sum(there->hits, row->hits);
    there->days = pti_tally_sum(there->days, row->days);
    there->weeks = pti_tally_sum(there->weeks, row->weeks);
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    return pti_tally_compare(a, b);
}

void pti_tally_sort(struct pti_tally *tally)
{
    if (tally->count > 1)
        qsort(tally->rows, tally->count, sizeof *tally->rows, compare_rows);
}

void pti_tally_fold(struct pti_tally_row *row)
{
    (void)pti_copy_text(row->app, sizeof row->app, PTI_TALLY_OTHER);
    row->app_version[0] = '\0';
    row->os = PTI_TALLY_OTHER;
}

bool pti_tally_header(const struct pti_holding *held, int64_t day,
                      bool (*take)(void *ctx, const struct pti_tally_row *row), void *ctx)
{
    struct pti_tally_row row = {
        .day = day, .version = held->charter, .hits = 1, .days = held->day, .weeks = held->week};
    bool taken;

    memcpy(row.app, held->app, sizeof row.app);
    memcpy(row.app_version, held->app_version, sizeof row.app_version);
    row.os = pti_holding_platform(held->os);
    taken = take(ctx, &row);
    for (size_t i = 0; taken && i < held->zone_count; i++) {
        memcpy(row.zone, held->zones[i].name, sizeof row.zone);
        row.version = held->zones[i].version;
        taken = take(ctx, &row);
    }
    return taken;
}
