/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 listener.  http_mhd.c is the one file that knows which library is behind it.
 *
 * It promises: bounded connections, memory and idle time; a body that never exceeds what the handler allowed; handle()
 * is called once per complete request; a stopped listener has answered every request it had taken, or waited
 * PTI_HTTP_DRAIN_S for it.  It compresses nothing but what was compressed when it was published.
 */
#ifndef PTI_SERVER_HTTP_H
#define PTI_SERVER_HTTP_H

#include <stdbool.h>
#include <sys/socket.h>

#include <pintle/bytes.h>

#include "base/error.h"

#define PTI_ACTOR_SIZE 80 /* bytes with terminator */

enum pti_http_method { PTI_HTTP_GET, PTI_HTTP_HEAD, PTI_HTTP_POST, PTI_HTTP_DELETE, PTI_HTTP_OTHER };

struct pti_http_request {
    enum pti_http_method method;
    const char *path;            /* percent-decoded once, starts with '/', no NUL hidden in it */
    const char *content_type;    /* NULL if absent */
    const char *accept_encoding; /* likewise */
    const char *content_encoding;
    const char *forwarded_for; /* the last X-Forwarded-For; anybody may send it */
    const char *manifest;      /* Pintle-Manifest, likewise */
    struct pintle_bytes body;
    bool too_large;             /* the body exceeded body_max(); it is not there */
    char actor[PTI_ACTOR_SIZE]; /* who asks, for the journal, once that has been checked: "token:ci"; "" for nobody */
};

struct pti_http_response {
    unsigned code;
    const char *content_type;  /* NULL: no body */
    const char *cache_control; /* NULL: none sent */
    const char *allow;         /* NULL: none sent */
    const char *authenticate;  /* WWW-Authenticate; NULL: none sent */
    bool varies;               /* by Accept-Encoding */
    bool gzip;                 /* what is sent is compressed */
    unsigned retry_after_s;    /* 0: none sent */
    int fd;                    /* a regular file to send, closed by the listener; -1: body counts */
    uint64_t fd_size;
    struct pintle_bytes body; /* malloc'ed; the listener frees it */
};
#define PTI_HTTP_RESPONSE(code_) ((struct pti_http_response){.code = (code_), .fd = -1})

struct pti_http_exchange; /* one request and its answer */

/* Both run on the listener's threads, several at once. */
struct pti_http_handler {
    void *ctx;
    size_t (*body_max)(void *ctx, enum pti_http_method method, const char *path);
    /* Leads to exactly one pti_http_answer(), before it returns or, after pti_http_defer(), later. */
    void (*handle)(void *ctx, struct pti_http_exchange *exchange);
};

/* Borrowed until the exchange is answered. */
const struct pti_http_request *pti_http_request(const struct pti_http_exchange *exchange);
/* A query parameter, decoded; NULL if absent. */
const char *pti_http_query(const struct pti_http_exchange *exchange, const char *name);
/* Calls take for each query parameter, decoded (value "" if it has none), until that returns false. */
void pti_http_query_each(const struct pti_http_exchange *exchange,
                         bool (*take)(void *ctx, const char *name, const char *value), void *ctx);
/* The Authorization header, the first one if there are several; NULL if absent.  *count receives how many there are. */
const char *pti_http_authorization(const struct pti_http_exchange *exchange, size_t *count);
/* The address at the other end of the connection; NULL if it is not known. */
const struct sockaddr *pti_http_source(const struct pti_http_exchange *exchange);
void pti_http_set_actor(struct pti_http_exchange *exchange, const char *actor);
/* Announces that the answer comes later and from another thread; the listener goes on with other connections. */
void pti_http_defer(struct pti_http_exchange *exchange);
/* Takes what response owns.  The exchange may be gone when this returns. */
void pti_http_answer(struct pti_http_exchange *exchange, const struct pti_http_response *response);

/* An answer, code 200, that is made once and sent many times, by any listener. */
struct pti_http_prepared;
struct pti_http_prepared *pti_http_prepare(const struct pti_http_response *response); /* takes it; NULL: no memory */
void pti_http_prepared_free(struct pti_http_prepared *prepared);                      /* NULL is legal */
/* For an exchange that is not deferred.  false: not while the listener is stopping; answer it in the ordinary way. */
bool pti_http_answer_prepared(struct pti_http_exchange *exchange, struct pti_http_prepared *prepared);

struct pti_http;

struct pti_http_options {
    bool tls;                         /* with the pair of server/tls.h, which is open before and closed after */
    unsigned connections, per_source; /* at most, together and of one address */
    const char *client_authorities;   /* PEM: answer only who shows a certificate of one of these; NULL: everybody */
};

/*
 * Starts serving on a listening socket, which it owns from then on, also on failure.  PINTLE_ERR_NETWORK, _MEMORY.
 */
enum pintle_status pti_http_start(int socket, const struct pti_http_options *options,
                                  const struct pti_http_handler *handler, struct pti_http **http,
                                  struct pti_error *error);
/* Once a second: cuts connections that take too long over a request or an answer. */
void pti_http_tick(struct pti_http *http);
/* No new connection is accepted; requests under way go on, and every answer from now on closes its connection. */
void pti_http_quiesce(struct pti_http *http);
/* Waits until nothing is under way, at most timeout_ms; returns whether that was reached. */
bool pti_http_drain(struct pti_http *http, int64_t timeout_ms);
/* After quiesce and drain, and when no deferred exchange is left.  NULL is legal. */
void pti_http_free(struct pti_http *http);

#endif
