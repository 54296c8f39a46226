/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign, as staged and as published, as changes in words. */
#include <inttypes.h>
#include <string.h>

#include "publish/stage_internal.h"

/* One change of the keys of key_role, in the words of who names them: root, or targets for a zone.  Not both are NULL. */
static void say_key(struct pti_differ *differ, const char *role, const char *key_role, const struct pti_public_key *old,
                    const struct pti_public_key *new)
{
    enum pti_change_kind kind = old == NULL   ? PTI_CHANGE_KEY_ADDED
                                : new == NULL ? PTI_CHANGE_KEY_REMOVED
                                              : PTI_CHANGE_KEY_REPLACED;
    struct pti_change *change = pti_diff_add(differ, kind, role, "");
    bool root = strcmp(role, "root") == 0;

    if (change == NULL)
        return;
    change->permanent = false;
    (void)pti_copy_text(change->key_role, sizeof(change->key_role), key_role);
    if (new != NULL)
        (void)pti_copy_text(change->keyid, sizeof(change->keyid), new->id);
    if (old != NULL)
        (void)pti_copy_text(new != NULL ? change->old_keyid : change->keyid, sizeof(change->keyid), old->id);
    if (kind == PTI_CHANGE_KEY_REPLACED)
        pti_diff_say(change, "%s%s: key %.16s replaced by %.16s%s%s", root ? "" : "zone ", root ? role : key_role,
                     change->old_keyid, change->keyid, root ? " for role " : "", root ? key_role : "");
    else
        pti_diff_say(change, "%s%s: key %.16s %s%s%s", root ? "" : "zone ", root ? role : key_role, change->keyid,
                     new != NULL ? "added" : "removed", root ? " for role " : "", root ? key_role : "");
}

static void say_threshold(struct pti_differ *differ, const char *role, const char *key_role,
                          const struct pti_role_keys *before, const struct pti_role_keys *after)
{
    struct pti_change *change = pti_diff_add(differ, PTI_CHANGE_THRESHOLD, role, "");
    bool root = strcmp(role, "root") == 0;

    if (change == NULL)
        return;
    change->permanent = false;
    (void)pti_copy_text(change->key_role, sizeof(change->key_role), key_role);
    pti_diff_say(change, "%s%s: %" PRId64 " of %zu keys must sign%s%s, was %" PRId64 " of %zu", root ? "" : "zone ",
                 root ? role : key_role, after->threshold, after->key_count, root ? " role " : "", root ? key_role : "",
                 before->threshold, before->key_count);
}

/* The next key from *at on that the other list lacks; NULL past the last. */
static const struct pti_public_key *next_lacking(const struct pti_role_keys *keys, const struct pti_role_keys *others,
                                                 size_t *at)
{
    while (*at < keys->key_count) {
        const struct pti_public_key *key = &keys->keys[(*at)++];
        if (pti_role_keys_find(others, key->id) == NULL)
            return key;
    }
    return NULL;
}

/* A key that went and one that came make one replacement, as far as there are both. */
static void diff_role_keys(struct pti_differ *differ, const char *role, const char *key_role,
                           const struct pti_role_keys *before, const struct pti_role_keys *after)
{
    size_t old_at = 0, new_at = 0;

    for (;;) {
        const struct pti_public_key *old = next_lacking(before, after, &old_at);
        const struct pti_public_key *new = next_lacking(after, before, &new_at);
        if (old == NULL && new == NULL)
            break;
        say_key(differ, role, key_role, old, new);
    }
    if (before->threshold != after->threshold)
        say_threshold(differ, role, key_role, before, after);
}

enum pintle_status pti_diff_root(struct pti_differ *differ, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (int i = 0; i < PTI_TUF_TYPES && status == PINTLE_OK; i++) {
        const char *name = pti_tuf_type_name((enum pti_tuf_type)i);
        struct pti_role_keys before;
        status = pti_role_keys_from_root(pti_published_root(differ->stage->base), name, &before, error);
        if (status == PINTLE_OK)
            diff_role_keys(differ, "root", name, &before, &differ->stage->root_keys[i]);
        pti_role_keys_clear(&before);
    }
    return status;
}

enum pintle_status pti_diff_delegations(struct pti_differ *differ, struct pti_error *error)
{
    struct pti_delegation *before = NULL;
    size_t count = 0;
    enum pintle_status status = PINTLE_OK;

    if (differ->stage->base->targets.size > 0)
        status = pti_delegations_from_targets(differ->stage->base->targets, &before, &count, error);
    for (size_t i = 0; i < count; i++) {
        const struct pti_stage_zone *zone = pti_stage_zone(differ->stage, before[i].zone);
        if (zone != NULL)
            diff_role_keys(differ, "targets", zone->name, &before[i].keys, &zone->keys);
    }
    pti_delegations_free(before, count);
    return status;
}
