/* SPDX-License-Identifier: Apache-2.0 */
#include "report/network.h"

#include <arpa/inet.h>
#include <string.h>

/* The first byte tells the families apart. */
static uint64_t network(uint8_t family, const uint8_t *address, unsigned bytes)
{
    uint64_t packed = family;

    for (unsigned i = 0; i < 7; i++)
        packed = packed << 8 | (i < bytes ? address[i] : 0);
    return packed;
}

uint64_t pti_network_v4(const uint8_t address[4])
{
    return network(4, address, 3);
}

uint64_t pti_network_v6(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (memcmp(address, mapped, sizeof mapped) == 0)
        return pti_network_v4(address + sizeof mapped);
    return network(6, address, 6);
}

uint64_t pti_network_parse(const char *text)
{
    uint8_t address[16];

    if (inet_pton(AF_INET, text, address) == 1)
        return pti_network_v4(address);
    if (inet_pton(AF_INET6, text, address) == 1)
        return pti_network_v6(address);
    return PTI_NETWORK_UNKNOWN;
}
