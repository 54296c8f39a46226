/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the adapter keeps with BoringSSL's objects, in their ex_data: so it lives exactly as long as they do.  A session
 * needs nothing kept: it carries the certificates that were shown, and they are judged anew (verify.c).
 */
#ifndef PTI_TLS_BORINGSSL_STATE_H
#define PTI_TLS_BORINGSSL_STATE_H

#include <pintle/boringssl.h>

typedef void (*pti_boringssl_info_fn)(const SSL *ssl, int where, int value);

/* Of an SSL_CTX.  Immutable once attached. */
struct pti_boringssl_context {
    struct pintle_checker *checker;
    pti_boringssl_info_fn info; /* the application's, set before ours; may be NULL */
};

enum pti_boringssl_phase {
    PTI_BORINGSSL_IDLE,    /* no handshake so far */
    PTI_BORINGSSL_STARTED, /* a handshake has begun, nothing is decided */
    PTI_BORINGSSL_OFFERED, /* a session is offered; verdict is what counts if the server resumes it */
    PTI_BORINGSSL_DECIDED, /* the server's certificate was verified; verdict holds what came of it */
    PTI_BORINGSSL_FINISHED /* verdict is final */
};

/* Of an SSL; used by the one thread that uses the SSL. */
struct pti_boringssl_connection {
    struct pintle_verdict verdict;
    enum pti_boringssl_phase phase;
    char host[PINTLE_HOST_MAX + 1]; /* given to pintle_boringssl_set_host(); "" if it was not called */
    bool ip;                        /* host is an address */
    pti_boringssl_info_fn info;     /* the application's, in whose place for this SSL ours was put; may be NULL */
};

/* False if BoringSSL has no memory for its tables.  Everything below is only called after it returned true once. */
bool pti_boringssl_state_init(void);

/* NULL if ctx is not attached.  Borrowed. */
struct pti_boringssl_context *pti_boringssl_context_get(const SSL_CTX *ctx);
/* ctx takes context over on success. */
bool pti_boringssl_context_set(SSL_CTX *ctx, struct pti_boringssl_context *context);
void pti_boringssl_context_free(struct pti_boringssl_context *context);

/* Borrowed; get is NULL if there is none so far, need makes one and is NULL without memory. */
struct pti_boringssl_connection *pti_boringssl_connection_get(const SSL *ssl);
struct pti_boringssl_connection *pti_boringssl_connection_need(SSL *ssl);

#endif
