/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/metadata_content.h"

#include <stdlib.h>

#include "base/datetime.h"
#include "base/encode.h"

enum pintle_status pti_tuf_root_content(const struct pti_json_value *content, struct pintle_crypto *crypto,
                                        struct pti_tuf_metadata *metadata, struct pti_error *error)
{
    const struct pti_json_value *keys, *roles, *role;
    enum pintle_status status = pti_json_get(content, "keys", PTI_JSON_OBJECT, &keys, error);

    if (status == PINTLE_OK)
        status = pti_json_get(content, "roles", PTI_JSON_OBJECT, &roles, error);
    if (status == PINTLE_OK)
        status = pti_tuf_keys_parse(keys, metadata->keyids, crypto, &metadata->keys, error);
    for (int type = 0; type < PTI_TUF_TYPES && status == PINTLE_OK; type++) {
        const char *name = pti_tuf_type_name((enum pti_tuf_type)type);

        status = pti_json_get(roles, name, PTI_JSON_OBJECT, &role, error);
        if (status == PINTLE_OK)
            status = pti_tuf_signers_parse(role, &metadata->keys, &metadata->roles[type], error);
        if (status != PINTLE_OK)
            (void)pti_error_prefix(error, "role %s", name);
    }
    if (status != PINTLE_OK)
        return status;
    (void)pti_json_as_bool(pti_json_member(content, "consistent_snapshot"), &metadata->consistent_snapshot);
    (void)pti_json_as_string(pti_json_member(content, "x-pintle-repo"), &metadata->repository);
    return PINTLE_OK;
}

/* {"length":12,"hashes":{"sha256":"..."}}; both are optional in "meta". */
static enum pintle_status read_length_and_hash(const struct pti_json_value *entry, struct pti_tuf_file *file,
                                               struct pti_error *error)
{
    const struct pti_json_value *hashes = pti_json_member(entry, "hashes");
    struct pintle_bytes hex;

    file->length = -1;
    if (pti_json_member(entry, "length") != NULL) {
        enum pintle_status status = pti_json_get_integer(entry, "length", 0, PTI_JSON_INTEGER_MAX, &file->length,
                                                         error);
        if (status != PINTLE_OK)
            return status;
    }
    if (hashes == NULL)
        return PINTLE_OK;
    if (pti_json_type(hashes) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "\"hashes\" must be an object, found %s (byte %zu)",
                        pti_json_type_name(pti_json_type(hashes)), pti_json_offset(hashes));
    if (pti_json_member(hashes, "sha256") == NULL) {
        file->has_other_hash = pti_json_count(hashes) > 0;
        return PINTLE_OK;
    }
    if (!pti_json_as_string(pti_json_member(hashes, "sha256"), &hex) ||
        !pti_hex_decode_exact(hex, file->sha256, sizeof file->sha256))
        return pti_fail(error, PINTLE_ERR_INPUT, "\"sha256\" must be 64 lower-case hex digits (byte %zu)",
                        pti_json_offset(hashes));
    file->has_sha256 = true;
    return PINTLE_OK;
}

/* Members of an object come sorted by name, so the table is sorted as well. */
static enum pintle_status read_files(const struct pti_json_value *object, bool versions, struct pti_tuf_files *files,
                                     struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    files->items = calloc(pti_json_count(object) + 1, sizeof *files->items);
    if (files->items == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (const struct pti_json_value *entry = pti_json_first(object); entry != NULL && status == PINTLE_OK;
         entry = pti_json_next(entry)) {
        struct pti_tuf_file *file = &files->items[files->count++];

        file->name = pti_json_name(entry);
        if (pti_json_type(entry) != PTI_JSON_OBJECT)
            status = pti_fail(error, PINTLE_ERR_INPUT, "expected an object, found %s (byte %zu)",
                              pti_json_type_name(pti_json_type(entry)), pti_json_offset(entry));
        if (status == PINTLE_OK && versions)
            status = pti_json_get_integer(entry, "version", 1, PTI_JSON_INTEGER_MAX, &file->version, error);
        if (status == PINTLE_OK)
            status = read_length_and_hash(entry, file, error);
    }
    return status;
}

static enum pintle_status read_meta(const struct pti_json_value *content, struct pti_tuf_metadata *metadata,
                                    struct pti_error *error)
{
    const struct pti_json_value *meta;
    enum pintle_status status = pti_json_get(content, "meta", PTI_JSON_OBJECT, &meta, error);

    return status == PINTLE_OK ? read_files(meta, true, &metadata->files, error) : status;
}

enum pintle_status pti_tuf_timestamp_content(const struct pti_json_value *content, struct pti_tuf_metadata *metadata,
                                             struct pti_error *error)
{
    struct pintle_bytes issued;
    enum pintle_status status = read_meta(content, metadata, error);

    if (status != PINTLE_OK)
        return status;
    if (metadata->files.count != 1 || !pti_bytes_equal_text(metadata->files.items[0].name, "snapshot.json"))
        return pti_fail(error, PINTLE_ERR_INPUT, "\"meta\" must list snapshot.json and nothing else");
    if (pti_json_member(content, "x-pintle-issued") == NULL)
        return PINTLE_OK;
    status = pti_json_get_string(content, "x-pintle-issued", &issued, error);
    if (status == PINTLE_OK && !pti_datetime_parse(issued, &metadata->issued))
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"x-pintle-issued\" must look like 2026-11-21T20:00:00Z");
    return status;
}

enum pintle_status pti_tuf_snapshot_content(const struct pti_json_value *content, struct pti_tuf_metadata *metadata,
                                            struct pti_error *error)
{
    enum pintle_status status = read_meta(content, metadata, error);

    if (status == PINTLE_OK && pti_tuf_file_find(&metadata->files, pti_bytes_text("targets.json")) == NULL)
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"meta\" does not list targets.json");
    return status;
}

static bool is_top_level_role(struct pintle_bytes name)
{
    for (int type = 0; type < PTI_TUF_TYPES; type++)
        if (pti_bytes_equal_text(name, pti_tuf_type_name((enum pti_tuf_type)type)))
            return true;
    return false;
}

static enum pintle_status read_delegation(const struct pti_json_value *role, struct pti_tuf_metadata *metadata,
                                          struct pti_tuf_delegation *delegation, struct pti_error *error)
{
    const struct pti_json_value *array;
    enum pintle_status status = pti_json_get_string(role, "name", &delegation->name, error);

    if (status != PINTLE_OK)
        return status;
    if (delegation->name.size == 0 || is_top_level_role(delegation->name))
        return pti_fail(error, PINTLE_ERR_INPUT, "a delegated role is called \"%.*s\" (byte %zu)",
                        (int)delegation->name.size, (const char *)delegation->name.data, pti_json_offset(role));
    for (const struct pti_tuf_delegation *other = metadata->delegations; other < delegation; other++)
        if (pti_bytes_equal(other->name, delegation->name))
            return pti_fail(error, PINTLE_ERR_INPUT, "two delegated roles have one name (byte %zu)",
                            pti_json_offset(role));
    status = pti_json_get_bool(role, "terminating", &delegation->terminating, error);
    if (status == PINTLE_OK)
        status = pti_tuf_signers_parse(role, &metadata->keys, &delegation->signers, error);
    if (status != PINTLE_OK)
        return status;
    delegation->paths = pti_json_member(role, "paths");
    delegation->path_hash_prefixes = pti_json_member(role, "path_hash_prefixes");
    if ((delegation->paths == NULL) == (delegation->path_hash_prefixes == NULL))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "a delegated role must have exactly one of \"paths\" and \"path_hash_prefixes\" (byte %zu)",
                        pti_json_offset(role));
    array = delegation->paths != NULL ? delegation->paths : delegation->path_hash_prefixes;
    if (pti_json_type(array) != PTI_JSON_ARRAY)
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must be an array (byte %zu)",
                        delegation->paths != NULL ? "paths" : "path_hash_prefixes", pti_json_offset(array));
    return PINTLE_OK;
}

static enum pintle_status read_delegations(const struct pti_json_value *object, struct pintle_crypto *crypto,
                                           struct pti_tuf_metadata *metadata, struct pti_error *error)
{
    const struct pti_json_value *keys, *roles;
    enum pintle_status status = pti_json_get(object, "keys", PTI_JSON_OBJECT, &keys, error);

    if (status == PINTLE_OK)
        status = pti_json_get(object, "roles", PTI_JSON_ARRAY, &roles, error);
    if (status == PINTLE_OK)
        status = pti_tuf_keys_parse(keys, metadata->keyids, crypto, &metadata->keys, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_json_count(roles) > PTI_KEYS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "%zu delegated roles, at most %d are allowed", pti_json_count(roles),
                        PTI_KEYS_MAX);
    metadata->delegations = calloc(pti_json_count(roles) + 1, sizeof *metadata->delegations);
    if (metadata->delegations == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (const struct pti_json_value *role = pti_json_first(roles); role != NULL && status == PINTLE_OK;
         role = pti_json_next(role)) {
        status = read_delegation(role, metadata, &metadata->delegations[metadata->delegation_count], error);
        metadata->delegation_count++;
    }
    return status;
}

enum pintle_status pti_tuf_targets_content(const struct pti_json_value *content, struct pintle_crypto *crypto,
                                           struct pti_tuf_metadata *metadata, struct pti_error *error)
{
    const struct pti_json_value *targets, *delegations = pti_json_member(content, "delegations");
    enum pintle_status status = pti_json_get(content, "targets", PTI_JSON_OBJECT, &targets, error);

    if (status == PINTLE_OK)
        status = read_files(targets, false, &metadata->files, error);
    for (size_t i = 0; i < metadata->files.count && status == PINTLE_OK; i++)
        if (metadata->files.items[i].length < 0 || !metadata->files.items[i].has_sha256)
            status = pti_fail(error, PINTLE_ERR_INPUT, "target %.*s lacks its length or sha256",
                              (int)metadata->files.items[i].name.size,
                              (const char *)metadata->files.items[i].name.data);
    if (status != PINTLE_OK || delegations == NULL)
        return status;
    if (pti_json_type(delegations) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "\"delegations\" must be an object (byte %zu)",
                        pti_json_offset(delegations));
    return read_delegations(delegations, crypto, metadata, error);
}
