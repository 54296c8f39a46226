/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's clock and randomness, as far as they can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include <pintle/clock.h>

static void the_clock_tells_unix_time(void **state)
{
    struct pintle_clock clock;
    int64_t before = (int64_t)time(NULL);

    (void)state;
    pintle_clock_system_init(&clock);
    assert_int_equal(clock.size, sizeof(clock));
    assert_in_range(clock.now(clock.ctx) - before, 0, 60);
}

static void the_monotonic_clock_counts_milliseconds(void **state)
{
    struct pintle_clock clock;
    struct timespec pause = {0, 20000000};
    int64_t before, passed;

    (void)state;
    pintle_clock_system_init(&clock);
    before = clock.monotonic_ms(clock.ctx);
    nanosleep(&pause, NULL);
    passed = clock.monotonic_ms(clock.ctx) - before;
    assert_in_range(passed, 19, 10000);
}

static void assert_spread(const struct pintle_clock *clock)
{
    uint64_t set = 0, clear = 0, last = clock->random(clock->ctx);

    for (int i = 0; i < 64; i++) { /* every bit takes both values, and no two draws are the same */
        uint64_t value = clock->random(clock->ctx);

        assert_true(value != last);
        set |= value;
        clear |= ~value;
        last = value;
    }
    assert_true(set == UINT64_MAX && clear == UINT64_MAX);
}

static void randomness_needs_no_descriptor(void **state)
{
    struct pintle_clock clock;
    struct rlimit limit, none;

    (void)state;
    pintle_clock_system_init(&clock);
    assert_spread(&clock);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_spread(&clock);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_tells_unix_time),
        cmocka_unit_test(the_monotonic_clock_counts_milliseconds),
        cmocka_unit_test(randomness_needs_no_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
