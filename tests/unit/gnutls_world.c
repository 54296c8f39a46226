/* SPDX-License-Identifier: Apache-2.0 */
/* The client of gnutls_world.h. */
#include "gnutls_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <gnutls/x509.h>
#include <openssl/err.h>

static ssize_t push(gnutls_transport_ptr_t wire, const void *bytes, size_t size)
{
    int wrote = BIO_write(wire, bytes, (int)size);

    return wrote >= 0 ? wrote : -1;
}

static ssize_t pull(gnutls_transport_ptr_t wire, void *bytes, size_t size)
{
    int got = BIO_read(wire, bytes, (int)size);

    return got >= 0 ? got : -1;
}

/* What is not there now never comes: both ends are this thread. */
static int pull_timeout(gnutls_transport_ptr_t wire, unsigned ms)
{
    (void)ms;
    return BIO_pending((BIO *)wire) > 0;
}

static int errno_of(gnutls_transport_ptr_t wire)
{
    return BIO_should_retry((BIO *)wire) ? EAGAIN : ECONNRESET;
}

void gnutls_world_wire(gnutls_session_t session, BIO *wire)
{
    gnutls_transport_set_ptr(session, wire);
    gnutls_transport_set_push_function(session, push);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, pull_timeout);
    gnutls_transport_set_errno_function(session, errno_of);
}

gnutls_datum_t gnutls_world_der(const X509 *x509)
{
    gnutls_datum_t der = {NULL, 0};
    int size = i2d_X509(x509, &der.data);

    assert_true(size > 0);
    der.size = (unsigned)size;
    return der;
}

void gnutls_world_trust(struct gnutls_pair *pair, const X509 *x509)
{
    gnutls_datum_t der = gnutls_world_der(x509);

    assert_int_equal(gnutls_certificate_set_x509_trust_mem(pair->trust, &der, GNUTLS_X509_FMT_DER), 1);
    OPENSSL_free(der.data);
}

struct gnutls_pair gnutls_world_unpinned(struct tls_world *world, size_t buffer)
{
    struct gnutls_pair pair = {.server = SSL_new(world->server)};
    BIO *end;

    assert_non_null(pair.server);
    assert_int_equal(BIO_new_bio_pair(&pair.wire, buffer, &end, buffer), 1);
    SSL_set_bio(pair.server, end, end);
    SSL_set_accept_state(pair.server);
    assert_int_equal(
        gnutls_init(&pair.client, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_ENABLE_RAWPK), 0);
    assert_int_equal(gnutls_priority_set_direct(pair.client,
                                                world->version == TLS1_3_VERSION ? "NORMAL:-VERS-ALL:+VERS-TLS1.3"
                                                                                 : "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                                NULL),
                     0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&pair.trust), 0);
    assert_int_equal(gnutls_credentials_set(pair.client, GNUTLS_CRD_CERTIFICATE, pair.trust), 0);
    gnutls_world_trust(&pair, world->root.x509);
    gnutls_world_wire(pair.client, pair.wire);
    return pair;
}

struct gnutls_pair gnutls_world_pair(struct tls_world *world, const char *host, size_t buffer)
{
    struct gnutls_pair pair = gnutls_world_unpinned(world, buffer);

    assert_int_equal(pintle_gnutls_attach(pair.client, world->checker), PINTLE_OK);
    if (host != NULL)
        assert_int_equal(pintle_gnutls_set_host(pair.client, host), PINTLE_OK);
    return pair;
}

void gnutls_world_clear(struct gnutls_pair *pair)
{
    gnutls_deinit(pair->client);
    gnutls_certificate_free_credentials(pair->trust);
    /* Without a farewell OpenSSL marks the session as unusable. */
    SSL_set_shutdown(pair->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(pair->server);
    BIO_free(pair->wire);
    memset(pair, 0, sizeof *pair);
    ERR_clear_error();
}

static bool may_go_on(ssize_t result)
{
    return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
}

static enum tls_fixture_progress shake(void *session, int *error)
{
    int result = gnutls_handshake(session);

    if (result == 0)
        return TLS_FIXTURE_DONE;
    if (may_go_on(result))
        return TLS_FIXTURE_AGAIN;
    *error = result;
    gnutls_alert_send_appropriate(session, result);
    return TLS_FIXTURE_FAILED;
}

static int write_some(void *session, const char *data, size_t size)
{
    ssize_t result = gnutls_record_send(session, data, size);

    return result > 0 ? (int)result : may_go_on(result) ? 0 : -1;
}

static int read_some(void *session, char *out, size_t size)
{
    ssize_t result = gnutls_record_recv(session, out, size);

    return result > 0 ? (int)result : may_go_on(result) ? 0 : -1;
}

static const struct tls_fixture_end_ops gnutls_end = {shake, write_some, read_some};

struct tls_fixture_end gnutls_world_end(gnutls_session_t session, BIO *wire)
{
    return (struct tls_fixture_end){&gnutls_end, session, wire};
}

bool gnutls_world_step(struct gnutls_pair *pair)
{
    uint64_t before = BIO_number_read(pair->wire) + BIO_number_written(pair->wire);
    bool going = may_go_on(gnutls_handshake(pair->client));

    (void)SSL_do_handshake(pair->server);
    return going && BIO_number_read(pair->wire) + BIO_number_written(pair->wire) != before;
}

struct gnutls_result gnutls_world_shake(struct gnutls_pair *pair)
{
    const struct tls_fixture_end client = gnutls_world_end(pair->client, pair->wire);
    const struct tls_fixture_end server = tls_fixture_end(pair->server);
    struct gnutls_result result = {.outcome = tls_fixture_run_ends(&client, &server)};
    enum pintle_status status = pintle_gnutls_verdict(pair->client, &result.verdict);

    assert_int_equal(status, result.verdict.status);
    result.resumed = result.outcome.connected && gnutls_session_is_resumed(pair->client) != 0;
    if (pintle_gnutls_session_get(pair->client, &result.kept) != PINTLE_OK)
        assert_null(result.kept.data);
    return result;
}

struct gnutls_result gnutls_world_run(struct gnutls_pair *pair)
{
    struct gnutls_result result = gnutls_world_shake(pair);

    gnutls_world_clear(pair);
    return result;
}

struct gnutls_result gnutls_world_connect(struct tls_world *world, const char *host, const gnutls_datum_t *kept)
{
    struct gnutls_pair pair = gnutls_world_pair(world, host, 0);

    if (kept != NULL)
        assert_int_equal(pintle_gnutls_session_set(pair.client, kept), PINTLE_OK);
    return gnutls_world_run(&pair);
}

gnutls_datum_t gnutls_world_session(struct tls_world *world)
{
    struct gnutls_result result = gnutls_world_connect(world, TLS_WORLD_HOST, NULL);
    gnutls_datum_t kept = result.kept;

    result.kept = (gnutls_datum_t){NULL, 0};
    assert_false(result.resumed);
    assert_non_null(kept.data);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    return kept;
}

void gnutls_world_assert_accepted(struct gnutls_result *result, enum pintle_reason reason)
{
    gnutls_free(result->kept.data);
    result->kept.data = NULL;
    assert_string_equal(pintle_reason_name(result->verdict.reason), pintle_reason_name(reason));
    assert_int_equal(result->verdict.status, PINTLE_OK);
    assert_int_equal(result->outcome.client_error, 0);
    assert_true(result->outcome.connected);
    assert_true(result->outcome.accepted);
    assert_int_equal(result->outcome.server_read, 6);
    assert_true(result->outcome.answered);
}

void gnutls_world_assert_refused(struct gnutls_result *result, enum pintle_reason reason)
{
    assert_string_equal(pintle_reason_name(result->verdict.reason), pintle_reason_name(reason));
    assert_int_not_equal(result->verdict.status, PINTLE_OK);
    assert_int_equal(result->outcome.client_error, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
    assert_false(result->outcome.connected);
    assert_true(result->outcome.wrote <= 0);
    assert_int_equal(result->outcome.server_read, 0);
    assert_false(result->outcome.answered);
    assert_null(result->kept.data); /* nothing of it may be used again */
}
