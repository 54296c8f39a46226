/* SPDX-License-Identifier: Apache-2.0 */
/* What pintle-tuf fetches ends: one time for all of it, a least rate, a largest size, and no answer but the one asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "conformance/fetch.h"

struct scene {
    int64_t now_ms;
    int64_t takes_ms; /* that each transfer takes */
    int status;
    const char *body;
    struct pintle_request asked;
    char url[256];
    int transfers;
    struct pintle_clock clock;
    struct pintle_transport transport;
    struct pti_fetcher fetcher;
};

static int64_t monotonic_ms(void *ctx)
{
    return ((const struct scene *)ctx)->now_ms;
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    struct scene *scene = ctx;

    scene->asked = *request;
    scene->transfers++;
    (void)snprintf(scene->url, sizeof scene->url, "%s", request->url);
    if (scene->takes_ms >= request->timeout_ms) {
        scene->now_ms += request->timeout_ms;
        (void)snprintf(detail, detail_size, "timed out");
        return PINTLE_ERR_NETWORK;
    }
    scene->now_ms += scene->takes_ms;
    response->status = scene->status;
    return sink->write(sink->ctx, (const uint8_t *)scene->body, strlen(scene->body)) ? PINTLE_OK : PINTLE_ERR_NETWORK;
}

static void begin(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->status = 200;
    scene->body = "bytes";
    scene->clock = (struct pintle_clock){.size = sizeof scene->clock, .ctx = scene, .monotonic_ms = monotonic_ms};
    scene->transport = (struct pintle_transport){.size = sizeof scene->transport, .ctx = scene, .perform = perform};
    scene->fetcher = (struct pti_fetcher){&scene->transport, &scene->clock, 0};
    pti_fetcher_allow(&scene->fetcher, 1000);
}

static enum pintle_status get(struct scene *scene, const char *base, size_t max, bool *found, struct pti_error *error)
{
    struct pti_buf out;
    enum pintle_status status;

    pti_buf_init(&out, max);
    status = pti_fetcher_get(&scene->fetcher, base, "name", &out, found, error);
    if (status == PINTLE_OK && *found)
        assert_true(pti_bytes_equal_text(pti_buf_bytes(&out), scene->body));
    pti_buf_clear(&out);
    return status;
}

/* However many small and slow answers: the time that is left shrinks, and then nothing more is asked for. */
static void test_one_time_for_everything(void **state)
{
    struct pti_error error;
    struct scene scene;
    bool found;

    (void)state;
    begin(&scene);
    scene.takes_ms = 300;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(get(&scene, "http://server/", 100, &found, &error), PINTLE_OK);
        assert_int_equal(scene.asked.timeout_ms, 1000 - 300 * i);
    }
    assert_int_equal(get(&scene, "http://server/", 100, &found, &error), PINTLE_ERR_NETWORK);
    assert_int_equal(scene.asked.timeout_ms, 100);
    assert_int_equal(get(&scene, "http://server/", 100, &found, &error), PINTLE_ERR_NETWORK);
    assert_non_null(strstr(error.detail, "the time for all that is fetched is over"));
    assert_int_equal(scene.transfers, 4);
    pti_fetcher_allow(&scene.fetcher, 1000);
    assert_int_equal(get(&scene, "http://server/", 100, &found, &error), PINTLE_OK);
}

static void test_what_is_asked_for(void **state)
{
    struct pti_error error;
    struct scene scene;
    bool found;

    (void)state;
    begin(&scene);
    assert_int_equal(get(&scene, "http://server/a%20b", 5, &found, &error), PINTLE_OK);
    assert_string_equal(scene.url, "http://server/a%20b/name");
    assert_int_equal(scene.asked.max_response, 5);
    assert_int_equal(scene.asked.min_bytes_per_second, PTI_MIN_BYTES_PER_SECOND);
    assert_int_equal(get(&scene, "http://server/", 4, &found, &error),
                     PINTLE_ERR_INPUT); /* one byte more than may come */
    assert_string_equal(scene.url, "http://server/name");
}

static void test_what_is_an_answer(void **state)
{
    static const struct {
        int status;
        bool taken, found;
    } cases[] = {{200, true, true},   {404, true, false},  {403, true, false},  {204, false, false},
                 {206, false, false}, {301, false, false}, {302, false, false}, {304, false, false},
                 {401, false, false}, {410, false, false}, {500, false, false}, {503, false, false},
                 {0, false, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_error error;
        struct scene scene;
        bool found;

        begin(&scene);
        scene.status = cases[i].status;
        if ((get(&scene, "http://server/", 100, &found, &error) == PINTLE_OK) != cases[i].taken ||
            found != cases[i].found)
            fail_msg("%d: %s", cases[i].status, error.detail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_time_for_everything),
        cmocka_unit_test(test_what_is_asked_for),
        cmocka_unit_test(test_what_is_an_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
