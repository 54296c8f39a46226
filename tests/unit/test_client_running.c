/* SPDX-License-Identifier: Apache-2.0 */
/* A store that changes under a running client: lost, put back to an older state, damaged.  What it enforces stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"

/* Key 1 is published, taken, and its generation kept as *old; then key 2 replaces it. */
static void begin(struct fixture *fixture, struct pintle_bytes old[2])
{
    static const char *const names[] = {"roots", "accepted"};
    struct sim *sim = fixture_sim(HOST);

    fixture_begin(fixture, sim);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pti_bytes_copy(sim_store_get(sim, names[i]), &old[i]), PINTLE_OK);
    sim_add_pin(sim, HOST, 2);
    sim_remove_pin(sim, HOST, 1);
    sim_publish(sim);
    fixture_refresh(fixture);
    fixture_accepts(fixture, HOST, 2);
}

static void end(struct fixture *fixture, struct pintle_bytes old[2])
{
    pti_bytes_free(&old[0]);
    pti_bytes_free(&old[1]);
    fixture_clear(fixture);
}

/* Somebody empties the cache directory while the application runs, and the network is down or hostile. */
static void test_lost_store_unpins_nothing(void **state)
{
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    sim_store_clear(fixture.sim);
    sim_fail_after(fixture.sim, 0);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    assert_true(sim_store_get(fixture.sim, "accepted").size > 0); /* and it is written back */
    assert_non_null(strstr(fixture.last_message[PINTLE_EVENT_STORAGE], "gone"));
    fixture_start(&fixture);
    fixture_refuses(&fixture, HOST, 1);
    end(&fixture, old);
}

/* A backup of the directory is put back, and the attacker serves what goes with it. */
static void test_older_store_rolls_nothing_back(void **state)
{
    struct pintle_bytes old[2];
    struct sim_files *replay;
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    replay = sim_save(fixture.sim);
    sim_rotate(fixture.sim, SIM_TIMESTAMP); /* so that old and new differ in their roots as well */
    fixture_refresh(&fixture);
    sim_store_put(fixture.sim, "roots", old[0]);
    sim_store_put(fixture.sim, "accepted", old[1]);
    sim_serve(fixture.sim, replay);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "");
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    assert_string_equal(fixture_info(&fixture, "root"), "2");
    assert_non_null(strstr(fixture.last_message[PINTLE_EVENT_STORAGE], "rollback"));
    sim_fail_after(fixture.sim, 0);
    fixture_start(&fixture); /* what was put back has been written over */
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    end(&fixture, old);
}

static void test_damaged_store_keeps_the_running_pins(void **state)
{
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    sim_store_put(fixture.sim, "accepted", pti_bytes_text("rubbish"));
    sim_fail_after(fixture.sim, 0);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_STORE_UNVERIFIED);
    sim_store_put(fixture.sim, "accepted", (struct pintle_bytes){NULL, 0}); /* damaged, then removed */
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    fixture_accepts(&fixture, HOST, 2);
    sim_store_put(fixture.sim, "accepted", pti_bytes_text("rubbish"));
    sim_fail_after(fixture.sim, -1);
    fixture_refresh(&fixture);
    assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_UNLISTED);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_UNLISTED);
    end(&fixture, old);
}

/* Damaged roots beside an older generation that verifies: the client must not step back to it while it repairs the store. */
static void test_older_store_with_damaged_roots(void **state)
{
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    sim_store_put(fixture.sim, "roots", pti_bytes_text("rubbish"));
    sim_store_put(fixture.sim, "accepted", old[1]);
    sim_add_pin(fixture.sim, HOST, 3);
    sim_publish(fixture.sim);
    sim_override(fixture.sim, "body/*", SIM_FAIL, 0, (struct pintle_bytes){NULL, 0});
    for (int i = 0; i < 2; i++) {
        fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "body");
        fixture_accepts(&fixture, HOST, 2);
        fixture_refuses(&fixture, HOST, 1);
    }
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 3);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 3);
    fixture_refuses(&fixture, HOST, 1);
    end(&fixture, old);
}

/* A store damaged beyond repair from the network: while that fails, what shipped stays in force. */
static void test_failed_repair_keeps_what_shipped(void **state)
{
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    fixture_ship_generation(&fixture);
    sim_add_pin(fixture.sim, HOST, 3);
    sim_publish(fixture.sim);
    sim_store_put(fixture.sim, "accepted", pti_bytes_text("rubbish"));
    fixture_start(&fixture);
    sim_override(fixture.sim, "body/*", SIM_FAIL, 0, (struct pintle_bytes){NULL, 0});
    for (int i = 0; i < 2; i++) {
        fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "body");
        fixture_accepts(&fixture, HOST, 2);
        fixture_refuses(&fixture, HOST, 1);
        assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_STORE_UNVERIFIED);
    }
    end(&fixture, old);
}

/* Another process of the application was quicker: its newer generation is taken from the store. */
static void test_newer_store_is_taken(void **state)
{
    struct pintle_bytes old[2], newer;
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    assert_int_equal(pti_bytes_copy(sim_store_get(fixture.sim, "accepted"), &newer), PINTLE_OK);
    sim_store_put(fixture.sim, "accepted", old[1]);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    sim_store_put(fixture.sim, "accepted", newer);
    sim_fail_after(fixture.sim, 0);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    pti_bytes_free(&newer);
    end(&fixture, old);
}

/*
 * The store is lost, and another process makes it anew under a clock so slow that it does not take the issue time.  The
 * first one takes over that store, and forgets nothing: a timestamp that expired before is refused as before.
 */
static void test_an_issue_time_taken_outlives_the_store(void **state)
{
    struct pintle_client *other = NULL;
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    sim_store_clear(fixture.sim);
    sim_set_wall_clock(fixture.sim, SIM_START - 2 * SIM_DAY);
    assert_int_equal(pintle_client_new(fixture.config, &other), PINTLE_OK);
    assert_int_equal(pintle_client_refresh(other, FIXTURE_DEADLINE_MS), PINTLE_OK);
    fixture_refresh(&fixture); /* finds the store moved, and takes what is there */
    fixture.sim->issued_offset_s = 0;
    fixture.sim->expires_days[SIM_TIMESTAMP] = 1;
    sim_publish_timestamp(fixture.sim); /* expires a day before SIM_START */
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expired");
    fixture_start(&fixture); /* and it is in the store, for whoever starts now */
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expired");
    pintle_client_free(other);
    end(&fixture, old);
}

/* The store could not be read at the start; what shipped stood in for it, and gives way as soon as it can be read. */
static void test_what_shipped_gives_way_to_the_store(void **state)
{
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    fixture_ship_generation(&fixture); /* key 2, under root 1 ... */
    sim_add_pin(fixture.sim, HOST, 3);
    sim_remove_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture); /* ... and key 3 is stored */
    sim_store_fail_load(fixture.sim, true);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    sim_store_fail_load(fixture.sim, false);
    sim_fail_after(fixture.sim, 0);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    fixture_accepts(&fixture, HOST, 3);
    fixture_refuses(&fixture, HOST, 2);
    end(&fixture, old);
}

/* ... even if what shipped is not comparable: under a newer root, but made from older targets. */
static void test_what_shipped_never_beats_the_store(void **state)
{
    struct pintle_bytes old[2], stored[2];
    struct sim_files *before;
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    before = sim_save(fixture.sim);
    sim_add_host(fixture.sim, "new.example.com", "main");
    sim_publish(fixture.sim);
    fixture_refresh(&fixture); /* targets 2 under root 1 is stored */
    assert_int_equal(pti_bytes_copy(sim_store_get(fixture.sim, "roots"), &stored[0]), PINTLE_OK);
    assert_int_equal(pti_bytes_copy(sim_store_get(fixture.sim, "accepted"), &stored[1]), PINTLE_OK);
    sim_new_keys(fixture.sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    sim_take(fixture.sim, before, "targets");
    sim_publish_online(fixture.sim);
    fixture_ship_generation(&fixture); /* targets 1 under root 2 is shipped */
    sim_store_fail_load(fixture.sim, true);
    fixture_start(&fixture);
    assert_int_equal(fixture_check(&fixture, "new.example.com", 1).reason, PINTLE_REASON_STORE_UNVERIFIED);
    sim_store_fail_load(fixture.sim, false);
    sim_fail_after(fixture.sim, 0);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    assert_int_equal(fixture_check(&fixture, "new.example.com", 1).reason, PINTLE_REASON_NO_USABLE_PIN);
    assert_true(pti_bytes_equal(sim_store_get(fixture.sim, "accepted"), stored[1]));
    pti_bytes_free(&stored[0]);
    pti_bytes_free(&stored[1]);
    end(&fixture, old);
}

/* A newer manifest is known to exist; that the store changed meanwhile does not make what we hold fresh again. */
static void test_store_that_moved_does_not_make_fresh(void **state)
{
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    sim_add_pin(fixture.sim, HOST, 3);
    sim_publish(fixture.sim);
    sim_override(fixture.sim, "body/*", SIM_FAIL, 0, (struct pintle_bytes){NULL, 0});
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "body");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    sim_store_clear(fixture.sim);
    sim_fail_after(fixture.sim, 0);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    sim_fail_after(fixture.sim, -1);
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    end(&fixture, old);
}

/* What was overcome on the way is told by events, not by the error of a call that succeeded. */
static void test_started_client_leaves_no_error(void **state)
{
    struct pintle_bytes old[2];
    struct fixture fixture;

    (void)state;
    begin(&fixture, old);
    sim_store_put(fixture.sim, "roots", pti_bytes_text("rubbish"));
    fixture_start(&fixture);
    assert_true(fixture.events[PINTLE_EVENT_STORAGE] > 0);
    assert_string_equal(pintle_config_error(fixture.config), "");
    end(&fixture, old);
}

/* Any flipped bit of the one part of the store that nobody signed: an honest refresh repairs it, it never locks out. */
static void test_any_flipped_bit_of_the_record_is_repaired(void **state)
{
    static const char end_of_record[] = "timestamp.json";
    struct pintle_bytes old[2], good;
    struct fixture fixture;
    uint8_t *bad;

    (void)state;
    begin(&fixture, old);
    assert_int_equal(pti_bytes_copy(sim_store_get(fixture.sim, "accepted"), &good), PINTLE_OK);
    bad = malloc(good.size);
    assert_non_null(bad);
    for (size_t at = 0; memcmp(good.data + at, end_of_record, sizeof end_of_record - 1) != 0; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bad, good.data, good.size);
            bad[at] ^= (uint8_t)(1u << bit);
            sim_store_put(fixture.sim, "accepted", (struct pintle_bytes){bad, good.size});
            fixture_start(&fixture);
            assert_int_not_equal(fixture_check(&fixture, HOST, 1).status, PINTLE_OK);
            fixture_refresh(&fixture);
            fixture_accepts(&fixture, HOST, 2);
        }
    }
    free(bad);
    pti_bytes_free(&good);
    end(&fixture, old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_store_unpins_nothing),
        cmocka_unit_test(test_older_store_rolls_nothing_back),
        cmocka_unit_test(test_damaged_store_keeps_the_running_pins),
        cmocka_unit_test(test_older_store_with_damaged_roots),
        cmocka_unit_test(test_failed_repair_keeps_what_shipped),
        cmocka_unit_test(test_newer_store_is_taken),
        cmocka_unit_test(test_an_issue_time_taken_outlives_the_store),
        cmocka_unit_test(test_what_shipped_gives_way_to_the_store),
        cmocka_unit_test(test_what_shipped_never_beats_the_store),
        cmocka_unit_test(test_store_that_moved_does_not_make_fresh),
        cmocka_unit_test(test_started_client_leaves_no_error),
        cmocka_unit_test(test_any_flipped_bit_of_the_record_is_repaired),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
