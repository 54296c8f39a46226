/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An app is updated while a thief of online keys has run versions ahead: apply refuses what shipped, its newer charter
 * rules all the same (docs/design/0007-shipped-charter.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client_fixture.h"

#define OLD "old.example"
#define NEW "new.example"

enum { AHEAD = 1000, THIEF = 99 };

/* The client takes a timestamp far ahead; the publisher goes on without it. */
static void run_timestamp_ahead(struct fixture *fixture)
{
    int64_t honest = fixture->sim->timestamp_version;

    fixture->sim->timestamp_version = AHEAD;
    sim_publish_timestamp(fixture->sim);
    fixture_refresh(fixture);
    fixture->sim->timestamp_version = honest;
}

/* The client takes a zone far ahead, with the thief's pin; the publisher goes on without it. */
static void run_zone_ahead(struct fixture *fixture)
{
    struct sim_zone *zone = sim_zone(fixture->sim, "main");

    zone->content.version = AHEAD;
    sim_add_pin(fixture->sim, OLD, THIEF);
    sim_publish(fixture->sim);
    fixture_refresh(fixture);
    fixture_accepts(fixture, OLD, THIEF);
    sim_remove_pin(fixture->sim, OLD, THIEF);
    zone->content.version = 1;
}

static void update_app(struct fixture *fixture)
{
    sim_publish(fixture->sim);
    fixture_ship_roots(fixture);
    fixture_ship_generation(fixture);
    fixture_forget_events(fixture);
    fixture_start(fixture);
}

static void expect_ruling(struct fixture *fixture)
{
    assert_int_equal(fixture->events[PINTLE_EVENT_NOTICE], 1);
    assert_non_null(strstr(fixture->last_message[PINTLE_EVENT_NOTICE], "shipped charter: version 2 rules"));
    assert_non_null(strstr(fixture->last_message[PINTLE_EVENT_NOTICE], "rollback"));
    assert_string_equal(fixture_info(fixture, "state"), "stale");
    assert_string_equal(fixture_info(fixture, "charter"), "2");
}

static void ship_new_host(struct fixture *fixture)
{
    sim_add_host(fixture->sim, NEW, "main")->subdomains = true;
    sim_add_pin(fixture->sim, NEW, 1);
    update_app(fixture);
    expect_ruling(fixture);
}

static void test_new_host_is_pinned_though_the_timestamp_is_ahead(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(OLD));
    run_timestamp_ahead(&fixture);
    ship_new_host(&fixture);
    for (int restart = 0; restart < 2; restart++) {
        fixture_accepts(&fixture, OLD, 1);
        fixture_refuses(&fixture, OLD, 2);
        fixture_accepts(&fixture, NEW, 1);
        fixture_refuses(&fixture, NEW, 2);
        fixture_refuses(&fixture, "www." NEW, 2);
        assert_string_equal(fixture_info(&fixture, "timestamp"), "1001");
        fixture_start(&fixture);
    }
    fixture_clear(&fixture);
}

static void test_stricter_charter_rules(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(OLD));
    run_timestamp_ahead(&fixture);
    assert_int_equal(fixture_check(&fixture, "www." OLD, 2).reason, PINTLE_REASON_UNLISTED);
    pti_charter_find(&fixture.sim->charter, OLD)->subdomains = true;
    update_app(&fixture);
    expect_ruling(&fixture);
    fixture_refuses(&fixture, "www." OLD, 2);
    sim_advance(fixture.sim,
                181 * SIM_DAY); /* its zone is the same that was fetched, and no shipped one's bound holds */
    fixture_accepts(&fixture, "www." OLD, 1);
    fixture_clear(&fixture);
}

/* Rule 4 holds of each zone: its key has signed something newer than what shipped. */
static void test_zone_that_was_run_ahead_does_not_go_back(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(OLD));
    run_zone_ahead(&fixture);
    sim_add_host(fixture.sim, NEW, "main");
    sim_add_permanent_pin(fixture.sim, NEW, 5);
    sim_add_pin(fixture.sim, NEW, 1);
    update_app(&fixture);
    expect_ruling(&fixture);
    fixture_accepts(&fixture, OLD, THIEF);
    fixture_accepts(&fixture, NEW, 5);
    fixture_refuses(&fixture, NEW, 1);
    fixture_clear(&fixture);
}

static void test_zone_of_a_new_key_is_the_shipped_one(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(OLD));
    run_zone_ahead(&fixture);
    run_timestamp_ahead(&fixture);
    sim_rotate_zone_keys(fixture.sim, "main");
    ship_new_host(&fixture);
    fixture_refuses(&fixture, OLD, THIEF);
    fixture_accepts(&fixture, OLD, 1);
    fixture_accepts(&fixture, NEW, 1);
    fixture_clear(&fixture);
}

static void test_shipped_bounds_hold(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(OLD));
    run_timestamp_ahead(&fixture);
    ship_new_host(&fixture);
    sim_advance(fixture.sim, 181 * SIM_DAY);
    assert_int_equal(fixture_check(&fixture, NEW, 1).reason, PINTLE_REASON_SHIPPED_TOO_OLD);
    fixture_clear(&fixture);
}

/* It was refused for another reason: the charter itself may not follow. */
static void test_charter_that_drops_a_host_does_not_rule(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(OLD));
    run_timestamp_ahead(&fixture);
    sim_omit_host(fixture.sim, OLD);
    sim_add_host(fixture.sim, NEW, "main");
    sim_add_pin(fixture.sim, NEW, 1);
    update_app(&fixture);
    assert_int_equal(fixture.events[PINTLE_EVENT_NOTICE], 0);
    assert_string_equal(fixture_info(&fixture, "charter"), "1");
    fixture_refuses(&fixture, OLD, 2);
    fixture_clear(&fixture);
}

static void test_what_follows_may_not_drop_its_hosts(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(OLD));
    run_timestamp_ahead(&fixture);
    ship_new_host(&fixture);
    sim_new_keys(fixture.sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    sim_omit_host(fixture.sim, NEW);
    sim_publish(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expected the charter to list " NEW);
    fixture_refuses(&fixture, NEW, 2);
    sim_add_host(fixture.sim, NEW, "main");
    sim_release_host(fixture.sim, NEW);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    assert_int_equal(fixture_check(&fixture, NEW, 2).reason, PINTLE_REASON_UNLISTED);
    fixture_refuses(&fixture, OLD, 2);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_host_is_pinned_though_the_timestamp_is_ahead),
        cmocka_unit_test(test_stricter_charter_rules),
        cmocka_unit_test(test_zone_that_was_run_ahead_does_not_go_back),
        cmocka_unit_test(test_zone_of_a_new_key_is_the_shipped_one),
        cmocka_unit_test(test_shipped_bounds_hold),
        cmocka_unit_test(test_charter_that_drops_a_host_does_not_rule),
        cmocka_unit_test(test_what_follows_may_not_drop_its_hosts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
