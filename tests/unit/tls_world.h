/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world for tests of TLS adapters: CAs, certificates, a pinned client, and a checker whose pins the test changes
 * as a client's would change under a running application.
 */
#ifndef PTI_TESTS_TLS_WORLD_H
#define PTI_TESTS_TLS_WORLD_H

#include <pthread.h>

#include <openssl/ssl.h>
#ifdef OPENSSL_IS_BORINGSSL
#include <pintle/boringssl.h>
#define tls_world_crypto_new pintle_crypto_boringssl_new
#define tls_world_attach pintle_boringssl_attach
#define tls_world_set_host pintle_boringssl_set_host
#define tls_world_verdict pintle_boringssl_verdict
#define TLS_WORLD_ERROR(error)                                                                                         \
    ((void)(error), X509_V_ERR_APPLICATION_VERIFICATION) /* custom verification has no other */
#define TLS_WORLD_WAYS_OFF 4 /* a name that the application sets counts for nothing: test_boringssl.c */
#else
#include <pintle/openssl.h>
#define tls_world_crypto_new pintle_crypto_openssl_new
#define tls_world_attach pintle_openssl_attach
#define tls_world_set_host pintle_openssl_set_host
#define tls_world_verdict pintle_openssl_verdict
#define TLS_WORLD_ERROR(error) (error)
#define TLS_WORLD_WAYS_OFF 6 /* in which an application can switch verification off */
#endif

#include "pin/checker.h"
#include "tls_fixture.h"

#define TLS_WORLD_HOST "api.example.test"

struct tls_world {
    int version; /* TLS1_2_VERSION or TLS1_3_VERSION */
    struct tls_fixture_cert root, intermediate, leaf;
    struct tls_fixture_cert other; /* other.example.test, from the same intermediate */
    struct tls_fixture_cert stray; /* signed by nobody, in nobody's chain */
    struct pintle_crypto *crypto;
    struct pintle_checker *checker;
    SSL_CTX *client; /* trusts root; attached to checker */
    SSL_CTX *server; /* serves leaf and intermediate */
    pthread_mutex_t mutex;
    struct pintle_pinset *pinset; /* of this moment */
    int decisions;                /* calls of pintle_checker_check() */
    bool heal;                    /* turn a mismatch into PINTLE_ERR_RETRY, as a client's checker does */
};

/* cmocka's setup and teardown; the initial state is a pointer to the version. */
int tls_world_setup(void **state);
int tls_world_teardown(void **state);
extern int tls_world_versions[4];
/* A test in a world of its own; minor: 2 or 3, for TLS 1.2 and 1.3. */
#define TLS_WORLD_TEST(f, minor)                                                                                       \
    {                                                                                                                  \
#f " (TLS 1." #minor ")", f, tls_world_setup, tls_world_teardown, &tls_world_versions[minor]                   \
    }

/* From now on: these pins, everything else unlisted and accepted (or refused). */
void tls_world_pin(struct tls_world *world, const struct pintle_static_pin *pins, size_t count,
                   enum pintle_unlisted unlisted);
/* From now on: TLS_WORLD_HOST pinned to the SPKI of x509, at that position. */
void tls_world_pin_key(struct tls_world *world, const X509 *x509, enum pintle_at at);
/* From now on: as tls_world_pin_key(), and the SPKI of denied is denied by the charter; mode "enforce" or "report". */
void tls_world_pin_and_deny(struct tls_world *world, const X509 *x509, const X509 *denied, const char *mode);

/* From now on the server has this leaf, and sends the intermediate with it. */
void tls_world_serve(struct tls_world *world, const struct tls_fixture_cert *leaf);

struct tls_world_result {
    struct tls_fixture_outcome outcome;
    struct pintle_verdict verdict;
    long verify_result;   /* the client's */
    bool reused;          /* the session was resumed */
    SSL_SESSION *session; /* the client's, after all that arrived; the caller frees it */
};

/* Runs pair, which has its host and session already, and clears it. */
struct tls_world_result tls_world_run(struct tls_fixture_pair *pair);
/* A connection to world->server for host; session may be NULL and stays the caller's. */
struct tls_world_result tls_world_connect(struct tls_world *world, const char *host, SSL_SESSION *session);

/* Connects once, fully, and hands over the resumable session; the caller frees it. */
SSL_SESSION *tls_world_session(struct tls_world *world);
/* The session as it comes back from a file: without what the adapter kept with it.  The caller frees it. */
SSL_SESSION *tls_world_import(const SSL_SESSION *session);

/* The page arrived, for this reason.  Frees result.session. */
void tls_world_assert_accepted(const struct tls_world_result *result, enum pintle_reason reason);
/* Refused for this reason: no finished handshake, SSL_write() failed, the server got no byte.  Frees result.session. */
void tls_world_assert_refused(const struct tls_world_result *result, enum pintle_reason reason);
/* As before, but only at the very end of the handshake, which may look finished: no certificate was ever shown. */
void tls_world_assert_silenced(const struct tls_world_result *result);

#endif
