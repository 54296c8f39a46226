/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a report to the disk: stored before it is acknowledged, bounded while the disk is slow. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/intake.h"
#include "server/limits.h"

/* A disk that waits until it is told to go on, and counts. */
struct disk {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool blocked, broken;
    bool waiting; /* a transaction has begun and waits */
    size_t transactions, inserted;
};

static enum pti_db_result disk_migrate(void *connection, struct pti_error *error)
{
    (void)connection, (void)error;
    return PTI_DB_OK;
}

static enum pti_db_result disk_begin(void *connection, struct pti_error *error)
{
    struct disk *disk = connection;
    bool broken = false;

    pthread_mutex_lock(&disk->mutex);
    disk->waiting = true;
    pthread_cond_broadcast(&disk->changed);
    while (disk->blocked)
        pthread_cond_wait(&disk->changed, &disk->mutex);
    disk->waiting = false;
    disk->transactions++;
    broken = disk->broken;
    pthread_mutex_unlock(&disk->mutex);
    if (!broken)
        return PTI_DB_OK;
    (void)pti_fail(error, PINTLE_ERR_STORAGE, "told to fail");
    return PTI_DB_FULL;
}

static enum pti_db_result disk_lock(void *connection, const char *name, struct pti_error *error)
{
    (void)connection, (void)name, (void)error;
    return PTI_DB_OK;
}

/* Of the statements, the one that logs which reports were taken: it has their ids, eight bytes each. */
static enum pti_db_result disk_run(void *connection, const struct pti_db_query *query, int64_t *changed,
                                   struct pti_error *error)
{
    (void)error;
    *changed = 0;
    if (strncmp(query->statement->sql, "INSERT INTO taken", 17) == 0)
        ((struct disk *)connection)->inserted += query->values[2].bytes.size / 8;
    return PTI_DB_OK;
}

static enum pti_db_result disk_upsert(void *connection, const struct pti_db_table *table,
                                      const struct pti_db_value *rows, size_t count, struct pti_error *error)
{
    (void)connection, (void)table, (void)rows, (void)count, (void)error;
    return PTI_DB_OK;
}

static enum pti_db_result disk_commit(void *connection, struct pti_error *error)
{
    (void)connection, (void)error;
    return PTI_DB_OK;
}

static void disk_nothing(void *connection)
{
    (void)connection;
}

static const struct pti_db_ops disk_ops = {
    .name = "disk",
    .migrate = disk_migrate,
    .begin = disk_begin,
    .lock = disk_lock,
    .run = disk_run,
    .upsert = disk_upsert,
    .commit = disk_commit,
    .rollback = disk_nothing,
    .close = disk_nothing,
};

struct bench {
    struct disk disk;
    struct pti_database *storage;
    struct pintle_crypto *crypto;
    struct pti_metrics metrics;
    struct pti_service_status status;
    struct pti_intake *intake;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t results[4]; /* by enum pti_intake_result */
    unsigned made;     /* reports */
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    struct pti_intake_settings settings;

    if (!bench)
        return -1;
    pthread_mutex_init(&bench->disk.mutex, NULL);
    pthread_cond_init(&bench->disk.changed, NULL);
    pthread_mutex_init(&bench->mutex, NULL);
    pthread_cond_init(&bench->changed, NULL);
    pti_service_status_init(&bench->status);
    *state = bench;
    if (pti_database_new(&disk_ops, &bench->disk, &bench->storage, NULL) != PINTLE_OK ||
        pintle_crypto_openssl_new(&bench->crypto) != PINTLE_OK)
        return -1;
    settings = (struct pti_intake_settings){bench->storage,  bench->crypto, 1000,          10,
                                            &bench->metrics, NULL,          &bench->status};
    return pti_intake_new(&settings, &bench->intake, NULL) == PINTLE_OK ? 0 : -1;
}

static void set_disk(struct bench *bench, bool blocked, bool broken)
{
    pthread_mutex_lock(&bench->disk.mutex);
    bench->disk.blocked = blocked;
    bench->disk.broken = broken;
    pthread_cond_broadcast(&bench->disk.changed);
    pthread_mutex_unlock(&bench->disk.mutex);
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    set_disk(bench, false, false);
    pti_intake_free(bench->intake);
    pti_database_close(bench->storage);
    pintle_crypto_free(bench->crypto);
    pthread_cond_destroy(&bench->changed);
    pthread_mutex_destroy(&bench->mutex);
    pthread_cond_destroy(&bench->disk.changed);
    pthread_mutex_destroy(&bench->disk.mutex);
    free(bench);
    return 0;
}

static void on_done(void *ctx, enum pti_intake_result result)
{
    struct bench *bench = ctx;

    pthread_mutex_lock(&bench->mutex);
    bench->results[result]++;
    pthread_cond_broadcast(&bench->changed);
    pthread_mutex_unlock(&bench->mutex);
}

/* A request of so many reports, each of which needs so many bytes. */
static void submit_one(struct bench *bench, size_t count, size_t size)
{
    struct pti_report_batch batch = {.count = count};

    assert_true(count <= PTI_REPORT_BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        snprintf(batch.all[i].id, sizeof batch.all[i].id, "report-%09u", bench->made++);
        pti_buf_init(&batch.all[i].document, size);
        pti_buf_reserve(&batch.all[i].document, size);
        pti_buf_text(&batch.all[i].document, "{}");
    }
    pti_intake_submit(bench->intake,
                      &(struct pti_intake_request){.repository = "", .batch = &batch, .done = on_done, .ctx = bench});
    assert_int_equal(batch.count, 0);
}

static void submit(struct bench *bench, size_t count)
{
    for (size_t i = 0; i < count; i++)
        submit_one(bench, 1, 100);
}

static void wait_for_results(struct bench *bench, enum pti_intake_result result, size_t count)
{
    pthread_mutex_lock(&bench->mutex);
    while (bench->results[result] < count)
        pthread_cond_wait(&bench->changed, &bench->mutex);
    pthread_mutex_unlock(&bench->mutex);
}

static void wait_for_transaction(struct bench *bench)
{
    pthread_mutex_lock(&bench->disk.mutex);
    while (!bench->disk.waiting)
        pthread_cond_wait(&bench->disk.changed, &bench->disk.mutex);
    pthread_mutex_unlock(&bench->disk.mutex);
}

static void nothing_is_acknowledged_before_the_commit(void **state)
{
    struct bench *bench = *state;

    set_disk(bench, true, false);
    submit(bench, 1);
    wait_for_transaction(bench);
    assert_int_equal(bench->results[PTI_INTAKE_STORED], 0);
    set_disk(bench, false, false);
    wait_for_results(bench, PTI_INTAKE_STORED, 1);
    assert_int_equal(bench->disk.inserted, 1);
}

/* While the disk is busy with one request, the others gather: they share the next transaction. */
static void waiting_requests_share_a_transaction(void **state)
{
    struct bench *bench = *state;

    set_disk(bench, true, false);
    submit(bench, 1);
    wait_for_transaction(bench);
    for (int i = 0; i < PTI_INTAKE_REPORTS_MAX / 50; i++)
        submit_one(bench, 50, 100);
    set_disk(bench, false, false);
    wait_for_results(bench, PTI_INTAKE_STORED, 1 + PTI_INTAKE_REPORTS_MAX / 50);
    assert_int_equal(bench->disk.transactions, 2);
    assert_int_equal(bench->disk.inserted, 1 + PTI_INTAKE_REPORTS_MAX / 50 * 50);
}

/* What waits is bounded in bytes, not only in number; what was refused has left nothing behind. */
static void much_that_waits_is_refused(void **state)
{
    struct bench *bench = *state;

    set_disk(bench, true, false);
    submit(bench, 1);
    wait_for_transaction(bench);
    for (int i = 0; i < 40; i++)
        submit_one(bench, 1, 1 << 20);
    assert_int_equal(bench->results[PTI_INTAKE_FULL], 40 - 31); /* each has some bytes besides */
    set_disk(bench, false, false);
    wait_for_results(bench, PTI_INTAKE_STORED, 1 + 31);
    submit_one(bench, 1, 1 << 20);
    wait_for_results(bench, PTI_INTAKE_STORED, 1 + 31 + 1);
}

static void a_full_queue_refuses_at_once(void **state)
{
    struct bench *bench = *state;

    set_disk(bench, true, false);
    submit(bench, 1);
    wait_for_transaction(bench);
    submit(bench, PTI_INTAKE_QUEUE_MAX);
    assert_int_equal(bench->results[PTI_INTAKE_FULL], 0);
    submit(bench, 3);
    assert_int_equal(bench->results[PTI_INTAKE_FULL], 3);
    assert_int_equal(atomic_load(&bench->metrics.dropped[PTI_DROP_QUEUE_FULL]), 3);
    set_disk(bench, false, false);
    wait_for_results(bench, PTI_INTAKE_STORED, 1 + PTI_INTAKE_QUEUE_MAX);
    submit(bench, 1);
    wait_for_results(bench, PTI_INTAKE_STORED, 2 + PTI_INTAKE_QUEUE_MAX);
}

static void a_broken_disk_is_told_and_heals(void **state)
{
    struct bench *bench = *state;

    set_disk(bench, false, true);
    submit(bench, 2);
    wait_for_results(bench, PTI_INTAKE_FAILED, 2);
    assert_false(bench->status.storage_up);
    assert_int_equal(atomic_load(&bench->metrics.reports[PTI_REPORT_DEFERRED]), 2);
    set_disk(bench, false, false);
    submit(bench, 1);
    wait_for_results(bench, PTI_INTAKE_STORED, 1);
    assert_true(bench->status.storage_up);
    assert_int_equal(atomic_load(&bench->metrics.reports[PTI_REPORT_ACCEPTED]), 1);
}

static void what_is_queued_is_stored_before_it_stops(void **state)
{
    struct bench *bench = *state;

    submit(bench, 700);
    pti_intake_stop(bench->intake);
    assert_int_equal(bench->results[PTI_INTAKE_STORED], 700);
    assert_int_equal(bench->disk.inserted, 700);
    submit(bench, 1);
    assert_int_equal(bench->results[PTI_INTAKE_STOPPED], 1);
}

int main(void)
{
#define BENCH_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(nothing_is_acknowledged_before_the_commit),
        BENCH_TEST(waiting_requests_share_a_transaction),
        BENCH_TEST(much_that_waits_is_refused),
        BENCH_TEST(a_full_queue_refuses_at_once),
        BENCH_TEST(a_broken_disk_is_told_and_heals),
        BENCH_TEST(what_is_queued_is_stored_before_it_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
