/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable buffer with a maximum.  A failed append is sticky: later ones do nothing, so that a writer asks once, at
 * the end, whether everything fitted.
 */
#ifndef PTI_BASE_BUF_H
#define PTI_BASE_BUF_H

#include <stdbool.h>

#include <pintle/bytes.h>

#include "base/error.h"

struct pti_buf {
    uint8_t *data; /* never NULL-terminated by itself */
    size_t size;
    size_t capacity;
    size_t max;
    enum pintle_status status; /* PINTLE_OK, PINTLE_ERR_MEMORY, or PINTLE_ERR_INPUT once max would be exceeded */
};

void pti_buf_init(struct pti_buf *buf, size_t max);
void pti_buf_clear(struct pti_buf *buf); /* frees; the buffer is empty and usable again, with the same max */
void pti_buf_append(struct pti_buf *buf, const void *data, size_t size);
void pti_buf_text(struct pti_buf *buf, const char *text);
void pti_buf_printf(struct pti_buf *buf, const char *format, ...) PTI_PRINTF(2, 3);
/* Room for exactly size more bytes at once, where they are known; a lack of it shows at the next append. */
void pti_buf_reserve(struct pti_buf *buf, size_t size);
/* What it holds, in memory that fits and is the caller's (pti_bytes_free()); the buffer is empty afterwards. */
struct pintle_bytes pti_buf_take(struct pti_buf *buf);
struct pintle_bytes pti_buf_bytes(const struct pti_buf *buf); /* borrowed until the next append */
/* Appends a terminator that is not counted and returns the text, owned by buf; NULL if anything failed before. */
const char *pti_buf_cstr(struct pti_buf *buf);
/* A sink that appends to buf; it refuses once the buffer failed. */
struct pintle_sink pti_buf_sink(struct pti_buf *buf);
/* "too large" or "out of memory" into error, when buf->status says so; returns buf->status. */
enum pintle_status pti_buf_check(const struct pti_buf *buf, struct pti_error *error, const char *what);

/* Bytes as a value: comparisons and copies. */
bool pti_bytes_equal(struct pintle_bytes a, struct pintle_bytes b);
bool pti_bytes_equal_text(struct pintle_bytes a, const char *text);
int pti_bytes_compare(struct pintle_bytes a, struct pintle_bytes b); /* by byte, shorter first: strcmp's order */
struct pintle_bytes pti_bytes_text(const char *text);
/* A malloc'ed copy; *copy is {NULL,0} for empty input.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_bytes_copy(struct pintle_bytes bytes, struct pintle_bytes *copy);
/* A malloc'ed, NUL-terminated copy; NULL without memory or if bytes hold a NUL. */
char *pti_bytes_strdup(struct pintle_bytes bytes);
void pti_bytes_free(struct pintle_bytes *owned); /* frees what pti_bytes_copy made and empties it */

#endif
