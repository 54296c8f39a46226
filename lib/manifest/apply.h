/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: may this generation follow that one?  One function for downloads and for shipped generations, for the client and
 * for the publisher, which refuses to sign what a client would refuse to take (docs/design.md, section 5.5).
 */
#ifndef PTI_MANIFEST_APPLY_H
#define PTI_MANIFEST_APPLY_H

#include "manifest/generation.h"

/*
 * PINTLE_OK: next may replace accepted (NULL: there is none).  next_root is the root that next was verified under.
 * PINTLE_ERR_TRUST says which rule forbids it:
 *   - its root is older than the one accepted names;
 *   - timestamp or snapshot, or a role in the snapshot, is older or missing (unless next_root no longer accepts the
 *     timestamp and the snapshot of accepted);
 *   - 1. a lower targets version;
 *   - 2. a charter that, without releasing it, omits a host in force or turns its subdomains off;
 *   - 3. (checked while building) a delegated zone missing from the snapshot;
 *   - 4. a lower zone version, while the zone's new delegation keeps enough of its former keys to meet its threshold.
 */
enum pintle_status pti_apply(const struct pti_generation *accepted, const struct pti_generation *next,
                             const struct pti_tuf_metadata *next_root, struct pti_error *error);

/* Rules 1, 2 and 4 alone. */
enum pintle_status pti_apply_contents(const struct pti_generation *accepted, const struct pti_generation *next,
                                      struct pti_error *error);

/*
 * Which file of a zone of next counts, if next's charter rules although accepted is in force: the one that accepted holds,
 * unless next's is newer or (as in rule 4) under keys of its own; NULL if accepted knew a newer one but holds it no more.
 */
const struct pti_generation_zone *pti_apply_zone(const struct pti_generation *accepted,
                                                 const struct pti_generation *next,
                                                 const struct pti_generation_zone *zone);

/* Carries over what outlives a generation: past zones, the issue time while next_root accepts it.  PINTLE_ERR_MEMORY. */
enum pintle_status pti_apply_inherit(const struct pti_generation *accepted, struct pti_generation *next,
                                     const struct pti_tuf_metadata *next_root, struct pti_error *error);
/* The issue time alone. */
enum pintle_status pti_apply_inherit_issued(const struct pti_generation *accepted, struct pti_generation *next,
                                            const struct pti_tuf_metadata *next_root, struct pti_error *error);

#endif
