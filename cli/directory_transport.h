/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport that answers from a directory, as a web server would that serves it: so that a real client can verify a
 * repository before anything serves it.
 */
#ifndef PTI_CLI_DIRECTORY_TRANSPORT_H
#define PTI_CLI_DIRECTORY_TRANSPORT_H

#include <pintle/transport.h>

/* The base URL whose requests are answered from the directory (RFC 6761: .invalid is never resolved). */
#define PTI_DIRECTORY_URL "http://repository.invalid"

/*
 * Fills *transport; transport->free releases it.  Requests below PTI_DIRECTORY_URL read files of directory; all others
 * go to others, which is taken over (its ctx too), or fail if it is NULL.  PINTLE_ERR_MEMORY: nothing was taken over.
 */
enum pintle_status pti_directory_transport_init(struct pintle_transport *transport, const char *directory,
                                                const struct pintle_transport *others);

/*
 * Wraps inner, which is taken over: requests for head/ and body/ are answered 404, so that a client has to catch up
 * with the plain TUF files.  PINTLE_ERR_MEMORY: nothing was taken over.
 */
enum pintle_status pti_plain_transport_init(struct pintle_transport *transport, const struct pintle_transport *inner);

#endif
