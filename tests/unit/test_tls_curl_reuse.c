/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libcurl adapter and what libcurl keeps: connections, on a handle, a multi or a share, and TLS sessions.  What was made
 * without pins, or under other pins, serves no attached handle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "curl_world.h"

#define REFUSED CURLE_PEER_FAILED_VERIFICATION
#define STOPPED CURLE_ABORTED_BY_CALLBACK

static int connections(const struct http_fixture *server)
{
    return atomic_load(&server->connections);
}

/* The hook of a handshake is never called here: there is none. */
static void test_a_connection_made_without_pins(void **state)
{
    struct curl_world *world = *state;
    CURLM *multi = curl_multi_init();
    CURL *bare = curl_world_handle(world, CURL_WORLD_URL), *easy = curl_world_pinned(world, CURL_WORLD_URL);

    curl_world_withdraw(world);
    assert_int_equal(curl_world_get(bare, multi), CURLE_OK);
    curl_world_expect(easy, multi, STOPPED, PINTLE_REASON_UNDECIDED);
    assert_int_equal(connections(&world->server), 1);
    curl_world_expect(easy, multi, REFUSED, PINTLE_REASON_MISMATCH); /* that connection is closed: a new handshake */
    curl_world_pin(world, PINTLE_UNLISTED_ACCEPT);
    curl_world_expect(easy, multi, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_close(easy);
    curl_easy_cleanup(bare);
    curl_multi_cleanup(multi);
    world->requests = 2;
}

static void share_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
    (void)easy, (void)data, (void)access, (void)arg;
}

static void share_unlock(CURL *easy, curl_lock_data data, void *arg)
{
    (void)easy, (void)data, (void)arg;
}

static CURLSH *share_of(curl_lock_data what)
{
    CURLSH *share = curl_share_init();

    assert_int_equal(curl_share_setopt(share, CURLSHOPT_SHARE, what), CURLSHE_OK);
    curl_share_setopt(share, CURLSHOPT_LOCKFUNC, share_lock);
    curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, share_unlock);
    return share;
}

static void test_a_connection_shared_without_pins(void **state)
{
    struct curl_world *world = *state;
    CURLSH *share = share_of(CURL_LOCK_DATA_CONNECT);
    CURL *bare = curl_world_handle(world, CURL_WORLD_URL), *easy = curl_world_pinned(world, CURL_WORLD_URL);

    curl_easy_setopt(bare, CURLOPT_SHARE, share);
    curl_easy_setopt(easy, CURLOPT_SHARE, share);
    curl_world_withdraw(world);
    assert_int_equal(curl_world_get(bare, NULL), CURLE_OK);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_UNDECIDED);
    assert_int_equal(connections(&world->server), 1);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    curl_world_close(easy);
    curl_easy_cleanup(bare);
    assert_int_equal(curl_share_cleanup(share), CURLSHE_OK);
    world->requests = 1;
}

/* Where a connection is kept: NULL and NULL: with the handle. */
static void withdraw(struct curl_world *world, CURLM *multi, CURLSH *share)
{
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;

    curl_easy_setopt(easy, CURLOPT_SHARE, share);
    curl_world_expect(easy, multi, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_withdraw(world);
    world->tls->heal = true;
    world->tls->decisions = 0;
    curl_world_expect(easy, multi, STOPPED, PINTLE_REASON_MISMATCH);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_PIN_MISMATCH); /* no handshake, nothing to heal */
    assert_int_equal(world->tls->decisions, 0);
    assert_int_equal(connections(&world->server), 1);
    curl_world_expect(easy, multi, REFUSED, PINTLE_REASON_MISMATCH);
    assert_int_equal(world->tls->decisions, 1);
    assert_int_equal(connections(&world->server), 2);
    curl_world_pin(world, PINTLE_UNLISTED_ACCEPT);
    curl_world_expect(easy, multi, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_close(easy);
    world->requests = 2;
}

static void test_withdrawal(void **state)
{
    withdraw(*state, NULL, NULL);
}

static void test_withdrawal_on_a_multi(void **state)
{
    CURLM *multi = curl_multi_init();

    withdraw(*state, multi, NULL);
    curl_multi_cleanup(multi);
}

static void test_withdrawal_on_a_share(void **state)
{
    CURLSH *share = share_of(CURL_LOCK_DATA_CONNECT);

    withdraw(*state, NULL, share);
    assert_int_equal(curl_share_cleanup(share), CURLSHE_OK);
}

/* The pins may change for the worse between a request and the redirect that answers it. */
static int withdraw_in_between(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    struct curl_world *world = arg;

    (void)peer, (void)local, (void)peer_port, (void)local_port;
    curl_world_withdraw(world);
    return CURL_PREREQFUNC_OK;
}

static void test_withdrawal_before_a_redirect(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_GO CURL_WORLD_URL);

    assert_int_equal(pintle_curl_set_prereq_function(easy, withdraw_in_between, world), PINTLE_OK);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_MISMATCH);
    curl_world_close(easy);
    world->requests = 1;
}

/* Two checkers in one pool: a connection counts by the pins of who wants to use it. */
static void test_a_connection_of_another_checker(void **state)
{
    struct curl_world *world = *state;
    CURLM *multi = curl_multi_init();
    struct pintle_static_pin pin = {TLS_WORLD_HOST, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", PINTLE_OF_SPKI,
                                    PINTLE_AT_ANY, false};
    struct pintle_pinset *pinset;
    struct pintle_checker *strict;
    CURL *lenient = curl_world_pinned(world, CURL_WORLD_URL), *easy = curl_world_handle(world, CURL_WORLD_URL);

    assert_int_equal(pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_ACCEPT, &pinset, NULL, 0), PINTLE_OK);
    assert_int_equal(pintle_checker_new_static(pinset, world->tls->crypto, &strict), PINTLE_OK);
    assert_int_equal(pintle_curl_attach(easy, strict), PINTLE_OK);
    curl_world_expect(lenient, multi, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_expect(easy, multi, STOPPED, PINTLE_REASON_MISMATCH);
    curl_world_close(lenient);
    curl_world_close(easy);
    curl_multi_cleanup(multi);
    pintle_checker_free(strict);
    pintle_pinset_free(pinset);
    world->requests = 1;
}

/* Attached handles do use what attached handles made: also when its maker is gone. */
static void test_a_connection_outlives_its_handle(void **state)
{
    struct curl_world *world = *state;
    CURLM *multi = curl_multi_init();
    CURL *first = curl_world_pinned(world, CURL_WORLD_URL), *second;

    curl_world_expect(first, multi, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_close(first);
    second = curl_world_pinned(world, CURL_WORLD_URL);
    curl_world_expect(second, multi, CURLE_OK, PINTLE_REASON_MATCHED);
    assert_int_equal(connections(&world->server), 1);
    pintle_curl_release(second);
    curl_multi_cleanup(multi);
    curl_easy_cleanup(second);
    world->requests = 2;
}

static bool resumed;

static void see(const SSL *ssl, int where, int value)
{
    (void)value;
    if (where == SSL_CB_HANDSHAKE_DONE && !SSL_is_server(ssl))
        resumed = SSL_session_reused((SSL *)ssl) == 1;
}

/* The application's own info callback, set by its own function, so that it is chained twice. */
static CURLcode watch(CURL *easy, void *ctx, void *data)
{
    (void)easy, (void)data;
    SSL_CTX_set_info_callback(ctx, see);
    return CURLE_OK;
}

static CURL *watched(struct curl_world *world, CURLSH *share)
{
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);

    assert_int_equal(pintle_curl_set_ssl_ctx_function(easy, watch, NULL), PINTLE_OK);
    curl_easy_setopt(easy, CURLOPT_SHARE, share);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    resumed = false;
    return easy;
}

/* Sessions in a share: offered while their evidence passes, and never those made without pins. */
static void test_shared_sessions(void **state)
{
    struct curl_world *world = *state;
    CURLSH *share = share_of(CURL_LOCK_DATA_SSL_SESSION);
    CURL *bare = curl_world_handle(world, CURL_WORLD_URL), *easy;

    curl_easy_setopt(bare, CURLOPT_SHARE, share);
    assert_int_equal(curl_world_get(bare, NULL), CURLE_OK);
    easy = watched(world, share);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    assert_false(resumed);
    curl_world_close(easy);
    if (curl_version_info(CURLVERSION_NOW)->version_num < 0x080c00) { /* later, libcurl keeps sessions as bytes */
        easy = watched(world, share);
        curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
        assert_true(resumed);
        curl_world_close(easy);
        world->requests++;
    }
    easy = watched(world, share);
    curl_world_withdraw(world);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    assert_false(resumed);
    curl_world_close(easy);
    curl_easy_cleanup(bare);
    assert_int_equal(curl_share_cleanup(share), CURLSHE_OK);
    world->requests += 2;
}

static CURLcode take_no_part(CURL *easy, void *ctx, void *data)
{
    (void)easy, (void)ctx, (void)data;
    return CURLE_OK;
}

static int allow(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    ++*(int *)arg;
    return CURL_PREREQFUNC_OK;
}

static int forbid(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    (void)peer, (void)local, (void)peer_port, (void)local_port;
    ++*(int *)arg;
    return CURL_PREREQFUNC_ABORT;
}

static void test_a_replaced_context_function(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);

    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, take_no_part);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_UNDECIDED);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, NULL);
    curl_world_expect(easy, NULL, STOPPED, PINTLE_REASON_UNDECIDED);
    curl_world_close(easy);
}

/* Handshakes are still judged; and nothing is called accepted. */
static void test_a_replaced_request_function(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;
    int calls = 0;

    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, allow);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &calls);
    assert_int_equal(curl_world_get(easy, NULL), CURLE_OK);
    assert_int_equal(calls, 1);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_ERR_MISUSE);
    curl_world_withdraw(world);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    curl_world_close(easy);
    world->requests = 1;
}

static CURLcode distrust(CURL *easy, void *ctx, void *data)
{
    ++*(int *)data;
    assert_non_null(easy);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return CURLE_OK;
}

static CURLcode decline(CURL *easy, void *ctx, void *data)
{
    (void)easy, (void)ctx;
    ++*(int *)data;
    return CURLE_SSL_CERTPROBLEM;
}

static void test_functions_of_the_application(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    int contexts = 0, requests = 0;

    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    assert_int_equal(pintle_curl_set_ssl_ctx_function(easy, decline, &contexts), PINTLE_OK);
    assert_int_equal(pintle_curl_set_prereq_function(easy, forbid, &requests), PINTLE_OK);
    assert_int_equal(curl_easy_perform(easy), CURLE_SSL_CERTPROBLEM);
    assert_int_equal(pintle_curl_set_ssl_ctx_function(easy, NULL, NULL), PINTLE_OK);
    assert_int_equal(curl_easy_perform(easy), STOPPED);
    assert_int_equal(pintle_curl_set_prereq_function(easy, allow, &requests), PINTLE_OK);
    curl_world_expect(easy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    assert_int_equal(contexts, 1);
    assert_int_equal(requests, 2);
    curl_world_withdraw(world);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    assert_int_equal(requests, 2); /* not asked about what is refused */
    assert_int_equal(pintle_curl_set_ssl_ctx_function(easy, distrust, &contexts), PINTLE_OK);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_VALIDATION_OFF);
    curl_world_close(easy);
    world->requests = 1;
}

static void test_reset(void **state)
{
    struct curl_world *world = *state;
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL);
    struct curl_blob ca = {world->ca, strlen(world->ca), CURL_BLOB_COPY};

    curl_world_withdraw(world);
    curl_easy_reset(easy);
    assert_int_equal(pintle_curl_attach(easy, world->tls->checker), PINTLE_OK);
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
    curl_easy_setopt(easy, CURLOPT_URL, CURL_WORLD_URL);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, world->hosts);
    curl_world_expect(easy, NULL, REFUSED, PINTLE_REASON_MISMATCH);
    curl_world_close(easy);
}

/* A copy has the hooks, and nothing behind them, until it is attached; whatever becomes of the original meanwhile. */
static void test_copies(void **state)
{
    struct curl_world *world = *state;
    CURLM *multi = curl_multi_init();
    CURL *easy = curl_world_pinned(world, CURL_WORLD_URL), *copy = curl_easy_duphandle(easy);
    CURL *bare = curl_world_handle(world, CURL_WORLD_URL);
    struct pintle_verdict verdict;

    curl_world_expect(easy, multi, CURLE_OK, PINTLE_REASON_MATCHED);
    assert_int_equal(curl_world_get(copy, multi), STOPPED); /* over a connection that is fine */
    assert_int_equal(pintle_curl_verdict(copy, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_curl_verdict(easy, &verdict), PINTLE_OK); /* unmoved */
    curl_easy_setopt(bare, CURLOPT_FORBID_REUSE, 0L);
    assert_int_equal(curl_world_get(bare, multi), CURLE_OK);
    assert_int_equal(curl_world_get(copy, multi), STOPPED); /* over one without pins */
    assert_int_equal(pintle_curl_set_host(copy, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
    pintle_curl_release(easy);
    assert_int_equal(curl_world_get(copy, NULL), REFUSED);
    assert_int_equal(curl_world_get(easy, NULL), REFUSED);
    curl_easy_cleanup(easy);
    assert_int_equal(curl_world_get(copy, NULL), REFUSED);
    assert_int_equal(pintle_curl_attach(copy, world->tls->checker), PINTLE_OK);
    curl_world_expect(copy, NULL, CURLE_OK, PINTLE_REASON_MATCHED);
    curl_world_close(copy);
    curl_easy_cleanup(bare);
    curl_multi_cleanup(multi);
    world->requests = 3;
}

/* The registry behind the handles: many, in any order. */
static void test_many_handles(void **state)
{
    enum { MANY = 200 };
    struct curl_world *world = *state;
    CURL *all[MANY];
    struct pintle_verdict verdict;

    for (int i = 0; i < MANY; i++) {
        all[i] = curl_easy_init();
        assert_int_equal(pintle_curl_attach(all[i], world->tls->checker), PINTLE_OK);
    }
    for (int i = 0; i < MANY; i += 2)
        curl_world_close(all[i]);
    for (int i = 1; i < MANY; i += 2)
        assert_int_equal(pintle_curl_set_host(all[i], TLS_WORLD_HOST), PINTLE_OK);
    for (int i = 1; i < MANY; i += 2) {
        assert_int_equal(pintle_curl_verdict(all[i], &verdict), PINTLE_ERR_MISUSE);
        assert_string_equal(verdict.host, TLS_WORLD_HOST);
        curl_world_close(all[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURL_WORLD_TEST(test_a_connection_made_without_pins, 2),
        CURL_WORLD_TEST(test_a_connection_made_without_pins, 3),
        CURL_WORLD_TEST(test_a_connection_shared_without_pins, 3),
        CURL_WORLD_TEST(test_withdrawal, 2),
        CURL_WORLD_TEST(test_withdrawal, 3),
        CURL_WORLD_TEST(test_withdrawal_on_a_multi, 3),
        CURL_WORLD_TEST(test_withdrawal_on_a_share, 3),
        CURL_WORLD_TEST(test_withdrawal_before_a_redirect, 3),
        CURL_WORLD_TEST(test_a_connection_of_another_checker, 3),
        CURL_WORLD_TEST(test_a_connection_outlives_its_handle, 3),
        CURL_WORLD_TEST(test_shared_sessions, 2),
        CURL_WORLD_TEST(test_shared_sessions, 3),
        CURL_WORLD_TEST(test_a_replaced_context_function, 3),
        CURL_WORLD_TEST(test_a_replaced_request_function, 3),
        CURL_WORLD_TEST(test_functions_of_the_application, 3),
        CURL_WORLD_TEST(test_reset, 3),
        CURL_WORLD_TEST(test_copies, 3),
        CURL_WORLD_TEST(test_many_handles, 3),
    };
    int failed;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
