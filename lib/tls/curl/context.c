/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SSL_CTX, which libcurl makes for one connection.  Its info callback stands in front of libpintle-openssl's and says
 * which host the connection is for.  With an HTTPS proxy libcurl makes two, and tells neither from the other; but SNI does:
 * it names the proxy, or the host of the URL.
 */
#include "tls/curl/hooks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>
#include <pintle/openssl.h>

#include "tls/curl/handle.h"
#include "tls/curl/target.h"
#include "tls/verdict.h"

struct context {
    struct pti_curl_handle *handle; /* which it serves: the one it was made for, later the one of the last request */
    bool copy;                      /* made for another easy handle than the one that was attached */
    bool finished;                  /* the first handshake is over: from now on it may serve anybody, in any thread */
    char address[PINTLE_HOST_MAX + 1];                  /* of the URL, if that names none by name */
    void (*info)(const SSL *ssl, int where, int value); /* the application's; NULL: none */
};

static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;
static int context_index = -1; /* set once, before the first connection; see tls/openssl/state.c */

static void free_context(void *parent, void *data, CRYPTO_EX_DATA *ex_data, int index, long argl, void *argp)
{
    struct context *context = data;

    (void)parent, (void)ex_data, (void)index, (void)argl, (void)argp;
    if (context == NULL)
        return;
    pti_curl_handle_free(context->handle);
    free(context);
}

bool pti_curl_context_init(void)
{
    bool done;

    (void)pthread_mutex_lock(&registering);
    if (context_index < 0)
        context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_context);
    done = context_index >= 0;
    (void)pthread_mutex_unlock(&registering);
    return done;
}

/* RFC 6066, section 3: no address in SNI. */
static void start(const struct context *context, SSL *ssl)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    /* If this fails, or there is nothing to say, the connection has no host, and so no future. */
    (void)pintle_openssl_set_host(ssl, name != NULL ? name : context->address);
}

/* The SSL is gone when the transfer has failed: a refusal is noted now. */
static void note_first(const struct context *context, SSL *ssl)
{
    struct pintle_verdict verdict;

    if (context->copy || pintle_openssl_verdict(ssl, &verdict) == PINTLE_OK ||
        verdict.reason == PINTLE_REASON_UNDECIDED)
        return;
    pti_curl_note(context->handle, &verdict);
    context->handle->retry = verdict.status == PINTLE_ERR_RETRY;
}

/* A renegotiation, TLS 1.2: the request has been let through, but nothing is accepted until this has come to its end. */
static void note_again(const struct context *context, SSL *ssl)
{
    struct pintle_verdict verdict;

    if (context->copy || SSL_version(ssl) >= TLS1_3_VERSION)
        return;
    (void)pintle_openssl_verdict(ssl, &verdict);
    pti_curl_note(context->handle, &verdict);
}

static void on_info(const SSL *const_ssl, int where, int value)
{
    SSL *ssl = (SSL *)const_ssl;
    struct context *context = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);

    if (context == NULL)
        return;
    if (where == SSL_CB_HANDSHAKE_START && !context->finished)
        start(context, ssl);
    if (where == SSL_CB_CONNECT_EXIT || where == SSL_CB_HANDSHAKE_DONE) {
        if (context->finished)
            note_again(context, ssl);
        else
            note_first(context, ssl);
        context->finished = context->finished || where == SSL_CB_HANDSHAKE_DONE;
    }
    if (context->info != NULL)
        context->info(ssl, where, value);
}

void pti_curl_context_serve(SSL *ssl, struct pti_curl_handle *handle)
{
    struct context *context = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index);

    if (context == NULL || context->handle == handle)
        return;
    pti_curl_handle_free(context->handle);
    context->handle = pti_curl_handle_ref(handle);
    context->copy = false;
}

static enum pintle_status hook(struct pti_curl_handle *handle, CURL *easy, SSL_CTX *ctx,
                               const struct pti_curl_target *target)
{
    struct context *context = calloc(1, sizeof(*context));

    if (context == NULL)
        return PINTLE_ERR_MEMORY;
    context->handle = pti_curl_handle_ref(handle);
    context->copy = easy != handle->easy;
    context->info = SSL_CTX_get_info_callback(ctx);
    if (target->ip)
        memcpy(context->address, target->host, sizeof(context->address));
    if (SSL_CTX_set_ex_data(ctx, context_index, context) != 1) {
        free_context(NULL, context, NULL, 0, 0, NULL);
        return PINTLE_ERR_MEMORY;
    }
    SSL_CTX_set_info_callback(ctx, on_info);
    return pintle_openssl_attach(ctx, handle->checker);
}

/* How libcurl hands the context over tells whether CURLOPT_SSL_VERIFYPEER is still what attaching made it. */
static enum pintle_reason reason_against(const struct pti_curl_handle *handle, const SSL_CTX *ctx,
                                         const struct pti_curl_target *target)
{
    if (target->host[0] == '\0')
        return PINTLE_REASON_HOST_INVALID;
    if ((SSL_CTX_get_verify_mode(ctx) & SSL_VERIFY_PEER) == 0)
        return PINTLE_REASON_VALIDATION_OFF;
    if (handle->limited && strcmp(handle->limit, target->host) != 0)
        return PINTLE_REASON_VALIDATION_OFF;
    return PINTLE_REASON_UNDECIDED;
}

static CURLcode pin(struct pti_curl_handle *handle, CURL *easy, SSL_CTX *ctx)
{
    struct pti_curl_target target;
    enum pintle_status status = pti_curl_target_init(&target, easy);
    enum pintle_reason reason = reason_against(handle, ctx, &target);
    struct pintle_verdict verdict;
    CURLcode code;

    if (reason == PINTLE_REASON_UNDECIDED && handle->ssl_ctx_function != NULL) {
        code = handle->ssl_ctx_function(easy, ctx, handle->ssl_ctx_data);
        if (code != CURLE_OK)
            return code;
        reason = reason_against(handle, ctx, &target);
    }
    if (status != PINTLE_ERR_MEMORY && reason == PINTLE_REASON_UNDECIDED)
        status = hook(handle, easy, ctx, &target);
    if (status == PINTLE_OK && reason == PINTLE_REASON_UNDECIDED)
        return CURLE_OK;
    pti_tls_reject(&verdict, reason, target.host);
    if (status == PINTLE_ERR_MEMORY)
        verdict.status = status;
    if (easy == handle->easy)
        pti_curl_note(handle, &verdict);
    return status == PINTLE_ERR_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_PEER_FAILED_VERIFICATION;
}

CURLcode pti_curl_context(CURL *easy, void *ssl_ctx, void *data)
{
    struct pti_curl_handle *handle = pti_curl_handle_get(data);
    CURLcode code;

    if (handle == NULL) /* a copy of a handle that was released, or a released one */
        return CURLE_PEER_FAILED_VERIFICATION;
    code = pin(handle, easy, ssl_ctx);
    pti_curl_handle_free(handle);
    return code;
}
