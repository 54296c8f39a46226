/* SPDX-License-Identifier: Apache-2.0 */
/* When edges are looked at: what is due, how long the next look waits, and that they never go out together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "pin/pinset.h"
#include "server/probe_jobs.h"

#define HOUR_MS INT64_C(3600000)

static void what_is_due(void **state)
{
    static const struct {
        const char *name;
        struct pti_probe_slot slots[4];
        size_t most, want;
        int64_t wait_ms;
    } cases[] = {
        {"nothing there", {{0, false, false}}, 4, PTI_PROBE_NONE, -1},
        {"due now", {{100, true, false}}, 4, 0, -1},
        {"not yet", {{130, true, false}}, 4, PTI_PROBE_NONE, 30},
        {"the one due for longest", {{99, true, false}, {90, true, false}, {95, true, false}}, 4, 1, -1},
        {"the next one", {{150, true, false}, {120, true, false}}, 4, PTI_PROBE_NONE, 20},
        {"one that runs is not taken again", {{50, true, true}, {60, true, false}}, 4, 1, -1},
        {"all run", {{50, true, true}, {60, true, true}}, 4, PTI_PROBE_NONE, -1},
        {"enough run", {{50, true, true}, {60, true, true}, {70, true, false}}, 2, PTI_PROBE_NONE, -1},
        {"a free slot is nothing", {{50, false, false}, {60, false, true}, {110, true, false}}, 1, PTI_PROBE_NONE, 10},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        int64_t wait_ms = 0;
        size_t found = pti_probe_choose(cases[i].slots, PTI_COUNT(cases[i].slots), 100, cases[i].most, &wait_ms);

        if (found != cases[i].want || (found == PTI_PROBE_NONE && wait_ms != cases[i].wait_ms))
            fail_msg("%s: %zu, %lld ms", cases[i].name, found, (long long)wait_ms);
    }
}

/* The bounds of a delay, at the least and the largest random number. */
static void how_long_it_waits(void **state)
{
    static const struct {
        int64_t every_ms;
        unsigned failures;
        int64_t least, most; /* not reached */
    } cases[] = {
        {HOUR_MS, 0, HOUR_MS / 2, HOUR_MS * 3 / 2},
        {HOUR_MS, 1, 0, 15000},
        {HOUR_MS, 2, 0, 30000},
        {HOUR_MS, 3, 0, 60000},
        {HOUR_MS, 9, 0, HOUR_MS},
        {HOUR_MS, UINT32_MAX, 0, HOUR_MS},
        {1000, 0, 500, 1500},
        {1000, 1, 0, 1000},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        int64_t low = pti_probe_delay(cases[i].every_ms, cases[i].failures, 0);
        int64_t high = pti_probe_delay(cases[i].every_ms, cases[i].failures, UINT32_MAX);

        if (low != cases[i].least || high >= cases[i].most || high < cases[i].most - cases[i].most / 1000 - 1)
            fail_msg("%zu: %lld to %lld", i, (long long)low, (long long)high);
    }
    assert_int_equal(pti_probe_first_delay(HOUR_MS, 0), 0);
    assert_in_range(pti_probe_first_delay(HOUR_MS, UINT32_MAX), PTI_PROBE_SPREAD_MS - 100, PTI_PROBE_SPREAD_MS - 1);
    assert_in_range(pti_probe_first_delay(1000, UINT32_MAX), 990, 999);
}

/* ---- the table of jobs ---- */

static struct pti_target target_of(const char *host, const char *place, enum pti_target_source source)
{
    struct pti_target target = {.source = source, .where.port = 443};

    pti_copy_text(target.host, sizeof target.host, host);
    pti_copy_text(target.where.host, sizeof target.where.host, place);
    return target;
}

static void resolve(struct pti_probe_jobs *jobs, const struct pti_target *target, const char *const *addresses,
                    int64_t now_ms)
{
    struct pti_endpoint list[4];
    size_t count = 0;

    for (; addresses[count]; count++) {
        memset(&list[count], 0, sizeof list[count]);
        pti_copy_text(list[count].host, sizeof list[count].host, addresses[count]);
        list[count].port = target->where.port;
    }
    assert_true(pti_probe_jobs_resolved(jobs, target, list, count, now_ms));
}

static bool is_edge(const struct pti_probe_jobs *jobs, const char *host, const char *address)
{
    const struct pti_target target = target_of(host, "", PTI_TARGET_API);
    const struct pti_edge_key key = pti_probe_edge_key(&target, address, PTI_PROBE_KEY_RSA);

    return pti_probe_jobs_want(jobs, &key);
}

/* Addresses of a name come and go; one that another target names, too, stays. */
static void addresses_come_and_go(void **state)
{
    static const char *const both[] = {"192.0.2.1", "192.0.2.2", NULL}, *const second[] = {"192.0.2.2", NULL},
                             *const first[] = {"192.0.2.1", NULL};
    struct pti_probe_jobs jobs = {.every_ms = HOUR_MS, .random = 1};
    const struct pti_target name = target_of("a.test", "a.test", PTI_TARGET_MANIFEST);
    const struct pti_target fixed = target_of("a.test", "192.0.2.1", PTI_TARGET_API);

    (void)state;
    assert_int_equal(pti_probe_jobs_add(&jobs, &name, 0, NULL), PINTLE_OK);
    assert_true(is_edge(&jobs, "a.test", "192.0.2.9")); /* it may be: nobody has asked yet */
    resolve(&jobs, &name, both, 0);
    assert_int_equal(jobs.edge_count, 4);
    assert_true(is_edge(&jobs, "a.test", "192.0.2.1") && is_edge(&jobs, "a.test", "192.0.2.2"));
    assert_false(is_edge(&jobs, "a.test", "192.0.2.9") || is_edge(&jobs, "b.test", "192.0.2.1"));
    resolve(&jobs, &name, second, 1);
    assert_int_equal(jobs.edge_count, 2);
    assert_false(is_edge(&jobs, "a.test", "192.0.2.1"));

    assert_int_equal(pti_probe_jobs_add(&jobs, &fixed, 2, NULL), PINTLE_OK);
    assert_int_equal(pti_probe_jobs_add(&jobs, &fixed, 2, NULL), PINTLE_OK); /* once */
    assert_int_equal(jobs.target_count, 2);
    resolve(&jobs, &fixed, first, 2);
    resolve(&jobs, &name, both, 3);
    resolve(&jobs, &name, second, 4);
    assert_true(is_edge(&jobs, "a.test", "192.0.2.1"));
    pti_probe_jobs_remove(&jobs, &(struct pti_target){.source = PTI_TARGET_API}); /* another one */
    assert_int_equal(jobs.edge_count, 4);
    pti_probe_jobs_remove(&jobs, &fixed);
    assert_int_equal(jobs.edge_count, 2);
    assert_false(is_edge(&jobs, "a.test", "192.0.2.1"));
    pti_probe_jobs_clear(&jobs);
}

/* A host of the manifest that somebody added by hand, too, is not forgotten when he takes that back; nor the reverse. */
static void who_names_it_keeps_it(void **state)
{
    struct pti_policy policy = {.host = "a.test", .host_size = strlen("a.test")};
    uint32_t index[2][4] = {{0}};
    struct pintle_pinset one = {.policies = &policy, .policy_count = 1, .index = index[0], .index_mask = 3},
                         none = {.policies = &policy, .index = index[1], .index_mask = 3};
    struct pti_probe_jobs jobs = {.every_ms = HOUR_MS, .random = 1};
    const struct pti_target added = target_of("a.test", "a.test", PTI_TARGET_API);

    (void)state;
    pti_pinset_index_fill(&one);
    assert_int_equal(pti_probe_jobs_add(&jobs, &added, 0, NULL), PINTLE_OK); /* kept from before this start */
    assert_true(pti_probe_jobs_set_manifest(&jobs, "", &one, 0));
    assert_int_equal(jobs.target_count, 1);
    pti_probe_jobs_remove(&jobs, &added);
    assert_int_equal(jobs.target_count, 1);
    assert_int_equal(jobs.jobs[0].target.source, PTI_TARGET_MANIFEST);
    assert_int_equal(pti_probe_jobs_add(&jobs, &added, 0, NULL), PINTLE_OK);
    assert_true(pti_probe_jobs_set_manifest(&jobs, "", &none, 0));
    assert_int_equal(jobs.target_count, 1);
    assert_int_equal(jobs.jobs[0].target.source, PTI_TARGET_API);
    pti_probe_jobs_remove(&jobs, &added);
    assert_int_equal(jobs.target_count, 0);
    pti_probe_jobs_clear(&jobs);
}

/* What is removed while somebody is at it is gone once he is done, and not before. */
static void removed_while_it_runs(void **state)
{
    static const char *const first[] = {"192.0.2.1", NULL};
    struct pti_probe_jobs jobs = {.every_ms = HOUR_MS, .random = 1};
    const struct pti_target fixed = target_of("a.test", "192.0.2.1", PTI_TARGET_API);
    struct pti_probe_job taken, other;
    int64_t wait_ms = 0;

    (void)state;
    assert_int_equal(pti_probe_jobs_add(&jobs, &fixed, 0, NULL), PINTLE_OK);
    assert_true(pti_probe_jobs_take(&jobs, HOUR_MS, 4, &taken, &wait_ms));
    assert_false(taken.is_edge);
    assert_false(pti_probe_jobs_take(&jobs, HOUR_MS, 4, &other, &wait_ms)); /* there is but one */
    pti_probe_jobs_remove(&jobs, &fixed);
    resolve(&jobs, &fixed, first, HOUR_MS); /* too late */
    assert_int_equal(jobs.edge_count, 0);
    assert_true(jobs.slots[taken.slot].used);
    pti_probe_jobs_done(&jobs, &taken, true, HOUR_MS);
    assert_false(jobs.slots[taken.slot].used);
    assert_false(pti_probe_jobs_take(&jobs, 9 * HOUR_MS, 4, &other, &wait_ms));
    pti_probe_jobs_clear(&jobs);
}

/* The targets of a manifest are those of the newest one; it makes every edge due soon, as verdicts may have changed. */
static void manifests_replace_each_other(void **state)
{
    static const char *const first[] = {"192.0.2.1", NULL};
    struct pti_policy policies[] = {{.host = "a.test"}, {.host = "b.test"}};
    struct pintle_pinset both = {.policies = policies, .policy_count = 2},
                         one = {.policies = policies, .policy_count = 1};
    uint32_t index[2][4] = {{0}};
    struct pti_probe_jobs jobs = {.every_ms = HOUR_MS, .random = 1};
    const struct pti_target b = target_of("b.test", "b.test", PTI_TARGET_MANIFEST);
    const struct pti_target fixed = target_of("c.test", "192.0.2.1", PTI_TARGET_OPTION);
    struct pti_probe_job job;
    int64_t wait_ms = 0;

    (void)state;
    policies[0].host_size = policies[1].host_size = strlen("a.test");
    both.index = index[0];
    one.index = index[1];
    both.index_mask = one.index_mask = 3;
    pti_pinset_index_fill(&both);
    pti_pinset_index_fill(&one);

    assert_int_equal(pti_probe_jobs_add(&jobs, &fixed, 0, NULL), PINTLE_OK);
    assert_true(pti_probe_jobs_set_manifest(&jobs, "", &both, 0));
    assert_int_equal(jobs.target_count, 3);
    resolve(&jobs, &b, first, 0);
    resolve(&jobs, &fixed, first, 0);
    while (pti_probe_jobs_take(&jobs, PTI_PROBE_SPREAD_MS, 9, &job, &wait_ms))
        pti_probe_jobs_done(&jobs, &job, true, PTI_PROBE_SPREAD_MS);
    assert_in_range(wait_ms, HOUR_MS / 2, HOUR_MS * 3 / 2);
    assert_true(pti_probe_jobs_set_manifest(&jobs, "other", &both, PTI_PROBE_SPREAD_MS)); /* that of another one */
    assert_int_equal(jobs.target_count, 5);

    assert_true(pti_probe_jobs_set_manifest(&jobs, "", &one, PTI_PROBE_SPREAD_MS));
    assert_int_equal(jobs.target_count, 4);
    assert_int_equal(jobs.edge_count, 2); /* the fixed ones */
    for (int edges = 0; edges < 2; edges += job.is_edge) {
        assert_true(pti_probe_jobs_take(&jobs, 2 * PTI_PROBE_SPREAD_MS, 9, &job, &wait_ms));
        pti_probe_jobs_done(&jobs, &job, true, 2 * PTI_PROBE_SPREAD_MS);
    }
    pti_probe_jobs_clear(&jobs);
}

/* A thousand edges over a day: never more than a few in one second, each about as often as it should. */
static void never_all_at_once(void **state)
{
    struct pti_probe_jobs jobs = {.every_ms = HOUR_MS, .random = 7};
    unsigned looks = 0, most = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct pti_target target = target_of("a.test", "192.0.2.1", PTI_TARGET_OPTION);

        target.where.port = (uint16_t)(i + 1);
        assert_int_equal(pti_probe_jobs_add(&jobs, &target, 0, NULL), PINTLE_OK);
    }
    for (int64_t now_ms = 0; now_ms < 24 * HOUR_MS; now_ms += 1000) {
        struct pti_probe_job job;
        int64_t wait_ms = 0;
        unsigned together = 0;

        for (; pti_probe_jobs_take(&jobs, now_ms, 4, &job, &wait_ms); together++)
            pti_probe_jobs_done(&jobs, &job, true, now_ms);
        looks += together;
        if (now_ms > PTI_PROBE_SPREAD_MS && together > most)
            most = together;
    }
    assert_in_range(looks, 23500, 25500);
    assert_in_range(most, 1, 10);
    pti_probe_jobs_clear(&jobs);
}

static void there_is_a_most(void **state)
{
    struct pti_probe_jobs jobs = {.every_ms = HOUR_MS, .random = 1};
    struct pti_error error;

    (void)state;
    for (int i = 0; i <= PTI_TARGETS_MAX; i++) {
        struct pti_target target = target_of("a.test", "192.0.2.1", PTI_TARGET_API);

        target.where.port = (uint16_t)(i + 1);
        assert_int_equal(pti_probe_jobs_add(&jobs, &target, 0, &error),
                         i < PTI_TARGETS_MAX ? PINTLE_OK : PINTLE_ERR_INPUT);
    }
    assert_non_null(strstr(error.detail, "remove some"));
    pti_probe_jobs_clear(&jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due),           cmocka_unit_test(how_long_it_waits),
        cmocka_unit_test(addresses_come_and_go), cmocka_unit_test(who_names_it_keeps_it),
        cmocka_unit_test(removed_while_it_runs), cmocka_unit_test(manifests_replace_each_other),
        cmocka_unit_test(never_all_at_once),     cmocka_unit_test(there_is_a_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
