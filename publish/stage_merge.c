/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/stage_merge.h. */
#include "publish/stage_merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "publish/draft.h"

/* One role, here and there. */
struct sides {
    const char *name;
    const struct pti_role_keys *keys, *old_keys; /* old_keys: of the root before, else NULL */
    struct pintle_bytes *ours;
    struct pintle_bytes theirs;
    int64_t published_version;
    struct pintle_crypto *crypto;
    struct pti_merge *merge;
};

static struct pti_merge_item *add_item(const struct sides *sides, enum pti_merge_outcome outcome, const char *keyid)
{
    struct pti_merge *merge = sides->merge;
    struct pti_merge_item *grown = realloc(merge->items, (merge->count + 1) * sizeof(*grown)), *item;

    if (grown == NULL)
        return NULL;
    merge->items = grown;
    item = &grown[merge->count++];
    memset(item, 0, sizeof(*item));
    item->outcome = outcome;
    (void)pti_copy_text(item->role, sizeof(item->role), sides->name);
    (void)pti_copy_text(item->keyid, sizeof(item->keyid), keyid);
    return item;
}

static enum pintle_status no_memory(struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for signatures");
}

/* ---- one draft ---- */

/* "version 7 (draft 1a2b3c4d5e6f7a8b)" */
static enum pintle_status describe(const struct sides *sides, struct pintle_bytes draft, char *out, size_t size,
                                   struct pti_error *error)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    uint8_t digest[PINTLE_SHA256_SIZE];
    int64_t version, expires;
    enum pintle_status status = pti_envelope_dates(draft, &version, &expires, error);

    if (status == PINTLE_OK)
        status = pti_envelope_digest(draft, sides->crypto, digest, error);
    if (status != PINTLE_OK)
        return status;
    pti_hex_encode(digest, sizeof(digest), hex);
    (void)snprintf(out, size, "version %" PRId64 " (draft %.16s)", version, hex);
    return PINTLE_OK;
}

/* Somebody signed what is not staged here any more, or never was. */
static enum pintle_status refuse_draft(const struct sides *sides, struct pti_error *error)
{
    struct pti_merge_item *item = add_item(sides, PTI_MERGE_REFUSED, "");
    char theirs[80], ours[80];
    enum pintle_status status = describe(sides, sides->theirs, theirs, sizeof(theirs), error);

    if (item == NULL)
        return no_memory(error);
    if (status == PINTLE_OK && sides->ours->size > 0)
        status = describe(sides, *sides->ours, ours, sizeof(ours), error);
    else
        (void)snprintf(ours, sizeof(ours), "no draft of it, version %" PRId64 " is published",
                       sides->published_version);
    if (status == PINTLE_OK)
        (void)snprintf(
            item->why, sizeof(item->why),
            "%s: the signatures were made for %s, the stage now holds %s; export it anew and have that signed",
            sides->name, theirs, ours);
    return status;
}

static const struct pti_public_key *find_key(const struct sides *sides, const char *keyid)
{
    const struct pti_public_key *key = pti_role_keys_find(sides->keys, keyid);

    return key == NULL && sides->old_keys != NULL ? pti_role_keys_find(sides->old_keys, keyid) : key;
}

static enum pintle_status take(const struct sides *sides, const struct pti_public_key *key, struct pintle_bytes hex,
                               struct pti_error *error)
{
    enum pti_merge_outcome outcome = PTI_MERGE_KNOWN;
    struct pti_merge_item *item;
    struct pti_buf signed_by_it;
    bool good = false;
    enum pintle_status status = pti_envelope_signed_by(*sides->ours, key, sides->crypto, &good, error);

    pti_buf_init(&signed_by_it, PTI_TARGETS_SIZE_MAX);
    if (status == PINTLE_OK && !good) {
        status = pti_envelope_put(*sides->ours, key->id, hex, &signed_by_it, error);
        if (status == PINTLE_OK)
            status = pti_envelope_signed_by(pti_buf_bytes(&signed_by_it), key, sides->crypto, &good, error);
        outcome = good ? PTI_MERGE_TAKEN : PTI_MERGE_REFUSED;
        if (status == PINTLE_OK && good)
            status = pti_draft_keep(sides->ours, pti_buf_bytes(&signed_by_it), error);
    }
    pti_buf_clear(&signed_by_it);
    if (status != PINTLE_OK)
        return status;
    item = add_item(sides, outcome, key->id);
    if (item == NULL)
        return no_memory(error);
    if (outcome == PTI_MERGE_REFUSED)
        (void)snprintf(item->why, sizeof(item->why),
                       "%s: the signature of key %.16s does not verify over what is staged; have it signed again",
                       sides->name, key->id);
    return PINTLE_OK;
}

static enum pintle_status merge_signature(const struct sides *sides, struct pintle_bytes keyid, struct pintle_bytes hex,
                                          struct pti_error *error)
{
    const struct pti_public_key *key;
    struct pti_merge_item *item;
    char id[PTI_KEYID_SIZE + 1] = "";

    if (keyid.size <= PTI_KEYID_SIZE)
        memcpy(id, keyid.data, keyid.size);
    key = find_key(sides, id);
    if (key != NULL)
        return take(sides, key, hex, error);
    item = add_item(sides, PTI_MERGE_REFUSED, id);
    if (item == NULL)
        return no_memory(error);
    (void)snprintf(item->why, sizeof(item->why), "%s: key %.16s may not sign it, so its signature is worth nothing",
                   sides->name, id);
    return PINTLE_OK;
}

static enum pintle_status merge_draft(const struct sides *sides, struct pti_error *error)
{
    const struct pti_json_value *signatures = NULL;
    uint8_t ours[PINTLE_SHA256_SIZE], theirs[PINTLE_SHA256_SIZE];
    struct pti_json *json = NULL;
    enum pintle_status status;

    if (sides->theirs.size == 0)
        return PINTLE_OK;
    status = pti_json_parse(sides->theirs, &json, error);
    if (status == PINTLE_OK)
        status = pti_json_get(pti_json_root(json), "signatures", PTI_JSON_ARRAY, &signatures, error);
    if (status != PINTLE_OK || pti_json_count(signatures) == 0)
        goto out;
    if (pti_json_count(signatures) > PTI_SIGNATURES_MAX) {
        status = pti_fail(error, PINTLE_ERR_INPUT, "%s: expected at most %d signatures, found %zu", sides->name,
                          PTI_SIGNATURES_MAX, pti_json_count(signatures));
        goto out;
    }
    status = pti_envelope_digest(sides->theirs, sides->crypto, theirs, error);
    if (status == PINTLE_OK && sides->ours->size > 0)
        status = pti_envelope_digest(*sides->ours, sides->crypto, ours, error);
    if (status == PINTLE_OK && (sides->ours->size == 0 || memcmp(ours, theirs, sizeof(ours)) != 0)) {
        status = refuse_draft(sides, error);
        goto out;
    }
    for (const struct pti_json_value *item = pti_json_first(signatures); item != NULL && status == PINTLE_OK;
         item = pti_json_next(item)) {
        struct pintle_bytes keyid, hex;
        status = pti_json_get_string(item, "keyid", &keyid, error);
        if (status == PINTLE_OK)
            status = pti_json_get_string(item, "sig", &hex, error);
        if (status == PINTLE_OK)
            status = merge_signature(sides, keyid, hex, error);
    }
out:
    pti_json_free(json);
    return status;
}

/* ---- all of them ---- */

static enum pintle_status merge_root(struct sides *sides, struct pti_stage *stage, const struct pti_stage *other,
                                     struct pti_error *error)
{
    struct pti_role_keys before;
    enum pintle_status status = pti_role_keys_from_root(pti_published_root(stage->base), "root", &before, error);

    sides->name = "root";
    sides->keys = &stage->root_keys[PTI_TUF_ROOT];
    sides->old_keys = &before;
    sides->ours = &stage->root;
    sides->theirs = other->root;
    sides->published_version = (int64_t)stage->base->root_count;
    if (status == PINTLE_OK)
        status = merge_draft(sides, error);
    sides->old_keys = NULL;
    pti_role_keys_clear(&before);
    return status;
}

static enum pintle_status merge_zone(struct sides *sides, struct pti_stage *stage, const struct pti_stage_zone *other,
                                     struct pti_error *error)
{
    const struct pti_published_zone *published = pti_published_zone(stage->base, other->name);
    struct pti_stage_zone *zone = pti_stage_zone(stage, other->name);
    const struct pti_role_keys nobody = {NULL, 0, 0};
    struct pintle_bytes none = {NULL, 0};
    enum pintle_status status;

    sides->name = other->name;
    sides->keys = zone != NULL ? &zone->keys : &nobody;
    sides->ours = zone != NULL ? &zone->draft : &none;
    sides->theirs = other->draft;
    sides->published_version = published != NULL ? published->role_version : 0;
    status = merge_draft(sides, error);
    sides->keys = NULL;
    sides->ours = NULL;
    return status;
}

enum pintle_status pti_stage_merge(struct pti_stage *stage, const struct pti_stage *other, struct pti_merge *merge,
                                   struct pti_error *error)
{
    struct sides sides = {.crypto = stage->crypto, .merge = merge};
    enum pintle_status status;

    *merge = (struct pti_merge){NULL, 0};
    status = merge_root(&sides, stage, other, error);
    if (status == PINTLE_OK) {
        sides.name = "targets";
        sides.keys = &stage->root_keys[PTI_TUF_TARGETS];
        sides.ours = &stage->targets;
        sides.theirs = other->targets;
        sides.published_version = stage->base->targets_version;
        status = merge_draft(&sides, error);
    }
    for (size_t i = 0; i < other->zone_count && status == PINTLE_OK; i++)
        status = merge_zone(&sides, stage, &other->zones[i], error);
    if (status != PINTLE_OK)
        pti_merge_clear(merge);
    return status;
}

void pti_merge_clear(struct pti_merge *merge)
{
    free(merge->items);
    *merge = (struct pti_merge){NULL, 0};
}

size_t pti_merge_count(const struct pti_merge *merge, enum pti_merge_outcome outcome)
{
    size_t count = 0;

    for (size_t i = 0; i < merge->count; i++)
        count += merge->items[i].outcome == outcome ? 1u : 0u;
    return count;
}
