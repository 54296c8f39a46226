/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf/updater.h"

#include <stdlib.h>
#include <string.h>

#include "tuf/verify.h"

static struct pintle_bytes name_of(enum pti_tuf_type type)
{
    return pti_bytes_text(pti_tuf_type_name(type));
}

void pti_updater_init(struct pti_updater *updater, const struct pti_updater_io *io, enum pti_tuf_keyids keyids,
                      struct pintle_crypto *crypto, int64_t now)
{
    *updater = (struct pti_updater){.io = *io, .keyids = keyids, .crypto = crypto, .now = now};
}

void pti_updater_clear(struct pti_updater *updater)
{
    pti_trusted_clear(&updater->set);
    pti_tuf_metadata_free(updater->kept_snapshot);
    pti_tuf_metadata_free(updater->kept_timestamp);
    pti_tuf_metadata_free(updater->root);
    pti_updater_init(updater, &updater->io, updater->keyids, updater->crypto, updater->now);
}

/* ---- roots (5.2, 5.3) ---- */

static enum pintle_status load_root(struct pti_updater *updater, struct pti_error *error)
{
    struct pti_buf bytes;
    bool found = false;
    enum pintle_status status;

    pti_buf_init(&bytes, PTI_ROOT_SIZE_MAX);
    status = updater->io.load(updater->io.ctx, name_of(PTI_TUF_ROOT), &bytes, &found, error);
    if (status == PINTLE_OK && !found)
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected a trusted root, found none; start with one");
    if (status == PINTLE_OK)
        status = pti_tuf_metadata_parse_with(pti_buf_bytes(&bytes), PTI_TUF_ROOT, updater->keyids, updater->crypto,
                                             &updater->root, error);
    if (status == PINTLE_OK)
        status = pti_tuf_root_verifies_itself(updater->root, error);
    pti_buf_clear(&bytes);
    return status;
}

/* Whoever replaced a key of timestamp or snapshot wants what it signed forgotten, version numbers included (5.3.11). */
static enum pintle_status forget_if_rotated(struct pti_updater *updater, const struct pti_tuf_metadata *next,
                                            struct pti_error *error)
{
    enum pintle_status status;

    if (pti_tuf_same_signers(updater->root, next, PTI_TUF_TIMESTAMP) &&
        pti_tuf_same_signers(updater->root, next, PTI_TUF_SNAPSHOT))
        return PINTLE_OK;
    status = updater->io.forget(updater->io.ctx, name_of(PTI_TUF_TIMESTAMP), error);
    return status == PINTLE_OK ? updater->io.forget(updater->io.ctx, name_of(PTI_TUF_SNAPSHOT), error) : status;
}

/*
 * Kept before anything else is asked for, and before anything is forgotten: after a stop in between, what the old keys
 * signed does not verify under this root, whereas nothing would be left to hold a rollback against under the old one.
 */
static enum pintle_status take_root(struct pti_updater *updater, struct pintle_bytes bytes, struct pti_error *error)
{
    struct pti_tuf_metadata *next;
    enum pintle_status status = pti_tuf_metadata_parse_with(bytes, PTI_TUF_ROOT, updater->keyids, updater->crypto,
                                                            &next, error);

    if (status == PINTLE_OK)
        status = pti_tuf_root_succeeds(updater->root, next, error);
    if (status == PINTLE_OK)
        status = updater->io.keep(updater->io.ctx, name_of(PTI_TUF_ROOT), bytes, error);
    if (status == PINTLE_OK)
        status = forget_if_rotated(updater, next, error);
    if (status != PINTLE_OK) {
        pti_tuf_metadata_free(next);
        return status;
    }
    pti_tuf_metadata_free(updater->root);
    updater->root = next;
    return PINTLE_OK;
}

static enum pintle_status follow_roots(struct pti_updater *updater, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    struct pti_buf bytes;
    bool found = true;

    for (int i = 0; i < PTI_ROOT_ROTATIONS_MAX && status == PINTLE_OK && found; i++) {
        pti_buf_init(&bytes, PTI_ROOT_SIZE_MAX);
        status = updater->io.fetch(updater->io.ctx, name_of(PTI_TUF_ROOT), updater->root->version + 1, &bytes, &found,
                                   error);
        if (status == PINTLE_OK && found)
            status = take_root(updater, pti_buf_bytes(&bytes), error);
        pti_buf_clear(&bytes);
    }
    return status;
}

/* ---- timestamp, snapshot (5.4, 5.5) ---- */

/* What was kept and still verifies under this root is what nothing may fall behind; anything else counts for nothing. */
static enum pintle_status load_baseline(struct pti_updater *updater, enum pti_tuf_type type,
                                        struct pti_tuf_metadata **kept, struct pti_error *error)
{
    struct pti_buf bytes;
    bool found = false;
    enum pintle_status status;

    pti_buf_init(&bytes, pti_tuf_size_max(type));
    status = updater->io.load(updater->io.ctx, name_of(type), &bytes, &found, error);
    if (status == PINTLE_OK && found) {
        status = pti_tuf_metadata_parse_with(pti_buf_bytes(&bytes), type, updater->keyids, updater->crypto, kept,
                                             error);
        if (status == PINTLE_OK)
            status = pti_tuf_verify(*kept, &updater->root->roles[type], &updater->root->keys, pti_tuf_type_name(type),
                                    error);
        if (status == PINTLE_ERR_TRUST || status == PINTLE_ERR_INPUT) {
            pti_tuf_metadata_free(*kept);
            *kept = NULL;
            status = PINTLE_OK;
        }
    }
    pti_buf_clear(&bytes);
    return status;
}

static enum pintle_status start_set(struct pti_updater *updater, struct pti_error *error)
{
    enum pintle_status status;

    pti_trusted_init(&updater->set, updater->crypto, updater->root, updater->now);
    status = pti_trusted_check_root(&updater->set, error);
    if (status == PINTLE_OK)
        status = load_baseline(updater, PTI_TUF_TIMESTAMP, &updater->kept_timestamp, error);
    if (status == PINTLE_OK)
        status = load_baseline(updater, PTI_TUF_SNAPSHOT, &updater->kept_snapshot, error);
    if (status == PINTLE_OK)
        status = pti_trusted_set_baseline(&updater->set, updater->kept_timestamp, updater->kept_snapshot, -1,
                                          updater->root->version, error);
    return status;
}

/* The file that must be there. */
static enum pintle_status fetch(struct pti_updater *updater, struct pintle_bytes role, int64_t version,
                                struct pti_buf *bytes, struct pti_error *error)
{
    bool found = false;
    enum pintle_status status = updater->io.fetch(updater->io.ctx, role, version, bytes, &found, error);

    if (status == PINTLE_OK && !found)
        status = pti_fail(error, PINTLE_ERR_NETWORK, "%.*s: not found", (int)(role.size < 64 ? role.size : 64),
                          (const char *)role.data);
    return status;
}

static enum pintle_status update_timestamp(struct pti_updater *updater, struct pti_error *error)
{
    struct pti_buf bytes;
    enum pintle_status status;

    pti_buf_init(&bytes, PTI_TIMESTAMP_SIZE_MAX);
    status = fetch(updater, name_of(PTI_TUF_TIMESTAMP), 0, &bytes, error);
    if (status == PINTLE_OK)
        status = pti_trusted_update_timestamp(&updater->set, pti_buf_bytes(&bytes), error);
    if (status == PINTLE_OK && updater->set.timestamp != NULL) /* not one of equal version, which is discarded */
        status = updater->io.keep(updater->io.ctx, name_of(PTI_TUF_TIMESTAMP), pti_buf_bytes(&bytes), error);
    pti_buf_clear(&bytes);
    return status;
}

/* Takes a file that is listed, kept or fetched. */
struct take {
    struct pintle_bytes role;
    const struct pti_tuf_file *listed;
    enum pti_tuf_type type;
    const struct pti_tuf_metadata *delegator; /* NULL for top-level roles */
};

static enum pintle_status update_set(struct pti_updater *updater, const struct take *take, struct pintle_bytes bytes,
                                     struct pti_error *error)
{
    if (take->type == PTI_TUF_SNAPSHOT)
        return pti_trusted_update_snapshot(&updater->set, bytes, error);
    if (take->delegator == NULL)
        return pti_trusted_update_targets(&updater->set, bytes, error);
    return pti_trusted_update_delegated(&updater->set, bytes, take->delegator, take->role, error);
}

static bool lacks_resources(enum pintle_status status)
{
    return status == PINTLE_ERR_MEMORY || status == PINTLE_ERR_STORAGE || status == PINTLE_ERR_MISUSE;
}

/* What is kept is used if it is still what is listed, so that a file is fetched once. */
static enum pintle_status take_listed(struct pti_updater *updater, const struct take *take, struct pti_error *error)
{
    size_t max = pti_tuf_size_max(take->type);
    struct pti_buf bytes;
    bool found = false;
    enum pintle_status status;

    if (take->listed->length >= 0 && (uint64_t)take->listed->length < max)
        max = (size_t)take->listed->length;
    pti_buf_init(&bytes, pti_tuf_size_max(take->type));
    status = updater->io.load(updater->io.ctx, take->role, &bytes, &found, error);
    if (status == PINTLE_OK && found) {
        status = update_set(updater, take, pti_buf_bytes(&bytes), error);
        if (status == PINTLE_OK || lacks_resources(status)) {
            pti_buf_clear(&bytes);
            return status;
        }
    }
    pti_buf_clear(&bytes);
    if (lacks_resources(status))
        return status;
    pti_buf_init(&bytes, max);
    status = fetch(updater, take->role, updater->root->consistent_snapshot ? take->listed->version : 0, &bytes, error);
    if (status == PINTLE_OK)
        status = update_set(updater, take, pti_buf_bytes(&bytes), error);
    if (status == PINTLE_OK)
        status = updater->io.keep(updater->io.ctx, take->role, pti_buf_bytes(&bytes), error);
    pti_buf_clear(&bytes);
    return status;
}

static enum pintle_status update_snapshot(struct pti_updater *updater, struct pti_error *error)
{
    return take_listed(updater,
                       &(struct take){.role = name_of(PTI_TUF_SNAPSHOT),
                                      .listed = pti_trusted_snapshot_file(&updater->set),
                                      .type = PTI_TUF_SNAPSHOT},
                       error);
}

/* ---- targets and delegated roles (5.6) ---- */

static enum pintle_status update_role(struct pti_updater *updater, const struct pti_tuf_metadata *delegator,
                                      struct pintle_bytes role, struct pti_error *error)
{
    struct take take = {role, pti_trusted_role_file(&updater->set, role), PTI_TUF_TARGETS, delegator};

    if (take.listed == NULL)
        return pti_fail(error, PINTLE_ERR_TRUST, "%.*s: the snapshot does not list it",
                        (int)(role.size < 64 ? role.size : 64), (const char *)role.data);
    return take_listed(updater, &take, error);
}

enum pintle_status pti_updater_refresh(struct pti_updater *updater, struct pti_error *error)
{
    enum pintle_status status;

    if (updater->refreshed || updater->root != NULL)
        return pti_fail(error, PINTLE_ERR_MISUSE, "an updater refreshes once; make another one");
    status = load_root(updater, error);
    if (status == PINTLE_OK)
        status = follow_roots(updater, error);
    if (status == PINTLE_OK)
        status = start_set(updater, error);
    if (status == PINTLE_OK)
        status = update_timestamp(updater, error);
    if (status == PINTLE_OK)
        status = update_snapshot(updater, error);
    if (status == PINTLE_OK)
        status = update_role(updater, NULL, name_of(PTI_TUF_TARGETS), error);
    updater->refreshed = status == PINTLE_OK;
    return status;
}

enum pintle_status pti_updater_role(struct pti_updater *updater, const struct pti_tuf_metadata *delegator,
                                    struct pintle_bytes role, const struct pti_tuf_metadata **metadata,
                                    struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    *metadata = NULL;
    if (!updater->refreshed)
        return pti_fail(error, PINTLE_ERR_MISUSE, "a role is asked for after a refresh");
    if (pti_trusted_role(&updater->set, delegator, role) == NULL)
        status = update_role(updater, delegator, role, error);
    if (status == PINTLE_OK)
        *metadata = pti_trusted_role(&updater->set, delegator, role);
    return status;
}

/* Roles still to be looked at: the last one is next.  A role is looked at once for each name that delegates to it. */
struct search {
    struct visit {
        const struct pti_tuf_metadata *delegator; /* NULL for targets */
        struct pintle_bytes delegator_role, role; /* in a circle the names come back, the metadata do not */
    } * items;
    size_t count;
    struct visit visited[PTI_TUF_DELEGATIONS_MAX + 1];
    size_t visited_count;
};

static bool was_visited(const struct search *search, const struct visit *visit)
{
    for (size_t i = 0; i < search->visited_count; i++)
        if (pti_bytes_equal(search->visited[i].delegator_role, visit->delegator_role) &&
            pti_bytes_equal(search->visited[i].role, visit->role))
            return true;
    return false;
}

/* Pushes the delegations that cover the target so that the first comes off first; a terminating one drops all others. */
static enum pintle_status push_children(struct search *search, struct pintle_bytes name,
                                        const struct pti_tuf_metadata *role, const struct pti_target_path *target,
                                        struct pti_error *error)
{
    struct visit *grown = realloc(search->items, (search->count + role->delegation_count + 1) * sizeof *grown);
    size_t end = 0;

    if (grown == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu delegations", role->delegation_count);
    search->items = grown;
    while (end < role->delegation_count) {
        const struct pti_tuf_delegation *delegation = &role->delegations[end++];
        if (delegation->terminating && pti_tuf_delegation_covers(delegation, target)) {
            search->count = 0;
            break;
        }
    }
    for (size_t i = end; i > 0; i--) {
        const struct pti_tuf_delegation *delegation = &role->delegations[i - 1];
        if (pti_tuf_delegation_covers(delegation, target))
            search->items[search->count++] = (struct visit){role, name, delegation->name};
    }
    return PINTLE_OK;
}

static const struct pti_tuf_metadata *role_of(const struct pti_updater *updater, const struct visit *visit)
{
    return visit->delegator == NULL ? pti_trusted_targets(&updater->set)
                                    : pti_trusted_role(&updater->set, visit->delegator, visit->role);
}

static enum pintle_status search_next(struct pti_updater *updater, struct search *search,
                                      const struct pti_target_path *target, const struct pti_tuf_file **file,
                                      struct pti_error *error)
{
    struct visit visit = search->items[--search->count];
    enum pintle_status status = PINTLE_OK;

    if (was_visited(search, &visit))
        return PINTLE_OK;
    if (search->visited_count > PTI_TUF_DELEGATIONS_MAX)
        return pti_fail(error, PINTLE_ERR_TRUST, "more than %d delegated roles would have to be looked at",
                        PTI_TUF_DELEGATIONS_MAX);
    search->visited[search->visited_count++] = visit;
    if (role_of(updater, &visit) == NULL)
        status = update_role(updater, visit.delegator, visit.role, error);
    if (status != PINTLE_OK)
        return status;
    *file = pti_tuf_file_find(&role_of(updater, &visit)->files, target->path);
    return *file == NULL ? push_children(search, visit.role, role_of(updater, &visit), target, error) : PINTLE_OK;
}

enum pintle_status pti_updater_find(struct pti_updater *updater, struct pintle_bytes path,
                                    const struct pti_tuf_file **file, struct pti_error *error)
{
    struct pti_target_path target;
    struct search search = {.count = 0};
    enum pintle_status status;

    *file = NULL;
    if (!updater->refreshed)
        return pti_fail(error, PINTLE_ERR_MISUSE, "a target is looked for after a refresh");
    status = pti_target_path_init(&target, path, updater->crypto, error);
    search.items = malloc(sizeof *search.items);
    if (status == PINTLE_OK && search.items == NULL)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory");
    if (status == PINTLE_OK)
        search.items[search.count++] = (struct visit){NULL, {NULL, 0}, name_of(PTI_TUF_TARGETS)};
    while (status == PINTLE_OK && *file == NULL && search.count > 0)
        status = search_next(updater, &search, &target, file, error);
    free(search.items);
    return status;
}
