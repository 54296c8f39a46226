/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpintle-gnutls: pins a client session of GnuTLS 3.6.5 and later, TLS 1.2 and 1.3.
 *
 * It promises: ordinary validation (chain, host name, purpose, time) runs first and is required; only the chain that GnuTLS
 * verified is matched; no application byte leaves before the verdict; a session is offered for resumption only out of
 * pintle_gnutls_session_set(), to the host it was made for, and only if its evidence passes today's pins.  What was
 * switched off or put in another's place after attaching (the verify function, the session data), credentials without
 * certificate (anonymous, pre-shared key, SRP) and raw public keys do not get through.  Early data is off: a ClientHello
 * that announces it is not sent, and its connection fails.
 *
 * It does not promise anything about a session whose handshake hook is replaced while the handshake is under way, about
 * certificates that the application trusts by name (gnutls_x509_trust_list_add_named_crt()), nor about a process that its
 * owner has tampered with.
 *
 * GnuTLS does not tell what stands in the places that attaching takes: a verify function, verify output function or
 * handshake hook of the application's, set before, is not called any more; gnutls_session_set_ptr() stays the application's.
 *
 * A refused gnutls_handshake() returns GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR, and again when it is called again.  The
 * peer sees the alert bad_certificate if the application sends one (gnutls_alert_send_appropriate()), as after any other
 * failure.
 * A session is used by one thread at a time; credentials may be shared.
 */
#ifndef PINTLE_GNUTLS_H
#define PINTLE_GNUTLS_H

#include <pintle/checker.h>

#include <gnutls/gnutls.h>

PINTLE_BEGIN_DECLS

/*
 * Pins session, made by gnutls_init(..., GNUTLS_CLIENT): sets its verify function and its handshake hook.  Keeps its own
 * reference to checker until gnutls_deinit().  Call it once, before gnutls_handshake(), after
 * gnutls_session_set_verify_cert() if that is called at all.  The trust stays the application's: the certificate
 * credentials of the session.  The session of a server, or of DTLS, does not get through its handshake any more.
 * PINTLE_ERR_MISUSE (a NULL argument, attached already), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_gnutls_attach(gnutls_session_t session, struct pintle_checker *checker);

/*
 * Says which host this connection is for: sets SNI (not for an IP literal), the host name that ordinary validation
 * checks, and the host whose pins count.  Without it the handshake fails.
 * PINTLE_ERR_INPUT (not a host name), PINTLE_ERR_MISUSE (a NULL argument, or session is not attached),
 * PINTLE_ERR_MEMORY.  On failure the connection has no host, and its handshake fails.
 */
PINTLE_API enum pintle_status pintle_gnutls_set_host(gnutls_session_t session, const char *host);

/*
 * The verdict on the last handshake of session; an acceptance only once that handshake is complete.  Reason
 * PINTLE_REASON_UNDECIDED and status PINTLE_ERR_MISUSE if it did not get as far as a verdict.  Returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_gnutls_verdict(gnutls_session_t session, struct pintle_verdict *verdict);

/*
 * gnutls_session_get_data2() for pinned sessions: what it writes carries the evidence of the full handshake along.  On
 * PINTLE_OK data->data is the caller's, for gnutls_free(); it is as secret as the connection was.
 * PINTLE_ERR_MISUSE (a NULL argument, or no accepted handshake), PINTLE_ERR_UNSUPPORTED (GnuTLS has no session to give),
 * PINTLE_ERR_MEMORY; data is then empty.
 */
PINTLE_API enum pintle_status pintle_gnutls_session_get(gnutls_session_t session, gnutls_datum_t *data);

/*
 * Offers what pintle_gnutls_session_get() wrote, once, after pintle_gnutls_set_host() and before gnutls_handshake().  A
 * session set by gnutls_session_set_data() ends the handshake if the server resumes it.
 * Unless it returns PINTLE_OK nothing is offered and the handshake is a full one: PINTLE_ERR_INPUT (not such data, of
 * another host, or GnuTLS does not take it), PINTLE_ERR_MISUSE (a NULL argument, not attached, no host, too late, or
 * called before), the rejection of today's pins, or PINTLE_ERR_MEMORY, after which the handshake may fail.  If the pins
 * reject it between this call and ClientHello, the handshake fails with their verdict.
 */
PINTLE_API enum pintle_status pintle_gnutls_session_set(gnutls_session_t session, const gnutls_datum_t *data);

PINTLE_END_DECLS

#endif
