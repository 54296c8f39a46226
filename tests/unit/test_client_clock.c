/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody turns the wall clock, back or forward, by a day, a year, to 1970 or to 2100: before a start, between polls, in
 * the middle of one.  What is pinned stays pinned; an expired manifest is stale, not void; the schedule does not care;
 * and once the clock is right again everything is as if nothing had been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "client_fixture.h"

#define HOST "api.example.com"
#define YEAR (366 * SIM_DAY)
#define BAD 99

struct jump {
    const char *name;
    int64_t to;
    bool expired; /* by this clock what was published at SIM_START has expired, and so has what is published today */
};

static const struct jump jumps[] = {
    {"a day back", SIM_START - SIM_DAY, false},
    {"a day ahead", SIM_START + SIM_DAY, false},
    {"a year back", SIM_START - YEAR, false},
    {"a year ahead", SIM_START + YEAR, true},
    {"1970", 0, false},
    {"2100", INT64_C(4102444800), true},
};
#define JUMPS (sizeof jumps / sizeof jumps[0])

/* The wall clock of the machine once a transfer has begun whose path starts with this. */
struct turner {
    struct sim *sim;
    const char *path;
    int64_t to;
};

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    const struct turner *turner = ctx;
    const struct pintle_transport *transport = sim_transport(turner->sim);

    if (turner->path != NULL && strncmp(request->url + strlen(SIM_URL), turner->path, strlen(turner->path)) == 0)
        sim_set_wall_clock(turner->sim, turner->to);
    return transport->perform(transport->ctx, request, sink, response, detail, detail_size);
}

static void begin(struct fixture *fixture, struct turner *turner)
{
    struct pintle_transport transport = {.size = sizeof transport, .ctx = turner, .perform = perform};
    struct sim *sim = fixture_sim(HOST);

    sim->charter.refuse_stale_after_days = -1;
    sim->charter.max_shipped_age_days = -1;
    *turner = (struct turner){.sim = sim};
    fixture_begin(fixture, sim);
    assert_int_equal(pintle_config_set_transport(fixture->config, &transport), PINTLE_OK);
    fixture_start(fixture);
    fixture_refresh(fixture);
}

static void due_after(struct fixture *fixture, enum pintle_status status)
{
    int64_t due = pintle_client_next_due(fixture->client);

    if (status == PINTLE_OK)
        assert_in_range(due, 3240000, 3960000); /* an hour, give or take a tenth */
    else
        assert_in_range(due, 1000, 10000);
}

/* Without asking for a refresh, which would leave the schedule alone. */
static void pins(struct fixture *fixture, const struct jump *jump, uint8_t key)
{
    struct pintle_verdict good = fixture_check(fixture, HOST, key), bad;
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI};

    memset(evidence.spki[0], BAD, sizeof evidence.spki[0]);
    (void)pintle_checker_peek(fixture->checker, HOST, &evidence, &bad);
    if (good.status != PINTLE_OK || good.reason != PINTLE_REASON_MATCHED || bad.reason != PINTLE_REASON_MISMATCH)
        fail_msg("%s: key %u: %s, another: %s", jump->name, key, pintle_reason_name(good.reason),
                 pintle_reason_name(bad.reason));
}

static void is(struct fixture *fixture, const struct jump *jump, const char *state)
{
    if (strcmp(fixture_info(fixture, "state"), state) != 0)
        fail_msg("%s: expected %s, found %s", jump->name, state, fixture_info(fixture, "state"));
}

/* A refresh by this clock, and what it leaves. */
static void refresh_by(struct fixture *fixture, const struct jump *jump, bool expired)
{
    if (expired)
        fixture_refresh_fails(fixture, PINTLE_ERR_TRUST, "expired");
    else
        fixture_refresh(fixture);
    due_after(fixture, expired ? PINTLE_ERR_TRUST : PINTLE_OK);
    is(fixture, jump, jump->expired ? "stale" : "fresh");
}

/* The clock is right again: the newest manifest is taken, survives a restart, and is not rolled back. */
static void all_is_well(struct fixture *fixture, const struct jump *jump, struct sim_files *old)
{
    sim_set_wall_clock(fixture->sim, SIM_START);
    fixture_refresh(fixture);
    due_after(fixture, PINTLE_OK);
    fixture_forget_events(fixture);
    fixture_start(fixture);
    assert_int_equal(fixture->events[PINTLE_EVENT_STORAGE], 0);
    pins(fixture, jump, 2);
    is(fixture, jump, "fresh");
    sim_serve(fixture->sim, old);
    fixture_refresh_fails(fixture, PINTLE_ERR_TRUST, "rollback");
    pins(fixture, jump, 2);
    sim_serve(fixture->sim, NULL);
}

static struct sim_files *publish_second(struct fixture *fixture)
{
    struct sim_files *old = sim_save(fixture->sim);

    sim_add_pin(fixture->sim, HOST, 2);
    sim_remove_pin(fixture->sim, HOST, 1);
    sim_publish(fixture->sim);
    return old;
}

static void test_between_polls(void **state)
{
    (void)state;
    for (size_t i = 0; i < JUMPS; i++) {
        const struct jump *jump = &jumps[i];
        struct fixture fixture;
        struct turner turner;
        struct sim_files *old;
        int64_t due;

        begin(&fixture, &turner);
        due = pintle_client_next_due(fixture.client);
        old = publish_second(&fixture);
        sim_set_wall_clock(fixture.sim, jump->to);
        assert_int_equal(pintle_client_next_due(fixture.client), due);
        pins(&fixture, jump, 1);
        is(&fixture, jump, jump->expired ? "stale" : "fresh");
        refresh_by(&fixture, jump, jump->expired);
        pins(&fixture, jump, jump->expired ? 1 : 2);
        all_is_well(&fixture, jump, old);
        fixture_clear(&fixture);
    }
}

static void test_before_a_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * JUMPS; i++) {
        const struct jump *jump = &jumps[i / 2];
        struct fixture fixture;
        struct turner turner;
        struct sim_files *old;

        begin(&fixture, &turner);
        fixture_ship_generation(&fixture);
        if (i % 2 == 1)
            sim_store_clear(fixture.sim); /* from what ships, else from the store */
        old = publish_second(&fixture);
        sim_set_wall_clock(fixture.sim, jump->to);
        fixture_forget_events(&fixture);
        fixture_start(&fixture);
        assert_int_equal(fixture.events[PINTLE_EVENT_STALE], jump->expired ? 1 : 0);
        assert_int_equal(pintle_client_next_due(fixture.client), 0);
        pins(&fixture, jump, 1);
        is(&fixture, jump, jump->expired ? "stale" : "fresh");
        refresh_by(&fixture, jump, jump->expired);
        pins(&fixture, jump, jump->expired ? 1 : 2);
        all_is_well(&fixture, jump, old);
        fixture_clear(&fixture);
    }
}

/* One poll uses one time: the one at which it had the timestamp. */
static void test_during_a_poll(void **state)
{
    static const char *const paths[] = {"head/", "body/"};

    (void)state;
    for (size_t i = 0; i < 2 * JUMPS; i++) {
        const struct jump *jump = &jumps[i / 2];
        bool expired = jump->expired && i % 2 == 0;
        struct fixture fixture;
        struct turner turner;
        struct sim_files *old;

        begin(&fixture, &turner);
        old = publish_second(&fixture);
        turner.path = paths[i % 2];
        turner.to = jump->to;
        refresh_by(&fixture, jump, expired);
        pins(&fixture, jump, expired ? 1 : 2);
        turner.path = NULL;
        fixture_start(&fixture);
        pins(&fixture, jump, expired ? 1 : 2);
        all_is_well(&fixture, jump, old);
        fixture_clear(&fixture);
    }
}

/* A bound on staleness refuses by the clock as it stands, and no longer than it stands so. */
static void test_stale_bound(void **state)
{
    struct fixture fixture;
    struct turner turner;

    (void)state;
    begin(&fixture, &turner);
    assert_int_equal(pintle_config_set_stale(fixture.config, 10), PINTLE_OK);
    fixture_start(&fixture);
    for (size_t i = 0; i < JUMPS; i++) {
        sim_set_wall_clock(fixture.sim, jumps[i].to);
        if (jumps[i].expired) {
            assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STALE_REFUSED);
            assert_int_not_equal(fixture_check(&fixture, HOST, BAD).status, PINTLE_OK);
        } else {
            pins(&fixture, &jumps[i], 1);
        }
        sim_set_wall_clock(fixture.sim, SIM_START);
        pins(&fixture, &jumps[i], 1);
    }
    fixture_clear(&fixture);
}

/* Turned to and fro at every poll: each is judged by its own time, and nothing adds up. */
static void test_to_and_fro(void **state)
{
    struct fixture fixture;
    struct turner turner;

    (void)state;
    begin(&fixture, &turner);
    for (size_t i = 0; i < 5 * JUMPS; i++) {
        const struct jump *jump = &jumps[i * 5 % JUMPS];

        sim_set_wall_clock(fixture.sim, jump->to);
        (void)pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS);
        assert_in_range(pintle_client_next_due(fixture.client), 1000, 3960000);
        pins(&fixture, jump, 1);
        if (i % 4 == 3)
            fixture_start(&fixture);
    }
    (void)publish_second(&fixture);
    sim_set_wall_clock(fixture.sim, SIM_START);
    fixture_refresh(&fixture);
    pins(&fixture, &jumps[0], 2);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_polls), cmocka_unit_test(test_before_a_start),
        cmocka_unit_test(test_during_a_poll), cmocka_unit_test(test_stale_bound),
        cmocka_unit_test(test_to_and_fro),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
