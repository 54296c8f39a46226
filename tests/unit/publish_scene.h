/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes for a publisher that meets faults: what it does, and what must hold whatever became of it.  In every scene
 * SCENE_HOST is published, and another host staged, or about to be.
 */
#ifndef PTI_TESTS_PUBLISH_SCENE_H
#define PTI_TESTS_PUBLISH_SCENE_H

#include "served.h"

#define SCENE_HOST "api.example.com"

/* What a publisher does, on an open repository; the faults come while it does it. */
struct deed {
    const char *name;
    enum pintle_status (*run)(struct pti_repository *repository, struct pti_error *error);
    const char *before, *after;             /* manifests that clients may see */
    long stride;                            /* of the calls that fail, in the short run */
    long memory_stride, memory_stride_long; /* of allocations */
    enum pti_repository_access access;
    enum pti_key_kind kind;
};

#define SCENE_DEEDS 4 /* publish, edit, rotate the online keys, renew */
extern const struct deed scene_deeds[SCENE_DEEDS];

struct scene {
    struct scratch *scratch;
    const struct deed *deed;
    struct tree base; /* the repository before the deed */
    char directory[PTI_PATH_MAX];
};

/* Of the scene, read once: decoding them costs more than all the rest. */
extern struct pti_keyring scene_keys;

/* scratch/repo, ready for the deed. */
void scene_set(struct scene *scene, struct scratch *scratch, const struct deed *deed);
void scene_clear(struct scene *scene);
/* Does the deed of the struct scene that ctx is, from opening to closing; its status. */
int scene_perform(void *ctx);

/* Clients, by head and body and by the plain files, see the manifest before the deed or after it; new_only: after it. */
void scene_check_clients(struct scene *scene, bool new_only);
/* After any fault: clients are served, the next publication succeeds and gives no name a second content. */
void scene_check_aftermath(struct scene *scene);
/* After that: what was staged is out, whatever the deed was. */
void scene_check_new(struct scene *scene);

/* Publishes with what lies in keys/. */
enum pintle_status scene_publish(struct pti_repository *repository, struct pti_error *error);
/* How many calls further the next fault comes: usual, or, with PINTLE_LONG in the environment, thorough. */
long scene_step(long usual, long thorough);

#endif
