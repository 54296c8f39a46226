/* SPDX-License-Identifier: Apache-2.0 */
/* From a signed stage to files, in memory.  The contract is in publish/publish.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "publish/bundle.h"
#include "publish/online.h"
#include "publish/publish.h"
#include "publish/root_history.h"

#define DAY_S INT64_C(86400)

/* ---- thresholds ---- */

/* "1a2b3c..., 4d5e6f...", the keys that have not signed, as far as it fits. */
static void list_missing(const struct pti_role_keys *keys, const bool *has_signed, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < keys->key_count && used + 24 < size; i++) {
        if (has_signed[i])
            continue;
        used += pti_copy_text(out + used, size - used, used > 0 ? ", " : "");
        memcpy(out + used, keys->keys[i].id, 16);
        used += 16;
        out[used] = '\0';
    }
}

static enum pintle_status check_draft(const struct pti_role_state *state, int64_t now, struct pti_error *error)
{
    bool old = state->old_signatures < state->old_keys.threshold;
    char missing[160], signatures[128];

    if (state->draft_version == 0)
        return PINTLE_OK;
    if (pti_role_state_missing(state) > 0) {
        pti_role_state_describe(state, signatures, sizeof(signatures));
        list_missing(old ? &state->old_keys : &state->keys, old ? state->old_has_signed : state->has_signed, missing,
                     sizeof(missing));
        return pti_fail(error, PINTLE_ERR_TRUST, "%s: %s; sign it with `pintle sign --key FILE`, keys not used yet: %s",
                        state->name, signatures, missing);
    }
    if (state->draft_expires <= now)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "%s: the draft expired before it was published; edit or renew it, and sign "
                        "it again",
                        state->name);
    return PINTLE_OK;
}

static enum pintle_status check_thresholds(const struct pti_stage *stage, int64_t now, struct pti_error *error)
{
    struct pti_role_state *states = NULL;
    size_t count = 0;
    enum pintle_status status = pti_stage_roles(stage, &states, &count, error);

    for (size_t i = 0; i < count && status == PINTLE_OK; i++)
        status = check_draft(&states[i], now, error);
    pti_role_states_free(states, count);
    return status;
}

/* ---- the next state ---- */

static struct pintle_bytes either(struct pintle_bytes first, struct pintle_bytes second)
{
    return first.size > 0 ? first : second;
}

static enum pintle_status next_zone(const struct pti_stage *stage, const struct pti_stage_zone *zone,
                                    struct pti_published_zone *next, struct pti_error *error)
{
    const struct pti_published_zone *old = pti_published_zone(stage->base, zone->name);
    const struct pti_published_zone none = {.role_version = 0};
    int64_t expires;

    if (old == NULL)
        old = &none;
    (void)pti_copy_text(next->name, sizeof(next->name), zone->name);
    next->delegated = true;
    next->role_version = old->role_version;
    next->role = either(zone->draft, old->role);
    next->file = either(zone->file, old->file);
    return zone->draft.size > 0 ? pti_envelope_dates(zone->draft, &next->role_version, &expires, error) : PINTLE_OK;
}

/* The published roots and the staged one. */
static enum pintle_status next_roots(const struct pti_publish_input *input, struct pti_published *next,
                                     struct pti_error *error)
{
    const struct pti_published *current = input->current;

    next->roots = calloc(current->root_count + 1, sizeof(*next->roots));
    if (next->roots == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu roots", current->root_count + 1);
    for (size_t i = 0; i < current->root_count; i++)
        next->roots[i] = current->roots[i];
    if (input->stage->root.size > 0)
        next->roots[next->root_count++] = input->stage->root;
    return PINTLE_OK;
}

/* All bytes are borrowed from current and stage; the caller frees next->roots and next->zones alone. */
static enum pintle_status next_content(const struct pti_publish_input *input, struct pti_published *next,
                                       struct pti_error *error)
{
    const struct pti_published *current = input->current;
    const struct pti_stage *stage = input->stage;
    enum pintle_status status = PINTLE_OK;
    int64_t expires;

    *next = *current;
    next->zones = NULL;
    status = next_roots(input, next, error);
    if (status != PINTLE_OK)
        return status;
    next->targets = either(stage->targets, current->targets);
    next->charter = either(stage->charter_file, current->charter);
    next->zone_count = 0;
    next->zones = calloc(stage->zone_count + current->zone_count + 1, sizeof(*next->zones));
    if (next->zones == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", stage->zone_count);
    if (stage->targets.size > 0)
        status = pti_envelope_dates(stage->targets, &next->targets_version, &expires, error);
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        status = next_zone(stage, &stage->zones[i], &next->zones[next->zone_count++], error);
    for (size_t i = 0; i < current->zone_count && status == PINTLE_OK; i++) {
        if (pti_stage_zone(stage, current->zones[i].name) != NULL)
            continue;
        next->zones[next->zone_count] = current->zones[i];
        next->zones[next->zone_count++].delegated = false;
    }
    return status;
}

/*
 * Numbers of timestamp and snapshot go on from what is published, or start again after the old online keys.  A file name
 * has one content for ever, as caches hold it, so a snapshot starts again at the lowest number that was never used.
 */
static enum pintle_status next_versions(const struct pti_publish_input *input, struct pti_published *next,
                                        struct pti_error *error)
{
    const struct pti_published *current = input->current;
    struct pti_tuf_metadata *before = NULL, *after = NULL;
    size_t version = 0;
    enum pintle_status status = PINTLE_OK;

    next->snapshot_version = current->snapshot_floor + 1;
    next->timestamp_version = current->timestamp_version + 1;
    if (current->timestamp.size > 0)
        status = pti_root_history_accepting(current, input->crypto, &version, error);
    if (status != PINTLE_OK || version == 0 || version == next->root_count)
        return status;
    status = pti_tuf_metadata_parse(next->roots[version - 1], PTI_TUF_ROOT, input->crypto, &before, error);
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse(pti_published_root(next), PTI_TUF_ROOT, input->crypto, &after, error);
    if (status == PINTLE_OK && pti_root_history_restarts(before, after)) {
        next->timestamp_version = 1;
        if (input->source != NULL)
            status = pti_published_free_snapshot(input->source, &next->snapshot_version, error);
    }
    pti_tuf_metadata_free(before);
    pti_tuf_metadata_free(after);
    return status;
}

static enum pintle_status next_snapshot(const struct pti_publish_input *input, struct pti_published *next,
                                        struct pti_error *error)
{
    struct pti_snapshot_entry *entries = calloc(next->zone_count + 1, sizeof(*entries));
    struct pti_snapshot_fields fields = {.version = next->snapshot_version,
                                         .expires = input->now + input->stage->days.snapshot * DAY_S,
                                         .entries = entries,
                                         .entry_count = next->zone_count + 1};
    enum pintle_status status;

    if (entries == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", next->zone_count);
    entries[0].role = "targets";
    status = pti_file_meta_of(input->crypto, next->targets, next->targets_version, &entries[0].file, error);
    for (size_t i = 0; i < next->zone_count && status == PINTLE_OK; i++) {
        entries[i + 1].role = next->zones[i].name;
        status = pti_file_meta_of(input->crypto, next->zones[i].role, next->zones[i].role_version, &entries[i + 1].file,
                                  error);
    }
    next->snapshot = (struct pintle_bytes){NULL, 0};
    if (status == PINTLE_OK)
        status = pti_online_snapshot(&fields, pti_published_root(next), input->keys, input->crypto, &next->snapshot,
                                     error);
    free(entries);
    return status;
}

static enum pintle_status next_timestamp(const struct pti_publish_input *input, struct pti_published *next,
                                         struct pti_error *error)
{
    struct pti_timestamp_fields fields = {.version = next->timestamp_version,
                                          .expires = input->now + input->stage->days.timestamp * DAY_S,
                                          .issued = input->now};
    enum pintle_status status = pti_file_meta_of(input->crypto, next->snapshot, next->snapshot_version,
                                                 &fields.snapshot, error);

    next->timestamp = (struct pintle_bytes){NULL, 0};
    return status == PINTLE_OK ? pti_online_timestamp(&fields, pti_published_root(next), input->keys, input->crypto,
                                                      &next->timestamp, error)
                               : status;
}

/* ---- files ---- */

static enum pintle_status add_hashed(struct pti_output *output, const char *folder, const char *suffix,
                                     struct pintle_bytes bytes, struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pti_file_meta meta;
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    enum pintle_status status = pti_file_meta_of(crypto, bytes, 0, &meta, error);

    if (status != PINTLE_OK)
        return status;
    pti_hex_encode(meta.sha256, sizeof(meta.sha256), hex);
    return pti_output_add(output, bytes, error, "public/%s%s%s", folder, hex, suffix);
}

static enum pintle_status add_bundle(struct pti_output *output, struct pti_buf *buf, enum pintle_status status,
                                     struct pti_error *error, const char *path)
{
    if (status == PINTLE_OK)
        status = pti_output_add(output, pti_buf_bytes(buf), error, "%s", path);
    pti_buf_clear(buf);
    return status;
}

static enum pintle_status add_body(const struct pti_published *next, struct pintle_crypto *crypto,
                                   struct pti_output *output, struct pti_error *error)
{
    struct pti_file_meta meta;
    struct pti_buf buf;
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    enum pintle_status status = pti_bundle_body(next, &buf, error);

    if (status == PINTLE_OK)
        status = pti_file_meta_of(crypto, next->snapshot, 0, &meta, error);
    if (status == PINTLE_OK) {
        pti_hex_encode(meta.sha256, sizeof(meta.sha256), hex);
        status = pti_output_add(output, pti_buf_bytes(&buf), error, "public/body/%s", hex);
    }
    pti_buf_clear(&buf);
    return status;
}

static enum pintle_status add_heads(const struct pti_published *next, struct pti_output *output,
                                    struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t n = pti_bundle_first_head(next); n <= next->root_count && status == PINTLE_OK; n++) {
        struct pti_buf buf;
        status = pti_bundle_head(next, n, &buf, error);
        if (status == PINTLE_OK)
            status = pti_output_add(output, pti_buf_bytes(&buf), error, "public/head/%zu", n);
        pti_buf_clear(&buf);
    }
    return status;
}

/*
 * Body before the timestamp, heads last: nothing is named before it is there, and an old head stays good meanwhile.  New
 * roots right before the timestamp: whoever reads the plain files takes a new root, and then only what it accepts.
 */
enum pintle_status pti_publish_bundles(const struct pti_published *next, size_t roots_before,
                                       struct pti_generation *generation, struct pintle_crypto *crypto,
                                       struct pti_output *output, struct pti_error *error)
{
    struct pti_buf buf;
    enum pintle_status status = add_body(next, crypto, output, error);

    for (size_t i = roots_before; i < next->root_count && status == PINTLE_OK; i++)
        status = pti_output_add(output, next->roots[i], error, "public/metadata/%zu.root.json", i + 1);
    if (status == PINTLE_OK)
        status = pti_output_add(output, next->timestamp, error, "public/metadata/timestamp.json");
    if (status == PINTLE_OK)
        status = add_bundle(output, &buf, pti_bundle_roots(next, &buf, error), error, "app/roots");
    generation->shipped = true;
    if (status == PINTLE_OK)
        status = add_bundle(output, &buf, pti_bundle_shipped(generation, &buf, error), error, "app/shipped");
    return status == PINTLE_OK ? add_heads(next, output, error) : status;
}

static enum pintle_status add_content(const struct pti_publish_input *input, const struct pti_published *next,
                                      struct pti_output *output, struct pti_error *error)
{
    const struct pti_stage *stage = input->stage;
    enum pintle_status status = PINTLE_OK;
    char suffix[80] = ".";

    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++) {
        size_t used = 1 + pti_copy_text(suffix + 1, sizeof(suffix) - 1, stage->zones[i].name);
        (void)pti_copy_text(suffix + used, sizeof(suffix) - used, ".json");
        if (stage->zones[i].file.size > 0)
            status = add_hashed(output, "targets/zones/", suffix, stage->zones[i].file, input->crypto, error);
    }
    if (status == PINTLE_OK && stage->charter_file.size > 0)
        status = add_hashed(output, "targets/", ".charter.json", stage->charter_file, input->crypto, error);
    for (size_t i = 0; i < next->zone_count && status == PINTLE_OK; i++) {
        const struct pti_stage_zone *zone = pti_stage_zone(stage, next->zones[i].name);
        if (zone != NULL && zone->draft.size > 0)
            status = pti_output_add(output, zone->draft, error, "public/metadata/%" PRId64 ".%s.json",
                                    next->zones[i].role_version, zone->name);
    }
    if (status == PINTLE_OK && stage->targets.size > 0)
        status = pti_output_add(output, stage->targets, error, "public/metadata/%" PRId64 ".targets.json",
                                next->targets_version);
    if (status == PINTLE_OK)
        status = pti_output_add(output, next->snapshot, error, "public/metadata/%" PRId64 ".snapshot.json",
                                next->snapshot_version);
    return status;
}

enum pintle_status pti_publish_assemble(const struct pti_publish_input *input, struct pti_output *output,
                                        struct pti_error *error)
{
    struct pti_generation *generation = NULL;
    struct pti_published next;
    enum pintle_status status = check_thresholds(input->stage, input->now, error);

    if (status == PINTLE_OK)
        status = pti_stage_check(input->stage, error);
    if (status != PINTLE_OK)
        return status;
    status = next_content(input, &next, error);
    next.snapshot = next.timestamp = (struct pintle_bytes){NULL, 0};
    if (status == PINTLE_OK)
        status = next_versions(input, &next, error);
    if (status == PINTLE_OK)
        status = next_snapshot(input, &next, error);
    if (status == PINTLE_OK)
        status = next_timestamp(input, &next, error);
    if (status == PINTLE_OK)
        status = pti_publish_check(input->current, &next, input->now, input->clock_is_right, input->crypto, &generation,
                                   error);
    if (status == PINTLE_OK)
        status = add_content(input, &next, output, error);
    if (status == PINTLE_OK)
        status = pti_publish_bundles(&next, input->current->timestamp.size > 0 ? input->current->root_count : 0,
                                     generation, input->crypto, output, error);
    if (status != PINTLE_OK)
        pti_output_clear(output);
    pti_generation_free(generation);
    pti_bytes_free(&next.snapshot);
    pti_bytes_free(&next.timestamp);
    free(next.roots);
    free(next.zones);
    return status;
}
