/* SPDX-License-Identifier: Apache-2.0 */
#include "server/database.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/limits.h"

struct pti_db_value pti_db_integer(int64_t integer)
{
    return (struct pti_db_value){.kind = PTI_DB_INTEGER, .integer = integer};
}

struct pti_db_value pti_db_text_bytes(struct pintle_bytes text)
{
    return (struct pti_db_value){.kind = PTI_DB_TEXT, .bytes = text};
}

struct pti_db_value pti_db_text(const char *text)
{
    return pti_db_text_bytes(pti_bytes_text(text));
}

struct pti_db_value pti_db_bytes(struct pintle_bytes bytes)
{
    return (struct pti_db_value){.kind = PTI_DB_BYTES, .bytes = bytes};
}

void pti_db_copy_text(const struct pti_db_value *column, char *out, size_t size)
{
    size_t length = column->bytes.size < size ? column->bytes.size : size - 1;

    if (length > 0)
        memcpy(out, column->bytes.data, length);
    out[length] = '\0';
}

bool pti_db_take_integer(void *ctx, const struct pti_db_value *columns, size_t count)
{
    (void)count; /* 1 */
    if (columns[0].kind == PTI_DB_INTEGER)
        *(int64_t *)ctx = columns[0].integer;
    return true;
}

const char *pti_db_result_name(enum pti_db_result result)
{
    switch (result) {
    case PTI_DB_OK:
        return "ok";
    case PTI_DB_BUSY:
        return "busy";
    case PTI_DB_RETRY:
        return "retry";
    case PTI_DB_GONE:
        return "gone";
    case PTI_DB_FULL:
        return "full";
    case PTI_DB_CONSTRAINT:
        return "constraint";
    case PTI_DB_CORRUPT:
        return "corrupt";
    case PTI_DB_MEMORY:
        return "memory";
    case PTI_DB_BROKEN:
        return "broken";
    }
    return "unknown";
}

enum pintle_status pti_db_status(enum pti_db_result result)
{
    if (result == PTI_DB_OK)
        return PINTLE_OK;
    return result == PTI_DB_MEMORY ? PINTLE_ERR_MEMORY : PINTLE_ERR_STORAGE;
}

/* ---- connections ---- */

enum pintle_status pti_database_new(const struct pti_db_ops *ops, void *connection, struct pti_database **database,
                                    struct pti_error *error)
{
    struct pti_database *made = calloc(1, sizeof *made);
    enum pti_db_result result;

    *database = NULL;
    if (!made) {
        ops->close(connection);
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the %s database", ops->name);
    }
    made->ops = ops;
    made->connection = connection;
    pthread_mutex_init(&made->mutex, NULL);
    result = ops->migrate(connection, error);
    if (result != PTI_DB_OK) {
        pti_database_close(made);
        return pti_db_status(result);
    }
    *database = made;
    return PINTLE_OK;
}

void pti_database_close(struct pti_database *database)
{
    if (!database)
        return;
    database->ops->close(database->connection);
    pthread_mutex_destroy(&database->mutex);
    free(database);
}

/* ---- transactions ---- */

typedef enum pti_db_result (*work_fn)(struct pti_database *database, void *ctx, struct pti_error *error);

static enum pti_db_result attempt(struct pti_database *database, const char *lock, work_fn work, void *ctx,
                                  struct pti_error *error)
{
    const struct pti_db_ops *ops = database->ops;
    enum pti_db_result result = ops->begin(database->connection, error);

    if (result != PTI_DB_OK)
        return result;
    result = ops->lock(database->connection, lock, error);
    if (result == PTI_DB_OK)
        result = work(database, ctx, error);
    if (result == PTI_DB_OK)
        return ops->commit(database->connection, error);
    ops->rollback(database->connection);
    return result;
}

enum pintle_status pti_database_transaction(struct pti_database *database, const char *lock, work_fn work, void *ctx,
                                            struct pti_error *error)
{
    enum pti_db_result result = PTI_DB_OK;
    int tries = 0, waits = 0;

    pthread_mutex_lock(&database->mutex);
    do {
        result = attempt(database, lock, work, ctx, error);
    } while ((result == PTI_DB_RETRY && ++tries < PTI_DB_TRIES) ||
             (result == PTI_DB_BUSY && waits++ < database->waits));
    pthread_mutex_unlock(&database->mutex);
    return pti_db_status(result);
}

enum pintle_status pti_database_read(struct pti_database *database, const struct pti_db_query *query,
                                     struct pti_error *error)
{
    enum pti_db_result result;
    int64_t changed;

    pthread_mutex_lock(&database->mutex);
    result = database->ops->run(database->connection, query, &changed, error);
    pthread_mutex_unlock(&database->mutex);
    return pti_db_status(result);
}

enum pti_db_result pti_database_run(struct pti_database *database, const struct pti_db_query *query, int64_t *changed,
                                    struct pti_error *error)
{
    int64_t rows = 0;
    enum pti_db_result result = database->ops->run(database->connection, query, &rows, error);

    if (changed)
        *changed = result == PTI_DB_OK ? rows : 0;
    return result;
}

/* ---- upserts ---- */

static int compare_values(const struct pti_db_value *a, const struct pti_db_value *b)
{
    if (a->kind == PTI_DB_INTEGER && b->kind == PTI_DB_INTEGER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    return pti_bytes_compare(a->bytes, b->bytes);
}

static int compare_keys(const struct pti_db_table *table, const struct pti_db_value *a, const struct pti_db_value *b)
{
    int order = 0;

    for (size_t i = 0; order == 0 && i < table->column_count; i++)
        if (table->columns[i].merge == PTI_DB_KEY)
            order = compare_values(&a[i], &b[i]);
    return order;
}

enum pti_db_result pti_database_upsert(struct pti_database *database, const struct pti_db_table *table,
                                       const struct pti_db_value *rows, size_t count, struct pti_error *error)
{
    assert(table->column_count <= PTI_DB_COLUMNS_MAX);
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(table, &rows[(i - 1) * table->column_count], &rows[i * table->column_count]) >= 0) {
            (void)pti_fail(error, PINTLE_ERR_STORAGE,
                           "cannot %s: expected rows sorted by key, each key once, found row %zu out of order",
                           table->what, i);
            return PTI_DB_CONSTRAINT;
        }
    }
    return database->ops->upsert(database->connection, table, rows, count, error);
}

static void write_keys(const struct pti_db_table *table, struct pti_buf *sql)
{
    const char *comma = "";

    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].merge != PTI_DB_KEY)
            continue;
        pti_buf_printf(sql, "%s%s", comma, table->columns[i].name);
        comma = ", ";
    }
}

static void write_merge(const struct pti_db_table *table, const struct pti_db_column *column, const char *comma,
                        struct pti_buf *sql)
{
    const char *name = column->name;

    pti_buf_printf(sql, "%s%s = ", comma, name);
    switch (column->merge) {
    case PTI_DB_KEY:
    case PTI_DB_KEEP:
        break;
    case PTI_DB_REPLACE:
        pti_buf_printf(sql, "excluded.%s", name);
        break;
    case PTI_DB_ADD:
        pti_buf_printf(sql, "%s.%s + excluded.%s", table->name, name, name);
        break;
    case PTI_DB_LARGEST:
        pti_buf_printf(sql, "CASE WHEN %s.%s < excluded.%s THEN excluded.%s ELSE %s.%s END", table->name, name, name,
                       name, table->name, name);
        break;
    }
}

void pti_db_upsert_sql(const struct pti_db_table *table, struct pti_buf *sql)
{
    const char *comma = "";

    pti_buf_printf(sql, "INSERT INTO %s (", table->name);
    for (size_t i = 0; i < table->column_count; i++)
        pti_buf_printf(sql, "%s%s", i > 0 ? ", " : "", table->columns[i].name);
    pti_buf_text(sql, ") VALUES (");
    for (size_t i = 0; i < table->column_count; i++)
        pti_buf_printf(sql, "%s$%zu", i > 0 ? ", " : "", i + 1);
    pti_buf_text(sql, ") ON CONFLICT (");
    write_keys(table, sql);
    pti_buf_text(sql, ") DO ");
    for (size_t i = 0; i < table->column_count; i++) {
        const struct pti_db_column *column = &table->columns[i];

        if (column->merge == PTI_DB_KEY || column->merge == PTI_DB_KEEP)
            continue;
        if (comma[0] == '\0')
            pti_buf_text(sql, "UPDATE SET ");
        write_merge(table, column, comma, sql);
        comma = ", ";
    }
    if (comma[0] == '\0')
        pti_buf_text(sql, "NOTHING");
}
