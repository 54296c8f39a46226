/* SPDX-License-Identifier: Apache-2.0 */
/* The updater on good days: what it fetches, what it applies, how few requests it needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"

/* A repository with one host and key 1, published, and a started client. */
static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    sim_publish(sim);
    fixture_init(fixture, sim);
    fixture_start(fixture);
}

static void test_first_refresh_takes_two_requests(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_requests_reset(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(sim_requests(fixture.sim, "head/1"), 1);
    assert_int_equal(sim_requests(fixture.sim, "body/*"), 1);
    assert_int_equal(sim_requests(fixture.sim, "*"), 2);
    fixture_accepts(&fixture, HOST, 1);
    fixture_refuses(&fixture, HOST, 2);
    assert_string_equal(fixture_info(&fixture, "state"), "fresh");
    assert_int_equal(fixture.events[PINTLE_EVENT_APPLIED], 1);
    fixture_clear(&fixture);
}

static void test_up_to_date_takes_one_request(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture_refresh(&fixture);
    sim_publish_timestamp(fixture.sim);
    sim_requests_reset(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(sim_requests(fixture.sim, "*"), 1);
    assert_int_equal(fixture.events[PINTLE_EVENT_UP_TO_DATE], 1);
    assert_string_equal(fixture_info(&fixture, "timestamp"), "2");
    fixture_clear(&fixture);
}

static void test_unchanged_timestamp_writes_nothing(void **state)
{
    struct fixture fixture;
    size_t saves;

    (void)state;
    begin(&fixture);
    fixture_refresh(&fixture);
    saves = sim_store_saves(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(sim_store_saves(fixture.sim), saves);
    fixture_clear(&fixture);
}

static void test_new_pin_arrives_and_old_one_goes(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture_refresh(&fixture);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_remove_pin(fixture.sim, HOST, 1);
    sim_publish(fixture.sim);
    fixture_accepts(&fixture, HOST, 1);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 1);
    fixture_start(&fixture); /* a withdrawal survives a restart */
    fixture_refuses(&fixture, HOST, 1);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

static void test_plain_files_without_head_and_body(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_override(fixture.sim, "head/*", SIM_STATUS, 404, (struct pintle_bytes){NULL, 0});
    sim_override(fixture.sim, "body/*", SIM_STATUS, 404, (struct pintle_bytes){NULL, 0});
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    sim_rotate(fixture.sim, SIM_ROOT);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    assert_string_equal(fixture_info(&fixture, "root"), "2");
    fixture_clear(&fixture);
}

static void test_client_older_than_the_oldest_head_catches_up(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    for (int i = 0; i < 5; i++)
        sim_rotate(fixture.sim, SIM_ROOT);
    sim_override(fixture.sim, "head/1", SIM_STATUS, 403, (struct pintle_bytes){NULL, 0});
    fixture_refresh(&fixture);
    assert_string_equal(fixture_info(&fixture, "root"), "6");
    sim_requests_reset(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(sim_requests(fixture.sim, "head/6"), 1);
    assert_int_equal(sim_requests(fixture.sim, "*"), 1);
    fixture_clear(&fixture);
}

static void test_ten_roots_in_one_head(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    for (int i = 0; i < 10; i++)
        sim_rotate(fixture.sim, i % 2 == 0 ? SIM_ROOT : SIM_TIMESTAMP);
    sim_requests_reset(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(sim_requests(fixture.sim, "*"), 2);
    assert_string_equal(fixture_info(&fixture, "root"), "11");
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

static void test_every_key_rotated_at_once(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture_refresh(&fixture);
    for (int role = 0; role < SIM_ROLES; role++)
        sim_new_keys(fixture.sim, (enum sim_role)role, PTI_KEY_ECDSA_P256, 2, 2);
    sim_rotate_zone_keys(fixture.sim, "main");
    sim_publish_root(fixture.sim);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_start(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

static void test_second_copy_serves_when_the_first_fails(void **state)
{
    struct fixture fixture;
    struct sim *sim = sim_new();

    (void)state;
    sim_add_host(sim, HOST, "main");
    sim_add_pin(sim, HOST, 1);
    sim_publish(sim);
    fixture_init(&fixture, sim);
    assert_int_equal(pintle_config_add_url(fixture.config, "https://mirror.example/"), PINTLE_OK);
    sim_override(sim, "https://sim.example/*", SIM_FAIL, 0, (struct pintle_bytes){NULL, 0});
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    assert_int_equal(sim_requests(sim, "head/1"), 2); /* one for each copy */
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

static void test_header_names_what_the_client_holds(void **state)
{
    struct fixture fixture;
    char text[128];

    (void)state;
    begin(&fixture);
    assert_int_equal(pintle_client_header(fixture.client, HOST, text, sizeof text), 0);
    fixture_refresh(&fixture);
    (void)pintle_client_header(fixture.client, "API.example.com.", text, sizeof text);
    assert_string_equal(text, "charter=1,main=1;d=1;w=1");
    (void)pintle_client_header(fixture.client, "other.example.com", text, sizeof text);
    assert_string_equal(text, "charter=1;d=1;w=1");
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    (void)pintle_client_header(fixture.client, HOST, text, sizeof text);
    assert_string_equal(text, "charter=1,main=2");
    fixture_clear(&fixture);
}

static void test_subdomains_and_two_zones(void **state)
{
    struct fixture fixture;
    struct sim *sim = sim_new();

    (void)state;
    sim_add_zone(sim, "payments");
    sim_add_host(sim, "example.com", "main")->subdomains = true;
    sim_add_host(sim, "pay.example.com", "payments");
    sim_add_pin(sim, "example.com", 1);
    sim_add_pin(sim, "pay.example.com", 2);
    sim_publish(sim);
    fixture_init(&fixture, sim);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, "a.b.example.com", 1);
    fixture_refuses(&fixture, "a.b.example.com", 2);
    fixture_accepts(&fixture, "pay.example.com", 2);
    fixture_refuses(&fixture, "pay.example.com", 1);
    fixture_accepts(&fixture, "x.pay.example.com", 1); /* its nearest covering parent is example.com */
    fixture_clear(&fixture);
}

static void test_released_host_is_unlisted_afterwards(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture_refresh(&fixture);
    sim_release_host(fixture.sim, HOST);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(fixture_check(&fixture, HOST, 9).reason, PINTLE_REASON_UNLISTED);
    fixture_clear(&fixture);
}

static void test_misuse_is_told(void **state)
{
    struct pintle_config *config;
    struct pintle_client *client;

    (void)state;
    assert_int_equal(pintle_config_new(&config), PINTLE_OK);
    assert_int_equal(pintle_client_new(config, &client), PINTLE_ERR_MISUSE);
    assert_null(client);
    assert_non_null(strstr(pintle_config_error(config), "pintle_config_set_roots"));
    assert_int_equal(pintle_config_set_roots_mem(config, pti_bytes_text("x")), PINTLE_OK);
    assert_int_equal(pintle_client_new(config, &client), PINTLE_ERR_MISUSE);
    assert_non_null(strstr(pintle_config_error(config), "pintle_config_set_crypto"));
    assert_int_equal(pintle_config_add_url(config, "ftp://x/"), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_config_add_url(config, "https://user@x/"), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_config_add_url(config, "https://x/?q"), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_config_require_host(config, "no host"), PINTLE_ERR_INPUT);
    assert_int_equal(pintle_config_set_stale(config, -1), PINTLE_ERR_MISUSE);
    pintle_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_refresh_takes_two_requests),
        cmocka_unit_test(test_up_to_date_takes_one_request),
        cmocka_unit_test(test_unchanged_timestamp_writes_nothing),
        cmocka_unit_test(test_new_pin_arrives_and_old_one_goes),
        cmocka_unit_test(test_plain_files_without_head_and_body),
        cmocka_unit_test(test_client_older_than_the_oldest_head_catches_up),
        cmocka_unit_test(test_ten_roots_in_one_head),
        cmocka_unit_test(test_every_key_rotated_at_once),
        cmocka_unit_test(test_second_copy_serves_when_the_first_fails),
        cmocka_unit_test(test_header_names_what_the_client_holds),
        cmocka_unit_test(test_subdomains_and_two_zones),
        cmocka_unit_test(test_released_host_is_unlisted_afterwards),
        cmocka_unit_test(test_misuse_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
