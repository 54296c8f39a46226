/* SPDX-License-Identifier: Apache-2.0 */
/* The updater: fetch, verify, store, swap, in this order.  What it decides stands in lib/tuf and lib/manifest. */
#include "client/poll.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "client/adoption.h"
#include "client/enforce.h"
#include "client/fetch.h"
#include "client/header.h"
#include "client/storage.h"
#include "manifest/apply.h"
#include "tuf/container.h"

/* How one poll of one copy ended, beside its status. */
struct poll {
    struct pti_fetch fetch;
    bool moved;   /* somebody else changed the store: start over from disk */
    bool applied; /* a manifest with another content than before came into force */
    char header[PTI_HEADER_MAX];
};

/* Each new root is stored at once, so that the next start can verify whatever follows from it. */
static enum pintle_status add_root(struct pintle_client *client, struct pintle_bytes bytes, struct poll *poll,
                                   struct pti_error *error)
{
    enum pintle_status status;

    (void)pthread_mutex_lock(&client->state);
    status = pti_roots_add(&client->roots, bytes, error);
    if (status == PINTLE_OK)
        client->behind = true; /* until a manifest verifies under this root */
    (void)pthread_mutex_unlock(&client->state);
    if (status == PINTLE_OK && !client->storage_unverified)
        status = pti_storage_save(client, NULL, &poll->moved, error);
    return status;
}

/* A container is unsigned transport: one that does not parse says nothing about its signer. */
static enum pintle_status failed_transfer(const struct poll *poll, struct pti_error *error, const char *what)
{
    (void)pti_error_prefix(error, "%s/%s: a failed transfer", poll->fetch.base, what);
    error->status = PINTLE_ERR_NETWORK;
    return error->status;
}

static enum pintle_status damaged_head(const struct poll *poll, struct pti_error *error, const char *what)
{
    (void)pti_fail(error, PINTLE_ERR_NETWORK, "%s", what);
    return failed_transfer(poll, error, "head");
}

/* "<n>.root.json" for consecutive n, then "timestamp.json", and nothing else.  Roots not newer than ours are skipped. */
static enum pintle_status read_head(struct pintle_client *client, struct pintle_bytes head, struct pti_buf *timestamp,
                                    struct poll *poll, struct pti_error *error)
{
    struct pti_container container;
    enum pintle_status status = pti_container_parse(head, &container, error);

    if (status == PINTLE_ERR_INPUT)
        return failed_transfer(poll, error, "head");
    if (status != PINTLE_OK)
        return status;
    if (container.count == 0 || container.count - 1 > PTI_ROOT_ROTATIONS_MAX ||
        !pti_bytes_equal_text(container.entries[container.count - 1].path, "timestamp.json"))
        status = damaged_head(poll, error, "does not end with timestamp.json");
    for (size_t i = 0; status == PINTLE_OK && !poll->moved && i + 1 < container.count; i++) {
        size_t version = pti_roots_path_version(container.entries[i].path);

        if (version == 0 || version > client->roots.count + 1)
            status = damaged_head(poll, error, "the roots are not in order");
        else if (version == client->roots.count + 1)
            status = add_root(client, container.entries[i].data, poll, error);
    }
    if (status == PINTLE_OK) {
        struct pintle_bytes last = container.entries[container.count - 1].data;
        pti_buf_append(timestamp, last.data, last.size);
        status = pti_buf_check(timestamp, error, "timestamp");
    }
    pti_container_clear(&container);
    return status;
}

/* For a client older than the oldest head, or a repository without heads. */
static enum pintle_status fetch_plain_head(struct pintle_client *client, struct pti_buf *timestamp, struct poll *poll,
                                           struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    struct pti_buf root;
    char path[64];
    bool found = true;

    pti_buf_init(&root, PTI_ROOT_SIZE_MAX);
    for (int i = 0; i < PTI_ROOT_ROTATIONS_MAX && status == PINTLE_OK && found && !poll->moved; i++) {
        (void)snprintf(path, sizeof path, "metadata/%zu.root.json", client->roots.count + 1);
        status = pti_fetch_get(&poll->fetch, path, PTI_ROOT_SIZE_MAX, &root, &found, error);
        if (status == PINTLE_OK && found)
            status = add_root(client, pti_buf_bytes(&root), poll, error);
    }
    pti_buf_clear(&root);
    if (status != PINTLE_OK || poll->moved)
        return status;
    status = pti_fetch_get(&poll->fetch, "metadata/timestamp.json", PTI_TIMESTAMP_SIZE_MAX, timestamp, &found, error);
    if (status == PINTLE_OK && !found)
        status = pti_fail(error, PINTLE_ERR_NETWORK,
                          "%s: neither head/ nor metadata/timestamp.json is there; "
                          "expected the base URL of a repository",
                          poll->fetch.base);
    return status;
}

static enum pintle_status fetch_any_head(struct pintle_client *client, struct pti_buf *timestamp, struct poll *poll,
                                         struct pti_error *error)
{
    struct pti_buf head;
    char path[64];
    bool found;
    enum pintle_status status;

    pti_buf_init(&head, PTI_HEAD_SIZE_MAX);
    (void)snprintf(path, sizeof path, "head/%zu", client->roots.count);
    status = pti_fetch_get(&poll->fetch, path, PTI_HEAD_SIZE_MAX, &head, &found, error);
    if (status == PINTLE_OK)
        status = found ? read_head(client, pti_buf_bytes(&head), timestamp, poll, error)
                       : fetch_plain_head(client, timestamp, poll, error);
    pti_buf_clear(&head);
    return status;
}

/* The first poll of a day says so, once it has reached anybody. */
static enum pintle_status fetch_head(struct pintle_client *client, struct pti_buf *timestamp, struct poll *poll,
                                     struct pti_error *error)
{
    enum pintle_status status;
    int64_t mark = -1;
    unsigned flags = pti_adoption_take(client, PTI_ADOPTION_POLLS, &mark);

    pti_header_of_poll(client, poll->header);
    poll->fetch.header = poll->header;
    poll->fetch.flags = flags;
    poll->fetch.answered = false;
    status = fetch_any_head(client, timestamp, poll, error);
    if (flags != 0 && !poll->fetch.answered)
        pti_adoption_give_back(client, PTI_ADOPTION_POLLS, mark);
    return status;
}

static enum pintle_status start_set(struct pintle_client *client, struct pti_trusted *set, struct pti_error *error)
{
    const struct pti_generation *accepted = client->accepted;
    enum pintle_status status = PINTLE_OK;

    pti_trusted_init(set, client->crypto, pti_roots_newest(&client->roots), pti_client_clock(client));
    set->waive_delegated_expiry = true;
    if (accepted != NULL)
        status = pti_trusted_set_baseline(set, accepted->timestamp, accepted->snapshot, accepted->issued,
                                          accepted->root_version, error);
    return status == PINTLE_OK ? pti_trusted_check_root(set, error) : status;
}

static enum pintle_status hashes_to(struct pintle_client *client, struct pintle_bytes bytes,
                                    const struct pti_tuf_file *file, bool *same, struct pti_error *error)
{
    uint8_t digest[PINTLE_SHA256_SIZE];
    enum pintle_status status = pti_sha256(client->crypto, bytes, digest);

    *same = status == PINTLE_OK && memcmp(digest, file->sha256, sizeof digest) == 0;
    return status == PINTLE_OK ? status : pti_fail(error, status, "snapshot: cannot be hashed");
}

/* The generation keeps the body, which it takes over on success, and points into it. */
static enum pintle_status build_from_body(struct poll *poll, struct pti_trusted *set, struct pintle_bytes *body,
                                          struct pti_generation **next, struct pti_error *error)
{
    struct pti_manifest_source source;
    struct pti_container container;
    enum pintle_status status = pti_container_parse(*body, &container, error);

    if (status == PINTLE_ERR_INPUT)
        return failed_transfer(poll, error, "body");
    if (status != PINTLE_OK)
        return status;
    source = pti_container_source(&container);
    source.lasts = true;
    status = pti_generation_build(set, &source, next, error);
    pti_container_clear(&container);
    if (status == PINTLE_ERR_NETWORK)
        return failed_transfer(poll, error, "body");
    if (status == PINTLE_OK) {
        (*next)->backing = *body;
        *body = (struct pintle_bytes){NULL, 0};
    }
    return status;
}

/* A new snapshot: its body in one request, or the plain files where there is none. */
static enum pintle_status build_fetched(struct poll *poll, struct pti_trusted *set, struct pti_generation **next,
                                        struct pti_error *error)
{
    char path[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + sizeof "body/"], hash[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    struct pti_manifest_source source;
    struct pti_buf body;
    bool found;
    enum pintle_status status;

    pti_hex_encode(pti_trusted_snapshot_file(set)->sha256, PINTLE_SHA256_SIZE, hash);
    (void)snprintf(path, sizeof path, "body/%s", hash);
    pti_buf_init(&body, PTI_BODY_SIZE_MAX);
    status = pti_fetch_get(&poll->fetch, path, PTI_BODY_SIZE_MAX, &body, &found, error);
    if (status == PINTLE_OK && !found) {
        source = pti_fetch_source(&poll->fetch);
        status = pti_generation_build(set, &source, next, error);
    } else if (status == PINTLE_OK) {
        struct pintle_bytes bytes = pti_buf_take(&body);

        status = build_from_body(poll, set, &bytes, next, error);
        pti_bytes_free(&bytes);
    }
    pti_buf_clear(&body);
    return status;
}

static void set_behind(struct pintle_client *client, bool behind)
{
    (void)pthread_mutex_lock(&client->state);
    client->behind = behind;
    (void)pthread_mutex_unlock(&client->state);
}

/* Is the accepted generation, byte for byte and under this root, what the repository has now? */
static bool nothing_new(const struct pintle_client *client, const struct pti_trusted *set)
{
    const struct pti_generation *accepted = client->accepted;

    return !accepted->shipped && !client->storage_unverified &&
           pti_bytes_equal(accepted->timestamp->bytes, pti_trusted_timestamp(set)->bytes);
}

/*
 * What is in force is what the timestamp names.  What verified under this very root needs no second look, but at expiry;
 * under a newer root everything does.  *next is NULL if there is nothing to put in force.
 */
static enum pintle_status build_held(struct pintle_client *client, struct pti_trusted *set,
                                     struct pti_generation **next, struct pti_error *error)
{
    const struct pti_generation *accepted = client->accepted;
    struct pti_manifest_source source;

    if (accepted->root_version != set->root->version) {
        source = pti_generation_source(accepted);
        return pti_generation_build(set, &source, next, error);
    }
    if (nothing_new(client, set))
        return pti_trusted_confirm(set, accepted->snapshot, accepted->targets, error);
    return pti_generation_renew(set, accepted, next, error);
}

/* The manifest that the timestamp in force names, wholly verified: from what is in force if that is it, else fetched. */
static enum pintle_status build_next(struct pintle_client *client, struct poll *poll, struct pti_trusted *set,
                                     struct pti_generation **next, struct pti_error *error)
{
    const struct pti_tuf_file *snapshot = pti_trusted_snapshot_file(set);
    bool same = false;
    enum pintle_status status = PINTLE_OK;

    if (!snapshot->has_sha256)
        return pti_fail(error, PINTLE_ERR_INPUT, "timestamp: does not give the sha256 of the snapshot");
    if (client->accepted != NULL)
        status = hashes_to(client, client->accepted->snapshot->bytes, snapshot, &same, error);
    if (status != PINTLE_OK)
        return status;
    poll->applied = !same;
    if (!same) {
        set_behind(client, true); /* for as long as the transfer may take */
        return build_fetched(poll, set, next, error);
    }
    return build_held(client, set, next, error);
}

static enum pintle_status store_and_swap(struct pintle_client *client, struct poll *poll, struct pti_generation **next,
                                         struct pti_error *error)
{
    struct pintle_pinset *pinset;
    enum pintle_status status = pti_storage_save(client, *next, &poll->moved, error);

    if (status != PINTLE_OK || poll->moved)
        return status;
    /* Only now: the bytes that were stored and the pinset are each as large as what is in force, and not there together. */
    status = pti_enforce_compile(client, *next, false, poll->applied, &pinset, error);
    if (status != PINTLE_OK) {
        pti_storage_forget(client);
        return status;
    }
    pti_enforce_swap(client, *next, false, pinset);
    *next = NULL;
    return PINTLE_OK;
}

static enum pintle_status accept(struct pintle_client *client, struct poll *poll, struct pti_generation **next,
                                 struct pti_error *error)
{
    const struct pti_tuf_metadata *root = pti_roots_newest(&client->roots);
    enum pintle_status status = pti_enforce_may_follow(client, *next, error);

    if (status != PINTLE_OK)
        return status;
    (*next)->shipped = false;
    (*next)->accepted_at = pti_client_clock(client);
    status = pti_apply_inherit(client->accepted, *next, root, error);
    return status == PINTLE_OK ? store_and_swap(client, poll, next, error) : status;
}

/* From a timestamp to pins in force.  Anything that fails on the way leaves everything as it was. */
static enum pintle_status follow(struct pintle_client *client, struct poll *poll, struct pintle_bytes timestamp,
                                 struct pti_error *error)
{
    struct pti_generation *next = NULL;
    struct pti_trusted set;
    enum pintle_status status = start_set(client, &set, error);

    if (status == PINTLE_OK)
        status = pti_trusted_update_timestamp(&set, timestamp, error);
    if (status == PINTLE_OK) {
        status = build_next(client, poll, &set, &next, error);
        if (status == PINTLE_OK && next != NULL)
            status = accept(client, poll, &next, error);
        /* A verified timestamp names a manifest: from here on either it is in force, or we know that we are behind. */
        if (!poll->moved)
            set_behind(client, status != PINTLE_OK);
    }
    pti_trusted_clear(&set);
    pti_generation_free_beside(next, client->accepted);
    return status;
}

static enum pintle_status poll_copy(struct pintle_client *client, struct poll *poll, struct pti_error *error)
{
    struct pti_buf timestamp;
    enum pintle_status status;

    pti_buf_init(&timestamp, PTI_TIMESTAMP_SIZE_MAX);
    status = pti_storage_moved(client, &poll->moved, error);
    if (status == PINTLE_OK && !poll->moved)
        status = fetch_head(client, &timestamp, poll, error);
    if (status == PINTLE_OK && !poll->moved)
        status = pti_storage_recover(client, error);
    if (status == PINTLE_OK && !poll->moved)
        status = follow(client, poll, pti_buf_bytes(&timestamp), error);
    pti_buf_clear(&timestamp);
    return status;
}

static enum pintle_status poll_until_still(struct pintle_client *client, struct poll *poll, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (int i = 0; i <= PTI_REFRESH_RESTARTS_MAX; i++) {
        poll->moved = poll->applied = false;
        status = poll_copy(client, poll, error);
        if (status != PINTLE_OK || !poll->moved)
            return status;
        status = pti_storage_start(client, error);
        if (status != PINTLE_OK)
            return status;
    }
    return pti_fail(error, PINTLE_ERR_STORAGE, "store: other processes kept changing it, %d times in one refresh",
                    PTI_REFRESH_RESTARTS_MAX + 1);
}

enum pintle_status pti_poll(struct pintle_client *client, const char *base, int64_t deadline_ms, bool *applied,
                            struct pti_error *error)
{
    struct poll poll = {.fetch = {.client = client, .base = base, .deadline_ms = deadline_ms}};
    enum pintle_status status;

    pti_buf_init(&poll.fetch.buf, PTI_BODY_SIZE_MAX);
    status = poll_until_still(client, &poll, error);
    pti_buf_clear(&poll.fetch.buf);
    *applied = poll.applied;
    return status;
}
