/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes of `pintle`, the one place where they stand; numbers from 64 on follow BSD's sysexits(3) where it fits. */
#ifndef PTI_CLI_EXIT_CODE_H
#define PTI_CLI_EXIT_CODE_H

#include <stdio.h>

#include <pintle/status.h>

/* Failures that are none of the library's classes. */
enum pti_failure { PTI_FAILURE_STATUS = 0, PTI_FAILURE_USAGE, PTI_FAILURE_OTHER };

/* 0 for PINTLE_OK; else failure says whether status is the class. */
int pti_exit_code(enum pintle_status status, enum pti_failure failure);

/* The table behind `pintle help exit-codes`, with the statuses of the library that each stands for. */
void pti_exit_codes_print(FILE *stream);

#endif
