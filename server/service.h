/* SPDX-License-Identifier: Apache-2.0 */
/* pintled as a daemon, in the foreground. */
#ifndef PTI_SERVER_SERVICE_H
#define PTI_SERVER_SERVICE_H

#include "server/options.h"

/* Serves until a signal ends it; what goes wrong is told on stderr.  Returns the exit status. */
int pti_service_run(const struct pti_server_options *options);

#endif
