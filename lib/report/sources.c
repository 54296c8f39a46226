/* SPDX-License-Identifier: Apache-2.0 */
#include "report/sources.h"

#include <string.h>

static uint64_t read64(const uint8_t bytes[8])
{
    uint64_t word = 0;

    for (int i = 7; i >= 0; i--)
        word = word << 8 | bytes[i];
    return word;
}

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012) of one message of eight bytes. */
static uint64_t siphash(const uint8_t key[PTI_SOURCES_KEY_SIZE], uint64_t message)
{
    const uint64_t k0 = read64(key), k1 = read64(key + 8);
    const uint64_t blocks[] = {message, UINT64_C(8) << 56};
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};

    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        v[3] ^= blocks[i];
        sip_round(v);
        sip_round(v);
        v[0] ^= blocks[i];
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void pti_sources_init(struct pti_sources *sources, const uint8_t key[PTI_SOURCES_KEY_SIZE], uint32_t per_day)
{
    memset(sources, 0, sizeof *sources);
    memcpy(sources->key, key, PTI_SOURCES_KEY_SIZE);
    sources->per_day = per_day;
}

bool pti_sources_count(struct pti_sources *sources, int64_t day, uint64_t network)
{
    uint32_t *counted = &sources->counted[siphash(sources->key, network) % PTI_SOURCES];

    if (day != sources->day && day != sources->day - 1) { /* also a clock that was put back */
        memset(sources->counted, 0, sizeof sources->counted);
        sources->day = day;
    }
    if (*counted >= sources->per_day)
        return false;
    ++*counted;
    return true;
}
