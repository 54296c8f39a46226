/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenSSL adapter while memory is short: it fails by its status or fails the handshake, never open.  It runs over the
 * BoringSSL adapter too (tests/boringssl).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "faults.h"
#include "tls_world.h"

#define MEMORY (FAULTS_MEMORY | FAULTS_OPENSSL)
#ifdef OPENSSL_IS_BORINGSSL
#define STEP 1 /* from one of the library's allocations to the next that fails: it makes few */
#else
#define STEP 53
#endif

/* As if nothing had been. */
static void connects(struct tls_world *world)
{
    struct tls_world_result result = tls_world_connect(world, TLS_WORLD_HOST, NULL);

    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

/* In a process that has not attached anything yet. */
static int attach_for_the_first_time(void *ctx)
{
    const struct pintle_static_pin pin = {
        TLS_WORLD_HOST, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    struct pintle_checker *checker = NULL;
    struct pintle_pinset *pinset = NULL;
    struct pintle_crypto *crypto = NULL;
    enum pintle_status status;
    SSL_CTX *tls;

    (void)ctx;
    faults_pause();
    tls = SSL_CTX_new(TLS_client_method());
    if (tls == NULL || tls_world_crypto_new(&crypto) != PINTLE_OK ||
        pintle_pinset_new_static(&pin, 1, PINTLE_UNLISTED_ACCEPT, &pinset, NULL, 0) != PINTLE_OK ||
        pintle_checker_new_static(pinset, crypto, &checker) != PINTLE_OK)
        return 1;
    faults_resume();
    status = tls_world_attach(tls, checker);
    (void)faults_disarm();
    if (status == PINTLE_ERR_MEMORY)
        status = tls_world_attach(tls, checker);
    return status == PINTLE_OK ? 0 : 2;
}

static void test_attach_for_the_first_time(void **state)
{
    (void)state;
    if (!faults_available())
        skip();
    for (long n = 0; n < 20; n++)
        if (faults_in_child(MEMORY, n, FAULTS_FAIL, attach_for_the_first_time, NULL) != FAULTS_ENDED)
            fail_msg("allocation %ld: attaching never succeeds again", n);
}

static void test_attach(void **state)
{
    struct tls_world *world = *state;
    bool more = true;

    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        SSL_CTX *ctx = tls_fixture_client_new(world->root.x509, world->version);
        enum pintle_status status;

        faults_arm(MEMORY, n, FAULTS_FAIL, 0);
        status = tls_world_attach(ctx, world->checker);
        more = faults_disarm();
        if (status != PINTLE_OK) {
            assert_int_equal(status, PINTLE_ERR_MEMORY);
            assert_int_equal(tls_world_attach(ctx, world->checker), PINTLE_OK);
        }
        SSL_CTX_free(world->client);
        world->client = ctx;
        connects(world);
    }
}

static void test_set_host(void **state)
{
    struct tls_world *world = *state;
    bool more = true;

    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
        struct tls_world_result result;
        enum pintle_status status;

        faults_arm(MEMORY, n, FAULTS_FAIL, 0);
        status = tls_world_set_host(pair.client, TLS_WORLD_HOST);
        more = faults_disarm();
        assert_true(status == PINTLE_OK || status == PINTLE_ERR_MEMORY);
        if (status != PINTLE_OK && n % 2 == 0)
            assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), status = PINTLE_OK);
        result = tls_world_run(&pair);
        if (status == PINTLE_OK)
            tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        else
            tls_world_assert_refused(&result, result.verdict.reason);
    }
}

/*
 * Every allocation of ours in a handshake (of what is the client's and the server's alike), or some of OpenSSL's.  A
 * connection to a server whose key is not pinned fails always; one to the pinned server may fail, and the next does not.
 */
static void shake(struct tls_world *world, bool pinned, unsigned kinds, long step)
{
    bool more = true;

    for (long n = 0; more; n += step) {
        struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);
        struct tls_fixture_outcome outcome;
        struct pintle_verdict verdict;

        assert_int_equal(tls_world_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        faults_arm(kinds, n, FAULTS_FAIL, 0);
        outcome = tls_fixture_run(&pair);
        (void)tls_world_verdict(pair.client, &verdict);
        more = faults_disarm(); /* to free ex_data BoringSSL needs memory, or loses it */
        tls_fixture_pair_clear(&pair);
        if (outcome.server_read > 0 && (!pinned || verdict.reason != PINTLE_REASON_MATCHED))
            fail_msg("allocation %ld: data went to a server that was not accepted: %s", n,
                     pintle_reason_name(verdict.reason));
        if (pinned && (!more || n % 16 == 0))
            connects(world);
    }
}

static void test_handshake(void **state)
{
    struct tls_world *world = *state;

    if (!faults_available())
        skip();
    shake(world, true, FAULTS_MEMORY, 1);
    shake(world, true, FAULTS_OPENSSL, STEP);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    shake(world, false, FAULTS_MEMORY, 1);
    shake(world, false, FAULTS_OPENSSL, STEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attach_for_the_first_time), /* comes first */
        TLS_WORLD_TEST(test_attach, 3),
        TLS_WORLD_TEST(test_set_host, 3),
        TLS_WORLD_TEST(test_handshake, 2),
        TLS_WORLD_TEST(test_handshake, 3),
    };

    return faults_hook_openssl() ? cmocka_run_group_tests(tests, NULL, NULL) : EXIT_FAILURE;
}
