/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask for a refresh after a mismatch: a token bucket per host and one over all hosts, apart from the schedule.
 * A network attacker who provokes mismatches can neither multiply requests past these rates nor use up scheduled polls.
 */
#ifndef PTI_CLIENT_BUCKET_H
#define PTI_CLIENT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define PTI_HEAL_HOSTS_MAX 64
#define PTI_HEAL_HOST_TOKENS 4
#define PTI_HEAL_ALL_TOKENS 16
#define PTI_HEAL_REFILL_MS 15000 /* one token per bucket */
/* Retry-After stops healing for so long at most: whoever speaks for the repository cannot keep a client out for a day. */
#define PTI_HEAL_PATIENCE_MAX_MS 300000

struct pti_bucket {
    uint64_t host; /* hash of the name */
    int64_t tokens;
    int64_t refilled_ms;
    uint64_t wish; /* the number of the last refresh that was asked for this host; 0: none */
};

struct pti_buckets {
    struct pti_bucket hosts[PTI_HEAL_HOSTS_MAX];
    unsigned host_count;
    struct pti_bucket all;
};

void pti_buckets_init(struct pti_buckets *buckets, int64_t now_ms);
/* Takes one token for host, if both buckets have one.  A host beyond the table shares a bucket with another. */
bool pti_buckets_take(struct pti_buckets *buckets, const char *host, int64_t now_ms);
/* The bucket of host, made if there is none. */
struct pti_bucket *pti_buckets_find(struct pti_buckets *buckets, const char *host, int64_t now_ms);

/* FNV-1a, for tables in memory only. */
uint64_t pti_hash_text(uint64_t seed, const char *text);

#endif
