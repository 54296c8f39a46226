/* SPDX-License-Identifier: Apache-2.0 */
#include "server/database_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "publish/file.h"
#include "server/database_schema.h"
#include "server/limits.h"

#define URI_SIZE (3 * PTI_PATH_MAX + 32)

static enum pintle_status fail(sqlite3 *db, const char *path, const char *what, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_STORAGE, "%s: cannot %s: %s", path, what,
                    db ? sqlite3_errmsg(db) : "out of memory");
}

/* Without a log beside it nobody has it open, and SQLite is told so: else it would make a log of its own. */
static void write_uri(const char *path, bool alone, char uri[URI_SIZE])
{
    size_t length = (size_t)snprintf(uri, URI_SIZE, "file:%s", path[0] == '/' ? "//" : "");

    for (; *path; path++)
        length += (size_t)snprintf(uri + length, URI_SIZE - length, strchr("?#%", *path) ? "%%%02X" : "%c",
                                   (unsigned char)*path);
    snprintf(uri + length, URI_SIZE - length, "?mode=ro%s", alone ? "&immutable=1" : "");
}

static bool has_log(const char *path)
{
    char log[PTI_PATH_MAX + 8];

    snprintf(log, sizeof log, "%s-wal", path);
    return pti_file_exists(log);
}

static enum pintle_status open_to_read(const char *path, bool alone, sqlite3 **db, struct pti_error *error)
{
    char uri[URI_SIZE];

    write_uri(path, alone, uri);
    if (sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return fail(*db, path, "open it", error);
    sqlite3_busy_timeout(*db, PTI_STORAGE_BUSY_MS);
    return PINTLE_OK;
}

static enum pintle_status read_integer(sqlite3 *db, const char *path, const char *sql, int64_t *integer,
                                       struct pti_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum pintle_status status = PINTLE_OK;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
        status = fail(db, path, "read it", error);
    else
        *integer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return status;
}

static enum pintle_status check_pages(sqlite3 *db, const char *path, struct pti_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum pintle_status status = PINTLE_OK;

    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        status = fail(db, path, "check it", error);
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0)
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s is damaged: %.200s", path,
                          (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return status;
}

static enum pintle_status look(sqlite3 *db, const char *path, bool thorough, struct pti_database_facts *facts,
                               struct pti_error *error)
{
    int64_t application = 0, tables = 0;
    enum pintle_status status = read_integer(db, path, "PRAGMA user_version", &facts->schema, error);

    if (status == PINTLE_OK)
        status = read_integer(db, path, "PRAGMA application_id", &application, error);
    if (status == PINTLE_OK)
        status = read_integer(db, path, "SELECT count(*) FROM sqlite_schema", &tables, error);
    if (status == PINTLE_OK)
        status = pti_db_status(pti_sqlite_judge(path, application, facts->schema, tables, error));
    facts->present = tables > 0;
    return status == PINTLE_OK && thorough ? check_pages(db, path, error) : status;
}

enum pintle_status pti_database_look(const char *path, bool thorough, struct pti_database_facts *facts,
                                     struct pti_error *error)
{
    sqlite3 *db = NULL;
    enum pintle_status status = PINTLE_OK;

    *facts = (struct pti_database_facts){false, 0};
    if (!pti_file_exists(path))
        return PINTLE_OK;
    status = open_to_read(path, !has_log(path), &db, error);
    if (status == PINTLE_OK)
        status = look(db, path, thorough, facts, error);
    sqlite3_close(db);
    return status;
}

static enum pintle_status copy(sqlite3 *db, const char *from, const char *to, struct pti_error *error)
{
    sqlite3_stmt *statement = NULL;
    enum pintle_status status = PINTLE_OK;

    if (sqlite3_prepare_v2(db, "VACUUM INTO $1", -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_bind_text(statement, 1, to, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(statement) != SQLITE_DONE)
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s: cannot copy it to %s: %s", from, to, sqlite3_errmsg(db));
    sqlite3_finalize(statement);
    return status;
}

/* SQLite fills an empty file that is there, and does not wait for the disk. */
enum pintle_status pti_database_copy(const char *from, const char *to, struct pti_error *error)
{
    int fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    sqlite3 *db = NULL;
    enum pintle_status status = PINTLE_OK;

    if (fd < 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be made: %s", to, strerror(errno));
    status = open_to_read(from, false, &db, error); /* a server may be started meanwhile */
    if (status == PINTLE_OK)
        status = copy(db, from, to, error);
    sqlite3_close(db);
    if (status == PINTLE_OK && fsync(fd) != 0)
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be written: %s", to, strerror(errno));
    close(fd);
    if (status != PINTLE_OK)
        unlink(to);
    return status;
}
