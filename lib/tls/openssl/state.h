/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the adapter keeps with OpenSSL's objects, in their ex_data: so it lives exactly as long as they do, also when a
 * callback outlives the application's interest.
 */
#ifndef PTI_TLS_OPENSSL_STATE_H
#define PTI_TLS_OPENSSL_STATE_H

#include <stdatomic.h>

#include <pintle/openssl.h>

typedef void (*pti_openssl_info_fn)(const SSL *ssl, int where, int value);

/* Of an SSL_CTX.  Immutable once attached. */
struct pti_openssl_context {
    struct pintle_checker *checker;
    pti_openssl_info_fn info; /* the application's, set before ours; may be NULL */
};

/*
 * Of an SSL_SESSION: what its full handshake proved.  Immutable and reference-counted, for OpenSSL duplicates sessions
 * (each TLS 1.3 ticket is one) and applications share them between threads.
 */
struct pti_openssl_evidence {
    atomic_size_t references;
    char host[PINTLE_HOST_MAX + 1]; /* the certificate was verified for this name and no other */
    struct pintle_evidence evidence;
};

enum pti_openssl_phase {
    PTI_OPENSSL_IDLE,    /* no handshake so far */
    PTI_OPENSSL_STARTED, /* a handshake has begun, nothing is decided */
    PTI_OPENSSL_OFFERED, /* a session is offered; verdict is what counts if the server resumes it */
    PTI_OPENSSL_DECIDED, /* the server's certificate was verified; verdict holds what came of it */
    PTI_OPENSSL_FINISHED /* verdict is final */
};

/* Of an SSL; used by the one thread that uses the SSL. */
struct pti_openssl_connection {
    struct pintle_verdict verdict;
    enum pti_openssl_phase phase;
    const SSL_SESSION *offered;      /* only to compare with */
    char host[PINTLE_HOST_MAX + 1];  /* given to pintle_openssl_set_host(); "" if it was not called */
    pti_openssl_info_fn info;        /* the application's, in whose place for this SSL ours was put; may be NULL */
    X509_STORE_CTX_verify_cb verify; /* the application's, while X509_verify_cert() runs */
};

/* False if OpenSSL has no memory for its tables.  Everything below is only called after it returned true once. */
bool pti_openssl_state_init(void);

/* NULL if ctx is not attached.  Borrowed. */
struct pti_openssl_context *pti_openssl_context_get(const SSL_CTX *ctx);
/* ctx takes context over on success. */
bool pti_openssl_context_set(SSL_CTX *ctx, struct pti_openssl_context *context);
void pti_openssl_context_free(struct pti_openssl_context *context);

/* Borrowed; get is NULL if there is none so far, need makes one and is NULL without memory. */
struct pti_openssl_connection *pti_openssl_connection_get(const SSL *ssl);
struct pti_openssl_connection *pti_openssl_connection_need(SSL *ssl);

/* NULL if there is none: the session is from elsewhere.  Borrowed from session. */
const struct pti_openssl_evidence *pti_openssl_evidence_get(const SSL_SESSION *session);
/* Takes evidence over.  Without memory the session just has none, and will never be offered. */
void pti_openssl_evidence_take(SSL_SESSION *session, struct pti_openssl_evidence *evidence);
void pti_openssl_evidence_free(struct pti_openssl_evidence *evidence);

#endif
