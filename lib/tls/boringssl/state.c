/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The indices below are this library's only global state: BoringSSL numbers ex_data per process and gives no index back.
 * They are set once and never change.  Because BoringSSL calls the functions registered here whenever such an object
 * goes, the library must stay loaded as long as libssl is.
 */
#include "tls/boringssl/state.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/ex_data.h>

static pthread_mutex_t registering = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool registered;
static int context_index = -1;
static int connection_index = -1;

static void free_context(void *parent, void *data, CRYPTO_EX_DATA *ex_data, int index, long argl, void *argp)
{
    (void)parent, (void)ex_data, (void)index, (void)argl, (void)argp;
    pti_boringssl_context_free(data);
}

static void free_connection(void *parent, void *data, CRYPTO_EX_DATA *ex_data, int index, long argl, void *argp)
{
    (void)parent, (void)ex_data, (void)index, (void)argl, (void)argp;
    free(data);
}

static bool register_indices(void)
{
    if (context_index < 0)
        context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_context);
    if (connection_index < 0)
        connection_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_connection);
    return context_index >= 0 && connection_index >= 0;
}

/* Not pthread_once(): what failed for lack of memory is tried again. */
bool pti_boringssl_state_init(void)
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

struct pti_boringssl_context *pti_boringssl_context_get(const SSL_CTX *ctx)
{
    return SSL_CTX_get_ex_data(ctx, context_index);
}

bool pti_boringssl_context_set(SSL_CTX *ctx, struct pti_boringssl_context *context)
{
    return SSL_CTX_set_ex_data(ctx, context_index, context) == 1;
}

void pti_boringssl_context_free(struct pti_boringssl_context *context)
{
    if (context == NULL)
        return;
    pintle_checker_free(context->checker);
    free(context);
}

struct pti_boringssl_connection *pti_boringssl_connection_get(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, connection_index);
}

struct pti_boringssl_connection *pti_boringssl_connection_need(SSL *ssl)
{
    struct pti_boringssl_connection *connection = pti_boringssl_connection_get(ssl);

    if (connection != NULL)
        return connection;
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL || SSL_set_ex_data(ssl, connection_index, connection) != 1) {
        free(connection);
        return NULL;
    }
    return connection;
}
