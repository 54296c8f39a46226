/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a stage.  People, reviewers and version control read them one by one, so they are files; but an edit may
 * touch several.  So all of them are written to a journal first, stage/.pending: while that is there, it is the stage.
 * The contract is in publish/repository.h.
 */
#include <stdio.h>
#include <string.h>

#include "publish/output.h"
#include "publish/repository.h"
#include "tuf/container.h"

#define JOURNAL "stage/.pending"

static const char *const folders[] = {"metadata", "zones", ""};

/* ---- the journal ---- */

struct journal {
    struct pintle_bytes bytes; /* empty: there is none */
    struct pti_container files;
};

static void clear_journal(struct journal *journal)
{
    pti_container_clear(&journal->files);
    pti_bytes_free(&journal->bytes);
}

/* Somebody may have handed us this stage: nothing outside of it is written. */
static bool path_valid(struct pintle_bytes path)
{
    const char *text = (const char *)path.data;
    size_t folder = path.size > 9 && memcmp(text, "metadata/", 9) == 0 ? 9
                    : path.size > 6 && memcmp(text, "zones/", 6) == 0  ? 6
                                                                       : 0;

    return path.size > folder + 5 && path.size < 128 && memcmp(text + path.size - 5, ".json", 5) == 0 &&
           text[folder] != '.' && memchr(text + folder, '/', path.size - folder) == NULL &&
           memchr(text, '\0', path.size) == NULL;
}

static enum pintle_status read_journal(const struct pti_repository *repository, struct journal *journal,
                                       struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    bool found = false;
    enum pintle_status status = pti_repository_path(repository, JOURNAL, path, error);

    memset(journal, 0, sizeof(*journal));
    if (status == PINTLE_OK)
        status = pti_file_read_optional(path, PTI_STORE_BLOB_MAX, &journal->bytes, &found, error);
    if (status != PINTLE_OK || !found)
        return status;
    status = pti_container_parse(journal->bytes, &journal->files, error);
    if (status != PINTLE_OK)
        (void)pti_error_prefix(error, "%s is damaged; throw the draft away: `pintle stage drop`", path);
    for (size_t i = 0; i < journal->files.count && status == PINTLE_OK; i++)
        if (!path_valid(journal->files.entries[i].path))
            status = pti_fail(error, PINTLE_ERR_INPUT,
                              "%s holds a file that is none of a stage; throw the draft away: `pintle stage drop`",
                              path);
    if (status != PINTLE_OK)
        clear_journal(journal);
    return status;
}

static enum pintle_status write_journal(const struct pti_repository *repository, const struct pti_output *files,
                                        struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    struct pti_buf text;
    enum pintle_status status = pti_repository_path(repository, JOURNAL, path, error);

    pti_buf_init(&text, PTI_STORE_BLOB_MAX);
    pti_container_write_begin(&text, (uint32_t)files->count);
    for (size_t i = 0; i < files->count; i++)
        pti_container_write_entry(&text, files->files[i].path, files->files[i].bytes);
    if (status == PINTLE_OK)
        status = pti_buf_check(&text, error, "stage");
    if (status == PINTLE_OK)
        status = pti_file_replace(path, pti_buf_bytes(&text), 0644, error);
    pti_buf_clear(&text);
    return status;
}

static enum pintle_status drop_journal(const struct pti_repository *repository, struct pti_error *error)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, JOURNAL, path, error);

    return status == PINTLE_OK ? pti_file_remove(path, error) : status;
}

/* ---- reading ---- */

struct reader {
    const struct pti_repository *repository;
    const struct journal *journal;
};

static enum pintle_status read_stage(void *ctx, const char *name, size_t max, struct pintle_bytes *data, bool *found,
                                     struct pti_error *error)
{
    const struct reader *reader = ctx;
    struct pintle_bytes bytes;
    char relative[PTI_PATH_MAX], path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(relative, "stage", name, error);

    *data = (struct pintle_bytes){NULL, 0};
    *found = false;
    if (status == PINTLE_OK)
        status = pti_repository_path(reader->repository, relative, path, error);
    if (status != PINTLE_OK)
        return status;
    if (reader->journal->bytes.size == 0)
        return pti_file_read_optional(path, max, data, found, error);
    *found = pti_container_find(&reader->journal->files, name, &bytes);
    if (!*found)
        return PINTLE_OK;
    if (bytes.size > max)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s is larger than %zu bytes", path, max);
    status = pti_bytes_copy(bytes, data);
    return status == PINTLE_OK ? status : pti_fail(error, status, "out of memory while reading %s", path);
}

enum pintle_status pti_repository_load_stage(struct pti_repository *repository, int64_t now, struct pti_error *error)
{
    struct journal journal;
    struct reader reader = {repository, &journal};
    const struct pti_file_source source = {read_stage, &reader};
    enum pintle_status status = read_journal(repository, &journal, error);

    pti_stage_clear(&repository->stage);
    if (status != PINTLE_OK)
        return status;
    status = pti_stage_init(&repository->stage, &repository->published, &repository->settings.days, repository->crypto,
                            error);
    if (status == PINTLE_OK)
        status = pti_stage_load(&repository->stage, &source, now, error);
    clear_journal(&journal);
    return status;
}

/* ---- writing ---- */

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

/* The files one by one, as the journal has them; then it has served. */
static enum pintle_status write_files(const struct pti_repository *repository, const struct pti_output *files,
                                      struct pti_error *error)
{
    char directory[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, "stage", directory, error);

    if (status == PINTLE_OK)
        status = pti_repository_write_output(directory, files, error);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && status == PINTLE_OK; i++)
        status = prune(repository, folders[i], files, error);
    if (status == PINTLE_OK)
        status = drop_journal(repository, error);
    if (status != PINTLE_OK)
        (void)pti_error_prefix(error, "the stage is kept in " JOURNAL ", and the next command completes its files");
    return status;
}

static enum pintle_status store(const struct pti_repository *repository, const struct pti_output *files,
                                struct pti_error *error)
{
    char directory[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, "stage", directory, error);

    if (status == PINTLE_OK)
        status = pti_file_make_directory(directory, 0755, error);
    if (status == PINTLE_OK)
        status = write_journal(repository, files, error);
    return status == PINTLE_OK ? write_files(repository, files, error) : status;
}

enum pintle_status pti_repository_repair_stage(const struct pti_repository *repository, struct pti_error *error)
{
    struct pti_output files = {NULL, 0};
    struct journal journal;
    enum pintle_status status = read_journal(repository, &journal, error);

    if (status != PINTLE_OK || journal.bytes.size == 0)
        return status;
    for (size_t i = 0; i < journal.files.count && status == PINTLE_OK; i++) {
        const struct pti_container_entry *entry = &journal.files.entries[i];
        status = pti_output_add(&files, entry->data, error, "%.*s", (int)entry->path.size,
                                (const char *)entry->path.data);
    }
    if (status == PINTLE_OK)
        status = write_files(repository, &files, error);
    pti_output_clear(&files);
    clear_journal(&journal);
    return status;
}

static enum pintle_status need_lock(const struct pti_repository *repository, struct pti_error *error)
{
    return repository->lock >= 0 ? PINTLE_OK
                                 : pti_fail(error, PINTLE_ERR_MISUSE, "the repository was opened for reading only");
}

enum pintle_status pti_repository_save_stage(struct pti_repository *repository, struct pti_error *error)
{
    struct pti_output files = {NULL, 0};
    enum pintle_status status = need_lock(repository, error);

    if (status == PINTLE_OK)
        status = pti_stage_write(&repository->stage, &files, error);
    if (status == PINTLE_OK)
        status = store(repository, &files, error);
    pti_output_clear(&files);
    return status;
}

enum pintle_status pti_repository_drop_stage(struct pti_repository *repository, struct pti_error *error)
{
    const struct pti_output none = {NULL, 0};
    enum pintle_status status = need_lock(repository, error);

    if (status == PINTLE_OK)
        status = store(repository, &none, error);
    if (status != PINTLE_OK)
        return status;
    pti_stage_clear(&repository->stage);
    return pti_stage_init(&repository->stage, &repository->published, &repository->settings.days, repository->crypto,
                          error);
}
