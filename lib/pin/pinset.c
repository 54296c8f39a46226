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
 * The high bits of the hash, spread by a multiplication: as many as there are slots.  Names come from the charter, which the
 * offline threshold signs: nobody else can crowd a slot.
 */
#define HASH_SPREAD UINT32_C(2654435769) /* 2^32 over the golden ratio */
static inline uint32_t first_slot(const struct pintle_pinset *pinset, uint32_t hash)
{
    return (uint32_t)((uint64_t)(hash * HASH_SPREAD) * ((uint64_t)pinset->index_mask + 1) >> 32);
}

static const struct pti_policy *look_up(const struct pintle_pinset *pinset, uint32_t hash, const char *name,
                                        size_t size)
{
    for (uint32_t slot = first_slot(pinset, hash); pinset->index[slot] != 0; slot = (slot + 1) & pinset->index_mask) {
        const struct pti_policy *policy = &pinset->policies[pinset->index[slot] - 1];
        if (policy->host_size == size && memcmp(policy->host, name, size) == 0)
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
        uint32_t slot = first_slot(pinset, pti_host_hash(pinset->policies[i].host, pinset->policies[i].host_size));
        while (pinset->index[slot] != 0)
            slot = (slot + 1) & pinset->index_mask;
        pinset->index[slot] = (uint32_t)i + 1;
        if (pinset->policies[i].subdomains) {
            pinset->has_parents = true;
            pinset->parent_sizes[pinset->policies[i].host_size] = true;
        }
    }
}

const struct pti_policy *pti_pinset_find(const struct pintle_pinset *pinset, const char *host)
{
    size_t size = strlen(host);

    return look_up(pinset, pti_host_hash(host, size), host, size);
}

size_t pti_pinset_covers(const struct pintle_pinset *pinset, const struct pti_host *host,
                         const struct pti_policy *covers[PTI_COVERS_MAX])
{
    const struct pti_policy *policy = look_up(pinset, host->hash, host->name, host->size);
    const char *end = host->name + host->size;
    size_t count = 0;

    if (policy != NULL)
        covers[count++] = policy;
    if (!pinset->has_parents || host->ip)
        return count;
    for (const char *at = host->name; (at = memchr(at, '.', (size_t)(end - at))) != NULL;) {
        at++;
        if (!pinset->parent_sizes[end - at]) /* most parents end here */
            continue;
        policy = look_up(pinset, pti_host_hash(at, (size_t)(end - at)), at, (size_t)(end - at));
        if (policy != NULL && policy->subdomains)
            covers[count++] = policy;
    }
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
