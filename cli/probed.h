/* SPDX-License-Identifier: Apache-2.0 */
/* What `pintle probe` found, and how it prints that: edges, what clients decide, chains, and what to pin. */
#ifndef PTI_CLI_PROBED_H
#define PTI_CLI_PROBED_H

#include <stdio.h>

#include "probe/probe.h"
#include "publish/fleet.h"

/* One address and one kind of key, and what was found there. */
struct pti_probed_edge {
    struct pti_endpoint address;
    enum pti_probe_key key;
    enum pti_probe_outcome outcome;
    struct pti_probe_result result; /* if it is served */
    struct pti_error why;           /* if not */
};

struct pti_probed {
    const struct pti_endpoint *host;
    struct pti_probed_edge *edges;
    size_t count;
    const struct pti_fleet *held; /* what clients may hold; NULL: nobody's decision is asked for */
    int64_t now;
};

/* PINTLE_ERR_MEMORY, PINTLE_ERR_STORAGE (out). */
enum pintle_status pti_probed_print(const struct pti_probed *probed, bool json, FILE *out, struct pti_error *error);

#endif
