/* SPDX-License-Identifier: Apache-2.0 */
/* The libcurl adapter: what an attached handle may do, and what it may not, one connection at a time. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "curl_world.h"

#define REFUSED CURLE_PEER_FAILED_VERIFICATION
#define STOPPED CURLE_ABORTED_BY_CALLBACK

static void test_a_pinned_host(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;

    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    pintle_curl_verdict(easy, &verdict);
    assert_string_equal(verdict.host, TLS_WORLD_HOST);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    assert_int_equal(atomic_load(&world->server.connections), 1); /* the second went over the same */
    curl_world_close(easy);
    world->requests = 2;
}

static void test_another_key(void **state)
{
    struct curl_world *world = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;

    curl_world_withdraw(world);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    curl_world_expect(easy, multi, REFUSED, PINTLE_REASON_MISMATCH);
    world->tls->heal = true;
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_RETRY);
    curl_world_close(easy);
    curl_multi_cleanup(multi);
}

static void test_hosts_without_policy(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_OTHER_URL);

    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_UNLISTED);
    curl_world_pin(world, PINTLE_UNLISTED_REFUSE);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_UNLISTED_REFUSED);
    curl_world_close(easy);
    world->other_requests = 1;
}

/* The host is what the URL says, in any spelling, wherever the connection really goes. */
static void test_spellings_of_the_host(void **state)
{
    static const char *const urls[] = {"https://API.Example.Test/", "https://api.example.test./", "api.example.test/",
                                       "https://user:secret@api.example.test:443/path?query#fragment"};
    struct curl_world *world = *state;

    curl_world_withdraw(world);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        CURL *easy = curl_world_pinned(world, urls[i]);

        curl_easy_setopt(easy, CURLOPT_DEFAULT_PROTOCOL, "https");
        curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
        curl_world_close(easy);
    }
}

static void test_the_certificate_of_another(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_OTHER_URL);
    char line[64];
    struct curl_slist *hosts;

    snprintf(line, sizeof(line), "%s:443:127.0.0.1:%d", CURL_WORLD_OTHER, world->server.port);
    hosts = curl_slist_append(NULL, line);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, hosts);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_FAILED);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L); /* makes no difference any more */
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_FAILED);
    curl_world_close(easy);
    curl_slist_free_all(hosts);
}

static void test_verification_switched_off(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_handle(world, CURL_WORLD_URL);

    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    assert_int_equal(pintle_curl_attach(easy, world->tls->checker), PINTLE_OK); /* switches it on */
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_OFF);
    curl_world_close(easy);
    world->requests = 2;
}

static void test_an_untrusted_chain(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);

    tls_world_serve(world->tls, &world->tls->stray);
    world->server.tls = world->tls->server;
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_FAILED);
    curl_world_close(easy);
}

static void test_set_host(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);

    assert_int_equal(pintle_curl_set_host(easy, "API.example.test."), PINTLE_OK);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_easy_setopt(easy, CURLOPT_URL, CURL_WORLD_GO CURL_WORLD_OTHER_URL);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_OFF);
    curl_easy_setopt(easy, CURLOPT_URL, CURL_WORLD_OTHER_URL);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_OFF);
    assert_int_equal(pintle_curl_set_host(easy, "not a host"), PINTLE_ERR_INPUT);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_OFF);
    curl_easy_setopt(easy, CURLOPT_URL, CURL_WORLD_URL);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_VALIDATION_OFF); /* it has a connection */
    assert_int_equal(pintle_curl_attach(easy, world->tls->checker), PINTLE_OK);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_close(easy);
    world->requests = 3;
}

/* An address is a host like any other: it has no SNI, and the certificate must name it. */
static void test_an_address(void **state)
{
    struct curl_world *world = *state;
    struct tls_fixture_cert leaf = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = "address", .san = "IP:127.0.0.1,IP:::1", .issuer = &world->tls->intermediate});
    char hash[TLS_FIXTURE_PIN_SIZE], v4[64], v6[64];
    struct pintle_static_pin pins[] = {{"127.0.0.1", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                       {"::1", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}};
    struct curl_slist *hosts;
    CURL *easy;

    tls_fixture_spki_pin(leaf.x509, hash);
    tls_world_pin(world->tls, pins, 2, PINTLE_UNLISTED_REFUSE);
    tls_world_serve(world->tls, &leaf);
    world->server.tls = world->tls->server;
    snprintf(v4, sizeof(v4), "https://127.0.0.1:%d/", world->server.port);
    snprintf(v6, sizeof(v6), "[::1]:443:127.0.0.1:%d", world->server.port);
    hosts = curl_slist_append(NULL, v6);
    easy = curl_world_pinned(world, v4);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, hosts);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_easy_setopt(easy, CURLOPT_URL, "https://[0:0::1]/");
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    pins[0].sha256 = pins[1].sha256 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    tls_world_pin(world->tls, pins, 2, PINTLE_UNLISTED_REFUSE);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_MISMATCH);
    curl_easy_setopt(easy, CURLOPT_URL, v4);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    curl_world_close(easy);
    curl_slist_free_all(hosts);
    tls_fixture_cert_clear(&leaf);
    world->requests = 2;
}

/* A redirect is a new question, wherever it comes from. */
static void test_redirects(void **state)
{
    static const struct {
        const char *url;
        CURLcode code;
        enum pintle_reason reason;
        enum pintle_unlisted unlisted;
        int requests, other_requests;
    } cases[] = {
        {CURL_WORLD_GO CURL_WORLD_URL, CURLE_OK, PINTLE_REASON_MATCHED, PINTLE_UNLISTED_REFUSE, 2, 0},
        {CURL_WORLD_GO CURL_WORLD_OTHER_URL, CURLE_OK, PINTLE_REASON_UNLISTED, PINTLE_UNLISTED_ACCEPT, 1, 1},
        {CURL_WORLD_GO CURL_WORLD_OTHER_URL, REFUSED, PINTLE_REASON_UNLISTED_REFUSED, PINTLE_UNLISTED_REFUSE, 1, 0},
        {CURL_WORLD_OTHER_URL "go?" CURL_WORLD_URL, CURLE_OK, PINTLE_REASON_MATCHED, PINTLE_UNLISTED_ACCEPT, 1, 1},
        /* libcurl's own rule, which attaching has made stricter */
        {CURL_WORLD_GO "http://" CURL_WORLD_OTHER "/", CURLE_UNSUPPORTED_PROTOCOL, PINTLE_REASON_MATCHED,
         PINTLE_UNLISTED_ACCEPT, 1, 0},
    };
    struct curl_world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CURL *easy = curl_world_pinned(world, cases[i].url);
        struct pintle_verdict verdict;

        curl_world_pin(world, cases[i].unlisted);
        assert_int_equal(curl_world_get(easy, NULL), cases[i].code);
        pintle_curl_verdict(easy, &verdict);
        assert_string_equal(pintle_reason_name(verdict.reason), pintle_reason_name(cases[i].reason));
        curl_world_close(easy);
        world->requests += cases[i].requests;
        world->other_requests += cases[i].other_requests;
    }
}

static void test_a_redirect_to_a_key_that_is_not_pinned(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_OTHER_URL "go?" CURL_WORLD_URL);

    curl_world_withdraw(world);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    curl_world_close(easy);
    world->other_requests = 1;
}

/* In the clear only what has no policy, and only once the application has said so. */
static void test_in_the_clear(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, "http://" CURL_WORLD_OTHER "/");
    int decisions = world->tls->decisions;

    assert_int_equal(curl_easy_perform(easy), CURLE_UNSUPPORTED_PROTOCOL);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_UNLISTED);
    assert_int_equal(world->tls->decisions, decisions);
    curl_easy_setopt(easy, CURLOPT_URL, "http://" TLS_WORLD_HOST "/");
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_CHAIN_UNUSABLE);
    assert_int_equal(world->tls->decisions, decisions + 1); /* so that a client tells of it */
    curl_easy_setopt(easy, CURLOPT_URL, CURL_WORLD_GO "http://" TLS_WORLD_HOST "/");
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_CHAIN_UNUSABLE);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "file");
    curl_easy_setopt(easy, CURLOPT_URL, "file:///etc/hostname");
    assert_int_not_equal(curl_easy_perform(easy), CURLE_OK); /* nobody's host */
    curl_world_close(easy);
    world->plain_requests = 1;
    world->requests = 1;
}

static void test_names_that_are_not_ascii(void **state)
{
    struct curl_world *world = *state;
    struct tls_fixture_cert leaf = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = "idn", .san = "DNS:xn--bcher-kva.example.test", .issuer = &world->tls->intermediate});
    char hash[TLS_FIXTURE_PIN_SIZE], line[96];
    struct pintle_static_pin pin = {"xn--bcher-kva.example.test", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    CURL *easy = curl_world_pinned(world, "https://b\xc3\xbc"
                                          "cher.example.test/");
    struct curl_slist *hosts;

    if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_IDN) == 0 ||
        curl_version_info(CURLVERSION_NOW)->version_num < 0x075800) {
        curl_world_close(easy);
        tls_fixture_cert_clear(&leaf);
        skip();
    }
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8")); /* by which libcurl knows what it was given */
    tls_fixture_spki_pin(leaf.x509, hash);
    tls_world_pin(world->tls, &pin, 1, PINTLE_UNLISTED_REFUSE);
    tls_world_serve(world->tls, &leaf);
    world->server.tls = world->tls->server;
    snprintf(line, sizeof(line), ":443:127.0.0.1:%d", world->server.port);
    hosts = curl_slist_append(NULL, line);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, hosts);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_close(easy);
    curl_slist_free_all(hosts);
    tls_fixture_cert_clear(&leaf);
    setlocale(LC_CTYPE, "C");
    world->requests = 1;
}

static void test_misuse(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_handle(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;

    assert_int_equal(pintle_curl_attach(NULL, world->tls->checker), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_attach(easy, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_set_host(easy, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_set_host(NULL, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_set_prereq_function(easy, NULL, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_set_ssl_ctx_function(easy, NULL, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(pintle_curl_verdict(NULL, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_verdict(easy, NULL), PINTLE_ERR_MISUSE);
    pintle_curl_release(easy);
    pintle_curl_release(NULL);
    assert_int_equal(pintle_curl_attach(easy, world->tls->checker), PINTLE_OK);
    assert_int_equal(pintle_curl_set_host(easy, NULL), PINTLE_ERR_MISUSE);
    curl_world_close(easy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURL_WORLD_TEST(test_a_pinned_host, 2),
        CURL_WORLD_TEST(test_a_pinned_host, 3),
        CURL_WORLD_TEST(test_another_key, 2),
        CURL_WORLD_TEST(test_another_key, 3),
        CURL_WORLD_TEST(test_hosts_without_policy, 3),
        CURL_WORLD_TEST(test_spellings_of_the_host, 3),
        CURL_WORLD_TEST(test_the_certificate_of_another, 3),
        CURL_WORLD_TEST(test_verification_switched_off, 2),
        CURL_WORLD_TEST(test_verification_switched_off, 3),
        CURL_WORLD_TEST(test_an_untrusted_chain, 3),
        CURL_WORLD_TEST(test_set_host, 3),
        CURL_WORLD_TEST(test_an_address, 2),
        CURL_WORLD_TEST(test_an_address, 3),
        CURL_WORLD_TEST(test_redirects, 3),
        CURL_WORLD_TEST(test_a_redirect_to_a_key_that_is_not_pinned, 3),
        CURL_WORLD_TEST(test_in_the_clear, 3),
        CURL_WORLD_TEST(test_names_that_are_not_ascii, 3),
        CURL_WORLD_TEST(test_misuse, 3),
    };
    int failed;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
