/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the clients of a repository may hold: what is published now, and every generation that some supported app
 * shipped with, each as the pinset that such a client checks against.
 *
 * Supported is what lies in the repository's app directory: app/shipped, which the next build embeds, and
 * app/shipped-NAME, kept there for each released app that is still in use.
 */
#ifndef PTI_PUBLISH_FLEET_H
#define PTI_PUBLISH_FLEET_H

#include <pintle/pinset.h>

#include "publish/published.h"

#define PTI_FLEET_MAX 64
#define PTI_FLEET_NAME_SIZE 72      /* with terminator */
#define PTI_FLEET_CURRENT "current" /* what is published now; the others have the names of their files */
#define PTI_FLEET_FILE_PREFIX "shipped"

struct pti_fleet_generation {
    char name[PTI_FLEET_NAME_SIZE];
    struct pintle_pinset *pinset; /* owned */
};

struct pti_fleet {
    struct pti_fleet_generation generations[PTI_FLEET_MAX]; /* the current one first, then by name */
    size_t count;
};

/*
 * published is what directory, a repository, serves.  A shipped generation that does not verify under its roots is left
 * out, and unusable is told which and why (NULL: nobody is).  On failure *held is empty; else the caller clears it.
 * PINTLE_ERR_TRUST, PINTLE_ERR_INPUT: published does not verify; PINTLE_ERR_STORAGE, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_fleet_load(const struct pti_published *published, const char *directory,
                                  struct pintle_crypto *crypto, int64_t now,
                                  void (*unusable)(void *ctx, const char *why), void *ctx, struct pti_fleet *held,
                                  struct pti_error *error);
void pti_fleet_clear(struct pti_fleet *held);

#endif
