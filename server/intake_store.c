/* SPDX-License-Identifier: Apache-2.0 */
#include "server/intake_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "server/cells.h"

#define LOCK_REPORTS "report" /* nodes that share a database store one after the other */
#define ID_SIZE sizeof(uint64_t)

enum pintle_status pti_intake_store_new(struct pti_database *database, struct pintle_crypto *crypto, int64_t keep,
                                        int64_t sample, struct pti_intake_store **store, struct pti_error *error)
{
    struct pti_intake_store *made = calloc(1, sizeof *made);

    *store = NULL;
    if (!made)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the intake of reports");
    made->database = database;
    made->crypto = crypto;
    made->keep = keep;
    made->sample = sample;
    pti_seen_init(&made->seen, PTI_SEEN_MAX);
    pti_seen_init(&made->batch, PTI_INTAKE_REPORTS_MAX);
    made->rollup = calloc(1, sizeof *made->rollup);
    made->whole = calloc(PTI_INTAKE_REPORTS_MAX, sizeof *made->whole);
    made->ids = calloc(PTI_INTAKE_REPORTS_MAX, sizeof *made->ids);
    if (!made->rollup || !made->whole || !made->ids || !pti_seen_reserve(&made->batch, PTI_INTAKE_REPORTS_MAX) ||
        pti_series_set_init(&made->series, error) != PINTLE_OK) {
        pti_intake_store_free(made);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the intake of reports");
    }
    *store = made;
    return PINTLE_OK;
}

void pti_intake_store_free(struct pti_intake_store *store)
{
    if (!store)
        return;
    pti_series_set_clear(&store->series);
    pti_seen_clear(&store->seen);
    pti_seen_clear(&store->batch);
    free(store->rollup);
    free(store->whole);
    free(store->ids);
    free(store);
}

enum pintle_status pti_intake_item_init(struct pti_intake_item *item, struct pintle_crypto *crypto,
                                        struct pti_report *report, const char *repository, uint64_t network)
{
    uint8_t named[PTI_SERVED_NAME_MAX + 1 + PTI_REPORT_TOKEN_MAX], digest[PINTLE_SHA256_SIZE];
    size_t size = strlen(repository) + 1, length = strlen(report->id);
    struct pti_series_labels labels;
    enum pintle_status status;

    assert(size + length <= sizeof named);
    memcpy(named, repository, size);
    memcpy(named + size, report->id, length);
    *item = (struct pti_intake_item){.report = report, .repository = repository, .network = network};
    status = pti_sha256(crypto, (struct pintle_bytes){named, size + length}, digest);
    memcpy(&item->id, digest, sizeof item->id);
    pti_series_labels_of(report, repository, &labels);
    return status == PINTLE_OK ? pti_series_key_of(crypto, &labels, &item->series) : status;
}

/* ---- the log of ids ---- */

static const struct pti_db_statement read_log = {"read which reports were taken",
                                                 "SELECT number, at, ids FROM taken WHERE number > $1 ORDER BY number"};
static const struct pti_db_statement add_log = {"log which reports were taken",
                                                "INSERT INTO taken (number, at, ids) VALUES ($1, $2, $3)"};
static const struct pti_db_statement cut_log = {"forget which reports were taken",
                                                "DELETE FROM taken WHERE number < $1"};

static bool take_entry(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct pti_intake_store *store = ctx;
    struct pintle_bytes ids = columns[2].bytes;
    uint64_t id;

    (void)count; /* 3 */
    pti_seen_turn(&store->seen, columns[1].integer, columns[0].integer);
    if (!pti_seen_reserve(&store->seen, ids.size / ID_SIZE))
        return false;
    for (size_t at = 0; at + ID_SIZE <= ids.size; at += ID_SIZE) {
        memcpy(&id, ids.data + at, sizeof id);
        pti_seen_add(&store->seen, id);
    }
    if (store->forgotten == 0)
        store->forgotten = columns[0].integer;
    store->logged = columns[0].integer;
    return true;
}

static enum pti_db_result read_new_entries(struct pti_intake_store *store, struct pti_error *error)
{
    const struct pti_db_value last = pti_db_integer(store->logged);
    const struct pti_db_query query = {&read_log, &last, 1, take_entry, store};

    return pti_database_run(store->database, &query, NULL, error);
}

static enum pti_db_result add_entry(struct pti_intake_store *store, size_t count, int64_t now, struct pti_error *error)
{
    const struct pti_db_value values[] = {
        pti_db_integer(store->logged + 1), pti_db_integer(now),
        pti_db_bytes((struct pintle_bytes){(const uint8_t *)store->ids, count * ID_SIZE})};
    const struct pti_db_query query = {&add_log, values, PTI_COUNT(values), NULL, NULL};

    return pti_database_run(store->database, &query, NULL, error);
}

/* A piece at a time, so that no transaction is long. */
static int64_t cut_to(const struct pti_intake_store *store)
{
    int64_t oldest = pti_seen_oldest(&store->seen), next = store->forgotten + PTI_INTAKE_FORGET_MAX;

    return next < oldest ? next : oldest;
}

static enum pti_db_result cut(struct pti_intake_store *store, struct pti_error *error)
{
    const struct pti_db_value first = pti_db_integer(cut_to(store));
    const struct pti_db_query query = {&cut_log, &first, 1, NULL, NULL};

    return first.integer > store->forgotten ? pti_database_run(store->database, &query, NULL, error) : PTI_DB_OK;
}

/* ---- a transaction ---- */

struct put {
    struct pti_intake_store *store;
    struct pti_intake_item *items;
    size_t count;
    int64_t now, trimmed;
    size_t fresh, whole;
    size_t added; /* ids */
};

/* The cell that the item counts in: that of its series, or "other" if there are too many. */
static struct pti_rollup_cell *cell_for(struct put *put, const struct pti_intake_item *item)
{
    struct pti_intake_store *store = put->store;
    struct pti_rollup_cell *cell = pti_rollup_find(store->rollup, &item->series);
    struct pti_series_key key = item->series;
    struct pti_series_labels labels;

    if (cell)
        return cell;
    pti_series_labels_of(item->report, item->repository, &labels);
    if (!pti_series_find(&store->series, &key) && put->fresh >= pti_series_room(&store->series, put->now)) {
        pti_series_labels_other(item->repository, &labels);
        if (pti_series_key_of(store->crypto, &labels, &key) != PINTLE_OK)
            return NULL;
    }
    cell = pti_rollup_cell(store->rollup, &key, &labels);
    if (cell->reports == 0) {
        cell->fresh = !pti_series_find(&store->series, &key);
        put->fresh += cell->fresh;
    }
    return cell;
}

/* A few reports of each series and hour are kept whole: the first ones. */
static bool sample(struct put *put, struct pti_rollup_cell *cell, const struct pti_intake_item *item)
{
    const struct pti_intake_store *store = put->store;
    const struct pti_series *series = pti_series_find(&store->series, &cell->key);

    if ((series ? pti_series_sampled(series, put->now) : 0) + cell->sampled >= store->sample)
        return true;
    if (item->report->document.size == 0 && pti_report_document(item->report, NULL) != PINTLE_OK)
        return false;
    cell->sampled++;
    put->store->whole[put->whole++] = (struct pti_report_entry){item->report, item->repository};
    return true;
}

static bool count_item(struct put *put, struct pti_intake_item *item)
{
    struct pti_intake_store *store = put->store;
    struct pti_rollup_cell *cell;

    item->stored = PTI_STORED_BEFORE;
    if (pti_seen_has(&store->seen, item->id) || pti_seen_has(&store->batch, item->id))
        return true;
    item->stored = PTI_STORED_NEW;
    pti_seen_add(&store->batch, item->id);
    store->ids[put->added++] = item->id;
    cell = cell_for(put, item);
    if (!cell)
        return false;
    pti_rollup_add(store->rollup, cell, item->report, item->network);
    return sample(put, cell, item);
}

static enum pti_db_result count_all(struct put *put, struct pti_error *error)
{
    struct pti_intake_store *store = put->store;

    put->fresh = put->whole = put->added = 0;
    pti_seen_forget(&store->batch);
    pti_rollup_clear(store->rollup);
    pti_seen_turn(&store->seen, put->now, store->logged + 1);
    for (size_t i = 0; i < put->count; i++) {
        if (!count_item(put, &put->items[i])) {
            (void)pti_fail(error, PINTLE_ERR_MEMORY, "cannot count a report: out of memory");
            return PTI_DB_MEMORY;
        }
    }
    if (!pti_seen_reserve(&store->seen, put->added)) {
        (void)pti_fail(error, PINTLE_ERR_MEMORY, "no memory to know %zu reports again", put->added);
        return PTI_DB_MEMORY;
    }
    pti_rollup_sort(store->rollup);
    return PTI_DB_OK;
}

static enum pti_db_result work(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct put *put = ctx;
    struct pti_intake_store *store = put->store;
    enum pti_db_result result = read_new_entries(store, error);

    put->trimmed = 0;
    if (result == PTI_DB_OK)
        result = count_all(put, error);
    if (result != PTI_DB_OK || put->added == 0)
        return result;
    result = pti_cells_merge(database, store->rollup, put->now, error);
    if (result == PTI_DB_OK && put->whole > 0)
        result = pti_storage_insert_reports(database, store->whole, put->whole, put->now, store->keep, &put->trimmed,
                                            error);
    if (result == PTI_DB_OK)
        result = add_entry(store, put->added, put->now, error);
    return result == PTI_DB_OK ? cut(store, error) : result;
}

/* It is in the database now; memory follows.  Had this been lost, the log would tell it to the next transaction. */
static void remember(struct put *put)
{
    struct pti_intake_store *store = put->store;

    store->forgotten = cut_to(store) > store->forgotten ? cut_to(store) : store->forgotten;
    store->logged++;
    for (size_t i = 0; i < put->added; i++)
        pti_seen_add(&store->seen, store->ids[i]);
    for (size_t i = 0; i < store->rollup->cell_count; i++) {
        const struct pti_rollup_cell *cell = &store->rollup->cells[i];
        struct pti_series *series = pti_series_note(&store->series, &cell->key, put->now);

        if (series)
            pti_series_note_sampled(series, cell->sampled, put->now);
    }
}

enum pintle_status pti_intake_store_put(struct pti_intake_store *store, struct pti_intake_item *items, size_t count,
                                        int64_t now, int64_t *trimmed, struct pti_error *error)
{
    struct put put = {.store = store, .items = items, .count = count, .now = now};
    enum pintle_status status = PINTLE_ERR_MEMORY;

    assert(count <= PTI_INTAKE_REPORTS_MAX);
    *trimmed = 0;
    status = pti_database_transaction(store->database, LOCK_REPORTS, work, &put, error);
    if (status != PINTLE_OK)
        return status;
    *trimmed = put.trimmed;
    if (put.added > 0)
        remember(&put);
    return PINTLE_OK;
}

enum pintle_status pti_intake_store_age(struct pti_intake_store *store, int64_t now, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    size_t moved = PTI_CELLS_AGE_MAX;

    for (int times = 0; status == PINTLE_OK && moved == PTI_CELLS_AGE_MAX && times < PTI_CELLS_AGE_TIMES; times++)
        status = pti_cells_age(store->database, LOCK_REPORTS, now, &moved, error);
    return status;
}
