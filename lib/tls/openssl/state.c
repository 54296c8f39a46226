/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The indices below are this library's only global state: OpenSSL numbers ex_data per process, and an index cannot be
 * given back while objects may still carry data under it.  They are set once and never change.  Because OpenSSL calls
 * the functions registered here whenever such an object goes, the library must stay loaded as long as libcrypto is.
 */
#include "tls/openssl/state.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool registered;
static int context_index = -1;
static int connection_index = -1;
static int session_index = -1;

static void free_context(void *parent, void *data, CRYPTO_EX_DATA *ex_data, int index, long argl, void *argp)
{
    (void)parent, (void)ex_data, (void)index, (void)argl, (void)argp;
    pti_openssl_context_free(data);
}

static void free_connection(void *parent, void *data, CRYPTO_EX_DATA *ex_data, int index, long argl, void *argp)
{
    (void)parent, (void)ex_data, (void)index, (void)argl, (void)argp;
    free(data);
}

/* SSL_dup() copies settings, not a handshake: the host comes along, the verdict does not. */
static int dup_connection(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **data, int index, long argl, void *argp)
{
    const struct pti_openssl_connection *old = *data;
    struct pti_openssl_connection *copy;

    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    if (old == NULL)
        return 1;
    copy = calloc(1, sizeof(*copy));
    if (copy == NULL)
        return 0;
    memcpy(copy->host, old->host, sizeof(copy->host));
    copy->info = old->info;
    *data = copy;
    return 1;
}

static void free_session(void *parent, void *data, CRYPTO_EX_DATA *ex_data, int index, long argl, void *argp)
{
    (void)parent, (void)ex_data, (void)index, (void)argl, (void)argp;
    pti_openssl_evidence_free(data);
}

static int dup_session(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **data, int index, long argl, void *argp)
{
    struct pti_openssl_evidence *evidence = *data;

    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    if (evidence != NULL)
        atomic_fetch_add_explicit(&evidence->references, 1, memory_order_relaxed);
    return 1;
}

static bool register_indices(void)
{
    if (context_index < 0)
        context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_context);
    if (connection_index < 0)
        connection_index = SSL_get_ex_new_index(0, NULL, NULL, dup_connection, free_connection);
    if (session_index < 0)
        session_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, dup_session, free_session);
    return context_index >= 0 && connection_index >= 0 && session_index >= 0;
}

/* Not pthread_once(): what failed for lack of memory is tried again. */
bool pti_openssl_state_init(void)
{
    bool done = atomic_load_explicit(&registered, memory_order_acquire);

    if (done)
        return true;
    (void)pthread_mutex_lock(&registering);
    done = register_indices();
    atomic_store_explicit(&registered, done, memory_order_release);
    (void)pthread_mutex_unlock(&registering);
    return done;
}

struct pti_openssl_context *pti_openssl_context_get(const SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, context_index);
}

bool pti_openssl_context_set(SSL_CTX *ctx, struct pti_openssl_context *context)
{
    return SSL_CTX_set_ex_data(ctx, context_index, context) == 1;
}

void pti_openssl_context_free(struct pti_openssl_context *context)
{
    if (context == NULL)
        return;
    pintle_checker_free(context->checker);
    free(context);
}

struct pti_openssl_connection *pti_openssl_connection_get(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, connection_index);
}

struct pti_openssl_connection *pti_openssl_connection_need(SSL *ssl)
{
    struct pti_openssl_connection *connection = pti_openssl_connection_get(ssl);

    if (connection != NULL)
        return connection;
    connection = calloc(1, sizeof(*connection));
    if (connection != NULL && SSL_set_ex_data(ssl, connection_index, connection) != 1) {
        free(connection);
        connection = NULL;
    }
    return connection;
}

const struct pti_openssl_evidence *pti_openssl_evidence_get(const SSL_SESSION *session)
{
    return SSL_SESSION_get_ex_data(session, session_index);
}

void pti_openssl_evidence_take(SSL_SESSION *session, struct pti_openssl_evidence *evidence)
{
    struct pti_openssl_evidence *old = SSL_SESSION_get_ex_data(session, session_index);

    if (SSL_SESSION_set_ex_data(session, session_index, evidence) == 1)
        pti_openssl_evidence_free(old);
    else
        pti_openssl_evidence_free(evidence);
}

void pti_openssl_evidence_free(struct pti_openssl_evidence *evidence)
{
    if (evidence != NULL && atomic_fetch_sub_explicit(&evidence->references, 1, memory_order_acq_rel) == 1)
        free(evidence);
}
