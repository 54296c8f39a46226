/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The draft of one role: kept with its signatures for as long as it says what it should, dropped when what is published
 * says it already, else made anew, without signatures.  Pure.
 */
#ifndef PTI_PUBLISH_DRAFT_H
#define PTI_PUBLISH_DRAFT_H

#include "publish/envelope.h"

struct pti_draft {
    struct pintle_bytes published; /* the whole file; empty: never */
    int64_t published_version;
    bool resign; /* even if its content is the same: other keys must sign, or it would expire */
    int64_t days;
    int64_t now; /* Unix seconds */
    /* Writes the "signed" part with this content; fields is handed on. */
    void (*write)(const void *fields, int64_t version, int64_t expires, struct pti_buf *out);
    const void *fields;
    struct pintle_bytes *slot; /* where the draft is kept; owned */
};

/* PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY. */
enum pintle_status pti_draft_update(const struct pti_draft *draft, struct pti_error *error);

/* Does envelope sign exactly this content, but for version and expiry? */
enum pintle_status pti_draft_says_same(const struct pti_draft *draft, struct pintle_bytes envelope, bool *same,
                                       struct pti_error *error);

/* Keeps a copy of bytes in *slot, in place of what is there. */
enum pintle_status pti_draft_keep(struct pintle_bytes *slot, struct pintle_bytes bytes, struct pti_error *error);

/* Appends the canonical form of a JSON text, or of what an envelope signs.  PINTLE_ERR_INPUT. */
enum pintle_status pti_draft_canonical(struct pintle_bytes text, bool envelope, struct pti_buf *out,
                                       struct pti_error *error);

#endif
