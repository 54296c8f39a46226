/* SPDX-License-Identifier: Apache-2.0 */
/* Every command of pintled, by the file that holds it; main.c puts them into order. */
#ifndef PTI_SERVER_COMMANDS_H
#define PTI_SERVER_COMMANDS_H

#include "server/command.h"

extern const struct pti_server_command pti_server_command_journal,
    pti_server_command_journal_verify; /* command_journal.c */
extern const struct pti_server_command pti_server_command_release_add, pti_server_command_release_list,
    pti_server_command_release_remove; /* command_release.c */
extern const struct pti_server_command pti_server_command_token_add, pti_server_command_token_list,
    pti_server_command_token_revoke;                                                          /* command_token.c */
extern const struct pti_server_command pti_server_command_backup, pti_server_command_restore; /* command_backup.c */

#endif
