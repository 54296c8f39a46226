/* SPDX-License-Identifier: Apache-2.0 */
/* A database of every earlier schema is brought up to date and keeps what it holds; how far a restore jumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "scratch.h"
#include "server/backup.h"
#include "server/database_schema.h"
#include "server/limits.h"
#include "server/storage.h"

static struct scratch *scratch;
static char path[96];

static int make_directory(void **state)
{
    (void)state;
    scratch = scratch_new();
    snprintf(path, sizeof path, "%s/" PTI_DATABASE_NAME, scratch->directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    scratch_free(scratch);
    return 0;
}

static void execute(sqlite3 *db, const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
}

/* One row in each table, of whatever columns it has: texts "1", numbers 1, bytes 01. */
static int fill_table(void *ctx, int count, char **columns, char **names)
{
    char sql[2048];
    sqlite3_stmt *statement = NULL;
    size_t length = (size_t)snprintf(sql, sizeof sql, "INSERT INTO \"%s\" VALUES (", columns[0]);

    (void)count, (void)names;
    assert_int_equal(sqlite3_prepare_v2(ctx, "SELECT type FROM pragma_table_info($1)", -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(statement, 1, columns[0], -1, SQLITE_STATIC);
    for (const char *comma = ""; sqlite3_step(statement) == SQLITE_ROW; comma = ", ") {
        const char *type = (const char *)sqlite3_column_text(statement, 0);
        const char *value = strcmp(type, "TEXT") == 0 ? "'1'" : strcmp(type, "BLOB") == 0 ? "x'01'" : "1";

        length += (size_t)snprintf(sql + length, sizeof sql - length, "%s%s", comma, value);
    }
    sqlite3_finalize(statement);
    snprintf(sql + length, sizeof sql - length, ")");
    execute(ctx, sql);
    return 0;
}

static int count_rows(void *ctx, int count, char **columns, char **names)
{
    char sql[256];
    sqlite3_stmt *statement = NULL;

    (void)count, (void)names;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", columns[0]);
    assert_int_equal(sqlite3_prepare_v2(ctx, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    if (sqlite3_column_int(statement, 0) != 1)
        fail_msg("%s: expected its row, found %d", columns[0], sqlite3_column_int(statement, 0));
    sqlite3_finalize(statement);
    return 0;
}

static const char
    tables_of[] = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN (SELECT name FROM old)";

/* As a pintled with the first steps alone left it: in WAL mode, stamped, every table with a row. */
static void make_old_database(int64_t steps)
{
    int64_t newest = 0;
    const char *const *step = pti_sqlite_steps(&newest);
    sqlite3 *db = NULL;
    char stamp[96];

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    execute(db, "PRAGMA journal_mode=WAL");
    for (int64_t i = 0; i < steps; i++)
        execute(db, step[i]);
    assert_int_equal(sqlite3_exec(db, "SELECT name FROM sqlite_schema WHERE type = 'table'", fill_table, db, NULL),
                     SQLITE_OK);
    execute(db, "UPDATE version SET role = 'timestamp 1', version = 41");
    execute(db, "UPDATE report SET id = '0123456789abcdef', host = 'api.example.test'");
    snprintf(stamp, sizeof stamp, "PRAGMA application_id=%d; PRAGMA user_version=%lld", 0x504e544c, (long long)steps);
    execute(db, stamp);
    sqlite3_close(db);
}

/* Into the table old: the tables that the first steps make. */
static void note_old_tables(sqlite3 *db, int64_t steps)
{
    int64_t newest = 0;
    const char *const *step = pti_sqlite_steps(&newest);
    sqlite3 *old = NULL;
    sqlite3_stmt *names = NULL;
    char sql[256];

    execute(db, "CREATE TEMP TABLE old (name TEXT)");
    assert_int_equal(sqlite3_open(":memory:", &old), SQLITE_OK);
    for (int64_t i = 0; i < steps; i++)
        execute(old, step[i]);
    assert_int_equal(sqlite3_prepare_v2(old, "SELECT name FROM sqlite_schema WHERE type = 'table'", -1, &names, NULL),
                     SQLITE_OK);
    while (sqlite3_step(names) == SQLITE_ROW) {
        snprintf(sql, sizeof sql, "INSERT INTO old VALUES ('%s')", (const char *)sqlite3_column_text(names, 0));
        execute(db, sql);
    }
    sqlite3_finalize(names);
    sqlite3_close(old);
}

static void check_rows(int64_t steps)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    note_old_tables(db, steps);
    assert_int_equal(sqlite3_exec(db, tables_of, count_rows, db, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void every_earlier_database_keeps_its_data(void **state)
{
    int64_t newest = 0;

    (void)state;
    pti_sqlite_steps(&newest);
    for (int64_t steps = 1; steps <= newest; steps++) {
        struct pti_database_facts facts;
        struct pti_database *database = NULL;
        struct pti_error error;
        int64_t version = 0;

        unlink(path);
        make_old_database(steps);
        assert_int_equal(pti_database_look(path, true, &facts, &error), PINTLE_OK);
        assert_true(facts.present && facts.schema == steps);
        if (pti_database_open_sqlite(scratch->directory, &database, &error) != PINTLE_OK)
            fail_msg("step %d: %s", (int)steps, error.detail);
        assert_int_equal(pti_storage_allocate_version(database, "timestamp 1", 5, &version, &error), PINTLE_OK);
        assert_int_equal(version, 42);
        pti_database_close(database);
        assert_int_equal(pti_database_look(path, true, &facts, &error), PINTLE_OK);
        assert_int_equal(facts.schema, newest);
        check_rows(steps);
    }
}

static void a_restore_jumps_beyond_what_can_have_been_signed(void **state)
{
    static const struct {
        int64_t made, now, jump;
    } cases[] = {
        {1000000, 1000000, 1000},
        {1000000, 1000060, 1060},
        {1000000, 999000, 1000}, /* a clock that was set back */
        {1000000, 1000000 + 899000, 900000},
        {1000000, 1000000 + 899001, 900000},
        {1, INT64_MAX, 900000},
        {0, 1000000, 900000}, /* not known */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(pti_backup_jump(cases[i].made, cases[i].now), cases[i].jump);
    assert_true(900000 < PTI_SIGNER_VERSION_STEP_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_earlier_database_keeps_its_data, make_directory, remove_directory),
        cmocka_unit_test(a_restore_jumps_beyond_what_can_have_been_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
