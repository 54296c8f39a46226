/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpintle-curl: pins the transfers of a libcurl easy handle, on its own or on a multi handle, with or without a share
 * object.  libcurl 7.85 and later that makes its TLS connections with the OpenSSL 3 that libpintle-openssl uses.
 *
 * It promises what <pintle/openssl.h> promises of each TLS connection that an attached handle opens; and before each
 * request, the ones after redirects included, that the connection it is about to go over was judged, for the host of the
 * URL, and passes today's pins: one that an unattached handle opened, or whose pins were withdrawn since, is closed, and no
 * byte of the request is sent (CURLE_ABORTED_BY_CALLBACK; the next try makes a new handshake).  Pinned hosts are refused
 * over http and ws.  CURLOPT_SSL_VERIFYHOST has no effect any more; CURLOPT_SSL_VERIFYPEER set to 0 after attaching refuses
 * every connection.  An HTTPS proxy is a host like any other, and judged as that.
 *
 * It does not promise anything about handles that are not attached: libcurl gives a copy made by curl_easy_duphandle() the
 * hooks but no attachment, and all it asks for is refused; curl_easy_reset() takes the hooks away, silently, and so does who
 * sets both CURLOPT_SSL_CTX_FUNCTION and CURLOPT_PREREQFUNCTION anew.  Who sets the first alone is refused; who sets the
 * second alone loses what is said above of connections that are used again, and gets no verdict that accepts.
 *
 * A refused handshake ends the transfer with CURLE_PEER_FAILED_VERIFICATION, a refused request with
 * CURLE_ABORTED_BY_CALLBACK.  A handle is used by one thread at a time, as always with libcurl.
 */
#ifndef PINTLE_CURL_H
#define PINTLE_CURL_H

#include <pintle/checker.h>

#include <curl/curl.h>

PINTLE_BEGIN_DECLS

/*
 * Pins easy: sets CURLOPT_SSL_CTX_FUNCTION, CURLOPT_PREREQFUNCTION and their data, CURLOPT_SSL_VERIFYPEER,
 * CURLOPT_SSL_VERIFYHOST, and CURLOPT_PROTOCOLS_STR to https (and wss), which the application may widen afterwards.  Keeps a
 * reference to checker until pintle_curl_release() and the last connection.  Attaching again begins anew, also after
 * curl_easy_reset().
 * PINTLE_ERR_UNSUPPORTED: this libcurl cannot be hooked (another TLS library, another copy of OpenSSL, older than 7.85);
 * PINTLE_ERR_MISUSE (a NULL argument), PINTLE_ERR_MEMORY.  On failure easy is not attached: do not use it.
 */
PINTLE_API enum pintle_status pintle_curl_attach(CURL *easy, struct pintle_checker *checker);

/*
 * Holds easy to one host, and forgets the last verdict: whatever the URL says, or a redirect, connections for another host
 * are refused (PINTLE_REASON_VALIDATION_OFF).  Without it, the host is that of the URL, whatever it is.
 * PINTLE_ERR_INPUT (not a host name; every connection is refused then), PINTLE_ERR_MISUSE (a NULL argument, not attached).
 */
PINTLE_API enum pintle_status pintle_curl_set_host(CURL *easy, const char *host);

/*
 * The verdict on the last connection that easy was about to use; an acceptance only once a request was let through.  Reason
 * PINTLE_REASON_UNDECIDED and status PINTLE_ERR_MISUSE if none got as far as that since attaching or set_host.  A transfer
 * that ends sooner (no address, no answer) leaves the verdict before it standing.  Returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_curl_verdict(CURL *easy, struct pintle_verdict *verdict);

/*
 * Gives back what attaching took.  Call it before curl_easy_cleanup(), while no transfer runs; until easy is attached again,
 * or reset, whatever it asks for is refused.  Connections that it opened may live on, on a multi or share.  NULL is legal.
 */
PINTLE_API void pintle_curl_release(CURL *easy);

/*
 * The application's own function for one of the two options that attaching takes, called first in one case (it can do to
 * the SSL_CTX what it likes, but not undo the pins), last in the other (it can refuse what the pins let through); NULL: none.
 * libcurl does not tell which it was given before: say it here, after attaching.  PINTLE_ERR_MISUSE (not attached).
 */
PINTLE_API enum pintle_status pintle_curl_set_ssl_ctx_function(CURL *easy, curl_ssl_ctx_callback function, void *data);
PINTLE_API enum pintle_status pintle_curl_set_prereq_function(CURL *easy, curl_prereq_callback function, void *data);

PINTLE_END_DECLS

#endif
