/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application may do to its objects in any order: drop them while others still stand on them, give a handshake up
 * at any step, go on after a fork.  The sanitizers see what is freed too early, twice or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client_fixture.h"
#include "tls_world.h"

static struct tls_fixture_pair pair_of(struct tls_world *world)
{
    struct tls_fixture_pair pair = tls_fixture_pair_new(world->client, world->server, 0);

    assert_int_equal(pintle_openssl_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    return pair;
}

/* ---- order ---- */

static void a_connection_needs_neither_its_context_nor_its_checker(void **state)
{
    struct tls_world *world = *state;
    struct tls_fixture_pair pair = pair_of(world);
    struct tls_world_result result;

    pintle_checker_free(world->checker);
    world->checker = NULL;
    SSL_CTX_free(world->client);
    world->client = NULL;
    result = tls_world_run(&pair);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
}

static void a_session_outlives_all_it_came_from(void **state)
{
    struct tls_world *world = *state;
    SSL_SESSION *session = tls_world_session(world);
    struct tls_world_result result;

    SSL_CTX_free(world->client);
    world->client = tls_fixture_client_new(world->root.x509, world->version);
    assert_int_equal(pintle_openssl_attach(world->client, world->checker), PINTLE_OK);
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_true(result.reused);
    tls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);

    /* The evidence came along, and with it what a withdrawal means. */
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    result = tls_world_connect(world, TLS_WORLD_HOST, session);
    assert_false(result.reused);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
    SSL_SESSION_free(session);
}

/* Everything is gone but the context: it keeps the last pins, and keeps refusing. */
static void a_context_outlives_its_client(void **state)
{
    struct tls_world *world = *state;
    struct sim *sim = fixture_sim(TLS_WORLD_HOST); /* pins keys that nobody in this world has */
    struct pintle_checker *checker;
    struct fixture fixture;

    sim_publish(sim);
    fixture_init(&fixture, sim);
    fixture_start(&fixture);
    fixture_refresh(&fixture);
    assert_int_equal(pintle_client_checker(fixture.client, &checker), PINTLE_OK);
    SSL_CTX_free(world->client);
    world->client = tls_fixture_client_new(world->root.x509, world->version);
    assert_int_equal(pintle_openssl_attach(world->client, checker), PINTLE_OK);
    pintle_checker_free(checker);
    fixture_clear(&fixture);

    for (int i = 0; i < 2; i++) {
        struct tls_world_result result = tls_world_connect(world, TLS_WORLD_HOST, NULL);

        tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
        assert_int_equal(result.verdict.status, PINTLE_ERR_PIN_MISMATCH); /* nobody is left who would refresh */
    }
}

/* ---- giving up ---- */

static void a_handshake_may_be_given_up_at_any_step(void **state)
{
    struct tls_world *world = *state;
    bool more = true;
    int steps = 0;

    for (; more; steps++) {
        struct tls_fixture_pair pair = pair_of(world);
        struct pintle_verdict verdict;

        for (int i = 0; i < steps && more; i++)
            more = tls_fixture_step(&pair);
        if (more && !SSL_is_init_finished(pair.client)) {
            assert_int_not_equal(pintle_openssl_verdict(pair.client, &verdict), PINTLE_OK);
            assert_int_not_equal(verdict.status, PINTLE_OK);
        }
        tls_fixture_pair_clear(&pair);
    }
    assert_true(steps > 2);
}

/* ---- fork ---- */

static int connect_in_child(struct tls_world *world, enum pintle_reason want)
{
    struct tls_world_result result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    bool sent = result.outcome.server_read > 0;

    SSL_SESSION_free(result.session);
    return result.verdict.reason == want && sent == (want == PINTLE_REASON_MATCHED) ? 0 : 1;
}

static void assert_child_ends_well(struct tls_world *world, enum pintle_reason want)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0)
        _exit(connect_in_child(world, want));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_forked_child_pins_too(void **state)
{
    struct tls_world *world = *state;
    struct tls_world_result result;

    assert_child_ends_well(world, PINTLE_REASON_MATCHED);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    assert_child_ends_well(world, PINTLE_REASON_MISMATCH);
    result = tls_world_connect(world, TLS_WORLD_HOST, NULL);
    tls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(a_connection_needs_neither_its_context_nor_its_checker, 2),
        TLS_WORLD_TEST(a_connection_needs_neither_its_context_nor_its_checker, 3),
        TLS_WORLD_TEST(a_session_outlives_all_it_came_from, 2),
        TLS_WORLD_TEST(a_session_outlives_all_it_came_from, 3),
        TLS_WORLD_TEST(a_context_outlives_its_client, 3),
        TLS_WORLD_TEST(a_handshake_may_be_given_up_at_any_step, 2),
        TLS_WORLD_TEST(a_handshake_may_be_given_up_at_any_step, 3),
        TLS_WORLD_TEST(a_forked_child_pins_too, 2),
        TLS_WORLD_TEST(a_forked_child_pins_too, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
