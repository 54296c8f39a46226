/* SPDX-License-Identifier: Apache-2.0 */
/* Where state is found, how it is given back, and what follows from it once a handshake is over. */
#include "tls/mbedtls/state.h"

#include <stdlib.h>
#include <string.h>

#include <mbedtls/platform_util.h>

#include "tls/mbedtls/hooks.h"
#include "tls/verdict.h"

struct pti_mbedtls_context *pti_mbedtls_context_get(const mbedtls_ssl_config *conf)
{
    if (PTI_FIELD(conf, f_rng) == pti_mbedtls_random)
        return PTI_FIELD(conf, p_rng);
    return PTI_FIELD(conf, f_vrfy) == pti_mbedtls_refuse ? PTI_FIELD(conf, p_vrfy) : NULL;
}

void pti_mbedtls_context_free(struct pti_mbedtls_context *context)
{
    if (context == NULL || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
        return;
    pintle_checker_free(context->checker);
    free(context);
}

struct pti_mbedtls_connection *pti_mbedtls_connection_get(const mbedtls_ssl_context *ssl)
{
    if (PTI_FIELD(ssl, f_send) == pti_mbedtls_send)
        return PTI_FIELD(ssl, p_bio);
    return PTI_FIELD(ssl, f_vrfy) == pti_mbedtls_verify ? PTI_FIELD(ssl, p_vrfy) : NULL;
}

struct pti_mbedtls_connection *pti_mbedtls_connection_need(mbedtls_ssl_context *ssl,
                                                           struct pti_mbedtls_context *context)
{
    struct pti_mbedtls_connection *connection = pti_mbedtls_connection_get(ssl);

    if (connection == NULL) {
        connection = calloc(1, sizeof(*connection));
        if (connection == NULL)
            return NULL;
        atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
        connection->context = context;
        connection->ssl = ssl;
        connection->verify = context->verify;
        connection->verify_ctx = context->verify_ctx;
        connection->next_depth = -1;
    }
    if (PTI_FIELD(ssl, f_vrfy) != pti_mbedtls_verify) {
        if (PTI_FIELD(ssl, f_vrfy) != NULL) { /* as in mbedTLS: it stands for that of the configuration */
            connection->verify = PTI_FIELD(ssl, f_vrfy);
            connection->verify_ctx = PTI_FIELD(ssl, p_vrfy);
        }
        mbedtls_ssl_set_verify(ssl, pti_mbedtls_verify, connection);
    }
    pti_mbedtls_wire_take(connection);
    return connection;
}

void pti_mbedtls_connection_free(struct pti_mbedtls_connection *connection)
{
    if (connection == NULL)
        return;
    pti_mbedtls_context_free(connection->context);
    mbedtls_platform_zeroize(connection, sizeof(*connection));
    free(connection);
}

void pti_mbedtls_forget(struct pti_mbedtls_connection *connection)
{
    connection->phase = PTI_MBEDTLS_IDLE;
    connection->next_depth = -1;
    pti_tls_reject(&connection->verdict, PINTLE_REASON_UNDECIDED, connection->host);
}

enum pintle_status pti_mbedtls_start_over(struct pti_mbedtls_connection *connection)
{
    pti_mbedtls_forget(connection);
    return mbedtls_ssl_session_reset(connection->ssl) == 0 ? PINTLE_OK : PINTLE_ERR_MEMORY;
}

enum pintle_reason pti_mbedtls_validation(const struct pti_mbedtls_connection *connection)
{
    const mbedtls_ssl_context *ssl = connection->ssl;
    const mbedtls_ssl_config *conf = PTI_FIELD(ssl, conf);
    const char *name = PTI_FIELD(ssl, hostname);

    if (connection->is_address)
        return PINTLE_REASON_ADAPTER_LIMIT;
    if (connection->host[0] == '\0')
        return PINTLE_REASON_HOST_MISSING;
    if (PTI_FIELD(conf, authmode) != MBEDTLS_SSL_VERIFY_REQUIRED || PTI_FIELD(ssl, f_vrfy) != pti_mbedtls_verify ||
        name == NULL || strcmp(name, connection->host) != 0)
        return PINTLE_REASON_VALIDATION_OFF;
    return PINTLE_REASON_UNDECIDED;
}

/* Did the server resume the session that was offered?  mbedTLS does not say; but a full handshake makes a new secret. */
static bool is_resumed(const struct pti_mbedtls_connection *connection)
{
    const mbedtls_ssl_session *session = PTI_FIELD(connection->ssl, session);

    return session != NULL && memcmp(PTI_FIELD(session, master), connection->master, sizeof(connection->master)) == 0;
}

void pti_mbedtls_settle(struct pti_mbedtls_connection *connection)
{
    enum pintle_reason reason;

    if (connection->phase == PTI_MBEDTLS_FINISHED || !pti_mbedtls_is_over(connection->ssl))
        return;
    reason = pti_mbedtls_validation(connection);
    if (connection->phase != PTI_MBEDTLS_DECIDED &&
        (reason != PINTLE_REASON_UNDECIDED || connection->phase != PTI_MBEDTLS_OFFERED || !is_resumed(connection)))
        pti_tls_reject(&connection->verdict, reason != PINTLE_REASON_UNDECIDED ? reason : PINTLE_REASON_VALIDATION_OFF,
                       connection->host);
    else if (connection->phase == PTI_MBEDTLS_OFFERED) /* the pins of now, not those of when it was offered */
        (void)pintle_checker_peek(connection->context->checker, connection->host, &connection->evidence,
                                  &connection->verdict);
    connection->phase = PTI_MBEDTLS_FINISHED;
}

bool pti_mbedtls_is_accepted(struct pti_mbedtls_connection *connection)
{
    pti_mbedtls_settle(connection);
    return connection->phase == PTI_MBEDTLS_FINISHED && connection->verdict.status == PINTLE_OK &&
           pti_mbedtls_is_over(connection->ssl);
}
