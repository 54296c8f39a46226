/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to members of mbedTLS's structs: mbedTLS 2.28 has no getters for what an adapter must see, and mbedTLS 3
 * declares them private, without an offer of others.
 */
#ifndef PTI_TLS_MBEDTLS_FIELDS_H
#define PTI_TLS_MBEDTLS_FIELDS_H

#include <stdbool.h>

#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

#if MBEDTLS_VERSION_MAJOR >= 3
#define PTI_FIELD(object, name) ((object)->MBEDTLS_PRIVATE(name))
#else
#define PTI_FIELD(object, name) ((object)->name)
#endif

static inline bool pti_mbedtls_is_over(const mbedtls_ssl_context *ssl)
{
    return PTI_FIELD(ssl, state) == MBEDTLS_SSL_HANDSHAKE_OVER;
}

/* ClientHello is what a client sends now, at a renegotiation too, or nothing has been sent at all. */
static inline bool pti_mbedtls_is_at_hello(const mbedtls_ssl_context *ssl)
{
    return PTI_FIELD(ssl, state) <= MBEDTLS_SSL_SERVER_HELLO;
}

/* In TLS 1.3 an encrypted handshake message looks like application data from outside (RFC 8446, section 5.2). */
static inline bool pti_mbedtls_hides_types(const mbedtls_ssl_context *ssl)
{
#if MBEDTLS_VERSION_MAJOR >= 3
    return mbedtls_ssl_get_version_number(ssl) > MBEDTLS_SSL_VERSION_TLS1_2;
#else
    (void)ssl;
    return false;
#endif
}

#endif
