/* SPDX-License-Identifier: Apache-2.0 */
/* The GnuTLS adapter at full handshakes: which chains pass, and what an application may do to their validation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <gnutls/x509.h>

#include "gnutls_world.h"

static void pins_match_where_they_stand(void **state)
{
    struct tls_world *world = *state;
    const X509 *const who[] = {world->leaf.x509, world->intermediate.x509, world->root.x509, world->stray.x509};
    static const struct {
        int who;
        enum pintle_of of;
        enum pintle_at at;
        int index; /* -1: mismatch */
    } cases[] = {
        {0, PINTLE_OF_SPKI, PINTLE_AT_LEAF, 0},    {0, PINTLE_OF_CERT, PINTLE_AT_ANY, 0},
        {1, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, 1},  {1, PINTLE_OF_CERT, PINTLE_AT_ANY, 1},
        {2, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, 2},  {2, PINTLE_OF_CERT, PINTLE_AT_ANY, 2},
        {0, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, -1}, {1, PINTLE_OF_SPKI, PINTLE_AT_LEAF, -1},
        {2, PINTLE_OF_SPKI, PINTLE_AT_LEAF, -1},   {3, PINTLE_OF_SPKI, PINTLE_AT_ANY, -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char hash[TLS_FIXTURE_PIN_SIZE];
        struct pintle_static_pin pin = {TLS_WORLD_HOST, hash, cases[i].of, cases[i].at, false};
        struct gnutls_result result;

        if (cases[i].of == PINTLE_OF_SPKI)
            tls_fixture_spki_pin(who[cases[i].who], hash);
        else
            tls_fixture_cert_pin(who[cases[i].who], hash);
        tls_world_pin(world, &pin, 1, PINTLE_UNLISTED_ACCEPT);
        result = gnutls_world_connect(world, TLS_WORLD_HOST, NULL);
        assert_int_equal(result.verdict.matched_index, cases[i].index);
        assert_string_equal(result.verdict.host, TLS_WORLD_HOST);
        if (cases[i].index >= 0) {
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        } else {
            assert_int_equal(result.verdict.status, PINTLE_ERR_PIN_MISMATCH);
            assert_int_equal(result.outcome.server_error, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE);
            gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
        }
    }
}

/* From now on the server sends leaf and then these. */
static void serve(struct tls_world *world, const struct tls_fixture_cert *leaf, X509 *const *others, size_t count)
{
    SSL_CTX_free(world->server);
    world->server = tls_fixture_server_new(leaf, others, count, world->version);
}

/*
 * facts/pinning bug 1, CVE-2016-2402: a valid chain without the pin, and the pinned certificate sent along with it.  Also
 * where it is linked to the chain: as the issuer of a twin of a certificate in it.
 */
static void an_appended_pinned_certificate_does_not_count(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_cert pinned = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "Pinned", .ca = true});
    struct tls_fixture_cert twin = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "Intermediate", .ca = true, .key = pinned.key});
    struct tls_fixture_cert cross = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = "Intermediate", .ca = true, .issuer = &pinned, .key = world->intermediate.key});
    struct tls_fixture_cert root = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "Root", .ca = true, .issuer = &pinned, .key = world->root.key});
    X509 *const good = world->intermediate.x509;
    X509 *const sent[][4] = {
        {good, pinned.x509, NULL, NULL},
        {good, twin.x509, pinned.x509, NULL},
        {good, cross.x509, pinned.x509, NULL},
        {cross.x509, good, pinned.x509, NULL},
        {cross.x509, pinned.x509, good, NULL},
        {good, root.x509, pinned.x509, NULL},
        {pinned.x509, root.x509, good, NULL},
        {good, world->root.x509, root.x509, pinned.x509},
        {good, root.x509, world->root.x509, pinned.x509},
    };
    int accepted = 0;

    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        const X509 *const attacks[] = {pinned.x509, world->intermediate.x509};

        serve(world, &world->leaf, sent[i], sent[i][2] == NULL ? 2 : sent[i][3] == NULL ? 3 : 4);
        for (int which = 0; which < 2; which++) {
            struct gnutls_result result;

            tls_world_pin_key(world, attacks[which], PINTLE_AT_ISSUER);
            result = gnutls_world_connect(world, TLS_WORLD_HOST, NULL);
            if (which == 0) {
                assert_int_not_equal(result.verdict.status, PINTLE_OK);
                gnutls_world_assert_refused(&result, result.verdict.reason);
            } else if (result.verdict.status == PINTLE_OK) { /* GnuTLS does not find a way through every disorder */
                assert_int_equal(result.verdict.matched_index, 1);
                gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
                accepted++;
            }
        }
    }
    assert_true(accepted >= 5);
    tls_fixture_cert_clear(&root);
    tls_fixture_cert_clear(&cross);
    tls_fixture_cert_clear(&twin);
    tls_fixture_cert_clear(&pinned);
}

/* An intermediate that the server got from two roots, both trusted: the chain ends at one of them, and only that counts. */
static void of_two_ways_up_one_counts(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_cert other = tls_fixture_cert_new(&(struct tls_fixture_spec){.name = "Other Root", .ca = true});
    struct tls_fixture_cert cross = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "Root", .ca = true, .issuer = &other, .key = world->root.key});
    X509 *const sent[] = {world->intermediate.x509, cross.x509};
    const X509 *const pins[] = {world->leaf.x509, world->root.x509, other.x509};
    int matched[3];

    serve(world, &world->leaf, sent, 2);
    for (int i = 0; i < 3; i++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        gnutls_world_trust(&pair, other.x509);
        tls_world_pin_key(world, pins[i], PINTLE_AT_ANY);
        result = gnutls_world_run(&pair);
        matched[i] = result.verdict.matched_index;
        gnutls_free(result.kept.data);
    }
    assert_int_equal(matched[0], 0);
    assert_true(matched[1] == 2); /* the key of Root stands there either way */
    assert_true(matched[2] == 3 || matched[2] == -1);
    tls_fixture_cert_clear(&cross);
    tls_fixture_cert_clear(&other);
}

static void a_chain_may_be_sixteen_long(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_cert ladder[16], leaf;
    X509 *sent[16];

    for (size_t length = 16; length <= 17; length++) { /* root included */
        size_t count = length - 2;                     /* between leaf and root */
        struct gnutls_result result;

        for (size_t i = count; i-- > 0;) {
            char name[16];

            snprintf(name, sizeof name, "Rung %zu", i);
            ladder[i] = tls_fixture_cert_new(&(struct tls_fixture_spec){
                .name = name, .ca = true, .issuer = i + 1 < count ? &ladder[i + 1] : &world->root});
            sent[i] = ladder[i].x509;
        }
        leaf = tls_fixture_cert_new(
            &(struct tls_fixture_spec){.name = "leaf", .san = "DNS:" TLS_WORLD_HOST, .issuer = &ladder[0]});
        serve(world, &leaf, sent, count);
        tls_world_pin_key(world, length == 16 ? world->root.x509 : leaf.x509, PINTLE_AT_ANY);
        result = gnutls_world_connect(world, TLS_WORLD_HOST, NULL);
        if (length == 16) {
            assert_int_equal(result.verdict.matched_index, 15);
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        } else {
            gnutls_world_assert_refused(&result, PINTLE_REASON_CHAIN_UNUSABLE);
        }
        for (size_t i = 0; i < count; i++)
            tls_fixture_cert_clear(&ladder[i]);
        tls_fixture_cert_clear(&leaf);
    }
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
        {.name = "of a client", .san = "DNS:" TLS_WORLD_HOST, .issuer = &world->intermediate, .purpose = "clientAuth"},
    };

    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct tls_fixture_cert leaf = tls_fixture_cert_new(&specs[i]);
        struct gnutls_result result;

        tls_world_serve(world, &leaf);
        tls_world_pin_key(world, leaf.x509, PINTLE_AT_LEAF);
        world->decisions = 0;
        result = gnutls_world_connect(world, TLS_WORLD_HOST, NULL);
        assert_int_equal(result.verdict.status, PINTLE_ERR_TRUST);
        assert_int_equal(world->decisions, 0);
        gnutls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
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
    struct gnutls_result result;

    for (int other = 0; other < 2; other++) {
        struct gnutls_pair pair;

        if (other)
            serve(world, &leaf, &world->root.x509, 1);
        pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        gnutls_world_trust(&pair, root.x509);
        tls_world_pin_key(world, world->root.x509, PINTLE_AT_ISSUER);
        result = gnutls_world_run(&pair);
        if (other)
            gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
        else
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    }
    tls_fixture_cert_clear(&leaf);
    tls_fixture_cert_clear(&root);
}

static int said_yes;

static int say_yes(gnutls_session_t session)
{
    (void)session;
    said_yes++;
    return 0;
}

static int pass_everything(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                           const gnutls_datum_t *message)
{
    (void)session, (void)type, (void)when, (void)incoming, (void)message;
    return 0;
}

/* By the application, after attaching; the certificate is worthless. */
static void validation_switched_off_after_attaching_is_found(void **state)
{
    struct tls_world *world = *state;

    tls_world_serve(world, &world->stray);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    for (int hook = 0; hook < 3; hook++) {
        for (int way = 0; way < 6; way++) {
            struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
            struct gnutls_result result;

            said_yes = 0;
            if (way == 0)
                gnutls_session_set_verify_function(pair.client, NULL);
            if (way == 1)
                gnutls_session_set_verify_function(pair.client, say_yes);
            if (way == 2) {
                gnutls_session_set_verify_function(pair.client, NULL);
                gnutls_certificate_set_verify_function(pair.trust, say_yes);
            }
            if (way == 3) { /* our function stays, and overrides that of the credentials */
                gnutls_certificate_set_verify_function(pair.trust, say_yes);
            }
            if (way == 4)
                gnutls_certificate_set_verify_flags(pair.trust, GNUTLS_VERIFY_DISABLE_CA_SIGN);
            if (way == 5)
                gnutls_certificate_set_verify_flags(pair.trust, GNUTLS_VERIFY_DISABLE_TIME_CHECKS);
            if (hook > 0)
                gnutls_handshake_set_hook_function(pair.client, GNUTLS_HANDSHAKE_ANY, GNUTLS_HOOK_BOTH,
                                                   hook == 1 ? NULL : pass_everything);
            result = gnutls_world_run(&pair);
            assert_int_equal(said_yes, way == 1 || way == 2);
            gnutls_world_assert_refused(&result,
                                        way == 3 ? PINTLE_REASON_VALIDATION_FAILED : PINTLE_REASON_VALIDATION_OFF);
        }
    }
}

/* Of the host name alone; the certificate is that of another host, and pinned. */
static void the_name_is_checked_whatever_was_set_before(void **state)
{
    struct tls_world *world = *state;

    tls_world_serve(world, &world->other);
    tls_world_pin_key(world, world->other.x509, PINTLE_AT_LEAF);
    for (int after = 0; after < 2; after++) {
        struct gnutls_pair pair = gnutls_world_unpinned(world, 0);
        struct gnutls_result result;

        if (!after)
            gnutls_session_set_verify_cert(pair.client, NULL, 0);
        assert_int_equal(pintle_gnutls_attach(pair.client, world->checker), PINTLE_OK);
        assert_int_equal(pintle_gnutls_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        if (after)
            gnutls_session_set_verify_cert(pair.client, "other.example.test", 0);
        result = gnutls_world_run(&pair);
        gnutls_world_assert_refused(&result, after ? PINTLE_REASON_VALIDATION_OFF : PINTLE_REASON_VALIDATION_FAILED);
    }
}

/* Of the checker's words and the world's certificates: what is told, and that asking again changes nothing. */
static void a_refusal_stands_however_often_one_asks(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_pair pair;
    struct gnutls_result result;

    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    world->heal = true;
    pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    while (gnutls_world_step(&pair))
        ;
    assert_int_equal(world->decisions, 1);
    tls_world_pin_key(world, world->leaf.x509, PINTLE_AT_LEAF); /* too late for this one */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(gnutls_handshake(pair.client), GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
        assert_true(gnutls_record_send(pair.client, "secret", 6) < 0);
    }
    assert_int_equal(world->decisions, 1);
    result = gnutls_world_run(&pair);
    assert_int_equal(result.verdict.status, PINTLE_ERR_RETRY);
    gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
}

static void a_wire_of_one_byte_changes_nothing(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 1);
    struct pintle_verdict verdict;
    struct gnutls_result result;

    do
        assert_int_equal(pintle_gnutls_verdict(pair.client, &verdict), PINTLE_ERR_MISUSE);
    while (gnutls_world_step(&pair) && world->decisions == 0);
    assert_int_equal(pintle_gnutls_verdict(pair.client, &verdict), PINTLE_ERR_MISUSE); /* decided, not complete */
    result = gnutls_world_run(&pair);
    assert_int_equal(world->decisions, 1);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(pins_match_where_they_stand, 2),
        TLS_WORLD_TEST(pins_match_where_they_stand, 3),
        TLS_WORLD_TEST(an_appended_pinned_certificate_does_not_count, 2),
        TLS_WORLD_TEST(an_appended_pinned_certificate_does_not_count, 3),
        TLS_WORLD_TEST(of_two_ways_up_one_counts, 3),
        TLS_WORLD_TEST(a_chain_may_be_sixteen_long, 3),
        TLS_WORLD_TEST(ordinary_validation_comes_first, 2),
        TLS_WORLD_TEST(ordinary_validation_comes_first, 3),
        TLS_WORLD_TEST(a_ca_of_the_same_name_is_another_ca, 3),
        TLS_WORLD_TEST(validation_switched_off_after_attaching_is_found, 2),
        TLS_WORLD_TEST(validation_switched_off_after_attaching_is_found, 3),
        TLS_WORLD_TEST(the_name_is_checked_whatever_was_set_before, 2),
        TLS_WORLD_TEST(the_name_is_checked_whatever_was_set_before, 3),
        TLS_WORLD_TEST(a_refusal_stands_however_often_one_asks, 2),
        TLS_WORLD_TEST(a_refusal_stands_however_often_one_asks, 3),
        TLS_WORLD_TEST(a_wire_of_one_byte_changes_nothing, 2),
        TLS_WORLD_TEST(a_wire_of_one_byte_changes_nothing, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
