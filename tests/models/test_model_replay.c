/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library does what the model does: along the shortest trace that goes wrong for a model without one of its rules, of
 * every rule, and along random walks; each ends with the recovery by honest polls.
 * MODEL_EFFORT and MODEL_SEED of the environment make it longer or different.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "explore.h"
#include "replay.h"
#include "replay_crypto.h"
#include "replay_files.h"

enum { WALK_STEPS = 25, WALKS = 40 };

static struct model world, next;
static struct model_deeds deeds;

static void expect_same(struct replay *replay, const struct explore_trace *trace)
{
    const char *found = model_violation(&world);

    if (found == NULL)
        found = replay_step(replay, &world, &deeds);
    if (found == NULL)
        return;
    explore_print(trace);
    fail_msg("after step %d: %s", trace->count, found);
}

static void expect_restart(struct replay *replay, const struct explore_trace *trace)
{
    model_restart_all(&world, false, &deeds);
    expect_same(replay, trace);
    model_restart_all(&world, true, &deeds);
    expect_same(replay, trace);
}

static void expect_recovery(struct replay *replay, const struct explore_trace *trace)
{
    model_recover(&world, &deeds);
    expect_same(replay, trace);
    if (model_recovered(&world) == NULL)
        return;
    explore_print(trace);
    fail_msg("after honest polls: %s", model_recovered(&world));
}

/* false: not possible here. */
static bool step(const struct model_action *action)
{
    memcpy(&next, &world, sizeof next);
    if (!model_step(&next, action, &deeds))
        return false;
    memcpy(&world, &next, sizeof world);
    return true;
}

/* Without any of its rules the model falls for something; the whole model does not, and the library neither. */
static void test_rules(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_RULES; i++) {
        const struct explore_rule *rule = &explore_rules[i];
        struct explore_trace found, trace = {.count = 0};
        struct replay *replay = replay_new();

        assert_int_equal(rule->rule, i);
        assert_true(explore_without(rule, &found));
        printf("without \"%s\":\n", rule->name);
        explore_print(&found);
        model_init(&world, 0, rule->stolen, rule->beginning, &deeds);
        expect_same(replay, &trace);
        for (int at = 0; at < found.count; at++) {
            trace.actions[trace.count++] = found.actions[at];
            assert_true(step(&found.actions[at]));
            expect_same(replay, &trace);
        }
        expect_restart(replay, &trace);
        expect_recovery(replay, &trace);
        replay_free(replay);
    }
}

static void walk(uint64_t seed)
{
    struct explore_trace trace = {.seed = seed};
    struct replay *replay = replay_new();

    explore_begin(&seed, &world, &deeds);
    expect_same(replay, &trace);
    while (trace.count < WALK_STEPS) {
        trace.actions[trace.count] = explore_action(&seed);
        if (!step(&trace.actions[trace.count]))
            continue;
        trace.count++;
        expect_same(replay, &trace);
    }
    expect_recovery(replay, &trace);
    replay_free(replay);
}

static void test_walks(void **state)
{
    uint64_t seed = explore_setting("MODEL_SEED", 1);

    (void)state;
    for (unsigned long i = 0; i < WALKS * explore_effort(); i++)
        walk(seed + i);
}

static int clear(void **state)
{
    (void)state;
    replay_keys_clear();
    replay_crypto_clear();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_walks),
    };

    return cmocka_run_group_tests(tests, NULL, clear);
}
