/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eight threads that check without end, by the checker of a running client, while its pinset is swapped 100 times a second;
 * over the same without swaps.  Rounds of both are taken turn about, and the best of each compared: what else the machine
 * does is in all of them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/pintle.h>

#include "client/live.h"
#include "pin/pinset.h"
#include "tests/bench/bench.h"

#define THREADS 8
#define ROUNDS 12
#define ROUND_NS INT64_C(250000000)
#define SWAPS_PER_SECOND 100
#define HOST "api.example.com"

static const char *const pins[] = {"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
                                   "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="};

struct crowd {
    struct pintle_checker *checker;
    atomic_bool stop;
    atomic_ulong checks, wrong;
};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* Both keys are pinned always, so that every check has one right answer. */
static struct pintle_pinset *make_pinset(void)
{
    const struct pintle_static_pin both[] = {{HOST, pins[0], PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                             {HOST, pins[1], PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}};
    struct pintle_pinset *pinset;

    require(pintle_pinset_new_static(both, 2, PINTLE_UNLISTED_REFUSE, &pinset, NULL, 0) == PINTLE_OK, "no pinset");
    return pinset;
}

static void *check_on_and_on(void *ctx)
{
    struct pintle_evidence evidence = {.count = 1, .of = PINTLE_OF_SPKI};
    struct pintle_verdict verdict;
    struct crowd *crowd = ctx;
    unsigned long checks = 0, wrong = 0;

    memset(evidence.spki[0], 2, sizeof evidence.spki[0]);
    for (; !atomic_load_explicit(&crowd->stop, memory_order_relaxed); checks++)
        wrong += pintle_checker_check(crowd->checker, HOST, &evidence, &verdict) != PINTLE_OK;
    (void)atomic_fetch_add(&crowd->checks, checks);
    (void)atomic_fetch_add(&crowd->wrong, wrong);
    return NULL;
}

static void sleep_ns(int64_t ns)
{
    struct timespec time = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    (void)nanosleep(&time, NULL);
}

/* Checks a second, of all threads. */
static double run_round(struct pti_live *live, struct crowd *crowd, bool swap)
{
    pthread_t threads[THREADS];
    int64_t start;

    atomic_store(&crowd->stop, false);
    atomic_store(&crowd->checks, 0);
    start = bench_now_ns();
    for (int i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, check_on_and_on, crowd) == 0, "no thread");
    for (int64_t next = start; next < start + ROUND_NS; next += INT64_C(1000000000) / SWAPS_PER_SECOND) {
        int64_t now = bench_now_ns();

        if (next > now)
            sleep_ns(next - now);
        if (swap)
            pti_live_swap(live, make_pinset(), 0);
    }
    atomic_store(&crowd->stop, true);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    return (double)atomic_load(&crowd->checks) * 1e9 / (double)(bench_now_ns() - start);
}

int main(void)
{
    struct pintle_clock clock;
    struct pintle_crypto *crypto;
    struct pti_live *live = NULL;
    struct crowd crowd = {.checker = NULL};
    double best[2] = {0, 0};

    pintle_clock_system_init(&clock);
    require(pintle_crypto_openssl_new(&crypto) == PINTLE_OK &&
                pti_live_new(&clock, crypto, NULL, NULL, &live) == PINTLE_OK,
            "no client");
    pti_live_swap(live, make_pinset(), 0);
    require(pti_live_checker(live, &crowd.checker) == PINTLE_OK, "no checker");
    for (int i = 0; i < 2 * ROUNDS; i++) {
        double rate = run_round(live, &crowd, i % 2);

        best[i % 2] = rate > best[i % 2] ? rate : best[i % 2];
    }
    require(atomic_load(&crowd.wrong) == 0, "a check gave the wrong verdict");
    (void)printf("8 threads check, pinset swapped 100 times a second / undisturbed\t%.3f\t%.2f M/s / %.2f M/s\n",
                 best[1] / best[0], best[1] / 1e6, best[0] / 1e6);
    pintle_checker_free(crowd.checker);
    pti_live_unref(live);
    pintle_crypto_free(crypto);
    return 0;
}
