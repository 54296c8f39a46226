/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction of the intake leaves behind: each report counted once, in its cell, whatever happens around it. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"
#include "server/cells.h"
#include "server/intake_store.h"
#include "server/storage.h"

#define NOW INT64_C(1800000000)
#define MINUTE (NOW - NOW % 60)
#define ITEMS_MAX 64

/* A node: its own connection to the one database. */
struct node {
    struct scratch *scratch;
    struct pti_database *database;
    struct pti_intake_store *store;
};

static struct node node_open(struct scratch *scratch)
{
    struct node node = {.scratch = scratch};

    scratch_ok(scratch, pti_database_open_sqlite(scratch->directory, &node.database, &scratch->error));
    scratch_ok(scratch, pti_intake_store_new(node.database, scratch->crypto, 1000, 3, &node.store, &scratch->error));
    return node;
}

static void node_close(struct node *node)
{
    pti_intake_store_free(node->store);
    pti_database_close(node->database);
}

static struct pti_report make_report(int number, const char *host)
{
    struct pti_report report = {.weight = 10, .successes = 2, .hll_register = number % 4096, .hll_rank = 1};

    snprintf(report.id, sizeof report.id, "report-%09d", number);
    snprintf(report.host, sizeof report.host, "%s", host);
    snprintf(report.reason, sizeof report.reason, "mismatch");
    snprintf(report.type, sizeof report.type, "t");
    snprintf(report.app_id, sizeof report.app_id, "com.example.app");
    pti_buf_init(&report.document, 100);
    pti_buf_printf(&report.document, "{\"n\":%d}", number);
    return report;
}

/* Reports first to first + count - 1, each from a network of its own; returns how many of them were new. */
static enum pintle_status put(struct node *node, const char *repository, const char *host, int first, int count,
                              int64_t now, int *fresh)
{
    struct pti_report reports[ITEMS_MAX];
    struct pti_intake_item items[ITEMS_MAX];
    int64_t trimmed = 0;
    enum pintle_status status;

    assert_true(count <= ITEMS_MAX);
    for (int i = 0; i < count; i++) {
        reports[i] = make_report(first + i, host);
        assert_int_equal(pti_intake_item_init(&items[i], node->scratch->crypto, &reports[i], repository,
                                              UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(first + i + 1)),
                         PINTLE_OK);
    }
    status = pti_intake_store_put(node->store, items, (size_t)count, now, &trimmed, &node->scratch->error);
    *fresh = 0;
    for (int i = 0; i < count; i++) {
        *fresh += items[i].stored == PTI_STORED_NEW;
        pti_report_clear(&reports[i]);
    }
    return status;
}

static int must_put(struct node *node, const char *host, int first, int count, int64_t now)
{
    int fresh = 0;

    scratch_ok(node->scratch, put(node, "", host, first, count, now, &fresh));
    return fresh;
}

static bool write_cell(void *ctx, const struct pti_cell_row *row)
{
    pti_buf_printf(ctx,
                   "%" PRId64 "+%" PRId64 " %.*s %.*s: %" PRId64 " x%" PRId64 " ok %" PRId64 " dev %" PRId64
                   " net %" PRId64 "\n",
                   row->start - MINUTE, row->span, (int)row->repository.size, (const char *)row->repository.data,
                   (int)row->host.size, (const char *)row->host.data, row->reports, row->weight, row->successes,
                   row->devices, row->networks);
    return true;
}

static void assert_cells(struct node *node, const char *repository, const char *host, const char *want)
{
    struct pti_buf text;
    struct pti_cell_query query = {.repository = repository,
                                   .host = host,
                                   .since = 0,
                                   .until = INT64_MAX,
                                   .limit = 100,
                                   .row = write_cell,
                                   .ctx = &text};

    pti_buf_init(&text, 1 << 16);
    scratch_ok(node->scratch, pti_cells_list(node->database, &query, &node->scratch->error));
    assert_string_equal(pti_buf_cstr(&text), want);
    pti_buf_clear(&text);
}

/* The list of all begins like this. */
static void assert_cells_begin(struct node *node, const char *want)
{
    struct pti_buf text;
    struct pti_cell_query query = {.until = INT64_MAX, .limit = 100, .row = write_cell, .ctx = &text};

    pti_buf_init(&text, 1 << 16);
    scratch_ok(node->scratch, pti_cells_list(node->database, &query, &node->scratch->error));
    if (strncmp(pti_buf_cstr(&text), want, strlen(want)) != 0)
        fail_msg("wanted %s\nfound %s", want, pti_buf_cstr(&text));
    pti_buf_clear(&text);
}

static bool count_row(void *ctx, const struct pti_report_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return true;
}

static int whole_reports(struct node *node)
{
    int count = 0;
    struct pti_report_query query = {"", "", INT64_MAX, 1000, count_row, &count};

    scratch_ok(node->scratch, pti_storage_list_reports(node->database, &query, &node->scratch->error));
    return count;
}

static void reports_are_counted_in_the_minute_they_came(void **state)
{
    struct node node = node_open(*state);

    assert_int_equal(must_put(&node, "a.example", 0, 20, MINUTE), 20);
    assert_int_equal(must_put(&node, "a.example", 20, 10, MINUTE + 59), 10);
    assert_int_equal(must_put(&node, "a.example", 30, 5, MINUTE + 60), 5);
    assert_int_equal(must_put(&node, "a.example", 35, 5, MINUTE - 1), 5); /* the clock was set back */
    assert_cells(&node, NULL, "a.example",
                 "-60+60  a.example: 5 x50 ok 10 dev 5 net 5\n0+60  a.example: 30 x300 ok 60 dev 30 net 30\n"
                 "60+60  a.example: 5 x50 ok 10 dev 5 net 5\n");
    node_close(&node);
}

static void what_is_sent_again_is_not_counted_again(void **state)
{
    struct node node = node_open(*state);

    assert_int_equal(must_put(&node, "a.example", 0, 10, NOW), 10);
    assert_int_equal(must_put(&node, "a.example", 0, 10, NOW), 0);
    assert_int_equal(must_put(&node, "a.example", 5, 10, NOW), 5);
    assert_int_equal(must_put(&node, "b.example", 14, 1, NOW), 0); /* the id is what counts */
    node_close(&node);
    node = node_open(*state); /* another process, a day later */
    assert_int_equal(must_put(&node, "a.example", 0, 15, NOW + 86400), 0);
    assert_cells(&node, "", NULL, "0+60  a.example: 15 x150 ok 30 dev 15 net 15\n");
    node_close(&node);
}

static void one_id_in_two_repositories_is_two_reports(void **state)
{
    struct node node = node_open(*state);
    int fresh = 0;

    assert_int_equal(must_put(&node, "a.example", 0, 4, NOW), 4);
    scratch_ok(*state, put(&node, "shop", "a.example", 0, 4, NOW, &fresh));
    assert_int_equal(fresh, 4);
    assert_cells(&node, "shop", NULL, "0+60 shop a.example: 4 x40 ok 8 dev 4 net 4\n");
    node_close(&node);
}

static void twice_in_one_transaction_counts_once(void **state)
{
    struct node node = node_open(*state);
    struct pti_report reports[2] = {make_report(1, "a.example"), make_report(1, "a.example")};
    struct pti_intake_item items[2];
    int64_t trimmed = 0;

    for (int i = 0; i < 2; i++)
        assert_int_equal(pti_intake_item_init(&items[i], node.scratch->crypto, &reports[i], "", 7), PINTLE_OK);
    scratch_ok(*state, pti_intake_store_put(node.store, items, 2, NOW, &trimmed, &node.scratch->error));
    assert_int_equal(items[0].stored, PTI_STORED_NEW);
    assert_int_equal(items[1].stored, PTI_STORED_BEFORE);
    assert_cells(&node, NULL, NULL, "0+60  a.example: 1 x10 ok 2 dev 1 net 1\n");
    for (int i = 0; i < 2; i++)
        pti_report_clear(&reports[i]);
    node_close(&node);
}

static void nodes_know_what_the_others_took(void **state)
{
    struct node one = node_open(*state), two = node_open(*state);

    assert_int_equal(must_put(&one, "a.example", 0, 10, NOW), 10);
    assert_int_equal(must_put(&two, "a.example", 5, 10, NOW), 5);
    assert_int_equal(must_put(&one, "a.example", 0, 20, NOW), 5);
    assert_cells(&two, NULL, NULL, "0+60  a.example: 20 x200 ok 40 dev 20 net 20\n");
    node_close(&one);
    node_close(&two);
}

static void a_killed_server_lost_nothing_and_counts_nothing_twice(void **state)
{
    struct scratch *scratch = *state;
    struct node node;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        node = node_open(scratch);
        must_put(&node, "a.example", 0, 10, NOW);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    node = node_open(scratch);
    assert_int_equal(must_put(&node, "a.example", 0, 12, NOW), 2);
    assert_cells(&node, NULL, NULL, "0+60  a.example: 12 x120 ok 24 dev 12 net 12\n");
    node_close(&node);
}

/* ---- a database whose commit fails ---- */

static const struct pti_db_ops *real;
static struct pti_db_ops broken;
static enum { COMMITS, FAILS, COMMITS_AND_FAILS, ASKS_AGAIN } fault;

static enum pti_db_result broken_commit(void *connection, struct pti_error *error)
{
    enum pti_db_result result = PTI_DB_OK;

    if (fault == COMMITS)
        return real->commit(connection, error);
    (void)pti_fail(error, PINTLE_ERR_STORAGE, "told to fail");
    if (fault == COMMITS_AND_FAILS)
        result = real->commit(connection, error);
    else
        real->rollback(connection);
    result = result == PTI_DB_OK && fault == ASKS_AGAIN ? PTI_DB_RETRY : PTI_DB_BROKEN;
    fault = fault == ASKS_AGAIN ? COMMITS : fault;
    return result;
}

static void break_database(struct node *node)
{
    real = node->database->ops;
    broken = *real;
    broken.commit = broken_commit;
    node->database->ops = &broken;
}

static void a_commit_that_failed_counts_nothing(void **state)
{
    struct node node = node_open(*state);
    int fresh = 0;

    break_database(&node);
    fault = FAILS;
    assert_int_equal(put(&node, "", "a.example", 0, 10, NOW, &fresh), PINTLE_ERR_STORAGE);
    fault = ASKS_AGAIN;
    assert_int_equal(must_put(&node, "a.example", 0, 10, NOW), 10);
    assert_cells(&node, NULL, NULL, "0+60  a.example: 10 x100 ok 20 dev 10 net 10\n");
    node_close(&node);
}

/* The answer of the commit got lost: nobody was told, all come again, and are known. */
static void a_commit_that_only_seemed_to_fail_counts_once(void **state)
{
    struct node node = node_open(*state);
    int fresh = 0;

    break_database(&node);
    fault = COMMITS_AND_FAILS;
    assert_int_equal(put(&node, "", "a.example", 0, 10, NOW, &fresh), PINTLE_ERR_STORAGE);
    fault = COMMITS;
    assert_int_equal(must_put(&node, "a.example", 0, 12, NOW), 2);
    assert_cells(&node, NULL, NULL, "0+60  a.example: 12 x120 ok 24 dev 12 net 12\n");
    node_close(&node);
}

/* ---- ageing ---- */

static void old_cells_belong_to_longer_spans(void **state)
{
    enum { M = 60, H = 3600, D = 86400 };
    static const struct {
        const char *name;
        int64_t span, start, now, to_span, to_start;
    } cases[] = {
        {"a minute", M, 10 * D + M, 10 * D + 2 * M, M, 10 * D + M},
        {"a minute before its end", M, 10 * D + M, 12 * D + 2 * M - 1, M, 10 * D + M},
        {"a minute of 48 hours", M, 10 * D + M, 12 * D + 2 * M, H, 10 * D},
        {"the last minute of an hour", M, 10 * D + 59 * M, 12 * D + H, H, 10 * D},
        {"the first minute of the next", M, 10 * D + H, 12 * D + H + M, H, 10 * D + H},
        {"a clock set back", M, 10 * D, 0, M, 10 * D},
        {"an hour", H, 10 * D + 23 * H, 100 * D + 24 * H - 1, H, 10 * D + 23 * H},
        {"an hour of 90 days", H, 10 * D + 23 * H, 100 * D + 24 * H, D, 10 * D},
        {"a day", D, 10 * D, 741 * D - 1, D, 10 * D},
        {"a day of two years", D, 10 * D, 741 * D, 0, 0},
        {"another span", 7, 0, 100000 * (int64_t)D, 7, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t span = -1, start = -1;

        pti_cell_place(cases[i].span, cases[i].start, cases[i].now, &span, &start);
        if (span != cases[i].to_span || start != cases[i].to_start)
            fail_msg("%s: %" PRId64 "+%" PRId64, cases[i].name, start, span);
    }
}

/* Each report stays counted once, whatever is moved when; devices and networks of a span are those of its parts. */
static void cells_are_rolled_up(void **state)
{
    const int64_t hour = NOW - NOW % 3600, day = NOW - NOW % 86400;
    struct node node = node_open(*state);
    char want[128];

    for (int minute = 0; minute < 90; minute++) /* the same three devices in each minute, and one of its own */
        must_put(&node, "a.example", 4096 * minute, 3 + (minute == 70), hour + 60 * minute);
    for (int i = 0; i < 2; i++) { /* again: nothing is left to do */
        scratch_ok(*state, pti_intake_store_age(node.store, hour + 49 * 3600, &node.scratch->error));
        snprintf(want, sizeof want, "%" PRId64 "+60  a.example: 3 x30 ok 6 dev 3 net 3\n", hour + 60 * 60 - MINUTE);
        assert_cells_begin(&node, want);
    }
    must_put(&node, "a.example", 4096 * 100, 3, hour + 120); /* late, where all are rolled up already */
    scratch_ok(*state, pti_intake_store_age(node.store, hour + 60 * 3600, &node.scratch->error));
    /* The networks, 183 and 91, are estimates; those of the same hashes are the same. */
    snprintf(want, sizeof want,
             "%" PRId64 "+3600  a.example: 183 x1830 ok 366 dev 3 net 187\n%" PRId64
             "+3600  a.example: 91 x910 ok 182 dev 4 net 92\n",
             hour - MINUTE, hour + 3600 - MINUTE);
    assert_cells_begin(&node, want);
    scratch_ok(*state, pti_intake_store_age(node.store, hour + 100 * 86400, &node.scratch->error));
    snprintf(want, sizeof want, "%" PRId64 "+86400  a.example: 274 ", day - MINUTE);
    assert_cells_begin(&node, want);
    scratch_ok(*state, pti_intake_store_age(node.store, hour + 800 * (int64_t)86400, &node.scratch->error));
    assert_cells(&node, NULL, NULL, "");
    node_close(&node);
}

/* ---- bounds ---- */

static void whole_reports_are_a_sample_of_each_series_and_hour(void **state)
{
    struct node node = node_open(*state);

    must_put(&node, "a.example", 0, 20, NOW); /* three of a series are kept */
    assert_int_equal(whole_reports(&node), 3);
    must_put(&node, "a.example", 20, 20, NOW + 60);
    assert_int_equal(whole_reports(&node), 3);
    must_put(&node, "b.example", 40, 2, NOW);
    must_put(&node, "b.example", 42, 2, NOW);
    assert_int_equal(whole_reports(&node), 6);
    must_put(&node, "a.example", 60, 20, NOW + 3600);
    assert_int_equal(whole_reports(&node), 9);
    node_close(&node);
}

static void series_beyond_the_cap_count_as_other(void **state)
{
    struct node node = node_open(*state);
    int fresh = 0;

    for (uint64_t i = 0; i < PTI_SERIES_MAX - 1; i++) { /* all but one live */
        struct pti_series_key key = {{0}};

        memcpy(key.bytes, &i, sizeof i);
        assert_non_null(pti_series_note(&node.store->series, &key, NOW));
    }
    assert_int_equal(must_put(&node, "a.example", 0, 5, NOW), 5);
    assert_int_equal(must_put(&node, "b.example", 5, 6, NOW), 6);
    assert_int_equal(must_put(&node, "c.example", 11, 7, NOW), 7);
    assert_int_equal(must_put(&node, "a.example", 18, 1, NOW), 1);
    scratch_ok(*state, put(&node, "shop", "b.example", 0, 4, NOW, &fresh));
    assert_cells(&node, NULL, "a.example", "0+60  a.example: 6 x60 ok 12 dev 6 net 6\n");
    assert_cells(&node, NULL, "b.example", "");
    assert_cells(&node, "", "other", "0+60  other: 13 x130 ok 26 dev 13 net 13\n");
    assert_cells(&node, "shop", "other", "0+60 shop other: 4 x40 ok 8 dev 4 net 4\n");
    assert_int_equal(must_put(&node, "b.example", 30, 1, NOW + PTI_SERIES_IDLE_S + 61), 1); /* there is room again */
    assert_cells(&node, NULL, "b.example", "3660+60  b.example: 1 x10 ok 2 dev 1 net 1\n");
    node_close(&node);
}

static bool count_entry(void *ctx, const struct pti_db_value *columns, size_t count)
{
    (void)count;
    *(int64_t *)ctx = columns[0].integer;
    return true;
}

static int64_t logged(struct node *node)
{
    static const struct pti_db_statement count = {"count the log", "SELECT count(*) FROM taken"};
    int64_t entries = 0;
    const struct pti_db_query query = {&count, NULL, 0, count_entry, &entries};

    scratch_ok(node->scratch, pti_database_read(node->database, &query, &node->scratch->error));
    return entries;
}

static void the_log_of_ids_is_cut(void **state)
{
    struct node node = node_open(*state);

    for (int i = 0; i < 20; i++)
        must_put(&node, "a.example", i, 1, NOW);
    must_put(&node, "a.example", 20, 1, NOW + PTI_SEEN_SPAN_S);
    assert_int_equal(logged(&node), 21);
    node_close(&node);
    node = node_open(*state);
    must_put(&node, "a.example", 21, 1, NOW + 2 * PTI_SEEN_SPAN_S);
    assert_int_equal(logged(&node), 2);
    assert_int_equal(must_put(&node, "a.example", 20, 2, NOW + 2 * PTI_SEEN_SPAN_S), 0);
    node_close(&node);
}

static void nothing_in_a_label_is_sql(void **state)
{
    static const char *const names[] = {"a'); DROP TABLE cell; --", "a\"b", "$1", "?1", "%s%n", "a;b", "''''"};
    struct node node = node_open(*state);

    for (int i = 0; i < (int)(sizeof names / sizeof names[0]); i++) {
        char want[128];

        assert_int_equal(must_put(&node, names[i], i, 1, NOW), 1);
        snprintf(want, sizeof want, "0+60  %s: 1 x10 ok 2 dev 1 net 1\n", names[i]);
        assert_cells(&node, NULL, names[i], want);
    }
    node_close(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(reports_are_counted_in_the_minute_they_came),
        SCRATCH_TEST(what_is_sent_again_is_not_counted_again),
        SCRATCH_TEST(one_id_in_two_repositories_is_two_reports),
        SCRATCH_TEST(twice_in_one_transaction_counts_once),
        SCRATCH_TEST(nodes_know_what_the_others_took),
        SCRATCH_TEST(a_killed_server_lost_nothing_and_counts_nothing_twice),
        SCRATCH_TEST(a_commit_that_failed_counts_nothing),
        SCRATCH_TEST(a_commit_that_only_seemed_to_fail_counts_once),
        cmocka_unit_test(old_cells_belong_to_longer_spans),
        SCRATCH_TEST(cells_are_rolled_up),
        SCRATCH_TEST(whole_reports_are_a_sample_of_each_series_and_hour),
        SCRATCH_TEST(series_beyond_the_cap_count_as_other),
        SCRATCH_TEST(the_log_of_ids_is_cut),
        SCRATCH_TEST(nothing_in_a_label_is_sql),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
