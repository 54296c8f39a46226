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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(pins_match_where_they_stand, 2),
        TLS_WORLD_TEST(pins_match_where_they_stand, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
