/* SPDX-License-Identifier: Apache-2.0 */
/* Who may open one more connection, and which are cut. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/connections.h"
#include "server/limits.h"

#define NOW INT64_C(1000000000)

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static union address address_of(const char *text)
{
    union address address;

    memset(&address, 0, sizeof address);
    address.any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(address.any.sa_family, text,
                  strchr(text, ':') ? (void *)&address.v6.sin6_addr : (void *)&address.v4.sin_addr) != 1)
        fail_msg("%s", text);
    return address;
}

static void time_is_bounded_in_each_phase(void **state)
{
    static const struct {
        enum pti_phase phase;
        int64_t for_ms;
        bool want;
    } cases[] = {
        {PTI_PHASE_ASKING, 0, false},
        {PTI_PHASE_ASKING, PTI_HTTP_REQUEST_S * 1000, false},
        {PTI_PHASE_ASKING, PTI_HTTP_REQUEST_S * 1000 + 1, true},
        {PTI_PHASE_WAITING, INT64_C(1000000), false},
        {PTI_PHASE_ANSWERED, PTI_HTTP_REQUEST_S * 1000 + 1, false},
        {PTI_PHASE_ANSWERED, PTI_HTTP_ANSWER_S * 1000, false},
        {PTI_PHASE_ANSWERED, PTI_HTTP_ANSWER_S * 1000 + 1, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (pti_connection_is_overdue(cases[i].phase, NOW - cases[i].for_ms, NOW) != cases[i].want)
            fail_msg("case %zu", i);
}

static void one_source_does_not_take_all(void **state)
{
    static const struct {
        const char *other;
        bool same; /* as the one that has all it may */
    } cases[][2] = {
        {{"192.0.2.1", true}, {"192.0.2.2", false}},
        {{"2001:db8:0:1::1", true}, {"2001:db8:0:2::1", false}},
    };
    static const char *const greedy[] = {"192.0.2.1", "2001:db8:0:1::ffff"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        union address address = address_of(greedy[i]);
        struct pti_connections connections;
        struct pti_connection *open[3];

        assert_true(pti_connections_init(&connections, 16, 3));
        for (size_t n = 0; n < 3; n++) {
            assert_true(pti_connections_may(&connections, &address.any));
            open[n] = pti_connections_add(&connections, &address.any, -1, NOW);
            assert_non_null(open[n]);
        }
        for (size_t n = 0; n < 2; n++) {
            union address other = address_of(cases[i][n].other);

            if (pti_connections_may(&connections, &other.any) == cases[i][n].same)
                fail_msg("%s", cases[i][n].other);
        }
        pti_connections_remove(&connections, open[1]);
        assert_true(pti_connections_may(&connections, &address.any));
        pti_connections_remove(&connections, open[0]);
        pti_connections_remove(&connections, open[2]);
        assert_null(connections.first);
        pti_connections_clear(&connections);
    }
}

static void mapped_addresses_are_told_apart(void **state)
{
    union address one = address_of("::ffff:192.0.2.1"), other = address_of("::ffff:192.0.2.2");
    struct pti_connections connections;
    struct pti_connection *open = NULL;

    (void)state;
    assert_true(pti_connections_init(&connections, 16, 1));
    open = pti_connections_add(&connections, &one.any, -1, NOW);
    assert_false(pti_connections_may(&connections, &one.any));
    assert_true(pti_connections_may(&connections, &other.any));
    pti_connections_remove(&connections, open);
    pti_connections_clear(&connections);
}

static bool is_cut(int peer)
{
    char byte;

    return recv(peer, &byte, 1, MSG_DONTWAIT) == 0;
}

static void the_slow_are_cut_and_no_others(void **state)
{
    union address address = address_of("192.0.2.1");
    struct pti_connections connections;
    struct pti_connection *open[3];
    int pairs[3][2];

    (void)state;
    assert_true(pti_connections_init(&connections, 16, 16));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]), 0);
        open[i] = pti_connections_add(&connections, &address.any, pairs[i][0], NOW);
    }
    pti_connection_enter(open[1], PTI_PHASE_WAITING, NOW);
    pti_connection_enter(open[2], PTI_PHASE_ANSWERED, NOW);
    pti_connection_enter(open[2], PTI_PHASE_ASKING, NOW + 5000); /* its next request has begun */
    assert_int_equal(pti_connections_cut(&connections, NOW + PTI_HTTP_REQUEST_S * 1000 + 1), 1);
    assert_true(is_cut(pairs[0][1]));
    assert_false(is_cut(pairs[1][1]));
    assert_false(is_cut(pairs[2][1]));
    for (size_t i = 0; i < 3; i++) {
        pti_connections_remove(&connections, open[i]);
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    pti_connections_clear(&connections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_is_bounded_in_each_phase),
        cmocka_unit_test(one_source_does_not_take_all),
        cmocka_unit_test(mapped_addresses_are_told_apart),
        cmocka_unit_test(the_slow_are_cut_and_no_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
