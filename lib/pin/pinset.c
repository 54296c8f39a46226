/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled pinset in use: references, look-up, the check. */
#include "pin/pinset.h"

#include <stdlib.h>
#include <string.h>

#include "pin/decide.h"

struct pintle_pinset *pintle_pinset_ref(struct pintle_pinset *pinset)
{
    if (pinset != NULL)
        atomic_fetch_add_explicit(&pinset->references, 1, memory_order_relaxed);
    return pinset;
}

void pintle_pinset_free(struct pintle_pinset *pinset)
{
    if (pinset == NULL || atomic_fetch_sub_explicit(&pinset->references, 1, memory_order_acq_rel) != 1)
        return;
    free(pinset->policies);
    free(pinset->index);
    free(pinset->pins);
    free(pinset->required);
    free(pinset->names);
    free(pinset);
}

unsigned pintle_pinset_needs(const struct pintle_pinset *pinset)
{
    return pinset != NULL ? pinset->needs : PINTLE_OF_SPKI;
}

/*
 * The index hashes a name from its last character to its first (FNV-1a), so that one walk over a host gives the hash of
 * every parent on the way.  Names come from the charter, which the offline threshold signs: nobody else can crowd a slot.
 */
#define HASH_SEED UINT32_C(2166136261)
#define HASH_PRIME UINT32_C(16777619)

static uint32_t hash_add(uint32_t hash, char c)
{
    return (hash ^ (uint8_t)c) * HASH_PRIME;
}

static uint32_t hash_of(const char *name)
{
    uint32_t hash = HASH_SEED;

    for (size_t i = strlen(name); i > 0; i--)
        hash = hash_add(hash, name[i - 1]);
    return hash;
}

static const struct pti_policy *look_up(const struct pintle_pinset *pinset, uint32_t hash, const char *name)
{
    for (uint32_t slot = hash & pinset->index_mask; pinset->index[slot] != 0; slot = (slot + 1) & pinset->index_mask) {
        const struct pti_policy *policy = &pinset->policies[pinset->index[slot] - 1];
        if (strcmp(policy->host, name) == 0)
            return policy;
    }
    return NULL;
}

size_t pti_pinset_index_size(size_t count)
{
    size_t size = 2;

    while (size < 2 * count)
        size *= 2;
    return size;
}

void pti_pinset_index_fill(struct pintle_pinset *pinset)
{
    for (size_t i = 0; i < pinset->policy_count; i++) {
        uint32_t slot = hash_of(pinset->policies[i].host) & pinset->index_mask;
        while (pinset->index[slot] != 0)
            slot = (slot + 1) & pinset->index_mask;
        pinset->index[slot] = (uint32_t)i + 1;
    }
}

const struct pti_policy *pti_pinset_find(const struct pintle_pinset *pinset, const char *host)
{
    return look_up(pinset, hash_of(host), host);
}

size_t pti_pinset_covers(const struct pintle_pinset *pinset, const struct pti_host *host,
                         const struct pti_policy *covers[PTI_COVERS_MAX])
{
    const struct pti_policy *found[PTI_COVERS_MAX];
    uint32_t hash = HASH_SEED;
    size_t count = 0;

    for (size_t i = host->size; i > 0; i--) {
        const char *name = host->name + i - 1;
        hash = hash_add(hash, name[0]);
        if (i > 1 && (host->ip || name[-1] != '.'))
            continue;
        const struct pti_policy *policy = look_up(pinset, hash, name);
        if (policy != NULL && (i == 1 || policy->subdomains))
            found[count++] = policy;
    }
    for (size_t i = 0; i < count; i++)
        covers[i] = found[count - 1 - i];
    return count;
}

const struct pti_policy *pti_pinset_effective(const struct pintle_pinset *pinset, const struct pti_host *host)
{
    const struct pti_policy *covers[PTI_COVERS_MAX];

    return pti_pinset_covers(pinset, host, covers) > 0 ? covers[0] : NULL;
}

bool pti_pinset_requires(const struct pintle_pinset *pinset, const char *host)
{
    size_t low = 0;
    size_t high = pinset->required_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(pinset->required[middle], host);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

enum pintle_status pintle_pinset_check(const struct pintle_pinset *pinset, const char *host,
                                       const struct pintle_evidence *evidence, int64_t now,
                                       struct pintle_verdict *verdict)
{
    struct pti_host parsed;

    if (verdict == NULL)
        return PINTLE_ERR_MISUSE;
    if (pinset == NULL || evidence == NULL)
        pti_verdict_reject(verdict, PINTLE_REASON_UNDECIDED, host);
    else if (host == NULL || host[0] == '\0')
        pti_verdict_reject(verdict, PINTLE_REASON_HOST_MISSING, NULL);
    else if (pti_host_parse(host, &parsed, NULL) != PINTLE_OK)
        pti_verdict_reject(verdict, PINTLE_REASON_HOST_INVALID, host);
    else
        pti_decide(pinset, &parsed, evidence, now, verdict);
    return verdict->status;
}
