/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many clients on one store directory, in threads and in processes, while the repository keeps publishing: nobody ever
 * sees the host unpinned or an older manifest than before, and all arrive at the newest.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "store_world.h"

#define HOST STORE_WORLD_HOST
#define BAD STORE_WORLD_BAD
#define GOOD 50 /* pinned in every generation of a series */
#define STEPS 8
#define PAIRS_MAX 4 /* of threads: one refreshes a client, the other connects */
#define PATIENCE 100

/* What the repository served at each step; the same bytes in every process. */
struct series {
    struct store_world world;
    struct sim_files *steps[STEPS];
    int64_t newest; /* version of the last timestamp */
};

struct crowd {
    struct series *series;
    bool lags; /* others may be ahead of what this network serves */
    atomic_bool stop;
    atomic_uint refreshes, wrong;
};

struct pair {
    struct crowd *crowd;
    struct pintle_config *config;
    struct pintle_store store;
    struct pintle_client *client;
    struct pintle_checker *checker;
    pthread_t threads[2];
};

static void begin(struct series *series)
{
    struct sim *sim;

    memset(series, 0, sizeof *series);
    store_world_begin(&series->world, false);
    sim = series->world.fixture.sim;
    sim_add_pin(sim, HOST, GOOD);
    for (uint8_t i = 0; i < STEPS; i++) {
        sim_add_pin(sim, HOST, (uint8_t)(100 + i));
        if (i % 4 == 3)
            sim_rotate(sim, SIM_TARGETS);
        else
            sim_publish(sim);
        series->steps[i] = sim_save(sim);
    }
    series->newest = sim->timestamp_version;
    sim_serve(sim, series->steps[0]);
    store_world_open(&series->world);
    fixture_start(&series->world.fixture);
    fixture_refresh(&series->world.fixture);
    store_world_close(&series->world);
}

/* Says it once and counts it: an assertion would leave this thread for the test's own. */
static void complain(struct crowd *crowd, const char *what, const char *detail)
{
    if (atomic_fetch_add(&crowd->wrong, 1) == 0)
        (void)fprintf(stderr, "process %ld: %s: %s\n", (long)getpid(), what, detail);
}

static int64_t version_of(struct pintle_client *client)
{
    static const char name[] = "\"timestamp\":";
    char text[8192];
    const char *found;

    (void)pintle_client_info(client, text, sizeof text);
    found = strstr(text, name);
    return found != NULL ? strtoll(found + sizeof name - 1, NULL, 10) : -1;
}

static enum pintle_status check(struct pintle_checker *checker, uint8_t seed)
{
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI | PINTLE_OF_CERT};
    struct pintle_verdict verdict;

    memset(evidence.spki[0], seed, sizeof evidence.spki[0]);
    return pintle_checker_check(checker, HOST, &evidence, &verdict);
}

static void look(struct crowd *crowd, struct pintle_client *client, struct pintle_checker *checker, int64_t *seen)
{
    int64_t version = version_of(client);

    if (check(checker, BAD) == PINTLE_OK)
        complain(crowd, "a key that is pinned nowhere", "accepted");
    if (check(checker, GOOD) != PINTLE_OK)
        complain(crowd, "a key that is pinned everywhere", "refused");
    if (version < *seen)
        complain(crowd, "the manifest", "went back");
    *seen = version;
}

static void *connect_on_and_on(void *ctx)
{
    struct pair *pair = ctx;
    int64_t seen = 0;

    while (!atomic_load(&pair->crowd->stop))
        look(pair->crowd, pair->client, pair->checker, &seen);
    return NULL;
}

/* STORAGE: others were quicker, several times in one refresh. */
static bool refresh(struct pair *pair)
{
    enum pintle_status status = pintle_client_refresh(pair->client, FIXTURE_DEADLINE_MS);
    char detail[512];

    (void)atomic_fetch_add(&pair->crowd->refreshes, 1);
    if (status != PINTLE_OK && status != PINTLE_ERR_STORAGE && !(status == PINTLE_ERR_TRUST && pair->crowd->lags)) {
        (void)pintle_client_error(pair->client, detail, sizeof detail);
        complain(pair->crowd, pintle_status_name(status), detail);
    }
    return status == PINTLE_OK;
}

static void *refresh_on_and_on(void *ctx)
{
    struct pair *pair = ctx;
    int64_t seen = 0;

    while (!atomic_load(&pair->crowd->stop)) {
        (void)refresh(pair);
        look(pair->crowd, pair->client, pair->checker, &seen);
    }
    return NULL;
}

static void start_pair(struct pair *pair, struct crowd *crowd)
{
    struct series *series = crowd->series;
    struct sim *sim = series->world.fixture.sim;
    struct pintle_bytes roots = sim_file(series->steps[0], "metadata/1.root.json");
    char detail[512] = "";

    pair->crowd = crowd;
    assert_int_equal(pintle_config_new(&pair->config), PINTLE_OK);
    assert_int_equal(pintle_store_posix_init(&pair->store, series->world.path, detail, sizeof detail), PINTLE_OK);
    assert_int_equal(pintle_config_set_roots_mem(pair->config, roots), PINTLE_OK);
    assert_int_equal(pintle_config_add_url(pair->config, SIM_URL), PINTLE_OK);
    assert_int_equal(pintle_config_set_transport(pair->config, sim_transport(sim)), PINTLE_OK);
    assert_int_equal(pintle_config_set_store(pair->config, &pair->store), PINTLE_OK);
    assert_int_equal(pintle_config_set_crypto(pair->config, sim->crypto), PINTLE_OK);
    assert_int_equal(pintle_config_set_clock(pair->config, sim_clock(sim)), PINTLE_OK);
    if (pintle_client_new(pair->config, &pair->client) != PINTLE_OK)
        fail_msg("%s", pintle_config_error(pair->config));
    assert_int_equal(pintle_client_checker(pair->client, &pair->checker), PINTLE_OK);
}

static void end_pair(struct pair *pair)
{
    pintle_checker_free(pair->checker);
    pintle_client_free(pair->client);
    pintle_config_free(pair->config);
    pair->store.free(pair->store.ctx);
}

/* Serves step after step to pairs of threads, each pair with a client of its own; then all catch up. */
static unsigned run(struct crowd *crowd, size_t pairs)
{
    struct sim *sim = crowd->series->world.fixture.sim;
    struct pair all[PAIRS_MAX] = {0};

    for (size_t i = 0; i < pairs; i++) {
        start_pair(&all[i], crowd);
        assert_int_equal(pthread_create(&all[i].threads[0], NULL, refresh_on_and_on, &all[i]), 0);
        assert_int_equal(pthread_create(&all[i].threads[1], NULL, connect_on_and_on, &all[i]), 0);
    }
    for (size_t i = 0; i < STEPS; i++) {
        unsigned before = atomic_load(&crowd->refreshes);

        sim_serve(sim, crowd->series->steps[i]);
        while (atomic_load(&crowd->refreshes) < before + 2 * pairs)
            (void)sched_yield();
    }
    atomic_store(&crowd->stop, true);
    for (size_t i = 0; i < 2 * pairs; i++)
        assert_int_equal(pthread_join(all[i / 2].threads[i % 2], NULL), 0);
    for (size_t i = 0; i < pairs; i++) {
        for (int tries = 0; tries < PATIENCE && !refresh(&all[i]);)
            tries++;
        if (version_of(all[i].client) != crowd->series->newest)
            complain(crowd, "the newest manifest", "not reached");
        end_pair(&all[i]);
    }
    return atomic_load(&crowd->wrong);
}

/* A new process finds the newest manifest, and nothing to complain of. */
static void end(struct series *series)
{
    struct fixture *fixture = &series->world.fixture;

    sim_serve(fixture->sim, NULL);
    fixture_forget_events(fixture);
    store_world_open(&series->world);
    fixture_start(fixture);
    assert_int_equal(fixture->events[PINTLE_EVENT_STORAGE], 0);
    assert_int_equal(version_of(fixture->client), series->newest);
    assert_int_equal(store_world_strays(&series->world), 0);
    store_world_end(&series->world);
}

static void test_eight_threads(void **state)
{
    struct series series;
    struct crowd crowd = {.series = &series};

    (void)state;
    begin(&series);
    assert_int_equal(run(&crowd, PAIRS_MAX), 0);
    end(&series);
}

/* Each process is served by an edge of its own, and the edges are not in step. */
static void start_process(struct series *series)
{
    struct crowd crowd = {.series = series, .lags = true};
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0)
        _exit(run(&crowd, 2) == 0 ? 0 : 1);
    assert_true(child > 0);
}

static void test_two_processes(void **state)
{
    struct series series;
    struct crowd watched = {.series = &series};
    int64_t seen = 0;

    (void)state;
    begin(&series);
    for (size_t i = 0; i < 2; i++)
        start_process(&series);
    for (size_t running = 2; running > 0;) {
        struct pair watcher = {0};
        int status = 0;

        start_pair(&watcher, &watched); /* what a process that starts just now would find */
        look(&watched, watcher.client, watcher.checker, &seen);
        end_pair(&watcher);
        if (waitpid(-1, &status, WNOHANG) > 0) {
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
            running--;
        }
    }
    assert_int_equal(atomic_load(&watched.wrong), 0);
    end(&series);
}

/* With the very client it was given: checks, refreshes and frees, as its parent does after it. */
static int go_on_after_a_fork(struct series *series)
{
    struct fixture *fixture = &series->world.fixture;
    int64_t version;

    if (fixture_check(fixture, HOST, BAD).status == PINTLE_OK || fixture_check(fixture, HOST, GOOD).status != PINTLE_OK)
        return 1;
    if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) != PINTLE_OK)
        return 2;
    version = version_of(fixture->client);
    store_world_close(&series->world);
    return version == series->newest ? 0 : 3;
}

static void test_a_forked_child_goes_on(void **state)
{
    struct series series;
    int status = 0;
    pid_t child;

    (void)state;
    begin(&series);
    store_world_open(&series.world);
    fixture_start(&series.world.fixture);
    sim_serve(series.world.fixture.sim, series.steps[STEPS - 1]);
    (void)fflush(NULL);
    child = fork();
    if (child == 0)
        _exit(go_on_after_a_fork(&series));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(version_of(series.world.fixture.client) == series.newest,
                     0);                              /* what the child has is its own... */
    assert_int_equal(go_on_after_a_fork(&series), 0); /* ...and finds its way by the store */
    end(&series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_forked_child_goes_on),
        cmocka_unit_test(test_eight_threads),
        cmocka_unit_test(test_two_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
