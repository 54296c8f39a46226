/* SPDX-License-Identifier: Apache-2.0 */
/* Signing the drafts of a stage, and how far that has come. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pin/pinset.h"
#include "publish/stage.h"

/* ---- what a client would reject or ignore ---- */

struct first_notice {
    char line[PTI_ERROR_DETAIL_MAX];
};

static void take_first(void *ctx, const char *line)
{
    struct first_notice *first = ctx;

    if (first->line[0] == '\0')
        (void)pti_copy_text(first->line, sizeof(first->line), line);
}

static enum pintle_status compile(const struct pti_charter *charter, const struct pti_pinset_zone *zones, size_t count,
                                  struct pti_error *error)
{
    struct first_notice first = {""};
    struct pintle_pinset *pinset = NULL;
    const struct pti_pinset_input input = {.charter = charter,
                                           .zones = zones,
                                           .zone_count = count,
                                           .refuse_after = PTI_NEVER,
                                           .notice = take_first,
                                           .notice_ctx = &first};
    enum pintle_status status = pti_pinset_compile(&input, &pinset, error);

    pintle_pinset_free(pinset);
    if (status == PINTLE_OK && first.line[0] != '\0')
        status = pti_fail(error, PINTLE_ERR_INPUT, "refused, for a client would say: %s", first.line);
    return status;
}

enum pintle_status pti_content_check(const struct pti_charter *charter, const struct pti_zone *const *zones,
                                     size_t count, struct pti_error *error)
{
    struct pti_pinset_zone *inputs = calloc(count + 1, sizeof(*inputs));
    enum pintle_status status;

    if (inputs == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", count);
    for (size_t i = 0; i < count; i++)
        inputs[i] = (struct pti_pinset_zone){zones[i], PTI_NEVER, PINTLE_REASON_STALE_REFUSED};
    status = compile(charter, inputs, count, error);
    free(inputs);
    return status;
}

static enum pintle_status check_successor(const struct pti_stage *stage, struct pti_error *error)
{
    struct pti_charter base;
    enum pintle_status status;

    if (stage->base->charter.size == 0)
        return PINTLE_OK;
    status = pti_charter_parse(stage->base->charter, &base, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_charter_check_successor(&base, &stage->charter, error);
    if (status == PINTLE_OK)
        status = pti_charter_check_released(&base, &stage->charter, error);
    pti_charter_clear(&base);
    return status;
}

/* The texts as a client will read them: a value out of range is found here and not after the signatures. */
static enum pintle_status check_texts(const struct pti_stage *stage, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (stage->charter_file.size > 0) {
        struct pti_charter charter;
        status = pti_charter_parse(stage->charter_file, &charter, error);
        if (status == PINTLE_OK)
            pti_charter_clear(&charter);
    }
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++) {
        struct pti_zone zone;
        if (stage->zones[i].file.size == 0)
            continue;
        status = pti_zone_parse(stage->zones[i].file, stage->zones[i].name, &zone, error);
        if (status == PINTLE_OK)
            pti_zone_clear(&zone);
    }
    return status;
}

enum pintle_status pti_stage_check(const struct pti_stage *stage, struct pti_error *error)
{
    const struct pti_zone **zones = calloc(stage->zone_count + 1, sizeof(*zones));
    enum pintle_status status;

    if (zones == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", stage->zone_count);
    for (size_t i = 0; i < stage->zone_count; i++)
        zones[i] = &stage->zones[i].zone;
    status = check_texts(stage, error);
    if (status == PINTLE_OK)
        status = check_successor(stage, error);
    if (status == PINTLE_OK)
        status = pti_content_check(&stage->charter, zones, stage->zone_count, error);
    free(zones);
    return status;
}

/* ---- signing ---- */

/*
 * A draft that the key has signed stays as it is, byte for byte: it may lie in public/ already, where a publication was
 * interrupted, and a file name there has one content for ever.
 */
static enum pintle_status sign_draft(struct pintle_bytes *draft, const struct pti_signing_key *key,
                                     struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pti_buf envelope;
    struct pintle_bytes copy;
    bool has_signed = false;
    enum pintle_status status = pti_envelope_signed_by(*draft, pti_signing_key_public(key), crypto, &has_signed, error);

    if (status != PINTLE_OK || has_signed)
        return status;
    pti_buf_init(&envelope, PTI_TARGETS_SIZE_MAX);
    status = pti_envelope_sign(*draft, key, crypto, &envelope, error);
    if (status == PINTLE_OK && pti_bytes_copy(pti_buf_bytes(&envelope), &copy) != PINTLE_OK)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a draft");
    if (status == PINTLE_OK) {
        pti_bytes_free(draft);
        *draft = copy;
    }
    pti_buf_clear(&envelope);
    return status;
}

/* Signs one draft if there is one and role names the key. */
static enum pintle_status sign_role(struct pti_stage *stage, const char *name, const struct pti_role_keys *role,
                                    struct pintle_bytes *draft, const struct pti_signing_key *key,
                                    struct pti_signed_roles *done, struct pti_error *error)
{
    enum pintle_status status;

    if (draft->size == 0 || pti_role_keys_find(role, pti_signing_key_public(key)->id) == NULL)
        return PINTLE_OK;
    status = sign_draft(draft, key, stage->crypto, error);
    if (status == PINTLE_OK)
        (void)pti_copy_text(done->names[done->count++], sizeof(done->names[0]), name);
    return status;
}

/* A new root is signed by who may sign the old one and by who may sign the new one. */
static enum pintle_status sign_root(struct pti_stage *stage, const struct pti_signing_key *key,
                                    struct pti_signed_roles *done, struct pti_error *error)
{
    const struct pti_role_keys *next = &stage->root_keys[PTI_TUF_ROOT];
    struct pti_role_keys before;
    bool is_new = pti_role_keys_find(next, pti_signing_key_public(key)->id) != NULL;
    enum pintle_status status = pti_role_keys_from_root(pti_published_root(stage->base), "root", &before, error);

    if (status == PINTLE_OK)
        status = sign_role(stage, "root", is_new ? next : &before, &stage->root, key, done, error);
    pti_role_keys_clear(&before);
    return status;
}

enum pintle_status pti_stage_sign(struct pti_stage *stage, const struct pti_signing_key *key,
                                  struct pti_signed_roles *signed_roles, struct pti_error *error)
{
    enum pintle_status status;

    signed_roles->count = 0;
    if (!pti_stage_has_drafts(stage))
        return PINTLE_OK;
    status = pti_stage_check(stage, error);
    if (status == PINTLE_OK)
        status = sign_root(stage, key, signed_roles, error);
    if (status == PINTLE_OK)
        status = sign_role(stage, "targets", &stage->root_keys[PTI_TUF_TARGETS], &stage->targets, key, signed_roles,
                           error);
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        status = sign_role(stage, stage->zones[i].name, &stage->zones[i].keys, &stage->zones[i].draft, key,
                           signed_roles, error);
    return status;
}

/* ---- how far it has come ---- */

static enum pintle_status fill_state(const struct pti_stage *stage, struct pti_role_state *state,
                                     struct pintle_bytes published, struct pintle_bytes draft, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    state->threshold = state->keys.threshold;
    state->has_signed = calloc(state->keys.key_count + 1, sizeof(*state->has_signed));
    if (state->has_signed == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu keys", state->keys.key_count);
    if (published.size > 0)
        status = pti_envelope_dates(published, &state->version, &state->expires, error);
    if (status == PINTLE_OK && draft.size > 0)
        status = pti_envelope_dates(draft, &state->draft_version, &state->draft_expires, error);
    if (status == PINTLE_OK && draft.size > 0)
        status = pti_envelope_signers(draft, &state->keys, stage->crypto, state->has_signed, &state->signatures, error);
    return status;
}

static enum pintle_status top_level_state(const struct pti_stage *stage, enum pti_tuf_type role,
                                          struct pintle_bytes published, struct pintle_bytes draft,
                                          struct pti_role_state *state, struct pti_error *error)
{
    enum pintle_status status = pti_role_keys_copy(&stage->root_keys[role], &state->keys, error);

    (void)pti_copy_text(state->name, sizeof(state->name), pti_tuf_type_name(role));
    return status == PINTLE_OK ? fill_state(stage, state, published, draft, error) : status;
}

/* The signatures of those who may sign the root before; nothing to tell if they are the same people. */
static enum pintle_status old_root_state(const struct pti_stage *stage, struct pti_role_state *state,
                                         struct pti_error *error)
{
    enum pintle_status status;

    if (stage->root.size == 0)
        return PINTLE_OK;
    status = pti_role_keys_from_root(pti_published_root(stage->base), "root", &state->old_keys, error);
    if (status != PINTLE_OK)
        return status;
    if (pti_role_keys_same(&state->old_keys, &state->keys)) {
        pti_role_keys_clear(&state->old_keys);
        return PINTLE_OK;
    }
    state->old_has_signed = calloc(state->old_keys.key_count + 1, sizeof(*state->old_has_signed));
    if (state->old_has_signed == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu keys", state->old_keys.key_count);
    return pti_envelope_signers(stage->root, &state->old_keys, stage->crypto, state->old_has_signed,
                                &state->old_signatures, error);
}

static enum pintle_status zone_state(const struct pti_stage *stage, const struct pti_stage_zone *zone,
                                     struct pti_role_state *state, struct pti_error *error)
{
    const struct pti_published_zone *published = pti_published_zone(stage->base, zone->name);
    enum pintle_status status = pti_role_keys_copy(&zone->keys, &state->keys, error);

    (void)pti_copy_text(state->name, sizeof(state->name), zone->name);
    return status == PINTLE_OK
               ? fill_state(stage, state, published != NULL ? published->role : (struct pintle_bytes){NULL, 0},
                            zone->draft, error)
               : status;
}

enum pintle_status pti_stage_roles(const struct pti_stage *stage, struct pti_role_state **states, size_t *count,
                                   struct pti_error *error)
{
    const struct pti_published *base = stage->base;
    const struct pintle_bytes none = {NULL, 0};
    const struct {
        enum pti_tuf_type role;
        struct pintle_bytes published, draft;
    } top[] = {{PTI_TUF_ROOT, pti_published_root(base), stage->root},
               {PTI_TUF_TIMESTAMP, base->timestamp, none},
               {PTI_TUF_SNAPSHOT, base->snapshot, none},
               {PTI_TUF_TARGETS, base->targets, stage->targets}};
    enum pintle_status status = PINTLE_OK;

    *count = 0;
    *states = calloc(4 + stage->zone_count, sizeof(**states));
    if (*states == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu roles", 4 + stage->zone_count);
    for (size_t i = 0; i < 4 && status == PINTLE_OK; i++)
        status = top_level_state(stage, top[i].role, top[i].published, top[i].draft, &(*states)[(*count)++], error);
    if (status == PINTLE_OK)
        status = old_root_state(stage, &(*states)[0], error);
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        status = zone_state(stage, &stage->zones[i], &(*states)[(*count)++], error);
    if (status != PINTLE_OK) {
        pti_role_states_free(*states, *count);
        *states = NULL;
        *count = 0;
    }
    return status;
}

void pti_role_states_free(struct pti_role_state *states, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pti_role_keys_clear(&states[i].keys);
        pti_role_keys_clear(&states[i].old_keys);
        free(states[i].has_signed);
        free(states[i].old_has_signed);
    }
    free(states);
}

static int64_t shortfall(int64_t signatures, int64_t threshold)
{
    return signatures < threshold ? threshold - signatures : 0;
}

int64_t pti_role_state_missing(const struct pti_role_state *state)
{
    int64_t missing = shortfall(state->signatures, state->threshold);
    int64_t old_missing = shortfall(state->old_signatures, state->old_keys.threshold);

    if (state->draft_version == 0)
        return 0;
    return old_missing > missing ? old_missing : missing;
}

void pti_role_state_describe(const struct pti_role_state *state, char *out, size_t size)
{
    if (state->old_keys.key_count == 0)
        (void)snprintf(out, size, "%" PRId64 " of %" PRId64 " signatures", state->signatures, state->threshold);
    else
        (void)snprintf(out, size,
                       "%" PRId64 " of %" PRId64 " signatures of the old keys and %" PRId64 " of %" PRId64
                       " of the new ones",
                       state->old_signatures, state->old_keys.threshold, state->signatures, state->threshold);
}
