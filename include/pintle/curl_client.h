/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What joins an attached libcurl handle (<pintle/curl.h>) and a client, in libpintle-curl: "connect, on RETRY refresh and
 * connect once more", and the request header that tells the application's own servers which pins it holds.
 *
 * A transfer is made again only if it has not sent a request yet, not even one that was redirected: so nothing is sent
 * twice, and neither read callbacks nor files have to be rewound.  Whoever owns the network gets two handshakes at most, and
 * at most one refresh, which is rationed per host (pintle_client_heal()).  What the application's callbacks may see twice is
 * what comes before any request: lines for CURLOPT_DEBUGFUNCTION, and the answer of an HTTP proxy to CONNECT.
 */
#ifndef PINTLE_CURL_CLIENT_H
#define PINTLE_CURL_CLIENT_H

#include <stdbool.h>

#include <pintle/client.h>
#include <pintle/curl.h>

PINTLE_BEGIN_DECLS

/*
 * curl_easy_perform(), and if the handshake was refused with PINTLE_ERR_RETRY and pintle_client_heal() succeeds within
 * deadline_ms milliseconds (more than 0), once more.  A connection that libcurl had kept, and that today's pins do not accept,
 * is closed and replaced by a new one in the same call.  Returns the result of the last try; deadline_ms bounds the refresh,
 * not the tries, which have libcurl's own limits.  CURLE_BAD_FUNCTION_ARGUMENT: a NULL argument, or easy is not attached.
 */
PINTLE_API CURLcode pintle_curl_perform(CURL *easy, struct pintle_client *client, int64_t deadline_ms);

/*
 * The same for a multi handle.  Call it for each transfer that is done, with its result (CURLMSG_DONE).  True: make it again,
 * that is curl_multi_remove_handle() and curl_multi_add_handle().  False: result is final.  It may wait for a refresh, for
 * deadline_ms at most; a loop that must not stop takes the handle out and calls this in another thread, then puts it back.
 */
PINTLE_API bool pintle_curl_again(CURL *easy, CURLcode result, struct pintle_client *client, int64_t deadline_ms);

/*
 * Adds `Pintle-Manifest: <pintle_client_header()>` to each request to a host that has a policy and is asked over TLS; after a
 * redirect the header is that of the new host, and a host without policy gets none.  Sets CURLOPT_HTTPHEADER to a copy of
 * headers (the application's own, or NULL) and that line, and CURLOPT_HEADEROPT to CURLHEADER_SEPARATE, so that no proxy
 * sees it; call it again instead of setting these.  The copy is the library's until easy is attached again or released; client
 * is borrowed as long.  client NULL: sets CURLOPT_HTTPHEADER to NULL and stops.
 * PINTLE_ERR_MISUSE (easy is not attached), PINTLE_ERR_MEMORY; on failure there is no header.
 */
PINTLE_API enum pintle_status pintle_curl_header(CURL *easy, struct pintle_client *client,
                                                 const struct curl_slist *headers);

PINTLE_END_DECLS

#endif
