/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake, from ClientHello to verdict:
 *
 *   start    forgets the verdict before, and takes away a session that today's pins do not accept;
 *   guard    the same question once more while ClientHello is written, should the application have replaced the info
 *            callback that start hangs on;
 *   verify   ordinary validation, then the pins;
 *   finish   no verdict, no connection.
 */
#ifndef PTI_TLS_OPENSSL_HANDSHAKE_H
#define PTI_TLS_OPENSSL_HANDSHAKE_H

#include "tls/openssl/state.h"
#include "tls/verdict.h"

/* The info callback: start and finish. */
void pti_openssl_info(const SSL *ssl, int where, int value);

/* Registers guard with ctx.  False without memory. */
bool pti_openssl_guard_add(SSL_CTX *ctx);

/* The certificate verification callback; arg is the struct pti_openssl_context. */
int pti_openssl_verify(X509_STORE_CTX *store, void *arg);

/* If the handshake is over, makes the verdict final: a rejection unless something accepted this very handshake. */
void pti_openssl_settle(SSL *ssl, struct pti_openssl_connection *connection);

/*
 * The one host whose certificate param makes OpenSSL check, normalised.  Returns PINTLE_REASON_UNDECIDED if there is
 * one, and else why not; expected is what pintle_openssl_set_host() was given, or "".
 */
enum pintle_reason pti_openssl_host(X509_VERIFY_PARAM *param, const char *expected, char host[PINTLE_HOST_MAX + 1]);

#endif
