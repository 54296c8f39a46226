/* SPDX-License-Identifier: Apache-2.0 */
/* Which connections are reported, how often, and what becomes of a report that cannot be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define COLLECTOR "https://collector.example/v1/reports"
static const struct pintle_bytes nothing = {NULL, 0};

static void begin(struct fixture *fixture, int sample_per_mille)
{
    struct sim *sim = fixture_sim(HOST);

    sim->charter.sample_per_mille = sample_per_mille;
    sim_add_collector(sim, COLLECTOR);
    sim_publish(sim);
    fixture_init(fixture, sim);
    assert_int_equal(pintle_config_require_host(fixture->config, "required.example.com"), PINTLE_OK);
    assert_int_equal(pintle_config_set_unlisted(fixture->config, PINTLE_UNLISTED_REFUSE), PINTLE_OK);
    fixture_start(fixture);
    fixture_refresh(fixture);
    fixture_forget_events(fixture);
}

static void queued(struct fixture *fixture, const char *want)
{
    assert_string_equal(fixture_info(fixture, "reports_queued"), want);
}

/* What matched is nobody's business; a host that the charter does not list must not be named to its collector. */
static void test_what_is_not_reported(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    fixture_accepts(&fixture, HOST, 1);
    assert_int_equal(fixture.events[PINTLE_EVENT_REFUSED], 0);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORT_ONLY], 0);
    assert_int_equal(fixture_check(&fixture, "private.example.net", 1).reason, PINTLE_REASON_UNLISTED_REFUSED);
    assert_int_equal(fixture_check(&fixture, "required.example.com", 1).reason, PINTLE_REASON_REQUIRED_UNKNOWN);
    assert_int_equal(fixture.events[PINTLE_EVENT_REFUSED], 2); /* the application hears of it */
    queued(&fixture, "0");
    fixture_refuses(&fixture, HOST, 2);
    queued(&fixture, "1");
    fixture_clear(&fixture);
}

/* Of a thousand different failures about so many are reported; refused they all are. */
static void test_sampling(void **state)
{
    static const struct {
        int per_mille;
        size_t low, high;
    } cases[] = {{0, 0, 0}, {100, 60, 140}, {1000, 1000, 1000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI | PINTLE_OF_CERT};
        struct fixture fixture;
        size_t posted = 0;

        begin(&fixture, cases[i].per_mille);
        for (unsigned n = 0; n < 1000; n++) {
            struct pintle_verdict verdict;

            evidence.spki[0][0] = (uint8_t)n;
            evidence.spki[0][1] = (uint8_t)(n >> 8);
            assert_int_not_equal(pintle_checker_check(fixture.checker, HOST, &evidence, &verdict), PINTLE_OK);
            assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
        }
        while (sim_posted(fixture.sim, posted).data != NULL)
            posted++;
        assert_in_range(posted, cases[i].low, cases[i].high);
        fixture_clear(&fixture);
    }
}

static void test_report_that_cannot_be_sent(void **state)
{
    static const struct {
        const char *name;
        enum sim_answer answer;
        int http_status;
        enum pintle_status want;
        const char *left;
        unsigned dropped;
    } cases[] = {
        {"no network", SIM_FAIL, 0, PINTLE_ERR_NETWORK, "1", 0},
        {"overloaded", SIM_STATUS, 503, PINTLE_ERR_NETWORK, "1", 0},
        {"later", SIM_STATUS, 429, PINTLE_ERR_NETWORK, "1", 0},
        {"timed out", SIM_STATUS, 408, PINTLE_ERR_NETWORK, "1", 0},
        {"refused", SIM_STATUS, 400, PINTLE_OK, "0", 1}, /* asking again would not help */
        {"gone", SIM_STATUS, 404, PINTLE_OK, "0", 1},
        {"moved", SIM_STATUS, 302, PINTLE_OK, "0", 1},
        {"taken", SIM_STATUS, 200, PINTLE_OK, "0", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture;
        enum pintle_status status;

        begin(&fixture, 1000);
        fixture_refuses(&fixture, HOST, 2);
        sim_override(fixture.sim, COLLECTOR, cases[i].answer, cases[i].http_status, nothing);
        status = pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS);
        if (status != cases[i].want || strcmp(fixture_info(&fixture, "reports_queued"), cases[i].left) != 0 ||
            fixture.events[PINTLE_EVENT_REPORTS_DROPPED] != cases[i].dropped)
            fail_msg("%s: %s, %s left", cases[i].name, pintle_status_name(status),
                     fixture_info(&fixture, "reports_queued"));
        fixture_clear(&fixture);
    }
}

/* A report dropped because the queue was full is not remembered as told: with room again it is. */
static void test_dropped_report_may_come_again(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    for (unsigned seed = 2; seed < 2 + PTI_REPORTS_MAX + 1; seed++)
        (void)fixture_check(&fixture, HOST, (uint8_t)seed);
    queued(&fixture, "64");
    assert_string_equal(fixture_info(&fixture, "reports_dropped"), "1");
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    (void)fixture_check(&fixture, HOST, 2); /* told before */
    queued(&fixture, "0");
    (void)fixture_check(&fixture, HOST, 2 + PTI_REPORTS_MAX); /* dropped before */
    queued(&fixture, "1");
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_reported),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_report_that_cannot_be_sent),
        cmocka_unit_test(test_dropped_report_may_come_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
