/* SPDX-License-Identifier: Apache-2.0 */
/* The header that tells which pins a fleet holds: what it says, and when a request is the first of its day or week. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client/adoption.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define SHOP "shop.example.com"
static const struct pintle_bytes nothing = {NULL, 0};

static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    (void)sim_add_zone(sim, "shop");
    sim_add_host(sim, SHOP, "shop");
    sim_add_pin(sim, SHOP, 1);
    sim_publish(sim);
    fixture_init(fixture, sim);
    assert_int_equal(pintle_config_set_app(fixture->config, "com.example.bank", "1.2 beta;3"), PINTLE_OK);
    assert_int_equal(pintle_config_set_platform(fixture->config, "android", "14"), PINTLE_OK);
    fixture_start(fixture);
    fixture_refresh(fixture);
}

static const char *header(struct fixture *fixture, const char *host)
{
    static char text[256];

    assert_in_range(pintle_client_header(fixture->client, host, text, sizeof text), 0, sizeof text - 1);
    return text;
}

static void test_first_of_day_and_week(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_string_equal(header(&fixture, HOST), "charter=1,main=1;d=1;w=1");
    assert_string_equal(header(&fixture, HOST), "charter=1,main=1");
    assert_string_equal(header(&fixture, SHOP), "charter=1,shop=1;d=1;w=1"); /* each zone's log counts by itself */
    assert_string_equal(header(&fixture, "unlisted.example.com"), "charter=1;d=1;w=1");
    assert_string_equal(header(&fixture, "unlisted.example.org"), "charter=1");
    fixture_start(&fixture); /* a restart counts nothing again */
    assert_string_equal(header(&fixture, HOST), "charter=1,main=1");
    for (int day = 1; day <= 14; day++) {
        int64_t before = sim_now(fixture.sim) / SIM_DAY;
        bool monday;

        sim_advance(fixture.sim, SIM_DAY);
        monday = (before + 1 + 3) % 7 == 0; /* day 0 was a Thursday */
        assert_string_equal(header(&fixture, HOST), monday ? "charter=1,main=1;d=1;w=1" : "charter=1,main=1;d=1");
        assert_string_equal(header(&fixture, HOST), "charter=1,main=1");
    }
    fixture_clear(&fixture);
}

/* Who asks for the length alone sends nothing. */
static void test_a_call_that_cannot_send_does_not_count(void **state)
{
    struct fixture fixture;
    char text[64];

    (void)state;
    begin(&fixture);
    assert_int_equal(pintle_client_header(fixture.client, HOST, NULL, 0), strlen("charter=1,main=1;d=1;w=1"));
    assert_int_equal(pintle_client_header(fixture.client, HOST, text, strlen("charter=1,main=1") + 1),
                     strlen("charter=1,main=1;d=1;w=1"));
    assert_string_equal(text, "charter=1,main=1");
    assert_int_equal(pintle_client_header(fixture.client, HOST, text, strlen("charter=1,main=1;d=1;w=1") + 1),
                     strlen("charter=1,main=1;d=1;w=1"));
    assert_string_equal(text, "charter=1,main=1;d=1;w=1");
    assert_int_equal(pintle_client_header(fixture.client, NULL, text, sizeof text), 0);
    fixture_clear(&fixture);
}

/* Two processes on one store are one device. */
static void test_two_clients_on_one_store_count_once(void **state)
{
    struct pintle_client *other;
    struct fixture fixture;
    char text[256];

    (void)state;
    begin(&fixture);
    assert_int_equal(pintle_client_new(fixture.config, &other), PINTLE_OK);
    (void)pintle_client_header(other, HOST, text, sizeof text);
    assert_string_equal(text, "charter=1,main=1;d=1;w=1");
    assert_string_equal(header(&fixture, HOST), "charter=1,main=1");
    sim_advance(fixture.sim, SIM_DAY);
    assert_non_null(strstr(header(&fixture, HOST), ";d=1"));
    (void)pintle_client_header(other, HOST, text, sizeof text);
    assert_string_equal(text, "charter=1,main=1");
    pintle_client_free(other);
    fixture_clear(&fixture);
}

/* A clock that goes back and forth counts nothing twice; one that was years ahead counts again after a poll, in time. */
static void test_clock_changes_do_not_multiply(void **state)
{
    struct fixture fixture;
    int64_t now;
    int counted = 0;

    (void)state;
    begin(&fixture);
    now = sim_now(fixture.sim);
    for (int i = 0; i < 50; i++) {
        sim_set_wall_clock(fixture.sim, i % 2 == 0 ? now : now - 3 * SIM_DAY);
        counted += strstr(header(&fixture, HOST), ";d=1") != NULL;
    }
    assert_int_equal(counted, 1);
    for (int i = 0; i < 50; i++) {
        sim_set_wall_clock(fixture.sim, i % 2 == 0 ? now + 1000 * SIM_DAY : now);
        counted += strstr(header(&fixture, HOST), ";d=1") != NULL;
    }
    assert_in_range(counted, 2, 3); /* the jump itself, and once more after the mark was set back */
    sim_set_wall_clock(fixture.sim, now);
    for (int day = 0; day < 60; day++) {
        sim_advance(fixture.sim, SIM_DAY);
        sim_publish(fixture.sim);
        fixture_refresh(&fixture);
        counted += strstr(header(&fixture, HOST), ";d=1") != NULL;
    }
    assert_in_range(counted, 30, 63); /* it counts again within a month */
    fixture_clear(&fixture);
}

static void test_set_back_only_when_confirmed_and_rarely(void **state)
{
    struct pti_adoption adoption = {.count = 0};
    bool changed;

    (void)state;
    assert_int_equal(pti_adoption_count(&adoption, "a", 20000, true, &changed), PTI_ADOPTION_DAY | PTI_ADOPTION_WEEK);
    assert_true(changed);
    assert_int_equal(pti_adoption_count(&adoption, "a", 19000, false, &changed), 0);
    assert_false(changed);
    assert_int_equal(pti_adoption_count(&adoption, "a", 19993, true, &changed), 0); /* a week: it will get there */
    assert_false(changed);
    assert_int_equal(pti_adoption_count(&adoption, "a", 19000, true, &changed), 0);
    assert_true(changed);
    assert_int_equal(pti_adoption_mark(&adoption, "a"), 19000);
    assert_int_equal(pti_adoption_count(&adoption, "a", 20000, true, &changed), PTI_ADOPTION_DAY | PTI_ADOPTION_WEEK);
    assert_int_equal(pti_adoption_count(&adoption, "a", 19001, true, &changed), 0);
    assert_false(changed); /* not again within thirty days */
}

/* What cannot be remembered is not counted; the application is told once, and the store is left alone for a minute. */
static void test_a_store_that_fails(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture_forget_events(&fixture);
    sim_store_fail_notes(fixture.sim, true);
    for (int i = 0; i < 10; i++) {
        assert_string_equal(header(&fixture, HOST), "charter=1,main=1");
        sim_advance(fixture.sim, 61);
    }
    assert_int_equal(fixture.events[PINTLE_EVENT_STORAGE], 1);
    sim_store_fail_notes(fixture.sim, false);
    assert_string_equal(header(&fixture, HOST), "charter=1,main=1;d=1;w=1");
    fixture_clear(&fixture);
}

/* Damage is told and begun anew; it stops nothing. */
static void test_damage(void **state)
{
    static const char *const damaged[] = {
        "",
        "[]",
        "{\"v\":1}",
        "{\"v\":2,\"set_back\":0,\"marks\":[]}",
        "{\"v\":1,\"set_back\":0,\"marks\":[{\"zone\":\"main\",\"day\":-2}]}",
        "{\"v\":1,\"set_back\":0,\"marks\":[{\"zone\":\"main\",\"day\":1},{\"zone\":\"main\",\"day\":2}]}",
        "{\"v\":1,\"set_back\":0,\"marks\":[{\"zone\":\"a\\u0000b\",\"day\":1}]}",
        "{\"v\":1,\"set_back\":0,\"marks\":[7]}",
    };

    (void)state;
    for (size_t i = 1; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct fixture fixture;

        begin(&fixture);
        assert_string_equal(header(&fixture, HOST), "charter=1,main=1;d=1;w=1");
        sim_store_put(fixture.sim, PTI_STORE_ADOPTION, pti_bytes_text(damaged[i]));
        fixture_start(&fixture);
        fixture_forget_events(&fixture);
        assert_string_equal(header(&fixture, HOST), "charter=1,main=1;d=1;w=1");
        assert_int_equal(fixture.events[PINTLE_EVENT_STORAGE], 1);
        assert_string_equal(header(&fixture, HOST), "charter=1,main=1");
        fixture_clear(&fixture);
    }
}

static void test_table_of_marks_is_bounded(void **state)
{
    struct pti_adoption adoption = {.count = 0}, read;
    struct pti_error error;
    struct pti_buf text;
    bool changed;
    char zone[16];

    (void)state;
    for (int i = 0; i < 3 * PTI_ADOPTION_MARKS_MAX; i++) {
        (void)snprintf(zone, sizeof zone, "zone%d", i);
        assert_int_not_equal(pti_adoption_count(&adoption, zone, 20000 + i, false, &changed), 0);
    }
    assert_int_equal(adoption.count, PTI_ADOPTION_MARKS_MAX);
    assert_int_equal(pti_adoption_mark(&adoption, zone), 20000 + 3 * PTI_ADOPTION_MARKS_MAX - 1);
    assert_int_equal(pti_adoption_mark(&adoption, "zone0"), -1);
    pti_buf_init(&text, PTI_ADOPTION_SIZE_MAX);
    pti_adoption_write(&adoption, &text);
    assert_int_equal(pti_adoption_parse(pti_buf_bytes(&text), &read, &error), PINTLE_OK);
    assert_int_equal(read.count, adoption.count);
    assert_int_equal(pti_adoption_mark(&read, zone), pti_adoption_mark(&adoption, zone));
    pti_buf_clear(&text);
}

/* The client's own polls: what it holds, what it is, and the flags on the one request that counts. */
static void test_polls_can_be_counted(void **state)
{
    const char *plain = "charter=1,main=1,shop=1;app=com.example.bank/1.2_beta_3;os=android/14";
    struct fixture fixture;
    char flagged[200];

    (void)state;
    begin(&fixture);
    assert_string_equal(sim_request_header(fixture.sim, 0), "charter=0;app=com.example.bank/1.2_beta_3;os=android/14"
                                                            ";d=1;w=1");
    assert_string_equal(sim_request_header(fixture.sim, 1), "charter=0;app=com.example.bank/1.2_beta_3;os=android/14");
    sim_requests_reset(fixture.sim);
    fixture_refresh(&fixture);
    assert_string_equal(sim_request_header(fixture.sim, 0), plain);
    sim_advance(fixture.sim, SIM_DAY);
    sim_requests_reset(fixture.sim);
    sim_override(fixture.sim, "*", SIM_FAIL, 0, nothing); /* reaches nobody: the next one counts */
    assert_int_equal(pintle_client_refresh(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_ERR_NETWORK);
    sim_override_clear(fixture.sim);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    (void)snprintf(flagged, sizeof flagged, "%s;d=1", plain);
    if (strstr(sim_request_header(fixture.sim, 1), ";w=1") != NULL)
        (void)snprintf(flagged, sizeof flagged, "%s;d=1;w=1", plain);
    assert_string_equal(sim_request_header(fixture.sim, 0), flagged);
    assert_string_equal(sim_request_header(fixture.sim, 1), flagged);
    assert_string_equal(sim_request_header(fixture.sim, 2), plain); /* the body: from what it held to what it gets */
    fixture_clear(&fixture);
}

static void test_the_header_of_polls_is_bounded(void **state)
{
    struct fixture fixture;
    struct sim *sim = fixture_sim(HOST);
    char zone[64];

    (void)state;
    for (int i = 0; i < 40; i++) {
        (void)snprintf(zone, sizeof zone, "a-rather-long-name-of-a-zone-that-some-team-has-chosen-%d", i);
        (void)sim_add_zone(sim, zone);
    }
    sim_publish(sim);
    fixture_init(&fixture, sim);
    memset(zone, 'x', 63);
    zone[63] = '\0';
    assert_int_equal(pintle_config_set_app(fixture.config, zone, zone), PINTLE_OK);
    assert_int_equal(pintle_config_set_platform(fixture.config, zone, zone), PINTLE_OK);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    sim_advance(fixture.sim, SIM_DAY * 7);
    sim_publish(fixture.sim);
    sim_requests_reset(fixture.sim);
    fixture_refresh(&fixture);
    assert_in_range(strlen(sim_request_header(fixture.sim, 0)), 900, 1023);
    assert_non_null(strstr(sim_request_header(fixture.sim, 0), ";d=1;w=1"));
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_of_day_and_week),
        cmocka_unit_test(test_a_call_that_cannot_send_does_not_count),
        cmocka_unit_test(test_two_clients_on_one_store_count_once),
        cmocka_unit_test(test_clock_changes_do_not_multiply),
        cmocka_unit_test(test_set_back_only_when_confirmed_and_rarely),
        cmocka_unit_test(test_a_store_that_fails),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_table_of_marks_is_bounded),
        cmocka_unit_test(test_polls_can_be_counted),
        cmocka_unit_test(test_the_header_of_polls_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
