/* SPDX-License-Identifier: Apache-2.0 */
#include "server/files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/file.h"
#include "server/http.h"
#include "server/limits.h"

/*
 * The timestamp must outlive stale-if-error, and a client is to see a change within minutes.  Versioned and hashed
 * names never change their content.
 */
static const struct {
    const char *name;
    const char *cache_control;
    bool compressed;
} kinds[PTI_FILE_KINDS] = {
    [PTI_FILE_HEAD] = {"head", "public, max-age=60, stale-if-error=86400", false},
    [PTI_FILE_TIMESTAMP] = {"timestamp", "public, max-age=60, stale-if-error=86400", false},
    [PTI_FILE_BODY] = {"body", "public, max-age=31536000, immutable", true},
    [PTI_FILE_METADATA] = {"metadata", "public, max-age=31536000, immutable", true},
    [PTI_FILE_TARGET] = {"target", "public, max-age=31536000, immutable", true},
    [PTI_FILE_OTHER] = {"other", "public, max-age=60", false},
};

const char *pti_file_kind_name(enum pti_file_kind kind)
{
    return kinds[kind].name;
}

const char *pti_file_cache_control(enum pti_file_kind kind)
{
    return kinds[kind].cache_control;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "12.root.json": a number first. */
static bool is_versioned(const char *name)
{
    size_t digits = strspn(name, "0123456789");

    return digits > 0 && name[digits] == '.';
}

/* "<64 hex>.charter.json", or the bare hash. */
static bool is_hashed(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");

    return digits == 64 && (name[64] == '.' || name[64] == '\0');
}

enum pti_file_kind pti_file_kind(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    if (strcmp(path, "/metadata/timestamp.json") == 0)
        return PTI_FILE_TIMESTAMP;
    if (starts_with(path, "/head/"))
        return PTI_FILE_HEAD;
    if (starts_with(path, "/body/") && is_hashed(name))
        return PTI_FILE_BODY;
    if (starts_with(path, "/metadata/") && is_versioned(name))
        return PTI_FILE_METADATA;
    if (starts_with(path, "/targets/") && is_hashed(name))
        return PTI_FILE_TARGET;
    return PTI_FILE_OTHER;
}

bool pti_file_has_compressed(enum pti_file_kind kind)
{
    return kinds[kind].compressed;
}

const char *pti_file_content_type(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && strcmp(dot, ".json") == 0 ? "application/json" : "application/octet-stream";
}

void pti_file_describe(struct pti_http_response *response, enum pti_file_kind kind, const char *path, bool compressed)
{
    response->content_type = pti_file_content_type(path);
    response->cache_control = pti_file_cache_control(kind);
    response->varies = pti_file_has_compressed(kind);
    response->gzip = compressed;
}

/* After a coding: is its weight, if there is one, zero?  ";q=0", ";q=0.000" */
static bool weight_is_zero(const char *at)
{
    at += strspn(at, " \t");
    if (*at != ';')
        return false;
    at += 1 + strspn(at + 1, " \t");
    return strncasecmp(at, "q=0", 3) == 0 && strcspn(at + 3, "123456789") >= strcspn(at + 3, ",");
}

bool pti_file_accepts_gzip(const char *accept_encoding)
{
    const char *at = accept_encoding;

    while (at != NULL && *at != '\0') {
        size_t length;

        at += strspn(at, " \t,");
        length = strcspn(at, " \t,;");
        if ((length == 4 && strncasecmp(at, "gzip", 4) == 0) || (length == 6 && strncasecmp(at, "x-gzip", 6) == 0))
            return !weight_is_zero(at + length);
        at += strcspn(at, ",");
    }
    return false;
}

/* The length of the part that path starts with; 0 if it is no allowed name. */
static size_t part_length(const char *path)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strspn(path, allowed);

    if (length == 0 || length > PTI_FILES_NAME_MAX || path[0] == '.')
        return 0;
    return path[length] == '/' || path[length] == '\0' ? length : 0;
}

bool pti_file_path_valid(const char *path)
{
    unsigned depth = 0;

    if (strlen(path) > PTI_FILES_PATH_MAX)
        return false;
    while (*path == '/') {
        size_t length = part_length(path + 1);

        if (length == 0 || ++depth > PTI_FILES_DEPTH_MAX)
            return false;
        path += 1 + length;
    }
    return depth > 0;
}

/* What openat() says when there is no such file, or something that is never served stands in its place. */
static bool means_absent(int why)
{
    return why == ENOENT || why == ENOTDIR || why == ELOOP || why == ENXIO || why == ENAMETOOLONG;
}

/* Follows path, part by part, from a directory that stays open; returns a descriptor, or -1 with errno. */
static int walk(int directory, const char *path)
{
    char name[PTI_FILES_NAME_MAX + 1];
    int at = directory;

    for (;;) {
        size_t length = part_length(path + 1);
        bool last = path[1 + length] == '\0';
        int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (last ? O_NONBLOCK : O_DIRECTORY);
        int next = -1, why = 0;

        memcpy(name, path + 1, length);
        name[length] = '\0';
        next = openat(at, name, flags);
        why = errno;
        if (at != directory)
            close(at);
        errno = why;
        if (next < 0 || last)
            return next;
        at = next;
        path += 1 + length;
    }
}

enum pintle_status pti_file_open(int directory, const char *path, int *fd, uint64_t *size, struct pti_error *error)
{
    struct stat status;

    *fd = -1;
    if (!pti_file_path_valid(path))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected the path of a published file, found another kind of path");
    *fd = walk(directory, path);
    if (*fd < 0) {
        if (means_absent(errno))
            return pti_fail(error, PINTLE_ERR_INPUT, "there is no published file %s", path);
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be opened: %s", path, strerror(errno));
    }
    if (fstat(*fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(*fd);
        *fd = -1;
        return pti_fail(error, PINTLE_ERR_INPUT, "%s is no regular file", path);
    }
    *size = (uint64_t)status.st_size;
    return PINTLE_OK;
}

bool pti_file_open_compressed(int directory, const char *path, int *fd, uint64_t *size)
{
    char compressed[PTI_FILES_PATH_MAX + sizeof ".gz"];
    size_t length = strlen(path);

    if (length > PTI_FILES_PATH_MAX)
        return false;
    memcpy(compressed, path, length);
    memcpy(compressed + length, ".gz", sizeof ".gz");
    return pti_file_open(directory, compressed, fd, size, NULL) == PINTLE_OK;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int open_directory_or_parent(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t size = strlen(path);
    char parent[PTI_PATH_MAX];

    if (directory >= 0 || errno != ENOENT || size >= sizeof parent)
        return directory;
    while (size > 0 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    memcpy(parent, path, size);
    parent[size] = '\0';
    return open(size > 0 ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

bool pti_file_directory_is_below(const char *path, int ancestor)
{
    struct stat wanted, here, before;
    int at = open_directory_or_parent(path);
    bool below = false, go_on = at >= 0 && fstat(ancestor, &wanted) == 0;

    memset(&before, 0, sizeof before);
    while (go_on && at >= 0 && fstat(at, &here) == 0) {
        int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        below = is_same(&here, &wanted);
        go_on = !below && !is_same(&here, &before); /* the root directory is its own parent */
        before = here;
        close(at);
        at = up;
    }
    if (at >= 0)
        close(at);
    return below;
}
