/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client over the POSIX store in a directory of its own, and a repository that is ahead of it: the store holds a
 * generation that pins key 2, the repository has two roots more and one that pins key 3 instead.
 */
#ifndef PTI_TESTS_STORE_WORLD_H
#define PTI_TESTS_STORE_WORLD_H

#include "client_fixture.h"

#define STORE_WORLD_HOST "api.example.com"
#define STORE_WORLD_BAD 99 /* a key that is pinned in no generation */

struct store_world {
    struct fixture fixture;
    char scratch[64]; /* removed at the end, with all that is in it */
    char path[80];    /* the store */
    struct pintle_store store;
    struct pintle_bytes roots, accepted; /* what the store holds to begin with */
};

/* ships: the application ships a generation that pins key 1. */
void store_world_begin(struct store_world *world, bool ships);
void store_world_end(struct store_world *world);

/* The store as it was to begin with (absent: no directory at all); what else lies in the directory stays. */
void store_world_reset(struct store_world *world, bool absent);

/* Opens the store for the clients that start from here on.  store_world_open() fails the test if that fails. */
enum pintle_status store_world_try_open(struct store_world *world, char *detail, size_t size);
void store_world_open(struct store_world *world);
void store_world_close(struct store_world *world); /* and stops the client */

/* How many files lie in the directory that no store writes, nor leaves behind in a crash. */
size_t store_world_strays(const struct store_world *world);

/*
 * A new process over what was left behind: it starts without a complaint, enforces what pins key oldest or a later one,
 * refreshes, and is at the newest.
 */
void store_world_must_recover(struct store_world *world, uint8_t oldest, const char *what, long n);

#endif
