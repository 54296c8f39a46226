/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program around the example of README.md, which the test puts into embed.h: one pinned request.
 * Usage: readme URL CA HOST PORT, in a directory with roots and shipped.  Prints the verdict and the answer's first line.
 */
#include "embed.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct pintle_transport transport;
    struct pintle_store store;
    struct pintle_verdict verdict;
    struct pintle_client *client;
    char why[256], address[64], request[512], answer[64] = "";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (argc != 5 || ctx == NULL || SSL_CTX_load_verify_locations(ctx, argv[2], NULL) != 1 ||
        pintle_curl_transport_init(&transport, argv[2]) != PINTLE_OK ||
        pintle_store_posix_init(&store, "pintle-store", why, sizeof why) != PINTLE_OK)
        return 2;
    client = pin_connections(ctx, &transport, &store, argv[1]);
    if (client == NULL)
        return 3;
    (void)snprintf(address, sizeof address, "127.0.0.1:%s", argv[4]);
    BIO *bio = BIO_new_ssl_connect(ctx);
    SSL *ssl = NULL;
    (void)BIO_get_ssl(bio, &ssl);
    (void)BIO_set_conn_hostname(bio, address);
    (void)pintle_openssl_set_host(ssl, argv[3]);
    (void)snprintf(request, sizeof request, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", argv[3]);
    if (BIO_do_connect(bio) == 1 && BIO_write(bio, request, (int)strlen(request)) > 0) {
        int size = BIO_read(bio, answer, sizeof answer - 1);
        answer[size > 0 ? size : 0] = '\0';
        answer[strcspn(answer, "\r\n")] = '\0';
    }
    (void)pintle_openssl_verdict(ssl, &verdict);
    (void)printf("%s %s\n", pintle_reason_name(verdict.reason), answer);
    BIO_free_all(bio);
    SSL_CTX_free(ctx);
    pintle_client_free(client);
    transport.free(transport.ctx);
    store.free(store.ctx);
    return 0;
}
