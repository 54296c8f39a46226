/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/metadata_write.h; the forms are those of the TUF specification, section 4. */
#include "publish/metadata_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "base/json_write.h"

static void put_datetime(struct pti_json_writer *writer, const char *name, int64_t seconds)
{
    char text[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(seconds, text);
    pti_json_put_text(writer, name, text);
}

static void begin_signed(struct pti_json_writer *writer, struct pti_buf *out, const char *type, int64_t version,
                         int64_t expires)
{
    pti_json_writer_init(writer, out, false);
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "_type", type);
    pti_json_put_text(writer, "spec_version", PTI_TUF_SPEC_VERSION);
    pti_json_put_integer(writer, "version", version);
    put_datetime(writer, "expires", expires);
}

static void put_file(struct pti_json_writer *writer, const char *name, const struct pti_file_meta *file, bool versioned)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_hex_encode(file->sha256, sizeof(file->sha256), hex);
    pti_json_begin_object(writer, name);
    pti_json_begin_object(writer, "hashes");
    pti_json_put_text(writer, "sha256", hex);
    pti_json_end_object(writer);
    pti_json_put_integer(writer, "length", file->length);
    if (versioned)
        pti_json_put_integer(writer, "version", file->version);
    pti_json_end_object(writer);
}

/* ---- keys ---- */

/* The union of the keys of several roles; one id appears once, as JSON objects must. */
static void put_keys(struct pti_json_writer *writer, const struct pti_role_keys *const *roles, size_t count)
{
    pti_json_begin_object(writer, "keys");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < roles[i]->key_count; k++) {
            const struct pti_public_key *key = &roles[i]->keys[k];
            bool written = false;
            for (size_t j = 0; j < i && !written; j++)
                written = pti_role_keys_find(roles[j], key->id) != NULL;
            if (!written)
                pti_json_put_raw(writer, key->id, pti_bytes_text(key->json));
        }
    pti_json_end_object(writer);
}

static void put_keyids(struct pti_json_writer *writer, const struct pti_role_keys *role)
{
    pti_json_begin_array(writer, "keyids");
    for (size_t i = 0; i < role->key_count; i++)
        pti_json_put_text(writer, NULL, role->keys[i].id);
    pti_json_end_array(writer);
    pti_json_put_integer(writer, "threshold", role->threshold);
}

/* ---- the four types ---- */

void pti_root_write(const struct pti_root_fields *root, struct pti_buf *out)
{
    static const char *const names[] = {"root", "snapshot", "targets", "timestamp"};
    const struct pti_role_keys *const roles[] = {&root->root, &root->snapshot, &root->targets, &root->timestamp};
    struct pti_json_writer writer;

    begin_signed(&writer, out, "root", root->version, root->expires);
    pti_json_put_bool(&writer, "consistent_snapshot", true);
    put_keys(&writer, roles, 4);
    pti_json_begin_object(&writer, "roles");
    for (size_t i = 0; i < 4; i++) {
        pti_json_begin_object(&writer, names[i]);
        put_keyids(&writer, roles[i]);
        pti_json_end_object(&writer);
    }
    pti_json_end_object(&writer);
    if (root->repository != NULL)
        pti_json_put_text(&writer, "x-pintle-repo", root->repository);
    pti_json_end_object(&writer);
}

void pti_timestamp_write(const struct pti_timestamp_fields *timestamp, struct pti_buf *out)
{
    struct pti_json_writer writer;

    begin_signed(&writer, out, "timestamp", timestamp->version, timestamp->expires);
    pti_json_begin_object(&writer, "meta");
    put_file(&writer, "snapshot.json", &timestamp->snapshot, true);
    pti_json_end_object(&writer);
    if (timestamp->issued >= 0)
        put_datetime(&writer, "x-pintle-issued", timestamp->issued);
    pti_json_end_object(&writer);
}

void pti_snapshot_write(const struct pti_snapshot_fields *snapshot, struct pti_buf *out)
{
    struct pti_json_writer writer;

    begin_signed(&writer, out, "snapshot", snapshot->version, snapshot->expires);
    pti_json_begin_object(&writer, "meta");
    for (size_t i = 0; i < snapshot->entry_count; i++) {
        char name[PTI_CONTAINER_PATH_MAX + 1];
        (void)snprintf(name, sizeof(name), "%s.json", snapshot->entries[i].role);
        put_file(&writer, name, &snapshot->entries[i].file, true);
    }
    pti_json_end_object(&writer);
    pti_json_end_object(&writer);
}

static void put_delegation(struct pti_json_writer *writer, const struct pti_delegation *delegation)
{
    char path[PTI_CONTAINER_PATH_MAX + 1];

    (void)snprintf(path, sizeof(path), "zones/%s.json", delegation->zone);
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "name", delegation->zone);
    put_keyids(writer, &delegation->keys);
    pti_json_put_bool(writer, "terminating", true);
    pti_json_begin_array(writer, "paths");
    pti_json_put_text(writer, NULL, path);
    pti_json_end_array(writer);
    pti_json_end_object(writer);
}

static void put_delegations(struct pti_json_writer *writer, const struct pti_delegation *delegations, size_t count)
{
    const struct pti_role_keys *roles[PTI_ZONES_MAX] = {NULL};
    size_t used = count < PTI_ZONES_MAX ? count : PTI_ZONES_MAX;

    for (size_t i = 0; i < used; i++)
        roles[i] = &delegations[i].keys;
    pti_json_begin_object(writer, "delegations");
    put_keys(writer, roles, used);
    pti_json_begin_array(writer, "roles");
    for (size_t i = 0; i < used; i++)
        put_delegation(writer, &delegations[i]);
    pti_json_end_array(writer);
    pti_json_end_object(writer);
}

void pti_targets_write(const struct pti_targets_fields *targets, struct pti_buf *out)
{
    struct pti_json_writer writer;

    begin_signed(&writer, out, "targets", targets->version, targets->expires);
    pti_json_begin_object(&writer, "targets");
    for (size_t i = 0; i < targets->target_count; i++)
        put_file(&writer, targets->targets[i].path, &targets->targets[i].file, false);
    pti_json_end_object(&writer);
    if (targets->delegates)
        put_delegations(&writer, targets->delegations, targets->delegation_count);
    pti_json_end_object(&writer);
}

enum pintle_status pti_file_meta_of(struct pintle_crypto *crypto, struct pintle_bytes bytes, int64_t version,
                                    struct pti_file_meta *meta, struct pti_error *error)
{
    enum pintle_status status = pti_sha256(crypto, bytes, meta->sha256);

    if (status != PINTLE_OK)
        return pti_fail(error, status, "SHA-256 failed; out of memory?");
    meta->version = version;
    meta->length = (int64_t)bytes.size;
    return PINTLE_OK;
}
