/* SPDX-License-Identifier: Apache-2.0 */
#include "client_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"

static void on_event(void *ctx, const struct pintle_event *event)
{
    struct fixture *fixture = ctx;

    fixture->events[event->kind]++;
    (void)snprintf(fixture->last_message[event->kind], sizeof fixture->last_message[event->kind], "%s", event->message);
}

void fixture_ship_roots(struct fixture *fixture)
{
    struct pintle_bytes roots = sim_roots(fixture->sim);

    assert_int_equal(pintle_config_set_roots_mem(fixture->config, roots), PINTLE_OK);
    pti_bytes_free(&roots);
}

void fixture_ship_generation(struct fixture *fixture)
{
    struct pintle_bytes shipped = sim_shipped(fixture->sim);

    fixture_ship_roots(fixture);
    assert_int_equal(pintle_config_set_shipped_mem(fixture->config, shipped), PINTLE_OK);
    pti_bytes_free(&shipped);
}

struct sim *fixture_sim(const char *host)
{
    struct sim *sim = sim_new();

    sim_add_host(sim, host, "main");
    sim_add_pin(sim, host, 1);
    return sim;
}

void fixture_init(struct fixture *fixture, struct sim *sim)
{
    *fixture = (struct fixture){.sim = sim};
    assert_int_equal(pintle_config_new(&fixture->config), PINTLE_OK);
    fixture_ship_roots(fixture);
    assert_int_equal(pintle_config_add_url(fixture->config, SIM_URL), PINTLE_OK);
    assert_int_equal(pintle_config_set_transport(fixture->config, sim_transport(sim)), PINTLE_OK);
    assert_int_equal(pintle_config_set_store(fixture->config, sim_store(sim)), PINTLE_OK);
    assert_int_equal(pintle_config_set_clock(fixture->config, sim_clock(sim)), PINTLE_OK);
    assert_int_equal(pintle_config_set_crypto(fixture->config, sim->crypto), PINTLE_OK);
    assert_int_equal(pintle_config_set_events(fixture->config, on_event, fixture), PINTLE_OK);
}

void fixture_stop(struct fixture *fixture)
{
    pintle_checker_free(fixture->checker);
    pintle_client_free(fixture->client);
    fixture->checker = NULL;
    fixture->client = NULL;
}

void fixture_clear(struct fixture *fixture)
{
    fixture_stop(fixture);
    pintle_config_free(fixture->config);
    sim_free(fixture->sim);
}

void fixture_start(struct fixture *fixture)
{
    fixture_stop(fixture);
    if (pintle_client_new(fixture->config, &fixture->client) != PINTLE_OK)
        fail_msg("the client does not start: %s", pintle_config_error(fixture->config));
    assert_int_equal(pintle_client_checker(fixture->client, &fixture->checker), PINTLE_OK);
}

void fixture_begin(struct fixture *fixture, struct sim *sim)
{
    sim_publish(sim);
    fixture_init(fixture, sim);
    fixture_start(fixture);
    fixture_refresh(fixture);
}

void fixture_refresh(struct fixture *fixture)
{
    char detail[512];

    if (pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS) == PINTLE_OK)
        return;
    (void)pintle_client_error(fixture->client, detail, sizeof detail);
    fail_msg("refresh failed: %s", detail);
}

void fixture_refresh_fails(struct fixture *fixture, enum pintle_status status, const char *text)
{
    enum pintle_status found = pintle_client_refresh(fixture->client, FIXTURE_DEADLINE_MS);
    char detail[512];

    (void)pintle_client_error(fixture->client, detail, sizeof detail);
    if (found != status || strstr(detail, text) == NULL)
        fail_msg("expected %s with \"%s\", found %s: %s", pintle_status_name(status), text, pintle_status_name(found),
                 detail);
}

struct pintle_verdict fixture_check(struct fixture *fixture, const char *host, uint8_t seed)
{
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI | PINTLE_OF_CERT};
    struct pintle_verdict verdict;
    enum pintle_status status;

    memset(evidence.spki[0], seed, sizeof evidence.spki[0]);
    memset(evidence.cert[0], (uint8_t)~seed, sizeof evidence.cert[0]);
    status = pintle_checker_check(fixture->checker, host, &evidence, &verdict);
    assert_int_equal(status, verdict.status);
    return verdict;
}

void fixture_accepts(struct fixture *fixture, const char *host, uint8_t seed)
{
    struct pintle_verdict verdict = fixture_check(fixture, host, seed);

    if (verdict.status != PINTLE_OK || verdict.reason != PINTLE_REASON_MATCHED)
        fail_msg("%s with key %u: expected a match, found %s", host, seed, pintle_reason_name(verdict.reason));
}

void fixture_refuses(struct fixture *fixture, const char *host, uint8_t seed)
{
    struct pintle_verdict verdict = fixture_check(fixture, host, seed);

    if (verdict.status == PINTLE_OK || verdict.reason != PINTLE_REASON_MISMATCH)
        fail_msg("%s with key %u: expected a mismatch, found %s", host, seed, pintle_reason_name(verdict.reason));
}

const char *fixture_info(struct fixture *fixture, const char *name)
{
    static char out[512];
    char text[65536];
    const struct pti_json_value *value;
    struct pintle_bytes string;
    struct pti_json *json;
    int64_t integer;
    bool boolean;

    assert_in_range(pintle_client_info(fixture->client, text, sizeof text), 2, sizeof text - 1);
    assert_int_equal(pti_json_parse(pti_bytes_text(text), &json, NULL), PINTLE_OK);
    value = pti_json_member(pti_json_root(json), name);
    out[0] = '\0';
    if (pti_json_as_string(value, &string))
        (void)snprintf(out, sizeof out, "%.*s", (int)string.size, (const char *)string.data);
    else if (pti_json_as_integer(value, &integer))
        (void)snprintf(out, sizeof out, "%" PRId64, integer);
    else if (pti_json_as_bool(value, &boolean))
        (void)snprintf(out, sizeof out, "%s", boolean ? "true" : "false");
    pti_json_free(json);
    return out;
}

void fixture_forget_events(struct fixture *fixture)
{
    memset(fixture->events, 0, sizeof fixture->events);
    memset(fixture->last_message, 0, sizeof fixture->last_message);
}
