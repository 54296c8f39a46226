/* SPDX-License-Identifier: Apache-2.0 */
/* What the `pintle root` commands share: which role is meant, and which key. */
#ifndef PTI_CLI_ROOT_KEYS_H
#define PTI_CLI_ROOT_KEYS_H

#include "cli/session.h"

#define PTI_OPTION_ROLE                                                                                                \
    {                                                                                                                  \
        "role", "ROLE", "root (default), targets, snapshot or timestamp", false                                        \
    }

/* --role; without it, root. */
enum pintle_status pti_cli_root_role(struct pti_cli *cli, enum pti_tuf_type *role);

/*
 * The id of a key of role, as staged, from what a person has at hand: a key id or the beginning of one, or a file that
 * holds the key or its public half.
 */
enum pintle_status pti_cli_root_key(struct pti_cli *cli, const struct pti_stage *stage, enum pti_tuf_type role,
                                    const char *text, char keyid[PTI_KEYID_SIZE + 1]);

#endif
