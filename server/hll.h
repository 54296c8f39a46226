/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HyperLogLog with p = 12 (Flajolet and others, 2007): how many different things there were, within 1.6 %, without
 * keeping any of them.  Two of them merge into one that has counted both, in any order and however often.
 */
#ifndef PTI_SERVER_HLL_H
#define PTI_SERVER_HLL_H

#include <stdbool.h>

#include <pintle/bytes.h>

#define PTI_HLL_REGISTERS 4096
#define PTI_HLL_RANK_MAX 53          /* of a hash of 64 bits, 12 of which choose the register */
#define PTI_HLL_SIZE_MAX (1 + 3072u) /* encoded */

struct pti_hll {
    uint8_t ranks[PTI_HLL_REGISTERS];
};

/* Register and rank of a thing whose hash this is. */
void pti_hll_place(uint64_t hash, uint16_t *index, uint8_t *rank);
void pti_hll_note(struct pti_hll *hll, uint16_t index, uint8_t rank);
/*
 * Notes what bytes hold: one byte of form; then either three bytes for each register that is not 0 (its number, big
 * endian, and its rank), in order, or six bits for each register.  No bytes at all are an empty one.  false: none of
 * that.
 */
bool pti_hll_merge(struct pti_hll *hll, struct pintle_bytes encoded);
/* The shorter of the two forms; returns how many bytes. */
size_t pti_hll_encode(const struct pti_hll *hll, uint8_t out[PTI_HLL_SIZE_MAX]);
/*
 * The same as merging, noting and encoding, in place: encoded, which has room for PTI_HLL_SIZE_MAX, holds size bytes;
 * returns how many it holds then.  What is neither form counts as an empty one.
 */
size_t pti_hll_update(uint8_t *encoded, size_t size, uint16_t index, uint8_t rank);
int64_t pti_hll_estimate(const struct pti_hll *hll);

#endif
