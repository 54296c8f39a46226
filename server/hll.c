/* SPDX-License-Identifier: Apache-2.0 */
#include "server/hll.h"

#include <math.h>
#include <string.h>

#define FORM_SPARSE 1
#define FORM_DENSE 2
#define PAIR_SIZE 3
#define DENSE_SIZE (PTI_HLL_SIZE_MAX - 1)

void pti_hll_place(uint64_t hash, uint16_t *index, uint8_t *rank)
{
    uint64_t rest = hash << 12;
    uint8_t found = 1;

    for (; found < PTI_HLL_RANK_MAX && !(rest >> 63); rest <<= 1)
        found++;
    *index = (uint16_t)(hash >> 52);
    *rank = found;
}

void pti_hll_note(struct pti_hll *hll, uint16_t index, uint8_t rank)
{
    if (hll->ranks[index] < rank)
        hll->ranks[index] = rank;
}

static bool merge_sparse(struct pti_hll *hll, const uint8_t *pairs, size_t size)
{
    if (size % PAIR_SIZE != 0)
        return false;
    for (const uint8_t *pair = pairs; pair < pairs + size; pair += PAIR_SIZE) {
        uint16_t index = (uint16_t)(pair[0] << 8 | pair[1]);

        if (index >= PTI_HLL_REGISTERS || pair[2] > PTI_HLL_RANK_MAX)
            return false;
        pti_hll_note(hll, index, pair[2]);
    }
    return true;
}

/* Four registers in three bytes. */
static bool merge_dense(struct pti_hll *hll, const uint8_t *packed, size_t size)
{
    if (size != DENSE_SIZE)
        return false;
    for (uint16_t i = 0; i < PTI_HLL_REGISTERS; i += 4, packed += 3) {
        uint32_t four = (uint32_t)packed[0] << 16 | (uint32_t)packed[1] << 8 | packed[2];

        for (uint16_t j = 0; j < 4; j++) {
            uint8_t rank = four >> (18 - 6 * j) & 63;

            if (rank > PTI_HLL_RANK_MAX)
                return false;
            pti_hll_note(hll, (uint16_t)(i + j), rank);
        }
    }
    return true;
}

bool pti_hll_merge(struct pti_hll *hll, struct pintle_bytes encoded)
{
    if (encoded.size == 0)
        return true;
    if (encoded.data[0] == FORM_SPARSE)
        return merge_sparse(hll, encoded.data + 1, encoded.size - 1);
    return encoded.data[0] == FORM_DENSE && merge_dense(hll, encoded.data + 1, encoded.size - 1);
}

static size_t encode_dense(const struct pti_hll *hll, uint8_t *out)
{
    *out++ = FORM_DENSE;
    for (size_t i = 0; i < PTI_HLL_REGISTERS; i += 4, out += 3) {
        const uint8_t *ranks = &hll->ranks[i];
        uint32_t four = (uint32_t)ranks[0] << 18 | (uint32_t)ranks[1] << 12 | (uint32_t)ranks[2] << 6 | ranks[3];

        out[0] = (uint8_t)(four >> 16);
        out[1] = (uint8_t)(four >> 8);
        out[2] = (uint8_t)four;
    }
    return PTI_HLL_SIZE_MAX;
}

size_t pti_hll_encode(const struct pti_hll *hll, uint8_t out[PTI_HLL_SIZE_MAX])
{
    size_t size = 1;

    out[0] = FORM_SPARSE;
    for (size_t i = 0; i < PTI_HLL_REGISTERS; i++) {
        if (hll->ranks[i] == 0)
            continue;
        if (size + PAIR_SIZE > PTI_HLL_SIZE_MAX)
            return encode_dense(hll, out);
        out[size] = (uint8_t)(i >> 8);
        out[size + 1] = (uint8_t)i;
        out[size + 2] = hll->ranks[i];
        size += PAIR_SIZE;
    }
    return size > 1 ? size : 0;
}

static uint16_t pair_index(const uint8_t *pair)
{
    return (uint16_t)(pair[0] << 8 | pair[1]);
}

/* The first pair whose register is not below index, or the end. */
static uint8_t *find_pair(uint8_t *encoded, size_t size, uint16_t index)
{
    size_t low = 0, high = (size - 1) / PAIR_SIZE;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (pair_index(encoded + 1 + middle * PAIR_SIZE) < index)
            low = middle + 1;
        else
            high = middle;
    }
    return encoded + 1 + low * PAIR_SIZE;
}

static void update_dense(uint8_t *encoded, uint16_t index, uint8_t rank)
{
    uint8_t *packed = encoded + 1 + index / 4 * 3;
    uint32_t four = (uint32_t)packed[0] << 16 | (uint32_t)packed[1] << 8 | packed[2];
    int shift = 18 - 6 * (index % 4);

    if ((four >> shift & 63) >= rank)
        return;
    four = (four & ~(UINT32_C(63) << shift)) | (uint32_t)rank << shift;
    packed[0] = (uint8_t)(four >> 16);
    packed[1] = (uint8_t)(four >> 8);
    packed[2] = (uint8_t)four;
}

size_t pti_hll_update(uint8_t *encoded, size_t size, uint16_t index, uint8_t rank)
{
    struct pti_hll hll = {{0}};
    uint8_t *pair;

    if (size == PTI_HLL_SIZE_MAX && encoded[0] == FORM_DENSE) {
        update_dense(encoded, index, rank);
        return size;
    }
    if (size % PAIR_SIZE != 1 || encoded[0] != FORM_SPARSE) {
        encoded[0] = FORM_SPARSE;
        size = 1;
    }
    pair = find_pair(encoded, size, index);
    if (pair < encoded + size && pair_index(pair) == index) {
        pair[2] = pair[2] < rank ? rank : pair[2];
        return size;
    }
    if (size + PAIR_SIZE > PTI_HLL_SIZE_MAX) {
        (void)merge_sparse(&hll, encoded + 1, size - 1);
        pti_hll_note(&hll, index, rank);
        return encode_dense(&hll, encoded);
    }
    memmove(pair + PAIR_SIZE, pair, (size_t)(encoded + size - pair));
    pair[0] = (uint8_t)(index >> 8);
    pair[1] = (uint8_t)index;
    pair[2] = rank;
    return size + PAIR_SIZE;
}

/* With the correction for few things, where registers that nothing fell into tell more. */
int64_t pti_hll_estimate(const struct pti_hll *hll)
{
    const double m = PTI_HLL_REGISTERS;
    double sum = 0, estimate = 0;
    size_t zeros = 0;

    for (size_t i = 0; i < PTI_HLL_REGISTERS; i++) {
        sum += 1 / (double)(UINT64_C(1) << hll->ranks[i]);
        zeros += hll->ranks[i] == 0;
    }
    estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    if (estimate <= 2.5 * m && zeros > 0)
        estimate = m * log(m / (double)zeros);
    return (int64_t)(estimate + 0.5);
}
