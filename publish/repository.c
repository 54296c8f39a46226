/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/repository.h. */
#include "publish/repository.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "publish/output.h"
#include "publish/publish.h"
#include "publish/settings.h"

#define LOCK_WAIT_MS 15000

enum pintle_status pti_repository_path(const struct pti_repository *repository, const char *relative, char *out,
                                       struct pti_error *error)
{
    return pti_file_path(out, repository->directory, relative, error);
}

/* ---- reading ---- */

static enum pintle_status read_below(const struct pti_repository *repository, const char *folder, const char *path,
                                     size_t max, struct pintle_bytes *data, bool *found, struct pti_error *error)
{
    char relative[PTI_PATH_MAX], full[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(relative, folder, path, error);

    *data = (struct pintle_bytes){NULL, 0};
    *found = false;
    if (status == PINTLE_OK)
        status = pti_repository_path(repository, relative, full, error);
    return status == PINTLE_OK ? pti_file_read_optional(full, max, data, found, error) : status;
}

static enum pintle_status read_public(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                      struct pti_error *error)
{
    return read_below(ctx, "public", path, max, data, found, error);
}

static enum pintle_status read_stage(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                     struct pti_error *error)
{
    return read_below(ctx, "stage", path, max, data, found, error);
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

    pti_published_clear(&repository->published);
    return pti_published_load(&source, repository->crypto, &repository->published, error);
}

static enum pintle_status load_stage(struct pti_repository *repository, int64_t now, struct pti_error *error)
{
    const struct pti_file_source source = {read_stage, repository};
    enum pintle_status status;

    pti_stage_clear(&repository->stage);
    status = pti_stage_init(&repository->stage, &repository->published, &repository->settings.days, repository->crypto,
                            error);
    if (status == PINTLE_OK)
        status = pti_stage_load(&repository->stage, &source, now, error);
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

    return status == PINTLE_OK ? load_stage(repository, now, error) : status;
}

static enum pintle_status lock(struct pti_repository *repository, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, "lock", path, error);

    return status == PINTLE_OK ? pti_file_lock(path, LOCK_WAIT_MS, &repository->lock, error) : status;
}

static enum pintle_status open_all(struct pti_repository *repository, enum pti_repository_access access, int64_t now,
                                   struct pti_error *error)
{
    enum pintle_status status = load_settings(repository, error);

    if (status == PINTLE_OK && access != PTI_REPOSITORY_READ)
        status = lock(repository, error);
    if (status == PINTLE_OK)
        status = load_published(repository, error);
    if (status == PINTLE_OK && access != PTI_REPOSITORY_READ)
        status = pti_publish_repair(repository, now, error);
    if (status == PINTLE_OK && access != PTI_REPOSITORY_PUBLISHED)
        status = load_stage(repository, now, error);
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
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected a directory of 1 to %d bytes", PTI_PATH_MAX - 1);
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

static enum pintle_status write_file(const char *directory, const char *relative, struct pintle_bytes bytes,
                                     struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = make_parents(directory, relative, error);

    if (status == PINTLE_OK)
        status = pti_file_path(path, directory, relative, error);
    return status == PINTLE_OK ? pti_file_replace(path, bytes, 0644, error) : status;
}

enum pintle_status pti_repository_write_output(const char *directory, const struct pti_output *output,
                                               struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < output->count && status == PINTLE_OK; i++)
        status = write_file(directory, output->files[i].path, output->files[i].bytes, error);
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
        status = write_file(directory, "repository.json", pti_buf_bytes(&text), error);
    pti_buf_clear(&text);
    return status;
}

/* ---- the stage ---- */

/* Removes what lies in a folder of the stage and is not among its files any more. */
static enum pintle_status prune(const struct pti_repository *repository, const char *folder,
                                const struct pti_output *keep, struct pti_error *error)
{
    char relative[PTI_PATH_MAX], path[PTI_PATH_MAX], **names = NULL;
    size_t count = 0;
    enum pintle_status status;

    (void)snprintf(relative, sizeof(relative), "stage/%s", folder);
    status = pti_repository_path(repository, relative, path, error);
    if (status == PINTLE_OK)
        status = pti_file_list(path, ".json", &names, &count, error);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        char file[PTI_PATH_MAX];
        (void)snprintf(relative, sizeof(relative), "%s%s%s", folder, folder[0] == '\0' ? "" : "/", names[i]);
        if (pti_output_find(keep, relative) != NULL)
            continue;
        status = pti_file_path(file, path, names[i], error);
        if (status == PINTLE_OK)
            status = pti_file_remove(file, error);
    }
    pti_file_names_free(names, count);
    return status;
}

static enum pintle_status need_lock(const struct pti_repository *repository, struct pti_error *error)
{
    return repository->lock >= 0 ? PINTLE_OK
                                 : pti_fail(error, PINTLE_ERR_MISUSE, "the repository was opened for reading only");
}

static enum pintle_status store_stage(const struct pti_repository *repository, const struct pti_output *files,
                                      struct pti_error *error)
{
    static const char *const folders[] = {"metadata", "zones", ""};
    char directory[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, "stage", directory, error);

    if (status == PINTLE_OK)
        status = pti_file_make_directory(directory, 0755, error);
    if (status == PINTLE_OK)
        status = pti_repository_write_output(directory, files, error);
    for (size_t i = 0; i < 3 && status == PINTLE_OK; i++)
        status = prune(repository, folders[i], files, error);
    return status;
}

enum pintle_status pti_repository_save_stage(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_output files = {NULL, 0};
    enum pintle_status status = need_lock(repository, error);

    if (status == PINTLE_OK)
        status = pti_stage_write(&repository->stage, &files, error);
    if (status == PINTLE_OK)
        status = store_stage(repository, &files, error);
    pti_output_clear(&files);
    return status;
}

enum pintle_status pti_repository_drop_stage(struct pti_repository *repository, struct pti_error *error)
{
    const struct pti_output none = {NULL, 0};
    enum pintle_status status = need_lock(repository, error);

    if (status == PINTLE_OK)
        status = store_stage(repository, &none, error);
    if (status != PINTLE_OK)
        return status;
    pti_stage_clear(&repository->stage);
    return pti_stage_init(&repository->stage, &repository->published, &repository->settings.days, repository->crypto,
                          error);
}
