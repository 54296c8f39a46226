/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Below mbedTLS: no application record passes while nothing has accepted the connection.  This also stops what no verify
 * callback sees: VERIFY_NONE, a replaced callback, a session that mbedTLS was given behind our back, a pre-shared key.
 */
#include "tls/mbedtls/hooks.h"

#define REFUSED MBEDTLS_ERR_X509_CERT_VERIFY_FAILED
#define APPLICATION_DATA 23 /* RFC 5246, section 6.2.1 */

/*
 * Does a record of application data begin here?  mbedTLS writes a record to one place always and hands over what is left of
 * it, as often as it takes: only what goes on where the last call stopped is the rest of a record.
 */
static bool is_application(const struct pti_mbedtls_connection *connection, const unsigned char *data, size_t size)
{
    if (size == 0 || data == connection->wire.rest || data[0] != APPLICATION_DATA)
        return false;
    return pti_mbedtls_is_over(connection->ssl) || !pti_mbedtls_hides_types(connection->ssl);
}

static bool may_receive(struct pti_mbedtls_connection *connection)
{
    return !pti_mbedtls_is_over(connection->ssl) || pti_mbedtls_is_accepted(connection);
}

int pti_mbedtls_send(void *ctx, const unsigned char *data, size_t size)
{
    struct pti_mbedtls_connection *connection = ctx;
    int sent;

    if (pti_mbedtls_is_at_hello(connection->ssl) && connection->phase != PTI_MBEDTLS_STARTED &&
        connection->phase != PTI_MBEDTLS_OFFERED) {
        pti_mbedtls_forget(connection);
        connection->phase = PTI_MBEDTLS_STARTED;
    }
    if (is_application(connection, data, size) && !pti_mbedtls_is_accepted(connection))
        return REFUSED;
    sent = connection->wire.send(connection->wire.ctx, data, size);
    if (sent > 0)
        connection->wire.rest = (size_t)sent < size ? data + sent : NULL;
    return sent;
}

static int receive(void *ctx, unsigned char *out, size_t size)
{
    struct pti_mbedtls_connection *connection = ctx;

    return may_receive(connection) ? connection->wire.recv(connection->wire.ctx, out, size) : REFUSED;
}

static int receive_in_time(void *ctx, unsigned char *out, size_t size, uint32_t milliseconds)
{
    struct pti_mbedtls_connection *connection = ctx;

    return may_receive(connection) ? connection->wire.recv_timeout(connection->wire.ctx, out, size, milliseconds)
                                   : REFUSED;
}

void pti_mbedtls_wire_take(struct pti_mbedtls_connection *connection)
{
    mbedtls_ssl_context *ssl = connection->ssl;
    struct pti_mbedtls_wire *wire = &connection->wire;

    if (PTI_FIELD(ssl, f_send) == pti_mbedtls_send)
        return;
    wire->send = PTI_FIELD(ssl, f_send);
    wire->recv = PTI_FIELD(ssl, f_recv);
    wire->recv_timeout = PTI_FIELD(ssl, f_recv_timeout);
    wire->ctx = PTI_FIELD(ssl, p_bio);
    wire->rest = NULL;
    mbedtls_ssl_set_bio(ssl, connection, pti_mbedtls_send, wire->recv != NULL ? receive : NULL,
                        wire->recv_timeout != NULL ? receive_in_time : NULL);
}

static int send_nothing(void *ctx, const unsigned char *data, size_t size)
{
    (void)ctx, (void)data, (void)size;
    return REFUSED;
}

static int receive_nothing(void *ctx, unsigned char *out, size_t size)
{
    (void)ctx, (void)out, (void)size;
    return REFUSED;
}

void pti_mbedtls_wire_cut(mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_set_bio(ssl, NULL, send_nothing, receive_nothing, NULL);
}
