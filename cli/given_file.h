/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the command line names.  A pipe will do, so that `--key <(command)` works: nothing is read twice. */
#ifndef PTI_CLI_GIVEN_FILE_H
#define PTI_CLI_GIVEN_FILE_H

#include <pintle/bytes.h>

#include "base/error.h"

/*
 * Reads a whole file, of any kind but a directory; *data is owned by the caller (pti_given_file_clear).
 * PINTLE_ERR_STORAGE: it is not there or cannot be read.  PINTLE_ERR_INPUT: more than max bytes.
 */
enum pintle_status pti_given_file_read(const char *path, size_t max, struct pintle_bytes *data,
                                       struct pti_error *error);
/* PINTLE_ERR_STORAGE, and what errno says of a file that could not be opened or read. */
enum pintle_status pti_given_file_missing(const char *path, struct pti_error *error);
void pti_given_file_clear(struct pintle_bytes *data); /* wipes: it may have been a private key */

#endif
