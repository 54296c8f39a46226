/* SPDX-License-Identifier: Apache-2.0 */
#include "server/cells.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "server/hll.h"

static const struct pti_db_column series_columns[] = {
    {"key", PTI_DB_KEY},          {"repository", PTI_DB_KEEP}, {"host", PTI_DB_KEEP},         {"reason", PTI_DB_KEEP},
    {"leaf", PTI_DB_KEEP},        {"zone", PTI_DB_KEEP},       {"zone_version", PTI_DB_KEEP}, {"app", PTI_DB_KEEP},
    {"app_version", PTI_DB_KEEP}, {"os", PTI_DB_KEEP},
};
static const struct pti_db_table series_table = {"series", "store a series of reports", series_columns,
                                                 PTI_COUNT(series_columns)};

static const struct pti_db_column cell_columns[] = {
    {"span", PTI_DB_KEY},        {"start", PTI_DB_KEY},        {"series", PTI_DB_KEY}, {"reports", PTI_DB_ADD},
    {"weight", PTI_DB_ADD},      {"successes", PTI_DB_ADD},    {"tried", PTI_DB_ADD},  {"recovered", PTI_DB_ADD},
    {"devices", PTI_DB_REPLACE}, {"networks", PTI_DB_REPLACE},
};
static const struct pti_db_table cell_table = {"cell", "count reports", cell_columns, PTI_COUNT(cell_columns)};

static const struct pti_db_statement read_sketches = {
    "read a cell", "SELECT devices, networks FROM cell WHERE span = $1 AND start = $2 AND series = $3"};

static struct pti_db_value key_value(const struct pti_series_key *key)
{
    return pti_db_bytes((struct pintle_bytes){key->bytes, sizeof key->bytes});
}

static enum pti_db_result write_series(struct pti_database *database, const struct pti_rollup_cell *cell,
                                       struct pti_error *error)
{
    const struct pti_series_labels *labels = &cell->labels;
    const struct pti_db_value row[PTI_COUNT(series_columns)] = {
        key_value(&cell->key),
        pti_db_text(labels->repository),
        pti_db_text(labels->host),
        pti_db_text(labels->reason),
        pti_db_text(labels->leaf),
        pti_db_text(labels->zone),
        pti_db_integer(labels->zone_version),
        pti_db_text(labels->app),
        pti_db_text(labels->app_version),
        pti_db_text(labels->os),
    };

    return pti_database_upsert(database, &series_table, row, 1, error);
}

/* The sketches of a cell, encoded. */
struct sketches {
    uint8_t bytes[PTI_SKETCHES][PTI_HLL_SIZE_MAX];
    size_t size[PTI_SKETCHES];
};

static bool take_sketches(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct sketches *sketches = ctx;

    for (size_t i = 0; i < count && i < PTI_SKETCHES; i++) {
        if (columns[i].bytes.size == 0 || columns[i].bytes.size > PTI_HLL_SIZE_MAX)
            continue;
        memcpy(sketches->bytes[i], columns[i].bytes.data, columns[i].bytes.size);
        sketches->size[i] = columns[i].bytes.size;
    }
    return true;
}

/* row becomes the cell as it adds to what is there, its sketches together with those that are. */
static enum pti_db_result merge_one(struct pti_database *database, const struct pti_rollup *rollup,
                                    const struct pti_rollup_cell *cell, int64_t start, struct pti_db_value *row,
                                    struct sketches *sketches, struct pti_error *error)
{
    const int64_t counts[] = {cell->reports, cell->weight, cell->successes, cell->tried, cell->recovered};
    const struct pti_db_query read = {&read_sketches, row, 3, take_sketches, sketches};
    enum pti_db_result result;

    row[0] = pti_db_integer(PTI_CELL_MINUTE_S);
    row[1] = pti_db_integer(start);
    row[2] = key_value(&cell->key);
    memset(sketches->size, 0, sizeof sketches->size);
    result = pti_database_run(database, &read, NULL, error);
    for (size_t i = 0; i < PTI_COUNT(counts); i++)
        row[3 + i] = pti_db_integer(counts[i]);
    for (size_t i = 0; i < PTI_SKETCHES; i++) {
        const struct pti_rollup_update *update = &rollup->updates[cell->updates[i]];
        uint8_t *bytes = sketches->bytes[i];

        for (size_t left = cell->update_count[i]; left > 0; left--, update++)
            sketches->size[i] = pti_hll_update(bytes, sketches->size[i], update->index, update->rank);
        row[3 + PTI_COUNT(counts) + i] = pti_db_bytes((struct pintle_bytes){bytes, sketches->size[i]});
    }
    return result;
}

enum pti_db_result pti_cells_merge(struct pti_database *database, const struct pti_rollup *rollup, int64_t now,
                                   struct pti_error *error)
{
    struct pti_db_value row[PTI_COUNT(cell_columns)];
    enum pti_db_result result = PTI_DB_OK;
    struct sketches sketches;

    for (size_t i = 0; i < rollup->cell_count && result == PTI_DB_OK; i++) {
        const struct pti_rollup_cell *cell = &rollup->cells[i];

        if (cell->fresh)
            result = write_series(database, cell, error);
        if (result == PTI_DB_OK)
            result = merge_one(database, rollup, cell, now - now % PTI_CELL_MINUTE_S, row, &sketches, error);
        if (result == PTI_DB_OK)
            result = pti_database_upsert(database, &cell_table, row, 1, error);
    }
    return result;
}

/* ---- ageing ---- */

static const struct {
    int64_t span, keep;
    int64_t next; /* 0: it goes */
} ages[] = {
    {PTI_CELL_MINUTE_S, PTI_CELLS_KEEP_MINUTES_S, PTI_CELL_HOUR_S},
    {PTI_CELL_HOUR_S, PTI_CELLS_KEEP_HOURS_S, PTI_CELL_DAY_S},
    {PTI_CELL_DAY_S, PTI_CELLS_KEEP_DAYS_S, 0},
};

void pti_cell_place(int64_t span, int64_t start, int64_t now, int64_t *to_span, int64_t *to_start)
{
    *to_span = span;
    *to_start = start;
    for (size_t i = 0; i < PTI_COUNT(ages); i++) {
        if (ages[i].span != span || start + span > now - ages[i].keep)
            continue;
        *to_span = ages[i].next;
        *to_start = ages[i].next == 0 ? 0 : start - start % ages[i].next;
    }
}

/* A cell, copied out of the database. */
struct aged {
    int64_t span, start;
    struct pti_series_key key;
    struct pti_db_value counts[5];
    struct sketches sketches;
};

struct ageing {
    int64_t now;
    struct aged *all; /* PTI_CELLS_AGE_MAX */
    size_t count;
};

static const struct pti_db_statement old_cells = {
    "find old cells", "SELECT span, start, series, reports, weight, successes, tried, recovered, devices, networks"
                      " FROM cell WHERE span = $1 AND start <= $2 ORDER BY start, series LIMIT $3"};
static const struct pti_db_statement remove_cell = {"remove an old cell",
                                                    "DELETE FROM cell WHERE span = $1 AND start = $2 AND series = $3"};

static bool take_old(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct ageing *ageing = ctx;
    struct aged *aged = &ageing->all[ageing->count];

    if (ageing->count == PTI_CELLS_AGE_MAX || columns[2].bytes.size != sizeof aged->key)
        return true;
    aged->span = columns[0].integer;
    aged->start = columns[1].integer;
    memcpy(&aged->key, columns[2].bytes.data, sizeof aged->key);
    memcpy(aged->counts, &columns[3], sizeof aged->counts);
    memset(aged->sketches.size, 0, sizeof aged->sketches.size);
    ageing->count++;
    return take_sketches(&aged->sketches, &columns[8], count - 8);
}

static struct pti_db_query old_query(struct ageing *ageing, size_t age, struct pti_db_value values[3])
{
    values[0] = pti_db_integer(ages[age].span);
    values[1] = pti_db_integer(ageing->now - ages[age].keep - ages[age].span);
    values[2] = pti_db_integer(PTI_CELLS_AGE_MAX - (int64_t)ageing->count);
    return (struct pti_db_query){&old_cells, values, 3, take_old, ageing};
}

/* Adds a cell to that of the longer span. */
static enum pti_db_result add_aged(struct pti_database *database, const struct aged *aged, int64_t span, int64_t start,
                                   struct pti_error *error)
{
    struct sketches merged = {.size = {0}};
    struct pti_db_value row[PTI_COUNT(cell_columns)] = {pti_db_integer(span), pti_db_integer(start),
                                                        key_value(&aged->key)};
    const struct pti_db_query read = {&read_sketches, row, 3, take_sketches, &merged};
    enum pti_db_result result = pti_database_run(database, &read, NULL, error);

    memcpy(&row[3], aged->counts, sizeof aged->counts);
    for (size_t i = 0; i < PTI_SKETCHES; i++) {
        struct pti_hll hll = {{0}};

        (void)pti_hll_merge(&hll, (struct pintle_bytes){merged.bytes[i], merged.size[i]});
        (void)pti_hll_merge(&hll, (struct pintle_bytes){aged->sketches.bytes[i], aged->sketches.size[i]});
        row[3 + PTI_COUNT(aged->counts) + i] = pti_db_bytes(
            (struct pintle_bytes){merged.bytes[i], pti_hll_encode(&hll, merged.bytes[i])});
    }
    return result == PTI_DB_OK ? pti_database_upsert(database, &cell_table, row, 1, error) : result;
}

static enum pti_db_result move_aged(struct pti_database *database, const struct aged *aged, int64_t now,
                                    struct pti_error *error)
{
    const struct pti_db_value key[] = {pti_db_integer(aged->span), pti_db_integer(aged->start), key_value(&aged->key)};
    const struct pti_db_query removal = {&remove_cell, key, PTI_COUNT(key), NULL, NULL};
    enum pti_db_result result = PTI_DB_OK;
    int64_t span, start;

    pti_cell_place(aged->span, aged->start, now, &span, &start);
    if (span == aged->span)
        return PTI_DB_OK;
    if (span != 0)
        result = add_aged(database, aged, span, start, error);
    return result == PTI_DB_OK ? pti_database_run(database, &removal, NULL, error) : result;
}

static enum pti_db_result age_some(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct ageing *ageing = ctx;
    enum pti_db_result result = PTI_DB_OK;
    struct pti_db_value values[3];

    ageing->count = 0;
    for (size_t i = 0; i < PTI_COUNT(ages) && result == PTI_DB_OK && ageing->count < PTI_CELLS_AGE_MAX; i++) {
        const struct pti_db_query query = old_query(ageing, i, values);

        result = pti_database_run(database, &query, NULL, error);
    }
    for (size_t i = 0; i < ageing->count && result == PTI_DB_OK; i++)
        result = move_aged(database, &ageing->all[i], ageing->now, error);
    return result;
}

enum pintle_status pti_cells_age(struct pti_database *database, const char *lock, int64_t now, size_t *moved,
                                 struct pti_error *error)
{
    struct ageing ageing = {.now = now, .all = malloc(PTI_CELLS_AGE_MAX * sizeof(struct aged))};
    enum pintle_status status = PINTLE_OK;
    struct pti_db_value values[3];

    *moved = 0;
    if (!ageing.all)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory to roll cells up");
    /* Looked for outside a transaction first: most times there is none. */
    for (size_t i = 0; i < PTI_COUNT(ages) && status == PINTLE_OK && ageing.count < PTI_CELLS_AGE_MAX; i++) {
        const struct pti_db_query query = old_query(&ageing, i, values);

        status = pti_database_read(database, &query, error);
    }
    if (status == PINTLE_OK && ageing.count > 0)
        status = pti_database_transaction(database, lock, age_some, &ageing, error);
    *moved = status == PINTLE_OK ? ageing.count : 0;
    free(ageing.all);
    return status;
}

/* ---- listing ---- */

#define CELL_LIST_COLUMNS                                                                                              \
    "cell.span, cell.start, cell.series, series.repository, series.host, series.reason, series.leaf, series.zone,"     \
    " series.zone_version, series.app, series.app_version, series.os, cell.reports, cell.weight, cell.successes,"      \
    " cell.tried, cell.recovered, cell.devices, cell.networks"

/* An empty repository is one: all of them, and all hosts, are asked for by a 1 before the name. */
static const struct pti_db_statement list_cells = {
    "list cells", "SELECT " CELL_LIST_COLUMNS " FROM cell JOIN series ON series.key = cell.series"
                  " WHERE (cell.span, cell.start, cell.series) > ($1, $2, $3) AND cell.start >= $4 AND cell.start < $5"
                  " AND ($6 = 1 OR series.repository = $7) AND ($8 = 1 OR series.host = $9)"
                  " ORDER BY cell.span, cell.start, cell.series LIMIT $10"};

static int64_t estimate(struct pintle_bytes encoded)
{
    struct pti_hll hll = {{0}};

    (void)pti_hll_merge(&hll, encoded);
    return pti_hll_estimate(&hll);
}

static bool take_cell(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_cell_query *query = ctx;
    const struct pti_cell_row row = {
        .span = columns[0].integer,
        .start = columns[1].integer,
        .series = columns[2].bytes,
        .repository = columns[3].bytes,
        .host = columns[4].bytes,
        .reason = columns[5].bytes,
        .leaf = columns[6].bytes,
        .zone = columns[7].bytes,
        .zone_version = columns[8].integer,
        .app = columns[9].bytes,
        .app_version = columns[10].bytes,
        .os = columns[11].bytes,
        .reports = columns[12].integer,
        .weight = columns[13].integer,
        .successes = columns[14].integer,
        .tried = columns[15].integer,
        .recovered = columns[16].integer,
        .devices = estimate(columns[17].bytes),
        .networks = estimate(columns[18].bytes),
    };

    (void)count; /* 19 */
    return query->row(query->ctx, &row);
}

enum pintle_status pti_cells_list(struct pti_database *database, const struct pti_cell_query *query,
                                  struct pti_error *error)
{
    struct pti_cell_query copy = *query;
    const struct pti_db_value values[] = {
        pti_db_integer(query->after_span),
        pti_db_integer(query->after_start),
        key_value(&query->after_series),
        pti_db_integer(query->since),
        pti_db_integer(query->until),
        pti_db_integer(query->repository == NULL),
        pti_db_text(query->repository ? query->repository : ""),
        pti_db_integer(query->host == NULL),
        pti_db_text(query->host ? query->host : ""),
        pti_db_integer(query->limit),
    };
    const struct pti_db_query list = {&list_cells, values, PTI_COUNT(values), take_cell, &copy};

    return pti_database_read(database, &list, error);
}
