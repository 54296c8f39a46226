/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/generation.h"

#include <stdio.h>
#include <stdlib.h>

#include "tuf/container.h"
#include "tuf/verify.h"

#define CHARTER_PATH "charter.json"
#define DAY_S INT64_C(86400)

/* The name of a zone's file among the targets of its role, and in a container. */
#define ZONE_PATH_SIZE (sizeof "zones/.json" + PINTLE_ZONE_NAME_MAX)

static void zone_path(const char *zone, char out[ZONE_PATH_SIZE])
{
    (void)snprintf(out, ZONE_PATH_SIZE, "zones/%s.json", zone);
}

void pti_item_path(const struct pti_item *item, char out[PTI_CONTAINER_PATH_MAX + 1])
{
    switch (item->kind) {
    case PTI_ITEM_SNAPSHOT:
        (void)snprintf(out, PTI_CONTAINER_PATH_MAX + 1, "snapshot.json");
        return;
    case PTI_ITEM_TARGETS:
        (void)snprintf(out, PTI_CONTAINER_PATH_MAX + 1, "targets.json");
        return;
    case PTI_ITEM_CHARTER:
        (void)snprintf(out, PTI_CONTAINER_PATH_MAX + 1, CHARTER_PATH);
        return;
    case PTI_ITEM_ROLE:
        (void)snprintf(out, PTI_CONTAINER_PATH_MAX + 1, "roles/%s.json", item->zone);
        return;
    case PTI_ITEM_ZONE:
        (void)snprintf(out, PTI_CONTAINER_PATH_MAX + 1, "zones/%s.json", item->zone);
        return;
    }
}

/* A delegation is a zone if its role may sign exactly the zone file that bears its name. */
static bool delegates_zone(const struct pti_tuf_delegation *delegation, char name[PINTLE_ZONE_NAME_MAX + 1])
{
    char path[ZONE_PATH_SIZE];
    struct pintle_bytes pattern;

    if (!pti_zone_name_valid(delegation->name) || delegation->name.size > PINTLE_ZONE_NAME_MAX)
        return false;
    (void)snprintf(name, PINTLE_ZONE_NAME_MAX + 1, "%.*s", (int)delegation->name.size,
                   (const char *)delegation->name.data);
    zone_path(name, path);
    for (const struct pti_json_value *item = pti_json_first(delegation->paths); item != NULL;
         item = pti_json_next(item))
        if (pti_json_as_string(item, &pattern) && pti_bytes_equal_text(pattern, path))
            return true;
    return false;
}

static enum pintle_status pull(const struct pti_manifest_source *source, enum pti_item_kind kind, const char *zone,
                               const struct pti_tuf_file *expected, size_t size_max, struct pintle_bytes *bytes,
                               struct pti_error *error)
{
    struct pti_item item = {kind, zone, expected, size_max};

    if (expected->length >= 0 && (uint64_t)expected->length < size_max)
        item.size_max = (size_t)expected->length;
    return source->get(source->ctx, &item, bytes, error);
}

/* A target file: pulled, measured against what its role signed, and kept. */
static enum pintle_status pull_target(struct pti_trusted *set, const struct pti_manifest_source *source,
                                      enum pti_item_kind kind, const char *zone, const struct pti_tuf_metadata *role,
                                      const char *path, size_t size_max, struct pintle_bytes *kept,
                                      struct pti_error *error)
{
    const struct pti_tuf_file *expected = pti_tuf_file_find(&role->files, pti_bytes_text(path));
    struct pintle_bytes bytes;
    enum pintle_status status;

    if (expected == NULL)
        return pti_fail(error, PINTLE_ERR_TRUST, "%s: its role does not list it", path);
    status = pull(source, kind, zone, expected, size_max, &bytes, error);
    if (status == PINTLE_OK)
        status = pti_tuf_verify_file(bytes, expected, set->crypto, error);
    if (status == PINTLE_OK && source->lasts)
        *kept = bytes;
    else if (status == PINTLE_OK && pti_bytes_copy(bytes, kept) != PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "%s: out of memory", path);
    return status;
}

static enum pintle_status build_charter(struct pti_trusted *set, const struct pti_manifest_source *source,
                                        struct pti_generation *generation, struct pti_error *error)
{
    enum pintle_status status = pull_target(set, source, PTI_ITEM_CHARTER, NULL, pti_trusted_targets(set), CHARTER_PATH,
                                            PTI_CHARTER_SIZE_MAX, &generation->charter_bytes, error);

    if (status == PINTLE_OK) {
        status = pti_charter_parse(generation->charter_bytes, &generation->charter, error);
        if (status != PINTLE_OK)
            (void)pti_error_prefix(error, CHARTER_PATH);
    }
    return status;
}

static enum pintle_status build_zone(struct pti_trusted *set, const struct pti_manifest_source *source,
                                     struct pti_generation_zone *zone, struct pti_error *error)
{
    const struct pti_tuf_metadata *targets = pti_trusted_targets(set);
    const struct pti_tuf_file *listed = pti_trusted_role_file(set, zone->delegation->name);
    struct pintle_bytes bytes;
    char path[ZONE_PATH_SIZE];
    enum pintle_status status;

    if (listed == NULL)
        return pti_fail(error, PINTLE_ERR_TRUST, "snapshot: does not list zone %s, which is delegated", zone->name);
    status = pull(source, PTI_ITEM_ROLE, zone->name, listed, PTI_TARGETS_SIZE_MAX, &bytes, error);
    if (status == PINTLE_OK)
        status = pti_trusted_update_delegated(set, bytes, targets, zone->delegation->name, error);
    if (status != PINTLE_OK)
        return status;
    zone_path(zone->name, path);
    status = pull_target(set, source, PTI_ITEM_ZONE, zone->name, pti_trusted_role(set, targets, zone->delegation->name),
                         path, PTI_ZONE_SIZE_MAX, &zone->bytes, error);
    if (status == PINTLE_OK) {
        status = pti_zone_parse(zone->bytes, zone->name, &zone->zone, error);
        if (status != PINTLE_OK)
            (void)pti_error_prefix(error, "%s", path);
    }
    return status;
}

static enum pintle_status build_zones(struct pti_trusted *set, const struct pti_manifest_source *source,
                                      struct pti_generation *generation, struct pti_error *error)
{
    const struct pti_tuf_metadata *targets = pti_trusted_targets(set);
    enum pintle_status status = PINTLE_OK;

    generation->zones = calloc(targets->delegation_count + 1, sizeof *generation->zones);
    if (generation->zones == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < targets->delegation_count && status == PINTLE_OK; i++) {
        struct pti_generation_zone *zone = &generation->zones[generation->zone_count];

        if (!delegates_zone(&targets->delegations[i], zone->name))
            continue;
        if (generation->zone_count == PTI_ZONES_MAX)
            return pti_fail(error, PINTLE_ERR_INPUT, "targets: more than %d zones", PTI_ZONES_MAX);
        generation->zone_count++;
        zone->delegation = &targets->delegations[i];
        pti_zone_init(&zone->zone, zone->name);
        status = build_zone(set, source, zone, error);
    }
    return status;
}

static enum pintle_status build_contents(struct pti_trusted *set, const struct pti_manifest_source *source,
                                         struct pti_generation *generation, struct pti_error *error)
{
    const struct pti_tuf_file *listed = pti_trusted_snapshot_file(set);
    struct pintle_bytes bytes;
    enum pintle_status status;

    if (listed == NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "a generation cannot be built without a timestamp");
    status = pull(source, PTI_ITEM_SNAPSHOT, NULL, listed, PTI_SNAPSHOT_SIZE_MAX, &bytes, error);
    if (status == PINTLE_OK)
        status = pti_trusted_update_snapshot(set, bytes, error);
    if (status != PINTLE_OK)
        return status;
    listed = pti_trusted_role_file(set, pti_bytes_text("targets"));
    status = pull(source, PTI_ITEM_TARGETS, NULL, listed, PTI_TARGETS_SIZE_MAX, &bytes, error);
    if (status == PINTLE_OK)
        status = pti_trusted_update_targets(set, bytes, error);
    if (status == PINTLE_OK)
        status = build_charter(set, source, generation, error);
    if (status == PINTLE_OK)
        status = build_zones(set, source, generation, error);
    return status;
}

/* Moves the timestamp in force out of the set. */
static enum pintle_status take_timestamp(struct pti_trusted *set, struct pti_generation *generation,
                                         struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (set->timestamp == NULL)
        status = pti_tuf_metadata_parse(pti_trusted_timestamp(set)->bytes, PTI_TUF_TIMESTAMP, set->crypto,
                                        &set->timestamp, error);
    if (status != PINTLE_OK)
        return status;
    generation->root_version = set->root->version;
    generation->timestamp = set->timestamp;
    generation->issued = generation->timestamp->issued;
    if (generation->issued > set->local_clock + PTI_CLOCK_AHEAD_MAX_S)
        generation->issued = -1;
    set->timestamp = NULL;
    return PINTLE_OK;
}

/* Moves the metadata out of the set: targets stands first among its roles, then the zones in the order they were built. */
static enum pintle_status take_metadata(struct pti_trusted *set, struct pti_generation *generation,
                                        struct pti_error *error)
{
    enum pintle_status status = take_timestamp(set, generation, error);

    if (status != PINTLE_OK)
        return status;
    generation->snapshot = set->snapshot;
    generation->targets = set->roles[0].metadata;
    for (size_t i = 0; i < generation->zone_count; i++)
        generation->zones[i].role = set->roles[1 + i].metadata;
    set->snapshot = NULL;
    set->role_count = 0;
    return PINTLE_OK;
}

enum pintle_status pti_generation_build(struct pti_trusted *set, const struct pti_manifest_source *source,
                                        struct pti_generation **generation, struct pti_error *error)
{
    struct pti_generation *built = calloc(1, sizeof *built);
    enum pintle_status status;

    *generation = NULL;
    if (built == NULL) {
        pti_trusted_clear(set);
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    }
    pti_charter_init(&built->charter);
    built->borrows = source->lasts;
    status = build_contents(set, source, built, error);
    if (status == PINTLE_OK)
        status = take_metadata(set, built, error);
    pti_trusted_clear(set);
    if (status != PINTLE_OK) {
        pti_generation_free(built);
        return status;
    }
    *generation = built;
    return PINTLE_OK;
}

enum pintle_status pti_generation_renew(struct pti_trusted *set, const struct pti_generation *held,
                                        struct pti_generation **generation, struct pti_error *error)
{
    struct pti_generation *renewed = NULL;
    enum pintle_status status = pti_trusted_confirm(set, held->snapshot, held->targets, error);

    *generation = NULL;
    if (status == PINTLE_OK)
        renewed = malloc(sizeof *renewed);
    if (status == PINTLE_OK && renewed == NULL)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    if (status == PINTLE_OK) {
        *renewed = *held;
        renewed->timestamp = NULL;
        renewed->past_zones = NULL;
        renewed->past_zone_count = 0;
        status = take_timestamp(set, renewed, error);
    }
    pti_trusted_clear(set);
    if (status == PINTLE_OK)
        *generation = renewed;
    else
        free(renewed);
    return status;
}

void pti_generation_forget_past(struct pti_generation *generation)
{
    for (size_t i = 0; i < generation->past_zone_count; i++)
        free(generation->past_zones[i].identities);
    free(generation->past_zones);
    generation->past_zones = NULL;
    generation->past_zone_count = 0;
}

void pti_generation_free(struct pti_generation *generation)
{
    if (generation == NULL)
        return;
    for (size_t i = 0; i < generation->zone_count; i++) {
        pti_tuf_metadata_free(generation->zones[i].role);
        if (!generation->borrows)
            pti_bytes_free(&generation->zones[i].bytes);
        pti_zone_clear(&generation->zones[i].zone);
    }
    free(generation->zones);
    pti_generation_forget_past(generation);
    if (!generation->borrows)
        pti_bytes_free(&generation->charter_bytes);
    pti_bytes_free(&generation->backing);
    pti_charter_clear(&generation->charter);
    pti_tuf_metadata_free(generation->timestamp);
    pti_tuf_metadata_free(generation->snapshot);
    pti_tuf_metadata_free(generation->targets);
    free(generation);
}

void pti_generation_free_beside(struct pti_generation *generation, const struct pti_generation *other)
{
    if (generation == NULL || other == NULL || generation->snapshot != other->snapshot) {
        pti_generation_free(generation);
        return;
    }
    pti_tuf_metadata_free(generation->timestamp);
    pti_generation_forget_past(generation);
    free(generation);
}

struct pti_generation_zone *pti_generation_zone(const struct pti_generation *generation, const char *name)
{
    for (size_t i = 0; i < generation->zone_count; i++)
        if (pti_bytes_equal_text(pti_bytes_text(generation->zones[i].name), name))
            return &generation->zones[i];
    return NULL;
}

int64_t pti_generation_expires(const struct pti_generation *generation, const struct pti_generation_zone *zone)
{
    int64_t expires = generation->timestamp->expires;

    if (generation->snapshot->expires < expires)
        expires = generation->snapshot->expires;
    if (generation->targets->expires < expires)
        expires = generation->targets->expires;
    if (zone != NULL && zone->role->expires < expires)
        expires = zone->role->expires;
    return expires;
}

int64_t pti_generation_refuse_after(const struct pti_generation *generation, const struct pti_generation_zone *zone,
                                    int64_t stale_days, bool shipped, enum pintle_reason *reason)
{
    int64_t born = generation->timestamp->issued >= 0 ? generation->timestamp->issued : generation->accepted_at;
    int64_t after = PTI_NEVER;

    *reason = PINTLE_REASON_STALE_REFUSED;
    if (stale_days >= 0)
        after = pti_generation_expires(generation, zone) + stale_days * DAY_S;
    if (shipped && generation->charter.max_shipped_age_days >= 0 &&
        born + generation->charter.max_shipped_age_days * DAY_S < after) {
        after = born + generation->charter.max_shipped_age_days * DAY_S;
        *reason = PINTLE_REASON_SHIPPED_TOO_OLD;
    }
    return after;
}

static enum pintle_status get_from_container(void *ctx, const struct pti_item *item, struct pintle_bytes *bytes,
                                             struct pti_error *error)
{
    const struct pti_container *container = ctx;
    char path[PTI_CONTAINER_PATH_MAX + 1];

    pti_item_path(item, path);
    if (pti_container_find(container, path, bytes))
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_NETWORK, "the container lacks %s", path);
}

struct pti_manifest_source pti_container_source(const struct pti_container *container)
{
    /* The source interface has no const context, for the sake of sources that fetch; this one only reads. */
    union {
        const struct pti_container *from;
        void *to;
    } ctx = {container};

    return (struct pti_manifest_source){get_from_container, ctx.to, false};
}

static enum pintle_status get_from_generation(void *ctx, const struct pti_item *item, struct pintle_bytes *bytes,
                                              struct pti_error *error)
{
    const struct pti_generation *generation = ctx;
    const struct pti_generation_zone *zone = NULL;

    if (item->zone != NULL) {
        zone = pti_generation_zone(generation, item->zone);
        if (zone == NULL)
            return pti_fail(error, PINTLE_ERR_TRUST, "zone %s is not in the accepted generation", item->zone);
    }
    *bytes = item->kind == PTI_ITEM_SNAPSHOT  ? generation->snapshot->bytes
             : item->kind == PTI_ITEM_TARGETS ? generation->targets->bytes
             : item->kind == PTI_ITEM_CHARTER ? generation->charter_bytes
             : item->kind == PTI_ITEM_ROLE    ? zone->role->bytes
                                              : zone->bytes;
    return PINTLE_OK;
}

struct pti_manifest_source pti_generation_source(const struct pti_generation *generation)
{
    union {
        const struct pti_generation *from;
        void *to;
    } ctx = {generation};

    return (struct pti_manifest_source){get_from_generation, ctx.to, false};
}
