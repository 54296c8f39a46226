/* SPDX-License-Identifier: Apache-2.0 */
#include "server/tokens.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/datetime.h"
#include "server/journal.h"
#include "server/limits.h"

#define COLUMNS "id, name, scope, created, expires, used, hash"

/* What the database holds otherwise than we wrote it grants nothing: no scope, an impossible hash. */
static void take_row(const struct pti_db_value *columns, struct pti_token *token)
{
    memset(token, 0, sizeof *token);
    pti_db_copy_text(&columns[0], token->id, sizeof token->id);
    pti_db_copy_text(&columns[1], token->name, sizeof token->name);
    if (columns[6].bytes.size == sizeof token->hash) {
        memcpy(token->hash, columns[6].bytes.data, sizeof token->hash);
        (void)pti_scope_parse(columns[2].bytes, &token->scope);
    }
    token->created = columns[3].integer;
    token->expires = columns[4].integer;
    token->used = columns[5].integer;
}

/* ---- adding ---- */

struct addition {
    const struct pti_token *token;
    const char *actor;
    enum pintle_status status;
};

static const struct pti_db_statement count_tokens = {"count tokens", "SELECT count(*) FROM token"};

static const struct pti_db_statement insert_token = {
    "add a token", "INSERT INTO token (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT DO NOTHING"};

static enum pti_db_result insert(struct pti_database *database, const struct pti_token *token, int64_t *inserted,
                                 struct pti_error *error)
{
    const struct pti_db_value values[] = {
        pti_db_text(token->id),
        pti_db_text(token->name),
        pti_db_text(pti_scope_name(token->scope)),
        pti_db_integer(token->created),
        pti_db_integer(token->expires),
        pti_db_bytes((struct pintle_bytes){token->hash, sizeof token->hash}),
    };
    const struct pti_db_query query = {&insert_token, values, PTI_COUNT(values), NULL, NULL};

    return pti_database_run(database, &query, inserted, error);
}

static enum pti_db_result refuse(struct addition *addition, struct pti_error *error, const char *why)
{
    addition->status = pti_fail(error, PINTLE_ERR_MISUSE, "token %s: %s", addition->token->name, why);
    return PTI_DB_CONSTRAINT;
}

static enum pti_db_result write_addition(struct pti_database *database, const struct addition *addition,
                                         struct pti_error *error)
{
    const struct pti_token *token = addition->token;
    char detail[192], expires[PTI_DATETIME_SIZE + 1] = "never";

    if (token->expires > 0)
        pti_datetime_format(token->expires, expires);
    snprintf(detail, sizeof detail, "name %s, scope %s, id %s, expires %s", token->name, pti_scope_name(token->scope),
             token->id, expires);
    return pti_journal_add(database, addition->actor, "token.added", detail, error);
}

static enum pti_db_result add(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct addition *addition = ctx;
    int64_t there = 0, inserted = 0;
    const struct pti_db_query count = {&count_tokens, NULL, 0, pti_db_take_integer, &there};
    enum pti_db_result result = pti_database_run(database, &count, NULL, error);

    addition->status = PINTLE_OK;
    if (result == PTI_DB_OK && there >= PTI_TOKENS_MAX)
        return refuse(addition, error, "there are too many already; revoke those that nobody uses");
    if (result == PTI_DB_OK)
        result = insert(database, addition->token, &inserted, error);
    if (result == PTI_DB_OK && inserted == 0)
        return refuse(addition, error, "there is one of that name; revoke it first, or choose another name");
    return result == PTI_DB_OK ? write_addition(database, addition, error) : result;
}

enum pintle_status pti_tokens_add(struct pti_database *database, const struct pti_token *token, const char *actor,
                                  struct pti_error *error)
{
    struct addition addition = {token, actor, PINTLE_OK};
    enum pintle_status status = pti_database_transaction(database, PTI_JOURNAL_LOCK, add, &addition, error);

    return addition.status != PINTLE_OK ? addition.status : status;
}

/* ---- finding ---- */

struct search {
    struct pti_token *token;
    bool found;
};

static const struct pti_db_statement find_token = {"look up a token", "SELECT " COLUMNS " FROM token WHERE id = $1"};
static const struct pti_db_statement find_name = {"look up a token", "SELECT " COLUMNS " FROM token WHERE name = $1"};

static bool take_found(void *ctx, const struct pti_db_value *columns, size_t count)
{
    struct search *search = ctx;

    (void)count; /* 7 */
    take_row(columns, search->token);
    search->found = true;
    return true;
}

enum pintle_status pti_tokens_find(struct pti_database *database, const char *id, struct pti_token *token, bool *found,
                                   struct pti_error *error)
{
    const struct pti_db_value value = pti_db_text(id);
    struct search search = {token, false};
    const struct pti_db_query query = {&find_token, &value, 1, take_found, &search};
    enum pintle_status status = pti_database_read(database, &query, error);

    *found = status == PINTLE_OK && search.found;
    return status;
}

/* ---- revoking ---- */

struct revocation {
    const char *name, *actor;
    bool found;
};

static const struct pti_db_statement delete_token = {"revoke a token", "DELETE FROM token WHERE name = $1"};

static enum pti_db_result write_revocation(struct pti_database *database, const struct pti_token *token,
                                           const char *actor, struct pti_error *error)
{
    char detail[192], used[PTI_DATETIME_SIZE + 1] = "never";

    if (token->used > 0)
        pti_datetime_format(token->used, used);
    snprintf(detail, sizeof detail, "name %s, scope %s, id %s, last used %s", token->name, pti_scope_name(token->scope),
             token->id, used);
    return pti_journal_add(database, actor, "token.revoked", detail, error);
}

static enum pti_db_result revoke(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct revocation *revocation = ctx;
    const struct pti_db_value name = pti_db_text(revocation->name);
    struct pti_token token;
    struct search search = {&token, false};
    const struct pti_db_query find = {&find_name, &name, 1, take_found, &search};
    const struct pti_db_query remove = {&delete_token, &name, 1, NULL, NULL};
    enum pti_db_result result = pti_database_run(database, &find, NULL, error);

    revocation->found = search.found;
    if (result != PTI_DB_OK || !search.found)
        return result;
    result = pti_database_run(database, &remove, NULL, error);
    return result == PTI_DB_OK ? write_revocation(database, &token, revocation->actor, error) : result;
}

enum pintle_status pti_tokens_revoke(struct pti_database *database, const char *name, const char *actor, bool *found,
                                     struct pti_error *error)
{
    struct revocation revocation = {name, actor, false};
    enum pintle_status status = pti_database_transaction(database, PTI_JOURNAL_LOCK, revoke, &revocation, error);

    *found = status == PINTLE_OK && revocation.found;
    return status;
}

/* ---- lists ---- */

static const struct pti_db_statement list_tokens = {
    "list tokens", "SELECT " COLUMNS " FROM token WHERE name > $1 ORDER BY name LIMIT $2"};

static bool take_listed(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_token_query *query = ctx;
    struct pti_token token;

    (void)count; /* 7 */
    take_row(columns, &token);
    return query->row(query->ctx, &token);
}

enum pintle_status pti_tokens_list(struct pti_database *database, const struct pti_token_query *query,
                                   struct pti_error *error)
{
    const struct pti_db_value values[] = {pti_db_text(query->after), pti_db_integer(query->limit)};
    struct pti_token_query copy = *query;
    const struct pti_db_query list = {&list_tokens, values, PTI_COUNT(values), take_listed, &copy};

    return pti_database_read(database, &list, error);
}

/* ---- uses ---- */

struct uses {
    const struct pti_token_use *uses;
    size_t count;
};

static const struct pti_db_statement update_use = {"note the use of a token",
                                                   "UPDATE token SET used = $1 WHERE id = $2"};

static enum pti_db_result note(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct uses *uses = ctx;
    enum pti_db_result result = PTI_DB_OK;

    for (size_t i = 0; result == PTI_DB_OK && i < uses->count; i++) {
        const struct pti_db_value values[] = {pti_db_integer(uses->uses[i].used), pti_db_text(uses->uses[i].id)};
        const struct pti_db_query query = {&update_use, values, PTI_COUNT(values), NULL, NULL};

        result = pti_database_run(database, &query, NULL, error);
    }
    return result;
}

enum pintle_status pti_tokens_note_uses(struct pti_database *database, const struct pti_token_use *uses, size_t count,
                                        struct pti_error *error)
{
    struct uses all = {uses, count};

    return pti_database_transaction(database, PTI_JOURNAL_LOCK, note, &all, error);
}
