/* SPDX-License-Identifier: Apache-2.0 */
/* A GnuTLS client in the world of tls_world.h, whose server stays OpenSSL's, over a BIO pair. */
#ifndef PTI_TESTS_GNUTLS_WORLD_H
#define PTI_TESTS_GNUTLS_WORLD_H

#include <pintle/gnutls.h>

#include "tls_world.h"

struct gnutls_pair {
    gnutls_session_t client;
    gnutls_certificate_credentials_t trust;
    SSL *server;
    BIO *wire; /* the client's end */
};

/* The DER of x509; the caller frees it with OPENSSL_free(data). */
gnutls_datum_t gnutls_world_der(const X509 *x509);

/*
 * Two ends, not yet shaken: the client trusts the world's root, is attached to its checker and has host (unless NULL); the
 * server is world->server's.  buffer as in tls_fixture_pair_new().
 */
struct gnutls_pair gnutls_world_pair(struct tls_world *world, const char *host, size_t buffer);
/* The same without attaching, and without host. */
struct gnutls_pair gnutls_world_unpinned(struct tls_world *world, size_t buffer);
void gnutls_world_clear(struct gnutls_pair *pair);
void gnutls_world_trust(struct gnutls_pair *pair, const X509 *x509);

/* For a server of GnuTLS: a session at this end of a BIO pair (SSL_get_rbio(pair->server) is the other one). */
void gnutls_world_wire(gnutls_session_t session, BIO *wire);
struct tls_fixture_end gnutls_world_end(gnutls_session_t session, BIO *wire);

struct gnutls_result {
    struct tls_fixture_outcome outcome; /* client_error: GnuTLS's, 0 if none */
    struct pintle_verdict verdict;
    bool resumed;
    gnutls_datum_t kept; /* pintle_gnutls_session_get() after all that arrived; the caller frees it */
};

/* One step of each end of a handshake; false once neither can go on. */
bool gnutls_world_step(struct gnutls_pair *pair);
/* Shakes hands, writes, answers, reads; whatever happens, the client then writes "secret".  The pair stays. */
struct gnutls_result gnutls_world_shake(struct gnutls_pair *pair);
/* gnutls_world_shake(), and the end of the pair. */
struct gnutls_result gnutls_world_run(struct gnutls_pair *pair);
/* A connection to world->server for host; kept may be NULL, else it must be taken. */
struct gnutls_result gnutls_world_connect(struct tls_world *world, const char *host, const gnutls_datum_t *kept);
/* Connects once, fully, and hands over what is kept; the caller frees it. */
gnutls_datum_t gnutls_world_session(struct tls_world *world);

/* The page arrived, for this reason.  Frees result->kept. */
void gnutls_world_assert_accepted(struct gnutls_result *result, enum pintle_reason reason);
/* Refused for this reason: no finished handshake, gnutls_record_send() failed, the server got no byte. */
void gnutls_world_assert_refused(struct gnutls_result *result, enum pintle_reason reason);

#endif
