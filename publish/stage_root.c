/* SPDX-License-Identifier: Apache-2.0 */
/* The trust anchor as staged: who may sign root, targets, snapshot and timestamp, and the draft that says so. */
#include <inttypes.h>
#include <string.h>

#include "publish/draft.h"
#include "publish/root_history.h"
#include "publish/stage_internal.h"

static void clear_roles(struct pti_role_keys roles[PTI_TUF_TYPES])
{
    for (size_t i = 0; i < PTI_TUF_TYPES; i++)
        pti_role_keys_clear(&roles[i]);
}

/* On failure all of them are empty. */
static enum pintle_status read_roles(struct pintle_bytes root, struct pti_role_keys roles[PTI_TUF_TYPES],
                                     struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    memset(roles, 0, PTI_TUF_TYPES * sizeof(*roles));
    for (int i = 0; i < PTI_TUF_TYPES && status == PINTLE_OK; i++)
        status = pti_role_keys_from_root(root, pti_tuf_type_name((enum pti_tuf_type)i), &roles[i], error);
    if (status != PINTLE_OK)
        clear_roles(roles);
    return status;
}

enum pintle_status pti_stage_init_root(struct pti_stage *stage, struct pti_error *error)
{
    return read_roles(pti_published_root(stage->base), stage->root_keys, error);
}

/* What is not newer than the published root was published, or overtaken: a change of it is made over what is there. */
enum pintle_status pti_stage_take_root(struct pti_stage *stage, struct pintle_bytes draft, struct pti_error *error)
{
    struct pti_role_keys roles[PTI_TUF_TYPES];
    int64_t version, expires;
    enum pintle_status status = pti_envelope_dates(draft, &version, &expires, error);

    if (status != PINTLE_OK || (uint64_t)version <= stage->base->root_count)
        return status;
    status = read_roles(draft, roles, error);
    if (status != PINTLE_OK)
        return status;
    clear_roles(stage->root_keys);
    memcpy(stage->root_keys, roles, sizeof(roles));
    return pti_draft_keep(&stage->root, draft, error);
}

/* ---- the draft ---- */

struct content {
    const char *repository;
    const struct pti_role_keys *roles; /* PTI_TUF_TYPES of them */
};

static void write_root(const void *fields, int64_t version, int64_t expires, struct pti_buf *out)
{
    const struct content *content = fields;

    pti_root_write(&(struct pti_root_fields){.version = version,
                                             .expires = expires,
                                             .repository = content->repository[0] != '\0' ? content->repository : NULL,
                                             .root = content->roles[PTI_TUF_ROOT],
                                             .targets = content->roles[PTI_TUF_TARGETS],
                                             .snapshot = content->roles[PTI_TUF_SNAPSHOT],
                                             .timestamp = content->roles[PTI_TUF_TIMESTAMP]},
                   out);
}

/* A new root is the old one with other keys: what an unknown field said would be lost without a word. */
static enum pintle_status check_lossless(const struct pti_draft *draft, struct pti_error *error)
{
    bool same = false;
    enum pintle_status status = pti_draft_says_same(draft, draft->published, &same, error);

    if (status != PINTLE_OK || same)
        return status;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "the published root holds something that this version of pintle would lose; change it with the "
                    "program that wrote it");
}

static bool differ(const struct pti_role_keys *staged, const struct pti_role_keys *published)
{
    bool different = false;

    for (size_t i = 0; i < PTI_TUF_TYPES; i++)
        different = different || !pti_role_keys_same(&staged[i], &published[i]);
    return different;
}

/* Roles that are as published are written as published, whatever the order of the edits. */
static void settle(struct pti_role_keys *staged, struct pti_role_keys *published)
{
    for (size_t i = 0; i < PTI_TUF_TYPES; i++) {
        struct pti_role_keys kept = staged[i];
        if (!pti_role_keys_same(&staged[i], &published[i]))
            continue;
        staged[i] = published[i];
        published[i] = kept;
    }
}

enum pintle_status pti_stage_update_root(struct pti_stage *stage, bool renew, int64_t now, struct pti_error *error)
{
    struct pti_role_keys published[PTI_TUF_TYPES];
    struct content content = {stage->base->repository, published};
    const struct pti_draft draft = {.published = pti_published_root(stage->base),
                                    .published_version = (int64_t)stage->base->root_count,
                                    .resign = renew,
                                    .days = stage->days.root,
                                    .now = now,
                                    .write = write_root,
                                    .fields = &content,
                                    .slot = &stage->root};
    enum pintle_status status = read_roles(draft.published, published, error);

    if (status != PINTLE_OK)
        return status;
    if (renew || stage->root.size > 0 || differ(stage->root_keys, published)) {
        status = check_lossless(&draft, error);
        settle(stage->root_keys, published);
        content.roles = stage->root_keys;
        if (status == PINTLE_OK)
            status = pti_draft_update(&draft, error);
    }
    clear_roles(published);
    return status;
}

/* ---- edits ---- */

static bool is_offline(enum pti_tuf_type role)
{
    return role == PTI_TUF_ROOT || role == PTI_TUF_TARGETS;
}

/* Who takes an online key from a server would have an offline one with it. */
static enum pintle_status check_apart(const struct pti_stage *stage, enum pti_tuf_type role, const char *keyid,
                                      struct pti_error *error)
{
    for (int i = 0; i < PTI_TUF_TYPES; i++) {
        enum pti_tuf_type other = (enum pti_tuf_type)i;
        if (is_offline(other) != is_offline(role) && pti_role_keys_find(&stage->root_keys[i], keyid) != NULL)
            return pti_fail(
                error, PINTLE_ERR_INPUT,
                "key %.16s signs %s; root and targets keys stay offline, so none of them may sign snapshot or "
                "timestamp too: make another one, `pintle key new FILE`",
                keyid, pti_tuf_type_name(other));
    }
    for (size_t i = 0; i < stage->zone_count; i++)
        if (pti_role_keys_find(&stage->zones[i].keys, keyid) != NULL)
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "key %.16s signs zone %s; whoever takes it from there would have a key of the trust anchor "
                            "with it: make another one, `pintle key new FILE`",
                            keyid, stage->zones[i].name);
    return PINTLE_OK;
}

static enum pintle_status check_new_key(const struct pti_stage *stage, enum pti_tuf_type role,
                                        const struct pti_public_key *key, struct pti_error *error)
{
    const char *name = pti_tuf_type_name(role);
    bool removed = false;
    enum pintle_status status;

    if (pti_role_keys_find(&stage->root_keys[role], key->id) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "key %.16s may sign %s already; see `pintle root list`", key->id,
                        name);
    status = pti_root_history_removed(stage->base, role, key->id, &removed, error);
    if (status == PINTLE_OK && removed)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "key %.16s was removed by an earlier root, and a removed key never returns: whoever took it "
                          "would be back with it; make another one, `pintle key new FILE`",
                          key->id);
    return status == PINTLE_OK ? check_apart(stage, role, key->id, error) : status;
}

enum pintle_status pti_stage_root_add(struct pti_stage *stage, enum pti_tuf_type role, const struct pti_public_key *key,
                                      struct pti_error *error)
{
    enum pintle_status status = check_new_key(stage, role, key, error);

    return status == PINTLE_OK ? pti_role_keys_add(&stage->root_keys[role], key, error) : status;
}

static enum pintle_status check_old_key(const struct pti_stage *stage, enum pti_tuf_type role, const char *keyid,
                                        struct pti_error *error)
{
    if (pti_role_keys_find(&stage->root_keys[role], keyid) != NULL)
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT, "key %.16s does not sign %s; see `pintle root list`", keyid,
                    pti_tuf_type_name(role));
}

enum pintle_status pti_stage_root_remove(struct pti_stage *stage, enum pti_tuf_type role, const char *keyid,
                                         struct pti_error *error)
{
    struct pti_role_keys *keys = &stage->root_keys[role];
    enum pintle_status status = check_old_key(stage, role, keyid, error);

    if (status == PINTLE_OK && (int64_t)keys->key_count - 1 < keys->threshold)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "%s needs %" PRId64
                          " of its %zu keys, so none can go: replace it with `pintle root rotate`, or "
                          "lower the threshold first",
                          pti_tuf_type_name(role), keys->threshold, keys->key_count);
    if (status == PINTLE_OK)
        pti_role_keys_remove(keys, keyid);
    return status;
}

enum pintle_status pti_stage_root_replace(struct pti_stage *stage, enum pti_tuf_type role, const char *keyid,
                                          const struct pti_public_key *key, struct pti_error *error)
{
    char old[PTI_KEYID_SIZE + 1]; /* keyid may point into the list that is about to grow */
    enum pintle_status status = check_old_key(stage, role, keyid, error);

    (void)pti_copy_text(old, sizeof(old), keyid);
    if (status == PINTLE_OK)
        status = pti_stage_root_add(stage, role, key, error);
    if (status == PINTLE_OK)
        pti_role_keys_remove(&stage->root_keys[role], old);
    return status;
}

enum pintle_status pti_stage_root_threshold(struct pti_stage *stage, enum pti_tuf_type role, int64_t threshold,
                                            struct pti_error *error)
{
    struct pti_role_keys *keys = &stage->root_keys[role];

    if (threshold < 1 || (uint64_t)threshold > keys->key_count)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a threshold from 1 to the number of %s keys, %zu, found %" PRId64
                        "; add keys first with `pintle root add FILE --role %s`",
                        pti_tuf_type_name(role), keys->key_count, threshold, pti_tuf_type_name(role));
    keys->threshold = threshold;
    return PINTLE_OK;
}

static enum pintle_status check_unstaged(const struct pti_stage *stage, enum pti_tuf_type role, struct pti_error *error)
{
    struct pti_role_keys published;
    enum pintle_status status = pti_role_keys_from_root(pti_published_root(stage->base), pti_tuf_type_name(role),
                                                        &published, error);

    if (status == PINTLE_OK && !pti_role_keys_same(&published, &stage->root_keys[role]))
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "other keys for %s are staged already; see `pintle root list`, then sign and publish them",
                          pti_tuf_type_name(role));
    pti_role_keys_clear(&published);
    return status;
}

/* A new key in place of the first one, which goes; the new one is then the last. */
static enum pintle_status replace_first(struct pti_stage *stage, enum pti_tuf_type role, struct pti_keyring *ring,
                                        struct pti_error *error)
{
    const struct pti_public_key *first = &stage->root_keys[role].keys[0];
    struct pti_signing_key *key = NULL;
    enum pti_key_kind kind;
    char old[PTI_KEYID_SIZE + 1];
    enum pintle_status status = pti_public_key_kind(first, &kind, error);

    (void)pti_copy_text(old, sizeof(old), first->id);
    if (status == PINTLE_OK)
        status = pti_signing_key_generate(kind, &key, error);
    if (status == PINTLE_OK)
        status = pti_stage_root_replace(stage, role, old, pti_signing_key_public(key), error);
    if (status == PINTLE_OK)
        status = pti_keyring_take(ring, key, error);
    if (status != PINTLE_OK)
        pti_signing_key_free(key);
    return status;
}

enum pintle_status pti_stage_root_replace_online(struct pti_stage *stage, struct pti_keyring rings[PTI_TUF_TYPES],
                                                 struct pti_error *error)
{
    static const enum pti_tuf_type online[] = {PTI_TUF_TIMESTAMP, PTI_TUF_SNAPSHOT};
    enum pintle_status status = PINTLE_OK;

    memset(rings, 0, PTI_TUF_TYPES * sizeof(*rings));
    for (size_t i = 0; i < 2 && status == PINTLE_OK; i++)
        status = check_unstaged(stage, online[i], error);
    for (size_t i = 0; i < 2 && status == PINTLE_OK; i++)
        for (size_t left = stage->root_keys[online[i]].key_count; left > 0 && status == PINTLE_OK; left--)
            status = replace_first(stage, online[i], &rings[online[i]], error);
    for (size_t i = 0; i < 2 && status != PINTLE_OK; i++)
        pti_keyring_clear(&rings[online[i]]);
    return status;
}
