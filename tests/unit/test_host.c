/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names in every form that has let pins be walked around elsewhere: trailing dot, upper case, U+3002, ports, IPv6
 * forms, numbers that resolvers read as addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pin/host.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz1"
#define NAME_253 LABEL_63 "." LABEL_63 "." LABEL_63 ".abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

static void normalises_or_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        const char *want; /* NULL: refused */
        bool ip;
    } cases[] = {
        {"a name", "api.example.com", "api.example.com", false},
        {"upper case", "API.Example.COM", "api.example.com", false},
        {"trailing dot", "api.example.com.", "api.example.com", false},
        {"two trailing dots", "api.example.com..", NULL, false},
        {"one label", "localhost", "localhost", false},
        {"one label with dot", "LOCALHOST.", "localhost", false},
        {"a dot alone", ".", NULL, false},
        {"nothing", "", NULL, false},
        {"leading dot", ".example.com", NULL, false},
        {"empty label", "api..example.com", NULL, false},
        {"underscore", "_acme.example.com", "_acme.example.com", false},
        {"A-label", "xn--bcher-kva.example", "xn--bcher-kva.example", false},
        {"upper-case A-label", "XN--BCHER-KVA.example", "xn--bcher-kva.example", false},
        {"U-label",
         "b\xc3\xbc"
         "cher.example",
         NULL, false},
        {"ideographic full stop",
         "api\xe3\x80\x82"
         "example.com",
         NULL, false},
        {"fullwidth full stop",
         "api\xef\xbc\x8e"
         "example.com",
         NULL, false},
        {"soft hyphen", "exa\xc2\xadmple.com", NULL, false},
        {"wildcard", "*.example.com", NULL, false},
        {"partial wildcard", "a*.example.com", NULL, false},
        {"port", "example.com:443", NULL, false},
        {"empty port", "example.com:", NULL, false},
        {"URL", "https://example.com", NULL, false},
        {"path", "example.com/", NULL, false},
        {"credentials", "user@example.com", NULL, false},
        {"leading space", " example.com", NULL, false},
        {"trailing space", "example.com ", NULL, false},
        {"line feed", "example.com\n", NULL, false},
        {"tab", "exa\tmple.com", NULL, false},
        {"delete character", "example.com\x7f", NULL, false},
        {"percent escape", "example%2ecom", NULL, false},
        {"label of 63", LABEL_63 ".com", LABEL_63 ".com", false},
        {"label of 64", LABEL_63 "2.com", NULL, false},
        {"name of 253", NAME_253, NAME_253, false},
        {"name of 253 and a dot", NAME_253 ".", NAME_253, false},
        {"name of 254", NAME_253 "z", NULL, false},
        {"digits first", "1.example.com", "1.example.com", false},
        {"a label that only looks hexadecimal", "0xcafe.example", "0xcafe.example", false},
        {"last label with a letter after 0x", "host.0xfg", "host.0xfg", false},
        {"IPv4", "192.0.2.1", "192.0.2.1", true},
        {"IPv4 with dot", "192.0.2.1.", "192.0.2.1", true},
        {"IPv4 in brackets", "[192.0.2.1]", NULL, false},
        {"IPv4 with leading zero", "192.0.2.01", NULL, false},
        {"IPv4 octal", "0300.0.2.1", NULL, false},
        {"IPv4 in one number", "3221225985", NULL, false},
        {"IPv4 in two numbers", "127.1", NULL, false},
        {"IPv4 hexadecimal", "0xc0000201", NULL, false},
        {"IPv4 upper-case hexadecimal", "0XC0000201", NULL, false},
        {"IPv4 dotted hexadecimal", "0xc0.0x0.0x2.0x1", NULL, false},
        {"a bare 0x is read as zero by some", "127.0x", NULL, false},
        {"IPv4 too large", "192.0.2.256", NULL, false},
        {"IPv4 of five numbers", "1.2.3.4.5", NULL, false},
        {"last label all digits", "example.1", NULL, false},
        {"IPv6", "2001:db8::1", "2001:db8::1", true},
        {"IPv6 in brackets", "[2001:db8::1]", "2001:db8::1", true},
        {"IPv6 upper case", "2001:DB8::A", "2001:db8::a", true},
        {"IPv6 in full", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1", true},
        {"IPv6 leading zeros", "2001:db8:0001:02:003:0004:5:6", "2001:db8:1:2:3:4:5:6", true},
        {"IPv6 one zero group is not shortened", "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", true},
        {"IPv6 one zero group written as ::", "2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1", true},
        {"IPv6 longest run", "2001:0:0:1:0:0:0:1", "2001:0:0:1::1", true},
        {"IPv6 first of equal runs", "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", true},
        {"IPv6 run at the end", "2001:db8:1:2:0:0:0:0", "2001:db8:1:2::", true},
        {"IPv6 run at the start", "0:0:0:1:2:3:4:5", "::1:2:3:4:5", true},
        {"IPv6 unspecified", "0:0:0:0:0:0:0:0", "::", true},
        {"IPv6 loopback", "[::1]", "::1", true},
        {"IPv6 without zeros", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", true},
        {"IPv4-mapped", "::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
        {"IPv4-mapped in hexadecimal", "::FFFF:c000:0201", "::ffff:192.0.2.1", true},
        {"IPv4-compatible is hexadecimal", "::192.0.2.1", "::c000:201", true},
        {"embedded IPv4 elsewhere is hexadecimal", "64:ff9b::192.0.2.1", "64:ff9b::c000:201", true},
        {"IPv6 with zone id", "fe80::1%eth0", NULL, false},
        {"IPv6 in brackets with zone id", "[fe80::1%25eth0]", NULL, false},
        {"IPv6 with port", "[::1]:443", NULL, false},
        {"IPv6 with dot", "::1.", NULL, false},
        {"IPv6 with two runs", "1::2::3", NULL, false},
        {"IPv6 too long", "1:2:3:4:5:6:7:8:9", NULL, false},
        {"IPv6 group of five digits", "12345::1", NULL, false},
        {"empty brackets", "[]", NULL, false},
        {"open bracket", "[", NULL, false},
        {"close bracket", "]", NULL, false},
        {"brackets that do not close", "[::1", NULL, false},
        {"brackets around a name", "[example.com]", NULL, false},
        {"brackets twice", "[[::1]]", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_host host;
        struct pti_error error = {.detail = ""};
        enum pintle_status status = pti_host_parse(cases[i].input, &host, &error);
        if ((status == PINTLE_OK) != (cases[i].want != NULL))
            fail_msg("%s: %s", cases[i].name, status == PINTLE_OK ? host.name : error.detail);
        if (status == PINTLE_OK) {
            if (strcmp(host.name, cases[i].want) != 0 || host.ip != cases[i].ip)
                fail_msg("%s: found %s", cases[i].name, host.name);
            if (!pti_host_is_normal(host.name))
                fail_msg("%s: the result is not in normal form", cases[i].name);
            if (pti_host_is_normal(cases[i].input) != (strcmp(cases[i].input, cases[i].want) == 0))
                fail_msg("%s: normal form misjudged", cases[i].name);
        } else {
            assert_int_equal(status, PINTLE_ERR_INPUT);
            if (error.detail[0] == '\0' || host.name[0] != '\0' || host.ip || pti_host_is_normal(cases[i].input))
                fail_msg("%s: refused, but not cleanly", cases[i].name);
        }
    }
}

static void says_what_to_do_about_unicode(void **state)
{
    struct pti_host host;
    struct pti_error error;

    (void)state;
    assert_int_equal(pti_host_parse("api\xe3\x80\x82"
                                    "example.com",
                                    &host, &error),
                     PINTLE_ERR_INPUT);
    assert_non_null(strstr(error.detail, "A-labels"));
    assert_int_equal(pti_host_parse(NULL, &host, &error), PINTLE_ERR_INPUT);
}

static void walks_parents(void **state)
{
    const char *name = "a.b.example.com";

    (void)state;
    assert_string_equal(name = pti_host_parent(name), "b.example.com");
    assert_string_equal(name = pti_host_parent(name), "example.com");
    assert_string_equal(name = pti_host_parent(name), "com");
    assert_null(pti_host_parent(name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalises_or_refuses),
        cmocka_unit_test(says_what_to_do_about_unicode),
        cmocka_unit_test(walks_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
