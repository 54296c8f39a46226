/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library does what the model does: random walks in lockstep, and after each the recovery by honest polls.
 * MODEL_EFFORT and MODEL_SEED of the environment make it longer or different.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "explore.h"
#include "replay.h"
#include "replay_crypto.h"
#include "replay_files.h"

static void fail_trace(const struct explore_trace *trace, uint64_t seed, const char *what)
{
    explore_print(trace);
    fail_msg("seed %" PRIu64 ", after step %d: %s", seed, trace->count, what);
}

static void test_walks(void **state)
{
    static struct model world, next;
    unsigned long walks = 60 * explore_effort(), steps = 25;
    uint64_t seed = explore_setting("MODEL_SEED", 1);

    (void)state;
    for (unsigned long i = 0; i < walks; i++, seed++) {
        struct explore_trace trace = {.count = 0};
        struct replay *replay = replay_new();
        struct model_deeds deeds;
        uint64_t random = seed;
        const char *found;

        explore_begin(&random, &world, &deeds);
        found = replay_step(replay, &world, &deeds);
        while (found == NULL && (unsigned long)trace.count < steps && trace.count < EXPLORE_STEPS_MAX) {
            struct model_action action = explore_action(&random);
            memcpy(&next, &world, sizeof next);
            if (!model_step(&next, &action, &deeds))
                continue;
            memcpy(&world, &next, sizeof world);
            trace.actions[trace.count++] = action;
            found = model_violation(&world);
            if (found == NULL)
                found = replay_step(replay, &world, &deeds);
        }
        if (found == NULL) {
            model_recover(&world, &deeds);
            found = model_recovered(&world);
        }
        if (found == NULL)
            found = replay_step(replay, &world, &deeds);
        if (found != NULL)
            fail_trace(&trace, seed, found);
        replay_free(replay);
    }
    replay_keys_clear();
    replay_crypto_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
