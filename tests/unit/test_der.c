/* SPDX-License-Identifier: Apache-2.0 */
/* The walk to the SubjectPublicKeyInfo: what it finds, and that it never looks outside its input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "pin/der.h"

/* The smallest certificate, by its parts. */
#define VERSION "a003020102"
#define SERIAL "020101"
#define NAMES "3000300030003000" /* signature, issuer, validity, subject */
#define SPKI "30053000030100"
#define TBS VERSION SERIAL NAMES SPKI /* 0x17 bytes */
#define SIGNATURE "3000030100"
#define CERTIFICATE "301e3017" TBS SIGNATURE

/* One with a key long enough for a length in two octets. */
#define ZEROS_26 "0000000000000000000000000000000000000000000000000000"
#define LONG_SPKI "30818a3000038185" ZEROS_26 ZEROS_26 ZEROS_26 ZEROS_26 ZEROS_26 "000000"
#define LONG_REST "30819d" VERSION SERIAL NAMES LONG_SPKI SIGNATURE

/* An exact heap copy, so that AddressSanitizer sees a read past either end. */
static struct pintle_bytes from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size + (size == 0));

    assert_non_null(data);
    assert_true(pti_hex_decode_exact(pti_bytes_text(hex), data, size));
    return (struct pintle_bytes){data, size};
}

static void finds_or_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        const char *want; /* NULL: refused */
    } cases[] = {
        {"version 3", CERTIFICATE, SPKI},
        {"version 1 has no [0]", "30193012" SERIAL NAMES SPKI SIGNATURE, SPKI},
        {"extensions after the key are not read", "30203019" TBS "a3ff" SIGNATURE, SPKI},
        {"key of 128 bytes and more", "3081a5" LONG_REST, LONG_SPKI},
        {"a length with a leading zero", "308200a5" LONG_REST, NULL},
        {"a length of 2^32 and more", "308501000000a5" LONG_REST, NULL},
        {"indefinite length and nothing else", "3080", NULL},
        {"empty", "", NULL},
        {"one byte", "30", NULL},
        {"empty sequence", "3000", NULL},
        {"trailing byte", CERTIFICATE "00", NULL},
        {"two certificates", CERTIFICATE CERTIFICATE, NULL},
        {"a set, not a sequence", "311e3017" TBS SIGNATURE, NULL},
        {"indefinite length outside", "30803017" TBS SIGNATURE "0000", NULL},
        {"indefinite length inside", "30203080" TBS "0000" SIGNATURE, NULL},
        {"non-minimal length in one octet", "30811e3017" TBS SIGNATURE, NULL},
        {"non-minimal length in two octets", "3082001e3017" TBS SIGNATURE, NULL},
        {"non-minimal length in four octets", "30840000001e3017" TBS SIGNATURE, NULL},
        {"length octets missing", "3084ffff", NULL},
        {"length of 4 GiB", "3084ffffffff" TBS, NULL},
        {"length of 2^64-1", "3088ffffffffffffffff" TBS, NULL},
        {"length in 127 octets", "30ff3017" TBS SIGNATURE, NULL},
        {"inner length past the outer end", "301e301f" TBS SIGNATURE, NULL},
        {"to-be-signed part cut before the key", "30173010" VERSION SERIAL NAMES SIGNATURE, NULL},
        {"key length past the to-be-signed part", "301e3017" VERSION SERIAL NAMES "30063000030100" SIGNATURE, NULL},
        {"to-be-signed part of another type", "301e0417" TBS SIGNATURE, NULL},
        {"serial number of another type", "301e3017" VERSION "040101" NAMES SPKI SIGNATURE, NULL},
        {"no serial number", "301b3014" VERSION NAMES SPKI SIGNATURE, NULL},
        {"version twice", "3023301c" VERSION VERSION SERIAL NAMES SPKI SIGNATURE, NULL},
        {"validity of another type", "301e3017" VERSION SERIAL "3000300031003000" SPKI SIGNATURE, NULL},
        {"key that is no sequence", "301e3017" VERSION SERIAL NAMES "31053000030100" SIGNATURE, NULL},
        {"key without algorithm", "301c3015" VERSION SERIAL NAMES "3003030100" SIGNATURE, NULL},
        {"key without bits", "301b3014" VERSION SERIAL NAMES "30023000" SIGNATURE, NULL},
        {"key with bits of another type", "301e3017" VERSION SERIAL NAMES "30053000040100" SIGNATURE, NULL},
        {"key with something after its bits", "30203019" VERSION SERIAL NAMES "300730000301000500" SIGNATURE, NULL},
        {"multi-byte tag on the way", "301e3017" VERSION SERIAL "3000300030001f00" SPKI SIGNATURE, NULL},
        {"multi-byte tag outside", "3f1e3017" TBS SIGNATURE, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pintle_bytes input = from_hex(cases[i].input);
        struct pintle_bytes spki;
        bool found = pti_der_certificate_spki(input, &spki);
        if (found != (cases[i].want != NULL))
            fail_msg("%s: %s", cases[i].name, found ? "found" : "refused");
        if (found) {
            struct pintle_bytes want = from_hex(cases[i].want);
            if (!pti_bytes_equal(spki, want))
                fail_msg("%s: other bytes", cases[i].name);
            free((void *)(uintptr_t)want.data);
        } else {
            assert_null(spki.data);
            assert_int_equal(spki.size, 0);
        }
        free((void *)(uintptr_t)input.data);
    }
}

static void refuses_every_truncation(void **state)
{
    struct pintle_bytes whole = from_hex(CERTIFICATE);
    struct pintle_bytes spki;

    (void)state;
    for (size_t size = 0; size < whole.size; size++) {
        uint8_t *cut = malloc(size + (size == 0));
        assert_non_null(cut);
        memcpy(cut, whole.data, size);
        if (pti_der_certificate_spki((struct pintle_bytes){cut, size}, &spki))
            fail_msg("%zu of %zu bytes were taken for a certificate", size, whole.size);
        free(cut);
    }
    free((void *)(uintptr_t)whole.data);
}

static void stays_inside_whatever_one_byte_says(void **state)
{
    struct pintle_bytes whole = from_hex(CERTIFICATE);
    uint8_t *changed = malloc(whole.size);
    struct pintle_bytes spki;

    (void)state;
    assert_non_null(changed);
    for (size_t at = 0; at < whole.size; at++) {
        for (unsigned value = 0; value < 256; value++) {
            memcpy(changed, whole.data, whole.size);
            changed[at] = (uint8_t)value;
            if (pti_der_certificate_spki((struct pintle_bytes){changed, whole.size}, &spki)) {
                assert_true(spki.data > changed && spki.size >= 2);
                assert_true(spki.size <= whole.size - (size_t)(spki.data - changed));
            }
        }
    }
    free(changed);
    free((void *)(uintptr_t)whole.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_or_refuses),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(stays_inside_whatever_one_byte_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
