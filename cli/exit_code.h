/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes of `pintle`, the one place where they stand; numbers from 64 on follow BSD's sysexits(3) where it fits. */
#ifndef PTI_CLI_EXIT_CODE_H
#define PTI_CLI_EXIT_CODE_H

#include <stdbool.h>
#include <stdio.h>

#include <pintle/status.h>

/* usage: the failure is about the command line, whatever the status. */
int pti_exit_code(enum pintle_status status, bool usage);

/* The table behind `pintle help exit-codes`. */
void pti_exit_codes_print(FILE *stream);

#endif
