/* SPDX-License-Identifier: Apache-2.0 */
/* Every command, by the file that holds it; main.c puts them into order. */
#ifndef PTI_CLI_COMMANDS_H
#define PTI_CLI_COMMANDS_H

#include "cli/cli.h"

/* cmd_init.c */
extern const struct pti_command pti_command_init;
/* cmd_key.c */
extern const struct pti_command pti_command_key_new, pti_command_key_link, pti_command_key_show;
/* cmd_zone.c, cmd_zone_keys.c */
extern const struct pti_command pti_command_zone_add, pti_command_zone_rotate, pti_command_zone_renew,
    pti_command_zone_list, pti_command_zone_keys, pti_command_zone_remove;
/* cmd_root.c, cmd_root_edit.c */
extern const struct pti_command pti_command_root_list, pti_command_root_add, pti_command_root_remove,
    pti_command_root_rotate, pti_command_root_threshold, pti_command_root_renew;
/* cmd_host.c */
extern const struct pti_command pti_command_host_add, pti_command_host_release, pti_command_host_list;
/* cmd_charter.c */
extern const struct pti_command pti_command_charter_set, pti_command_charter_renew;
/* cmd_pin.c */
extern const struct pti_command pti_command_pin_add, pti_command_pin_remove, pti_command_pin_list;
/* cmd_resign.c */
extern const struct pti_command pti_command_resign;
/* cmd_stage.c */
extern const struct pti_command pti_command_stage_export;
extern const struct pti_command pti_command_stage_import;
extern const struct pti_command pti_command_stage_drop;
/* cmd_publish.c */
extern const struct pti_command pti_command_sign, pti_command_publish;
/* cmd_status.c */
extern const struct pti_command pti_command_diff, pti_command_status;
/* cmd_verify.c */
extern const struct pti_command pti_command_verify;
/* cmd_logfeed.c */
extern const struct pti_command pti_command_logfeed;
/* cmd_probe.c, cmd_check.c, cmd_get.c, cmd_doctor.c */
extern const struct pti_command pti_command_probe, pti_command_check, pti_command_get, pti_command_doctor;

#endif
