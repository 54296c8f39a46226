/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing in a repository directory.  What is decided and written in memory is publish/assemble.c. */
#include "publish/publish.h"

#include <stdio.h>

#include "publish/bundle.h"
#include "publish/root_history.h"

/* ---- signing with what is at hand ---- */

static enum pintle_status sign_all(struct pti_stage *stage, const struct pti_keyring *keys, struct pti_error *error)
{
    struct pti_signed_roles done;
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < keys->count && status == PINTLE_OK; i++)
        status = pti_stage_sign(stage, keys->keys[i], &done, error);
    return status;
}

/* A head that is not written any more would freeze whoever polls it; without it, clients take the plain files. */
static enum pintle_status drop_old_heads(const struct pti_repository *repository, struct pti_error *error)
{
    const size_t first = pti_bundle_first_head(&repository->published);
    enum pintle_status status = PINTLE_OK;

    for (size_t n = 1; n < first && status == PINTLE_OK; n++) {
        char relative[64], path[PTI_PATH_MAX];
        (void)snprintf(relative, sizeof(relative), "public/head/%zu", n);
        status = pti_repository_path(repository, relative, path, error);
        if (status == PINTLE_OK)
            status = pti_file_remove(path, error);
    }
    return status;
}

/* A failure after timestamp.json is one of the rest: clients have the new manifest, and somebody should know. */
static enum pintle_status say_how_far(const struct pti_repository *repository, const struct pti_output *output,
                                      enum pintle_status status, struct pti_error *error)
{
    const struct pti_output_file *timestamp = pti_output_find(output, "public/metadata/timestamp.json");
    struct pintle_bytes found = {NULL, 0};
    char path[PTI_PATH_MAX];
    bool there = false;

    if (timestamp == NULL || pti_repository_path(repository, timestamp->path, path, NULL) != PINTLE_OK ||
        pti_file_read_optional(path, PTI_TIMESTAMP_SIZE_MAX, &found, &there, NULL) != PINTLE_OK)
        return status;
    if (there && pti_bytes_equal(found, timestamp->bytes))
        (void)pti_error_prefix(error, "it is published, but not all files are written, so run `pintle publish` again");
    pti_bytes_free(&found);
    return status;
}

static enum pintle_status write_and_reload(struct pti_repository *repository, const struct pti_output *output,
                                           int64_t now, struct pti_error *error)
{
    enum pintle_status status = pti_repository_write_output(repository->directory, output, error);

    if (status == PINTLE_OK)
        status = pti_repository_reload(repository, now, error);
    if (status == PINTLE_OK)
        status = drop_old_heads(repository, error);
    if (status == PINTLE_OK)
        status = pti_repository_save_stage(repository, error);
    return status == PINTLE_OK ? status : say_how_far(repository, output, status, error);
}

/* Signs what is to be published, all of the stage or a part of it, and keeps the signatures. */
static enum pintle_status sign_stage(struct pti_repository *repository, struct pti_stage *stage,
                                     const struct pti_keyring *keys, struct pti_error *error)
{
    enum pintle_status status = sign_all(stage, keys, error);

    if (status == PINTLE_OK && stage != &repository->stage)
        status = pti_stage_part_return(stage, repository->only, repository->only_count, &repository->stage, error);
    /* What was signed just now is kept even if other signatures are still missing. */
    return status == PINTLE_OK ? pti_repository_save_stage(repository, error) : status;
}

static enum pintle_status publish(struct pti_repository *repository, struct pti_stage *stage,
                                  const struct pti_keyring *keys, int64_t now, struct pti_publish_result *result,
                                  struct pti_error *error)
{
    const struct pti_file_source source = pti_repository_source(repository);
    const struct pti_publish_input input = {.current = &repository->published,
                                            .stage = stage,
                                            .keys = keys,
                                            .now = now,
                                            .crypto = repository->crypto,
                                            .source = &source,
                                            .clock_is_right = repository->clock_is_right};
    struct pti_output output = {NULL, 0};
    enum pintle_status status = sign_stage(repository, stage, keys, error);

    if (status == PINTLE_OK)
        status = pti_publish_assemble(&input, &output, error);
    if (status == PINTLE_OK)
        status = write_and_reload(repository, &output, now, error);
    if (status == PINTLE_OK) {
        result->file_count = output.count;
        result->root_version = repository->published.root_count;
        result->timestamp_version = repository->published.timestamp_version;
        result->snapshot_version = repository->published.snapshot_version;
        result->targets_version = repository->published.targets_version;
        result->charter_version = stage->charter.version;
    }
    pti_output_clear(&output);
    return status;
}

enum pintle_status pti_publish(struct pti_repository *repository, const struct pti_keyring *keys, int64_t now,
                               struct pti_publish_result *result, struct pti_error *error)
{
    struct pti_stage part;
    enum pintle_status status;

    *result = (struct pti_publish_result){0};
    if (repository->lock < 0)
        return pti_fail(error, PINTLE_ERR_MISUSE, "the repository was opened for reading only");
    if (repository->only_count == 0)
        return publish(repository, &repository->stage, keys, now, result, error);
    status = pti_stage_part(&repository->stage, repository->only, repository->only_count, now, &part, error);
    if (status != PINTLE_OK)
        return status;
    status = publish(repository, &part, keys, now, result, error);
    pti_stage_clear(&part);
    return status;
}

/* ---- repair ---- */

/* The head of the newest root is written last, so if it is right everything is. */
static enum pintle_status is_complete(const struct pti_repository *repository, bool *complete, struct pti_error *error)
{
    char relative[64], path[PTI_PATH_MAX];
    struct pintle_bytes found = {NULL, 0};
    struct pti_buf wanted;
    bool there = false;
    enum pintle_status status = pti_bundle_head(&repository->published, repository->published.root_count, &wanted,
                                                error);

    *complete = false;
    (void)snprintf(relative, sizeof(relative), "public/head/%zu", repository->published.root_count);
    if (status == PINTLE_OK)
        status = pti_repository_path(repository, relative, path, error);
    if (status == PINTLE_OK)
        status = pti_file_read_optional(path, PTI_HEAD_SIZE_MAX, &found, &there, error);
    if (status == PINTLE_OK)
        *complete = there && pti_bytes_equal(found, pti_buf_bytes(&wanted));
    pti_bytes_free(&found);
    pti_buf_clear(&wanted);
    return status;
}

/* Writes again what follows from timestamp.json, which is there. */
static enum pintle_status complete_it(struct pti_repository *repository, int64_t now, struct pti_error *error)
{
    struct pti_generation *generation = NULL;
    struct pti_output output = {NULL, 0};
    struct pti_roots roots;
    enum pintle_status status = pti_bundle_verify_baseline(&repository->published, now, repository->crypto, &roots,
                                                           &generation, error);

    if (status != PINTLE_OK)
        return pti_error_prefix(error, "what is published now does not verify, restore it from a copy"), status;
    status = pti_publish_bundles(&repository->published, repository->published.root_count, generation,
                                 repository->crypto, &output, error);
    if (status == PINTLE_OK)
        status = pti_repository_write_output(repository->directory, &output, error);
    pti_output_clear(&output);
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    return status;
}

enum pintle_status pti_publish_repair(struct pti_repository *repository, int64_t now, struct pti_error *error)
{
    size_t accepting = 0;
    bool complete = false;
    enum pintle_status status = is_complete(repository, &complete, error);

    if (status == PINTLE_OK && !complete)
        status = pti_root_history_accepting(&repository->published, repository->crypto, &accepting, error);
    if (status != PINTLE_OK || (accepting > 0 && accepting < repository->published.root_count))
        return status;
    if (!complete)
        status = complete_it(repository, now, error);
    return status == PINTLE_OK ? drop_old_heads(repository, error) : status;
}
