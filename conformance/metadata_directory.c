/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/metadata_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/file.h"
#include "tuf/escape.h"
#include "tuf/verify.h"

#define TIMEOUT_MS (300 * 1000)
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

enum pintle_status pti_metadata_get(const struct pintle_transport *transport, const char *base, const char *name,
                                    struct pti_buf *out, bool *found, struct pti_error *error)
{
    struct pintle_response response = {sizeof response, 0, -1};
    struct pintle_sink sink = pti_buf_sink(out);
    char url[PTI_URL_MAX + NAME_SIZE], detail[PTI_ERROR_DETAIL_MAX] = "";
    size_t length = strlen(base);
    enum pintle_status status;

    *found = false;
    if (length + strlen(name) + 2 > sizeof url)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a URL of at most %d bytes, found %zu", PTI_URL_MAX, length);
    (void)snprintf(url, sizeof url, "%s%s%s", base, length > 0 && base[length - 1] == '/' ? "" : "/", name);
    status = transport->perform(transport->ctx,
                                &(struct pintle_request){.size = sizeof(struct pintle_request),
                                                         .method = "GET",
                                                         .url = url,
                                                         .max_response = out->max,
                                                         .timeout_ms = TIMEOUT_MS,
                                                         .min_bytes_per_second = PTI_MIN_BYTES_PER_SECOND},
                                &sink, &response, detail, sizeof detail);
    if (out->status != PINTLE_OK) /* whatever the transport makes of a sink that refused */
        return pti_buf_check(out, error, url);
    if (status != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s: %s", url, detail);
    if (response.status != 200 && response.status != 404 && response.status != 403)
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s: expected HTTP status 200, found %d", url, response.status);
    *found = response.status == 200;
    return PINTLE_OK;
}

static enum pintle_status fetch(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out, bool *found,
                                struct pti_error *error)
{
    struct pti_metadata_directory *directory = ctx;
    char name[NAME_SIZE];
    enum pintle_status status = file_name(role, version, name, error);

    return status == PINTLE_OK ? pti_metadata_get(directory->transport, directory->url, name, out, found, error)
                               : status;
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

static enum pintle_status load(void *ctx, struct pintle_bytes role, struct pti_buf *out, bool *found,
                               struct pti_error *error)
{
    struct pti_metadata_directory *directory = ctx;
    char path[PTI_PATH_MAX];
    enum pintle_status status = path_of(directory, role, path, error);
    int fd;

    *found = false;
    if (status != PINTLE_OK)
        return status;
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return PINTLE_OK;
    if (fd < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "cannot open %s: %s", path, strerror(errno));
    status = read_open(fd, path, out, error);
    (void)close(fd);
    *found = status == PINTLE_OK && out->status == PINTLE_OK;
    return status;
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

    if (status != PINTLE_OK)
        return status;
    status = pti_tuf_metadata_parse_with(bytes, PTI_TUF_ROOT, PTI_TUF_KEYIDS_ANY, crypto, &parsed, error);
    if (status == PINTLE_OK)
        status = pti_tuf_root_verifies_itself(parsed, error);
    if (status == PINTLE_OK)
        status = pti_file_make_directory(directory->path, 0755, error);
    if (status == PINTLE_OK)
        status = keep(directory, pti_bytes_text("root"), bytes, error);
    pti_tuf_metadata_free(parsed);
    pti_bytes_free(&bytes);
    return status;
}
