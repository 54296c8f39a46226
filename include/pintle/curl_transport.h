/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpintle-curl-transport: a transport over libcurl.  Ordinary HTTPS validation, http and https only, no redirects, no
 * cookies, no credentials, at most 64 KiB of header lines.  A GET asks for gzip, which is undone within the bound of the
 * request; every other content encoding is refused.
 *
 * Proxies: libcurl's environment variables are honoured: http_proxy (in lower case only), https_proxy or HTTPS_PROXY,
 * all_proxy or ALL_PROXY, no_proxy or NO_PROXY.  Whoever sets them can withhold a manifest, not change it.  There is no
 * proxy authentication: a user name and password in such a variable are not sent, whether over HTTP or SOCKS 5.
 */
#ifndef PINTLE_CURL_TRANSPORT_H
#define PINTLE_CURL_TRANSPORT_H

#include <pintle/transport.h>

PINTLE_BEGIN_DECLS

/*
 * Fills *transport; transport->free releases it.  ca_file is a PEM bundle that replaces libcurl's default, or NULL.
 * The application must have called curl_global_init() if it uses threads.
 * PINTLE_ERR_MEMORY, PINTLE_ERR_UNSUPPORTED (a libcurl without TLS), PINTLE_ERR_INPUT (ca_file cannot be read).
 */
PINTLE_API enum pintle_status pintle_curl_transport_init(struct pintle_transport *transport, const char *ca_file);

PINTLE_END_DECLS

#endif
