/* SPDX-License-Identifier: Apache-2.0 */
/* The storage of a single node: SQLite 3.37 or newer, in one file beside its write-ahead log. */
#include "server/storage.h"

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
#include "server/limits.h"

#define FILE_NAME "pintled.db"
#define APPLICATION_ID 0x504e544c /* "PNTL", in the file's header: whose database this is */

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    INSERT_REPORT,
    TRIM_REPORTS,
    LIST_REPORTS,
    LIST_HOST_REPORTS,
    RAISE_VERSION,
    READ_VERSION,
    STATEMENTS
};

static const char *const statement_texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [INSERT_REPORT] = "INSERT INTO report (id, received, host, type, reason, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                      " ON CONFLICT (id) DO NOTHING",
    /* seq is the largest one plus 1, and only the smallest go: there are no gaps, so nothing need be counted */
    [TRIM_REPORTS] = "DELETE FROM report WHERE seq <= (SELECT max(seq) FROM report) - ?1",
    [LIST_REPORTS] = "SELECT received, document FROM report ORDER BY seq DESC LIMIT ?1",
    [LIST_HOST_REPORTS] = "SELECT received, document FROM report WHERE host = ?2 ORDER BY seq DESC LIMIT ?1",
    [RAISE_VERSION] = "INSERT INTO version (role, version) VALUES (?1, ?2 + 1)"
                      " ON CONFLICT (role) DO UPDATE SET version = max(version, ?2) + 1 RETURNING version",
    [READ_VERSION] = "SELECT version FROM version WHERE role = ?1",
};

/* Step n brings a database of user_version n to n + 1.  A step that was ever released is never changed. */
static const char *const migrations[] = {
    "CREATE TABLE report ("
    " seq INTEGER PRIMARY KEY,"
    " id TEXT NOT NULL UNIQUE,"
    " received INTEGER NOT NULL,"
    " host TEXT NOT NULL,"
    " type TEXT NOT NULL,"
    " reason TEXT NOT NULL,"
    " document TEXT NOT NULL) STRICT;"
    "CREATE INDEX report_host ON report (host, seq);"
    "CREATE TABLE version ("
    " role TEXT NOT NULL PRIMARY KEY,"
    " version INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};
#define SCHEMA_VERSION ((int64_t)(sizeof migrations / sizeof migrations[0]))

struct sqlite {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char path[PTI_PATH_MAX];
};

static enum pintle_status fail(struct sqlite *sqlite, const char *what, struct pti_error *error)
{
    int code = sqlite->db ? sqlite3_extended_errcode(sqlite->db) : SQLITE_NOMEM;
    const char *hint = "";

    if ((code & 0xff) == SQLITE_FULL)
        hint = "; make room on its disk";
    else if ((code & 0xff) == SQLITE_BUSY)
        hint = "; another process holds it, end that one";
    else if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
        hint = "; stop pintled, then restore it from a backup, or move it away to start with an empty one";
    return pti_fail(error, PINTLE_ERR_STORAGE, "%s: cannot %s: %s (%d)%s", sqlite->path, what,
                    sqlite->db ? sqlite3_errmsg(sqlite->db) : "out of memory", code, hint);
}

static enum pintle_status execute(struct sqlite *sqlite, const char *sql, const char *what, struct pti_error *error)
{
    if (sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(sqlite, what, error);
    return PINTLE_OK;
}

/* Steps a statement without rows and resets it. */
static enum pintle_status run(struct sqlite *sqlite, enum statement which, const char *what, struct pti_error *error)
{
    sqlite3_stmt *statement = sqlite->statements[which];
    enum pintle_status status = PINTLE_OK;

    if (sqlite3_step(statement) != SQLITE_DONE)
        status = fail(sqlite, what, error);
    sqlite3_reset(statement);
    return status;
}

static enum pintle_status read_integer(struct sqlite *sqlite, const char *sql, int64_t *integer,
                                       struct pti_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum pintle_status status = PINTLE_OK;

    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &statement, NULL) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
        status = fail(sqlite, "read its schema version", error);
    else
        *integer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

static enum pintle_status check_schema(struct sqlite *sqlite, int64_t *version, struct pti_error *error)
{
    int64_t application = 0, tables = 0;
    enum pintle_status status = read_integer(sqlite, "PRAGMA user_version", version, error);

    if (status == PINTLE_OK)
        status = read_integer(sqlite, "PRAGMA application_id", &application, error);
    if (status == PINTLE_OK)
        status = read_integer(sqlite, "SELECT count(*) FROM sqlite_schema", &tables, error);
    if (status != PINTLE_OK)
        return status;
    if (application != APPLICATION_ID && (application != 0 || *version != 0 || tables != 0))
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s is a database of another program; give another --data directory",
                        sqlite->path);
    if (*version > SCHEMA_VERSION)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "%s has schema version %" PRId64 ", this pintled knows up to %" PRId64
                        "; run the newer pintled that made it, or restore an older backup",
                        sqlite->path, *version, SCHEMA_VERSION);
    return PINTLE_OK;
}

static enum pintle_status prepare_statements(struct sqlite *sqlite, struct pti_error *error)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (!sqlite->statements[i] && sqlite3_prepare_v3(sqlite->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                                         &sqlite->statements[i], NULL) != SQLITE_OK)
            return fail(sqlite, "prepare a statement", error);
    return PINTLE_OK;
}

static enum pintle_status apply_migrations(struct sqlite *sqlite, struct pti_error *error)
{
    char stamp[96];
    int64_t version = 0;
    enum pintle_status status = check_schema(sqlite, &version, error); /* again, now that we are the only writer */

    for (; status == PINTLE_OK && version < SCHEMA_VERSION; version++)
        status = execute(sqlite, migrations[version], "bring its schema up to date", error);
    if (status != PINTLE_OK)
        return status;
    snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%" PRId64, APPLICATION_ID,
             SCHEMA_VERSION);
    return execute(sqlite, stamp, "bring its schema up to date", error);
}

static enum pintle_status sqlite_migrate(void *connection, struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    int64_t version = 0;
    enum pintle_status status = check_schema(sqlite, &version, error);

    if (status == PINTLE_OK && version < SCHEMA_VERSION) {
        status = execute(sqlite, "BEGIN IMMEDIATE", "begin a transaction", error);
        if (status != PINTLE_OK)
            return status;
        status = apply_migrations(sqlite, error);
        if (status == PINTLE_OK)
            status = execute(sqlite, "COMMIT", "commit its schema", error);
        if (status != PINTLE_OK)
            sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status == PINTLE_OK ? prepare_statements(sqlite, error) : status;
}

/* What goes into a file that lies nowhere any more is lost, though SQLite says that it is committed. */
static enum pintle_status check_in_place(struct sqlite *sqlite, struct pti_error *error)
{
    int moved = 0;

    if (sqlite3_file_control(sqlite->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "%s was removed or replaced while pintled has it open; restart pintled, which takes what lies "
                        "there",
                        sqlite->path);
    return PINTLE_OK;
}

static enum pintle_status sqlite_begin(void *connection, struct pti_error *error)
{
    enum pintle_status status = check_in_place(connection, error);

    return status == PINTLE_OK ? run(connection, BEGIN, "begin a transaction", error) : status;
}

static void sqlite_rollback(void *connection)
{
    struct sqlite *sqlite = connection;

    /* SQLite may have rolled back by itself, after SQLITE_FULL or SQLITE_IOERR. */
    if (!sqlite3_get_autocommit(sqlite->db))
        run(sqlite, ROLLBACK, "roll back", NULL);
}

static enum pintle_status sqlite_commit(void *connection, struct pti_error *error)
{
    enum pintle_status status = run(connection, COMMIT, "commit", error);

    if (status != PINTLE_OK)
        sqlite_rollback(connection);
    return status;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

static enum pintle_status sqlite_insert_report(void *connection, const struct pti_report *report, int64_t received,
                                               enum pti_stored *stored, struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    sqlite3_stmt *statement = sqlite->statements[INSERT_REPORT];
    struct pintle_bytes document = pti_buf_bytes(&report->document);
    enum pintle_status status = PINTLE_ERR_STORAGE;

    bind_text(statement, 1, report->id);
    sqlite3_bind_int64(statement, 2, received);
    bind_text(statement, 3, report->host);
    bind_text(statement, 4, report->type);
    bind_text(statement, 5, report->reason);
    sqlite3_bind_text64(statement, 6, (const char *)document.data, document.size, SQLITE_STATIC, SQLITE_UTF8);
    status = run(sqlite, INSERT_REPORT, "store a report", error);
    sqlite3_clear_bindings(statement);
    if (status == PINTLE_OK)
        *stored = sqlite3_changes(sqlite->db) > 0 ? PTI_STORED_NEW : PTI_STORED_BEFORE;
    return status;
}

static enum pintle_status sqlite_trim_reports(void *connection, int64_t keep, int64_t *removed, struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    enum pintle_status status = PINTLE_ERR_STORAGE;

    sqlite3_bind_int64(sqlite->statements[TRIM_REPORTS], 1, keep);
    status = run(sqlite, TRIM_REPORTS, "remove old reports", error);
    *removed = status == PINTLE_OK ? sqlite3_changes(sqlite->db) : 0;
    return status;
}

static enum pintle_status sqlite_list_reports(void *connection, const struct pti_report_query *query,
                                              struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    sqlite3_stmt *statement = sqlite->statements[query->host ? LIST_HOST_REPORTS : LIST_REPORTS];
    enum pintle_status status = PINTLE_OK;
    int step = SQLITE_ROW;

    sqlite3_bind_int64(statement, 1, query->limit);
    if (query->host)
        bind_text(statement, 2, query->host);
    while (status == PINTLE_OK && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        struct pti_report_row row = {.received = sqlite3_column_int64(statement, 0)};

        row.document.data = sqlite3_column_text(statement, 1);
        row.document.size = (size_t)sqlite3_column_bytes(statement, 1);
        if (!query->row(query->ctx, &row))
            status = pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the list of reports");
    }
    if (status == PINTLE_OK && step != SQLITE_DONE)
        status = fail(sqlite, "list reports", error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static enum pintle_status sqlite_raise_version(void *connection, const char *role, int64_t floor, int64_t *version,
                                               struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    sqlite3_stmt *statement = sqlite->statements[RAISE_VERSION];
    enum pintle_status status = PINTLE_OK;

    bind_text(statement, 1, role);
    sqlite3_bind_int64(statement, 2, floor);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        *version = sqlite3_column_int64(statement, 0);
        /* Only the step after the row completes the statement. */
        if (sqlite3_step(statement) != SQLITE_DONE)
            status = fail(sqlite, "allocate a version", error);
    } else {
        status = fail(sqlite, "allocate a version", error);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static enum pintle_status sqlite_read_version(void *connection, const char *role, int64_t *version,
                                              struct pti_error *error)
{
    struct sqlite *sqlite = connection;
    sqlite3_stmt *statement = sqlite->statements[READ_VERSION];
    enum pintle_status status = PINTLE_OK;
    int step = SQLITE_ERROR;

    bind_text(statement, 1, role);
    step = sqlite3_step(statement);
    if (step == SQLITE_ROW)
        *version = sqlite3_column_int64(statement, 0);
    else if (step != SQLITE_DONE)
        status = fail(sqlite, "read a version", error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

static void sqlite_close(void *connection)
{
    struct sqlite *sqlite = connection;

    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(sqlite->statements[i]);
    sqlite3_close(sqlite->db);
    free(sqlite);
}

static const struct pti_storage_ops sqlite_ops = {
    .name = "SQLite",
    .migrate = sqlite_migrate,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .insert_report = sqlite_insert_report,
    .trim_reports = sqlite_trim_reports,
    .list_reports = sqlite_list_reports,
    .raise_version = sqlite_raise_version,
    .read_version = sqlite_read_version,
    .close = sqlite_close,
};

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

    if (sqlite3_open_v2(sqlite->path, &sqlite->db, flags, NULL) != SQLITE_OK)
        return fail(sqlite, "open it", error);
    sqlite3_extended_result_codes(sqlite->db, 1);
    sqlite3_busy_timeout(sqlite->db, PTI_STORAGE_BUSY_MS);
    return execute(sqlite, pragmas, "set it up", error);
}

enum pintle_status pti_storage_open_sqlite(const char *directory, struct pti_storage **storage, struct pti_error *error)
{
    struct sqlite *sqlite = calloc(1, sizeof *sqlite);
    enum pintle_status status = PINTLE_ERR_MEMORY;

    *storage = NULL;
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
    return pti_storage_new(&sqlite_ops, sqlite, storage, error);
}
