/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The detail of a failure, in a fixed buffer so that running out of memory cannot erase it.  Every failing path sets
 * it: what was expected, what was found, what to do.
 */
#ifndef PTI_BASE_ERROR_H
#define PTI_BASE_ERROR_H

#include <stddef.h>

#include <pintle/status.h>

#include "base/limits.h"

#if defined(__GNUC__)
#define PTI_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))
#else
#define PTI_PRINTF(format, first)
#endif

struct pti_error {
    enum pintle_status status;
    char detail[PTI_ERROR_DETAIL_MAX]; /* one line, always terminated; control and non-ASCII bytes become '?' */
};

/* Sets *error (which may be NULL) and returns status, so that a caller writes `return pti_fail(...)`. */
enum pintle_status pti_fail(struct pti_error *error, enum pintle_status status, const char *format, ...)
    PTI_PRINTF(3, 4);

/* Puts "<context>: " before the detail and returns the status that stands in *error; error is not NULL. */
enum pintle_status pti_error_prefix(struct pti_error *error, const char *format, ...) PTI_PRINTF(2, 3);

void pti_error_clear(struct pti_error *error);

/*
 * Copies text into out (size bytes with terminator), cut if need be, and returns the length of text.  out may be
 * NULL if size is 0.
 */
size_t pti_copy_text(char *out, size_t size, const char *text);

#endif
