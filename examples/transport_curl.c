/* SPDX-License-Identifier: Apache-2.0 */
/* The manifest by libcurl, which most applications have. */
#include <pintle/curl_transport.h>

#include "example.h"

enum pintle_status example_transport(struct pintle_transport *transport, const char *ca)
{
    return pintle_curl_transport_init(transport, ca);
}
