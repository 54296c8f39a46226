/* SPDX-License-Identifier: Apache-2.0 */
/* libpintle-mbedtls. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <pintle/mbedtls.h>

#include "connector.h"

#define SESSION_MAX 16384

struct context {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt roots;
    mbedtls_ssl_config conf;
    pthread_mutex_t lock;
    uint8_t kept[SESSION_MAX];
    size_t kept_size;
    uint8_t kept_secret[48]; /* mbedTLS does not say whether a session was resumed; its secret does */
};

struct connection {
    mbedtls_ssl_context ssl;
    mbedtls_net_context socket;
};

static const char *version(void)
{
    static char text[18];

    mbedtls_version_get_string(text);
    return text;
}

static void context_free(void *arg)
{
    struct context *context = arg;

    pintle_mbedtls_detach(&context->conf);
    mbedtls_ssl_config_free(&context->conf);
    mbedtls_x509_crt_free(&context->roots);
    mbedtls_ctr_drbg_free(&context->random);
    mbedtls_entropy_free(&context->entropy);
    (void)pthread_mutex_destroy(&context->lock);
    free(context);
}

static int configure(struct context *context, struct pintle_checker *checker, const struct connect_order *order)
{
    mbedtls_ssl_config *conf = &context->conf;
    int code = mbedtls_ctr_drbg_seed(&context->random, mbedtls_entropy_func, &context->entropy, NULL, 0);

    if (code == 0)
        code = mbedtls_x509_crt_parse_file(&context->roots, order->ca);
    if (code >= 0) /* some could be read */
        code = mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_renegotiation(conf, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
    mbedtls_ssl_conf_ca_chain(conf, &context->roots, NULL);
    mbedtls_ssl_conf_rng(conf, mbedtls_ctr_drbg_random, &context->random);
    if (code == 0 && pintle_mbedtls_attach(conf, checker) != PINTLE_OK)
        code = MBEDTLS_ERR_SSL_BAD_CONFIG;
    return code;
}

static void *context_new(struct pintle_checker *checker, const struct connect_order *order, char *detail, size_t size)
{
    struct context *context = calloc(1, sizeof *context);
    int code;

    if (context == NULL)
        return NULL;
    (void)pthread_mutex_init(&context->lock, NULL);
    mbedtls_entropy_init(&context->entropy);
    mbedtls_ctr_drbg_init(&context->random);
    mbedtls_x509_crt_init(&context->roots);
    mbedtls_ssl_config_init(&context->conf);
    code = configure(context, checker, order);
    if (code == 0)
        return context;
    mbedtls_strerror(code, detail, size);
    context_free(context);
    return NULL;
}

/* True: try again. */
static bool again(const struct connection *connection, int code)
{
    if (code == MBEDTLS_ERR_SSL_WANT_READ)
        return connector_wait(connection->socket.fd, false);
    return code == MBEDTLS_ERR_SSL_WANT_WRITE && connector_wait(connection->socket.fd, true);
}

static ssize_t write_some(void *arg, const void *bytes, size_t size)
{
    struct connection *connection = arg;
    int code;

    do
        code = mbedtls_ssl_write(&connection->ssl, bytes, size);
    while (again(connection, code));
    return code > 0 ? code : -1;
}

static ssize_t read_some(void *arg, void *bytes, size_t size)
{
    struct connection *connection = arg;
    int code;

    do
        code = mbedtls_ssl_read(&connection->ssl, bytes, size);
    while (again(connection, code));
    return code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? 0 : code >= 0 ? code : -1;
}

static bool prepare(struct context *context, mbedtls_ssl_context *ssl, const struct connect_order *order,
                    struct connect_result *result)
{
    if (order->host[0] != '\0' && pintle_mbedtls_set_host(ssl, order->host) != PINTLE_OK)
        connector_say(result, "set_host refused the host"); /* and goes on, to see that nothing comes of it */
    (void)pthread_mutex_lock(&context->lock);
    if (order->session == CONNECT_SESSION_RESUME)
        (void)pintle_mbedtls_session_set(ssl, (struct pintle_bytes){context->kept, context->kept_size});
    (void)pthread_mutex_unlock(&context->lock);
    if (order->verify == CONNECT_VERIFY_OFF)
        mbedtls_ssl_conf_authmode(&context->conf, MBEDTLS_SSL_VERIFY_NONE);
    return order->verify != CONNECT_VERIFY_NAME_OFF || mbedtls_ssl_set_hostname(ssl, NULL) == 0;
}

static void look_at_session(struct context *context, mbedtls_ssl_context *ssl, const struct connect_order *order,
                            struct connect_result *result)
{
    mbedtls_ssl_session session;

    mbedtls_ssl_session_init(&session);
    (void)pthread_mutex_lock(&context->lock);
    if (mbedtls_ssl_get_session(ssl, &session) == 0) {
        result->resumed = order->session == CONNECT_SESSION_RESUME && context->kept_size > 0 &&
                          memcmp(session.master, context->kept_secret, sizeof context->kept_secret) == 0;
        if (order->session != CONNECT_SESSION_NONE &&
            pintle_mbedtls_session_get(ssl, context->kept, sizeof context->kept, &context->kept_size) == PINTLE_OK)
            memcpy(context->kept_secret, session.master, sizeof context->kept_secret);
    }
    (void)pthread_mutex_unlock(&context->lock);
    mbedtls_ssl_session_free(&session);
}

static void communicate(struct connection *connection, const struct connect_order *order, struct connect_result *result)
{
    int code;

    do
        code = mbedtls_ssl_handshake(&connection->ssl);
    while (again(connection, code));
    result->finished = code == 0;
    if (code != 0) {
        char text[200];

        mbedtls_strerror(code, text, sizeof text);
        connector_say(result, text);
    }
    connector_exchange(order, result, connection, write_some, read_some);
    if (result->exchanged)
        (void)mbedtls_ssl_close_notify(&connection->ssl);
    result->tls = result->finished ? connection->ssl.minor_ver - MBEDTLS_SSL_MINOR_VERSION_1 : 0;
}

static void connect_once(void *arg, const struct connect_order *order, struct connect_result *result)
{
    struct context *context = arg;
    struct connection connection;

    if (order->min > 2)
        result->cannot = "mbedTLS 2.28 has no TLS 1.3";
    else if (order->early)
        result->cannot = "mbedTLS 2.28 has no early data";
    else if (!order->sni)
        result->cannot = "mbedTLS takes SNI and the name to check from one setting";
    if (result->cannot != NULL)
        return;
    mbedtls_ssl_init(&connection.ssl);
    connection.socket.fd = connector_dial(order, result);
    if (connection.socket.fd >= 0 && mbedtls_ssl_setup(&connection.ssl, &context->conf) == 0) {
        mbedtls_ssl_set_bio(&connection.ssl, &connection.socket, mbedtls_net_send, mbedtls_net_recv, NULL);
        if (prepare(context, &connection.ssl, order, result))
            communicate(&connection, order, result);
        look_at_session(context, &connection.ssl, order, result);
    }
    (void)pintle_mbedtls_verdict(&connection.ssl, &result->verdict);
    pintle_mbedtls_release(&connection.ssl);
    mbedtls_ssl_free(&connection.ssl);
    mbedtls_net_free(&connection.socket);
    if (order->verify == CONNECT_VERIFY_OFF)
        mbedtls_ssl_conf_authmode(&context->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
}

static enum pintle_status crypto_new(struct pintle_crypto **crypto)
{
    return pintle_crypto_mbedtls_new(crypto);
}

const struct connector connector = {
    .name = "mbedtls",
    .version = version,
    .crypto_new = crypto_new,
    .context_new = context_new,
    .context_free = context_free,
    .connect = connect_once,
};
