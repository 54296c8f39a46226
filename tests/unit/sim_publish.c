/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated repository signs and serves.  Contracts are in sim_repository.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "publish/bundle.h"
#include "sim_sign.h"

static struct pti_error error; /* of the step at hand; tests use one thread here */

/* ---- signing roles ---- */

static struct pti_file_meta meta_of(struct sim *sim, struct pintle_bytes bytes, int64_t version)
{
    struct pti_file_meta meta;

    sim_ok(pti_file_meta_of(sim->crypto, bytes, version, &meta, &error), &error, "hash a file");
    return meta;
}

/* Writes the content with its version, and raises that first if the content is not what file holds. */
static bool render(void (*write)(const void *content, struct pti_buf *out), const void *content, int64_t *version,
                   struct pintle_bytes *file)
{
    struct pti_buf buf;
    struct pti_json *json = NULL;
    int64_t last = 0;
    bool changed;

    if (file->size > 0 && pti_json_parse(*file, &json, &error) == PINTLE_OK)
        (void)pti_json_as_integer(pti_json_member(pti_json_root(json), "version"), &last);
    pti_json_free(json);
    pti_buf_init(&buf, SIM_TEXT_MAX);
    write(content, &buf);
    changed = !pti_bytes_equal(pti_buf_bytes(&buf), *file);
    if (changed && *version == last) {
        (*version)++;
        pti_buf_clear(&buf);
        write(content, &buf);
    }
    if (changed)
        sim_replace(file, pti_buf_bytes(&buf));
    pti_buf_clear(&buf);
    return changed;
}

static void write_charter(const void *content, struct pti_buf *out)
{
    pti_charter_write(content, out);
}

static void write_zone(const void *content, struct pti_buf *out)
{
    pti_zone_write(content, out);
}

static void put_hashed(struct sim *sim, const char *folder, const char *name, struct pintle_bytes bytes)
{
    struct pti_file_meta meta = meta_of(sim, bytes, 0);
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1], path[256];

    pti_hex_encode(meta.sha256, sizeof(meta.sha256), hex);
    (void)snprintf(path, sizeof(path), "%s%s.%s", folder, hex, name);
    sim_machine_put(sim->machine, path, bytes);
}

static void put_versioned(struct sim *sim, int64_t version, const char *role, struct pintle_bytes bytes)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".%s.json", version, role);
    sim_machine_put(sim->machine, path, bytes);
}

static void write_targets(struct sim *sim, int64_t version, int64_t expires, struct pti_buf *out)
{
    struct pti_target_entry charter = {"charter.json", meta_of(sim, sim->charter_file, 0)};
    struct pti_delegation *delegations = sim_alloc((sim->zone_count + 1) * sizeof(*delegations));
    size_t count = 0;

    for (size_t i = 0; i < sim->zone_count; i++) {
        if (!sim->zones[i].delegated)
            continue;
        (void)pti_copy_text(delegations[count].zone, sizeof(delegations[count].zone), sim->zones[i].name);
        delegations[count++].keys = sim_role_keys(&sim->zones[i].signers);
    }
    pti_buf_init(out, SIM_TEXT_MAX);
    pti_targets_write(&(struct pti_targets_fields){.version = version,
                                                   .expires = expires,
                                                   .targets = &charter,
                                                   .target_count = 1,
                                                   .delegates = true,
                                                   .delegations = delegations,
                                                   .delegation_count = count},
                      out);
    pti_delegations_free(delegations, count);
}

void sim_sign_targets(struct sim *sim)
{
    struct pti_buf buf;

    (void)render(write_charter, &sim->charter, &sim->charter.version, &sim->charter_file);
    write_targets(sim, 0, 0, &buf);
    sim_replace(&sim_history_of(sim)->targets_print, pti_buf_bytes(&buf));
    pti_buf_clear(&buf);
    sim->targets_version++;
    write_targets(sim, sim->targets_version, sim_now(sim) + sim->expires_days[SIM_TARGETS] * SIM_DAY, &buf);
    sim_sign_into(&sim->signers[SIM_TARGETS], &buf, &sim->targets);
}

/* Would sim_sign_targets() sign something else than last time? */
static bool targets_changed(struct sim *sim)
{
    struct pti_buf buf;
    bool changed = render(write_charter, &sim->charter, &sim->charter.version, &sim->charter_file);

    write_targets(sim, 0, 0, &buf);
    changed = changed || sim->targets.size == 0 ||
              !pti_bytes_equal(pti_buf_bytes(&buf), sim_history_of(sim)->targets_print);
    pti_buf_clear(&buf);
    return changed;
}

void sim_sign_zone(struct sim *sim, const char *name)
{
    struct sim_zone *zone = sim_zone(sim, name);
    struct pti_target_entry target;
    struct pti_buf buf;
    char path[256];

    (void)render(write_zone, &zone->content, &zone->content.version, &zone->file);
    (void)snprintf(path, sizeof(path), "zones/%s.json", name);
    target = (struct pti_target_entry){path, meta_of(sim, zone->file, 0)};
    zone->role_version++;
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_targets_write(&(struct pti_targets_fields){.version = zone->role_version,
                                                   .expires = sim_now(sim) + zone->expires_days * SIM_DAY,
                                                   .targets = &target,
                                                   .target_count = 1},
                      &buf);
    sim_sign_into(&zone->signers, &buf, &zone->role);
}

static void sign_snapshot(struct sim *sim)
{
    struct pti_snapshot_entry *entries = sim_alloc((sim->zone_count + 1) * sizeof(*entries));
    size_t count = 0;
    struct pti_buf buf;

    entries[count++] = (struct pti_snapshot_entry){"targets", meta_of(sim, sim->targets, sim->targets_version)};
    for (size_t i = 0; i < sim->zone_count; i++) {
        const struct sim_zone *zone = &sim->zones[i];
        if (!zone->hidden && zone->role.size > 0)
            entries[count++] = (struct pti_snapshot_entry){zone->name, meta_of(sim, zone->role, zone->role_version)};
    }
    sim->snapshot_version++;
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_snapshot_write(
        &(struct pti_snapshot_fields){.version = sim->snapshot_version,
                                      .expires = sim_now(sim) + sim->expires_days[SIM_SNAPSHOT] * SIM_DAY,
                                      .entries = entries,
                                      .entry_count = count},
        &buf);
    sim_sign_into(&sim->signers[SIM_SNAPSHOT], &buf, &sim->snapshot);
    free(entries);
}

static void sign_timestamp(struct sim *sim)
{
    struct pti_buf buf;
    int64_t issued = sim->issued_offset_s == INT64_MIN ? -1 : sim_now(sim) + sim->issued_offset_s;

    sim->timestamp_version++;
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_timestamp_write(
        &(struct pti_timestamp_fields){.version = sim->timestamp_version,
                                       .expires = sim_now(sim) + sim->expires_days[SIM_TIMESTAMP] * SIM_DAY,
                                       .issued = issued,
                                       .snapshot = meta_of(sim, sim->snapshot, sim->snapshot_version)},
        &buf);
    sim_sign_into(&sim->signers[SIM_TIMESTAMP], &buf, &sim->timestamp);
}

/* ---- serving ---- */

struct pti_published sim_view(struct sim *sim)
{
    struct pti_published published = {.timestamp = sim->timestamp,
                                      .snapshot = sim->snapshot,
                                      .targets = sim->targets,
                                      .charter = sim->charter_file,
                                      .root_count = (size_t)sim->root_version};

    published.roots = sim_alloc(published.root_count * sizeof(*published.roots));
    for (size_t i = 0; i < published.root_count; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "metadata/%zu.root.json", i + 1);
        published.roots[i] = sim_machine_get(sim->machine, path);
    }
    published.zones = sim_alloc((sim->zone_count + 1) * sizeof(*published.zones));
    for (size_t i = 0; i < sim->zone_count; i++) {
        struct pti_published_zone *zone = &published.zones[published.zone_count];
        if (sim->zones[i].hidden)
            continue;
        (void)pti_copy_text(zone->name, sizeof(zone->name), sim->zones[i].name);
        zone->delegated = sim->zones[i].delegated;
        zone->role = sim->zones[i].role;
        zone->file = sim->zones[i].file;
        published.zone_count++;
    }
    return published;
}

void sim_head_path(struct sim *sim, size_t root_version, char *out)
{
    (void)sim;
    (void)snprintf(out, 128, "head/%zu", root_version);
}

void sim_body_path(struct sim *sim, char *out)
{
    struct pti_file_meta meta = meta_of(sim, sim->snapshot, 0);
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_hex_encode(meta.sha256, sizeof(meta.sha256), hex);
    (void)snprintf(out, 128, "body/%s", hex);
}

static void serve_bundles(struct sim *sim)
{
    struct pti_published published = sim_view(sim);
    struct pti_buf buf;
    char path[128];

    sim_ok(pti_bundle_body(&published, &buf, &error), &error, "body");
    sim_body_path(sim, path);
    sim_machine_put(sim->machine, path, pti_buf_bytes(&buf));
    pti_buf_clear(&buf);
    for (size_t n = pti_bundle_first_head(&published); n <= published.root_count; n++) {
        sim_ok(pti_bundle_head(&published, n, &buf, &error), &error, "head");
        sim_head_path(sim, n, path);
        sim_machine_put(sim->machine, path, pti_buf_bytes(&buf));
        pti_buf_clear(&buf);
    }
    free(published.roots);
    free(published.zones);
}

static void serve(struct sim *sim)
{
    put_hashed(sim, "targets/", "charter.json", sim->charter_file);
    for (size_t i = 0; i < sim->zone_count; i++) {
        char name[80];
        (void)snprintf(name, sizeof(name), "%s.json", sim->zones[i].name);
        put_hashed(sim, "targets/zones/", name, sim->zones[i].file);
        put_versioned(sim, sim->zones[i].role_version, sim->zones[i].name, sim->zones[i].role);
    }
    put_versioned(sim, sim->targets_version, "targets", sim->targets);
    put_versioned(sim, sim->snapshot_version, "snapshot", sim->snapshot);
    sim_machine_put(sim->machine, "metadata/timestamp.json", sim->timestamp);
    serve_bundles(sim);
}

void sim_publish_online(struct sim *sim)
{
    sign_snapshot(sim);
    sign_timestamp(sim);
    serve(sim);
}

void sim_publish_timestamp(struct sim *sim)
{
    sign_timestamp(sim);
    serve(sim);
}

void sim_publish(struct sim *sim)
{
    for (size_t i = 0; i < sim->zone_count; i++) {
        struct sim_zone *zone = &sim->zones[i];
        bool changed = render(write_zone, &zone->content, &zone->content.version, &zone->file);
        if (changed || zone->role.size == 0)
            sim_sign_zone(sim, zone->name);
    }
    if (targets_changed(sim))
        sim_sign_targets(sim);
    sim_publish_online(sim);
}
