/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The open connections of a listener: how many each source has, so that one cannot take them all, and since when each
 * has been in its phase, so that one that sends or takes a byte now and then is cut all the same.
 *
 * A source is an IPv4 address or the first 64 bits of an IPv6 address.  Any thread may call anything; what happens for
 * each request touches the connection alone.
 */
#ifndef PTI_SERVER_CONNECTIONS_H
#define PTI_SERVER_CONNECTIONS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum pti_phase {
    PTI_PHASE_ASKING,   /* its next request is not whole yet: PTI_HTTP_REQUEST_S */
    PTI_PHASE_WAITING,  /* its request is being answered: as long as that takes us */
    PTI_PHASE_ANSWERED, /* it is being sent the answer: PTI_HTTP_ANSWER_S */
};

struct pti_connection {
    struct pti_connection *next, *before;
    struct pti_source *source;
    int socket; /* borrowed */
    atomic_int phase;
    atomic_llong since; /* milliseconds of any clock that does not jump */
};

struct pti_connections {
    pthread_mutex_t mutex;
    struct pti_connection *first;
    struct pti_source **buckets;
    size_t bucket_count; /* a power of two */
    unsigned per_source;
};

/* Pure: has it been in this phase for longer than it may? */
bool pti_connection_is_overdue(enum pti_phase phase, int64_t since_ms, int64_t now_ms);

/* false: no memory. */
bool pti_connections_init(struct pti_connections *connections, unsigned max, unsigned per_source);
void pti_connections_clear(struct pti_connections *connections); /* when there are none left */
/* Whether this source may have one more. */
bool pti_connections_may(struct pti_connections *connections, const struct sockaddr *address);
/* NULL without memory: the connection is then neither counted nor cut. */
struct pti_connection *pti_connections_add(struct pti_connections *connections, const struct sockaddr *address,
                                           int socket, int64_t now_ms);
void pti_connections_remove(struct pti_connections *connections,
                            struct pti_connection *connection); /* frees; NULL is legal */
void pti_connection_enter(struct pti_connection *connection, enum pti_phase phase, int64_t now_ms); /* NULL is legal */
/* Shuts the sockets of overdue ones down, which their owner then notices; returns how many. */
size_t pti_connections_cut(struct pti_connections *connections, int64_t now_ms);

#endif
