/* SPDX-License-Identifier: Apache-2.0 */
/* The frame around a connector: the application's client, its transport, and the orders. */
#ifndef SUITE_FRAME_H
#define SUITE_FRAME_H

#include <stdatomic.h>
#include <stdint.h>

#include <pintle/store.h>

#include "connector.h"

/* What the application makes at its start, and of what the client told it since. */
struct frame_app {
    struct pintle_crypto *crypto;
    struct pintle_store store;
    struct pintle_client *client;
    struct pintle_checker *checker;
    atomic_uint refused, reported; /* events */
};

/* The next word of the line: *value follows its "=", or is "".  NULL: there is none. */
char *frame_word(char **line, char **value);

/* A whole number from 0 to max; false: it is none. */
bool frame_number(const char *text, unsigned max, unsigned *number);

/* The words after "client": roots, store, shipped, url, require, unlisted.  False: detail says why. */
bool frame_app_start(struct frame_app *app, char *line, char *detail, size_t size);
/* Frees all but the checker, which contexts hold too. */
void frame_app_release(struct frame_app *app);
void frame_app_end(struct frame_app *app);

/* HTTP over plain sockets: a connector links no second TLS library for the sake of its manifest. */
extern const struct pintle_transport frame_transport;

/* A TCP connection; -1: errno says why. */
int frame_dial(const char *address, unsigned port);

/* The words after "connect".  False: detail says which word makes no sense. */
bool frame_order_read(char *line, struct connect_order *order, unsigned *threads, unsigned *times, bool *heal,
                      char *detail, size_t size);

#endif
