/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL adapter and its objects: the host of a connection, the life of an SSL, of an SSL_CTX, and threads.  What holds
 * of the BoringSSL adapter too runs over it as well (tests/boringssl).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "tls_world.h"

#ifndef OPENSSL_IS_BORINGSSL
static void a_connection_needs_one_host(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair;
    struct tls_world_result result;

    result = tls_world_connect(world, NULL, NULL);
    tls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    assert_int_equal(SSL_set1_host(pair.client, TLS_WORLD_HOST), 1);
    result = tls_world_run(&pair);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    assert_int_equal(SSL_set1_host(pair.client, "API.example.test"), 1);
    result = tls_world_run(&pair);
    assert_string_equal(result.verdict.host, TLS_WORLD_HOST);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    assert_int_equal(SSL_set1_host(pair.client, "other.example.test"), 1);
    assert_int_equal(SSL_add1_host(pair.client, TLS_WORLD_HOST), 1);
    result = tls_world_run(&pair);
    tls_world_assert_refused(&result, PINTLE_REASON_HOST_INVALID);
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    assert_int_equal(SSL_set1_host(pair.client, ".example.test"), 1); /* OpenSSL's notation for any subdomain */
    result = tls_world_run(&pair);
    tls_world_assert_refused(&result, PINTLE_REASON_HOST_INVALID);
}
#endif

/* facts/pinning bug 3. */
static void hosts_are_normalised(void **state)
{
    static const struct {
        const char *text;
        enum pintle_status status;
    } cases[] = {{"api.example.test", PINTLE_OK},
                 {"api.example.test.", PINTLE_OK},
                 {"API.Example.TEST", PINTLE_OK},
                 {"API.EXAMPLE.TEST.", PINTLE_OK},
                 {"", PINTLE_ERR_INPUT},
                 {"api.example.test:443", PINTLE_ERR_INPUT},
                 {"api.example.test..", PINTLE_ERR_INPUT},
                 {"*.example.test", PINTLE_ERR_INPUT},
                 {"api\xe3\x80\x82"
                  "example.test",
                  PINTLE_ERR_INPUT},
                 {"api.example.test ", PINTLE_ERR_INPUT}};
    struct tls_world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
        struct tls_world_result result;

        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        assert_int_equal(tls_world_set_host(pair.client, "::1"), PINTLE_OK);
        assert_int_equal(tls_world_set_host(pair.client, cases[i].text), cases[i].status);
        if (cases[i].status == PINTLE_OK) {
            tls_fixture_step(&pair);
            assert_string_equal(SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name), TLS_WORLD_HOST);
        }
        result = tls_world_run(&pair);
        if (cases[i].status == PINTLE_OK)
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        else
            tls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    }
}

static void addresses_are_hosts(void **state)
{
    static const struct {
        const char *text, *host;
    } cases[] = {{"127.0.0.1", "127.0.0.1"}, {"::1", "::1"}, {"[::1]", "::1"}, {"0:0:0:0:0:0:0:1", "::1"}};
    struct tls_world *world = *state;
    struct tls_fixture_cert leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "addresses", .san = "IP:127.0.0.1,IP:::1", .issuer = &world->intermediate});
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pins[] = {{"127.0.0.1", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                             {"::1", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                             {"127.0.0.2", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}};
    struct tls_fixture_pair pair;
    struct tls_world_result result;

    tls_world_serve(world, &leaf);
    tls_fixture_spki_pin(leaf.x509, hash);
    tls_world_pin(world, pins, 3, PINTLE_UNLISTED_REFUSE);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pair = tls_fixture_pair_new(world->client, world->server, 0);
        assert_int_equal(tls_world_set_host(pair.client, "a.name.first"), PINTLE_OK);
        assert_int_equal(tls_world_set_host(pair.client, cases[i].text), PINTLE_OK);
        tls_fixture_step(&pair);
        assert_null(SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name));
        result = tls_world_run(&pair);
        assert_string_equal(result.verdict.host, cases[i].host);
        tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    }
#ifndef OPENSSL_IS_BORINGSSL
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    assert_int_equal(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(pair.client), "::1"), 1);
    result = tls_world_run(&pair);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
#endif
    result = tls_world_connect(world, "127.0.0.2", NULL);
    assert_int_equal(result.verify_result, TLS_WORLD_ERROR(X509_V_ERR_IP_ADDRESS_MISMATCH));
    tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    tls_fixture_cert_clear(&leaf);
}

/* Every read and write would block after one byte; and no step before the last shows an acceptance. */
static void a_wire_of_one_byte_changes_nothing(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 1);
    struct tls_world_result result;
    struct pintle_verdict verdict;

    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    do {
        tls_world_verdict(pair.client, &verdict);
        assert_int_equal(verdict.status == PINTLE_OK, SSL_is_init_finished(pair.client));
    } while (tls_fixture_step(&pair));
    result = tls_world_run(&pair);
    assert_int_equal(world->decisions, 1);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    pair = tls_fixture_pair_new(world->client, world->server, 1);
    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    result = tls_world_run(&pair);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
}

static void a_connection_used_again_is_decided_again(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct tls_fixture_pair next;
    struct pintle_verdict verdict;
    struct tls_world_result result;

    assert_int_equal(tls_world_verdict(pair.client, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_true(tls_fixture_run(&pair).connected);
    assert_int_equal(tls_world_verdict(pair.client, &verdict), PINTLE_OK);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    /* the same SSL, cleared, at a new wire */
    assert_int_equal(SSL_clear(pair.client), 1);
    next = tls_fixture_pair_new(world->client, world->server, 0);
    SSL_set_bio(pair.client, SSL_get_rbio(next.client), SSL_get_wbio(next.client));
    BIO_up_ref(SSL_get_rbio(next.client));
    SSL_free(next.client);
    SSL_free(pair.server);
    pair.server = next.server;
    result = tls_world_run(&pair);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
}

#ifndef OPENSSL_IS_BORINGSSL /* which has no SSL_dup() */
static void a_copy_of_a_connection_is_decided_on_its_own(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct pintle_verdict verdict;
    struct tls_world_result result;
    SSL *copy;

    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    copy = SSL_dup(pair.client);
    assert_non_null(copy);
    assert_true(tls_fixture_run(&pair).connected);
    tls_fixture_pair_clear(&pair);
    assert_int_equal(tls_world_verdict(copy, &verdict), PINTLE_ERR_MISUSE);
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    SSL_set_bio(copy, SSL_get_rbio(pair.client), SSL_get_wbio(pair.client));
    BIO_up_ref(SSL_get_rbio(pair.client));
    SSL_free(pair.client);
    pair.client = copy;
    result = tls_world_run(&pair);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}
#endif

static int callback_calls, info_starts, info_ends;

static int say_yes(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    callback_calls++;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static void count_info(const SSL *ssl, int where, int value)
{
    (void)ssl, (void)value;
    info_starts += where == SSL_CB_HANDSHAKE_START;
    info_ends += where == SSL_CB_HANDSHAKE_DONE;
}

static void attaching_is_done_once_and_keeps_what_was_there(void **state)
{
    struct tls_world *world = *state;
    SSL_CTX *ctx = tls_fixture_client_new(world->root.x509, world->version);
    struct tls_fixture_pair pair;
    struct tls_world_result result;

    assert_int_equal(tls_world_attach(NULL, world->checker), PINTLE_ERR_MISUSE);
    assert_int_equal(tls_world_attach(ctx, NULL), PINTLE_ERR_MISUSE);
    pair = tls_fixture_pair_new(ctx, world->server, 0);
    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
    tls_fixture_pair_clear(&pair);
    SSL_CTX_set_info_callback(ctx, count_info);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, say_yes);
    assert_int_equal(tls_world_attach(ctx, world->checker), PINTLE_OK);
    assert_int_equal(tls_world_attach(ctx, world->checker), PINTLE_ERR_MISUSE);
    pair = tls_fixture_pair_new(ctx, world->server, 0);
    SSL_CTX_free(ctx); /* the connection keeps it, and so our state */
    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    info_starts = info_ends = callback_calls = 0;
    result = tls_world_run(&pair);
    assert_int_equal(info_starts, 1);
    assert_int_equal(info_ends, 1);
    assert_true(callback_calls > 0);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    assert_int_equal(tls_world_verdict(NULL, &result.verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(tls_world_verdict(NULL, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(tls_world_set_host(NULL, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
}

/* An SSL_CTX for both directions: only what connects is pinned, the client certificates of others are not. */
static void the_server_side_of_a_context_is_untouched(void **state)
{
    struct tls_world *world = *state;
    SSL_CTX *both = SSL_CTX_new(TLS_method());
    struct tls_fixture_pair pair;
    struct tls_fixture_outcome outcome;
    X509 *shown;

    SSL_CTX_use_certificate(both, world->leaf.x509);
    SSL_CTX_use_PrivateKey(both, world->leaf.key);
    SSL_CTX_add1_chain_cert(both, world->intermediate.x509);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(both), world->root.x509);
    assert_int_equal(tls_world_attach(both, world->checker), PINTLE_OK);
    SSL_CTX_use_certificate(world->client, world->other.x509);
    SSL_CTX_use_PrivateKey(world->client, world->other.key);
    SSL_CTX_add1_chain_cert(world->client, world->intermediate.x509);
    SSL_CTX_set_purpose(both, X509_PURPOSE_ANY);
    pair = tls_fixture_pair_new(world->client, both, 0);
    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    outcome = tls_fixture_run(&pair);
    assert_true(outcome.connected && outcome.answered);
    assert_int_equal(SSL_get_verify_result(pair.server), X509_V_OK);
    shown = SSL_get_peer_certificate(pair.server);
    assert_non_null(shown);
    X509_free(shown);
    assert_int_equal(world->decisions, 1);
    tls_fixture_pair_clear(&pair);
    SSL_CTX_free(both);
}

struct worker {
    struct tls_world *world;
    int accepted, refused, wrong;
};

static void *connect_often(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < 60; i++) {
        struct tls_fixture_pair pair = tls_fixture_pair_new(worker->world->client, worker->world->server, 0);
        struct tls_fixture_outcome outcome;
        struct pintle_verdict verdict;

        if (tls_world_set_host(pair.client, TLS_WORLD_HOST) != PINTLE_OK)
            worker->wrong++;
        outcome = tls_fixture_run(&pair);
        tls_world_verdict(pair.client, &verdict);
        if (verdict.status == PINTLE_OK && outcome.server_read == 6 && outcome.answered)
            worker->accepted++;
        else if (verdict.reason == PINTLE_REASON_MISMATCH && outcome.server_read == 0 && outcome.wrote <= 0)
            worker->refused++;
        else
            worker->wrong++;
        tls_fixture_pair_clear(&pair);
    }
    return NULL;
}

/* Two threads connect through one context while a third changes the pins. */
static void threads_share_a_context(void **state)
{
    struct tls_world *world = *state;
    struct worker workers[2] = {{.world = world}, {.world = world}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &workers[i]), 0);
    for (int i = 0; i < 400; i++)
        tls_world_pin_key(world, i % 2 == 0 ? world->stray.x509 : world->leaf.x509, PINTLE_AT_LEAF);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].accepted + workers[i].refused, 60);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef OPENSSL_IS_BORINGSSL
        TLS_WORLD_TEST(a_connection_needs_one_host, 2),
        TLS_WORLD_TEST(a_connection_needs_one_host, 3),
        TLS_WORLD_TEST(a_copy_of_a_connection_is_decided_on_its_own, 2),
        TLS_WORLD_TEST(a_copy_of_a_connection_is_decided_on_its_own, 3),
#endif
        TLS_WORLD_TEST(hosts_are_normalised, 2),
        TLS_WORLD_TEST(hosts_are_normalised, 3),
        TLS_WORLD_TEST(addresses_are_hosts, 2),
        TLS_WORLD_TEST(addresses_are_hosts, 3),
        TLS_WORLD_TEST(a_wire_of_one_byte_changes_nothing, 2),
        TLS_WORLD_TEST(a_wire_of_one_byte_changes_nothing, 3),
        TLS_WORLD_TEST(a_connection_used_again_is_decided_again, 2),
        TLS_WORLD_TEST(a_connection_used_again_is_decided_again, 3),
        TLS_WORLD_TEST(attaching_is_done_once_and_keeps_what_was_there, 2),
        TLS_WORLD_TEST(attaching_is_done_once_and_keeps_what_was_there, 3),
        TLS_WORLD_TEST(the_server_side_of_a_context_is_untouched, 2),
        TLS_WORLD_TEST(the_server_side_of_a_context_is_untouched, 3),
        TLS_WORLD_TEST(threads_share_a_context, 2),
        TLS_WORLD_TEST(threads_share_a_context, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
