/* SPDX-License-Identifier: Apache-2.0 */
/* What mbedTLS calls. */
#ifndef PTI_TLS_MBEDTLS_HOOKS_H
#define PTI_TLS_MBEDTLS_HOOKS_H

#include "tls/mbedtls/state.h"

/* The verify callback of a connection, ctx is the struct pti_mbedtls_connection: ordinary validation, then the pins. */
int pti_mbedtls_verify(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);

/* The verify callback of a configuration, for connections without one of their own: no host, no handshake. */
int pti_mbedtls_refuse(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);

/* The random generator of a configuration, ctx is the struct pti_mbedtls_context: no validation, no ClientHello. */
int pti_mbedtls_random(void *ctx, unsigned char *out, size_t size);

/* The BIO of a connection, ctx is the struct pti_mbedtls_connection: no application record without an acceptance. */
int pti_mbedtls_send(void *ctx, const unsigned char *data, size_t size);

/* Puts the functions above below the connection's mbedtls_ssl_context; the ones that are there are called by them. */
void pti_mbedtls_wire_take(struct pti_mbedtls_connection *connection);
/* From here on nothing passes. */
void pti_mbedtls_wire_cut(mbedtls_ssl_context *ssl);

#endif
