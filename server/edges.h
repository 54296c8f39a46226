/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of edges: an edge is one address of a target (server/targets.h) and one kind of key; what its last
 * probe found, and the leaf keys that were seen there, from when to when.  An edge that no target yields any more is
 * inactive, and forgotten after a month.
 *
 * All return PINTLE_OK, PINTLE_ERR_STORAGE or PINTLE_ERR_MEMORY, unless they say otherwise.
 */
#ifndef PTI_SERVER_EDGES_H
#define PTI_SERVER_EDGES_H

#include "base/encode.h"
#include "probe/probe.h"
#include "server/limits.h"
#include "server/targets.h"

struct pti_edge_key {
    char repository[PTI_REPOSITORY_NAME_SIZE];
    char host[PINTLE_HOST_MAX + 1];
    uint16_t port;
    char address[PTI_DIAL_ADDRESS_SIZE]; /* without port */
    enum pti_probe_key key;              /* ECDSA or RSA */
};
const char *pti_edge_key_type(enum pti_probe_key key); /* "ec", "rsa"; static */

/* Whether clients find the served key pinned, over all generations that they may hold. */
enum pti_edge_pinned {
    PTI_EDGE_UNKNOWN, /* nothing served, no valid chain, or no generation lists the host */
    PTI_EDGE_PINNED,
    PTI_EDGE_UNPINNED /* under at least one generation */
};
const char *pti_edge_pinned_name(enum pti_edge_pinned pinned); /* "unknown", "yes", "no"; static */

/* What a probe found. */
struct pti_edge_finding {
    int64_t probed; /* Unix seconds; 0: never */
    enum pti_probe_outcome outcome;
    int64_t failures; /* in a row */
    enum pti_edge_pinned pinned;
    char leaf[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1]; /* SPKI; "", 0 and 0 unless it is served */
    int64_t not_before, not_after;
    struct pintle_bytes document; /* JSON members without braces, borrowed: everything else */
};

struct pti_edge {
    struct pti_edge_key key;
    char source[16]; /* of the target that last yielded it: pti_target_source_name() */
    bool active;
    int64_t added; /* Unix seconds */
    struct pti_edge_finding finding;
};

/* These are edges now, whether or not they were; count of them, sorted, each once. */
enum pintle_status pti_edges_note(struct pti_database *database, const struct pti_edge_key *keys, size_t count,
                                  const char *source, int64_t now, struct pti_error *error);
/* It is none any more.  Those that have long been none are forgotten on this occasion. */
enum pintle_status pti_edges_retire(struct pti_database *database, const struct pti_edge_key *key, int64_t now,
                                    struct pti_error *error);
/* Stores what was found, if that is still an edge. */
enum pintle_status pti_edges_store(struct pti_database *database, const struct pti_edge_key *key,
                                   const struct pti_edge_finding *finding, struct pti_error *error);

struct pti_edge_query {
    const char *repository, *host;    /* NULL: any */
    const struct pti_edge_key *after; /* those behind it; NULL: from the first */
    bool active;                      /* these alone */
    bool documents;                   /* with finding.document, which is large; else it is empty */
    int64_t limit;
    /* In the order of their keys; borrowed.  false ends with PINTLE_ERR_MEMORY. */
    bool (*row)(void *ctx, const struct pti_edge *edge);
    void *ctx;
};
enum pintle_status pti_edges_list(struct pti_database *database, const struct pti_edge_query *query,
                                  struct pti_error *error);

/* A leaf key that was seen at an edge. */
struct pti_edge_leaf {
    char spki[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];
    int64_t first_seen, last_seen;
};
/* The newest first, at most PTI_EDGE_LEAVES_MAX, which is what is kept; *count of them. */
enum pintle_status pti_edges_leaves(struct pti_database *database, const struct pti_edge_key *key,
                                    struct pti_edge_leaf leaves[PTI_EDGE_LEAVES_MAX], size_t *count,
                                    struct pti_error *error);

#endif
