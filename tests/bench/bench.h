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

/* The least of `rounds` rounds for each of two workloads, taken turn about so that both see the same machine. */
static inline void bench_pair(void (*a)(void *), void *a_ctx, void (*b)(void *), void *b_ctx, unsigned rounds,
                              unsigned calls, double *a_ns, double *b_ns)
{
    *a_ns = *b_ns = 1e18;
    for (unsigned i = 0; i < rounds; i++) {
        double ns = bench_round(a, a_ctx, calls);

        if (ns < *a_ns)
            *a_ns = ns;
        ns = bench_round(b, b_ctx, calls);
        if (ns < *b_ns)
            *b_ns = ns;
    }
}

#endif
