/* SPDX-License-Identifier: Apache-2.0 */
/* One GET after another, all of them within one time: however slowly a server answers, an update ends. */
#ifndef PTI_CONFORMANCE_FETCH_H
#define PTI_CONFORMANCE_FETCH_H

#include <pintle/clock.h>
#include <pintle/transport.h>

#include "base/buf.h"
#include "base/error.h"

struct pti_fetcher {
    const struct pintle_transport *transport; /* borrowed */
    const struct pintle_clock *clock;         /* borrowed */
    int64_t deadline_ms;                      /* of clock's monotonic_ms */
};

/* From now on there are so many milliseconds for all that is fetched. */
void pti_fetcher_allow(struct pti_fetcher *fetcher, int64_t milliseconds);

/* GET base followed by name, at most out->max bytes.  404 and 403 are PINTLE_OK with *found false. PINTLE_ERR_NETWORK. */
enum pintle_status pti_fetcher_get(const struct pti_fetcher *fetcher, const char *base, const char *name,
                                   struct pti_buf *out, bool *found, struct pti_error *error);

#endif
