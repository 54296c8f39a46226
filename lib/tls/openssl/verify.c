/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification of the server's certificate: ordinary validation first and strictly, then the pins, over the chain that
 * OpenSSL built and verified.  What the peer merely sent is never looked at (CVE-2016-2402).
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <pintle/host.h>

#include "tls/libssl/chain.h"
#include "tls/openssl/handshake.h"

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
    int error = X509_STORE_CTX_get_error(store);
    int accepted = pti_openssl_connection_get(ssl_of(store))->verify(ok, store);

    if (ok != 1) {
        X509_STORE_CTX_set_error(store, error);
        return 0;
    }
    if (accepted != 1 && X509_STORE_CTX_get_error(store) == X509_V_OK)
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return accepted == 1;
}

static bool chain_verifies(X509_STORE_CTX *store, struct pti_openssl_connection *connection)
{
    int result;

    connection->verify = X509_STORE_CTX_get_verify_cb(store);
    X509_STORE_CTX_set_verify_cb(store, strict_callback);
    result = X509_verify_cert(store);
    X509_STORE_CTX_set_verify_cb(store, connection->verify);
    return result == 1 && X509_STORE_CTX_get_error(store) == X509_V_OK;
}

/* Asks the pins; on acceptance the session keeps the evidence for later. */
static void decide(const struct pti_openssl_context *context, SSL *ssl, X509_STORE_CTX *store, const char *host,
                   struct pintle_verdict *verdict)
{
    struct pti_openssl_evidence *kept = malloc(sizeof(*kept)); /* all of it that is ever read is filled below */
    SSL_SESSION *session = SSL_get_session(ssl);
    enum pintle_status status = PINTLE_ERR_MEMORY;

    if (kept != NULL) {
        atomic_init(&kept->references, 1);
        memcpy(kept->host, host, strlen(host) + 1);
        status = pti_libssl_evidence(context->checker, X509_STORE_CTX_get0_chain(store), &kept->evidence);
        kept->evidence.adapter = PINTLE_ADAPTER_OPENSSL;
    }
    if (status != PINTLE_OK && status != PINTLE_ERR_INPUT) {
        pti_tls_reject(verdict, PINTLE_REASON_CHAIN_UNUSABLE, host);
        verdict->status = status;
    } else {
        /* Evidence of an unusable chain is empty: what that means for this host is for the policy to say. */
        status = pintle_checker_check(context->checker, host, &kept->evidence, verdict);
    }
    if (status == PINTLE_OK && session != NULL)
        pti_openssl_evidence_take(session, kept);
    else
        pti_openssl_evidence_free(kept);
}

enum pintle_reason pti_openssl_host(X509_VERIFY_PARAM *param, const char *expected, char host[PINTLE_HOST_MAX + 1])
{
    const char *name = X509_VERIFY_PARAM_get0_host(param, 0);
    enum pintle_status status = PINTLE_OK;
    bool ip;

    host[0] = '\0';
    if (name != NULL) {
        if (X509_VERIFY_PARAM_get0_host(param, 1) != NULL) /* any of several would do: whose pins count, then? */
            return PINTLE_REASON_HOST_INVALID;
        status = pintle_host_normalise(name, host, &ip);
    } else {
        char *address;

        ERR_set_mark(); /* having no address is an error to it */
        address = X509_VERIFY_PARAM_get1_ip_asc(param);
        ERR_pop_to_mark();
        if (address != NULL)
            status = pintle_host_normalise(address, host, &ip);
        OPENSSL_free(address);
    }
    if (status != PINTLE_OK)
        return PINTLE_REASON_HOST_INVALID;
    if (expected[0] != '\0' && strcmp(expected, host) != 0)
        return PINTLE_REASON_VALIDATION_OFF; /* OpenSSL was told to check another name since, or none */
    return host[0] != '\0' ? PINTLE_REASON_UNDECIDED : PINTLE_REASON_HOST_MISSING;
}

static void verify(const struct pti_openssl_context *context, SSL *ssl, X509_STORE_CTX *store,
                   struct pti_openssl_connection *connection)
{
    char host[PINTLE_HOST_MAX + 1];
    enum pintle_reason reason = pti_openssl_host(X509_STORE_CTX_get0_param(store), connection->host, host);

    if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) {
        /* OpenSSL reads the mode after this callback: without the bit it would ignore the rejection. */
        SSL_set_verify(ssl, SSL_VERIFY_PEER, SSL_get_verify_callback(ssl));
        reason = PINTLE_REASON_VALIDATION_OFF;
    }
    if (reason == PINTLE_REASON_UNDECIDED && !chain_verifies(store, connection))
        reason = PINTLE_REASON_VALIDATION_FAILED;
    if (reason != PINTLE_REASON_UNDECIDED)
        pti_tls_reject(&connection->verdict, reason, host);
    else
        decide(context, ssl, store, host, &connection->verdict);
}

int pti_openssl_verify(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = ssl_of(store);
    struct pti_openssl_connection *connection;

    if (ssl != NULL && SSL_is_server(ssl)) /* a context may serve both ends; only what connects is pinned */
        return X509_verify_cert(store);
    connection = ssl != NULL ? pti_openssl_connection_need(ssl) : NULL;
    if (connection == NULL) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
        return 0;
    }
    connection->phase = PTI_OPENSSL_DECIDED;
    /* What X509_verify_cert() leaves behind would stand before the one error that callers look for. */
    ERR_set_mark();
    verify(arg, ssl, store, connection);
    ERR_pop_to_mark();
    if (connection->verdict.status == PINTLE_OK)
        return 1;
    /* OpenSSL's own error stays, for it chooses the alert; a rejection by pins becomes handshake_failure. */
    if (X509_STORE_CTX_get_error(store) == X509_V_OK)
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}
