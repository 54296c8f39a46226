/* SPDX-License-Identifier: Apache-2.0 */
/* What one charter may take away from the one before it (docs/design.md, section 5.5, rule 2). */
#include <string.h>

#include "pin/charter.h"
#include "pin/host.h"

/* Does "host", or "*.host", stand in released? */
static bool releases_subdomains(const struct pti_charter *charter, const char *host)
{
    char name[PINTLE_HOST_MAX + 3] = "*.";

    pti_copy_text(name + 2, sizeof name - 2, host);
    return pti_charter_has_released(charter, host) || pti_charter_has_released(charter, name);
}

enum pintle_status pti_charter_check_successor(const struct pti_charter *current, const struct pti_charter *next,
                                               struct pti_error *error)
{
    for (size_t i = 0; i < current->host_count; i++) {
        const struct pti_charter_host *before = &current->hosts[i];
        const struct pti_charter_host *after = pti_charter_find(next, before->host);
        if (after == NULL && !pti_charter_has_released(next, before->host))
            return pti_fail(error, PINTLE_ERR_TRUST,
                            "expected the charter to list %s, which is in force, found neither the host nor its "
                            "release; list it or release it",
                            before->host);
        if (after != NULL && before->subdomains && !after->subdomains && !releases_subdomains(next, before->host))
            return pti_fail(error, PINTLE_ERR_TRUST,
                            "expected the charter to cover the subdomains of %s, which is in force, found them left "
                            "out without release; cover them or release \"*.%s\"",
                            before->host, before->host);
    }
    return PINTLE_OK;
}

/* A release stands for every older charter that a client may hold, until a listed entry gives as much as it took. */
static bool still_released(const struct pti_charter *next, const char *release)
{
    bool subdomains = strncmp(release, "*.", 2) == 0;
    const char *host = subdomains ? release + 2 : release;

    if (pti_charter_has_released(next, release) || pti_charter_has_released(next, host))
        return true;
    const struct pti_charter_host *entry = pti_charter_find(next, host);
    struct pti_host parsed; /* an address has no subdomains that could have gone with it */
    return entry != NULL && (entry->subdomains || releases_subdomains(next, host) ||
                             (pti_host_parse(host, &parsed, NULL) == PINTLE_OK && parsed.ip));
}

enum pintle_status pti_charter_check_released(const struct pti_charter *current, const struct pti_charter *next,
                                              struct pti_error *error)
{
    for (size_t i = 0; i < current->released_count; i++) {
        if (!still_released(next, current->released[i]))
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "expected \"released\" to keep \"%s\", found it gone; clients that skipped a version "
                            "would refuse this charter: put it back",
                            current->released[i]);
    }
    for (size_t i = 0; i < next->host_count; i++) {
        const struct pti_charter_host *entry = &next->hosts[i];
        if (pti_charter_has_released(next, entry->host) ||
            (entry->subdomains && releases_subdomains(next, entry->host)))
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "expected %s to be either listed or released, found both; take its release out, or a "
                            "later charter could drop it silently",
                            entry->host);
    }
    return PINTLE_OK;
}
