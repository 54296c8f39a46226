/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "publish/bundle.h"
#include "publish/file.h"

struct loader {
    const char *app; /* directory */
    const struct pti_roots *roots;
    int64_t now;
    void (*unusable)(void *ctx, const char *why);
    void *ctx;
    struct pti_fleet *held;
};

/* As a client does that takes no bound of its own, accepts what is not listed, and requires nothing. */
static enum pintle_status compile(const struct pti_generation *generation, struct pintle_pinset **pinset,
                                  struct pti_error *error)
{
    const struct pti_charter *charter = &generation->charter;
    struct pti_pinset_input input = {.charter = charter, .unlisted = PINTLE_UNLISTED_ACCEPT};
    struct pti_pinset_zone *zones = calloc(generation->zone_count + 1, sizeof *zones);
    enum pintle_status status = PINTLE_ERR_MEMORY;

    if (!zones)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < generation->zone_count; i++) {
        zones[i].zone = &generation->zones[i].zone;
        zones[i].refuse_after = pti_generation_refuse_after(generation, &generation->zones[i],
                                                            charter->refuse_stale_after_days, generation->shipped,
                                                            &zones[i].refuse_reason);
    }
    input.zones = zones;
    input.zone_count = generation->zone_count;
    input.refuse_after = pti_generation_refuse_after(generation, NULL, charter->refuse_stale_after_days,
                                                     generation->shipped, &input.refuse_reason);
    status = pti_pinset_compile(&input, pinset, error);
    free(zones);
    return status;
}

static enum pintle_status add(struct pti_fleet *held, const char *name, const struct pti_generation *generation,
                              struct pti_error *error)
{
    struct pti_fleet_generation *next = &held->generations[held->count];
    enum pintle_status status = PINTLE_ERR_INPUT;

    if (held->count == PTI_FLEET_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "at most %d shipped generations are looked at; remove old ones",
                        PTI_FLEET_MAX - 1);
    if (pti_copy_text(next->name, sizeof next->name, name) >= sizeof next->name)
        return pti_fail(error, PINTLE_ERR_INPUT, "its name is longer than %d bytes; rename it",
                        PTI_FLEET_NAME_SIZE - 1);
    status = compile(generation, &next->pinset, error);
    if (status == PINTLE_OK)
        held->count++;
    return status;
}

static enum pintle_status read_shipped(const struct loader *loader, const char *name, struct pti_error *error)
{
    struct pti_generation *generation = NULL;
    struct pintle_bytes file = {NULL, 0};
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(path, loader->app, name, error);

    if (status == PINTLE_OK)
        status = pti_file_read(path, PTI_STORE_BLOB_MAX, &file, error);
    if (status == PINTLE_OK)
        status = pti_generation_read(file, loader->roots, loader->now, &generation, error);
    if (status == PINTLE_OK)
        status = add(loader->held, name, generation, error);
    pti_generation_free(generation);
    pti_bytes_free(&file);
    return status == PINTLE_OK ? status : pti_error_prefix(error, "app/%s", name);
}

static enum pintle_status read_all_shipped(const struct loader *loader, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    char **names = NULL;
    size_t count = 0;

    status = pti_file_list(loader->app, "", &names, &count, error);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        struct pti_error why;

        if (strncmp(names[i], PTI_FLEET_FILE_PREFIX, strlen(PTI_FLEET_FILE_PREFIX)) != 0)
            continue;
        status = read_shipped(loader, names[i], &why);
        if (status == PINTLE_ERR_MEMORY) {
            *error = why;
        } else if (status != PINTLE_OK) {
            status = PINTLE_OK;
            if (loader->unusable)
                loader->unusable(loader->ctx, why.detail);
        }
    }
    pti_file_names_free(names, count);
    return status;
}

enum pintle_status pti_fleet_load(const struct pti_published *published, const char *directory,
                                  struct pintle_crypto *crypto, int64_t now,
                                  void (*unusable)(void *ctx, const char *why), void *ctx, struct pti_fleet *held,
                                  struct pti_error *error)
{
    char app[PTI_PATH_MAX];
    struct pti_generation *current = NULL;
    struct pti_roots roots;
    struct loader loader = {app, &roots, now, unusable, ctx, held};
    enum pintle_status status = pti_file_path(app, directory, "app", error);

    memset(held, 0, sizeof *held);
    memset(&roots, 0, sizeof roots);
    if (status == PINTLE_OK)
        status = pti_bundle_verify_baseline(published, now, crypto, &roots, &current, error);
    if (status == PINTLE_OK)
        status = add(held, PTI_FLEET_CURRENT, current, error);
    if (status == PINTLE_OK)
        status = read_all_shipped(&loader, error);
    pti_generation_free(current);
    pti_roots_clear(&roots);
    if (status != PINTLE_OK)
        pti_fleet_clear(held);
    return status;
}

void pti_fleet_clear(struct pti_fleet *held)
{
    for (size_t i = 0; i < held->count; i++)
        pintle_pinset_free(held->generations[i].pinset);
    memset(held, 0, sizeof *held);
}
