/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL adapter at full handshakes: which chains pass, and what an application may do to their validation.  What holds
 * of the BoringSSL adapter too runs over it as well (tests/boringssl).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tls_world.h"

enum who { LEAF, INTERMEDIATE, ROOT, STRAY };

static const X509 *certificate(const struct tls_world *world, enum who who)
{
    switch (who) {
    case LEAF:
        return world->leaf.x509;
    case INTERMEDIATE:
        return world->intermediate.x509;
    case ROOT:
        return world->root.x509;
    case STRAY:
        break;
    }
    return world->stray.x509;
}

static void pins_match_where_they_stand(void **state)
{
    static const struct {
        enum who who;
        enum pintle_of of;
        enum pintle_at at;
        int index; /* -1: mismatch */
    } cases[] = {
        {LEAF, PINTLE_OF_SPKI, PINTLE_AT_LEAF, 0},        {LEAF, PINTLE_OF_SPKI, PINTLE_AT_ANY, 0},
        {LEAF, PINTLE_OF_CERT, PINTLE_AT_LEAF, 0},        {INTERMEDIATE, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, 1},
        {INTERMEDIATE, PINTLE_OF_CERT, PINTLE_AT_ANY, 1}, {ROOT, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, 2},
        {ROOT, PINTLE_OF_SPKI, PINTLE_AT_ANY, 2},         {ROOT, PINTLE_OF_CERT, PINTLE_AT_ISSUER, 2},
        {LEAF, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, -1},     {INTERMEDIATE, PINTLE_OF_SPKI, PINTLE_AT_LEAF, -1},
        {ROOT, PINTLE_OF_SPKI, PINTLE_AT_LEAF, -1},       {STRAY, PINTLE_OF_SPKI, PINTLE_AT_ANY, -1},
        {STRAY, PINTLE_OF_CERT, PINTLE_AT_ANY, -1},
    };
    struct tls_world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char hash[TLS_FIXTURE_PIN_SIZE];
        struct pintle_static_pin pin = {TLS_WORLD_HOST, hash, cases[i].of, cases[i].at, false};
        struct tls_world_result result;

        if (cases[i].of == PINTLE_OF_SPKI)
            tls_fixture_spki_pin(certificate(world, cases[i].who), hash);
        else
            tls_fixture_cert_pin(certificate(world, cases[i].who), hash);
        tls_world_pin(world, &pin, 1, PINTLE_UNLISTED_ACCEPT);
        result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
        assert_int_equal(result.verdict.matched_index, cases[i].index);
        assert_string_equal(result.verdict.host, TLS_WORLD_HOST);
        if (cases[i].index >= 0) {
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        } else {
            assert_int_equal(result.verdict.status, PINTLE_ERR_PIN_MISMATCH);
            assert_int_equal(result.verify_result, X509_V_ERR_APPLICATION_VERIFICATION);
            assert_int_equal(result.outcome.server_error, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
            tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
        }
    }
}

static void hosts_without_a_policy_follow_the_application(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result;
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pin = {"other.example.test", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};

    tls_fixture_spki_pin(world->stray.x509, hash);
    tls_world_pin(world, &pin, 1, PINTLE_UNLISTED_ACCEPT);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_accepted(&result, PINTLE_REASON_UNLISTED);
    tls_world_pin(world, &pin, 1, PINTLE_UNLISTED_REFUSE);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_refused(&result, PINTLE_REASON_UNLISTED_REFUSED);
}

static void a_denied_key_anywhere_refuses(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result;

    tls_world_pin_and_deny(world, world->leaf.x509, world->root.x509, "enforce");
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_refused(&result, PINTLE_REASON_DENIED);
    tls_world_pin_and_deny(world, world->leaf.x509, world->leaf.x509, "report");
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_refused(&result, PINTLE_REASON_DENIED);
    tls_world_pin_and_deny(world, world->leaf.x509, world->stray.x509, "enforce");
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    tls_world_pin_and_deny(world, world->stray.x509, world->stray.x509, "report");
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_accepted(&result, PINTLE_REASON_REPORT_ONLY);
}

static void what_the_checker_says_reaches_the_application(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result;

    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    world->heal = true;
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    assert_int_equal(result.verdict.status, PINTLE_ERR_RETRY);
    assert_int_equal(world->decisions, 1);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
}

/* facts/pinning bug 1, CVE-2016-2402: a valid chain without the pin, and the pinned certificate sent along with it. */
static void an_appended_pinned_certificate_does_not_count(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_cert twin = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "Intermediate", .ca = true, .key = world->stray.key});
    X509 *const appended[] = {world->intermediate.x509, world->stray.x509, twin.x509};
    struct tls_world_result result;

    SSL_CTX_free(world->server);
    world->server = tls_fixture_server_new(&world->leaf, appended, 3, world->version);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_ANY);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    tls_fixture_cert_clear(&twin);
}

/* facts/pinning bugs 4 and 5: a pin that matches never makes up for ordinary validation. */
static void ordinary_validation_comes_first(void **state)
{
    struct tls_world *world = *state;
    const struct tls_fixture_spec specs[] = {
        {.name = "of another host", .san = "DNS:other.example.test", .issuer = &world->intermediate},
        {.name = "expired",
         .san = "DNS:" TLS_WORLD_HOST,
         .issuer = &world->intermediate,
         .from_s = -7200,
         .until_s = -3600},
        {.name = "not yet valid",
         .san = "DNS:" TLS_WORLD_HOST,
         .issuer = &world->intermediate,
         .from_s = 3600,
         .until_s = 7200},
        {.name = "self-signed", .san = "DNS:" TLS_WORLD_HOST},
        {.name = "from a leaf", .san = "DNS:" TLS_WORLD_HOST, .issuer = &world->other},
        {.name = TLS_WORLD_HOST, .san = "DNS:*.other.test", .issuer = &world->intermediate},
    };
    static const int errors[] = {
        X509_V_ERR_HOSTNAME_MISMATCH,
        X509_V_ERR_CERT_HAS_EXPIRED,
        X509_V_ERR_CERT_NOT_YET_VALID,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_HOSTNAME_MISMATCH,
    };

    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct tls_fixture_cert leaf = tls_fixture_cert_new(&specs[i]);
        struct tls_world_result result;

        tls_world_serve(world, &leaf);
        tls_world_pin_key(world, leaf.x509, PINTLE_AT_LEAF);
        world->decisions = 0;
        result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
        assert_int_equal(result.verify_result, TLS_WORLD_ERROR(errors[i]));
        assert_int_equal(result.verdict.status, PINTLE_ERR_TRUST);
        assert_int_equal(world->decisions, 0);
        tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
        tls_fixture_cert_clear(&leaf);
    }
}

/* facts/pinning bug 15. */
static void a_ca_of_the_same_name_is_another_ca(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_cert root = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "Root", .ca = true});
    struct tls_fixture_cert leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "leaf", .san = "DNS:" TLS_WORLD_HOST, .issuer = &root});
    struct tls_world_result result;

    X509_STORE_add_cert(SSL_CTX_get_cert_store(world->client), root.x509);
    tls_world_pin_key(world, world->root.x509, PINTLE_AT_ISSUER);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    SSL_CTX_free(world->server);
    world->server = tls_fixture_server_new(&leaf, &world->root.x509, 1, world->version);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    tls_fixture_cert_clear(&leaf);
    tls_fixture_cert_clear(&root);
}

/* Without key identifiers OpenSSL tries the wrong key of that name, and leaves errors of the attempt behind. */
static void a_refusal_is_the_first_error(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_cert root = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "Root", .ca = true, .without_key_ids = true});
    struct tls_fixture_cert leaf = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = "leaf", .san = "DNS:" TLS_WORLD_HOST, .issuer = &root, .without_key_ids = true});
    struct tls_world_result result;

    tls_world_serve(world, &leaf);
    tls_world_pin_key(world, leaf.x509, PINTLE_AT_LEAF);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    assert_int_equal(result.outcome.client_error, SSL_R_CERTIFICATE_VERIFY_FAILED);
    assert_int_equal(result.verify_result, TLS_WORLD_ERROR(X509_V_ERR_CERT_SIGNATURE_FAILURE));
    tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    tls_fixture_cert_clear(&leaf);
    tls_fixture_cert_clear(&root);
}

static int callback_calls;

static int say_yes(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    callback_calls++;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static int say_no(int ok, X509_STORE_CTX *store)
{
    (void)ok, (void)store;
    callback_calls++;
    return 0;
}

static void an_application_callback_cannot_waive_an_error(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_cert leaf = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = "expired", .san = "DNS:" TLS_WORLD_HOST, .issuer = &world->intermediate, .from_s = -9, .until_s = -1});
    struct tls_world_result result;

    tls_world_pin_key(world, leaf.x509, PINTLE_AT_LEAF);
    tls_world_serve(world, &leaf);
    for (int way = 0; way < 3; way++) {
        struct tls_fixture_pair pair;

        if (way == 0)
            SSL_CTX_set_verify(world->client, SSL_VERIFY_PEER, say_yes);
        else
            SSL_CTX_set_verify(world->client, SSL_VERIFY_PEER, NULL);
        X509_STORE_set_verify_cb(SSL_CTX_get_cert_store(world->client), way == 2 ? say_yes : NULL);
        pair = tls_fixture_pair_new(world->client, world->server, 0);
        if (way == 1)
            SSL_set_verify(pair.client, SSL_VERIFY_PEER, say_yes);
        callback_calls = 0;
        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        result = tls_world_run(&pair);
        assert_true(callback_calls > 0);
        assert_int_equal(result.verify_result, TLS_WORLD_ERROR(X509_V_ERR_CERT_HAS_EXPIRED));
        tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    }
    tls_fixture_cert_clear(&leaf);
}

static void an_application_callback_may_be_stricter(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result;

    SSL_CTX_set_verify(world->client, SSL_VERIFY_PEER, say_no);
    callback_calls = 0;
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    assert_true(callback_calls > 0);
    tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    SSL_CTX_set_verify(world->client, SSL_VERIFY_PEER, say_yes);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

static void verification_switched_off_after_attaching_is_found(void **state)
{
    struct tls_world *world = *state;

    for (int way = 0; way < TLS_WORLD_WAYS_OFF; way++) {
        struct tls_fixture_pair pair;
        struct tls_world_result result;

        SSL_CTX_set_verify(world->client, way == 0 ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
        pair = tls_fixture_pair_new(world->client, world->server, 0);
        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        if (way == 1)
            SSL_set_verify(pair.client, SSL_VERIFY_NONE, NULL);
        if (way == 2)
            SSL_set_verify(pair.client, SSL_VERIFY_NONE, say_yes);
        if (way == 3)
            SSL_set_verify(pair.client, SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        if (way == 4)
            assert_int_equal(SSL_set1_host(pair.client, NULL), 1); /* no name is checked now */
        if (way == 5)
            assert_int_equal(SSL_set1_host(pair.client, "other.example.test"), 1);
        result = tls_world_run(&pair);
        tls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_OFF);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(pins_match_where_they_stand, 2),
        TLS_WORLD_TEST(pins_match_where_they_stand, 3),
        TLS_WORLD_TEST(hosts_without_a_policy_follow_the_application, 2),
        TLS_WORLD_TEST(hosts_without_a_policy_follow_the_application, 3),
        TLS_WORLD_TEST(a_denied_key_anywhere_refuses, 2),
        TLS_WORLD_TEST(a_denied_key_anywhere_refuses, 3),
        TLS_WORLD_TEST(what_the_checker_says_reaches_the_application, 2),
        TLS_WORLD_TEST(what_the_checker_says_reaches_the_application, 3),
        TLS_WORLD_TEST(an_appended_pinned_certificate_does_not_count, 2),
        TLS_WORLD_TEST(an_appended_pinned_certificate_does_not_count, 3),
        TLS_WORLD_TEST(ordinary_validation_comes_first, 2),
        TLS_WORLD_TEST(ordinary_validation_comes_first, 3),
        TLS_WORLD_TEST(a_ca_of_the_same_name_is_another_ca, 2),
        TLS_WORLD_TEST(a_ca_of_the_same_name_is_another_ca, 3),
        TLS_WORLD_TEST(a_refusal_is_the_first_error, 2),
        TLS_WORLD_TEST(a_refusal_is_the_first_error, 3),
        TLS_WORLD_TEST(an_application_callback_cannot_waive_an_error, 2),
        TLS_WORLD_TEST(an_application_callback_cannot_waive_an_error, 3),
        TLS_WORLD_TEST(an_application_callback_may_be_stricter, 2),
        TLS_WORLD_TEST(an_application_callback_may_be_stricter, 3),
        TLS_WORLD_TEST(verification_switched_off_after_attaching_is_found, 2),
        TLS_WORLD_TEST(verification_switched_off_after_attaching_is_found, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
