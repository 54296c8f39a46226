/* SPDX-License-Identifier: Apache-2.0 */
/* What must be so before a server can start. */
#ifndef PTI_SERVER_CHECK_H
#define PTI_SERVER_CHECK_H

#include "server/served.h"

/*
 * `pintled --check-config`: all that a start would find wrong, without binding, making, locking or changing anything;
 * a server may be running.  Each finding is a line on stderr.  Returns the exit status: PTI_EXIT_CONFIG if it would
 * not start, or would not serve one of its repositories; a warning (nothing would be re-signed) is none.
 */
int pti_check_config(const struct pti_server_options *options);

/* --probe-ca holds certificates, and every --edge is one of a repository that is served.  PINTLE_ERR_INPUT. */
enum pintle_status pti_check_probing(const struct pti_server_options *options, struct pti_error *error);

/* Neither data nor keys may lie below the public files of a repository, which go to everybody who asks. */
enum pintle_status pti_check_private(const struct pti_served *served, size_t count, const char *data,
                                     struct pti_error *error);

#endif
