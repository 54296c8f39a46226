/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the examples share.  example.c makes a client that keeps the pins current; <library>.c pins the connections of one TLS
 * library with it; transport_*.c is how the client reaches its manifest.
 *
 *     <library> MANIFEST-URL CA HOST ADDRESS:PORT
 *
 * in a directory that holds the files roots and shipped; CA is a PEM file of trusted certificates.
 */
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <pintle/pintle.h>

struct example {
    struct pintle_client *client;
    struct pintle_checker *checker; /* for the adapter's attach call */
    const char *ca, *host, *address, *port;
};

/* Each example: the provider that it can do with, and https://host/, printed.  *verdict: what the pins said. */
enum pintle_status example_crypto(struct pintle_crypto **crypto);
void example_get(const struct example *example, struct pintle_verdict *verdict);

/* Each transport. */
enum pintle_status example_transport(struct pintle_transport *transport, const char *ca);

/* A connected socket, or -1. */
int example_dial(const char *address, const char *port);

/* The request for the page, with the header that says which pins this installation holds; its length, or 0. */
size_t example_request(const struct example *example, char *text, size_t size);

#endif
