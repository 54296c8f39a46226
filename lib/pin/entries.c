/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays sorted by the name that their elements begin with. */
#include "pin/entries.h"

#include <stdlib.h>
#include <string.h>

static const char *name_at(const void *items, size_t size, size_t index)
{
    return *(char *const *)(const void *)((const char *)items + index * size);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool pti_entries_search(const void *items, size_t count, size_t size, const char *name, size_t *position)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name_at(items, size, middle), name);
        if (order == 0) {
            *position = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *position = low;
    return false;
}

enum pintle_status pti_entries_sort(void *items, size_t count, size_t size, struct pti_error *error)
{
    if (count < 2)
        return PINTLE_OK;
    qsort(items, count, size, compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(name_at(items, size, i - 1), name_at(items, size, i)) == 0)
            return pti_fail(error, PINTLE_ERR_INPUT, "expected each name once, found \"%s\" twice; remove one",
                            name_at(items, size, i));
    }
    return PINTLE_OK;
}

void *pti_entries_open(void *items, size_t count, size_t size, size_t position)
{
    char *grown = realloc(items, (count + 1) * size);
    if (grown == NULL)
        return NULL;
    memmove(grown + (position + 1) * size, grown + position * size, (count - position) * size);
    memset(grown + position * size, 0, size);
    return grown;
}

void pti_entries_close(void *items, size_t count, size_t size, size_t position)
{
    char *at = (char *)items + position * size;
    memmove(at, at + size, (count - position - 1) * size);
}
