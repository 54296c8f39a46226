/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"

static struct pintle_bytes text(const char *s)
{
    return (struct pintle_bytes){(const uint8_t *)s, strlen(s)};
}

/* RFC 4648, section 10. */
static void base64_and_hex_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *base64, *hex;
    } cases[] = {
        {"", "", ""},
        {"f", "Zg==", "66"},
        {"fo", "Zm8=", "666f"},
        {"foo", "Zm9v", "666f6f"},
        {"foob", "Zm9vYg==", "666f6f62"},
        {"fooba", "Zm9vYmE=", "666f6f6261"},
        {"foobar", "Zm9vYmFy", "666f6f626172"},
        {"\xfb\xff\xbf", "+/+/", "fbffbf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t plain_size = strlen(cases[i].plain);
        char encoded[32];
        uint8_t decoded[8];
        size_t size = 99;
        pti_base64_encode((const uint8_t *)cases[i].plain, plain_size, encoded);
        assert_string_equal(encoded, cases[i].base64);
        assert_int_equal(strlen(encoded), PTI_BASE64_SIZE(plain_size));
        assert_true(pti_base64_decode(text(encoded), decoded, plain_size, &size));
        assert_int_equal(size, plain_size);
        assert_memory_equal(decoded, cases[i].plain, plain_size);
        assert_true(pti_base64_decode_exact(text(encoded), decoded, plain_size));
        assert_false(pti_base64_decode_exact(text(encoded), decoded, plain_size + 1));

        pti_hex_encode((const uint8_t *)cases[i].plain, plain_size, encoded);
        assert_string_equal(encoded, cases[i].hex);
        assert_true(pti_hex_decode(text(encoded), decoded, plain_size, &size));
        assert_int_equal(size, plain_size);
        assert_memory_equal(decoded, cases[i].plain, plain_size);
        assert_true(pti_hex_decode_exact(text(encoded), decoded, plain_size));
        assert_false(pti_hex_decode_exact(text(encoded), decoded, plain_size + 1));
        if (plain_size > 0) {
            assert_false(pti_base64_decode(text(cases[i].base64), decoded, plain_size - 1, &size));
            assert_false(pti_base64_decode_exact(text(cases[i].base64), decoded, plain_size - 1));
            assert_false(pti_hex_decode(text(cases[i].hex), decoded, plain_size - 1, &size));
        }
    }
}

static void base64_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "Z",     "Zg",       "Zg=",  "Zh==", /* unused bits set */
        "Zm9=",                              /* the same, with one '=' */
        "=",     "==",       "===",  "====", "Z===",  "Zg==Zg==", "Zg=g",   "=Zgg",    "Z=g=",   "Zm9v\n", "\nZm9v",
        " Zm9v", "Zm9v    ", "Zm 9", "Zm-_", "Zm9v=", "Zm9\x80",  "Zg==\n", "Zm9vZg=", "Zm9vZg", "Zm9vZ",  "Z@@=",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[16];
        size_t size = 99;
        if (pti_base64_decode(text(cases[i]), out, sizeof out, &size) || size != 0) {
            fail_msg("case %zu \"%s\" was accepted", i, cases[i]);
        }
    }
    uint8_t out[4];
    size_t size = 0;
    assert_false(pti_base64_decode((struct pintle_bytes){(const uint8_t *)"Zm9\0", 4}, out, sizeof out, &size));
}

static void hex_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {"0",   "0g",  "g0",    "0A", "A0", " 0", "0x00",
                                        "00 ", "000", "0\xb0", "/0", ":0", "`0"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[16];
        size_t size = 99;
        if (pti_hex_decode(text(cases[i]), out, sizeof out, &size) || size != 0) {
            fail_msg("case %zu \"%s\" was accepted", i, cases[i]);
        }
    }
}

/* A pin is 44 characters; 31 and 33 bytes are the classic mistakes. */
static void pins_are_exactly_32_bytes(void **state)
{
    (void)state;
    uint8_t data[33];
    memset(data, 0xa5, sizeof data);
    for (size_t size = 31; size <= 33; size++) {
        char encoded[PTI_BASE64_SIZE(33) + 1];
        uint8_t pin[32];
        pti_base64_encode(data, size, encoded);
        assert_int_equal(strlen(encoded), 44);
        assert_int_equal(pti_base64_decode_exact(text(encoded), pin, sizeof pin), size == 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_and_hex_vectors),
        cmocka_unit_test(base64_refuses),
        cmocka_unit_test(hex_refuses),
        cmocka_unit_test(pins_are_exactly_32_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
