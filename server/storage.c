/* SPDX-License-Identifier: Apache-2.0 */
#include "server/storage.h"

#include "base/array.h"
#include "server/limits.h"

#define LOCK_VERSIONS "version"

/* ---- reports ---- */

/* Numbers without gaps, so that trimming need not count. */
static const struct pti_db_statement newest_number = {"number a report", "SELECT max(seq) FROM report"};

static const struct pti_db_statement insert_report = {
    "store a report", "INSERT INTO report (seq, id, received, host, type, reason, document, repository)"
                      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING"};

static const struct pti_db_statement trim_reports = {"remove old reports", "DELETE FROM report WHERE seq <= $1"};

static enum pti_db_result insert_one(struct pti_database *database, const struct pti_report_entry *entry,
                                     int64_t received, int64_t number, int64_t *inserted, struct pti_error *error)
{
    const struct pti_report *report = entry->report;
    const struct pti_db_value values[] = {
        pti_db_integer(number),
        pti_db_text(report->id),
        pti_db_integer(received),
        pti_db_text(report->host),
        pti_db_text(report->type),
        pti_db_text(report->reason),
        pti_db_text_bytes(pti_buf_bytes(&report->document)),
        pti_db_text(entry->repository),
    };
    const struct pti_db_query query = {&insert_report, values, PTI_COUNT(values), NULL, NULL};

    return pti_database_run(database, &query, inserted, error);
}

static enum pti_db_result trim(struct pti_database *database, int64_t oldest_kept, int64_t *trimmed,
                               struct pti_error *error)
{
    const struct pti_db_value value = pti_db_integer(oldest_kept - 1);
    const struct pti_db_query query = {&trim_reports, &value, 1, NULL, NULL};

    return pti_database_run(database, &query, trimmed, error);
}

enum pti_db_result pti_storage_insert_reports(struct pti_database *database, const struct pti_report_entry *entries,
                                              size_t count, int64_t received, int64_t keep, int64_t *trimmed,
                                              struct pti_error *error)
{
    int64_t number = 0, inserted = 0;
    const struct pti_db_query newest = {&newest_number, NULL, 0, pti_db_take_integer, &number};
    enum pti_db_result result = pti_database_run(database, &newest, NULL, error);

    *trimmed = 0;
    for (size_t i = 0; result == PTI_DB_OK && i < count; i++) {
        result = insert_one(database, &entries[i], received, number + 1, &inserted, error);
        number += inserted;
    }
    return result == PTI_DB_OK ? trim(database, number - keep + 1, trimmed, error) : result;
}

#define REPORT_COLUMNS "SELECT seq, received, document FROM report WHERE "

/* By whether a host and a reason are given. */
static const struct pti_db_statement list_reports[2][2] = {
    {{"list reports", REPORT_COLUMNS "seq < $1 ORDER BY seq DESC LIMIT $2"},
     {"list reports", REPORT_COLUMNS "reason = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"}},
    {{"list reports", REPORT_COLUMNS "host = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"},
     {"list reports", REPORT_COLUMNS "host = $1 AND reason = $2 AND seq < $3 ORDER BY seq DESC LIMIT $4"}},
};

static bool take_report(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_report_query *query = ctx;
    const struct pti_report_row row = {columns[0].integer, columns[1].integer, columns[2].bytes};

    (void)count; /* 3 */
    return query->row(query->ctx, &row);
}

enum pintle_status pti_storage_list_reports(struct pti_database *database, const struct pti_report_query *query,
                                            struct pti_error *error)
{
    const bool by_host = query->host[0] != '\0', by_reason = query->reason[0] != '\0';
    struct pti_report_query copy = *query;
    struct pti_db_value values[4];
    struct pti_db_query list = {&list_reports[by_host][by_reason], values, 0, take_report, &copy};

    if (by_host)
        values[list.value_count++] = pti_db_text(query->host);
    if (by_reason)
        values[list.value_count++] = pti_db_text(query->reason);
    values[list.value_count++] = pti_db_integer(query->before);
    values[list.value_count++] = pti_db_integer(query->limit);
    return pti_database_read(database, &list, error);
}

/* ---- versions ---- */

struct allocation {
    const char *role;
    int64_t published, version;
};

static const struct pti_db_statement read_version = {"read a version", "SELECT version FROM version WHERE role = $1"};

static const struct pti_db_column version_columns[] = {{"role", PTI_DB_KEY}, {"version", PTI_DB_LARGEST}};
static const struct pti_db_table version_table = {"version", "allocate a version", version_columns,
                                                  PTI_COUNT(version_columns)};

static enum pti_db_result allocate(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct allocation *allocation = ctx;
    const struct pti_db_value role = pti_db_text(allocation->role);
    int64_t allocated = 0;
    const struct pti_db_query query = {&read_version, &role, 1, pti_db_take_integer, &allocated};
    enum pti_db_result result = pti_database_run(database, &query, NULL, error);
    struct pti_db_value row[PTI_COUNT(version_columns)];

    if (result != PTI_DB_OK)
        return result;
    allocation->version = (allocated > allocation->published ? allocated : allocation->published) + 1;
    if (allocation->version > PTI_JSON_INTEGER_MAX) {
        (void)pti_fail(
            error, PINTLE_ERR_STORAGE,
            "the versions of %s are used up; rotate its key and the other online key in one root, which lets "
            "both start again",
            allocation->role);
        return PTI_DB_CONSTRAINT;
    }
    row[0] = role;
    row[1] = pti_db_integer(allocation->version);
    return pti_database_upsert(database, &version_table, row, 1, error);
}

enum pintle_status pti_storage_allocate_version(struct pti_database *database, const char *role, int64_t published,
                                                int64_t *version, struct pti_error *error)
{
    struct allocation allocation = {role, published, 0};
    enum pintle_status status = pti_database_transaction(database, LOCK_VERSIONS, allocate, &allocation, error);

    *version = status == PINTLE_OK ? allocation.version : 0;
    return status;
}

enum pintle_status pti_storage_allocated_version(struct pti_database *database, const char *role, int64_t *version,
                                                 struct pti_error *error)
{
    const struct pti_db_value value = pti_db_text(role);
    const struct pti_db_query query = {&read_version, &value, 1, pti_db_take_integer, version};

    *version = 0;
    return pti_database_read(database, &query, error);
}

static const struct pti_db_statement raise_versions = {"raise the versions",
                                                       "UPDATE version SET version = version + $1"};

static enum pti_db_result raise_all(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct pti_db_value jump = pti_db_integer(*(const int64_t *)ctx);
    const struct pti_db_query query = {&raise_versions, &jump, 1, NULL, NULL};

    return pti_database_run(database, &query, NULL, error);
}

enum pintle_status pti_storage_raise_versions(struct pti_database *database, int64_t jump, struct pti_error *error)
{
    return pti_database_transaction(database, LOCK_VERSIONS, raise_all, &jump, error);
}
