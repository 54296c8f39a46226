/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GnuTLS adapter and its objects: the host of a session, what may be dropped in which order, given up halfway or used
 * after a fork, and threads.  The sanitizers see what is freed too early, twice or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gnutls_world.h"

/* facts/pinning bug 3. */
static void hosts_are_normalised(void **state)
{
    static const struct {
        const char *text;
        enum pintle_status status;
    } cases[] = {{"api.example.test", PINTLE_OK},
                 {"API.Example.TEST.", PINTLE_OK},
                 {"", PINTLE_ERR_INPUT},
                 {"api.example.test:443", PINTLE_ERR_INPUT},
                 {"api.example.test..", PINTLE_ERR_INPUT},
                 {"*.example.test", PINTLE_ERR_INPUT},
                 {"api.example.test ", PINTLE_ERR_INPUT}};
    struct tls_world *world = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        assert_int_equal(pintle_gnutls_set_host(pair.client, "::1"), PINTLE_OK);
        assert_int_equal(pintle_gnutls_set_host(pair.client, cases[i].text), cases[i].status);
        if (cases[i].status == PINTLE_OK) {
            gnutls_world_step(&pair);
            assert_string_equal(SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name), TLS_WORLD_HOST);
        }
        result = gnutls_world_run(&pair);
        if (cases[i].status == PINTLE_OK)
            gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
        else
            gnutls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
    }
}

static void addresses_are_hosts(void **state)
{
    static const char *const texts[] = {"127.0.0.1", "[::1]", "0:0:0:0:0:0:0:1"};
    struct tls_world *world = *state;
    struct tls_fixture_cert leaf = tls_fixture_cert_new(
        &(struct tls_fixture_spec){.name = "addresses", .san = "IP:127.0.0.1,IP:::1", .issuer = &world->intermediate});
    char hash[TLS_FIXTURE_PIN_SIZE];
    const struct pintle_static_pin pins[] = {{"127.0.0.1", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                             {"::1", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                             {"127.0.0.2", hash, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}};
    struct gnutls_result result;

    tls_world_serve(world, &leaf);
    tls_fixture_spki_pin(leaf.x509, hash);
    tls_world_pin(world, pins, 3, PINTLE_UNLISTED_REFUSE);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gnutls_pair pair = gnutls_world_pair(world, "a.name.first", 0);

        assert_int_equal(pintle_gnutls_set_host(pair.client, texts[i]), PINTLE_OK);
        gnutls_world_step(&pair);
        assert_null(SSL_get_servername(pair.server, TLSEXT_NAMETYPE_host_name));
        result = gnutls_world_run(&pair);
        assert_string_equal(result.verdict.host, i == 0 ? "127.0.0.1" : "::1");
        gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    }
    result = gnutls_world_connect(world, "127.0.0.2", NULL);
    gnutls_world_assert_refused(&result, PINTLE_REASON_VALIDATION_FAILED);
    tls_fixture_cert_clear(&leaf);
}

static void attaching_is_done_once(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_pair pair = gnutls_world_unpinned(world, 0);
    struct pintle_verdict verdict;
    struct gnutls_result result;
    int mine;

    assert_int_equal(pintle_gnutls_attach(NULL, world->checker), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_attach(pair.client, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_set_host(pair.client, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_verdict(pair.client, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(pintle_gnutls_verdict(NULL, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_verdict(NULL, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_set_host(NULL, TLS_WORLD_HOST), PINTLE_ERR_MISUSE);
    gnutls_session_set_ptr(pair.client, &mine);
    assert_int_equal(pintle_gnutls_attach(pair.client, world->checker), PINTLE_OK);
    assert_int_equal(pintle_gnutls_attach(pair.client, world->checker), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_set_host(pair.client, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_gnutls_set_host(pair.client, TLS_WORLD_HOST), PINTLE_OK);
    result = gnutls_world_shake(&pair);
    assert_ptr_equal(gnutls_session_get_ptr(pair.client), &mine);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    gnutls_world_clear(&pair);
    result = gnutls_world_connect(world, NULL, NULL);
    gnutls_world_assert_refused(&result, PINTLE_REASON_HOST_MISSING);
}

static void a_session_needs_neither_checker_nor_credentials_of_its_own(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    gnutls_datum_t kept = gnutls_world_session(world);
    struct gnutls_result result;

    pintle_checker_free(world->checker);
    world->checker = NULL;
    assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
    gnutls_free(kept.data);
    result = gnutls_world_shake(&pair);
    assert_true(result.resumed);
    gnutls_world_assert_accepted(&result, PINTLE_REASON_MATCHED);
    gnutls_credentials_clear(pair.client);
    gnutls_world_clear(&pair);
}

static void a_handshake_may_be_given_up_at_any_step(void **state)
{
    struct tls_world *world = *state;
    gnutls_datum_t kept = gnutls_world_session(world);
    bool more = true;
    int steps = 0;

    for (; more; steps++) {
        struct gnutls_pair pair = gnutls_world_pair(world, steps % 2 == 0 ? TLS_WORLD_HOST : NULL, 0);
        struct pintle_verdict verdict;

        if (steps % 4 == 0)
            assert_int_equal(pintle_gnutls_session_set(pair.client, &kept), PINTLE_OK);
        for (int i = 0; i < steps && more; i++)
            more = gnutls_world_step(&pair);
        if (more)
            assert_int_not_equal(pintle_gnutls_verdict(pair.client, &verdict), PINTLE_OK);
        gnutls_world_clear(&pair);
    }
    assert_true(steps > 2);
    gnutls_free(kept.data);
}

/* The same session in both processes: one frees it, the other goes on. */
static void a_fork_in_the_middle_hurts_nobody(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_pair pair = gnutls_world_pair(world, TLS_WORLD_HOST, 0);
    struct gnutls_result result;
    int status = 0;
    pid_t child;

    gnutls_world_step(&pair);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        gnutls_world_clear(&pair);
        result = gnutls_world_connect(world, TLS_WORLD_HOST, NULL);
        gnutls_free(result.kept.data);
        _exit(result.verdict.status == PINTLE_OK && result.outcome.server_read == 6 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    tls_world_pin_key(world, world->stray.x509, PINTLE_AT_LEAF);
    result = gnutls_world_run(&pair);
    gnutls_world_assert_refused(&result, PINTLE_REASON_MISMATCH);
}

struct worker {
    struct tls_world *world;
    gnutls_certificate_credentials_t trust;
    int accepted, refused, wrong;
};

static void *connect_often(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < 20; i++) {
        struct gnutls_pair pair = gnutls_world_pair(worker->world, TLS_WORLD_HOST, 0);
        struct gnutls_result result;

        gnutls_credentials_set(pair.client, GNUTLS_CRD_CERTIFICATE, worker->trust);
        result = gnutls_world_run(&pair);
        gnutls_free(result.kept.data);
        if (result.verdict.status == PINTLE_OK && result.outcome.server_read == 6)
            worker->accepted++;
        else if (result.verdict.reason == PINTLE_REASON_MISMATCH && result.outcome.server_read == 0)
            worker->refused++;
        else
            worker->wrong++;
    }
    return NULL;
}

/* Two threads connect over the same credentials while a third changes the pins. */
static void threads_share_credentials(void **state)
{
    struct tls_world *world = *state;
    struct gnutls_pair owner = gnutls_world_unpinned(world, 0);
    struct worker workers[2] = {{.world = world, .trust = owner.trust}, {.world = world, .trust = owner.trust}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &workers[i]), 0);
    for (int i = 0; i < 200; i++)
        tls_world_pin_key(world, i % 2 == 0 ? world->stray.x509 : world->leaf.x509, PINTLE_AT_LEAF);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].accepted + workers[i].refused, 20);
    }
    gnutls_world_clear(&owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_WORLD_TEST(hosts_are_normalised, 2),
        TLS_WORLD_TEST(hosts_are_normalised, 3),
        TLS_WORLD_TEST(addresses_are_hosts, 2),
        TLS_WORLD_TEST(addresses_are_hosts, 3),
        TLS_WORLD_TEST(attaching_is_done_once, 2),
        TLS_WORLD_TEST(attaching_is_done_once, 3),
        TLS_WORLD_TEST(a_session_needs_neither_checker_nor_credentials_of_its_own, 2),
        TLS_WORLD_TEST(a_session_needs_neither_checker_nor_credentials_of_its_own, 3),
        TLS_WORLD_TEST(a_handshake_may_be_given_up_at_any_step, 2),
        TLS_WORLD_TEST(a_handshake_may_be_given_up_at_any_step, 3),
        TLS_WORLD_TEST(a_fork_in_the_middle_hurts_nobody, 2),
        TLS_WORLD_TEST(a_fork_in_the_middle_hurts_nobody, 3),
        TLS_WORLD_TEST(threads_share_credentials, 3),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
