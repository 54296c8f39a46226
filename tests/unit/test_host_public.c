/* SPDX-License-Identifier: Apache-2.0 */
/* The exported normaliser; what it accepts is the business of test_host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pintle/host.h>

static void hosts_come_out_in_one_form_or_not_at_all(void **state)
{
    static const struct {
        const char *text, *want;
        bool ip;
        enum pintle_status status;
    } cases[] = {{"API.Example.com.", "api.example.com", false, PINTLE_OK},
                 {"[2001:DB8::1]", "2001:db8::1", true, PINTLE_OK},
                 {"192.0.2.1", "192.0.2.1", true, PINTLE_OK},
                 {"192.0.2", "", false, PINTLE_ERR_INPUT},
                 {"api.example.com:443", "", false, PINTLE_ERR_INPUT},
                 {"", "", false, PINTLE_ERR_INPUT}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[PINTLE_HOST_MAX + 1] = "left over";
        bool ip = true;

        assert_int_equal(pintle_host_normalise(cases[i].text, out, &ip), cases[i].status);
        assert_string_equal(out, cases[i].want);
        assert_int_equal(ip, cases[i].ip);
    }
}

static void null_arguments_are_misuse(void **state)
{
    char out[PINTLE_HOST_MAX + 1];
    bool ip;

    (void)state;
    assert_int_equal(pintle_host_normalise(NULL, out, &ip), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_host_normalise("a", NULL, &ip), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_host_normalise("a", out, NULL), PINTLE_ERR_MISUSE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_come_out_in_one_form_or_not_at_all),
        cmocka_unit_test(null_arguments_are_misuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
