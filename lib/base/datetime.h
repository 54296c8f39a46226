/* SPDX-License-Identifier: Apache-2.0 */
/* The one time format of TUF metadata: "2026-11-21T20:00:00Z", proleptic Gregorian, no fraction, no leap second. */
#ifndef PTI_BASE_DATETIME_H
#define PTI_BASE_DATETIME_H

#include <stdbool.h>

#include <pintle/bytes.h>

#define PTI_DATETIME_SIZE 20 /* without terminator */

/* Reads text into Unix seconds; false for anything but the format above with a date that exists (year 1970 to 9999). */
bool pti_datetime_parse(struct pintle_bytes text, int64_t *seconds);
/* Writes seconds, clamped to the years 1970 to 9999, terminated. */
void pti_datetime_format(int64_t seconds, char out[PTI_DATETIME_SIZE + 1]);

#endif
