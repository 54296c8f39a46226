/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways through the model: every short sequence of actions, and long ones at random. */
#ifndef PINTLE_TESTS_EXPLORE_H
#define PINTLE_TESTS_EXPLORE_H

#include "model.h"

enum { EXPLORE_STEPS_MAX = 64 };

struct explore_trace {
    struct model_action actions[EXPLORE_STEPS_MAX];
    int count;
    const char *violation; /* NULL: none */
    uint64_t seed;         /* of a walk; else 0 */
};

/* NULL, or what is violated in this world, or would be after the publisher has repaired all that it can. */
const char *explore_judge(struct model *world);

/*
 * Searches all sequences of at most depth actions from start, the short ones first; with recovery each state is judged as
 * above, else without the repair.  true: the trace of one that ends in a violation, and none is shorter.  states counts
 * what was looked at.
 */
bool explore_search(const struct model *start, int depth, bool recovery, struct explore_trace *trace,
                    unsigned long *states);

/* The same numbers for the same seed, everywhere. */
uint64_t explore_random(uint64_t *seed);
int explore_below(uint64_t *seed, int bound);
/* A world to start a walk from: some keys are stolen, or none. */
void explore_begin(uint64_t *seed, struct model *world, struct model_deeds *deeds);
/* An action with all its variants. */
struct model_action explore_action(uint64_t *seed);

/* How much to do: MODEL_EFFORT of the environment, or what is compiled in; 1 is the least. */
unsigned long explore_effort(void);
/* A number of the environment. */
unsigned long explore_setting(const char *name, unsigned long normal);

/* What is found when a rule is taken out of the model: what that rule is good for. */
struct explore_rule {
    enum model_rule rule;
    const char *name;
    int stolen;
    enum model_beginning beginning;
    bool recovery; /* it takes honest polls to see it */
};
extern const struct explore_rule explore_rules[MODEL_RULES];
bool explore_without(const struct explore_rule *rule, struct explore_trace *trace);

void explore_print(const struct explore_trace *trace);

#endif
