/* SPDX-License-Identifier: Apache-2.0 */
/* The three functions of every adapter: attach, set_host, verdict; and the question whether a verdict still stands. */
#include <stdlib.h>
#include <string.h>

#include <pintle/host.h>

#include "tls/openssl/handshake.h"

enum pintle_status pintle_openssl_attach(SSL_CTX *ctx, struct pintle_checker *checker)
{
    struct pti_openssl_context *context;

    if (ctx == NULL || checker == NULL)
        return PINTLE_ERR_MISUSE;
    if (!pti_openssl_state_init())
        return PINTLE_ERR_MEMORY;
    if (pti_openssl_context_get(ctx) != NULL)
        return PINTLE_ERR_MISUSE;
    context = calloc(1, sizeof(*context));
    if (context == NULL)
        return PINTLE_ERR_MEMORY;
    context->checker = pintle_checker_ref(checker);
    context->info = SSL_CTX_get_info_callback(ctx);
    if (!pti_openssl_context_set(ctx, context)) {
        pti_openssl_context_free(context);
        return PINTLE_ERR_MEMORY;
    }
    if (!pti_openssl_guard_add(ctx)) {
        pti_openssl_context_set(ctx, NULL);
        pti_openssl_context_free(context);
        return PINTLE_ERR_MEMORY;
    }
    SSL_CTX_set_verify(ctx, SSL_CTX_get_verify_mode(ctx) | SSL_VERIFY_PEER, SSL_CTX_get_verify_callback(ctx));
    SSL_CTX_set_cert_verify_callback(ctx, pti_openssl_verify, context);
    SSL_CTX_set_info_callback(ctx, pti_openssl_info);
    return PINTLE_OK;
}

/* From here on no host is set: if what follows fails, so does the handshake. */
static void clear_host(SSL *ssl, struct pti_openssl_connection *connection)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    connection->host[0] = '\0';
    X509_VERIFY_PARAM_set1_host(param, NULL, 0);
    X509_VERIFY_PARAM_set1_ip(param, NULL, 0);
}

enum pintle_status pintle_openssl_set_host(SSL *ssl, const char *host)
{
    struct pti_openssl_connection *connection;
    char name[PINTLE_HOST_MAX + 1];
    enum pintle_status status;
    bool ip, set;

    if (ssl == NULL || host == NULL || !pti_openssl_state_init() ||
        pti_openssl_context_get(SSL_get_SSL_CTX(ssl)) == NULL)
        return PINTLE_ERR_MISUSE;
    connection = pti_openssl_connection_need(ssl);
    if (connection == NULL)
        return PINTLE_ERR_MEMORY;
    clear_host(ssl, connection);
    status = pintle_host_normalise(host, name, &ip);
    if (status != PINTLE_OK)
        return status;
    /* RFC 6066, section 3: no address in SNI. */
    set = SSL_set_tlsext_host_name(ssl, ip ? NULL : name) == 1;
    set = set && (ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) : SSL_set1_host(ssl, name)) == 1;
    if (!set)
        return PINTLE_ERR_MEMORY;
    memcpy(connection->host, name, strlen(name) + 1);
    return PINTLE_OK;
}

enum pintle_status pintle_openssl_verdict(SSL *ssl, struct pintle_verdict *verdict)
{
    struct pti_openssl_connection *connection = NULL;

    if (verdict == NULL)
        return PINTLE_ERR_MISUSE;
    if (ssl != NULL && pti_openssl_state_init())
        connection = pti_openssl_connection_get(ssl);
    if (connection != NULL && connection->phase != PTI_OPENSSL_IDLE && SSL_is_init_finished(ssl))
        pti_openssl_settle(ssl, connection);
    /* An acceptance counts once the handshake is over: before, the server has not proved that the key is its own. */
    if (connection != NULL && (connection->phase == PTI_OPENSSL_FINISHED || connection->verdict.status != PINTLE_OK))
        *verdict = connection->verdict;
    else
        pti_tls_reject(verdict, PINTLE_REASON_UNDECIDED, connection != NULL ? connection->host : "");
    return verdict->status;
}

enum pintle_status pintle_openssl_recheck(SSL *ssl, struct pintle_checker *checker, struct pintle_verdict *verdict)
{
    const struct pti_openssl_context *context;
    const struct pti_openssl_evidence *evidence;

    if (pintle_openssl_verdict(ssl, verdict) != PINTLE_OK)
        return verdict != NULL ? verdict->status : PINTLE_ERR_MISUSE;
    context = pti_openssl_context_get(SSL_get_SSL_CTX(ssl));
    evidence = pti_openssl_evidence_get(SSL_get_session(ssl));
    if (checker == NULL && context != NULL)
        checker = context->checker;
    /* The application may have put another session, or another SSL_CTX, in place of those that were judged. */
    if (checker == NULL || evidence == NULL || strcmp(evidence->host, verdict->host) != 0) {
        pti_tls_reject(verdict, PINTLE_REASON_UNDECIDED, "");
        return verdict->status;
    }
    return pintle_checker_peek(checker, evidence->host, &evidence->evidence, verdict);
}
