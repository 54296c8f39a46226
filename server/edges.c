/* SPDX-License-Identifier: Apache-2.0 */
#include "server/edges.h"

#include <string.h>

#include "base/array.h"
#include "server/limits.h"

#define LOCK_EDGES "edge"
#define FORGOTTEN_AFTER_S (INT64_C(30) * 86400)

/* ---- names ---- */

static const char *const pinned_names[] = {"unknown", "yes", "no"};

const char *pti_edge_pinned_name(enum pti_edge_pinned pinned)
{
    return pinned_names[pinned];
}

const char *pti_edge_key_type(enum pti_probe_key key)
{
    return key == PTI_PROBE_KEY_RSA ? "rsa" : "ec";
}

/* The five columns that name an edge, in the order of the table's key. */
#define KEY_COLUMNS 5
static void put_key(struct pti_db_value *values, const struct pti_edge_key *key)
{
    values[0] = pti_db_text(key->repository);
    values[1] = pti_db_text(key->host);
    values[2] = pti_db_integer(key->port);
    values[3] = pti_db_text(key->address);
    values[4] = pti_db_text(pti_edge_key_type(key->key));
}

/* ---- edges ---- */

static const struct pti_db_column edge_columns[] = {
    {"repository", PTI_DB_KEY}, {"host", PTI_DB_KEY},       {"port", PTI_DB_KEY},        {"address", PTI_DB_KEY},
    {"key_type", PTI_DB_KEY},   {"source", PTI_DB_REPLACE}, {"active", PTI_DB_REPLACE},  {"changed", PTI_DB_REPLACE},
    {"added", PTI_DB_KEEP},     {"probed", PTI_DB_KEEP},    {"outcome", PTI_DB_KEEP},    {"failures", PTI_DB_KEEP},
    {"pinned", PTI_DB_KEEP},    {"leaf", PTI_DB_KEEP},      {"not_before", PTI_DB_KEEP}, {"not_after", PTI_DB_KEEP},
    {"document", PTI_DB_KEEP},
};
static const struct pti_db_table edge_table = {"edge", "note an edge", edge_columns, PTI_COUNT(edge_columns)};

struct note {
    const struct pti_edge_key *keys;
    size_t count;
    const char *source;
    int64_t now;
};

static enum pti_db_result note_all(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct note *note = ctx;
    enum pti_db_result result = PTI_DB_OK;

    for (size_t i = 0; i < note->count && result == PTI_DB_OK; i++) {
        struct pti_db_value row[PTI_COUNT(edge_columns)];

        put_key(row, &note->keys[i]);
        row[5] = pti_db_text(note->source);
        row[6] = pti_db_integer(1);
        row[7] = pti_db_integer(note->now);
        row[8] = pti_db_integer(note->now);
        row[9] = pti_db_integer(0);
        row[10] = pti_db_text(pti_probe_outcome_name(PTI_PROBE_FAILED));
        row[11] = pti_db_integer(0);
        row[12] = pti_db_text(pti_edge_pinned_name(PTI_EDGE_UNKNOWN));
        row[13] = pti_db_text("");
        row[14] = row[15] = pti_db_integer(0);
        row[16] = pti_db_text("");
        result = pti_database_upsert(database, &edge_table, row, 1, error);
    }
    return result;
}

enum pintle_status pti_edges_note(struct pti_database *database, const struct pti_edge_key *keys, size_t count,
                                  const char *source, int64_t now, struct pti_error *error)
{
    struct note note = {keys, count, source, now};

    return pti_database_transaction(database, LOCK_EDGES, note_all, &note, error);
}

/* Parameters are numbered in the order of their first use. */
#define IS_EDGE(a, b, c, d, e)                                                                                         \
    "repository = $" #a " AND host = $" #b " AND port = $" #c " AND address = $" #d " AND key_type = $" #e

static const struct pti_db_statement retire_edge = {
    "retire an edge", "UPDATE edge SET active = 0, changed = $1 WHERE " IS_EDGE(2, 3, 4, 5, 6)};

static const struct pti_db_statement forget_leaves = {
    "forget old edges", "DELETE FROM edge_leaf WHERE EXISTS (SELECT 1 FROM edge WHERE edge.active = 0 AND"
                        " edge.changed < $1 AND edge.repository = edge_leaf.repository AND edge.host = edge_leaf.host"
                        " AND edge.port = edge_leaf.port AND edge.address = edge_leaf.address"
                        " AND edge.key_type = edge_leaf.key_type)"};

static const struct pti_db_statement forget_edges = {"forget old edges",
                                                     "DELETE FROM edge WHERE active = 0 AND changed < $1"};

struct retirement {
    const struct pti_edge_key *key;
    int64_t now;
};

static enum pti_db_result retire(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct retirement *retirement = ctx;
    const struct pti_db_value before = pti_db_integer(retirement->now - FORGOTTEN_AFTER_S);
    const struct pti_db_query leaves = {&forget_leaves, &before, 1, NULL, NULL};
    const struct pti_db_query edges = {&forget_edges, &before, 1, NULL, NULL};
    struct pti_db_value values[KEY_COLUMNS + 1];
    const struct pti_db_query query = {&retire_edge, values, PTI_COUNT(values), NULL, NULL};
    enum pti_db_result result;

    values[0] = pti_db_integer(retirement->now);
    put_key(&values[1], retirement->key);
    result = pti_database_run(database, &query, NULL, error);
    if (result == PTI_DB_OK)
        result = pti_database_run(database, &leaves, NULL, error);
    return result == PTI_DB_OK ? pti_database_run(database, &edges, NULL, error) : result;
}

enum pintle_status pti_edges_retire(struct pti_database *database, const struct pti_edge_key *key, int64_t now,
                                    struct pti_error *error)
{
    struct retirement retirement = {key, now};

    return pti_database_transaction(database, LOCK_EDGES, retire, &retirement, error);
}

/* ---- findings ---- */

static const struct pti_db_statement store_finding = {
    "store a probe", "UPDATE edge SET probed = $1, outcome = $2, failures = $3, pinned = $4, leaf = $5,"
                     " not_before = $6, not_after = $7, document = $8 WHERE " IS_EDGE(9, 10, 11, 12, 13)};

static const struct pti_db_column leaf_columns[] = {
    {"repository", PTI_DB_KEY}, {"host", PTI_DB_KEY}, {"port", PTI_DB_KEY},        {"address", PTI_DB_KEY},
    {"key_type", PTI_DB_KEY},   {"spki", PTI_DB_KEY}, {"first_seen", PTI_DB_KEEP}, {"last_seen", PTI_DB_LARGEST},
};
static const struct pti_db_table leaf_table = {"edge_leaf", "store a leaf", leaf_columns, PTI_COUNT(leaf_columns)};

#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number

/* A server that shows another key each time must not fill the disk. */
static const struct pti_db_statement trim_leaves = {
    "forget old leaves",
    "DELETE FROM edge_leaf WHERE " IS_EDGE(1, 2, 3, 4, 5) " AND spki NOT IN (SELECT spki FROM edge_leaf WHERE " IS_EDGE(
        1, 2, 3, 4, 5) " ORDER BY last_seen DESC, first_seen DESC, spki LIMIT " TEXT_OF(PTI_EDGE_LEAVES_MAX) ")"};

struct storing {
    const struct pti_edge_key *key;
    const struct pti_edge_finding *finding;
};

static enum pti_db_result store_leaf(struct pti_database *database, const struct storing *storing,
                                     struct pti_error *error)
{
    struct pti_db_value row[PTI_COUNT(leaf_columns)];
    const struct pti_db_query trim = {&trim_leaves, row, KEY_COLUMNS, NULL, NULL};
    enum pti_db_result result;

    put_key(row, storing->key);
    row[5] = pti_db_text(storing->finding->leaf);
    row[6] = row[7] = pti_db_integer(storing->finding->probed);
    result = pti_database_upsert(database, &leaf_table, row, 1, error);
    return result == PTI_DB_OK ? pti_database_run(database, &trim, NULL, error) : result;
}

static enum pti_db_result store(struct pti_database *database, void *ctx, struct pti_error *error)
{
    const struct storing *storing = ctx;
    const struct pti_edge_finding *finding = storing->finding;
    struct pti_db_value values[KEY_COLUMNS + 8];
    const struct pti_db_query query = {&store_finding, values, PTI_COUNT(values), NULL, NULL};
    int64_t rows = 0;
    enum pti_db_result result;

    values[0] = pti_db_integer(finding->probed);
    values[1] = pti_db_text(pti_probe_outcome_name(finding->outcome));
    values[2] = pti_db_integer(finding->failures);
    values[3] = pti_db_text(pti_edge_pinned_name(finding->pinned));
    values[4] = pti_db_text(finding->leaf);
    values[5] = pti_db_integer(finding->not_before);
    values[6] = pti_db_integer(finding->not_after);
    values[7] = pti_db_text_bytes(finding->document);
    put_key(&values[8], storing->key);
    result = pti_database_run(database, &query, &rows, error);
    return result == PTI_DB_OK && rows > 0 && finding->leaf[0] ? store_leaf(database, storing, error) : result;
}

enum pintle_status pti_edges_store(struct pti_database *database, const struct pti_edge_key *key,
                                   const struct pti_edge_finding *finding, struct pti_error *error)
{
    struct storing storing = {key, finding};

    return pti_database_transaction(database, LOCK_EDGES, store, &storing, error);
}

/* ---- reading ---- */

#define LIST_EDGES(document)                                                                                           \
    "SELECT repository, host, port, address, key_type, source, active, added, probed, outcome, failures, pinned,"      \
    " leaf, not_before, not_after, " document " FROM edge WHERE ($1 = 0 OR repository = $2)"                           \
    " AND ($3 = 0 OR host = $4) AND ($5 = 0 OR active = 1) AND ($6 = 0 OR"                                             \
    " (repository, host, port, address, key_type) > ($7, $8, $9, $10, $11))"                                           \
    " ORDER BY repository, host, port, address, key_type LIMIT $12"

static const struct pti_db_statement list_edges = {"list edges", LIST_EDGES("''")};
static const struct pti_db_statement list_documents = {"list edges", LIST_EDGES("document")};

static void take_finding(const struct pti_db_value *columns, struct pti_edge_finding *finding)
{
    char outcome[16], pinned[16];

    pti_db_copy_text(&columns[1], outcome, sizeof outcome);
    pti_db_copy_text(&columns[3], pinned, sizeof pinned);
    finding->probed = columns[0].integer;
    for (int i = PTI_PROBE_FAILED; i <= PTI_PROBE_SERVED; i++)
        if (strcmp(outcome, pti_probe_outcome_name((enum pti_probe_outcome)i)) == 0)
            finding->outcome = (enum pti_probe_outcome)i;
    finding->failures = columns[2].integer;
    for (size_t i = 0; i < PTI_COUNT(pinned_names); i++)
        if (strcmp(pinned, pinned_names[i]) == 0)
            finding->pinned = (enum pti_edge_pinned)i;
    pti_db_copy_text(&columns[4], finding->leaf, sizeof finding->leaf);
    finding->not_before = columns[5].integer;
    finding->not_after = columns[6].integer;
    finding->document = columns[7].bytes;
}

static bool take_edge(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct pti_edge_query *query = ctx;
    struct pti_edge edge = {.added = 0};
    char key[8];

    (void)count; /* 16 */
    pti_db_copy_text(&columns[0], edge.key.repository, sizeof edge.key.repository);
    pti_db_copy_text(&columns[1], edge.key.host, sizeof edge.key.host);
    edge.key.port = (uint16_t)columns[2].integer;
    pti_db_copy_text(&columns[3], edge.key.address, sizeof edge.key.address);
    pti_db_copy_text(&columns[4], key, sizeof key);
    edge.key.key = strcmp(key, "rsa") == 0 ? PTI_PROBE_KEY_RSA : PTI_PROBE_KEY_ECDSA;
    pti_db_copy_text(&columns[5], edge.source, sizeof edge.source);
    edge.active = columns[6].integer != 0;
    edge.added = columns[7].integer;
    take_finding(&columns[8], &edge.finding);
    return query->row(query->ctx, &edge);
}

enum pintle_status pti_edges_list(struct pti_database *database, const struct pti_edge_query *query,
                                  struct pti_error *error)
{
    static const struct pti_edge_key first = {.host = ""};
    struct pti_edge_query copy = *query;
    struct pti_db_value values[12];
    const struct pti_db_query list = {query->documents ? &list_documents : &list_edges, values, PTI_COUNT(values),
                                      take_edge, &copy};

    values[0] = pti_db_integer(query->repository != NULL);
    values[1] = pti_db_text(query->repository ? query->repository : "");
    values[2] = pti_db_integer(query->host != NULL);
    values[3] = pti_db_text(query->host ? query->host : "");
    values[4] = pti_db_integer(query->active);
    values[5] = pti_db_integer(query->after != NULL);
    put_key(&values[6], query->after ? query->after : &first);
    values[11] = pti_db_integer(query->limit);
    return pti_database_read(database, &list, error);
}

static const struct pti_db_statement list_leaves = {
    "list leaves",
    "SELECT spki, first_seen, last_seen FROM edge_leaf WHERE " IS_EDGE(
        1, 2, 3, 4, 5) " ORDER BY last_seen DESC, first_seen DESC, spki LIMIT " TEXT_OF(PTI_EDGE_LEAVES_MAX)};

struct leaf_rows {
    struct pti_edge_leaf *leaves;
    size_t *count;
};

static bool take_leaf(void *ctx, const struct pti_db_value *columns, size_t count)
{
    const struct leaf_rows *rows = ctx;
    struct pti_edge_leaf *leaf = &rows->leaves[(*rows->count)++];

    (void)count; /* 3 */
    pti_db_copy_text(&columns[0], leaf->spki, sizeof leaf->spki);
    leaf->first_seen = columns[1].integer;
    leaf->last_seen = columns[2].integer;
    return true;
}

enum pintle_status pti_edges_leaves(struct pti_database *database, const struct pti_edge_key *key,
                                    struct pti_edge_leaf leaves[PTI_EDGE_LEAVES_MAX], size_t *count,
                                    struct pti_error *error)
{
    struct leaf_rows rows = {leaves, count};
    struct pti_db_value values[KEY_COLUMNS];
    const struct pti_db_query query = {&list_leaves, values, PTI_COUNT(values), take_leaf, &rows};

    *count = 0;
    put_key(values, key);
    return pti_database_read(database, &query, error);
}
