/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP/1.1 server on a free port of 127.0.0.1 that answers by script: the test's function looks at each request and
 * writes the bytes of the response itself, so that it can also write wrong ones, late, or not at all.
 */
#ifndef PTI_TESTS_HTTP_FIXTURE_H
#define PTI_TESTS_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#define HTTP_FIXTURE_CONNECTIONS_MAX 64
#define HTTP_FIXTURE_REQUEST_MAX 65536

struct http_fixture;

struct http_fixture_connection {
    struct http_fixture *server;
    int fd;
    SSL *ssl; /* NULL: in the clear */
    pthread_t thread;
};

/* Answers one request (its head and body, terminated); false closes the connection. */
typedef bool (*http_fixture_answer)(struct http_fixture_connection *connection, const char *request);

struct http_fixture {
    http_fixture_answer answer;
    SSL_CTX *tls; /* borrowed; NULL: in the clear */
    int port;
    atomic_int connections; /* so far */
    atomic_int requests;    /* so far */
    atomic_bool stopping;
    int listener;
    pthread_t thread;
    pthread_mutex_t mutex;
    char last[HTTP_FIXTURE_REQUEST_MAX]; /* the last request; read it after the response arrived */
    struct http_fixture_connection all[HTTP_FIXTURE_CONNECTIONS_MAX];
};

void http_fixture_start(struct http_fixture *server, http_fixture_answer answer, SSL_CTX *tls);
void http_fixture_stop(struct http_fixture *server);

/* False if the peer is gone. */
bool http_fixture_send(struct http_fixture_connection *connection, const char *data, size_t size);
bool http_fixture_text(struct http_fixture_connection *connection, const char *text);
/* Waits until the peer closes, or the server stops. */
void http_fixture_wait_for_end(struct http_fixture_connection *connection);

#endif
