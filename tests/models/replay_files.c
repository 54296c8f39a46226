/* SPDX-License-Identifier: Apache-2.0 */
#include "replay_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "publish/bundle.h"
#include "sim_sign.h"
#include "tuf/container.h"

enum { KEYS_MAX = 256, STRANGER = KEYS_MAX - 1 };

const char *const replay_hosts[MODEL_ZONES] = {"one.example", "two.example"};

static const char *const zone_names[MODEL_ZONES] = {"zone-one", "zone-two"};
static struct pti_signing_key *keys[KEYS_MAX][2]; /* a key of an offline role is two of which both must sign */
static struct pti_error error;                    /* of the step at hand; tests use one thread here */

static int64_t seconds(int day)
{
    return SIM_START + day * SIM_DAY;
}

void replay_files_init(struct replay_files *files, struct pintle_crypto *crypto)
{
    memset(files, 0, sizeof *files);
    files->crypto = crypto;
}

void replay_files_clear(struct replay_files *files)
{
    for (size_t i = 0; i < MODEL_ROOTS_MAX; i++)
        pti_bytes_free(&files->roots[i]);
    for (size_t i = 0; i < MODEL_FILES_MAX; i++) {
        pti_bytes_free(&files->targets[i]);
        pti_bytes_free(&files->charters[i]);
        pti_bytes_free(&files->roles[i]);
        pti_bytes_free(&files->zones[i]);
        pti_bytes_free(&files->snapshots[i]);
        pti_bytes_free(&files->timestamps[i]);
    }
}

void replay_keys_clear(void)
{
    for (size_t i = 0; i < KEYS_MAX; i++) {
        pti_signing_key_free(keys[i][0]);
        pti_signing_key_free(keys[i][1]);
        keys[i][0] = keys[i][1] = NULL;
    }
}

static struct sim_signers signers(int key, size_t count)
{
    struct sim_signers who = {{NULL}, count, (int64_t)count, 0};

    if (key == 0)
        key = STRANGER;
    sim_true(key > 0 && key < KEYS_MAX, "too many keys");
    for (size_t i = 0; i < count; i++) {
        if (keys[key][i] == NULL)
            sim_ok(pti_signing_key_generate(PTI_KEY_ED25519, &keys[key][i], &error), &error, "generate a key");
        who.keys[i] = keys[key][i];
    }
    return who;
}

static struct sim_signers offline(int key)
{
    return signers(key, 2);
}

static struct sim_signers online(int key)
{
    return signers(key, 1);
}

static struct pti_file_meta meta_of(const struct replay_files *files, struct pintle_bytes bytes, int version)
{
    struct pti_file_meta meta;

    sim_ok(pti_file_meta_of(files->crypto, bytes, version, &meta, &error), &error, "hash a file");
    return meta;
}

static struct pintle_bytes take(struct pti_buf *buf)
{
    struct pintle_bytes bytes;

    sim_ok(pti_buf_check(buf, &error, "a file"), &error, "write a file");
    sim_ok(pti_bytes_copy(pti_buf_bytes(buf), &bytes), NULL, "copy a file");
    pti_buf_clear(buf);
    return bytes;
}

/* ---- metadata ---- */

static void write_root(const struct model_root *root, int version, struct pti_buf *buf)
{
    struct sim_signers who[MODEL_ROLES] = {offline(root->key[MODEL_ROOT]), offline(root->key[MODEL_TARGETS]),
                                           online(root->key[MODEL_SNAPSHOT]), online(root->key[MODEL_TIMESTAMP])};
    struct pti_root_fields fields = {version,
                                     seconds(root->expires),
                                     "model",
                                     sim_role_keys(&who[MODEL_ROOT]),
                                     sim_role_keys(&who[MODEL_TARGETS]),
                                     sim_role_keys(&who[MODEL_SNAPSHOT]),
                                     sim_role_keys(&who[MODEL_TIMESTAMP])};

    pti_buf_init(buf, SIM_TEXT_MAX);
    pti_root_write(&fields, buf);
    pti_role_keys_clear(&fields.root);
    pti_role_keys_clear(&fields.targets);
    pti_role_keys_clear(&fields.snapshot);
    pti_role_keys_clear(&fields.timestamp);
}

static struct pintle_bytes root_file(struct replay_files *files, const struct model *world, int version)
{
    const struct model_root *root = &world->roots[version];
    struct sim_signers now = offline(root->key[MODEL_ROOT]), before = now;
    struct pti_buf buf;

    if (files->roots[version].size > 0)
        return files->roots[version];
    if (version > 1)
        before = offline(world->roots[version - 1].key[MODEL_ROOT]);
    write_root(root, version, &buf);
    files->roots[version] = sim_sign_twice(&before, before.keys[0] == now.keys[0] ? NULL : &now, pti_buf_bytes(&buf));
    pti_buf_clear(&buf);
    return files->roots[version];
}

/* The root after another, which one of the two keys has signed. */
static struct pintle_bytes forged_root(const struct model *world, int after)
{
    int last = after < world->root_count ? after : world->root_count;
    struct sim_signers thief = offline(world->roots[last].key[MODEL_ROOT]);
    struct pintle_bytes forged = {NULL, 0};
    struct pti_buf buf;

    write_root(&world->roots[last], after + 1, &buf);
    thief.sign_with = 1;
    sim_sign_into(&thief, &buf, &forged);
    return forged;
}

static void put_pin(struct pti_json_writer *writer, int seed)
{
    struct pti_pin pin = sim_pin((uint8_t)seed);
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(pin.sha256, sizeof pin.sha256, text);
    pti_json_begin_array(writer, "pins");
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "at", "leaf");
    pti_json_put_text(writer, "of", "spki");
    pti_json_put_text(writer, "sha256", text);
    pti_json_end_object(writer);
    pti_json_end_array(writer);
}

static void put_released(struct pti_json_writer *writer, const struct model_targets *targets)
{
    char below[80];

    pti_json_begin_array(writer, "released");
    for (int host = 0; host < MODEL_ZONES; host++) {
        (void)snprintf(below, sizeof below, "*.%s", replay_hosts[host]);
        if ((targets->released >> host & 1) != 0)
            pti_json_put_text(writer, NULL, replay_hosts[host]);
        if ((targets->released_subdomains >> host & 1) != 0)
            pti_json_put_text(writer, NULL, below);
    }
    pti_json_end_array(writer);
}

/* Not by pti_charter_write(): a slip or a thief writes what the publisher's own code refuses to. */
static struct pintle_bytes charter_text(const struct model_targets *targets)
{
    struct pti_json_writer writer;
    struct pti_buf buf;

    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_json_writer_init(&writer, &buf, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "format", 1);
    pti_json_begin_array(&writer, "hosts");
    for (int host = 0; host < MODEL_ZONES; host++) {
        if ((targets->listed >> host & 1) == 0)
            continue;
        pti_json_begin_object(&writer, NULL);
        pti_json_put_text(&writer, "host", replay_hosts[host]);
        pti_json_put_text(&writer, "mode", "enforce");
        if (host == 1)
            put_pin(&writer, MODEL_CHARTER_PIN);
        pti_json_put_bool(&writer, "subdomains", (targets->subdomains >> host & 1) != 0);
        pti_json_put_text(&writer, "zone", zone_names[host]);
        pti_json_end_object(&writer);
    }
    pti_json_end_array(&writer);
    put_released(&writer, targets);
    pti_json_put_text(&writer, "type", "pintle-charter");
    pti_json_put_integer(&writer, "version", targets->charter);
    pti_json_end_object(&writer);
    return take(&buf);
}

static struct pintle_bytes zone_text(const struct model_zone *zone)
{
    struct pti_json_writer writer;
    struct pti_buf buf;

    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_json_writer_init(&writer, &buf, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "format", 1);
    pti_json_begin_array(&writer, "hosts");
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "host", replay_hosts[zone->zone]);
    put_pin(&writer, zone->pin);
    pti_json_end_object(&writer);
    pti_json_end_array(&writer);
    pti_json_put_text(&writer, "type", "pintle-zone");
    pti_json_put_integer(&writer, "version", zone->version);
    pti_json_put_text(&writer, "zone", zone_names[zone->zone]);
    pti_json_end_object(&writer);
    return take(&buf);
}

static void sign_zone(struct replay_files *files, const struct model_zone *zone, int file)
{
    struct sim_signers who = online(zone->key);
    struct pti_target_entry entry;
    struct pti_buf buf;
    char path[80];

    files->zones[file] = zone_text(zone);
    (void)snprintf(path, sizeof path, "zones/%s.json", zone_names[zone->zone]);
    entry = (struct pti_target_entry){path, meta_of(files, files->zones[file], 0)};
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_targets_write(
        &(struct pti_targets_fields){
            .version = zone->role_version, .expires = seconds(zone->expires), .targets = &entry, .target_count = 1},
        &buf);
    sim_sign_into(&who, &buf, &files->roles[file]);
}

static struct pintle_bytes role_file(struct replay_files *files, const struct model *world, int file)
{
    if (files->roles[file].size == 0)
        sign_zone(files, &world->zones[file], file);
    return files->roles[file];
}

static void sign_targets(struct replay_files *files, const struct model *world, int file)
{
    const struct model_targets *targets = &world->targets[file];
    int key = targets->key != 0 ? targets->key : world->roots[world->root_count].key[MODEL_TARGETS];
    struct pti_delegation delegations[MODEL_ZONES];
    struct sim_signers who = offline(key);
    struct pti_target_entry charter;
    struct pti_buf buf;
    size_t count = 0;

    who.sign_with = targets->key != 0 ? 2 : 1;
    files->charters[file] = charter_text(targets);
    charter = (struct pti_target_entry){"charter.json", meta_of(files, files->charters[file], 0)};
    for (int z = 0; z < MODEL_ZONES; z++) {
        struct sim_signers zone = online(targets->zone_key[z]);
        if ((targets->delegated >> z & 1) == 0)
            continue;
        (void)pti_copy_text(delegations[count].zone, sizeof delegations[count].zone, zone_names[z]);
        delegations[count++].keys = sim_role_keys(&zone);
    }
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_targets_write(&(struct pti_targets_fields){.version = targets->version,
                                                   .expires = seconds(targets->expires),
                                                   .targets = &charter,
                                                   .target_count = 1,
                                                   .delegates = true,
                                                   .delegations = delegations,
                                                   .delegation_count = count},
                      &buf);
    for (size_t i = 0; i < count; i++)
        pti_role_keys_clear(&delegations[i].keys);
    sim_sign_into(&who, &buf, &files->targets[file]);
}

static struct pintle_bytes targets_file(struct replay_files *files, const struct model *world, int file)
{
    if (files->targets[file].size == 0)
        sign_targets(files, world, file);
    return files->targets[file];
}

static struct pintle_bytes snapshot_file(struct replay_files *files, const struct model *world, int file)
{
    const struct model_snapshot *snapshot = &world->snapshots[file];
    struct pti_snapshot_entry entries[1 + MODEL_ZONES];
    struct sim_signers who = online(snapshot->key);
    struct pti_buf buf;
    size_t count = 1;

    if (files->snapshots[file].size > 0)
        return files->snapshots[file];
    entries[0] = (struct pti_snapshot_entry){"targets", meta_of(files, targets_file(files, world, snapshot->targets),
                                                                world->targets[snapshot->targets].version)};
    for (int z = 0; z < MODEL_ZONES; z++)
        if (snapshot->zone[z] != 0)
            entries[count++] = (struct pti_snapshot_entry){zone_names[z],
                                                           meta_of(files, role_file(files, world, snapshot->zone[z]),
                                                                   world->zones[snapshot->zone[z]].role_version)};
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_snapshot_write(&(struct pti_snapshot_fields){snapshot->version, seconds(snapshot->expires), entries, count},
                       &buf);
    sim_sign_into(&who, &buf, &files->snapshots[file]);
    return files->snapshots[file];
}

struct pintle_bytes replay_timestamp(struct replay_files *files, const struct model *world, int file)
{
    const struct model_timestamp *timestamp = &world->timestamps[file];
    struct sim_signers who = online(timestamp->key);
    struct pti_buf buf;

    if (files->timestamps[file].size > 0)
        return files->timestamps[file];
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_timestamp_write(&(struct pti_timestamp_fields){timestamp->version, seconds(timestamp->expires),
                                                       seconds(timestamp->issued),
                                                       meta_of(files, snapshot_file(files, world, timestamp->snapshot),
                                                               world->snapshots[timestamp->snapshot].version)},
                        &buf);
    sim_sign_into(&who, &buf, &files->timestamps[file]);
    return files->timestamps[file];
}

/* ---- what is served and shipped ---- */

/* All that a timestamp names, under the roots up to one; the arrays are static. */
static struct pti_published view(struct replay_files *files, const struct model *world, int timestamp, int root)
{
    static struct pintle_bytes roots[MODEL_ROOTS_MAX];
    static struct pti_published_zone zones[MODEL_ZONES];
    const struct model_snapshot *snapshot = &world->snapshots[world->timestamps[timestamp].snapshot];
    struct pti_published all = {.roots = roots, .zones = zones, .root_count = (size_t)root};

    for (int i = 0; i < root; i++)
        roots[i] = root_file(files, world, i + 1);
    all.timestamp = replay_timestamp(files, world, timestamp);
    all.snapshot = snapshot_file(files, world, world->timestamps[timestamp].snapshot);
    all.targets = targets_file(files, world, snapshot->targets);
    all.charter = files->charters[snapshot->targets];
    for (int z = 0; z < MODEL_ZONES; z++) {
        struct pti_published_zone *zone = &zones[all.zone_count];
        if (snapshot->zone[z] == 0)
            continue;
        memset(zone, 0, sizeof *zone);
        (void)pti_copy_text(zone->name, sizeof zone->name, zone_names[z]);
        zone->delegated = (world->targets[snapshot->targets].delegated >> z & 1) != 0;
        zone->role = role_file(files, world, snapshot->zone[z]);
        zone->file = files->zones[snapshot->zone[z]];
        all.zone_count++;
    }
    return all;
}

struct pintle_bytes replay_roots(struct replay_files *files, const struct model *world, int count)
{
    struct pti_published all = view(files, world, 1, count);
    struct pti_buf buf;

    sim_ok(pti_bundle_roots(&all, &buf, &error), &error, "roots");
    return take(&buf);
}

struct pintle_bytes replay_shipped(struct replay_files *files, const struct model *world, int timestamp, int root)
{
    struct pti_published all = view(files, world, timestamp, root);
    struct pti_generation *generation;
    struct pti_roots roots;
    struct pti_buf buf;

    sim_ok(pti_bundle_verify_baseline(&all, seconds(world->timestamps[timestamp].issued), files->crypto, &roots,
                                      &generation, &error),
           &error, "verify what is to be shipped");
    generation->shipped = true;
    sim_ok(pti_bundle_shipped(generation, &buf, &error), &error, "shipped");
    pti_generation_free(generation);
    pti_roots_clear(&roots);
    return take(&buf);
}

struct pintle_bytes replay_head(struct replay_files *files, const struct model *world, const struct model_poll *poll,
                                int root)
{
    int last = poll->root > root ? poll->root : root;
    struct pintle_bytes forged = {NULL, 0};
    struct pti_buf buf;
    char path[40];

    pti_buf_init(&buf, PTI_HEAD_SIZE_MAX);
    pti_container_write_begin(&buf, (uint32_t)(last - root + 1 + poll->forged_root));
    for (int i = root + 1; i <= last; i++) {
        (void)snprintf(path, sizeof path, "%d.root.json", i);
        pti_container_write_entry(&buf, path, root_file(files, world, i));
    }
    if (poll->forged_root) {
        forged = forged_root(world, last);
        (void)snprintf(path, sizeof path, "%d.root.json", last + 1);
        pti_container_write_entry(&buf, path, forged);
        pti_bytes_free(&forged);
    }
    pti_container_write_entry(&buf, "timestamp.json", replay_timestamp(files, world, poll->timestamp));
    return take(&buf);
}

struct pintle_bytes replay_body(struct replay_files *files, const struct model *world, const struct model_poll *poll)
{
    struct pti_published all = view(files, world, poll->timestamp, 1);
    struct pti_buf buf;

    if (poll->body == MODEL_OTHER_TARGETS)
        all.targets = targets_file(files, world, 1);
    if (poll->body == MODEL_WITHOUT_ZONE) {
        while (all.zone_count > 0 && !all.zones[all.zone_count - 1].delegated)
            all.zone_count--;
        all.zone_count -= all.zone_count > 0;
    }
    sim_ok(pti_bundle_body(&all, &buf, &error), &error, "body");
    return take(&buf);
}
