/* SPDX-License-Identifier: Apache-2.0 */
/* How many reports a network may send, however many networks there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "report/network.h"
#include "server/limiter.h"

#define NOW INT64_C(1000000)
#define BURST (10 * PTI_LIMITER_BURST_S)

static struct pti_limiter *limiter;

static int set_up(void **state)
{
    (void)state;
    limiter = malloc(sizeof *limiter);
    if (!limiter)
        return -1;
    pti_limiter_init(limiter, 10);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pti_limiter_clear(limiter);
    free(limiter);
    return 0;
}

static void a_burst_goes_through_and_then_the_rate(void **state)
{
    (void)state;
    for (int i = 0; i < BURST; i++) {
        assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW), 0);
        pti_limiter_take(limiter, 7, 1, NOW);
    }
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW), 1);
    assert_int_equal(pti_limiter_wait_s(limiter, 8, NOW), 0); /* others are not in its way */
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW + 99), 1);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW + 100), 0);
}

static void who_sends_much_at_once_waits_the_longer(void **state)
{
    (void)state;
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW), 0);
    pti_limiter_take(limiter, 7, BURST + 50, NOW);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW), 6);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW + 5000), 1);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW + 5100), 0);
}

/* Neither a bucket that overflows nor a clock that goes back gives more than a burst. */
static void rest_gives_one_burst_at_most(void **state)
{
    (void)state;
    pti_limiter_take(limiter, 7, BURST, NOW);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW - 100000), 1);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, INT64_MAX / 4), 0);
    pti_limiter_take(limiter, 7, BURST, INT64_MAX / 4);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, INT64_MAX / 4), 1);
}

/* Networks that come and go make room for each other; the one that keeps sending stays limited. */
static void a_busy_network_is_not_forgotten_for_idle_ones(void **state)
{
    (void)state;
    pti_limiter_take(limiter, 7, BURST + 1000000, NOW);
    for (uint64_t other = 1000; other < 1000 + 20 * PTI_LIMITER_PLACES; other++) {
        int64_t at = NOW + (int64_t)(other / 1000);

        assert_true(pti_limiter_wait_s(limiter, 7, at) > 0);
        assert_int_equal(pti_limiter_wait_s(limiter, other, at), 0);
    }
}

/* A quarter of what the table has room for, as they come in addresses: hardly one makes another forgotten. */
static void networks_of_addresses_do_not_share_a_place(void **state)
{
    const int count = PTI_LIMITER_PLACES * PTI_LIMITER_WAYS / 8; /* of each family */
    uint64_t networks[2];
    int forgotten[2] = {0};

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < count; i++) {
            const uint8_t v4[4] = {198, (uint8_t)(i >> 8), (uint8_t)i, 1};
            const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, (uint8_t)(i >> 8), (uint8_t)i};

            networks[0] = pti_network_v4(v4);
            networks[1] = pti_network_v6(v6);
            for (int family = 0; family < 2; family++) {
                if (turn == 0)
                    pti_limiter_take(limiter, networks[family], BURST + 1000, NOW + i);
                else
                    forgotten[family] += pti_limiter_wait_s(limiter, networks[family], NOW + count) == 0;
            }
        }
    }
    assert_in_range(forgotten[0], 0, count / 16);
    assert_in_range(forgotten[1], 0, count / 16);
}

static void no_limit_is_none(void **state)
{
    (void)state;
    limiter->per_second = 0;
    pti_limiter_take(limiter, 7, 1000000, NOW);
    assert_int_equal(pti_limiter_wait_s(limiter, 7, NOW), 0);
}

int main(void)
{
#define LIMITER_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        LIMITER_TEST(a_burst_goes_through_and_then_the_rate),
        LIMITER_TEST(who_sends_much_at_once_waits_the_longer),
        LIMITER_TEST(rest_gives_one_burst_at_most),
        LIMITER_TEST(a_busy_network_is_not_forgotten_for_idle_ones),
        LIMITER_TEST(networks_of_addresses_do_not_share_a_place),
        LIMITER_TEST(no_limit_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
