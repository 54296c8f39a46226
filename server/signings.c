/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "server/journal.h"
#include "server/limits.h"

#define ROLE_SIZE 64
#define DETAIL_MAX 4096 /* the journal cuts it shorter */

struct addition {
    const char *repository;
    int64_t timestamp, snapshot, now;
};

struct sight {
    const char *repository;
    const struct pti_role_status *roles;
    size_t count;
    int64_t now;
};

static const struct pti_db_statement newest_number = {"number what was signed", "SELECT max(seq) FROM signing"};

static const struct pti_db_statement insert_signing = {
    "note what was signed", "INSERT INTO signing (seq, time, repository, role, version, seen)"
                            " VALUES ($1, $2, $3, $4, $5, $6)"};

static enum pti_db_result insert(struct pti_database *database, const struct pti_signing *signing,
                                 struct pti_error *error)
{
    const struct pti_db_value values[] = {
        pti_db_integer(signing->number), pti_db_integer(signing->time),    pti_db_text(signing->repository),
        pti_db_text(signing->role),      pti_db_integer(signing->version), pti_db_integer(signing->seen),
    };
    const struct pti_db_query query = {&insert_signing, values, PTI_COUNT(values), NULL, NULL};

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

static enum pti_db_result last_number(struct pti_database *database, int64_t *number, struct pti_error *error)
{
    const struct pti_db_query newest = {&newest_number, NULL, 0, pti_db_take_integer, number};

    *number = 0;
    return pti_database_run(database, &newest, NULL, error);
}

static enum pti_db_result add(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct addition *addition = ctx;
    struct pti_signing signing = {.time = addition->now, .repository = addition->repository};
    enum pti_db_result result = last_number(database, &signing.number, error);

    if (result == PTI_DB_OK && addition->snapshot > 0) {
        signing.number++;
        signing.role = "snapshot";
        signing.version = addition->snapshot;
        result = insert(database, &signing, error);
    }
    if (result == PTI_DB_OK) {
        signing.number++;
        signing.role = "timestamp";
        signing.version = addition->timestamp;
        result = insert(database, &signing, error);
    }
    return result == PTI_DB_OK ? tell(database, addition, error) : result;
}

enum pintle_status pti_signings_add(struct pti_database *database, const char *repository, int64_t timestamp,
                                    int64_t snapshot, int64_t now, struct pti_error *error)
{
    struct addition addition = {repository, timestamp, snapshot, now};

    return pti_database_transaction(database, PTI_JOURNAL_LOCK, add, &addition, error);
}

static const struct pti_db_statement last_version = {
    "read which version was noted last",
    "SELECT version FROM signing WHERE repository = $1 AND role = $2 ORDER BY seq DESC LIMIT 1"};

static enum pti_db_result is_noted(struct pti_database *database, const char *repository,
                                   const struct pti_role_status *role, bool *noted, struct pti_error *error)
{
    const struct pti_db_value values[] = {pti_db_text(repository), pti_db_text(role->name)};
    int64_t version = 0;
    const struct pti_db_query query = {&last_version, values, PTI_COUNT(values), pti_db_take_integer, &version};
    enum pti_db_result result = pti_database_run(database, &query, NULL, error);

    *noted = version == role->version;
    return result;
}

static enum pti_db_result see(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct sight *sight = ctx;
    struct pti_signing signing = {.time = sight->now, .repository = sight->repository, .seen = true};
    const char *separator = ": ";
    struct pti_buf detail;
    enum pti_db_result result = last_number(database, &signing.number, error);

    pti_buf_init(&detail, DETAIL_MAX);
    pti_buf_printf(&detail, "repository%s%s", sight->repository[0] ? " " : "", sight->repository);
    for (size_t i = 0; i < sight->count && result == PTI_DB_OK; i++) {
        bool noted = false;

        result = is_noted(database, sight->repository, &sight->roles[i], &noted, error);
        if (result != PTI_DB_OK || noted)
            continue;
        signing.number++;
        signing.role = sight->roles[i].name;
        signing.version = sight->roles[i].version;
        result = insert(database, &signing, error);
        if (detail.size < DETAIL_MAX / 2)
            pti_buf_printf(&detail, "%s%s version %" PRId64, separator, signing.role, signing.version);
        separator = ", ";
    }
    if (result == PTI_DB_OK && separator[0] == ',')
        result = pti_journal_add(database, "pintled", "publication.seen", pti_buf_cstr(&detail), error);
    pti_buf_clear(&detail);
    return result;
}

enum pintle_status pti_signings_see(struct pti_database *database, const char *repository,
                                    const struct pti_role_status *roles, size_t count, int64_t now,
                                    struct pti_error *error)
{
    struct sight sight = {repository, roles, count, now};

    return pti_database_transaction(database, PTI_JOURNAL_LOCK, see, &sight, error);
}

#define COLUMNS "SELECT seq, time, repository, role, version, seen FROM signing WHERE "

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
                                  .version = columns[4].integer,
                                  .seen = columns[5].integer != 0};

    (void)count; /* 6 */
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
