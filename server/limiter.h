/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many reports one network may send: a bucket of PTI_LIMITER_BURST_S seconds' worth, refilled at a steady rate,
 * for each of the networks that sent last, in a table of fixed size.  A network that the table has forgotten begins
 * with a full bucket; one is forgotten only for another that sent later.  Pure: time is an argument.  Any thread may
 * use it.
 */
#ifndef PTI_SERVER_LIMITER_H
#define PTI_SERVER_LIMITER_H

#include <pthread.h>
#include <stdint.h>

#include "server/limits.h"

#define PTI_LIMITER_WAYS 4 /* networks that share a place */

struct pti_limiter {
    pthread_mutex_t mutex;
    int64_t per_second; /* 0: no limit */
    struct pti_limiter_bucket {
        uint64_t network;
        int64_t left; /* thousandths of a report; below 0: in debt */
        int64_t at;   /* milliseconds */
    } buckets[PTI_LIMITER_PLACES][PTI_LIMITER_WAYS];
};

void pti_limiter_init(struct pti_limiter *limiter, int64_t per_second);
void pti_limiter_clear(struct pti_limiter *limiter);
/* 0: the network may send; else after how many seconds it may. */
unsigned pti_limiter_wait_s(struct pti_limiter *limiter, uint64_t network, int64_t now_ms);
/* It has sent so many, which may be more than were left: then it waits the longer. */
void pti_limiter_take(struct pti_limiter *limiter, uint64_t network, size_t count, int64_t now_ms);

#endif
