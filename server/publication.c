/* SPDX-License-Identifier: Apache-2.0 */
#include "server/publication.h"

#include <stdio.h>
#include <string.h>

#include "pin/charter.h"
#include "pin/zone.h"
#include "publish/settings.h"

#define LOADS_MAX 3

struct directory {
    char path[PTI_PATH_MAX]; /* of public/ */
};

static enum pintle_status read_public(void *ctx, const char *name, size_t max, struct pintle_bytes *data, bool *found,
                                      struct pti_error *error)
{
    const struct directory *directory = ctx;
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, directory->path, name, error);

    return status == PINTLE_OK ? pti_file_read_optional(path, max, data, found, error) : status;
}

static enum pintle_status load_settings(const char *repository, struct pti_repository_settings *settings,
                                        struct pti_error *error)
{
    struct pintle_bytes text = {NULL, 0};
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, repository, "repository.json", error);

    if (status == PINTLE_OK)
        status = pti_file_read(path, PTI_SETTINGS_SIZE_MAX, &text, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_repository_settings_parse(text, settings, error);
    pti_bytes_free(&text);
    return status == PINTLE_OK ? status : pti_error_prefix(error, "%s", path);
}

static enum pintle_status load_published(const struct pti_file_source *source, struct pintle_crypto *crypto,
                                         struct pti_published *published, bool *overtaken, struct pti_error *error)
{
    struct pintle_bytes data = {NULL, 0};
    char next_root[64];
    enum pintle_status status = pti_published_load(source, crypto, published, error);

    *overtaken = false;
    if (status != PINTLE_OK)
        return status;
    snprintf(next_root, sizeof next_root, "metadata/%zu.root.json", published->root_count + 1);
    status = source->read(source->ctx, next_root, PTI_ROOT_SIZE_MAX, &data, overtaken, error);
    pti_bytes_free(&data);
    if (status != PINTLE_OK || *overtaken)
        pti_published_clear(published);
    return status;
}

enum pintle_status pti_publication_load(const char *repository, struct pintle_crypto *crypto,
                                        struct pti_publication *publication, struct pti_error *error)
{
    struct directory directory;
    const struct pti_file_source source = {read_public, &directory};
    bool overtaken = true;
    enum pintle_status status = PINTLE_ERR_STORAGE;

    memset(publication, 0, sizeof *publication);
    status = load_settings(repository, &publication->settings, error);
    if (status == PINTLE_OK)
        status = pti_file_path(directory.path, repository, "public", error);
    /* A root that appeared meanwhile may have replaced the keys of what was read after the roots. */
    for (int i = 0; i < LOADS_MAX && status == PINTLE_OK && overtaken; i++)
        status = load_published(&source, crypto, &publication->published, &overtaken, error);
    if (status == PINTLE_OK && publication->published.timestamp.size == 0) {
        pti_publication_clear(publication);
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s has never been published; run `pintle publish`", repository);
    }
    return status;
}

enum pintle_status pti_publication_holding(const struct pti_published *published, struct pti_holding *held,
                                           struct pti_error *error)
{
    struct pti_charter charter;
    struct pti_zone zone;
    enum pintle_status status = pti_charter_parse(published->charter, &charter, error);

    memset(held, 0, sizeof *held);
    if (status != PINTLE_OK)
        return status;
    held->charter = charter.version;
    pti_charter_clear(&charter);
    for (size_t i = 0; status == PINTLE_OK && i < published->zone_count && held->zone_count < PTI_ZONES_MAX; i++) {
        const struct pti_published_zone *from = &published->zones[i];
        struct pti_holding_zone *to = &held->zones[held->zone_count];

        if (!from->delegated)
            continue;
        status = pti_zone_parse(from->file, from->name, &zone, error);
        if (status != PINTLE_OK)
            continue;
        pti_copy_text(to->name, sizeof to->name, from->name);
        to->version = zone.version;
        held->zone_count++;
        pti_zone_clear(&zone);
    }
    return status;
}

void pti_publication_clear(struct pti_publication *publication)
{
    pti_published_clear(&publication->published);
    memset(publication, 0, sizeof *publication);
}
