/* SPDX-License-Identifier: Apache-2.0 */
/* The transports and the store that the command line brings along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"
#include "cli/directory_transport.h"
#include "cli/memory_store.h"
#include "publish/file.h"

static void write_file(const char *directory, const char *name, const char *text)
{
    char path[PTI_PATH_MAX];

    assert_int_equal(pti_file_path(path, directory, name, NULL), PINTLE_OK);
    assert_int_equal(pti_file_replace(path, pti_bytes_text(text), 0644, NULL), PINTLE_OK);
}

static int setup(void **state)
{
    char *top = strdup("/tmp/pintle-test-transport-XXXXXX"), path[PTI_PATH_MAX];

    assert_non_null(mkdtemp(top));
    write_file(top, "secret", "outside");
    snprintf(path, sizeof path, "%s/public", top);
    assert_int_equal(mkdir(path, 0755), 0);
    write_file(path, "timestamp.json", "inside");
    write_file(path, "%2e", "no decoding");
    snprintf(path, sizeof path, "%s/public/head", top);
    assert_int_equal(mkdir(path, 0755), 0);
    write_file(path, "1", "a head");
    *state = top;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {
        "secret", "public/timestamp.json", "public/%2e", "public/head/1", "public/head", "public", ""};
    char path[PTI_PATH_MAX];

    for (size_t i = 0; i < PTI_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", (char *)*state, names[i]);
        (void)remove(path);
    }
    free(*state);
    return 0;
}

/* One request; the body, at most max bytes, into out. */
static enum pintle_status get(const struct pintle_transport *transport, const char *url, size_t max,
                              struct pti_buf *out, int *http)
{
    struct pintle_request request = {
        .size = sizeof request, .method = "GET", .url = url, .max_response = max, .timeout_ms = 1000};
    struct pintle_response response = {.size = sizeof response};
    struct pintle_sink sink;
    char detail[256] = "";
    enum pintle_status status = PINTLE_OK;

    pti_buf_init(out, max);
    sink = pti_buf_sink(out);
    status = transport->perform(transport->ctx, &request, &sink, &response, detail, sizeof detail);
    *http = response.status;
    if (status != PINTLE_OK) {
        assert_true(detail[0] != '\0');
    }
    return status;
}

static void directory(void **state)
{
    static const struct {
        const char *path;
        int http;
        const char *want;
    } cases[] = {
        {"/timestamp.json", 200, "inside"},
        {"/head/1", 200, "a head"},
        {"/%2e", 200, "no decoding"},
        {"/missing", 404, ""},
        {"/head", 404, ""}, /* a directory is no file */
        {"/timestamp.json/x", 404, ""},
        {"/", 404, ""},
        {"/../secret", 404, ""},
        {"/head/../../secret", 404, ""},
        {"/./timestamp.json", 404, ""},
        {"//timestamp.json", 404, ""},
        {"/.hidden", 404, ""},
    };
    struct pintle_transport transport;
    char public_directory[PTI_PATH_MAX], url[512];

    snprintf(public_directory, sizeof public_directory, "%s/public", (char *)*state);
    assert_int_equal(pti_directory_transport_init(&transport, public_directory, NULL), PINTLE_OK);
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct pti_buf body;
        int http = 0;

        snprintf(url, sizeof url, PTI_DIRECTORY_URL "%s", cases[i].path);
        assert_int_equal(get(&transport, url, 100, &body, &http), PINTLE_OK);
        if (http != cases[i].http || !pti_bytes_equal_text(pti_buf_bytes(&body), cases[i].want)) {
            fail_msg("%s: %d", cases[i].path, http);
        }
        pti_buf_clear(&body);
    }
    transport.free(transport.ctx);
}

/* Elsewhere there is nobody; a reader that has had enough fails the transfer. */
static void directory_failures(void **state)
{
    static const struct {
        const char *url;
        size_t max;
    } cases[] = {
        {"http://collector.example.net/v1/reports", 100},
        {"http://repository.invalid.example.net/timestamp.json", 100},
        {PTI_DIRECTORY_URL, 100},
        {PTI_DIRECTORY_URL "/timestamp.json", 3},
    };
    struct pintle_transport transport;
    char public_directory[PTI_PATH_MAX];

    snprintf(public_directory, sizeof public_directory, "%s/public", (char *)*state);
    assert_int_equal(pti_directory_transport_init(&transport, public_directory, NULL), PINTLE_OK);
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct pti_buf body;
        int http = 0;

        assert_int_equal(get(&transport, cases[i].url, cases[i].max, &body, &http), PINTLE_ERR_NETWORK);
        pti_buf_clear(&body);
    }
    transport.free(transport.ctx);
}

static void plain_files_only(void **state)
{
    struct pintle_transport inner, transport;
    char public_directory[PTI_PATH_MAX];
    struct pti_buf body;
    int http = 0;

    snprintf(public_directory, sizeof public_directory, "%s/public", (char *)*state);
    assert_int_equal(pti_directory_transport_init(&inner, public_directory, NULL), PINTLE_OK);
    assert_int_equal(pti_plain_transport_init(&transport, &inner), PINTLE_OK);
    assert_int_equal(get(&transport, PTI_DIRECTORY_URL "/head/1", 100, &body, &http), PINTLE_OK);
    assert_int_equal(http, 404);
    assert_int_equal(body.size, 0);
    assert_int_equal(get(&transport, PTI_DIRECTORY_URL "/timestamp.json", 100, &body, &http), PINTLE_OK);
    assert_int_equal(http, 200);
    pti_buf_clear(&body);
    transport.free(transport.ctx);
}

static void assert_holds(const struct pintle_store *store, const char *name, const char *want)
{
    struct pti_buf out;
    struct pintle_sink sink;
    char detail[256] = "";
    bool found = !want;

    pti_buf_init(&out, 100);
    sink = pti_buf_sink(&out);
    assert_int_equal(store->load(store->ctx, name, &sink, &found, detail, sizeof detail), PINTLE_OK);
    assert_int_equal(found, want != NULL);
    if (want) {
        assert_true(pti_bytes_equal_text(pti_buf_bytes(&out), want));
    }
    pti_buf_clear(&out);
}

static void memory_store(void **state)
{
    struct pintle_store store;
    char detail[256] = "";

    (void)state;
    assert_int_equal(pti_memory_store_init(&store), PINTLE_OK);
    assert_int_equal(store.lock(store.ctx, detail, sizeof detail), PINTLE_OK);
    assert_holds(&store, "roots", NULL);
    assert_int_equal(store.save(store.ctx, "roots", pti_bytes_text("one"), detail, sizeof detail), PINTLE_OK);
    assert_int_equal(store.save(store.ctx, "accepted", pti_bytes_text("two"), detail, sizeof detail), PINTLE_OK);
    assert_int_equal(store.save(store.ctx, "roots", pti_bytes_text("three"), detail, sizeof detail), PINTLE_OK);
    assert_holds(&store, "roots", "three");
    assert_holds(&store, "accepted", "two");
    assert_int_equal(store.remove(store.ctx, "roots", detail, sizeof detail), PINTLE_OK);
    assert_int_equal(store.remove(store.ctx, "roots", detail, sizeof detail), PINTLE_OK);
    assert_holds(&store, "roots", NULL);
    assert_holds(&store, "accepted", "two");
    store.unlock(store.ctx);
    store.free(store.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(directory, setup, teardown),
        cmocka_unit_test_setup_teardown(directory_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_files_only, setup, teardown),
        cmocka_unit_test(memory_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
