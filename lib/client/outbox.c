/* SPDX-License-Identifier: Apache-2.0 */
#include "client/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "client/notes.h"
#include "client/storage.h"
#include "client/turn.h"

#define DAY_S 86400
#define DEDUP_S (24 * 3600)

static struct pti_reports_entry *find(struct pti_reports *reports, const char *id)
{
    for (size_t i = 0; i < reports->count; i++)
        if (strcmp(reports->queue[i].id, id) == 0)
            return &reports->queue[i];
    return NULL;
}

static const struct pti_reports_seen *find_seen(const struct pti_reports *reports, uint64_t key)
{
    for (size_t i = 0; i < reports->seen_count; i++)
        if (reports->seen[i].key == key)
            return &reports->seen[i];
    return NULL;
}

/* ---- merging; under the lock of the reports ---- */

/* Has another process told of it, within a day? */
static bool told_by_another(const struct pti_reports *stored, const struct pti_reports_entry *entry)
{
    const struct pti_reports_seen *seen = entry->key != 0 ? find_seen(stored, entry->key) : NULL;

    return seen != NULL && entry->at >= seen->at && entry->at - seen->at < DEDUP_S;
}

static void drop(struct pti_reports *reports, size_t place)
{
    pti_bytes_free(&reports->queue[place].json);
    reports->count--;
    memmove(&reports->queue[place], &reports->queue[place + 1], (reports->count - place) * sizeof reports->queue[0]);
}

static void merge_queue(struct pti_reports *reports, struct pti_reports *stored, bool found)
{
    for (size_t i = 0; i < reports->gone_count; i++) {
        struct pti_reports_entry *entry = find(stored, reports->gone[i]);

        if (entry != NULL)
            drop(stored, (size_t)(entry - stored->queue));
    }
    for (size_t i = reports->count; i-- > 0;) {
        struct pti_reports_entry *entry = &reports->queue[i];

        if (found && (entry->stored ? find(stored, entry->id) == NULL : told_by_another(stored, entry))) {
            drop(reports, i);
        } else if (!found) {
            entry->stored = false;
            reports->unsaved = true;
        }
    }
    for (size_t i = 0; i < stored->count; i++) {
        struct pti_reports_entry *entry = &stored->queue[i];

        if (find(reports, entry->id) != NULL || reports->count == PTI_REPORTS_MAX)
            continue;
        reports->queue[reports->count++] = *entry;
        entry->json = (struct pintle_bytes){NULL, 0};
    }
}

static void merge_seen(struct pti_reports *reports, const struct pti_reports *stored)
{
    for (size_t i = 0; i < stored->seen_count; i++) {
        const struct pti_reports_seen *known = find_seen(reports, stored->seen[i].key);

        if (known == NULL && reports->seen_count < PTI_REPORT_DEDUP_MAX)
            reports->seen[reports->seen_count++] = stored->seen[i];
    }
}

/* A device has one number a day, whichever of its processes chose it first. */
static void merge_seed(struct pti_reports *reports, const struct pti_reports *stored)
{
    if (stored->seed_day < reports->seed_day || stored->seed == reports->seed || stored->seed_day < 0)
        return;
    reports->seed = stored->seed;
    reports->seed_day = stored->seed_day;
    for (size_t i = 0; i < reports->count; i++)
        if (!reports->queue[i].stored && reports->queue[i].at / DAY_S == reports->seed_day)
            pti_reports_set_device(reports, &reports->queue[i]);
}

static struct pti_reports_count *count_of(struct pti_reports *reports, uint64_t policy)
{
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX; i++) {
        if (reports->counts[i].policy == 0)
            reports->counts[i].policy = policy;
        if (reports->counts[i].policy == policy)
            return &reports->counts[i];
    }
    return NULL;
}

static void merge_counts(struct pti_reports *reports, struct pti_reports *stored)
{
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX && stored->counts[i].policy != 0; i++)
        (void)count_of(reports, stored->counts[i].policy);
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX && reports->counts[i].policy != 0; i++) {
        struct pti_reports_count *count = &reports->counts[i];
        const struct pti_reports_count *base = count_of(stored, count->policy);
        int64_t left = base != NULL ? base->base - count->consumed : 0;

        *count = (struct pti_reports_count){.policy = count->policy, .base = (left > 0 ? left : 0) + count->delta};
    }
}

/* It could not be written: what is new is new still. */
static void unmerge_counts(struct pti_reports *reports, struct pti_reports *stored)
{
    for (size_t i = 0; i < PTI_SUCCESS_HOSTS_MAX && reports->counts[i].policy != 0; i++) {
        struct pti_reports_count *count = &reports->counts[i];
        const struct pti_reports_count *base = count_of(stored, count->policy);
        int64_t held = base != NULL ? base->base : 0;

        count->delta += count->base - held - count->consumed;
        count->base = held;
        count->consumed = 0;
    }
}

static void merge(struct pti_reports *reports, struct pti_reports *stored, bool found)
{
    merge_queue(reports, stored, found);
    merge_seen(reports, stored);
    merge_seed(reports, stored);
    merge_counts(reports, stored);
    if (found)
        reports->total_day = stored->total_day;
}

/* ---- with the store ---- */

/* Under the store's lock.  Damage is told, and dropped. */
static enum pintle_status load(struct pintle_client *client, struct pti_reports *stored, bool *found,
                               struct pti_error *error)
{
    struct pti_buf content;
    enum pintle_status status;

    pti_reports_init(stored);
    pti_buf_init(&content, PTI_REPORTS_FILE_MAX);
    status = pti_notes_load(client, PTI_STORE_REPORTS, &content, error);
    *found = status == PINTLE_OK && content.size > 0;
    if (*found)
        status = pti_outbox_parse(pti_buf_bytes(&content), stored, error);
    pti_buf_clear(&content);
    if (status != PINTLE_ERR_INPUT)
        return status;
    *found = false;
    pti_live_emit(client->live, PINTLE_EVENT_STORAGE, PINTLE_ERR_STORAGE, NULL, error->detail);
    pti_error_clear(error);
    return PINTLE_OK;
}

static enum pintle_status save(struct pintle_client *client, const struct pti_reports *image, struct pti_error *error)
{
    struct pti_buf content;
    enum pintle_status status;

    pti_buf_init(&content, PTI_REPORTS_FILE_MAX);
    pti_outbox_write(image, &content);
    status = pti_notes_save(client, PTI_STORE_REPORTS, &content, error);
    pti_buf_clear(&content);
    return status;
}

static void add_totals(struct pintle_client *client, struct pti_reports *reports, const struct pintle_pinset *pinset,
                       const struct pti_report_moment *moment)
{
    const struct pintle_clock *clock = &client->config->clock;
    struct pti_report_moment each = *moment;

    if (!pti_reports_totals_due(reports, moment->now / DAY_S))
        return;
    for (size_t i = 0; i < pinset->policy_count; i++) {
        each.random = clock->random(clock->ctx);
        each.id[0] = clock->random(clock->ctx);
        each.id[1] = clock->random(clock->ctx);
        pti_reports_add_total(reports, pinset, &pinset->policies[i], &each);
    }
}

/* What was saved is stored; what changed since is not. */
static void settle(struct pti_reports *reports, struct pti_reports *stored, const struct pti_reports *image, bool saved)
{
    if (!saved) {
        unmerge_counts(reports, stored);
        reports->unsaved = true;
        return;
    }
    for (size_t i = 0; i < image->count; i++) {
        struct pti_reports_entry *entry = find(reports, image->queue[i].id);

        if (entry != NULL)
            entry->stored = true;
    }
    reports->gone_count = 0;
}

/* Both images are ours; what they point to in the queue belongs to the queue, which only the turn takes out of. */
static enum pintle_status exchange(struct pintle_client *client, struct pti_reports *stored, struct pti_reports *image,
                                   struct pti_error *error)
{
    struct pti_live *live = client->live;
    struct pti_report_moment moment = pti_live_moment(live);
    struct pintle_pinset *pinset;
    bool found = false, changed;
    enum pintle_status status = load(client, stored, &found, error);

    if (status != PINTLE_OK)
        return status;
    pinset = pti_live_pinset(live);
    (void)pthread_mutex_lock(&live->reports_lock);
    pti_reports_collect(&live->reports, &live->successes);
    merge(&live->reports, stored, found);
    add_totals(client, &live->reports, pinset, &moment);
    changed = live->reports.unsaved;
    live->reports.unsaved = false;
    *image = live->reports;
    (void)pthread_mutex_unlock(&live->reports_lock);
    pintle_pinset_free(pinset);
    if (changed)
        status = save(client, image, error);
    (void)pthread_mutex_lock(&live->reports_lock);
    settle(&live->reports, stored, image, status == PINTLE_OK);
    pti_live_count_recovering(live);
    (void)pthread_mutex_unlock(&live->reports_lock);
    return status;
}

static enum pintle_status exchange_locked(struct pintle_client *client, struct pti_reports *images,
                                          struct pti_error *error)
{
    enum pintle_status status = pti_storage_lock(client, error);

    if (status != PINTLE_OK)
        return status;
    status = exchange(client, &images[0], &images[1], error);
    pti_storage_unlock(client);
    return status;
}

/* The application gets the text of each report that this process has queued; nobody takes one out meanwhile. */
static void tell_new(struct pintle_client *client)
{
    struct pti_live *live = client->live;

    for (size_t i = 0; i < PTI_REPORTS_MAX; i++) {
        struct pti_reports_entry entry = {.told = true};
        struct pti_buf text;
        const char *line;

        (void)pthread_mutex_lock(&live->reports_lock);
        if (i < live->reports.count) {
            entry = live->reports.queue[i];
            live->reports.queue[i].told = true;
        }
        (void)pthread_mutex_unlock(&live->reports_lock);
        if (entry.told)
            continue;
        pti_buf_init(&text, PTI_REPORT_SIZE_MAX);
        pti_reports_compose(&entry, &text);
        line = pti_buf_cstr(&text);
        if (line != NULL)
            pti_live_emit(live, PINTLE_EVENT_REPORT, PINTLE_OK, NULL, line);
        pti_buf_clear(&text);
    }
}

static void tell_failure(struct pintle_client *client, const struct pti_error *error)
{
    bool untold = error->status != PINTLE_OK && !client->outbox_told;

    client->outbox_told = error->status != PINTLE_OK;
    if (untold)
        pti_live_emit(client->live, PINTLE_EVENT_STORAGE, error->status, NULL, error->detail);
}

/* Without the lock: a blob is replaced as a whole, and nothing is written that is not new. */
void pti_outbox_start(struct pintle_client *client)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_reports *stored = calloc(1, sizeof *stored);
    bool found = false;

    if (stored == NULL)
        (void)pti_fail(&error, PINTLE_ERR_MEMORY, "store: out of memory for the queue of reports");
    else if (load(client, stored, &found, &error) == PINTLE_OK && found) {
        (void)pthread_mutex_lock(&client->live->reports_lock);
        merge(&client->live->reports, stored, found);
        (void)pthread_mutex_unlock(&client->live->reports_lock);
    }
    if (stored != NULL)
        pti_reports_clear(stored);
    free(stored);
    tell_failure(client, &error);
}

void pti_outbox_sync(struct pintle_client *client)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_reports *images = calloc(2, sizeof *images);

    if (images == NULL) {
        (void)pti_fail(&error, PINTLE_ERR_MEMORY, "store: out of memory for the queue of reports");
    } else {
        (void)exchange_locked(client, images, &error);
        pti_reports_clear(&images[0]);
    }
    free(images);
    tell_failure(client, &error);
    tell_new(client);
}

void pti_outbox_sync_if_changed(struct pintle_client *client)
{
    struct pti_live *live = client->live;
    bool changed;

    (void)pthread_mutex_lock(&live->reports_lock);
    pti_reports_collect(&live->reports, &live->successes);
    changed = live->reports.unsaved;
    (void)pthread_mutex_unlock(&live->reports_lock);
    if (changed)
        pti_outbox_sync(client);
}

void pti_outbox_keep(struct pintle_client *client, int64_t deadline_ms)
{
    int64_t deadline;

    if (pti_client_begin(client, "reports", deadline_ms, &deadline) != PINTLE_OK)
        return;
    pti_outbox_sync_if_changed(client);
    (void)pti_client_end(client, NULL);
}
