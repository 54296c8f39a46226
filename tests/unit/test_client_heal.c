/* SPDX-License-Identifier: Apache-2.0 */
/* Self-healing: one refresh for a refusal that asked for it, shared, bounded, apart from the schedule. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "client/client.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define OTHER "other.example.com"
#define HEAL_MS 5000
#define CALLERS 6
static const struct pintle_bytes nothing = {NULL, 0};

static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    sim_add_host(sim, OTHER, "main");
    sim_add_pin(sim, OTHER, 1);
    fixture_begin(fixture, sim);
    sim_requests_reset(sim);
}

static void rotate(struct fixture *fixture, uint8_t seed)
{
    sim_add_pin(fixture->sim, HOST, seed);
    sim_publish(fixture->sim);
}

static size_t polls(struct fixture *fixture)
{
    return sim_requests(fixture->sim, "head/*");
}

static void heals(struct fixture *fixture, const char *host, enum pintle_status want)
{
    enum pintle_status found = pintle_client_heal(fixture->client, host, HEAL_MS);
    char detail[512];

    (void)pintle_client_error(fixture->client, detail, sizeof detail);
    if (found != want)
        fail_msg("expected %s, found %s: %s", pintle_status_name(want), pintle_status_name(found), detail);
}

static void test_a_rotation_is_healed_and_an_attack_is_not(void **state)
{
    struct fixture fixture;
    int64_t due;

    (void)state;
    begin(&fixture);
    due = pintle_client_next_due(fixture.client);
    rotate(&fixture, 2);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    heals(&fixture, "API.example.com.", PINTLE_OK); /* any spelling of the name */
    fixture_accepts(&fixture, HOST, 2);
    assert_int_equal(polls(&fixture), 1);
    assert_int_equal(fixture_check(&fixture, HOST, 66).status, PINTLE_ERR_RETRY);
    heals(&fixture, HOST, PINTLE_OK);
    fixture_refuses(&fixture, HOST, 66);
    assert_int_equal(polls(&fixture), 2);
    fixture_refresh(&fixture); /* serves the refusal after that */
    heals(&fixture, HOST, PINTLE_OK);
    assert_int_equal(polls(&fixture), 3);
    assert_in_range(due, 1, INT64_MAX);
    fixture_clear(&fixture);
}

static void test_only_after_a_refusal(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    heals(&fixture, HOST, PINTLE_ERR_MISUSE);
    assert_int_equal(fixture_check(&fixture, OTHER, 66).status, PINTLE_ERR_RETRY);
    heals(&fixture, HOST, PINTLE_ERR_MISUSE); /* that was another's */
    heals(&fixture, "not a host", PINTLE_ERR_INPUT);
    assert_int_equal(pintle_client_heal(NULL, HOST, HEAL_MS), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_client_heal(fixture.client, NULL, HEAL_MS), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_client_heal(fixture.client, OTHER, 0), PINTLE_ERR_MISUSE);
    assert_int_equal(polls(&fixture), 0);
    heals(&fixture, OTHER, PINTLE_OK);
    assert_int_equal(polls(&fixture), 1);
    fixture_clear(&fixture);
}

/* The refresh of a refusal is made once: who asks again hears why it failed, and no request goes out. */
static void test_a_failed_refresh_is_not_repeated(void **state)
{
    struct fixture fixture;
    char detail[512];

    (void)state;
    begin(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    sim_override(fixture.sim, "*", SIM_FAIL, 0, nothing);
    heals(&fixture, HOST, PINTLE_ERR_NETWORK);
    heals(&fixture, HOST, PINTLE_ERR_NETWORK);
    (void)pintle_client_error(fixture.client, detail, sizeof detail);
    assert_non_null(strstr(detail, "the simulated network is down"));
    assert_int_equal(sim_requests(fixture.sim, "*"), 1);
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture); /* the scheduled one does it as well */
    heals(&fixture, HOST, PINTLE_OK);
    fixture_clear(&fixture);
}

/* Neither success nor failure of what a refusal asked for moves the next poll, whoever makes the refresh. */
static void test_the_schedule_is_left_alone(void **state)
{
    static const enum sim_answer answers[] = {SIM_FAIL, SIM_BYTES};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct fixture fixture;
        int64_t due;

        begin(&fixture);
        sim_advance(fixture.sim, 100);
        due = pintle_client_next_due(fixture.client);
        assert_in_range(due, 1000, INT64_MAX);
        assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
        assert_int_equal(pintle_client_next_due(fixture.client), 0);
        if (answers[i % 2] == SIM_FAIL)
            sim_override(fixture.sim, "*", SIM_FAIL, 0, nothing);
        if (i < 2)
            (void)pintle_client_heal(fixture.client, HOST, HEAL_MS);
        else
            (void)pintle_client_refresh(fixture.client, HEAL_MS);
        assert_int_equal(pintle_client_next_due(fixture.client), due);
        sim_override_clear(fixture.sim);
        sim_advance(fixture.sim, due / 1000 + 1);
        assert_int_equal(pintle_client_next_due(fixture.client), 0); /* and is there when its time comes */
        assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
        fixture_refresh(&fixture); /* one that was due anyway counts as a poll */
        assert_in_range(pintle_client_next_due(fixture.client), 1000, INT64_MAX);
        fixture_clear(&fixture);
    }
}

/* An hour of provoked mismatches, ten a second, each healed: requests stay within the bucket, and every poll is made. */
static void test_mismatches_cannot_multiply_requests(void **state)
{
    struct fixture fixture;
    size_t scheduled = 0;

    (void)state;
    begin(&fixture);
    for (int second = 0; second < 3600; second++) {
        if (pintle_client_next_due(fixture.client) == 0) {
            fixture_refresh(&fixture);
            scheduled++;
        }
        for (int i = 0; i < 10; i++)
            if (fixture_check(&fixture, HOST, 66).status == PINTLE_ERR_RETRY)
                heals(&fixture, HOST, PINTLE_OK);
        sim_advance(fixture.sim, 1);
    }
    assert_in_range(polls(&fixture) - scheduled, PTI_HEAL_HOST_TOKENS,
                    PTI_HEAL_HOST_TOKENS + 3600 * 1000 / PTI_HEAL_REFILL_MS);
    assert_in_range(scheduled, 1, 2);
    assert_int_equal(sim_requests(fixture.sim, "*"), polls(&fixture));
    assert_int_equal(fixture_check(&fixture, OTHER, 66).status, PINTLE_ERR_RETRY); /* has a bucket of its own */
    fixture_clear(&fixture);
}

/* Refusals before a refresh begins share it, without a token each. */
static void test_refusals_share_one_refresh(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    for (int i = 0; i < 10 * PTI_HEAL_HOST_TOKENS; i++)
        assert_int_equal(fixture_check(&fixture, HOST, 66).status, PINTLE_ERR_RETRY);
    heals(&fixture, HOST, PINTLE_OK);
    heals(&fixture, HOST, PINTLE_OK);
    assert_int_equal(polls(&fixture), 1);
    for (int i = 1; i < PTI_HEAL_HOST_TOKENS; i++) {
        assert_int_equal(fixture_check(&fixture, HOST, 66).status, PINTLE_ERR_RETRY);
        heals(&fixture, HOST, PINTLE_OK);
    }
    assert_int_equal(fixture_check(&fixture, HOST, 66).status, PINTLE_ERR_PIN_MISMATCH);
    assert_int_equal(polls(&fixture), PTI_HEAL_HOST_TOKENS);
    fixture_clear(&fixture);
}

/* A repository that asks for patience gets it, for a few minutes: whoever speaks for it cannot keep clients out longer. */
static void test_retry_after_stops_healing_for_a_while(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    sim_retry_after(fixture.sim, 86400);
    sim_override(fixture.sim, "*", SIM_STATUS, 503, nothing);
    heals(&fixture, HOST, PINTLE_ERR_NETWORK);
    sim_override_clear(fixture.sim);
    sim_advance(fixture.sim, PTI_HEAL_PATIENCE_MAX_MS / 1000 - 1);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_PIN_MISMATCH);
    sim_advance(fixture.sim, 1);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    heals(&fixture, HOST, PINTLE_OK);
    fixture_clear(&fixture);
}

/* A transport over the one of sim that holds a transfer until the test lets go, and notes how long it may take. */
struct gate {
    struct sim *sim;
    atomic_bool hold;
    atomic_uint performed;
    _Atomic int64_t timeout_ms;
    struct pintle_transport transport;
};

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct gate *gate = ctx;
    const struct pintle_transport *transport = sim_transport(gate->sim);

    atomic_store(&gate->timeout_ms, request->timeout_ms);
    (void)atomic_fetch_add(&gate->performed, 1);
    while (atomic_load(&gate->hold))
        ;
    return transport->perform(transport->ctx, request, sink, response, detail, detail_size);
}

static void begin_gated(struct fixture *fixture, struct gate *gate)
{
    begin(fixture);
    *gate = (struct gate){.sim = fixture->sim};
    gate->transport = (struct pintle_transport){sizeof gate->transport, gate, perform, NULL, NULL};
    assert_int_equal(pintle_config_set_transport(fixture->config, &gate->transport), PINTLE_OK);
    fixture_start(fixture);
    fixture_refresh(fixture);
    sim_requests_reset(fixture->sim);
    atomic_store(&gate->performed, 0);
}

/* Calls of other threads. */
struct caller {
    struct pintle_client *client;
    bool refreshes;
    enum pintle_status status;
    pthread_t thread;
};

static void *call(void *ctx)
{
    struct caller *caller = ctx;

    caller->status = caller->refreshes ? pintle_client_refresh(caller->client, FIXTURE_DEADLINE_MS)
                                       : pintle_client_heal(caller->client, HOST, HEAL_MS);
    return NULL;
}

static void wait_for_calls(struct pintle_client *client, unsigned count)
{
    unsigned found;

    do {
        (void)pthread_mutex_lock(&client->state);
        found = client->long_calls;
        (void)pthread_mutex_unlock(&client->state);
    } while (found != count);
}

static void start_callers(struct fixture *fixture, struct caller *callers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        callers[i].client = fixture->client;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
}

static void join_callers(struct caller *callers, size_t count, enum pintle_status want)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].status, want);
    }
}

static void test_concurrent_callers_share_one_refresh(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct caller callers[CALLERS] = {{.client = NULL}};
        struct fixture fixture;
        struct gate gate;

        begin_gated(&fixture, &gate);
        rotate(&fixture, 2);
        assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
        if (fails)
            sim_override(fixture.sim, "*", SIM_FAIL, 0, nothing);
        atomic_store(&gate.hold, true);
        start_callers(&fixture, callers, CALLERS);
        wait_for_calls(fixture.client, CALLERS);
        atomic_store(&gate.hold, false);
        join_callers(callers, CALLERS, fails ? PINTLE_ERR_NETWORK : PINTLE_OK);
        assert_int_equal(polls(&fixture), 1);
        if (!fails)
            fixture_accepts(&fixture, HOST, 2);
        fixture_clear(&fixture);
    }
}

/* The client's thread and the caller: whoever is first makes the one refresh. */
static void test_with_the_thread_of_the_client(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_int_equal(pintle_client_start(fixture.client), PINTLE_OK);
    for (uint8_t seed = 2; seed < 2 + PTI_HEAL_HOST_TOKENS; seed++) {
        rotate(&fixture, seed);
        assert_int_equal(fixture_check(&fixture, HOST, seed).status, PINTLE_ERR_RETRY);
        heals(&fixture, HOST, PINTLE_OK);
        fixture_accepts(&fixture, HOST, seed);
        assert_int_equal(polls(&fixture), seed - 1);
    }
    fixture_clear(&fixture);
}

/* A server that answers a byte now and then: the deadline of the caller bounds it, and half a minute bounds that. */
static void test_deadlines(void **state)
{
    struct fixture fixture;
    struct gate gate;

    (void)state;
    begin_gated(&fixture, &gate);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    heals(&fixture, HOST, PINTLE_OK);
    assert_int_equal(atomic_load(&gate.timeout_ms), HEAL_MS);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    assert_int_equal(pintle_client_heal(fixture.client, HOST, INT64_MAX), PINTLE_OK);
    assert_int_equal(atomic_load(&gate.timeout_ms), 30000);
    fixture_clear(&fixture);
}

/* Who waits while another's refresh hangs comes back at the deadline; a poll that waits too goes first, and heals. */
static void test_the_poll_goes_first(void **state)
{
    struct caller poll = {.refreshes = true}, callers[CALLERS] = {{.client = NULL}}, late = {.client = NULL};
    struct fixture fixture;
    struct gate gate;

    (void)state;
    begin_gated(&fixture, &gate);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    atomic_store(&gate.hold, true);
    start_callers(&fixture, &late, 1);
    while (atomic_load(&gate.performed) == 0)
        ;
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY); /* newer than what is under way */
    start_callers(&fixture, callers, CALLERS);
    start_callers(&fixture, &poll, 1);
    wait_for_calls(fixture.client, CALLERS + 2);
    atomic_store(&gate.hold, false);
    join_callers(&late, 1, PINTLE_OK);
    join_callers(&poll, 1, PINTLE_OK);
    join_callers(callers, CALLERS, PINTLE_OK);
    assert_int_equal(polls(&fixture), 2);
    fixture_clear(&fixture);
}

static void test_deadline_while_another_refresh_hangs(void **state)
{
    struct caller caller = {.refreshes = true}, healing = {.client = NULL};
    struct fixture fixture;
    struct gate gate;

    (void)state;
    begin_gated(&fixture, &gate);
    atomic_store(&gate.hold, true);
    start_callers(&fixture, &caller, 1);
    while (atomic_load(&gate.performed) == 0)
        ;
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    start_callers(&fixture, &healing, 1);
    wait_for_calls(fixture.client, 2);
    sim_advance(fixture.sim, HEAL_MS / 1000);
    join_callers(&healing, 1, PINTLE_ERR_NETWORK);
    assert_int_equal(atomic_load(&gate.performed), 1);
    atomic_store(&gate.hold, false);
    join_callers(&caller, 1, PINTLE_OK);
    fixture_clear(&fixture);
}

/* Freeing a client ends those who heal. */
static void test_free_while_healing(void **state)
{
    struct caller callers[2] = {{.client = NULL}};
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    sim_override(fixture.sim, "*", SIM_BLOCK, 0, nothing);
    start_callers(&fixture, callers, 2);
    wait_for_calls(fixture.client, 2);
    while (sim_requests(fixture.sim, "*") == 0)
        ;
    fixture_stop(&fixture);
    join_callers(callers, 2, PINTLE_ERR_NETWORK);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rotation_is_healed_and_an_attack_is_not),
        cmocka_unit_test(test_only_after_a_refusal),
        cmocka_unit_test(test_a_failed_refresh_is_not_repeated),
        cmocka_unit_test(test_the_schedule_is_left_alone),
        cmocka_unit_test(test_mismatches_cannot_multiply_requests),
        cmocka_unit_test(test_refusals_share_one_refresh),
        cmocka_unit_test(test_retry_after_stops_healing_for_a_while),
        cmocka_unit_test(test_concurrent_callers_share_one_refresh),
        cmocka_unit_test(test_with_the_thread_of_the_client),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_the_poll_goes_first),
        cmocka_unit_test(test_deadline_while_another_refresh_hangs),
        cmocka_unit_test(test_free_while_healing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
