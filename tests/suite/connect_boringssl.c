/* SPDX-License-Identifier: Apache-2.0 */
/* libpintle-boringssl. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pintle/boringssl.h>

#include "connector.h"

#define CONNECT_TEXT_(number) #number
#define CONNECT_TEXT(number) CONNECT_TEXT_(number)

struct context {
    SSL_CTX *ctx;
    pthread_mutex_t lock;
    SSL_SESSION *kept;
};

struct connection {
    SSL *ssl;
    int fd;
};

static const char *version(void)
{
    return "API " CONNECT_TEXT(BORINGSSL_API_VERSION); /* it has no version at run time */
}

/* SSL_get_app_data() is the context, if this connection is to keep its sessions. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct context *context = SSL_get_app_data(ssl);

    if (context == NULL)
        return 0;
    (void)pthread_mutex_lock(&context->lock);
    SSL_SESSION_free(context->kept);
    context->kept = session;
    (void)pthread_mutex_unlock(&context->lock);
    return 1;
}

static uint16_t version_of(int tls)
{
    return tls == 2 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

static void context_free(void *arg)
{
    struct context *context = arg;

    SSL_SESSION_free(context->kept);
    SSL_CTX_free(context->ctx);
    (void)pthread_mutex_destroy(&context->lock);
    free(context);
}

/* What it offers by itself and Ed25519. */
static bool take_ed25519(SSL_CTX *ctx)
{
    static const uint16_t algorithms[] = {SSL_SIGN_ED25519,
                                          SSL_SIGN_ECDSA_SECP256R1_SHA256,
                                          SSL_SIGN_ECDSA_SECP384R1_SHA384,
                                          SSL_SIGN_RSA_PSS_RSAE_SHA256,
                                          SSL_SIGN_RSA_PKCS1_SHA256,
                                          SSL_SIGN_RSA_PSS_RSAE_SHA384,
                                          SSL_SIGN_RSA_PKCS1_SHA384,
                                          SSL_SIGN_RSA_PSS_RSAE_SHA512,
                                          SSL_SIGN_RSA_PKCS1_SHA512};

    return SSL_CTX_set_verify_algorithm_prefs(ctx, algorithms, sizeof algorithms / sizeof algorithms[0]) == 1;
}

static void *context_new(struct pintle_checker *checker, const struct connect_order *order, char *detail, size_t size)
{
    struct context *context = calloc(1, sizeof *context);

    if (context == NULL)
        return NULL;
    (void)pthread_mutex_init(&context->lock, NULL);
    context->ctx = SSL_CTX_new(TLS_client_method());
    if (context->ctx == NULL || SSL_CTX_load_verify_locations(context->ctx, order->ca, NULL) != 1 ||
        !take_ed25519(context->ctx) || SSL_CTX_set_min_proto_version(context->ctx, version_of(order->min)) != 1 ||
        SSL_CTX_set_max_proto_version(context->ctx, version_of(order->max)) != 1 ||
        pintle_boringssl_attach(context->ctx, checker) != PINTLE_OK) {
        ERR_error_string_n(ERR_get_error(), detail, size);
        context_free(context);
        return NULL;
    }
    SSL_CTX_set_session_cache_mode(context->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context->ctx, keep_session);
    return context;
}

/* True: try again. */
static bool again(const struct connection *connection, int result)
{
    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return connector_wait(connection->fd, false);
    case SSL_ERROR_WANT_WRITE:
        return connector_wait(connection->fd, true);
    default:
        return false;
    }
}

static ssize_t write_some(void *arg, const void *bytes, size_t size)
{
    struct connection *connection = arg;
    int result;

    do
        result = SSL_write(connection->ssl, bytes, (int)size);
    while (result <= 0 && again(connection, result));
    return result > 0 ? result : -1;
}

static ssize_t read_some(void *arg, void *bytes, size_t size)
{
    struct connection *connection = arg;
    int result;

    do
        result = SSL_read(connection->ssl, bytes, (int)size);
    while (result <= 0 && again(connection, result));
    return result > 0 ? result : -1;
}

static bool handshake(struct connection *connection)
{
    int result;

    do
        result = SSL_connect(connection->ssl);
    while (result <= 0 && again(connection, result));
    return result == 1;
}

static void say_error(struct connect_result *result)
{
    uint32_t error = ERR_peek_error();
    char text[200] = "the connection was closed";

    if (error != 0)
        ERR_error_string_n(error, text, sizeof text);
    connector_say(result, text);
    ERR_clear_error();
}

static bool prepare(struct context *context, SSL *ssl, const struct connect_order *order, struct connect_result *result)
{
    bool set = true;

    if (order->host[0] != '\0' && pintle_boringssl_set_host(ssl, order->host) != PINTLE_OK) {
        connector_say(result, "set_host refused the host");
        return false;
    }
    if (order->verify == CONNECT_VERIFY_OFF)
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    if (order->verify == CONNECT_VERIFY_NAME_OFF)
        result->cannot = "BoringSSL has no call that takes a name away again";
    if (order->early)
        SSL_set_early_data_enabled(ssl, 1);
    if (!order->sni)
        set = set && SSL_set_tlsext_host_name(ssl, NULL) == 1;
    SSL_set_renegotiate_mode(ssl, ssl_renegotiate_freely); /* or a server that asks for it ends the connection */
    SSL_set_app_data(ssl, order->session != CONNECT_SESSION_NONE ? context : NULL);
    (void)pthread_mutex_lock(&context->lock);
    if (order->session == CONNECT_SESSION_RESUME || order->early)
        set = set && context->kept != NULL && SSL_set_session(ssl, context->kept) == 1;
    (void)pthread_mutex_unlock(&context->lock);
    if (!set)
        connector_say(result, "the connection could not be prepared");
    return set;
}

static void communicate(struct connection *connection, const struct connect_order *order, struct connect_result *result)
{
    result->finished = handshake(connection);
    if (!result->finished)
        say_error(result);
    result->early = SSL_in_early_data(connection->ssl); /* what is written now leaves before the server has answered */
    connector_exchange(order, result, connection, write_some, read_some);
    if (result->exchanged)
        SSL_shutdown(connection->ssl); /* or BoringSSL calls the session bad */
    else
        say_error(result);
    result->resumed = SSL_session_reused(connection->ssl) == 1;
    result->tls = result->finished ? SSL_version(connection->ssl) - TLS1_VERSION : 0;
}

static void connect_once(void *arg, const struct connect_order *order, struct connect_result *result)
{
    struct context *context = arg;
    struct connection connection = {SSL_new(context->ctx), connector_dial(order, result)};

    if (connection.ssl != NULL && connection.fd >= 0 && prepare(context, connection.ssl, order, result) &&
        SSL_set_fd(connection.ssl, connection.fd) == 1)
        communicate(&connection, order, result);
    (void)pintle_boringssl_verdict(connection.ssl, &result->verdict);
    SSL_free(connection.ssl);
    if (connection.fd >= 0)
        close(connection.fd);
    ERR_clear_error();
}

static enum pintle_status crypto_new(struct pintle_crypto **crypto)
{
    return pintle_crypto_boringssl_new(crypto);
}

const struct connector connector = {
    .name = "boringssl",
    .version = version,
    .crypto_new = crypto_new,
    .context_new = context_new,
    .context_free = context_free,
    .connect = connect_once,
};
