/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated repository holds and signs.  Contracts are in sim_repository.h. */
#include "sim_repository.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/json_write.h"
#include "publish/bundle.h"
#include "publish/metadata_write.h"
#include "sim_machine.h"

#define TEXT_MAX 8000000

static struct pti_error error; /* of the step at hand; tests use one thread here */

/* ---- keys and signatures ---- */

/* Keys that were replaced: freed at the end, for a thief may still sign with them. */
struct sim_history {
    struct pti_keyring keys;
    struct sim_signers root;           /* who signed the last root; borrowed keys */
    struct pintle_bytes targets_print; /* content of the last targets, without version and expiry */
};

struct sim_whole {
    struct sim sim;
    struct sim_history history;
};

static struct sim_history *history_of(struct sim *sim)
{
    return &((struct sim_whole *)(void *)sim)->history;
}

static void make_signers(struct sim *sim, struct sim_signers *signers, enum pti_key_kind kind, size_t count,
                         int64_t threshold)
{
    struct pti_signing_key *key;

    sim_true(count <= SIM_KEYS_MAX, "too many keys");
    *signers = (struct sim_signers){{NULL}, count, threshold, 0};
    for (size_t i = 0; i < count; i++) {
        sim_ok(pti_signing_key_generate(kind, &key, &error), &error, "generate a key");
        sim_ok(pti_keyring_take(&history_of(sim)->keys, key, &error), &error, "keep a key");
        signers->keys[i] = key;
    }
}

static struct pti_role_keys role_keys(const struct sim_signers *signers)
{
    struct pti_role_keys role = {NULL, 0, signers->threshold};

    for (size_t i = 0; i < signers->count; i++)
        sim_ok(pti_role_keys_add(&role, pti_signing_key_public(signers->keys[i]), &error), &error, "name a key");
    role.threshold = signers->threshold;
    return role;
}

static void put_signatures(const struct sim_signers *signers, struct pintle_bytes canonical,
                           struct pti_json_writer *writer)
{
    size_t count = signers->sign_with > 0 ? signers->sign_with : (size_t)signers->threshold;

    for (size_t i = 0; i < count && i < signers->count; i++) {
        char hex[PTI_HEX_SIZE(PTI_SIGNATURE_SIZE_MAX) + 1];
        struct pti_signature signature;
        sim_ok(pti_signing_key_sign(signers->keys[i], canonical, &signature, &error), &error, "sign");
        pti_hex_encode(signature.data, signature.size, hex);
        pti_json_begin_object(writer, NULL);
        pti_json_put_text(writer, "keyid", pti_signing_key_public(signers->keys[i])->id);
        pti_json_put_text(writer, "sig", hex);
        pti_json_end_object(writer);
    }
}

/* As pti_envelope_sign() does it, but nothing is checked, and two sets of signers may sign (root: old and new). */
static struct pintle_bytes sign_twice(const struct sim_signers *first, const struct sim_signers *second,
                                      struct pintle_bytes signed_json)
{
    struct pti_json_writer writer;
    struct pti_json *json;
    struct pti_buf canonical, out;
    struct pintle_bytes envelope;

    pti_buf_init(&canonical, TEXT_MAX);
    pti_buf_init(&out, TEXT_MAX);
    sim_ok(pti_json_parse(signed_json, &json, &error), &error, "parse what is to be signed");
    pti_json_write_canonical(pti_json_root(json), &canonical);
    pti_json_writer_init(&writer, &out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_begin_array(&writer, "signatures");
    put_signatures(first, pti_buf_bytes(&canonical), &writer);
    if (second != NULL)
        put_signatures(second, pti_buf_bytes(&canonical), &writer);
    pti_json_end_array(&writer);
    pti_json_put_raw(&writer, "signed", signed_json);
    pti_json_end_object(&writer);
    sim_ok(pti_buf_check(&out, &error, "envelope"), &error, "write an envelope");
    sim_ok(pti_bytes_copy(pti_buf_bytes(&out), &envelope), NULL, "copy an envelope");
    pti_json_free(json);
    pti_buf_clear(&canonical);
    pti_buf_clear(&out);
    return envelope;
}

struct pintle_bytes sim_sign(struct sim *sim, const struct sim_signers *signers, struct pintle_bytes signed_json)
{
    (void)sim;
    return sign_twice(signers, NULL, signed_json);
}

/* Signs the text in buf into *slot, and clears buf. */
static void sign_into(const struct sim_signers *signers, struct pti_buf *buf, struct pintle_bytes *slot)
{
    struct pintle_bytes envelope = sign_twice(signers, NULL, pti_buf_bytes(buf));

    pti_bytes_free(slot);
    *slot = envelope;
    pti_buf_clear(buf);
}

/* ---- life ---- */

struct sim *sim_new_with(enum pti_key_kind kind, size_t keys, int64_t threshold)
{
    static const int64_t days[SIM_ROLES] = {365, 365, 7, 3};
    struct sim_whole *whole = sim_alloc(sizeof(*whole));
    struct sim *sim = &whole->sim;

    sim_ok(pintle_crypto_openssl_new(&sim->crypto), NULL, "crypto");
    sim->repository = "sim";
    sim->machine = sim_machine_new();
    memcpy(sim->expires_days, days, sizeof(days));
    make_signers(sim, &sim->signers[SIM_ROOT], kind, keys, threshold);
    make_signers(sim, &sim->signers[SIM_TARGETS], kind, keys, threshold);
    make_signers(sim, &sim->signers[SIM_SNAPSHOT], kind, 1, 1);
    make_signers(sim, &sim->signers[SIM_TIMESTAMP], kind, 1, 1);
    pti_charter_init(&sim->charter);
    sim_publish_root(sim);
    (void)sim_add_zone(sim, "main");
    return sim;
}

struct sim *sim_new(void)
{
    return sim_new_with(PTI_KEY_ED25519, 1, 1);
}

void sim_free(struct sim *sim)
{
    if (sim == NULL)
        return;
    for (size_t i = 0; i < sim->zone_count; i++) {
        pti_zone_clear(&sim->zones[i].content);
        pti_bytes_free(&sim->zones[i].role);
        pti_bytes_free(&sim->zones[i].file);
    }
    free(sim->zones);
    pti_charter_clear(&sim->charter);
    pti_bytes_free(&sim->targets);
    pti_bytes_free(&sim->charter_file);
    pti_bytes_free(&sim->snapshot);
    pti_bytes_free(&sim->timestamp);
    pti_bytes_free(&history_of(sim)->targets_print);
    pti_keyring_clear(&history_of(sim)->keys);
    sim_machine_free(sim->machine);
    pintle_crypto_free(sim->crypto);
    free(sim);
}

/* ---- contents ---- */

struct pti_charter_host *sim_add_host(struct sim *sim, const char *host, const char *zone)
{
    struct pti_charter_host *entry = NULL;

    sim_ok(pti_charter_add_host(&sim->charter, host, &entry, &error), &error, "add a host");
    entry->mode = PINTLE_MODE_ENFORCE;
    (void)pti_copy_text(entry->zone, sizeof(entry->zone), zone);
    return entry;
}

void sim_release_host(struct sim *sim, const char *host)
{
    sim_ok(pti_charter_release_host(&sim->charter, host, &error), &error, "release a host");
}

void sim_omit_host(struct sim *sim, const char *host)
{
    struct pti_charter_host *entry = pti_charter_find(&sim->charter, host);

    sim_true(entry != NULL, "no such host to omit");
    free(entry->host);
    pti_pins_clear(&entry->pins);
    pti_pins_clear(&entry->deny);
    memmove(entry, entry + 1, (size_t)(sim->charter.hosts + sim->charter.host_count - entry - 1) * sizeof(*entry));
    sim->charter.host_count--;
}

struct pti_pin sim_pin(uint8_t seed)
{
    struct pti_pin pin = {{0}, PINTLE_OF_SPKI, PINTLE_AT_LEAF};

    memset(pin.sha256, seed, sizeof(pin.sha256));
    return pin;
}

static struct pti_charter_host *charter_entry(struct sim *sim, const char *host)
{
    struct pti_charter_host *entry = pti_charter_find(&sim->charter, host);

    sim_true(entry != NULL, "the charter has no such host");
    return entry;
}

void sim_add_pin(struct sim *sim, const char *host, uint8_t seed)
{
    struct pti_zone_host *entry = sim_zone_entry(sim, charter_entry(sim, host)->zone, host);
    struct pti_pin pin = sim_pin(seed);
    bool added;

    sim_ok(pti_pins_add(&entry->pins, &pin, &added), NULL, "add a pin");
}

void sim_add_permanent_pin(struct sim *sim, const char *host, uint8_t seed)
{
    struct pti_pin pin = sim_pin(seed);
    bool added;

    sim_ok(pti_pins_add(&charter_entry(sim, host)->pins, &pin, &added), NULL, "add a permanent pin");
}

void sim_remove_pin(struct sim *sim, const char *host, uint8_t seed)
{
    struct pti_pin pin = sim_pin(seed);

    (void)pti_pins_remove(&sim_zone_entry(sim, charter_entry(sim, host)->zone, host)->pins, pin.sha256);
}

struct pti_zone_host *sim_zone_entry(struct sim *sim, const char *zone, const char *host)
{
    struct pti_zone_host *entry = NULL;

    sim_ok(pti_zone_host(&sim_zone(sim, zone)->content, host, &entry, &error), &error, "zone entry");
    return entry;
}

struct sim_zone *sim_zone(struct sim *sim, const char *name)
{
    for (size_t i = 0; i < sim->zone_count; i++)
        if (strcmp(sim->zones[i].name, name) == 0)
            return &sim->zones[i];
    sim_true(false, "no such zone");
    return NULL;
}

struct sim_zone *sim_add_zone(struct sim *sim, const char *name)
{
    struct sim_zone *grown = realloc(sim->zones, (sim->zone_count + 1) * sizeof(*grown));
    struct sim_zone *zone;

    if (grown == NULL)
        abort();
    sim->zones = grown;
    zone = &grown[sim->zone_count++];
    memset(zone, 0, sizeof(*zone));
    (void)pti_copy_text(zone->name, sizeof(zone->name), name);
    zone->expires_days = 90;
    zone->delegated = true;
    pti_zone_init(&zone->content, name);
    make_signers(sim, &zone->signers, PTI_KEY_ED25519, 1, 1);
    return zone;
}

void sim_remove_zone(struct sim *sim, const char *name)
{
    sim_zone(sim, name)->delegated = false;
}

void sim_restore_zone(struct sim *sim, const char *name)
{
    sim_zone(sim, name)->delegated = true;
}

void sim_rotate_zone_keys(struct sim *sim, const char *name)
{
    struct sim_zone *zone = sim_zone(sim, name);

    make_signers(sim, &zone->signers, PTI_KEY_ED25519, 1, 1);
    pti_bytes_free(&zone->role);
}

/* ---- keys of the top-level roles ---- */

void sim_new_keys(struct sim *sim, enum sim_role role, enum pti_key_kind kind, size_t count, int64_t threshold)
{
    make_signers(sim, &sim->signers[role], kind, count, threshold);
    if (role == SIM_TARGETS)
        pti_bytes_free(&sim->targets); /* signed anew by the next publication */
}

static bool same_keys(const struct sim_signers *a, const struct sim_signers *b)
{
    return a->count == b->count && a->threshold == b->threshold && a->sign_with == b->sign_with &&
           memcmp(a->keys, b->keys, a->count * sizeof(a->keys[0])) == 0;
}

void sim_publish_root(struct sim *sim)
{
    struct sim_history *history = history_of(sim);
    const struct sim_signers *now = &sim->signers[SIM_ROOT];
    const struct sim_signers *before = history->root.count > 0 ? &history->root : now;
    struct pti_role_keys keys[SIM_ROLES];
    struct pintle_bytes envelope;
    struct pti_buf buf;
    char path[64];

    for (size_t i = 0; i < SIM_ROLES; i++)
        keys[i] = role_keys(&sim->signers[i]);
    sim->root_version++;
    pti_buf_init(&buf, TEXT_MAX);
    pti_root_write(&(struct pti_root_fields){.version = sim->root_version,
                                             .expires = sim_now(sim) + sim->expires_days[SIM_ROOT] * SIM_DAY,
                                             .repository = sim->repository,
                                             .root = keys[SIM_ROOT],
                                             .targets = keys[SIM_TARGETS],
                                             .snapshot = keys[SIM_SNAPSHOT],
                                             .timestamp = keys[SIM_TIMESTAMP]},
                   &buf);
    envelope = sign_twice(before, same_keys(before, now) ? NULL : now, pti_buf_bytes(&buf));
    (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".root.json", sim->root_version);
    sim_machine_put(sim->machine, path, envelope);
    history->root = *now;
    pti_bytes_free(&envelope);
    pti_buf_clear(&buf);
    for (size_t i = 0; i < SIM_ROLES; i++)
        pti_role_keys_clear(&keys[i]);
}

void sim_rotate(struct sim *sim, enum sim_role role)
{
    const struct sim_signers *signers = &sim->signers[role];
    enum pti_key_kind kind = pti_signing_key_kind(signers->keys[0]);

    sim_new_keys(sim, role, kind, signers->count, signers->threshold);
    sim_publish_root(sim);
    sim_publish(sim);
}

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
    pti_buf_init(&buf, TEXT_MAX);
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
        delegations[count++].keys = role_keys(&sim->zones[i].signers);
    }
    pti_buf_init(out, TEXT_MAX);
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
    sim_replace(&history_of(sim)->targets_print, pti_buf_bytes(&buf));
    pti_buf_clear(&buf);
    sim->targets_version++;
    write_targets(sim, sim->targets_version, sim_now(sim) + sim->expires_days[SIM_TARGETS] * SIM_DAY, &buf);
    sign_into(&sim->signers[SIM_TARGETS], &buf, &sim->targets);
}

/* Would sim_sign_targets() sign something else than last time? */
static bool targets_changed(struct sim *sim)
{
    struct pti_buf buf;
    bool changed = render(write_charter, &sim->charter, &sim->charter.version, &sim->charter_file);

    write_targets(sim, 0, 0, &buf);
    changed = changed || sim->targets.size == 0 ||
              !pti_bytes_equal(pti_buf_bytes(&buf), history_of(sim)->targets_print);
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
    pti_buf_init(&buf, TEXT_MAX);
    pti_targets_write(&(struct pti_targets_fields){.version = zone->role_version,
                                                   .expires = sim_now(sim) + zone->expires_days * SIM_DAY,
                                                   .targets = &target,
                                                   .target_count = 1},
                      &buf);
    sign_into(&zone->signers, &buf, &zone->role);
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
    pti_buf_init(&buf, TEXT_MAX);
    pti_snapshot_write(
        &(struct pti_snapshot_fields){.version = sim->snapshot_version,
                                      .expires = sim_now(sim) + sim->expires_days[SIM_SNAPSHOT] * SIM_DAY,
                                      .entries = entries,
                                      .entry_count = count},
        &buf);
    sign_into(&sim->signers[SIM_SNAPSHOT], &buf, &sim->snapshot);
    free(entries);
}

static void sign_timestamp(struct sim *sim)
{
    struct pti_buf buf;
    int64_t issued = sim->issued_offset_s == INT64_MIN ? -1 : sim_now(sim) + sim->issued_offset_s;

    sim->timestamp_version++;
    pti_buf_init(&buf, TEXT_MAX);
    pti_timestamp_write(
        &(struct pti_timestamp_fields){.version = sim->timestamp_version,
                                       .expires = sim_now(sim) + sim->expires_days[SIM_TIMESTAMP] * SIM_DAY,
                                       .issued = issued,
                                       .snapshot = meta_of(sim, sim->snapshot, sim->snapshot_version)},
        &buf);
    sign_into(&sim->signers[SIM_TIMESTAMP], &buf, &sim->timestamp);
}

/* ---- serving ---- */

/* What publish/bundle needs, borrowed from the sim; free zones and roots. */
static struct pti_published view(struct sim *sim)
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
    struct pti_published published = view(sim);
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

/* ---- old states ---- */

struct pintle_bytes sim_current(struct sim *sim, const char *path)
{
    struct pintle_bytes bytes = sim_machine_get(sim->machine, path);

    sim_true(bytes.data != NULL, path);
    return bytes;
}

void sim_put(struct sim *sim, const char *path, struct pintle_bytes bytes)
{
    sim_machine_put(sim->machine, path, bytes);
}

static enum pintle_status read_saved(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                     struct pti_error *failure)
{
    const struct pintle_bytes bytes = sim_machine_get(ctx, path);

    *found = bytes.data != NULL;
    *data = (struct pintle_bytes){NULL, 0};
    if (bytes.size > max)
        return pti_fail(failure, PINTLE_ERR_STORAGE, "%s is larger than %zu bytes", path, max);
    return *found && pti_bytes_copy(bytes, data) != PINTLE_OK ? pti_fail(failure, PINTLE_ERR_MEMORY, "out of memory")
                                                              : PINTLE_OK;
}

struct pti_file_source sim_source(struct sim *sim)
{
    return (struct pti_file_source){read_saved, sim->machine};
}

static enum pintle_status read_files(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                     struct pti_error *failure)
{
    struct pintle_bytes bytes;

    *data = (struct pintle_bytes){NULL, 0};
    *found = sim_files_find(ctx, path, &bytes);
    if (*found && (bytes.size > max || pti_bytes_copy(bytes, data) != PINTLE_OK))
        return pti_fail(failure, PINTLE_ERR_STORAGE, "%s cannot be read", path);
    return PINTLE_OK;
}

void sim_take(struct sim *sim, const struct sim_files *files, const char *role)
{
    const struct pti_file_source source = {read_files, (void *)(uintptr_t)files};
    struct pti_published old;

    sim_ok(pti_published_load(&source, sim->crypto, &old, &error), &error, "load an old state");
    if (strcmp(role, "targets") == 0) {
        sim_replace(&sim->targets, old.targets);
        sim_replace(&sim->charter_file, old.charter);
        sim->targets_version = old.targets_version;
    } else {
        const struct pti_published_zone *from = pti_published_zone(&old, role);
        struct sim_zone *zone = sim_zone(sim, role);
        sim_true(from != NULL, "the old state has no such zone");
        sim_replace(&zone->role, from->role);
        sim_replace(&zone->file, from->file);
        zone->role_version = from->role_version;
    }
    pti_published_clear(&old);
}

void sim_published(struct sim *sim, struct pti_published *published)
{
    struct pti_file_source source = sim_source(sim);

    sim_ok(pti_published_load(&source, sim->crypto, published, &error), &error, "load the publication");
}

struct pintle_bytes sim_roots(struct sim *sim)
{
    struct pti_published published = view(sim);
    struct pintle_bytes roots;
    struct pti_buf buf;

    sim_ok(pti_bundle_roots(&published, &buf, &error), &error, "roots");
    sim_ok(pti_bytes_copy(pti_buf_bytes(&buf), &roots), NULL, "copy roots");
    pti_buf_clear(&buf);
    free(published.roots);
    free(published.zones);
    return roots;
}

struct pintle_bytes sim_shipped(struct sim *sim)
{
    struct pti_published published = view(sim);
    struct pti_generation *generation;
    struct pti_roots roots;
    struct pintle_bytes shipped;
    struct pti_buf buf;

    sim_ok(pti_bundle_verify_baseline(&published, sim_now(sim), sim->crypto, &roots, &generation, &error), &error,
           "verify what is to be shipped");
    generation->shipped = true;
    sim_ok(pti_bundle_shipped(generation, &buf, &error), &error, "shipped");
    sim_ok(pti_bytes_copy(pti_buf_bytes(&buf), &shipped), NULL, "copy shipped");
    pti_buf_clear(&buf);
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    free(published.roots);
    free(published.zones);
    return shipped;
}
