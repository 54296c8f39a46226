/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check against 1, 1000 and 100,000 hosts: of 100 of them again and again, as an application asks, and of all, which
 * measures how far the memory is; and what a host with one pin takes in memory (glibc's count of what is allocated).  100,000 is more than a charter may list (PTI_HOSTS_MAX), so the
 * charter is made here and not read.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/pintle.h>

#include "pin/charter.h"
#include "pin/pinset.h"
#include "tests/bench/bench.h"

#define ROUNDS 400
#define CALLS 1000

struct run {
    struct pintle_pinset *pinset;
    struct pintle_evidence evidence;
    char (*hosts)[32];
    unsigned count, asked, next; /* asked: how many of them, evenly spread */
    unsigned wrong;
};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void check(void *ctx)
{
    struct run *run = ctx;
    struct pintle_verdict verdict;

    run->next = (unsigned)((run->next * UINT64_C(48271) + 11) % run->asked);
    if (pintle_pinset_check(run->pinset, run->hosts[run->next * (run->count / run->asked)], &run->evidence, 0,
                            &verdict) != PINTLE_OK)
        run->wrong++;
}

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

/* In the order in which charters are sorted. */
static struct pintle_pinset *compile(struct run *run)
{
    struct pti_pinset_input input = {.refuse_after = PTI_NEVER, .unlisted = PINTLE_UNLISTED_REFUSE};
    struct pti_pin pin = {.of = PINTLE_OF_SPKI, .at = PINTLE_AT_LEAF};
    struct pintle_pinset *pinset;
    struct pti_charter charter;

    memset(pin.sha256, 2, sizeof pin.sha256);
    pti_charter_init(&charter);
    charter.hosts = calloc(run->count, sizeof *charter.hosts);
    require(charter.hosts != NULL, "no memory");
    charter.host_count = run->count;
    for (unsigned i = 0; i < run->count; i++) {
        bool added;

        charter.hosts[i].host = strdup(run->hosts[i]);
        charter.hosts[i].mode = PINTLE_MODE_ENFORCE;
        require(pti_pins_add(&charter.hosts[i].pins, &pin, &added) == PINTLE_OK, "no pin");
    }
    input.charter = &charter;
    require(pti_pinset_compile(&input, &pinset, NULL) == PINTLE_OK, "no pinset");
    pti_charter_clear(&charter);
    return pinset;
}

/* The best of many rounds, as everywhere: nanoseconds a check. */
static double measure(struct run *run, unsigned asked)
{
    double best = 1e18;

    run->asked = asked < run->count ? asked : run->count;
    for (unsigned i = 0; i < ROUNDS; i++) {
        double ns = bench_round(check, run, CALLS);

        best = ns < best ? ns : best;
    }
    require(run->wrong == 0, "a check gave the wrong verdict");
    return best;
}

int main(void)
{
    static const unsigned counts[] = {1, 1000, 100000};
    double one = 0;

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct run run = {.count = counts[i], .evidence = {.count = 1, .of = PINTLE_OF_SPKI}};
        size_t bytes;
        double few, all;

        run.hosts = calloc(run.count, sizeof *run.hosts);
        require(run.hosts != NULL, "no memory");
        memset(run.evidence.spki[0], 2, sizeof run.evidence.spki[0]);
        for (unsigned host = 0; host < run.count; host++)
            (void)snprintf(run.hosts[host], sizeof run.hosts[host], "h%06u.example.com", host);
        bytes = allocated();
        run.pinset = compile(&run);
        bytes = allocated() - bytes;
        few = measure(&run, 100);
        all = measure(&run, run.count);
        one = i == 0 ? few : one;
        (void)printf(
            "look-up and decision, %u hosts / 1 host\t%.2f\t%.0f ns / %.0f ns; all hosts in turn %.0f ns; %.0f bytes a "
            "host\n",
            run.count, few / one, few, one, all, (double)bytes / run.count);
        pintle_pinset_free(run.pinset);
        free(run.hosts);
    }
    return 0;
}
