/* SPDX-License-Identifier: Apache-2.0 */
/* Which members a JSON object that is sent to us may have: one that is misspelt would ask for something else. */
#ifndef PTI_SERVER_MEMBERS_H
#define PTI_SERVER_MEMBERS_H

#include "base/error.h"
#include "base/json.h"

/* names ends with NULL.  PINTLE_ERR_INPUT: value is no object, or has a member that is none of them. */
enum pintle_status pti_members_check(const struct pti_json_value *value, const char *const *names,
                                     struct pti_error *error);

#endif
