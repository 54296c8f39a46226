/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the adapter keeps for mbedTLS's objects.  They have no place for it, and tell nobody when they go: a context is found
 * through the callbacks of its configuration, a connection through those of its mbedtls_ssl_context, and both live until
 * the application gives them back.
 */
#ifndef PTI_TLS_MBEDTLS_STATE_H
#define PTI_TLS_MBEDTLS_STATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <pintle/mbedtls.h>

#include "tls/mbedtls/fields.h"

#define PTI_MBEDTLS_MASTER_SIZE 48 /* RFC 5246, section 8.1 */

typedef int pti_mbedtls_verify_fn(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);
typedef int pti_mbedtls_random_fn(void *ctx, unsigned char *out, size_t size);

/* Of an mbedtls_ssl_config and the connections made with it.  Immutable once attached. */
struct pti_mbedtls_context {
    atomic_size_t references;
    struct pintle_checker *checker;
    const mbedtls_ssl_config *conf; /* not used once detached */
    pti_mbedtls_verify_fn *verify;  /* the application's, set before ours; may be NULL */
    void *verify_ctx;
    pti_mbedtls_random_fn *random; /* the application's */
    void *random_ctx;
};

enum pti_mbedtls_phase {
    PTI_MBEDTLS_IDLE,    /* no handshake so far */
    PTI_MBEDTLS_STARTED, /* a handshake has begun, nothing is decided */
    PTI_MBEDTLS_OFFERED, /* a session is offered, whose evidence counts if the server resumes it */
    PTI_MBEDTLS_DECIDED, /* the server's certificate was verified; verdict holds what came of it */
    PTI_MBEDTLS_FINISHED /* verdict is final */
};

/* The wire below mbedTLS: the application's functions, and where the last of them stopped within a record, or NULL. */
struct pti_mbedtls_wire {
    mbedtls_ssl_send_t *send;
    mbedtls_ssl_recv_t *recv;
    mbedtls_ssl_recv_timeout_t *recv_timeout;
    void *ctx;
    const unsigned char *rest;
};

/* Of an mbedtls_ssl_context; used by the one thread that uses that. */
struct pti_mbedtls_connection {
    struct pti_mbedtls_context *context;
    mbedtls_ssl_context *ssl;
    enum pti_mbedtls_phase phase;
    struct pintle_verdict verdict;
    struct pintle_evidence evidence;             /* of the chain decided on, or of the session offered */
    uint8_t master[PTI_MBEDTLS_MASTER_SIZE];     /* of the session offered */
    char host[PINTLE_HOST_MAX + 1];              /* "" if none could be set */
    bool is_address;                             /* the host is an address, which is as bad as none */
    struct pintle_bytes chain[PINTLE_CHAIN_MAX]; /* collected from the anchor down to the leaf */
    int next_depth;                              /* expected; -1: none, a new chain begins */
    size_t chain_size;
    bool failed;                   /* ordinary validation found fault with this chain */
    pti_mbedtls_verify_fn *verify; /* the application's of this connection; may be NULL */
    void *verify_ctx;
    struct pti_mbedtls_wire wire;
};

/* NULL if conf is not attached.  Borrowed. */
struct pti_mbedtls_context *pti_mbedtls_context_get(const mbedtls_ssl_config *conf);
void pti_mbedtls_context_free(struct pti_mbedtls_context *context);

/* NULL if no host was ever set.  Borrowed. */
struct pti_mbedtls_connection *pti_mbedtls_connection_get(const mbedtls_ssl_context *ssl);
/* Makes one if there is none; NULL without memory. */
struct pti_mbedtls_connection *pti_mbedtls_connection_need(mbedtls_ssl_context *ssl,
                                                           struct pti_mbedtls_context *context);
void pti_mbedtls_connection_free(struct pti_mbedtls_connection *connection);

/* The next handshake is another one: nothing is decided about it. */
void pti_mbedtls_forget(struct pti_mbedtls_connection *connection);
/* The same, and mbedTLS is back to before any handshake, without a session to offer.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_mbedtls_start_over(struct pti_mbedtls_connection *connection);
/* Once the handshake is over, makes the verdict final: a rejection unless something accepted this very handshake. */
void pti_mbedtls_settle(struct pti_mbedtls_connection *connection);
/* Settles; an acceptance counts while the handshake is over: before, the server has not proved that the key is its own. */
bool pti_mbedtls_is_accepted(struct pti_mbedtls_connection *connection);
/* Will ordinary validation be done, and for this host?  PINTLE_REASON_UNDECIDED if so, and else why not. */
enum pintle_reason pti_mbedtls_validation(const struct pti_mbedtls_connection *connection);

#endif
