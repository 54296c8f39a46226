/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of the server's certificate: ordinary validation first and strictly, then the pins, over the chain that
 * BoringSSL built and verified.  What the peer merely sent is never looked at (CVE-2016-2402).
 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls/boringssl/handshake.h"
#include "tls/libssl/chain.h"

/* The path of a CRL's issuer is verified in a context of its own, which only knows its parent. */
static SSL *ssl_of(X509_STORE_CTX *store)
{
    X509_STORE_CTX *parent;

    while ((parent = X509_STORE_CTX_get0_parent_ctx(store)) != NULL)
        store = parent;
    return X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
}

/*
 * The application's callback may only make validation stricter.  Asking for X509_V_OK afterwards would not do: the
 * callback can set that itself and return 1.
 */
static int strict_callback(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = ssl_of(store);
    X509_STORE_CTX_verify_cb verify = SSL_get_verify_callback(ssl);
    int error = X509_STORE_CTX_get_error(store);
    int accepted;

    if (verify == NULL)
        verify = X509_STORE_get_verify_cb(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)));
    accepted = verify != NULL ? verify(ok, store) : ok;
    if (ok != 1) {
        X509_STORE_CTX_set_error(store, error);
        return 0;
    }
    if (accepted != 1 && X509_STORE_CTX_get_error(store) == X509_V_OK)
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return accepted == 1;
}

/* host NULL: none is checked, for the other end is a client.  False without memory. */
static bool prepare(X509_STORE_CTX *store, SSL *ssl, const char *host, bool ip)
{
    STACK_OF(X509) *sent = SSL_get_peer_full_cert_chain(ssl);
    X509_VERIFY_PARAM *param;

    if (X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), sk_X509_value(sent, 0), sent) != 1 ||
        X509_STORE_CTX_set_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) != 1 ||
        X509_STORE_CTX_set_default(store, host != NULL ? "ssl_server" : "ssl_client") != 1)
        return false;
    X509_STORE_CTX_set_verify_cb(store, strict_callback);
    param = X509_STORE_CTX_get0_param(store);
    if (X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)) != 1)
        return false;
    /* Whatever name the application has set: this is the one that counts. */
    return host == NULL || (ip ? X509_VERIFY_PARAM_set1_ip_asc(param, host)
                               : X509_VERIFY_PARAM_set1_host(param, host, strlen(host))) == 1;
}

static int validate(X509_STORE_CTX *store)
{
    int result = X509_verify_cert(store), error = X509_STORE_CTX_get_error(store);

    return result == 1 || error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED;
}

static void refuse(struct pti_boringssl_connection *connection, enum pintle_reason reason)
{
    pti_tls_reject(&connection->verdict, reason, connection->host);
}

static void run_out_of_memory(struct pti_boringssl_connection *connection)
{
    refuse(connection, PINTLE_REASON_CHAIN_UNUSABLE);
    connection->verdict.status = PINTLE_ERR_MEMORY;
}

/* Asks the pins about a chain that has been verified. */
static void decide(struct pintle_checker *checker, STACK_OF(X509) * chain, struct pti_boringssl_connection *connection,
                   bool report)
{
    struct pintle_evidence evidence;
    enum pintle_status status = pti_libssl_evidence(checker, chain, &evidence);

    evidence.adapter = PINTLE_ADAPTER_BORINGSSL;
    if (status != PINTLE_OK && status != PINTLE_ERR_INPUT) {
        refuse(connection, PINTLE_REASON_CHAIN_UNUSABLE);
        connection->verdict.status = status;
    } else if (report) {
        /* Evidence of an unusable chain is empty: what that means for this host is for the policy to say. */
        (void)pintle_checker_check(checker, connection->host, &evidence, &connection->verdict);
    } else {
        (void)pintle_checker_peek(checker, connection->host, &evidence, &connection->verdict);
    }
}

static int judge(const struct pti_boringssl_context *context, SSL *ssl, struct pti_boringssl_connection *connection,
                 bool report)
{
    X509_STORE_CTX *store = X509_STORE_CTX_new();
    int error = X509_V_ERR_OUT_OF_MEM;

    if (store == NULL || !prepare(store, ssl, connection->host, connection->ip)) {
        run_out_of_memory(connection);
    } else {
        error = validate(store);
        if (error != X509_V_OK)
            refuse(connection, PINTLE_REASON_VALIDATION_FAILED);
        else
            decide(context->checker, X509_STORE_CTX_get0_chain(store), connection, report);
    }
    X509_STORE_CTX_free(store);
    return error;
}

int pti_boringssl_judge(const struct pti_boringssl_context *context, SSL *ssl,
                        struct pti_boringssl_connection *connection, bool report)
{
    int error = X509_V_OK;

    if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0)
        refuse(connection, PINTLE_REASON_VALIDATION_OFF);
    else if (connection->host[0] == '\0')
        refuse(connection, PINTLE_REASON_HOST_MISSING);
    else if (SSL_get_peer_full_cert_chain(ssl) == NULL)
        refuse(connection, PINTLE_REASON_CHAIN_UNUSABLE);
    else {
        /* What validation leaves behind would stand before the one error that callers look for. */
        ERR_set_mark();
        error = judge(context, ssl, connection, report);
        ERR_pop_to_mark();
    }
    return error;
}

/* A context may serve both ends; only what connects is pinned. */
static enum ssl_verify_result_t verify_client(SSL *ssl, uint8_t *alert)
{
    X509_STORE_CTX *store = X509_STORE_CTX_new();
    int error = store != NULL && prepare(store, ssl, NULL, false) ? validate(store) : X509_V_ERR_OUT_OF_MEM;

    X509_STORE_CTX_free(store);
    *alert = (uint8_t)SSL_alert_from_verify_result(error);
    return error == X509_V_OK ? ssl_verify_ok : ssl_verify_invalid;
}

/*
 * Does BoringSSL ask about the session it offers, because early data is to be sent with it?  The session of a full
 * handshake cannot be resumed before its end.
 */
static bool is_early(const SSL *ssl)
{
    const SSL_SESSION *session = SSL_get_session(ssl);

    return !SSL_session_reused(ssl) && session != NULL && SSL_SESSION_is_resumable(session);
}

static int verify_server(const struct pti_boringssl_context *context, SSL *ssl,
                         struct pti_boringssl_connection *connection)
{
    bool resumed = SSL_session_reused(ssl), judged = connection->phase == PTI_BORINGSSL_OFFERED && resumed;
    int error = X509_V_OK;

    if (is_early(ssl))
        refuse(connection, PINTLE_REASON_UNDECIDED);
    else if (!judged)
        error = pti_boringssl_judge(context, ssl, connection, !resumed);
    connection->phase = PTI_BORINGSSL_DECIDED;
    return error;
}

enum ssl_verify_result_t pti_boringssl_verify(SSL *ssl, uint8_t *alert)
{
    const struct pti_boringssl_context *context = pti_boringssl_context_get(SSL_get_SSL_CTX(ssl));
    struct pti_boringssl_connection *connection;
    int error;

    if (SSL_is_server(ssl))
        return verify_client(ssl, alert);
    connection = pti_boringssl_connection_need(ssl);
    *alert = SSL_AD_INTERNAL_ERROR;
    error = context != NULL && connection != NULL ? verify_server(context, ssl, connection) : X509_V_ERR_OUT_OF_MEM;
    /* BoringSSL reads the mode after this callback: without the bit it would ignore the rejection. */
    if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0)
        SSL_set_verify(ssl, SSL_VERIFY_PEER, SSL_get_verify_callback(ssl));
    if (context == NULL || connection == NULL)
        return ssl_verify_invalid;
    *alert = error != X509_V_OK ? (uint8_t)SSL_alert_from_verify_result(error) : SSL_AD_HANDSHAKE_FAILURE;
    return connection->verdict.status == PINTLE_OK ? ssl_verify_ok : ssl_verify_invalid;
}
