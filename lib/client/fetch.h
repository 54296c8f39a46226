/* SPDX-License-Identifier: Apache-2.0 */
/* One repository copy over the client's transport: bounded GETs under one deadline, and plain TUF files as a source. */
#ifndef PTI_CLIENT_FETCH_H
#define PTI_CLIENT_FETCH_H

#include "client/client.h"

struct pti_fetch {
    struct pintle_client *client;
    const char *base;    /* URL without trailing slash */
    int64_t deadline_ms; /* of the client's monotonic clock */
    struct pti_buf buf;  /* of the last pti_fetch_source() item */
    const char *header;  /* `Pintle-Manifest` of each request; borrowed */
    unsigned flags;      /* of the next request alone */
    bool answered;       /* some request was */
};

/*
 * GET base/path into out, which is cleared first and must have room for size_max.  404 and 403 (object stores) are
 * PINTLE_OK with *found false.  Everything else but 200 is PINTLE_ERR_NETWORK, a redirect included; a Retry-After goes to
 * the client.
 */
enum pintle_status pti_fetch_get(struct pti_fetch *fetch, const char *path, size_t size_max, struct pti_buf *out,
                                 bool *found, struct pti_error *error);

/* The plain files of the repository as a source for pti_generation_build(). */
struct pti_manifest_source pti_fetch_source(struct pti_fetch *fetch);

#endif
