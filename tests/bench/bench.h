/* SPDX-License-Identifier: Apache-2.0 */
/* Timing for ratios: the best of many short rounds, two things taken turn about in one run. */
#ifndef PTI_BENCH_H
#define PTI_BENCH_H

#include <stdint.h>
#include <time.h>

static inline int64_t bench_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Nanoseconds per call of work(ctx), over `calls` calls. */
static inline double bench_round(void (*work)(void *ctx), void *ctx, unsigned calls)
{
    int64_t start = bench_now_ns();

    for (unsigned i = 0; i < calls; i++)
        work(ctx);
    return (double)(bench_now_ns() - start) / calls;
}

/* Nanoseconds a call, in the best round of each. */
struct bench_pair {
    double a_ns, b_ns;
};

/*
 * Two workloads, taken turn about so that both see the same machine.  The best rounds and not the median ones: whatever
 * shares the core does not slow both alike (SHA-256 has a unit of its own).
 */
static inline struct bench_pair bench_pair(void (*a)(void *), void (*b)(void *), void *ctx, unsigned rounds,
                                           unsigned calls)
{
    struct bench_pair best = {1e18, 1e18};

    for (unsigned i = 0; i < rounds; i++) {
        double a_ns = bench_round(a, ctx, calls), b_ns = bench_round(b, ctx, calls);

        best.a_ns = a_ns < best.a_ns ? a_ns : best.a_ns;
        best.b_ns = b_ns < best.b_ns ? b_ns : best.b_ns;
    }
    return best;
}

#endif
