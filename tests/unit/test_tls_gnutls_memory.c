/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GnuTLS adapter while memory is short: it fails by its status or fails the handshake, never open.  What GnuTLS itself
 * allocates counts too, in the callbacks as around them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"
#include "gnutls_world.h"

static bool all;         /* all that GnuTLS allocates meets faults too */
static size_t copies[3]; /* or only copies of certificates of these sizes */

/* Does this allocation of GnuTLS's count? */
static bool counts(size_t size)
{
    for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++)
        if (copies[i] > 0 && (size == copies[i] || size == copies[i] + 1))
            return true;
    return all;
}

static void *own_realloc(void *memory, size_t size)
{
    bool aside = !counts(size);

    if (aside)
        faults_pause();
    memory = memory != NULL ? realloc(memory, size) : malloc(size);
    if (aside)
        faults_resume();
    return memory;
}

static void *own_malloc(size_t size)
{
    return own_realloc(NULL, size);
}

static void *own_calloc(size_t count, size_t size)
{
    void *memory = own_realloc(NULL, count * size);

    return memory != NULL ? memset(memory, 0, count * size) : NULL;
}

/* As if nothing had been. */
static void connects(struct tls_world *world)
{
    struct gnutls_result result = gnutls_world_connect(world, TLS_WORLD_HOST, NULL);

    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

static void test_attach(void **state)
{
    struct tls_world *world = *state;
    bool more = true;

    if (!faults_available())
        skip();
    all = true;
    for (long n = 0; more; n++) {
        struct gnutls_pair pair = gnutls_world_unpinned(world, 0);
        struct gnutls_result result;
        enum pintle_status status;

        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_gnutls_attach(pair.client, world->checker);
        more = faults_disarm();
        if (status != PINTLE_OK) {
            assert_int_equal(status, PINTLE_ERR_MEMORY);
            assert_int_equal(pintle_gnutls_attach(pair.client, world->checker), PINTLE_OK);
        }
        assert_int_equal(pintle_gnutls_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
        result = gnutls_world_run(&pair);
        gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    }
}

static void test_set_host(void **state)
{
    struct tls_world *world = *state;
    bool more = true;

    if (!faults_available())
        skip();
    all = true;
    for (long n = 0; more; n++) {
        struct gnutls_pair pair = gnutls_world_pair(world, NULL, 0);
        struct gnutls_result result;
        enum pintle_status status;

        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_gnutls_set_host(pair.client, TLS_WORLD_HOST);
        more = faults_disarm();
        assert_true(status == PINTLE_OK || status == PINTLE_ERR_MEMORY);
        result = gnutls_world_run(&pair);
        if (status == PINTLE_OK)
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        else
            gnutls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    }
}

/* A session is kept, and set, whole or not at all. */
static void test_session(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept = gnutls_world_session(world);
    bool more = true;

    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;
        gnutls_datum_t again;
        enum pintle_status status;

        all = true;
        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_gnutls_session_set(pair.client, &kept);
        more = faults_disarm();
        assert_true(status == PINTLE_OK || status == PINTLE_ERR_MEMORY || status == PINTLE_ERR_INPUT);
        result = gnutls_world_shake(&pair);
        if (status == PINTLE_OK)
            assert_true(result.resumed);
        if (result.verdict.status == PINTLE_OK) {
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
            faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
            status = pintle_gnutls_session_get(pair.client, &again);
            more |= faults_disarm();
            assert_true(status == PINTLE_OK ? again.data != NULL : again.data == NULL);
            gnutls_free(again.data);
        } else {
            assert_true(!result.outcome.connected && result.outcome.server_read == 0 && result.kept.data == NULL);
        }
        gnutls_world_clear(&pair);
    }
    gnutls_free(kept.data);
}

/*
 * Every allocation of ours in a handshake, or of copies of certificates.  A connection to a server whose key is not pinned
 * fails always; one to the pinned server may fail, and the next does not.  (Where any allocation may fail, GnuTLS 3.7 itself
 * comes down in the middle of its validation.)
 */
static long shake(struct tls_world *world, bool pinned)
{
    bool more = true;
    long refused = 0;

    for (long n = 0; more; n++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        result = gnutls_world_run(&pair);
        more = faults_disarm();
        gnutls_free(result.kept.data);
        refused += result.verdict.status == PINTLE_ERR_MEMORY;
        if (result.outcome.server_read > 0 && (!pinned || result.verdict.reason != PINTLE_REASON_MATCHED))
            fail_msg("allocation %ld: data went to a server that was not accepted: %s", n,
                     pintle_reason_name(result.verdict.reason));
        if (pinned)
            connects(world);
    }
    return refused;
}

static void test_handshake(void **state)
{
    struct tls_world *world = *state;
    const X509 *const chain[] = {world->leaf.x509, world->intermediate.x509, world->root.x509};

    if (!faults_available())
        skip();
    all = false;
    for (int pinned = 1; pinned >= 0; pinned--) {
        tls_world_pin_key(world, pinned ? world->leaf.x509 : world->stray.x509, PINTLE_AT_LEAF);
        shake(world, pinned);
        for (size_t i = 0; i < 3; i++)
            copies[i] = (size_t)i2d_X509(chain[i], NULL);
        assert_true(shake(world, pinned) >= 4); /* each certificate of each of the two steps */
        memset(copies, 0, sizeof copies);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(test_attach, 3),  TLS_WORLD_TEST(test_set_host, 3),  TLS_WORLD_TEST(test_session, 2),
        TLS_WORLD_TEST(test_session, 3), TLS_WORLD_TEST(test_handshake, 2), TLS_WORLD_TEST(test_handshake, 3),
    };

    gnutls_malloc = own_malloc;
    gnutls_calloc = own_calloc;
    gnutls_realloc = own_realloc;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
