/* SPDX-License-Identifier: Apache-2.0 */
/* Transports that dawdle, or that do not do as they are told: deadlines, sinks, Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "client_fixture.h"

#define HOST "api.example.com"
static const struct pintle_bytes nothing = {NULL, 0};

/* A client with key 1 over sim's own network, through perform. */
static void begin(struct fixture *fixture,
                  enum pintle_status (*perform)(void *ctx, const struct pintle_request *request,
                                                const struct pintle_sink *sink, struct pintle_response *response,
                                                char *detail, size_t detail_size))
{
    struct pintle_transport transport = {.size = sizeof transport, .perform = perform};
    struct sim *sim = fixture_sim(HOST);

    sim_publish(sim);
    fixture_init(fixture, sim);
    transport.ctx = sim;
    if (perform != NULL)
        assert_int_equal(pintle_config_set_transport(fixture->config, &transport), PINTLE_OK);
}

static enum pintle_status pass_on(struct sim *sim, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    const struct pintle_transport *transport = sim_transport(sim);

    return transport->perform(transport->ctx, request, sink, response, detail, detail_size);
}

/* The first copy never answers: each transfer lasts as long as it may. */
static enum pintle_status hang(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                               struct pintle_response *response, char *detail, size_t detail_size)
{
    if (strncmp(request->url, SIM_URL, strlen(SIM_URL)) != 0)
        return pass_on(ctx, request, sink, response, detail, detail_size);
    sim_advance(ctx, (request->timeout_ms + 999) / 1000);
    return PINTLE_ERR_NETWORK;
}

static void test_copy_that_never_answers_leaves_time_for_the_next(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, hang);
    assert_int_equal(pintle_config_add_url(fixture.config, "https://mirror.example/"), PINTLE_OK);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    fixture_accepts(&fixture, HOST, 1);
    fixture_clear(&fixture);
}

/* Each answer takes eleven seconds, whatever the request allows. */
static enum pintle_status dawdle(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                 struct pintle_response *response, char *detail, size_t detail_size)
{
    assert_true(request->timeout_ms > 0);
    sim_advance(ctx, 11);
    return pass_on(ctx, request, sink, response, detail, detail_size);
}

static void test_no_request_after_the_deadline(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, dawdle);
    fixture_start(&fixture);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "the deadline has passed");
    assert_int_equal(sim_requests(fixture.sim, "*"), 1);
    fixture_clear(&fixture);
}

/* "No deadline", as some would write it. */
static void test_largest_deadline(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, NULL);
    fixture_start(&fixture);
    assert_int_equal(pintle_client_refresh(fixture.client, INT64_MAX), PINTLE_OK);
    assert_int_equal(pintle_client_send_reports(fixture.client, INT64_MAX), PINTLE_OK);
    fixture_clear(&fixture);
}

static bool write_and_ignore(void *ctx, const uint8_t *data, size_t size)
{
    const struct pintle_sink *sink = ctx;

    (void)sink->write(sink->ctx, data, size);
    return true;
}

/* Goes on when the sink has had enough, and calls it a success. */
static enum pintle_status pour_on(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct pintle_sink inner = *sink;
    const struct pintle_sink deaf = {.write = write_and_ignore, .ctx = &inner};

    return pass_on(ctx, request, &deaf, response, detail, detail_size);
}

/* The timestamp, and so much white space that only the beginning fits: that beginning is not what was sent. */
static void test_transport_that_ignores_the_sink(void **state)
{
    struct fixture fixture;
    struct pintle_bytes timestamp;
    uint8_t *padded;

    (void)state;
    begin(&fixture, pour_on);
    fixture_start(&fixture);
    timestamp = sim_current(fixture.sim, "metadata/timestamp.json");
    padded = malloc(PTI_TIMESTAMP_SIZE_MAX + 1);
    assert_non_null(padded);
    memset(padded, ' ', PTI_TIMESTAMP_SIZE_MAX + 1);
    memcpy(padded, timestamp.data, timestamp.size);
    sim_override(fixture.sim, "head/*", SIM_STATUS, 404, nothing);
    sim_override(fixture.sim, "metadata/timestamp.json", SIM_BYTES, 0,
                 (struct pintle_bytes){padded, PTI_TIMESTAMP_SIZE_MAX + 1});
    fixture_refresh_fails(&fixture, PINTLE_ERR_INPUT, "too large, expected at most 16384 bytes");
    sim_override(fixture.sim, "metadata/timestamp.json", SIM_BYTES, 0,
                 (struct pintle_bytes){padded, PTI_TIMESTAMP_SIZE_MAX});
    fixture_refresh(&fixture);
    free(padded);
    fixture_clear(&fixture);
}

/* A Retry-After counts for the refresh that received it. */
static void test_retry_after_is_forgotten(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture, NULL);
    fixture_start(&fixture);
    sim_retry_after(fixture.sim, 7200);
    sim_override(fixture.sim, "*", SIM_STATUS, 503, nothing);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "503");
    assert_true(pintle_client_next_due(fixture.client) >= 7200 * 1000);
    sim_retry_after(fixture.sim, -1);
    fixture_refresh_fails(&fixture, PINTLE_ERR_NETWORK, "503");
    assert_true(pintle_client_next_due(fixture.client) <= 20 * 1000);
    fixture_clear(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_that_never_answers_leaves_time_for_the_next),
        cmocka_unit_test(test_no_request_after_the_deadline),
        cmocka_unit_test(test_largest_deadline),
        cmocka_unit_test(test_transport_that_ignores_the_sink),
        cmocka_unit_test(test_retry_after_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
