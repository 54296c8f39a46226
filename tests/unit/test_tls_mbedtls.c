/* SPDX-License-Identifier: Apache-2.0 */
/* The mbedTLS adapter at full handshakes: which chains pass, and what an application may do to their validation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mbedtls_world.h"

#define HOST TLS_WORLD_HOST
#define FATAL MBEDTLS_ERR_X509_FATAL_ERROR
#define INVALID MBEDTLS_ERR_X509_CERT_VERIFY_FAILED

static void pins_match_where_they_stand(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world *tls = world->tls;
    const struct {
        const X509 *x509;
        enum pintle_of of;
        enum pintle_at at;
        int index; /* -1: mismatch */
    } cases[] = {
        {tls->leaf.x509, PINTLE_OF_SPKI, PINTLE_AT_LEAF, 0},
        {tls->leaf.x509, PINTLE_OF_CERT, PINTLE_AT_ANY, 0},
        {tls->intermediate.x509, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, 1},
        {tls->root.x509, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, 2},
        {tls->root.x509, PINTLE_OF_CERT, PINTLE_AT_ANY, 2},
        {tls->leaf.x509, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, -1},
        {tls->root.x509, PINTLE_OF_SPKI, PINTLE_AT_LEAF, -1},
        {tls->stray.x509, PINTLE_OF_SPKI, PINTLE_AT_ANY, -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char hash[TLS_FIXTURE_PIN_SIZE];
        struct pintle_static_pin pin = {HOST, hash, cases[i].of, cases[i].at, false};
        struct tls_world_result result;

        if (cases[i].of == PINTLE_OF_SPKI)
            tls_fixture_spki_pin(cases[i].x509, hash);
        else
            tls_fixture_cert_pin(cases[i].x509, hash);
        tls_world_pin(tls, &pin, 1, PINTLE_UNLISTED_ACCEPT);
        result = mbedtls_world_connect(world, HOST);
        assert_int_equal(result.verdict.matched_index, cases[i].index);
        if (cases[i].index >= 0) {
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        } else {
            assert_int_equal(result.verdict.status, PINTLE_ERR_PIN_MISMATCH);
            assert_int_equal(result.outcome.server_error, SSL_R_TLSV1_ALERT_ACCESS_DENIED);
            mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
        }
    }
}

static void what_the_checker_says_reaches_the_application(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world *tls = world->tls;
    struct tls_world_result result;

    tls_world_pin_and_deny(tls, tls->leaf.x509, tls->root.x509, "report");
    result = mbedtls_world_connect(world, HOST);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_DENIED, FATAL);
    tls_world_pin_and_deny(tls, tls->stray.x509, tls->stray.x509, "report");
    result = mbedtls_world_connect(world, HOST);
    tls_world_assert_accepted(&result, PINTLE_REASON_REPORT_ONLY);
    tls_world_pin_key(tls, tls->stray.x509, PINTLE_AT_LEAF);
    tls->heal = true;
    tls->decisions = 0;
    result = mbedtls_world_connect(world, HOST);
    assert_int_equal(result.verdict.status, PINTLE_ERR_RETRY);
    assert_int_equal(tls->decisions, 1);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
}

/* CVE-2016-2402: a valid chain without the pin, and the pinned certificate sent along with it. */
static void an_appended_pinned_certificate_does_not_count(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world *tls = world->tls;
    struct tls_fixture_cert twin = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "Intermediate", .ca = true, .key = tls->stray.key});
    X509 *const appended[] = {tls->intermediate.x509, tls->stray.x509, twin.x509};
    struct tls_world_result result;

    SSL_CTX_free(tls->server);
    tls->server = tls_fixture_server_new(&tls->leaf, appended, 3, tls->version);
    tls_world_pin_key(tls, tls->stray.x509, PINTLE_AT_ANY);
    result = mbedtls_world_connect(world, HOST);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
    tls_fixture_cert_clear(&twin);
}

static void a_ca_of_the_same_name_is_another_ca(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world *tls = world->tls;
    struct tls_fixture_cert root = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "Root", .ca = true});
    struct tls_fixture_cert leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "leaf", .san = "DNS:" HOST, .issuer = &root});
    struct tls_world_result result;

    mbedtls_world_trust(world, root.x509);
    tls_world_pin_key(tls, tls->root.x509, PINTLE_AT_ISSUER);
    result = mbedtls_world_connect(world, HOST);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_CTX_free(tls->server);
    tls->server = tls_fixture_server_new(&leaf, &tls->root.x509, 1, tls->version);
    result = mbedtls_world_connect(world, HOST);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, FATAL);
    tls_fixture_cert_clear(&leaf);
    tls_fixture_cert_clear(&root);
}

/* A pin that matches never makes up for ordinary validation. */
static void ordinary_validation_comes_first(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world *tls = world->tls;
    const struct {
        struct tls_fixture_spec spec;
        uint32_t flag;
        int alert;
    } cases[] = {
        {{.name = "of another host", .san = "DNS:other.example.test", .issuer = &tls->intermediate},
         MBEDTLS_X509_BADCERT_CN_MISMATCH,
         SSL_R_SSLV3_ALERT_BAD_CERTIFICATE},
        {{.name = "expired", .san = "DNS:" HOST, .issuer = &tls->intermediate, .from_s = -7200, .until_s = -3600},
         MBEDTLS_X509_BADCERT_EXPIRED,
         SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED},
        {{.name = "not yet", .san = "DNS:" HOST, .issuer = &tls->intermediate, .from_s = 3600, .until_s = 7200},
         MBEDTLS_X509_BADCERT_FUTURE,
         0},
        {{.name = "self-signed", .san = "DNS:" HOST}, MBEDTLS_X509_BADCERT_NOT_TRUSTED, SSL_R_TLSV1_ALERT_UNKNOWN_CA},
        {{.name = "from a leaf", .san = "DNS:" HOST, .issuer = &tls->other}, MBEDTLS_X509_BADCERT_NOT_TRUSTED, 0},
        {{.name = HOST, .san = "DNS:*.other.test", .issuer = &tls->intermediate}, MBEDTLS_X509_BADCERT_CN_MISMATCH, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_fixture_cert leaf = tls_fixture_cert_new(&cases[i].spec);
        struct tls_world_result result;

        tls_world_serve(tls, &leaf);
        tls_world_pin_key(tls, leaf.x509, PINTLE_AT_LEAF);
        tls->decisions = 0;
        result = mbedtls_world_connect(world, HOST);
        assert_int_equal(result.verify_result, cases[i].flag);
        if (cases[i].alert != 0)
            assert_int_equal(result.outcome.server_error, cases[i].alert);
        assert_int_equal(result.verdict.status, PINTLE_ERR_TRUST);
        assert_int_equal(tls->decisions, 0);
        mbedtls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED, INVALID);
        tls_fixture_cert_clear(&leaf);
    }
}

/* Leaf, links and the root: mbedTLS verifies ten in all, and tells no callback of more. */
static void chains_have_their_length(void **state)
{
    enum { LINKS = 9 };
    struct mbedtls_world *world = *state;
    struct tls_world *tls = world->tls;
    struct tls_fixture_cert links[LINKS];
    X509 *sent[LINKS];

    for (int i = 0; i < LINKS; i++) {
        char name[16];

        snprintf(name, sizeof(name), "link %d", i);
        links[i] = tls_fixture_cert_new(
            &(struct tls_fixture_spec){.name = name, .ca = true, .issuer = i == 0 ? &tls->root : &links[i - 1]});
    }
    tls_world_pin_key(tls, tls->root.x509, PINTLE_AT_ISSUER);
    for (int count = 1; count <= LINKS; count++) {
        struct tls_fixture_cert leaf = tls_fixture_cert_new(
            &(struct tls_fixture_spec){.name = "leaf", .san = "DNS:" HOST, .issuer = &links[count - 1]});
        struct tls_world_result result;

        for (int i = 0; i < count; i++)
            sent[i] = links[count - 1 - i].x509;
        SSL_CTX_free(tls->server);
        tls->server = tls_fixture_server_new(&leaf, sent, (size_t)count, tls->version);
        result = mbedtls_world_connect(world, HOST);
        if (count <= MBEDTLS_X509_MAX_INTERMEDIATE_CA) {
            assert_int_equal(result.verdict.matched_index, count + 1);
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        } else {
            mbedtls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED, FATAL);
        }
        tls_fixture_cert_clear(&leaf);
    }
    for (int i = 0; i < LINKS; i++)
        tls_fixture_cert_clear(&links[i]);
}

static int callback_calls;

static int waive(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    (void)ctx, (void)certificate, (void)depth;
    callback_calls++;
    *flags = 0;
    return 0;
}

static int flag(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    (void)certificate;
    callback_calls++;
    if (depth == *(const int *)ctx)
        *flags |= MBEDTLS_X509_BADCERT_OTHER;
    return 0;
}

static int refuse(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    (void)certificate, (void)flags;
    callback_calls++;
    return depth == *(const int *)ctx ? INVALID : 0;
}

/* With this callback of the application, set for its configuration or for its connection. */
static struct tls_world_result connect_with(struct mbedtls_world *world,
                                            int (*callback)(void *, mbedtls_x509_crt *, int, uint32_t *), int depth,
                                            bool of_connection)
{
    struct tls_world_result result;
    struct mbedtls_link link;
    mbedtls_ssl_config conf;

    mbedtls_world_configure(world, &conf);
    if (!of_connection)
        mbedtls_ssl_conf_verify(&conf, callback, &depth);
    assert_int_equal(pintle_mbedtls_attach(&conf, world->tls->checker), PINTLE_OK);
    mbedtls_link_init(&link, &conf, world->tls, 0);
    if (of_connection)
        mbedtls_ssl_set_verify(&link.client, callback, &depth);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    callback_calls = 0;
    result = mbedtls_link_run(&link);
    assert_true(callback_calls > 0);
    mbedtls_link_clear(&link);
    pintle_mbedtls_detach(&conf);
    mbedtls_ssl_config_free(&conf);
    return result;
}

static void an_application_callback_may_only_be_stricter(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_fixture_cert leaf = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = "expired", .san = "DNS:" HOST, .issuer = &world->tls->intermediate, .from_s = -9, .until_s = -1});

    for (int of_connection = 0; of_connection < 2; of_connection++) {
        struct tls_world_result result = connect_with(world, waive, 0, of_connection);

        assert_int_equal(callback_calls, 3);
        tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        for (int depth = 0; depth < 3; depth++) {
            world->tls->decisions = 0;
            result = connect_with(world, flag, depth, of_connection);
            assert_int_equal(world->tls->decisions, 0);
            assert_int_equal(result.verify_result, MBEDTLS_X509_BADCERT_OTHER);
            mbedtls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED, INVALID);
            result = connect_with(world, refuse, depth, of_connection);
            mbedtls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED, FATAL);
        }
        tls_world_serve(world->tls, &leaf);
        tls_world_pin_key(world->tls, leaf.x509, PINTLE_AT_LEAF);
        result = connect_with(world, waive, 0, of_connection);
        assert_int_equal(result.verify_result, MBEDTLS_X509_BADCERT_EXPIRED);
        mbedtls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED, INVALID);
        tls_world_serve(world->tls, &world->tls->leaf);
        tls_world_pin_key(world->tls, world->tls->leaf.x509, PINTLE_AT_LEAF);
    }
    tls_fixture_cert_clear(&leaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MBEDTLS_WORLD_TEST(pins_match_where_they_stand),
        MBEDTLS_WORLD_TEST(what_the_checker_says_reaches_the_application),
        MBEDTLS_WORLD_TEST(an_appended_pinned_certificate_does_not_count),
        MBEDTLS_WORLD_TEST(a_ca_of_the_same_name_is_another_ca),
        MBEDTLS_WORLD_TEST(ordinary_validation_comes_first),
        MBEDTLS_WORLD_TEST(chains_have_their_length),
        MBEDTLS_WORLD_TEST(an_application_callback_may_only_be_stricter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
