/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small repository by hand for the trusted set: timestamp 1, snapshot 2, targets 3 and the zone role main 4, all good
 * but for one change.
 */
#ifndef PTI_TESTS_TUF_WORLD_H
#define PTI_TESTS_TUF_WORLD_H

#include "tuf/trusted.h"
#include "tuf_fixture.h"

#define WORLD_NOW INT64_C(1800000000)     /* 2027-01-15T08:00:00Z */
#define WORLD_EXPIRES INT64_C(1800086400) /* 2027-01-16T08:00:00Z, of everything but root */
#define WORLD_ROOT_EXPIRES INT64_C(1893456000)

enum world_step { WORLD_TIMESTAMP, WORLD_SNAPSHOT, WORLD_TARGETS, WORLD_MAIN, WORLD_DONE };

/* One good repository but for one change: timestamp 1, snapshot 2, targets 3, main 4; who signs, and what is edited. */
struct world_change {
    enum world_step where;
    const char *from, *to; /* in the text before it is signed; NULL: no edit */
    const char *signers;   /* NULL: the right one */
};

struct world {
    struct tuf_fixture fixture;
    struct pti_tuf_metadata *root;
    struct pintle_bytes files[WORLD_DONE];
    struct pti_trusted set;
};

#define WORLD_DATES "'spec_version':'1.0','expires':'2027-01-16T08:00:00Z'"

/* NULL: no change.  Hashes and lengths upstream of a change fit it. */
void world_begin(struct world *world, const struct world_change *change);
void world_end(struct world *world);
/* Signs the files anew, into world->files, which must be empty or another's. */
void world_publish(struct world *world, const struct world_change *change);
void world_unpublish(struct world *world);

/* One step; error is fresh. */
enum pintle_status world_take(struct world *world, enum world_step step);
/* All steps before until; the test fails unless they succeed. */
void world_takes(struct world *world, enum world_step until);
/* The test fails unless this step fails so. */
void world_refuses(struct world *world, enum world_step step, enum pintle_status want, const char *text);

#endif
