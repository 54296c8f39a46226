/* SPDX-License-Identifier: Apache-2.0 */
#include "server/adoption.h"

#include "base/array.h"
#include "server/limits.h"

#define ROWS_AT_ONCE 32

#define LOCK_ADOPTION "adoption"

const char *pti_adoption_source_name(enum pti_adoption_source source)
{
    switch (source) {
    case PTI_ADOPTION_POLL:
        return "poll";
    case PTI_ADOPTION_REPORT:
        return "report";
    case PTI_ADOPTION_LOG:
        return "log";
    }
    return "";
}

/* ---- adding ---- */

struct addition {
    const struct pti_adoption_counts *counts;
    size_t count;
    const char *batch;
    int64_t today;
    bool known;
    int64_t dropped;
};

/* The rows of one repository, source and day. */
struct day {
    const char *repository, *source;
    const struct pti_tally_row *rows;
    size_t count;
};

static const struct pti_db_column columns[] = {
    {"repository", PTI_DB_KEY}, {"day", PTI_DB_KEY},         {"source", PTI_DB_KEY},       {"zone", PTI_DB_KEY},
    {"version", PTI_DB_KEY},    {"app", PTI_DB_KEY},         {"app_version", PTI_DB_KEY},  {"os", PTI_DB_KEY},
    {"hits", PTI_DB_ADD},       {"day_devices", PTI_DB_ADD}, {"week_devices", PTI_DB_ADD},
};
static const struct pti_db_table table = {"adoption", "count adoption", columns, PTI_COUNT(columns)};

static const struct pti_db_statement note_batch = {
    "note a batch of counts", "INSERT INTO adoption_batch (id, day) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING"};

static const struct pti_db_statement count_rows = {
    "count adoption", "SELECT count(*) FROM adoption WHERE repository = $1 AND day = $2 AND source = $3"};

static const struct pti_db_statement read_keys = {"count adoption",
                                                  "SELECT zone, version, app, app_version, os FROM adoption"
                                                  " WHERE repository = $1 AND day = $2 AND source = $3"};

static enum pti_db_result upsert(struct pti_database *database, const struct day *day, struct pti_error *error)
{
    struct pti_db_value values[ROWS_AT_ONCE * PTI_COUNT(columns)];
    enum pti_db_result result = PTI_DB_OK;

    for (size_t first = 0; result == PTI_DB_OK && first < day->count; first += ROWS_AT_ONCE) {
        size_t count = day->count - first < ROWS_AT_ONCE ? day->count - first : ROWS_AT_ONCE;
        struct pti_db_value *value = values;

        for (size_t i = 0; i < count; i++) {
            const struct pti_tally_row *row = &day->rows[first + i];

            *value++ = pti_db_text(day->repository);
            *value++ = pti_db_integer(row->day);
            *value++ = pti_db_text(day->source);
            *value++ = pti_db_text(row->zone);
            *value++ = pti_db_integer(row->version);
            *value++ = pti_db_text(row->app);
            *value++ = pti_db_text(row->app_version);
            *value++ = pti_db_text(row->os);
            *value++ = pti_db_integer(row->hits);
            *value++ = pti_db_integer(row->days);
            *value++ = pti_db_integer(row->weeks);
        }
        result = pti_database_upsert(database, &table, values, count, error);
    }
    return result;
}

static bool take_key(void *ctx, const struct pti_db_value *values, size_t count)
{
    struct pti_tally_row row = {.day = 0};
    char os[PTI_HOLDING_WORD_MAX + 1];

    (void)count; /* 5 */
    pti_db_copy_text(&values[0], row.zone, sizeof row.zone);
    row.version = values[1].integer;
    pti_db_copy_text(&values[2], row.app, sizeof row.app);
    pti_db_copy_text(&values[3], row.app_version, sizeof row.app_version);
    pti_db_copy_text(&values[4], os, sizeof os);
    row.os = pti_holding_platform(os);
    return pti_tally_add(ctx, &row);
}

static bool has_room(struct pti_tally *there, const struct pti_tally_row *row, size_t max)
{
    struct pti_tally_row key = *row;

    key.day = key.hits = key.days = key.weeks = 0;
    there->max = max;
    return pti_tally_add(there, &key);
}

/* What of a day still finds room beside the keys that are there. */
static void fold(const struct day *day, struct pti_tally *there, struct pti_tally *kept, int64_t *dropped)
{
    for (size_t i = 0; i < day->count; i++) {
        struct pti_tally_row row = day->rows[i];
        bool room = has_room(there, &row, PTI_ADOPTION_ROWS_MAX);

        if (!room) {
            pti_tally_fold(&row);
            room = has_room(there, &row, PTI_ADOPTION_ROWS_MAX + PTI_ADOPTION_SPARE_ROWS);
        }
        if (!room || !pti_tally_add(kept, &row))
            *dropped = pti_tally_sum(*dropped, row.hits);
    }
    pti_tally_sort(kept);
}

static enum pti_db_result add_folded(struct pti_database *database, const struct day *day,
                                     const struct pti_db_query *keys, int64_t *dropped, struct pti_error *error)
{
    struct pti_tally there, kept;
    struct day folded = *day;
    enum pti_db_result result;

    pti_tally_init(&there, SIZE_MAX);
    pti_tally_init(&kept, SIZE_MAX);
    result = pti_database_run(
        database, &(struct pti_db_query){&read_keys, keys->values, keys->value_count, take_key, &there}, NULL, error);
    if (result == PTI_DB_OK) {
        fold(day, &there, &kept, dropped);
        folded.rows = kept.rows;
        folded.count = kept.count;
        result = upsert(database, &folded, error);
    }
    pti_tally_clear(&there);
    pti_tally_clear(&kept);
    return result;
}

static enum pti_db_result add_day(struct pti_database *database, const struct day *day, int64_t *dropped,
                                  struct pti_error *error)
{
    const struct pti_db_value values[] = {pti_db_text(day->repository), pti_db_integer(day->rows[0].day),
                                          pti_db_text(day->source)};
    int64_t rows = 0;
    const struct pti_db_query query = {&count_rows, values, PTI_COUNT(values), pti_db_take_integer, &rows};
    enum pti_db_result result = pti_database_run(database, &query, NULL, error);

    if (result != PTI_DB_OK)
        return result;
    if ((size_t)rows + day->count <= PTI_ADOPTION_ROWS_MAX)
        return upsert(database, day, error);
    return add_folded(database, day, &query, dropped, error);
}

static enum pti_db_result add_counts(struct pti_database *database, const struct pti_adoption_counts *counts,
                                     int64_t *dropped, struct pti_error *error)
{
    const struct pti_tally *tally = counts->tally;
    enum pti_db_result result = PTI_DB_OK;
    size_t next;

    for (size_t first = 0; result == PTI_DB_OK && first < tally->count; first = next) {
        struct day day = {counts->repository, pti_adoption_source_name(counts->source), &tally->rows[first], 0};

        for (next = first; next < tally->count && tally->rows[next].day == tally->rows[first].day; next++)
            day.count++;
        result = add_day(database, &day, dropped, error);
    }
    return result;
}

static enum pti_db_result add(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct addition *addition = ctx;
    enum pti_db_result result = PTI_DB_OK;
    int64_t noted = 1;

    addition->dropped = 0;
    if (addition->batch != NULL) {
        const struct pti_db_value values[] = {pti_db_text(addition->batch), pti_db_integer(addition->today)};
        const struct pti_db_query query = {&note_batch, values, PTI_COUNT(values), NULL, NULL};

        result = pti_database_run(database, &query, &noted, error);
    }
    addition->known = noted == 0;
    if (addition->known)
        return result;
    for (size_t i = 0; result == PTI_DB_OK && i < addition->count; i++)
        result = add_counts(database, &addition->counts[i], &addition->dropped, error);
    return result;
}

enum pintle_status pti_adoption_add(struct pti_database *database, const struct pti_adoption_counts *counts,
                                    size_t count, const char *batch, int64_t today, bool *known, int64_t *dropped,
                                    struct pti_error *error)
{
    struct addition addition = {counts, count, batch, today, false, 0};
    enum pintle_status status = pti_database_transaction(database, LOCK_ADOPTION, add, &addition, error);

    *known = status == PINTLE_OK && addition.known;
    *dropped = status == PINTLE_OK ? addition.dropped : 0;
    return status;
}

/* ---- keeping ---- */

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

/* The newest day that goes. */
static const struct pti_db_statement first_to_go = {
    "find old counts of adoption",
    "SELECT day FROM adoption GROUP BY day ORDER BY day DESC LIMIT 1 OFFSET " STRING(PTI_ADOPTION_DAYS_KEPT)};

static const struct pti_db_statement remove_days = {"remove old counts of adoption",
                                                    "DELETE FROM adoption WHERE day <= $1"};
static const struct pti_db_statement remove_batches = {"remove old batches of counts",
                                                       "DELETE FROM adoption_batch WHERE day <= $1"};

static enum pti_db_result trim(struct pti_database *database, void *ctx, struct pti_error *error)
{
    int64_t day = INT64_MIN;
    const struct pti_db_query find = {&first_to_go, NULL, 0, pti_db_take_integer, &day};
    enum pti_db_result result = pti_database_run(database, &find, NULL, error);
    struct pti_db_value value;

    (void)ctx;
    if (result != PTI_DB_OK || day == INT64_MIN)
        return result;
    value = pti_db_integer(day);
    result = pti_database_run(database, &(struct pti_db_query){&remove_days, &value, 1, NULL, NULL}, NULL, error);
    if (result != PTI_DB_OK)
        return result;
    return pti_database_run(database, &(struct pti_db_query){&remove_batches, &value, 1, NULL, NULL}, NULL, error);
}

enum pintle_status pti_adoption_trim(struct pti_database *database, struct pti_error *error)
{
    return pti_database_transaction(database, LOCK_ADOPTION, trim, NULL, error);
}

/* ---- asking ---- */

#define SUMS "CAST(sum(hits) AS BIGINT), CAST(sum(day_devices) AS BIGINT), CAST(sum(week_devices) AS BIGINT)"
#define KEY "zone, version, app, app_version, os, source"
#define ASKED_FOR " WHERE repository = $1 AND day >= $2 AND day <= $3"

static const struct pti_db_statement list_first = {"list adoption", "SELECT " KEY ", " SUMS " FROM adoption" ASKED_FOR
                                                                    " GROUP BY " KEY " ORDER BY " KEY " LIMIT $4"};

static const struct pti_db_statement list_after = {"list adoption", "SELECT " KEY ", " SUMS " FROM adoption" ASKED_FOR
                                                                    " AND (" KEY ") > ($4, $5, $6, $7, $8, $9)"
                                                                    " GROUP BY " KEY " ORDER BY " KEY " LIMIT $10"};

static const struct pti_db_statement list_versions = {
    "list adopted versions",
    "SELECT zone, version, CASE WHEN app = '" PTI_TALLY_OTHER "' THEN 0 ELSE 1 END AS registered, " SUMS
    " FROM adoption" ASKED_FOR " GROUP BY zone, version, registered ORDER BY zone, version, registered"};

struct listing {
    bool (*row)(void *ctx, const struct pti_adoption_row *row);
    bool (*version)(void *ctx, const struct pti_adoption_version *version);
    void *ctx;
};

static bool take_row(void *ctx, const struct pti_db_value *values, size_t count)
{
    const struct listing *listing = ctx;
    const struct pti_adoption_row row = {
        values[0].bytes, values[1].integer, values[2].bytes,   values[3].bytes,   values[4].bytes,
        values[5].bytes, values[6].integer, values[7].integer, values[8].integer,
    };

    (void)count; /* 9 */
    return listing->row(listing->ctx, &row);
}

static bool take_version(void *ctx, const struct pti_db_value *values, size_t count)
{
    const struct listing *listing = ctx;
    const struct pti_adoption_version version = {values[0].bytes,   values[1].integer, values[2].integer != 0,
                                                 values[3].integer, values[4].integer, values[5].integer};

    (void)count; /* 6 */
    return listing->version(listing->ctx, &version);
}

enum pintle_status pti_adoption_list(struct pti_database *database, const struct pti_adoption_query *query,
                                     const struct pti_adoption_row *after, int64_t limit,
                                     bool (*row)(void *ctx, const struct pti_adoption_row *row), void *ctx,
                                     struct pti_error *error)
{
    struct pti_db_value values[10] = {pti_db_text(query->repository), pti_db_integer(query->from),
                                      pti_db_integer(query->to)};
    struct listing listing = {row, NULL, ctx};
    struct pti_db_query list = {&list_first, values, 3, take_row, &listing};

    if (after != NULL) {
        list.statement = &list_after;
        values[list.value_count++] = pti_db_text_bytes(after->zone);
        values[list.value_count++] = pti_db_integer(after->version);
        values[list.value_count++] = pti_db_text_bytes(after->app);
        values[list.value_count++] = pti_db_text_bytes(after->app_version);
        values[list.value_count++] = pti_db_text_bytes(after->os);
        values[list.value_count++] = pti_db_text_bytes(after->source);
    }
    values[list.value_count++] = pti_db_integer(limit);
    return pti_database_read(database, &list, error);
}

enum pintle_status pti_adoption_versions(struct pti_database *database, const struct pti_adoption_query *query,
                                         bool (*row)(void *ctx, const struct pti_adoption_version *version), void *ctx,
                                         struct pti_error *error)
{
    const struct pti_db_value values[] = {pti_db_text(query->repository), pti_db_integer(query->from),
                                          pti_db_integer(query->to)};
    struct listing listing = {NULL, row, ctx};

    return pti_database_read(
        database, &(struct pti_db_query){&list_versions, values, PTI_COUNT(values), take_version, &listing}, error);
}
