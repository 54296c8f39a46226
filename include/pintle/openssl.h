/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpintle-openssl: pins every client connection of an SSL_CTX, OpenSSL 3.0 and later, TLS 1.2 and 1.3.
 *
 * It promises: ordinary validation runs first and is strict (an application's verify callback cannot waive an error);
 * only the chain that OpenSSL verified is matched; no application byte leaves before the verdict; a session is offered
 * for resumption only if its evidence passes today's pins; validation that was switched off after attaching fails the
 * handshake.  Early data is off.
 *
 * It does not promise anything about an SSL_CTX whose certificate verification callback is replaced afterwards by
 * SSL_CTX_set_cert_verify_callback(), nor about a process that its owner has tampered with.
 */
#ifndef PINTLE_OPENSSL_H
#define PINTLE_OPENSSL_H

#include <pintle/checker.h>

#include <openssl/ssl.h>

PINTLE_BEGIN_DECLS

/*
 * Pins ctx: sets SSL_VERIFY_PEER, the certificate verification callback and an info callback (one that was set before is
 * chained).  Keeps its own reference to checker until ctx is freed.  Call it once, before the first SSL_new().
 * PINTLE_ERR_MISUSE (a NULL argument, attached already), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_openssl_attach(SSL_CTX *ctx, struct pintle_checker *checker);

/*
 * Says which host this connection is for: sets SNI (not for an IP literal), the host name that ordinary validation
 * checks, and the host whose pins count.  Without it the host is taken from the verify parameters
 * (X509_VERIFY_PARAM_set1_host, _set1_ip); if there is none either, the handshake fails.
 * PINTLE_ERR_INPUT (not a host name), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_openssl_set_host(SSL *ssl, const char *host);

/*
 * The verdict on the last handshake of ssl; reason PINTLE_REASON_UNDECIDED and a status other than PINTLE_OK if there
 * was none.  Returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_openssl_verdict(SSL *ssl, struct pintle_verdict *verdict);

PINTLE_END_DECLS

#endif
