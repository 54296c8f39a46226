/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before each request: may it go over the connection that libcurl has for it?  A connection that was just made has been
 * judged in its handshake; one that libcurl kept may have been made by a handle without pins, or before the pins changed.
 */
#include "tls/curl/hooks.h"

#include <string.h>

#include <openssl/ssl.h>
#include <pintle/openssl.h>

#include "tls/curl/ending.h"
#include "tls/curl/handle.h"
#include "tls/curl/target.h"
#include "tls/verdict.h"

/* NULL: the connection is not encrypted, or by something that libcurl does not show. */
static SSL *connection_of(CURL *easy)
{
    struct curl_tlssessioninfo *info = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
        info->backend != CURLSSLBACKEND_OPENSSL)
        return NULL;
    return info->internals;
}

/* A host without policy may be asked in the clear; of one with a policy there is nothing to show.  A refusal is told. */
static void check_unencrypted(struct pti_curl_handle *handle, const char *host, struct pintle_verdict *verdict)
{
    static const struct pintle_evidence none;

    if (pintle_checker_peek(handle->checker, host, &none, verdict) != PINTLE_OK)
        (void)pintle_checker_check(handle->checker, host, &none, verdict);
}

static void check_encrypted(struct pti_curl_handle *handle, SSL *ssl, const char *host, struct pintle_verdict *verdict)
{
    if (pintle_openssl_recheck(ssl, handle->checker, verdict) == PINTLE_OK && strcmp(verdict->host, host) != 0)
        pti_tls_reject(verdict, PINTLE_REASON_VALIDATION_OFF, host); /* made for another name */
    if (verdict->status == PINTLE_OK)
        pti_curl_context_serve(ssl, handle);
}

/* Another host than it is held to; or TLS that could not be hooked, which is QUIC. */
static bool is_off(const struct pti_curl_handle *handle, const struct pti_curl_target *target, const SSL *ssl)
{
    return (handle->limited && strcmp(handle->limit, target->host) != 0) || (target->encrypted && ssl == NULL);
}

/* Returns whether the request would go over TLS. */
static bool check(struct pti_curl_handle *handle, struct pintle_verdict *verdict)
{
    SSL *ssl = connection_of(handle->easy);
    struct pti_curl_target target;
    enum pintle_status status = pti_curl_target_init(&target, handle->easy);

    if (status != PINTLE_OK) {
        pti_tls_reject(verdict, PINTLE_REASON_HOST_INVALID, "");
        verdict->status = status;
    } else if (is_off(handle, &target, ssl)) {
        pti_tls_reject(verdict, PINTLE_REASON_VALIDATION_OFF, target.host);
    } else if (ssl != NULL && !target.plain) {
        check_encrypted(handle, ssl, target.host, verdict);
        return true;
    } else {
        check_unencrypted(handle, target.host, verdict);
    }
    return false;
}

/* Did libcurl keep the connection from before this transfer?  Another try closes it and makes a new one, or takes the next. */
static bool is_outdated(const struct pti_curl_handle *handle)
{
    long connects = 1;

    return handle->requests == 0 && curl_easy_getinfo(handle->easy, CURLINFO_NUM_CONNECTS, &connects) == CURLE_OK &&
           connects == 0;
}

/* If not, *spent says whether the connection is of no more use to anybody with these pins. */
static bool let_through(struct pti_curl_handle *handle, bool *spent)
{
    struct pintle_verdict verdict;
    bool encrypted = check(handle, &verdict);

    pti_curl_note(handle, &verdict);
    if (verdict.status != PINTLE_OK) {
        handle->outdated = encrypted && is_outdated(handle);
        *spent = encrypted;
        return false;
    }
    handle->requests++;
    if (handle->listener.request != NULL)
        handle->listener.request(handle->listener.ctx, &verdict, encrypted);
    return true;
}

int pti_curl_request(void *data, char *peer, char *local, int peer_port, int local_port)
{
    struct pti_curl_handle *handle = pti_curl_handle_get(data);
    int code = CURL_PREREQFUNC_ABORT;
    bool spent = false;

    /*
     * A copy of the handle calls us with the same data, and libcurl does not say which handle it is; but peer points into
     * the one whose request this is.
     */
    if (handle != NULL && handle->peer == peer && let_through(handle, &spent))
        code = handle->prereq_function != NULL
                   ? handle->prereq_function(handle->prereq_data, peer, local, peer_port, local_port)
                   : CURL_PREREQFUNC_OK;
    if (spent)
        pti_curl_end_connection(peer, peer_port, local, local_port);
    pti_curl_handle_free(handle);
    return code;
}
