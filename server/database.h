/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database, as the server uses one: transactions over a few statements in the SQL that SQLite and PostgreSQL share.
 *
 * A back end (database_<name>.c, the one file that knows its library) connects, brings the schema up to date, binds, steps
 * and sorts errors into the classes below; what the statements are, what may be tried again and who waits for whom is
 * decided above it, once for all back ends.  In the shared SQL parameters are $1, $2, ... in the order of their first use,
 * an integer is signed with 64 bits, and nothing depends on the order of rows without ORDER BY.
 */
#ifndef PTI_SERVER_DATABASE_H
#define PTI_SERVER_DATABASE_H

#include <pthread.h>

#include "base/buf.h"

#define PTI_DB_COLUMNS_MAX 24 /* of a row, and parameters of a statement */

enum pti_db_result {
    PTI_DB_OK,
    PTI_DB_BUSY,       /* another writer held it for too long: the same again later */
    PTI_DB_RETRY,      /* the transaction lost against another one: all of it again */
    PTI_DB_GONE,       /* the connection or the file is gone: open it anew */
    PTI_DB_FULL,       /* there is no room */
    PTI_DB_CONSTRAINT, /* the schema forbids such a row */
    PTI_DB_CORRUPT,    /* what lies there is damaged, or no database */
    PTI_DB_MEMORY,
    PTI_DB_BROKEN /* anything else */
};

enum pti_db_kind { PTI_DB_NULL, PTI_DB_INTEGER, PTI_DB_TEXT, PTI_DB_BYTES };

struct pti_db_value {
    enum pti_db_kind kind;
    int64_t integer;
    struct pintle_bytes bytes; /* of text without its terminator; borrowed */
};

struct pti_db_value pti_db_integer(int64_t integer);
struct pti_db_value pti_db_text(const char *text);
struct pti_db_value pti_db_text_bytes(struct pintle_bytes text);
/* Of a column: into out, cut at size bytes with the terminator. */
void pti_db_copy_text(const struct pti_db_value *column, char *out, size_t size);
struct pti_db_value pti_db_bytes(struct pintle_bytes bytes);

/* A statement has one place in the program: a connection prepares it once and knows it again by its address. */
struct pti_db_statement {
    const char *what; /* completes "cannot ..." in messages */
    const char *sql;
};

struct pti_db_query {
    const struct pti_db_statement *statement;
    const struct pti_db_value *values;
    size_t value_count;
    /* Of each row that comes back; columns are borrowed.  false: there is no memory for it.  NULL: no rows are wanted. */
    bool (*row)(void *ctx, const struct pti_db_value *columns, size_t count);
    void *ctx;
};

/* A row of one integer, into the int64_t at ctx, which NULL (the aggregate of nothing) leaves as it is. */
bool pti_db_take_integer(void *ctx, const struct pti_db_value *columns, size_t count);

/* What becomes of a column when the key is there already. */
enum pti_db_merge { PTI_DB_KEY, PTI_DB_KEEP, PTI_DB_REPLACE, PTI_DB_ADD, PTI_DB_LARGEST };

struct pti_db_column {
    const char *name;
    enum pti_db_merge merge;
};

struct pti_db_table {
    const char *name;
    const char *what; /* as above */
    const struct pti_db_column *columns;
    size_t column_count;
};

/* A failure sets error. */
struct pti_db_ops {
    const char *name;
    /* Brings the schema to the newest version, in one transaction.  Refuses a newer one, and another program's. */
    enum pti_db_result (*migrate)(void *connection, struct pti_error *error);
    enum pti_db_result (*begin)(void *connection, struct pti_error *error);
    enum pti_db_result (*commit)(void *connection, struct pti_error *error); /* durable once it returns PTI_DB_OK */
    void (*rollback)(void *connection);
    /* Within a transaction, until its end: nobody else, on any node, holds this name. */
    enum pti_db_result (*lock)(void *connection, const char *name, struct pti_error *error);
    /* *changed receives how many rows were inserted, updated or deleted. */
    enum pti_db_result (*run)(void *connection, const struct pti_db_query *query, int64_t *changed,
                              struct pti_error *error);
    /* Within a transaction: count rows of column_count values each, sorted by key, no key twice. */
    enum pti_db_result (*upsert)(void *connection, const struct pti_db_table *table, const struct pti_db_value *rows,
                                 size_t count, struct pti_error *error);
    void (*close)(void *connection);
};

/* One connection.  Any thread may use it, one at a time. */
struct pti_database {
    const struct pti_db_ops *ops;
    void *connection;
    int waits; /* how often a transaction waits longer (PTI_STORAGE_BUSY_MS each) while another process holds it; 0 */
    pthread_mutex_t mutex;
};

/*
 * SQLite 3.37 or newer in directory/pintled.db (mode 0600), WAL, synchronous=FULL: what is committed survives power loss.
 * Migrates.  On success the caller frees *database with pti_database_close().  PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_database_open_sqlite(const char *directory, struct pti_database **database,
                                            struct pti_error *error);

/* For back ends: takes connection over and migrates; closes it on failure. */
enum pintle_status pti_database_new(const struct pti_db_ops *ops, void *connection, struct pti_database **database,
                                    struct pti_error *error);
void pti_database_close(struct pti_database *database); /* NULL is legal */

/*
 * Runs work between begin and commit, all or nothing, holding the name lock, which serialises it between nodes.  Should the
 * database ask for it (PTI_DB_RETRY), all of it is run again, a few times: work starts from ctx alone each time.  So is
 * what found it busy, if database->waits says so.
 */
enum pintle_status pti_database_transaction(struct pti_database *database, const char *lock,
                                            enum pti_db_result (*work)(struct pti_database *database, void *ctx,
                                                                       struct pti_error *error),
                                            void *ctx, struct pti_error *error);
/* One statement by itself that only reads. */
enum pintle_status pti_database_read(struct pti_database *database, const struct pti_db_query *query,
                                     struct pti_error *error);

/* Within work.  changed may be NULL. */
enum pti_db_result pti_database_run(struct pti_database *database, const struct pti_db_query *query, int64_t *changed,
                                    struct pti_error *error);
/*
 * Within work: stores count rows of table->column_count values each.  They must come sorted by key, each key once, so that
 * two nodes never wait for each other in a circle and no row is merged twice; anything else is PTI_DB_CONSTRAINT.
 */
enum pti_db_result pti_database_upsert(struct pti_database *database, const struct pti_db_table *table,
                                       const struct pti_db_value *rows, size_t count, struct pti_error *error);

/* For back ends: the statement that merges one row into table. */
void pti_db_upsert_sql(const struct pti_db_table *table, struct pti_buf *sql);

/* What callers above are told: PINTLE_OK, PINTLE_ERR_MEMORY, or PINTLE_ERR_STORAGE for every other class. */
enum pintle_status pti_db_status(enum pti_db_result result);
/* The name of a class ("busy", "full", ...); static. */
const char *pti_db_result_name(enum pti_db_result result);

#endif
