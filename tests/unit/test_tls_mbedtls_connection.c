/* SPDX-License-Identifier: Apache-2.0 */
/* The mbedTLS adapter and its objects: the host of a connection, the life of what is kept, forks and threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mbedtls_world.h"

#define HOST TLS_WORLD_HOST

static void hosts_are_normalised(void **state)
{
    static const struct {
        const char *text;
        enum pintle_status status;
        enum pintle_reason reason;
    } cases[] = {
        {"api.example.test", PINTLE_OK, PINTLE_REASON_MATCHED},
        {"api.example.test.", PINTLE_OK, PINTLE_REASON_MATCHED},
        {"API.Example.TEST", PINTLE_OK, PINTLE_REASON_MATCHED},
        {"", PINTLE_ERR_INPUT, PINTLE_REASON_HOST_MISSING},
        {"api.example.test:443", PINTLE_ERR_INPUT, PINTLE_REASON_HOST_MISSING},
        {"*.example.test", PINTLE_ERR_INPUT, PINTLE_REASON_HOST_MISSING},
        {"127.0.0.1", PINTLE_ERR_UNSUPPORTED, PINTLE_REASON_ADAPTER_LIMIT},
        {"[::1]", PINTLE_ERR_UNSUPPORTED, PINTLE_REASON_ADAPTER_LIMIT},
    };
    struct mbedtls_world *world = *state;
    /* mbedTLS would take the common name, or a DNS name, for an address */
    struct tls_fixture_cert addresses = tls_fixture_cert_new(&(struct tls_fixture_spec){
        .name = "127.0.0.1", .san = "DNS:127.0.0.1,IP:127.0.0.1,IP:::1", .issuer = &world->tls->intermediate});

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_world_result result;
        struct mbedtls_link link;

        tls_world_serve(world->tls, cases[i].status == PINTLE_ERR_UNSUPPORTED ? &addresses : &world->tls->leaf);
        mbedtls_link_init(&link, &world->conf, world->tls, 0);
        assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
        assert_int_equal(pintle_mbedtls_set_host(&link.client, cases[i].text), cases[i].status);
        result = mbedtls_link_run(&link);
        if (cases[i].status == PINTLE_OK) {
            assert_string_equal(SSL_get_servername(link.server, TLSEXT_NAMETYPE_host_name), HOST);
            assert_string_equal(result.verdict.host, HOST);
            tls_world_assert_accepted(&result, cases[i].reason);
        } else {
            mbedtls_world_assert_refused(&result, cases[i].reason, MBEDTLS_ERR_X509_FATAL_ERROR);
        }
        assert_int_equal(result.verdict.status == PINTLE_ERR_UNSUPPORTED, cases[i].status == PINTLE_ERR_UNSUPPORTED);
        mbedtls_link_clear(&link);
    }
    tls_fixture_cert_clear(&addresses);
}

static void calls_out_of_order_are_misuse(void **state)
{
    struct mbedtls_world *world = *state;
    struct pintle_checker *checker = world->tls->checker;
    struct pintle_verdict verdict;
    mbedtls_ssl_config conf;
    mbedtls_ssl_context bare;
    struct mbedtls_link link;

    mbedtls_world_configure(world, &conf);
    assert_int_equal(pintle_mbedtls_attach(NULL, checker), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_attach(&conf, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_attach(&world->conf, checker), PINTLE_ERR_MISUSE);
    mbedtls_ssl_conf_endpoint(&conf, MBEDTLS_SSL_IS_SERVER);
    assert_int_equal(pintle_mbedtls_attach(&conf, checker), PINTLE_ERR_MISUSE);
    mbedtls_ssl_conf_endpoint(&conf, MBEDTLS_SSL_IS_CLIENT);
    mbedtls_ssl_conf_transport(&conf, MBEDTLS_SSL_TRANSPORT_DATAGRAM);
    assert_int_equal(pintle_mbedtls_attach(&conf, checker), PINTLE_ERR_UNSUPPORTED);
    mbedtls_ssl_conf_transport(&conf, MBEDTLS_SSL_TRANSPORT_STREAM);
    mbedtls_ssl_init(&bare);
    assert_int_equal(pintle_mbedtls_set_host(NULL, HOST), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_set_host(&bare, HOST), PINTLE_ERR_MISUSE);
    assert_int_equal(mbedtls_ssl_setup(&bare, &conf), 0);
    assert_int_equal(pintle_mbedtls_set_host(&bare, HOST), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_verdict(&bare, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(pintle_mbedtls_attach(&conf, checker), PINTLE_OK);
    assert_int_equal(pintle_mbedtls_set_host(&bare, HOST), PINTLE_ERR_MISUSE); /* no BIO */
    mbedtls_ssl_free(&bare);
    mbedtls_link_init(&link, &conf, world->tls, 0);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
    assert_int_equal(pintle_mbedtls_verdict(&link.client, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_true(mbedtls_link_run(&link).outcome.answered);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, "other.example.test"), PINTLE_ERR_MISUSE); /* too late */
    assert_int_equal(pintle_mbedtls_verdict(&link.client, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_mbedtls_verdict(NULL, &verdict), PINTLE_ERR_MISUSE);
    mbedtls_link_clear(&link);
    pintle_mbedtls_release(NULL);
    pintle_mbedtls_detach(NULL);
    pintle_mbedtls_detach(&conf);
    pintle_mbedtls_detach(&conf);
    assert_int_equal(pintle_mbedtls_attach(&conf, checker), PINTLE_ERR_MISUSE); /* once, for good */
    mbedtls_ssl_config_free(&conf);
}

/* Before, in the middle of and after a handshake: each thing is given back, in any order. */
static void what_is_kept_goes_in_any_order(void **state)
{
    struct mbedtls_world *world = *state;

    for (int steps = 0; steps < 5; steps++) {
        for (int order = 0; order < 4; order++) {
            mbedtls_ssl_config conf;
            struct mbedtls_link link;

            mbedtls_world_configure(world, &conf);
            assert_int_equal(pintle_mbedtls_attach(&conf, world->tls->checker), PINTLE_OK);
            mbedtls_link_init(&link, &conf, world->tls, 0);
            assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
            for (int i = 0; i < steps; i++) {
                (void)mbedtls_ssl_handshake(&link.client);
                (void)SSL_do_handshake(link.server);
            }
            if (order == 0) { /* the configuration first: the connection keeps what it needs */
                pintle_mbedtls_detach(&conf);
                assert_true(mbedtls_link_run(&link).outcome.answered);
            }
            if (order == 1)
                pintle_mbedtls_release(&link.client);
            if (order == 2) {
                pintle_mbedtls_release(&link.client);
                pintle_mbedtls_release(&link.client);
                assert_int_not_equal(mbedtls_ssl_write(&link.client, (const unsigned char *)"x", 1), 1);
            }
            if (order == 3)
                assert_int_equal(mbedtls_ssl_session_reset(&link.client), 0);
            mbedtls_link_clear(&link);
            pintle_mbedtls_detach(&conf);
            mbedtls_ssl_config_free(&conf);
        }
    }
}

static void a_detached_configuration_makes_no_connections(void **state)
{
    struct mbedtls_world *world = *state;
    struct tls_world_result result;
    struct mbedtls_link link;

    mbedtls_link_init(&link, &world->conf, world->tls, 0);
    pintle_mbedtls_detach(&world->conf);
    assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_ERR_MISUSE);
    assert_int_equal(mbedtls_ssl_set_hostname(&link.client, HOST), 0);
    result = mbedtls_link_run(&link);
    mbedtls_link_clear(&link);
    mbedtls_world_assert_refused(&result, PINTLE_REASON_UNDECIDED, MBEDTLS_ERR_X509_FATAL_ERROR);
}

/* Whichever process goes on, it has a connection that is decided; the other one can give back its half. */
static void a_fork_divides_nothing(void **state)
{
    struct mbedtls_world *world = *state;

    for (int steps = 0; steps < 2; steps++) {
        struct tls_world_result result;
        struct mbedtls_link link;
        int status = 0;
        pid_t child;

        tls_world_pin_key(world->tls, world->tls->stray.x509, PINTLE_AT_LEAF);
        mbedtls_link_init(&link, &world->conf, world->tls, 0);
        assert_int_equal(pintle_mbedtls_set_host(&link.client, HOST), PINTLE_OK);
        for (int i = 0; i < steps; i++) {
            (void)mbedtls_ssl_handshake(&link.client);
            (void)SSL_do_handshake(link.server);
        }
        child = fork();
        assert_true(child >= 0);
        result = mbedtls_link_run(&link);
        mbedtls_link_clear(&link);
        if (child == 0)
            _exit(result.verdict.reason == PINTLE_REASON_MISMATCH && result.outcome.server_read == 0 ? 0 : 1);
        mbedtls_world_assert_refused(&result, PINTLE_REASON_MISMATCH, 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

struct worker {
    struct mbedtls_world *world;
    int accepted, refused, wrong;
};

static void *connect_often(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < 12; i++) {
        struct tls_world_result result;
        struct mbedtls_link link;

        mbedtls_link_init(&link, &worker->world->conf, worker->world->tls, 0);
        if (pintle_mbedtls_set_host(&link.client, HOST) != PINTLE_OK)
            worker->wrong++;
        result = mbedtls_link_run(&link);
        if (result.verdict.status == PINTLE_OK && result.outcome.server_read == 6 && result.outcome.answered)
            worker->accepted++;
        else if (result.verdict.reason == PINTLE_REASON_MISMATCH && result.outcome.server_read == 0 &&
                 result.outcome.wrote < 0)
            worker->refused++;
        else
            worker->wrong++;
        mbedtls_link_clear(&link);
    }
    return NULL;
}

/* Two threads connect with one configuration while a third changes the pins. */
static void threads_share_a_configuration(void **state)
{
    struct mbedtls_world *world = *state;
    struct worker workers[2] = {{.world = world}, {.world = world}};
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &workers[i]), 0);
    for (int i = 0; i < 200; i++)
        tls_world_pin_key(world->tls, i % 2 == 0 ? world->tls->stray.x509 : world->tls->leaf.x509, PINTLE_AT_LEAF);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(workers[i].wrong, 0);
        assert_int_equal(workers[i].accepted + workers[i].refused, 12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MBEDTLS_WORLD_TEST(hosts_are_normalised),
        MBEDTLS_WORLD_TEST(calls_out_of_order_are_misuse),
        MBEDTLS_WORLD_TEST(what_is_kept_goes_in_any_order),
        MBEDTLS_WORLD_TEST(a_detached_configuration_makes_no_connections),
        MBEDTLS_WORLD_TEST(a_fork_divides_nothing),
        MBEDTLS_WORLD_TEST(threads_share_a_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
