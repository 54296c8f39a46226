/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: to the server, through a proxy, and the client's plain HTTP transport. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "frame.h"

#define LOOPBACK "127.0.0.1"

int frame_dial(const char *address, unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = CONNECT_TIMEOUT_MS / 1000};
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1, error;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (inet_pton(AF_INET, address, &to.sin_addr) == 1 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static bool send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);

        if (count <= 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

/* Byte by byte: what follows the empty line is the server's, and TLS. */
static bool ask_proxy(int fd, const struct connect_order *order)
{
    char text[512], answer[1024];
    size_t used = 0;
    int size = snprintf(text, sizeof text, "CONNECT %s:%u HTTP/1.1\r\nHost: %s:%u\r\n\r\n", order->host, order->port,
                        order->host, order->port);

    if (size < 0 || (size_t)size >= sizeof text || !send_all(fd, text, (size_t)size))
        return false;
    while (used + 1 < sizeof answer && recv(fd, answer + used, 1, 0) == 1) {
        answer[++used] = '\0';
        if (used >= 4 && strcmp(answer + used - 4, "\r\n\r\n") == 0)
            return strncmp(answer, "HTTP/1.1 200 ", 13) == 0;
    }
    return false;
}

int connector_dial(const struct connect_order *order, struct connect_result *result)
{
    int fd = order->proxy != 0 ? frame_dial(LOOPBACK, order->proxy) : frame_dial(order->address, order->port);

    if (fd < 0) {
        connector_say(result, strerror(errno));
        return -1;
    }
    if (order->proxy != 0 && !ask_proxy(fd, order)) {
        connector_say(result, "the proxy refused");
        close(fd);
        return -1;
    }
    if (order->nonblocking)
        (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

bool connector_wait(int fd, bool to_write)
{
    struct pollfd entry = {.fd = fd, .events = to_write ? POLLOUT : POLLIN};
    int ready;

    do
        ready = poll(&entry, 1, CONNECT_TIMEOUT_MS);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

void connector_say(struct connect_result *result, const char *text)
{
    if (result->detail[0] != '\0')
        return;
    (void)snprintf(result->detail, sizeof result->detail, "%s", text);
    for (char *c = result->detail; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

size_t connector_request(const struct connect_order *order, char *text, size_t size)
{
    int count = snprintf(text, size, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", order->path,
                         order->host);

    return count < 0 || (size_t)count >= size ? 0 : (size_t)count;
}

void connector_exchange(const struct connect_order *order, struct connect_result *result, void *connection,
                        ssize_t (*write)(void *connection, const void *bytes, size_t size),
                        ssize_t (*read)(void *connection, void *bytes, size_t size))
{
    char text[1024], answer[16384];
    size_t size = connector_request(order, text, sizeof text), done = 0, used = 0;
    ssize_t count = 0;

    while (done < size && (count = write(connection, text + done, size - done)) > 0)
        done += (size_t)count;
    result->sent += done;
    if (done < size)
        return;
    while (used < sizeof answer && (count = read(connection, answer + used, sizeof answer - used)) > 0)
        used += (size_t)count;
    result->exchanged = used >= 12 && memcmp(answer, "HTTP/1.", 7) == 0 && memcmp(answer + 8, " 200", 4) == 0;
}

/* Everything until the server closes; the answer is the caller's to free. */
static char *read_all(int fd, size_t *size)
{
    size_t capacity = 0;
    char *answer = NULL;
    ssize_t count;

    *size = 0;
    do {
        if (capacity - *size < 4096) {
            char *larger = realloc(answer, capacity + 65536);

            if (larger == NULL)
                break;
            answer = larger;
            capacity += 65536;
        }
        count = recv(fd, answer + *size, capacity - *size - 1, 0);
        *size += count > 0 ? (size_t)count : 0;
    } while (count > 0);
    if (answer != NULL)
        answer[*size] = '\0';
    return answer;
}

/* HTTP/1.0, so that nothing comes in chunks and the connection ends with the body. */
static char *ask(const struct pintle_request *request, size_t *size)
{
    char path[512] = "", text[1024], *answer = NULL;
    unsigned port = 0;
    int fd, count;

    *size = 0;
    if (sscanf(request->url, "http://" LOOPBACK ":%u/%511s", &port, path) < 1 || (fd = frame_dial(LOOPBACK, port)) < 0)
        return NULL;
    count = snprintf(text, sizeof text, "%s /%s HTTP/1.0\r\nHost: " LOOPBACK "\r\nContent-Length: %zu\r\n\r\n",
                     request->method, path, request->body.size);
    if (count > 0 && (size_t)count < sizeof text && send_all(fd, text, (size_t)count) &&
        send_all(fd, (const char *)request->body.data, request->body.size))
        answer = read_all(fd, size);
    close(fd);
    return answer;
}

static enum pintle_status perform(void *ctx, const struct pintle_request *request, const struct pintle_sink *sink,
                                  struct pintle_response *response, char *detail, size_t detail_size)
{
    size_t size;
    char *answer = ask(request, &size);
    const char *body = answer != NULL ? strstr(answer, "\r\n\r\n") : NULL;
    enum pintle_status status = PINTLE_ERR_NETWORK;

    (void)ctx;
    response->retry_after_s = -1;
    if (body != NULL && sscanf(answer, "HTTP/1.%*c %d", &response->status) == 1) {
        body += 4;
        if (response->status / 100 != 2 ||
            sink->write(sink->ctx, (const uint8_t *)body, size - (size_t)(body - answer)))
            status = PINTLE_OK;
    }
    if (status != PINTLE_OK)
        (void)snprintf(detail, detail_size, "no answer from %s", request->url);
    free(answer);
    return status;
}

const struct pintle_transport frame_transport = {.size = sizeof(struct pintle_transport), .perform = perform};
