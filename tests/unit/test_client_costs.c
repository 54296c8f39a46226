/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a refresh costs: the fewest requests that can do it, and no signature verified that security does not need.  The
 * table of docs/guides/operate.md, "What a refresh costs", says the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "client_fixture.h"
#include "counting_crypto.h"

#define HOST "api.example.com"
#define NEW_ROOTS 10
#define HELD 4 /* whether the timestamp and snapshot in force still count is asked by the trusted set and by apply */

struct costs {
    struct fixture fixture;
    struct counting_crypto crypto;
};

/* 2 of 3 keys for root and targets, one zone, a key each for the others: what a refresh of everything verifies is 5. */
static void begin(struct costs *costs)
{
    struct sim *sim = sim_new_with(PTI_KEY_ECDSA_P256, 3, 2);

    sim_add_host(sim, HOST, "main");
    sim_add_pin(sim, HOST, 1);
    sim_publish(sim);
    fixture_init(&costs->fixture, sim);
    counting_crypto_init(&costs->crypto, sim->crypto);
    assert_int_equal(pintle_config_set_crypto(costs->fixture.config, &costs->crypto.base), PINTLE_OK);
    fixture_start(&costs->fixture);
}

static void refresh_costs(struct costs *costs, size_t requests, unsigned verifications)
{
    sim_requests_reset(costs->fixture.sim);
    costs->crypto.verifications = 0;
    fixture_refresh(&costs->fixture);
    assert_int_equal(sim_requests(costs->fixture.sim, "*"), requests);
    assert_int_equal(costs->crypto.verifications, verifications);
}

static void a_new_client_asks_for_head_and_body(void **state)
{
    struct costs costs;

    (void)state;
    begin(&costs);
    refresh_costs(&costs, 2, 5);
    assert_int_equal(sim_requests(costs.fixture.sim, "head/1"), 1);
    assert_int_equal(sim_requests(costs.fixture.sim, "body/*"), 1);
    fixture_accepts(&costs.fixture, HOST, 1);
    fixture_clear(&costs.fixture);
}

static void who_is_up_to_date_asks_for_the_head(void **state)
{
    struct costs costs;

    (void)state;
    begin(&costs);
    fixture_refresh(&costs.fixture);
    refresh_costs(&costs, 1, 0);
    sim_publish_timestamp(costs.fixture.sim);
    refresh_costs(&costs, 1, 1);
    refresh_costs(&costs, 1, 0);
    fixture_stop(&costs.fixture);
    costs.crypto.verifications = 0;
    fixture_start(&costs.fixture); /* untrusted disk: root 1, which shipped, and all that is stored */
    assert_int_equal(costs.crypto.verifications, 7);
    refresh_costs(&costs, 1, 0);
    fixture_accepts(&costs.fixture, HOST, 1);
    fixture_clear(&costs.fixture);
}

static void a_change_is_head_and_body(void **state)
{
    struct costs costs;

    (void)state;
    begin(&costs);
    fixture_refresh(&costs.fixture);
    sim_add_pin(costs.fixture.sim, HOST, 2);
    sim_publish(costs.fixture.sim);
    refresh_costs(&costs, 2, 5);
    fixture_accepts(&costs.fixture, HOST, 2);
    fixture_clear(&costs.fixture);
}

/* A root is verified by its predecessor's keys and by its own; and with it all that is held, for its keys may be others. */
static void new_roots_come_with_the_head(void **state)
{
    struct costs costs;

    (void)state;
    begin(&costs);
    fixture_refresh(&costs.fixture);
    for (int i = 0; i < NEW_ROOTS; i++)
        sim_publish_root(costs.fixture.sim);
    sim_publish(costs.fixture.sim);
    refresh_costs(&costs, 2, NEW_ROOTS * 4 + HELD + 5);
    refresh_costs(&costs, 1, 0);
    fixture_clear(&costs.fixture);
}

/* Older than the oldest head: the roots one by one, the timestamp, and from there on the body; then heads again. */
static void who_is_far_behind_catches_up_and_returns(void **state)
{
    struct costs costs;
    struct sim *sim;

    (void)state;
    begin(&costs);
    sim = costs.fixture.sim;
    fixture_refresh(&costs.fixture);
    for (int i = 0; i < NEW_ROOTS; i++)
        sim_publish_root(sim);
    sim_add_pin(sim, HOST, 2);
    sim_publish(sim);
    sim_override(sim, "head/1", SIM_STATUS, 404, (struct pintle_bytes){NULL, 0});
    refresh_costs(&costs, 1 + NEW_ROOTS + 1 + 1 + 1, NEW_ROOTS * 4 + HELD + 5);
    assert_int_equal(sim_requests(sim, "metadata/*.root.json"), 0); /* no pattern within a name */
    assert_int_equal(sim_requests(sim, "metadata/12.root.json"), 1);
    assert_int_equal(sim_requests(sim, "metadata/timestamp.json"), 1);
    assert_int_equal(sim_requests(sim, "body/*"), 1);
    refresh_costs(&costs, 1, 0);
    assert_int_equal(sim_requests(sim, "head/11"), 1);
    fixture_accepts(&costs.fixture, HOST, 2);
    fixture_clear(&costs.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_client_asks_for_head_and_body),
        cmocka_unit_test(who_is_up_to_date_asks_for_the_head),
        cmocka_unit_test(a_change_is_head_and_body),
        cmocka_unit_test(new_roots_come_with_the_head),
        cmocka_unit_test(who_is_far_behind_catches_up_and_returns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
