/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl adapter behind proxies: the host is that of the URL, and a proxy with TLS is a host of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "curl_world.h"

#define REFUSED CURLE_PEER_FAILED_VERIFICATION
#define STOPPED CURLE_ABORTED_BY_CALLBACK

static void through_http(struct curl_world *world, CURL *easy)
{
    char proxy[64];

    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", world->plain.port);
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy);
}

/* The proxy is called by the name in its certificate; resolve must live as long as easy. */
static struct curl_slist *through_https(struct curl_world *world, CURL *easy, const char *name)
{
    struct curl_blob ca = {world->ca, strlen(world->ca), CURL_BLOB_COPY};
    struct curl_slist *resolve;
    char text[96];

    (void)snprintf(text, sizeof(text), "%s:%d:127.0.0.1", name, world->proxy.port);
    resolve = curl_slist_append(NULL, text);
    curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve);
    (void)snprintf(text, sizeof(text), "https://%s:%d", name, world->proxy.port);
    assert_int_equal(curl_easy_setopt(easy, CURLOPT_PROXY, text), CURLE_OK);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &ca);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    return resolve;
}

static void test_connect(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);

    through_http(world, easy);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_withdraw(world);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_MISMATCH); /* the tunnel is still there */
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    curl_world_close(easy);
    world->requests = 1;
    world->plain_requests = 2; /* CONNECT */
}

/* In the clear through a proxy there is no tunnel: the proxy sees all, and a pinned host is not asked. */
static void test_in_the_clear(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, "http://" TLS_WORLD_HOST "/");

    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL); /* with which libcurl would ask for a tunnel */
    through_http(world, easy);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_CHAIN_UNUSABLE);
    curl_world_close(easy);
}

static bool has_https_proxies(void)
{
    return (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTPS_PROXY) != 0;
}

static void test_an_https_proxy(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;
    struct curl_slist *resolve;

    if (!has_https_proxies())
        skip();
    resolve = through_https(world, easy, CURL_WORLD_OTHER);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_withdraw(world);                                 /* what the proxy's own key has nothing to do with */
    assert_int_not_equal(curl_world_get(easy, NULL), CURLE_OK); /* libcurl 7.88 calls it CURLE_SSL_CONNECT_ERROR */
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_PIN_MISMATCH);
    assert_string_equal(verdict.host, TLS_WORLD_HOST);
    assert_int_equal(atomic_load(&world->proxy.requests), 2); /* CONNECT got through, twice */
    curl_world_pin(world, PINTLE_UNLISTED_REFUSE);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_UNLISTED_REFUSED); /* the proxy is a host without policy */
    assert_int_equal(atomic_load(&world->proxy.requests), 2);
    curl_world_close(easy);
    curl_slist_free_all(resolve);
    world->requests = 1;
}

/* A proxy that shows the certificate of another is no proxy; one that shows that of the host does not become the host. */
static void test_an_https_proxy_with_a_wrong_certificate(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;
    struct curl_slist *resolve;

    if (!has_https_proxies())
        skip();
    world->proxy.tls = world->tls->server;
    resolve = through_https(world, easy, CURL_WORLD_OTHER);
    assert_int_not_equal(curl_world_get(easy, NULL), CURLE_OK);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_TRUST);
    assert_int_equal(verdict.reason, PINTLE_REASON_VALIDATION_FAILED);
    assert_string_equal(verdict.host, CURL_WORLD_OTHER);
    curl_world_close(easy);
    curl_slist_free_all(resolve);
    easy = curl_world_pinned(world, "https://" TLS_WORLD_HOST "/");
    world->proxy.tls = world->other_tls;
    resolve = through_https(world, easy, "127.0.0.1"); /* no SNI, so nobody knows who it is */
    assert_int_not_equal(curl_world_get(easy, NULL), CURLE_OK);
    pintle_curl_verdict(easy, &verdict);
    assert_int_equal(verdict.reason, PINTLE_REASON_HOST_MISSING);
    curl_world_close(easy);
    curl_slist_free_all(resolve);
}

/* Its TLS leads to the proxy, not to the host: http stays in the clear. */
static void test_http_through_an_https_proxy(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, "http://" TLS_WORLD_HOST "/");
    struct curl_slist *resolve;

    if (!has_https_proxies())
        skip();
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL); /* with which libcurl would ask for a tunnel */
    resolve = through_https(world, easy, CURL_WORLD_OTHER);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_CHAIN_UNUSABLE);
    assert_int_equal(atomic_load(&world->proxy.requests), 0);
    curl_world_close(easy);
    curl_slist_free_all(resolve);
}

static void test_an_https_proxy_without_verification(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct curl_slist *resolve;

    if (!has_https_proxies())
        skip();
    resolve = through_https(world, easy, CURL_WORLD_OTHER);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 0L);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_OFF);
    assert_int_equal(atomic_load(&world->proxy.requests), 0);
    curl_world_close(easy);
    curl_slist_free_all(resolve);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURL_WORLD_TEST(test_connect, 3),
        CURL_WORLD_TEST(test_in_the_clear, 3),
        CURL_WORLD_TEST(test_an_https_proxy, 2),
        CURL_WORLD_TEST(test_an_https_proxy, 3),
        CURL_WORLD_TEST(test_an_https_proxy_with_a_wrong_certificate, 3),
        CURL_WORLD_TEST(test_http_through_an_https_proxy, 3),
        CURL_WORLD_TEST(test_an_https_proxy_without_verification, 3),
    };
    int failed;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
