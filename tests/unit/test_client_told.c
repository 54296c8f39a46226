/* SPDX-License-Identifier: Apache-2.0 */
/* What a client tells its application and its collectors: a fallback is never silent. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define FIRST "https://one.example/reports"
#define SECOND "https://two.example/reports"
#define NOTHING                                                                                                        \
    (struct pintle_bytes)                                                                                              \
    {                                                                                                                  \
        NULL, 0                                                                                                        \
    }

static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    sim_add_collector(sim, FIRST);
    sim_add_collector(sim, SECOND);
    sim_publish(sim);
    fixture_init(fixture, sim);
    assert_int_equal(pintle_config_add_url(fixture->config, "https://mirror.example/"), PINTLE_OK);
    fixture_start(fixture);
    fixture_refresh(fixture);
    fixture_forget_events(fixture);
}

static bool posted(struct fixture *fixture, size_t index, const char *text)
{
    struct pintle_bytes body = sim_posted(fixture->sim, index);
    char *copy = body.data != NULL ? pti_bytes_strdup(body) : NULL;
    bool found = copy != NULL && strstr(copy, text) != NULL;

    free(copy);
    return found;
}

static void test_each_copy_that_fails_is_told(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_override(fixture.sim, "https://sim.example/*", SIM_STATUS, 500, NOTHING);
    fixture_refresh(&fixture);
    assert_int_equal(fixture.events[PINTLE_EVENT_FETCH_FAILED], 1);
    assert_non_null(strstr(fixture.last_message[PINTLE_EVENT_FETCH_FAILED], "sim.example"));
    assert_int_equal(fixture.events[PINTLE_EVENT_UP_TO_DATE], 1);
    fixture_clear(&fixture);
}

/* A tampered copy matters more than one that cannot be reached, whichever comes last. */
static void test_a_refused_manifest_outweighs_a_dead_copy(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    begin(&fixture);
    old = sim_save(fixture.sim);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_forget_events(&fixture);
    sim_serve(fixture.sim, old);
    sim_override(fixture.sim, "https://mirror.example/*", SIM_FAIL, 0, NOTHING);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "rollback");
    assert_int_equal(fixture.events[PINTLE_EVENT_REJECTED], 1);
    assert_int_equal(fixture.events[PINTLE_EVENT_FETCH_FAILED], 1);
    sim_serve(fixture.sim, NULL);
    sim_override_clear(fixture.sim);
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    assert_true(posted(&fixture, 0, "\"reason\":\"manifest_rejected\""));
    assert_true(posted(&fixture, 0, "\"host\":\"sim.example\""));
    fixture_clear(&fixture);
}

static void test_stale_is_told_once_to_application_and_collector(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_override(fixture.sim, "head/*", SIM_FAIL, 0, NOTHING);
    sim_advance(fixture.sim, 4 * SIM_DAY);
    for (int i = 0; i < 3; i++)
        fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "head");
    assert_int_equal(fixture.events[PINTLE_EVENT_STALE], 1);
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    assert_true(posted(&fixture, 0, "\"reason\":\"stale\""));
    assert_null(sim_posted(fixture.sim, 1).data);
    fixture_clear(&fixture);
}

static void test_expired_zone_is_told_by_name(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_add_zone(fixture.sim, "slow")->expires_days = 1;
    sim_add_host(fixture.sim, "slow.example.com", "slow");
    sim_add_pin(fixture.sim, "slow.example.com", 5);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(fixture.events[PINTLE_EVENT_STALE], 0);
    sim_advance(fixture.sim, SIM_DAY + 1);
    for (int i = 0; i < 3; i++) {
        sim_publish_timestamp(fixture.sim);
        fixture_refresh(&fixture);
    }
    assert_int_equal(fixture.events[PINTLE_EVENT_STALE], 1);
    assert_non_null(strstr(fixture.last_message[PINTLE_EVENT_STALE], "zone slow"));
    fixture_forget_events(&fixture);
    fixture_start(&fixture);
    assert_int_equal(fixture.events[PINTLE_EVENT_STALE], 1); /* and at every start */
    fixture_clear(&fixture);
}

static void test_second_collector_takes_what_the_first_does_not(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture_refuses(&fixture, HOST, 66);
    fixture_refuses(&fixture, HOST, 67);
    sim_override(fixture.sim, FIRST, SIM_STATUS, 503, NOTHING);
    sim_requests_reset(fixture.sim);
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    assert_true(posted(&fixture, 0, "mismatch"));
    assert_int_equal(sim_requests(fixture.sim, "*"), 2); /* the first is asked once, then the second for both */
    assert_non_null(strstr(fixture.last_message[PINTLE_EVENT_REPORTS_SENT], "two.example"));
    fixture_clear(&fixture);
}

static void test_full_queue_is_told_once(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    for (unsigned seed = 2; seed < 2 + PTI_REPORTS_MAX + 5; seed++)
        (void)fixture_check(&fixture, HOST, (uint8_t)seed);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORTS_DROPPED], 1);
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    for (unsigned seed = 100; seed < 100 + PTI_REPORTS_MAX + 5; seed++)
        (void)fixture_check(&fixture, HOST, (uint8_t)seed);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORTS_DROPPED], 2);
    fixture_clear(&fixture);
}

static void test_failing_calls_set_the_detail(void **state)
{
    struct fixture fixture;
    char detail[256];

    (void)state;
    begin(&fixture);
    assert_int_equal(pintle_client_refresh(fixture.client, 0), PINTLE_ERR_MISUSE);
    (void)pintle_client_error(fixture.client, detail, sizeof detail);
    assert_non_null(strstr(detail, "deadline"));
    assert_int_equal(pintle_client_send_reports(fixture.client, -5), PINTLE_ERR_MISUSE);
    (void)pintle_client_error(fixture.client, detail, sizeof detail);
    assert_non_null(strstr(detail, "-5"));
    fixture_refresh(&fixture);
    assert_int_equal(pintle_client_error(fixture.client, detail, sizeof detail), 0);
    assert_int_equal(pintle_config_set_app(fixture.config, "it's", "1"), PINTLE_ERR_MISUSE);
    fixture_clear(&fixture);
}

struct caller {
    struct pintle_client *client;
    atomic_bool in;
    enum pintle_status status;
};

static void *call_refresh(void *ctx)
{
    struct caller *caller = ctx;

    atomic_store(&caller->in, true);
    caller->status = pintle_client_refresh(caller->client, 60000);
    return NULL;
}

/* One thread refreshes, another frees: the refresh ends early and nothing is touched afterwards (for the sanitizers). */
static void test_free_while_another_thread_refreshes(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct caller caller = {.status = PINTLE_OK};
        struct fixture fixture;
        pthread_t thread;

        begin(&fixture);
        sim_override(fixture.sim, "*", SIM_BLOCK, 0, NOTHING);
        sim_requests_reset(fixture.sim);
        caller.client = fixture.client;
        assert_int_equal(pthread_create(&thread, NULL, call_refresh, &caller), 0);
        while (!atomic_load(&caller.in) || sim_requests(fixture.sim, "*") == 0)
            ;
        fixture_stop(&fixture);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(caller.status, PINTLE_ERR_NETWORK);
        fixture_clear(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_copy_that_fails_is_told),
        cmocka_unit_test(test_a_refused_manifest_outweighs_a_dead_copy),
        cmocka_unit_test(test_stale_is_told_once_to_application_and_collector),
        cmocka_unit_test(test_expired_zone_is_told_by_name),
        cmocka_unit_test(test_second_collector_takes_what_the_first_does_not),
        cmocka_unit_test(test_full_queue_is_told_once),
        cmocka_unit_test(test_failing_calls_set_the_detail),
        cmocka_unit_test(test_free_while_another_thread_refreshes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
