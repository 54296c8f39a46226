/* SPDX-License-Identifier: Apache-2.0 */
/* mbedTLS at the client's end of the wire, OpenSSL at the server's. */
#include "mbedtls_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rand.h>

static int random_bytes(void *ctx, unsigned char *out, size_t size)
{
    (void)ctx;
    return RAND_bytes(out, (int)size) == 1 ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

void mbedtls_world_trust(struct mbedtls_world *world, const X509 *x509)
{
    unsigned char *der = NULL;
    int size = i2d_X509(x509, &der);

    assert_true(size > 0);
    assert_int_equal(mbedtls_x509_crt_parse_der(&world->roots, der, (size_t)size), 0);
    OPENSSL_free(der);
}

void mbedtls_world_configure(struct mbedtls_world *world, mbedtls_ssl_config *conf)
{
    mbedtls_ssl_config_init(conf);
    assert_int_equal(mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(conf, random_bytes, NULL);
    mbedtls_ssl_conf_ca_chain(conf, &world->roots, NULL);
}

int mbedtls_world_setup(void **state)
{
    struct mbedtls_world *world = calloc(1, sizeof(*world));
    void *tls = &tls_world_versions[2];

    assert_non_null(world);
    assert_int_equal(tls_world_setup(&tls), 0);
    world->tls = tls;
    mbedtls_x509_crt_init(&world->roots);
    mbedtls_world_trust(world, world->tls->root.x509);
    mbedtls_world_configure(world, &world->conf);
    assert_int_equal(pintle_mbedtls_attach(&world->conf, world->tls->checker), PINTLE_OK);
    *state = world;
    return 0;
}

int mbedtls_world_teardown(void **state)
{
    struct mbedtls_world *world = *state;
    void *tls = world->tls;

    pintle_mbedtls_detach(&world->conf);
    mbedtls_ssl_config_free(&world->conf);
    mbedtls_x509_crt_free(&world->roots);
    free(world);
    return tls_world_teardown(&tls);
}

int mbedtls_link_send(void *ctx, const unsigned char *data, size_t size)
{
    struct mbedtls_link *link = ctx;
    int sent = BIO_write(link->wire, data, (int)size);

    return sent > 0 ? sent : MBEDTLS_ERR_SSL_WANT_WRITE;
}

int mbedtls_link_receive(void *ctx, unsigned char *out, size_t size)
{
    struct mbedtls_link *link = ctx;
    int got = BIO_read(link->wire, out, (int)size);

    return got > 0 ? got : MBEDTLS_ERR_SSL_WANT_READ;
}

static void wire_new(struct mbedtls_link *link, struct tls_world *tls, size_t buffer)
{
    BIO *end;

    link->server = SSL_new(tls->server);
    assert_non_null(link->server);
    assert_int_equal(BIO_new_bio_pair(&link->wire, buffer, &end, buffer), 1);
    SSL_set_bio(link->server, end, end);
    SSL_set_accept_state(link->server);
}

static void wire_free(struct mbedtls_link *link)
{
    /* Without a farewell OpenSSL marks the session as unusable. */
    SSL_set_shutdown(link->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(link->server);
    BIO_free(link->wire);
}

void mbedtls_link_init(struct mbedtls_link *link, const mbedtls_ssl_config *conf, struct tls_world *tls, size_t buffer)
{
    mbedtls_ssl_init(&link->client);
    assert_int_equal(mbedtls_ssl_setup(&link->client, conf), 0);
    mbedtls_ssl_set_bio(&link->client, link, mbedtls_link_send, mbedtls_link_receive, NULL);
    wire_new(link, tls, buffer);
}

void mbedtls_link_renew(struct mbedtls_link *link, struct tls_world *tls)
{
    wire_free(link);
    wire_new(link, tls, 0);
}

void mbedtls_link_clear(struct mbedtls_link *link)
{
    pintle_mbedtls_release(&link->client);
    mbedtls_ssl_free(&link->client);
    wire_free(link);
}

static bool is_unready(int code)
{
    return code == MBEDTLS_ERR_SSL_WANT_READ || code == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static enum tls_fixture_progress shake(void *client, int *error)
{
    int code = mbedtls_ssl_handshake(client);

    *error = code;
    return code == 0 ? TLS_FIXTURE_DONE : is_unready(code) ? TLS_FIXTURE_AGAIN : TLS_FIXTURE_FAILED;
}

static int write_to(void *client, const char *data, size_t size)
{
    int code = mbedtls_ssl_write(client, (const unsigned char *)data, size);

    return code > 0 ? code : is_unready(code) ? 0 : -1;
}

static int read_from(void *client, char *out, size_t size)
{
    int code = mbedtls_ssl_read(client, (unsigned char *)out, size);

    return code > 0 ? code : is_unready(code) ? 0 : -1;
}

struct tls_world_result mbedtls_link_run(struct mbedtls_link *link)
{
    static const struct tls_fixture_end_ops ops = {shake, write_to, read_from};
    struct tls_fixture_end client = {&ops, &link->client, link->wire}, server = tls_fixture_end(link->server);
    struct tls_world_result result = {.outcome = tls_fixture_run_ends(&client, &server)};
    enum pintle_status status = pintle_mbedtls_verdict(&link->client, &result.verdict);

    assert_int_equal(status, result.verdict.status);
    result.verify_result = (long)mbedtls_ssl_get_verify_result(&link->client);
    result.reused = SSL_session_reused(link->server) == 1;
    return result;
}

struct tls_world_result mbedtls_world_connect(struct mbedtls_world *world, const char *host)
{
    struct tls_world_result result;
    struct mbedtls_link link;

    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    if (host != NULL)
        assert_int_equal(pintle_mbedtls_set_host(&link.client, host), PINTLE_OK);
    result = mbedtls_link_run(&link);
    mbedtls_link_clear(&link);
    return result;
}

static void assert_nothing_passed(const struct tls_world_result *result, enum pintle_reason reason)
{
    assert_string_equal(pintle_reason_name(result->verdict.reason), pintle_reason_name(reason));
    assert_int_not_equal(result->verdict.status, PINTLE_OK);
    assert_int_equal(result->outcome.wrote, -1);
    assert_int_equal(result->outcome.server_read, 0);
    assert_false(result->outcome.answered);
}

void mbedtls_world_assert_refused(const struct tls_world_result *result, enum pintle_reason reason, int error)
{
    assert_nothing_passed(result, reason);
    assert_false(result->outcome.connected);
    assert_false(result->outcome.accepted);
    if (error != 0)
        assert_int_equal(result->outcome.client_error, error);
}

void mbedtls_world_assert_silenced(const struct tls_world_result *result)
{
    assert_nothing_passed(result, PINTLE_REASON_VALIDATION_OFF);
}
