/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling a pinset: charter and zones become host policies, sorted for look-up.  Nothing here decides on a
 * connection; that is lib/pin/decide.
 */
#ifndef PTI_PIN_PINSET_H
#define PTI_PIN_PINSET_H

#include <pintle/pinset.h>

#include "base/crypto.h"
#include "pin/charter.h"
#include "pin/host.h"
#include "pin/zone.h"

#define PTI_NEVER INT64_MAX

/* One zone as input: the file may be missing (NULL), its hosts then have the charter's pins alone. */
struct pti_pinset_zone {
    const struct pti_zone *zone;
    int64_t refuse_after;             /* Unix seconds after which hosts of this zone are refused; PTI_NEVER */
    enum pintle_reason refuse_reason; /* PINTLE_REASON_STALE_REFUSED or PINTLE_REASON_SHIPPED_TOO_OLD */
};

struct pti_pinset_input {
    const struct pti_charter *charter; /* NULL: no policies at all */
    const struct pti_pinset_zone *zones;
    size_t zone_count;
    int64_t refuse_after; /* for charter hosts whose zone is not among zones; PTI_NEVER */
    enum pintle_reason refuse_reason;
    enum pintle_unlisted unlisted;
    const char *const *required; /* normalised host names */
    size_t required_count;
    bool refuse_unknown; /* storage could not be verified: a host without policy is refused, STORE_UNVERIFIED */
    /* Told, one line each, what in the files has no effect and why (a zone that oversteps, unusable pins); or NULL. */
    void (*notice)(void *ctx, const char *line);
    void *notice_ctx;
};

struct pti_policy_pin {
    uint8_t sha256[PINTLE_SHA256_SIZE];
    uint8_t of;
    uint8_t at;
};

/* The effective policy of one charter entry; ranges index pinset->pins. */
struct pti_policy {
    const char *host;
    const char *zone;            /* never NULL; "" in a static pinset */
    size_t host_size, zone_size; /* bytes, without terminator */
    int64_t zone_version;
    int64_t refuse_after;
    enum pintle_reason refuse_reason;
    enum pintle_mode mode;
    bool subdomains;
    uint32_t pins, pin_count; /* the charter's and the zone's */
    uint32_t charter_deny, charter_deny_count;
    uint32_t zone_deny, zone_deny_count; /* without denials of charter pins */
};

struct pintle_pinset {
    atomic_size_t references;
    int64_t charter_version;
    struct pti_policy *policies; /* sorted by host */
    size_t policy_count;
    uint32_t *index; /* hash table over policies: 1 + position, 0 for empty; index_mask + 1 slots */
    uint32_t index_mask;
    bool has_parents;                       /* some policy covers subdomains, ... */
    bool parent_sizes[PINTLE_HOST_MAX + 1]; /* ... and its host has so many bytes */
    struct pti_policy_pin *pins;
    const char **required; /* sorted */
    size_t required_count;
    char *names; /* the arena all strings above point into */
    enum pintle_unlisted unlisted;
    bool refuse_unknown;
    bool bounded;   /* some policy has a bound in time, so a check asks the clock */
    unsigned needs; /* bits of enum pintle_of */
};

/* Slots of the index for count policies: a power of two, at most half full. */
size_t pti_pinset_index_size(size_t count);
/* Enters every policy into the index, which is all zero. */
void pti_pinset_index_fill(struct pintle_pinset *pinset);

/* On failure *pinset is NULL.  PINTLE_ERR_MEMORY. The input may be freed afterwards. */
enum pintle_status pti_pinset_compile(const struct pti_pinset_input *input, struct pintle_pinset **pinset,
                                      struct pti_error *error);

/* The policy of exactly this host name; NULL if there is none. */
const struct pti_policy *pti_pinset_find(const struct pintle_pinset *pinset, const char *host);
/*
 * The policies that cover host, most specific first: its own, then those of its parents that have subdomains.  The first is
 * the effective one.  Returns how many there are.
 */
#define PTI_COVERS_MAX ((PINTLE_HOST_MAX + 1) / 2) /* labels that a name can have */
size_t pti_pinset_covers(const struct pintle_pinset *pinset, const struct pti_host *host,
                         const struct pti_policy *covers[PTI_COVERS_MAX]);
/* The most specific policy that covers host: exact, then the longest parent with subdomains; NULL. */
const struct pti_policy *pti_pinset_effective(const struct pintle_pinset *pinset, const struct pti_host *host);
bool pti_pinset_requires(const struct pintle_pinset *pinset, const char *host);

#endif
