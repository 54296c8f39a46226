/* SPDX-License-Identifier: Apache-2.0 */
/* The three functions of every adapter, attach, set_host and verdict; and the two that give back what they keep. */
#include <stdlib.h>
#include <string.h>

#include <pintle/host.h>

#include "tls/mbedtls/hooks.h"
#include "tls/verdict.h"

enum pintle_status pintle_mbedtls_attach(mbedtls_ssl_config *conf, struct pintle_checker *checker)
{
    struct pti_mbedtls_context *context;

    if (conf == NULL || checker == NULL || PTI_FIELD(conf, f_rng) == pti_mbedtls_random ||
        PTI_FIELD(conf, f_vrfy) == pti_mbedtls_refuse || PTI_FIELD(conf, endpoint) != MBEDTLS_SSL_IS_CLIENT ||
        PTI_FIELD(conf, f_rng) == NULL)
        return PINTLE_ERR_MISUSE;
    if (PTI_FIELD(conf, transport) != MBEDTLS_SSL_TRANSPORT_STREAM)
        return PINTLE_ERR_UNSUPPORTED;
    context = calloc(1, sizeof(*context));
    if (context == NULL)
        return PINTLE_ERR_MEMORY;
    atomic_init(&context->references, 1);
    context->checker = pintle_checker_ref(checker);
    context->conf = conf;
    context->verify = PTI_FIELD(conf, f_vrfy);
    context->verify_ctx = PTI_FIELD(conf, p_vrfy);
    context->random = PTI_FIELD(conf, f_rng);
    context->random_ctx = PTI_FIELD(conf, p_rng);
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(conf, pti_mbedtls_refuse, context);
    mbedtls_ssl_conf_rng(conf, pti_mbedtls_random, context);
    return PINTLE_OK;
}

void pintle_mbedtls_detach(mbedtls_ssl_config *conf)
{
    struct pti_mbedtls_context *context = conf != NULL ? pti_mbedtls_context_get(conf) : NULL;

    if (context == NULL)
        return;
    if (PTI_FIELD(conf, f_rng) == pti_mbedtls_random)
        mbedtls_ssl_conf_rng(conf, context->random, context->random_ctx);
    mbedtls_ssl_conf_verify(conf, pti_mbedtls_refuse, NULL);
    pti_mbedtls_context_free(context);
}

enum pintle_status pintle_mbedtls_set_host(mbedtls_ssl_context *ssl, const char *host)
{
    const mbedtls_ssl_config *conf = ssl != NULL ? PTI_FIELD(ssl, conf) : NULL;
    struct pti_mbedtls_context *context = conf != NULL ? pti_mbedtls_context_get(conf) : NULL;
    struct pti_mbedtls_connection *connection;
    char name[PINTLE_HOST_MAX + 1];
    enum pintle_status status;
    bool ip;

    if (context == NULL || host == NULL || PTI_FIELD(ssl, state) != MBEDTLS_SSL_HELLO_REQUEST ||
        PTI_FIELD(ssl, f_send) == NULL)
        return PINTLE_ERR_MISUSE;
    connection = pti_mbedtls_connection_need(ssl, context);
    if (connection == NULL)
        return PINTLE_ERR_MEMORY;
    /* From here on no host is set: if what follows fails, so does the handshake. */
    connection->host[0] = '\0';
    connection->is_address = false;
    status = pti_mbedtls_start_over(connection);
    if (status == PINTLE_OK)
        status = pintle_host_normalise(host, name, &ip);
    if (status != PINTLE_OK)
        return status;
    if (mbedtls_ssl_set_hostname(ssl, ip ? NULL : name) != 0)
        return PINTLE_ERR_MEMORY;
    memcpy(connection->host, name, strlen(name) + 1);
    connection->is_address = ip;
    return ip ? PINTLE_ERR_UNSUPPORTED : PINTLE_OK;
}

/* Why there is no verdict, as far as mbedTLS's objects show. */
static enum pintle_reason reason_of_silence(const struct pti_mbedtls_connection *connection)
{
    enum pintle_reason reason = pti_mbedtls_validation(connection);

    /* Some faults fail validation without callback, such as a chain that is too long, or after the last one. */
    if (reason == PINTLE_REASON_UNDECIDED && !pti_mbedtls_is_at_hello(connection->ssl) &&
        mbedtls_ssl_get_verify_result(connection->ssl) != 0)
        reason = PINTLE_REASON_VALIDATION_FAILED;
    return reason;
}

enum pintle_status pintle_mbedtls_verdict(mbedtls_ssl_context *ssl, struct pintle_verdict *verdict)
{
    struct pti_mbedtls_connection *connection = ssl != NULL ? pti_mbedtls_connection_get(ssl) : NULL;
    bool decided;

    if (verdict == NULL)
        return PINTLE_ERR_MISUSE;
    if (connection == NULL) {
        bool attached = ssl != NULL && PTI_FIELD(ssl, conf) != NULL && pti_mbedtls_context_get(PTI_FIELD(ssl, conf));

        pti_tls_reject(verdict, attached ? PINTLE_REASON_HOST_MISSING : PINTLE_REASON_UNDECIDED, "");
        return verdict->status;
    }
    decided = pti_mbedtls_is_accepted(connection) ||
              (connection->phase >= PTI_MBEDTLS_DECIDED && connection->verdict.status != PINTLE_OK);
    if (decided)
        *verdict = connection->verdict;
    else
        pti_tls_reject(verdict, reason_of_silence(connection), connection->host);
    return verdict->status;
}

void pintle_mbedtls_release(mbedtls_ssl_context *ssl)
{
    struct pti_mbedtls_connection *connection = ssl != NULL ? pti_mbedtls_connection_get(ssl) : NULL;

    if (connection == NULL)
        return;
    mbedtls_ssl_set_verify(ssl, pti_mbedtls_refuse, NULL);
    pti_mbedtls_wire_cut(ssl);
    pti_mbedtls_connection_free(connection);
}
