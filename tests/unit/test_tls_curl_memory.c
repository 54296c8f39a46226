/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libcurl adapter while memory is short, its own and libcurl's: a call fails by its status, a transfer fails, and nothing
 * that is not pinned is asked.  The server is a process apart, which has memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <pintle/curl.h>

#include "faults.h"
#include "http_fixture.h"
#include "tls_world.h"

struct scene {
    struct tls_world *tls;
    pid_t server;
    int ask, hear; /* a byte each, answered with the number of requests so far */
    char hosts[64];
    char *ca;
};

/* ---- libcurl's memory, which counts when it is told to ---- */

static bool libcurls_counts;

static void *curl_malloc(size_t size)
{
    void *data;

    if (libcurls_counts)
        return malloc(size);
    faults_pause();
    data = malloc(size);
    faults_resume();
    return data;
}

static void *curl_calloc(size_t count, size_t size)
{
    void *data = curl_malloc(count * size);

    if (data != NULL)
        memset(data, 0, count * size);
    return data;
}

static void *curl_realloc(void *old, size_t size)
{
    void *data;

    if (libcurls_counts)
        return realloc(old, size);
    faults_pause();
    data = realloc(old, size);
    faults_resume();
    return data;
}

static char *curl_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = curl_malloc(size);

    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

/* ---- the server ---- */

static bool answer(struct http_fixture_connection *connection, const char *request)
{
    (void)request;
    return http_fixture_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
}

static void serve(SSL_CTX *tls, int ask, int hear)
{
    static struct http_fixture server;
    int number;
    char byte;

    http_fixture_start(&server, answer, tls);
    number = server.port;
    while (write(hear, &number, sizeof(number)) == sizeof(number) && read(ask, &byte, 1) == 1)
        number = atomic_load(&server.requests);
    _exit(0);
}

static int requests(const struct scene *scene)
{
    int number = -1;

    assert_int_equal(write(scene->ask, "?", 1), 1);
    assert_int_equal(read(scene->hear, &number, sizeof(number)), sizeof(number));
    return number;
}

static char *pem_of(X509 *x509)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text;
    long size;

    assert_int_equal(PEM_write_bio_X509(bio, x509), 1);
    size = BIO_get_mem_data(bio, &data);
    text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    memcpy(text, data, (size_t)size);
    BIO_free(bio);
    return text;
}

static int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    int ask[2], hear[2], port = 0;

    assert_non_null(scene);
    tls_world_setup(state);
    scene->tls = *state;
    assert_int_equal(pipe(ask), 0);
    assert_int_equal(pipe(hear), 0);
    scene->server = fork();
    assert_true(scene->server >= 0);
    if (scene->server == 0) {
        close(ask[1]);
        close(hear[0]);
        serve(scene->tls->server, ask[0], hear[1]);
    }
    close(ask[0]);
    close(hear[1]);
    scene->ask = ask[1];
    scene->hear = hear[0];
    assert_int_equal(read(scene->hear, &port, sizeof(port)), sizeof(port));
    (void)snprintf(scene->hosts, sizeof(scene->hosts), "::127.0.0.1:%d", port);
    scene->ca = pem_of(scene->tls->root.x509);
    *state = scene;
    return 0;
}

static int scene_teardown(void **state)
{
    struct scene *scene = *state;

    close(scene->ask);
    close(scene->hear);
    (void)waitpid(scene->server, NULL, 0);
    *state = scene->tls;
    free(scene->ca);
    free(scene);
    return tls_world_teardown(state);
}

/* ---- handles ---- */

static size_t discard(char *data, size_t one, size_t size, void *arg)
{
    (void)data, (void)one, (void)arg;
    return size;
}

static CURL *handle_of(const struct scene *scene, struct curl_slist **hosts)
{
    struct curl_blob ca = {scene->ca, strlen(scene->ca), CURL_BLOB_COPY};
    CURL *easy = curl_easy_init();

    assert_non_null(easy);
    *hosts = curl_slist_append(NULL, scene->hosts);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_URL, "https://" TLS_WORLD_HOST "/");
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, *hosts);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
    return easy;
}

static void close_handle(CURL *easy, struct curl_slist *hosts)
{
    pintle_curl_release(easy);
    curl_easy_cleanup(easy);
    curl_slist_free_all(hosts);
}

static void works(CURL *easy)
{
    struct pintle_verdict verdict;

    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_OK);
    assert_int_equal(verdict.reason, PINTLE_REASON_MATCHED);
}

/*
 * Two transfers, the second over the connection of the first if all goes well.  Where libcurl runs out of memory it may wait
 * for nothing: it is given 200 ms without progress.
 */
static void attempt(CURL *easy)
{
    CURLM *multi = curl_multi_init();

    for (int i = 0; multi != NULL && i < 2; i++) {
        int running = 1;

        if (curl_multi_add_handle(multi, easy) != CURLM_OK)
            break;
        for (int idle = 0, ready = 0; running > 0 && idle<4; idle = ready> 0 ? 0 : idle + 1)
            if (curl_multi_perform(multi, &running) != CURLM_OK ||
                (running > 0 && curl_multi_poll(multi, NULL, 0, 50, &ready) != CURLM_OK))
                break;
        curl_multi_remove_handle(multi, easy);
    }
    curl_multi_cleanup(multi);
}

/* Short of memory while attaching: attached or not, and never half. */
static void test_attach(void **state)
{
    struct scene *scene = *state;
    bool more = true;

    if (!faults_available())
        skip();
    libcurls_counts = true;
    for (long n = 0; more; n++) {
        struct curl_slist *hosts;
        CURL *easy = handle_of(scene, &hosts);
        enum pintle_status status;
        int before = requests(scene);

        faults_arm(FAULTS_MEMORY | FAULTS_OPENSSL, n, FAULTS_FAIL, 0);
        status = pintle_curl_attach(easy, scene->tls->checker);
        more = faults_disarm();
        if (status != PINTLE_OK) {
            assert_int_equal(status, PINTLE_ERR_MEMORY);
            /* libcurl may or may not have our hooks: if it has them, they find nothing to ask */
            assert_int_equal(pintle_curl_set_host(easy, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
            assert_int_equal(requests(scene), before);
            assert_int_equal(pintle_curl_attach(easy, scene->tls->checker), PINTLE_OK);
        }
        if (!more || n % 4 == 0)
            works(easy);
        close_handle(easy, hosts);
    }
    libcurls_counts = false;
}

/*
 * Every allocation of kinds, or one in step, of two transfers over one connection.  Whatever fails, what is not pinned is
 * asked for nothing, and what is pinned is asked again with success.
 */
static void transfers(struct scene *scene, bool pinned, unsigned kinds, long step)
{
    bool more = true;
    int before = requests(scene);

    for (long n = 0; more; n += step) {
        struct curl_slist *hosts;
        CURL *easy = handle_of(scene, &hosts);

        assert_int_equal(pintle_curl_attach(easy, scene->tls->checker), PINTLE_OK);
        faults_arm(kinds, n, FAULTS_FAIL, 0);
        attempt(easy);
        more = faults_disarm();
        if (pinned && (!more || n % 16 == 0))
            works(easy);
        close_handle(easy, hosts);
    }
    if (!pinned)
        assert_int_equal(requests(scene), before);
}

static void test_transfers(void **state)
{
    struct scene *scene = *state;
    long step = getenv("PINTLE_LONG") != NULL ? 1 : 17;

    if (!faults_available())
        skip();
    for (int pinned = 1; pinned >= 0; pinned--) {
        if (!pinned)
            tls_world_pin_key(scene->tls, scene->tls->stray.x509, PINTLE_AT_LEAF);
        transfers(scene, pinned, FAULTS_MEMORY, 1);
        libcurls_counts = true;
        transfers(scene, pinned, FAULTS_MEMORY, step);
        libcurls_counts = false;
        transfers(scene, pinned, FAULTS_OPENSSL, 40 * step);
    }
}

/* The pins go while a connection is kept: short of memory, the question whether it still counts is answered with no. */
static void test_a_kept_connection(void **state)
{
    struct scene *scene = *state;
    bool more = true;

    if (!faults_available())
        skip();
    libcurls_counts = true;
    for (long n = 0; more; n++) {
        struct curl_slist *hosts;
        CURL *easy = handle_of(scene, &hosts);
        int before;

        tls_world_pin_key(scene->tls, scene->tls->leaf.x509, PINTLE_AT_LEAF);
        assert_int_equal(pintle_curl_attach(easy, scene->tls->checker), PINTLE_OK);
        works(easy);
        before = requests(scene);
        tls_world_pin_key(scene->tls, scene->tls->stray.x509, PINTLE_AT_LEAF);
        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        assert_int_not_equal(curl_easy_perform(easy), CURLE_OK);
        more = faults_disarm();
        assert_int_equal(requests(scene), before);
        close_handle(easy, hosts);
    }
    libcurls_counts = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"test_attach", test_attach, scene_setup, scene_teardown, &tls_world_versions[3]},
        {"test_transfers", test_transfers, scene_setup, scene_teardown, &tls_world_versions[3]},
        {"test_a_kept_connection", test_a_kept_connection, scene_setup, scene_teardown, &tls_world_versions[3]},
    };
    int failed;

    if (!faults_hook_openssl() || curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free, curl_realloc,
                                                       curl_strdup, curl_calloc) != CURLE_OK)
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
