/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that are kept sorted by name, whose elements are a `char *`, or structs that begin with one.  The hosts of
 * charters and zones and the list of released names are such arrays.
 */
#ifndef PTI_PIN_ENTRIES_H
#define PTI_PIN_ENTRIES_H

#include <stdbool.h>

#include "base/error.h"

/* Where name is, or belongs; true if it is there. */
bool pti_entries_search(const void *items, size_t count, size_t size, const char *name, size_t *position);
/* Sorts; PINTLE_ERR_INPUT names the first name that occurs twice. */
enum pintle_status pti_entries_sort(void *items, size_t count, size_t size, struct pti_error *error);
/* The array with room for one more, zeroed, at position; NULL without memory, and then items is as it was. */
void *pti_entries_open(void *items, size_t count, size_t size, size_t position);
/* Closes the gap over the element at position, which the caller has cleared. */
void pti_entries_close(void *items, size_t count, size_t size, size_t position);

#endif
