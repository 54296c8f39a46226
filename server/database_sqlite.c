/* SPDX-License-Identifier: Apache-2.0 */
/* The storage of a single node: SQLite 3.37 or newer, in one file beside its write-ahead log. */
#include "server/database.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "publish/file.h"
#include "server/database_copy.h"
#include "server/database_schema.h"
#include "server/limits.h"

#define FILE_NAME PTI_DATABASE_NAME

/* A statement, or the upsert of a table, by the address of its description. */
struct prepared {
    const void *of;
    sqlite3_stmt *statement;
};

struct sqlite {
    sqlite3 *db;
    struct prepared prepared[PTI_DB_STATEMENTS_MAX];
    size_t prepared_count;
    char path[PTI_PATH_MAX];
};

static const struct {
    int code; /* primary */
    enum pti_db_result result;
    const char *hint;
} classes[] = {
    {SQLITE_FULL, PTI_DB_FULL, "; make room on its disk"},
    {SQLITE_BUSY, PTI_DB_BUSY, "; another process holds it, end that one"},
    {SQLITE_CORRUPT, PTI_DB_CORRUPT,
     "; stop pintled, then restore it from a backup, or move it away to start with an empty one"},
    {SQLITE_NOTADB, PTI_DB_CORRUPT,
     "; stop pintled, then restore it from a backup, or move it away to start with an empty one"},
    {SQLITE_CONSTRAINT, PTI_DB_CONSTRAINT, ""},
    {SQLITE_NOMEM, PTI_DB_MEMORY, ""},
};

static enum pti_db_result fail(struct sqlite *sqlite, const char *what, struct pti_error *error)
{
    int code = sqlite->db ? sqlite3_extended_errcode(sqlite->db) : SQLITE_NOMEM;
    enum pti_db_result result = code == SQLITE_BUSY_SNAPSHOT ? PTI_DB_RETRY : PTI_DB_BROKEN;
    const char *hint = "";

    for (size_t i = 0; result == PTI_DB_BROKEN && i < sizeof classes / sizeof classes[0]; i++) {
        if ((code & 0xff) == classes[i].code) {
            result = classes[i].result;
            hint = classes[i].hint;
        }
    }
    (void)pti_fail(error, result == PTI_DB_MEMORY ? PINTLE_ERR_MEMORY : PINTLE_ERR_STORAGE, "%s: cannot %s: %s (%d)%s",
                   sqlite->path, what, sqlite->db ? sqlite3_errmsg(sqlite->db) : "out of memory", code, hint);
    return result;
}

static enum pti_db_result execute(struct sqlite *sqlite, const char *sql, const char *what, struct pti_error *error)
{
    if (sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(sqlite, what, error);
    return PTI_DB_OK;
}

static enum pti_db_result read_integer(struct sqlite *sqlite, const char *sql, int64_t *integer,
                                       struct pti_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum pti_db_result result = PTI_DB_OK;

    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &statement, NULL) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
        result = fail(sqlite, "read its schema version", error);
    else
        *integer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return result;
}

static enum pti_db_result check_schema(struct sqlite *sqlite, int64_t *version, struct pti_error *error)
{
    int64_t application = 0, tables = 0;
    enum pti_db_result result = read_integer(sqlite, "PRAGMA user_version", version, error);

    if (result == PTI_DB_OK)
        result = read_integer(sqlite, "PRAGMA application_id", &application, error);
    if (result == PTI_DB_OK)
        result = read_integer(sqlite, "SELECT count(*) FROM sqlite_schema", &tables, error);
    return result == PTI_DB_OK ? pti_sqlite_judge(sqlite->path, application, *version, tables, error) : result;
}

static enum pti_db_result apply_migrations(struct sqlite *sqlite, struct pti_error *error)
{
    char stamp[96];
    int64_t version = 0, newest = 0;
    const char *const *steps = pti_sqlite_steps(&newest);
    enum pti_db_result result = check_schema(sqlite, &version, error); /* again, now that we are the only writer */

    for (; result == PTI_DB_OK && version < newest; version++)
        result = execute(sqlite, steps[version], "bring its schema up to date", error);
    if (result != PTI_DB_OK)
        return result;
    snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%" PRId64, PTI_SQLITE_APPLICATION,
             newest);
    return execute(sqlite, stamp, "bring its schema up to date", error);
}

static enum pti_db_result sqlite_migrate(void *connection, struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    int64_t version = 0, newest = 0;
    enum pti_db_result result = check_schema(sqlite, &version, error);

    pti_sqlite_steps(&newest);
    if (result != PTI_DB_OK || version == newest)
        return result;
    result = execute(sqlite, "BEGIN IMMEDIATE", "begin a transaction", error);
    if (result != PTI_DB_OK)
        return result;
    result = apply_migrations(sqlite, error);
    if (result == PTI_DB_OK)
        result = execute(sqlite, "COMMIT", "commit its schema", error);
    if (result != PTI_DB_OK)
        sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

/* ---- transactions ---- */

/* What goes into a file that lies nowhere any more is lost, though SQLite says that it is committed. */
static enum pti_db_result check_in_place(struct sqlite *sqlite, struct pti_error *error)
{
    int moved = 0;

    if (sqlite3_file_control(sqlite->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
        return PTI_DB_OK;
    (void)pti_fail(error, PINTLE_ERR_STORAGE,
                   "%s was removed or replaced while pintled has it open; restart pintled, which takes what lies there",
                   sqlite->path);
    return PTI_DB_GONE;
}

/* Excludes every other writer from here on: what is read within is still so when something is written. */
static enum pti_db_result sqlite_begin(void *connection, struct pti_error *error)
{
    enum pti_db_result result = check_in_place(connection, error);

    return result == PTI_DB_OK ? execute(connection, "BEGIN IMMEDIATE", "begin a transaction", error) : result;
}

static void sqlite_rollback(void *connection)
{
    struct sqlite *sqlite = connection;

    /* SQLite may have rolled back by itself, after SQLITE_FULL or SQLITE_IOERR. */
    if (!sqlite3_get_autocommit(sqlite->db))
        (void)execute(sqlite, "ROLLBACK", "roll back", NULL);
}

static enum pti_db_result sqlite_commit(void *connection, struct pti_error *error)
{
    enum pti_db_result result = execute(connection, "COMMIT", "commit", error);

    if (result != PTI_DB_OK)
        sqlite_rollback(connection);
    return result;
}

static enum pti_db_result sqlite_lock(void *connection, const char *name, struct pti_error *error)
{
    (void)connection, (void)name, (void)error;
    return PTI_DB_OK; /* the only writer there is */
}

/* ---- statements ---- */

static enum pti_db_result prepare(struct sqlite *sqlite, const void *of, const char *what, const char *sql,
                                  sqlite3_stmt **statement, struct pti_error *error)
{
    struct prepared *prepared = &sqlite->prepared[sqlite->prepared_count];

    if (sqlite->prepared_count == PTI_DB_STATEMENTS_MAX || sql == NULL) {
        (void)pti_fail(error, PINTLE_ERR_STORAGE, "cannot %s: %s", what,
                       sql == NULL ? "out of memory" : "too many statements are prepared");
        return sql == NULL ? PTI_DB_MEMORY : PTI_DB_BROKEN;
    }
    if (sqlite3_prepare_v3(sqlite->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared->statement, NULL) != SQLITE_OK)
        return fail(sqlite, what, error);
    prepared->of = of;
    sqlite->prepared_count++;
    *statement = prepared->statement;
    return PTI_DB_OK;
}

/* NULL if it has not been prepared. */
static sqlite3_stmt *find(const struct sqlite *sqlite, const void *of)
{
    for (size_t i = 0; i < sqlite->prepared_count; i++)
        if (sqlite->prepared[i].of == of)
            return sqlite->prepared[i].statement;
    return NULL;
}

/* What is bound stays the caller's: it is unbound before he may let it go. */
static void bind(sqlite3_stmt *statement, const struct pti_db_value *values, size_t count)
{
    for (int i = 0; i < (int)count; i++) {
        const struct pintle_bytes bytes = values[i].bytes;

        switch (values[i].kind) {
        case PTI_DB_NULL:
            sqlite3_bind_null(statement, i + 1);
            break;
        case PTI_DB_INTEGER:
            sqlite3_bind_int64(statement, i + 1, values[i].integer);
            break;
        case PTI_DB_TEXT:
            sqlite3_bind_text64(statement, i + 1, (const char *)bytes.data, bytes.size, SQLITE_STATIC, SQLITE_UTF8);
            break;
        case PTI_DB_BYTES:
            sqlite3_bind_blob64(statement, i + 1, bytes.data, bytes.size, SQLITE_STATIC);
            break;
        }
    }
}

static struct pti_db_value column_of(sqlite3_stmt *statement, int index)
{
    struct pti_db_value value = {.kind = PTI_DB_NULL};

    switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
        return pti_db_integer(sqlite3_column_int64(statement, index));
    case SQLITE_TEXT:
        value.kind = PTI_DB_TEXT;
        value.bytes.data = sqlite3_column_text(statement, index);
        break;
    case SQLITE_BLOB:
        value.kind = PTI_DB_BYTES;
        value.bytes.data = sqlite3_column_blob(statement, index);
        break;
    default:
        return value;
    }
    value.bytes.size = (size_t)sqlite3_column_bytes(statement, index);
    return value;
}

static bool hand_over(const struct pti_db_query *query, sqlite3_stmt *statement)
{
    struct pti_db_value columns[PTI_DB_COLUMNS_MAX];
    size_t count = (size_t)sqlite3_column_count(statement);

    for (size_t i = 0; i < count && i < PTI_DB_COLUMNS_MAX; i++)
        columns[i] = column_of(statement, (int)i);
    return query->row == NULL || query->row(query->ctx, columns, count);
}

/* To the end: only the step after its last row completes a statement. */
static enum pti_db_result step(struct sqlite *sqlite, const struct pti_db_query *query, sqlite3_stmt *statement,
                               struct pti_error *error)
{
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!hand_over(query, statement)) {
            (void)pti_fail(error, PINTLE_ERR_MEMORY, "cannot %s: out of memory", query->statement->what);
            return PTI_DB_MEMORY;
        }
    }
    return code == SQLITE_DONE ? PTI_DB_OK : fail(sqlite, query->statement->what, error);
}

static enum pti_db_result sqlite_run(void *connection, const struct pti_db_query *query, int64_t *changed,
                                     struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    sqlite3_stmt *statement = find(sqlite, query->statement);
    enum pti_db_result result = PTI_DB_OK;

    if (statement == NULL)
        result = prepare(sqlite, query->statement, query->statement->what, query->statement->sql, &statement, error);
    if (result != PTI_DB_OK)
        return result;
    bind(statement, query->values, query->value_count);
    result = step(sqlite, query, statement, error);
    *changed = sqlite3_changes(sqlite->db);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return result;
}

static enum pti_db_result prepare_upsert(struct sqlite *sqlite, const struct pti_db_table *table,
                                         sqlite3_stmt **statement, struct pti_error *error)
{
    enum pti_db_result result;
    struct pti_buf sql;

    pti_buf_init(&sql, 1 << 16);
    pti_db_upsert_sql(table, &sql);
    result = prepare(sqlite, table, table->what, pti_buf_cstr(&sql), statement, error);
    pti_buf_clear(&sql);
    return result;
}

/* Row by row: a prepared statement costs SQLite no more than a long one. */
static enum pti_db_result sqlite_upsert(void *connection, const struct pti_db_table *table,
                                        const struct pti_db_value *rows, size_t count, struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    sqlite3_stmt *statement = find(sqlite, table);
    enum pti_db_result result = statement == NULL ? prepare_upsert(sqlite, table, &statement, error) : PTI_DB_OK;

    for (size_t i = 0; result == PTI_DB_OK && i < count; i++) {
        bind(statement, &rows[i * table->column_count], table->column_count);
        if (sqlite3_step(statement) != SQLITE_DONE)
            result = fail(sqlite, table->what, error);
        sqlite3_reset(statement);
    }
    if (statement != NULL)
        sqlite3_clear_bindings(statement);
    return result;
}

static void sqlite_close(void *connection)
{
    struct sqlite *sqlite = connection;

    for (size_t i = 0; i < sqlite->prepared_count; i++)
        sqlite3_finalize(sqlite->prepared[i].statement);
    sqlite3_close(sqlite->db);
    free(sqlite);
}

static const struct pti_db_ops sqlite_ops = {
    .name = "SQLite",
    .migrate = sqlite_migrate,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .lock = sqlite_lock,
    .run = sqlite_run,
    .upsert = sqlite_upsert,
    .close = sqlite_close,
};

/* ---- opening ---- */

/*
 * SQLite gives its log the mode of the database, so the file is made here, private from its first moment.  One that is
 * there is not opened: closing it would cancel every lock that SQLite holds on it in this process (POSIX, fcntl()), and
 * whoever looks at the database with another program would then remove the log from under us when he leaves.
 */
static enum pintle_status make_file(const char *path, struct pti_error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    struct stat info;

    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be opened: %s", path, strerror(errno));
    else if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode))
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be opened: it is not a regular file", path);
    return PINTLE_OK;
}

static enum pintle_status connect_file(struct sqlite *sqlite, struct pti_error *error)
{
    static const char pragmas[] = "PRAGMA journal_mode=WAL;" /* readers never wait for the writer */
                                  "PRAGMA synchronous=FULL;" /* a commit is on the disk when it returns */
                                  "PRAGMA journal_size_limit=67108864;"
                                  "PRAGMA temp_store=MEMORY;"
                                  "PRAGMA trusted_schema=OFF;";
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    enum pti_db_result result;

    if (sqlite3_open_v2(sqlite->path, &sqlite->db, flags, NULL) != SQLITE_OK) {
        result = fail(sqlite, "open it", error);
    } else {
        sqlite3_extended_result_codes(sqlite->db, 1);
        sqlite3_busy_timeout(sqlite->db, PTI_STORAGE_BUSY_MS);
        result = execute(sqlite, pragmas, "set it up", error);
    }
    return pti_db_status(result);
}

enum pintle_status pti_database_open_sqlite(const char *directory, struct pti_database **database,
                                            struct pti_error *error)
{
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);
    enum pintle_status status = PINTLE_ERR_MEMORY;

    *database = NULL;
    if (!sqlite)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the database");
    status = pti_file_path(sqlite->path, directory, FILE_NAME, error);
    if (status == PINTLE_OK)
        status = make_file(sqlite->path, error);
    if (status == PINTLE_OK)
        status = connect_file(sqlite, error);
    if (status != PINTLE_OK) {
        sqlite_close(sqlite);
        return status;
    }
    return pti_database_new(&sqlite_ops, sqlite, database, error);
}
