/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connector is an application over one TLS adapter, as a stranger would write it, that does as it is told on standard
 * input (README.md).  The frame reads the orders, keeps the client and writes the answers; connect_<library>.c supplies
 * `const struct connector connector` and does nothing but connect.  It expects nothing and judges nothing: what is right
 * stands in the table of expectations alone.
 */
#ifndef SUITE_CONNECTOR_H
#define SUITE_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <pintle/pintle.h>

/* How long a connector waits for a server before it gives up, in milliseconds. */
#define CONNECT_TIMEOUT_MS 10000

enum connect_session {
    CONNECT_SESSION_NONE,  /* neither offer nor keep one */
    CONNECT_SESSION_KEEP,  /* keep the newest session of this connection in the context, in place of the one before */
    CONNECT_SESSION_RESUME /* offer the one kept, keep what comes of it */
};

/* What the application switches off, after attaching, in the way its library has for it. */
enum connect_verify {
    CONNECT_VERIFY_ON,
    CONNECT_VERIFY_OFF,     /* all ordinary validation */
    CONNECT_VERIFY_NAME_OFF /* the host name alone, after set_host */
};

/* One "connect" line.  Texts are never NULL and live until connect returns. */
struct connect_order {
    const char *host;    /* for set_host; "": it is not called, and nothing else says the name either */
    const char *address; /* of the server, IPv4 */
    const char *ca;      /* PEM file: the whole trust store */
    const char *path;    /* of the request */
    unsigned port;
    unsigned proxy; /* port of an HTTP proxy on the loopback address that is asked to CONNECT; 0: none */
    int min, max;   /* 2: TLS 1.2, 3: TLS 1.3 */
    enum connect_session session;
    enum connect_verify verify;
    bool sni;         /* false: the application takes SNI away after set_host */
    bool early;       /* offer the request as early data, with the session kept */
    bool nonblocking; /* the socket never blocks (libcurl: the multi interface) */
};

/* The answer.  All zero before connect; an answer that cannot be given says so in cannot, and nothing else counts then. */
struct connect_result {
    struct pintle_verdict verdict; /* of <adapter>_verdict() */
    bool finished;                 /* the library told the application that the handshake is complete */
    bool resumed;
    size_t sent;        /* bytes of the application that the library took */
    bool exchanged;     /* the server answered the request: HTTP 200 */
    int tls;            /* 2, 3; 0: none agreed */
    bool early;         /* the library took early data */
    char detail[240];   /* what the library said, one line */
    const char *cannot; /* why this library cannot do what was ordered; NULL: it can */
};

struct connector {
    const char *name; /* of the adapter, and where it has a version at run time, that */
    const char *(*version)(void);

    enum pintle_status (*crypto_new)(struct pintle_crypto **crypto);

    /*
     * What the application makes once and attaches: trust in order->ca, versions from order->min to order->max, the rest
     * as little as possible.  NULL: detail says why.  One context serves connections of several threads at once.
     */
    void *(*context_new)(struct pintle_checker *checker, const struct connect_order *order, char *detail, size_t size);
    void (*context_free)(void *context);

    /* One connection, from socket to close.  After a refusal it tries to write all the same, as careless code does. */
    void (*connect)(void *context, const struct connect_order *order, struct connect_result *result);

    /*
     * "Connect, on RETRY refresh and connect once more", if the adapter brings it; NULL: the frame does it with
     * pintle_client_heal().
     */
    void (*connect_healing)(void *context, struct pintle_client *client, const struct connect_order *order,
                            struct connect_result *result);
};

extern const struct connector connector;

/* A TCP connection to the server, through the proxy if there is one; never blocking if ordered.  -1: detail says why. */
int connector_dial(const struct connect_order *order, struct connect_result *result);

/* Waits until fd can be written, or read; false after CONNECT_TIMEOUT_MS. */
bool connector_wait(int fd, bool to_write);

/*
 * One request and its answer, read to the end so that tickets are seen.  write and read belong to the connector, wait where
 * the library wants to, and return how many bytes, 0 at the end, -1 on failure.
 */
void connector_exchange(const struct connect_order *order, struct connect_result *result, void *connection,
                        ssize_t (*write)(void *connection, const void *bytes, size_t size),
                        ssize_t (*read)(void *connection, void *bytes, size_t size));

/* The request, for libraries that write it themselves (early data).  Returns its length. */
size_t connector_request(const struct connect_order *order, char *text, size_t size);

/* Writes one line of detail, unless something stands there already: what is said first, counts. */
void connector_say(struct connect_result *result, const char *text);

#endif
