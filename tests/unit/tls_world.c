/* SPDX-License-Identifier: Apache-2.0 */
/* The world of tls_world.h, and what must hold of every accepted and every refused connection. */
#include "tls_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pin_fixture.h"

int tls_world_versions[4] = {0, 0, TLS1_2_VERSION, TLS1_3_VERSION};

static struct pintle_pinset *acquire(void *ctx)
{
    struct tls_world *world = ctx;
    struct pintle_pinset *pinset;

    pthread_mutex_lock(&world->mutex);
    pinset = pintle_pinset_ref(world->pinset);
    pthread_mutex_unlock(&world->mutex);
    return pinset;
}

static unsigned needs(void *ctx)
{
    struct pintle_pinset *pinset = acquire(ctx);
    unsigned of = pintle_pinset_needs(pinset);

    pintle_pinset_free(pinset);
    return of;
}

static int64_t now(void *ctx)
{
    (void)ctx;
    return 0;
}

static void decided(void *ctx, const struct pintle_evidence *evidence, struct pintle_verdict *verdict)
{
    struct tls_world *world = ctx;

    (void)evidence;
    pthread_mutex_lock(&world->mutex);
    world->decisions++;
    if (world->heal && verdict->status == PINTLE_ERR_PIN_MISMATCH)
        verdict->status = PINTLE_ERR_RETRY;
    pthread_mutex_unlock(&world->mutex);
}

static void release(void *ctx)
{
    (void)ctx;
}

static void swap(struct tls_world *world, struct pintle_pinset *pinset)
{
    struct pintle_pinset *old;

    pthread_mutex_lock(&world->mutex);
    old = world->pinset;
    world->pinset = pinset;
    pthread_mutex_unlock(&world->mutex);
    pintle_pinset_free(old);
}

void tls_world_pin(struct tls_world *world, const struct pintle_static_pin *pins, size_t count,
                   enum pintle_unlisted unlisted)
{
    struct pintle_pinset *pinset;
    char detail[256] = "";

    if (pintle_pinset_new_static(pins, count, unlisted, &pinset, detail, sizeof(detail)) != PINTLE_OK)
        fail_msg("%s", detail);
    swap(world, pinset);
}

void tls_world_pin_key(struct tls_world *world, const X509 *x509, enum pintle_at at)
{
    char hash[TLS_FIXTURE_PIN_SIZE];
    struct pintle_static_pin pin = {TLS_WORLD_HOST, hash, PINTLE_OF_SPKI, at, false};

    tls_fixture_spki_pin(x509, hash);
    tls_world_pin(world, &pin, 1, PINTLE_UNLISTED_ACCEPT);
}

void tls_world_pin_and_deny(struct tls_world *world, const X509 *x509, const X509 *denied, const char *mode)
{
    struct pti_pinset_input input = {.refuse_after = PTI_NEVER, .unlisted = PINTLE_UNLISTED_ACCEPT};
    char pin[TLS_FIXTURE_PIN_SIZE], denial[TLS_FIXTURE_PIN_SIZE], notation[1024];
    struct pintle_pinset *pinset;
    struct pti_charter charter;

    tls_fixture_spki_pin(x509, pin);
    tls_fixture_spki_pin(denied, denial);
    snprintf(notation, sizeof(notation),
             FIXTURE_CHARTER("1", "{'host':'" TLS_WORLD_HOST "','subdomains':false,'mode':'%s','zone':'main','pins':["
                                  "{'sha256':'%s','of':'spki','at':'any'}],'deny':[{'sha256':'%s','of':'spki'}]}"),
             mode, pin, denial);
    fixture_charter(notation, &charter);
    input.charter = &charter;
    assert_int_equal(pti_pinset_compile(&input, &pinset, NULL), PINTLE_OK);
    pti_charter_clear(&charter);
    swap(world, pinset);
}

int tls_world_setup(void **state)
{
    static const struct pti_checker_source source = {.acquire = acquire,
                                                     .drop = pintle_pinset_free,
                                                     .needs = needs,
                                                     .now = now,
                                                     .decided = decided,
                                                     .release = release};
    struct tls_world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->version = *(const int *)*state;
    world->root = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "Root", .ca = true});
    world->intermediate = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "Intermediate", .ca = true, .issuer = &world->root});
    world->leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "leaf", .san = "DNS:" TLS_WORLD_HOST, .issuer = &world->intermediate});
    world->other = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "other", .san = "DNS:other.example.test", .issuer = &world->intermediate});
    world->stray = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "stray", .san = "DNS:" TLS_WORLD_HOST});
    assert_int_equal(pthread_mutex_init(&world->mutex, NULL), 0);
    assert_int_equal(tls_world_crypto_new(&world->crypto), PINTLE_OK);
    assert_int_equal(pti_checker_new(&source, world, world->crypto, &world->checker), PINTLE_OK);
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF);
    world->client = tls_fixture_client_new(world->root.x509, world->version);
    world->server = tls_fixture_server_new(&world->leaf, &world->intermediate.x509, 1, world->version);
    assert_int_equal(tls_world_attach(world->client, world->checker), PINTLE_OK);
    *state = world;
    return 0;
}

int tls_world_teardown(void **state)
{
    struct tls_world *world = *state;

    SSL_CTX_free(world->client);
    SSL_CTX_free(world->server);
    pintle_checker_free(world->checker);
    pintle_crypto_free(world->crypto);
    pintle_pinset_free(world->pinset);
    pthread_mutex_destroy(&world->mutex);
    tls_fixture_cert_clear(&world->root);
    tls_fixture_cert_clear(&world->intermediate);
    tls_fixture_cert_clear(&world->leaf);
    tls_fixture_cert_clear(&world->other);
    tls_fixture_cert_clear(&world->stray);
    free(world);
    return 0;
}

void tls_world_serve(struct tls_world *world, const struct tls_fixture_cert *leaf)
{
    SSL_CTX_free(world->server);
    world->server = tls_fixture_server_new(leaf, &world->intermediate.x509, 1, world->version);
}

struct tls_world_result tls_world_run(struct tls_fixture_pair *pair)
{
    struct tls_world_result result;
    enum pintle_status status;

    result.outcome = tls_fixture_run(pair);
    status = tls_world_verdict(pair->client, &result.verdict);
    assert_int_equal(status, result.verdict.status);
    result.verify_result = SSL_get_verify_result(pair->client);
    result.reused = SSL_session_reused(pair->client) == 1;
    result.session = tls_fixture_session(pair->client);
    /* Without a farewell OpenSSL marks the session as unusable. */
    SSL_set_shutdown(pair->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(pair->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_fixture_pair_clear(pair);
    return result;
}

struct tls_world_result tls_world_connect(struct tls_world *world, const char *host, SSL_SESSION *session)
{
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);

    if (host != NULL)
        assert_int_equal(tls_world_set_host(pair.client, host), PINTLE_OK);
    if (session != NULL)
        assert_int_equal(SSL_set_session(pair.client, session), 1);
    return tls_world_run(&pair);
}

void tls_world_assert_accepted(const struct tls_world_result *result, enum pintle_reason reason)
{
    SSL_SESSION_free(result->session);
    assert_string_equal(pintle_reason_name(result->verdict.reason), pintle_reason_name(reason));
    assert_int_equal(result->verdict.status, PINTLE_OK);
    assert_true(result->outcome.connected);
    assert_true(result->outcome.accepted);
    assert_int_equal(result->outcome.server_read, 6);
    assert_true(result->outcome.answered);
    assert_int_equal(result->verify_result, X509_V_OK);
}

SSL_SESSION *tls_world_session(struct tls_world *world)
{
    struct tls_world_result result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    SSL_SESSION *session = result.session;

    assert_false(result.reused);
    assert_true(SSL_SESSION_up_ref(session));
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    assert_true(SSL_SESSION_is_resumable(session));
    return session;
}

SSL_SESSION *tls_world_import(const SSL_SESSION *session)
{
    int size = i2d_SSL_SESSION((SSL_SESSION *)session, NULL);
    unsigned char *der = malloc((size_t)size), *end = der;
    const unsigned char *next = der;
    SSL_SESSION *copy;

    assert_true(size > 0);
    assert_non_null(der);
    assert_int_equal(i2d_SSL_SESSION((SSL_SESSION *)session, &end), size);
    copy = d2i_SSL_SESSION(NULL, &next, size);
    assert_non_null(copy);
    free(der);
    return copy;
}

static void assert_nothing_left(const struct tls_world_result *result, enum pintle_reason reason)
{
    SSL_SESSION_free(result->session);
    assert_string_equal(pintle_reason_name(result->verdict.reason), pintle_reason_name(reason));
    assert_int_not_equal(result->verdict.status, PINTLE_OK);
    assert_true(result->outcome.wrote <= 0);
    assert_int_equal(result->outcome.server_read, 0);
    assert_false(result->outcome.answered);
}

void tls_world_assert_refused(const struct tls_world_result *result, enum pintle_reason reason)
{
    assert_nothing_left(result, reason);
    assert_false(result->outcome.connected);
    assert_int_equal(result->outcome.client_error, SSL_R_CERTIFICATE_VERIFY_FAILED);
    assert_false(result->outcome.accepted);
    assert_int_not_equal(result->verify_result, X509_V_OK);
}

void tls_world_assert_silenced(const struct tls_world_result *result)
{
    assert_nothing_left(result, PINTLE_REASON_VALIDATION_OFF);
}
