/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a handshake begins and ends.  A resumed session runs no verify callback, so its pins are asked before it is
 * offered; and what reaches the end of a handshake without certificate and without such a session has no verdict, and
 * goes no further.
 */
#include "tls/openssl/handshake.h"

#include <string.h>

/*
 * Never sent: only its callback counts, which runs while ClientHello is written.  From the range for private use
 * (RFC 8446, section 11).
 */
#define GUARD_EXTENSION 0xff9e

/* May this session be offered?  If so, the verdict of the connection is what counts should the server resume it. */
static bool is_acceptable(const struct pti_openssl_context *context, SSL *ssl, const SSL_SESSION *session,
                          struct pti_openssl_connection *connection)
{
    const struct pti_openssl_evidence *evidence = pti_openssl_evidence_get(session);
    char host[PINTLE_HOST_MAX + 1];

    if (evidence == NULL || (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0)
        return false;
    if (pti_openssl_host(SSL_get0_param(ssl), connection->host, host) != PINTLE_REASON_UNDECIDED)
        return false;
    /* The name was checked once, for the host of the full handshake: nobody would check it for another. */
    if (strcmp(evidence->host, host) != 0)
        return false;
    return pintle_checker_peek(context->checker, host, &evidence->evidence, &connection->verdict) == PINTLE_OK;
}

/* A connection under an external pre-shared key shows no certificate (RFC 8446, section 2.2). */
static void forbid_shared_keys(SSL *ssl)
{
    SSL_set_psk_use_session_callback(ssl, NULL);
    SSL_set_psk_client_callback(ssl, NULL);
}

static void forget(struct pti_openssl_connection *connection)
{
    connection->phase = PTI_OPENSSL_STARTED;
    connection->offered = NULL;
    pti_tls_reject(&connection->verdict, PINTLE_REASON_UNDECIDED, connection->host);
}

/* Has this connection finished a handshake before? */
static bool is_established(const SSL *ssl)
{
    char nothing;

    return SSL_get_finished(ssl, &nothing, 0) > 0;
}

static void start(const struct pti_openssl_context *context, SSL *ssl)
{
    struct pti_openssl_connection *connection = pti_openssl_connection_need(ssl);
    SSL_SESSION *session = SSL_get_session(ssl);

    /*
     * A server's request to renegotiate begins like this too, before it is clear whether we will; if so, guard decides.
     * And OpenSSL does not bear a change of session within a connection.
     */
    if (is_established(ssl))
        return;
    forbid_shared_keys(ssl);
    if (connection != NULL)
        forget(connection);
    if (session == NULL)
        return;
    if (connection != NULL && is_acceptable(context, ssl, session, connection)) {
        connection->phase = PTI_OPENSSL_OFFERED;
        connection->offered = session;
        return;
    }
    if (connection != NULL)
        forget(connection);
    SSL_set_session(ssl, NULL);
}

void pti_openssl_settle(SSL *ssl, struct pti_openssl_connection *connection)
{
    bool decided = connection->phase == PTI_OPENSSL_DECIDED ||
                   (connection->phase == PTI_OPENSSL_OFFERED && SSL_session_reused(ssl));

    if (connection->phase == PTI_OPENSSL_FINISHED)
        return;
    connection->phase = PTI_OPENSSL_FINISHED;
    if (decided && connection->verdict.status == PINTLE_OK)
        return;
    /*
     * A cipher without certificate, or a verify callback that was replaced.  Or early data, for which OpenSSL declares
     * the handshake done once ClientHello is out: it must wait for the verdict like everything else.
     */
    pti_tls_reject(&connection->verdict,
                   SSL_get_state(ssl) == TLS_ST_EARLY_DATA ? PINTLE_REASON_UNDECIDED : PINTLE_REASON_VALIDATION_OFF,
                   connection->host);
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* from here on SSL_write() fails */
}

static void finish(SSL *ssl)
{
    struct pti_openssl_connection *connection = pti_openssl_connection_need(ssl);

    if (connection != NULL)
        pti_openssl_settle(ssl, connection);
    else
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

/* The application's info callback for this connection, whose place ours has taken; NULL if it has none. */
static pti_openssl_info_fn chained_info(const struct pti_openssl_context *context, const SSL *ssl)
{
    const struct pti_openssl_connection *connection;

    if (SSL_get_info_callback(ssl) != pti_openssl_info)
        return context != NULL ? context->info : NULL;
    connection = pti_openssl_connection_get(ssl);
    return connection != NULL ? connection->info : NULL;
}

void pti_openssl_info(const SSL *const_ssl, int where, int value)
{
    SSL *ssl = (SSL *)const_ssl; /* the one that the application handed to SSL_connect() */
    const struct pti_openssl_context *context = pti_openssl_context_get(SSL_get_SSL_CTX(ssl));
    bool begins = where == SSL_CB_HANDSHAKE_START, ends = where == SSL_CB_HANDSHAKE_DONE;
    bool ours = (begins || ends) && context != NULL && !SSL_is_server(ssl);
    pti_openssl_info_fn chained = chained_info(context, ssl);

    /* The application hears of the end after us and of the beginning before us, so that it cannot slip in between. */
    if (ours && ends)
        finish(ssl);
    if (chained != NULL)
        chained(ssl, where, value);
    if (ours && begins)
        start(context, ssl);
}

/* If the application put its own info callback in our place, ours takes this connection back and calls it. */
static void take_info_back(SSL *ssl, struct pti_openssl_connection *connection)
{
    pti_openssl_info_fn own = SSL_get_info_callback(ssl);
    pti_openssl_info_fn effective = own != NULL ? own : SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));

    if (effective == pti_openssl_info)
        return;
    connection->info = effective;
    SSL_set_info_callback(ssl, pti_openssl_info);
}

static bool guard_passes(const struct pti_openssl_context *context, SSL *ssl, struct pti_openssl_connection *connection)
{
    const SSL_SESSION *session = SSL_get_session(ssl);

    take_info_back(ssl, connection);
    forbid_shared_keys(ssl);
    if (connection->phase != PTI_OPENSSL_STARTED && connection->phase != PTI_OPENSSL_OFFERED)
        forget(connection); /* start was not told, or this is a renegotiation */
    if (session == NULL || !SSL_SESSION_is_resumable(session) || session == connection->offered)
        return true;
    if (!is_acceptable(context, ssl, session, connection))
        return false;
    connection->phase = PTI_OPENSSL_OFFERED;
    connection->offered = session;
    return true;
}

/* 0: nothing to add.  -1: no ClientHello, no connection. */
static int guard(SSL *ssl, unsigned int type, unsigned int where, const unsigned char **out, size_t *size, X509 *x,
                 size_t index, int *alert, void *arg)
{
    const struct pti_openssl_context *context = pti_openssl_context_get(SSL_get_SSL_CTX(ssl));
    struct pti_openssl_connection *connection;

    (void)type, (void)where, (void)out, (void)size, (void)x, (void)index, (void)arg;
    if (context == NULL || SSL_is_server(ssl))
        return 0;
    connection = pti_openssl_connection_need(ssl);
    if (connection != NULL && guard_passes(context, ssl, connection))
        return 0;
    *alert = SSL_AD_HANDSHAKE_FAILURE;
    return -1;
}

bool pti_openssl_guard_add(SSL_CTX *ctx)
{
    return SSL_CTX_add_custom_ext(ctx, GUARD_EXTENSION, SSL_EXT_CLIENT_HELLO, guard, NULL, NULL, NULL, NULL) == 1;
}
