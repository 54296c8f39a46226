/* SPDX-License-Identifier: Apache-2.0 */
/* Eight threads check by the checker of a client while its pinset is swapped under them: for ThreadSanitizer above all. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/live.h"
#include "pin/pinset.h"

#define HOST "api.example.com"
#define THREADS 8
#define SWAPS 200

static const char *const keys[] = {"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
                                   "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="};

struct crowd {
    struct pintle_checker *checker;
    atomic_bool stop;
    atomic_ulong checks, wrong;
};

/* Key 1 always; key 2 in every second one. */
static struct pintle_pinset *make_pinset(bool second)
{
    const struct pintle_static_pin pins[] = {{HOST, keys[0], PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                             {HOST, keys[1], PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}};
    struct pintle_pinset *pinset;

    assert_int_equal(pintle_pinset_new_static(pins, second ? 2 : 1, PINTLE_UNLISTED_REFUSE, &pinset, NULL, 0),
                     PINTLE_OK);
    return pinset;
}

static enum pintle_status ask(struct crowd *crowd, uint8_t key)
{
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI};
    struct pintle_verdict verdict;

    memset(evidence.spki[0], key, sizeof evidence.spki[0]);
    return pintle_checker_peek(crowd->checker, HOST, &evidence, &verdict);
}

static void *check_on_and_on(void *ctx)
{
    struct crowd *crowd = ctx;

    while (!atomic_load(&crowd->stop)) {
        enum pintle_status first = ask(crowd, 1), second = ask(crowd, 2), third = ask(crowd, 3);
        bool wrong = first != PINTLE_OK || (second != PINTLE_OK && second != PINTLE_ERR_PIN_MISMATCH) ||
                     third != PINTLE_ERR_PIN_MISMATCH;

        (void)atomic_fetch_add(&crowd->wrong, wrong ? 1 : 0);
        (void)atomic_fetch_add(&crowd->checks, 1);
    }
    return NULL;
}

static void a_swap_is_seen_as_a_whole(void **state)
{
    struct crowd crowd = {.checker = NULL};
    struct pintle_clock clock;
    struct pintle_crypto *crypto;
    struct pti_live *live;
    pthread_t threads[THREADS];

    (void)state;
    pintle_clock_system_init(&clock);
    assert_int_equal(pintle_crypto_openssl_new(&crypto), PINTLE_OK);
    assert_int_equal(pti_live_new(&clock, crypto, NULL, NULL, &live), PINTLE_OK);
    pti_live_swap(live, make_pinset(false), 0);
    assert_int_equal(pti_live_checker(live, &crowd.checker), PINTLE_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, check_on_and_on, &crowd), 0);
    for (int i = 0; i < SWAPS; i++) {
        unsigned long before = atomic_load(&crowd.checks);

        pti_live_swap(live, make_pinset(i % 2 == 0), 0);
        assert_int_equal(ask(&crowd, 2), i % 2 == 0 ? PINTLE_OK : PINTLE_ERR_PIN_MISMATCH); /* at once */
        while (atomic_load(&crowd.checks) == before) /* somebody has checked in between */
            (void)sched_yield();
    }
    atomic_store(&crowd.stop, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    pti_live_unref(live);
    assert_int_equal(ask(&crowd, 1), PINTLE_OK); /* the checker keeps the last one */
    pintle_checker_free(crowd.checker);
    pintle_crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_swap_is_seen_as_a_whole)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
