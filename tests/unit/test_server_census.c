/* SPDX-License-Identifier: Apache-2.0 */
/* Adoption as the server counts and keeps it: what counts, how often, until when, and nothing twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "scratch.h"
#include "server/adoption.h"
#include "server/census.h"
#include "server/limits.h"
#include "server/releases.h"

#define DAY 20778
#define NOON (DAY * INT64_C(86400) + 43200)

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

static struct pti_database *open_storage(void)
{
    struct pti_database *storage = NULL;
    struct pti_error error;

    if (pti_database_open_sqlite(scratch->directory, &storage, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    return storage;
}

static void put(struct pti_buf *out, struct pintle_bytes text, const char *after)
{
    pti_buf_append(out, text.data, text.size);
    pti_buf_text(out, after);
}

static bool collect(void *ctx, const struct pti_adoption_row *row)
{
    struct pti_buf *out = ctx;

    put(out, row->zone, "=");
    pti_buf_printf(out, "%d ", (int)row->version);
    put(out, row->app, "/");
    put(out, row->app_version, " ");
    put(out, row->os, " ");
    put(out, row->source, " ");
    pti_buf_printf(out, "%d %d %d\n", (int)row->hits, (int)row->days, (int)row->weeks);
    return true;
}

static void assert_kept(struct pti_database *storage, const char *repository, int64_t from, int64_t to,
                        const char *want)
{
    const struct pti_adoption_query query = {repository, from, to};
    struct pti_error error;
    struct pti_buf found;

    pti_buf_init(&found, 1 << 20);
    if (pti_adoption_list(storage, &query, NULL, 1000, collect, &found, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    assert_string_equal(pti_buf_cstr(&found), want);
    pti_buf_clear(&found);
}

static struct pti_metrics metrics;

static unsigned long long counted_as(enum pti_adoption_result result)
{
    return atomic_load(&metrics.adoption[result]);
}

static struct pti_census *start(struct pti_database *storage, int64_t per_source)
{
    const struct pti_census_setup setup = {storage, &metrics, 60, per_source};
    struct pti_census *census = NULL;
    struct pti_error error;

    memset(&metrics, 0, sizeof metrics);
    if (pti_census_new(&setup, &census, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    return census;
}

static void publish(struct pti_census *census, const char *repository, const char *versions)
{
    struct pti_holding held;

    assert_true(pti_holding_parse(pti_bytes_text(versions), &held));
    pti_census_publish(census, repository, &held);
}

static void poll(struct pti_census *census, const char *repository, const char *header, uint64_t network)
{
    pti_census_count_poll(census, repository, pti_bytes_text(header), network, NOON);
}

static void register_release(struct pti_database *storage, const char *app, const char *version)
{
    struct pti_release release;
    struct pti_error error;

    if (pti_release_init(&release, app, version, &error) != PINTLE_OK ||
        pti_releases_add(storage, &release, "test", &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
}

static void counts_polls_by_what_is_known(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_census *census;

    (void)state;
    register_release(storage, "shop app", "1.2");
    census = start(storage, 100);
    poll(census, "", "charter=1,main=1", 1); /* of a repository that has published nothing */
    publish(census, "", "charter=3,main=41");
    publish(census, "b", "charter=1");
    poll(census, "", "charter=3,main=41;app=shop_app/1.2;os=iOS/17;d=1;w=1", 1);
    poll(census, "", "charter=3,main=41;app=shop_app/1.2;os=ios/16", 1);
    poll(census, "", "charter=2,main=40;app=shop_app/1.3;os=beos;d=1", 2);       /* a release nobody registered */
    poll(census, "", "charter=3,main=42,gone=1;app=shop_app/1.2;os=android", 3); /* above, and unknown */
    poll(census, "", "charter=4", 3);
    poll(census, "", "charter=3,main=41;app=shop_app/1.2 ", 3); /* malformed */
    poll(census, "b", "charter=0", 4);
    poll(census, "c", "charter=0", 4);
    pti_census_free(census);
    assert_kept(storage, "", DAY, DAY,
                "=2 other/ other poll 1 1 0\n"
                "=3 shop_app/1.2 android poll 1 0 0\n"
                "=3 shop_app/1.2 ios poll 2 1 1\n"
                "main=40 other/ other poll 1 1 0\n"
                "main=41 shop_app/1.2 ios poll 2 1 1\n");
    assert_kept(storage, "b", DAY, DAY, "=0 other/ other poll 1 0 0\n");
    assert_kept(storage, "c", DAY, DAY, "");
    assert_kept(storage, "", DAY + 1, DAY + 1, "");
    assert_int_equal(counted_as(PTI_ADOPTION_COUNTED), 8);
    assert_int_equal(counted_as(PTI_ADOPTION_UNKNOWN), 5);
    assert_int_equal(counted_as(PTI_ADOPTION_MALFORMED), 1);
    pti_database_close(storage);
}

static void a_network_fills_no_more_than_its_share(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_census *census = start(storage, 5);
    char header[64];

    (void)state;
    publish(census, "", "charter=1000");
    for (int i = 0; i < 100; i++) {
        snprintf(header, sizeof header, "charter=%d", i);
        poll(census, "", header, 7);
    }
    assert_int_equal(counted_as(PTI_ADOPTION_COUNTED), 5);
    assert_int_equal(counted_as(PTI_ADOPTION_CAPPED), 95);
    pti_census_free(census);
    assert_kept(storage, "", DAY, DAY,
                "=0 other/ other poll 1 0 0\n=1 other/ other poll 1 0 0\n=2 other/ other poll 1 0 0\n"
                "=3 other/ other poll 1 0 0\n=4 other/ other poll 1 0 0\n");
    pti_database_close(storage);
}

static void counts_what_reports_tell_of_successes(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_census *census = start(storage, 5);
    struct pti_census_report report = {"", "main", 41, "shop", "1", "ios", 100, 412};

    (void)state;
    publish(census, "", "charter=3,main=41");
    pti_census_count_report(census, &report, NOON);
    report.weight = 1;
    pti_census_count_report(census, &report, NOON);
    report.zone_version = 40; /* forged: bounded */
    report.successes = PTI_JSON_INTEGER_MAX;
    report.weight = 1000000;
    pti_census_count_report(census, &report, NOON);
    report.zone_version = 42;
    pti_census_count_report(census, &report, NOON);
    report.zone = "";
    pti_census_count_report(census, &report, NOON);
    report.zone = "main";
    report.successes = 0;
    pti_census_count_report(census, &report, NOON);
    pti_census_count_report(NULL, &report, NOON);
    pti_census_free(census);
    assert_kept(storage, "", DAY, DAY,
                "main=40 other/ other report 1000000 0 0\nmain=41 other/ other report 41612 0 0\n");
    pti_database_close(storage);
}

static void a_release_counts_from_its_registration_on(void **state)
{
    struct pti_database *storage = open_storage(), *other = open_storage();
    struct pti_census *census = start(storage, 5);
    struct pti_release release;
    struct pti_error error;
    bool found = false;

    (void)state;
    publish(census, "", "charter=1");
    poll(census, "", "charter=1;app=a/1", 1);
    register_release(other, "a", "1");
    assert_int_equal(pti_census_read_releases(census, other, &error), PINTLE_OK);
    poll(census, "", "charter=1;app=a/1", 1);
    poll(census, "", "charter=1;app=a/2", 1);
    poll(census, "", "charter=1;app=a", 1);
    assert_int_equal(pti_release_init(&release, "a", "1", &error), PINTLE_OK);
    assert_int_equal(pti_releases_add(other, &release, "test", &error), PINTLE_ERR_MISUSE);
    assert_int_equal(pti_releases_remove(other, &release, "test", &found, &error), PINTLE_OK);
    assert_true(found);
    assert_int_equal(pti_releases_remove(other, &release, "test", &found, &error), PINTLE_OK);
    assert_false(found);
    assert_int_equal(pti_release_init(&release, "other", "1", &error), PINTLE_ERR_MISUSE);
    assert_int_equal(pti_release_init(&release, "a\n", "1", &error), PINTLE_ERR_MISUSE);
    assert_int_equal(pti_release_init(&release, "a", "", &error), PINTLE_ERR_MISUSE);
    pti_census_free(census);
    assert_kept(storage, "", DAY, DAY, "=1 a/1 other poll 1 0 0\n=1 other/ other poll 3 0 0\n");
    pti_database_close(storage);
    pti_database_close(other);
}

static void add_rows(struct pti_database *storage, const char *batch, int64_t day, int first, int count,
                     bool want_known, int64_t want_dropped)
{
    struct pti_tally tally;
    const struct pti_adoption_counts counts = {"", PTI_ADOPTION_LOG, &tally};
    struct pti_error error;
    int64_t dropped = -1;
    bool known = false;

    pti_tally_init(&tally, SIZE_MAX);
    for (int i = first; i < first + count; i++) {
        struct pti_tally_row row = {.day = day, .zone = "main", .version = i % 7, .os = "linux", .hits = 2, .days = 1};

        snprintf(row.app, sizeof row.app, "app%d", i);
        assert_true(pti_tally_add(&tally, &row));
    }
    pti_tally_sort(&tally);
    if (pti_adoption_add(storage, &counts, 1, batch, day, &known, &dropped, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    assert_int_equal(known, want_known);
    assert_int_equal(dropped, want_dropped);
    pti_tally_clear(&tally);
}

static bool sum_up(void *ctx, const struct pti_adoption_version *version)
{
    struct pti_buf *out = ctx;

    put(out, version->zone, "");
    pti_buf_printf(out, "=%d%s %d;", (int)version->version, version->registered ? " registered" : "",
                   (int)version->hits);
    return true;
}

static void assert_versions(struct pti_database *storage, int64_t day, const char *want)
{
    const struct pti_adoption_query query = {"", day, day};
    struct pti_error error;
    struct pti_buf found;

    pti_buf_init(&found, 1 << 16);
    assert_int_equal(pti_adoption_versions(storage, &query, sum_up, &found, &error), PINTLE_OK);
    assert_string_equal(pti_buf_cstr(&found), want);
    pti_buf_clear(&found);
}

static void a_batch_counts_once(void **state)
{
    struct pti_database *storage = open_storage();

    (void)state;
    add_rows(storage, "batch-1", DAY, 0, 2, false, 0);
    add_rows(storage, "batch-1", DAY, 0, 2, true, 0);
    add_rows(storage, "batch-2", DAY, 0, 1, false, 0);
    pti_database_close(storage);
    storage = open_storage();
    add_rows(storage, "batch-2", DAY, 0, 1, true, 0);
    assert_versions(storage, DAY, "main=0 registered 4;main=1 registered 2;");
    pti_database_close(storage);
}

static void a_day_has_so_many_rows(void **state)
{
    struct pti_database *storage = open_storage();
    const struct pti_adoption_query query = {"", DAY, DAY};
    struct pti_error error;
    struct pti_buf found;
    size_t folded = 0;

    (void)state;
    add_rows(storage, NULL, DAY, 0, PTI_ADOPTION_ROWS_MAX - 3, false, 0);
    add_rows(storage, NULL, DAY, PTI_ADOPTION_ROWS_MAX - 10, 70, false, 0); /* some are there, three find room */
    pti_buf_init(&found, 1 << 16);
    assert_int_equal(pti_adoption_versions(storage, &query, sum_up, &found, &error), PINTLE_OK);
    for (int version = 0; version < 7; version++) {
        const char *at;
        char key[32];

        snprintf(key, sizeof key, "main=%d ", version);
        at = strstr(pti_buf_cstr(&found), key);
        assert_non_null(at);
        folded += strtoul(at + strlen(key), NULL, 10);
    }
    assert_int_equal(folded, 2 * (70 - 7 - 3)); /* of 70, 7 were there and 3 found room */
    pti_buf_clear(&found);
    pti_database_close(storage);
}

static void keeps_ninety_days(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_error error;

    (void)state;
    for (int64_t day = DAY; day < DAY + 95; day++)
        add_rows(storage, NULL, day, 0, 1, false, 0);
    assert_int_equal(pti_adoption_trim(storage, &error), PINTLE_OK);
    assert_versions(storage, DAY + 4, "");
    assert_versions(storage, DAY + 5, "main=0 registered 2;");
    add_rows(storage, NULL, DAY + 40000, 0, 1, false, 0); /* the clock jumps by a century: one day goes, not all */
    assert_int_equal(pti_adoption_trim(storage, &error), PINTLE_OK);
    assert_versions(storage, DAY + 5, "");
    assert_versions(storage, DAY + 6, "main=0 registered 2;");
    assert_versions(storage, DAY + 94, "main=0 registered 2;");
    pti_database_close(storage);
}

struct answer {
    enum pti_census_result result;
    int64_t counted, refused;
    int calls;
};

static void note_answer(void *ctx, enum pti_census_result result, int64_t counted, int64_t refused)
{
    struct answer *answer = ctx;

    *answer = (struct answer){result, counted, refused, answer->calls + 1};
}

/* Batches come when they come: the census asks the clock which days may count. */
static void submit(struct pti_census *census, struct answer *answer, int64_t today)
{
    struct pti_tally tally;
    struct pti_tally_row row = {
        .day = today, .zone = "main", .version = 1, .app = "a", .os = "ios", .hits = 5, .days = 2};
    struct pti_census_batch batch = {"batch-0123456789", "", &tally, note_answer, answer};

    memset(answer, 0, sizeof *answer);
    pti_tally_init(&tally, 10);
    assert_true(pti_tally_add(&tally, &row));
    row.version = 9; /* not published */
    assert_true(pti_tally_add(&tally, &row));
    row.version = 1;
    row.day = today + 3; /* a clock that is wrong would push out the days that count */
    assert_true(pti_tally_add(&tally, &row));
    row.day = today - PTI_ADOPTION_DAYS_KEPT;
    assert_true(pti_tally_add(&tally, &row));
    pti_census_submit(census, &batch);
    assert_int_equal(tally.count, 0);
}

static void batches_are_judged_like_polls(void **state)
{
    struct pti_database *storage = open_storage();
    struct pti_census *census = start(storage, 5);
    const int64_t today = (int64_t)time(NULL) / 86400;
    struct answer first, again, late;

    (void)state;
    publish(census, "", "charter=1,main=1");
    submit(census, &first, today);
    pti_census_stop(census); /* what is waiting is stored first */
    assert_int_equal(first.calls, 1);
    assert_int_equal(first.result, PTI_CENSUS_ADDED);
    assert_int_equal(first.counted, 5);
    assert_int_equal(first.refused, 15);
    assert_int_equal(counted_as(PTI_ADOPTION_COUNTED), 5);
    assert_int_equal(counted_as(PTI_ADOPTION_UNKNOWN), 15);
    submit(census, &late, today);
    assert_int_equal(late.calls, 1);
    assert_int_equal(late.result, PTI_CENSUS_FAILED);
    pti_census_free(census);
    census = start(storage, 5);
    publish(census, "", "charter=1,main=1");
    submit(census, &again, today);
    pti_census_free(census);
    assert_int_equal(again.calls, 1);
    assert_int_equal(again.result, PTI_CENSUS_KNOWN);
    assert_int_equal(counted_as(PTI_ADOPTION_COUNTED), 0);
    assert_kept(storage, "", 0, today + 9, "main=1 other/ other log 5 2 0\n");
    pti_database_close(storage);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_scratch, remove_scratch)
    const struct CMUnitTest tests[] = {
        TEST(counts_polls_by_what_is_known),
        TEST(a_network_fills_no_more_than_its_share),
        TEST(counts_what_reports_tell_of_successes),
        TEST(a_release_counts_from_its_registration_on),
        TEST(a_batch_counts_once),
        TEST(a_day_has_so_many_rows),
        TEST(keeps_ninety_days),
        TEST(batches_are_judged_like_polls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
