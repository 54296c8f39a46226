/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model keeps its promises: in every short sequence of actions, and in long ones at random.  What each of its rules
 * is good for is shown by test_model_replay.c.
 * MODEL_EFFORT and MODEL_SEED of the environment make it longer or different.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore.h"

enum { ALL_KEYS = 1 << MODEL_TIMESTAMP | 1 << MODEL_SNAPSHOT | 3 << MODEL_ROLES, WALK_STEPS = 30, LONG_EFFORT = 100 };

static struct model world, next;

/* With all online keys stolen, everything that a thief of fewer could do is among what is searched. */
static void search(enum model_beginning beginning)
{
    bool deep = explore_effort() >= LONG_EFFORT;
    int depth = deep || (explore_effort() > 1 && beginning == MODEL_EARLY) ? 3 : 2;
    struct explore_trace trace;
    unsigned long states;

    model_init(&world, 0, ALL_KEYS, beginning, NULL);
    if (explore_search(&world, depth, deep, &trace, &states)) {
        explore_print(&trace);
        fail_msg("%s", trace.violation);
    }
    printf("%lu states, all sequences of up to %d actions\n", states, depth);
}

static void test_search(void **state)
{
    (void)state;
    search(MODEL_EARLY);
    search(MODEL_FRESH_CLIENTS);
    search(MODEL_LATE);
}

static const char *walk(uint64_t seed, struct explore_trace *trace)
{
    explore_begin(&seed, &world, NULL);
    while (trace->count < WALK_STEPS) {
        trace->actions[trace->count] = explore_action(&seed);
        memcpy(&next, &world, sizeof next);
        if (!model_step(&next, &trace->actions[trace->count], NULL))
            continue;
        memcpy(&world, &next, sizeof world);
        trace->count++;
        trace->violation = explore_judge(&world);
        if (trace->violation != NULL)
            return trace->violation;
    }
    return NULL;
}

/* Long walks that once went wrong: a later issue time that was lost with the store. */
static void test_known_walks(void **state)
{
    static const uint64_t known[] = {551824};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct explore_trace trace = {.seed = known[i]};
        if (walk(known[i], &trace) == NULL)
            continue;
        explore_print(&trace);
        fail_msg("%s", trace.violation);
    }
}

static void test_walks(void **state)
{
    uint64_t seed = explore_setting("MODEL_SEED", 1);

    (void)state;
    for (unsigned long i = 0; i < 1000 * explore_effort(); i++, seed++) {
        struct explore_trace trace = {.seed = seed};
        if (walk(seed, &trace) == NULL)
            continue;
        explore_print(&trace);
        fail_msg("%s", trace.violation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_known_walks),
        cmocka_unit_test(test_walks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
