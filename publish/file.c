/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/file.h. */
#include "publish/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

/* One per directory or private file, so that what a crash leaves behind never piles up. */
#define TEMPORARY ".new"
#define LOCK_POLL_MS 20

/* What to do about it, where that is plain. */
static const char *advice(int failure)
{
    switch (failure) {
    case ENOENT:
    case ENOTDIR:
        return "; check the path";
    case EACCES:
    case EPERM:
        return "; check owner and mode";
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return "; make room, then repeat the command";
    default:
        return "";
    }
}

static enum pintle_status storage(struct pti_error *error, const char *what, const char *path)
{
    return pti_fail(error, PINTLE_ERR_STORAGE, "cannot %s %s: %s%s", what, path, strerror(errno), advice(errno));
}

enum pintle_status pti_file_path(char *out, const char *directory, const char *name, struct pti_error *error)
{
    int size = snprintf(out, PTI_PATH_MAX, "%s/%s", directory, name);

    if (size < 0 || size >= PTI_PATH_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "the path %.100s.../%.100s is longer than %d bytes; use a shorter one",
                        directory, name, PTI_PATH_MAX - 1);
    return PINTLE_OK;
}

bool pti_file_exists(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t size = strlen(name), tail = strlen(suffix);

    return size >= tail && strcmp(name + size - tail, suffix) == 0;
}

static enum pintle_status read_all(int fd, const char *path, size_t max, struct pti_buf *buf, struct pti_error *error)
{
    uint8_t block[16384];

    for (;;) {
        ssize_t got = read(fd, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return storage(error, "read", path);
        if (got == 0)
            return PINTLE_OK;
        pti_buf_append(buf, block, (size_t)got);
        if (buf->status == PINTLE_ERR_INPUT)
            return pti_fail(error, PINTLE_ERR_STORAGE, "%s is larger than %zu bytes; it is not a file of ours", path,
                            max);
        if (buf->status != PINTLE_OK)
            return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory while reading %s", path);
    }
}

enum pintle_status pti_file_read_optional(const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                          struct pti_error *error)
{
    enum pintle_status status = PINTLE_ERR_STORAGE;
    struct pti_buf buf;
    struct stat info;
    int fd;

    *data = (struct pintle_bytes){NULL, 0};
    *found = false;
    pti_buf_init(&buf, max);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return PINTLE_OK;
    if (fd < 0)
        return storage(error, "open", path);
    if (fstat(fd, &info) != 0)
        status = storage(error, "look at", path);
    else if (!S_ISREG(info.st_mode))
        status = pti_fail(error, PINTLE_ERR_STORAGE, "expected a file at %s, found something else; move it away", path);
    else
        status = read_all(fd, path, max, &buf, error);
    if (status == PINTLE_OK) {
        status = pti_bytes_copy(pti_buf_bytes(&buf), data);
        if (status != PINTLE_OK)
            pti_fail(error, status, "out of memory while reading %s", path);
        *found = status == PINTLE_OK;
    }
    (void)close(fd);
    /* It may have been a private key. */
    if (buf.data != NULL)
        memset(buf.data, 0, buf.size);
    pti_buf_clear(&buf);
    return status;
}

enum pintle_status pti_file_read(const char *path, size_t max, struct pintle_bytes *data, struct pti_error *error)
{
    bool found = false;
    enum pintle_status status = pti_file_read_optional(path, max, data, &found, error);

    if (status == PINTLE_OK && !found) {
        errno = ENOENT;
        return storage(error, "open", path);
    }
    return status;
}

/* Makes a rename or an unlink in the directory of path durable. */
static enum pintle_status sync_directory(const char *path, struct pti_error *error)
{
    char directory[PTI_PATH_MAX];
    const char *slash = strrchr(path, '/');
    enum pintle_status status = PINTLE_OK;
    int fd;

    if (slash == NULL)
        (void)pti_copy_text(directory, sizeof(directory), ".");
    else if (slash == path)
        (void)pti_copy_text(directory, sizeof(directory), "/");
    else
        (void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return storage(error, "open", directory);
    if (fsync(fd) != 0)
        status = storage(error, "flush", directory);
    (void)close(fd);
    return status;
}

static enum pintle_status write_all(int fd, const char *path, struct pintle_bytes data, struct pti_error *error)
{
    size_t done = 0;

    while (done < data.size) {
        ssize_t put = write(fd, data.data + done, data.size - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return storage(error, "write", path);
        done += (size_t)put;
    }
    return fsync(fd) == 0 ? PINTLE_OK : storage(error, "flush", path);
}

/* A new file with data in it, flushed; nothing is left behind on failure. */
static enum pintle_status create(const char *path, struct pintle_bytes data, unsigned mode, struct pti_error *error)
{
    enum pintle_status status;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);

    if (fd < 0)
        return storage(error, "create", path);
    status = write_all(fd, path, data, error);
    if (close(fd) != 0 && status == PINTLE_OK)
        status = storage(error, "close", path);
    if (status != PINTLE_OK)
        (void)unlink(path);
    return status;
}

enum pintle_status pti_file_replace(const char *path, struct pintle_bytes data, unsigned mode, struct pti_error *error)
{
    char temporary[PTI_PATH_MAX];
    const char *slash = strrchr(path, '/');
    int prefix = slash == NULL ? 0 : (int)(slash - path) + 1;
    int size = snprintf(temporary, sizeof(temporary), "%.*s%s", prefix, path, TEMPORARY);
    enum pintle_status status;

    if (size < 0 || (size_t)size >= sizeof(temporary))
        return pti_fail(error, PINTLE_ERR_INPUT, "the path %.200s... is too long", path);
    if (unlink(temporary) != 0 && errno != ENOENT)
        return storage(error, "remove", temporary);
    status = create(temporary, data, mode, error);
    if (status != PINTLE_OK)
        return status;
    if (rename(temporary, path) != 0) {
        status = storage(error, "replace", path);
        (void)unlink(temporary);
        return status;
    }
    return sync_directory(path, error);
}

static enum pintle_status is_taken(struct pti_error *error, const char *path)
{
    return pti_fail(error, PINTLE_ERR_STORAGE, "%s exists already and is not overwritten; choose another name", path);
}

/* Gives temporary its name, unless that is taken; not every file system (of a USB stick, say) has links. */
enum pintle_status pti_file_place(const char *temporary, const char *path, struct pti_error *error)
{
    if (link(temporary, path) == 0) {
        (void)unlink(temporary);
        return sync_directory(path, error);
    }
    if (errno == EEXIST || pti_file_exists(path))
        return is_taken(error, path);
    if (rename(temporary, path) != 0)
        return storage(error, "create", path);
    return sync_directory(path, error);
}

enum pintle_status pti_file_move(const char *from, const char *to, struct pti_error *error)
{
    if (rename(from, to) != 0)
        return storage(error, "replace", to);
    return sync_directory(to, error);
}

/* Whole or not at all: half a key would stop whoever reads every key of its directory. */
enum pintle_status pti_file_create_private(const char *path, struct pintle_bytes data, struct pti_error *error)
{
    char temporary[PTI_PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    int size = snprintf(temporary, sizeof(temporary), "%.*s.%s%s", (int)(name - path), path, name, TEMPORARY);
    enum pintle_status status;

    if (size < 0 || (size_t)size >= sizeof(temporary))
        return pti_fail(error, PINTLE_ERR_INPUT, "the path %.200s... is too long", path);
    if (pti_file_exists(path))
        return is_taken(error, path);
    if (pti_file_exists(temporary))
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "%s is in the way: another process is making %s now, or one was interrupted; if none is, "
                        "remove it",
                        temporary, path);
    status = create(temporary, data, 0600, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_file_place(temporary, path, error);
    if (status != PINTLE_OK)
        (void)unlink(temporary);
    return status;
}

enum pintle_status pti_file_remove(const char *path, struct pti_error *error)
{
    if (unlink(path) == 0)
        return sync_directory(path, error);
    return errno == ENOENT || errno == ENOTDIR ? PINTLE_OK : storage(error, "remove", path);
}

void pti_file_sweep(const char *directory)
{
    const struct dirent *entry;
    char path[PTI_PATH_MAX];
    DIR *stream = opendir(directory);

    if (stream == NULL)
        return;
    while ((entry = readdir(stream)) != NULL)
        if (entry->d_name[0] == '.' && ends_with(entry->d_name, TEMPORARY) &&
            pti_file_path(path, directory, entry->d_name, NULL) == PINTLE_OK)
            (void)unlink(path);
    (void)closedir(stream);
}

enum pintle_status pti_file_make_directory(const char *path, unsigned mode, struct pti_error *error)
{
    struct stat info;

    if (mkdir(path, (mode_t)mode) == 0)
        return sync_directory(path, error);
    if (errno != EEXIST)
        return storage(error, "make the directory", path);
    if (stat(path, &info) != 0)
        return storage(error, "look at", path);
    if (!S_ISDIR(info.st_mode))
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s is in the way: a directory is needed there", path);
    return PINTLE_OK;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *left = a;
    const char *const *right = b;

    return strcmp(*left, *right);
}

static bool append_name(char ***names, size_t *count, const char *name)
{
    char **grown = realloc(*names, (*count + 1) * sizeof(**names));
    char *copy;

    if (grown == NULL)
        return false;
    *names = grown;
    copy = pti_bytes_strdup(pti_bytes_text(name));
    if (copy == NULL)
        return false;
    grown[(*count)++] = copy;
    return true;
}

enum pintle_status pti_file_list(const char *directory, const char *suffix, char ***names, size_t *count,
                                 struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    struct dirent *entry;
    DIR *stream;

    *names = NULL;
    *count = 0;
    stream = opendir(directory);
    if (stream == NULL && errno == ENOENT)
        return PINTLE_OK;
    if (stream == NULL)
        return storage(error, "list", directory);
    while (status == PINTLE_OK && (errno = 0, entry = readdir(stream)) != NULL)
        if (entry->d_name[0] != '.' && ends_with(entry->d_name, suffix) && !append_name(names, count, entry->d_name))
            status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory while listing %s", directory);
    if (status == PINTLE_OK && errno != 0)
        status = storage(error, "list", directory);
    (void)closedir(stream);
    if (status != PINTLE_OK) {
        pti_file_names_free(*names, *count);
        *names = NULL;
        *count = 0;
    } else if (*count > 1) {
        qsort(*names, *count, sizeof(**names), compare_names);
    }
    return status;
}

void pti_file_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

enum pintle_status pti_file_lock(const char *path, int wait_ms, int *descriptor, struct pti_error *error)
{
    struct timespec pause = {0, LOCK_POLL_MS * 1000000L};
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, (mode_t)0600);

    *descriptor = -1;
    if (fd < 0)
        return storage(error, "open", path);
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_POLL_MS) {
        enum pintle_status status = PINTLE_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            status = storage(error, "lock", path);
        else if (waited >= wait_ms)
            status = pti_fail(error, PINTLE_ERR_STORAGE,
                              wait_ms < 1000
                                  ? "another process holds %s; wait for it to finish, then repeat the command"
                                  : "another process has held %s for %d s; wait for it to finish, then "
                                    "repeat the command",
                              path, wait_ms / 1000);
        if (status != PINTLE_OK) {
            (void)close(fd);
            return status;
        }
        (void)nanosleep(&pause, NULL);
    }
    *descriptor = fd;
    return PINTLE_OK;
}

void pti_file_unlock(int descriptor)
{
    if (descriptor >= 0)
        (void)close(descriptor);
}
