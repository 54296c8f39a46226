/* SPDX-License-Identifier: Apache-2.0 */
#include "server/connections.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "server/limits.h"

struct pti_source {
    struct pti_source *next;
    uint64_t key;
    unsigned count;
};

bool pti_connection_is_overdue(enum pti_phase phase, int64_t since_ms, int64_t now_ms)
{
    switch (phase) {
    case PTI_PHASE_ASKING:
        return now_ms - since_ms > PTI_HTTP_REQUEST_S * 1000;
    case PTI_PHASE_WAITING:
        return false;
    case PTI_PHASE_ANSWERED:
        return now_ms - since_ms > PTI_HTTP_ANSWER_S * 1000;
    }
    return false;
}

/* The first 64 bits of an IPv6 address are not 0 but for what maps IPv4, whose address is what counts. */
static uint64_t source_key(const struct sockaddr *address)
{
    uint64_t key = 0;

    if (address && address->sa_family == AF_INET) {
        key = ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
    } else if (address && address->sa_family == AF_INET6) {
        const uint8_t *bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;

        memcpy(&key, bytes, sizeof key);
        if (key == 0)
            memcpy(&key, bytes + 8, sizeof key);
    }
    return key;
}

/* Sources are in nobody's hand who could choose them to collide: a bucket is as long as an attacker has networks. */
static struct pti_source **bucket_of(struct pti_connections *connections, uint64_t key)
{
    return &connections
                ->buckets[(size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (connections->bucket_count - 1)];
}

static struct pti_source *find(struct pti_connections *connections, uint64_t key)
{
    struct pti_source *source = *bucket_of(connections, key);

    while (source && source->key != key)
        source = source->next;
    return source;
}

bool pti_connections_init(struct pti_connections *connections, unsigned max, unsigned per_source)
{
    memset(connections, 0, sizeof *connections);
    connections->per_source = per_source;
    connections->bucket_count = 1;
    while (connections->bucket_count < max)
        connections->bucket_count *= 2;
    connections->buckets = calloc(connections->bucket_count, sizeof(struct pti_source *));
    pthread_mutex_init(&connections->mutex, NULL);
    return connections->buckets != NULL;
}

void pti_connections_clear(struct pti_connections *connections)
{
    free(connections->buckets);
    pthread_mutex_destroy(&connections->mutex);
}

bool pti_connections_may(struct pti_connections *connections, const struct sockaddr *address)
{
    const struct pti_source *source = NULL;
    bool may = false;

    pthread_mutex_lock(&connections->mutex);
    source = find(connections, source_key(address));
    may = !source || source->count < connections->per_source;
    pthread_mutex_unlock(&connections->mutex);
    return may;
}

/* Under the mutex. */
static struct pti_source *count_source(struct pti_connections *connections, uint64_t key)
{
    struct pti_source *source = find(connections, key);

    if (!source) {
        struct pti_source **bucket = bucket_of(connections, key);

        source = calloc(1, sizeof *source);
        if (!source)
            return NULL;
        *source = (struct pti_source){.next = *bucket, .key = key};
        *bucket = source;
    }
    source->count++;
    return source;
}

static void discount_source(struct pti_connections *connections, struct pti_source *source)
{
    struct pti_source **at = bucket_of(connections, source->key);

    if (--source->count > 0)
        return;
    while (*at != source)
        at = &(*at)->next;
    *at = source->next;
    free(source);
}

struct pti_connection *pti_connections_add(struct pti_connections *connections, const struct sockaddr *address,
                                           int socket, int64_t now_ms)
{
    struct pti_connection *connection = calloc(1, sizeof *connection);

    if (!connection)
        return NULL;
    connection->socket = socket;
    atomic_init(&connection->phase, PTI_PHASE_ASKING);
    atomic_init(&connection->since, now_ms);
    pthread_mutex_lock(&connections->mutex);
    connection->source = count_source(connections, source_key(address));
    if (connection->source) {
        connection->next = connections->first;
        if (connections->first)
            connections->first->before = connection;
        connections->first = connection;
    }
    pthread_mutex_unlock(&connections->mutex);
    if (connection->source)
        return connection;
    free(connection);
    return NULL;
}

void pti_connections_remove(struct pti_connections *connections, struct pti_connection *connection)
{
    if (!connection)
        return;
    pthread_mutex_lock(&connections->mutex);
    if (connection->before)
        connection->before->next = connection->next;
    else
        connections->first = connection->next;
    if (connection->next)
        connection->next->before = connection->before;
    discount_source(connections, connection->source);
    pthread_mutex_unlock(&connections->mutex);
    free(connection);
}

void pti_connection_enter(struct pti_connection *connection, enum pti_phase phase, int64_t now_ms)
{
    if (!connection)
        return;
    atomic_store_explicit(&connection->since, now_ms, memory_order_relaxed);
    atomic_store_explicit(&connection->phase, (int)phase, memory_order_release);
}

size_t pti_connections_cut(struct pti_connections *connections, int64_t now_ms)
{
    size_t cut = 0;

    pthread_mutex_lock(&connections->mutex);
    for (struct pti_connection *connection = connections->first; connection; connection = connection->next) {
        enum pti_phase phase = (enum pti_phase)atomic_load_explicit(&connection->phase, memory_order_acquire);

        if (!pti_connection_is_overdue(phase, atomic_load_explicit(&connection->since, memory_order_relaxed), now_ms))
            continue;
        shutdown(connection->socket, SHUT_RDWR);
        cut++;
    }
    pthread_mutex_unlock(&connections->mutex);
    return cut;
}
