/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 URIs: what is understood, and what is refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/pkcs11_uri.h"

static void test_every_attribute_is_read(void **state)
{
    struct pti_pkcs11_uri uri;

    (void)state;
    assert_int_equal(pti_pkcs11_uri_parse(
                         "pkcs11:token=The%20pins;manufacturer=a;serial=0123;model=m;slot-id=4294967295;type=private;"
                         "object=root%2d1;id=%00%FFa?module-path=/usr/lib/a.so&pin-source=file:/run/pin",
                         &uri, NULL),
                     PINTLE_OK);
    assert_string_equal(uri.token, "The pins");
    assert_string_equal(uri.manufacturer, "a");
    assert_string_equal(uri.serial, "0123");
    assert_string_equal(uri.model, "m");
    assert_string_equal(uri.object, "root-1");
    assert_int_equal(uri.id_size, 3);
    assert_memory_equal(uri.id, "\0\377a", 3);
    assert_true(uri.has_slot);
    assert_true(uri.slot == 4294967295UL);
    assert_string_equal(uri.module_path, "/usr/lib/a.so");
    assert_string_equal(uri.pin_source, "/run/pin");
}

static void test_little_is_required(void **state)
{
    static const char *const sources[] = {"pkcs11:?pin-source=/run/pin", "pkcs11:?pin-source=file:///run/pin"};
    struct pti_pkcs11_uri uri;

    (void)state;
    assert_int_equal(pti_pkcs11_uri_parse("pkcs11:", &uri, NULL), PINTLE_OK);
    assert_string_equal(uri.token, "");
    assert_false(uri.has_slot);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pti_pkcs11_uri_parse(sources[i], &uri, NULL), PINTLE_OK);
        assert_string_equal(uri.pin_source, "/run/pin");
    }
}

static void test_what_is_not_understood_is_refused(void **state)
{
    static const struct {
        const char *text, *want;
    } table[] = {
        {"file:/x", "expected a PKCS#11 URI"},
        {"PKCS11:token=a", "expected a PKCS#11 URI"},
        {"pkcs11:token=a;colour=red", "found \"colour\""},
        {"pkcs11:library-version=1", "found \"library-version\""},
        {"pkcs11:token", "needs a percent-encoded value of 1 to 255 bytes"},
        {"pkcs11:token=", "needs a percent-encoded value of 1 to 255 bytes"},
        {"pkcs11:token=%", "needs a percent-encoded value"},
        {"pkcs11:token=%4", "needs a percent-encoded value"},
        {"pkcs11:token=%4g", "needs a percent-encoded value"},
        {"pkcs11:token=%00", "needs a percent-encoded value"},
        {"pkcs11:token=caf\xc3\xa9", "needs a percent-encoded value"},
        {"pkcs11:token=a;token=b", "\"token\" stands twice"},
        {"pkcs11:id=%01;id=%01", "\"id\" stands twice"},
        {"pkcs11:id=", "\"id\" of a PKCS#11 URI needs"},
        {"pkcs11:slot-id=x", "\"slot-id\" of a PKCS#11 URI needs"},
        {"pkcs11:slot-id=12345678901", "\"slot-id\" of a PKCS#11 URI needs"},
        {"pkcs11:slot-id=1;slot-id=1", "\"slot-id\" stands twice"},
        {"pkcs11:type=cert", "can be private or public, found \"cert\""},
        {"pkcs11:token=a;;object=b", "found \"\""},
        {"pkcs11:?module-path=libx.so", "expected an absolute path after module-path="},
        {"pkcs11:?module-name=x", "found \"module-name\""},
        {"pkcs11:?pin-source=|/bin/pin", "expected pin-source=file:/PATH"},
        {"pkcs11:?pin-source=file:pin", "expected pin-source=file:/PATH"},
        {"pkcs11:?pin-source=https://x/y", "expected pin-source=file:/PATH"},
    };
    struct pti_pkcs11_uri uri;
    struct pti_error error;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (pti_pkcs11_uri_parse(table[i].text, &uri, &error) != PINTLE_ERR_INPUT ||
            strstr(error.detail, table[i].want) == NULL)
            fail_msg("%s: expected \"%s\", found %s", table[i].text, table[i].want, error.detail);
    }
}

static void test_a_pin_in_it_is_refused_and_not_repeated(void **state)
{
    static const char *const texts[] = {"pkcs11:token=a?pin-value=sesame", "pkcs11:token=a;pin-value=sesame",
                                        "pkcs11:token=%?pin-value=sesame", "pkcs11:x?module-path=/a&pin-value=sesame"};
    struct pti_pkcs11_uri uri;
    struct pti_error error;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(pti_pkcs11_uri_parse(texts[i], &uri, &error), PINTLE_ERR_INPUT);
        assert_non_null(strstr(error.detail, "must not hold the PIN"));
        assert_null(strstr(error.detail, "sesame"));
    }
}

static void test_values_have_bounds(void **state)
{
    static const struct {
        const char *name;
        size_t most;
    } table[] = {{"token", PTI_PKCS11_TEXT_MAX - 1}, {"object", PTI_PKCS11_TEXT_MAX - 1}, {"id", PTI_PKCS11_ID_MAX}};
    struct pti_pkcs11_uri uri;
    struct pti_error error;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (size_t over = 0; over < 2; over++) {
            struct pti_buf text;

            pti_buf_init(&text, 2 * PTI_PKCS11_URI_MAX);
            pti_buf_printf(&text, "pkcs11:%s=", table[i].name);
            for (size_t n = 0; n < table[i].most + over; n++)
                pti_buf_text(&text, "%41");
            assert_int_equal(pti_pkcs11_uri_parse(pti_buf_cstr(&text), &uri, &error),
                             over ? PINTLE_ERR_INPUT : PINTLE_OK);
            pti_buf_clear(&text);
        }
}

static void test_what_is_written_is_read(void **state)
{
    struct pti_pkcs11_uri uri;
    struct pti_buf text;

    (void)state;
    pti_buf_init(&text, 400);
    pti_buf_text(&text, "pkcs11:");
    pti_pkcs11_uri_put(&text, "token", pti_bytes_text("a b;?&=%\n"));
    pti_pkcs11_uri_put(&text, ";id", (struct pintle_bytes){(const uint8_t *)"\0\1", 2});
    assert_string_equal(pti_buf_cstr(&text), "pkcs11:token=a%20b%3B%3F%26%3D%25%0A;id=%00%01");
    assert_int_equal(pti_pkcs11_uri_parse(pti_buf_cstr(&text), &uri, NULL), PINTLE_OK);
    assert_string_equal(uri.token, "a b;?&=%\n");
    pti_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_attribute_is_read),
        cmocka_unit_test(test_little_is_required),
        cmocka_unit_test(test_what_is_not_understood_is_refused),
        cmocka_unit_test(test_a_pin_in_it_is_refused_and_not_repeated),
        cmocka_unit_test(test_values_have_bounds),
        cmocka_unit_test(test_what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
