/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordinary validation, and the chain that it verified.  GnuTLS does not hand that chain over; it names each step of its way,
 * certificate and issuer, also those of attempts that led nowhere and of certificates beside the path.  So the chain is
 * linked from the leaf upwards, never collected.
 */
#ifndef PTI_TLS_GNUTLS_CHAIN_H
#define PTI_TLS_GNUTLS_CHAIN_H

#include <gnutls/gnutls.h>

#include <pintle/evidence.h>

/*
 * Longer than a usable chain, so that one that is too long shows: the last steps of a validation are those of the chain,
 * leaf last.
 */
#define PTI_GNUTLS_STEPS (PINTLE_CHAIN_MAX + 1)

struct pti_gnutls_step {
    gnutls_datum_t certificate, issuer; /* DER, copies: GnuTLS frees its own before it returns; issuer may be empty */
    bool verified;                      /* by that issuer, with nothing to say against it */
    bool self_issued;                   /* certificate bears the same name twice: as a root does, but not only */
};

struct pti_gnutls_chain {
    struct pintle_bytes der[PTI_GNUTLS_STEPS + 1]; /* leaf first; borrowed from the session and from steps */
    size_t count;
    struct pti_gnutls_step steps[PTI_GNUTLS_STEPS]; /* the last ones; a ring */
    size_t seen;                                    /* steps so far; the next goes to seen % PTI_GNUTLS_STEPS */
    bool lost;                                      /* one could not be kept for lack of memory */
};

/*
 * Validates what the server showed in this handshake, for host, as a TLS server; on PINTLE_OK chain is what was verified.
 * PINTLE_ERR_TRUST, PINTLE_ERR_MEMORY.  Always to be followed by pti_gnutls_chain_clear().
 */
enum pintle_status pti_gnutls_chain_verify(gnutls_session_t session, const char *host, struct pti_gnutls_chain *chain);
void pti_gnutls_chain_clear(struct pti_gnutls_chain *chain);

#endif
