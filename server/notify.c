/* SPDX-License-Identifier: Apache-2.0 */
#include "server/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* "@name" is an abstract one, whose first byte is 0. */
static enum pintle_status read_address(const char *path, struct sockaddr_un *address, socklen_t *size,
                                       struct pti_error *error)
{
    size_t length = strlen(path);

    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if ((path[0] != '/' && path[0] != '@') || length < 2 || length >= sizeof address->sun_path)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "NOTIFY_SOCKET: expected an absolute path or @name, found \"%.100s\"", path);
    memcpy(address->sun_path, path, length);
    if (path[0] == '@')
        address->sun_path[0] = '\0';
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return PINTLE_OK;
}

enum pintle_status pti_notify_open(struct pti_notify *notify, const char *path, const char *watchdog_usec,
                                   const char *watchdog_pid, struct pti_error *error)
{
    struct sockaddr_un address;
    socklen_t size = 0;
    enum pintle_status status = PINTLE_OK;

    *notify = (struct pti_notify){.socket = -1};
    if (!path)
        return PINTLE_OK;
    status = read_address(path, &address, &size, error);
    if (status != PINTLE_OK)
        return status;
    notify->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (notify->socket < 0 || connect(notify->socket, (const struct sockaddr *)&address, size) != 0) {
        status = pti_fail(error, PINTLE_ERR_STORAGE, "the service manager cannot be reached at %.100s: %s", path,
                          strerror(errno));
        pti_notify_close(notify);
        return status;
    }
    notify->watchdog = watchdog_usec && (!watchdog_pid || strtoll(watchdog_pid, NULL, 10) == (long long)getpid());
    return PINTLE_OK;
}

static void tell(const struct pti_notify *notify, const char *state)
{
    if (notify->socket >= 0 && send(notify->socket, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

void pti_notify_ready(struct pti_notify *notify)
{
    tell(notify, "READY=1");
}

void pti_notify_reloading(struct pti_notify *notify)
{
    struct timespec now = {0, 0};
    char state[64];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
             (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    tell(notify, state);
}

void pti_notify_stopping(struct pti_notify *notify)
{
    tell(notify, "STOPPING=1\nSTATUS=answering what was asked");
}

void pti_notify_alive(struct pti_notify *notify, const char *status)
{
    char state[sizeof notify->told + 16];

    if (notify->watchdog)
        tell(notify, "WATCHDOG=1");
    if (strcmp(status, notify->told) == 0)
        return;
    pti_copy_text(notify->told, sizeof notify->told, status);
    snprintf(state, sizeof state, "STATUS=%s", notify->told);
    tell(notify, state);
}

void pti_notify_close(struct pti_notify *notify)
{
    if (notify->socket >= 0)
        close(notify->socket);
    notify->socket = -1;
}
