/* SPDX-License-Identifier: Apache-2.0 */
/* Content to drafts: what differs from what is published gets a version, an expiry and a place for signatures. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "pin/entries.h"
#include "publish/stage_internal.h"

#define DAY_S INT64_C(86400)

/* ---- releases ---- */

/*
 * Does anybody need this new release?  Only clients of the published charter can lose what it lists, so a host that was
 * added and released again within one stage leaves no trace, nor does one that was released and added again as it was.
 */
static bool release_needed(const struct pti_charter *base, const struct pti_charter *next, const char *release)
{
    bool subdomains = strncmp(release, "*.", 2) == 0;
    const char *host = subdomains ? release + 2 : release;
    const struct pti_charter_host *before = pti_charter_find(base, host);
    const struct pti_charter_host *after = pti_charter_find(next, host);

    if (before == NULL)
        return false;
    return subdomains ? before->subdomains && (after == NULL || !after->subdomains) : after == NULL;
}

static bool released_in(const struct pti_charter *charter, const char *release)
{
    size_t position;

    return pti_entries_search(charter->released, charter->released_count, sizeof(*charter->released), release,
                              &position);
}

static void tidy_releases(const struct pti_charter *base, struct pti_charter *next)
{
    for (size_t i = next->released_count; i-- > 0;) {
        if (released_in(base, next->released[i]) || release_needed(base, next, next->released[i]))
            continue;
        free(next->released[i]);
        pti_entries_close(next->released, next->released_count, sizeof(*next->released), i);
        next->released_count--;
    }
}

/* ---- content files ---- */

/* Keeps bytes in *slot, or empties it when there is nothing to keep. */
static enum pintle_status keep(struct pintle_bytes *slot, struct pintle_bytes bytes, struct pti_error *error)
{
    struct pintle_bytes copy;

    if (pti_bytes_copy(bytes, &copy) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a draft");
    pti_bytes_free(slot);
    *slot = copy;
    return PINTLE_OK;
}

static enum pintle_status update_charter(struct pti_stage *stage, struct pti_error *error)
{
    struct pti_charter base;
    struct pti_buf text;
    enum pintle_status status = PINTLE_OK;

    pti_charter_init(&base);
    if (stage->base->charter.size > 0)
        status = pti_charter_parse(stage->base->charter, &base, error);
    if (status != PINTLE_OK)
        return status;
    tidy_releases(&base, &stage->charter);
    pti_buf_init(&text, PTI_CHARTER_SIZE_MAX);
    stage->charter.version = base.version;
    pti_charter_write(&stage->charter, &text);
    if (pti_bytes_equal(pti_buf_bytes(&text), stage->base->charter)) {
        pti_bytes_free(&stage->charter_file);
    } else {
        pti_buf_clear(&text);
        stage->charter.version = base.version + 1;
        pti_charter_write(&stage->charter, &text);
        status = pti_buf_check(&text, error, "charter");
        if (status == PINTLE_OK)
            status = keep(&stage->charter_file, pti_buf_bytes(&text), error);
    }
    pti_buf_clear(&text);
    pti_charter_clear(&base);
    return status;
}

static enum pintle_status update_zone_file(struct pti_stage_zone *zone, const struct pti_published_zone *published,
                                           struct pti_error *error)
{
    struct pti_zone base;
    struct pti_buf text;
    enum pintle_status status = PINTLE_OK;

    pti_zone_init(&base, zone->name);
    if (published != NULL)
        status = pti_zone_parse(published->file, zone->name, &base, error);
    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&text, PTI_ZONE_SIZE_MAX);
    zone->zone.version = base.version;
    pti_zone_write(&zone->zone, &text);
    if (published != NULL && pti_bytes_equal(pti_buf_bytes(&text), published->file)) {
        pti_bytes_free(&zone->file);
    } else {
        pti_buf_clear(&text);
        zone->zone.version = base.version + 1;
        pti_zone_write(&zone->zone, &text);
        status = pti_buf_check(&text, error, zone->name);
        if (status == PINTLE_OK)
            status = keep(&zone->file, pti_buf_bytes(&text), error);
    }
    pti_buf_clear(&text);
    pti_zone_clear(&base);
    return status;
}

/* ---- role drafts ---- */

static enum pintle_status canonical_of(struct pintle_bytes text, bool envelope, struct pti_buf *out,
                                       struct pti_error *error)
{
    struct pti_json *json = NULL;
    const struct pti_json_value *value;
    enum pintle_status status = pti_json_parse(text, &json, error);

    if (status != PINTLE_OK)
        return status;
    value = envelope ? pti_json_member(pti_json_root(json), "signed") : pti_json_root(json);
    if (value != NULL)
        pti_json_write_canonical(value, out);
    pti_json_free(json);
    return pti_buf_check(out, error, "metadata");
}

/* Does envelope sign exactly fields, but for version and expiry? */
static enum pintle_status says_same(struct pintle_bytes envelope, const struct pti_targets_fields *fields, bool *same,
                                    struct pti_error *error)
{
    struct pti_targets_fields dated = *fields;
    struct pti_buf wanted, text, found;
    enum pintle_status status;

    *same = false;
    status = pti_envelope_dates(envelope, &dated.version, &dated.expires, error);
    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&wanted, PTI_TARGETS_SIZE_MAX);
    pti_buf_init(&text, PTI_TARGETS_SIZE_MAX);
    pti_buf_init(&found, PTI_TARGETS_SIZE_MAX);
    pti_targets_write(&dated, &text);
    status = pti_buf_check(&text, error, "metadata");
    if (status == PINTLE_OK)
        status = canonical_of(pti_buf_bytes(&text), false, &wanted, error);
    if (status == PINTLE_OK)
        status = canonical_of(envelope, true, &found, error);
    if (status == PINTLE_OK)
        *same = pti_bytes_equal(pti_buf_bytes(&wanted), pti_buf_bytes(&found));
    pti_buf_clear(&found);
    pti_buf_clear(&text);
    pti_buf_clear(&wanted);
    return status;
}

struct role {
    struct pintle_bytes published; /* empty: never */
    int64_t published_version;
    bool resign; /* even if its content is the same: other keys must sign, or it would expire */
    int64_t days;
    int64_t now;
    struct pintle_bytes *draft;
};

static enum pintle_status new_draft(const struct role *role, const struct pti_targets_fields *fields,
                                    struct pti_error *error)
{
    struct pti_targets_fields dated = *fields;
    struct pti_buf text, envelope;
    enum pintle_status status;

    dated.version = role->published_version + 1;
    dated.expires = role->now + role->days * DAY_S;
    pti_buf_init(&text, PTI_TARGETS_SIZE_MAX);
    pti_buf_init(&envelope, PTI_TARGETS_SIZE_MAX);
    pti_targets_write(&dated, &text);
    status = pti_buf_check(&text, error, "metadata");
    if (status == PINTLE_OK)
        status = pti_envelope_write(pti_buf_bytes(&text), &envelope, error);
    if (status == PINTLE_OK)
        status = keep(role->draft, pti_buf_bytes(&envelope), error);
    pti_buf_clear(&envelope);
    pti_buf_clear(&text);
    return status;
}

/*
 * Keeps the draft with its signatures if it still says what it should; drops it if it is not needed; or makes a new
 * one.
 */
static enum pintle_status update_role(const struct role *role, const struct pti_targets_fields *fields,
                                      struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    int64_t version = 0, expires = 0;
    bool same = false;

    if (role->draft->size > 0) {
        if (pti_envelope_dates(*role->draft, &version, &expires, error) == PINTLE_OK &&
            version == role->published_version + 1 && expires > role->now)
            status = says_same(*role->draft, fields, &same, error);
        if (status != PINTLE_OK || same)
            return status;
    }
    if (role->published.size > 0 && !role->resign) {
        status = says_same(role->published, fields, &same, error);
        if (status != PINTLE_OK)
            return status;
        if (same) {
            pti_bytes_free(role->draft);
            return PINTLE_OK;
        }
    }
    return new_draft(role, fields, error);
}

static bool same_keys(const struct pti_role_keys *a, const struct pti_role_keys *b)
{
    if (a->key_count != b->key_count || a->threshold != b->threshold)
        return false;
    for (size_t i = 0; i < a->key_count; i++)
        if (pti_role_keys_find(b, a->keys[i].id) == NULL)
            return false;
    return true;
}

/* Was the zone delegated to other keys, or not at all? */
static enum pintle_status zone_keys_changed(const struct pti_stage *stage, const struct pti_stage_zone *zone,
                                            bool *changed, struct pti_error *error)
{
    struct pti_delegation *delegations = NULL;
    size_t count = 0;
    enum pintle_status status = PINTLE_OK;

    *changed = true;
    if (stage->base->targets.size > 0)
        status = pti_delegations_from_targets(stage->base->targets, &delegations, &count, error);
    for (size_t i = 0; i < count; i++)
        if (strcmp(delegations[i].zone, zone->name) == 0)
            *changed = !same_keys(&delegations[i].keys, &zone->keys);
    pti_delegations_free(delegations, count);
    return status;
}

static enum pintle_status update_zone(const struct pti_stage *stage, struct pti_stage_zone *zone, bool renew,
                                      int64_t now, struct pti_error *error)
{
    const struct pti_published_zone *published = pti_published_zone(stage->base, zone->name);
    struct role role = {{NULL, 0}, 0, false, stage->days.zone, now, &zone->draft};
    struct pti_target_entry target;
    char path[80];
    bool changed = false;
    enum pintle_status status = update_zone_file(zone, published, error);

    if (status == PINTLE_OK)
        status = zone_keys_changed(stage, zone, &changed, error);
    if (status != PINTLE_OK)
        return status;
    if (published != NULL) {
        role.published = published->role;
        role.published_version = published->role_version;
    }
    role.resign = renew || changed;
    (void)snprintf(path, sizeof(path), "zones/%s.json", zone->name);
    target.path = path;
    status = pti_file_meta_of(stage->crypto, zone->file.size > 0 ? zone->file : published->file, 0, &target.file,
                              error);
    return status == PINTLE_OK
               ? update_role(&role, &(struct pti_targets_fields){.targets = &target, .target_count = 1}, error)
               : status;
}

static enum pintle_status update_targets(struct pti_stage *stage, bool renew, int64_t now, struct pti_error *error)
{
    const struct role role = {stage->base->targets, stage->base->targets_version, renew, stage->days.targets, now,
                              &stage->targets};
    struct pti_delegation *delegations = calloc(stage->zone_count + 1, sizeof(*delegations));
    struct pti_target_entry charter = {.path = "charter.json"};
    struct pti_targets_fields fields = {.targets = &charter,
                                        .target_count = 1,
                                        .delegates = true,
                                        .delegations = delegations,
                                        .delegation_count = stage->zone_count};
    enum pintle_status status;

    if (delegations == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", stage->zone_count);
    for (size_t i = 0; i < stage->zone_count; i++) {
        (void)pti_copy_text(delegations[i].zone, sizeof(delegations[i].zone), stage->zones[i].name);
        delegations[i].keys = stage->zones[i].keys; /* borrowed */
    }
    status = pti_file_meta_of(stage->crypto, stage->charter_file.size > 0 ? stage->charter_file : stage->base->charter,
                              0, &charter.file, error);
    if (status == PINTLE_OK)
        status = update_role(&role, &fields, error);
    free(delegations);
    return status;
}

/* renew names a role that gets a draft even if its content is the same; NULL. */
static enum pintle_status update(struct pti_stage *stage, const char *renew, int64_t now, struct pti_error *error)
{
    enum pintle_status status = update_charter(stage, error);

    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        status = update_zone(stage, &stage->zones[i], renew != NULL && strcmp(renew, stage->zones[i].name) == 0, now,
                             error);
    return status == PINTLE_OK ? update_targets(stage, renew != NULL && strcmp(renew, "targets") == 0, now, error)
                               : status;
}

enum pintle_status pti_stage_update(struct pti_stage *stage, int64_t now, struct pti_error *error)
{
    return update(stage, NULL, now, error);
}

enum pintle_status pti_stage_renew(struct pti_stage *stage, const char *role, int64_t now, struct pti_error *error)
{
    if (strcmp(role, "targets") != 0 && pti_stage_zone(stage, role) == NULL)
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "expected \"targets\" or the name of a zone, found \"%.63s\"; snapshot and timestamp are renewed by "
            "publishing",
            role);
    return update(stage, role, now, error);
}
