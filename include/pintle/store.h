/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a client keeps what it has accepted: small named blobs, each replaced atomically, and one lock.  "roots" and
 * "accepted" are signed and verified at every start, so a store needs no secrecy: one that is unreadable, cut short or
 * altered costs availability, never pins.  No pin depends on the others ("adoption", "reports").  A store that is wholly gone makes a new client, which knows what
 * ships with the application and nothing else (docs/design.md, section 5.5).
 */
#ifndef PINTLE_STORE_H
#define PINTLE_STORE_H

#include <pintle/bytes.h>
#include <pintle/export.h>
#include <pintle/status.h>

PINTLE_BEGIN_DECLS

/* All functions return PINTLE_ERR_STORAGE on failure, with one line in detail that names the file and the reason. */
struct pintle_store {
    size_t size; /* sizeof(struct pintle_store) as compiled */
    void *ctx;
    /* Pours the blob into sink.  An absent blob is PINTLE_OK with *found false; unreadable is a failure. */
    enum pintle_status (*load)(void *ctx, const char *name, const struct pintle_sink *sink, bool *found, char *detail,
                               size_t detail_size);
    /* Replaces the blob: after a crash at any instruction the old one or the new one is there, whole. */
    enum pintle_status (*save)(void *ctx, const char *name, struct pintle_bytes data, char *detail, size_t detail_size);
    /* Removes the blob; one that is absent is PINTLE_OK. */
    enum pintle_status (*remove)(void *ctx, const char *name, char *detail, size_t detail_size);
    /* One lock over the whole store, between processes and between clients of one process; waits, boundedly. */
    enum pintle_status (*lock)(void *ctx, char *detail, size_t detail_size);
    void (*unlock)(void *ctx);
    /* Frees ctx.  May be NULL. */
    void (*free)(void *ctx);
};

/*
 * A store in a directory of a POSIX file system, made with mode 0700 if it is missing (its parent must exist).  Files
 * have mode 0600; symbolic links are not followed.  On success store->free releases it.
 * PINTLE_ERR_STORAGE (detail says why), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_store_posix_init(struct pintle_store *store, const char *directory, char *detail,
                                                      size_t detail_size);

PINTLE_END_DECLS

#endif
