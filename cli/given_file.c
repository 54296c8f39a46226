/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/given_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/buf.h"

#define BLOCK_SIZE 16384

enum pintle_status pti_given_file_missing(const char *path, struct pti_error *error)
{
    if (errno == ENOENT || errno == ENOTDIR) {
        return pti_fail(error, PINTLE_ERR_STORAGE, "expected a file at %.300s, found none; check the path", path);
    }
    return pti_fail(error, PINTLE_ERR_STORAGE, "%.300s cannot be read: %s; check %s", path, strerror(errno),
                    errno == EACCES || errno == EPERM ? "its owner and mode" : "the path");
}

/* Waits for whoever writes into a pipe. */
static enum pintle_status open_given(const char *path, int *fd, struct pti_error *error)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        return pti_given_file_missing(path, error);
    }
    if (S_ISDIR(info.st_mode)) {
        return pti_fail(error, PINTLE_ERR_STORAGE, "expected a file at %.300s, found a directory; check the path",
                        path);
    }
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return *fd >= 0 ? PINTLE_OK : pti_given_file_missing(path, error);
}

static enum pintle_status read_all(int fd, const char *path, struct pti_buf *buf, struct pti_error *error)
{
    uint8_t block[BLOCK_SIZE];
    ssize_t got = 1;

    while (got > 0 && buf->status == PINTLE_OK) {
        do {
            got = read(fd, block, sizeof block);
        } while (got < 0 && errno == EINTR);
        if (got > 0) {
            pti_buf_append(buf, block, (size_t)got);
        }
    }
    OPENSSL_cleanse(block, sizeof block);
    if (got < 0) {
        return pti_given_file_missing(path, error);
    }
    if (buf->status == PINTLE_ERR_INPUT) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%.300s: expected at most %zu bytes, found more; is it the right file?", path, buf->max);
    }
    return pti_buf_check(buf, error, path);
}

enum pintle_status pti_given_file_read(const char *path, size_t max, struct pintle_bytes *data, struct pti_error *error)
{
    struct pti_buf buf;
    int fd = -1;
    enum pintle_status status = open_given(path, &fd, error);

    *data = (struct pintle_bytes){NULL, 0};
    if (status != PINTLE_OK) {
        return status;
    }
    pti_buf_init(&buf, max);
    status = read_all(fd, path, &buf, error);
    (void)close(fd);
    *data = pti_buf_bytes(&buf); /* its allocation is the caller's now */
    if (status != PINTLE_OK) {
        pti_given_file_clear(data);
    }
    return status;
}

void pti_given_file_clear(struct pintle_bytes *data)
{
    if (data->data) {
        OPENSSL_cleanse((void *)(uintptr_t)data->data, data->size);
    }
    pti_bytes_free(data);
}
