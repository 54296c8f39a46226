/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the stage only. */
#ifndef PTI_PUBLISH_STAGE_INTERNAL_H
#define PTI_PUBLISH_STAGE_INTERNAL_H

#include "publish/stage.h"

/* Appends an empty zone with a copy of keys.  Borrowed result. */
enum pintle_status pti_stage_append_zone(struct pti_stage *stage, const char *name, const struct pti_role_keys *keys,
                                         struct pti_stage_zone **zone, struct pti_error *error);
/* The root roles of what is published; a new root as they say, or none. */
enum pintle_status pti_stage_init_root(struct pti_stage *stage, struct pti_error *error);
/* Takes over a root draft from a file, unless that root is out already. */
enum pintle_status pti_stage_take_root(struct pti_stage *stage, struct pintle_bytes draft, struct pti_error *error);
enum pintle_status pti_stage_update_root(struct pti_stage *stage, bool renew, int64_t now, struct pti_error *error);
/* PINTLE_ERR_INPUT: there is no such zone. */
enum pintle_status pti_stage_find_zone(const struct pti_stage *stage, const char *name, struct pti_stage_zone **zone,
                                       struct pti_error *error);
/* Takes a zone out of the stage, with its draft. */
void pti_stage_drop_zone(struct pti_stage *stage, struct pti_stage_zone *zone);

/* A list of changes that grows. */
struct pti_differ {
    const struct pti_stage *stage;
    struct pti_change *changes;
    size_t count;
    size_t capacity;
    bool failed; /* out of memory */
};

/* A new change without words; NULL without memory, which pti_diff_say() takes. */
struct pti_change *pti_diff_add(struct pti_differ *differ, enum pti_change_kind kind, const char *role,
                                const char *host);
void pti_diff_say(struct pti_change *change, const char *format, ...) PTI_PRINTF(2, 3);
/* Fills change->effect. */
void pti_diff_effect(const struct pti_stage *stage, struct pti_change *change);
/* The keys that root names, and those of the zones that stay delegated. */
enum pintle_status pti_diff_root(struct pti_differ *differ, struct pti_error *error);
enum pintle_status pti_diff_delegations(struct pti_differ *differ, struct pti_error *error);

#endif
