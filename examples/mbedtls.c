/* SPDX-License-Identifier: Apache-2.0 */
/* A pinned request over mbedTLS. */
#include <stdio.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <pintle/mbedtls.h>

#include "example.h"

struct tls {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_x509_crt roots;
    mbedtls_ssl_config conf;
    mbedtls_ssl_context ssl;
    mbedtls_net_context socket;
};

enum pintle_status example_crypto(struct pintle_crypto **crypto)
{
    return pintle_crypto_mbedtls_new(crypto);
}

static void tls_init(struct tls *tls)
{
    mbedtls_entropy_init(&tls->entropy);
    mbedtls_ctr_drbg_init(&tls->random);
    mbedtls_x509_crt_init(&tls->roots);
    mbedtls_ssl_config_init(&tls->conf);
    mbedtls_ssl_init(&tls->ssl);
    mbedtls_net_init(&tls->socket);
}

/* What Pintle keeps goes before what it keeps it for. */
static void tls_free(struct tls *tls)
{
    pintle_mbedtls_release(&tls->ssl);
    mbedtls_ssl_free(&tls->ssl);
    pintle_mbedtls_detach(&tls->conf);
    mbedtls_ssl_config_free(&tls->conf);
    mbedtls_net_free(&tls->socket);
    mbedtls_x509_crt_free(&tls->roots);
    mbedtls_ctr_drbg_free(&tls->random);
    mbedtls_entropy_free(&tls->entropy);
}

/* The trusted certificates stay the application's; the one call is pintle_mbedtls_attach(), when all else is set. */
static bool configure(struct tls *tls, const struct example *example)
{
    if (mbedtls_ctr_drbg_seed(&tls->random, mbedtls_entropy_func, &tls->entropy, NULL, 0) != 0 ||
        mbedtls_x509_crt_parse_file(&tls->roots, example->ca) != 0 ||
        mbedtls_ssl_config_defaults(&tls->conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return false;
    mbedtls_ssl_conf_rng(&tls->conf, mbedtls_ctr_drbg_random, &tls->random);
    mbedtls_ssl_conf_ca_chain(&tls->conf, &tls->roots, NULL);
    return pintle_mbedtls_attach(&tls->conf, example->checker) == PINTLE_OK;
}

static bool connect_to(struct tls *tls, const struct example *example)
{
    if (mbedtls_net_connect(&tls->socket, example->address, example->port, MBEDTLS_NET_PROTO_TCP) != 0 ||
        mbedtls_ssl_setup(&tls->ssl, &tls->conf) != 0)
        return false;
    mbedtls_ssl_set_bio(&tls->ssl, &tls->socket, mbedtls_net_send, mbedtls_net_recv, NULL);
    return pintle_mbedtls_set_host(&tls->ssl, example->host) == PINTLE_OK && mbedtls_ssl_handshake(&tls->ssl) == 0;
}

static void get_page(const struct example *example, mbedtls_ssl_context *ssl)
{
    unsigned char text[1024];
    int size = (int)example_request(example, (char *)text, sizeof text);

    if (mbedtls_ssl_write(ssl, text, (size_t)size) != size)
        return;
    while ((size = mbedtls_ssl_read(ssl, text, sizeof text)) > 0)
        fwrite(text, 1, (size_t)size, stdout);
}

void example_get(const struct example *example, struct pintle_verdict *verdict)
{
    struct tls tls;

    tls_init(&tls);
    if (configure(&tls, example) && connect_to(&tls, example))
        get_page(example, &tls.ssl);
    (void)pintle_mbedtls_verdict(&tls.ssl, verdict);
    tls_free(&tls);
}
