/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake, from ClientHello to verdict:
 *
 *   start    forgets the verdict before, and takes away a session that would not be accepted today;
 *   verify   ordinary validation, then the pins; BoringSSL asks it when a session is resumed, too, which makes up for a
 *            start that the application's info callback has replaced;
 *   finish   no verdict, no connection.
 */
#ifndef PTI_TLS_BORINGSSL_HANDSHAKE_H
#define PTI_TLS_BORINGSSL_HANDSHAKE_H

#include "tls/boringssl/state.h"
#include "tls/verdict.h"

/* Switches off for this connection what has no certificate or comes before its verification, and makes ours the info callback. */
void pti_boringssl_arm(SSL *ssl, struct pti_boringssl_connection *connection);

/* The info callback: start and finish. */
void pti_boringssl_info(const SSL *ssl, int where, int value);

/* The custom verification. */
enum ssl_verify_result_t pti_boringssl_verify(SSL *ssl, uint8_t *alert);

/*
 * Validates the chain of the session that ssl has now, offers, or is about to have, and asks the pins; the verdict is the connection's.
 * report: tell the checker, which then heals and reports.  Returns the error of X.509 or X509_V_OK.
 */
int pti_boringssl_judge(const struct pti_boringssl_context *context, SSL *ssl,
                        struct pti_boringssl_connection *connection, bool report);

/* If the handshake is over, makes the verdict final: a rejection unless something accepted this very handshake. */
void pti_boringssl_settle(SSL *ssl, struct pti_boringssl_connection *connection);

#endif
