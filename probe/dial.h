/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection and a TLS handshake, each within a bound, the latter within so many bytes too.  Name resolution is
 * the machine's and is not bounded.
 * What a handshake means (trusted or not) is the business of whoever configured the SSL.  A peer that goes away raises
 * SIGPIPE, which the program ignores or not.
 */
#ifndef PTI_PROBE_DIAL_H
#define PTI_PROBE_DIAL_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/error.h"
#include "probe/endpoint.h"

#define PTI_DIAL_ADDRESS_SIZE 64              /* with terminator */
#define PTI_DIAL_ADDRESSES_MAX 16             /* of one name; more are left out */
#define PTI_DIAL_HANDSHAKE_MAX (256u * 1024u) /* bytes that a peer may send until its handshake is complete */

/* What ends waiting. */
struct pti_dial_bound {
    int64_t deadline;             /* on the monotonic clock, in milliseconds */
    const atomic_bool *cancelled; /* looked at a few times a second; NULL: never */
};
/* timeout_ms from now, and nothing else. */
struct pti_dial_bound pti_dial_bound(int64_t timeout_ms);

/*
 * The addresses of endpoint, each with its port, sorted and each once; *count of them, at least one.
 * PINTLE_ERR_NETWORK: the name has none, or cannot be resolved now.
 */
enum pintle_status pti_dial_resolve(const struct pti_endpoint *endpoint,
                                    struct pti_endpoint addresses[PTI_DIAL_ADDRESSES_MAX], size_t *count,
                                    struct pti_error *error);

/*
 * Connects to the first address of endpoint that answers; *fd is owned by the caller and non-blocking.  address (of
 * PTI_DIAL_ADDRESS_SIZE bytes, or NULL) receives where it went.  PINTLE_ERR_NETWORK: no address, refused, timed out.
 */
enum pintle_status pti_dial(const struct pti_endpoint *endpoint, const struct pti_dial_bound *bound, int *fd,
                            char *address, struct pti_error *error);

/*
 * Runs the client's side of the handshake of ssl over fd.  PINTLE_ERR_NETWORK: it failed, for whatever reason; the
 * detail quotes OpenSSL.  Never blocks past bound, and reads at most PTI_DIAL_HANDSHAKE_MAX bytes.
 */
enum pintle_status pti_dial_handshake(SSL *ssl, int fd, const struct pti_dial_bound *bound, struct pti_error *error);

#endif
