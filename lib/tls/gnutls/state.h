/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the adapter keeps with a session: as the data of an extension that is never sent.  GnuTLS frees it with the session,
 * and the application's own pointer (gnutls_session_set_ptr) stays the application's.
 */
#ifndef PTI_TLS_GNUTLS_STATE_H
#define PTI_TLS_GNUTLS_STATE_H

#include <pintle/gnutls.h>

enum pti_gnutls_phase {
    PTI_GNUTLS_IDLE,    /* no ClientHello so far */
    PTI_GNUTLS_STARTED, /* ClientHello is on its way, nothing is decided */
    PTI_GNUTLS_OFFERED, /* with a kept session; verdict is what counts if the server resumes it */
    PTI_GNUTLS_DECIDED, /* verdict holds what came of the server's certificate, or why there was no asking */
    PTI_GNUTLS_PASSED   /* accepted, and the first Finished was let through */
};

/* Used by the one thread that shakes hands. */
struct pti_gnutls_connection {
    struct pintle_checker *checker;
    struct pintle_verdict verdict;
    enum pti_gnutls_phase phase;
    bool established;                /* a handshake has passed: this one is a renegotiation */
    char host[PINTLE_HOST_MAX + 1];  /* given to pintle_gnutls_set_host(); "" if it was not called */
    struct pintle_evidence evidence; /* behind an acceptance */

    /* The kept session that may be offered, as GnuTLS wrote it; empty if there is none. */
    gnutls_datum_t kept;
    bool kept_tls13;
    bool given_once; /* GnuTLS has it, and loses memory over a second time (TLS 1.3) */
    char kept_host[PINTLE_HOST_MAX + 1];
    struct pintle_evidence kept_evidence;
};

/* NULL if session is not attached.  Borrowed. */
struct pti_gnutls_connection *pti_gnutls_connection_get(gnutls_session_t session);

/*
 * Makes the connection of a session; at_hello is called whenever a ClientHello is written, and a negative result ends the
 * handshake.  PINTLE_ERR_MISUSE (there is one), PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_gnutls_connection_new(gnutls_session_t session, struct pintle_checker *checker,
                                             int (*at_hello)(gnutls_session_t, gnutls_buffer_t));

#endif
