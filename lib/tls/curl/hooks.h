/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two places where libcurl lets us in:
 *
 *   context   each time a TLS connection is to be made: libpintle-openssl pins its SSL_CTX, for the name in SNI, or for the
 *             URL's address;
 *   request   each time a request is to be sent: over what connection, and do its pins still hold?
 *
 * The first judges handshakes, the second what the first has never seen, and what was judged long ago.
 */
#ifndef PTI_TLS_CURL_HOOKS_H
#define PTI_TLS_CURL_HOOKS_H

#include <openssl/ssl.h>

#include "tls/curl/handle.h"

/* CURLOPT_SSL_CTX_FUNCTION; data is the easy handle that was attached. */
CURLcode pti_curl_context(CURL *easy, void *ssl_ctx, void *data);

/* CURLOPT_PREREQFUNCTION; likewise. */
int pti_curl_request(void *data, char *peer, char *local, int peer_port, int local_port);

/* From now on what becomes of ssl, should it renegotiate, is noted with handle. */
void pti_curl_context_serve(SSL *ssl, struct pti_curl_handle *handle);

/* False without memory.  The first needs it to have returned true once. */
bool pti_curl_context_init(void);

#endif
