/* SPDX-License-Identifier: Apache-2.0 */
/* A pinned request over OpenSSL. */
#include <stdio.h>
#include <unistd.h>

#include <pintle/openssl.h>

#include "example.h"

enum pintle_status example_crypto(struct pintle_crypto **crypto)
{
    return pintle_crypto_openssl_new(crypto);
}

/* The trust store stays the application's; the one call is pintle_openssl_attach(). */
static SSL_CTX *pinned_context(const struct example *example)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx != NULL && SSL_CTX_load_verify_locations(ctx, example->ca, NULL) == 1 &&
        pintle_openssl_attach(ctx, example->checker) == PINTLE_OK)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static void get_page(const struct example *example, SSL *ssl)
{
    char text[1024];
    int size = (int)example_request(example, text, sizeof text);

    if (SSL_write(ssl, text, size) != size)
        return;
    while ((size = SSL_read(ssl, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)size, stdout);
}

void example_get(const struct example *example, struct pintle_verdict *verdict)
{
    SSL_CTX *ctx = pinned_context(example);
    SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
    int fd = example_dial(example->address, example->port);

    if (ssl != NULL && fd >= 0 && SSL_set_fd(ssl, fd) == 1 &&
        pintle_openssl_set_host(ssl, example->host) == PINTLE_OK && SSL_connect(ssl) == 1)
        get_page(example, ssl);
    (void)pintle_openssl_verdict(ssl, verdict);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    if (fd >= 0)
        close(fd);
}
