/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest name to a mistyped one, for the command line and for pintled. */
#ifndef PTI_PUBLISH_SUGGEST_H
#define PTI_PUBLISH_SUGGEST_H

#include <stddef.h>

/* How many insertions, deletions, replacements and swaps of neighbours turn a into b; SIZE_MAX if either is long. */
size_t pti_suggest_distance(const char *a, const char *b);

/* Keeps the nearest candidate seen so far. */
struct pti_suggestion {
    const char *typed;
    const char *nearest; /* borrowed; NULL if nothing was near enough to be meant */
    size_t distance;
};

void pti_suggestion_init(struct pti_suggestion *suggestion, const char *typed);
void pti_suggestion_offer(struct pti_suggestion *suggestion, const char *candidate);

#endif
