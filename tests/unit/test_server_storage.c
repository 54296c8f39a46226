/* SPDX-License-Identifier: Apache-2.0 */
/* What the server keeps: reports once and newest first, versions never twice, all of it or nothing. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "scratch.h"
#include "server/limits.h"
#include "server/storage.h"

#define MANY 1000000

static struct scratch *scratch; /* one per test */

static int make_scratch(void **state)
{
    (void)state;
    scratch = scratch_new();
    return 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    scratch_free(scratch);
    return 0;
}

static const char *database(void)
{
    return scratch_path(scratch, "pintled.db");
}

static struct pti_database *open_storage(void)
{
    struct pti_database *storage = NULL;
    struct pti_error error;

    if (pti_database_open_sqlite(scratch->directory, &storage, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    return storage;
}

static void open_fails(const char *want)
{
    struct pti_database *storage = NULL;
    struct pti_error error;

    assert_int_equal(pti_database_open_sqlite(scratch->directory, &storage, &error), PINTLE_ERR_STORAGE);
    assert_null(storage);
    if (!strstr(error.detail, want))
        fail_msg("\"%s\" lacks \"%s\"", error.detail, want);
}

static void make_report(struct pti_report *report, const char *id, const char *host)
{
    memset(report, 0, sizeof *report);
    snprintf(report->id, sizeof report->id, "%s", id);
    snprintf(report->host, sizeof report->host, "%s", host);
    snprintf(report->type, sizeof report->type, "tls.cert.pinned_key_not_in_cert_chain");
    snprintf(report->reason, sizeof report->reason, "mismatch");
    pti_buf_init(&report->document, PTI_REPORT_SIZE_MAX);
    pti_buf_printf(&report->document, "{\"id\":\"%s\",\"host\":\"%s\"}", id, host);
}

struct insertion {
    struct pti_report_entry reports[3];
    size_t count;
    int64_t keep;
};

static enum pti_db_result insert_all(struct pti_database *storage, void *ctx, struct pti_error *error)
{
    const struct insertion *insertion = ctx;
    int64_t trimmed = 0;

    return pti_storage_insert_reports(storage, insertion->reports, insertion->count, 1800000000, insertion->keep,
                                      &trimmed, error);
}

static enum pintle_status insert(struct pti_database *storage, const char *id, const char *host, int64_t keep,
                                 struct pti_error *error)
{
    struct pti_report report;
    struct insertion insertion = {{{&report, ""}}, 1, keep};
    enum pintle_status status = PINTLE_OK;

    make_report(&report, id, host);
    status = pti_database_transaction(storage, "report", insert_all, &insertion, error);
    pti_report_clear(&report);
    return status;
}

static void must_insert(struct pti_database *storage, const char *id, const char *host)
{
    struct pti_error error;

    if (insert(storage, id, host, MANY, &error) != PINTLE_OK)
        fail_msg("%s: %s", id, error.detail);
}

static bool collect(void *ctx, const struct pti_report_row *row)
{
    struct pti_buf *out = ctx;

    pti_buf_append(out, row->document.data, row->document.size);
    return true;
}

static void assert_listed(struct pti_database *storage, const char *host, int64_t limit, const char *want)
{
    struct pti_buf found;
    struct pti_report_query query = {
        .host = host ? host : "", .reason = "", .before = INT64_MAX, .limit = limit, .row = collect, .ctx = &found};
    struct pti_error error;

    pti_buf_init(&found, 1 << 20);
    if (pti_storage_list_reports(storage, &query, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    assert_string_equal(pti_buf_cstr(&found), want);
    pti_buf_clear(&found);
}

static int64_t allocate(struct pti_database *storage, const char *role, int64_t published)
{
    struct pti_error error;
    int64_t version = 0;

    if (pti_storage_allocate_version(storage, role, published, &version, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    return version;
}

#define A "{\"id\":\"a\",\"host\":\"a.example\"}"
#define B "{\"id\":\"b\",\"host\":\"b.example\"}"
#define C "{\"id\":\"c\",\"host\":\"a.example\"}"

static void lists_newest_first(void **state)
{
    struct pti_database *storage = open_storage();

    (void)state;
    assert_listed(storage, NULL, 10, "");
    must_insert(storage, "a", "a.example");
    must_insert(storage, "b", "b.example");
    must_insert(storage, "c", "a.example");
    assert_listed(storage, NULL, 10, C B A);
    assert_listed(storage, NULL, 2, C B);
    assert_listed(storage, "a.example", 10, C A);
    assert_listed(storage, "a.example", 1, C);
    assert_listed(storage, "c.example", 10, "");
    pti_database_close(storage);
}

static void stores_one_id_once(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_report reports[3];
    struct insertion batch = {{{&reports[0], ""}, {&reports[1], ""}, {&reports[2], ""}}, 3, MANY};
    struct pti_error error;

    (void)state;
    must_insert(storage, "a", "a.example");
    must_insert(storage, "a", "other.example"); /* the first one stays as it was */
    make_report(&reports[0], "b", "b.example");
    make_report(&reports[1], "b", "b.example");
    make_report(&reports[2], "a", "a.example");
    assert_int_equal(pti_database_transaction(storage, "report", insert_all, &batch, &error), PINTLE_OK);
    assert_listed(storage, NULL, 10, B A);
    for (size_t i = 0; i < 3; i++)
        pti_report_clear(&reports[i]);
    pti_database_close(storage);
}

static void keeps_the_newest(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_error error;

    (void)state;
    must_insert(storage, "a", "a.example");
    for (int i = 0; i < 5; i++) /* retries make no gaps that would push others out */
        must_insert(storage, "a", "a.example");
    must_insert(storage, "b", "b.example");
    assert_int_equal(insert(storage, "c", "a.example", 2, &error), PINTLE_OK);
    assert_listed(storage, NULL, 10, C B);
    assert_int_equal(insert(storage, "c", "a.example", 2, &error), PINTLE_OK);
    assert_listed(storage, NULL, 10, C B);
    pti_database_close(storage);
}

static void survives_the_process(void **state)
{
    struct pti_database *storage = NULL;
    int status = 0;
    pid_t child = 0;

    (void)state;
    pti_database_close(open_storage());
    child = fork();
    if (child == 0) {
        struct pti_error error;

        if (pti_database_open_sqlite(scratch->directory, &storage, &error) == PINTLE_OK &&
            insert(storage, "a", "a.example", MANY, &error) == PINTLE_OK)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    storage = open_storage();
    assert_listed(storage, NULL, 10, A);
    pti_database_close(storage);
}

static void allocates_above_what_was_allocated_and_published(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_error error;
    int64_t version = -1;

    (void)state;
    assert_int_equal(pti_storage_allocated_version(storage, "timestamp", &version, &error), PINTLE_OK);
    assert_int_equal(version, 0);
    assert_int_equal(allocate(storage, "timestamp", 1), 2);
    assert_int_equal(allocate(storage, "timestamp", 1), 3);   /* the first was never published: still not given again */
    assert_int_equal(allocate(storage, "timestamp", 41), 42); /* another publisher, or a restored database */
    assert_int_equal(allocate(storage, "timestamp", 7), 43);  /* a restored repository */
    assert_int_equal(allocate(storage, "snapshot", 7), 8);    /* roles do not share numbers */
    pti_database_close(storage);
    storage = open_storage();
    assert_int_equal(allocate(storage, "timestamp", 7), 44);
    assert_int_equal(pti_storage_allocated_version(storage, "timestamp", &version, &error), PINTLE_OK);
    assert_int_equal(version, 44);
    assert_int_equal(pti_storage_allocate_version(storage, "timestamp", PTI_JSON_INTEGER_MAX, &version, &error),
                     PINTLE_ERR_STORAGE);
    assert_int_equal(allocate(storage, "timestamp", 7), 45); /* a refusal leaves nothing behind */
    pti_database_close(storage);
}

#define ALLOCATIONS 50

static void *allocate_many(void *ctx)
{
    int64_t *versions = ctx;
    struct pti_database *storage = NULL;
    struct pti_error error;

    if (pti_database_open_sqlite(scratch->directory, &storage, &error) != PINTLE_OK)
        return NULL;
    for (int i = 0; i < ALLOCATIONS; i++)
        if (pti_storage_allocate_version(storage, "timestamp", 1, &versions[i], &error) != PINTLE_OK)
            break;
    pti_database_close(storage);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static void two_nodes_never_get_one_version(void **state)
{
    int64_t versions[2 * ALLOCATIONS] = {0};
    pthread_t threads[2];

    (void)state;
    pti_database_close(open_storage());
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, allocate_many, &versions[i * ALLOCATIONS]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    qsort(versions, 2 * ALLOCATIONS, sizeof versions[0], by_value);
    for (int i = 0; i < 2 * ALLOCATIONS; i++)
        assert_int_equal(versions[i], i + 2);
}

static void is_private(void **state)
{
    struct stat status;
    char path[160];

    (void)state;
    umask(0);
    pti_database_close(open_storage());
    assert_int_equal(stat(database(), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    {
        struct pti_database *storage = open_storage();

        must_insert(storage, "a", "a.example");
        snprintf(path, sizeof path, "%s-wal", database());
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
        pti_database_close(storage);
    }
}

static void execute(const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(database(), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void refuses_a_newer_schema(void **state)
{
    (void)state;
    pti_database_close(open_storage());
    execute("PRAGMA user_version=1000");
    open_fails("has schema version 1000, this pintled knows up to ");
    open_fails("; run the newer pintled that made it");
}

static void refuses_another_programs_database(void **state)
{
    (void)state;
    execute("CREATE TABLE bookmarks (url TEXT)");
    open_fails("is a database of another program");
    execute("DROP TABLE bookmarks; PRAGMA application_id=7");
    open_fails("is a database of another program");
}

static void refuses_what_is_no_database(void **state)
{
    FILE *file = fopen(database(), "w");

    (void)state;
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", file);
    fclose(file);
    open_fails("restore it from a backup");
}

static void refuses_a_link(void **state)
{
    char target[128];

    (void)state;
    snprintf(target, sizeof target, "%s/elsewhere", scratch->directory);
    assert_int_equal(symlink(target, database()), 0);
    open_fails("cannot be opened");
    assert_int_not_equal(access(target, F_OK), 0);
}

/* No file may grow past 512 KiB: what a full disk looks like to SQLite. */
static bool set_disk_full(bool full)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = full ? 512 * 1024 : limit.rlim_max;
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

static void a_full_disk_loses_nothing_and_heals(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_error error;
    enum pintle_status status = PINTLE_OK;
    char id[32], want[64];
    int inserted = 0;

    (void)state;
    assert_true(set_disk_full(true));
    while (status == PINTLE_OK && inserted < 10000) {
        snprintf(id, sizeof id, "%d", inserted);
        status = insert(storage, id, "a.example", MANY, &error);
        inserted += status == PINTLE_OK;
    }
    assert_true(set_disk_full(false));
    assert_int_equal(status, PINTLE_ERR_STORAGE);
    snprintf(want, sizeof want, "{\"id\":\"%d\",\"host\":\"a.example\"}", inserted - 1);
    assert_listed(storage, NULL, 1, want);
    snprintf(id, sizeof id, "%d", inserted);
    must_insert(storage, id, "a.example");
    assert_int_equal(allocate(storage, "timestamp", 1), 2);
    pti_database_close(storage);
}

/* What goes into a file without a name is gone with the process: it must not be said to be stored. */
static void a_removed_database_stores_nothing(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_error error;
    int64_t version;

    (void)state;
    must_insert(storage, "a", "a.example");
    assert_int_equal(unlink(database()), 0);
    assert_int_equal(insert(storage, "b", "a.example", MANY, &error), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(error.detail, "pintled.db was removed or replaced"));
    assert_int_equal(pti_storage_allocate_version(storage, "timestamp", 1, &version, &error), PINTLE_ERR_STORAGE);
    pti_database_close(storage);
}

/* Another program opens the database, counts the reports, and leaves. */
static int count_reports(void)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    int count = 100;

    if (sqlite3_open(database(), &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT count(*) FROM report", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return count;
}

/* The visitor must not take itself for the last one, whose part it is to remove the log. */
static void a_visitor_takes_nothing_away(void **state)
{
    struct pti_database *storage, *second;
    int ask[2], answer[2];
    char log[128], byte = 0;
    pid_t visitor;

    (void)state;
    assert_int_equal(pipe(ask), 0);
    assert_int_equal(pipe(answer), 0);
    visitor = fork(); /* before SQLite has anything open, which must not be carried over */
    if (visitor == 0) {
        close(ask[1]);
        while (read(ask[0], &byte, 1) == 1) {
            byte = (char)count_reports();
            if (write(answer[1], &byte, 1) != 1)
                break;
        }
        _exit(0);
    }
    storage = open_storage();
    second = open_storage();
    snprintf(log, sizeof log, "%s-wal", database());
    must_insert(storage, "a", "a.example");
    for (int visit = 1; visit <= 2; visit++) {
        assert_int_equal(write(ask[1], &byte, 1), 1);
        assert_int_equal(read(answer[0], &byte, 1), 1);
        assert_int_equal(byte, visit);
        assert_int_equal(access(log, F_OK), 0);
        must_insert(second, visit == 1 ? "b" : "c", "b.example");
    }
    close(ask[0]);
    close(ask[1]);
    close(answer[0]);
    close(answer[1]);
    assert_int_equal(waitpid(visitor, NULL, 0), visitor);
    pti_database_close(second);
    pti_database_close(storage);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_scratch, remove_scratch)
    const struct CMUnitTest tests[] = {
        TEST(lists_newest_first),
        TEST(stores_one_id_once),
        TEST(keeps_the_newest),
        TEST(survives_the_process),
        TEST(allocates_above_what_was_allocated_and_published),
        TEST(two_nodes_never_get_one_version),
        TEST(is_private),
        TEST(refuses_a_newer_schema),
        TEST(refuses_another_programs_database),
        TEST(refuses_what_is_no_database),
        TEST(refuses_a_link),
        TEST(a_full_disk_loses_nothing_and_heals),
        TEST(a_visitor_takes_nothing_away),
        TEST(a_removed_database_stores_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
