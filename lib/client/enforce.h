/* SPDX-License-Identifier: Apache-2.0 */
/* From a generation to the pinset in force. */
#ifndef PTI_CLIENT_ENFORCE_H
#define PTI_CLIENT_ENFORCE_H

#include "client/client.h"

/*
 * Whose charter rules while generation (NULL: none) is in force: generation's own; or the one that shipped, if its
 * targets are newer.  apply refused that only because of what online keys signed, and those turn no enforcement off
 * (docs/design/0007-shipped-charter.md).
 */
const struct pti_generation *pti_enforce_ruling(const struct pintle_client *client,
                                                const struct pti_generation *generation);

/*
 * May next follow what is in force?  apply, and where a shipped charter rules that next supersedes, its contents are not
 * rolled back either.  PINTLE_ERR_TRUST.
 */
enum pintle_status pti_enforce_may_follow(const struct pintle_client *client, const struct pti_generation *next,
                                          struct pti_error *error);

/*
 * Compiles generation (NULL: no policies) into a pinset with the client's required hosts, staleness and age bounds.
 * unverified: the store could not be verified, so hosts without a policy are refused.
 * notices: also tell the application what in the manifest has no effect.  PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_enforce_compile(struct pintle_client *client, const struct pti_generation *generation,
                                       bool unverified, bool notices, struct pintle_pinset **pinset,
                                       struct pti_error *error);

/* Takes generation and pinset over and puts them in force, for checks, schedule and reports. */
void pti_enforce_swap(struct pintle_client *client, struct pti_generation *generation, bool unverified,
                      struct pintle_pinset *pinset);

#endif
