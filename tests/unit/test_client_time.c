/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, expiry, staleness, age bounds, and the schedule as a client keeps it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"
static const struct pintle_bytes nothing = {NULL, 0};

static void begin_with(struct fixture *fixture, int64_t refuse_stale_after_days, int64_t max_shipped_age_days)
{
    struct sim *sim = fixture_sim(HOST);

    sim->charter.refuse_stale_after_days = refuse_stale_after_days;
    sim->charter.max_shipped_age_days = max_shipped_age_days;
    fixture_begin(fixture, sim);
}

/* Nothing is refused for its age. */
static void begin(struct fixture *fixture)
{
    begin_with(fixture, -1, -1);
}

/* Whatever time passes: stale is told, and pinning never switches itself off. */
static void test_bug_08_a_stale_list_never_switches_pinning_off(void **state)
{
    static const int64_t days[] = {1, 4, 71, 400, 4000};

    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        struct fixture fixture;

        begin(&fixture);
        sim_fail_after(fixture.sim, 0);
        sim_advance(fixture.sim, days[i] * SIM_DAY);
        (void)pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS);
        fixture_refuses(&fixture, HOST, 9);
        fixture_accepts(&fixture, HOST, 1);
        assert_string_equal(fixture_info(&fixture, "state"), days[i] < 3 ? "fresh" : "stale");
        fixture_start(&fixture);
        fixture_refuses(&fixture, HOST, 9);
        fixture_clear(&fixture);
    }
}

static void test_fresh_is_not_claimed_after_snapshot_or_zone_expiry(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture.sim->expires_days[SIM_TIMESTAMP] = 1000;
    sim_publish_timestamp(fixture.sim);
    fixture_refresh(&fixture);
    sim_advance(fixture.sim, 8 * SIM_DAY); /* the snapshot lived 7 */
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "snapshot: version 1 expired");
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

static void test_expired_zone_is_stale_and_holds_up_nobody(void **state)
{
    struct fixture fixture;
    struct sim_zone *slow;
    char info[4096];

    (void)state;
    begin(&fixture);
    slow = sim_add_zone(fixture.sim, "slow");
    slow->expires_days = 1;
    sim_add_host(fixture.sim, "slow.example.com", "slow");
    sim_add_pin(fixture.sim, "slow.example.com", 5);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    sim_advance(fixture.sim, 2 * SIM_DAY);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_accepts(&fixture, "slow.example.com", 5);
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    assert_true(pintle_client_info(fixture.client, info, sizeof info) < sizeof info);
    assert_non_null(strstr(info, "\"state\":\"fresh\",\"version\":2,\"zone\":\"main\""));
    assert_non_null(strstr(info, "\"state\":\"stale\",\"version\":1,\"zone\":\"slow\""));
    fixture_clear(&fixture);
}

static void test_refuse_stale_after_days(void **state)
{
    struct fixture fixture;

    (void)state;
    begin_with(&fixture, 10, -1);
    sim_fail_after(fixture.sim, 0);
    sim_advance(fixture.sim, 12 * SIM_DAY); /* the timestamp lived 3 */
    fixture_accepts(&fixture, HOST, 1);
    sim_advance(fixture.sim, 2 * SIM_DAY);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STALE_REFUSED);
    fixture_start(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STALE_REFUSED);
    sim_fail_after(fixture.sim, -1);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

static void test_application_can_only_shorten_the_stale_bound(void **state)
{
    static const struct {
        int app_days;
        int64_t refused_after; /* days after publication */
    } cases[] = {{2, 5}, {100, 13}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;

        begin_with(&fixture, 10, -1);
        assert_int_equal(pintle_config_set_stale(fixture.config, cases[i].app_days), PINTLE_OK);
        fixture_start(&fixture);
        sim_advance(fixture.sim, cases[i].refused_after * SIM_DAY - 1);
        fixture_accepts(&fixture, HOST, 1);
        sim_advance(fixture.sim, 2);
        assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STALE_REFUSED);
        fixture_clear(&fixture);
    }
}

static void test_shipped_generation_beyond_its_age_refuses(void **state)
{
    struct fixture fixture;

    (void)state;
    begin_with(&fixture, -1, 180);
    fixture_ship_generation(&fixture);
    sim_store_clear(fixture.sim);
    sim_fail_after(fixture.sim, 0);
    sim_advance(fixture.sim, 179 * SIM_DAY);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    sim_advance(fixture.sim, 2 * SIM_DAY);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_SHIPPED_TOO_OLD);
    fixture_start(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_SHIPPED_TOO_OLD);
    assert_int_equal(fixture_check(&fixture, HOST, 9).status, PINTLE_ERR_TRUST);
    sim_fail_after(fixture.sim, -1);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture); /* what was fetched has no such bound */
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

/* Once a poll has confirmed it, it is no shipped generation any more, even if the poll found nothing new. */
static void test_confirmed_generation_has_no_age_bound(void **state)
{
    static const bool newer[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;

        begin_with(&fixture, -1, 1);
        fixture_ship_generation(&fixture);
        sim_store_clear(fixture.sim);
        fixture_start(&fixture);
        assert_string_equal(fixture_info(&fixture, "shipped"), "true");
        if (newer[i])
            sim_publish_timestamp(fixture.sim);
        fixture_refresh(&fixture);
        assert_string_equal(fixture_info(&fixture, "shipped"), "false");
        sim_fail_after(fixture.sim, 0);
        sim_advance(fixture.sim, 2 * SIM_DAY);
        fixture_accepts(&fixture, HOST, 1);
        fixture_start(&fixture); /* and so it is stored */
        fixture_accepts(&fixture, HOST, 1);
        fixture_clear(&fixture);
    }
}

/* An issue time that was taken counts for checks as well: with the clock set back an expired zone stays refused. */
static void test_clock_set_back_does_not_revive_a_zone(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_int_equal(pintle_config_set_stale(fixture.config, 0), PINTLE_OK);
    sim_zone(fixture.sim, "main")->expires_days = 1;
    sim_sign_zone(fixture.sim, "main");
    sim_publish_online(fixture.sim);
    fixture_start(&fixture);
    sim_advance(fixture.sim, 2 * SIM_DAY);
    sim_publish_timestamp(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STALE_REFUSED);
    sim_set_wall_clock(fixture.sim, SIM_START);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STALE_REFUSED);
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    fixture_start(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STALE_REFUSED);
    fixture_clear(&fixture);
}

/* A clock held back can hide a freeze, never a rollback; and an issue time that was taken counts as the time. */
static void test_bug_09_clock_set_back(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    begin(&fixture);
    old = sim_save(fixture.sim);
    sim_advance(fixture.sim, 2 * SIM_DAY);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    sim_set_wall_clock(fixture.sim, 0);
    sim_serve(fixture.sim, old);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "rollback");
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

static void test_issue_time_taken_binds_later_updates(void **state)
{
    struct fixture fixture;
    int64_t before;

    (void)state;
    begin(&fixture);
    before = sim_now(fixture.sim);
    sim_advance(fixture.sim, SIM_DAY - 10);
    sim_add_pin(fixture.sim, HOST, 2);
    fixture.sim->expires_days[SIM_SNAPSHOT] = 30;
    sim_publish(fixture.sim);
    sim_set_wall_clock(fixture.sim, before); /* the local clock is a day slow: within what is taken */
    fixture_refresh(&fixture);
    /* A timestamp that expired before the issue time which was taken is refused, however early the local clock is. */
    fixture.sim->issued_offset_s = -SIM_DAY;
    sim_set_wall_clock(fixture.sim, before - 5 * SIM_DAY);
    fixture.sim->expires_days[SIM_TIMESTAMP] = 5;
    sim_publish_timestamp(fixture.sim); /* expires at `before` */
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expired");
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

/* An issue time far ahead is not taken: one bad timestamp must not expire everything. */
static void test_issue_time_far_ahead_is_not_taken(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture.sim->issued_offset_s = 300 * SIM_DAY;
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture.sim->issued_offset_s = 0;
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_clear(&fixture);
}

/* ... and one that was taken is void once the timestamp key was replaced. */
static void test_issue_time_is_void_after_the_timestamp_key_rotated(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture.sim->issued_offset_s = SIM_DAY - 60; /* a thief pushes clocks as far as he can */
    sim_publish_timestamp(fixture.sim);
    fixture_refresh(&fixture);
    fixture.sim->issued_offset_s = 0;
    sim_rotate(fixture.sim, SIM_TIMESTAMP);
    fixture.sim->expires_days[SIM_TIMESTAMP] = 3;
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "root"), "2");
    sim_advance(fixture.sim, 3 * SIM_DAY - 60); /* with the thief's day the timestamp would have expired */
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_clear(&fixture);
}

/* ... but not because the snapshot key was: who holds that one did not sign it. */
static void test_issue_time_binds_after_the_snapshot_key_rotated(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture.sim->issued_offset_s = SIM_DAY - 60;
    sim_publish_timestamp(fixture.sim);
    fixture_refresh(&fixture);
    fixture.sim->issued_offset_s = INT64_MIN;
    fixture.sim->expires_days[SIM_TIMESTAMP] = 0;
    sim_rotate(fixture.sim, SIM_SNAPSHOT);
    sim_set_wall_clock(fixture.sim, SIM_START - 60); /* by this clock the timestamp has a minute to live */
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "timestamp: version 3 expired");
    fixture_clear(&fixture);
}

/* A clock that nobody set yet: what it stores, it can read again. */
static void test_clock_before_1970(void **state)
{
    static const int64_t clocks[] = {-1, INT64_MIN, INT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof clocks / sizeof clocks[0]; i++) {
        struct fixture fixture;

        begin(&fixture);
        fixture_ship_generation(&fixture);
        sim_store_clear(fixture.sim);
        sim_set_wall_clock(fixture.sim, clocks[i]);
        fixture_start(&fixture);
        fixture_accepts(&fixture, HOST, 1);
        fixture_forget_events(&fixture);
        fixture_start(&fixture);
        assert_int_equal(fixture.events[PINTLE_EVENT_STORAGE], 0);
        fixture_accepts(&fixture, HOST, 1);
        assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_UNLISTED);
        fixture_clear(&fixture);
    }
}

static void test_expired_root_stops_updates_and_keeps_pins(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_advance(fixture.sim, 366 * SIM_DAY);
    sim_publish(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "root: version 1 expired");
    fixture_accepts(&fixture, HOST, 1);
    fixture_refuses(&fixture, HOST, 2);
    sim_add_host(fixture.sim, "new.example.com", "main"); /* so that targets are signed again */
    sim_publish_root(fixture.sim);                        /* an expired root still verifies its successor */
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_clear(&fixture);
}

static void test_next_due(void **state)
{
    struct fixture fixture;
    int64_t due;

    (void)state;
    begin(&fixture);
    fixture_start(&fixture);
    assert_int_equal(pintle_client_next_due(fixture.client), 0);
    fixture_refresh(&fixture);
    due = pintle_client_next_due(fixture.client);
    assert_in_range(due, 3240000, 3960000); /* an hour, give or take a tenth */
    sim_advance(fixture.sim, 4000);
    assert_int_equal(pintle_client_next_due(fixture.client), 0);
    sim_fail_after(fixture.sim, 0);
    (void)pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS);
    assert_in_range(pintle_client_next_due(fixture.client), 1000, 10000);
    fixture_clear(&fixture);
}

static void test_retry_after_is_honoured(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_retry_after(fixture.sim, 7200);
    sim_override(fixture.sim, "head/1", SIM_STATUS, 503, nothing);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "503");
    assert_in_range(pintle_client_next_due(fixture.client), 7200000, 7200000);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bug_08_a_stale_list_never_switches_pinning_off),
        cmocka_unit_test(test_fresh_is_not_claimed_after_snapshot_or_zone_expiry),
        cmocka_unit_test(test_expired_zone_is_stale_and_holds_up_nobody),
        cmocka_unit_test(test_refuse_stale_after_days),
        cmocka_unit_test(test_application_can_only_shorten_the_stale_bound),
        cmocka_unit_test(test_shipped_generation_beyond_its_age_refuses),
        cmocka_unit_test(test_confirmed_generation_has_no_age_bound),
        cmocka_unit_test(test_clock_set_back_does_not_revive_a_zone),
        cmocka_unit_test(test_bug_09_clock_set_back),
        cmocka_unit_test(test_issue_time_taken_binds_later_updates),
        cmocka_unit_test(test_issue_time_far_ahead_is_not_taken),
        cmocka_unit_test(test_issue_time_is_void_after_the_timestamp_key_rotated),
        cmocka_unit_test(test_issue_time_binds_after_the_snapshot_key_rotated),
        cmocka_unit_test(test_clock_before_1970),
        cmocka_unit_test(test_expired_root_stops_updates_and_keeps_pins),
        cmocka_unit_test(test_next_due),
        cmocka_unit_test(test_retry_after_is_honoured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
