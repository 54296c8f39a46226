/* SPDX-License-Identifier: Apache-2.0 */
/* The mbedTLS adapter where a handshake builds on an earlier one: sessions, the same context again, renegotiation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mbedtls_world.h"

#define HOST TLS_WORLD_HOST
#define FATAL MBEDTLS_ERR_X509_FATAL_ERROR

struct saved {
    uint8_t bytes[MBEDTLS_SESSION_MAX];
    size_t size;
};

/* Connects for host, offers what is in saved, expects that call to say so, and saves the session of what was accepted. */
static struct tls_world_result resume(struct mbedtls_world *world, const char *host, struct saved *saved,
                                      enum pintle_status want)
{
    struct tls_world_result result;
    struct mbedtls_link link;

    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, host), PINTLE_OK);
    if (saved->size > 0)
        assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved->bytes, saved->size}),
                         want);
    result = mbedtls_link_run(&link);
    if (result.verdict.status == PINTLE_OK)
        assert_int_equal(pintle_mbedtls_session_get(&link.client, saved->bytes, sizeof(saved->bytes), &saved->size),
                         PINTLE_OK);
    mbedtls_link_clear(&link);
    return result;
}

static void make(struct mbedtls_world *world, struct saved *saved)
{
    struct tls_world_result result;

    saved->size = 0;
    result = resume(world, HOST, saved, PINTLE_OK);
    assert_false(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    assert_true(saved->size > 0);
}

/* By ticket, and by what the server keeps itself. */
static void a_session_is_resumed_while_its_pins_hold(void **state)
{
    struct mbedtls_world *world = *state;
    struct saved saved;

    for (int stateful = 0; stateful < 2; stateful++) {
        if (stateful)
            SSL_CTX_set_options(world->tls->server, SSL_OP_NO_TICKET);
        make(world, &saved);
        world->tls->decisions = 0;
        for (int i = 0; i < 3; i++) { /* each time with the session that the last connection left */
            struct tls_world_result result = resume(world, HOST, &saved, PINTLE_OK);

            assert_true(result.reused);
            assert_int_equal(result.verdict.matched_index, 0);
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        }
        assert_int_equal(world->tls->decisions, 0); /* no event, no report for a resumption */
    }
}

static void withdrawal_of_a_pin_ends_resumption(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world *tls = world->tls;
    struct tls_world_result result;
    struct saved saved;

    make(world, &saved);
    tls_world_pin_key(tls, tls->intermediate.x509, PINTLE_AT_ISSUER); /* the same chain, by another pin */
    result = resume(world, HOST, &saved, PINTLE_OK);
    assert_true(result.reused);
    assert_int_equal(result.verdict.matched_index, 1);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_pin_key(tls, tls->stray.x509, PINTLE_AT_ANY);
    tls->decisions = 0;
    result = resume(world, HOST, &saved, PINTLE_ERR_PIN_MISMATCH);
    assert_false(result.reused);
    assert_int_equal(tls->decisions, 1); /* by a full handshake, which may heal and report */
    mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
    tls_world_pin_key(tls, tls->leaf.x509, PINTLE_AT_LEAF);
    result = resume(world, HOST, &saved, PINTLE_OK);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

/* Between the offer and the end of the handshake. */
static void a_pin_withdrawn_in_the_middle_counts(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world_result result;
    struct mbedtls_link link;
    struct saved saved;

    make(world, &saved);
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved.bytes, saved.size}),
                     PINTLE_OK);
    tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_ANY);
    result = mbedtls_link_run(&link);
    mbedtls_link_clear(&link);
    assert_true(result.reused);
    assert_int_equal(result.verdict.reason, PINTLE_REASON_MISMATCH);
    assert_int_equal(result.outcome.wrote, -1);
    assert_int_equal(result.outcome.server_read, 0);
}

/* Both hosts pin their common CA, so that the evidence would pass; but nobody would check the name. */
static void a_session_of_another_host_is_not_offered(void **state)
{
    struct mbedtls_world *world = *state;
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pins[] = {
        {HOST, hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
        {"other.example.test", hash, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, false},
    };
    struct tls_world_result result;
    struct saved saved;

    tls_fixture_spki_pin(world->tls->intermediate.x509, hash);
    tls_world_pin(world->tls, pins, 2, PINTLE_UNLISTED_ACCEPT);
    make(world, &saved);
    result = resume(world, "other.example.test", &saved, PINTLE_ERR_TRUST);
    assert_false(result.reused);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED, 0);
    result = resume(world, "API.example.test.", &saved, PINTLE_OK);
    assert_true(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

static void a_damaged_session_is_not_offered(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world_result result;
    struct mbedtls_link link;
    struct saved saved;
    size_t size;

    make(world, &saved);
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved.bytes, saved.size}),
                     PINTLE_ERR_MISUSE); /* no host */
    assert_int_equal(pintle_mbedtls_session_get(&link.client, saved.bytes, sizeof(saved.bytes), &size),
                     PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    for (size = 0; size < saved.size; size++)
        assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved.bytes, size}),
                         PINTLE_ERR_INPUT);
    saved.bytes[0] ^= 1;
    result = resume(world, HOST, &saved, PINTLE_ERR_INPUT);
    assert_false(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    /* a good one, and then none: the connection resumes nothing */
    assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved.bytes, saved.size}),
                     PINTLE_OK);
    assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved.bytes, 3}), PINTLE_ERR_INPUT);
    result = mbedtls_link_run(&link);
    assert_false(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved.bytes, saved.size}),
                     PINTLE_ERR_MISUSE); /* too late */
    assert_int_equal(pintle_mbedtls_session_get(&link.client, saved.bytes, saved.size - 1, &size), PINTLE_ERR_MISUSE);
    assert_true(size >= saved.size - 64);
    assert_int_equal(pintle_mbedtls_session_get(&link.client, NULL, 0, &size), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_session_get(&link.client, saved.bytes, size, &saved.size), PINTLE_OK);
    assert_int_equal(saved.size, size);
    mbedtls_link_clear(&link);
}

/* A session that mbedTLS itself was given: before the host was set, and behind its back. */
static void a_bare_session_is_not_resumed(void **state)
{
    struct mbedtls_world *world = *state;
    struct mbedtls_link link;
    mbedtls_ssl_session session;
    struct tls_world_result result;

    mbedtls_ssl_session_init(&session);
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    result = mbedtls_link_run(&link);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    assert_int_equal(mbedtls_ssl_get_session(&link.client, &session), 0);
    mbedtls_link_clear(&link);
    for (int pinned = 0; pinned < 2; pinned++) {
        if (pinned)
            tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_ANY);
        for (int behind = 0; behind < 2; behind++) {
            mbedtls_link_init(&link, &world->conf, world->tls, 0);
            assert_int_equal(mbedtls_ssl_set_session(&link.client, &session), 0);
            assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
            if (behind)
                assert_int_equal(mbedtls_ssl_set_session(&link.client, &session), 0);
            result = mbedtls_link_run(&link);
            mbedtls_link_clear(&link);
            assert_int_equal(result.reused, behind);
            if (behind)
                mbedtls_world_assert_silenced(&result);
            else if (pinned)
                mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
            else
                tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        }
    }
    mbedtls_ssl_session_free(&session);
}

/* mbedtls_ssl_session_reset() keeps callbacks and host; an acceptance must not stay with them. */
static void a_context_used_again_is_decided_again(void **state)
{
    struct mbedtls_world *world = *state;
    struct pintle_verdict verdict;
    struct tls_world_result result;
    struct mbedtls_link link;

    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    for (int i = 0; i < 4; i++) {
        bool pinned = i % 2 == 1;

        tls_world_pin_key(world->tls, pinned ? world->tls->stray.x509 : world->tls->leaf.x509, PINTLE_AT_LEAF);
        if (i == 3) /* nothing runs then */
            mbedtls_ssl_set_verify(&link.client, NULL, NULL);
        result = mbedtls_link_run(&link);
        if (i == 3)
            mbedtls_world_assert_silenced(&result);
        else if (pinned)
            mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
        else
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        assert_int_equal(mbedtls_ssl_session_reset(&link.client), 0);
        assert_int_not_equal(pintle_mbedtls_verdict(&link.client, &verdict), PINTLE_OK);
        mbedtls_link_renew(&link, world->tls);
    }
    mbedtls_link_clear(&link);
}

/* A refusal does not outlive its wire either, though nobody saw the next ClientHello. */
static void a_new_wire_is_a_new_handshake(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world_result result;
    struct mbedtls_link link;

    tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_LEAF);
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    result = mbedtls_link_run(&link);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
    tls_world_pin_key(world->tls, world->tls->leaf.x509, PINTLE_AT_LEAF);
    assert_int_equal(mbedtls_ssl_session_reset(&link.client), 0);
    mbedtls_link_renew(&link, world->tls);
    mbedtls_ssl_set_bio(&link.client, &link, mbedtls_link_send, mbedtls_link_receive, NULL);
    result = mbedtls_link_run(&link);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    mbedtls_link_clear(&link);
}

/* A session is offered, the server takes none, and no certificate is looked at: the evidence offered is not for this. */
static void an_offer_that_is_not_taken_accepts_nothing(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world_result result;
    mbedtls_ssl_config plain;
    struct mbedtls_link link;
    struct saved saved;

    make(world, &saved);
    tls_world_serve(world->tls, &world->tls->other); /* another server, which knows nothing of that session */
    mbedtls_world_configure(world, &plain);
    mbedtls_ssl_conf_rng(&world->conf, plain.f_rng, plain.p_rng);
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    assert_int_equal(pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved.bytes, saved.size}),
                     PINTLE_OK);
    mbedtls_ssl_conf_authmode(&world->conf, MBEDTLS_SSL_VERIFY_NONE);
    for (int i = 0; i < 10; i++) {
        (void)mbedtls_ssl_handshake(&link.client);
        (void)SSL_do_handshake(link.server);
    }
    assert_true(SSL_is_init_finished(link.server));
    mbedtls_ssl_conf_authmode(&world->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    result = mbedtls_link_run(&link);
    mbedtls_world_assert_silenced(&result);
    mbedtls_link_clear(&link);
    mbedtls_ssl_config_free(&plain);
}

/* The server asks; the client goes along if it is configured to, and its next verdict is about the new handshake. */
static void renegotiation_is_decided_anew(void **state)
{
    struct mbedtls_world *world = *state;

    for (int allowed = 0; allowed < 2; allowed++) {
        for (int pinned = 0; pinned < 2; pinned++) {
            struct pintle_verdict verdict;
            struct mbedtls_link link;
            unsigned char nothing[1];
            int code = 0;

            tls_world_pin_key(world->tls, world->tls->leaf.x509, PINTLE_AT_LEAF);
            mbedtls_ssl_conf_renegotiation(&world->conf, allowed ? MBEDTLS_SSL_RENEGOTIATION_ENABLED
                                                                 : MBEDTLS_SSL_RENEGOTIATION_DISABLED);
            mbedtls_link_init(&link, &world->conf, world->tls, 0);
            assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
            assert_true(mbedtls_link_run(&link).outcome.answered);
            if (pinned)
                tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_LEAF);
            world->tls->decisions = 0;
            assert_int_equal(SSL_renegotiate(link.server), 1);
            for (int i = 0; i < 10; i++) {
                (void)SSL_do_handshake(link.server);
                code = mbedtls_ssl_read(&link.client, nothing, 1);
                (void)SSL_read(link.server, nothing, 1);
            }
            assert_int_equal(world->tls->decisions, allowed);
            assert_int_equal(pintle_mbedtls_verdict(&link.client, &verdict) == PINTLE_OK, !allowed || !pinned);
            code = mbedtls_ssl_write(&link.client, (const unsigned char *)"more", 4);
            assert_int_equal(code == 4, !allowed || !pinned);
            mbedtls_link_clear(&link);
        }
    }
}

/* Every read and write would block after one byte; and no step before the last shows an acceptance. */
static void a_wire_of_one_byte_changes_nothing(void **state)
{
    struct mbedtls_world *world = *state;

    for (int pinned = 0; pinned < 2; pinned++) {
        struct tls_world_result result;
        struct pintle_verdict verdict;
        struct mbedtls_link link;
        int code = MBEDTLS_ERR_SSL_WANT_READ;

        mbedtls_link_init(&link, &world->conf, world->tls, 1);
        assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
        if (pinned)
            tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_ANY);
        while (code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE) {
            assert_int_not_equal(pintle_mbedtls_verdict(&link.client, &verdict), PINTLE_OK);
            code = mbedtls_ssl_handshake(&link.client);
            (void)SSL_do_handshake(link.server);
        }
        assert_int_equal(code, pinned ? FATAL : 0);
        if (!pinned) {
            result = mbedtls_link_run(&link);
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        }
        mbedtls_link_clear(&link);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MBEDTLS_WORLD_TEST(a_session_is_resumed_while_its_pins_hold),
        MBEDTLS_WORLD_TEST(withdrawal_of_a_pin_ends_resumption),
        MBEDTLS_WORLD_TEST(a_pin_withdrawn_in_the_middle_counts),
        MBEDTLS_WORLD_TEST(a_session_of_another_host_is_not_offered),
        MBEDTLS_WORLD_TEST(a_damaged_session_is_not_offered),
        MBEDTLS_WORLD_TEST(a_bare_session_is_not_resumed),
        MBEDTLS_WORLD_TEST(a_context_used_again_is_decided_again),
        MBEDTLS_WORLD_TEST(a_new_wire_is_a_new_handshake),
        MBEDTLS_WORLD_TEST(an_offer_that_is_not_taken_accepts_nothing),
        MBEDTLS_WORLD_TEST(renegotiation_is_decided_anew),
        MBEDTLS_WORLD_TEST(a_wire_of_one_byte_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
