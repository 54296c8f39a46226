/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a handshake begins and ends.  A session is judged before it is offered: refused only once the server resumes it,
 * it would cost the connection, though a full handshake might show a certificate that is pinned.
 */
#include "tls/boringssl/handshake.h"

static void forget(struct pti_boringssl_connection *connection)
{
    connection->phase = PTI_BORINGSSL_STARTED;
    pti_tls_reject(&connection->verdict, PINTLE_REASON_UNDECIDED, connection->host);
}

void pti_boringssl_arm(SSL *ssl, struct pti_boringssl_connection *connection)
{
    pti_boringssl_info_fn own = SSL_get_info_callback(ssl);
    pti_boringssl_info_fn effective = own != NULL ? own : SSL_CTX_get_info_callback(SSL_get_SSL_CTX(ssl));

    SSL_set_psk_client_callback(ssl, NULL); /* such a connection shows no certificate */
    SSL_set_early_data_enabled(ssl, 0);
    SSL_set_renegotiate_mode(ssl, ssl_renegotiate_never);
    if (effective == pti_boringssl_info)
        return;
    connection->info = effective;
    SSL_set_info_callback(ssl, pti_boringssl_info);
}

/* Has this connection finished a handshake before?  Then this one renegotiates, which TLS 1.3 does not know. */
static bool is_established(const SSL *ssl)
{
    char nothing;

    return SSL_get_finished(ssl, &nothing, 0) > 0;
}

static void shut(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* from here on SSL_write() fails */
}

static void start(const struct pti_boringssl_context *context, SSL *ssl)
{
    struct pti_boringssl_connection *connection = pti_boringssl_connection_need(ssl);

    if (connection == NULL) {
        SSL_set_session(ssl, NULL);
        return;
    }
    forget(connection);
    /* BoringSSL verifies no certificate in a renegotiation, so that nothing could be decided anew. */
    if (is_established(ssl)) {
        shut(ssl);
        return;
    }
    pti_boringssl_arm(ssl, connection);
    if (SSL_get_session(ssl) == NULL)
        return;
    (void)pti_boringssl_judge(context, ssl, connection, false);
    if (connection->verdict.status == PINTLE_OK) {
        connection->phase = PTI_BORINGSSL_OFFERED;
        return;
    }
    forget(connection);
    SSL_set_session(ssl, NULL);
}

void pti_boringssl_settle(SSL *ssl, struct pti_boringssl_connection *connection)
{
    bool decided = connection->phase == PTI_BORINGSSL_DECIDED;

    if (connection->phase == PTI_BORINGSSL_FINISHED)
        return;
    connection->phase = PTI_BORINGSSL_FINISHED;
    if (decided && connection->verdict.status == PINTLE_OK)
        return;
    /* A cipher without certificate, or a verification that was replaced. */
    pti_tls_reject(&connection->verdict, PINTLE_REASON_VALIDATION_OFF, connection->host);
    shut(ssl);
}

static void finish(SSL *ssl)
{
    struct pti_boringssl_connection *connection = pti_boringssl_connection_need(ssl);

    if (connection != NULL)
        pti_boringssl_settle(ssl, connection);
    else
        shut(ssl);
}

/* The application's info callback for this connection, whose place ours has taken; NULL if it has none. */
static pti_boringssl_info_fn chained_info(const struct pti_boringssl_context *context, const SSL *ssl)
{
    const struct pti_boringssl_connection *connection;

    if (SSL_get_info_callback(ssl) != pti_boringssl_info)
        return context != NULL ? context->info : NULL;
    connection = pti_boringssl_connection_get(ssl);
    return connection != NULL ? connection->info : NULL;
}

void pti_boringssl_info(const SSL *const_ssl, int where, int value)
{
    SSL *ssl = (SSL *)const_ssl; /* the one that the application handed to SSL_connect() */
    const struct pti_boringssl_context *context = pti_boringssl_context_get(SSL_get_SSL_CTX(ssl));
    bool begins = where == SSL_CB_HANDSHAKE_START, ends = where == SSL_CB_HANDSHAKE_DONE;
    bool ours = (begins || ends) && context != NULL && !SSL_is_server(ssl);
    pti_boringssl_info_fn chained = chained_info(context, ssl);

    /* The application hears of the end after us and of the beginning before us, so that it cannot slip in between. */
    if (ours && ends)
        finish(ssl);
    if (chained != NULL)
        chained(ssl, where, value);
    if (ours && begins)
        start(context, ssl);
}
