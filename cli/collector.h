/* SPDX-License-Identifier: Apache-2.0 */
/* Where reports go must not be where they are about: who intercepts a pinned host would get the reports of it. */
#ifndef PTI_CLI_COLLECTOR_H
#define PTI_CLI_COLLECTOR_H

#include "cli/cli.h"
#include "pin/charter.h"

/*
 * PINTLE_ERR_INPUT: a report URL whose host the charter pins, itself or through a parent with subdomains; or one without
 * a host.  Says on cli->err that http:// to another machine can be read and dropped on the way.
 */
enum pintle_status pti_cli_check_collectors(struct pti_cli *cli, const struct pti_charter *charter);

#endif
