/* SPDX-License-Identifier: Apache-2.0 */
/* The mbedTLS adapter on the ways around a verdict: validation switched off, callbacks replaced, no certificate at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mbedtls_world.h"

#define HOST TLS_WORLD_HOST

static int permit(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    (void)ctx, (void)certificate, (void)depth;
    *flags = 0;
    return 0;
}

/* Runs what a test has tampered with, over an unpinned server, so that whatever passes does so wrongly. */
static struct tls_world_result run_and_clear(struct mbedtls_world *world, struct mbedtls_link *link)
{
    struct tls_world_result result = mbedtls_link_run(link);

    mbedtls_link_clear(link);
    mbedtls_ssl_conf_authmode(&world->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    return result;
}

/* Before the host is set, afterwards, and in the middle of the handshake, when ClientHello is out. */
static void authmode_must_stay_required(void **state)
{
    static const int modes[] = {MBEDTLS_SSL_VERIFY_NONE, MBEDTLS_SSL_VERIFY_OPTIONAL};
    struct mbedtls_world *world = *state;

    for (int pinned = 0; pinned < 2; pinned++) {
        if (pinned)
            tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_ANY);
        for (int i = 0; i < 2; i++) {
            for (int moment = 0; moment < 3; moment++) {
                struct tls_world_result result;
                struct mbedtls_link link;

                mbedtls_link_init(&link, &world->conf, world->tls, 0);
                if (moment == 0)
                    mbedtls_ssl_conf_authmode(&world->conf, modes[i]);
                assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
                if (moment == 2)
                    assert_int_equal(mbedtls_ssl_handshake(&link.client), MBEDTLS_ERR_SSL_WANT_READ);
                mbedtls_ssl_conf_authmode(&world->conf, modes[i]);
                result = run_and_clear(world, &link);
                mbedtls_world_assert_silenced(&result);
                assert_int_equal(result.verdict.status, PINTLE_ERR_MISUSE);
            }
        }
    }
}

/* With an ordinary random generator in place of ours only the wire is left to notice. */
static void the_wire_notices_as_well(void **state)
{
    static const int modes[] = {MBEDTLS_SSL_VERIFY_NONE, MBEDTLS_SSL_VERIFY_OPTIONAL};
    struct mbedtls_world *world = *state;
    mbedtls_ssl_config plain;

    mbedtls_world_configure(world, &plain);
    mbedtls_ssl_conf_rng(&world->conf, plain.f_rng, plain.p_rng);
    for (int i = 0; i < 2; i++) {
        struct tls_world_result result;
        struct mbedtls_link link;

        mbedtls_link_init(&link, &world->conf, world->tls, 0);
        assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
        mbedtls_ssl_conf_authmode(&world->conf, modes[i]);
        result = run_and_clear(world, &link);
        assert_int_equal(result.outcome.connected, modes[i] == MBEDTLS_SSL_VERIFY_NONE);
        mbedtls_world_assert_silenced(&result);
    }
    mbedtls_ssl_config_free(&plain);
}

static void replaced_callbacks_open_no_door(void **state)
{
    struct mbedtls_world *world = *state;

    for (int pinned = 0; pinned < 2; pinned++) {
        if (pinned)
            tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_ANY);
        for (int way = 0; way < 4; way++) {
            struct tls_world_result result;
            struct mbedtls_link link;

            mbedtls_link_init(&link, &world->conf, world->tls, 0);
            assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
            if (way == 0)
                mbedtls_ssl_set_verify(&link.client, NULL, NULL);
            if (way == 1)
                mbedtls_ssl_set_verify(&link.client, permit, NULL);
            if (way == 2)
                assert_int_equal(mbedtls_ssl_set_hostname(&link.client, NULL), 0);
            if (way == 3)
                assert_int_equal(mbedtls_ssl_set_hostname(&link.client, "other.example.test"), 0);
            result = run_and_clear(world, &link);
            mbedtls_world_assert_silenced(&result);
        }
    }
}

/* The callback of the configuration is what refuses connections without host: without it there are none at all. */
static void a_replaced_callback_of_the_configuration_stops_everything(void **state)
{
    struct mbedtls_world *world = *state;

    for (int with_host = 0; with_host < 2; with_host++) {
        struct tls_world_result result;
        struct mbedtls_link link;

        mbedtls_link_init(&link, &world->conf, world->tls, 0);
        mbedtls_ssl_conf_verify(&world->conf, with_host ? NULL : permit, NULL);
        if (with_host)
            assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
        result = run_and_clear(world, &link);
        assert_int_equal(result.outcome.client_error, MBEDTLS_ERR_SSL_BAD_CONFIG);
        assert_int_equal(result.outcome.server_read, 0);
        assert_int_not_equal(result.verdict.status, PINTLE_OK);
    }
}

static void a_connection_without_host_is_refused(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world_result result = mbedtls_world_connect(world, NULL);
    struct mbedtls_link link;

    assert_int_equal(result.verdict.status, PINTLE_ERR_MISUSE);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING, MBEDTLS_ERR_X509_FATAL_ERROR);
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(mbedtls_ssl_set_hostname(&link.client, HOST), 0);
    result = run_and_clear(world, &link);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING, MBEDTLS_ERR_X509_FATAL_ERROR);
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    mbedtls_ssl_conf_authmode(&world->conf, MBEDTLS_SSL_VERIFY_NONE);
    result = run_and_clear(world, &link);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING, MBEDTLS_ERR_SSL_BAD_CONFIG);
}

/* The natural order, and the wrong one, which a full handshake puts right. */
static void a_bio_set_afterwards_is_wrapped_too(void **state)
{
    struct mbedtls_world *world = *state;

    for (int pinned = 0; pinned < 2; pinned++) {
        struct tls_world_result result;
        struct mbedtls_link link;

        mbedtls_link_init(&link, &world->conf, world->tls, 0);
        assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
        mbedtls_ssl_set_bio(&link.client, &link, mbedtls_link_send, mbedtls_link_receive, NULL);
        if (pinned)
            tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_ANY);
        result = mbedtls_link_run(&link);
        assert_ptr_not_equal(link.client.f_send, mbedtls_link_send);
        mbedtls_link_clear(&link);
        if (pinned)
            mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, MBEDTLS_ERR_X509_FATAL_ERROR);
        else
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    }
}

static unsigned int server_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned int size)
{
    (void)ssl, (void)identity, (void)size;
    memset(psk, 7, 32);
    return 32;
}

static void a_shared_key_sends_nothing(void **state)
{
    struct mbedtls_world *world = *state;
    unsigned char key[32];
    struct tls_world_result result;

    memset(key, 7, sizeof(key));
    assert_int_equal(mbedtls_ssl_conf_psk(&world->conf, key, sizeof(key), (const unsigned char *)"client", 6), 0);
    SSL_CTX_set_psk_server_callback(world->tls->server, server_psk);
    assert_int_equal(SSL_CTX_set_cipher_list(world->tls->server, "PSK-AES128-GCM-SHA256"), 1);
    result = mbedtls_world_connect(world, HOST);
    assert_true(result.outcome.connected); /* a handshake, but none with a certificate */
    mbedtls_world_assert_silenced(&result);
}

/* What a server says before any verdict is not read either. */
static void nothing_is_read_without_a_verdict(void **state)
{
    struct mbedtls_world *world = *state;
    struct mbedtls_link link;
    char page[8];

    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    mbedtls_ssl_set_verify(&link.client, permit, NULL);
    for (int i = 0; i < 10; i++) {
        (void)mbedtls_ssl_handshake(&link.client);
        (void)SSL_do_handshake(link.server);
    }
    assert_int_equal(SSL_write(link.server, "page", 4), 4);
    assert_int_equal(mbedtls_ssl_read(&link.client, (unsigned char *)page, sizeof(page)),
                     MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
    assert_int_equal(mbedtls_ssl_close_notify(&link.client), 0); /* a farewell is no application data */
    mbedtls_link_clear(&link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MBEDTLS_WORLD_TEST(authmode_must_stay_required),
        MBEDTLS_WORLD_TEST(the_wire_notices_as_well),
        MBEDTLS_WORLD_TEST(replaced_callbacks_open_no_door),
        MBEDTLS_WORLD_TEST(a_replaced_callback_of_the_configuration_stops_everything),
        MBEDTLS_WORLD_TEST(a_connection_without_host_is_refused),
        MBEDTLS_WORLD_TEST(a_bio_set_afterwards_is_wrapped_too),
        MBEDTLS_WORLD_TEST(a_shared_key_sends_nothing),
        MBEDTLS_WORLD_TEST(nothing_is_read_without_a_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
