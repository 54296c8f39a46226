/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the adapter keeps for each attached easy handle, and where it finds that again.
 *
 * libcurl has nothing to hang data on an easy handle that goes when the handle goes, and curl_easy_duphandle() copies every
 * pointer it was given.  So libcurl is given the handle itself as the data of our callbacks, and what we keep is looked up
 * by it: a copy, or a handle that was released, finds nothing, and is refused.
 */
#ifndef PTI_TLS_CURL_HANDLE_H
#define PTI_TLS_CURL_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <pintle/curl.h>

/* Somebody who is told of each request that is let through, just before its headers are made. */
struct pti_curl_listener {
    void (*request)(void *ctx, const struct pintle_verdict *verdict, bool encrypted); /* NULL: nobody */
    void (*free)(void *ctx); /* the easy handle is still there */
    void *ctx;
};

/*
 * Of an attached easy handle, and of each SSL_CTX made for it.  What is below the line is used by the thread alone that uses
 * the handle.
 */
struct pti_curl_handle {
    atomic_size_t references;
    struct pti_curl_handle *next; /* in its bucket */
    CURL *easy;                   /* not to be used by an SSL_CTX, which may outlive it */
    const char *peer;             /* where libcurl writes the peer's address for this handle, and for no other */
    struct pintle_checker *checker;
    pthread_mutex_t lock; /* for verdict alone: a server may renegotiate whenever somebody uses its connection */
    struct pintle_verdict verdict; /* pti_curl_note(), pti_curl_noted() */
    /* ---- */
    curl_ssl_ctx_callback ssl_ctx_function;
    void *ssl_ctx_data;
    curl_prereq_callback prereq_function;
    void *prereq_data;
    struct pti_curl_listener listener;
    bool limited;                    /* pintle_curl_set_host() was called */
    char limit[PINTLE_HOST_MAX + 1]; /* with this; "" refuses all */
    /* Of the transfer of this moment, until pti_curl_begin(). */
    unsigned requests; /* let through */
    bool retry;        /* its handshake was refused with PINTLE_ERR_RETRY */
    bool outdated;     /* refused because of a connection that libcurl had kept, before any request */
    /* Of its tries so far, until it ends. */
    bool healed;
    unsigned reconnects;
};

/* NULL if easy is not attached.  The caller owns one reference. */
struct pti_curl_handle *pti_curl_handle_get(CURL *easy);
/* Makes what is kept for easy, in place of what was.  The registry owns one reference.  False without memory. */
bool pti_curl_handle_add(CURL *easy, struct pintle_checker *checker);
/* Forgets easy, whether it was known or not. */
void pti_curl_handle_remove(CURL *easy);

struct pti_curl_handle *pti_curl_handle_ref(struct pti_curl_handle *handle);
void pti_curl_handle_free(struct pti_curl_handle *handle);

/* The handle, which nobody else needs, takes listener over and lets go of the one before. */
void pti_curl_listen(struct pti_curl_handle *handle, const struct pti_curl_listener *listener);

void pti_curl_note(struct pti_curl_handle *handle, const struct pintle_verdict *verdict);
struct pintle_verdict pti_curl_noted(struct pti_curl_handle *handle);

/* A transfer begins, or is tried again. */
void pti_curl_begin(struct pti_curl_handle *handle);

#endif
