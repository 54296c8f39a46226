/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/directory_transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "publish/file.h"

struct directory_transport {
    char *directory;
    struct pintle_transport others; /* perform is NULL without one */
};

/* The path below the directory; NULL if url is elsewhere. */
static const char *path_of(const char *url)
{
    size_t length = strlen(PTI_DIRECTORY_URL);

    if (strncmp(url, PTI_DIRECTORY_URL, length) != 0 || url[length] != '/') {
        return NULL;
    }
    return url + length + 1;
}

/* Nothing outside the directory is served, whatever a name in a manifest says. */
static bool stays_inside(const char *path)
{
    while (*path) {
        size_t length = strcspn(path, "/");

        if (length == 0 || path[0] == '.') {
            return false;
        }
        path += length + (path[length] == '/');
    }
    return true;
}

static enum pintle_status pour(int fd, const char *path, const struct pintle_sink *sink, char *detail,
                               size_t detail_size)
{
    uint8_t chunk[16384];

    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);

        if (got == 0) {
            return PINTLE_OK;
        }
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 || !sink->write(sink->ctx, chunk, (size_t)got)) {
            struct pti_error error;

            pti_fail(&error, PINTLE_ERR_NETWORK, "%.200s: %s", path,
                     got < 0 ? strerror(errno) : "larger than a client accepts");
            pti_copy_text(detail, detail_size, error.detail);
            return PINTLE_ERR_NETWORK;
        }
    }
}

static enum pintle_status answer(const struct directory_transport *transport, const char *path,
                                 const struct pintle_sink *sink, struct pintle_response *response, char *detail,
                                 size_t detail_size)
{
    char whole[PTI_PATH_MAX];
    struct stat file;
    struct pti_error error;
    enum pintle_status status = PINTLE_OK;
    int fd = -1;

    response->status = 404;
    response->retry_after_s = -1;
    if (!stays_inside(path)) {
        return PINTLE_OK;
    }
    if (pti_file_path(whole, transport->directory, path, &error) != PINTLE_OK) {
        pti_copy_text(detail, detail_size, error.detail);
        return PINTLE_ERR_NETWORK;
    }
    fd = open(whole, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return PINTLE_OK;
    }
    if (fd < 0) {
        pti_fail(&error, PINTLE_ERR_NETWORK, "%.200s cannot be read: %s", whole, strerror(errno));
        pti_copy_text(detail, detail_size, error.detail);
        return PINTLE_ERR_NETWORK;
    }
    if (fstat(fd, &file) == 0 && S_ISREG(file.st_mode)) {
        response->status = 200;
        status = pour(fd, whole, sink, detail, detail_size);
    }
    close(fd);
    return status;
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct directory_transport *transport = ctx;
    const char *path = path_of(request->url);

    if (path && strcmp(request->method, "GET") == 0) {
        return answer(transport, path, sink, response, detail, detail_size);
    }
    if (transport->others.perform) {
        return transport->others.perform(transport->others.ctx, request, sink, response, detail, detail_size);
    }
    pti_copy_text(detail, detail_size, "only the files of a directory are to be had here");
    return PINTLE_ERR_NETWORK;
}

static void cancel(void *ctx)
{
    struct directory_transport *transport = ctx;

    if (transport->others.cancel) {
        transport->others.cancel(transport->others.ctx);
    }
}

static void release(void *ctx)
{
    struct directory_transport *transport = ctx;

    if (transport->others.free) {
        transport->others.free(transport->others.ctx);
    }
    free(transport->directory);
    free(transport);
}

enum pintle_status pti_directory_transport_init(struct pintle_transport *transport, const char *directory,
                                                const struct pintle_transport *others)
{
    struct directory_transport *made = calloc(1, sizeof *made);

    memset(transport, 0, sizeof *transport);
    if (!made) {
        return PINTLE_ERR_MEMORY;
    }
    made->directory = pti_bytes_strdup(pti_bytes_text(directory));
    if (!made->directory) {
        free(made);
        return PINTLE_ERR_MEMORY;
    }
    if (others) {
        made->others = *others;
    }
    *transport = (struct pintle_transport){
        .size = sizeof *transport, .ctx = made, .perform = perform, .cancel = cancel, .free = release};
    return PINTLE_OK;
}

/* ---- the plain files only ---- */

static enum pintle_status perform_plain(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                        struct pintle_response *response, char *detail, size_t detail_size)
{
    struct pintle_transport *inner = ctx;

    if (strstr(request->url, "/head/") || strstr(request->url, "/body/")) {
        response->status = 404;
        response->retry_after_s = -1;
        return PINTLE_OK;
    }
    return inner->perform(inner->ctx, request, sink, response, detail, detail_size);
}

static void cancel_plain(void *ctx)
{
    struct pintle_transport *inner = ctx;

    if (inner->cancel) {
        inner->cancel(inner->ctx);
    }
}

static void release_plain(void *ctx)
{
    struct pintle_transport *inner = ctx;

    if (inner->free) {
        inner->free(inner->ctx);
    }
    free(inner);
}

enum pintle_status pti_plain_transport_init(struct pintle_transport *transport, const struct pintle_transport *inner)
{
    struct pintle_transport *made = malloc(sizeof *made);

    memset(transport, 0, sizeof *transport);
    if (!made) {
        return PINTLE_ERR_MEMORY;
    }
    *made = *inner;
    *transport = (struct pintle_transport){.size = sizeof *transport,
                                           .ctx = made,
                                           .perform = perform_plain,
                                           .cancel = cancel_plain,
                                           .free = release_plain};
    return PINTLE_OK;
}
