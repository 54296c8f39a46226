/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/journal.h"
#include "server/limits.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define ROLE_SIZE 64

struct addition {
    const char *repository;
    int64_t timestamp, snapshot, now;
};

static const struct pti_db_statement newest_number = {"number what was signed", "SELECT max(seq) FROM signing"};

static const struct pti_db_statement insert_signing = {
    "note what was signed", "INSERT INTO signing (seq, time, repository, role, version) VALUES ($1, $2, $3, $4, $5)"};

static bool take_number(void *ctx, const struct pti_db_value *columns, size_t count)
{
    (void)count; /* 1 */
    *(int64_t *)ctx = columns[0].integer;
    return true;
}

static enum pti_db_result insert(struct pti_database *database, const struct addition *addition, int64_t number,
                                 const char *role, int64_t version, struct pti_error *error)
{
    const struct pti_db_value values[] = {pti_db_integer(number), pti_db_integer(addition->now),
                                          pti_db_text(addition->repository), pti_db_text(role),
                                          pti_db_integer(version)};
    const struct pti_db_query query = {&insert_signing, values, COUNT(values), NULL, NULL};

    return pti_database_run(database, &query, NULL, error);
}

static enum pti_db_result tell(struct pti_database *database, const struct addition *addition, struct pti_error *error)
{
    char detail[PTI_SERVED_NAME_MAX + 128], snapshot[48] = "";

    if (addition->snapshot > 0)
        snprintf(snapshot, sizeof snapshot, ", snapshot version %" PRId64, addition->snapshot);
    snprintf(detail, sizeof detail, "repository%s%s: timestamp version %" PRId64 "%s",
             addition->repository[0] ? " " : "", addition->repository, addition->timestamp, snapshot);
    return pti_journal_add(database, "pintled", "version.signed", detail, error);
}

static enum pti_db_result add(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct addition *addition = ctx;
    int64_t number = 0;
    const struct pti_db_query newest = {&newest_number, NULL, 0, take_number, &number};
    enum pti_db_result result = pti_database_run(database, &newest, NULL, error);

    if (result == PTI_DB_OK && addition->snapshot > 0)
        result = insert(database, addition, ++number, "snapshot", addition->snapshot, error);
    if (result == PTI_DB_OK)
        result = insert(database, addition, ++number, "timestamp", addition->timestamp, error);
    return result == PTI_DB_OK ? tell(database, addition, error) : result;
}

enum pintle_status pti_signings_add(struct pti_database *database, const char *repository, int64_t timestamp,
                                    int64_t snapshot, int64_t now, struct pti_error *error)
{
    struct addition addition = {repository, timestamp, snapshot, now};

    return pti_database_transaction(database, PTI_JOURNAL_LOCK, add, &addition, error);
}

#define COLUMNS "SELECT seq, time, repository, role, version FROM signing WHERE "

static const struct pti_db_statement list_all = {"list what was signed", COLUMNS "seq < $1 ORDER BY seq DESC LIMIT $2"};
static const struct pti_db_statement list_one = {"list what was signed",
                                                 COLUMNS "repository = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"};

static bool take_row(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_signing_query *query = ctx;
    char repository[PTI_SERVED_NAME_MAX + 1], role[ROLE_SIZE];
    struct pti_signing signing = {.number = columns[0].integer,
                                  .time = columns[1].integer,
                                  .repository = repository,
                                  .role = role,
                                  .version = columns[4].integer};

    (void)count; /* 5 */
    pti_db_copy_text(&columns[2], repository, sizeof repository);
    pti_db_copy_text(&columns[3], role, sizeof role);
    return query->row(query->ctx, &signing);
}

enum pintle_status pti_signings_list(struct pti_database *database, const struct pti_signing_query *query,
                                     struct pti_error *error)
{
    struct pti_signing_query copy = *query;
    struct pti_db_value values[3];
    struct pti_db_query list = {query->repository ? &list_one : &list_all, values, 0, take_row, &copy};

    if (query->repository)
        values[list.value_count++] = pti_db_text(query->repository);
    values[list.value_count++] = pti_db_integer(query->before);
    values[list.value_count++] = pti_db_integer(query->limit);
    return pti_database_read(database, &list, error);
}
