/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl transport against a real server on loopback: what arrives, what is refused, and what is never sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <pintle/curl_transport.h>

#include "base/buf.h"
#include "http_fixture.h"
#include "tls_fixture.h"

/* The script: what is served under each path. */
struct page {
    const char *path;
    const char *response;
};

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
static const struct page pages[] = {
    {"/ok", OK_HEAD "Content-Length: 5\r\n\r\nhello"},
    {"/empty", OK_HEAD "Content-Length: 0\r\n\r\n"},
    {"/ten", OK_HEAD "Content-Length: 10\r\n\r\n0123456789"},
    {"/chunked", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"},
    {"/missing", "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found"},
    {"/missing-long", "HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\nnot found"},
    {"/missing-chunked", "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "14\r\n01234567890123456789\r\n0\r\n\r\n"},
    {"/accepted", "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nSet-Cookie: id=1; Path=/\r\nContent-Length: 0\r\n\r\n"},
    {"/later", "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"},
    {"/later-zero", "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"},
    {"/later-past", "HTTP/1.1 503 Busy\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n"},
    {"/later-odd", "HTTP/1.1 503 Busy\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n"},
    {"/cut", OK_HEAD "Content-Length: 100\r\n\r\nonly this"},
    {"/http09", "hello, I am from 1991"},
};

/* What the request said in that header. */
static bool say_manifest(struct http_fixture_connection *connection, const char *request)
{
    static const char name[] = "\r\nPintle-Manifest: ";
    const char *value = strstr(request, name);
    char head[256];
    int size;

    value = value != NULL ? value + strlen(name) : "none\r\n";
    size = (int)strcspn(value, "\r");
    snprintf(head, sizeof(head), OK_HEAD "Content-Length: %d\r\n\r\n%.*s", size, size, value);
    return http_fixture_text(connection, head);
}

static bool answer(struct http_fixture_connection *connection, const char *request)
{
    char path[64] = "";
    char head[128];
    const char *end;

    request = strchr(request, ' ');
    end = request != NULL ? strchr(request + 1, ' ') : NULL;
    if (end == NULL || (size_t)(end - request) > sizeof(path))
        return false;
    memcpy(path, request + 1, (size_t)(end - request - 1));
    if (strcmp(path, "/hang") == 0 || strcmp(path, "/drip") == 0) {
        if (path[1] == 'd')
            http_fixture_text(connection, OK_HEAD "Content-Length: 1000\r\n\r\nx");
        http_fixture_wait_for_end(connection);
        return false;
    }
    if (strcmp(path, "/manifest") == 0)
        return say_manifest(connection, end);
    if (strcmp(path, "/endless") == 0) {
        static const char piece[] = "400\r\n";
        char chunk[sizeof(piece) - 1 + 1024 + 2];

        memcpy(chunk, piece, sizeof(piece) - 1);
        memset(chunk + sizeof(piece) - 1, 'x', 1024);
        memcpy(chunk + sizeof(chunk) - 2, "\r\n", 2);
        http_fixture_text(connection, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n");
        while (http_fixture_send(connection, chunk, sizeof(chunk)))
            ;
        return false;
    }
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(path, pages[i].path) == 0)
            return http_fixture_text(connection, pages[i].response) && strcmp(path, "/cut") != 0 &&
                   strcmp(path, "/http09") != 0;
    }
    snprintf(head, sizeof(head), "HTTP/1.1 500 No such page\r\nContent-Length: 0\r\n\r\n");
    return http_fixture_text(connection, head);
}

struct result {
    enum pintle_status status;
    int http;
    int64_t retry_after_s;
    char body[256];
    char detail[512];
};

static struct pintle_request request_of(const char *url)
{
    return (struct pintle_request){
        .size = sizeof(struct pintle_request), .method = "GET", .url = url, .max_response = 100, .timeout_ms = 20000};
}

static struct result run(struct pintle_transport *transport, const struct pintle_request *request, size_t sink_max)
{
    struct pintle_response response = {.size = sizeof(response), .status = -1};
    struct result result = {0};
    struct pintle_sink sink;
    struct pti_buf buf;

    pti_buf_init(&buf, sink_max);
    sink = pti_buf_sink(&buf);
    result.status = transport->perform(transport->ctx, request, &sink, &response, result.detail, sizeof(result.detail));
    result.http = response.status;
    result.retry_after_s = response.retry_after_s;
    if (buf.size > 0 && buf.size < sizeof(result.body))
        memcpy(result.body, buf.data, buf.size);
    pti_buf_clear(&buf);
    return result;
}

static const char *url_of(const struct http_fixture *server, const char *path)
{
    static char url[128];

    snprintf(url, sizeof(url), "%s://127.0.0.1:%d%s", server->tls != NULL ? "https" : "http", server->port, path);
    return url;
}

static struct result get(struct pintle_transport *transport, const struct http_fixture *server, const char *path)
{
    struct pintle_request request = request_of(url_of(server, path));

    return run(transport, &request, 100);
}

static struct http_fixture server;
static struct pintle_transport transport;

static int start(void **state)
{
    (void)state;
    http_fixture_start(&server, answer, NULL);
    return pintle_curl_transport_init(&transport, NULL) == PINTLE_OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    transport.free(transport.ctx);
    http_fixture_stop(&server);
    return 0;
}

static void responses_are_told_apart(void **state)
{
    static const struct {
        const char *path;
        enum pintle_status status;
        int http;
        const char *body;
        int64_t retry_after_s;
        const char *detail;
    } cases[] = {
        {"/ok", PINTLE_OK, 200, "hello", -1, ""},
        {"/empty", PINTLE_OK, 200, "", -1, ""},
        {"/chunked", PINTLE_OK, 200, "helloworld", -1, ""},
        {"/missing", PINTLE_OK, 404, "", -1, ""},
        {"/missing-long", PINTLE_OK, 404, "", -1, ""},
        {"/missing-chunked", PINTLE_OK, 404, "", -1, ""},
        {"/accepted", PINTLE_OK, 202, "", -1, ""},
        {"/moved", PINTLE_OK, 302, "", -1, ""},
        {"/later", PINTLE_OK, 503, "", 120, ""},
        {"/ok", PINTLE_OK, 200, "hello", -1, ""}, /* nothing stays from the transfer before */
        {"/later-zero", PINTLE_OK, 503, "", -1, ""},
        {"/later-past", PINTLE_OK, 503, "", -1, ""},
        {"/later-odd", PINTLE_OK, 503, "", -1, ""},
        {"/cut", PINTLE_ERR_NETWORK, 0, "only this", -1, "closed"},
        {"/http09", PINTLE_ERR_NETWORK, 0, "", -1, "HTTP/0.9"},
        {"/endless", PINTLE_ERR_NETWORK, 0, "", -1, "larger than its reader takes (at most 100 bytes)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct result result = get(&transport, &server, cases[i].path);

        if (result.status != cases[i].status || result.http != cases[i].http ||
            strcmp(result.body, cases[i].body) != 0 || result.retry_after_s != cases[i].retry_after_s ||
            strstr(result.detail, cases[i].detail) == NULL)
            fail_msg("%s: status %d, http %d, body \"%s\", retry after %lld, \"%s\"", cases[i].path, (int)result.status,
                     result.http, result.body, (long long)result.retry_after_s, result.detail);
    }
}

static void a_response_has_a_bound(void **state)
{
    static const struct {
        size_t max, sink;
        enum pintle_status status;
    } cases[] = {{10, 100, PINTLE_OK},
                 {9, 100, PINTLE_ERR_NETWORK},
                 {100, 9, PINTLE_ERR_NETWORK},
                 {100, 10, PINTLE_OK},
                 {0, 100, PINTLE_ERR_NETWORK}};
    static const char *const paths[] = {"/ten", "/chunked"};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct pintle_request request = request_of(url_of(&server, paths[i % 2]));

        request.max_response = cases[i / 2].max;
        assert_int_equal(run(&transport, &request, cases[i / 2].sink).status, cases[i / 2].status);
    }
}

static void one_connection_serves_many_requests(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_string_equal(get(&transport, &server, "/ok").body, "hello");
    assert_int_equal(atomic_load(&server.requests), 5);
    assert_int_equal(atomic_load(&server.connections), 1);
}

static void a_report_arrives_as_it_was_posted(void **state)
{
    static char big[20000];
    struct pintle_request request = request_of(url_of(&server, "/accepted"));

    (void)state;
    request.method = "POST";
    request.content_type = "application/json";
    request.body = pti_bytes_text("{\"a\":1}");
    assert_int_equal(run(&transport, &request, 100).http, 202);
    assert_memory_equal(server.last, "POST /accepted HTTP/1.1\r\n", 25);
    assert_non_null(strstr(server.last, "\r\nContent-Type: application/json\r\n"));
    assert_string_equal(strstr(server.last, "\r\n\r\n"), "\r\n\r\n{\"a\":1}");
    /* a larger one without waiting for permission; one without type; an empty one; and a GET after that */
    memset(big, 'b', sizeof(big));
    request.body = (struct pintle_bytes){(const uint8_t *)big, sizeof(big)};
    assert_int_equal(run(&transport, &request, 100).http, 202);
    assert_null(strstr(server.last, "Expect:"));
    request.body = (struct pintle_bytes){NULL, 0};
    request.content_type = NULL;
    assert_int_equal(run(&transport, &request, 100).http, 202);
    assert_null(strstr(server.last, "Content-Type"));
    assert_int_equal(get(&transport, &server, "/ok").http, 200);
    assert_memory_equal(server.last, "GET /ok HTTP/1.1\r\n", 18);
    assert_null(strstr(server.last, "Content-"));
}

/* Redirects are not followed, cookies are not kept, nothing of the user's is sent along. */
static void nothing_but_the_request_is_sent(void **state)
{
    char url[128] = "";
    struct pintle_request request = request_of(url);
    struct result result;

    (void)state;
    assert_int_equal(get(&transport, &server, "/moved").http, 302);
    assert_int_equal(atomic_load(&server.requests), 1);
    assert_int_equal(get(&transport, &server, "/ok").http, 200);
    assert_null(strstr(server.last, "Cookie"));
    assert_null(strstr(server.last, "Authorization"));
    assert_non_null(strstr(server.last, "\r\nAccept-Encoding: gzip\r\n"));
    assert_null(strstr(server.last, "Referer"));
    assert_non_null(strstr(server.last, "\r\nUser-Agent: pintle/"));
    snprintf(url, sizeof(url), "http://user:secret@127.0.0.1:%d/ok", server.port);
    assert_int_equal(run(&transport, &request, 100).status, PINTLE_ERR_NETWORK);
    assert_int_equal(atomic_load(&server.requests), 2);
    snprintf(url, sizeof(url), "file:///etc/hostname");
    result = run(&transport, &request, 100);
    assert_int_equal(result.status, PINTLE_ERR_NETWORK);
    assert_string_equal(result.body, "");
    assert_non_null(strstr(result.detail, "file"));
}

/* The environment may name a proxy; its password stays at home all the same. */
static void a_proxy_is_used_without_credentials(void **state)
{
    char proxy[128];
    struct pintle_request request = request_of("http://manifest.invalid/ok");

    (void)state;
    snprintf(proxy, sizeof(proxy), "http://user:secret@127.0.0.1:%d", server.port);
    setenv("http_proxy", proxy, 1);
    run(&transport, &request, 100);
    unsetenv("http_proxy");
    assert_memory_equal(server.last, "GET http://manifest.invalid/ok HTTP/1.1\r\n", 40);
    assert_null(strstr(server.last, "Authorization"));
}

static int64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void a_transfer_ends_in_time(void **state)
{
    static const char *const paths[] = {"/hang", "/drip"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pintle_request request = request_of(url_of(&server, paths[i]));
        int64_t before = now_ms();
        struct result result;

        request.max_response = 10000;
        request.timeout_ms = 300;
        result = run(&transport, &request, 10000);
        assert_int_equal(result.status, PINTLE_ERR_NETWORK);
        assert_non_null(strstr(result.detail, "timed out"));
        assert_in_range(now_ms() - before, 250, 15000);
    }
    assert_int_equal(get(&transport, &server, "/ok").http, 200);
}

static void *cancel_soon(void *arg)
{
    (void)arg;
    while (atomic_load(&server.requests) == 0)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    transport.cancel(transport.ctx);
    return NULL;
}

static void another_thread_can_cancel(void **state)
{
    struct result result;
    pthread_t thread;
    int64_t before = now_ms();

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    result = get(&transport, &server, "/hang");
    pthread_join(thread, NULL);
    assert_int_equal(result.status, PINTLE_ERR_NETWORK);
    assert_non_null(strstr(result.detail, "cancelled"));
    assert_true(now_ms() - before < 10000);
    transport.cancel(transport.ctx); /* nothing is under way: this cancels nothing */
    assert_string_equal(get(&transport, &server, "/ok").body, "hello");
}

static void what_cannot_be_sent_says_why(void **state)
{
    struct pintle_request request = request_of("http://127.0.0.1:1/");
    struct result result = run(&transport, &request, 100);

    (void)state;
    assert_int_equal(result.status, PINTLE_ERR_NETWORK);
    assert_non_null(strstr(result.detail, "connect"));
    request.url = "no url";
    assert_int_equal(run(&transport, &request, 100).status, PINTLE_ERR_NETWORK);
    request.timeout_ms = 0;
    assert_int_equal(run(&transport, &request, 100).status, PINTLE_ERR_MISUSE);
    request = request_of(url_of(&server, "/ok"));
    request.method = "DELETE";
    assert_int_equal(run(&transport, &request, 100).status, PINTLE_ERR_MISUSE);
    request.method = "GET";
    request.size = offsetof(struct pintle_request, timeout_ms);
    assert_int_equal(run(&transport, &request, 100).status, PINTLE_ERR_MISUSE);
    assert_int_equal(atomic_load(&server.requests), 0);
}

/* A client that was compiled before the field existed sends none; neither does one that has nothing to say. */
static void manifest_header(void **state)
{
    static const struct {
        const char *value;
        size_t size;
        const char *want;
    } cases[] = {{"charter=3,payments=41;d=1", sizeof(struct pintle_request), "charter=3,payments=41;d=1"},
                 {"charter=3", offsetof(struct pintle_request, manifest), "none"},
                 {"", sizeof(struct pintle_request), "none"},
                 {NULL, sizeof(struct pintle_request), "none"}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pintle_request request = request_of(url_of(&server, "/manifest"));

        request.manifest = cases[i].value;
        request.size = cases[i].size;
        assert_string_equal(run(&transport, &request, 100).body, cases[i].want);
    }
}

static void certificates_are_validated(void **state)
{
    static const struct {
        const char *san;
        long from_s, until_s;
        bool trusted;
        enum pintle_status status;
    } cases[] = {{"IP:127.0.0.1", 0, 0, true, PINTLE_OK},
                 {"IP:127.0.0.1", 0, 0, false, PINTLE_ERR_NETWORK},
                 {"IP:127.0.0.2", 0, 0, true, PINTLE_ERR_NETWORK},
                 {"IP:127.0.0.1", -7200, -3600, true, PINTLE_ERR_NETWORK}};
    char ca_file[] = "/tmp/pintle-ca-XXXXXX";
    struct tls_fixture_cert root = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "Root", .ca = true});

    (void)state;
    close(mkstemp(ca_file));
    tls_fixture_write(ca_file, &root.x509, 1, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_fixture_cert leaf = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "leaf",
                                                                                       .san = cases[i].san,
                                                                                       .issuer = &root,
                                                                                       .from_s = cases[i].from_s,
                                                                                       .until_s = cases[i].until_s});
        SSL_CTX *tls = tls_fixture_server_new(&leaf, NULL, 0, TLS1_3_VERSION);
        struct http_fixture https;
        struct pintle_transport secure;
        struct result result;

        http_fixture_start(&https, answer, tls);
        assert_int_equal(pintle_curl_transport_init(&secure, cases[i].trusted ? ca_file : NULL), PINTLE_OK);
        result = get(&secure, &https, "/ok");
        assert_int_equal(result.status, cases[i].status);
        assert_string_equal(result.body, cases[i].status == PINTLE_OK ? "hello" : "");
        assert_int_equal(atomic_load(&https.requests), cases[i].status == PINTLE_OK);
        secure.free(secure.ctx);
        http_fixture_stop(&https);
        SSL_CTX_free(tls);
        tls_fixture_cert_clear(&leaf);
    }
    tls_fixture_cert_clear(&root);
    unlink(ca_file);
}

static void a_ca_file_must_be_readable(void **state)
{
    static const char *const files[] = {"/nowhere/ca.pem", "/tmp", "/dev/null"};
    struct pintle_transport none;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        assert_int_equal(pintle_curl_transport_init(&none, files[i]), PINTLE_ERR_INPUT);
        assert_null(none.ctx);
    }
    assert_int_equal(pintle_curl_transport_init(NULL, NULL), PINTLE_ERR_MISUSE);
}

int main(void)
{
#define SERVED(f) cmocka_unit_test_setup_teardown(f, start, stop)
    const struct CMUnitTest tests[] = {
        SERVED(responses_are_told_apart),
        SERVED(a_response_has_a_bound),
        SERVED(one_connection_serves_many_requests),
        SERVED(a_report_arrives_as_it_was_posted),
        SERVED(nothing_but_the_request_is_sent),
        SERVED(a_proxy_is_used_without_credentials),
        SERVED(a_transfer_ends_in_time),
        SERVED(another_thread_can_cancel),
        SERVED(what_cannot_be_sent_says_why),
        SERVED(manifest_header),
        cmocka_unit_test(certificates_are_validated),
        cmocka_unit_test(a_ca_file_must_be_readable),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
