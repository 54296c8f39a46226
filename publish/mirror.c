/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/mirror.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "publish/bundle.h"
#include "publish/envelope.h"
#include "publish/gzip.h"

#define MARKER "metadata/1.root.json" /* written first: whose directory it is */
#define TIMESTAMP "metadata/timestamp.json"

struct mirror {
    const struct pti_repository *repository;
    char from[PTI_PATH_MAX]; /* its public/ */
    const char *to;
    struct pti_mirror_result *result;
};

/* ---- may it be written to ---- */

/* Nothing there but what a first run that was killed before its marker may have left. */
static bool is_unused(const char *directory, bool top)
{
    DIR *stream = opendir(directory);
    char below[PTI_PATH_MAX];
    bool unused = true;

    if (!stream)
        return errno == ENOENT;
    for (const struct dirent *entry = readdir(stream); entry && unused; entry = readdir(stream)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (top)
            unused = strcmp(entry->d_name, "metadata") == 0 &&
                     pti_file_path(below, directory, entry->d_name, NULL) == PINTLE_OK && is_unused(below, false);
        else
            unused = strcmp(entry->d_name, ".new") == 0;
    }
    closedir(stream);
    return unused;
}

static enum pintle_status read_there(const struct mirror *mirror, const char *relative, struct pintle_bytes *data,
                                     bool *found, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, mirror->to, relative, error);

    return status == PINTLE_OK ? pti_file_read_optional(path, PTI_STORE_BLOB_MAX, data, found, error) : status;
}

/* *roots: how many of ours are there.  One more, or another one in the place of ours, is not ours to overwrite. */
static enum pintle_status check_roots(const struct mirror *mirror, size_t *roots, struct pti_error *error)
{
    const struct pti_published *published = &mirror->repository->published;
    enum pintle_status status = PINTLE_OK;
    bool found = true;

    *roots = 0;
    for (size_t n = 1; status == PINTLE_OK && found && n <= published->root_count + 1; n++) {
        struct pintle_bytes there = {NULL, 0};
        char name[64];

        snprintf(name, sizeof name, "metadata/%zu.root.json", n);
        status = read_there(mirror, name, &there, &found, error);
        if (status == PINTLE_OK && found && n > published->root_count)
            status = pti_fail(error, PINTLE_ERR_STORAGE,
                              "%s holds root %zu, newer than root %zu of this repository; is this an old copy of it?",
                              mirror->to, n, published->root_count);
        else if (status == PINTLE_OK && found && !pti_bytes_equal(there, published->roots[n - 1]))
            status = pti_fail(error, PINTLE_ERR_STORAGE,
                              "%s holds another repository: its root %zu differs; name an empty directory", mirror->to,
                              n);
        else if (status == PINTLE_OK && found)
            *roots = n;
        pti_bytes_free(&there);
    }
    return status;
}

/* One that the newest root does not accept is of the time before it, whatever its number. */
static enum pintle_status is_accepted(const struct pti_published *published, struct pintle_bytes timestamp,
                                      struct pintle_crypto *crypto, bool *accepted, struct pti_error *error)
{
    struct pti_role_keys keys = {NULL, 0, 0};
    int64_t count = 0;
    enum pintle_status status = pti_role_keys_from_root(pti_published_root(published), "timestamp", &keys, error);

    if (status == PINTLE_OK)
        status = pti_envelope_count(timestamp, &keys, crypto, &count, error);
    *accepted = status == PINTLE_OK && count >= keys.threshold;
    pti_role_keys_clear(&keys);
    return status;
}

static enum pintle_status check_timestamp(const struct mirror *mirror, struct pti_error *error)
{
    const struct pti_published *published = &mirror->repository->published;
    struct pintle_bytes there = {NULL, 0};
    bool found = false, accepted = false;
    int64_t version = 0, expires = 0;
    enum pintle_status status = read_there(mirror, TIMESTAMP, &there, &found, error);

    if (status == PINTLE_OK && found)
        status = is_accepted(published, there, mirror->repository->crypto, &accepted, error);
    if (status == PINTLE_OK && accepted)
        status = pti_envelope_dates(there, &version, &expires, error);
    if (status == PINTLE_OK && accepted &&
        (version > published->timestamp_version ||
         (version == published->timestamp_version && !pti_bytes_equal(there, published->timestamp))))
        status = pti_fail(error, PINTLE_ERR_STORAGE,
                          "%s holds timestamp %" PRId64 ", %s timestamp %" PRId64
                          " of this repository; is this an old copy of it?",
                          mirror->to, version, version > published->timestamp_version ? "newer than" : "another than",
                          published->timestamp_version);
    else if (status == PINTLE_ERR_INPUT) /* not one of ours, nor anything that a client takes: it is replaced */
        status = PINTLE_OK;
    pti_bytes_free(&there);
    return status;
}

static enum pintle_status check_directory(const struct mirror *mirror, struct pti_error *error)
{
    size_t roots = 0;
    enum pintle_status status = check_roots(mirror, &roots, error);

    if (status != PINTLE_OK)
        return status;
    if (roots > 0)
        return check_timestamp(mirror, error);
    if (is_unused(mirror->to, true))
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_STORAGE,
                    "%s holds something else, no copy of this repository; name an empty directory", mirror->to);
}

/* ---- writing ---- */

static enum pintle_status with_gzip_suffix(char *out, const char *path, struct pti_error *error)
{
    int size = snprintf(out, PTI_PATH_MAX, "%s%s", path, PTI_GZIP_SUFFIX);

    if (size < 0 || size >= PTI_PATH_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "the path %.200s... is too long", path);
    return PINTLE_OK;
}

static enum pintle_status copy_file(const struct mirror *mirror, const char *relative, struct pti_error *error)
{
    struct pintle_bytes ours = {NULL, 0}, there = {NULL, 0};
    char path[PTI_PATH_MAX];
    bool found = false;
    enum pintle_status status = pti_file_path(path, mirror->from, relative, error);

    if (status == PINTLE_OK)
        status = pti_file_read(path, PTI_STORE_BLOB_MAX, &ours, error);
    if (status == PINTLE_OK)
        status = read_there(mirror, relative, &there, &found, error);
    if (status == PINTLE_OK && (!found || !pti_bytes_equal(ours, there))) {
        status = pti_repository_write_file(mirror->to, relative, ours, error);
        mirror->result->written++;
    }
    pti_bytes_free(&ours);
    pti_bytes_free(&there);
    return status;
}

/* What never changes under its name, and then its compressed form, if it has one. */
static enum pintle_status copy_immutable(const struct mirror *mirror, const char *relative, struct pti_error *error)
{
    char compressed[PTI_PATH_MAX], path[PTI_PATH_MAX];
    enum pintle_status status = copy_file(mirror, relative, error);

    if (status == PINTLE_OK)
        status = with_gzip_suffix(compressed, relative, error);
    if (status == PINTLE_OK)
        status = pti_file_path(path, mirror->from, compressed, error);
    return status == PINTLE_OK && pti_file_exists(path) ? copy_file(mirror, compressed, error) : status;
}

static bool has_suffix(const char *name, const char *suffix)
{
    size_t size = strlen(name), tail = strlen(suffix);

    return size >= tail && strcmp(name + size - tail, suffix) == 0;
}

/* Not roots and timestamp, which have their own place in the order, nor what is copied with the file beside it. */
static bool is_ordinary(const char *directory, const char *name)
{
    if (has_suffix(name, PTI_GZIP_SUFFIX))
        return false;
    return strcmp(directory, "metadata") != 0 ||
           (!has_suffix(name, ".root.json") && strcmp(name, "timestamp.json") != 0);
}

static bool is_directory(const struct mirror *mirror, const char *relative)
{
    char path[PTI_PATH_MAX];
    struct stat info;

    return pti_file_path(path, mirror->from, relative, NULL) == PINTLE_OK && stat(path, &info) == 0 &&
           S_ISDIR(info.st_mode);
}

static enum pintle_status copy_directory(const struct mirror *mirror, const char *directory, struct pti_error *error)
{
    char path[PTI_PATH_MAX], relative[PTI_PATH_MAX], **names = NULL;
    size_t count = 0;
    enum pintle_status status = pti_file_path(path, mirror->from, directory, error);

    if (status == PINTLE_OK)
        status = pti_file_list(path, "", &names, &count, error);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        if (!is_ordinary(directory, names[i]))
            continue;
        status = pti_file_path(relative, directory, names[i], error);
        if (status == PINTLE_OK && !is_directory(mirror, relative))
            status = copy_immutable(mirror, relative, error);
    }
    pti_file_names_free(names, count);
    return status;
}

typedef enum pintle_status (*copy_fn)(const struct mirror *mirror, const char *relative, struct pti_error *error);

/* "metadata/3.root.json", "head/3" */
static enum pintle_status copy_numbered(const struct mirror *mirror, const char *before, const char *after,
                                        size_t first, copy_fn copy, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t n = first; n <= mirror->repository->published.root_count && status == PINTLE_OK; n++) {
        char name[64];

        snprintf(name, sizeof name, "%s%zu%s", before, n, after);
        status = copy(mirror, name, error);
    }
    return status;
}

static enum pintle_status copy_all(const struct mirror *mirror, struct pti_error *error)
{
    static const char *const directories[] = {"body", "targets/zones", "targets", "metadata"};
    enum pintle_status status = copy_immutable(mirror, MARKER, error);

    for (size_t i = 0; i < sizeof directories / sizeof directories[0] && status == PINTLE_OK; i++)
        status = copy_directory(mirror, directories[i], error);
    if (status == PINTLE_OK)
        status = copy_numbered(mirror, "metadata/", ".root.json", 2, copy_immutable, error);
    if (status == PINTLE_OK)
        status = copy_file(mirror, TIMESTAMP, error);
    if (status == PINTLE_OK)
        status = copy_numbered(mirror, "head/", "", pti_bundle_first_head(&mirror->repository->published), copy_file,
                               error);
    return status;
}

/* ---- removing ---- */

/* Its compressed form first, which is nothing without it. */
static enum pintle_status remove_file(const struct mirror *mirror, const char *path, struct pti_error *error)
{
    char compressed[PTI_PATH_MAX];
    enum pintle_status status = with_gzip_suffix(compressed, path, error);

    if (status == PINTLE_OK && pti_file_exists(compressed)) {
        status = pti_file_remove(compressed, error);
        mirror->result->removed++;
    }
    if (status == PINTLE_OK) {
        status = pti_file_remove(path, error);
        mirror->result->removed++;
    }
    return status;
}

static enum pintle_status remove_surplus(const struct mirror *mirror, const char *directory, int64_t before,
                                         struct pti_error *error)
{
    char path[PTI_PATH_MAX], relative[PTI_PATH_MAX], here[PTI_PATH_MAX], **names = NULL;
    size_t count = 0;
    enum pintle_status status = pti_file_path(path, mirror->to, directory, error);

    if (status == PINTLE_OK) {
        pti_file_sweep(path);
        status = pti_file_list(path, "", &names, &count, error);
    }
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        struct stat info;

        status = pti_file_path(relative, directory, names[i], error);
        if (status == PINTLE_OK)
            status = pti_file_path(here, mirror->from, relative, error);
        if (status == PINTLE_OK)
            status = pti_file_path(path, mirror->to, relative, error);
        if (status != PINTLE_OK || pti_file_exists(here) || stat(path, &info) != 0 || !S_ISREG(info.st_mode) ||
            (int64_t)info.st_mtime >= before)
            continue;
        status = remove_file(mirror, path, error);
    }
    pti_file_names_free(names, count);
    return status;
}

/* A head that is not written any more would freeze whoever polls it. */
static enum pintle_status remove_old(const struct mirror *mirror, int64_t now, struct pti_error *error)
{
    static const char *const directories[] = {"body", "targets/zones", "targets", "metadata"};
    enum pintle_status status = remove_surplus(mirror, "head", INT64_MAX, error);

    for (size_t i = 0; i < sizeof directories / sizeof directories[0] && status == PINTLE_OK; i++)
        status = remove_surplus(mirror, directories[i], now - PTI_MIRROR_GRACE_S, error);
    return status;
}

enum pintle_status pti_mirror_write(const struct pti_repository *repository, const char *directory, int64_t now,
                                    struct pti_mirror_result *result, struct pti_error *error)
{
    struct mirror mirror = {.repository = repository, .to = directory, .result = result};
    enum pintle_status status = pti_repository_path(repository, "public", mirror.from, error);

    memset(result, 0, sizeof *result);
    if (status == PINTLE_OK)
        status = check_directory(&mirror, error);
    if (status == PINTLE_OK)
        status = pti_file_make_directory(directory, 0755, error);
    if (status == PINTLE_OK)
        status = copy_all(&mirror, error);
    return status == PINTLE_OK ? remove_old(&mirror, now, error) : status;
}
