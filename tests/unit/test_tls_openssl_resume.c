/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenSSL adapter where a handshake builds on an earlier one: resumption, hello retry, renegotiation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "tls_world.h"

/* By ticket, and by what the server keeps itself (session id in TLS 1.2, a stateful ticket in 1.3). */
static void a_session_is_resumed_while_its_pins_hold(void **state)
{
    struct tls_world *world = *state;

    for (int stateful = 0; stateful < 2; stateful++) {
        SSL_SESSION *session;

        if (stateful)
            SSL_CTX_set_options(world->server, SSL_OP_NO_TICKET);
        session = tls_world_session(world);
        assert_int_equal(SSL_SESSION_has_ticket(session), world->version == TLS1_3_VERSION || !stateful);
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

/* facts/pinning bug 7. */
static void withdrawal_of_a_pin_ends_resumption(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    struct tls_world_result result;

    tls_world_pin_key(world, world->intermediate.x509, PINTLE_AT_ISSUER); /* the same chain, by another pin */
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_true(result.reused);
    assert_int_equal(result.verdict.matched_index, 1);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    world->decisions = 0;
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_false(result.reused);
    assert_int_equal(world->decisions, 1); /* by a full handshake, which may heal and report */
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    tls_world_pin_and_deny(world, world->leaf.x509, world->root.x509, "report");
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    tls_world_assert_refused(&result, PINTLE_REASON_DENIED);
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_SESSION_free(session);
}

/* A kind of hash that nobody asked for when the session was made cannot be answered from its evidence. */
static void evidence_that_lacks_a_hash_costs_a_full_handshake(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pin = {TLS_WORLD_HOST, hash, PINTLE_OF_CERT, PINTLE_AT_LEAF, false};
    struct tls_world_result result;

    tls_fixture_cert_pin(world->leaf.x509, hash);
    tls_world_pin(world, &pin, 1, PINTLE_UNLISTED_ACCEPT);
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_false(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_SESSION_free(session);
}

/*
 * Both hosts pin their common CA, so the evidence would pass; but the certificate was verified for the one name, and
 * nobody would check it for the other.
 */
static void a_session_of_another_host_is_not_offered(void **state)
{
    struct tls_world *world = *state;
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pins[] = {
        {TLS_WORLD_HOST, hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
        {"other.example.test", hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
    };
    SSL_SESSION *session;
    struct tls_world_result result;

    tls_fixture_spki_pin(world->intermediate.x509, hash);
    tls_world_pin(world, pins, 2, PINTLE_UNLISTED_ACCEPT);
    session = tls_world_session(world);
    result = tls_world_connect(world, "other.example.test", session);
    assert_false(result.reused);
    tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    result = tls_world_connect(world, NULL, session);
    tls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    result = tls_world_connect(world, "API.example.test.", session);
    assert_true(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_SESSION_free(session);
}

static void a_session_without_evidence_is_not_resumed(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    SSL_SESSION *stranger = tls_world_import(session);
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    struct tls_world_result result;

    assert_true(SSL_SESSION_is_resumable(stranger));
    result = tls_world_connect(world, TLS_WORLD_HOST, stranger);
    assert_false(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    result = tls_world_connect(world, TLS_WORLD_HOST, copy); /* a duplicate keeps it */
    assert_true(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_SESSION_free(copy);
    SSL_SESSION_free(stranger);
    SSL_SESSION_free(session);
}

/* Resuming runs no verify callback, so what verify would find must be found before. */
static void verification_switched_off_ends_resumption(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);

    for (int way = 0; way < 4; way++) {
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
        struct tls_world_result result;

        assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        assert_int_equal(SSL_set_session(pair.client, session), 1);
        if (way == 0)
            SSL_set_verify(pair.client, SSL_VERIFY_NONE, NULL);
        if (way == 1)
            SSL_set1_host(pair.client, NULL);
        if (way == 2)
            SSL_add1_host(pair.client, "other.example.test");
        if (way == 3) {
            assert_int_equal(pintle_openssl_set_host(pair.client, "other.example.test"), PINTLE_OK);
            SSL_set1_host(pair.client, TLS_WORLD_HOST);
        }
        result = tls_world_run(&pair);
        tls_world_assert_refused(&result, way == 2 ? PINTLE_REASON_HOST_INVALID : PINTLE_REASON_VALIDATION_OFF);
    }
    SSL_SESSION_free(session);
}

/* A second ClientHello (RFC 8446, section 4.1.4) belongs to the same handshake. */
static void a_hello_retry_changes_nothing(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result;
    SSL_SESSION *session;

    assert_int_equal(SSL_CTX_set1_groups_list(world->client, "X25519:P-384"), 1);
    assert_int_equal(SSL_CTX_set1_groups_list(world->server, "P-384"), 1);
    session = tls_world_session(world);
    world->decisions = 0;
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_true(result.reused);
    assert_int_equal(world->decisions, 0);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_int_equal(world->decisions, 1);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    SSL_SESSION_free(session);
}

/* Lets both ends work until nothing moves; what the server reads is counted. */
static size_t pump(struct tls_fixture_pair *pair, bool *failed)
{
    char data[64];
    size_t total = 0;

    *failed = false;
    for (int i = 0; i < 20; i++) {
        int got = SSL_read(pair->client, data, sizeof(data));

        if (got <= 0 && SSL_get_error(pair->client, got) != SSL_ERROR_WANT_READ)
            *failed = true;
        got = SSL_read(pair->server, data, sizeof(data));
        total += got > 0 ? (size_t)got : 0;
        ERR_clear_error();
    }
    return total;
}

/* A server of TLS 1.2 may ask for a new handshake at any time, a full or an abbreviated one. */
static void renegotiation_is_decided_anew(void **state)
{
    struct tls_world *world = *state;
    struct pintle_verdict verdict;
    bool failed;

    for (int way = 0; way < 4; way++) {
        bool full = way & 1, withdrawn = way & 2;
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);

        tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
        if (full)
            SSL_set_options(pair.server, SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
        assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        assert_true(tls_fixture_run(&pair).answered);
        world->decisions = 0;
        if (withdrawn)
            tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
        assert_int_equal(SSL_renegotiate(pair.server), 1);
        assert_int_equal(SSL_do_handshake(pair.server), 1); /* sends HelloRequest */
        pump(&pair, &failed);
        assert_int_equal(failed, withdrawn);
        pintle_openssl_verdict(pair.client, &verdict);
        assert_int_equal(verdict.status == PINTLE_OK, !withdrawn);
        assert_int_equal(SSL_write(pair.client, "more", 4) > 0, !withdrawn);
        assert_int_equal(pump(&pair, &failed), withdrawn ? 0 : 4);
        assert_int_equal(world->decisions, full && !withdrawn);
        assert_int_equal(verdict.reason, withdrawn ? PINTLE_REASON_MISMATCH : PINTLE_REASON_MATCHED);
        tls_fixture_pair_clear(&pair);
    }
}

static void a_request_to_renegotiate_may_be_declined(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct pintle_verdict verdict;
    bool failed;

    SSL_set_options(pair.client, SSL_OP_NO_RENEGOTIATION);
    assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_true(tls_fixture_run(&pair).answered);
    assert_int_equal(SSL_renegotiate(pair.server), 1);
    assert_int_equal(SSL_do_handshake(pair.server), 1);
    assert_int_equal(SSL_read(pair.client, &failed, 1), -1);
    assert_int_equal(SSL_get_error(pair.client, -1), SSL_ERROR_WANT_READ);
    assert_int_equal(pintle_openssl_verdict(pair.client, &verdict), PINTLE_OK);
    assert_int_equal(SSL_write(pair.client, "more", 4), 4);
    tls_fixture_pair_clear(&pair);
}

/* A connection that is kept: does its acceptance still stand? */
static void test_recheck(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct pintle_static_pin pin = {TLS_WORLD_HOST, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", PINTLE_OF_SPKI,
                                    PINTLE_AT_ANY, false};
    struct pintle_checker *strict;
    struct pintle_pinset *pinset;
    struct pintle_verdict verdict;
    SSL_SESSION *other;

    assert_int_equal(pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_ACCEPT, &pinset, NULL, 0), PINTLE_OK);
    assert_int_equal(pintle_checker_new_static(pinset, world->crypto, &strict), PINTLE_OK);
    assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_int_equal(pintle_openssl_recheck(pair.client, NULL, &verdict), PINTLE_ERR_MISUSE); /* not connected */
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    (void)tls_fixture_run(&pair);
    world->decisions = 0;
    world->heal = true;
    assert_int_equal(pintle_openssl_recheck(pair.client, NULL, &verdict), PINTLE_OK);
    assert_int_equal(verdict.reason, PINTLE_REASON_MATCHED);
    assert_int_equal(pintle_openssl_recheck(pair.client, strict, &verdict), PINTLE_ERR_PIN_MISMATCH);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    assert_int_equal(pintle_openssl_recheck(pair.client, NULL, &verdict), PINTLE_ERR_PIN_MISMATCH);
    assert_int_equal(pintle_openssl_verdict(pair.client, &verdict), PINTLE_OK); /* that of the handshake */
    assert_int_equal(world->decisions, 0);
    assert_int_equal(pintle_openssl_recheck(NULL, NULL, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_openssl_recheck(pair.client, NULL, NULL), PINTLE_ERR_MISUSE);
    other = tls_world_import(SSL_get_session(pair.client)); /* without what was kept with it */
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
    assert_int_equal(SSL_set_session(pair.client, other), 1);
    assert_int_equal(pintle_openssl_recheck(pair.client, NULL, &verdict), PINTLE_ERR_MISUSE);
    SSL_SESSION_free(other);
    tls_fixture_pair_clear(&pair);
    pintle_checker_free(strict);
    pintle_pinset_free(pinset);
}

/* A refused handshake leaves nothing that could be asked again. */
static void test_recheck_of_a_refusal(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct pintle_verdict verdict;

    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    (void)tls_fixture_run(&pair);
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
    assert_int_equal(pintle_openssl_recheck(pair.client, NULL, &verdict), PINTLE_ERR_PIN_MISMATCH);
    tls_fixture_pair_clear(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(a_session_is_resumed_while_its_pins_hold, 2),
        TLS_WORLD_TEST(a_session_is_resumed_while_its_pins_hold, 3),
        TLS_WORLD_TEST(withdrawal_of_a_pin_ends_resumption, 2),
        TLS_WORLD_TEST(withdrawal_of_a_pin_ends_resumption, 3),
        TLS_WORLD_TEST(evidence_that_lacks_a_hash_costs_a_full_handshake, 2),
        TLS_WORLD_TEST(evidence_that_lacks_a_hash_costs_a_full_handshake, 3),
        TLS_WORLD_TEST(a_session_of_another_host_is_not_offered, 2),
        TLS_WORLD_TEST(a_session_of_another_host_is_not_offered, 3),
        TLS_WORLD_TEST(a_session_without_evidence_is_not_resumed, 2),
        TLS_WORLD_TEST(a_session_without_evidence_is_not_resumed, 3),
        TLS_WORLD_TEST(verification_switched_off_ends_resumption, 2),
        TLS_WORLD_TEST(verification_switched_off_ends_resumption, 3),
        TLS_WORLD_TEST(a_hello_retry_changes_nothing, 3),
        TLS_WORLD_TEST(renegotiation_is_decided_anew, 2),
        TLS_WORLD_TEST(a_request_to_renegotiate_may_be_declined, 2),
        TLS_WORLD_TEST(test_recheck, 2),
        TLS_WORLD_TEST(test_recheck, 3),
        TLS_WORLD_TEST(test_recheck_of_a_refusal, 2),
        TLS_WORLD_TEST(test_recheck_of_a_refusal, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
