/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS session that an application keeps as bytes, together with what its full handshake proved: for libraries that have
 * no room for the evidence in their own form of a session.
 */
#ifndef PTI_TLS_ENVELOPE_H
#define PTI_TLS_ENVELOPE_H

#include <pintle/verdict.h>

struct pti_tls_envelope {
    char library;                    /* whose session it is, a letter for each adapter */
    char host[PINTLE_HOST_MAX + 1];  /* the certificate was verified for this name and no other */
    struct pintle_evidence evidence; /* of the chain that was verified */
    struct pintle_bytes session;     /* what the library wrote; borrowed */
};

/* The largest envelope without its session, in bytes. */
#define PTI_TLS_ENVELOPE_HEAD_MAX (8 + 8 + 1 + 1 + PINTLE_HOST_MAX + 2 + PINTLE_EVIDENCE_SERIALISED_MAX)

/* Writes everything but the session, which follows it, and returns how many bytes it took. */
size_t pti_tls_envelope_head(const struct pti_tls_envelope *envelope, uint8_t out[PTI_TLS_ENVELOPE_HEAD_MAX]);

/*
 * Reads an envelope of that library; session borrows from bytes.  PINTLE_ERR_INPUT: it is none, or damaged.  Damage is
 * found by a checksum, because libraries read their sessions trustingly (GnuTLS crashes over one that is cut short);
 * who can write an application's sessions at will has its secrets anyway.
 */
enum pintle_status pti_tls_envelope_read(struct pintle_bytes bytes, char library, struct pti_tls_envelope *envelope);

#endif
