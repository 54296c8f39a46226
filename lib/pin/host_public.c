/* SPDX-License-Identifier: Apache-2.0 */
/* The exported face of the host name parser, for TLS adapters outside libpintle. */
#include <string.h>

#include <pintle/host.h>

#include "pin/host.h"

enum pintle_status pintle_host_normalise(const char *text, char out[PINTLE_HOST_MAX + 1], bool *ip)
{
    struct pti_host host;
    enum pintle_status status;

    if (text == NULL || out == NULL || ip == NULL)
        return PINTLE_ERR_MISUSE;
    out[0] = '\0';
    *ip = false;
    status = pti_host_parse(text, &host, NULL);
    if (status != PINTLE_OK)
        return status;
    memcpy(out, host.name, sizeof(host.name));
    *ip = host.ip;
    return PINTLE_OK;
}
