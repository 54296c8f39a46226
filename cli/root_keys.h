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

/* The same of a zone, or of any role. */
enum pintle_status pti_cli_role_key(struct pti_cli *cli, const struct pti_role_keys *keys, const char *role,
                                    const char *text, char keyid[PTI_KEYID_SIZE + 1]);

/*
 * A key that signs for two is stolen for two: one line on cli->err for each other offline role of root (role is one), or
 * other zone (role is one), that has key.  What is refused altogether is publish/stage.h's business.
 */
void pti_cli_warn_of_second_role(struct pti_cli *cli, const struct pti_stage *stage, const char *role,
                                 const struct pti_public_key *key);

#endif
