/* SPDX-License-Identifier: Apache-2.0 */
/* When to poll: bounds of the jitter, growth and cap of the back-off, Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/schedule.h"

#define NOW INT64_C(1000000)
#define DAY_S (24 * 3600)

static struct pti_schedule schedule_of(int64_t min_s, int64_t interval_s, int64_t max_s)
{
    struct pti_schedule schedule;

    pti_schedule_init(&schedule, NOW);
    pti_schedule_set_interval(&schedule, min_s, interval_s, max_s);
    return schedule;
}

static void test_due_at_once(void **state)
{
    struct pti_schedule schedule;

    (void)state;
    pti_schedule_init(&schedule, NOW);
    assert_int_equal(pti_schedule_wait_ms(&schedule, NOW), 0);
    assert_int_equal(pti_schedule_wait_ms(&schedule, NOW - 5), 5);
    assert_int_equal(pti_schedule_wait_ms(&schedule, INT64_MAX), 0);
    pti_schedule_succeeded(&schedule, NOW, -1, 0);
    assert_int_equal(pti_schedule_wait_ms(&schedule, NOW), 54 * 60 * 1000); /* an hour, less a tenth */
    assert_int_equal(pti_schedule_wait_ms(&schedule, NOW + 54 * 60 * 1000 - 1), 1);
    assert_int_equal(pti_schedule_wait_ms(&schedule, NOW + 54 * 60 * 1000), 0);
}

/* The jitter is a tenth up and down, and never leaves min and max; random runs through the whole of it. */
static void test_interval_after_success(void **state)
{
    static const struct {
        const char *name;
        int64_t min_s, interval_s, max_s, low_ms, high_ms;
    } cases[] = {
        {"an hour", 300, 3600, 86400, 3240000, 3960000},
        {"at the minimum", 3600, 3600, 86400, 3600000, 3960000},
        {"at the maximum", 300, 3600, 3600, 3240000, 3600000},
        {"all one", 3600, 3600, 3600, 3600000, 3600000},
        {"two seconds", 2, 2, 86400, 2000, 2200},
        {"one second", 1, 1, 1, 1000, 1000},
        {"thirty days", 2592000, 2592000, 2592000, INT64_C(2592000000), INT64_C(2592000000)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t low = INT64_MAX, high = 0;

        for (uint64_t n = 0; n < 2000; n++) {
            struct pti_schedule schedule = schedule_of(cases[i].min_s, cases[i].interval_s, cases[i].max_s);
            int64_t wait;

            pti_schedule_succeeded(&schedule, NOW, -1, n % 2 == 0 ? n * UINT64_C(0x9e3779b97f4a7c15) : UINT64_MAX - n);
            wait = pti_schedule_wait_ms(&schedule, NOW);
            low = wait < low ? wait : low;
            high = wait > high ? wait : high;
        }
        if (low < cases[i].low_ms || high > cases[i].high_ms)
            fail_msg("%s: from %lld to %lld ms", cases[i].name, (long long)low, (long long)high);
        /* and it is spread: not everybody at once */
        if (high - low < (cases[i].high_ms - cases[i].low_ms) * 9 / 10)
            fail_msg("%s: only from %lld to %lld ms", cases[i].name, (long long)low, (long long)high);
    }
}

/* After the n-th failure in a row: between one second and 10 s * 2^n, at most the interval. */
static void test_back_off(void **state)
{
    static const int64_t bounds_ms[] = {10000, 20000, 40000, 80000, 160000, 320000, 640000, 1280000, 2560000, 3600000};
    const size_t count = sizeof bounds_ms / sizeof bounds_ms[0];

    (void)state;
    for (size_t failures = 0; failures < 100; failures++) {
        int64_t want = bounds_ms[failures < count ? failures : count - 1], low = INT64_MAX, high = 0;

        for (uint64_t n = 0; n < 2000; n++) {
            struct pti_schedule schedule = schedule_of(300, 3600, 86400);
            int64_t wait;

            schedule.failures = (unsigned)failures;
            pti_schedule_failed(&schedule, NOW, -1, n * UINT64_C(0x9e3779b97f4a7c15));
            assert_int_equal(schedule.failures, failures + 1);
            wait = pti_schedule_wait_ms(&schedule, NOW);
            low = wait < low ? wait : low;
            high = wait > high ? wait : high;
        }
        assert_in_range(low, 1000, 1000 + want / 20); /* full jitter: down to almost nothing */
        assert_in_range(high, want - want / 20, want);
    }
}

static void test_back_off_of_a_short_interval(void **state)
{
    struct pti_schedule schedule = schedule_of(1, 1, 1);

    (void)state;
    for (int i = 0; i < 50; i++) {
        pti_schedule_failed(&schedule, NOW, -1, UINT64_MAX - (uint64_t)i);
        assert_int_equal(pti_schedule_wait_ms(&schedule, NOW), 1000);
    }
    schedule.failures = UINT32_MAX;
    pti_schedule_failed(&schedule, NOW, -1, 0);
    assert_int_equal(pti_schedule_wait_ms(&schedule, NOW), 1000);
}

static void test_success_forgets_failures(void **state)
{
    struct pti_schedule schedule = schedule_of(300, 3600, 86400);

    (void)state;
    for (int i = 0; i < 5; i++)
        pti_schedule_failed(&schedule, NOW, -1, 0);
    pti_schedule_succeeded(&schedule, NOW, -1, 0);
    assert_int_equal(schedule.failures, 0);
    pti_schedule_failed(&schedule, NOW, -1, 20001); /* 20001 % 10001: as long as it gets */
    assert_int_equal(pti_schedule_wait_ms(&schedule, NOW), 10000);
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *name;
        int64_t retry_after_s, failed_ms, succeeded_ms; /* with random 0: a second, and 54 minutes */
    } cases[] = {
        {"none", -1, 1000, 3240000},
        {"zero", 0, 1000, 3240000},
        {"half a minute", 30, 30000, 3240000},
        {"an hour", 3600, 3600000, 3600000},
        {"a day", DAY_S, DAY_S * INT64_C(1000), DAY_S * INT64_C(1000)},
        {"a week is a day", 7 * DAY_S, DAY_S * INT64_C(1000), DAY_S * INT64_C(1000)},
        {"for ever is a day", INT64_MAX, DAY_S * INT64_C(1000), DAY_S * INT64_C(1000)},
        {"nonsense", INT64_MIN, 1000, 3240000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_schedule failed = schedule_of(300, 3600, 86400), succeeded = failed;

        pti_schedule_failed(&failed, NOW, cases[i].retry_after_s, 0);
        pti_schedule_succeeded(&succeeded, NOW, cases[i].retry_after_s, 0);
        if (pti_schedule_wait_ms(&failed, NOW) != cases[i].failed_ms ||
            pti_schedule_wait_ms(&succeeded, NOW) != cases[i].succeeded_ms)
            fail_msg("%s: %lld and %lld ms", cases[i].name, (long long)pti_schedule_wait_ms(&failed, NOW),
                     (long long)pti_schedule_wait_ms(&succeeded, NOW));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due_at_once),
        cmocka_unit_test(test_interval_after_success),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_back_off_of_a_short_interval),
        cmocka_unit_test(test_success_forgets_failures),
        cmocka_unit_test(test_retry_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
