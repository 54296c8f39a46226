/* SPDX-License-Identifier: Apache-2.0 */
/* Zones in the stage: added, handed to other keys, withdrawn.  Everything is checked before anything is changed. */
#include <string.h>

#include "publish/stage_internal.h"

static enum pintle_status check_threshold(const struct pti_role_keys *keys, struct pti_error *error)
{
    if (keys->threshold >= 1 && (uint64_t)keys->threshold <= keys->key_count)
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "a threshold of %d needs at least that many keys and must not be 0; found %zu keys",
                    (int)(keys->threshold < 1000 ? keys->threshold : 1000), keys->key_count);
}

/*
 * One key, one purpose: whoever takes snapshot's or timestamp's from a server must not be able to change a pin, and
 * whoever takes a zone's must not have a key of the trust anchor with it.
 */
static enum pintle_status check_not_in_root(const struct pti_stage *stage, const struct pti_role_keys *keys,
                                            struct pti_error *error)
{
    for (size_t i = 0; i < keys->key_count; i++)
        for (int role = 0; role < PTI_TUF_TYPES; role++)
            if (pti_role_keys_find(&stage->root_keys[role], keys->keys[i].id) != NULL)
                return pti_fail(
                    error, PINTLE_ERR_INPUT,
                    "key %.16s signs %s, so it may not sign a zone too: whoever takes it from the one place "
                    "would have both; make another one, `pintle key new FILE`",
                    keys->keys[i].id, pti_tuf_type_name((enum pti_tuf_type)role));
    return PINTLE_OK;
}

static enum pintle_status check_zone_keys(const struct pti_stage *stage, const struct pti_role_keys *keys,
                                          struct pti_error *error)
{
    enum pintle_status status = check_threshold(keys, error);

    return status == PINTLE_OK ? check_not_in_root(stage, keys, error) : status;
}

static enum pintle_status check_new_zone(const struct pti_stage *stage, const char *name,
                                         const struct pti_role_keys *keys, struct pti_error *error)
{
    if (!pti_zone_name_valid(pti_bytes_text(name)))
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "a zone name has 1 to 63 characters of a-z, 0-9 and '-', no '-' at either end, and is not the name of "
            "a TUF role; found \"%.63s\"",
            name);
    if (pti_stage_zone(stage, name) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "there is a zone \"%s\" already; choose another name", name);
    if (stage->zone_count >= PTI_ZONES_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "a repository has at most %d zones", PTI_ZONES_MAX);
    return check_zone_keys(stage, keys, error);
}

static enum pintle_status refuse_returning(const char *zone, const char *keyid, struct pti_error *error)
{
    return pti_fail(
        error, PINTLE_ERR_INPUT,
        "key %.16s has signed zone \"%s\" before, and a removed key never returns; give the zone keys that it "
        "never had: make new ones with `pintle key new FILE`",
        keyid, zone);
}

/*
 * Clients let a zone's version start again only under keys it never had: with an old key, old files would come back
 * too.  staying (or NULL) are those it has, and may keep.
 */
static enum pintle_status check_fresh_keys(const struct pti_stage *stage, const char *name,
                                           const struct pti_role_keys *keys, const struct pti_role_keys *staying,
                                           const struct pti_file_source *source, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (pti_published_zone(stage->base, name) == NULL)
        return PINTLE_OK;
    for (size_t i = 0; i < keys->key_count && status == PINTLE_OK; i++) {
        bool used = false;
        if (staying != NULL && pti_role_keys_find(staying, keys->keys[i].id) != NULL)
            continue;
        status = pti_published_key_was_used(source, stage->base, name, keys->keys[i].id, &used, error);
        if (status == PINTLE_OK && used)
            status = refuse_returning(name, keys->keys[i].id, error);
    }
    return status;
}

/* What was withdrawn in this stage only is still there for every client, under keys that it still has. */
static enum pintle_status check_withdrawn(const struct pti_stage *stage, const char *name, struct pti_error *error)
{
    const struct pti_published_zone *published = pti_published_zone(stage->base, name);

    if (published == NULL || !published->delegated)
        return PINTLE_OK;
    return pti_fail(
        error, PINTLE_ERR_INPUT,
        "zone \"%s\" is published, and its withdrawal is staged only; publish that first, or keep the zone: "
        "`pintle stage drop`, which throws away the other edits too",
        name);
}

enum pintle_status pti_stage_zone_add(struct pti_stage *stage, const char *zone, const struct pti_role_keys *keys,
                                      const struct pti_file_source *source, struct pti_error *error)
{
    struct pti_stage_zone *added;
    enum pintle_status status = check_new_zone(stage, zone, keys, error);

    if (status == PINTLE_OK)
        status = check_withdrawn(stage, zone, error);
    if (status == PINTLE_OK)
        status = check_fresh_keys(stage, zone, keys, NULL, source, error);
    return status == PINTLE_OK ? pti_stage_append_zone(stage, zone, keys, &added, error) : status;
}

/* staying: as for check_fresh_keys(). */
static enum pintle_status set_keys(struct pti_stage *stage, struct pti_stage_zone *zone,
                                   const struct pti_role_keys *keys, const struct pti_role_keys *staying,
                                   const struct pti_file_source *source, struct pti_error *error)
{
    struct pti_role_keys copy;
    enum pintle_status status = check_zone_keys(stage, keys, error);

    if (status == PINTLE_OK)
        status = check_fresh_keys(stage, zone->name, keys, staying, source, error);
    if (status == PINTLE_OK)
        status = pti_role_keys_copy(keys, &copy, error);
    if (status != PINTLE_OK)
        return status;
    pti_role_keys_clear(&zone->keys);
    zone->keys = copy;
    return PINTLE_OK;
}

enum pintle_status pti_stage_zone_rotate(struct pti_stage *stage, const char *zone, const struct pti_role_keys *keys,
                                         const struct pti_file_source *source, struct pti_error *error)
{
    struct pti_stage_zone *found;
    enum pintle_status status = pti_stage_find_zone(stage, zone, &found, error);

    return status == PINTLE_OK ? set_keys(stage, found, keys, NULL, source, error) : status;
}

/* The keys of a zone as published, which a stage that took them away may give back; none if it is not delegated. */
static enum pintle_status published_keys(const struct pti_stage *stage, const char *zone, struct pti_role_keys *keys,
                                         struct pti_error *error)
{
    struct pti_delegation *delegations = NULL;
    size_t count = 0;
    enum pintle_status status = PINTLE_OK;

    *keys = (struct pti_role_keys){NULL, 0, 0};
    if (stage->base->targets.size > 0)
        status = pti_delegations_from_targets(stage->base->targets, &delegations, &count, error);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++)
        if (strcmp(delegations[i].zone, zone) == 0 && keys->keys == NULL)
            status = pti_role_keys_copy(&delegations[i].keys, keys, error);
    pti_delegations_free(delegations, count);
    return status;
}

enum pintle_status pti_stage_zone_set_keys(struct pti_stage *stage, const char *zone, const struct pti_role_keys *keys,
                                           const struct pti_file_source *source, struct pti_error *error)
{
    struct pti_role_keys published = {NULL, 0, 0};
    struct pti_stage_zone *found;
    enum pintle_status status = pti_stage_find_zone(stage, zone, &found, error);

    if (status == PINTLE_OK)
        status = published_keys(stage, zone, &published, error);
    if (status == PINTLE_OK)
        status = set_keys(stage, found, keys, &published, source, error);
    pti_role_keys_clear(&published);
    return status;
}

enum pintle_status pti_stage_zone_remove(struct pti_stage *stage, const char *zone, struct pti_error *error)
{
    struct pti_stage_zone *found;
    enum pintle_status status = pti_stage_find_zone(stage, zone, &found, error);

    if (status != PINTLE_OK)
        return status;
    for (size_t i = 0; i < stage->charter.host_count; i++)
        if (strcmp(stage->charter.hosts[i].zone, zone) == 0)
            return pti_fail(
                error, PINTLE_ERR_INPUT,
                "the charter gives %s to zone %s; move it to another zone, `pintle host add %s --zone ZONE`, "
                "or release it first, `pintle host release %s`",
                stage->charter.hosts[i].host, zone, stage->charter.hosts[i].host, stage->charter.hosts[i].host);
    pti_stage_drop_zone(stage, found);
    return PINTLE_OK;
}
