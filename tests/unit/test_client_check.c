/* SPDX-License-Identifier: Apache-2.0 */
/* Checks through a client: healing, events, reports, required hosts, and threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "client/bucket.h"
#include "client_fixture.h"

#define HOST "api.example.com"
#define COLLECTOR "https://collector.example/v1/reports"
static const struct pintle_bytes nothing = {NULL, 0};

static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    sim_add_collector(sim, COLLECTOR);
    sim_publish(sim);
    fixture_init(fixture, sim);
    assert_int_equal(pintle_config_set_app(fixture->config, "com.example.bank", "1.2.3"), PINTLE_OK);
    fixture_start(fixture);
    fixture_refresh(fixture);
}

static void test_mismatch_heals(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_true(pintle_client_next_due(fixture.client) > 0);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    assert_int_equal(pintle_client_next_due(fixture.client), 0);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 2);
    fixture_clear(&fixture);
}

/* One host's bucket does not starve another's, and all together are bounded. */
static void test_buckets_are_per_host_and_bounded_together(void **state)
{
    struct pti_buckets buckets;
    unsigned taken = 0;
    char host[32];

    (void)state;
    pti_buckets_init(&buckets, 0);
    for (int i = 0; i < 100; i++)
        taken += pti_buckets_take(&buckets, "a", 0);
    assert_int_equal(taken, PTI_HEAL_HOST_TOKENS);
    assert_true(pti_buckets_take(&buckets, "b", 0));
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(host, sizeof host, "h%d", i);
        taken += pti_buckets_take(&buckets, host, 0);
    }
    assert_int_equal(taken + 1, PTI_HEAL_ALL_TOKENS);
    assert_false(pti_buckets_take(&buckets, "c", PTI_HEAL_REFILL_MS - 1));
    assert_true(pti_buckets_take(&buckets, "c", PTI_HEAL_REFILL_MS));
    assert_false(pti_buckets_take(&buckets, "c", PTI_HEAL_REFILL_MS));
}

static void test_peek_has_no_side_effects(void **state)
{
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI};
    struct pintle_verdict verdict;
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture_forget_events(&fixture);
    assert_int_equal(pintle_checker_peek(fixture.checker, HOST, &evidence, &verdict), PINTLE_ERR_PIN_MISMATCH);
    assert_true(pintle_client_next_due(fixture.client) > 0);
    assert_int_equal(fixture.events[PINTLE_EVENT_REFUSED], 0);
    assert_string_equal(fixture_info(&fixture, "reports_queued"), "0");
    fixture_clear(&fixture);
}

static void test_report_reaches_the_collector_once(void **state)
{
    struct pintle_bytes report, text;
    struct fixture fixture;
    struct pti_json *json;

    (void)state;
    begin(&fixture);
    for (int i = 0; i < 5; i++)
        fixture_refuses(&fixture, HOST, 66); /* one report in 24 hours */
    assert_string_equal(fixture_info(&fixture, "reports_queued"), "1");
    sim_override(fixture.sim, COLLECTOR, SIM_STATUS, 503, nothing);
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_ERR_NETWORK);
    assert_string_equal(fixture_info(&fixture, "reports_queued"), "1");
    sim_override_clear(fixture.sim);
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    assert_string_equal(fixture_info(&fixture, "reports_queued"), "0");
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORTS_SENT], 1);
    report = sim_posted(fixture.sim, 0);
    assert_int_equal(pti_json_parse(report, &json, NULL), PINTLE_OK);
    assert_true(pti_json_as_string(pti_json_member(pti_json_root(json), "host"), &text));
    assert_true(pti_bytes_equal_text(text, HOST));
    assert_true(pti_json_as_string(pti_json_member(pti_json_root(json), "reason"), &text));
    assert_true(pti_bytes_equal_text(text, "mismatch"));
    pti_json_free(json);
    sim_advance(fixture.sim, SIM_DAY + 1);
    fixture_refuses(&fixture, HOST, 66);
    assert_string_equal(fixture_info(&fixture, "reports_queued"), "1");
    fixture_clear(&fixture);
}

static void test_queue_of_reports_is_bounded(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    for (unsigned seed = 2; seed < 2 + PTI_REPORTS_MAX + 5; seed++)
        (void)fixture_check(&fixture, HOST, (uint8_t)seed);
    assert_string_equal(fixture_info(&fixture, "reports_queued"), "64");
    assert_string_equal(fixture_info(&fixture, "reports_dropped"), "5");
    fixture_clear(&fixture);
}

static void test_required_host(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_int_equal(pintle_config_require_host(fixture.config, "Must.Example.com."), PINTLE_OK);
    fixture_start(&fixture);
    assert_int_equal(fixture_check(&fixture, "must.example.com", 1).reason, PINTLE_REASON_REQUIRED_UNKNOWN);
    sim_add_host(fixture.sim, "must.example.com", "main")->mode = PINTLE_MODE_REPORT;
    sim_add_pin(fixture.sim, "must.example.com", 3);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, "must.example.com", 3);
    fixture_refuses(&fixture, "must.example.com", 4); /* a required host is never just reported */
    fixture_clear(&fixture);
}

static void test_report_mode_accepts_and_tells(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_add_host(fixture.sim, "new.example.com", "main")->mode = PINTLE_MODE_REPORT;
    sim_add_pin(fixture.sim, "new.example.com", 3);
    sim_publish(fixture.sim);
    fixture_refresh(&fixture);
    assert_int_equal(fixture_check(&fixture, "new.example.com", 4).reason, PINTLE_REASON_REPORT_ONLY);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORT_ONLY], 1);
    assert_string_equal(fixture_info(&fixture, "reports_queued"), "1");
    fixture_clear(&fixture);
}

static void test_checker_outlives_its_client(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    pintle_client_free(fixture.client);
    fixture.client = NULL;
    fixture_accepts(&fixture, HOST, 1);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_PIN_MISMATCH);
    fixture_clear(&fixture);
}

struct hammer {
    struct pintle_checker *checker;
    atomic_bool stop;
    atomic_uint wrong, checks;
};

/* Key 1 is pinned in every version: a check must never see anything but a match, whatever update is under way. */
static void *hammer(void *ctx)
{
    struct hammer *work = ctx;
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI};
    struct pintle_verdict verdict;

    memset(evidence.spki[0], 1, sizeof evidence.spki[0]);
    while (!atomic_load(&work->stop)) {
        if (pintle_checker_check(work->checker, HOST, &evidence, &verdict) != PINTLE_OK)
            atomic_fetch_add(&work->wrong, 1);
        atomic_fetch_add(&work->checks, 1);
    }
    return NULL;
}

static void test_checks_while_updates_run(void **state)
{
    struct hammer work = {.checker = NULL};
    struct fixture fixture;
    pthread_t threads[4];

    (void)state;
    begin(&fixture);
    work.checker = fixture.checker;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &work), 0);
    for (uint8_t i = 2; i < 30; i++) {
        sim_add_pin(fixture.sim, HOST, i);
        sim_publish(fixture.sim);
        fixture_refresh(&fixture);
    }
    while (atomic_load(&work.checks) < 1000)
        ;
    atomic_store(&work.stop, true);
    for (int i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&work.wrong), 0);
    fixture_clear(&fixture);
}

static void test_free_ends_a_blocked_refresh(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    sim_requests_reset(fixture.sim);
    sim_override(fixture.sim, "*", SIM_BLOCK, 0, nothing);
    fixture_start(&fixture);
    assert_int_equal(pintle_client_start(fixture.client), PINTLE_OK);
    assert_int_equal(pintle_client_start(fixture.client), PINTLE_ERR_MISUSE);
    while (sim_requests(fixture.sim, "*") == 0)
        ;                               /* the thread is in the transfer now */
    fixture_accepts(&fixture, HOST, 1); /* a check does not wait for it */
    fixture_clear(&fixture);            /* and this returns */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mismatch_heals),
        cmocka_unit_test(test_buckets_are_per_host_and_bounded_together),
        cmocka_unit_test(test_peek_has_no_side_effects),
        cmocka_unit_test(test_report_reaches_the_collector_once),
        cmocka_unit_test(test_queue_of_reports_is_bounded),
        cmocka_unit_test(test_required_host),
        cmocka_unit_test(test_report_mode_accepts_and_tells),
        cmocka_unit_test(test_checker_outlives_its_client),
        cmocka_unit_test(test_checks_while_updates_run),
        cmocka_unit_test(test_free_ends_a_blocked_refresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
