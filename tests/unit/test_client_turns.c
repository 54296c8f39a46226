/* SPDX-License-Identifier: Apache-2.0 */
/* Long calls of a client take turns: waiting counts against the deadline, and a client that goes begins no transfer. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

#include "client/client.h"
#include "client_fixture.h"

#define HOST "api.example.com"
static const struct pintle_bytes nothing = {NULL, 0};

/* A call of another thread. */
struct call {
    struct pintle_client *client;
    enum pintle_status (*what)(struct pintle_client *client, int64_t deadline_ms);
    enum pintle_status status;
    pthread_t thread;
};

static void *run(void *ctx)
{
    struct call *call = ctx;

    call->status = call->what(call->client, FIXTURE_DEADLINE_MS);
    return NULL;
}

static void begin_call(struct call *call)
{
    assert_int_equal(pthread_create(&call->thread, NULL, run, call), 0);
}

static enum pintle_status end_call(struct call *call)
{
    assert_int_equal(pthread_join(call->thread, NULL), 0);
    return call->status;
}

static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    sim_publish(sim);
    fixture_init(fixture, sim);
    fixture_start(fixture);
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

/* Who waits behind a call that hangs comes back at the deadline, and did nothing. */
static void test_deadline_while_waiting(void **state)
{
    enum pintle_status (*const calls[])(struct pintle_client *, int64_t) = {pintle_client_refresh,
                                                                            pintle_client_send_reports};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct fixture fixture;
        struct call first, second;
        char detail[512];

        begin(&fixture);
        first = (struct call){.client = fixture.client, .what = pintle_client_refresh};
        second = (struct call){.client = fixture.client, .what = calls[i]};
        sim_override(fixture.sim, "*", SIM_BLOCK, 0, nothing);
        begin_call(&first);
        while (sim_requests(fixture.sim, "*") == 0)
            ;
        begin_call(&second);
        wait_for_calls(fixture.client, 2);
        sim_advance(fixture.sim, FIXTURE_DEADLINE_MS / 1000 + 1);
        assert_int_equal(end_call(&second), PINTLE_ERR_NETWORK);
        (void)pintle_client_error(fixture.client, detail, sizeof detail);
        assert_non_null(strstr(detail, "the deadline has passed while another"));
        assert_int_equal(sim_requests(fixture.sim, "*"), 1);
        sim_override_clear(fixture.sim);
        assert_int_equal(end_call(&first), PINTLE_ERR_NETWORK);
        fixture_refresh(&fixture);
        fixture_accepts(&fixture, HOST, 1);
        fixture_clear(&fixture);
    }
}

/* A transport over the one of sim that notes how long each transfer may take, and may hold up the first. */
struct recorder {
    struct sim *sim;
    struct pintle_client *client;
    atomic_uint performed;
    atomic_bool hold; /* the first transfer, until the test lets go */
    bool outlive;     /* the first transfer lasts until the client is going, deaf to cancel() */
    int64_t timeout_ms;
};

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct recorder *recorder = ctx;
    const struct pintle_transport *transport = sim_transport(recorder->sim);

    recorder->timeout_ms = request->timeout_ms;
    if (atomic_fetch_add(&recorder->performed, 1) == 0) {
        while (atomic_load(&recorder->hold))
            ;
        while (recorder->outlive && !pti_live_closed(recorder->client->live))
            ;
    }
    return transport->perform(transport->ctx, request, sink, response, detail, detail_size);
}

static void begin_recorded(struct fixture *fixture, struct recorder *recorder)
{
    struct pintle_transport transport = {.size = sizeof transport, .ctx = recorder, .perform = perform};

    begin(fixture);
    assert_int_equal(pintle_config_set_transport(fixture->config, &transport), PINTLE_OK);
    fixture_start(fixture);
    recorder->sim = fixture->sim;
    recorder->client = fixture->client;
}

/* Who gets the turn late has what is left of its time, and not the whole again. */
static void test_waiting_counts(void **state)
{
    struct recorder recorder = {.hold = true};
    struct fixture fixture;
    struct call first, second;

    (void)state;
    begin_recorded(&fixture, &recorder);
    first = (struct call){.client = fixture.client, .what = pintle_client_refresh};
    second = first;
    begin_call(&first);
    while (atomic_load(&recorder.performed) == 0)
        ;
    begin_call(&second);
    wait_for_calls(fixture.client, 2);
    sim_advance(fixture.sim, FIXTURE_DEADLINE_MS / 1000 - 2);
    atomic_store(&recorder.hold, false);
    assert_int_equal(end_call(&first), PINTLE_OK);
    assert_int_equal(end_call(&second), PINTLE_OK);
    assert_int_equal(recorder.timeout_ms, 2000);
    fixture_clear(&fixture);
}

/* A transfer that ends when the client is going is the last one, whatever is left to fetch. */
static void test_no_transfer_once_the_client_goes(void **state)
{
    struct recorder recorder = {.outlive = true};
    struct fixture fixture;
    struct call call;

    (void)state;
    begin_recorded(&fixture, &recorder);
    call = (struct call){.client = fixture.client, .what = pintle_client_refresh};
    begin_call(&call);
    while (atomic_load(&recorder.performed) == 0)
        ;
    fixture_stop(&fixture);
    assert_int_equal(end_call(&call), PINTLE_ERR_NETWORK);
    assert_int_equal(atomic_load(&recorder.performed), 1);
    fixture_clear(&fixture);
}

/* Those that wait when the client goes have ended, too, before it is gone. */
static void test_going_while_others_wait(void **state)
{
    struct fixture fixture;
    struct call calls[3];

    (void)state;
    begin(&fixture);
    sim_override(fixture.sim, "*", SIM_BLOCK, 0, nothing);
    for (size_t i = 0; i < 3; i++) {
        calls[i] = (struct call){.client = fixture.client, .what = pintle_client_refresh};
        begin_call(&calls[i]);
    }
    wait_for_calls(fixture.client, 3);
    fixture_stop(&fixture);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(end_call(&calls[i]), PINTLE_ERR_NETWORK);
    assert_true(sim_requests(fixture.sim, "*") <= 1);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline_while_waiting),
        cmocka_unit_test(test_waiting_counts),
        cmocka_unit_test(test_no_transfer_once_the_client_goes),
        cmocka_unit_test(test_going_while_others_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
