/* SPDX-License-Identifier: Apache-2.0 */
/* What an http or https URL says about where it leads. */
#ifndef PTI_CLI_URL_H
#define PTI_CLI_URL_H

#include "probe/endpoint.h"

/* Host and port (443 if it names none).  PINTLE_ERR_INPUT. */
enum pintle_status pti_url_host(const char *url, struct pti_endpoint *host, struct pti_error *error);
/* An address of this machine's own, or localhost; any other name may lead anywhere. */
bool pti_host_is_loopback(const char *host);

#endif
