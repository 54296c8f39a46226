/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client handshakes for callgrind: `bench_handshake plain|pinned COUNT` shakes hands COUNT times over TLS 1.3, P-256, full
 * validation of a two-certificate chain, with and without Pintle attached.  Everything the client's end executes runs
 * inside client_step(), which tests/bench/run tells callgrind to collect; the server's end in the same process is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/openssl.h>
#include <pintle/pintle.h>

#include "tls_fixture.h"

void client_step(SSL *ssl);

/* External linkage and a call that the compiler cannot see through, so that callgrind finds it by name. */
void client_step(SSL *ssl)
{
    (void)SSL_do_handshake(ssl);
}

static void (*volatile client_end)(SSL *ssl) = client_step;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static struct pintle_checker *make_checker(const X509 *leaf)
{
    char pin[TLS_FIXTURE_PIN_SIZE], detail[256];
    struct pintle_static_pin pins[1] = {{"api.example.test", pin, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}};
    struct pintle_checker *checker;
    struct pintle_pinset *pinset;
    struct pintle_crypto *crypto;

    tls_fixture_spki_pin(leaf, pin);
    require(pintle_crypto_openssl_new(&crypto) == PINTLE_OK, "no crypto");
    require(pintle_pinset_new_static(pins, 1, PINTLE_UNLISTED_REFUSE, &pinset, detail, sizeof detail) == PINTLE_OK,
            detail);
    require(pintle_checker_new_static(pinset, crypto, &checker) == PINTLE_OK, "no checker");
    pintle_pinset_free(pinset);
    pintle_crypto_free(crypto);
    return checker;
}

static void shake(SSL_CTX *client_ctx, SSL_CTX *server_ctx, bool pinned)
{
    struct tls_fixture_pair pair = tls_fixture_pair_new(client_ctx, server_ctx, 0);

    if (pinned)
        require(pintle_openssl_set_host(pair.client, "api.example.test") == PINTLE_OK, "no host");
    else
        require(SSL_set1_host(pair.client, "api.example.test") == 1 &&
                    SSL_set_tlsext_host_name(pair.client, "api.example.test") == 1,
                "no host");
    SSL_set_connect_state(pair.client);
    SSL_set_accept_state(pair.server);
    for (int i = 0; i < 10 && !SSL_is_init_finished(pair.client); i++) {
        client_end(pair.client);
        (void)SSL_do_handshake(pair.server);
    }
    require(SSL_is_init_finished(pair.client), "the handshake failed");
    tls_fixture_pair_clear(&pair);
}

int main(int argc, char **argv)
{
    struct tls_fixture_cert root, leaf;
    struct pintle_checker *checker;
    SSL_CTX *client, *server;
    X509 *anchor;
    bool pinned;

    require(argc == 3, "usage: bench_handshake plain|pinned COUNT");
    pinned = strcmp(argv[1], "pinned") == 0;
    root = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "Bench Root", .ca = true});
    leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "api", .san = "DNS:api.example.test", .issuer = &root});
    server = tls_fixture_server_new(&leaf, NULL, 0, TLS1_3_VERSION);
    anchor = X509_dup(root.x509); /* parsed, as every trust store's certificates are, and not as it was signed */
    client = tls_fixture_client_new(anchor, TLS1_3_VERSION);
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    checker = make_checker(leaf.x509);
    if (pinned)
        require(pintle_openssl_attach(client, checker) == PINTLE_OK, "attach failed");
    for (long i = strtol(argv[2], NULL, 10); i > 0; i--)
        shake(client, server, pinned);
    pintle_checker_free(checker);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    X509_free(anchor);
    tls_fixture_cert_clear(&leaf);
    tls_fixture_cert_clear(&root);
    return 0;
}
