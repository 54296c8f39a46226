/* SPDX-License-Identifier: Apache-2.0 */
/* What the collector takes as a report, what it refuses, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "client_fixture.h"
#include "pin_fixture.h"
#include "report/report_batch.h"

#define ID "'id':'0123456789abcdef'"
#define HEAD                                                                                                           \
    "'v':1,'type':'tls.cert.pinned_key_not_in_cert_chain','date-time':'2026-11-21T20:00:00Z','reason':'mismatch'"
#define HOST "'host':'api.example.com'"
#define REQUIRED HEAD "," HOST "," ID
#define WITH(field) "{" REQUIRED "," field "}"
#define WITH_HOST(host) "{" HEAD "," ID ",'host':'" host "'}"
#define WITH_ID(id) "{" HEAD "," HOST ",'id':'" id "'}"

#define EVERYTHING                                                                                                     \
    "{" REQUIRED ",'port':443,'noted-hostname':'example.com','include-subdomains':true,'enforce':true,"                \
    "'known-pins':['@a','@b'],'manifest':{'zone':'main','version':4,'charter':2,'age_s':3600,"                         \
    "'expires':'2026-11-24T20:00:00Z'},'chain-spki':['@l','@r'],'chain-sha256':['@L','@R'],"                           \
    "'leaf':{'nb':'2026-11-01T00:00:00Z','na':'2027-01-01T00:00:00Z','san_match':false,'scts':2},"                     \
    "'platform-verify':'user_root','net':{'type':'wifi','captive':false,'vpn':true,'proxy':false},"                    \
    "'clock_skew_s':-30,'recovery':{'tried':true,'ok':false},'app':{'id':'com.example.app','ver':'1.2 (3)',"           \
    "'os':'Debian','os_ver':'12'},'adapter':'openssl','pin-source':'stored','weight':100,"                             \
    "'success_since_last':412,'hll':[4095,13]}"

static enum pintle_status parse(const char *notation, struct pti_report *report, struct pti_error *error)
{
    char *json = fixture_json(notation);
    enum pintle_status status = pti_report_parse(pti_bytes_text(json), report, error);

    free(json);
    return status;
}

static void takes_or_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        const char *want; /* NULL: taken; else part of the message */
    } cases[] = {
        {"the required fields", "{" REQUIRED "}", NULL},
        {"every field", EVERYTHING, NULL},
        {"white space", " { " REQUIRED " } \n", NULL},
        {"an IP address", WITH_HOST("192.0.2.1"), NULL},
        {"no noted host", WITH("'noted-hostname':''"), NULL},
        {"no zone", WITH("'manifest':{'zone':'','version':0}"), NULL},
        {"no pins", WITH("'known-pins':[]"), NULL},
        {"the longest id", WITH_ID("0123456789012345678901234567890123456789012345678901234567890123"), NULL},

        {"nothing", "", "byte 0"},
        {"no JSON", "hello", "byte 0"},
        {"cut short", "{" REQUIRED, "byte"},
        {"two values", "{" REQUIRED "}{}", "byte"},
        {"an array", "[]", "which is an object, found an array"},
        {"a duplicate key", "{" REQUIRED ",'v':1}", "duplicate"},
        {"a float", WITH("'clock_skew_s':1.5"), "byte"},

        {"an unknown field", WITH("'imei':'490154203237518'"), "\"imei\" (byte "},
        {"an unknown field is told what is known", WITH("'prot':443"), "expected v, type, host"},
        {"an unknown field inside", WITH("'app':{'user':'me'}"), "\"user\" (byte "},
        {"fields of one object are unknown in another", WITH("'captive':true"), "\"captive\" (byte "},

        {"no v", "{'type':'t','date-time':'2026-11-21T20:00:00Z','reason':'r'," HOST "," ID "}", "\"v\" is missing"},
        {"no host", "{" HEAD "," ID "}", "\"host\" is missing"},
        {"no id", "{" HEAD "," HOST "}", "\"id\" is missing from a report; it must be a string of 16 to 64"},
        {"no reason", "{'v':1,'type':'t','date-time':'2026-11-21T20:00:00Z'," HOST "," ID "}", "\"reason\" is missing"},
        {"no type", "{'v':1,'date-time':'2026-11-21T20:00:00Z','reason':'r'," HOST "," ID "}", "\"type\" is missing"},
        {"no date-time", "{'v':1,'type':'t','reason':'r'," HOST "," ID "}", "\"date-time\" is missing"},

        {"another version", "{'v':2,'type':'t','date-time':'2026-11-21T20:00:00Z','reason':'r'," HOST "," ID "}",
         "must be an integer from 1 to 1; found 2"},
        {"an upper-case host", WITH_HOST("API.example.com"), "lower-case A-labels"},
        {"a trailing dot", WITH_HOST("api.example.com."), "found \"api.example.com.\""},
        {"an empty host", WITH_HOST(""), "must be a host name"},
        {"a host with a path", WITH_HOST("a.example/x"), "must be a host name"},
        {"a NUL in a host", WITH_HOST("a.example\\u0000.b"), "must be a host name"},
        {"a short id", WITH_ID("0123456789abcde"), "16 to 64 characters"},
        {"a long id", WITH_ID("01234567890123456789012345678901234567890123456789012345678901234"), "16 to 64"},
        {"an id with a quote", WITH_ID("0123456789abcde\\u0022"), "out of A-Z a-z 0-9"},
        {"a NUL in an id", WITH_ID("0123456789abcdef\\u0000"), "out of A-Z a-z 0-9"},
        {"a bad date", WITH("'manifest':{'expires':'yesterday'}"), "a time like"},
        {"a date that does not exist", WITH("'leaf':{'nb':'2026-02-29T00:00:00Z'}"), "a time like"},
        {"a port as a string", WITH("'port':'443'"), "\"port\" (byte "},
        {"port 0", WITH("'port':0"), "from 1 to 65535; found 0"},
        {"port 65536", WITH("'port':65536"), "found 65536"},
        {"a boolean as a number", WITH("'enforce':1"), "true or false; found 1"},
        {"an unknown word", WITH("'platform-verify':'maybe'"), "one of ok, user_root"},
        {"a word's beginning", WITH("'pin-source':'store'"), "one of stored, shipped"},
        {"a pin that is no hash", WITH("'known-pins':['abc']"), "44 characters of base64; found an array"},
        {"a chain of 17",
         WITH("'chain-spki':['@a','@a','@a','@a','@a','@a','@a','@a','@a','@a','@a','@a','@a','@a',"
              "'@a','@a','@a']"),
         "at most 16"},
        {"an object as an array", WITH("'leaf':[]"), "\"leaf\" (byte "},
        {"a quote in a text", WITH("'app':{'id':'a\\u0022b'}"), "without quotes"},
        {"a long text", WITH("'app':{'id':'0123456789012345678901234567890123456789012345678901234567890123'}"),
         "at most 63"},
        {"a text with a line break", WITH("'app':{'id':'a\\nb'}"), "printable ASCII"},
        {"a register past the last", WITH("'hll':[4096,1]"), "2 integers from 0 to 4095"},
        {"a register without rank", WITH("'hll':[1]"), "2 integers"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_report report;
        struct pti_error error;
        enum pintle_status status = parse(cases[i].input, &report, &error);

        if (!cases[i].want && status != PINTLE_OK)
            fail_msg("%s: %s", cases[i].name, error.detail);
        if (cases[i].want && status != PINTLE_ERR_INPUT)
            fail_msg("%s: taken", cases[i].name);
        if (cases[i].want && !strstr(error.detail, cases[i].want))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].name, error.detail, cases[i].want);
        if (cases[i].want)
            assert_null(report.document.data);
        pti_report_clear(&report);
    }
}

static void keeps_values_and_not_bytes(void **state)
{
    struct pti_report report;
    struct pti_error error;
    struct pti_json *json = NULL;
    int64_t port = 0;

    (void)state;
    assert_int_equal(parse("{ " REQUIRED ",  'port' : 8443, 'adapter':'\\u006fpenssl' }", &report, &error), PINTLE_OK);
    assert_string_equal(report.id, "0123456789abcdef");
    assert_string_equal(report.host, "api.example.com");
    assert_string_equal(report.type, "tls.cert.pinned_key_not_in_cert_chain");
    assert_string_equal(report.reason, "mismatch");
    assert_null(memchr(report.document.data, ' ', report.document.size));
    assert_int_equal(pti_json_parse(pti_buf_bytes(&report.document), &json, &error), PINTLE_OK);
    assert_int_equal(pti_json_get_integer(pti_json_root(json), "port", 0, 65535, &port, &error), PINTLE_OK);
    assert_int_equal(port, 8443);
    assert_non_null(strstr(pti_buf_cstr(&report.document), "\"adapter\":\"openssl\""));
    pti_json_free(json);
    pti_report_clear(&report);
}

static void name_collector(struct pti_charter *charter, const char *url)
{
    charter->report_urls = malloc(sizeof *charter->report_urls);
    assert_non_null(charter->report_urls);
    charter->report_urls[0] = pti_bytes_strdup(pti_bytes_text(url));
    assert_non_null(charter->report_urls[0]);
    charter->report_url_count = 1;
}

/* The two halves of one format are written in two rooms that do not know each other. */
static void takes_what_our_client_sends(void **state)
{
    static const char *const hosts[] = {"api.example.com", "sim.example", "sim.example"}; /* rejected, and stale */
    struct fixture fixture;
    struct pti_report_batch batch;
    struct pti_error error;

    (void)state;
    fixture_init(&fixture, sim_new());
    sim_add_host(fixture.sim, "api.example.com", "main");
    sim_add_pin(fixture.sim, "api.example.com", 1);
    name_collector(&fixture.sim->charter, "https://collector.example/v1/reports");
    sim_publish(fixture.sim);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    fixture_refuses(&fixture, "api.example.com", 2);
    sim_advance(fixture.sim, 4 * SIM_DAY);
    fixture_refresh_fails(&fixture, PINTLE_ERR_TRUST, "expired");
    assert_int_equal(pintle_client_send_reports(fixture.client, FIXTURE_DEADLINE_MS), PINTLE_OK);
    if (pti_report_parse_batch(sim_posted(fixture.sim, 0), NULL, 0, &batch, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    assert_int_equal(batch.count, 3);
    for (size_t i = 0; i < batch.count; i++)
        assert_string_equal(batch.all[i].host, hosts[i]);
    pti_report_batch_clear(&batch);
    fixture_clear(&fixture);
}

/* ---- a million malformed reports ---- */

#define FOREIGN                                                                                                           \
    "{'date-time':'2026-11-21T20:00:00.25+01:00','hostname':'api.example.com','port':443,'noted-hostname':'example.com'," \
    "'include-subdomains':true,'validated-certificate-chain':['-----BEGIN CERTIFICATE-----\\nAAAA\\n"                     \
    "-----END CERTIFICATE-----'],'known-pins':['pin-sha256=\\u0022@a\\u0022'],'app-bundle-id':'a','app-version':'1',"     \
    "'app-vendor-id':'b','app-platform':'IOS','trustkit-version':'3','validation-result':4}"

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

/* One to four changes: another byte, a piece that goes, a piece that stands there twice, a word in the midst. */
static size_t spoil(uint64_t *random, char *text, size_t size, size_t room)
{
    static const char *const words[] = {"\"",
                                        "{",
                                        "[",
                                        ",",
                                        "null",
                                        "\\u0000",
                                        "-1",
                                        "1e9",
                                        "\xff",
                                        "'; DROP TABLE cell; --",
                                        "%s%n",
                                        "99999999999999999999",
                                        "\n2026-11-21T20:00:00Z error "};

    for (uint64_t changes = 1 + draw(random, 4); changes > 0 && size > 0; changes--) {
        size_t at = (size_t)draw(random, size), length = (size_t)draw(random, 1 + (size - at < 40 ? size - at : 40));
        const char *word = words[draw(random, sizeof words / sizeof words[0])];

        switch (draw(random, 4)) {
        case 0:
            text[at] = (char)draw(random, 256);
            break;
        case 1:
            memmove(text + at, text + at + length, size - at - length);
            size -= length;
            break;
        case 2:
            if (size + length > room)
                break;
            memmove(text + at + length, text + at, size - at);
            size += length;
            break;
        default:
            length = strlen(word);
            if (size + length > room)
                break;
            memmove(text + at + length, text + at, size - at);
            memcpy(text + at, word, length);
            size += length;
        }
    }
    return size;
}

/* What is taken in spite of it holds nothing that is not allowed: written anew it is taken again, and is the same. */
static void check_taken(struct pti_report *report)
{
    struct pti_report again;
    struct pti_error error;

    assert_int_equal(pti_report_document(report, &error), PINTLE_OK);
    if (pti_report_parse(pti_buf_bytes(&report->document), &again, &error) != PINTLE_OK)
        fail_msg("%s: %s", pti_buf_cstr(&report->document), error.detail);
    assert_true(pti_bytes_equal(pti_buf_bytes(&report->document), pti_buf_bytes(&again.document)));
    for (size_t i = 0; i < report->document.size; i++)
        assert_true(report->document.data[i] >= ' ' && report->document.data[i] <= '~');
    pti_report_clear(&again);
}

static void nothing_malformed_does_harm(void **state)
{
    static const char *const notations[] = {"{" REQUIRED "}", EVERYTHING, "[" EVERYTHING ",{" REQUIRED "}]", FOREIGN};
    const size_t count = getenv("PINTLE_LONG") ? 1000000 : 4000;
    uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
    struct pintle_crypto *crypto = NULL;
    size_t taken = 0, refused = 0;

    (void)state;
    assert_int_equal(pintle_crypto_openssl_new(&crypto), PINTLE_OK);
    for (size_t kind = 0; kind < sizeof notations / sizeof notations[0]; kind++) {
        char *json = fixture_json(notations[kind]), *text = malloc(2 * strlen(json) + 256);
        const size_t whole = strlen(json);

        assert_non_null(text);
        for (size_t i = 0; i < count / 4; i++) {
            struct pti_report_batch batch;
            struct pti_error error;
            size_t size = 0;

            memcpy(text, json, whole);
            size = i == 0 ? whole : spoil(&random, text, whole, 2 * whole + 256);
            if (pti_report_parse_batch((struct pintle_bytes){(const uint8_t *)text, size}, crypto, 7, &batch, &error) !=
                PINTLE_OK) {
                assert_true(i > 0 && strlen(error.detail) > 0);
                refused++;
                continue;
            }
            taken++;
            for (size_t j = 0; j < batch.count; j++)
                check_taken(&batch.all[j]);
            pti_report_batch_clear(&batch);
        }
        free(text);
        free(json);
    }
    assert_true(taken > 0 && refused > taken); /* most changes are seen; some are in what is free text */
    pintle_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_or_refuses),
        cmocka_unit_test(keeps_values_and_not_bytes),
        cmocka_unit_test(takes_what_our_client_sends),
        cmocka_unit_test(nothing_malformed_does_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
