/* SPDX-License-Identifier: Apache-2.0 */
#include "server/limiter.h"

#include <string.h>

void pti_limiter_init(struct pti_limiter *limiter, int64_t per_second)
{
    memset(limiter, 0, sizeof *limiter);
    limiter->per_second = per_second;
    pthread_mutex_init(&limiter->mutex, NULL);
}

void pti_limiter_clear(struct pti_limiter *limiter)
{
    pthread_mutex_destroy(&limiter->mutex);
}

/* By the upper bits of the product: the lower ones of a network (report/network.h) are 0 for all of IPv4. */
static size_t place_of(uint64_t network)
{
    return (size_t)((network * UINT64_C(0x9e3779b97f4a7c15) >> 32) * PTI_LIMITER_PLACES >> 32);
}

/* A bucket gains per_second thousandths a millisecond; one that was never used is of time 0, and so the first to go. */
static struct pti_limiter_bucket *fill(struct pti_limiter *limiter, uint64_t network, int64_t now_ms)
{
    struct pti_limiter_bucket *place = limiter->buckets[place_of(network)];
    struct pti_limiter_bucket *bucket = &place[0];
    const int64_t full = limiter->per_second * PTI_LIMITER_BURST_S * 1000;

    for (size_t i = 0; i < PTI_LIMITER_WAYS; i++) {
        if (place[i].at != 0 && place[i].network == network) {
            bucket = &place[i];
            break;
        }
        if (place[i].at < bucket->at)
            bucket = &place[i];
    }
    if (bucket->at == 0 || bucket->network != network)
        *bucket = (struct pti_limiter_bucket){network, full, now_ms};
    if (now_ms - bucket->at > PTI_LIMITER_BURST_S * 2000) /* whatever it owed; and no product overflows */
        bucket->left = full;
    else if (now_ms > bucket->at)
        bucket->left += (now_ms - bucket->at) * limiter->per_second;
    bucket->left = bucket->left < full ? bucket->left : full;
    bucket->at = now_ms;
    return bucket;
}

unsigned pti_limiter_wait_s(struct pti_limiter *limiter, uint64_t network, int64_t now_ms)
{
    int64_t missing = 0;

    if (limiter->per_second == 0)
        return 0;
    pthread_mutex_lock(&limiter->mutex);
    missing = 1000 - fill(limiter, network, now_ms)->left;
    pthread_mutex_unlock(&limiter->mutex);
    return missing <= 0 ? 0 : (unsigned)(missing / (1000 * limiter->per_second) + 1);
}

void pti_limiter_take(struct pti_limiter *limiter, uint64_t network, size_t count, int64_t now_ms)
{
    if (limiter->per_second == 0)
        return;
    pthread_mutex_lock(&limiter->mutex);
    fill(limiter, network, now_ms)->left -= (int64_t)count * 1000;
    pthread_mutex_unlock(&limiter->mutex);
}
