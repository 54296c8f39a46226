/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mbedTLS adapter while memory is short, its own and mbedTLS's: whichever allocation fails, a call says so or the
 * connection is refused; nothing is accepted that would not have been, and nothing is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"
#include "mbedtls_world.h"

#define HOST TLS_WORLD_HOST

static void attaching(void **state)
{
    struct mbedtls_world *world = *state;
    bool more = true;

    if (!faults_available())
        skip();
    for (long n = 0; more; n++) {
        mbedtls_ssl_config conf;
        enum pintle_status status;

        mbedtls_world_configure(world, &conf);
        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_mbedtls_attach(&conf, world->tls->checker);
        more = faults_disarm();
        assert_int_equal(status, more ? PINTLE_ERR_MEMORY : PINTLE_OK);
        if (more)
            assert_int_equal(pintle_mbedtls_attach(&conf, world->tls->checker), PINTLE_OK);
        pintle_mbedtls_detach(&conf);
        mbedtls_ssl_config_free(&conf);
    }
}

static long step(long n)
{
    return n < 24 || getenv("PINTLE_LONG") != NULL ? 1 : n / 6;
}

/* One after another, and all from there on. */
static void connecting(void **state)
{
    static const enum faults_how hows[] = {FAULTS_FAIL, FAULTS_FAIL_ON};
    struct mbedtls_world *world = *state;
    long refused = 0;

    if (!faults_available())
        skip();
    for (int pinned = 0; pinned < 2; pinned++) {
        if (pinned)
            tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_LEAF);
        for (int how = 0; how < 2; how++) {
            bool more = true;

            /* Bignums allocate thousands of times, and all alike. */
            for (long n = 0; more; n += step(n)) {
                struct tls_world_result result;
                struct mbedtls_link link;
                enum pintle_status status;

                mbedtls_link_init(&link, &world->conf, world->tls, 0);
                faults_arm(FAULTS_MEMORY, n, hows[how], 0);
                status = pintle_mbedtls_set_host(&link.client, HOST);
                result = mbedtls_link_run(&link);
                more = faults_disarm();
                mbedtls_link_clear(&link);
                assert_true(status == PINTLE_OK || (more && status == PINTLE_ERR_MEMORY));
                if (result.verdict.status == PINTLE_OK) {
                    assert_false(pinned);
                    assert_int_equal(status, PINTLE_OK);
                } else {
                    refused++;
                    assert_true(more || pinned);
                    assert_int_equal(result.outcome.server_read, 0);
                }
            }
        }
    }
    assert_true(refused > 50);
}

/* Whatever is lost of a session: a full handshake, or none. */
static void keeping_sessions(void **state)
{
    struct mbedtls_world *world = *state;
    uint8_t saved[MBEDTLS_SESSION_MAX];
    struct mbedtls_link link;
    bool more = true;
    size_t size = 0;

    if (!faults_available())
        skip();
    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    assert_true(mbedtls_link_run(&link).outcome.answered);
    for (long n = 0; more; n++) {
        enum pintle_status status;

        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_mbedtls_session_get(&link.client, saved, sizeof(saved), &size);
        more = faults_disarm();
        assert_int_equal(status, more ? PINTLE_ERR_MEMORY : PINTLE_OK);
    }
    mbedtls_link_clear(&link);
    more = true;
    for (long n = 0; more; n++) {
        struct tls_world_result result;
        enum pintle_status status;

        mbedtls_link_init(&link, &world->conf, world->tls, 0);
        assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = pintle_mbedtls_session_set(&link.client, (struct pintle_bytes){saved, size});
        more = faults_disarm();
        assert_true(more ? status == PINTLE_ERR_MEMORY || status == PINTLE_ERR_INPUT : status == PINTLE_OK);
        result = mbedtls_link_run(&link);
        mbedtls_link_clear(&link);
        if (status == PINTLE_OK)
            assert_true(result.reused);
        assert_true(result.verdict.status == PINTLE_OK ? result.outcome.answered : result.outcome.server_read == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MBEDTLS_WORLD_TEST(attaching),
        MBEDTLS_WORLD_TEST(connecting),
        MBEDTLS_WORLD_TEST(keeping_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
