/* SPDX-License-Identifier: Apache-2.0 */
#include "client/bucket.h"

void pti_buckets_init(struct pti_buckets *buckets, int64_t now_ms)
{
    *buckets = (struct pti_buckets){.all = {0, PTI_HEAL_ALL_TOKENS, now_ms, 0}};
}

uint64_t pti_hash_text(uint64_t seed, const char *text)
{
    uint64_t hash = seed ^ UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

struct pti_bucket *pti_buckets_find(struct pti_buckets *buckets, const char *host, int64_t now_ms)
{
    uint64_t hash = pti_hash_text(0, host);

    for (unsigned i = 0; i < buckets->host_count; i++)
        if (buckets->hosts[i].host == hash)
            return &buckets->hosts[i];
    if (buckets->host_count == PTI_HEAL_HOSTS_MAX)
        return &buckets->hosts[hash % PTI_HEAL_HOSTS_MAX];
    buckets->hosts[buckets->host_count] = (struct pti_bucket){hash, PTI_HEAL_HOST_TOKENS, now_ms, 0};
    return &buckets->hosts[buckets->host_count++];
}

static void refill(struct pti_bucket *bucket, int64_t capacity, int64_t now_ms)
{
    int64_t gained = (now_ms - bucket->refilled_ms) / PTI_HEAL_REFILL_MS;

    if (gained <= 0)
        return;
    bucket->refilled_ms += gained * PTI_HEAL_REFILL_MS;
    bucket->tokens = gained >= capacity - bucket->tokens ? capacity : bucket->tokens + gained;
}

bool pti_buckets_take(struct pti_buckets *buckets, const char *host, int64_t now_ms)
{
    struct pti_bucket *own = pti_buckets_find(buckets, host, now_ms);

    refill(own, PTI_HEAL_HOST_TOKENS, now_ms);
    refill(&buckets->all, PTI_HEAL_ALL_TOKENS, now_ms);
    if (own->tokens == 0 || buckets->all.tokens == 0)
        return false;
    own->tokens--;
    buckets->all.tokens--;
    return true;
}
