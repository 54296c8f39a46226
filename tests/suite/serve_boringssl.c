/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/ssl.h>

#include "server.h"

static SSL_CTX *context;

static bool start(const char *chain, const char *key)
{
    context = SSL_CTX_new(TLS_server_method());
    return context != NULL && SSL_CTX_use_certificate_chain_file(context, chain) == 1 &&
           SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
}

static ssize_t write_some(void *ssl, const void *bytes, size_t size)
{
    return SSL_write(ssl, bytes, (int)size);
}

static ssize_t read_some(void *ssl, void *bytes, size_t size)
{
    return SSL_read(ssl, bytes, (int)size);
}

static void serve(int fd)
{
    SSL *ssl = SSL_new(context);

    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1) {
        server_exchange(ssl, write_some, read_some);
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
}

const struct server server = {.start = start, .serve = serve};
