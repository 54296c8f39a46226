/* SPDX-License-Identifier: Apache-2.0 */
/* The GnuTLS adapter on the ways around a certificate: anonymous ciphers, pre-shared keys, SRP, raw public keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "gnutls_world.h"

/* What an application could try besides, for the sake of its own hook. */
static void take_the_hook_away(struct gnutls_pair *pair, int way)
{
    if (way == 1)
        gnutls_handshake_set_hook_function(pair->client, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_PRE, NULL);
    if (way == 2)
        gnutls_session_set_verify_function(pair->client, NULL);
}

/* TLS 1.2 knows ciphers without any certificate. */
static void an_anonymous_cipher_sends_nothing(void **state)
{
    struct tls_world *world = *state;
    gnutls_anon_client_credentials_t anonymous;

    SSL_CTX_free(world->server);
    world->server = tls_fixture_server_new(NULL, NULL, 0, TLS1_2_VERSION);
    assert_int_equal(SSL_CTX_set_cipher_list(world->server, "AECDH-AES128-SHA@SECLEVEL=0"), 1);
    assert_int_equal(gnutls_anon_allocate_client_credentials(&anonymous), 0);
    for (int way = 0; way < 3; way++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        assert_int_equal(gnutls_credentials_set(pair.client, GNUTLS_CRD_ANON, anonymous), 0);
        assert_int_equal(
            gnutls_priority_set_direct(pair.client, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH", NULL), 0);
        take_the_hook_away(&pair, way);
        result = gnutls_world_run(&pair);
        gnutls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_OFF);
    }
    gnutls_anon_free_client_credentials(anonymous);
}

static const unsigned char shared_key[32] = "a key known to both ends";

static unsigned int server_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned int psk_size)
{
    (void)ssl, (void)identity;
    assert_true(psk_size >= sizeof(shared_key));
    memcpy(psk, shared_key, sizeof(shared_key));
    return sizeof(shared_key);
}

static int server_psk_session(SSL *ssl, const unsigned char *id, size_t id_size, SSL_SESSION **out)
{
    static const unsigned char aes128[] = {0x13, 0x01};

    (void)id, (void)id_size;
    *out = SSL_SESSION_new();
    assert_int_equal(SSL_SESSION_set1_master_key(*out, shared_key, sizeof(shared_key)), 1);
    assert_int_equal(SSL_SESSION_set_cipher(*out, SSL_CIPHER_find(ssl, aes128)), 1);
    assert_int_equal(SSL_SESSION_set_protocol_version(*out, TLS1_3_VERSION), 1);
    return 1;
}

/* A connection under a key that both ends were given shows no certificate (RFC 8446, section 2.2). */
static void an_external_key_sends_nothing(void **state)
{
    struct tls_world *world = *state;
    const gnutls_datum_t key = {(unsigned char *)shared_key, sizeof shared_key};
    gnutls_psk_client_credentials_t credentials;

    SSL_CTX_set_psk_server_callback(world->server, server_psk);
    SSL_CTX_set_psk_find_session_callback(world->server, server_psk_session);
    assert_int_equal(SSL_CTX_set_cipher_list(world->server, "PSK-AES128-GCM-SHA256"), 1);
    assert_int_equal(SSL_CTX_set_ciphersuites(world->server, "TLS_AES_128_GCM_SHA256"), 1);
    assert_int_equal(gnutls_psk_allocate_client_credentials(&credentials), 0);
    assert_int_equal(gnutls_psk_set_client_credentials(credentials, "client", &key, GNUTLS_PSK_KEY_RAW), 0);
    for (int way = 0; way < 3; way++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        assert_int_equal(gnutls_credentials_set(pair.client, GNUTLS_CRD_PSK, credentials), 0);
        assert_int_equal(gnutls_priority_set_direct(pair.client,
                                                    world->version == TLS1_3_VERSION
                                                        ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:+ECDHE-PSK"
                                                        : "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK",
                                                    NULL),
                         0);
        take_the_hook_away(&pair, way);
        result = gnutls_world_run(&pair);
        gnutls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_OFF);
    }
    gnutls_psk_free_client_credentials(credentials);
}

/* A server of GnuTLS at the other end of the pair. */
static gnutls_session_t gnutls_server(const struct gnutls_pair *pair, const char *priorities)
{
    gnutls_session_t server;

    assert_int_equal(gnutls_init(&server, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_ENABLE_RAWPK), 0);
    assert_int_equal(gnutls_priority_set_direct(server, priorities, NULL), 0);
    gnutls_world_wire(server, SSL_get_rbio(pair->server));
    return server;
}

static struct tls_fixture_outcome run_with(const struct gnutls_pair *pair, gnutls_session_t server)
{
    const struct tls_fixture_end client_end = gnutls_world_end(pair->client, pair->wire);
    const struct tls_fixture_end server_end = gnutls_world_end(server, SSL_get_rbio(pair->server));

    return tls_fixture_run_ends(&client_end, &server_end);
}

static void assert_nothing_left(const struct gnutls_pair *pair, const struct tls_fixture_outcome *outcome)
{
    struct pintle_verdict verdict;

    assert_int_equal(pintle_gnutls_verdict(pair->client, &verdict), PINTLE_ERR_MISUSE);
    assert_string_equal(pintle_reason_name(verdict.reason), "validation_off");
    assert_int_equal(outcome->client_error, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
    assert_true(!outcome->connected && outcome->wrote <= 0 && outcome->server_read == 0);
}

static int know_the_password(gnutls_session_t session, const char *username, gnutls_datum_t *salt,
                             gnutls_datum_t *verifier, gnutls_datum_t *generator, gnutls_datum_t *prime)
{
    (void)session;
    salt->data = gnutls_malloc(4);
    memcpy(salt->data, "salt", 4);
    salt->size = 4;
    generator->data = gnutls_malloc(gnutls_srp_2048_group_generator.size);
    memcpy(generator->data, gnutls_srp_2048_group_generator.data, gnutls_srp_2048_group_generator.size);
    generator->size = gnutls_srp_2048_group_generator.size;
    prime->data = gnutls_malloc(gnutls_srp_2048_group_prime.size);
    memcpy(prime->data, gnutls_srp_2048_group_prime.data, gnutls_srp_2048_group_prime.size);
    prime->size = gnutls_srp_2048_group_prime.size;
    return gnutls_srp_verifier(username, "password", salt, generator, prime, verifier);
}

static void a_password_sends_nothing(void **state)
{
    static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+SRP";
    struct gnutls_pair pair = gnutls_world_pair(*state, TLS_WORLD_HOST, 0);
    gnutls_session_t server = gnutls_server(&pair, priorities);
    gnutls_srp_client_credentials_t client_srp;
    gnutls_srp_server_credentials_t server_srp;
    struct tls_fixture_outcome outcome;

    assert_int_equal(gnutls_srp_allocate_client_credentials(&client_srp), 0);
    assert_int_equal(gnutls_srp_set_client_credentials(client_srp, "user", "password"), 0);
    assert_int_equal(gnutls_credentials_set(pair.client, GNUTLS_CRD_SRP, client_srp), 0);
    assert_int_equal(gnutls_priority_set_direct(pair.client, priorities, NULL), 0);
    assert_int_equal(gnutls_srp_allocate_server_credentials(&server_srp), 0);
    gnutls_srp_set_server_credentials_function(server_srp, know_the_password);
    assert_int_equal(gnutls_credentials_set(server, GNUTLS_CRD_SRP, server_srp), 0);
    outcome = run_with(&pair, server);
    assert_nothing_left(&pair, &outcome);
    gnutls_deinit(server);
    gnutls_world_clear(&pair);
    gnutls_srp_free_client_credentials(client_srp);
    gnutls_srp_free_server_credentials(server_srp);
}

static gnutls_certificate_credentials_t server_credentials(const struct tls_world *world, bool raw)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_datum_t spki = {NULL, 0}, key = {NULL, 0}, der = gnutls_world_der(world->leaf.x509);
    int size = i2d_PUBKEY(world->leaf.key, &spki.data);

    assert_true(size > 0);
    spki.size = (unsigned)size;
    size = i2d_PrivateKey(world->leaf.key, &key.data);
    assert_true(size > 0);
    key.size = (unsigned)size;
    assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
    if (raw)
        assert_int_equal(
            gnutls_certificate_set_rawpk_key_mem(credentials, &spki, &key, GNUTLS_X509_FMT_DER, NULL, 0, NULL, 0, 0),
            0);
    else
        assert_int_equal(gnutls_certificate_set_x509_key_mem(credentials, &der, &key, GNUTLS_X509_FMT_DER), 0);
    OPENSSL_free(spki.data);
    OPENSSL_free(key.data);
    OPENSSL_free(der.data);
    return credentials;
}

/* RFC 7250: a key without a certificate around it, though it is the one that is pinned. */
static void a_raw_public_key_sends_nothing(void **state)
{
    struct tls_world *world = *state;
    const char *priorities = world->version == TLS1_3_VERSION ? "NORMAL:-VERS-ALL:+VERS-TLS1.3:+CTYPE-SRV-RAWPK"
                                                              : "NORMAL:-VERS-ALL:+VERS-TLS1.2:+CTYPE-SRV-RAWPK";
    struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    gnutls_session_t server = gnutls_server(&pair, priorities);
    gnutls_certificate_credentials_t credentials = server_credentials(world, true);
    struct tls_fixture_outcome outcome;

    assert_int_equal(gnutls_priority_set_direct(pair.client, priorities, NULL), 0);
    assert_int_equal(gnutls_credentials_set(server, GNUTLS_CRD_CERTIFICATE, credentials), 0);
    outcome = run_with(&pair, server);
    assert_int_equal(gnutls_certificate_type_get2(pair.client, GNUTLS_CTYPE_SERVER), GNUTLS_CRT_RAWPK);
    assert_nothing_left(&pair, &outcome);
    gnutls_deinit(server);
    gnutls_world_clear(&pair);
    gnutls_certificate_free_credentials(credentials);
}

/* What was attached by mistake does not serve. */
static void a_server_is_nothing_to_attach(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_pair pair = gnutls_world_unpinned(world, 0);
    gnutls_session_t server = gnutls_server(&pair, "NORMAL");
    gnutls_certificate_credentials_t credentials = server_credentials(world, false);
    struct tls_fixture_outcome outcome;

    assert_int_equal(gnutls_credentials_set(server, GNUTLS_CRD_CERTIFICATE, credentials), 0);
    assert_int_equal(pintle_gnutls_attach(server, world->checker), PINTLE_OK);
    outcome = run_with(&pair, server);
    assert_int_equal(outcome.server_error, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
    assert_false(outcome.accepted);
    assert_int_equal(outcome.server_read, 0);
    gnutls_deinit(server);
    gnutls_world_clear(&pair);
    gnutls_certificate_free_credentials(credentials);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(an_anonymous_cipher_sends_nothing, 2), TLS_WORLD_TEST(an_external_key_sends_nothing, 2),
        TLS_WORLD_TEST(an_external_key_sends_nothing, 3),     TLS_WORLD_TEST(a_password_sends_nothing, 2),
        TLS_WORLD_TEST(a_raw_public_key_sends_nothing, 2),    TLS_WORLD_TEST(a_raw_public_key_sends_nothing, 3),
        TLS_WORLD_TEST(a_server_is_nothing_to_attach, 2),     TLS_WORLD_TEST(a_server_is_nothing_to_attach, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
