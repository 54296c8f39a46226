/* SPDX-License-Identifier: Apache-2.0 */
#include "server/targets.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "server/journal.h"

const char *pti_target_source_name(enum pti_target_source source)
{
    switch (source) {
    case PTI_TARGET_MANIFEST:
        return "manifest";
    case PTI_TARGET_OPTION:
        return "option";
    case PTI_TARGET_API:
        return "api";
    }
    return "unknown";
}

/* ---- reading one ---- */

enum pintle_status pti_target_parse(const char *text, struct pti_target *target, struct pti_error *error)
{
    const char *slash = strchr(text, '/'), *host = slash ? slash + 1 : text, *equals = strchr(host, '=');
    struct pti_endpoint name;
    char host_text[PINTLE_HOST_MAX + 8];

    memset(target, 0, sizeof *target);
    if (!equals || (size_t)(equals - host) >= sizeof host_text)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected HOST=ADDRESS or HOST=ADDRESS:PORT, found \"%.80s\"", text);
    if (slash && (size_t)(slash - text) >= sizeof target->repository)
        return pti_fail(error, PINTLE_ERR_INPUT, "the name of a repository has at most %d bytes, found \"%.80s\"",
                        PTI_REPOSITORY_NAME_SIZE - 1, text);
    if (slash)
        memcpy(target->repository, text, (size_t)(slash - text));
    memcpy(host_text, host, (size_t)(equals - host));
    host_text[equals - host] = '\0';
    if (pti_endpoint_parse(host_text, PTI_HTTPS_PORT, &name, error) != PINTLE_OK)
        return PINTLE_ERR_INPUT;
    pti_copy_text(target->host, sizeof target->host, name.host);
    return pti_endpoint_parse(equals + 1, name.port, &target->where, error);
}

/* ---- those that are kept ---- */

struct target_change {
    const struct pti_target *target;
    const char *actor;
    int64_t now;
    bool *changed;
};

static void put_target(struct pti_db_value values[4], const struct pti_target *target)
{
    values[0] = pti_db_text(target->repository);
    values[1] = pti_db_text(target->host);
    values[2] = pti_db_integer(target->where.port);
    values[3] = pti_db_text(target->where.host);
}

static enum pti_db_result tell_journal(struct pti_database *database, const struct target_change *change,
                                       const char *event, struct pti_error *error)
{
    const struct pti_target *target = change->target;
    char detail[3 * PINTLE_HOST_MAX];

    snprintf(detail, sizeof detail, "%s%s%s at %s port %u", target->repository, target->repository[0] ? "/" : "",
             target->host, target->where.host, (unsigned)target->where.port);
    return pti_journal_add(database, change->actor, event, detail, error);
}

/* What query changes has a line in the journal. */
static enum pti_db_result apply(struct pti_database *database, const struct target_change *change,
                                const struct pti_db_query *query, const char *event, struct pti_error *error)
{
    int64_t rows = 0;
    enum pti_db_result result = pti_database_run(database, query, &rows, error);

    *change->changed = rows > 0;
    return result == PTI_DB_OK && rows > 0 ? tell_journal(database, change, event, error) : result;
}

static const struct pti_db_statement add_target = {
    "add an edge", "INSERT INTO edge_target (repository, host, port, place, added) VALUES ($1, $2, $3, $4, $5)"
                   " ON CONFLICT (repository, host, port, place) DO NOTHING"};

static enum pti_db_result add(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct target_change *change = ctx;
    struct pti_db_value values[5];
    const struct pti_db_query query = {&add_target, values, PTI_COUNT(values), NULL, NULL};

    put_target(values, change->target);
    values[4] = pti_db_integer(change->now);
    return apply(database, change, &query, "edge.added", error);
}

enum pintle_status pti_targets_add(struct pti_database *database, const struct pti_target *target, int64_t now,
                                   const char *actor, bool *changed, struct pti_error *error)
{
    struct target_change change = {target, actor, now, changed};

    return pti_database_transaction(database, PTI_JOURNAL_LOCK, add, &change, error);
}

static const struct pti_db_statement remove_target = {
    "remove an edge", "DELETE FROM edge_target WHERE repository = $1 AND host = $2 AND port = $3 AND place = $4"};

static enum pti_db_result remove_one(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct target_change *change = ctx;
    struct pti_db_value values[4];
    const struct pti_db_query query = {&remove_target, values, PTI_COUNT(values), NULL, NULL};

    put_target(values, change->target);
    return apply(database, change, &query, "edge.removed", error);
}

enum pintle_status pti_targets_remove(struct pti_database *database, const struct pti_target *target, const char *actor,
                                      bool *changed, struct pti_error *error)
{
    struct target_change change = {target, actor, 0, changed};

    return pti_database_transaction(database, PTI_JOURNAL_LOCK, remove_one, &change, error);
}

static const struct pti_db_statement list_targets = {
    "list targets", "SELECT repository, host, port, place FROM edge_target ORDER BY repository, host, port, place"};

struct target_rows {
    bool (*row)(void *ctx, const struct pti_target *target);
    void *ctx;
};

static bool take_target(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct target_rows *rows = ctx;
    struct pti_target target = {.source = PTI_TARGET_API};

    (void)count; /* 4 */
    pti_db_copy_text(&columns[0], target.repository, sizeof target.repository);
    pti_db_copy_text(&columns[1], target.host, sizeof target.host);
    target.where.port = (uint16_t)columns[2].integer;
    pti_db_copy_text(&columns[3], target.where.host, sizeof target.where.host);
    return rows->row(rows->ctx, &target);
}

enum pintle_status pti_targets_list(struct pti_database *database,
                                    bool (*row)(void *ctx, const struct pti_target *target), void *ctx,
                                    struct pti_error *error)
{
    struct target_rows rows = {row, ctx};
    const struct pti_db_query query = {&list_targets, NULL, 0, take_target, &rows};

    return pti_database_read(database, &query, error);
}
