/* SPDX-License-Identifier: Apache-2.0 */
/* The files of the model as bytes: written and signed as the publisher does it, each when it is first asked for. */
#ifndef PINTLE_TESTS_REPLAY_FILES_H
#define PINTLE_TESTS_REPLAY_FILES_H

#include "model.h"
#include "sim_repository.h"

struct replay_files {
    struct pintle_crypto *crypto; /* borrowed */
    struct pintle_bytes roots[MODEL_ROOTS_MAX];
    struct pintle_bytes targets[MODEL_FILES_MAX], charters[MODEL_FILES_MAX];
    struct pintle_bytes roles[MODEL_FILES_MAX], zones[MODEL_FILES_MAX];
    struct pintle_bytes snapshots[MODEL_FILES_MAX], timestamps[MODEL_FILES_MAX];
};

extern const char *const replay_hosts[MODEL_ZONES];

void replay_files_init(struct replay_files *files, struct pintle_crypto *crypto);
void replay_files_clear(struct replay_files *files);
/* The keys are kept from one replay to the next; this frees them. */
void replay_keys_clear(void);

struct pintle_bytes replay_timestamp(struct replay_files *files, const struct model *world, int timestamp);

/* All return bytes that the caller frees. */
struct pintle_bytes replay_roots(struct replay_files *files, const struct model *world, int count);
struct pintle_bytes replay_shipped(struct replay_files *files, const struct model *world, int timestamp, int root);
/* What poll answers to head/<root>, and to the body that its timestamp names. */
struct pintle_bytes replay_head(struct replay_files *files, const struct model *world, const struct model_poll *poll,
                                int root);
struct pintle_bytes replay_body(struct replay_files *files, const struct model *world, const struct model_poll *poll);

#endif
