/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/trusted.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "tuf/verify.h"

void pti_trusted_init(struct pti_trusted *set, struct pintle_crypto *crypto, const struct pti_tuf_metadata *root,
                      int64_t local_clock)
{
    *set = (struct pti_trusted){.crypto = crypto, .root = root, .local_clock = local_clock, .now = local_clock};
}

void pti_trusted_clear(struct pti_trusted *set)
{
    pti_tuf_metadata_free(set->timestamp);
    pti_tuf_metadata_free(set->snapshot);
    for (size_t i = 0; i < set->role_count; i++)
        pti_tuf_metadata_free(set->roles[i].metadata);
    free(set->roles);
    set->timestamp = set->snapshot = NULL;
    set->roles = NULL;
    set->role_count = 0;
    set->baseline_timestamp = set->baseline_snapshot = NULL;
}

static enum pintle_status check_expiry(const struct pti_trusted *set, const struct pti_tuf_metadata *metadata,
                                       const char *who, struct pti_error *error)
{
    char expired[PTI_DATETIME_SIZE + 1], now[PTI_DATETIME_SIZE + 1];

    if (set->waive_expiry || set->now < metadata->expires)
        return PINTLE_OK;
    pti_datetime_format(metadata->expires, expired);
    pti_datetime_format(set->now, now);
    return pti_fail(error, PINTLE_ERR_TRUST, "%s: version %" PRId64 " expired at %s (it is %s)", who, metadata->version,
                    expired, now);
}

static enum pintle_status verify_top_level(const struct pti_trusted *set, const struct pti_tuf_metadata *metadata,
                                           struct pti_error *error)
{
    return pti_tuf_verify(metadata, &set->root->roles[metadata->type], &set->root->keys,
                          pti_tuf_type_name(metadata->type), error);
}

enum pintle_status pti_trusted_check_root(const struct pti_trusted *set, struct pti_error *error)
{
    return check_expiry(set, set->root, "root", error);
}

enum pintle_status pti_trusted_set_baseline(struct pti_trusted *set, const struct pti_tuf_metadata *timestamp,
                                            const struct pti_tuf_metadata *snapshot, int64_t issued,
                                            int64_t verified_root, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (verified_root != set->root->version)
        status = verify_top_level(set, timestamp, error);
    if (status == PINTLE_OK && issued > set->now)
        set->now = issued;
    if (status == PINTLE_OK && verified_root != set->root->version)
        status = verify_top_level(set, snapshot, error);
    if (status == PINTLE_ERR_TRUST)
        return PINTLE_OK;
    if (status != PINTLE_OK)
        return status;
    set->baseline_timestamp = timestamp;
    set->baseline_snapshot = snapshot;
    return PINTLE_OK;
}

const struct pti_tuf_metadata *pti_trusted_timestamp(const struct pti_trusted *set)
{
    return set->timestamp != NULL ? set->timestamp : set->baseline_timestamp;
}

/* An issue time far ahead is a wrong clock on one side; taking it would let one bad timestamp expire everything. */
static void take_issue_time(struct pti_trusted *set, int64_t issued)
{
    if (issued > set->now && issued <= set->local_clock + PTI_CLOCK_AHEAD_MAX_S)
        set->now = issued;
}

/* Everything about a new timestamp but its signature; may raise set->now, which the caller undoes on failure. */
static enum pintle_status check_timestamp(struct pti_trusted *set, const struct pti_tuf_metadata *next,
                                          struct pti_error *error)
{
    enum pintle_status status;

    take_issue_time(set, next->issued);
    status = check_expiry(set, next, "timestamp", error);
    return status == PINTLE_OK ? pti_trusted_check_root(set, error) : status;
}

/* The very bytes that verified under this root: their signatures are not looked at again, everything else is. */
static enum pintle_status keep_timestamp(struct pti_trusted *set, const struct pti_tuf_metadata *previous,
                                         struct pti_error *error)
{
    int64_t now_before = set->now;
    enum pintle_status status = check_timestamp(set, previous, error);

    if (status != PINTLE_OK)
        set->now = now_before;
    return status;
}

enum pintle_status pti_trusted_update_timestamp(struct pti_trusted *set, struct pintle_bytes bytes,
                                                struct pti_error *error)
{
    const struct pti_tuf_metadata *previous = pti_trusted_timestamp(set);
    struct pti_tuf_metadata *next;
    int64_t now_before = set->now;
    enum pintle_status status;
    bool equal = false;

    if (set->snapshot != NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "timestamp: a snapshot was verified against the one in force");
    if (previous != NULL && pti_bytes_equal(bytes, previous->bytes))
        return keep_timestamp(set, previous, error);
    status = pti_tuf_metadata_parse_with(bytes, PTI_TUF_TIMESTAMP, set->root->keyids, set->crypto, &next, error);
    if (status == PINTLE_OK)
        status = verify_top_level(set, next, error);
    if (status == PINTLE_OK) {
        equal = previous != NULL && next->version == previous->version; /* discarded, whatever it says */
        status = previous != NULL && !equal ? pti_tuf_timestamp_succeeds(previous, next, error) : PINTLE_OK;
    }
    if (status == PINTLE_OK)
        status = check_timestamp(set, equal ? previous : next, error);
    if (status != PINTLE_OK || equal) {
        if (status != PINTLE_OK)
            set->now = now_before;
        pti_tuf_metadata_free(next);
        return status;
    }
    pti_tuf_metadata_free(set->timestamp);
    set->timestamp = next;
    return PINTLE_OK;
}

const struct pti_tuf_file *pti_trusted_snapshot_file(const struct pti_trusted *set)
{
    const struct pti_tuf_metadata *timestamp = pti_trusted_timestamp(set);

    return timestamp != NULL ? &timestamp->files.items[0] : NULL;
}

static enum pintle_status check_version(const struct pti_tuf_metadata *metadata, const struct pti_tuf_file *listed,
                                        const char *who, struct pti_error *error)
{
    if (metadata->version == listed->version)
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_TRUST,
                    "%s: version %" PRId64 " where version %" PRId64 " is listed (mix and match)", who,
                    metadata->version, listed->version);
}

enum pintle_status pti_trusted_update_snapshot(struct pti_trusted *set, struct pintle_bytes bytes,
                                               struct pti_error *error)
{
    const struct pti_tuf_file *listed = pti_trusted_snapshot_file(set);
    struct pti_tuf_metadata *next = NULL;
    enum pintle_status status;

    if (listed == NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "snapshot: there is no timestamp yet");
    if (set->role_count > 0)
        return pti_fail(error, PINTLE_ERR_MISUSE, "snapshot: targets were verified against the one in force");
    status = pti_tuf_verify_file(bytes, listed, set->crypto, error);
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse_with(bytes, PTI_TUF_SNAPSHOT, set->root->keyids, set->crypto, &next, error);
    if (status == PINTLE_OK)
        status = verify_top_level(set, next, error);
    if (status == PINTLE_OK)
        status = check_version(next, listed, "snapshot", error);
    if (status == PINTLE_OK && set->baseline_snapshot != NULL)
        status = pti_tuf_snapshot_succeeds(set->baseline_snapshot, next, error);
    if (status == PINTLE_OK)
        status = check_expiry(set, next, "snapshot", error);
    if (status != PINTLE_OK) {
        pti_tuf_metadata_free(next);
        return status;
    }
    pti_tuf_metadata_free(set->snapshot);
    set->snapshot = next;
    return PINTLE_OK;
}

enum pintle_status pti_trusted_confirm(const struct pti_trusted *set, const struct pti_tuf_metadata *snapshot,
                                       const struct pti_tuf_metadata *targets, struct pti_error *error)
{
    const struct pti_tuf_file *listed = pti_trusted_snapshot_file(set);
    enum pintle_status status;

    if (listed == NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "snapshot: there is no timestamp yet");
    status = pti_tuf_verify_file(snapshot->bytes, listed, set->crypto, error);
    if (status == PINTLE_OK)
        status = check_version(snapshot, listed, "snapshot", error);
    if (status == PINTLE_OK)
        status = check_expiry(set, snapshot, "snapshot", error);
    return status == PINTLE_OK ? check_expiry(set, targets, "targets", error) : status;
}

/* Is name "<role>.json"? */
static bool names_role(struct pintle_bytes name, struct pintle_bytes role)
{
    static const char suffix[] = ".json";
    const size_t suffix_size = sizeof suffix - 1;

    return name.size == role.size + suffix_size && memcmp(name.data, role.data, role.size) == 0 &&
           memcmp(name.data + role.size, suffix, suffix_size) == 0;
}

const struct pti_tuf_file *pti_trusted_role_file(const struct pti_trusted *set, struct pintle_bytes role)
{
    for (size_t i = 0; set->snapshot != NULL && i < set->snapshot->files.count; i++)
        if (names_role(set->snapshot->files.items[i].name, role))
            return &set->snapshot->files.items[i];
    return NULL;
}

static const struct pti_tuf_metadata *find_role(const struct pti_trusted *set, const struct pti_tuf_metadata *delegator,
                                                struct pintle_bytes role)
{
    for (size_t i = 0; i < set->role_count; i++)
        if (set->roles[i].delegator == delegator && pti_bytes_equal(set->roles[i].name, role))
            return set->roles[i].metadata;
    return NULL;
}

/* The steps that top-level targets and delegated roles share; nothing is skipped for delegated ones (CVE-2026-6967). */
static enum pintle_status update_role(struct pti_trusted *set, struct pintle_bytes bytes,
                                      const struct pti_tuf_metadata *delegator, struct pintle_bytes role,
                                      const struct pti_tuf_signers *signers, struct pti_error *error)
{
    const struct pti_tuf_file *listed = pti_trusted_role_file(set, role);
    struct pti_trusted_role *grown;
    struct pti_tuf_metadata *next = NULL;
    char who[80];
    enum pintle_status status;

    (void)snprintf(who, sizeof who, "%.*s", (int)(role.size < 64 ? role.size : 64), (const char *)role.data);
    if (set->snapshot == NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "%s: there is no snapshot yet", who);
    if (find_role(set, delegator, role) != NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "%s: taken already", who);
    if (listed == NULL)
        return pti_fail(error, PINTLE_ERR_TRUST, "%s: delegated, but the snapshot does not list it", who);
    status = pti_tuf_verify_file(bytes, listed, set->crypto, error);
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse_with(bytes, PTI_TUF_TARGETS, set->root->keyids, set->crypto, &next, error);
    if (status == PINTLE_OK)
        status = pti_tuf_verify(next, signers, &delegator->keys, who, error);
    if (status == PINTLE_OK)
        status = check_version(next, listed, who, error);
    if (status == PINTLE_OK && !(set->waive_delegated_expiry && delegator != set->root))
        status = check_expiry(set, next, who, error);
    if (status != PINTLE_OK) {
        pti_tuf_metadata_free(next);
        return status;
    }
    grown = realloc(set->roles, (set->role_count + 1) * sizeof *grown);
    if (grown == NULL) {
        pti_tuf_metadata_free(next);
        return pti_fail(error, PINTLE_ERR_MEMORY, "%s: out of memory", who);
    }
    set->roles = grown;
    set->roles[set->role_count++] = (struct pti_trusted_role){next, delegator, role};
    return PINTLE_OK;
}

enum pintle_status pti_trusted_update_targets(struct pti_trusted *set, struct pintle_bytes bytes,
                                              struct pti_error *error)
{
    return update_role(set, bytes, set->root, pti_bytes_text("targets"), &set->root->roles[PTI_TUF_TARGETS], error);
}

enum pintle_status pti_trusted_update_delegated(struct pti_trusted *set, struct pintle_bytes bytes,
                                                const struct pti_tuf_metadata *delegator, struct pintle_bytes role,
                                                struct pti_error *error)
{
    const struct pti_tuf_delegation *delegation;

    if (delegator == NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "%.*s: there is no delegator yet", (int)role.size,
                        (const char *)role.data);
    delegation = pti_tuf_delegation_find(delegator, role);
    if (delegation == NULL)
        return pti_fail(error, PINTLE_ERR_TRUST, "%.*s: not delegated", (int)role.size, (const char *)role.data);
    return update_role(set, bytes, delegator, delegation->name, &delegation->signers, error);
}

const struct pti_tuf_metadata *pti_trusted_targets(const struct pti_trusted *set)
{
    return find_role(set, set->root, pti_bytes_text("targets"));
}

const struct pti_tuf_metadata *pti_trusted_role(const struct pti_trusted *set, const struct pti_tuf_metadata *delegator,
                                                struct pintle_bytes role)
{
    return find_role(set, delegator, role);
}
