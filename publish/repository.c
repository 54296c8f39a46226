/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/repository.h. */
#include "publish/repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "base/limits.h"
#include "publish/gzip.h"
#include "publish/output.h"
#include "publish/publish.h"
#include "publish/settings.h"

#define LOCK_WAIT_MS 15000
#define RENEWAL_LOCK_WAIT_MS 2000 /* a server has other things to do, and comes again */

enum pintle_status pti_repository_path(const struct pti_repository *repository, const char *relative, char *out,
                                       struct pti_error *error)
{
    return pti_file_path(out, repository->directory, relative, error);
}

/* ---- reading ---- */

static enum pintle_status read_public(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                      struct pti_error *error)
{
    char relative[PTI_PATH_MAX], full[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(relative, "public", path, error);

    *data = (struct pintle_bytes){NULL, 0};
    *found = false;
    if (status == PINTLE_OK)
        status = pti_repository_path(ctx, relative, full, error);
    return status == PINTLE_OK ? pti_file_read_optional(full, max, data, found, error) : status;
}

struct pti_file_source pti_repository_source(struct pti_repository *repository)
{
    return (struct pti_file_source){read_public, repository};
}

static enum pintle_status load_settings(struct pti_repository *repository, struct pti_error *error)
{
    struct pintle_bytes text;
    char path[PTI_PATH_MAX];
    bool found = false;
    enum pintle_status status = pti_repository_path(repository, "repository.json", path, error);

    if (status == PINTLE_OK)
        status = pti_file_read_optional(path, PTI_SETTINGS_SIZE_MAX, &text, &found, error);
    if (status != PINTLE_OK)
        return status;
    if (!found)
        return pti_fail(
            error, PINTLE_ERR_STORAGE,
            "there is no repository in %s; make one with `pintle init --repo %s`, or name another with --repo",
            repository->directory, repository->directory);
    status = pti_repository_settings_parse(text, &repository->settings, error);
    pti_bytes_free(&text);
    return status == PINTLE_OK ? status : (pti_error_prefix(error, "%s", path), status);
}

static enum pintle_status load_published(struct pti_repository *repository, struct pti_error *error)
{
    const struct pti_file_source source = pti_repository_source(repository);

    enum pintle_status status;

    pti_published_clear(&repository->published);
    status = pti_published_load(&source, repository->crypto, &repository->published, error);
    if (status == PINTLE_OK && repository->published.timestamp.size == 0)
        status = pti_fail(error, PINTLE_ERR_STORAGE,
                          "public/metadata/timestamp.json is missing; restore it from a copy");
    return status;
}

enum pintle_status pti_repository_reload_published(struct pti_repository *repository, struct pti_error *error)
{
    pti_stage_clear(&repository->stage); /* it borrows what is about to go */
    return load_published(repository, error);
}

enum pintle_status pti_repository_reload(struct pti_repository *repository, int64_t now, struct pti_error *error)
{
    enum pintle_status status = pti_repository_reload_published(repository, error);

    return status == PINTLE_OK ? pti_repository_load_stage(repository, now, error) : status;
}

static void sweep(const struct pti_repository *repository)
{
    static const char *const folders[] = {
        "keys",           "stage",       "stage/metadata", "stage/zones",          "public/metadata",
        "public/targets", "public/body", "public/head",    "public/targets/zones", "app"};
    char path[PTI_PATH_MAX];

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (pti_repository_path(repository, folders[i], path, NULL) == PINTLE_OK)
            pti_file_sweep(path);
}

static enum pintle_status lock(struct pti_repository *repository, int wait_ms, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, "lock", path, error);

    if (status == PINTLE_OK)
        status = pti_file_lock(path, wait_ms, &repository->lock, error);
    if (status == PINTLE_OK)
        sweep(repository);
    return status;
}

/* Two directories that were mixed up.  A renewal goes by what is published alone, and is not held up. */
static enum pintle_status check_name(const struct pti_repository *repository, struct pti_error *error)
{
    if (strcmp(repository->published.repository, repository->settings.name) == 0)
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected what repository \"%s\" publishes in public/, as repository.json has it, found that of "
                    "\"%s\"; restore the one or the other from a copy",
                    repository->settings.name, repository->published.repository);
}

static enum pintle_status open_all(struct pti_repository *repository, enum pti_repository_access access, int64_t now,
                                   struct pti_error *error)
{
    enum pintle_status status = load_settings(repository, error);

    if (status == PINTLE_OK && access != PTI_REPOSITORY_READ)
        status = lock(repository, access == PTI_REPOSITORY_PUBLISHED ? RENEWAL_LOCK_WAIT_MS : LOCK_WAIT_MS, error);
    if (status == PINTLE_OK)
        status = load_published(repository, error);
    if (status == PINTLE_OK && access != PTI_REPOSITORY_PUBLISHED)
        status = check_name(repository, error);
    if (status == PINTLE_OK && access != PTI_REPOSITORY_READ)
        status = pti_publish_repair(repository, now, error);
    if (status == PINTLE_OK && access == PTI_REPOSITORY_WRITE)
        status = pti_repository_repair_stage(repository, error);
    if (status == PINTLE_OK && access != PTI_REPOSITORY_PUBLISHED)
        status = pti_repository_load_stage(repository, now, error);
    return status;
}

enum pintle_status pti_repository_open(const char *directory, enum pti_repository_access access, int64_t now,
                                       struct pintle_crypto *crypto, struct pti_repository **repository,
                                       struct pti_error *error)
{
    struct pti_repository *opened = calloc(1, sizeof(*opened));
    enum pintle_status status = PINTLE_OK;

    *repository = NULL;
    if (opened == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a repository");
    opened->lock = -1;
    opened->crypto = pti_crypto_ref(crypto);
    if (directory[0] == '\0' || pti_copy_text(opened->directory, sizeof(opened->directory), directory) >= PTI_PATH_MAX)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "expected a directory of 1 to %d bytes, found %zu; use a shorter path", PTI_PATH_MAX - 1,
                          strlen(directory));
    if (status == PINTLE_OK)
        status = open_all(opened, access, now, error);
    if (status != PINTLE_OK) {
        pti_repository_close(opened);
        return status;
    }
    *repository = opened;
    return PINTLE_OK;
}

void pti_repository_close(struct pti_repository *repository)
{
    if (repository == NULL)
        return;
    pti_stage_clear(&repository->stage);
    pti_published_clear(&repository->published);
    pintle_crypto_free(repository->crypto);
    pti_file_unlock(repository->lock);
    free(repository);
}

/* ---- writing ---- */

/* Makes the directories on the way to a relative path. */
static enum pintle_status make_parents(const char *directory, const char *relative, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (const char *slash = strchr(relative, '/'); slash != NULL && status == PINTLE_OK;
         slash = strchr(slash + 1, '/')) {
        char path[PTI_PATH_MAX];
        int size = snprintf(path, sizeof(path), "%s/%.*s", directory, (int)(slash - relative), relative);
        if (size < 0 || size >= PTI_PATH_MAX)
            return pti_fail(error, PINTLE_ERR_INPUT, "the path %.200s... is too long", directory);
        status = pti_file_make_directory(path, 0755, error);
    }
    return status;
}

/*
 * A web server sends the compressed form in the place of the file, so one of other content goes before the file
 * changes.  An interrupted publication may have left it: nothing refers to it yet, but something is about to.
 */
static enum pintle_status remove_stale(const char *path, struct pintle_bytes bytes, struct pti_error *error)
{
    char compressed[PTI_PATH_MAX];
    struct pintle_bytes there = {NULL, 0};
    bool found = false, same = false;
    int size = snprintf(compressed, sizeof(compressed), "%s%s", path, PTI_GZIP_SUFFIX);

    if (size < 0 || size >= PTI_PATH_MAX || !pti_file_exists(compressed))
        return PINTLE_OK;
    same = pti_file_read_optional(path, PTI_STORE_BLOB_MAX, &there, &found, NULL) == PINTLE_OK && found &&
           pti_bytes_equal(there, bytes);
    pti_bytes_free(&there);
    return same ? PINTLE_OK : pti_file_remove(compressed, error);
}

enum pintle_status pti_repository_write_file(const char *directory, const char *relative, struct pintle_bytes bytes,
                                             struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = make_parents(directory, relative, error);

    if (status == PINTLE_OK)
        status = pti_file_path(path, directory, relative, error);
    if (status == PINTLE_OK)
        status = remove_stale(path, bytes, error);
    return status == PINTLE_OK ? pti_file_replace(path, bytes, 0644, error) : status;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/*
 * What clients take and never changes under its name.  What is polled has no compressed form: it changes, and two files
 * that must agree could be seen disagreeing.
 */
static bool is_immutable(const char *relative)
{
    return starts_with(relative, "public/body/") || starts_with(relative, "public/targets/") ||
           (starts_with(relative, "public/metadata/") && strcmp(relative, "public/metadata/timestamp.json") != 0);
}

static enum pintle_status write_compressed(const char *directory, const struct pti_output_file *file,
                                           struct pti_error *error)
{
    char relative[sizeof(file->path) + sizeof(PTI_GZIP_SUFFIX)];
    struct pti_buf compressed;
    enum pintle_status status = pti_gzip(file->bytes, &compressed, error);

    (void)snprintf(relative, sizeof(relative), "%s%s", file->path, PTI_GZIP_SUFFIX);
    if (status == PINTLE_OK && pti_gzip_is_worth_it(file->bytes.size, compressed.size))
        status = pti_repository_write_file(directory, relative, pti_buf_bytes(&compressed), error);
    pti_buf_clear(&compressed);
    return status;
}

enum pintle_status pti_repository_write_output(const char *directory, const struct pti_output *output,
                                               struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < output->count && status == PINTLE_OK; i++) {
        status = pti_repository_write_file(directory, output->files[i].path, output->files[i].bytes, error);
        if (status == PINTLE_OK && is_immutable(output->files[i].path))
            status = write_compressed(directory, &output->files[i], error);
    }
    return status;
}

enum pintle_status pti_repository_write_settings(const char *directory, const struct pti_repository_settings *settings,
                                                 struct pti_error *error)
{
    struct pti_buf text;
    enum pintle_status status;

    pti_buf_init(&text, PTI_SETTINGS_SIZE_MAX);
    pti_repository_settings_write(settings, &text);
    status = pti_buf_check(&text, error, "repository.json");
    if (status == PINTLE_OK)
        status = pti_repository_write_file(directory, "repository.json", pti_buf_bytes(&text), error);
    pti_buf_clear(&text);
    return status;
}
