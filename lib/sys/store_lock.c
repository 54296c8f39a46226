/* SPDX-License-Identifier: Apache-2.0 */
/* Polling instead of a blocking flock(): the wait is bounded, and no signal is needed to end it. */
#include "sys/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 10000
#define PAUSE_MAX_MS 50
#define OWNER_SIZE 24

enum pintle_status pti_store_lock_init(struct pti_store_lock *lock, int directory, const char *path)
{
    memset(lock, 0, sizeof(*lock));
    lock->directory = directory;
    lock->path = path;
    lock->wait_ms = WAIT_MS;
    lock->file = -1;
    return pthread_mutex_init(&lock->mutex, NULL) == 0 ? PINTLE_OK : PINTLE_ERR_MEMORY;
}

void pti_store_lock_clear(struct pti_store_lock *lock)
{
    pti_store_lock_drop(lock);
    pthread_mutex_destroy(&lock->mutex);
}

static int64_t steady_ms(void)
{
    struct timespec time = {0};

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&pause, NULL);
}

static enum pintle_status fail_errno(const struct pti_store_lock *lock, const char *what, struct pti_error *error)
{
    int number = errno;
    char reason[128] = "unknown error";

    (void)strerror_r(number, reason, sizeof(reason));
    return pti_fail(error, PINTLE_ERR_STORAGE, "cannot %s %s/" PTI_STORE_LOCK_FILE ": %s%s", what, lock->path, reason,
                    number == ELOOP ? " (it must not be a symbolic link)" : "");
}

/* False if the lock file was removed or replaced after we opened it: our lock then excludes nobody. */
static bool is_current(const struct pti_store_lock *lock, int file)
{
    struct stat opened, named;

    return fstat(file, &opened) == 0 &&
           fstatat(lock->directory, PTI_STORE_LOCK_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* Leaves our process number for whoever waits.  Only their message depends on it. */
static void sign(int file)
{
    char text[OWNER_SIZE];
    int length = snprintf(text, sizeof(text), "%-20ld\n", (long)getpid());

    if (pwrite(file, text, (size_t)length, 0) < 0)
        return;
}

static long owner_of(const struct pti_store_lock *lock)
{
    char text[OWNER_SIZE] = "";
    ssize_t got = -1;
    int file = openat(lock->directory, PTI_STORE_LOCK_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

    if (file >= 0) {
        got = read(file, text, sizeof(text) - 1);
        close(file);
    }
    return got > 0 ? strtol(text, NULL, 10) : 0;
}

/* What has become read-only, such as a medium after an error, can still be locked, and then read as a whole. */
static int open_lock_file(const struct pti_store_lock *lock)
{
    /* O_NONBLOCK: opening a fifo put in place of the file must not hang. */
    const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    int file = openat(lock->directory, PTI_STORE_LOCK_FILE, O_RDWR | O_CREAT | flags, 0600);
    int number = errno;

    if (file >= 0 || (number != EROFS && number != EACCES))
        return file;
    file = openat(lock->directory, PTI_STORE_LOCK_FILE, O_RDONLY | flags);
    if (file < 0)
        errno = number;
    return file;
}

/* One attempt, which does not wait; PINTLE_OK with lock->held by another means: try again. */
static enum pintle_status attempt(struct pti_store_lock *lock, bool *taken, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    int file = -1;

    *taken = false;
    pthread_mutex_lock(&lock->mutex);
    if (lock->held)
        goto done;
    file = open_lock_file(lock);
    if (file < 0) {
        status = fail_errno(lock, "open", error);
        goto done;
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            status = fail_errno(lock, "lock", error);
        goto done;
    }
    if (!is_current(lock, file))
        goto done;
    sign(file);
    lock->file = file;
    lock->holder = pthread_self();
    lock->held = true;
    *taken = true;
    file = -1;
done:
    pthread_mutex_unlock(&lock->mutex);
    if (file >= 0)
        close(file);
    return status;
}

enum pintle_status pti_store_lock_take(struct pti_store_lock *lock, struct pti_error *error)
{
    int64_t deadline = steady_ms() + lock->wait_ms;
    int64_t pause = 1;
    char owner[64] = "";
    long process;

    for (;;) {
        bool taken;
        enum pintle_status status = attempt(lock, &taken, error);

        if (taken || status != PINTLE_OK)
            return status;
        if (steady_ms() >= deadline)
            break;
        sleep_ms(pause);
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
    process = owner_of(lock);
    if (process != 0)
        snprintf(owner, sizeof(owner), " by process %ld%s", process, process == (long)getpid() ? " (this one)" : "");
    return pti_fail(error, PINTLE_ERR_STORAGE,
                    "expected the lock %s/" PTI_STORE_LOCK_FILE " to be free within %lld ms, found it held%s; "
                    "wait for its holder or end it, or give each client a directory of its own",
                    lock->path, (long long)lock->wait_ms, owner);
}

void pti_store_lock_drop(struct pti_store_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
    if (lock->held) {
        lock->held = false;
        flock(lock->file, LOCK_UN); /* not by close() alone: a child forked meanwhile shares the open file */
        close(lock->file);
        lock->file = -1;
    }
    pthread_mutex_unlock(&lock->mutex);
}

bool pti_store_lock_is_mine(struct pti_store_lock *lock)
{
    bool mine;

    pthread_mutex_lock(&lock->mutex);
    mine = lock->held && pthread_equal(lock->holder, pthread_self());
    pthread_mutex_unlock(&lock->mutex);
    return mine;
}
