/* SPDX-License-Identifier: Apache-2.0 */
/* What every adapter says when it refuses a connection before any pin is asked. */
#ifndef PTI_TLS_VERDICT_H
#define PTI_TLS_VERDICT_H

#include <pintle/verdict.h>

/* Fills *verdict with a rejection that no pin decided; its status follows from reason.  host: normalised, or "". */
void pti_tls_reject(struct pintle_verdict *verdict, enum pintle_reason reason, const char *host);

#endif
