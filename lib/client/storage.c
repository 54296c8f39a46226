/* SPDX-License-Identifier: Apache-2.0 */
#include "client/storage.h"

#include <inttypes.h>

#include "client/enforce.h"
#include "manifest/apply.h"

enum pintle_status pti_storage_lock(struct pintle_client *client, struct pti_error *error)
{
    const struct pintle_store *store = &client->config->store;
    char detail[PTI_ERROR_DETAIL_MAX] = "";
    enum pintle_status status = store->lock(store->ctx, detail, sizeof detail);

    return status == PINTLE_OK ? status : pti_fail(error, PINTLE_ERR_STORAGE, "store: cannot be locked: %s", detail);
}

void pti_storage_unlock(struct pintle_client *client)
{
    client->config->store.unlock(client->config->store.ctx);
}

/* What is read passes here: it leaves a mark, and the content itself only if that is wanted. */
struct reading {
    struct pti_mark mark;
    struct pti_buf *content; /* or NULL */
    bool too_large;
};

static bool take(void *ctx, const uint8_t *data, size_t size)
{
    struct reading *reading = ctx;

    reading->too_large = size > PTI_STORE_BLOB_MAX - reading->mark.size;
    if (reading->too_large)
        return false;
    pti_mark_update(&reading->mark, data, size);
    if (reading->content != NULL)
        pti_buf_append(reading->content, data, size);
    return reading->content == NULL || reading->content->status == PINTLE_OK;
}

/* content may be NULL: then only stored is wanted. */
static enum pintle_status load(struct pintle_client *client, const char *name, struct pti_stored *stored,
                               struct pti_buf *content, struct pti_error *error)
{
    const struct pintle_store *store = &client->config->store;
    struct reading reading = {.content = content};
    const struct pintle_sink sink = {take, &reading};
    char detail[PTI_ERROR_DETAIL_MAX] = "";
    enum pintle_status status;

    pti_mark_init(&reading.mark);
    *stored = (struct pti_stored){.known = false};
    status = store->load(store->ctx, name, &sink, &stored->found, detail, sizeof detail);
    if (content != NULL && content->status == PINTLE_ERR_MEMORY) /* whatever the store makes of a sink that refused */
        return pti_fail(error, PINTLE_ERR_MEMORY, "store: out of memory reading %s", name);
    if (reading.too_large)
        return pti_fail(error, PINTLE_ERR_STORAGE, "store: cannot read %s: it is larger than anything a client writes",
                        name);
    if (status != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_STORAGE, "store: cannot read %s: %s", name, detail);
    stored->mark = reading.mark;
    stored->known = true;
    return PINTLE_OK;
}

static void forget(struct pti_stored *stored)
{
    pti_bytes_free(&stored->bytes);
    *stored = (struct pti_stored){.known = false};
}

static bool same(const struct pti_stored *a, const struct pti_stored *b)
{
    return a->known == b->known && a->found == b->found && (!a->found || pti_mark_equal(&a->mark, &b->mark));
}

/* Under the store's lock. */
static enum pintle_status compare(struct pintle_client *client, bool *moved, struct pti_error *error)
{
    struct pti_stored roots, accepted = {.known = false};
    enum pintle_status status = load(client, PTI_STORE_ROOTS, &roots, NULL, error);

    if (status == PINTLE_OK)
        status = load(client, PTI_STORE_ACCEPTED, &accepted, NULL, error);
    *moved = !same(&roots, &client->stored_roots) || !same(&accepted, &client->stored_accepted);
    return status;
}

enum pintle_status pti_storage_moved(struct pintle_client *client, bool *moved, struct pti_error *error)
{
    enum pintle_status status = pti_storage_lock(client, error);

    *moved = false;
    if (status != PINTLE_OK)
        return status;
    status = compare(client, moved, error);
    pti_storage_unlock(client);
    return status;
}

/* Writes one file unless it already holds just that, and remembers what it holds now. */
static enum pintle_status save(struct pintle_client *client, const char *name, const struct pti_buf *content,
                               struct pti_stored *stored, struct pti_error *error)
{
    const struct pintle_store *store = &client->config->store;
    struct pti_stored now = {.known = true, .found = true};
    char detail[PTI_ERROR_DETAIL_MAX] = "";

    if (content->status != PINTLE_OK)
        return pti_buf_check(content, error, name);
    pti_mark_init(&now.mark);
    pti_mark_update(&now.mark, content->data, content->size);
    if (same(&now, stored))
        return PINTLE_OK;
    if (store->save(store->ctx, name, pti_buf_bytes(content), detail, sizeof detail) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_STORAGE, "store: cannot write %s: %s", name, detail);
    forget(stored);
    *stored = now;
    return PINTLE_OK;
}

/* Under the store's lock: roots before accepted, because accepted is verified under a root that must be there. */
static enum pintle_status save_both(struct pintle_client *client, const struct pti_generation *generation,
                                    struct pti_error *error)
{
    struct pti_buf content;
    enum pintle_status status;

    pti_buf_init(&content, PTI_STORE_BLOB_MAX);
    pti_roots_write(&client->roots, &content);
    status = save(client, PTI_STORE_ROOTS, &content, &client->stored_roots, error);
    if (status == PINTLE_OK && generation != NULL) {
        pti_buf_clear(&content);
        pti_generation_write(generation, &content);
        status = save(client, PTI_STORE_ACCEPTED, &content, &client->stored_accepted, error);
    }
    pti_buf_clear(&content);
    return status;
}

enum pintle_status pti_storage_save(struct pintle_client *client, const struct pti_generation *generation, bool *moved,
                                    struct pti_error *error)
{
    enum pintle_status status = pti_storage_lock(client, error);

    *moved = false;
    if (status != PINTLE_OK)
        return status;
    status = compare(client, moved, error);
    if (status == PINTLE_OK && !*moved)
        status = save_both(client, generation, error);
    pti_storage_unlock(client);
    return status;
}

/* What reading the store came to.  A problem is told to the application; it never unpins. */
struct loaded {
    struct pti_generation *accepted; /* NULL if absent or not verified; owned, unless it is what is in force already */
    bool unverified;
    bool changed; /* accepted is not what the store holds */
};

static void replace(const struct pintle_client *client, struct loaded *loaded, struct pti_generation *accepted)
{
    if (loaded->accepted != client->accepted)
        pti_generation_free(loaded->accepted);
    loaded->accepted = accepted;
}

static void problem(struct pintle_client *client, struct loaded *loaded, const struct pti_error *error)
{
    loaded->unverified = true;
    pti_live_emit(client->live, PINTLE_EVENT_STORAGE, error->status, NULL, error->detail);
}

static enum pintle_status load_roots(struct pintle_client *client, struct loaded *loaded, struct pti_error *error)
{
    struct pti_buf content;
    enum pintle_status status;

    pti_buf_init(&content, PTI_STORE_BLOB_MAX);
    status = load(client, PTI_STORE_ROOTS, &client->stored_roots, &content, error);
    if (status == PINTLE_OK && client->stored_roots.found) {
        (void)pthread_mutex_lock(&client->state);
        status = pti_roots_add_file(&client->roots, pti_buf_bytes(&content), error);
        (void)pthread_mutex_unlock(&client->state);
        if (status != PINTLE_OK)
            (void)pti_error_prefix(error, "stored roots");
    }
    pti_buf_clear(&content);
    if (status == PINTLE_OK || status == PINTLE_ERR_MEMORY)
        return status;
    problem(client, loaded, error);
    return PINTLE_OK;
}

static enum pintle_status load_accepted(struct pintle_client *client, struct loaded *loaded, struct pti_error *error)
{
    int64_t now = pti_client_clock(client);
    struct pti_buf content;
    enum pintle_status status;

    pti_buf_init(&content, PTI_STORE_BLOB_MAX);
    status = load(client, PTI_STORE_ACCEPTED, &client->stored_accepted, &content, error);
    if (status == PINTLE_OK && client->stored_accepted.found) {
        struct pintle_bytes bytes = pti_buf_take(&content);

        status = loaded->unverified ? pti_generation_read(bytes, &client->roots, now, &loaded->accepted, error)
                                    : pti_generation_take(&bytes, &client->roots, now, &loaded->accepted, error);
        client->stored_accepted.bytes = bytes; /* for pti_storage_recover(); empty if there is nothing to recover */
        if (status != PINTLE_OK)
            (void)pti_error_prefix(error, "stored generation");
    }
    pti_buf_clear(&content);
    if (status == PINTLE_OK || status == PINTLE_ERR_MEMORY)
        return status;
    problem(client, loaded, error);
    return PINTLE_OK;
}

/* The root under which generation was read; it was in the chain then, and the chain only grows. */
static const struct pti_tuf_metadata *root_of(const struct pintle_client *client,
                                              const struct pti_generation *generation)
{
    return pti_roots_version(&client->roots, generation->root_version);
}

/* The largest issue time taken stays this process's too: another one, under a slow clock, may not have taken it. */
static enum pintle_status keep_issued(const struct pintle_client *client, struct loaded *loaded,
                                      struct pti_error *error)
{
    int64_t stored = loaded->accepted->issued;
    enum pintle_status status = pti_apply_inherit_issued(client->accepted, loaded->accepted,
                                                         pti_roots_newest(&client->roots), error);

    loaded->changed = loaded->changed || loaded->accepted->issued != stored;
    return status;
}

/*
 * A running client forgets nothing.  What it has verified and enforces stays, unless the store holds what may follow it
 * (another process was quicker): a store that was emptied, damaged, or put back to an older state takes no pin away.
 */
static enum pintle_status keep_running(struct pintle_client *client, struct loaded *loaded, struct pti_error *error)
{
    struct pti_generation *running = client->accepted;
    struct pti_error refusal;
    enum pintle_status status = PINTLE_ERR_TRUST;

    if (running == NULL)
        return PINTLE_OK;
    if (loaded->accepted != NULL && client->storage_unverified && running->shipped)
        return PINTLE_OK; /* what shipped stood in for a store that was not to be had, and no more than that */
    if (loaded->accepted != NULL)
        status = pti_enforce_may_follow(client, loaded->accepted, &refusal);
    if (status == PINTLE_OK)
        return keep_issued(client, loaded, error);
    if (status != PINTLE_ERR_TRUST)
        return pti_fail(error, status, "stored generation: %s", refusal.detail);
    if (!loaded->unverified)
        (void)pti_fail(&refusal, PINTLE_ERR_STORAGE, "store: what is in force stays, and is written back: %s",
                       loaded->accepted != NULL ? refusal.detail : "the stored generation is gone");
    replace(client, loaded, running);
    loaded->changed = true;
    if (!loaded->unverified)
        pti_live_emit(client->live, PINTLE_EVENT_STORAGE, refusal.status, NULL, refusal.detail);
    return PINTLE_OK;
}

static enum pintle_status copy_shipped(struct pintle_client *client, struct pti_generation **copy,
                                       struct pti_error *error)
{
    return pti_generation_read(client->config->shipped, &client->roots, pti_client_clock(client), copy, error);
}

/* What shipped was refused.  If its charter rules all the same, the application is told. */
static void tell_ruling(const struct pintle_client *client, const struct pti_generation *accepted,
                        const struct pti_error *refusal)
{
    struct pti_error line;

    if (pti_enforce_ruling(client, accepted) == accepted)
        return;
    (void)pti_fail(&line, refusal->status,
                   "shipped charter: version %" PRId64 " rules, with the newer file of each zone, though the rest that "
                   "shipped is refused: %s; if that was not you, replace the online keys",
                   client->shipped->charter.version, refusal->detail);
    pti_live_emit(client->live, PINTLE_EVENT_NOTICE, line.status, NULL, line.detail);
}

/*
 * The shipped generation passes the same apply as a download.  Of one that is older, or that apply refuses, nothing is
 * stored; see pti_enforce_ruling().
 * With unverified storage it is what is left to enforce, but not a new baseline: nothing of it is stored.
 */
static enum pintle_status take_shipped(struct pintle_client *client, struct loaded *loaded, struct pti_error *error)
{
    struct pti_generation *next = NULL;
    struct pti_error refusal;
    enum pintle_status status;

    if (client->shipped == NULL)
        return PINTLE_OK;
    status = pti_apply(loaded->accepted, client->shipped, root_of(client, client->shipped), &refusal);
    if (status == PINTLE_ERR_TRUST) {
        tell_ruling(client, loaded->accepted, &refusal);
        return PINTLE_OK;
    }
    if (status != PINTLE_OK)
        return pti_fail(error, status, "shipped generation: %s", refusal.detail);
    if (loaded->accepted != NULL &&
        pti_bytes_equal(loaded->accepted->timestamp->bytes, client->shipped->timestamp->bytes) &&
        loaded->accepted->root_version == client->shipped->root_version)
        return PINTLE_OK;
    status = copy_shipped(client, &next, error);
    if (status == PINTLE_OK) {
        next->shipped = true;
        next->accepted_at = pti_client_clock(client);
        status = pti_apply_inherit(loaded->accepted, next, root_of(client, client->shipped), error);
    }
    if (status != PINTLE_OK) {
        pti_generation_free(next);
        return status;
    }
    replace(client, loaded, next);
    loaded->changed = true;
    return PINTLE_OK;
}

static enum pintle_status put_in_force(struct pintle_client *client, struct loaded *loaded, struct pti_error *error)
{
    const struct pti_tuf_metadata *newest = pti_roots_newest(&client->roots);
    struct pintle_pinset *pinset;
    enum pintle_status status = pti_enforce_compile(client, loaded->accepted, loaded->unverified, true, &pinset, error);

    if (status != PINTLE_OK)
        return status;
    (void)pthread_mutex_lock(&client->state);
    if (loaded->accepted != NULL && loaded->accepted->root_version != newest->version)
        client->behind = true; /* as it stays if a poll has learned of something newer that the store does not hold */
    (void)pthread_mutex_unlock(&client->state);
    pti_enforce_swap(client, loaded->accepted, loaded->unverified, pinset);
    loaded->accepted = NULL;
    return PINTLE_OK;
}

static enum pintle_status start_locked(struct pintle_client *client, bool locked, struct loaded *loaded,
                                       struct pti_error *error)
{
    enum pintle_status status = load_roots(client, loaded, error);

    if (status == PINTLE_OK)
        status = load_accepted(client, loaded, error);
    if (status == PINTLE_OK)
        status = keep_running(client, loaded, error);
    if (status == PINTLE_OK)
        status = take_shipped(client, loaded, error);
    if (status != PINTLE_OK || !locked || loaded->unverified)
        return status;
    status = save_both(client, loaded->changed ? loaded->accepted : NULL, error);
    if (status != PINTLE_ERR_STORAGE)
        return status;
    /* It is enforced all the same: what shipped will be there again at the next start. */
    pti_live_emit(client->live, PINTLE_EVENT_STORAGE, error->status, NULL, error->detail);
    return PINTLE_OK;
}

void pti_storage_forget(struct pintle_client *client)
{
    forget(&client->stored_roots);
    forget(&client->stored_accepted);
}

enum pintle_status pti_storage_start(struct pintle_client *client, struct pti_error *error)
{
    struct loaded loaded = {NULL, false, false};
    bool locked = pti_storage_lock(client, error) == PINTLE_OK;
    enum pintle_status status;

    if (!locked) /* read it all the same: each file is replaced as a whole, and two that do not fit do not verify */
        pti_live_emit(client->live, PINTLE_EVENT_STORAGE, error->status, NULL, error->detail);
    pti_storage_forget(client);
    status = start_locked(client, locked, &loaded, error);
    if (locked)
        pti_storage_unlock(client);
    if (status == PINTLE_OK)
        status = put_in_force(client, &loaded, error);
    if (status != PINTLE_OK)
        pti_storage_forget(client);
    replace(client, &loaded, NULL);
    return status;
}

/* Reads the stored generation again, now that its root may be known.  One that is damaged beyond that is no baseline. */
static enum pintle_status reread_accepted(struct pintle_client *client, struct loaded *loaded, struct pti_error *error)
{
    int64_t root, now = pti_client_clock(client);
    enum pintle_status status;

    if (pti_generation_file_root(client->stored_accepted.bytes, &root, NULL) != PINTLE_OK)
        return PINTLE_OK;
    if (pti_roots_version(&client->roots, root) == NULL)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "the store was accepted under root %" PRId64 ", but the repository offers roots only up to %zu",
                        root, client->roots.count);
    status = pti_generation_read(client->stored_accepted.bytes, &client->roots, now, &loaded->accepted, error);
    return status == PINTLE_ERR_MEMORY ? status : PINTLE_OK;
}

enum pintle_status pti_storage_recover(struct pintle_client *client, struct pti_error *error)
{
    /* other hosts stay refused until the refresh under way has succeeded */
    struct loaded loaded = {NULL, true, false};
    enum pintle_status status;

    if (!client->storage_unverified || !client->stored_accepted.found)
        return PINTLE_OK;
    status = reread_accepted(client, &loaded, error);
    if (status == PINTLE_OK && loaded.accepted != NULL)
        status = keep_running(client, &loaded, error);
    if (status == PINTLE_OK && loaded.accepted != NULL)
        status = take_shipped(client, &loaded, error);
    if (status == PINTLE_OK && loaded.accepted != NULL && loaded.accepted != client->accepted)
        status = put_in_force(client, &loaded, error);
    replace(client, &loaded, NULL);
    return status;
}
