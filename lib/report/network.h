/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request came from, as coarse as caps need it: the /24 of an IPv4 address, the /48 of an IPv6 address.  The
 * address itself need not be kept.
 */
#ifndef PTI_REPORT_NETWORK_H
#define PTI_REPORT_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#define PTI_NETWORK_UNKNOWN UINT64_C(0) /* what has no address shares one */

uint64_t pti_network_v4(const uint8_t address[4]);
uint64_t pti_network_v6(const uint8_t address[16]); /* one that maps an IPv4 address counts as that */
/* Of an address in text; PTI_NETWORK_UNKNOWN if it is none. */
uint64_t pti_network_parse(const char *text);

#endif
