/* SPDX-License-Identifier: Apache-2.0 */
/* A network attacker without keys: replays, cuts, alters, blocks.  The last good pins must stay, and the reason be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"
#include "tuf/container.h"

#define HOST "api.example.com"
static const struct pintle_bytes nothing = {NULL, 0};

/* Key 1 published and taken by the client. */
/* Key 2 instead of key 1. */
static void publish_second(struct fixture *fixture)
{
    sim_add_pin(fixture->sim, HOST, 2);
    sim_remove_pin(fixture->sim, HOST, 1);
    sim_publish(fixture->sim);
}

static void still_pins_first(struct fixture *fixture)
{
    fixture_accepts(fixture, HOST, 1);
    fixture_refuses(fixture, HOST, 2);
    fixture_start(fixture);
    fixture_accepts(fixture, HOST, 1);
    fixture_refuses(fixture, HOST, 2);
}

static void test_rollback(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    old = sim_save(fixture.sim);
    publish_second(&fixture);
    fixture_refresh(&fixture);
    sim_serve(fixture.sim, old);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "rollback");
    assert_int_equal(fixture.events[PINTLE_EVENT_REJECTED], 1);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

static void test_freeze_is_noticed_when_the_timestamp_expires(void **state)
{
    struct fixture fixture;
    struct sim_files *old;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    old = sim_save(fixture.sim);
    publish_second(&fixture);
    sim_serve(fixture.sim, old);
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    sim_advance(fixture.sim, 4 * SIM_DAY);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expired");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    assert_int_equal(fixture.events[PINTLE_EVENT_STALE], 1);
    still_pins_first(&fixture);
    fixture_clear(&fixture);
}

static void test_altered_files(void **state)
{
    static const struct {
        const char *path; /* NULL: the current body */
        enum sim_answer answer;
        enum pintle_status want;
        const char *text;
    } cases[] = {
        {"head/1", SIM_CUT, PINTLE_ERR_NETWORK, "head"},
        {"head/1", SIM_FAIL, PINTLE_ERR_NETWORK, "head/1"},
        {"body/*", SIM_CUT, PINTLE_ERR_NETWORK, "body"},
        {"body/*", SIM_FAIL, PINTLE_ERR_NETWORK, "body"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;

        fixture_begin(&fixture, fixture_sim(HOST));
        publish_second(&fixture);
        sim_override(fixture.sim, cases[i].path, cases[i].answer, 0, nothing);
        fixture_refresh_fails(&fixture, cases[i].want, cases[i].text);
        still_pins_first(&fixture);
        sim_override_clear(fixture.sim);
        fixture_refresh(&fixture);
        fixture_accepts(&fixture, HOST, 2);
        fixture_clear(&fixture);
    }
}

/* Every single byte of head and body, changed, is noticed: nothing but the right bytes is ever applied. */
static void test_any_flipped_byte_is_rejected(void **state)
{
    static const char *const kinds[] = {"head", "body"};
    struct fixture fixture;
    char path[128];

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        struct pintle_bytes right;
        uint8_t *copy;

        fixture_begin(&fixture, fixture_sim(HOST));
        publish_second(&fixture);
        if (k == 0)
            sim_head_path(fixture.sim, 1, path);
        else
            sim_body_path(fixture.sim, path);
        right = sim_current(fixture.sim, path);
        copy = malloc(right.size);
        assert_non_null(copy);
        for (size_t at = 0; at < right.size; at += 7) {
            enum pintle_status status;

            memcpy(copy, right.data, right.size);
            copy[at] ^= 0x20;
            sim_override_clear(fixture.sim);
            sim_override(fixture.sim, path, SIM_BYTES, 0, (struct pintle_bytes){copy, right.size});
            status = pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS);
            if (status == PINTLE_OK)
                fail_msg("%s with byte %zu changed was taken", kinds[k], at);
            fixture_accepts(&fixture, HOST, 1);
        }
        free(copy);
        fixture_clear(&fixture);
    }
}

static void test_endless_data(void **state)
{
    struct fixture fixture;
    uint8_t *endless = calloc(1, PTI_HEAD_SIZE_MAX + 1);

    (void)state;
    assert_non_null(endless);
    fixture_begin(&fixture, fixture_sim(HOST));
    publish_second(&fixture);
    sim_override(fixture.sim, "head/1", SIM_BYTES, 0, (struct pintle_bytes){endless, PTI_HEAD_SIZE_MAX + 1});
    assert_int_not_equal(pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    still_pins_first(&fixture);
    free(endless);
    fixture_clear(&fixture);
}

static void test_redirects_and_errors_are_failures(void **state)
{
    static const int statuses[] = {204, 301, 302, 307, 400, 401, 500, 503};
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    publish_second(&fixture);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        sim_override_clear(fixture.sim);
        sim_override(fixture.sim, "head/1", SIM_STATUS, statuses[i], nothing);
        fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "HTTP status");
    }
    still_pins_first(&fixture);
    fixture_clear(&fixture);
}

static void test_half_an_update_then_block_then_restart(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    sim_rotate(fixture.sim, SIM_ROOT); /* the attacker lets this root through ... */
    sim_rotate(fixture.sim, SIM_TIMESTAMP);
    publish_second(&fixture);
    sim_override(fixture.sim, "body/*", SIM_FAIL, 0, nothing); /* ... and blocks the rest */
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "body");
    assert_string_equal(fixture_info(&fixture, "root"), "3");
    assert_string_equal(fixture_info(&fixture, "state"), "stale");
    still_pins_first(&fixture);
    assert_string_equal(fixture_info(&fixture, "root"), "3"); /* the intermediate roots were kept */
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

static void test_every_point_of_blocking(void **state)
{
    (void)state;
    for (int requests = 0; requests < 3; requests++) {
        struct fixture fixture;

        fixture_begin(&fixture, fixture_sim(HOST));
        sim_rotate(fixture.sim, SIM_ROOT);
        publish_second(&fixture);
        sim_fail_after(fixture.sim, requests);
        if (pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS) == PINTLE_OK)
            fixture_accepts(&fixture, HOST, 2);
        else
            still_pins_first(&fixture);
        sim_fail_after(fixture.sim, -1);
        fixture_refresh(&fixture);
        fixture_accepts(&fixture, HOST, 2);
        fixture_clear(&fixture);
    }
}

static void test_skipped_root(void **state)
{
    struct fixture fixture;
    struct pti_container head;
    struct pti_buf forged;
    char path[128];

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    sim_rotate(fixture.sim, SIM_ROOT);
    sim_rotate(fixture.sim, SIM_ROOT);
    sim_head_path(fixture.sim, 1, path);
    assert_int_equal(pti_container_parse(sim_current(fixture.sim, path), &head, NULL), PINTLE_OK);
    assert_int_equal(head.count, 3);
    pti_buf_init(&forged, 1000000);
    pti_container_write_begin(&forged, 2);
    pti_container_write_entry(&forged, "2.root.json", head.entries[1].data); /* the bytes of root 3 */
    pti_container_write_entry(&forged, "timestamp.json", head.entries[2].data);
    sim_override(fixture.sim, path, SIM_BYTES, 0, pti_buf_bytes(&forged));
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expected version 2, found 3");
    still_pins_first(&fixture);
    pti_buf_clear(&forged);
    pti_container_clear(&head);
    fixture_clear(&fixture);
}

static void test_root_of_another_repository(void **state)
{
    struct fixture fixture;
    struct sim *other = sim_new();
    struct sim_files *foreign;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    other->repository = "other";
    sim_add_host(other, HOST, "main");
    sim_add_pin(other, HOST, 2);
    sim_publish(other);
    sim_rotate(other, SIM_ROOT);
    foreign = sim_save(other);
    sim_serve(fixture.sim, foreign);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "root");
    still_pins_first(&fixture);
    sim_serve(fixture.sim, NULL);
    sim_free(other);
    fixture_clear(&fixture);
}

/* Two repositories of one owner share their root keys; TUF alone would accept each other's next root. */
static void test_same_keys_but_another_repository_name(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    fixture.sim->repository = "another-app";
    sim_publish_root(fixture.sim);
    publish_second(&fixture);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "another-app");
    still_pins_first(&fixture);
    fixture_clear(&fixture);
}

static void test_body_that_leaves_a_zone_out_is_repaired(void **state)
{
    struct fixture fixture;
    struct pti_container body;
    struct pti_buf cut;
    char path[128];

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    sim_add_zone(fixture.sim, "payments");
    sim_add_host(fixture.sim, "pay.example.com", "payments");
    sim_add_pin(fixture.sim, "pay.example.com", 3);
    publish_second(&fixture);
    sim_body_path(fixture.sim, path);
    assert_int_equal(pti_container_parse(sim_current(fixture.sim, path), &body, NULL), PINTLE_OK);
    pti_buf_init(&cut, 1000000);
    pti_container_write_begin(&cut, (uint32_t)body.count - 2);
    for (size_t i = 0; i + 2 < body.count; i++) {
        char name[300];

        (void)snprintf(name, sizeof name, "%.*s", (int)body.entries[i].path.size,
                       (const char *)body.entries[i].path.data);
        pti_container_write_entry(&cut, name, body.entries[i].data);
    }
    sim_override(fixture.sim, path, SIM_BYTES, 0, pti_buf_bytes(&cut));
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, SIM_URL "body: a failed transfer");
    still_pins_first(&fixture);
    sim_override_clear(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_accepts(&fixture, "pay.example.com", 3);
    pti_buf_clear(&cut);
    pti_container_clear(&body);
    fixture_clear(&fixture);
}

/* An old head keeps a client at an old timestamp, which is lag and no attack; it must not be rolled back by it. */
static void test_cached_head_is_lag(void **state)
{
    struct fixture fixture;
    struct sim_files *cached;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    publish_second(&fixture);
    cached = sim_save(fixture.sim);
    fixture_refresh(&fixture);
    sim_serve(fixture.sim, cached);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

static void test_bad_timestamp_does_not_block_later_ones(void **state)
{
    struct fixture fixture;

    (void)state;
    fixture_begin(&fixture, fixture_sim(HOST));
    fixture.sim->expires_days[SIM_TIMESTAMP] = -1; /* CVE-2025-2888: a rejected timestamp must not be kept */
    publish_second(&fixture);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expired");
    fixture.sim->expires_days[SIM_TIMESTAMP] = 3;
    fixture.sim->timestamp_version = 1;
    sim_publish_timestamp(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rollback),
        cmocka_unit_test(test_freeze_is_noticed_when_the_timestamp_expires),
        cmocka_unit_test(test_altered_files),
        cmocka_unit_test(test_any_flipped_byte_is_rejected),
        cmocka_unit_test(test_endless_data),
        cmocka_unit_test(test_redirects_and_errors_are_failures),
        cmocka_unit_test(test_half_an_update_then_block_then_restart),
        cmocka_unit_test(test_every_point_of_blocking),
        cmocka_unit_test(test_skipped_root),
        cmocka_unit_test(test_root_of_another_repository),
        cmocka_unit_test(test_same_keys_but_another_repository_name),
        cmocka_unit_test(test_body_that_leaves_a_zone_out_is_repaired),
        cmocka_unit_test(test_cached_head_is_lag),
        cmocka_unit_test(test_bad_timestamp_does_not_block_later_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
