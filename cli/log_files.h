/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which bytes of a log were not read yet, also after it was rotated: renamed, with a new file in its place, or copied
 * and then truncated.  A file is known again by its inode and its first bytes.  A rotated log is looked for beside
 * the log, among the files whose names begin with its name.
 */
#ifndef PTI_CLI_LOG_FILES_H
#define PTI_CLI_LOG_FILES_H

#include "cli/log_state.h"

/* A log that is open, and from where on it is to be read. */
struct pti_log_file {
    int fd; /* -1: there is none */
    struct pti_log_position position;
};

/*
 * What is to be read, in order: the log before this one, if it is still there, and the log at path.  *lost says that
 * a part of the log that was read last cannot be found any more.  On success the caller closes the descriptors.
 * PINTLE_ERR_STORAGE: there is no log at path, or it cannot be read.
 */
enum pintle_status pti_log_files_open(const char *path, const struct pti_log_state *state, struct pintle_crypto *crypto,
                                      struct pti_log_file files[PTI_LOG_FILES], bool *lost, struct pti_error *error);
void pti_log_files_close(struct pti_log_file files[PTI_LOG_FILES]);

/* Takes note of what file begins with, as far as it was read. */
enum pintle_status pti_log_file_mark(struct pti_log_file *file, struct pintle_crypto *crypto, struct pti_error *error);

#endif
