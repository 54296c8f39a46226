/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a client reaches the network.  libpintle-curl-transport brings one; an application may bring its own.
 * A transport sends no cookies and no credentials, follows no redirect, and is never pinned by what it delivers: the
 * manifest authenticates itself.
 */
#ifndef PINTLE_TRANSPORT_H
#define PINTLE_TRANSPORT_H

#include <pintle/bytes.h>
#include <pintle/export.h>
#include <pintle/status.h>

PINTLE_BEGIN_DECLS

struct pintle_request {
    size_t size;              /* sizeof of what the caller knows; fields beyond it do not exist */
    const char *method;       /* "GET" or "POST" */
    const char *url;          /* absolute */
    const char *content_type; /* NULL without a body */
    struct pintle_bytes body;
    size_t max_response;           /* bytes given to the sink; a transport may stop early when more are announced */
    int64_t timeout_ms;            /* for the whole transfer, more than 0 */
    unsigned min_bytes_per_second; /* abort when slower than this for ten seconds; 0: no floor */
    const char *manifest; /* value for the header `Pintle-Manifest`; NULL: none.  A transport may leave it out */
};

struct pintle_response {
    size_t size;           /* set by the caller */
    int status;            /* HTTP status */
    int64_t retry_after_s; /* seconds from Retry-After (RFC 9110, section 10.2.3); -1 if absent or unreadable */
};

struct pintle_transport {
    size_t size; /* sizeof(struct pintle_transport) as compiled */
    void *ctx;
    /*
     * Performs one request and pours the body of a 2xx response into sink; the body of any other response may be dropped.
     * What the sink gets is the body itself: a transport asks for no content encoding that it does not undo, refuses any
     * other, and bounds the bytes that arrive as well as those that come out (a client works with none at all).
     * PINTLE_OK means that a complete response with any HTTP status arrived.  PINTLE_ERR_NETWORK otherwise (a sink that
     * stops included), PINTLE_ERR_MISUSE (another method, no timeout), with one line in detail.  Called by one thread at a
     * time.
     */
    enum pintle_status (*perform)(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size);
    /*
     * Makes a perform that is under way in another thread return soon with PINTLE_ERR_NETWORK; a later one is not affected,
     * so a caller that must be sure repeats it.  May be NULL.
     */
    void (*cancel)(void *ctx);
    /* Frees ctx.  Called once, by whoever owns the transport.  May be NULL. */
    void (*free)(void *ctx);
};

PINTLE_END_DECLS

#endif
