/* SPDX-License-Identifier: Apache-2.0 */
/* --ca FILE: looked at before anything is done with it, so that it is told alike by every command. */
#ifndef PTI_CLI_CA_FILE_H
#define PTI_CLI_CA_FILE_H

#include "cli/cli.h"

/* *path becomes the file, or NULL without --ca.  PINTLE_ERR_STORAGE; PINTLE_ERR_INPUT: no PEM certificate in it. */
enum pintle_status pti_cli_ca_file(struct pti_cli *cli, const char **path);

#endif
