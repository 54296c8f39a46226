/* SPDX-License-Identifier: Apache-2.0 */
/* Content to drafts: what differs from what is published gets a version, an expiry and a place for signatures. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/draft.h"
#include "publish/stage_internal.h"

/* ---- releases ---- */

/*
 * Does anybody need this new release?  Only clients of the published charter can lose what it lists, so a host that was
 * added and released again within one stage leaves no trace, nor does one that was released and added again as it was.
 * But "*.host" is all that is left of a published release of a host that is listed again: older clients need it.
 */
static bool release_needed(const struct pti_charter *base, const struct pti_charter *next, const char *release)
{
    bool subdomains = strncmp(release, "*.", 2) == 0;
    const char *host = subdomains ? release + 2 : release;
    const struct pti_charter_host *before = pti_charter_find(base, host);
    const struct pti_charter_host *after = pti_charter_find(next, host);

    if (before == NULL)
        return subdomains && pti_charter_has_released(base, host);
    return subdomains ? before->subdomains && (after == NULL || !after->subdomains) : after == NULL;
}

static void tidy_releases(const struct pti_charter *base, struct pti_charter *next)
{
    for (size_t i = next->released_count; i-- > 0;) {
        if (pti_charter_has_released(base, next->released[i]) || release_needed(base, next, next->released[i]))
            continue;
        free(next->released[i]);
        next->released_count--;
        memmove(&next->released[i], &next->released[i + 1], (next->released_count - i) * sizeof(*next->released));
    }
}

/* ---- content files ---- */

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
            status = pti_draft_keep(&stage->charter_file, pti_buf_bytes(&text), error);
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
            status = pti_draft_keep(&zone->file, pti_buf_bytes(&text), error);
    }
    pti_buf_clear(&text);
    pti_zone_clear(&base);
    return status;
}

/* ---- role drafts ---- */

static void write_targets(const void *fields, int64_t version, int64_t expires, struct pti_buf *out)
{
    struct pti_targets_fields dated = *(const struct pti_targets_fields *)fields;

    dated.version = version;
    dated.expires = expires;
    pti_targets_write(&dated, out);
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
            *changed = !pti_role_keys_same(&delegations[i].keys, &zone->keys);
    pti_delegations_free(delegations, count);
    return status;
}

static enum pintle_status update_zone(const struct pti_stage *stage, struct pti_stage_zone *zone, bool renew,
                                      int64_t now, struct pti_error *error)
{
    const struct pti_published_zone *published = pti_published_zone(stage->base, zone->name);
    struct pti_target_entry target;
    const struct pti_targets_fields fields = {.targets = &target, .target_count = 1};
    struct pti_draft draft = {
        .days = stage->days.zone, .now = now, .write = write_targets, .fields = &fields, .slot = &zone->draft};
    char path[80];
    bool changed = false;
    enum pintle_status status = update_zone_file(zone, published, error);

    if (status == PINTLE_OK)
        status = zone_keys_changed(stage, zone, &changed, error);
    if (status != PINTLE_OK)
        return status;
    if (published != NULL) {
        draft.published = published->role;
        draft.published_version = published->role_version;
    }
    draft.resign = renew || changed;
    (void)snprintf(path, sizeof(path), "zones/%s.json", zone->name);
    target.path = path;
    status = pti_file_meta_of(stage->crypto, zone->file.size > 0 ? zone->file : published->file, 0, &target.file,
                              error);
    return status == PINTLE_OK ? pti_draft_update(&draft, error) : status;
}

/*
 * Other keys of targets prove by signing that they can; and what the newest root does not accept needs new signatures,
 * though its content is the same: a publication may have ended right after its root.
 */
static enum pintle_status targets_need_signing(const struct pti_stage *stage, bool *needed, struct pti_error *error)
{
    const struct pti_role_keys *keys = &stage->root_keys[PTI_TUF_TARGETS];
    struct pti_role_keys before;
    int64_t count = 0;
    enum pintle_status status = pti_role_keys_from_root(pti_published_root(stage->base), "targets", &before, error);

    *needed = true;
    if (status != PINTLE_OK)
        return status;
    if (stage->base->targets.size > 0 && pti_role_keys_same(&before, keys)) {
        status = pti_envelope_count(stage->base->targets, keys, stage->crypto, &count, error);
        *needed = count < keys->threshold;
    }
    pti_role_keys_clear(&before);
    return status;
}

static enum pintle_status update_targets(struct pti_stage *stage, bool renew, int64_t now, struct pti_error *error)
{
    struct pti_delegation *delegations = calloc(stage->zone_count + 1, sizeof(*delegations));
    struct pti_target_entry charter = {.path = "charter.json"};
    const struct pti_targets_fields fields = {.targets = &charter,
                                              .target_count = 1,
                                              .delegates = true,
                                              .delegations = delegations,
                                              .delegation_count = stage->zone_count};
    struct pti_draft draft = {.published = stage->base->targets,
                              .published_version = stage->base->targets_version,
                              .days = stage->days.targets,
                              .now = now,
                              .write = write_targets,
                              .fields = &fields,
                              .slot = &stage->targets};
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
        status = targets_need_signing(stage, &draft.resign, error);
    draft.resign = draft.resign || renew;
    if (status == PINTLE_OK)
        status = pti_draft_update(&draft, error);
    free(delegations);
    return status;
}

/* renew names a role that gets a draft even if its content is the same; NULL. */
static enum pintle_status update(struct pti_stage *stage, const char *renew, int64_t now, struct pti_error *error)
{
    enum pintle_status status = pti_stage_update_root(stage, renew != NULL && strcmp(renew, "root") == 0, now, error);

    if (status == PINTLE_OK)
        status = update_charter(stage, error);
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
    if (strcmp(role, "root") != 0 && strcmp(role, "targets") != 0 && pti_stage_zone(stage, role) == NULL)
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "there is no zone \"%.63s\" to renew; see `pintle zone list` (snapshot and timestamp are renewed by "
            "publishing)",
            role);
    return update(stage, role, now, error);
}
