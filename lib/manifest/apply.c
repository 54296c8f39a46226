/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/apply.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tuf/verify.h"

/* Do the timestamp and the snapshot of accepted still verify under root?  PINTLE_ERR_MEMORY is no "no". */
static enum pintle_status baseline_holds(const struct pti_generation *accepted, const struct pti_tuf_metadata *root,
                                         bool *holds, struct pti_error *error)
{
    const struct pti_tuf_metadata *files[] = {accepted->timestamp, accepted->snapshot};

    *holds = true;
    if (accepted->root_version == root->version)
        return PINTLE_OK; /* it was verified under this very root */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        enum pintle_status status = pti_tuf_verify(files[i], &root->roles[files[i]->type], &root->keys,
                                                   pti_tuf_type_name(files[i]->type), error);
        if (status == PINTLE_ERR_TRUST)
            *holds = false;
        else if (status != PINTLE_OK)
            return status;
    }
    return PINTLE_OK;
}

static enum pintle_status check_rollback(const struct pti_generation *accepted, const struct pti_generation *next,
                                         const struct pti_tuf_metadata *next_root, struct pti_error *error)
{
    bool holds;
    enum pintle_status status = baseline_holds(accepted, next_root, &holds, error);

    if (status != PINTLE_OK || !holds)
        return status;
    status = pti_tuf_timestamp_succeeds(accepted->timestamp, next->timestamp, error);
    return status == PINTLE_OK ? pti_tuf_snapshot_succeeds(accepted->snapshot, next->snapshot, error) : status;
}

static enum pintle_status zone_rolled_back(const char *zone, int64_t had, int64_t has, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_TRUST,
                    "zone %s: version %" PRId64 " is older than version %" PRId64 " which was accepted (rollback)",
                    zone, has, had);
}

static bool signers_hold(const struct pti_tuf_signers *signers, const struct pti_tuf_keys *keys,
                         const uint8_t identity[PINTLE_SHA256_SIZE])
{
    for (size_t i = 0; i < signers->count; i++) {
        const struct pti_tuf_key *key = &keys->items[signers->keys[i]];
        if (key->identified && memcmp(key->identity, identity, PINTLE_SHA256_SIZE) == 0)
            return true;
    }
    return false;
}

/* Rule 4 for a zone that was dropped and comes back. */
static enum pintle_status check_past_zone(const struct pti_past_zone *past, const struct pti_generation *next,
                                          const struct pti_generation_zone *zone, struct pti_error *error)
{
    size_t kept = 0;

    if (zone->zone.version >= past->version)
        return PINTLE_OK;
    for (size_t i = 0; i < past->identity_count; i++)
        if (signers_hold(&zone->delegation->signers, &next->targets->keys, past->identities[i]))
            kept++;
    if (kept < zone->delegation->signers.threshold)
        return PINTLE_OK;
    return zone_rolled_back(zone->name, past->version, zone->zone.version, error);
}

/* Could those who may sign zone have signed what accepted holds? */
static bool keeps_keys(const struct pti_generation *accepted, const struct pti_generation_zone *had,
                       const struct pti_generation *next, const struct pti_generation_zone *zone)
{
    const struct pti_tuf_signers *signers = &zone->delegation->signers;

    return pti_tuf_signers_shared(signers, &next->targets->keys, &had->delegation->signers, &accepted->targets->keys) >=
           signers->threshold;
}

/* Rule 4: a lower version is taken only from keys that could not have signed the one that was accepted. */
static enum pintle_status check_zone(const struct pti_generation *accepted, const struct pti_generation *next,
                                     const struct pti_generation_zone *zone, struct pti_error *error)
{
    const struct pti_generation_zone *had = pti_generation_zone(accepted, zone->name);

    for (size_t i = 0; had == NULL && i < accepted->past_zone_count; i++)
        if (strcmp(accepted->past_zones[i].name, zone->name) == 0)
            return check_past_zone(&accepted->past_zones[i], next, zone, error);
    if (had == NULL || zone->zone.version >= had->zone.version || !keeps_keys(accepted, had, next, zone))
        return PINTLE_OK;
    return zone_rolled_back(zone->name, had->zone.version, zone->zone.version, error);
}

const struct pti_generation_zone *pti_apply_zone(const struct pti_generation *accepted,
                                                 const struct pti_generation *next,
                                                 const struct pti_generation_zone *zone)
{
    const struct pti_generation_zone *had = pti_generation_zone(accepted, zone->name);

    if (had == NULL)
        return check_zone(accepted, next, zone, NULL) == PINTLE_OK ? zone : NULL;
    return zone->zone.version > had->zone.version || !keeps_keys(accepted, had, next, zone) ? zone : had;
}

enum pintle_status pti_apply_contents(const struct pti_generation *accepted, const struct pti_generation *next,
                                      struct pti_error *error)
{
    enum pintle_status status;

    if (next->targets->version < accepted->targets->version)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "targets: version %" PRId64 " is older than version %" PRId64 " which was accepted (rollback)",
                        next->targets->version, accepted->targets->version);
    status = pti_charter_check_successor(&accepted->charter, &next->charter, error);
    for (size_t i = 0; i < next->zone_count && status == PINTLE_OK; i++)
        status = check_zone(accepted, next, &next->zones[i], error);
    return status;
}

enum pintle_status pti_apply(const struct pti_generation *accepted, const struct pti_generation *next,
                             const struct pti_tuf_metadata *next_root, struct pti_error *error)
{
    enum pintle_status status;

    if (accepted == NULL)
        return PINTLE_OK;
    if (next->root_version < accepted->root_version)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "manifest: verified under root %" PRId64 ", older than root %" PRId64
                        " of the accepted one (rollback)",
                        next->root_version, accepted->root_version);
    status = check_rollback(accepted, next, next_root, error);
    return status == PINTLE_OK ? pti_apply_contents(accepted, next, error) : status;
}

static enum pintle_status remember_zone(struct pti_past_zone *past, const char *name, int64_t version,
                                        size_t identity_max)
{
    memcpy(past->name, name, sizeof past->name);
    past->version = version;
    past->identities = calloc(identity_max + 1, sizeof *past->identities);
    return past->identities != NULL ? PINTLE_OK : PINTLE_ERR_MEMORY;
}

static enum pintle_status remember_dropped(const struct pti_generation *accepted,
                                           const struct pti_generation_zone *zone, struct pti_past_zone *past)
{
    const struct pti_tuf_signers *signers = &zone->delegation->signers;
    enum pintle_status status = remember_zone(past, zone->name, zone->zone.version, signers->count);

    if (status != PINTLE_OK)
        return status;
    for (size_t i = 0; i < signers->count; i++) {
        const struct pti_tuf_key *key = &accepted->targets->keys.items[signers->keys[i]];
        if (key->identified)
            memcpy(past->identities[past->identity_count++], key->identity, PINTLE_SHA256_SIZE);
    }
    return PINTLE_OK;
}

static enum pintle_status copy_past(const struct pti_past_zone *from, struct pti_past_zone *to)
{
    enum pintle_status status = remember_zone(to, from->name, from->version, from->identity_count);

    if (status == PINTLE_OK && from->identity_count > 0) {
        memcpy(to->identities, from->identities, from->identity_count * sizeof *from->identities);
        to->identity_count = from->identity_count;
    }
    return status;
}

/*
 * Replaces what next itself remembers (a shipped one) by what this client knows.  Only the offline threshold adds zones,
 * so the list stays short; when it is full the oldest memory is kept.
 */
static enum pintle_status inherit_past_zones(const struct pti_generation *accepted, struct pti_generation *next)
{
    enum pintle_status status = PINTLE_OK;

    pti_generation_forget_past(next);
    next->past_zones = calloc(accepted->past_zone_count + accepted->zone_count + 1, sizeof *next->past_zones);
    if (next->past_zones == NULL)
        return PINTLE_ERR_MEMORY;
    for (size_t i = 0; i < accepted->past_zone_count && status == PINTLE_OK; i++)
        if (pti_generation_zone(next, accepted->past_zones[i].name) == NULL)
            status = copy_past(&accepted->past_zones[i], &next->past_zones[next->past_zone_count++]);
    for (size_t i = 0; i < accepted->zone_count && status == PINTLE_OK; i++)
        if (pti_generation_zone(next, accepted->zones[i].name) == NULL && next->past_zone_count < PTI_PAST_ZONES_MAX)
            status = remember_dropped(accepted, &accepted->zones[i], &next->past_zones[next->past_zone_count++]);
    return status;
}

enum pintle_status pti_apply_inherit_issued(const struct pti_generation *accepted, struct pti_generation *next,
                                            const struct pti_tuf_metadata *next_root, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (accepted->issued <= next->issued)
        return PINTLE_OK;
    if (accepted->root_version != next_root->version)
        status = pti_tuf_verify(accepted->timestamp, &next_root->roles[PTI_TUF_TIMESTAMP], &next_root->keys,
                                "timestamp", error);
    if (status == PINTLE_OK)
        next->issued = accepted->issued;
    return status == PINTLE_ERR_TRUST ? PINTLE_OK : status;
}

enum pintle_status pti_apply_inherit(const struct pti_generation *accepted, struct pti_generation *next,
                                     const struct pti_tuf_metadata *next_root, struct pti_error *error)
{
    enum pintle_status status;

    if (accepted == NULL)
        return PINTLE_OK;
    status = inherit_past_zones(accepted, next);
    if (status != PINTLE_OK)
        return pti_fail(error, status, "out of memory");
    return pti_apply_inherit_issued(accepted, next, next_root, error);
}
