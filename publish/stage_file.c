/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/stage_file.h. */
#include "publish/stage_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "publish/output.h"
#include "publish/settings.h"
#include "tuf/container.h"

#define SETTINGS "repository.json"
#define NAMES "names.json"

/* ---- writing ---- */

/* targets/<directory><SHA-256>.<name>.json, as clients ask for it. */
static enum pintle_status add_target(const struct pti_repository *repository, const char *directory, const char *name,
                                     struct pintle_bytes bytes, struct pti_output *output, struct pti_error *error)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    uint8_t digest[PINTLE_SHA256_SIZE];

    if (pti_sha256(repository->crypto, bytes, digest) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "%s cannot be hashed", name);
    pti_hex_encode(digest, sizeof(digest), hex);
    return pti_output_add(output, bytes, error, "public/targets/%s%s.%s.json", directory, hex, name);
}

static enum pintle_status add_published(const struct pti_repository *repository, struct pti_output *output,
                                        struct pti_error *error)
{
    const struct pti_published *published = &repository->published;
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < published->root_count && status == PINTLE_OK; i++)
        status = pti_output_add(output, published->roots[i], error, "public/metadata/%zu.root.json", i + 1);
    if (status == PINTLE_OK)
        status = pti_output_add(output, published->timestamp, error, "public/metadata/timestamp.json");
    if (status == PINTLE_OK)
        status = pti_output_add(output, published->snapshot, error, "public/metadata/%" PRId64 ".snapshot.json",
                                published->snapshot_version);
    if (status == PINTLE_OK)
        status = pti_output_add(output, published->targets, error, "public/metadata/%" PRId64 ".targets.json",
                                published->targets_version);
    if (status == PINTLE_OK)
        status = add_target(repository, "", "charter", published->charter, output, error);
    for (size_t i = 0; i < published->zone_count && status == PINTLE_OK; i++) {
        const struct pti_published_zone *zone = &published->zones[i];
        status = pti_output_add(output, zone->role, error, "public/metadata/%" PRId64 ".%s.json", zone->role_version,
                                zone->name);
        if (status == PINTLE_OK)
            status = add_target(repository, "zones/", zone->name, zone->file, output, error);
    }
    return status;
}

static enum pintle_status add_staged(const struct pti_stage *stage, struct pti_output *output, struct pti_error *error)
{
    struct pti_output staged = {NULL, 0};
    enum pintle_status status = pti_stage_write(stage, &staged, error);

    for (size_t i = 0; i < staged.count && status == PINTLE_OK; i++)
        status = pti_output_add(output, staged.files[i].bytes, error, "stage/%s", staged.files[i].path);
    pti_output_clear(&staged);
    return status;
}

static enum pintle_status add_texts(const struct pti_repository *repository, const struct pti_key_names *names,
                                    struct pti_output *output, struct pti_error *error)
{
    struct pti_buf settings, said;
    enum pintle_status status;

    pti_buf_init(&settings, PTI_SETTINGS_SIZE_MAX);
    pti_buf_init(&said, PTI_KEY_NAMES_SIZE_MAX);
    pti_repository_settings_write(&repository->settings, &settings);
    pti_key_names_write(names, &said);
    status = pti_buf_check(&settings, error, SETTINGS);
    if (status == PINTLE_OK)
        status = pti_buf_check(&said, error, NAMES);
    if (status == PINTLE_OK)
        status = pti_output_add(output, pti_buf_bytes(&settings), error, SETTINGS);
    if (status == PINTLE_OK)
        status = pti_output_add(output, pti_buf_bytes(&said), error, NAMES);
    pti_buf_clear(&said);
    pti_buf_clear(&settings);
    return status;
}

static enum pintle_status list_files(const struct pti_repository *repository, const struct pti_key_names *names,
                                     struct pti_output *output, struct pti_error *error)
{
    enum pintle_status status = add_texts(repository, names, output, error);

    if (status == PINTLE_OK)
        status = add_published(repository, output, error);
    return status == PINTLE_OK ? add_staged(&repository->stage, output, error) : status;
}

enum pintle_status pti_stage_file_write(const struct pti_repository *repository, const struct pti_key_names *names,
                                        struct pti_buf *out, struct pti_error *error)
{
    struct pti_output output = {NULL, 0};
    enum pintle_status status = list_files(repository, names, &output, error);

    pti_buf_init(out, PTI_STAGE_FILE_SIZE_MAX);
    if (status == PINTLE_OK && output.count > PTI_CONTAINER_ENTRIES_MAX)
        status = pti_fail(error, PINTLE_ERR_INPUT, "a stage file holds at most %d files, found %zu",
                          PTI_CONTAINER_ENTRIES_MAX, output.count);
    if (status == PINTLE_OK)
        pti_container_write_begin(out, (uint32_t)output.count);
    for (size_t i = 0; i < output.count && status == PINTLE_OK; i++)
        pti_container_write_entry(out, output.files[i].path, output.files[i].bytes);
    if (status == PINTLE_OK)
        status = pti_buf_check(out, error, "a stage file");
    pti_output_clear(&output);
    return status;
}

/* ---- reading ---- */

struct reader {
    const struct pti_container *files;
    const char *folder; /* "public/" or "stage/" */
};

static enum pintle_status read_entry(void *ctx, const char *name, size_t max, struct pintle_bytes *data, bool *found,
                                     struct pti_error *error)
{
    const struct reader *reader = ctx;
    struct pintle_bytes bytes;
    char path[PTI_CONTAINER_PATH_MAX + 1];
    int size = snprintf(path, sizeof(path), "%s%s", reader->folder, name);

    *data = (struct pintle_bytes){NULL, 0};
    *found = size > 0 && (size_t)size < sizeof(path) && pti_container_find(reader->files, path, &bytes);
    if (!*found)
        return PINTLE_OK;
    if (bytes.size > max)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected at most %zu bytes, found %zu", path, max, bytes.size);
    return pti_bytes_copy(bytes, data) == PINTLE_OK
               ? PINTLE_OK
               : pti_fail(error, PINTLE_ERR_MEMORY, "out of memory while reading %s", path);
}

static enum pintle_status read_texts(const struct pti_container *files, struct pti_repository *repository,
                                     struct pti_key_names *names, struct pti_error *error)
{
    struct pintle_bytes settings, said;
    enum pintle_status status = PINTLE_OK;

    if (!pti_container_find(files, SETTINGS, &settings) || !pti_container_find(files, NAMES, &said))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a file that `pintle stage export` made, found a container of something else");
    if (settings.size > PTI_SETTINGS_SIZE_MAX || said.size > PTI_KEY_NAMES_SIZE_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, SETTINGS " or " NAMES " in it is larger than any that is written");
    status = pti_repository_settings_parse(settings, &repository->settings, error);
    if (status != PINTLE_OK)
        return pti_error_prefix(error, SETTINGS " in it"), status;
    status = pti_key_names_parse(said, names, error);
    return status == PINTLE_OK ? status : pti_error_prefix(error, NAMES " in it");
}

/* What was read, written again, is the file: else it holds more, or something else, than anybody will be shown. */
static enum pintle_status check_exact(const struct pti_container *files, const struct pti_repository *repository,
                                      const struct pti_key_names *names, struct pti_error *error)
{
    struct pti_output output = {NULL, 0};
    enum pintle_status status = list_files(repository, names, &output, error);

    for (size_t i = 0; i < files->count && status == PINTLE_OK; i++) {
        const struct pti_container_entry *entry = &files->entries[i];
        const bool named = i < output.count && pti_bytes_equal_text(entry->path, output.files[i].path);
        const bool draft = named && entry->path.size > 15 && memcmp(entry->path.data, "stage/metadata/", 15) == 0;
        if (named && pti_bytes_equal(entry->data, output.files[i].bytes))
            continue;
        status = pti_fail(error, PINTLE_ERR_INPUT, "%.*s in it %s; export it anew where the stage is kept",
                          (int)(entry->path.size < 150 ? entry->path.size : 150), (const char *)entry->path.data,
                          draft ? "has expired by this machine's clock, or does not say what the staged content says"
                                : "is not what belongs there");
    }
    if (status == PINTLE_OK && output.count != files->count)
        status = pti_fail(error, PINTLE_ERR_INPUT, "%s is missing in it; export it anew where the stage is kept",
                          output.files[files->count].path);
    pti_output_clear(&output);
    return status;
}

static enum pintle_status read_all(const struct pti_container *files, int64_t now, struct pti_repository *repository,
                                   struct pti_key_names *names, struct pti_error *error)
{
    struct reader public_files = {files, "public/"}, staged_files = {files, "stage/"};
    const struct pti_file_source published = {read_entry, &public_files}, staged = {read_entry, &staged_files};
    enum pintle_status status = read_texts(files, repository, names, error);

    if (status == PINTLE_OK)
        status = pti_published_load(&published, repository->crypto, &repository->published, error);
    if (status == PINTLE_OK && repository->published.timestamp.size == 0)
        status = pti_fail(error, PINTLE_ERR_INPUT, "public/metadata/timestamp.json is missing in it");
    if (status == PINTLE_OK && strcmp(repository->published.repository, repository->settings.name) != 0)
        status = pti_fail(error, PINTLE_ERR_INPUT, "it says that it is of repository \"%s\", its root says \"%s\"",
                          repository->settings.name, repository->published.repository);
    if (status == PINTLE_OK)
        status = pti_stage_init(&repository->stage, &repository->published, &repository->settings.days,
                                repository->crypto, error);
    if (status == PINTLE_OK)
        status = pti_stage_load(&repository->stage, &staged, now, error);
    return status == PINTLE_OK ? check_exact(files, repository, names, error) : status;
}

enum pintle_status pti_stage_file_read(struct pintle_bytes file, int64_t now, struct pintle_crypto *crypto,
                                       struct pti_repository **repository, struct pti_key_names *names,
                                       struct pti_error *error)
{
    struct pti_repository *made = calloc(1, sizeof(*made));
    struct pti_container files = {NULL, 0};
    enum pintle_status status = PINTLE_OK;

    *repository = NULL;
    *names = (struct pti_key_names){NULL, 0};
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a stage file");
    made->lock = -1;
    made->crypto = pti_crypto_ref(crypto);
    if (file.size > PTI_STAGE_FILE_SIZE_MAX)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d bytes, found %zu", PTI_STAGE_FILE_SIZE_MAX,
                          file.size);
    if (status == PINTLE_OK)
        status = pti_container_parse(file, &files, error);
    if (status == PINTLE_ERR_INPUT)
        (void)pti_error_prefix(error, "expected a file that `pintle stage export` made");
    if (status == PINTLE_OK)
        status = read_all(&files, now, made, names, error);
    pti_container_clear(&files);
    if (status != PINTLE_OK) {
        pti_repository_close(made);
        pti_key_names_clear(names);
        return status;
    }
    *repository = made;
    return PINTLE_OK;
}
