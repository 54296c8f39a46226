/* SPDX-License-Identifier: Apache-2.0 */
/* The store: restarts, damage, loss, other processes, and what ships with the app. */
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

static void publish_key(struct fixture *fixture, uint8_t remove, uint8_t add)
{
    sim_add_pin(fixture->sim, HOST, add);
    sim_remove_pin(fixture->sim, HOST, remove);
    sim_publish(fixture->sim);
}

static struct pintle_bytes copy_of(struct sim *sim, const char *name)
{
    struct pintle_bytes copy;

    assert_int_equal(pti_bytes_copy(sim_store_get(sim, name), &copy), PINTLE_OK);
    return copy;
}

static void test_restart_without_network(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    sim_fail_after(fixture.sim, 0);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    fixture_refuses(&fixture, HOST, 2);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "down");
    fixture_refuses(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

/* Whatever byte of the store is damaged: the host is never accepted unpinned, and an honest refresh repairs it. */
static void test_damaged_store_never_unpins(void **state)
{
    static const char *const names[] = {"roots", "accepted"};
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    for (size_t n = 0; n < 2; n++) {
        struct pintle_bytes good = copy_of(fixture.sim, names[n]);
        uint8_t *bad = malloc(good.size);

        assert_non_null(bad);
        for (size_t at = 0; at + 1 < good.size; at += 13) {
            memcpy(bad, good.data, good.size);
            bad[at] ^= 0x11;
            sim_store_put(fixture.sim, names[n], (struct pintle_bytes){bad, good.size});
            fixture_start(&fixture);
            assert_int_not_equal(fixture_check(&fixture, HOST, 9).status, PINTLE_OK);
            sim_store_put(fixture.sim, names[n], (struct pintle_bytes){bad, at + 1}); /* truncated there */
            fixture_start(&fixture);
            assert_int_not_equal(fixture_check(&fixture, HOST, 9).status, PINTLE_OK);
            sim_store_put(fixture.sim, names[n], good);
        }
        sim_store_put(fixture.sim, names[n], (struct pintle_bytes){bad, 1});
        fixture_start(&fixture);
        assert_true(fixture.events[PINTLE_EVENT_STORAGE] > 0);
        fixture_refresh(&fixture);
        fixture_accepts(&fixture, HOST, 1);
        fixture_start(&fixture);
        fixture_accepts(&fixture, HOST, 1);
        assert_string_equal(fixture_info(&fixture, "state"), "fresh");
        free(bad);
        pti_bytes_free(&good);
    }
    fixture_clear(&fixture);
}

static void test_unreadable_store_refuses_everything_unlisted(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    sim_store_fail_load(fixture.sim, true);
    fixture_start(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 1).reason, PINTLE_REASON_STORE_UNVERIFIED);
    assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_STORE_UNVERIFIED);
    fixture_refresh_fails(&fixture, PINTLE_ERR_STORAGE, "store");
    sim_store_fail_load(fixture.sim, false);
    fixture_refresh(&fixture); /* it is readable again: nothing was lost */
    fixture_accepts(&fixture, HOST, 1);
    assert_int_equal(fixture_check(&fixture, "other.example.com", 1).reason, PINTLE_REASON_UNLISTED);
    fixture_clear(&fixture);
}

static void test_unverifiable_store_enforces_what_shipped(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    fixture_ship_generation(&fixture);
    sim_add_host(fixture.sim, "later.example.com", "main");
    publish_key(&fixture, 1, 2);
    fixture_refresh(&fixture);
    sim_store_put(fixture.sim, "accepted", pti_bytes_text("PNTL0001 rubbish"));
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 1); /* the shipped pin */
    assert_int_equal(fixture_check(&fixture, "later.example.com", 1).reason, PINTLE_REASON_STORE_UNVERIFIED);
    assert_true(pti_bytes_equal_text(sim_store_get(fixture.sim, "accepted"), "PNTL0001 rubbish"));
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

static void test_store_that_cannot_be_written_applies_nothing(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    publish_key(&fixture, 1, 2);
    sim_store_fail_after(fixture.sim, 0);
    fixture_refresh_fails(&fixture, PINTLE_ERR_STORAGE, "store");
    fixture_accepts(&fixture, HOST, 1);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    sim_store_fail_after(fixture.sim, -1);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

/* A crash after any save of an update that brings two roots and a manifest. */
static void test_crash_between_roots_and_accepted(void **state)
{
    (void)state;
    for (int saves = 0; saves < 4; saves++) {
        struct fixture fixture;

        fixture_begin(&fixture, fixture_sim(HOST));
        sim_rotate(fixture.sim, SIM_ROOT);
        sim_rotate(fixture.sim, SIM_TIMESTAMP);
        publish_key(&fixture, 1, 2);
        sim_store_fail_after(fixture.sim, saves);
        (void)pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS);
        sim_store_fail_after(fixture.sim, -1);
        sim_fail_after(fixture.sim, 0);
        fixture_start(&fixture);
        fixture_refuses(&fixture, HOST, 9);
        fixture_accepts(&fixture, HOST, saves < 3 ? 1 : 2);
        sim_fail_after(fixture.sim, -1);
        fixture_refresh(&fixture);
        fixture_accepts(&fixture, HOST, 2);
        fixture_clear(&fixture);
    }
}

static void test_roots_lost_alone(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    old = sim_save(fixture.sim);
    sim_rotate(fixture.sim, SIM_ROOT);
    sim_rotate(fixture.sim, SIM_SNAPSHOT);
    publish_key(&fixture, 1, 2);
    fixture_refresh(&fixture);
    sim_store_put(fixture.sim, "roots", nothing);
    fixture_start(&fixture); /* the app ships root 1 alone, accepted names root 3 */
    assert_int_equal(fixture_check(&fixture, HOST, 9).reason, PINTLE_REASON_STORE_UNVERIFIED);
    sim_serve(fixture.sim, old); /* an attacker offers the old repository, complete under root 1 */
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "root 3");
    assert_int_not_equal(fixture_check(&fixture, HOST, 1).status, PINTLE_OK);
    sim_serve(fixture.sim, NULL);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

/* After the roots are back, accepted is the baseline again: a replay under the right root is a rollback. */
static void test_roots_lost_then_rollback(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    sim_rotate(fixture.sim, SIM_ROOT);
    old = sim_save(fixture.sim);
    publish_key(&fixture, 1, 2);
    fixture_refresh(&fixture);
    sim_store_put(fixture.sim, "roots", nothing);
    fixture_start(&fixture);
    sim_serve(fixture.sim, old);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "rollback");
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

static void test_store_of_another_repository(void **state)
{
    struct fixture fixture, foreign;
    struct sim *other = sim_new();
    struct pintle_bytes roots, accepted;

    (void)state;
    other->repository = "other";
    sim_add_host(other, HOST, "main");
    sim_add_pin(other, HOST, 7);
    sim_publish(other);
    fixture_init(&foreign, other);
    fixture_start(&foreign);
    fixture_refresh(&foreign);
    roots = copy_of(other, "roots");
    accepted = copy_of(other, "accepted");
    fixture_begin(&fixture, fixture_sim(HOST));
    sim_store_put(fixture.sim, "roots", roots);
    sim_store_put(fixture.sim, "accepted", accepted);
    fixture_start(&fixture);
    assert_int_not_equal(fixture_check(&fixture, HOST, 7).status, PINTLE_OK);
    assert_true(fixture.events[PINTLE_EVENT_STORAGE] > 0);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    pti_bytes_free(&roots);
    pti_bytes_free(&accepted);
    fixture_clear(&foreign);
    fixture_clear(&fixture);
}

static void test_shipped_generation_pins_from_the_first_start(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    fixture_ship_generation(&fixture);
    sim_store_clear(fixture.sim);
    sim_fail_after(fixture.sim, 0);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    fixture_refuses(&fixture, HOST, 2);
    assert_string_equal(fixture_info(&fixture, "shipped"), "true");
    fixture_clear(&fixture);
}

static void test_older_shipped_generation_changes_nothing(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    fixture_ship_generation(&fixture);
    publish_key(&fixture, 1, 2);
    fixture_refresh(&fixture);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

/* A newer app, whose generation the client takes; then the older app is put back. */
static void test_app_upgrade_and_downgrade(void **state)
{
    struct fixture fixture;
    struct pintle_bytes old_roots, old_shipped;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    old_roots = sim_roots(fixture.sim);
    old_shipped = sim_shipped(fixture.sim);
    sim_rotate(fixture.sim, SIM_ROOT);
    publish_key(&fixture, 1, 2);
    sim_fail_after(fixture.sim, 0);
    fixture_ship_generation(&fixture);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    assert_int_equal(pintle_config_set_roots_mem(fixture.config, old_roots), PINTLE_OK);
    assert_int_equal(pintle_config_set_shipped_mem(fixture.config, old_shipped), PINTLE_OK);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    pti_bytes_free(&old_roots);
    pti_bytes_free(&old_shipped);
    fixture_clear(&fixture);
}

/* A shipped generation under a newer root, but made from older targets. */
static void test_shipped_with_newer_root_but_older_targets(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    old = sim_save(fixture.sim);
    sim_add_host(fixture.sim, "new.example.com", "main");
    publish_key(&fixture, 1, 2);
    fixture_refresh(&fixture);
    sim_new_keys(fixture.sim, SIM_SNAPSHOT, PTI_KEY_ED25519, 1, 1);
    sim_new_keys(fixture.sim, SIM_TIMESTAMP, PTI_KEY_ED25519, 1, 1);
    sim_publish_root(fixture.sim);
    sim_take(fixture.sim, old, "targets");
    sim_take(fixture.sim, old, "main");
    sim_publish_online(fixture.sim);
    fixture_ship_generation(&fixture);
    sim_fail_after(fixture.sim, 0);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

/* Two processes of one app: one falls behind while it fetches, and must not write its older state over the newer one. */
static void test_two_processes_never_write_over_each_other(void **state)
{
    struct fixture first, second;
    struct sim_files *old;

    (void)state;
    fixture_begin(&first, fixture_sim(HOST));
    publish_key(&first, 1, 2);
    old = sim_save(first.sim);
    second = (struct fixture){.sim = first.sim, .config = first.config};
    fixture_start(&second);
    publish_key(&first, 2, 3);
    fixture_refresh(&first); /* the store now holds key 3 */
    sim_serve(first.sim, old);
    fixture_refresh_fails(&second, PINTLE_ERR_TRUST, "rollback"); /* second noticed what first stored */
    fixture_accepts(&second, HOST, 3);
    sim_serve(first.sim, NULL);
    fixture_start(&first);
    fixture_accepts(&first, HOST, 3);
    fixture_stop(&second);
    fixture_clear(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_without_network),
        cmocka_unit_test(test_damaged_store_never_unpins),
        cmocka_unit_test(test_unreadable_store_refuses_everything_unlisted),
        cmocka_unit_test(test_unverifiable_store_enforces_what_shipped),
        cmocka_unit_test(test_store_that_cannot_be_written_applies_nothing),
        cmocka_unit_test(test_crash_between_roots_and_accepted),
        cmocka_unit_test(test_roots_lost_alone),
        cmocka_unit_test(test_roots_lost_then_rollback),
        cmocka_unit_test(test_store_of_another_repository),
        cmocka_unit_test(test_shipped_generation_pins_from_the_first_start),
        cmocka_unit_test(test_older_shipped_generation_changes_nothing),
        cmocka_unit_test(test_app_upgrade_and_downgrade),
        cmocka_unit_test(test_shipped_with_newer_root_but_older_targets),
        cmocka_unit_test(test_two_processes_never_write_over_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
