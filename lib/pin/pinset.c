/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled pinset in use: references, look-up, the check. */
#include "pin/pinset.h"

#include <stdlib.h>
#include <string.h>

#include "pin/decide.h"

struct pintle_pinset *pintle_pinset_ref(struct pintle_pinset *pinset)
{
    atomic_fetch_add_explicit(&pinset->references, 1, memory_order_relaxed);
    return pinset;
}

void pintle_pinset_free(struct pintle_pinset *pinset)
{
    if (pinset == NULL || atomic_fetch_sub_explicit(&pinset->references, 1, memory_order_acq_rel) != 1)
        return;
    free(pinset->policies);
    free(pinset->pins);
    free(pinset->required);
    free(pinset->names);
    free(pinset);
}

unsigned pintle_pinset_needs(const struct pintle_pinset *pinset)
{
    return pinset->needs;
}

const struct pti_policy *pti_pinset_find(const struct pintle_pinset *pinset, const char *host)
{
    size_t low = 0;
    size_t high = pinset->policy_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(pinset->policies[middle].host, host);
        if (order == 0)
            return &pinset->policies[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct pti_policy *pti_pinset_effective(const struct pintle_pinset *pinset, const struct pti_host *host)
{
    for (const char *name = host->name; name != NULL; name = host->ip ? NULL : pti_host_parent(name)) {
        const struct pti_policy *policy = pti_pinset_find(pinset, name);
        if (policy != NULL && (name == host->name || policy->subdomains))
            return policy;
    }
    return NULL;
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
