/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service manager is told over the socket that NOTIFY_SOCKET names, as sd_notify(3) describes it.  Without
 * such a socket nothing happens; what cannot be sent is lost, and stops nothing.
 */
#ifndef PTI_SERVER_NOTIFY_H
#define PTI_SERVER_NOTIFY_H

#include <stdbool.h>

#include "base/error.h"

struct pti_notify {
    int socket; /* -1: nobody listens */
    bool watchdog;
    char told[128]; /* the last status */
};

/*
 * The parameters are the environment variables NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, NULL where one is not
 * set. Before anything is confined.  PINTLE_ERR_STORAGE: there should be a manager and cannot be reached; the rest
 * works.
 */
enum pintle_status pti_notify_open(struct pti_notify *notify, const char *path, const char *watchdog_usec,
                                   const char *watchdog_pid, struct pti_error *error);
void pti_notify_ready(struct pti_notify *notify);
void pti_notify_reloading(struct pti_notify *notify); /* ready again: pti_notify_ready() */
void pti_notify_stopping(struct pti_notify *notify);
/* Once a second: that it is alive, where there is a watchdog; and its status, one line, if that is another one. */
void pti_notify_alive(struct pti_notify *notify, const char *status);
void pti_notify_close(struct pti_notify *notify);

#endif
