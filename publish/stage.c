/* SPDX-License-Identifier: Apache-2.0 */
/* A stage as a value: made over what is published, kept in files.  The contract is in publish/stage.h. */
#include "publish/stage_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/draft.h"
#include "publish/output.h"

#define STAGE_PATH_MAX 128

/* ---- made over what is published ---- */

/* Editing writes back what parsing kept: what a newer version added would be lost without a word. */
static enum pintle_status check_lossless(struct pintle_bytes published, const struct pti_buf *written, const char *what,
                                         struct pti_error *error)
{
    enum pintle_status status = pti_buf_check(written, error, what);

    if (status != PINTLE_OK || pti_bytes_equal(published, pti_buf_bytes(written)))
        return status;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "the published %s holds something that this version of pintle would lose; edit it with the version "
                    "that wrote it",
                    what);
}

static enum pintle_status init_charter(struct pti_stage *stage, struct pti_error *error)
{
    struct pti_buf written;
    enum pintle_status status;

    pti_charter_init(&stage->charter);
    if (stage->base->charter.size == 0)
        return PINTLE_OK;
    status = pti_charter_parse(stage->base->charter, &stage->charter, error);
    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&written, PTI_CHARTER_SIZE_MAX);
    pti_charter_write(&stage->charter, &written);
    status = check_lossless(stage->base->charter, &written, "charter", error);
    pti_buf_clear(&written);
    return status;
}

struct pti_stage_zone *pti_stage_zone(const struct pti_stage *stage, const char *zone)
{
    for (size_t i = 0; i < stage->zone_count; i++)
        if (strcmp(stage->zones[i].name, zone) == 0)
            return &stage->zones[i];
    return NULL;
}

/* Appends an empty zone with a copy of keys. */
enum pintle_status pti_stage_append_zone(struct pti_stage *stage, const char *name, const struct pti_role_keys *keys,
                                         struct pti_stage_zone **zone, struct pti_error *error)
{
    struct pti_stage_zone *grown = realloc(stage->zones, (stage->zone_count + 1) * sizeof(*grown));
    enum pintle_status status;

    if (grown == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", stage->zone_count + 1);
    stage->zones = grown;
    *zone = &grown[stage->zone_count];
    memset(*zone, 0, sizeof(**zone));
    (void)pti_copy_text((*zone)->name, sizeof((*zone)->name), name);
    pti_zone_init(&(*zone)->zone, name);
    status = pti_role_keys_copy(keys, &(*zone)->keys, error);
    if (status == PINTLE_OK)
        stage->zone_count++;
    return status;
}

static void clear_zone(struct pti_stage_zone *zone)
{
    pti_zone_clear(&zone->zone);
    pti_role_keys_clear(&zone->keys);
    pti_bytes_free(&zone->draft);
    pti_bytes_free(&zone->file);
}

void pti_stage_drop_zone(struct pti_stage *stage, struct pti_stage_zone *zone)
{
    size_t after = (size_t)(stage->zones + stage->zone_count - zone) - 1;

    clear_zone(zone);
    memmove(zone, zone + 1, after * sizeof(*zone));
    stage->zone_count--;
}

static enum pintle_status init_zone(struct pti_stage *stage, const struct pti_delegation *delegation,
                                    struct pti_error *error)
{
    const struct pti_published_zone *published = pti_published_zone(stage->base, delegation->zone);
    struct pti_stage_zone *zone;
    struct pti_buf written;
    enum pintle_status status = pti_stage_append_zone(stage, delegation->zone, &delegation->keys, &zone, error);

    if (status != PINTLE_OK || published == NULL)
        return status;
    pti_zone_clear(&zone->zone);
    status = pti_zone_parse(published->file, zone->name, &zone->zone, error);
    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&written, PTI_ZONE_SIZE_MAX);
    pti_zone_write(&zone->zone, &written);
    status = check_lossless(published->file, &written, zone->name, error);
    pti_buf_clear(&written);
    return status;
}

/* The zones of a targets file, or none; those that are there already keep their content. */
static enum pintle_status init_zones(struct pti_stage *stage, struct pintle_bytes targets, struct pti_error *error)
{
    struct pti_delegation *delegations = NULL;
    size_t count = 0;
    enum pintle_status status = PINTLE_OK;

    if (targets.size > 0)
        status = pti_delegations_from_targets(targets, &delegations, &count, error);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++)
        status = init_zone(stage, &delegations[i], error);
    pti_delegations_free(delegations, count);
    return status;
}

enum pintle_status pti_stage_init(struct pti_stage *stage, const struct pti_published *base,
                                  const struct pti_expiry_days *days, struct pintle_crypto *crypto,
                                  struct pti_error *error)
{
    enum pintle_status status;

    memset(stage, 0, sizeof(*stage));
    stage->base = base;
    stage->days = *days;
    stage->crypto = crypto;
    status = pti_stage_init_root(stage, error);
    if (status == PINTLE_OK)
        status = init_charter(stage, error);
    if (status == PINTLE_OK)
        status = init_zones(stage, base->targets, error);
    if (status != PINTLE_OK)
        pti_stage_clear(stage);
    return status;
}

void pti_stage_clear(struct pti_stage *stage)
{
    for (size_t i = 0; i < stage->zone_count; i++)
        clear_zone(&stage->zones[i]);
    free(stage->zones);
    pti_charter_clear(&stage->charter);
    for (size_t i = 0; i < PTI_TUF_TYPES; i++)
        pti_role_keys_clear(&stage->root_keys[i]);
    pti_bytes_free(&stage->root);
    pti_bytes_free(&stage->targets);
    pti_bytes_free(&stage->charter_file);
    memset(stage, 0, sizeof(*stage));
}

bool pti_stage_has_drafts(const struct pti_stage *stage)
{
    bool drafts = stage->root.size > 0 || stage->targets.size > 0;

    for (size_t i = 0; i < stage->zone_count; i++)
        drafts = drafts || stage->zones[i].draft.size > 0;
    return drafts;
}

/* ---- kept in files ---- */

/* What is wrong with a file of the stage, which it is, and the two ways out. */
static enum pintle_status damaged(const char *folder, const char *name, enum pintle_status status,
                                  struct pti_error *error)
{
    if (status != PINTLE_ERR_INPUT || error == NULL)
        return status;
    return pti_fail(error, status,
                    "stage/%s%s.json: %.300s; put back a copy, or throw the draft away: `pintle stage drop`", folder,
                    name, error->detail);
}

/* Absent is PINTLE_OK with data empty.  No file of a stage is empty when it is written, so one that is was damaged. */
static enum pintle_status read_part(const struct pti_file_source *source, const char *folder, const char *name,
                                    size_t max, struct pintle_bytes *data, struct pti_error *error)
{
    char path[STAGE_PATH_MAX];
    bool found = false;
    enum pintle_status status;

    (void)snprintf(path, sizeof(path), "%s%s.json", folder, name);
    status = source->read(source->ctx, path, max, data, &found, error);
    if (status == PINTLE_OK && found && data->size == 0)
        status = damaged(folder, name, pti_fail(error, PINTLE_ERR_INPUT, "expected JSON, found an empty file"), error);
    return status;
}

/*
 * Was all of a staged file understood?  The next edit writes back what was: a pin of a kind that another version knows
 * would be gone, and signed without.  White space and the order of members do not matter.
 */
static enum pintle_status check_understood(struct pintle_bytes text, const struct pti_buf *written,
                                           struct pti_error *error)
{
    struct pti_buf found, kept;
    enum pintle_status status = pti_buf_check(written, error, "a staged file");

    if (status != PINTLE_OK || pti_bytes_equal(text, pti_buf_bytes(written)))
        return status;
    pti_buf_init(&found, PTI_CHARTER_SIZE_MAX);
    pti_buf_init(&kept, PTI_CHARTER_SIZE_MAX);
    status = pti_draft_canonical(text, false, &found, error);
    if (status == PINTLE_OK)
        status = pti_draft_canonical(pti_buf_bytes(written), false, &kept, error);
    if (status == PINTLE_OK && !pti_bytes_equal(pti_buf_bytes(&found), pti_buf_bytes(&kept)))
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "expected what this version of pintle writes, found more or another order, which the next "
                          "edit would lose");
    pti_buf_clear(&found);
    pti_buf_clear(&kept);
    return status;
}

static enum pintle_status parse_charter(struct pintle_bytes text, struct pti_charter *charter, struct pti_error *error)
{
    struct pti_buf written;
    enum pintle_status status = pti_charter_parse(text, charter, error);

    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&written, PTI_CHARTER_SIZE_MAX);
    pti_charter_write(charter, &written);
    status = check_understood(text, &written, error);
    pti_buf_clear(&written);
    if (status != PINTLE_OK)
        pti_charter_clear(charter);
    return status;
}

static enum pintle_status parse_zone(struct pintle_bytes text, const char *name, struct pti_zone *zone,
                                     struct pti_error *error)
{
    struct pti_buf written;
    enum pintle_status status = pti_zone_parse(text, name, zone, error);

    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&written, PTI_ZONE_SIZE_MAX);
    pti_zone_write(zone, &written);
    status = check_understood(text, &written, error);
    pti_buf_clear(&written);
    if (status != PINTLE_OK)
        pti_zone_clear(zone);
    return status;
}

static enum pintle_status load_charter(struct pti_stage *stage, const struct pti_file_source *source,
                                       struct pti_error *error)
{
    struct pti_charter staged;
    struct pintle_bytes text = {NULL, 0};
    enum pintle_status status = read_part(source, "", "charter", PTI_CHARTER_SIZE_MAX, &text, error);

    if (status != PINTLE_OK || text.size == 0)
        return status;
    status = damaged("", "charter", parse_charter(text, &staged, error), error);
    pti_bytes_free(&text);
    if (status != PINTLE_OK)
        return status;
    pti_charter_clear(&stage->charter);
    stage->charter = staged;
    return PINTLE_OK;
}

/* A draft whose content does not fit any more is made anew; one that is no metadata was damaged. */
static enum pintle_status check_draft(const char *name, struct pintle_bytes draft, struct pti_error *error)
{
    int64_t version, expires;

    return draft.size == 0 ? PINTLE_OK
                           : damaged("metadata/", name, pti_envelope_dates(draft, &version, &expires, error), error);
}

static enum pintle_status load_zone(struct pti_stage_zone *zone, const struct pti_file_source *source,
                                    struct pti_error *error)
{
    struct pti_zone staged;
    struct pintle_bytes text = {NULL, 0};
    enum pintle_status status = read_part(source, "zones/", zone->name, PTI_ZONE_SIZE_MAX, &text, error);

    if (status == PINTLE_OK && text.size > 0) {
        status = damaged("zones/", zone->name, parse_zone(text, zone->name, &staged, error), error);
        pti_bytes_free(&text);
        if (status == PINTLE_OK) {
            pti_zone_clear(&zone->zone);
            zone->zone = staged;
        }
    }
    if (status == PINTLE_OK)
        status = read_part(source, "metadata/", zone->name, PTI_TARGETS_SIZE_MAX, &zone->draft, error);
    return status == PINTLE_OK ? check_draft(zone->name, zone->draft, error) : status;
}

static enum pintle_status load_root(struct pti_stage *stage, const struct pti_file_source *source,
                                    struct pti_error *error)
{
    struct pintle_bytes draft = {NULL, 0};
    enum pintle_status status = read_part(source, "metadata/", "root", PTI_ROOT_SIZE_MAX, &draft, error);

    if (status == PINTLE_OK && draft.size > 0)
        status = damaged("metadata/", "root", pti_stage_take_root(stage, draft, error), error);
    pti_bytes_free(&draft);
    return status;
}

/* A targets draft says which zones there will be; only it knows of zones that are not published yet. */
static enum pintle_status load_targets(struct pti_stage *stage, const struct pti_file_source *source,
                                       struct pti_error *error)
{
    enum pintle_status status = read_part(source, "metadata/", "targets", PTI_TARGETS_SIZE_MAX, &stage->targets, error);

    if (status == PINTLE_OK)
        status = check_draft("targets", stage->targets, error);
    if (status != PINTLE_OK || stage->targets.size == 0)
        return status;
    while (stage->zone_count > 0)
        pti_stage_drop_zone(stage, &stage->zones[stage->zone_count - 1]);
    return damaged("metadata/", "targets", init_zones(stage, stage->targets, error), error);
}

enum pintle_status pti_stage_load(struct pti_stage *stage, const struct pti_file_source *source, int64_t now,
                                  struct pti_error *error)
{
    enum pintle_status status = load_root(stage, source, error);

    if (status == PINTLE_OK)
        status = load_targets(stage, source, error);
    if (status == PINTLE_OK)
        status = load_charter(stage, source, error);
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        status = load_zone(&stage->zones[i], source, error);
    return status == PINTLE_OK ? pti_stage_update(stage, now, error) : status;
}

enum pintle_status pti_stage_write(const struct pti_stage *stage, struct pti_output *output, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (stage->charter_file.size > 0)
        status = pti_output_add(output, stage->charter_file, error, "charter.json");
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        if (stage->zones[i].file.size > 0)
            status = pti_output_add(output, stage->zones[i].file, error, "zones/%s.json", stage->zones[i].name);
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        if (stage->zones[i].draft.size > 0)
            status = pti_output_add(output, stage->zones[i].draft, error, "metadata/%s.json", stage->zones[i].name);
    if (status == PINTLE_OK && stage->targets.size > 0)
        status = pti_output_add(output, stage->targets, error, "metadata/targets.json");
    if (status == PINTLE_OK && stage->root.size > 0)
        status = pti_output_add(output, stage->root, error, "metadata/root.json");
    return status;
}
