/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/design.md, section 11, row by row: what the thief of a key, who owns the network too, can do; what he cannot;
 * and what the publisher does about it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define OTHER "pay.example.com"

/* HOST in zone main: zone pin 1, charter pin 5.  OTHER in zone payments: zone pin 1.  The client has it all. */
static void begin(struct fixture *fixture, size_t keys, int64_t threshold)
{
    struct sim *sim = sim_new_with(PTI_KEY_ED25519, keys, threshold);

    sim_add_zone(sim, "payments");
    sim_add_host(sim, HOST, "main");
    sim_add_host(sim, OTHER, "payments");
    sim_add_pin(sim, HOST, 1);
    sim_add_permanent_pin(sim, HOST, 5);
    sim_add_pin(sim, OTHER, 1);
    fixture_begin(fixture, sim);
}

static void later(struct fixture *fixture, int64_t days)
{
    sim_advance(fixture->sim, days * SIM_DAY);
}

/* The old key of a role signs again, though root names another one now: the thief goes on. */
static void thief_signs_with(struct fixture *fixture, enum sim_role role, struct pti_signing_key *stolen)
{
    fixture->sim->signers[role].keys[0] = stolen;
}

static void rotate_both_online_keys(struct sim *sim)
{
    sim_new_keys(sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_new_keys(sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(sim);
    sim->timestamp_version = sim->snapshot_version = 0; /* numbers start again */
    sim_publish(sim);
}

/* ---- timestamp ---- */

static void test_timestamp(void **state)
{
    struct fixture fixture;
    struct pti_signing_key *stolen, *snapshot;

    (void)state;
    begin(&fixture, 1, 1);
    stolen = fixture.sim->signers[SIM_TIMESTAMP].keys[0];
    snapshot = fixture.sim->signers[SIM_SNAPSHOT].keys[0];
    /* can: freeze until the snapshot expires */
    later(&fixture, 6);
    sim_publish_timestamp(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    later(&fixture, 2);
    sim_publish_timestamp(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "snapshot");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    fixture_accepts(&fixture, HOST, 1);
    fixture_refuses(&fixture, HOST, 9);
    /* cannot: change pins */
    thief_signs_with(&fixture, SIM_SNAPSHOT, stolen);
    sim_add_pin(fixture.sim, HOST, 66);
    sim_publish(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "snapshot: 0 of 1");
    fixture_refuses(&fixture, HOST, 66);
    /* recovery: another key in root */
    thief_signs_with(&fixture, SIM_SNAPSHOT, snapshot);
    sim_remove_pin(fixture.sim, HOST, 66);
    sim_rotate(fixture.sim, SIM_TIMESTAMP);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    thief_signs_with(&fixture, SIM_TIMESTAMP, stolen);
    sim_publish_timestamp(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "timestamp: 0 of 1");
    fixture_clear(&fixture);
}

/* ---- snapshot and timestamp ---- */

static void test_snapshot_and_timestamp_withhold_until_the_zone_expires(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1, 1);
    for (int month = 0; month < 2; month++) {
        later(&fixture, 30);
        sim_publish_online(fixture.sim);
        fixture_refresh(&fixture);
        assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    }
    later(&fixture, 31);
    sim_publish_online(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    fixture_accepts(&fixture, HOST, 1);
    fixture_refuses(&fixture, HOST, 9);
    fixture_clear(&fixture);
}

static void test_snapshot_and_timestamp_and_how_they_are_replaced(void **state)
{
    struct fixture fixture;
    struct sim_files *old, *now;

    (void)state;
    begin(&fixture, 1, 1);
    old = sim_save(fixture.sim);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_remove_pin(fixture.sim, HOST, 1);
    sim_publish(fixture.sim);
    now = sim_save(fixture.sim);
    fixture_refresh(&fixture);
    /* cannot: roll a client back; and the numbers that he uses up are taken from nobody */
    sim_take(fixture.sim, old, "main");
    sim_publish_online(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "rollback");
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    /* can: give a client without store or shipped generation any older manifest that has not expired */
    sim_store_clear(fixture.sim);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    sim_take(fixture.sim, now, "main");
    fixture.sim->timestamp_version = fixture.sim->snapshot_version = INT64_C(1000000);
    sim_publish_online(fixture.sim);
    fixture_refresh(&fixture);
    /* recovery: both in one root, numbers start again */
    rotate_both_online_keys(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

/* ---- an online zone key, with the two above ---- */

static void test_zone_key(void **state)
{
    struct fixture fixture;
    struct pti_pin pin = sim_pin(66), denied = sim_pin(5);
    struct sim_zone *zone;
    struct pti_signing_key *stolen;
    bool added;

    (void)state;
    begin(&fixture, 1, 1);
    stolen = sim_zone(fixture.sim, "main")->signers.keys[0];
    /* can: add leaf pins for the zone's hosts, take the zone's own out.  cannot: other zones, charter pins */
    sim_remove_pin(fixture.sim, HOST, 1);
    sim_add_pin(fixture.sim, HOST, 66);
    assert_int_equal(pti_pins_add(&sim_zone_entry(fixture.sim, "main", OTHER)->pins, &pin, &added), PINTLE_OK);
    assert_int_equal(pti_pins_add(&sim_zone_entry(fixture.sim, "main", HOST)->deny, &denied, &added), PINTLE_OK);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 66);
    fixture_refuses(&fixture, HOST, 1); /* an outage, */
    fixture_accepts(&fixture, HOST, 5); /* but the charter's pins remain, whatever he denies */
    fixture_refuses(&fixture, OTHER, 66);
    fixture_accepts(&fixture, OTHER, 1);
    /* recovery: only new keys, and a denial in the charter */
    sim_rotate_zone_keys(fixture.sim, "main");
    zone = sim_zone(fixture.sim, "main");
    pti_zone_clear(&zone->content);
    pti_zone_init(&zone->content, "main");
    sim_add_pin(fixture.sim, HOST, 1);
    assert_int_equal(pti_pins_add(&pti_charter_find(&fixture.sim->charter, HOST)->deny, &pin, &added), PINTLE_OK);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    assert_int_equal(fixture_check(&fixture, HOST, 66).reason, PINTLE_REASON_DENIED);
    /* and the old key signs nothing any more */
    zone->signers.keys[0] = stolen;
    sim_add_pin(fixture.sim, HOST, 67);
    sim_sign_zone(fixture.sim, "main");
    sim_publish_online(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "main: 0 of 1");
    fixture_refuses(&fixture, HOST, 67);
    fixture_clear(&fixture);
}

/* ---- all online keys ---- */

static void test_all_online_keys(void **state)
{
    struct fixture fixture;
    struct sim_files *old;
    struct pti_signing_key *targets;

    (void)state;
    begin(&fixture, 1, 1);
    old = sim_save(fixture.sim);
    sim_add_host(fixture.sim, "new.example.com", "main");
    sim_add_pin(fixture.sim, "new.example.com", 3);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    /* cannot: roll back the charter */
    sim_take(fixture.sim, old, "targets");
    sim_publish_online(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "rollback");
    /* cannot: change it, or unpin a host */
    targets = fixture.sim->signers[SIM_TARGETS].keys[0];
    thief_signs_with(&fixture, SIM_TARGETS, fixture.sim->signers[SIM_SNAPSHOT].keys[0]);
    sim_release_host(fixture.sim, HOST);
    fixture.sim->targets_version += 10;
    sim_publish(fixture.sim);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "targets: 0 of 1");
    /* cannot: unpin by emptying the zones */
    fixture_refuses(&fixture, HOST, 9);
    fixture_refuses(&fixture, OTHER, 9);
    fixture_refuses(&fixture, "new.example.com", 9);
    fixture_start(&fixture);
    fixture_refuses(&fixture, HOST, 9);
    /* recovery */
    thief_signs_with(&fixture, SIM_TARGETS, targets);
    sim_add_host(fixture.sim, HOST, "main");
    sim_add_permanent_pin(fixture.sim, HOST, 5);
    sim_rotate_zone_keys(fixture.sim, "main");
    sim_rotate_zone_keys(fixture.sim, "payments");
    rotate_both_online_keys(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 5);
    fixture_refuses(&fixture, HOST, 9);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    fixture_clear(&fixture);
}

/* ---- offline keys below the threshold ---- */

static void test_offline_keys_below_the_threshold_change_no_charter(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 3, 2);
    fixture.sim->signers[SIM_TARGETS].sign_with = 1;
    sim_release_host(fixture.sim, HOST);
    sim_publish(fixture.sim); /* with all online keys too */
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "targets: 1 of 2");
    fixture_refuses(&fixture, HOST, 9);
    fixture_clear(&fixture);
}

static void test_offline_keys_below_the_threshold_make_no_root(void **state)
{
    struct fixture fixture;
    struct sim_signers thief;
    struct pintle_bytes root;
    struct pti_buf text;
    char *version, *whole;

    (void)state;
    begin(&fixture, 3, 2);
    /* root 2 with the content of root 1, signed by one key of two */
    pti_buf_init(&text, PTI_ROOT_SIZE_MAX);
    root = sim_current(fixture.sim, "metadata/1.root.json");
    pti_buf_append(&text, root.data, root.size);
    whole = (char *)(uintptr_t)strstr(pti_buf_cstr(&text), "\"signed\":");
    assert_non_null(whole);
    whole += strlen("\"signed\":");
    whole[strlen(whole) - 1] = '\0';
    version = strstr(whole, "\"version\":1");
    assert_non_null(version);
    version[strlen("\"version\":")] = '2';
    thief = fixture.sim->signers[SIM_ROOT];
    thief.sign_with = 1;
    root = sim_sign(fixture.sim, &thief, pti_bytes_text(whole));
    sim_put(fixture.sim, "metadata/2.root.json", root);
    sim_override(fixture.sim, "head/*", SIM_STATUS, 404, (struct pintle_bytes){NULL, 0});
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "1 of 2");
    assert_string_equal(fixture_info(&fixture, "root"), "1");
    pti_bytes_free(&root);
    pti_buf_clear(&text);
    /* recovery: root replaces the key, signed by those who are left */
    sim_override_clear(fixture.sim);
    sim_rotate(fixture.sim, SIM_ROOT);
    sim_rotate(fixture.sim, SIM_TARGETS);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "root"), "3");
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

/* ---- a CA ---- */

/* What reaches the checker has passed ordinary validation: the CA issued it. */
static void test_a_ca(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1, 1);
    fixture_refuses(&fixture, HOST, 9);
    fixture_refuses(&fixture, OTHER, 9);
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timestamp),
        cmocka_unit_test(test_snapshot_and_timestamp_withhold_until_the_zone_expires),
        cmocka_unit_test(test_snapshot_and_timestamp_and_how_they_are_replaced),
        cmocka_unit_test(test_zone_key),
        cmocka_unit_test(test_all_online_keys),
        cmocka_unit_test(test_offline_keys_below_the_threshold_change_no_charter),
        cmocka_unit_test(test_offline_keys_below_the_threshold_make_no_root),
        cmocka_unit_test(test_a_ca),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
