/* SPDX-License-Identifier: Apache-2.0 */
/* A thief of online or zone keys who also owns the network, and publishers who rotate what was stolen. */
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

static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    sim_add_zone(sim, "payments");
    sim_add_host(sim, "pay.example.com", "payments");
    sim_add_pin(sim, "pay.example.com", 1);
    fixture_begin(fixture, sim);
}

static void second_keys(struct fixture *fixture)
{
    sim_add_pin(fixture->sim, HOST, 2);
    sim_remove_pin(fixture->sim, HOST, 1);
    sim_add_pin(fixture->sim, "pay.example.com", 2);
    sim_remove_pin(fixture->sim, "pay.example.com", 1);
    sim_publish(fixture->sim);
    fixture_refresh(fixture);
}

static void still_second(struct fixture *fixture)
{
    for (int restart = 0; restart < 2; restart++) {
        fixture_accepts(fixture, HOST, 2);
        fixture_refuses(fixture, HOST, 1);
        fixture_accepts(fixture, "pay.example.com", 2);
        fixture_refuses(fixture, "pay.example.com", 1);
        fixture_start(fixture);
    }
}

/* With the online keys: an older charter or zone under a newer snapshot. */
static void test_mix_and_match_with_online_keys(void **state)
{
    static const char *const roles[] = {"targets", "main"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        struct sim_files *old;

        begin(&fixture);
        old = sim_save(fixture.sim);
        sim_add_host(fixture.sim, "new.example.com", "main");
        second_keys(&fixture);
        sim_take(fixture.sim, old, roles[i]);
        sim_publish_online(fixture.sim);
        fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "rollback");
        still_second(&fixture);
        fixture_clear(&fixture);
    }
}

/* The same after root replaced the online keys, which voids TUF's own rollback baseline. */
static void test_old_charter_or_zone_by_thief_of_the_new_online_keys(void **state)
{
    static const struct {
        const char *role, *text;
    } cases[] = {{"targets", "targets"}, {"main", "main"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        struct sim_files *old;

        begin(&fixture);
        old = sim_save(fixture.sim);
        sim_add_host(fixture.sim, "new.example.com", "main");
        second_keys(&fixture);
        sim_new_keys(fixture.sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
        sim_new_keys(fixture.sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
        sim_publish_root(fixture.sim);
        sim_take(fixture.sim, old, cases[i].role);
        fixture.sim->snapshot_version = fixture.sim->timestamp_version = 0; /* versions may start again */
        sim_publish_online(fixture.sim);
        fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, cases[i].text);
        still_second(&fixture);
        fixture_clear(&fixture);
    }
}

static void test_fast_forward_is_undone_by_new_online_keys(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture.sim->snapshot_version = fixture.sim->timestamp_version = 1000000;
    sim_publish_online(fixture.sim);
    fixture_refresh(&fixture); /* the thief's, with honest contents */
    sim_new_keys(fixture.sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_new_keys(fixture.sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    fixture.sim->snapshot_version = fixture.sim->timestamp_version = 0;
    second_keys(&fixture);
    still_second(&fixture);
    fixture_clear(&fixture);
}

static void test_host_dropped_without_release(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_omit_host(fixture.sim, HOST);
    sim_publish(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, HOST);
    fixture_accepts(&fixture, HOST, 1);
    fixture_start(&fixture);
    fixture_refuses(&fixture, HOST, 9);
    fixture_clear(&fixture);
}

static void test_subdomains_narrowed_without_release(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    pti_charter_find(&fixture.sim->charter, HOST)->subdomains = true;
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    pti_charter_find(&fixture.sim->charter, HOST)->subdomains = false;
    sim_publish(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, HOST);
    fixture_refuses(&fixture, "x." HOST, 9);
    fixture_clear(&fixture);
}

static void test_snapshot_that_omits_a_delegated_zone(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_new_keys(fixture.sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    sim_zone(fixture.sim, "main")->hidden = true;
    sim_publish_online(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "main");
    fixture_accepts(&fixture, HOST, 1);
    sim_store_clear(fixture.sim); /* and a client that has nothing yet takes nothing */
    fixture_start(&fixture);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "main");
    fixture_clear(&fixture);
}

/* A thief of a zone key runs its version up to 1003; the recovered zone starts again at 51 under new keys. */
static void test_recovered_zone_is_not_locked_out(void **state)
{
    struct fixture fixture;
    struct sim_zone *zone;

    (void)state;
    begin(&fixture);
    zone = sim_zone(fixture.sim, "payments");
    zone->content.version = 1002;
    sim_add_pin(fixture.sim, "pay.example.com", 66); /* the thief's key; this makes it 1003 */
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, "pay.example.com", 66);
    sim_rotate_zone_keys(fixture.sim, "payments");
    sim_remove_pin(fixture.sim, "pay.example.com", 66);
    zone->content.version = 50;
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_refuses(&fixture, "pay.example.com", 66);
    fixture_accepts(&fixture, "pay.example.com", 1);
    fixture_clear(&fixture);
}

/* Rule 4: the same with the old key kept is a rollback, even after the snapshot key was replaced. */
static void test_lower_zone_version_under_the_same_key(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    begin(&fixture);
    old = sim_save(fixture.sim);
    second_keys(&fixture);
    sim_new_keys(fixture.sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    sim_take(fixture.sim, old, "payments");
    sim_publish_online(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "zone payments");
    still_second(&fixture);
    fixture_clear(&fixture);
}

static void test_zone_dropped_and_added_again_with_the_same_key(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    begin(&fixture);
    old = sim_save(fixture.sim);
    second_keys(&fixture);
    sim_remove_zone(fixture.sim, "payments");
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_start(&fixture); /* what is remembered of the zone survives a restart */
    sim_new_keys(fixture.sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    sim_restore_zone(fixture.sim, "payments");
    sim_sign_targets(fixture.sim);
    sim_take(fixture.sim, old, "payments");
    sim_publish_online(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "zone payments");
    assert_int_equal(fixture_check(&fixture, "pay.example.com", 1).reason, PINTLE_REASON_NO_USABLE_PIN);
    fixture_clear(&fixture);
}

static void test_zone_that_oversteps_changes_nothing(void **state)
{
    struct fixture fixture;
    struct pti_pin pin = sim_pin(66);
    bool added;

    (void)state;
    begin(&fixture);
    assert_int_equal(pti_pins_add(&sim_zone_entry(fixture.sim, "main", "pay.example.com")->pins, &pin, &added),
                     PINTLE_OK);
    pin = sim_pin(1);
    pin.at = PINTLE_AT_ANY;
    assert_int_equal(pti_pins_add(&sim_zone_entry(fixture.sim, "main", "pay.example.com")->deny, &pin, &added),
                     PINTLE_OK);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_refuses(&fixture, "pay.example.com", 66);
    fixture_accepts(&fixture, "pay.example.com", 1);
    assert_true(fixture.events[PINTLE_EVENT_NOTICE] > 0);
    assert_non_null(strstr(fixture.last_message[PINTLE_EVENT_NOTICE], "pay.example.com"));
    fixture_clear(&fixture);
}

/* Zone A denies a key; zone B's host below the same parent uses it. */
static void test_denial_of_one_zone_does_not_touch_another(void **state)
{
    struct fixture fixture;
    struct pti_pin denied = sim_pin(1);
    bool added;

    (void)state;
    begin(&fixture);
    sim_add_host(fixture.sim, "example.com", "main")->subdomains = true;
    denied.at = PINTLE_AT_ANY;
    assert_int_equal(pti_pins_add(&sim_zone_entry(fixture.sim, "main", "example.com")->deny, &denied, &added),
                     PINTLE_OK);
    sim_add_pin(fixture.sim, "example.com", 5);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, "pay.example.com", 1);
    assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_DENIED);
    fixture_clear(&fixture);
}

static void test_charter_signed_below_threshold(void **state)
{
    struct sim *sim = sim_new_with(PTI_KEY_ECDSA_P256, 3, 2);
    struct fixture fixture;

    (void)state;
    sim_add_host(sim, HOST, "main");
    sim_add_pin(sim, HOST, 1);
    sim_publish(sim);
    fixture_init(&fixture, sim);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    sim->signers[SIM_TARGETS].sign_with = 1; /* a thief of one offline key and all online keys */
    sim_release_host(sim, HOST);
    sim_publish(sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "targets: 1 of 2 required signatures verify");
    fixture_refuses(&fixture, HOST, 9);
    fixture_clear(&fixture);
}

/* Root replaces the targets keys; the old timestamp still names a manifest signed by the old ones. */
static void test_new_root_with_old_timestamp_is_not_fresh(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_new_keys(fixture.sim, SIM_TARGETS, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    sim_publish_timestamp(fixture.sim); /* but the snapshot and targets of before */
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "targets");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    fixture_accepts(&fixture, HOST, 1);
    fixture_start(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    second_keys(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_clear(&fixture);
}

static void test_newer_manifest_known_but_withheld_is_not_fresh(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    sim_override(fixture.sim, "body/*", SIM_FAIL, 0, nothing);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "body");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix_and_match_with_online_keys),
        cmocka_unit_test(test_old_charter_or_zone_by_thief_of_the_new_online_keys),
        cmocka_unit_test(test_fast_forward_is_undone_by_new_online_keys),
        cmocka_unit_test(test_host_dropped_without_release),
        cmocka_unit_test(test_subdomains_narrowed_without_release),
        cmocka_unit_test(test_snapshot_that_omits_a_delegated_zone),
        cmocka_unit_test(test_recovered_zone_is_not_locked_out),
        cmocka_unit_test(test_lower_zone_version_under_the_same_key),
        cmocka_unit_test(test_zone_dropped_and_added_again_with_the_same_key),
        cmocka_unit_test(test_zone_that_oversteps_changes_nothing),
        cmocka_unit_test(test_denial_of_one_zone_does_not_touch_another),
        cmocka_unit_test(test_charter_signed_below_threshold),
        cmocka_unit_test(test_new_root_with_old_timestamp_is_not_fresh),
        cmocka_unit_test(test_newer_manifest_known_but_withheld_is_not_fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
