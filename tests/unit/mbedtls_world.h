/* SPDX-License-Identifier: Apache-2.0 */
/* A client of mbedTLS in the world of tls_world.h: its certificates, its pins, its server. */
#ifndef PTI_TESTS_MBEDTLS_WORLD_H
#define PTI_TESTS_MBEDTLS_WORLD_H

#include <pintle/mbedtls.h>

#include "tls_world.h"

#define MBEDTLS_SESSION_MAX 8192

struct mbedtls_world {
    struct tls_world *tls;
    mbedtls_x509_crt roots;
    mbedtls_ssl_config conf; /* trusts the root; attached to tls->checker */
};

/* cmocka's setup and teardown, and a test in a world of its own. */
int mbedtls_world_setup(void **state);
int mbedtls_world_teardown(void **state);
#define MBEDTLS_WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, mbedtls_world_setup, mbedtls_world_teardown)

/* What is not attached yet. */
void mbedtls_world_configure(struct mbedtls_world *world, mbedtls_ssl_config *conf);
/* From now on this is trusted as well. */
void mbedtls_world_trust(struct mbedtls_world *world, const X509 *x509);

/* A client and a server, not yet shaken.  Stays where it is. */
struct mbedtls_link {
    mbedtls_ssl_context client;
    SSL *server;
    BIO *wire;
};

void mbedtls_link_init(struct mbedtls_link *link, const mbedtls_ssl_config *conf, struct tls_world *tls, size_t buffer);
void mbedtls_link_clear(struct mbedtls_link *link);
/* Another server at the other end of a new wire, which is not told to the client. */
void mbedtls_link_renew(struct mbedtls_link *link, struct tls_world *tls);

/* For mbedtls_ssl_set_bio(), with link. */
int mbedtls_link_send(void *link, const unsigned char *data, size_t size);
int mbedtls_link_receive(void *link, unsigned char *out, size_t size);

/* result.verify_result are mbedTLS's flags; result.session is NULL. */
struct tls_world_result mbedtls_link_run(struct mbedtls_link *link);
/* Runs a link to host (NULL: none is set) and clears it. */
struct tls_world_result mbedtls_world_connect(struct mbedtls_world *world, const char *host);

/* Refused for this reason: the handshake failed with error (0: any), the server got no byte. */
void mbedtls_world_assert_refused(const struct tls_world_result *result, enum pintle_reason reason, int error);
/* As before, but the handshake may look finished: no certificate was ever looked at. */
void mbedtls_world_assert_silenced(const struct tls_world_result *result);

#endif
