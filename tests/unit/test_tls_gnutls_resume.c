/* SPDX-License-Identifier: Apache-2.0 */
/* The GnuTLS adapter where a handshake builds on an earlier one: resumption, hello retry, renegotiation, early data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <gnutls/x509.h>
#include <openssl/err.h>

#include "gnutls_world.h"

/* By ticket, and by what the server keeps itself (session id in TLS 1.2, a stateful ticket in 1.3). */
static void a_session_is_resumed_while_its_pins_hold(void **state)
{
    struct tls_world *world = *state;

    for (int stateful = 0; stateful < 2; stateful++) {
        gnutls_datum_t kept;

        if (stateful)
            SSL_CTX_set_options(world->server, SSL_OP_NO_TICKET);
        kept = gnutls_world_session(world);
        world->decisions = 0;
        for (int i = 0; i < 3; i++) { /* each time with what the last connection left */
            struct gnutls_result result = gnutls_world_connect(world, TLS_WORLD_HOST, &kept);

            assert_true(result.resumed);
            assert_int_equal(result.verdict.matched_index, 0);
            gnutls_free(kept.data);
            kept = result.kept;
            assert_non_null(kept.data);
            result.kept.data = NULL;
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        }
        assert_int_equal(world->decisions, 0); /* no event, no report for a resumption */
        gnutls_free(kept.data);
    }
}

/* A connection that tries to set kept, which must not be taken for this reason. */
static struct gnutls_result connect_without(struct tls_world *world, const char *host, const gnutls_datum_t *kept,
                                            enum pintle_status status)
{
    struct gnutls_pair pair = gnutls_world_pair(world, host, 0);

    assert_string_equal(pintle_status_name(pintle_gnutls_session_set(pair.client, kept)), pintle_status_name(status));
    return gnutls_world_run(&pair);
}

/* facts/pinning bug 7. */
static void withdrawal_of_a_pin_ends_resumption(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept = gnutls_world_session(world);
    struct gnutls_result result;
    struct gnutls_pair pair;

    tls_world_pin_key(world, world->intermediate.x509, PINTLE_AT_ISSUER); /* the same chain, by another pin */
    result = gnutls_world_connect(world, TLS_WORLD_HOST, &kept);
    assert_true(result.resumed);
    assert_int_equal(result.verdict.matched_index, 1);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    world->decisions = 0;
    result = connect_without(world, TLS_WORLD_HOST, &kept, PINTLE_ERR_PIN_MISMATCH);
    assert_int_equal(world->decisions, 1); /* by a full handshake, which may heal and report */
    gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    tls_world_pin_and_deny(world, world->leaf.x509, world->root.x509, "report");
    result = connect_without(world, TLS_WORLD_HOST, &kept, PINTLE_ERR_TRUST);
    gnutls_world_assert_refused(&result, PINTLE_REASON_DENIED);
    /* withdrawn after it was set: GnuTLS cannot take it back */
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
    pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    result = gnutls_world_run(&pair);
    gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
    result = gnutls_world_connect(world, TLS_WORLD_HOST, &kept);
    assert_true(result.resumed);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    gnutls_free(kept.data);
}

/* A kind of hash that nobody asked for when the session was made cannot be answered from its evidence. */
static void evidence_that_lacks_a_hash_costs_a_full_handshake(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept = gnutls_world_session(world);
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pin = {TLS_WORLD_HOST, hash, PINTLE_OF_CERT, PINTLE_AT_LEAF, false};
    struct gnutls_result result;

    tls_fixture_cert_pin(world->leaf.x509, hash);
    tls_world_pin(world, &pin, 1, PINTLE_UNLISTED_ACCEPT);
    result = connect_without(world, TLS_WORLD_HOST, &kept, PINTLE_ERR_UNSUPPORTED);
    assert_false(result.resumed);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    gnutls_free(kept.data);
}

/* Both hosts pin their common CA, but the certificate was verified for the one name only. */
static void a_session_of_another_host_is_not_offered(void **state)
{
    struct tls_world *world = *state;
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pins[] = {
        {TLS_WORLD_HOST, hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
        {"other.example.test", hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
    };
    gnutls_datum_t kept;
    struct gnutls_result result;
    struct gnutls_pair pair;

    tls_fixture_spki_pin(world->intermediate.x509, hash);
    tls_world_pin(world, pins, 2, PINTLE_UNLISTED_ACCEPT);
    kept = gnutls_world_session(world);
    result = connect_without(world, "other.example.test", &kept, PINTLE_ERR_INPUT);
    gnutls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    result = connect_without(world, NULL, &kept, PINTLE_ERR_MISUSE);
    gnutls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
    assert_int_equal(pintle_gnutls_set_host(pair.client, "other.example.test"), PINTLE_OK);
    result = gnutls_world_run(&pair);
    gnutls_world_assert_refused(&result, PINTLE_REASON_UNDECIDED);
    pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
    assert_int_equal(pintle_gnutls_set_host(pair.client, ""), PINTLE_ERR_INPUT);
    result = gnutls_world_run(&pair);
    gnutls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    result = gnutls_world_connect(world, "API.example.test.", &kept);
    assert_true(result.resumed);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    gnutls_free(kept.data);
}

/* What GnuTLS itself wrote for the same connection as kept. */
static gnutls_datum_t bare_session(struct tls_world *world, gnutls_datum_t *kept)
{
    struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    struct gnutls_result result = gnutls_world_shake(&pair);
    gnutls_datum_t bare;

    assert_int_equal(gnutls_session_get_data2(pair.client, &bare), 0);
    *kept = result.kept;
    result.kept.data = NULL;
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    gnutls_world_clear(&pair);
    return bare;
}

/* The way around pintle_gnutls_session_set(). */
static void a_session_that_nobody_vouches_for_is_not_resumed(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept, bare = bare_session(world, &kept);

    for (int way = 0; way < 4; way++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        assert_int_equal(gnutls_session_set_data(pair.client, bare.data, bare.size), 0);
        if (way == 1)
            gnutls_session_set_verify_function(pair.client, NULL);
        if (way == 2)
            gnutls_handshake_set_hook_function(pair.client, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE, NULL);
        if (way == 3) {
            gnutls_session_set_verify_function(pair.client, NULL);
            gnutls_handshake_set_hook_function(pair.client, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE, NULL);
        }
        result = gnutls_world_run(&pair);
        gnutls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_OFF);
    }
    gnutls_free(bare.data);
    gnutls_free(kept.data);
}

/* GnuTLS loses a ticket of TLS 1.3 when another is set over it: no reason for LeakSanitizer to complain about us. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_SEEN
#endif
#endif

/* A session of another chain put in the place of the one that was accepted: the accepted one is offered all the same. */
static void what_was_accepted_is_what_is_offered(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept, other, bare;
    struct tls_fixture_cert leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "leaf", .san = "DNS:" TLS_WORLD_HOST, .issuer = &world->intermediate});
    SSL_CTX *first = world->server;
    struct gnutls_pair pair;
    struct gnutls_result result;

    kept = gnutls_world_session(world);
    world->server = tls_fixture_server_new(&leaf, &world->intermediate.x509, 1, world->version);
    tls_world_pin_key(world, leaf.x509, PINTLE_AT_LEAF);
    bare = bare_session(world, &other);
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
    pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0); /* to the server whose key is not pinned now */
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
    assert_int_equal(gnutls_session_set_data(pair.client, bare.data, bare.size), 0);
    result = gnutls_world_run(&pair);
    gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    SSL_CTX_free(world->server);
    world->server = first;
    gnutls_free(kept.data);
    gnutls_free(other.data);
    gnutls_free(bare.data);
    tls_fixture_cert_clear(&leaf);
}

static void what_is_no_session_is_not_taken(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept = gnutls_world_session(world), part;
    struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    struct gnutls_result result;

    assert_int_equal(pintle_gnutls_session_get(pair.client, &part), PINTLE_ERR_MISUSE);
    assert_null(part.data);
    assert_int_equal(pintle_gnutls_session_get(pair.client, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_session_get(NULL, &part), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_session_set(NULL, &kept), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_session_set(pair.client, NULL), PINTLE_ERR_MISUSE);
    for (unsigned size = 0; size < 200; size++) { /* more than the head, and less than GnuTLS takes */
        part = (gnutls_datum_t){kept.data, size};
        assert_int_equal(pintle_gnutls_session_set(pair.client, &part), PINTLE_ERR_INPUT);
    }
    kept.data[0] ^= 1;
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_ERR_INPUT);
    kept.data[0] ^= 1;
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_ERR_MISUSE);
    result = gnutls_world_shake(&pair);
    assert_true(result.resumed);
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_ERR_MISUSE);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    gnutls_world_clear(&pair);
    gnutls_free(kept.data);
}

/* Resuming validates nothing and calls no verify function: what can be seen must be seen before. */
static void validation_switched_off_ends_resumption(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept = gnutls_world_session(world);

    for (int way = 0; way < 2; way++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
        if (way == 0)
            gnutls_certificate_set_verify_flags(pair.trust, GNUTLS_VERIFY_DISABLE_TIME_CHECKS);
        if (way == 1)
            gnutls_session_set_verify_function(pair.client, NULL);
        result = gnutls_world_run(&pair);
        if (way == 1)
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED); /* by what the full handshake proved */
        else
            gnutls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_OFF);
    }
    gnutls_free(kept.data);
}

/* A second ClientHello (RFC 8446, section 4.1.4) belongs to the same handshake. */
static void a_hello_retry_changes_nothing(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_result result;
    gnutls_datum_t kept;

    assert_int_equal(SSL_CTX_set1_groups_list(world->server, "P-521"), 1);
    kept = gnutls_world_session(world);
    world->decisions = 0;
    result = gnutls_world_connect(world, TLS_WORLD_HOST, &kept);
    assert_true(result.resumed);
    assert_int_equal(world->decisions, 0);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    result = connect_without(world, TLS_WORLD_HOST, &kept, PINTLE_ERR_PIN_MISMATCH);
    assert_int_equal(world->decisions, 1);
    gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    gnutls_free(kept.data);
}

/* Lets both ends work until nothing moves; what the server reads is counted. */
static size_t pump(struct gnutls_pair *pair, int *error)
{
    bool shaking = false;
    char data[64];
    size_t total = 0;

    *error = 0;
    for (int i = 0; i < 20; i++) {
        int got = shaking ? gnutls_handshake(pair->client) : (int)gnutls_record_recv(pair->client, data, sizeof data);

        shaking = got == GNUTLS_E_REHANDSHAKE || (shaking && got == GNUTLS_E_AGAIN);
        if (got < 0 && gnutls_error_is_fatal(got) && *error == 0)
            *error = got;
        got = SSL_read(pair->server, data, sizeof data);
        total += got > 0 ? (size_t)got : 0;
        ERR_clear_error();
    }
    return total;
}

/* A server of TLS 1.2 may ask for a new handshake at any time: after a full handshake, and after a resumed one. */
static void renegotiation_is_decided_anew(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept = gnutls_world_session(world);

    for (int way = 0; way < 4; way++) {
        bool resumed = way & 1, withdrawn = way & 2;
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;
        struct pintle_verdict verdict;
        int error;

        if (resumed)
            assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
        result = gnutls_world_shake(&pair);
        assert_int_equal(result.resumed, resumed);
        gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        world->decisions = 0;
        if (withdrawn)
            tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
        assert_int_equal(SSL_renegotiate(pair.server), 1);
        assert_int_equal(SSL_do_handshake(pair.server), 1); /* sends HelloRequest */
        pump(&pair, &error);
        pintle_gnutls_verdict(pair.client, &verdict);
        assert_string_equal(pintle_reason_name(verdict.reason),
                            pintle_reason_name(withdrawn ? PINTLE_REASON_MISMATCH : PINTLE_REASON_MATCHED));
        assert_int_equal(error, withdrawn ? GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR : 0);
        assert_int_equal(gnutls_record_send(pair.client, "more", 4) == 4, !withdrawn);
        assert_int_equal(pump(&pair, &error), withdrawn ? 0 : 4);
        tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
        gnutls_world_clear(&pair);
    }
    gnutls_free(kept.data);
}

/* Early data that GnuTLS took for ClientHello does not leave, and its connection fails. */
static void early_data_is_off(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept, bare;
    char early[64];
    size_t got = 0;

    SSL_CTX_set_max_early_data(world->server, 1000);
    SSL_CTX_set_options(world->server, SSL_OP_NO_ANTI_REPLAY);
    bare = bare_session(world, &kept);
    for (int way = 0; way < 3; way++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        if (way == 0)
            assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
        else
            assert_int_equal(gnutls_session_set_data(pair.client, bare.data, bare.size), 0);
        if (way == 2)
            gnutls_handshake_set_hook_function(pair.client, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE, NULL);
        assert_int_equal(gnutls_record_send_early_data(pair.client, "early!", 6), 0);
        for (int i = 0; i < 3; i++)
            assert_true(gnutls_error_is_fatal(gnutls_handshake(pair.client)));
        assert_int_equal(BIO_number_written(pair.wire), 0);
        assert_int_not_equal(SSL_read_early_data(pair.server, early, sizeof early, &got), SSL_READ_EARLY_DATA_SUCCESS);
        result = gnutls_world_run(&pair);
        assert_true(result.outcome.client_error != 0 && !result.outcome.connected);
        assert_string_equal(pintle_reason_name(result.verdict.reason), "undecided");
        assert_true(result.outcome.wrote <= 0 && result.outcome.server_read == 0);
    }
    gnutls_free(bare.data);
    gnutls_free(kept.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(a_session_is_resumed_while_its_pins_hold, 2),
        TLS_WORLD_TEST(a_session_is_resumed_while_its_pins_hold, 3),
        TLS_WORLD_TEST(withdrawal_of_a_pin_ends_resumption, 2),
        TLS_WORLD_TEST(withdrawal_of_a_pin_ends_resumption, 3),
        TLS_WORLD_TEST(evidence_that_lacks_a_hash_costs_a_full_handshake, 3),
        TLS_WORLD_TEST(a_session_of_another_host_is_not_offered, 2),
        TLS_WORLD_TEST(a_session_of_another_host_is_not_offered, 3),
        TLS_WORLD_TEST(a_session_that_nobody_vouches_for_is_not_resumed, 2),
        TLS_WORLD_TEST(a_session_that_nobody_vouches_for_is_not_resumed, 3),
        TLS_WORLD_TEST(what_was_accepted_is_what_is_offered, 2),
#ifndef LEAKS_ARE_SEEN
        TLS_WORLD_TEST(what_was_accepted_is_what_is_offered, 3),
#endif
        TLS_WORLD_TEST(what_is_no_session_is_not_taken, 2),
        TLS_WORLD_TEST(what_is_no_session_is_not_taken, 3),
        TLS_WORLD_TEST(validation_switched_off_ends_resumption, 2),
        TLS_WORLD_TEST(validation_switched_off_ends_resumption, 3),
        TLS_WORLD_TEST(a_hello_retry_changes_nothing, 3),
        TLS_WORLD_TEST(renegotiation_is_decided_anew, 2),
        TLS_WORLD_TEST(early_data_is_off, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
