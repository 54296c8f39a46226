/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every database behind server/database.h owes its users, asked of SQLite; and what is decided above all of them, asked
 * over one that fails as it is told.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "scratch.h"
#include "server/database.h"
#include "server/limits.h"

/* ---- a table of each kind of column ---- */

static const struct pti_db_column columns[] = {{"host", PTI_DB_KEY},   {"minute", PTI_DB_KEY},
                                               {"first", PTI_DB_KEEP}, {"last", PTI_DB_REPLACE},
                                               {"total", PTI_DB_ADD},  {"rank", PTI_DB_LARGEST}};
static const struct pti_db_table cells = {"probe_cell", "merge cells", columns, PTI_COUNT(columns)};
static const struct pti_db_column seen_columns[] = {{"id", PTI_DB_KEY}};
static const struct pti_db_table seen = {"seen", "remember an id", seen_columns, PTI_COUNT(seen_columns)};

static const struct pti_db_statement make_cells = {
    "make cells", "CREATE TABLE probe_cell (host TEXT NOT NULL, minute INTEGER NOT NULL, first INTEGER, last INTEGER,"
                  " total INTEGER, rank INTEGER CHECK (rank < 1000), PRIMARY KEY (host, minute))"};
static const struct pti_db_statement make_seen = {"make seen", "CREATE TABLE seen (id TEXT PRIMARY KEY)"};
static const struct pti_db_statement list_cells = {
    "list cells", "SELECT host, minute, first, last, total, rank FROM probe_cell ORDER BY host, minute"};
static const struct pti_db_statement count_seen = {"count", "SELECT count(*) FROM seen"};
static const struct pti_db_statement every_kind = {"say it again", "SELECT $1, $2, $3, $4"};
static const struct pti_db_statement nonsense = {"talk sense", "SELEKT 1"};

struct job {
    const struct pti_db_statement *statement;
    const struct pti_db_table *table;
    const struct pti_db_value *rows;
    size_t count;
    enum pti_db_result result; /* that the work ends with, if nothing fails before */
    int runs;
    enum pti_db_result found;
};

static enum pti_db_result work(struct pti_database *database, void *ctx, struct pti_error *error)
{
    struct job *job = ctx;
    enum pti_db_result result = PTI_DB_OK;

    job->runs++;
    if (job->statement != NULL) {
        const struct pti_db_query query = {job->statement, NULL, 0, NULL, NULL};
        result = pti_database_run(database, &query, NULL, error);
    }
    if (result == PTI_DB_OK && job->table != NULL)
        result = pti_database_upsert(database, job->table, job->rows, job->count, error);
    job->found = result;
    if (result == PTI_DB_OK && job->result != PTI_DB_OK) {
        (void)pti_fail(error, PINTLE_ERR_STORAGE, "told to end as %s", pti_db_result_name(job->result));
        return job->result;
    }
    return result;
}

static struct pti_database *open_database(struct scratch *scratch)
{
    struct pti_database *database;
    struct job cell = {.statement = &make_cells}, id = {.statement = &make_seen};

    scratch_ok(scratch, pti_database_open_sqlite(scratch->directory, &database, &scratch->error));
    scratch_ok(scratch, pti_database_transaction(database, "t", work, &cell, &scratch->error));
    scratch_ok(scratch, pti_database_transaction(database, "t", work, &id, &scratch->error));
    return database;
}

static bool write_row(void *ctx, const struct pti_db_value *values, size_t count)
{
    struct pti_buf *text = ctx;

    for (size_t i = 0; i < count; i++) {
        switch (values[i].kind) {
        case PTI_DB_NULL:
            pti_buf_text(text, "- ");
            break;
        case PTI_DB_INTEGER:
            pti_buf_printf(text, "%" PRId64 " ", values[i].integer);
            break;
        case PTI_DB_TEXT:
            pti_buf_printf(text, "'%.*s' ", (int)values[i].bytes.size, (const char *)values[i].bytes.data);
            break;
        case PTI_DB_BYTES:
            pti_buf_printf(text, "[%zu] ", values[i].bytes.size);
            break;
        }
    }
    pti_buf_text(text, "\n");
    return true;
}

static void assert_rows(struct scratch *scratch, struct pti_database *database,
                        const struct pti_db_statement *statement, const struct pti_db_value *values, size_t count,
                        const char *want)
{
    struct pti_buf text;
    const struct pti_db_query query = {statement, values, count, write_row, &text};

    pti_buf_init(&text, 1 << 16);
    scratch_ok(scratch, pti_database_read(database, &query, &scratch->error));
    assert_string_equal(pti_buf_cstr(&text), want);
    pti_buf_clear(&text);
}

static void set_cell(struct pti_db_value row[PTI_COUNT(columns)], const char *host, int64_t minute, int64_t value)
{
    row[0] = pti_db_text(host);
    row[1] = pti_db_integer(minute);
    for (size_t i = 2; i < PTI_COUNT(columns); i++)
        row[i] = pti_db_integer(value);
}

/* ---- what a database owes ---- */

static void every_kind_of_value_comes_back(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *database = open_database(scratch);
    const struct pti_db_value values[] = {
        {.kind = PTI_DB_NULL},
        pti_db_integer(INT64_MIN),
        pti_db_text("it's; DROP TABLE cell --"),
        {.kind = PTI_DB_BYTES, .bytes = {(const uint8_t *)"\0\xff\n", 3}},
    };

    assert_rows(scratch, database, &every_kind, values, PTI_COUNT(values),
                "- -9223372036854775808 'it's; DROP TABLE cell --' [3] \n");
    pti_database_close(database);
}

static void rows_are_merged_as_their_columns_say(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *database = open_database(scratch);
    struct pti_db_value rows[3][PTI_COUNT(columns)];
    struct job job = {.table = &cells, .rows = rows[0], .count = 3};

    set_cell(rows[0], "a", 1, 10);
    set_cell(rows[1], "a", 2, 20);
    set_cell(rows[2], "b", 1, 30);
    scratch_ok(scratch, pti_database_transaction(database, "t", work, &job, &scratch->error));
    set_cell(rows[0], "a", 2, 7);
    set_cell(rows[1], "b", 1, 31);
    set_cell(rows[2], "b", 2, 1);
    scratch_ok(scratch, pti_database_transaction(database, "t", work, &job, &scratch->error));
    assert_rows(scratch, database, &list_cells, NULL, 0,
                "'a' 1 10 10 10 10 \n"
                "'a' 2 20 7 27 20 \n"
                "'b' 1 30 31 61 31 \n"
                "'b' 2 1 1 1 1 \n");
    pti_database_close(database);
}

static void a_key_alone_is_kept_once(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *database = open_database(scratch);
    const struct pti_db_value ids[] = {pti_db_text("x"), pti_db_text("y")};
    struct job job = {.table = &seen, .rows = ids, .count = PTI_COUNT(ids)};

    for (int i = 0; i < 2; i++)
        scratch_ok(scratch, pti_database_transaction(database, "t", work, &job, &scratch->error));
    assert_rows(scratch, database, &count_seen, NULL, 0, "2 \n");
    pti_database_close(database);
}

static void rows_out_of_order_are_refused_whole(void **state)
{
    static const struct {
        const char *first;
        int64_t first_minute;
        const char *second;
        int64_t second_minute;
    } table[] = {{"b", 1, "a", 1}, {"a", 2, "a", 1}, {"a", 1, "a", 1}, {"ab", 1, "a", 1}};
    struct scratch *scratch = *state;
    struct pti_database *database = open_database(scratch);

    for (size_t i = 0; i < PTI_COUNT(table); i++) {
        struct pti_db_value rows[2][PTI_COUNT(columns)];
        struct job job = {.table = &cells, .rows = rows[0], .count = 2};

        set_cell(rows[0], table[i].first, table[i].first_minute, 1);
        set_cell(rows[1], table[i].second, table[i].second_minute, 1);
        scratch_refused(scratch, pti_database_transaction(database, "t", work, &job, &scratch->error),
                        PINTLE_ERR_STORAGE, "expected rows sorted by key, each key once");
        assert_int_equal(job.found, PTI_DB_CONSTRAINT);
    }
    assert_rows(scratch, database, &list_cells, NULL, 0, "");
    pti_database_close(database);
}

static void a_transaction_is_all_or_nothing(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *database = open_database(scratch);
    struct pti_db_value rows[2][PTI_COUNT(columns)];
    struct job job = {.table = &cells, .rows = rows[0], .count = 2};

    set_cell(rows[0], "a", 1, 1);
    set_cell(rows[1], "a", 2, 1000); /* a rank that the table does not take */
    scratch_refused(scratch, pti_database_transaction(database, "t", work, &job, &scratch->error), PINTLE_ERR_STORAGE,
                    "cannot merge cells");
    assert_int_equal(job.found, PTI_DB_CONSTRAINT);
    job.count = 1;
    job.result = PTI_DB_FULL; /* of the work itself */
    scratch_refused(scratch, pti_database_transaction(database, "t", work, &job, &scratch->error), PINTLE_ERR_STORAGE,
                    "told to end as full");
    assert_rows(scratch, database, &list_cells, NULL, 0, "");
    pti_database_close(database);
}

static void a_statement_that_makes_no_sense_says_which(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *database = open_database(scratch);
    struct job job = {.statement = &nonsense};

    scratch_refused(scratch, pti_database_transaction(database, "t", work, &job, &scratch->error), PINTLE_ERR_STORAGE,
                    "cannot talk sense: near \"SELEKT\"");
    assert_int_equal(job.found, PTI_DB_BROKEN);
    pti_database_close(database);
}

static void a_second_writer_finds_it_busy(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *first = open_database(scratch), *second;
    struct job job = {0};

    scratch_ok(scratch, pti_database_open_sqlite(scratch->directory, &second, &scratch->error));
    assert_int_equal(first->ops->begin(first->connection, &scratch->error), PTI_DB_OK);
    assert_int_equal(second->ops->begin(second->connection, &scratch->error), PTI_DB_BUSY);
    assert_non_null(strstr(scratch->error.detail, "another process holds it"));
    first->ops->rollback(first->connection);
    scratch_ok(scratch, pti_database_transaction(second, "t", work, &job, &scratch->error));
    pti_database_close(second);
    pti_database_close(first);
}

/* ---- what is decided above ---- */

/* Fails where it is told to, so many times, and counts. */
struct faulty {
    enum pti_db_result migrate, begin, lock, commit;
    int times; /* 0: always */
    int begins, commits, rollbacks, closes;
};

static enum pti_db_result end_as(enum pti_db_result result, const struct faulty *faulty, struct pti_error *error)
{
    if (result == PTI_DB_OK || (faulty->times > 0 && faulty->begins > faulty->times))
        return PTI_DB_OK;
    (void)pti_fail(error, PINTLE_ERR_STORAGE, "told to fail");
    return result;
}

static enum pti_db_result faulty_migrate(void *connection, struct pti_error *error)
{
    return end_as(((struct faulty *)connection)->migrate, connection, error);
}

static enum pti_db_result faulty_begin(void *connection, struct pti_error *error)
{
    struct faulty *faulty = connection;

    faulty->begins++;
    return end_as(faulty->begin, faulty, error);
}

static enum pti_db_result faulty_lock(void *connection, const char *name, struct pti_error *error)
{
    assert_string_equal(name, "t");
    return end_as(((struct faulty *)connection)->lock, connection, error);
}

static enum pti_db_result faulty_commit(void *connection, struct pti_error *error)
{
    struct faulty *faulty = connection;

    faulty->commits++;
    return end_as(faulty->commit, faulty, error);
}

static void faulty_rollback(void *connection)
{
    ((struct faulty *)connection)->rollbacks++;
}

static void faulty_close(void *connection)
{
    ((struct faulty *)connection)->closes++;
}

static const struct pti_db_ops faulty_ops = {.name = "faulty",
                                             .migrate = faulty_migrate,
                                             .begin = faulty_begin,
                                             .lock = faulty_lock,
                                             .commit = faulty_commit,
                                             .rollback = faulty_rollback,
                                             .close = faulty_close};

static void only_what_may_be_run_again_is(void **state)
{
    static const struct {
        const char *name;
        struct faulty faulty;
        enum pti_db_result work;
        enum pintle_status want;
        int runs, commits, rollbacks;
        int waits;
    } table[] = {
        {"all is well", {0}, PTI_DB_OK, PINTLE_OK, 1, 1, 0, 0},
        {"begin is busy", {.begin = PTI_DB_BUSY}, PTI_DB_OK, PINTLE_ERR_STORAGE, 0, 0, 0, 0},
        {"begin is busy for a while", {.begin = PTI_DB_BUSY, .times = 3}, PTI_DB_OK, PINTLE_OK, 1, 1, 0, 3},
        {"begin is busy for longer", {.begin = PTI_DB_BUSY, .times = 3}, PTI_DB_OK, PINTLE_ERR_STORAGE, 0, 0, 0, 2},
        {"the lock is gone", {.lock = PTI_DB_GONE}, PTI_DB_OK, PINTLE_ERR_STORAGE, 0, 0, 1, 0},
        {"the work fails", {0}, PTI_DB_FULL, PINTLE_ERR_STORAGE, 1, 0, 1, 0},
        {"the work has no memory", {0}, PTI_DB_MEMORY, PINTLE_ERR_MEMORY, 1, 0, 1, 0},
        {"commit fails", {.commit = PTI_DB_FULL}, PTI_DB_OK, PINTLE_ERR_STORAGE, 1, 1, 0, 0},
        {"commit loses once", {.commit = PTI_DB_RETRY, .times = 1}, PTI_DB_OK, PINTLE_OK, 2, 2, 0, 0},
        {"begin loses once", {.begin = PTI_DB_RETRY, .times = 1}, PTI_DB_OK, PINTLE_OK, 1, 1, 0, 0},
        {"commit always loses",
         {.commit = PTI_DB_RETRY},
         PTI_DB_OK,
         PINTLE_ERR_STORAGE,
         PTI_DB_TRIES,
         PTI_DB_TRIES,
         0,
         0},
        {"the work always loses", {0}, PTI_DB_RETRY, PINTLE_ERR_STORAGE, PTI_DB_TRIES, 0, PTI_DB_TRIES, 0},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(table); i++) {
        struct faulty faulty = table[i].faulty;
        struct job job = {.result = table[i].work};
        struct pti_database *database = NULL;
        struct pti_error error;

        print_message("%s\n", table[i].name);
        assert_int_equal(pti_database_new(&faulty_ops, &faulty, &database, &error), PINTLE_OK);
        database->waits = table[i].waits;
        assert_int_equal(pti_database_transaction(database, "t", work, &job, &error), table[i].want);
        assert_int_equal(job.runs, table[i].runs);
        assert_int_equal(faulty.commits, table[i].commits);
        assert_int_equal(faulty.rollbacks, table[i].rollbacks);
        pti_database_close(database);
        assert_int_equal(faulty.closes, 1);
    }
}

static void a_failed_migration_closes_the_connection(void **state)
{
    struct faulty faulty = {.migrate = PTI_DB_CORRUPT};
    struct pti_database *database = NULL;
    struct pti_error error;

    (void)state;
    assert_int_equal(pti_database_new(&faulty_ops, &faulty, &database, &error), PINTLE_ERR_STORAGE);
    assert_null(database);
    assert_int_equal(faulty.closes, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(every_kind_of_value_comes_back),
        SCRATCH_TEST(rows_are_merged_as_their_columns_say),
        SCRATCH_TEST(a_key_alone_is_kept_once),
        SCRATCH_TEST(rows_out_of_order_are_refused_whole),
        SCRATCH_TEST(a_transaction_is_all_or_nothing),
        SCRATCH_TEST(a_statement_that_makes_no_sense_says_which),
        SCRATCH_TEST(a_second_writer_finds_it_busy),
        cmocka_unit_test(only_what_may_be_run_again_is),
        cmocka_unit_test(a_failed_migration_closes_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
