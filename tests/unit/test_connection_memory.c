/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at a connection while memory is short: a check needs none, a report may be lost and says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"
#include "faults.h"
#include "faults_sim.h"
#include "tls_world.h"

#define HOST "api.example.com"
#define COLLECTOR "https://collector.example/v1/reports"
#define GOOD 1 /* what fixture_sim() pins */
#define BAD 99
#define MEMORY (FAULTS_MEMORY | FAULTS_OPENSSL)

static void begin(struct fixture *fixture)
{
    struct sim *sim = fixture_sim(HOST);

    sim_add_collector(sim, COLLECTOR);
    sim_publish(sim);
    fixture_init(fixture, sim);
    faults_sim_use(fixture->config, sim);
    fixture_start(fixture);
    fixture_refresh(fixture);
    fixture_forget_events(fixture);
}

static void test_check_allocates_nothing(void **state)
{
    static const struct {
        const char *host;
        uint8_t seed;
        enum pintle_reason reason;
    } cases[] = {{HOST, GOOD, PINTLE_REASON_MATCHED},
                 {"API.Example.COM.", GOOD, PINTLE_REASON_MATCHED},
                 {"other.example.com", GOOD, PINTLE_REASON_UNLISTED},
                 {HOST, BAD, PINTLE_REASON_MISMATCH}}; /* reported above, so nothing is queued for it */
    struct fixture fixture;

    (void)state;
    if (!faults_available())
        skip();
    begin(&fixture);
    fixture_refuses(&fixture, HOST, BAD);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pintle_verdict verdict;

        faults_arm(MEMORY, 0, FAULTS_FAIL_ON, 0);
        verdict = fixture_check(&fixture, cases[i].host, cases[i].seed);
        assert_false(faults_disarm());
        assert_string_equal(faults_trace(), "");
        assert_string_equal(pintle_reason_name(verdict.reason), pintle_reason_name(cases[i].reason));
    }
    fixture_clear(&fixture);
}

static void test_evidence_allocates_nothing(void **state)
{
    struct tls_world *world = *state;
    unsigned char *der[2] = {NULL, NULL};
    struct pintle_bytes chain[2];
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;

    if (!faults_available())
        skip();
    for (size_t i = 0; i < 2; i++) {
        int size = i2d_X509(i == 0 ? world->leaf.x509 : world->intermediate.x509, &der[i]);

        assert_true(size > 0);
        chain[i] = (struct pintle_bytes){der[i], (size_t)size};
    }
    faults_arm(MEMORY, 0, FAULTS_FAIL_ON, 0);
    assert_int_equal(pintle_evidence_init(&evidence, world->crypto, chain, 2, PINTLE_OF_SPKI | PINTLE_OF_CERT),
                     PINTLE_OK);
    assert_int_equal(pintle_checker_check(world->checker, TLS_WORLD_HOST, &evidence, &verdict), PINTLE_OK);
    assert_false(faults_disarm());
    for (size_t i = 0; i < 2; i++)
        OPENSSL_free(der[i]);
}

/* A refusal stands whatever becomes of its report; one that is lost is counted, told, and may come again. */
static void test_report(void **state)
{
    bool more = true;
    long lost = 0;

    (void)state;
    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        struct fixture fixture;
        struct pintle_verdict verdict;

        begin(&fixture);
        faults_arm(MEMORY, n, FAULTS_FAIL, 0);
        verdict = fixture_check(&fixture, HOST, BAD);
        more = faults_disarm();
        assert_int_not_equal(verdict.status, PINTLE_OK);
        assert_int_equal(verdict.reason, PINTLE_REASON_MISMATCH);
        if (fixture_info(&fixture, "reports_dropped")[0] != '0') {
            lost++;
            assert_int_equal(fixture.events[PINTLE_EVENT_REPORTS_DROPPED], 1);
            assert_string_equal(fixture_info(&fixture, "reports_queued"), "0");
            (void)fixture_check(&fixture, HOST, BAD);
        }
        assert_string_equal(fixture_info(&fixture, "reports_queued"), "1");
        fixture_clear(&fixture);
    }
    assert_true(lost > 0);
}

/* What cannot be sent for lack of memory stays queued, and goes with the next attempt. */
static void test_sending(void **state)
{
    bool more = true;

    (void)state;
    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        struct fixture fixture;
        enum pintle_status status;

        begin(&fixture);
        fixture_refuses(&fixture, HOST, BAD);
        faults_arm(MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS);
        more = faults_disarm();
        if (status != PINTLE_OK && status != PINTLE_ERR_MEMORY && status != PINTLE_ERR_NETWORK)
            fail_msg("allocation %ld: %s", n, pintle_status_name(status));
        assert_string_equal(fixture_info(&fixture, "reports_queued"), status == PINTLE_OK ? "0" : "1");
        assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
        assert_non_null(sim_posted(fixture.sim, 0).data);
        assert_string_equal(fixture_info(&fixture, "reports_dropped"), "0");
        fixture_clear(&fixture);
    }
}

/* The questions that an application asks: an answer, or none, and the client is as before. */
static void test_questions(void **state)
{
    struct fixture fixture;
    bool more = true;

    (void)state;
    if (!faults_available())
        skip();
    begin(&fixture);
    for (long n = 0; more; n++) {
        struct pintle_checker *checker = NULL;
        char text[8192] = "?";
        enum pintle_status status;
        size_t info, header;

        faults_arm(MEMORY, n, FAULTS_FAIL, 0);
        info = pintle_client_info(fixture.client, text, sizeof text);
        header = pintle_client_header(fixture.client, HOST, text + 4096, sizeof text - 4096);
        status = pintle_client_checker(fixture.client, &checker);
        more = faults_disarm();
        assert_true(info == strlen(text));
        assert_true(header == strlen(text + 4096));
        assert_true(status == PINTLE_OK ? checker != NULL : status == PINTLE_ERR_MEMORY && checker == NULL);
        assert_true(more || (info > 0 && header > 0 && status == PINTLE_OK));
        pintle_checker_free(checker);
    }
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_allocates_nothing),
        TLS_WORLD_TEST(test_evidence_allocates_nothing, 3),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_sending),
        cmocka_unit_test(test_questions),
    };

    return faults_hook_openssl() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
