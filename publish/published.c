/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/published.h. */
#include "publish/published.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "pin/zone.h"
#include "tuf/metadata.h"
#include "tuf/verify.h"

#define SOURCE_PATH_MAX 512

struct loader {
    const struct pti_file_source *source;
    struct pintle_crypto *crypto;
    struct pti_published *published;
    struct pti_error *error;
};

/* What is wrong with a file that could be read. */
static enum pintle_status broken(const struct loader *loader, const char *path, enum pintle_status status)
{
    if (status != PINTLE_ERR_INPUT || loader->error == NULL)
        return status;
    return pti_fail(loader->error, status, "public/%s: %.300s; restore it from a copy", path, loader->error->detail);
}

/* A file that must be there, and must be what expected (NULL: no expectation) says. */
static enum pintle_status fetch(const struct loader *loader, const char *path, size_t max,
                                const struct pti_tuf_file *expected, struct pintle_bytes *data)
{
    bool found = false;
    enum pintle_status status = loader->source->read(loader->source->ctx, path, max, data, &found, loader->error);

    if (status != PINTLE_OK)
        return status;
    if (!found)
        return pti_fail(loader->error, PINTLE_ERR_STORAGE,
                        "public/%s is missing, though the metadata list it; restore it from a copy", path);
    if (expected == NULL)
        return PINTLE_OK;
    status = pti_tuf_verify_file(*data, expected, loader->crypto, loader->error);
    if (status == PINTLE_OK)
        return status;
    pti_bytes_free(data);
    if (status != PINTLE_ERR_TRUST)
        return status;
    return pti_fail(loader->error, PINTLE_ERR_STORAGE,
                    "public/%s is not the file that the metadata list; restore it from a copy", path);
}

static enum pintle_status load_roots(const struct loader *loader)
{
    struct pti_published *published = loader->published;

    for (;;) {
        char path[SOURCE_PATH_MAX];
        struct pintle_bytes data, *grown;
        bool found = false;
        enum pintle_status status;

        (void)snprintf(path, sizeof(path), "metadata/%zu.root.json", published->root_count + 1);
        status = loader->source->read(loader->source->ctx, path, PTI_ROOT_SIZE_MAX, &data, &found, loader->error);
        if (status != PINTLE_OK || !found)
            return status;
        grown = realloc(published->roots, (published->root_count + 1) * sizeof(*grown));
        if (grown == NULL || published->root_count >= PTI_ROOTS_MAX) {
            published->roots = grown == NULL ? published->roots : grown;
            pti_bytes_free(&data);
            return pti_fail(loader->error, PINTLE_ERR_MEMORY, "no room for root %zu", published->root_count + 1);
        }
        published->roots = grown;
        published->roots[published->root_count++] = data;
    }
}

static enum pintle_status read_name(const struct loader *loader)
{
    struct pti_published *published = loader->published;
    struct pti_tuf_metadata *root = NULL;
    char path[SOURCE_PATH_MAX];
    enum pintle_status status;

    if (published->root_count == 0)
        return pti_fail(loader->error, PINTLE_ERR_STORAGE,
                        "public/metadata/1.root.json is missing; restore it from a copy");
    (void)snprintf(path, sizeof(path), "metadata/%zu.root.json", published->root_count);
    status = pti_tuf_metadata_parse(pti_published_root(published), PTI_TUF_ROOT, loader->crypto, &root, loader->error);
    if (status != PINTLE_OK)
        return broken(loader, path, status);
    if (root->repository.size == 0)
        published->repository[0] = '\0'; /* it carries no name */
    else if (root->repository.size < sizeof(published->repository))
        memcpy(published->repository, root->repository.data, root->repository.size);
    else
        status = pti_fail(loader->error, PINTLE_ERR_INPUT, "the repository name in root is longer than %zu bytes",
                          sizeof(published->repository) - 1);
    pti_tuf_metadata_free(root);
    return status;
}

/* The zone file that a zone role lists. */
static enum pintle_status load_zone_file(const struct loader *loader, struct pti_published_zone *zone)
{
    struct pti_tuf_metadata *role = NULL;
    const struct pti_tuf_file *expected;
    char path[SOURCE_PATH_MAX], hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    enum pintle_status status = pti_tuf_metadata_parse(zone->role, PTI_TUF_TARGETS, loader->crypto, &role,
                                                       loader->error);

    if (status != PINTLE_OK)
        return status;
    (void)snprintf(path, sizeof(path), "zones/%s.json", zone->name);
    expected = pti_tuf_file_find(&role->files, pti_bytes_text(path));
    if (expected == NULL) {
        status = pti_fail(loader->error, PINTLE_ERR_INPUT, "the role %s lists no %s", zone->name, path);
    } else {
        pti_hex_encode(expected->sha256, sizeof(expected->sha256), hex);
        (void)snprintf(path, sizeof(path), "targets/zones/%s.%s.json", hex, zone->name);
        status = fetch(loader, path, PTI_ZONE_SIZE_MAX, expected, &zone->file);
    }
    pti_tuf_metadata_free(role);
    return status;
}

static enum pintle_status load_zone(const struct loader *loader, struct pintle_bytes name, bool delegated,
                                    const struct pti_tuf_metadata *snapshot)
{
    struct pti_published *published = loader->published;
    struct pti_published_zone *zone, *grown;
    const struct pti_tuf_file *expected;
    char path[SOURCE_PATH_MAX];
    enum pintle_status status;

    if (!pti_zone_name_valid(name))
        return pti_fail(loader->error, PINTLE_ERR_INPUT, "\"%.*s\" in targets or snapshot is no zone name",
                        (int)(name.size < 63 ? name.size : 63), (const char *)name.data);
    grown = realloc(published->zones, (published->zone_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return pti_fail(loader->error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", published->zone_count + 1);
    published->zones = grown;
    zone = &grown[published->zone_count++];
    memset(zone, 0, sizeof(*zone));
    memcpy(zone->name, name.data, name.size);
    zone->delegated = delegated;
    (void)snprintf(path, sizeof(path), "%s.json", zone->name);
    expected = pti_tuf_file_find(&snapshot->files, pti_bytes_text(path));
    if (expected == NULL)
        return pti_fail(loader->error, PINTLE_ERR_INPUT, "the snapshot does not list %s, which targets delegate to",
                        path);
    zone->role_version = expected->version;
    (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".%s.json", expected->version, zone->name);
    status = fetch(loader, path, PTI_TARGETS_SIZE_MAX, expected, &zone->role);
    return status == PINTLE_OK ? load_zone_file(loader, zone) : status;
}

static enum pintle_status load_charter(const struct loader *loader, const struct pti_tuf_metadata *targets)
{
    const struct pti_tuf_file *expected = pti_tuf_file_find(&targets->files, pti_bytes_text("charter.json"));
    char path[SOURCE_PATH_MAX], hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    if (expected == NULL)
        return pti_fail(loader->error, PINTLE_ERR_INPUT, "targets list no charter.json");
    pti_hex_encode(expected->sha256, sizeof(expected->sha256), hex);
    (void)snprintf(path, sizeof(path), "targets/%s.charter.json", hex);
    return fetch(loader, path, PTI_CHARTER_SIZE_MAX, expected, &loader->published->charter);
}

/* Delegated zones in their order, then those that only the snapshot remembers. */
static enum pintle_status load_zones(const struct loader *loader, const struct pti_tuf_metadata *targets,
                                     const struct pti_tuf_metadata *snapshot)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < targets->delegation_count && status == PINTLE_OK; i++)
        status = load_zone(loader, targets->delegations[i].name, true, snapshot);
    for (size_t i = 0; i < snapshot->files.count && status == PINTLE_OK; i++) {
        struct pintle_bytes name = snapshot->files.items[i].name;
        if (pti_bytes_equal_text(name, "targets.json"))
            continue;
        if (name.size < 5 || memcmp(name.data + name.size - 5, ".json", 5) != 0)
            return pti_fail(loader->error, PINTLE_ERR_INPUT, "the snapshot lists a file that is no role");
        name.size -= 5;
        if (pti_tuf_delegation_find(targets, name) == NULL)
            status = load_zone(loader, name, false, snapshot);
    }
    return status;
}

static enum pintle_status snapshot_exists(const struct pti_file_source *source, int64_t version, bool *exists,
                                          struct pti_error *error)
{
    char path[SOURCE_PATH_MAX];
    struct pintle_bytes data = {NULL, 0};
    enum pintle_status status;

    (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".snapshot.json", version);
    status = source->read(source->ctx, path, PTI_SNAPSHOT_SIZE_MAX, &data, exists, error);
    pti_bytes_free(&data);
    return status;
}

enum pintle_status pti_published_free_snapshot(const struct pti_file_source *source, int64_t *version,
                                               struct pti_error *error)
{
    bool exists = true;
    enum pintle_status status = PINTLE_OK;

    for (*version = 0; status == PINTLE_OK && exists;)
        status = snapshot_exists(source, ++*version, &exists, error);
    return status;
}

/*
 * A snapshot that was signed but never named by a timestamp: its number is spent, for one version is one file for ever.
 */
static enum pintle_status find_floor(const struct loader *loader)
{
    struct pti_published *published = loader->published;
    bool found = true;
    enum pintle_status status = PINTLE_OK;

    published->snapshot_floor = published->snapshot_version;
    while (status == PINTLE_OK && found) {
        status = snapshot_exists(loader->source, published->snapshot_floor + 1, &found, loader->error);
        if (status == PINTLE_OK && found)
            published->snapshot_floor++;
    }
    return status;
}

static enum pintle_status load_generation(const struct loader *loader, const struct pti_tuf_metadata *timestamp)
{
    struct pti_published *published = loader->published;
    const struct pti_tuf_file *file = &timestamp->files.items[0];
    struct pti_tuf_metadata *snapshot = NULL, *targets = NULL;
    char path[SOURCE_PATH_MAX];
    enum pintle_status status;

    published->timestamp_version = timestamp->version;
    published->snapshot_version = file->version;
    (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".snapshot.json", file->version);
    status = fetch(loader, path, PTI_SNAPSHOT_SIZE_MAX, file, &published->snapshot);
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse(published->snapshot, PTI_TUF_SNAPSHOT, loader->crypto, &snapshot,
                                        loader->error);
    if (status == PINTLE_OK) {
        file = pti_tuf_file_find(&snapshot->files, pti_bytes_text("targets.json"));
        published->targets_version = file->version;
        (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".targets.json", file->version);
        status = fetch(loader, path, PTI_TARGETS_SIZE_MAX, file, &published->targets);
    }
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse(published->targets, PTI_TUF_TARGETS, loader->crypto, &targets, loader->error);
    if (status == PINTLE_OK)
        status = load_charter(loader, targets);
    if (status == PINTLE_OK)
        status = load_zones(loader, targets, snapshot);
    pti_tuf_metadata_free(targets);
    pti_tuf_metadata_free(snapshot);
    return status;
}

enum pintle_status pti_published_load(const struct pti_file_source *source, struct pintle_crypto *crypto,
                                      struct pti_published *published, struct pti_error *error)
{
    const struct loader loader = {source, crypto, published, error};
    struct pti_tuf_metadata *timestamp = NULL;
    bool found = false;
    enum pintle_status status;

    memset(published, 0, sizeof(*published));
    status = load_roots(&loader);
    if (status == PINTLE_OK)
        status = read_name(&loader);
    if (status == PINTLE_OK)
        status = source->read(source->ctx, "metadata/timestamp.json", PTI_TIMESTAMP_SIZE_MAX, &published->timestamp,
                              &found, error);
    if (status == PINTLE_OK && found)
        status = broken(&loader, "metadata/timestamp.json",
                        pti_tuf_metadata_parse(published->timestamp, PTI_TUF_TIMESTAMP, crypto, &timestamp, error));
    if (status == PINTLE_OK && found)
        status = load_generation(&loader, timestamp);
    if (status == PINTLE_OK)
        status = find_floor(&loader);
    pti_tuf_metadata_free(timestamp);
    if (status != PINTLE_OK)
        pti_published_clear(published);
    return status;
}

enum pintle_status pti_published_init(struct pti_published *published, const char *repository, struct pintle_bytes root,
                                      struct pti_error *error)
{
    memset(published, 0, sizeof(*published));
    (void)pti_copy_text(published->repository, sizeof(published->repository), repository);
    published->roots = calloc(1, sizeof(*published->roots));
    if (published->roots == NULL || pti_bytes_copy(root, &published->roots[0]) != PINTLE_OK) {
        pti_published_clear(published);
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for root 1");
    }
    published->root_count = 1;
    return PINTLE_OK;
}

void pti_published_clear(struct pti_published *published)
{
    for (size_t i = 0; i < published->root_count; i++)
        pti_bytes_free(&published->roots[i]);
    free(published->roots);
    for (size_t i = 0; i < published->zone_count; i++) {
        pti_bytes_free(&published->zones[i].role);
        pti_bytes_free(&published->zones[i].file);
    }
    free(published->zones);
    pti_bytes_free(&published->timestamp);
    pti_bytes_free(&published->snapshot);
    pti_bytes_free(&published->targets);
    pti_bytes_free(&published->charter);
    memset(published, 0, sizeof(*published));
}

const struct pti_published_zone *pti_published_zone(const struct pti_published *published, const char *zone)
{
    for (size_t i = 0; i < published->zone_count; i++)
        if (strcmp(published->zones[i].name, zone) == 0)
            return &published->zones[i];
    return NULL;
}

struct pintle_bytes pti_published_root(const struct pti_published *published)
{
    return published->root_count == 0 ? (struct pintle_bytes){NULL, 0} : published->roots[published->root_count - 1];
}

static enum pintle_status delegates_to(struct pintle_bytes targets, const char *zone, const char *keyid, bool *used,
                                       struct pti_error *error)
{
    struct pti_delegation *delegations = NULL;
    size_t count = 0;
    enum pintle_status status = pti_delegations_from_targets(targets, &delegations, &count, error);

    for (size_t i = 0; i < count; i++)
        if ((zone == NULL || strcmp(delegations[i].zone, zone) == 0) &&
            pti_role_keys_find(&delegations[i].keys, keyid) != NULL)
            *used = true;
    pti_delegations_free(delegations, count);
    return status;
}

enum pintle_status pti_published_key_was_used(const struct pti_file_source *source,
                                              const struct pti_published *published, const char *zone,
                                              const char *keyid, bool *used, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    *used = false;
    for (int64_t version = 1; version <= published->targets_version && status == PINTLE_OK && !*used; version++) {
        char path[SOURCE_PATH_MAX];
        struct pintle_bytes targets;
        bool found = false;
        (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".targets.json", version);
        status = source->read(source->ctx, path, PTI_TARGETS_SIZE_MAX, &targets, &found, error);
        if (status == PINTLE_OK && !found)
            status = pti_fail(error, PINTLE_ERR_STORAGE,
                              "public/%s is missing; restore it: only old versions tell which keys a zone has had",
                              path);
        if (status == PINTLE_OK) {
            status = delegates_to(targets, zone, keyid, used, error);
            pti_bytes_free(&targets);
        }
    }
    return status;
}
