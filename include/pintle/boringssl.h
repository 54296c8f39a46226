/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpintle-boringssl: pins every client connection of an SSL_CTX of BoringSSL, TLS 1.2 and 1.3.
 *
 * It promises: ordinary validation runs first and is strict (an application's verify callback can refuse more, but not
 * waive an error), always for the host of pintle_boringssl_set_host(); only the chain that BoringSSL verified is matched; no
 * application byte leaves before the verdict; a session, also one that was stored as bytes, is offered for resumption only
 * if the chain in it verifies now, for this host, and passes today's pins; validation that was switched off after
 * attaching, a cipher without certificate, or an external pre-shared key does not get through.  Early data and
 * renegotiation are off: a connection that renegotiates ends.
 *
 * It does not promise anything about an SSL_CTX whose certificate verification is replaced after attaching by
 * SSL_CTX_set_custom_verify() together with the info callback, about an SSL for which both are replaced after
 * pintle_boringssl_set_host(), about an SSL that SSL_set_SSL_CTX() moves to another SSL_CTX, about bytes of a session that an
 * attacker can write, nor about a process that its owner has tampered with.  A trust store that SSL_set0_verify_cert_store() gives to one
 * SSL is not asked: that of the SSL_CTX is.
 *
 * A refused handshake fails with SSL_R_CERTIFICATE_VERIFY_FAILED, the peer sees the alert handshake_failure, and
 * SSL_get_verify_result() is X509_V_ERR_APPLICATION_VERIFICATION; where ordinary validation failed, the alert is that of
 * BoringSSL.  An SSL is used by one thread at a time; an SSL_CTX and its sessions may be shared.  Server ends are left
 * alone.
 *
 * The names of BoringSSL's libraries and functions are those of OpenSSL: a program links one of the two.
 */
#ifndef PINTLE_BORINGSSL_H
#define PINTLE_BORINGSSL_H

#include <pintle/checker.h>

#include <openssl/ssl.h>

PINTLE_BEGIN_DECLS

/*
 * Pins ctx: sets SSL_VERIFY_PEER, the custom verification, also of resumed sessions, and an info callback (the
 * application's is chained, if it was set before this call or before pintle_boringssl_set_host()).  Keeps its own
 * reference to checker until ctx is freed.  Call it once, before the first SSL_new().  The trust store stays the
 * application's: without one every handshake fails.
 * PINTLE_ERR_MISUSE (a NULL argument, attached already), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_boringssl_attach(SSL_CTX *ctx, struct pintle_checker *checker);

/*
 * Says which host this connection is for: sets SNI (not for an IP literal), the host name that ordinary validation
 * checks, and the host whose pins count.  Without it the handshake fails.
 * PINTLE_ERR_INPUT (not a host name), PINTLE_ERR_MISUSE (a NULL argument, or the SSL_CTX is not attached),
 * PINTLE_ERR_MEMORY.  On failure the connection has no host, and its handshake fails.
 */
PINTLE_API enum pintle_status pintle_boringssl_set_host(SSL *ssl, const char *host);

/*
 * The verdict on the last handshake of ssl; an acceptance only once that handshake is complete.  Reason
 * PINTLE_REASON_UNDECIDED and status PINTLE_ERR_MISUSE if it did not get as far as a verdict.  Returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_boringssl_verdict(SSL *ssl, struct pintle_verdict *verdict);

PINTLE_END_DECLS

#endif
