/* SPDX-License-Identifier: Apache-2.0 */
/* The three functions of every adapter: attach, set_host, verdict. */
#include <stdlib.h>
#include <string.h>

#include <pintle/host.h>

#include "tls/boringssl/handshake.h"

enum pintle_status pintle_boringssl_attach(SSL_CTX *ctx, struct pintle_checker *checker)
{
    struct pti_boringssl_context *context;

    if (ctx == NULL || checker == NULL)
        return PINTLE_ERR_MISUSE;
    if (!pti_boringssl_state_init())
        return PINTLE_ERR_MEMORY;
    if (pti_boringssl_context_get(ctx) != NULL)
        return PINTLE_ERR_MISUSE;
    context = calloc(1, sizeof(*context));
    if (context == NULL)
        return PINTLE_ERR_MEMORY;
    context->checker = pintle_checker_ref(checker);
    context->info = SSL_CTX_get_info_callback(ctx);
    if (!pti_boringssl_context_set(ctx, context)) {
        pti_boringssl_context_free(context);
        return PINTLE_ERR_MEMORY;
    }
    SSL_CTX_set_custom_verify(ctx, SSL_CTX_get_verify_mode(ctx) | SSL_VERIFY_PEER, pti_boringssl_verify);
    SSL_CTX_set_reverify_on_resume(ctx, 1);
    SSL_CTX_set_info_callback(ctx, pti_boringssl_info);
    return PINTLE_OK;
}

enum pintle_status pintle_boringssl_set_host(SSL *ssl, const char *host)
{
    struct pti_boringssl_connection *connection;
    char name[PINTLE_HOST_MAX + 1];
    enum pintle_status status;
    bool ip;

    if (ssl == NULL || host == NULL || !pti_boringssl_state_init() ||
        pti_boringssl_context_get(SSL_get_SSL_CTX(ssl)) == NULL)
        return PINTLE_ERR_MISUSE;
    connection = pti_boringssl_connection_need(ssl);
    if (connection == NULL)
        return PINTLE_ERR_MEMORY;
    connection->host[0] = '\0';
    status = pintle_host_normalise(host, name, &ip);
    if (status != PINTLE_OK)
        return status;
    /* RFC 6066, section 3: no address in SNI. */
    if (SSL_set_tlsext_host_name(ssl, ip ? NULL : name) != 1)
        return PINTLE_ERR_MEMORY;
    pti_boringssl_arm(ssl, connection);
    memcpy(connection->host, name, strlen(name) + 1);
    connection->ip = ip;
    return PINTLE_OK;
}

enum pintle_status pintle_boringssl_verdict(SSL *ssl, struct pintle_verdict *verdict)
{
    struct pti_boringssl_connection *connection = NULL;

    if (verdict == NULL)
        return PINTLE_ERR_MISUSE;
    if (ssl != NULL && pti_boringssl_state_init())
        connection = pti_boringssl_connection_get(ssl);
    if (connection != NULL && connection->phase != PTI_BORINGSSL_IDLE && SSL_is_init_finished(ssl))
        pti_boringssl_settle(ssl, connection);
    /* An acceptance counts once the handshake is over: before, the server has not proved that the key is its own. */
    if (connection != NULL && (connection->phase == PTI_BORINGSSL_FINISHED || connection->verdict.status != PINTLE_OK))
        *verdict = connection->verdict;
    else
        pti_tls_reject(verdict, PINTLE_REASON_UNDECIDED, connection != NULL ? connection->host : "");
    return verdict->status;
}
