/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/json_write.h"
#include "tuf/metadata_content.h"

static const struct {
    const char *name;
    size_t size_max;
} types[PTI_TUF_TYPES] = {
    [PTI_TUF_ROOT] = {"root", PTI_ROOT_SIZE_MAX},
    [PTI_TUF_TIMESTAMP] = {"timestamp", PTI_TIMESTAMP_SIZE_MAX},
    [PTI_TUF_SNAPSHOT] = {"snapshot", PTI_SNAPSHOT_SIZE_MAX},
    [PTI_TUF_TARGETS] = {"targets", PTI_TARGETS_SIZE_MAX},
};

const char *pti_tuf_type_name(enum pti_tuf_type type)
{
    return types[type].name;
}

size_t pti_tuf_size_max(enum pti_tuf_type type)
{
    return types[type].size_max;
}

/* Each keyid may stand once: otherwise one signature could be counted twice (CVE-2020-6174, CVE-2020-15093). */
static bool keyid_seen(const struct pti_tuf_metadata *metadata, struct pintle_bytes keyid)
{
    for (size_t i = 0; i < metadata->signature_count; i++)
        if (pti_bytes_equal(metadata->signatures[i].keyid, keyid))
            return true;
    return false;
}

static enum pintle_status read_signatures(const struct pti_json_value *list, struct pti_tuf_metadata *metadata,
                                          struct pti_error *error)
{
    size_t count = pti_json_count(list);
    enum pintle_status status;

    if (count > PTI_SIGNATURES_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "%zu signatures, at most %d are allowed", count, PTI_SIGNATURES_MAX);
    metadata->signatures = calloc(count > 0 ? count : 1, sizeof *metadata->signatures);
    if (metadata->signatures == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    for (const struct pti_json_value *item = pti_json_first(list); item != NULL; item = pti_json_next(item)) {
        struct pti_tuf_signature signature;

        status = pti_json_get_string(item, "keyid", &signature.keyid, error);
        if (status == PINTLE_OK)
            status = pti_json_get_string(item, "sig", &signature.hex, error);
        if (status != PINTLE_OK)
            return status;
        if (keyid_seen(metadata, signature.keyid))
            return pti_fail(error, PINTLE_ERR_INPUT, "two signatures carry the same keyid (byte %zu)",
                            pti_json_offset(item));
        metadata->signatures[metadata->signature_count++] = signature;
    }
    return PINTLE_OK;
}

static enum pintle_status check_type(const struct pti_json_value *content, enum pti_tuf_type type,
                                     struct pti_error *error)
{
    struct pintle_bytes name, spec;
    enum pintle_status status = pti_json_get_string(content, "_type", &name, error);

    if (status == PINTLE_OK)
        status = pti_json_get_string(content, "spec_version", &spec, error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_bytes_equal_text(name, types[type].name))
        return pti_fail(error, PINTLE_ERR_INPUT, "expected metadata of type %s, found %.*s", types[type].name,
                        (int)(name.size > 32 ? 32 : name.size), (const char *)name.data);
    if (spec.size < 3 || memcmp(spec.data, "1.", 2) != 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected spec_version 1.x, found %.*s",
                        (int)(spec.size > 16 ? 16 : spec.size), (const char *)spec.data);
    return PINTLE_OK;
}

static enum pintle_status read_common(const struct pti_json_value *content, struct pti_tuf_metadata *metadata,
                                      struct pti_error *error)
{
    struct pintle_bytes expires;
    enum pintle_status status = check_type(content, metadata->type, error);

    if (status == PINTLE_OK)
        status = pti_json_get_integer(content, "version", 1, PTI_JSON_INTEGER_MAX, &metadata->version, error);
    if (status == PINTLE_OK)
        status = pti_json_get_string(content, "expires", &expires, error);
    if (status == PINTLE_OK && !pti_datetime_parse(expires, &metadata->expires))
        status = pti_fail(error, PINTLE_ERR_INPUT, "\"expires\" must look like 2026-11-21T20:00:00Z, found %.*s",
                          (int)(expires.size > 40 ? 40 : expires.size), (const char *)expires.data);
    return status;
}

static enum pintle_status read_content(const struct pti_json_value *content, struct pintle_crypto *crypto,
                                       struct pti_tuf_metadata *metadata, struct pti_error *error)
{
    switch (metadata->type) {
    case PTI_TUF_ROOT:
        return pti_tuf_root_content(content, crypto, metadata, error);
    case PTI_TUF_TIMESTAMP:
        return pti_tuf_timestamp_content(content, metadata, error);
    case PTI_TUF_SNAPSHOT:
        return pti_tuf_snapshot_content(content, metadata, error);
    case PTI_TUF_TARGETS:
        return pti_tuf_targets_content(content, crypto, metadata, error);
    }
    return pti_fail(error, PINTLE_ERR_MISUSE, "no such type of metadata");
}

static enum pintle_status parse_into(struct pti_tuf_metadata *metadata, struct pintle_crypto *crypto,
                                     struct pti_error *error)
{
    const struct pti_json_value *root, *list, *content;
    enum pintle_status status = pti_json_parse(metadata->bytes, &metadata->json, error);

    if (status != PINTLE_OK)
        return status;
    root = pti_json_root(metadata->json);
    if (pti_json_type(root) != PTI_JSON_OBJECT)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected an object, found %s",
                        pti_json_type_name(pti_json_type(root)));
    status = pti_json_get(root, "signatures", PTI_JSON_ARRAY, &list, error);
    if (status == PINTLE_OK)
        status = pti_json_get(root, "signed", PTI_JSON_OBJECT, &content, error);
    if (status == PINTLE_OK)
        status = read_signatures(list, metadata, error);
    if (status == PINTLE_OK)
        status = read_common(content, metadata, error);
    if (status == PINTLE_OK)
        status = read_content(content, crypto, metadata, error);
    if (status != PINTLE_OK)
        return status;
    pti_json_write_canonical(content, &metadata->canonical);
    return pti_buf_check(&metadata->canonical, error, "the canonical form");
}

enum pintle_status pti_tuf_metadata_parse(struct pintle_bytes bytes, enum pti_tuf_type type,
                                          struct pintle_crypto *crypto, struct pti_tuf_metadata **metadata,
                                          struct pti_error *error)
{
    return pti_tuf_metadata_parse_with(bytes, type, PTI_TUF_KEYIDS_HASH, crypto, metadata, error);
}

enum pintle_status pti_tuf_metadata_parse_with(struct pintle_bytes bytes, enum pti_tuf_type type,
                                               enum pti_tuf_keyids keyids, struct pintle_crypto *crypto,
                                               struct pti_tuf_metadata **metadata, struct pti_error *error)
{
    struct pti_tuf_metadata *parsed;
    enum pintle_status status;

    *metadata = NULL;
    if (bytes.size > types[type].size_max)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: %zu bytes, at most %zu are allowed", types[type].name, bytes.size,
                        types[type].size_max);
    parsed = calloc(1, sizeof *parsed);
    if (parsed == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "%s: out of memory", types[type].name);
    parsed->type = type;
    parsed->keyids = keyids;
    parsed->issued = -1;
    pti_buf_init(&parsed->canonical, types[type].size_max);
    status = pti_bytes_copy(bytes, &parsed->bytes);
    if (status != PINTLE_OK)
        (void)pti_fail(error, status, "out of memory");
    else
        status = parse_into(parsed, crypto, error);
    if (status != PINTLE_OK) {
        pti_tuf_metadata_free(parsed);
        return pti_error_prefix(error, "%s", types[type].name), status;
    }
    *metadata = parsed;
    return PINTLE_OK;
}

void pti_tuf_metadata_free(struct pti_tuf_metadata *metadata)
{
    if (metadata == NULL)
        return;
    for (size_t i = 0; i < metadata->delegation_count; i++)
        pti_tuf_signers_clear(&metadata->delegations[i].signers);
    for (size_t i = 0; i < PTI_TUF_TYPES; i++)
        pti_tuf_signers_clear(&metadata->roles[i]);
    pti_tuf_keys_clear(&metadata->keys);
    free(metadata->delegations);
    free(metadata->files.items);
    free(metadata->signatures);
    pti_json_free(metadata->json);
    pti_buf_clear(&metadata->canonical);
    pti_bytes_free(&metadata->bytes);
    free(metadata);
}

const struct pti_tuf_file *pti_tuf_file_find(const struct pti_tuf_files *files, struct pintle_bytes name)
{
    size_t low = 0, high = files->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = pti_bytes_compare(files->items[middle].name, name);

        if (order == 0)
            return &files->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct pti_tuf_delegation *pti_tuf_delegation_find(const struct pti_tuf_metadata *targets,
                                                         struct pintle_bytes name)
{
    for (size_t i = 0; i < targets->delegation_count; i++)
        if (pti_bytes_equal(targets->delegations[i].name, name))
            return &targets->delegations[i];
    return NULL;
}
