/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpintle-mbedtls: pins every client connection of an mbedtls_ssl_config, mbedTLS 2.28, TLS (not DTLS) up to 1.2.
 *
 * It promises: ordinary validation runs first and is strict (an application's verify callback can refuse more, but not
 * clear a flag); only the chain that mbedTLS verified is matched, its trust anchor included; no application byte leaves
 * or is read before the verdict; a connection for which no host was set, whose authmode is not REQUIRED, or whose host
 * name or verify callback was replaced does not get through, nor does one under a pre-shared key; each connection is
 * decided anew, after mbedtls_ssl_session_reset() and at a renegotiation too.  A session that was not set by
 * pintle_mbedtls_session_set() is not resumed: if it was given to mbedTLS before the host was set, there is a full
 * handshake; if afterwards, the connection is refused.
 *
 * It does not promise anything about an mbedtls_ssl_context both whose BIO and whose verify callback are replaced after
 * pintle_mbedtls_set_host(), about objects that are copied or moved in memory after they were attached or given a host, nor
 * about a process that its owner has tampered with.  An IP address is no host here: mbedTLS 2.28 cannot match it with a
 * certificate.  It verifies chains of at most ten certificates (MBEDTLS_X509_MAX_INTERMEDIATE_CA and two).
 *
 * A refused handshake fails with MBEDTLS_ERR_X509_FATAL_ERROR, the peer sees the alert access_denied; where ordinary
 * validation failed, error, alert and mbedtls_ssl_get_verify_result() are those of mbedTLS.  What was not decided by a
 * certificate fails at the first application record with MBEDTLS_ERR_X509_CERT_VERIFY_FAILED.
 *
 * mbedTLS calls nobody when its objects go: what Pintle keeps for them is given back by pintle_mbedtls_release() and
 * pintle_mbedtls_detach().  An mbedtls_ssl_context is used by one thread at a time; an mbedtls_ssl_config may be shared,
 * once it is attached.
 */
#ifndef PINTLE_MBEDTLS_H
#define PINTLE_MBEDTLS_H

#include <pintle/bytes.h>
#include <pintle/checker.h>

#include <mbedtls/ssl.h>

PINTLE_BEGIN_DECLS

/*
 * Pins conf: sets MBEDTLS_SSL_VERIFY_REQUIRED, a verify callback (one that is there already is chained) and a random
 * generator that calls the one that is there, and stops handshakes should the former two change.  Call it once, when conf
 * is complete and before connections are set up with it.  Keeps its own reference to checker until
 * pintle_mbedtls_detach().  The trusted certificates stay the application's: without any, every handshake fails.
 * PINTLE_ERR_MISUSE (a NULL argument, attached already, not for clients, no random generator yet),
 * PINTLE_ERR_UNSUPPORTED (DTLS), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_mbedtls_attach(mbedtls_ssl_config *conf, struct pintle_checker *checker);

/*
 * Says which host the connection that ssl makes next is for: sets the host name that SNI carries and ordinary validation
 * checks, and the host whose pins count.  Call it before the handshake and after mbedtls_ssl_set_bio(), whose functions
 * it wraps; once more whenever either is set anew.  A session that was set before is dropped.
 * PINTLE_ERR_INPUT (not a host name), PINTLE_ERR_UNSUPPORTED (an IP address), PINTLE_ERR_MISUSE (a NULL argument, the
 * configuration is not attached, no BIO is set, the handshake has begun), PINTLE_ERR_MEMORY.  On failure the connection has
 * no host, and its handshake fails.
 */
PINTLE_API enum pintle_status pintle_mbedtls_set_host(mbedtls_ssl_context *ssl, const char *host);

/*
 * The verdict on the last handshake of ssl; an acceptance only once that handshake is complete.  Reason
 * PINTLE_REASON_UNDECIDED and status PINTLE_ERR_MISUSE if it did not get as far as a verdict.  Returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_mbedtls_verdict(mbedtls_ssl_context *ssl, struct pintle_verdict *verdict);

/*
 * Gives back what is kept for ssl: call it before mbedtls_ssl_free(), after the last write.  From here on ssl sends and
 * receives nothing.  NULL and a connection without host are legal.
 */
PINTLE_API void pintle_mbedtls_release(mbedtls_ssl_context *ssl);

/*
 * Gives back what is kept for conf: call it before mbedtls_ssl_config_free(), while no other thread uses conf.  Connections
 * that have a host stay pinned; new ones are refused.  NULL and a configuration that is not attached are legal.
 */
PINTLE_API void pintle_mbedtls_detach(mbedtls_ssl_config *conf);

/*
 * Writes the session of an accepted connection together with the evidence that it was accepted on, for
 * pintle_mbedtls_session_set(); *size is how long that is.  out holds the keys of the session: keep it as secret and as
 * unaltered as mbedtls_ssl_session_save() asks.
 * PINTLE_ERR_MISUSE (a NULL argument, no accepted connection, or capacity is less than *size), PINTLE_ERR_UNSUPPORTED
 * (TLS 1.3), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_mbedtls_session_get(mbedtls_ssl_context *ssl, uint8_t *out, size_t capacity,
                                                         size_t *size);

/*
 * Offers a saved session for resumption, if it is one of the host that was set and its evidence passes today's pins.
 * Call it after pintle_mbedtls_set_host().  Whatever else it returns, the connection makes a full handshake:
 * PINTLE_ERR_INPUT (nothing that pintle_mbedtls_session_get() of this mbedTLS wrote), PINTLE_ERR_TRUST (of another host),
 * the status of a verdict that refuses, PINTLE_ERR_MISUSE (a NULL argument, no host set, the handshake has begun),
 * PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_mbedtls_session_set(mbedtls_ssl_context *ssl, struct pintle_bytes saved);

PINTLE_END_DECLS

#endif
