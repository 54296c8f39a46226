/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/shared_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "publish/file.h"

#define POLL_MS 2 /* short, so that a publisher in a loop leaves room for a reader */

void pti_pause(int milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

    (void)nanosleep(&pause, NULL);
}

int pti_shared_lock(const char *repository, int wait_ms)
{
    char path[PTI_PATH_MAX];
    int fd = -1;

    if (pti_file_path(path, repository, "repository.json", NULL) != PINTLE_OK || !pti_file_exists(path) ||
        pti_file_path(path, repository, "lock", NULL) != PINTLE_OK) {
        return -1;
    }
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    for (int waited = 0; flock(fd, LOCK_SH | LOCK_NB) != 0; waited += POLL_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= wait_ms) {
            (void)close(fd);
            return -1;
        }
        pti_pause(POLL_MS);
    }
    return fd;
}

void pti_shared_unlock(int descriptor)
{
    if (descriptor >= 0) {
        (void)close(descriptor); /* which unlocks */
    }
}
