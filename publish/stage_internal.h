/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the stage only. */
#ifndef PTI_PUBLISH_STAGE_INTERNAL_H
#define PTI_PUBLISH_STAGE_INTERNAL_H

#include "publish/stage.h"

/* Appends an empty zone with a copy of keys.  Borrowed result. */
enum pintle_status pti_stage_append_zone(struct pti_stage *stage, const char *name, const struct pti_role_keys *keys,
                                         struct pti_stage_zone **zone, struct pti_error *error);
/* Takes a zone out of the stage, with its draft. */
void pti_stage_drop_zone(struct pti_stage *stage, struct pti_stage_zone *zone);

#endif
