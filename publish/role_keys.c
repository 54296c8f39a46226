/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign, as values, and read back from metadata.  The contract is in publish/metadata_write.h. */
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "pin/zone.h"
#include "publish/metadata_write.h"

#define PREFIX_MIN 8 /* hex digits of a key id that a person must give */

const struct pti_public_key *pti_role_keys_find(const struct pti_role_keys *role, const char *id)
{
    for (size_t i = 0; i < role->key_count; i++)
        if (strcmp(role->keys[i].id, id) == 0)
            return &role->keys[i];
    return NULL;
}

enum pintle_status pti_role_keys_find_prefix(const struct pti_role_keys *keys, const char *role, const char *prefix,
                                             const struct pti_public_key **key, struct pti_error *error)
{
    size_t length = strlen(prefix), found = 0;

    *key = NULL;
    if (length < PREFIX_MIN || strspn(prefix, "0123456789abcdef") != length)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a key id or at least its first %d hex digits, or a file that holds the key, found "
                        "\"%.70s\"; see `pintle root list` and `pintle zone keys ZONE`",
                        PREFIX_MIN, prefix);
    for (size_t i = 0; i < keys->key_count; i++)
        if (strncmp(keys->keys[i].id, prefix, length) == 0) {
            *key = &keys->keys[i];
            found++;
        }
    if (found == 1)
        return PINTLE_OK;
    *key = NULL;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected one key of %s whose id begins with %.64s, found %zu; see `pintle root list` and "
                    "`pintle zone keys ZONE`",
                    role, prefix, found);
}

enum pintle_status pti_role_keys_add(struct pti_role_keys *role, const struct pti_public_key *key,
                                     struct pti_error *error)
{
    struct pti_public_key *grown;
    enum pintle_status status;

    if (pti_role_keys_find(role, key->id) != NULL)
        return PINTLE_OK;
    if (role->key_count >= PTI_KEYS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "a role has at most %d keys", PTI_KEYS_MAX);
    grown = realloc(role->keys, (role->key_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu keys", role->key_count + 1);
    role->keys = grown;
    status = pti_public_key_copy(key, &grown[role->key_count], error);
    if (status == PINTLE_OK)
        role->key_count++;
    return status;
}

void pti_role_keys_remove(struct pti_role_keys *role, const char *id)
{
    for (size_t i = 0; i < role->key_count; i++) {
        if (strcmp(role->keys[i].id, id) != 0)
            continue;
        pti_public_key_clear(&role->keys[i]);
        memmove(&role->keys[i], &role->keys[i + 1], (role->key_count - i - 1) * sizeof(*role->keys));
        role->key_count--;
        return;
    }
}

bool pti_role_keys_same(const struct pti_role_keys *a, const struct pti_role_keys *b)
{
    if (a->key_count != b->key_count || a->threshold != b->threshold)
        return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (pti_role_keys_find(b, a->keys[i].id) == NULL)
            return false;
    return true;
}

enum pintle_status pti_role_keys_copy(const struct pti_role_keys *from, struct pti_role_keys *to,
                                      struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    *to = (struct pti_role_keys){NULL, 0, from->threshold};
    for (size_t i = 0; i < from->key_count && status == PINTLE_OK; i++)
        status = pti_role_keys_add(to, &from->keys[i], error);
    if (status != PINTLE_OK)
        pti_role_keys_clear(to);
    return status;
}

void pti_role_keys_clear(struct pti_role_keys *role)
{
    for (size_t i = 0; i < role->key_count; i++)
        pti_public_key_clear(&role->keys[i]);
    free(role->keys);
    *role = (struct pti_role_keys){NULL, 0, 0};
}

/* One key object, under its id, with every field it has. */
static enum pintle_status add_value(struct pti_role_keys *role, struct pintle_bytes id,
                                    const struct pti_json_value *value, struct pti_error *error)
{
    struct pti_public_key key = {{0}, NULL};
    struct pti_buf json;
    enum pintle_status status;

    if (id.size != PTI_KEYID_SIZE)
        return pti_fail(error, PINTLE_ERR_INPUT, "a keyid has %d hex characters, found %zu (byte %zu)", PTI_KEYID_SIZE,
                        id.size, pti_json_offset(value));
    memcpy(key.id, id.data, id.size);
    pti_buf_init(&json, PTI_ROOT_SIZE_MAX);
    pti_json_write_compact(value, &json);
    status = pti_buf_check(&json, error, "a public key");
    if (status == PINTLE_OK) {
        key.json = pti_bytes_strdup(pti_buf_bytes(&json));
        status = key.json == NULL ? pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a public key")
                                  : pti_role_keys_add(role, &key, error);
    }
    free(key.json);
    pti_buf_clear(&json);
    return status;
}

static const struct pti_json_value *member_named(const struct pti_json_value *object, struct pintle_bytes name)
{
    const struct pti_json_value *member = pti_json_first(object);

    while (member != NULL && !pti_bytes_equal(pti_json_name(member), name))
        member = pti_json_next(member);
    return member;
}

/* role is {"keyids":[..],"threshold":n}; ids without a key are nobody and are skipped. */
static enum pintle_status read_role(const struct pti_json_value *role, const struct pti_json_value *keys,
                                    struct pti_role_keys *out, struct pti_error *error)
{
    const struct pti_json_value *ids = NULL;
    enum pintle_status status = pti_json_get_integer(role, "threshold", 1, PTI_KEYS_MAX, &out->threshold, error);

    if (status == PINTLE_OK)
        status = pti_json_get(role, "keyids", PTI_JSON_ARRAY, &ids, error);
    if (status != PINTLE_OK)
        return status;
    for (const struct pti_json_value *id = pti_json_first(ids); id != NULL && status == PINTLE_OK;
         id = pti_json_next(id)) {
        struct pintle_bytes text;
        const struct pti_json_value *key;
        if (!pti_json_as_string(id, &text))
            return pti_fail(error, PINTLE_ERR_INPUT, "a keyid must be a string (byte %zu)", pti_json_offset(id));
        key = member_named(keys, text);
        if (key != NULL)
            status = add_value(out, text, key, error);
    }
    return status;
}

static enum pintle_status open_signed(struct pintle_bytes envelope, struct pti_json **json,
                                      const struct pti_json_value **signed_part, struct pti_error *error)
{
    enum pintle_status status = pti_json_parse(envelope, json, error);

    return status == PINTLE_OK ? pti_json_get(pti_json_root(*json), "signed", PTI_JSON_OBJECT, signed_part, error)
                               : status;
}

enum pintle_status pti_role_keys_from_root(struct pintle_bytes envelope, const char *role, struct pti_role_keys *keys,
                                           struct pti_error *error)
{
    const struct pti_json_value *part = NULL, *objects = NULL, *roles = NULL, *entry = NULL;
    struct pti_json *json = NULL;
    enum pintle_status status = open_signed(envelope, &json, &part, error);

    *keys = (struct pti_role_keys){NULL, 0, 0};
    if (status == PINTLE_OK)
        status = pti_json_get(part, "keys", PTI_JSON_OBJECT, &objects, error);
    if (status == PINTLE_OK)
        status = pti_json_get(part, "roles", PTI_JSON_OBJECT, &roles, error);
    if (status == PINTLE_OK)
        status = pti_json_get(roles, role, PTI_JSON_OBJECT, &entry, error);
    if (status == PINTLE_OK)
        status = read_role(entry, objects, keys, error);
    pti_json_free(json);
    if (status != PINTLE_OK)
        pti_role_keys_clear(keys);
    return status;
}

static enum pintle_status read_delegation(const struct pti_json_value *role, const struct pti_json_value *keys,
                                          struct pti_delegation *out, struct pti_error *error)
{
    struct pintle_bytes name;
    enum pintle_status status = pti_json_get_string(role, "name", &name, error);

    if (status != PINTLE_OK)
        return status;
    if (!pti_zone_name_valid(name))
        return pti_fail(error, PINTLE_ERR_INPUT, "targets delegates to \"%.*s\", which is no zone name",
                        (int)(name.size < 63 ? name.size : 63), (const char *)name.data);
    memcpy(out->zone, name.data, name.size);
    return read_role(role, keys, &out->keys, error);
}

enum pintle_status pti_delegations_from_targets(struct pintle_bytes envelope, struct pti_delegation **delegations,
                                                size_t *count, struct pti_error *error)
{
    const struct pti_json_value *part = NULL, *object = NULL, *keys = NULL, *roles = NULL;
    struct pti_json *json = NULL;
    enum pintle_status status = open_signed(envelope, &json, &part, error);

    *delegations = NULL;
    *count = 0;
    if (status == PINTLE_OK)
        object = pti_json_member(part, "delegations");
    if (object != NULL) {
        status = pti_json_get(object, "keys", PTI_JSON_OBJECT, &keys, error);
        if (status == PINTLE_OK)
            status = pti_json_get(object, "roles", PTI_JSON_ARRAY, &roles, error);
        if (status == PINTLE_OK && pti_json_count(roles) > PTI_ZONES_MAX)
            status = pti_fail(error, PINTLE_ERR_INPUT, "targets delegates to %zu zones, more than %d",
                              pti_json_count(roles), PTI_ZONES_MAX);
    }
    if (status == PINTLE_OK && pti_json_count(roles) > 0) {
        *delegations = calloc(pti_json_count(roles), sizeof(**delegations));
        if (*delegations == NULL)
            status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu delegations", pti_json_count(roles));
    }
    for (const struct pti_json_value *role = pti_json_first(roles); role != NULL && status == PINTLE_OK;
         role = pti_json_next(role)) {
        (*count)++;
        status = read_delegation(role, keys, &(*delegations)[*count - 1], error);
    }
    pti_json_free(json);
    if (status != PINTLE_OK) {
        pti_delegations_free(*delegations, *count);
        *delegations = NULL;
        *count = 0;
    }
    return status;
}

void pti_delegations_free(struct pti_delegation *delegations, size_t count)
{
    for (size_t i = 0; i < count; i++)
        pti_role_keys_clear(&delegations[i].keys);
    free(delegations);
}
