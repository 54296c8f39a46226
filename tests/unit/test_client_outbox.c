/* SPDX-License-Identifier: Apache-2.0 */
/* Reports on their way: kept in the store, told once a day whatever restarts, sent in batches, and nothing in them else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/json_write.h"
#include "client/outbox.h"
#include "client_fixture.h"
#include "report/report.h"

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
    assert_int_equal(pintle_config_set_app(fixture->config, "com.example.bank", "1.2"), PINTLE_OK);
    assert_int_equal(pintle_config_set_platform(fixture->config, "android", "14"), PINTLE_OK);
    fixture_start(fixture);
    fixture_refresh(fixture);
    fixture_forget_events(fixture);
}

static void queued(struct fixture *fixture, const char *want)
{
    assert_string_equal(fixture_info(fixture, "reports_queued"), want);
}

static enum pintle_status send_now(struct fixture *fixture)
{
    return pintle_client_send_reports(fixture->client, FIXTURE_DEADLINE_MS);
}

/* One member of a posted report as compact JSON; "" if it is absent.  which counts through all bodies. */
static const char *field(struct fixture *fixture, size_t which, const char *name)
{
    static char out[1024];
    const struct pti_json_value *report = NULL;
    struct pti_json *json = NULL;
    struct pti_buf text;

    for (size_t body = 0; report == NULL; body++) {
        struct pintle_bytes posted = sim_posted(fixture->sim, body);

        pti_json_free(json);
        json = NULL;
        if (posted.data == NULL)
            break;
        assert_int_equal(pti_json_parse(posted, &json, NULL), PINTLE_OK);
        report = pti_json_root(json);
        if (pti_json_type(report) == PTI_JSON_ARRAY)
            report = pti_json_first(report);
        else if (which-- > 0)
            report = NULL;
        for (; report != NULL && pti_json_type(pti_json_root(json)) == PTI_JSON_ARRAY; report = pti_json_next(report))
            if (which-- == 0)
                break;
    }
    out[0] = '\0';
    if (pti_json_member(report, name) != NULL) {
        pti_buf_init(&text, sizeof out);
        pti_json_write_compact(pti_json_member(report, name), &text);
        (void)pti_copy_text(out, sizeof out, pti_buf_cstr(&text));
        pti_buf_clear(&text);
    }
    pti_json_free(json);
    return out;
}

static size_t posts(struct fixture *fixture)
{
    size_t count = 0;

    while (sim_posted(fixture->sim, count).data != NULL)
        count++;
    return count;
}

/* What a report of a connection holds, and not a member more. */
static void test_the_fields_of_a_report(void **state)
{
    static const char *const names[] = {"adapter",
                                        "app",
                                        "chain-sha256",
                                        "chain-spki",
                                        "clock_skew_s",
                                        "date-time",
                                        "enforce",
                                        "hll",
                                        "host",
                                        "id",
                                        "include-subdomains",
                                        "known-pins",
                                        "manifest",
                                        "net",
                                        "noted-hostname",
                                        "pin-source",
                                        "platform-verify",
                                        "reason",
                                        "recovery",
                                        "success_since_last",
                                        "type",
                                        "v",
                                        "weight"};
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI, .adapter = PINTLE_ADAPTER_GNUTLS};
    const struct pti_json_value *member;
    struct pintle_verdict verdict;
    struct pti_report report;
    struct fixture fixture;
    struct pti_error error;
    struct pti_json *json;

    (void)state;
    begin(&fixture, 1000);
    fixture_accepts(&fixture, HOST, 1);
    fixture_accepts(&fixture, HOST, 1);
    assert_int_equal(pintle_client_set_network(fixture.client, "wifi", PINTLE_NETWORK_VPN), PINTLE_OK);
    sim_set_wall_clock(fixture.sim, sim_now(fixture.sim) - 100);
    assert_int_equal(pintle_checker_check(fixture.checker, HOST, &evidence, &verdict), PINTLE_ERR_RETRY);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    if (pti_report_parse(sim_posted(fixture.sim, 0), &report, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    pti_report_clear(&report);
    assert_int_equal(pti_json_parse(sim_posted(fixture.sim, 0), &json, NULL), PINTLE_OK);
    member = pti_json_first(pti_json_root(json));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++, member = pti_json_next(member)) {
        assert_non_null(member);
        if (!pti_bytes_equal_text(pti_json_name(member), names[i]))
            fail_msg("expected %s", names[i]);
    }
    assert_null(member);
    pti_json_free(json);
    assert_string_equal(field(&fixture, 0, "adapter"), "\"gnutls\"");
    assert_string_equal(field(&fixture, 0, "success_since_last"), "2");
    assert_string_equal(field(&fixture, 0, "clock_skew_s"), "-100");
    assert_string_equal(field(&fixture, 0, "recovery"), "{\"ok\":false,\"tried\":false}");
    assert_string_equal(field(&fixture, 0, "net"),
                        "{\"captive\":false,\"proxy\":false,\"type\":\"wifi\",\"vpn\":true}");
    assert_string_equal(field(&fixture, 0, "app"),
                        "{\"id\":\"com.example.bank\",\"os\":\"android\",\"os_ver\":\"14\",\"ver\":\"1.2\"}");
    fixture_clear(&fixture);
}

/* What the application did not say is not there. */
static void test_what_is_not_known_is_left_out(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    assert_int_equal(pintle_client_set_network(fixture.client, "wi fi", 0), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_client_set_network(fixture.client, "", 0), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_client_set_network(fixture.client, "wifi", 8), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_client_set_network(NULL, "wifi", 0), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_client_set_network(fixture.client, "wifi", 0), PINTLE_OK);
    assert_int_equal(pintle_client_set_network(fixture.client, NULL, 0), PINTLE_OK);
    fixture_refuses(&fixture, HOST, 2);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_string_equal(field(&fixture, 0, "net"), "");
    assert_string_equal(field(&fixture, 0, "adapter"), "");
    assert_string_equal(field(&fixture, 0, "clock_skew_s"), "");
    assert_string_equal(field(&fixture, 0, "host"), "\"" HOST "\"");
    fixture_clear(&fixture);
}

/* A client that restarts in a loop under attack reports once a day. */
static void test_told_once_a_day_whatever_restarts(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    for (int i = 0; i < 5; i++) {
        fixture_refuses(&fixture, HOST, 66);
        assert_int_equal(send_now(&fixture), PINTLE_OK);
        sim_advance(fixture.sim, 3600);
        fixture_start(&fixture);
    }
    assert_int_equal(posts(&fixture), 1);
    sim_advance(fixture.sim, SIM_DAY);
    fixture_refuses(&fixture, HOST, 66);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(posts(&fixture), 2);
    fixture_clear(&fixture);
}

static char *id_of_event(struct fixture *fixture)
{
    struct pti_report report;
    char *id = NULL;

    assert_int_equal(pti_report_parse(pti_bytes_text(fixture->last_message[PINTLE_EVENT_REPORT]), &report, NULL),
                     PINTLE_OK);
    id = pti_bytes_strdup(pti_bytes_text(report.id));
    pti_report_clear(&report);
    return id;
}

static void test_sent_again_under_the_same_id(void **state)
{
    struct fixture fixture;
    char first[64];

    (void)state;
    begin(&fixture, 1000);
    fixture_refuses(&fixture, HOST, 2);
    sim_override(fixture.sim, COLLECTOR, SIM_STATUS, 503, nothing);
    assert_int_equal(send_now(&fixture), PINTLE_ERR_NETWORK);
    fixture_start(&fixture);
    queued(&fixture, "1");
    sim_override_clear(fixture.sim);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    (void)snprintf(first, sizeof first, "%s", field(&fixture, 0, "id"));
    assert_int_equal(strlen(first), PTI_REPORT_ID_SIZE + 2);
    fixture_start(&fixture); /* sent is sent */
    queued(&fixture, "0");
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(posts(&fixture), 1);
    fixture_clear(&fixture);
}

/* The text that the application gets is the report that is sent. */
static void test_local_callback(void **state)
{
    struct fixture fixture;
    char quoted[64];
    char *id;

    (void)state;
    begin(&fixture, 1000);
    fixture_refuses(&fixture, HOST, 2);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORT], 0); /* never from a handshake */
    sim_override(fixture.sim, COLLECTOR, SIM_STATUS, 503, nothing);
    assert_int_equal(send_now(&fixture), PINTLE_ERR_NETWORK);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORT], 1);
    id = id_of_event(&fixture);
    (void)snprintf(quoted, sizeof quoted, "\"%s\"", id);
    fixture_start(&fixture);
    sim_override_clear(fixture.sim);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_string_equal(field(&fixture, 0, "id"), quoted);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORT], 1);
    free(id);
    fixture_clear(&fixture);
}

/* A check writes nothing, whatever it decides; the next call that may does. */
static void test_a_handshake_never_writes(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    sim_store_put(fixture.sim, PTI_STORE_REPORTS, nothing);
    for (uint8_t seed = 1; seed < 20; seed++)
        (void)fixture_check(&fixture, HOST, seed);
    assert_null(sim_store_get(fixture.sim, PTI_STORE_REPORTS).data);
    fixture_refresh(&fixture);
    assert_non_null(sim_store_get(fixture.sim, PTI_STORE_REPORTS).data);
    fixture_start(&fixture);
    queued(&fixture, "18");
    fixture_clear(&fixture);
}

/* A full disk: handshakes go on, the application is told once, and what is in memory is sent all the same. */
static void test_full_disk(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    sim_store_fail_notes(fixture.sim, true);
    for (uint8_t seed = 2; seed < 5; seed++) {
        fixture_refuses(&fixture, HOST, seed);
        fixture_accepts(&fixture, HOST, 1);
        fixture_refresh(&fixture);
    }
    assert_int_equal(fixture.events[PINTLE_EVENT_STORAGE], 1);
    queued(&fixture, "3");
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    queued(&fixture, "0");
    assert_string_equal(field(&fixture, 2, "success_since_last"), "1");
    sim_store_fail_notes(fixture.sim, false);
    fixture_refuses(&fixture, HOST, 2); /* told before */
    queued(&fixture, "0");
    fixture_refresh(&fixture);
    fixture_start(&fixture);
    fixture_refuses(&fixture, HOST, 2); /* and remembered now */
    queued(&fixture, "0");
    fixture_clear(&fixture);
}

/* Two processes on one store: one tells, either sends, and none sends what the other has sent. */
static void test_two_processes(void **state)
{
    struct pintle_checker *checker;
    struct pintle_client *other;
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI};
    struct pintle_verdict verdict;
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    assert_int_equal(pintle_client_new(fixture.config, &other), PINTLE_OK);
    assert_int_equal(pintle_client_checker(other, &checker), PINTLE_OK);
    memset(evidence.spki[0], 66, sizeof evidence.spki[0]);
    fixture_refuses(&fixture, HOST, 66);
    assert_int_not_equal(pintle_checker_check(checker, HOST, &evidence, &verdict), PINTLE_OK);
    fixture_refresh(&fixture);
    assert_int_equal(pintle_client_send_reports(other, FIXTURE_DEADLINE_MS), PINTLE_OK);
    assert_int_equal(posts(&fixture), 1);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(posts(&fixture), 1);
    queued(&fixture, "0");
    pintle_checker_free(checker);
    pintle_client_free(other);
    fixture_clear(&fixture);
}

static void refuse_some(struct fixture *fixture, unsigned count)
{
    for (unsigned seed = 2; seed < 2 + count; seed++)
        fixture_refuses(fixture, HOST, (uint8_t)seed);
}

/* Sixteen in a request; a collector that refuses arrays gets them one by one; one bad report takes no other with it. */
static void test_batches(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    refuse_some(&fixture, 20);
    sim_requests_reset(fixture.sim);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(sim_requests(fixture.sim, "*"), 2);
    assert_int_equal(posts(&fixture), 2);
    assert_string_not_equal(field(&fixture, 19, "id"), "");
    assert_string_equal(field(&fixture, 20, "id"), "");
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORTS_SENT], 1);
    fixture_clear(&fixture);

    begin(&fixture, 1000);
    refuse_some(&fixture, 3);
    sim_override(fixture.sim, COLLECTOR, SIM_STATUS, 400, nothing);
    sim_requests_reset(fixture.sim);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(sim_requests(fixture.sim, "*"), 4);
    assert_int_equal(fixture.events[PINTLE_EVENT_REPORTS_DROPPED], 1);
    queued(&fixture, "0");
    fixture_clear(&fixture);
}

/* The refresh was made, and the connection passed with the same chain: an outage of minutes, healed. */
static void test_recovery(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    assert_int_equal(fixture_check(&fixture, HOST, 66).status, PINTLE_ERR_RETRY);
    assert_int_equal(pintle_client_heal(fixture.client, HOST, FIXTURE_DEADLINE_MS), PINTLE_OK);
    fixture_accepts(&fixture, HOST, 2);
    fixture_refuses(&fixture, HOST, 66);
    fixture_start(&fixture);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_string_equal(field(&fixture, 1, "recovery"), "{\"ok\":false,\"tried\":true}");
    fixture_clear(&fixture);

    begin(&fixture, 1000);
    sim_add_pin(fixture.sim, HOST, 2);
    sim_publish(fixture.sim);
    assert_int_equal(fixture_check(&fixture, HOST, 2).status, PINTLE_ERR_RETRY);
    assert_int_equal(pintle_client_heal(fixture.client, HOST, FIXTURE_DEADLINE_MS), PINTLE_OK);
    fixture_accepts(&fixture, HOST, 2);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_string_equal(field(&fixture, 0, "recovery"), "{\"ok\":true,\"tried\":true}");
    fixture_clear(&fixture);
}

static void test_totals(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 1000);
    for (int i = 0; i < 7; i++)
        fixture_accepts(&fixture, HOST, 1);
    fixture_refresh(&fixture);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(posts(&fixture), 0); /* the day is not over */
    fixture_start(&fixture);              /* nor is the count lost */
    fixture_accepts(&fixture, HOST, 1);
    sim_advance(fixture.sim, SIM_DAY);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(posts(&fixture), 1);
    assert_string_equal(field(&fixture, 0, "type"), "\"pintle.total\"");
    assert_string_equal(field(&fixture, 0, "success_since_last"), "8");
    assert_string_equal(field(&fixture, 0, "host"), "\"" HOST "\"");
    assert_string_not_equal(field(&fixture, 0, "hll"), "");
    fixture_accepts(&fixture, HOST, 1);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    fixture_start(&fixture);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(posts(&fixture), 1); /* once a day */
    fixture_refuses(&fixture, HOST, 66);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_string_equal(field(&fixture, 1, "success_since_last"), "1"); /* since that */
    sim_advance(fixture.sim, SIM_DAY);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    assert_int_equal(posts(&fixture), 2); /* nothing to tell */
    fixture_clear(&fixture);
}

/* All day the same two numbers, also after a restart; other ones the next day; nowhere the number they come from. */
static void test_devices_of_a_day(void **state)
{
    struct fixture fixture;
    char first[64], second[64];

    (void)state;
    begin(&fixture, 1000);
    fixture_refuses(&fixture, HOST, 2);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    fixture_start(&fixture);
    fixture_refuses(&fixture, HOST, 3);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    (void)snprintf(first, sizeof first, "%s", field(&fixture, 0, "hll"));
    assert_string_equal(field(&fixture, 1, "hll"), first);
    sim_advance(fixture.sim, SIM_DAY);
    fixture_refuses(&fixture, HOST, 2);
    assert_int_equal(send_now(&fixture), PINTLE_OK);
    (void)snprintf(second, sizeof second, "%s", field(&fixture, 2, "hll"));
    assert_string_not_equal(second, first);
    fixture_clear(&fixture);
}

/* The dice are thrown once a day: a failure that repeats does not get through by repeating. */
static void test_sampled_out_stays_out(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, 100);
    for (int i = 0; i < 2000; i++)
        fixture_refuses(&fixture, HOST, 66);
    assert_true(fixture_info(&fixture, "reports_queued")[0] <= '1');
    for (unsigned seed = 2; seed < 200; seed++)
        for (int i = 0; i < 50; i++)
            (void)fixture_check(&fixture, HOST, (uint8_t)seed);
    assert_in_range(strtol(fixture_info(&fixture, "reports_queued"), NULL, 10), 5, 45); /* of 199, a tenth */
    fixture_clear(&fixture);
}

static void test_damage_is_told_and_dropped(void **state)
{
    static const char *const damaged[] = {
        "x",
        "[]",
        "{}",
        "{\"v\":2,\"seed\":\"0000000000000000\",\"seed_day\":-1,\"total_day\":-1,\"counts\":[],\"seen\":[],\"queue\":[]}",
        "{\"v\":1,\"seed\":\"00\",\"seed_day\":-1,\"total_day\":-1,\"counts\":[],\"seen\":[],\"queue\":[]}",
        "{\"v\":1,\"seed\":\"0000000000000000\",\"seed_day\":-1,\"total_day\":-1,\"counts\":[],\"seen\":[],\"queue\":[{}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct fixture fixture;

        begin(&fixture, 1000);
        sim_store_put(fixture.sim, PTI_STORE_REPORTS, pti_bytes_text(damaged[i]));
        fixture_start(&fixture);
        assert_int_equal(fixture.events[PINTLE_EVENT_STORAGE], 1);
        fixture_refuses(&fixture, HOST, 2);
        fixture_accepts(&fixture, HOST, 1);
        assert_int_equal(send_now(&fixture), PINTLE_OK);
        assert_int_equal(posts(&fixture), 1);
        fixture_forget_events(&fixture);
        fixture_start(&fixture);
        assert_int_equal(fixture.events[PINTLE_EVENT_STORAGE], 0);
        fixture_clear(&fixture);
    }
}

/* Cut anywhere, or with a bit turned anywhere: read or dropped, never more than that.  And no field beside the list. */
static void test_the_queue_is_untrusted(void **state)
{
    struct pti_reports *reports = malloc(sizeof *reports);
    struct pintle_bytes stored, copy;
    struct fixture fixture;
    struct pti_error error;
    char *text, *at;

    (void)state;
    assert_non_null(reports);
    begin(&fixture, 1000);
    fixture_refuses(&fixture, HOST, 2);
    fixture_refresh(&fixture);
    stored = sim_store_get(fixture.sim, PTI_STORE_REPORTS);
    for (size_t size = 1; size < stored.size; size++)
        assert_int_equal(pti_outbox_parse((struct pintle_bytes){stored.data, size}, reports, &error), PINTLE_ERR_INPUT);
    for (size_t i = 0; i < stored.size; i++) {
        assert_int_equal(pti_bytes_copy(stored, &copy), PINTLE_OK);
        ((uint8_t *)(uintptr_t)copy.data)[i] ^= 1u;
        if (pti_outbox_parse(copy, reports, &error) == PINTLE_OK)
            pti_reports_clear(reports);
        pti_bytes_free(&copy);
    }
    text = pti_bytes_strdup(stored);
    at = text != NULL ? strstr(text, "\"noted-hostname\"") : NULL;
    assert_non_null(at);
    memcpy(at, "\"user-hostname_\"", strlen("\"noted-hostname\""));
    assert_int_equal(pti_outbox_parse(pti_bytes_text(text), reports, &error), PINTLE_ERR_INPUT);
    assert_non_null(strstr(error.detail, "is no field of a report"));
    free(text);
    free(reports);
    fixture_clear(&fixture);
}

/* The smallest thing that the walk takes for a certificate; its key is the last number. */
static const uint8_t certificate[] = {0x30, 0x1a, 0x30, 0x13, 0x02, 0x01, 0x01, 0x30, 0x00, 0x30,
                                      0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x06, 0x30, 0x00, 0x03,
                                      0x02, 0x00, 0x07, 0x30, 0x00, 0x03, 0x01, 0x00};

static void meet(struct fixture *fixture, char spki[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1])
{
    const struct pintle_bytes chain = {certificate, sizeof certificate};
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;

    assert_int_equal(pintle_checker_evidence(fixture->checker, &chain, 1, &evidence), PINTLE_OK);
    assert_int_not_equal(pintle_checker_check(fixture->checker, HOST, &evidence, &verdict), PINTLE_OK);
    pti_base64_encode(evidence.spki[0], PINTLE_SHA256_SIZE, spki);
}

/* The chain of a key that was asked for goes out once, when that key is met again; without the charter's word never. */
static void test_want_chain(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        char spki[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1], answer[200],
            base64[PTI_BASE64_SIZE(sizeof certificate) + 1];
        struct sim *sim = fixture_sim(HOST);
        struct fixture fixture;

        sim->charter.want_chain = allowed;
        sim_add_collector(sim, COLLECTOR);
        fixture_begin(&fixture, sim);
        meet(&fixture, spki);
        (void)snprintf(answer, sizeof answer, "{\"want-chain\":[\"%s\",7,\"%s\"]}",
                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", spki);
        sim_override(sim, COLLECTOR, SIM_BYTES, 0, pti_bytes_text(answer));
        assert_int_equal(send_now(&fixture), PINTLE_OK);
        sim_override_clear(sim);
        assert_int_equal(send_now(&fixture), PINTLE_OK);
        assert_int_equal(posts(&fixture), 0);
        meet(&fixture, spki);
        meet(&fixture, spki);
        assert_int_equal(send_now(&fixture), PINTLE_OK);
        assert_int_equal(send_now(&fixture), PINTLE_OK);
        assert_int_equal(posts(&fixture), allowed ? 1 : 0);
        if (allowed) {
            char want[sizeof base64 + 4];

            pti_base64_encode(certificate, sizeof certificate, base64);
            (void)snprintf(want, sizeof want, "[\"%s\"]", base64);
            assert_string_equal(field(&fixture, 0, "chain"), want);
            assert_string_equal(field(&fixture, 0, "host"), "\"" HOST "\"");
            assert_string_equal(field(&fixture, 0, "type"), "\"pintle.chain\"");
        }
        fixture_clear(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fields_of_a_report),
        cmocka_unit_test(test_what_is_not_known_is_left_out),
        cmocka_unit_test(test_told_once_a_day_whatever_restarts),
        cmocka_unit_test(test_sent_again_under_the_same_id),
        cmocka_unit_test(test_local_callback),
        cmocka_unit_test(test_a_handshake_never_writes),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_two_processes),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_recovery),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_devices_of_a_day),
        cmocka_unit_test(test_sampled_out_stays_out),
        cmocka_unit_test(test_damage_is_told_and_dropped),
        cmocka_unit_test(test_the_queue_is_untrusted),
        cmocka_unit_test(test_want_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
