/* SPDX-License-Identifier: Apache-2.0 */
/* Every function of a client from many threads at once, while its own thread updates: for ThreadSanitizer above all. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define DENIED "denied.example.com"
#define COLLECTOR "https://collector.example/v1/reports"
#define THREADS 2 /* of each kind */
#define UPDATES 20

struct crowd {
    struct fixture fixture;
    atomic_bool stop;
    atomic_uint wrong, started;
    atomic_uint events;
};

static void count_event(void *ctx, const struct pintle_event *event)
{
    struct crowd *crowd = ctx;

    (void)atomic_fetch_add(&crowd->events, event->message != NULL ? 1 : 0);
}

static struct pintle_evidence evidence_of(uint8_t seed)
{
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI | PINTLE_OF_CERT};

    memset(evidence.spki[0], seed, sizeof evidence.spki[0]);
    return evidence;
}

/* Key 1 is pinned in every version, key 99 in none. */
static void *connect_on_and_on(void *ctx)
{
    struct pintle_evidence good = evidence_of(1), bad = evidence_of(99);
    struct crowd *crowd = ctx;
    struct pintle_verdict verdict;

    while (!atomic_load(&crowd->stop)) {
        bool wrong = pintle_checker_check(crowd->fixture.checker, HOST, &good, &verdict) != PINTLE_OK ||
                     pintle_checker_check(crowd->fixture.checker, DENIED, &bad, &verdict) == PINTLE_OK ||
                     pintle_checker_peek(crowd->fixture.checker, HOST, &bad, &verdict) == PINTLE_OK;
        (void)atomic_fetch_add(&crowd->wrong, wrong ? 1 : 0);
    }
    return NULL;
}

static void *ask_on_and_on(void *ctx)
{
    struct crowd *crowd = ctx;
    struct pintle_client *client = crowd->fixture.client;
    char text[8192];

    while (!atomic_load(&crowd->stop)) {
        struct pintle_checker *checker = NULL;
        bool wrong = pintle_client_info(client, text, sizeof text) == 0 ||
                     strncmp(text, "{\"state\":\"", strlen("{\"state\":\"")) != 0 ||
                     pintle_client_header(client, HOST, text, sizeof text) == 0 ||
                     pintle_client_checker(client, &checker) != PINTLE_OK;

        pintle_checker_free(checker);
        pintle_pinset_free(pintle_client_pinset(client));
        (void)pintle_client_next_due(client);
        (void)pintle_client_error(client, text, sizeof text);
        (void)atomic_fetch_add(&crowd->wrong, wrong ? 1 : 0);
    }
    return NULL;
}

static void *update_on_and_on(void *ctx)
{
    struct crowd *crowd = ctx;

    while (!atomic_load(&crowd->stop)) {
        enum pintle_status status = pintle_client_refresh(crowd->fixture.client, FIXTURE_DEADLINE_MS);

        (void)pintle_client_send_reports(crowd->fixture.client, FIXTURE_DEADLINE_MS);
        (void)atomic_fetch_add(&crowd->wrong, status == PINTLE_OK || status == PINTLE_ERR_NETWORK ? 0 : 1);
    }
    return NULL;
}

static void *start_once(void *ctx)
{
    struct crowd *crowd = ctx;

    if (pintle_client_start(crowd->fixture.client) == PINTLE_OK)
        (void)atomic_fetch_add(&crowd->started, 1);
    return NULL;
}

static void begin(struct crowd *crowd)
{
    struct sim *sim = fixture_sim(HOST);

    sim_add_host(sim, DENIED, "main");
    sim_add_pin(sim, DENIED, 1);
    sim_add_collector(sim, COLLECTOR);
    sim_publish(sim);
    memset(crowd, 0, sizeof *crowd);
    fixture_init(&crowd->fixture, sim);
    assert_int_equal(pintle_config_set_events(crowd->fixture.config, count_event, crowd), PINTLE_OK);
    fixture_start(&crowd->fixture);
    fixture_refresh(&crowd->fixture);
}

static void publish_while_they_run(struct sim *sim)
{
    for (uint8_t i = 2; i < 2 + UPDATES; i++) {
        size_t requests = sim_requests(sim, "*");

        sim_add_pin(sim, HOST, i);
        sim_fail_after(sim, i % 5 == 0 ? 3 : -1);
        sim_publish(sim);
        while (sim_requests(sim, "*") < requests + 4)
            ;
    }
    sim_fail_after(sim, -1);
}

static void test_everything_at_once(void **state)
{
    static void *(*const kinds[])(void *) = {connect_on_and_on, ask_on_and_on, update_on_and_on, start_once};
    pthread_t threads[THREADS * sizeof kinds / sizeof kinds[0]];
    const size_t count = sizeof threads / sizeof threads[0];
    struct crowd crowd;

    (void)state;
    begin(&crowd);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, kinds[i / THREADS], &crowd), 0);
    publish_while_they_run(crowd.fixture.sim);
    atomic_store(&crowd.stop, true);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    assert_int_equal(atomic_load(&crowd.started), 1);
    assert_true(atomic_load(&crowd.events) > 0);
    fixture_refresh(&crowd.fixture);
    fixture_accepts(&crowd.fixture, HOST, 1 + UPDATES);
    fixture_clear(&crowd.fixture);
}

/* The client goes while its thread updates and its checkers are in use: they live on with what it left behind. */
static void test_checkers_in_use_while_the_client_goes(void **state)
{
    pthread_t threads[THREADS];
    struct pintle_checker *checker;
    struct crowd crowd;

    (void)state;
    begin(&crowd);
    assert_int_equal(pintle_client_start(crowd.fixture.client), PINTLE_OK);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_on_and_on, &crowd), 0);
    while (atomic_load(&crowd.events) < 100)
        ;
    checker = pintle_checker_ref(crowd.fixture.checker);
    pintle_client_free(crowd.fixture.client);
    crowd.fixture.client = NULL;
    atomic_store(&crowd.stop, true);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    fixture_clear(&crowd.fixture);
    pintle_checker_free(checker);
}

/* Where a callback stands, and a clock that the application frees after the client. */
struct callback {
    atomic_bool inside, freeing, done;
    struct pintle_checker *checker;
    struct pintle_clock clock;
    atomic_uint *calls;
};

static void slow_event(void *ctx, const struct pintle_event *event)
{
    struct callback *callback = ctx;

    if (event->kind != PINTLE_EVENT_REFUSED)
        return;
    atomic_store(&callback->inside, true);
    while (!atomic_load(&callback->freeing))
        ;
    for (int i = 0; i < 1000; i++) /* give pintle_client_free() every chance to return too early */
        (void)sched_yield();
    atomic_store(&callback->done, true);
}

static void *be_refused(void *ctx)
{
    struct callback *callback = ctx;
    struct pintle_evidence bad = evidence_of(99);
    struct pintle_verdict verdict;

    assert_int_not_equal(pintle_checker_check(callback->checker, HOST, &bad, &verdict), PINTLE_OK);
    return NULL;
}

static int64_t counted_now(void *ctx)
{
    (void)atomic_fetch_add((atomic_uint *)ctx, 1);
    return SIM_START;
}

static int64_t counted_monotonic(void *ctx)
{
    (void)atomic_fetch_add((atomic_uint *)ctx, 1);
    return 1000;
}

static uint64_t counted_random(void *ctx)
{
    return atomic_fetch_add((atomic_uint *)ctx, 1);
}

/* pintle_client_free() returns once no callback is running, and from then on nothing of the application is touched. */
static void test_free_waits_for_callbacks_and_lets_go(void **state)
{
    struct callback callback = {.clock = {sizeof callback.clock, NULL, counted_now, counted_monotonic, counted_random}};
    struct pintle_checker *checker;
    struct fixture fixture;
    pthread_t thread;
    unsigned calls;

    (void)state;
    callback.calls = calloc(1, sizeof *callback.calls);
    assert_non_null(callback.calls);
    callback.clock.ctx = callback.calls;
    fixture_init(&fixture, fixture_sim(HOST));
    sim_publish(fixture.sim);
    assert_int_equal(pintle_config_set_clock(fixture.config, &callback.clock), PINTLE_OK);
    assert_int_equal(pintle_config_set_events(fixture.config, slow_event, &callback), PINTLE_OK);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    callback.checker = checker = pintle_checker_ref(fixture.checker);
    assert_int_equal(pthread_create(&thread, NULL, be_refused, &callback), 0);
    while (!atomic_load(&callback.inside))
        ;
    atomic_store(&callback.freeing, true);
    fixture_stop(&fixture);
    assert_true(atomic_load(&callback.done));
    assert_int_equal(pthread_join(thread, NULL), 0);
    calls = atomic_load(callback.calls);
    (void)be_refused(&callback); /* with the machine's clock, and telling nobody */
    assert_int_equal(atomic_load(callback.calls), calls);
    free(callback.calls);
    pintle_checker_free(checker);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_at_once),
        cmocka_unit_test(test_checkers_in_use_while_the_client_goes),
        cmocka_unit_test(test_free_waits_for_callbacks_and_lets_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
