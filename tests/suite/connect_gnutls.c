/* SPDX-License-Identifier: Apache-2.0 */
/* libpintle-gnutls.  GnuTLS has no context: what the application makes once are credentials and priorities. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <pintle/gnutls.h>

#include "connector.h"

struct context {
    struct pintle_checker *checker;
    gnutls_certificate_credentials_t trust;
    char priorities[64];
    pthread_mutex_t lock;
    gnutls_datum_t kept;
};

struct connection {
    gnutls_session_t session;
    int fd;
    struct connect_result *result;
};

static const char *version(void)
{
    return gnutls_check_version(NULL);
}

static void context_free(void *arg)
{
    struct context *context = arg;

    gnutls_free(context->kept.data);
    if (context->trust != NULL)
        gnutls_certificate_free_credentials(context->trust);
    pintle_checker_free(context->checker);
    (void)pthread_mutex_destroy(&context->lock);
    free(context);
}

static void *context_new(struct pintle_checker *checker, const struct connect_order *order, char *detail, size_t size)
{
    struct context *context = calloc(1, sizeof *context);
    int error;

    if (context == NULL)
        return NULL;
    (void)pthread_mutex_init(&context->lock, NULL);
    context->checker = pintle_checker_ref(checker);
    snprintf(context->priorities, sizeof context->priorities, "NORMAL:-VERS-ALL%s%s",
             order->min <= 2 ? ":+VERS-TLS1.2" : "", order->max >= 3 ? ":+VERS-TLS1.3" : "");
    error = gnutls_certificate_allocate_credentials(&context->trust);
    if (error == 0)
        error = gnutls_certificate_set_x509_trust_file(context->trust, order->ca, GNUTLS_X509_FMT_PEM);
    if (error <= 0) {
        snprintf(detail, size, "%s", error < 0 ? gnutls_strerror(error) : "no certificate in the trust store");
        context_free(context);
        return NULL;
    }
    return context;
}

/* True: try again. */
static bool again(const struct connection *connection, ssize_t result)
{
    if (result == GNUTLS_E_AGAIN)
        return connector_wait(connection->fd, gnutls_record_get_direction(connection->session) == 1);
    return result == GNUTLS_E_INTERRUPTED || result == GNUTLS_E_WARNING_ALERT_RECEIVED;
}

static ssize_t write_some(void *arg, const void *bytes, size_t size)
{
    struct connection *connection = arg;
    ssize_t result;

    do
        result = gnutls_record_send(connection->session, bytes, size);
    while (result < 0 && again(connection, result));
    return result > 0 ? result : -1;
}

static int handshake(struct connection *connection)
{
    int result;

    do
        result = gnutls_handshake(connection->session);
    while (result < 0 && again(connection, result));
    if (result < 0) {
        connector_say(connection->result, gnutls_strerror(result));
        gnutls_alert_send_appropriate(connection->session, result);
    }
    return result;
}

static ssize_t read_some(void *arg, void *bytes, size_t size)
{
    struct connection *connection = arg;
    ssize_t result;

    do
        result = gnutls_record_recv(connection->session, bytes, size);
    while ((result < 0 && again(connection, result)) ||
           (result == GNUTLS_E_REHANDSHAKE && handshake(connection) == 0)); /* the server asks, TLS 1.2 */
    return result >= 0 ? result : -1;
}

static bool offer_kept(struct context *context, gnutls_session_t session)
{
    bool kept;

    (void)pthread_mutex_lock(&context->lock);
    kept = context->kept.size > 0;
    if (kept)
        (void)pintle_gnutls_session_set(session, &context->kept); /* if it is not offered, so be it */
    (void)pthread_mutex_unlock(&context->lock);
    return kept;
}

static void keep(struct context *context, gnutls_session_t session)
{
    gnutls_datum_t data;

    if (pintle_gnutls_session_get(session, &data) != PINTLE_OK)
        return;
    (void)pthread_mutex_lock(&context->lock);
    gnutls_free(context->kept.data);
    context->kept = data;
    (void)pthread_mutex_unlock(&context->lock);
}

static bool prepare(struct context *context, gnutls_session_t session, const struct connect_order *order,
                    struct connect_result *result)
{
    if (gnutls_priority_set_direct(session, context->priorities, NULL) < 0 ||
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, context->trust) < 0 ||
        pintle_gnutls_attach(session, context->checker) != PINTLE_OK) {
        connector_say(result, "the connection could not be prepared");
        return false;
    }
    if (order->host[0] != '\0' && pintle_gnutls_set_host(session, order->host) != PINTLE_OK) {
        connector_say(result, "set_host refused the host");
        return false;
    }
    if (order->verify == CONNECT_VERIFY_OFF)
        gnutls_session_set_verify_function(session, NULL);
    if (order->verify == CONNECT_VERIFY_NAME_OFF)
        gnutls_session_set_verify_cert(session, NULL, 0);
    if (!order->sni)
        (void)gnutls_server_name_set(session, GNUTLS_NAME_DNS, NULL, 0);
    if ((order->session == CONNECT_SESSION_RESUME || order->early) && !offer_kept(context, session)) {
        connector_say(result, "there is no session to offer");
        return false;
    }
    return true;
}

/* GnuTLS keeps it for ClientHello; that it was taken is known once the server says so. */
static void queue_early(const struct connection *connection, const struct connect_order *order)
{
    char text[1024];

    (void)gnutls_record_send_early_data(connection->session, text, connector_request(order, text, sizeof text));
}

static void communicate(struct context *context, struct connection *connection, const struct connect_order *order,
                        struct connect_result *result)
{
    gnutls_session_t session = connection->session;

    if (order->early)
        queue_early(connection, order);
    result->finished = handshake(connection) == 0;
    result->early = (gnutls_session_get_flags(session) & GNUTLS_SFLAGS_EARLY_DATA) != 0;
    connector_exchange(order, result, connection, write_some, read_some);
    if (!result->exchanged)
        connector_say(result, "the connection was closed");
    result->resumed = result->finished && gnutls_session_is_resumed(session) != 0;
    if (result->finished)
        result->tls = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3 ? 3 : 2;
    if (result->exchanged && order->session != CONNECT_SESSION_NONE)
        keep(context, session);
}

static void connect_once(void *arg, const struct connect_order *order, struct connect_result *result)
{
    struct context *context = arg;
    struct connection connection = {NULL, connector_dial(order, result), result};
    unsigned flags = GNUTLS_CLIENT | GNUTLS_NO_SIGNAL | (order->nonblocking ? GNUTLS_NONBLOCK : 0);

    if (connection.fd >= 0 && gnutls_init(&connection.session, flags) == 0) {
        if (prepare(context, connection.session, order, result)) {
            gnutls_transport_set_int(connection.session, connection.fd);
            communicate(context, &connection, order, result);
        }
        (void)pintle_gnutls_verdict(connection.session, &result->verdict);
        gnutls_deinit(connection.session);
    }
    if (connection.fd >= 0)
        close(connection.fd);
}

static enum pintle_status crypto_new(struct pintle_crypto **crypto)
{
    return pintle_crypto_mbedtls_new(crypto);
}

const struct connector connector = {
    .name = "gnutls",
    .version = version,
    .crypto_new = crypto_new,
    .context_new = context_new,
    .context_free = context_free,
    .connect = connect_once,
};
