/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mark of some content, taken as it passes: its size and 64 bits mixed from all of it.  Two contents with one mark are
 * one, but for a chance of 2^-64: it tells whether another process changed a file, and is no proof against somebody who
 * chooses the content.  (Who may write the file needs no collision.)
 */
#ifndef PTI_CLIENT_MARK_H
#define PTI_CLIENT_MARK_H

#include <stdbool.h>

#include <pintle/bytes.h>

struct pti_mark {
    uint64_t mixed;
    uint64_t word; /* the bytes that do not make eight yet */
    uint64_t size;
};

void pti_mark_init(struct pti_mark *mark);
void pti_mark_update(struct pti_mark *mark, const uint8_t *data, size_t size);
bool pti_mark_equal(const struct pti_mark *a, const struct pti_mark *b);

#endif
