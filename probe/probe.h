/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host serves, over real TLS.
 *
 * It shows; it does not trust.  The handshake is completed whatever the certificates are, no application byte is sent,
 * and what was seen is no proof of who owns the key: an interceptor shows its own.  Ordinary validation is reported
 * beside it, because a pin matches in the verified chain and not in the one that was sent.
 */
#ifndef PTI_PROBE_PROBE_H
#define PTI_PROBE_PROBE_H

#include <pintle/pinset.h>

#include "probe/dial.h"

#define PTI_PROBE_NAME_SIZE 512 /* of a distinguished name, cut, with terminator */
#define PTI_PROBE_CERTIFICATES_MAX (2 * PINTLE_CHAIN_MAX)

/* Which certificate to ask for, of a server that has several. */
enum pti_probe_key { PTI_PROBE_KEY_ANY, PTI_PROBE_KEY_ECDSA, PTI_PROBE_KEY_RSA };

struct pti_probe_request {
    struct pti_endpoint host;           /* the name that is asked for and validated */
    const struct pti_endpoint *connect; /* where to go instead of resolving host; NULL */
    const char *ca_file;                /* PEM bundle in place of the machine's trust store; NULL */
    enum pti_probe_key key;
    int64_t timeout_ms;           /* of one handshake */
    const atomic_bool *cancelled; /* once true, it fails soon; NULL */
};

struct pti_probe_certificate {
    int sent_at;  /* position as sent; -1: not sent, it comes from the trust store */
    int chain_at; /* position in the verified chain, which is where pins look; -1: not part of it */
    char subject[PTI_PROBE_NAME_SIZE], issuer[PTI_PROBE_NAME_SIZE]; /* RFC 4514, printable ASCII */
    int64_t not_before, not_after;                                  /* Unix seconds */
    char key[40];                                                   /* "EC P-256", "RSA 2048" */
    uint8_t spki[PINTLE_SHA256_SIZE], cert[PINTLE_SHA256_SIZE];
};

struct pti_probe_result {
    char address[PTI_DIAL_ADDRESS_SIZE]; /* with its port; empty if nobody answered */
    char protocol[16];                   /* "TLSv1.3" */
    bool valid;                          /* ordinary validation: chain, host name, time */
    char validation[128];                /* "ok", or what it found wrong */
    /* The verified chain if there is one, leaf first, then what was sent beside it; else what was sent. */
    struct pti_probe_certificate certificates[PTI_PROBE_CERTIFICATES_MAX];
    size_t count;
};

/*
 * PINTLE_ERR_NETWORK (no connection, no handshake, no certificate), PINTLE_ERR_INPUT (ca_file cannot be read; more than
 * PINTLE_CHAIN_MAX certificates; one that does not parse), PINTLE_ERR_MEMORY.  A chain that is not valid is PINTLE_OK.
 */
enum pintle_status pti_probe(const struct pti_probe_request *request, struct pti_probe_result *result,
                             struct pti_error *error);

/* Whether pti_probe() can use ca_file.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY. */
enum pintle_status pti_probe_check_ca(const char *ca_file, struct pti_error *error);

/* What one edge (an address) shows of one kind of key. */
enum pti_probe_outcome {
    PTI_PROBE_FAILED,     /* no connection, no handshake, or none that can be read: nothing is known */
    PTI_PROBE_NOT_SERVED, /* it speaks TLS, and has no such certificate: an answer, not a failure */
    PTI_PROBE_SERVED
};
const char *pti_probe_outcome_name(enum pti_probe_outcome outcome); /* "failed", "not_served", "served"; static */

/*
 * pti_probe(), and where the peer refuses what request->key asks for, a second handshake that asks for any: only a
 * server that then shows the other kind has no such certificate.  *result is filled if it is PTI_PROBE_SERVED, *error
 * if not.
 */
enum pti_probe_outcome pti_probe_edge(const struct pti_probe_request *request, struct pti_probe_result *result,
                                      struct pti_error *error);

/* Empty if ordinary validation failed: there is no verified chain then. */
void pti_probe_evidence(const struct pti_probe_result *result, struct pintle_evidence *evidence);

/*
 * What a client that holds pinset would decide on what was served for host, at time now: the decision function's
 * verdict, or PINTLE_REASON_VALIDATION_FAILED, after which no client asks it.
 */
void pti_probe_judge(const struct pti_probe_result *result, const struct pintle_pinset *pinset, const char *host,
                     int64_t now, struct pintle_verdict *verdict);

/*
 * What to pin, and what not to, in the light of result at time now (Unix seconds): line by line, for people.  other is
 * the result with the other kind of key, or NULL if the server has one kind only.
 */
void pti_probe_advise(const struct pti_probe_result *result, const struct pti_probe_result *other, const char *host,
                      int64_t now, void (*line)(void *ctx, const char *text), void *ctx);

/* Said wherever something seen on the network might be mistaken for an identity. */
extern const char pti_probe_warning[];

#endif
