/* SPDX-License-Identifier: Apache-2.0 */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "server.h"

#define TICKET_SECONDS 3600

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;
static mbedtls_x509_crt certificates;
static mbedtls_pk_context private_key;
static mbedtls_ssl_ticket_context tickets;
static mbedtls_ssl_config config;

static bool start(const char *chain, const char *key)
{
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random_source);
    mbedtls_x509_crt_init(&certificates);
    mbedtls_pk_init(&private_key);
    mbedtls_ssl_ticket_init(&tickets);
    mbedtls_ssl_config_init(&config);
    if (mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0) != 0 ||
        mbedtls_x509_crt_parse_file(&certificates, chain) != 0 ||
#if MBEDTLS_VERSION_MAJOR >= 3
        mbedtls_pk_parse_keyfile(&private_key, key, NULL, mbedtls_ctr_drbg_random, &random_source) != 0 ||
#else
        mbedtls_pk_parse_keyfile(&private_key, key, NULL) != 0 ||
#endif
        mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &random_source, MBEDTLS_CIPHER_AES_256_GCM,
                                 TICKET_SECONDS) != 0 ||
        mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        return false;
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_source);
    mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, &tickets);
    return mbedtls_ssl_conf_own_cert(&config, &certificates, &private_key) == 0;
}

static ssize_t write_some(void *ssl, const void *bytes, size_t size)
{
    return mbedtls_ssl_write(ssl, bytes, size);
}

static ssize_t read_some(void *ssl, void *bytes, size_t size)
{
    return mbedtls_ssl_read(ssl, bytes, size);
}

static void serve(int fd)
{
    mbedtls_net_context net = {.fd = fd};
    mbedtls_ssl_context ssl;

    mbedtls_ssl_init(&ssl);
    if (mbedtls_ssl_setup(&ssl, &config) == 0) {
        mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
        if (mbedtls_ssl_handshake(&ssl) == 0) {
            server_exchange(&ssl, write_some, read_some);
            (void)mbedtls_ssl_close_notify(&ssl);
        }
    }
    mbedtls_ssl_free(&ssl);
}

const struct server server = {.start = start, .serve = serve};
