/* SPDX-License-Identifier: Apache-2.0 */
/* What the verdicts of a repository's edges come from: the generations that its clients may hold, as its files say. */
#ifndef PTI_SERVER_JUDGES_H
#define PTI_SERVER_JUDGES_H

#include <sys/stat.h>

#include "publish/fleet.h"
#include "server/targets.h"

struct pti_judges {
    char name[PTI_REPOSITORY_NAME_SIZE];
    const char *directory;          /* borrowed */
    struct stat published, shipped; /* of timestamp.json and app/ when they were last looked at; all zero before */
    int64_t read_again;             /* Unix seconds: it could not be read; 0: when something changes */
    struct pti_fleet held;          /* nothing until it was first read */
};

/* Whether there is something new to read, or to try again.  Cheap. */
bool pti_judges_changed(struct pti_judges *judges, int64_t now);
/* Into *held, not into judges->held, which others use.  False: it cannot be read now. */
bool pti_judges_read(struct pti_judges *judges, struct pintle_crypto *crypto, int64_t now, struct pti_fleet *held);

#endif
