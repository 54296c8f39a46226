/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of mismatches are summed up host by host, whatever span their cells have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "scratch.h"
#include "server/mismatches.h"

static void put(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void put_series(sqlite3 *db, int number, const char *repository, const char *host, const char *reason)
{
    char *sql = sqlite3_mprintf("INSERT INTO series VALUES (x'%02x', %Q, %Q, %Q, '', '', 1, '', '', '')", number,
                                repository, host, reason);

    put(db, sql);
    sqlite3_free(sql);
}

static void put_cell(sqlite3 *db, int span, int start, int series, int reports)
{
    char *sql = sqlite3_mprintf("INSERT INTO cell VALUES (%d, %d, x'%02x', %d, 1000, 0, 0, 0, x'', x'')", span, start,
                                series, reports);

    put(db, sql);
    sqlite3_free(sql);
}

static struct pti_database *make(struct scratch *scratch)
{
    struct pti_database *database = NULL;
    sqlite3 *db = NULL;

    scratch_ok(scratch, pti_database_open_sqlite(scratch->directory, &database, &scratch->error));
    assert_int_equal(sqlite3_open(scratch_path(scratch, "pintled.db"), &db), SQLITE_OK);
    put_series(db, 1, "", "a.example", "mismatch");
    put_series(db, 2, "", "a.example", "denied");
    put_series(db, 3, "", "a.example", "stale_refused");
    put_series(db, 4, "shop", "a.example", "mismatch");
    put_series(db, 5, "", "b.example", "report_only");
    put_cell(db, 86400, 86400, 1, 500);
    put_cell(db, 3600, 180000, 1, 40);
    put_cell(db, 60, 200000, 1, 3);
    put_cell(db, 60, 200060, 2, 4);
    put_cell(db, 60, 200060, 3, 1000);
    put_cell(db, 60, 200060, 4, 5);
    put_cell(db, 60, 200120, 5, 100);
    sqlite3_close(db);
    return database;
}

static void sums(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *database = make(scratch);
    struct pti_mismatches hosts[8];
    size_t count = 0;

    scratch_ok(scratch, pti_mismatches_count(database, 0, INT64_MAX, hosts, 8, &count, &scratch->error));
    assert_int_equal(count, 3);
    assert_int_equal(pti_mismatches_of(hosts, count, "", "a.example")->reports, 547);
    assert_int_equal(pti_mismatches_of(hosts, count, "", "a.example")->oldest, 86400);
    assert_int_equal(pti_mismatches_of(hosts, count, "shop", "a.example")->reports, 5);
    assert_int_equal(pti_mismatches_of(hosts, count, "", "b.example")->reports, 100);
    assert_null(pti_mismatches_of(hosts, count, "shop", "b.example"));
    scratch_ok(scratch, pti_mismatches_count(database, 180000, 200060, hosts, 8, &count, &scratch->error));
    assert_int_equal(count, 1);
    assert_int_equal(hosts[0].reports, 43);
    assert_int_equal(hosts[0].oldest, 180000);
    scratch_ok(scratch, pti_mismatches_count(database, 200000, INT64_MAX, hosts, 1, &count, &scratch->error));
    assert_int_equal(count, 1); /* those with most */
    assert_string_equal(hosts[0].host, "b.example");
    scratch_ok(scratch, pti_mismatches_count(database, 300000, INT64_MAX, hosts, 8, &count, &scratch->error));
    assert_int_equal(count, 0);
    assert_null(pti_mismatches_of(hosts, count, "", "a.example"));
    pti_database_close(database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {SCRATCH_TEST(sums)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
