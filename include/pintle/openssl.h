/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpintle-openssl: pins every client connection of an SSL_CTX, OpenSSL 3.0 and later, TLS 1.2 and 1.3.
 *
 * It promises: ordinary validation runs first and is strict (an application's verify callback can refuse more, but not
 * waive an error); only the chain that OpenSSL verified is matched; no application byte leaves before the verdict; a
 * session is offered for resumption only to the host it was made for, and only if its evidence passes today's pins
 * (evidence survives SSL_SESSION_dup(), but not i2d_SSL_SESSION()); validation that was switched off after attaching, a
 * cipher without certificate, or an external pre-shared key does not get through.  Early data is off:
 * SSL_write_early_data() fails, and its connection with it.
 *
 * It does not promise anything about an SSL_CTX whose certificate verification callback is replaced afterwards by
 * SSL_CTX_set_cert_verify_callback(), about an SSL that SSL_set_SSL_CTX() moves to another SSL_CTX, nor about a process
 * that its owner has tampered with.
 *
 * A refused handshake fails with SSL_R_CERTIFICATE_VERIFY_FAILED as its first error, the peer sees the alert
 * handshake_failure, and SSL_get_verify_result() is X509_V_ERR_APPLICATION_VERIFICATION; where ordinary validation
 * failed, alert and result are those of OpenSSL.
 * An SSL is used by one thread at a time; an SSL_CTX and its sessions may be shared.  Server ends are left alone.
 */
#ifndef PINTLE_OPENSSL_H
#define PINTLE_OPENSSL_H

#include <pintle/checker.h>

#include <openssl/ssl.h>

PINTLE_BEGIN_DECLS

/*
 * Pins ctx: sets SSL_VERIFY_PEER, the certificate verification callback and an info callback (the application's is
 * chained, whether set before or afterwards).  Keeps its own reference to checker until ctx is freed.  Call it once,
 * before the first SSL_new().  The trust store stays the application's: without one every handshake fails.
 * PINTLE_ERR_MISUSE (a NULL argument, attached already), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_openssl_attach(SSL_CTX *ctx, struct pintle_checker *checker);

/*
 * Says which host this connection is for: sets SNI (not for an IP literal), the host name that ordinary validation
 * checks, and the host whose pins count.  Without it the host is taken from the verify parameters
 * (X509_VERIFY_PARAM_set1_host, _set1_ip); if there is none either, or several, the handshake fails.
 * PINTLE_ERR_INPUT (not a host name), PINTLE_ERR_MISUSE (a NULL argument, or the SSL_CTX is not attached),
 * PINTLE_ERR_MEMORY.  On failure the connection has no host, and its handshake fails.
 */
PINTLE_API enum pintle_status pintle_openssl_set_host(SSL *ssl, const char *host);

/*
 * The verdict on the last handshake of ssl; an acceptance only once that handshake is complete.  Reason
 * PINTLE_REASON_UNDECIDED and status PINTLE_ERR_MISUSE if it did not get as far as a verdict.  Returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_openssl_verdict(SSL *ssl, struct pintle_verdict *verdict);

/*
 * Would the connection that ssl has made be accepted now?  For who keeps connections open and uses them again later: pins
 * may have been withdrawn since.  Asks checker (NULL: the one that was attached) as pintle_checker_peek() does: no event, no
 * report, no refresh.  Reason PINTLE_REASON_UNDECIDED and status PINTLE_ERR_MISUSE: ssl never made a connection that was
 * accepted, or the evidence was lost for lack of memory.  Returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_openssl_recheck(SSL *ssl, struct pintle_checker *checker,
                                                     struct pintle_verdict *verdict);

PINTLE_END_DECLS

#endif
