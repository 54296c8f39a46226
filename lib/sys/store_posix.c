/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in a directory, one file per blob.  Replacing a blob writes `<name>.tmp`, syncs it, renames it over `<name>`
 * and syncs the directory, always under the lock; so there is at most one temporary file per blob, and one that a crash
 * left behind is nobody's and goes with the next save.
 */
#include "sys/store_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/store_lock.h"

#define NAME_SIZE_MAX 32 /* of a blob, with terminator */
#define TEMP_SUFFIX ".tmp"
#define READ_SIZE 16384

struct posix_store {
    char *path;    /* for messages */
    int directory; /* everything is opened relative to it, so nobody can move the store under our feet */
    struct pti_store_lock lock;
};

static enum pintle_status fail_errno(const struct posix_store *store, const char *what, const char *name,
                                     struct pti_error *error)
{
    int number = errno;
    char reason[128] = "unknown error";

    (void)strerror_r(number, reason, sizeof(reason));
    return pti_fail(error, PINTLE_ERR_STORAGE, "cannot %s %s/%s: %s%s", what, store->path, name, reason,
                    number == ELOOP ? " (it must not be a symbolic link)" : "");
}

/* Names come from the client alone; whatever else arrives here must not become a path. */
static enum pintle_status check_name(const char *name, struct pti_error *error)
{
    size_t length = name != NULL ? strspn(name, "abcdefghijklmnopqrstuvwxyz-") : 0;

    if (length == 0 || length >= NAME_SIZE_MAX || name[length] != '\0' || strcmp(name, PTI_STORE_LOCK_FILE) == 0)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "expected a blob name of a-z and '-' other than \"" PTI_STORE_LOCK_FILE "\", found \"%.40s\"",
                        name != NULL ? name : "(null)");
    return PINTLE_OK;
}

static enum pintle_status pour(const struct posix_store *store, int file, const char *name,
                               const struct pintle_sink *sink, struct pti_error *error)
{
    uint8_t chunk[READ_SIZE];
    struct stat status;
    size_t total = 0;

    if (fstat(file, &status) != 0)
        return fail_errno(store, "inspect", name, error);
    if (!S_ISREG(status.st_mode))
        return pti_fail(error, PINTLE_ERR_STORAGE, "expected %s/%s to be a regular file; move away what is there",
                        store->path, name);
    for (;;) {
        ssize_t got = read(file, chunk, sizeof(chunk));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(store, "read", name, error);
        if (got == 0)
            return PINTLE_OK;
        total += (size_t)got;
        if (total > PTI_STORE_BLOB_MAX || !sink->write(sink->ctx, chunk, (size_t)got))
            return pti_fail(error, PINTLE_ERR_STORAGE, "%s/%s is larger than its reader takes; stopped after %zu bytes",
                            store->path, name, total);
    }
}

static enum pintle_status load_blob(const struct posix_store *store, const char *name, const struct pintle_sink *sink,
                                    bool *found, struct pti_error *error)
{
    enum pintle_status status = check_name(name, error);
    int file;

    if (status != PINTLE_OK)
        return status;
    /* O_NONBLOCK: opening a fifo put in place of the file must not hang. */
    file = openat(store->directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT)
        return PINTLE_OK;
    if (file < 0)
        return fail_errno(store, "open", name, error);
    status = pour(store, file, name, sink, error);
    close(file);
    *found = status == PINTLE_OK;
    return status;
}

static enum pintle_status write_all(const struct posix_store *store, int file, const char *temp,
                                    struct pintle_bytes data, struct pti_error *error)
{
    size_t written = 0;

    while (written < data.size) {
        ssize_t put = write(file, data.data + written, data.size - written);

        if (put < 0 && errno != EINTR)
            return fail_errno(store, "write", temp, error);
        if (put > 0)
            written += (size_t)put;
    }
    return PINTLE_OK;
}

static enum pintle_status write_temp(const struct posix_store *store, const char *temp, struct pintle_bytes data,
                                     struct pti_error *error)
{
    enum pintle_status status;
    int file;

    if (unlinkat(store->directory, temp, 0) != 0 && errno != ENOENT)
        return fail_errno(store, "remove the leftover", temp, error);
    file = openat(store->directory, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0)
        return fail_errno(store, "create", temp, error);
    status = write_all(store, file, temp, data, error);
    if (status == PINTLE_OK && fsync(file) != 0)
        status = fail_errno(store, "sync", temp, error);
    if (close(file) != 0 && status == PINTLE_OK)
        status = fail_errno(store, "close", temp, error);
    return status;
}

static enum pintle_status sync_directory(const struct posix_store *store, struct pti_error *error)
{
    return fsync(store->directory) == 0 ? PINTLE_OK : fail_errno(store, "sync the directory", "", error);
}

static enum pintle_status save_blob(const struct posix_store *store, const char *name, struct pintle_bytes data,
                                    struct pti_error *error)
{
    char temp[NAME_SIZE_MAX + sizeof(TEMP_SUFFIX)];
    enum pintle_status status;

    if (data.size > PTI_STORE_BLOB_MAX)
        return pti_fail(error, PINTLE_ERR_STORAGE, "expected at most %d bytes for %s/%s, found %zu", PTI_STORE_BLOB_MAX,
                        store->path, name, data.size);
    snprintf(temp, sizeof(temp), "%s" TEMP_SUFFIX, name);
    status = write_temp(store, temp, data, error);
    if (status == PINTLE_OK && renameat(store->directory, temp, store->directory, name) != 0)
        status = fail_errno(store, "replace", name, error);
    if (status != PINTLE_OK) {
        unlinkat(store->directory, temp, 0);
        return status;
    }
    return sync_directory(store, error);
}

static enum pintle_status remove_blob(const struct posix_store *store, const char *name, struct pti_error *error)
{
    char temp[NAME_SIZE_MAX + sizeof(TEMP_SUFFIX)];

    snprintf(temp, sizeof(temp), "%s" TEMP_SUFFIX, name);
    unlinkat(store->directory, temp, 0);
    if (unlinkat(store->directory, name, 0) != 0 && errno != ENOENT)
        return fail_errno(store, "remove", name, error);
    return sync_directory(store, error);
}

/* Changes happen under the lock; a caller that does not hold it gets it for this one change. */
static enum pintle_status change(struct posix_store *store, const char *name, const struct pintle_bytes *data,
                                 struct pti_error *error)
{
    enum pintle_status status = check_name(name, error);
    bool borrow = !pti_store_lock_is_mine(&store->lock);

    if (status == PINTLE_OK && borrow)
        status = pti_store_lock_take(&store->lock, error);
    if (status != PINTLE_OK)
        return status;
    status = data != NULL ? save_blob(store, name, *data, error) : remove_blob(store, name, error);
    if (borrow)
        pti_store_lock_drop(&store->lock);
    return status;
}

static enum pintle_status report(enum pintle_status status, const struct pti_error *error, char *detail, size_t size)
{
    if (status != PINTLE_OK)
        pti_copy_text(detail, size, error->detail);
    return status;
}

static enum pintle_status load(void *ctx, const char *name, const struct pintle_sink *sink, bool *found, char *detail,
                               size_t detail_size)
{
    struct pti_error error;

    *found = false;
    return report(load_blob(ctx, name, sink, found, &error), &error, detail, detail_size);
}

static enum pintle_status save(void *ctx, const char *name, struct pintle_bytes data, char *detail, size_t detail_size)
{
    struct pti_error error;

    return report(change(ctx, name, &data, &error), &error, detail, detail_size);
}

static enum pintle_status discard(void *ctx, const char *name, char *detail, size_t detail_size)
{
    struct pti_error error;

    return report(change(ctx, name, NULL, &error), &error, detail, detail_size);
}

static enum pintle_status lock(void *ctx, char *detail, size_t detail_size)
{
    struct posix_store *store = ctx;
    struct pti_error error;

    return report(pti_store_lock_take(&store->lock, &error), &error, detail, detail_size);
}

static void unlock(void *ctx)
{
    struct posix_store *store = ctx;

    pti_store_lock_drop(&store->lock);
}

static void free_store(void *ctx)
{
    struct posix_store *store = ctx;

    if (store == NULL)
        return;
    pti_store_lock_clear(&store->lock);
    close(store->directory);
    free(store->path);
    free(store);
}

/* Opens the directory, made if it is missing; -1 with errno set. */
static int open_directory(const char *path)
{
    bool made = mkdir(path, 0700) == 0;
    int directory, parent;

    if (!made && errno != EEXIST)
        return -1;
    directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0 || !made)
        return directory;
    /* A directory lost with the power is a new client.  If the parent may not be opened, the file system decides. */
    parent = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0) {
        fsync(parent);
        close(parent);
    }
    return directory;
}

static enum pintle_status store_new(const char *path, struct posix_store **result, struct pti_error *error)
{
    size_t length = strlen(path) + 1;
    struct posix_store *store = calloc(1, sizeof(*store));
    enum pintle_status status = PINTLE_ERR_MEMORY;
    char reason[128] = "unknown error";

    if (store == NULL || (store->path = malloc(length)) == NULL)
        goto fail;
    memcpy(store->path, path, length);
    store->directory = open_directory(path);
    if (store->directory < 0) {
        (void)strerror_r(errno, reason, sizeof(reason));
        status = pti_fail(error, PINTLE_ERR_STORAGE,
                          "cannot open or make the store directory %s: %s; its parent must "
                          "exist and it must not be a symbolic link",
                          path, reason);
        goto fail;
    }
    if (pti_store_lock_init(&store->lock, store->directory, store->path) != PINTLE_OK) {
        close(store->directory);
        goto fail;
    }
    *result = store;
    return PINTLE_OK;

fail:
    if (status == PINTLE_ERR_MEMORY)
        pti_fail(error, status, "out of memory for the store %s", path);
    if (store != NULL)
        free(store->path);
    free(store);
    return status;
}

enum pintle_status pintle_store_posix_init(struct pintle_store *store, const char *directory, char *detail,
                                           size_t detail_size)
{
    struct posix_store *posix = NULL;
    struct pti_error error;
    enum pintle_status status;

    if (store == NULL)
        return PINTLE_ERR_MISUSE;
    memset(store, 0, sizeof(*store));
    if (directory == NULL || directory[0] == '\0')
        status = pti_fail(&error, PINTLE_ERR_STORAGE, "expected the path of a directory for the store, found none");
    else
        status = store_new(directory, &posix, &error);
    if (status != PINTLE_OK)
        return report(status, &error, detail, detail_size);
    *store = (struct pintle_store){.size = sizeof(*store),
                                   .ctx = posix,
                                   .load = load,
                                   .save = save,
                                   .remove = discard,
                                   .lock = lock,
                                   .unlock = unlock,
                                   .free = free_store};
    return PINTLE_OK;
}

void pti_store_posix_set_wait(struct pintle_store *store, int64_t wait_ms)
{
    struct posix_store *posix = store->ctx;

    posix->lock.wait_ms = wait_ms;
}
