/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the BoringSSL adapter is not as OpenSSL's: sessions are judged by the certificates they carry, names that the
 * application sets do not count, and the ways around a certificate are others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tls_world.h"

static void a_connection_needs_a_host(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result = tls_world_connect(world, NULL, NULL);
    struct tls_fixture_pair pair;

    tls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    assert_int_equal(SSL_set1_host(pair.client, TLS_WORLD_HOST), 1); /* not readable, so it is none */
    result = tls_world_run(&pair);
    tls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
}

/* What ordinary validation checks is the host that was set, whatever else the application asks for. */
static void names_of_the_application_do_not_count(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct tls_world_result result;

    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_int_equal(SSL_set1_host(pair.client, "other.example.test"), 1);
    result = tls_world_run(&pair);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_serve(world, &world->other);
    tls_world_pin_key(world, world->other.x509, PINTLE_AT_LEAF);
    pair = tls_fixture_pair_new(world->client, world->server, 0);
    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_int_equal(SSL_set1_host(pair.client, "other.example.test"), 1);
    result = tls_world_run(&pair);
    tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
}

/* ---- resumption ---- */

static void a_session_is_resumed_while_its_pins_hold(void **state)
{
    struct tls_world *world = *state;

    for (int stateful = 0; stateful < (world->version == TLS1_2_VERSION ? 2 : 1); stateful++) {
        SSL_SESSION *session;

        if (stateful)
            SSL_CTX_set_options(world->server, SSL_OP_NO_TICKET);
        session = tls_world_session(world);
        world->decisions = 0;
        for (int i = 0; i < 3; i++) { /* each time with the session that the last connection left */
            struct tls_world_result result = tls_world_connect(world, TLS_WORLD_HOST, session);

            assert_true(result.reused);
            assert_int_equal(result.verdict.matched_index, 0);
            SSL_SESSION_free(session);
            session = result.session;
            assert_true(SSL_SESSION_up_ref(session));
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        }
        assert_int_equal(world->decisions, 0); /* no event, no report for a resumption */
        SSL_SESSION_free(session);
    }
}

/* facts/pinning bug 7; and a rotation that the session has missed must not cost the connection. */
static void withdrawal_of_a_pin_ends_resumption(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    struct tls_fixture_cert next = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "next", .san = "DNS:" TLS_WORLD_HOST, .issuer = &world->intermediate});
    struct tls_world_result result;

    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    world->decisions = 0;
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_false(result.reused);
    assert_int_equal(world->decisions, 1); /* by a full handshake, which may heal and report */
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    tls_world_pin_and_deny(world, world->leaf.x509, world->root.x509, "report");
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    tls_world_assert_refused(&result, PINTLE_REASON_DENIED);
    tls_world_pin_key(world, next.x509, PINTLE_AT_LEAF);
    assert_int_equal(SSL_CTX_use_certificate(world->server, next.x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(world->server, next.key), 1);
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_false(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_SESSION_free(session);
    tls_fixture_cert_clear(&next);
}

/* A session that comes back from a file, and one for a host that its certificate does not name. */
static void a_session_is_judged_by_what_it_carries(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    SSL_SESSION *stored = tls_world_import(session);
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pins[] = {
        {TLS_WORLD_HOST, hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
        {"other.example.test", hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
    };
    struct tls_world_result result = tls_world_connect(world, TLS_WORLD_HOST, stored);

    assert_true(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_fixture_spki_pin(world->intermediate.x509, hash);
    tls_world_pin(world, pins, 2, PINTLE_UNLISTED_ACCEPT);
    result = tls_world_connect(world, "other.example.test", session);
    assert_false(result.reused);
    tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    result = tls_world_connect(world, TLS_WORLD_HOST, stored);
    assert_false(result.reused);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    SSL_SESSION_free(stored);
    SSL_SESSION_free(session);
}

static void verification_switched_off_ends_resumption(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct tls_world_result result;

    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_int_equal(SSL_set_session(pair.client, session), 1);
    SSL_set_verify(pair.client, SSL_VERIFY_NONE, NULL);
    result = tls_world_run(&pair);
    tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_OFF);
    SSL_SESSION_free(session);
}

/* ---- callbacks replaced ---- */

static int own_info_calls;

static void own_info(const SSL *ssl, int where, int value)
{
    (void)ssl, (void)value;
    own_info_calls += where == SSL_CB_HANDSHAKE_DONE;
}

/* Of the context before set_host, where it is chained; of the connection after set_host, where verify stands alone. */
static void a_replaced_info_callback_opens_no_door(void **state)
{
    struct tls_world *world = *state;

    for (int way = 0; way < 2; way++) {
        SSL_SESSION *session = tls_world_session(world);
        void (*ours)(const SSL *, int, int) = SSL_CTX_get_info_callback(world->client);

        for (int resume = 0; resume < 3; resume++) { /* 2: its pin has been withdrawn */
            struct tls_fixture_pair pair;
            struct tls_world_result result;

            if (resume == 2)
                tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
            if (way == 0)
                SSL_CTX_set_info_callback(world->client, own_info);
            pair = tls_fixture_pair_new(world->client, world->server, 0);
            assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
            if (way == 1)
                SSL_set_info_callback(pair.client, own_info);
            if (resume)
                assert_int_equal(SSL_set_session(pair.client, session), 1);
            own_info_calls = 0;
            result = tls_world_run(&pair);
            assert_int_equal(own_info_calls, resume < 2);
            assert_int_equal(result.reused, resume == 1 || (resume == 2 && way == 1));
            if (resume < 2) {
                tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
            } else {
                result.verify_result = X509_V_ERR_APPLICATION_VERIFICATION; /* of a resumed session it is the old one */
                tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
            }
        }
        SSL_CTX_set_info_callback(world->client, ours);
        tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
        SSL_SESSION_free(session);
    }
}

static enum ssl_verify_result_t wave_through(SSL *ssl, uint8_t *alert)
{
    (void)ssl, (void)alert;
    return ssl_verify_ok;
}

static void a_replaced_verification_sends_nothing(void **state)
{
    struct tls_world *world = *state;

    for (int way = 0; way < 2; way++) {
        struct tls_fixture_pair pair;
        struct tls_world_result result;

        if (way == 0)
            SSL_CTX_set_custom_verify(world->client, SSL_VERIFY_PEER, wave_through);
        pair = tls_fixture_pair_new(world->client, world->server, 0);
        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        if (way == 1)
            SSL_set_custom_verify(pair.client, SSL_VERIFY_PEER, wave_through);
        result = tls_world_run(&pair);
        tls_world_assert_silenced(&result);
    }
}

static const unsigned char shared_key[32] = "a key known to both ends";

static unsigned int client_psk(SSL *ssl, const char *hint, char *identity, unsigned int identity_size, uint8_t *psk,
                               unsigned int psk_size)
{
    (void)ssl, (void)hint;
    snprintf(identity, identity_size, "client");
    assert_true(psk_size >= sizeof(shared_key));
    memcpy(psk, shared_key, sizeof(shared_key));
    return sizeof(shared_key);
}

static unsigned int server_psk(SSL *ssl, const char *identity, uint8_t *psk, unsigned int psk_size)
{
    (void)ssl, (void)identity;
    assert_true(psk_size >= sizeof(shared_key));
    memcpy(psk, shared_key, sizeof(shared_key));
    return sizeof(shared_key);
}

/* A connection under a key that both ends were given shows no certificate: such keys are switched off. */
static void external_keys_are_switched_off(void **state)
{
    struct tls_world *world = *state;

    SSL_CTX_set_psk_server_callback(world->server, server_psk);
    SSL_CTX_set_psk_client_callback(world->client, client_psk);
    assert_int_equal(SSL_CTX_set_strict_cipher_list(world->client, "ECDHE-PSK-AES128-CBC-SHA"), 1);
    assert_int_equal(SSL_CTX_set_strict_cipher_list(world->server, "ECDHE-PSK-AES128-CBC-SHA"), 1);
    for (int after = 0; after < 2; after++) {
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
        struct tls_world_result result;

        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        if (after)
            SSL_set_psk_client_callback(pair.client, client_psk);
        result = tls_world_run(&pair);
        assert_int_equal(result.outcome.server_read, 0);
        assert_false(result.outcome.connected || result.outcome.accepted);
        assert_int_not_equal(result.verdict.status, PINTLE_OK);
        SSL_SESSION_free(result.session);
    }
}

/* The request is never early: nothing is written before the server has answered, with whatever is switched on after. */
static void early_data_is_off(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session;

    SSL_CTX_set_early_data_enabled(world->server, 1);
    session = tls_world_session(world);
    assert_true(SSL_SESSION_early_data_capable(session));
    for (int way = 0; way < 2; way++) { /* 1: the adapter's info callback is out of the way, verify is not */
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
        struct pintle_verdict verdict;
        int result;

        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        assert_int_equal(SSL_set_session(pair.client, session), 1);
        SSL_set_early_data_enabled(pair.client, 1);
        if (way == 1)
            SSL_set_info_callback(pair.client, own_info);
        result = SSL_do_handshake(pair.client);
        assert_int_not_equal(result, 1);
        assert_false(SSL_in_early_data(pair.client));
        assert_true(SSL_write(pair.client, "early!", 6) <= 0);
        assert_int_not_equal(pintle_boringssl_verdict(pair.client, &verdict), PINTLE_OK);
        tls_fixture_pair_clear(&pair);
    }
    struct tls_world_result result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_true(result.reused); /* as an ordinary session it is welcome */
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_SESSION_free(session);
}

/* ---- lifetimes ---- */

/* Whatever goes first: what the adapter needs lives as long as the objects that ask it. */
static void objects_may_go_in_any_order(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct tls_world_result result;

    assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_int_equal(SSL_set_session(pair.client, session), 1);
    SSL_SESSION_free(session);
    SSL_CTX_free(world->client); /* the connection keeps it, and it the checker */
    pintle_checker_free(world->checker);
    world->client = NULL;
    world->checker = NULL;
    result = tls_world_run(&pair);
    assert_true(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

/* Given up after each step of a handshake. */
static void a_handshake_may_be_given_up(void **state)
{
    struct tls_world *world = *state;
    bool moved = true;

    for (int steps = 0; moved; steps++) {
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);

        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        for (int i = 0; i < steps; i++)
            moved = tls_fixture_step(&pair);
        tls_fixture_pair_clear(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(a_connection_needs_a_host, 2),
        TLS_WORLD_TEST(a_connection_needs_a_host, 3),
        TLS_WORLD_TEST(names_of_the_application_do_not_count, 2),
        TLS_WORLD_TEST(names_of_the_application_do_not_count, 3),
        TLS_WORLD_TEST(a_session_is_resumed_while_its_pins_hold, 2),
        TLS_WORLD_TEST(a_session_is_resumed_while_its_pins_hold, 3),
        TLS_WORLD_TEST(withdrawal_of_a_pin_ends_resumption, 2),
        TLS_WORLD_TEST(withdrawal_of_a_pin_ends_resumption, 3),
        TLS_WORLD_TEST(a_session_is_judged_by_what_it_carries, 2),
        TLS_WORLD_TEST(a_session_is_judged_by_what_it_carries, 3),
        TLS_WORLD_TEST(verification_switched_off_ends_resumption, 2),
        TLS_WORLD_TEST(verification_switched_off_ends_resumption, 3),
        TLS_WORLD_TEST(a_replaced_info_callback_opens_no_door, 2),
        TLS_WORLD_TEST(a_replaced_info_callback_opens_no_door, 3),
        TLS_WORLD_TEST(a_replaced_verification_sends_nothing, 2),
        TLS_WORLD_TEST(a_replaced_verification_sends_nothing, 3),
        TLS_WORLD_TEST(external_keys_are_switched_off, 2),
        TLS_WORLD_TEST(early_data_is_off, 3),
        TLS_WORLD_TEST(objects_may_go_in_any_order, 2),
        TLS_WORLD_TEST(objects_may_go_in_any_order, 3),
        TLS_WORLD_TEST(a_handshake_may_be_given_up, 2),
        TLS_WORLD_TEST(a_handshake_may_be_given_up, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
