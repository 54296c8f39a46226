/* SPDX-License-Identifier: Apache-2.0 */
/* One thread accepts, one more serves each connection. */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static long receive(struct http_fixture_connection *connection, char *out, size_t size)
{
    if (connection->ssl != NULL)
        return SSL_read(connection->ssl, out, (int)size);
    return recv(connection->fd, out, size, 0);
}

bool http_fixture_send(struct http_fixture_connection *connection, const char *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        long put = connection->ssl != NULL ? SSL_write(connection->ssl, data + sent, (int)(size - sent))
                                           : send(connection->fd, data + sent, size - sent, MSG_NOSIGNAL);

        if (put <= 0)
            return false;
        sent += (size_t)put;
    }
    return true;
}

bool http_fixture_text(struct http_fixture_connection *connection, const char *text)
{
    return http_fixture_send(connection, text, strlen(text));
}

void http_fixture_wait_for_end(struct http_fixture_connection *connection)
{
    char byte;

    while (receive(connection, &byte, 1) > 0)
        ;
}

/* Head and body of one request; false at the end. */
static bool read_request(struct http_fixture_connection *connection, char *request)
{
    size_t size = 0, wanted = 0;

    for (;;) {
        long got = receive(connection, request + size, HTTP_FIXTURE_REQUEST_MAX - 1 - size);
        const char *body, *length;

        if (got <= 0)
            return false;
        size += (size_t)got;
        request[size] = '\0';
        body = strstr(request, "\r\n\r\n");
        if (body == NULL)
            continue;
        length = strstr(request, "Content-Length: ");
        wanted = (size_t)(body + 4 - request) + (length != NULL ? strtoul(length + 16, NULL, 10) : 0);
        if (size >= wanted)
            return true;
    }
}

static void *serve(void *arg)
{
    struct http_fixture_connection *connection = arg;
    struct http_fixture *server = connection->server;
    char *request = malloc(HTTP_FIXTURE_REQUEST_MAX);
    sigset_t pipe;

    /* OpenSSL writes to peers that may be gone.  Only here: the client under test must never raise the signal. */
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    if (server->tls != NULL) {
        connection->ssl = SSL_new(server->tls);
        SSL_set_fd(connection->ssl, connection->fd);
    }
    if (request != NULL && (connection->ssl == NULL || SSL_accept(connection->ssl) == 1)) {
        while (read_request(connection, request)) {
            pthread_mutex_lock(&server->mutex);
            memcpy(server->last, request, strlen(request) + 1);
            pthread_mutex_unlock(&server->mutex);
            atomic_fetch_add(&server->requests, 1);
            if (!server->answer(connection, request))
                break;
        }
    }
    free(request);
    if (connection->ssl != NULL) /* or OpenSSL would call the session bad, and forget it */
        SSL_set_shutdown(connection->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(connection->ssl);
    shutdown(connection->fd,
             SHUT_RDWR); /* the descriptor goes at the end, so that no other gets its number meanwhile */
    return NULL;
}

static void *accept_all(void *arg)
{
    struct http_fixture *server = arg;

    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        int index = atomic_load(&server->connections), on = 1;

        if (fd < 0 || atomic_load(&server->stopping) || index == HTTP_FIXTURE_CONNECTIONS_MAX) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        server->all[index] = (struct http_fixture_connection){.server = server, .fd = fd};
        if (pthread_create(&server->all[index].thread, NULL, serve, &server->all[index]) != 0) {
            close(fd);
            return NULL;
        }
        atomic_fetch_add(&server->connections, 1);
    }
}

void http_fixture_start(struct http_fixture *server, http_fixture_answer answer, SSL_CTX *tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    memset(server, 0, sizeof(*server));
    server->answer = answer;
    server->tls = tls;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_mutex_init(&server->mutex, NULL), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, accept_all, server), 0);
}

void http_fixture_stop(struct http_fixture *server)
{
    atomic_store(&server->stopping, true);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (int i = 0; i < atomic_load(&server->connections); i++) {
        shutdown(server->all[i].fd, SHUT_RDWR);
        pthread_join(server->all[i].thread, NULL);
        close(server->all[i].fd);
    }
    pthread_mutex_destroy(&server->mutex);
}
