/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/metadata_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "publish/file.h"
#include "tuf/escape.h"
#include "tuf/verify.h"

#define LOCK_POLL_MS 20
#define NAME_SIZE (PTI_TUF_ESCAPED_MAX + 32)

/* "<version>.<role>.json", or "<role>.json" for version 0. */
static enum pintle_status file_name(struct pintle_bytes role, int64_t version, char out[NAME_SIZE],
                                    struct pti_error *error)
{
    struct pti_buf escaped;
    enum pintle_status status;

    pti_buf_init(&escaped, PTI_TUF_ESCAPED_MAX + 8);
    status = pti_tuf_escape(role, &escaped, error);
    if (status == PINTLE_OK && version > 0)
        (void)snprintf(out, NAME_SIZE, "%" PRId64 ".%.*s.json", version, (int)escaped.size, (const char *)escaped.data);
    else if (status == PINTLE_OK)
        (void)snprintf(out, NAME_SIZE, "%.*s.json", (int)escaped.size, (const char *)escaped.data);
    pti_buf_clear(&escaped);
    return status;
}

static enum pintle_status path_of(const struct pti_metadata_directory *directory, struct pintle_bytes role,
                                  char out[PTI_PATH_MAX], struct pti_error *error)
{
    char name[NAME_SIZE];
    enum pintle_status status = file_name(role, 0, name, error);

    return status == PINTLE_OK ? pti_file_path(out, directory->path, name, error) : status;
}

static enum pintle_status fetch(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out, bool *found,
                                struct pti_error *error)
{
    struct pti_metadata_directory *directory = ctx;
    char name[NAME_SIZE];
    enum pintle_status status = file_name(role, version, name, error);

    return status == PINTLE_OK ? pti_fetcher_get(directory->fetcher, directory->url, name, out, found, error) : status;
}

/* Through no symbolic link: what is read here was written here. */
static enum pintle_status read_open(int fd, const char *path, struct pti_buf *out, struct pti_error *error)
{
    char chunk[16384];
    struct stat status;
    ssize_t got;

    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return pti_fail(error, PINTLE_ERR_STORAGE, "expected a file at %s, found something else", path);
    while ((got = read(fd, chunk, sizeof chunk)) != 0) {
        if (got < 0 && errno != EINTR)
            return pti_fail(error, PINTLE_ERR_STORAGE, "cannot read %s: %s", path, strerror(errno));
        if (got > 0)
            pti_buf_append(out, chunk, (size_t)got);
        if (out->status == PINTLE_ERR_INPUT) /* larger than any file that was kept: not one of ours */
            return PINTLE_OK;
        if (out->status != PINTLE_OK)
            return pti_buf_check(out, error, path);
    }
    return PINTLE_OK;
}

enum pintle_status pti_regular_read(const char *path, struct pti_buf *out, bool *found, struct pti_error *error)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    enum pintle_status status;

    *found = false;
    if (fd < 0 && errno == ENOENT)
        return PINTLE_OK;
    if (fd < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "cannot open %s: %s", path, strerror(errno));
    status = read_open(fd, path, out, error);
    (void)close(fd);
    *found = status == PINTLE_OK && out->status == PINTLE_OK;
    return status;
}

static enum pintle_status load(void *ctx, struct pintle_bytes role, struct pti_buf *out, bool *found,
                               struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = path_of(ctx, role, path, error);

    *found = false;
    return status == PINTLE_OK ? pti_regular_read(path, out, found, error) : status;
}

static enum pintle_status keep(void *ctx, struct pintle_bytes role, struct pintle_bytes bytes, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = path_of(ctx, role, path, error);

    return status == PINTLE_OK ? pti_file_replace(path, bytes, 0644, error) : status;
}

static enum pintle_status forget(void *ctx, struct pintle_bytes role, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = path_of(ctx, role, path, error);

    return status == PINTLE_OK ? pti_file_remove(path, error) : status;
}

/* The directory itself is locked, for a file of a lock would be one more that others take for metadata. */
enum pintle_status pti_directory_hold(const char *path, int wait_ms, int *lock, struct pti_error *error)
{
    const struct timespec pause = {0, LOCK_POLL_MS * 1000000L};
    enum pintle_status status = pti_file_make_directory(path, 0755, error);
    int fd;

    *lock = -1;
    if (status != PINTLE_OK)
        return status;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "cannot open %s: %s", path, strerror(errno));
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_POLL_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= wait_ms) {
            status = pti_fail(error, PINTLE_ERR_STORAGE, "cannot lock %s: %s", path, strerror(errno));
            (void)close(fd);
            return status;
        }
        (void)nanosleep(&pause, NULL);
    }
    *lock = fd;
    return PINTLE_OK;
}

struct pti_updater_io pti_metadata_directory_io(struct pti_metadata_directory *directory)
{
    return (struct pti_updater_io){directory, fetch, load, keep, forget};
}

enum pintle_status pti_metadata_directory_start(struct pti_metadata_directory *directory, const char *root,
                                                struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pti_tuf_metadata *parsed = NULL;
    struct pintle_bytes bytes;
    enum pintle_status status = pti_file_read(root, PTI_ROOT_SIZE_MAX, &bytes, error);
    int lock = -1;

    if (status != PINTLE_OK)
        return status;
    status = pti_tuf_metadata_parse_with(bytes, PTI_TUF_ROOT, PTI_TUF_KEYIDS_ANY, crypto, &parsed, error);
    if (status == PINTLE_OK)
        status = pti_tuf_root_verifies_itself(parsed, error);
    if (status == PINTLE_OK)
        status = pti_directory_hold(directory->path, 0, &lock, error);
    if (status == PINTLE_OK)
        status = keep(directory, pti_bytes_text("root"), bytes, error);
    if (lock >= 0)
        (void)close(lock);
    pti_tuf_metadata_free(parsed);
    pti_bytes_free(&bytes);
    return status;
}
