/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL adapter on the ways around a certificate: callbacks replaced after attaching, anonymous ciphers, external
 * pre-shared keys, early data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tls_world.h"

static int own_info_calls;

static void own_info(const SSL *ssl, int where, int value)
{
    (void)ssl, (void)value;
    own_info_calls += where == SSL_CB_HANDSHAKE_DONE;
}

/* Replaces the info callback after attaching: of the context, of the connection, or by none. */
static struct tls_world_result connect_with_replaced_info(struct tls_world *world, SSL_CTX *server, int way,
                                                          SSL_SESSION *session)
{
    struct tls_fixture_pair pair;
    struct tls_world_result result;

    void (*ours)(const SSL *, int, int) = SSL_CTX_get_info_callback(world->client);
    if (way != 1)
        SSL_CTX_set_info_callback(world->client, way == 0 ? own_info : NULL);
    pair = tls_fixture_pair_new(world->client, server, 0);
    if (way == 1)
        SSL_set_info_callback(pair.client, own_info);
    assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    if (session != NULL)
        assert_int_equal(SSL_set_session(pair.client, session), 1);
    own_info_calls = 0;
    result = tls_world_run(&pair);
    SSL_CTX_set_info_callback(world->client, ours);
    return result;
}

static void a_replaced_info_callback_opens_no_door(void **state)
{
    struct tls_world *world = *state;

    for (int way = 0; way < 3; way++) {
        SSL_SESSION *session = tls_world_session(world);
        SSL_SESSION *stranger = tls_world_import(session);
        struct tls_world_result result;

        result = connect_with_replaced_info(world, world->server, way, NULL);
        tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        assert_int_equal(own_info_calls, way != 2);
        result = connect_with_replaced_info(world, world->server, way, session);
        assert_true(result.reused);
        tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        assert_int_equal(own_info_calls, way != 2);
        result = connect_with_replaced_info(world, world->server, way, stranger);
        assert_false(result.reused);
        assert_int_equal(result.outcome.server_read, 0);
        assert_int_not_equal(result.verdict.status, PINTLE_OK);
        assert_false(result.outcome.connected || result.outcome.accepted);
        SSL_SESSION_free(result.session);
        tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
        result = connect_with_replaced_info(world, world->server, way, session);
        assert_false(result.reused);
        assert_int_equal(result.verdict.reason, PINTLE_REASON_MISMATCH);
        assert_int_equal(result.outcome.server_read, 0);
        assert_false(result.outcome.connected || result.outcome.accepted);
        SSL_SESSION_free(result.session);
        tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
        SSL_SESSION_free(stranger);
        SSL_SESSION_free(session);
    }
}

/* TLS 1.2 knows ciphers without any certificate. */
static void an_anonymous_cipher_sends_nothing(void **state)
{
    static const char ciphers[] = "AECDH-AES128-SHA:ADH-AES128-SHA256@SECLEVEL=0";
    struct tls_world *world = *state;
    SSL_CTX *server = tls_fixture_server_new(NULL, NULL, 0, TLS1_2_VERSION);

    assert_int_equal(SSL_CTX_set_cipher_list(server, ciphers), 1);
    assert_int_equal(SSL_CTX_set_cipher_list(world->client, ciphers), 1);
    for (int way = 0; way < 4; way++) {
        struct tls_world_result result = connect_with_replaced_info(world, server, way, NULL);

        tls_world_assert_silenced(&result);
    }
    SSL_CTX_free(server);
}

static const unsigned char shared_key[32] = "a key known to both ends";

static unsigned int client_psk(SSL *ssl, const char *hint, char *identity, unsigned int identity_size,
                               unsigned char *psk, unsigned int psk_size)
{
    (void)ssl, (void)hint;
    snprintf(identity, identity_size, "client");
    assert_true(psk_size >= sizeof(shared_key));
    memcpy(psk, shared_key, sizeof(shared_key));
    return sizeof(shared_key);
}

static unsigned int server_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned int psk_size)
{
    (void)ssl, (void)identity;
    assert_true(psk_size >= sizeof(shared_key));
    memcpy(psk, shared_key, sizeof(shared_key));
    return sizeof(shared_key);
}

static SSL_SESSION *psk_session(SSL *ssl)
{
    static const unsigned char aes128[] = {0x13, 0x01};
    SSL_SESSION *session = SSL_SESSION_new();

    assert_int_equal(SSL_SESSION_set1_master_key(session, shared_key, sizeof(shared_key)), 1);
    assert_int_equal(SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, aes128)), 1);
    assert_int_equal(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION), 1);
    assert_int_equal(SSL_SESSION_set_max_early_data(session, 1000), 1);
    return session;
}

static int client_psk_session(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_size, SSL_SESSION **out)
{
    (void)md;
    *id = (const unsigned char *)"client";
    *id_size = 6;
    *out = psk_session(ssl);
    return 1;
}

static int server_psk_session(SSL *ssl, const unsigned char *id, size_t id_size, SSL_SESSION **out)
{
    (void)id, (void)id_size;
    *out = psk_session(ssl);
    return 1;
}

/* A connection under a key that both ends were given shows no certificate: such keys are switched off. */
static void external_keys_are_switched_off(void **state)
{
    struct tls_world *world = *state;
    bool tls13 = world->version == TLS1_3_VERSION;

    SSL_CTX_set_psk_client_callback(world->client, client_psk);
    SSL_CTX_set_psk_server_callback(world->server, server_psk);
    SSL_CTX_set_psk_use_session_callback(world->client, client_psk_session);
    SSL_CTX_set_psk_find_session_callback(world->server, server_psk_session);
    if (!tls13) {
        assert_int_equal(SSL_CTX_set_cipher_list(world->client, "PSK-AES128-GCM-SHA256"), 1);
        assert_int_equal(SSL_CTX_set_cipher_list(world->server, "PSK-AES128-GCM-SHA256"), 1);
    }
    for (int way = 0; way < 4; way++) {
        struct tls_world_result result = connect_with_replaced_info(world, world->server, way, NULL);

        assert_false(result.reused);
        if (tls13) {
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED); /* by the certificate */
        } else {
            assert_int_equal(result.outcome.server_read, 0);
            assert_false(result.outcome.connected || result.outcome.accepted);
            assert_int_not_equal(result.verdict.status, PINTLE_OK);
            SSL_SESSION_free(result.session);
        }
    }
}

/* Tries hard to send early data; whatever the server takes, as such or later, fails the test. */
static void assert_no_early_data(struct tls_world *world, SSL_SESSION *session, bool replace_info)
{
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
    struct pintle_verdict verdict;
    char early[64];
    size_t got = 0, wrote = 0;

    assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    assert_int_equal(SSL_set_session(pair.client, session), 1);
    if (replace_info)
        SSL_set_info_callback(pair.client, own_info);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(SSL_write_early_data(pair.client, "early!", 6, &wrote), 0);
        assert_int_not_equal(SSL_read_early_data(pair.server, early, sizeof(early), &got), SSL_READ_EARLY_DATA_SUCCESS);
        assert_int_equal(got, 0);
    }
    assert_int_not_equal(pintle_openssl_verdict(pair.client, &verdict), PINTLE_OK);
    assert_int_equal(tls_fixture_run(&pair).server_read, 0);
    tls_fixture_pair_clear(&pair);
}

static void early_data_is_off(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result;

    SSL_CTX_set_max_early_data(world->server, 1000);
    SSL_CTX_set_options(world->server, SSL_OP_NO_ANTI_REPLAY);
    for (int withdrawn = 0; withdrawn < 2; withdrawn++) {
        for (int replaced = 0; replaced < 2; replaced++) {
            SSL_SESSION *session = tls_world_session(world);

            assert_true(SSL_SESSION_get_max_early_data(session) > 0);
            if (withdrawn)
                tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
            assert_no_early_data(world, session, replaced);
            tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
            SSL_SESSION_free(session);
        }
    }
    SSL_SESSION *session = tls_world_session(world);
    result = tls_world_connect(world, TLS_WORLD_HOST, session); /* as an ordinary session it is welcome */
    assert_true(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_SESSION_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(a_replaced_info_callback_opens_no_door, 2),
        TLS_WORLD_TEST(a_replaced_info_callback_opens_no_door, 3),
        TLS_WORLD_TEST(an_anonymous_cipher_sends_nothing, 2),
        TLS_WORLD_TEST(external_keys_are_switched_off, 2),
        TLS_WORLD_TEST(external_keys_are_switched_off, 3),
        TLS_WORLD_TEST(early_data_is_off, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
