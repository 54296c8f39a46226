/* SPDX-License-Identifier: Apache-2.0 */
/* The one decision function (docs/design.md, section 7), for every TLS library, every client and every tool. */
#ifndef PTI_PIN_DECIDE_H
#define PTI_PIN_DECIDE_H

#include "pin/pinset.h"

/* Pure: no allocation, no lock, no I/O.  Always fills *verdict; host is normalised by the caller. */
void pti_decide(const struct pintle_pinset *pinset, const struct pti_host *host, const struct pintle_evidence *evidence,
                int64_t now, struct pintle_verdict *verdict);

/* The status that goes with a reason: the one place where the two are tied. */
enum pintle_status pti_reason_status(enum pintle_reason reason);

/* A verdict that rejects before any decision could be made: reason is one of the last five of enum pintle_reason. */
void pti_verdict_reject(struct pintle_verdict *verdict, enum pintle_reason reason, const char *host);

#endif
