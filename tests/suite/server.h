/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end: `serve_<library> CHAIN KEY` (PEM files) is an HTTPS server over one TLS library, without anything of
 * Pintle, so that the table runs across pairs.  It prints "port N" and then every request line that reaches it; it serves
 * one client after another, with session tickets, until a signal ends it.  The frame accepts and answers;
 * serve_<library>.c supplies `const struct server server`.
 */
#ifndef SUITE_SERVER_H
#define SUITE_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
    /* Once, before anything else. */
    bool (*start)(const char *chain, const char *key);

    /* One client, from handshake to close_notify; fd, which blocks, is the frame's. */
    void (*serve)(int fd);
};

extern const struct server server;

/* Reads one request and answers it; write and read return bytes, or what is not more than 0 if there are none. */
void server_exchange(void *connection, ssize_t (*write)(void *connection, const void *bytes, size_t size),
                     ssize_t (*read)(void *connection, void *bytes, size_t size));

#endif
