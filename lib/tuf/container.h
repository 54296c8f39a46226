/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container of head, body, roots and generation files (docs/design.md, section 5.4): magic "PNTL0001", u32 count, then
 * per entry u16 path length, u32 data length, path, data; big endian.  It is unsigned transport: whoever reads it verifies
 * every entry.  Duplicate paths, trailing bytes and anything past the limits are errors; the order of entries is kept.
 */
#ifndef PTI_TUF_CONTAINER_H
#define PTI_TUF_CONTAINER_H

#include "base/buf.h"

#define PTI_CONTAINER_MAGIC "PNTL0001"
#define PTI_CONTAINER_MAGIC_SIZE 8

struct pti_container_entry {
    struct pintle_bytes path;
    struct pintle_bytes data;
};

struct pti_container {
    struct pti_container_entry *entries;
    size_t count;
};

/* Entries are views into bytes.  On failure *container is empty.  PINTLE_ERR_INPUT with the byte offset, _MEMORY. */
enum pintle_status pti_container_parse(struct pintle_bytes bytes, struct pti_container *container,
                                       struct pti_error *error);
void pti_container_clear(struct pti_container *container);
/* The data of path, or {NULL,0} and false. */
bool pti_container_find(const struct pti_container *container, const char *path, struct pintle_bytes *data);

/* Writing: begin with the number of entries, then exactly that many entries. Errors stick to out. */
void pti_container_write_begin(struct pti_buf *out, uint32_t count);
void pti_container_write_entry(struct pti_buf *out, const char *path, struct pintle_bytes data);

#endif
