/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does to the library what a step did to the model, and compares: how each poll ended, what is in force, what is stored,
 * which hosts are accepted with which pins, what the client says of itself.
 */
#ifndef PINTLE_TESTS_REPLAY_H
#define PINTLE_TESTS_REPLAY_H

#include "model.h"

struct replay;

struct replay *replay_new(void);
void replay_free(struct replay *replay);

/*
 * world is the model after the step that deeds tells of.  NULL, or how the library differs; static buffer.
 */
const char *replay_step(struct replay *replay, const struct model *world, const struct model_deeds *deeds);

#endif
