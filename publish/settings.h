/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repository.json:
 * {"name":"..","spec":1,"expires_days":{"root":365,"targets":365,"zone":90,"snapshot":7,"timestamp":3}}. Pure.  Nothing
 * else may stand in it: a misspelt name would silently mean its default.
 */
#ifndef PTI_PUBLISH_SETTINGS_H
#define PTI_PUBLISH_SETTINGS_H

#include "publish/repository.h"

#define PTI_SETTINGS_SIZE_MAX 65536 /* bytes */

/* 1 to PTI_REPOSITORY_NAME_MAX of A-Z, a-z, 0-9, '.', '_', '-': it goes into every root, into messages and file names. */
bool pti_repository_name_valid(struct pintle_bytes name);
/* PINTLE_ERR_INPUT: malformed, another spec, an unknown setting, a name or a number of days out of range. */
enum pintle_status pti_repository_settings_parse(struct pintle_bytes text, struct pti_repository_settings *settings,
                                                 struct pti_error *error);
void pti_repository_settings_write(const struct pti_repository_settings *settings, struct pti_buf *out);

#endif
