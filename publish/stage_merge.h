/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures that were made elsewhere, on a copy of the stage, brought together.  Pure.  Only a signature is taken, never
 * content: it must verify, by a key of the role, over exactly the bytes that are staged here.  Merging twice is merging
 * once, and the order of merges does not matter.
 */
#ifndef PTI_PUBLISH_STAGE_MERGE_H
#define PTI_PUBLISH_STAGE_MERGE_H

#include "publish/stage.h"

enum pti_merge_outcome {
    PTI_MERGE_TAKEN,
    PTI_MERGE_KNOWN,  /* it was there */
    PTI_MERGE_REFUSED /* why says it */
};

struct pti_merge_item {
    enum pti_merge_outcome outcome;
    char role[64];
    char keyid[PTI_KEYID_SIZE + 1]; /* "": all signatures of a draft that is not the one staged here */
    char why[400];                  /* of what was refused: one line */
};

struct pti_merge {
    struct pti_merge_item *items; /* one for each signature of other, or for a draft as a whole */
    size_t count;
};

/* Adds to the drafts of stage the signatures on those of other.  That some are refused is no failure. */
enum pintle_status pti_stage_merge(struct pti_stage *stage, const struct pti_stage *other, struct pti_merge *merge,
                                   struct pti_error *error);
void pti_merge_clear(struct pti_merge *merge);
size_t pti_merge_count(const struct pti_merge *merge, enum pti_merge_outcome outcome);

#endif
