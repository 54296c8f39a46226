/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/gnutls/chain.h"

#include <string.h>

#include <gnutls/x509.h>

/*
 * The function that hears of the steps is given neither session nor argument, so it finds its chain here: the one that is
 * being verified in this thread.  A validation may contain another (an issuer fetched over a pinned connection).
 */
static _Thread_local struct pti_gnutls_chain *verifying;

static void clear_step(struct pti_gnutls_step *step)
{
    gnutls_free(step->certificate.data);
    gnutls_free(step->issuer.data);
    memset(step, 0, sizeof *step);
}

void pti_gnutls_chain_clear(struct pti_gnutls_chain *chain)
{
    for (size_t i = 0; i < PTI_GNUTLS_STEPS; i++)
        clear_step(&chain->steps[i]);
    chain->count = 0;
}

/* Cheap, for every step; gnutls_x509_crt_check_issuer() costs a hundred times that. */
static bool is_self_issued(gnutls_x509_crt_t certificate)
{
    gnutls_datum_t subject = {NULL, 0}, issuer = {NULL, 0};
    bool equal = gnutls_x509_crt_get_raw_dn(certificate, &subject) < 0 ||
                 gnutls_x509_crt_get_raw_issuer_dn(certificate, &issuer) < 0 ||
                 (subject.size == issuer.size && memcmp(subject.data, issuer.data, subject.size) == 0);

    gnutls_free(subject.data);
    gnutls_free(issuer.data);
    return equal;
}

/* Not so a key that its predecessor has signed (RFC 4210, section 4.4), which is self-issued too. */
static bool is_self_signed(const gnutls_datum_t *der)
{
    gnutls_x509_crt_t certificate;
    bool itself;

    if (gnutls_x509_crt_init(&certificate) < 0)
        return true;
    itself = gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) < 0 ||
             gnutls_x509_crt_check_issuer(certificate, certificate) != 0;
    gnutls_x509_crt_deinit(certificate);
    return itself;
}

static int take_step(gnutls_x509_crt_t certificate, gnutls_x509_crt_t issuer, gnutls_x509_crl_t crl, unsigned output)
{
    struct pti_gnutls_chain *chain = verifying;
    struct pti_gnutls_step *step;

    if (chain == NULL || crl != NULL) /* a revocation list is no part of the path */
        return 0;
    step = &chain->steps[chain->seen++ % PTI_GNUTLS_STEPS];
    clear_step(step);
    if (gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &step->certificate) < 0 ||
        (issuer != NULL && gnutls_x509_crt_export2(issuer, GNUTLS_X509_FMT_DER, &step->issuer) < 0)) {
        chain->lost = true;
        return 0;
    }
    step->verified = issuer != NULL && output == 0;
    step->self_issued = is_self_issued(certificate);
    return 0;
}

static struct pintle_bytes bytes_of(const gnutls_datum_t *datum)
{
    return (struct pintle_bytes){datum->data, datum->size};
}

static bool same(struct pintle_bytes a, struct pintle_bytes b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/*
 * GnuTLS verifies from the anchor down, so the step of the leaf is the last, and each one before it is the next one up.
 * Where it is not, the chain ends: at the anchor, for what came before belongs to another attempt, or says that a
 * certificate was sent whose key an anchor has too.
 */
static void link_steps(struct pti_gnutls_chain *chain, struct pintle_bytes leaf)
{
    chain->der[0] = leaf;
    chain->count = 1;
    for (size_t i = 0; i < PTI_GNUTLS_STEPS && i < chain->seen; i++) {
        const struct pti_gnutls_step *step = &chain->steps[(chain->seen - 1 - i) % PTI_GNUTLS_STEPS];
        struct pintle_bytes issuer = bytes_of(&step->issuer);

        if (!step->verified || !same(bytes_of(&step->certificate), chain->der[chain->count - 1]) ||
            same(issuer, chain->der[chain->count - 1]) || (step->self_issued && is_self_signed(&step->certificate)))
            return;
        chain->der[chain->count++] = issuer;
    }
}

enum pintle_status pti_gnutls_chain_verify(gnutls_session_t session, const char *host, struct pti_gnutls_chain *chain)
{
    /* Purpose as well as name: by itself GnuTLS takes a certificate for clients too. */
    gnutls_typed_vdata_st wanted[] = {
        {.type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)host},
        {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER},
    };
    struct pti_gnutls_chain *outer = verifying;
    const gnutls_datum_t *sent;
    unsigned status = ~0u;
    int error;

    memset(chain, 0, sizeof *chain);
    gnutls_session_set_verify_output_function(session, take_step);
    verifying = chain;
    error = gnutls_certificate_verify_peers(session, wanted, sizeof wanted / sizeof wanted[0], &status);
    verifying = outer;
    if (chain->lost || error == GNUTLS_E_MEMORY_ERROR)
        return PINTLE_ERR_MEMORY;
    sent = gnutls_certificate_get_peers(session, NULL);
    if (error < 0 || status != 0 || sent == NULL)
        return PINTLE_ERR_TRUST;
    link_steps(chain, bytes_of(&sent[0]));
    return PINTLE_OK;
}
