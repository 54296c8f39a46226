/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOOK_UP_MS 200 /* from waiting, to see whether it was cancelled */

static int64_t monotonic_ms(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct pti_dial_bound pti_dial_bound(int64_t timeout_ms)
{
    return (struct pti_dial_bound){monotonic_ms() + timeout_ms, NULL};
}

/* Milliseconds; 0 or less: it is over. */
static int64_t time_left(const struct pti_dial_bound *bound)
{
    if (bound->cancelled && atomic_load(bound->cancelled)) {
        return 0;
    }
    return bound->deadline - monotonic_ms();
}

/* True once fd is ready for events; false when the time is over. */
static bool wait_for(int fd, short events, const struct pti_dial_bound *bound)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = time_left(bound);
        int ready = left > 0 ? poll(&poll_fd, 1, left > LOOK_UP_MS ? LOOK_UP_MS : (int)left) : -1;

        if (left <= 0) {
            return false;
        }
        if (ready > 0) {
            return true;
        }
        if (ready < 0 && errno != EINTR) {
            return false;
        }
    }
}

/* errno's meaning, 0 if connected. */
static int connect_within(int fd, const struct addrinfo *address, const struct pti_dial_bound *bound)
{
    int failure = 0;
    socklen_t size = sizeof failure;

    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS && errno != EINTR) {
        return errno;
    }
    if (!wait_for(fd, POLLOUT, bound)) {
        return ETIMEDOUT;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
        return errno;
    }
    return failure;
}

static int open_socket(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    int on = 1;

    if (fd < 0) {
        return -1;
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        close(fd);
        return -1;
    }
    /* Without it every small exchange waits some 40 ms for a delayed acknowledgement. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void name_address(const struct addrinfo *address, char out[PTI_DIAL_ADDRESS_SIZE])
{
    char host[48] = "", service[8] = "";

    (void)getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof host, service, sizeof service,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(out, PTI_DIAL_ADDRESS_SIZE, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, service);
}

static enum pintle_status resolve(const struct pti_endpoint *endpoint, const char *advice, struct addrinfo **list,
                                  struct pti_error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[8];
    int resolved = 0;

    snprintf(port, sizeof port, "%u", (unsigned)endpoint->port);
    resolved = getaddrinfo(endpoint->host, port, &hints, list);
    if (resolved != 0) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s cannot be resolved: %s; check the name, or %s", endpoint->host,
                        gai_strerror(resolved), advice);
    }
    return PINTLE_OK;
}

static int compare_endpoints(const void *a, const void *b)
{
    return strcmp(((const struct pti_endpoint *)a)->host, ((const struct pti_endpoint *)b)->host);
}

enum pintle_status pti_dial_resolve(const struct pti_endpoint *endpoint,
                                    struct pti_endpoint addresses[PTI_DIAL_ADDRESSES_MAX], size_t *count,
                                    struct pti_error *error)
{
    struct addrinfo *list = NULL;
    size_t found = 0, kept = 0;
    enum pintle_status status = resolve(endpoint, "give its addresses", &list, error);

    *count = 0;
    if (status != PINTLE_OK) {
        return status;
    }
    for (const struct addrinfo *next = list; next && found < PTI_DIAL_ADDRESSES_MAX; next = next->ai_next) {
        char host[PTI_DIAL_ADDRESS_SIZE];

        /* What is written with a scope (fe80::1%eth0) means something on this machine alone. */
        if (getnameinfo(next->ai_addr, next->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0 &&
            pti_endpoint_parse(host, endpoint->port, &addresses[found], NULL) == PINTLE_OK) {
            found++;
        }
    }
    freeaddrinfo(list);
    if (found == 0) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "%s has no address that can be used from here", endpoint->host);
    }
    qsort(addresses, found, sizeof addresses[0], compare_endpoints);
    for (size_t i = 0; i < found; i++) {
        if (kept == 0 || compare_endpoints(&addresses[kept - 1], &addresses[i]) != 0) {
            addresses[kept++] = addresses[i];
        }
    }
    *count = kept;
    return PINTLE_OK;
}

enum pintle_status pti_dial(const struct pti_endpoint *endpoint, const struct pti_dial_bound *bound, int *fd,
                            char *address, struct pti_error *error)
{
    struct addrinfo *list = NULL;
    char tried[PTI_DIAL_ADDRESS_SIZE] = "";
    int failure = ETIMEDOUT;
    enum pintle_status status = resolve(endpoint, "say where to go with --connect ADDR:PORT", &list, error);

    *fd = -1;
    if (status != PINTLE_OK) {
        return status;
    }
    for (const struct addrinfo *next = list; next && *fd < 0; next = next->ai_next) {
        int candidate = open_socket(next);

        name_address(next, tried);
        failure = candidate < 0 ? errno : connect_within(candidate, next, bound);
        if (candidate >= 0 && failure == 0) {
            *fd = candidate;
        } else if (candidate >= 0) {
            close(candidate);
        }
    }
    freeaddrinfo(list);
    if (*fd < 0) {
        return pti_fail(error, PINTLE_ERR_NETWORK,
                        "no connection to %s (%s): %s; check the address and that it listens", endpoint->host, tried,
                        strerror(failure));
    }
    if (address) {
        memcpy(address, tried, sizeof tried);
    }
    return PINTLE_OK;
}

static enum pintle_status handshake_failed(SSL *ssl, int result, struct pti_error *error)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    int kind = SSL_get_error(ssl, result);

    if (kind == SSL_ERROR_SYSCALL && !reason) {
        return pti_fail(error, PINTLE_ERR_NETWORK,
                        "the TLS handshake was cut off: %s; check the port and what listens there",
                        errno ? strerror(errno) : "the peer closed the connection");
    }
    if (reason && strstr(reason, "wrong version number")) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "the peer does not speak TLS on this port; check the port");
    }
    if (reason && strstr(reason, "unexpected eof")) {
        return pti_fail(
            error, PINTLE_ERR_NETWORK,
            "the peer closed the connection during the TLS handshake; check the port and what listens there");
    }
    return pti_fail(error, PINTLE_ERR_NETWORK, "the TLS handshake failed: %s; check the port and what listens there",
                    reason ? reason : "no reason given");
}

/* What a peer may still do to us before its handshake is complete. */
struct allowance {
    size_t bytes;
    const struct pti_dial_bound *bound;
};

/*
 * Called around every read from the socket: a peer that never stops sending what OpenSSL skips (requests to begin anew,
 * under TLS 1.2) would else hold SSL_connect() for ever, past any deadline that is looked at between its calls.
 */
static long spend(BIO *bio, int operation, const char *data, size_t size, int argi, long argl, int result,
                  size_t *processed)
{
    struct allowance *allowance = (struct allowance *)BIO_get_callback_arg(bio);

    (void)data, (void)size, (void)argi, (void)argl;
    if (operation == BIO_CB_READ && (allowance->bytes == 0 || time_left(allowance->bound) <= 0)) {
        BIO_clear_retry_flags(bio);
        return -1;
    }
    if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0) {
        allowance->bytes -= *processed < allowance->bytes ? *processed : allowance->bytes;
    }
    return result;
}

static enum pintle_status handshake_within(SSL *ssl, int fd, struct allowance *allowance, struct pti_error *error)
{
    int result = 0, kind = SSL_ERROR_WANT_WRITE;
    bool ready = true;

    while (ready && (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)) {
        ERR_clear_error();
        errno = 0;
        result = SSL_connect(ssl);
        if (result == 1) {
            return PINTLE_OK;
        }
        kind = SSL_get_error(ssl, result);
        if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
            ready = wait_for(fd, kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, allowance->bound);
        }
    }
    if (allowance->bytes == 0) {
        return pti_fail(error, PINTLE_ERR_NETWORK,
                        "the peer sent %u bytes and its TLS handshake was still not complete; check the port and what "
                        "listens there",
                        PTI_DIAL_HANDSHAKE_MAX);
    }
    if (!ready || time_left(allowance->bound) <= 0) {
        return pti_fail(error, PINTLE_ERR_NETWORK,
                        "the TLS handshake ran out of time, the peer stopped answering; check the port, or wait longer "
                        "with --timeout");
    }
    return handshake_failed(ssl, result, error);
}

enum pintle_status pti_dial_handshake(SSL *ssl, int fd, const struct pti_dial_bound *bound, struct pti_error *error)
{
    struct allowance allowance = {PTI_DIAL_HANDSHAKE_MAX, bound};
    enum pintle_status status = PINTLE_ERR_NETWORK;

    if (SSL_set_fd(ssl, fd) != 1) {
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for a TLS connection");
    }
    BIO_set_callback_ex(SSL_get_rbio(ssl), spend);
    BIO_set_callback_arg(SSL_get_rbio(ssl), (char *)&allowance);
    status = handshake_within(ssl, fd, &allowance, error);
    BIO_set_callback_ex(SSL_get_rbio(ssl), NULL);
    return status;
}
