/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake, from ClientHello to verdict:
 *
 *   hello    while ClientHello is written: forgets the verdict before, asks today's pins about a session to be offered, and
 *            takes the place of the handshake hook, should the application have put another function there;
 *   verify   ordinary validation, then the pins;
 *   hook     hears of the messages: no early data leaves, and without an acceptance no Finished.
 */
#ifndef PTI_TLS_GNUTLS_HANDSHAKE_H
#define PTI_TLS_GNUTLS_HANDSHAKE_H

#include "tls/gnutls/state.h"

int pti_gnutls_hello(gnutls_session_t session, gnutls_buffer_t extensions);
int pti_gnutls_verify(gnutls_session_t session);
int pti_gnutls_hook(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                    const gnutls_datum_t *message);

#endif
