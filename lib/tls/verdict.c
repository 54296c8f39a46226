/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/verdict.h"

#include <string.h>

static enum pintle_status status_of(enum pintle_reason reason)
{
    if (reason == PINTLE_REASON_VALIDATION_FAILED)
        return PINTLE_ERR_TRUST;
    if (reason == PINTLE_REASON_HOST_INVALID || reason == PINTLE_REASON_CHAIN_UNUSABLE)
        return PINTLE_ERR_INPUT;
    if (reason == PINTLE_REASON_ADAPTER_LIMIT)
        return PINTLE_ERR_UNSUPPORTED;
    return PINTLE_ERR_MISUSE;
}

void pti_tls_reject(struct pintle_verdict *verdict, enum pintle_reason reason, const char *host)
{
    memset(verdict, 0, sizeof(*verdict));
    verdict->status = status_of(reason);
    verdict->reason = reason;
    verdict->matched_index = -1;
    memcpy(verdict->host, host, strlen(host) + 1);
}
