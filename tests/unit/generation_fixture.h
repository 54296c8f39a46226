/* SPDX-License-Identifier: Apache-2.0 */
/* Generations built straight from what a simulated repository has signed, without client, network or store. */
#ifndef PTI_TESTS_GENERATION_FIXTURE_H
#define PTI_TESTS_GENERATION_FIXTURE_H

#include "manifest/generation.h"
#include "sim_repository.h"

/* The first count roots of sim (0: all). */
void generation_roots(struct sim *sim, size_t count, struct pti_roots *roots);

/*
 * Builds the current publication under the newest of roots, expiry waived.  asked (NULL, or a text of size bytes) gets
 * the paths that building asked for, each followed by a space.
 */
enum pintle_status generation_build(struct sim *sim, const struct pti_roots *roots, struct pti_generation **generation,
                                    struct pti_error *error, char *asked, size_t size);
/* The same; the test fails unless it succeeds. */
struct pti_generation *generation_of(struct sim *sim, const struct pti_roots *roots);

#endif
