/* SPDX-License-Identifier: Apache-2.0 */
/* What a service manager hears: the tests play it, with a datagram socket of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/notify.h"

static char directory[64], path[96];
static int manager = -1;
static struct pti_notify notify;
static struct pti_error error;

static int start_manager(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    snprintf(directory, sizeof directory, "/tmp/pintle-notify-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/socket", directory);
    memcpy(address.sun_path, path, strlen(path) + 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    return bind(manager, (const struct sockaddr *)&address, sizeof address);
}

static int stop_manager(void **state)
{
    (void)state;
    pti_notify_close(&notify);
    close(manager);
    unlink(path);
    return rmdir(directory);
}

/* The next datagram; "" if there is none. */
static const char *heard(void)
{
    static char state[256];
    ssize_t length = recv(manager, state, sizeof state - 1, 0);

    state[length > 0 ? length : 0] = '\0';
    return state;
}

static void the_life_of_a_service_is_told(void **state)
{
    (void)state;
    assert_int_equal(pti_notify_open(&notify, path, NULL, NULL, &error), PINTLE_OK);
    assert_string_equal(heard(), "");
    pti_notify_ready(&notify);
    assert_string_equal(heard(), "READY=1");
    pti_notify_alive(&notify, "serving");
    assert_string_equal(heard(), "STATUS=serving");
    pti_notify_alive(&notify, "serving");
    assert_string_equal(heard(), "");
    pti_notify_alive(&notify, "limping");
    assert_string_equal(heard(), "STATUS=limping");
    pti_notify_reloading(&notify);
    assert_true(strncmp(heard(), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
    pti_notify_ready(&notify);
    assert_string_equal(heard(), "READY=1");
    pti_notify_stopping(&notify);
    assert_true(strncmp(heard(), "STOPPING=1\nSTATUS=", 18) == 0);
    assert_string_equal(heard(), "");
}

static void a_watchdog_is_fed_each_time_if_it_watches_this_process(void **state)
{
    char own[32];

    (void)state;
    snprintf(own, sizeof own, "%ld", (long)getpid());
    assert_int_equal(pti_notify_open(&notify, path, "30000000", own, &error), PINTLE_OK);
    pti_notify_alive(&notify, "");
    pti_notify_alive(&notify, "");
    assert_string_equal(heard(), "WATCHDOG=1");
    assert_string_equal(heard(), "WATCHDOG=1");
    pti_notify_close(&notify);
    assert_int_equal(pti_notify_open(&notify, path, "30000000", "1", &error), PINTLE_OK);
    pti_notify_alive(&notify, "");
    assert_string_equal(heard(), "");
    pti_notify_close(&notify);
    assert_int_equal(pti_notify_open(&notify, path, "30000000", NULL, &error), PINTLE_OK);
    pti_notify_alive(&notify, "");
    assert_string_equal(heard(), "WATCHDOG=1");
}

static void an_abstract_socket_is_found(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int other = socket(AF_UNIX, SOCK_DGRAM, 0);
    char name[64], byte[8];

    (void)state;
    snprintf(name, sizeof name, "@pintle-notify-%ld", (long)getpid());
    memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
    assert_int_equal(bind(other, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    assert_int_equal(pti_notify_open(&notify, name, NULL, NULL, &error), PINTLE_OK);
    pti_notify_ready(&notify);
    assert_int_equal(recv(other, byte, sizeof byte, MSG_DONTWAIT), 7);
    close(other);
}

static void without_a_manager_nothing_happens(void **state)
{
    char missing[128];

    (void)state;
    assert_int_equal(pti_notify_open(&notify, NULL, NULL, NULL, &error), PINTLE_OK);
    pti_notify_ready(&notify);
    pti_notify_alive(&notify, "x");
    assert_int_equal(pti_notify_open(&notify, "relative", NULL, NULL, &error), PINTLE_ERR_STORAGE);
    assert_int_equal(pti_notify_open(&notify, "", NULL, NULL, &error), PINTLE_ERR_STORAGE);
    snprintf(missing, sizeof missing, "%s/none", directory);
    assert_int_equal(pti_notify_open(&notify, missing, NULL, NULL, &error), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(error.detail, "cannot be reached"));
    pti_notify_stopping(&notify);
}

static void a_manager_that_is_gone_or_does_not_read_stops_nobody(void **state)
{
    (void)state;
    assert_int_equal(pti_notify_open(&notify, path, "1", NULL, &error), PINTLE_OK);
    for (int i = 0; i < 10000; i++) /* more than any socket buffers */
        pti_notify_alive(&notify, "x");
    close(manager);
    pti_notify_ready(&notify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_life_of_a_service_is_told, start_manager, stop_manager),
        cmocka_unit_test_setup_teardown(a_watchdog_is_fed_each_time_if_it_watches_this_process, start_manager,
                                        stop_manager),
        cmocka_unit_test_setup_teardown(an_abstract_socket_is_found, start_manager, stop_manager),
        cmocka_unit_test_setup_teardown(without_a_manager_nothing_happens, start_manager, stop_manager),
        cmocka_unit_test_setup_teardown(a_manager_that_is_gone_or_does_not_read_stops_nobody, start_manager,
                                        stop_manager),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
