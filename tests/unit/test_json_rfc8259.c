/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict JSON reader over tests/vectors/json/rfc8259, and over all there is of what can be counted out: bytes where
 * white space may stand, sequences of UTF-8, escapes, pairs of surrogates, code points.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json_write.h"

#define VECTORS "tests/vectors/json/rfc8259"
#define LINE_MAX_SIZE 4096
#define TEXT_MAX (64u << 10)

/* ---- reading without looking past the end ---- */

static char complaint[PTI_ERROR_DETAIL_MAX];

/* From a block of exactly its size, so that a sanitizer sees a read past its end; NULL if refused. */
static struct pti_json *read_text(struct pintle_bytes text)
{
    struct pti_json *json = NULL;
    struct pti_error error = {PINTLE_OK, ""};
    struct pintle_bytes copy;
    enum pintle_status status;

    assert_int_equal(pti_bytes_copy(text, &copy), PINTLE_OK);
    status = pti_json_parse(copy, &json, &error);
    pti_bytes_free(&copy);
    assert_int_equal(error.status, status);
    assert_true((status == PINTLE_OK) == (json != NULL));
    assert_true(status == PINTLE_OK || status == PINTLE_ERR_INPUT);
    snprintf(complaint, sizeof(complaint), "%s", error.detail);
    return json;
}

static bool accepted(struct pintle_bytes text)
{
    struct pti_json *json = read_text(text);

    pti_json_free(json);
    return json != NULL;
}

static struct pintle_bytes canonical(const struct pti_json *json, struct pti_buf *out)
{
    pti_buf_init(out, TEXT_MAX);
    pti_json_write_canonical(pti_json_root(json), out);
    assert_int_equal(out->status, PINTLE_OK);
    return pti_buf_bytes(out);
}

/* ---- the vectors ---- */

struct vector {
    char verdict;
    const char *name;
    uint8_t text[LINE_MAX_SIZE], result[LINE_MAX_SIZE];
    size_t size, result_size;
};

static size_t decode(const char *column, uint8_t *out)
{
    size_t size = 0;

    for (; *column != '\0'; column++) {
        if (*column == '%') {
            assert_true(pti_hex_decode_exact((struct pintle_bytes){(const uint8_t *)column + 1, 2}, &out[size++], 1));
            column += 2;
        } else {
            out[size++] = (uint8_t)*column;
        }
    }
    return size;
}

/* False for a line that holds none. */
static bool read_vector(char *line, struct vector *vector)
{
    char *columns[4] = {line};

    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return false;
    for (int i = 1; i < 4; i++) {
        columns[i] = strchr(columns[i - 1], '\t');
        assert_non_null(columns[i]);
        *columns[i]++ = '\0';
    }
    vector->verdict = columns[0][0];
    vector->name = columns[1];
    vector->size = decode(columns[2], vector->text);
    vector->result_size = decode(columns[3], vector->result);
    return true;
}

/* The compact form means the same, is valid, and is its own compact form. */
static void check_compact(const struct vector *vector, const struct pti_json *json, struct pintle_bytes want)
{
    struct pti_buf first, second, form;
    struct pti_json *again;

    pti_buf_init(&first, TEXT_MAX);
    pti_buf_init(&second, TEXT_MAX);
    pti_json_write_compact(pti_json_root(json), &first);
    again = read_text(pti_buf_bytes(&first));
    if (again == NULL)
        fail_msg("%s: its compact form is refused: %s", vector->name, complaint);
    pti_json_write_compact(pti_json_root(again), &second);
    assert_true(pti_bytes_equal(pti_buf_bytes(&first), pti_buf_bytes(&second)));
    assert_true(pti_bytes_equal(canonical(again, &form), want));
    pti_buf_clear(&form);
    pti_json_free(again);
    pti_buf_clear(&second);
    pti_buf_clear(&first);
}

static void check_accepted(const struct vector *vector)
{
    struct pti_json *json = read_text((struct pintle_bytes){vector->text, vector->size});
    struct pintle_bytes want = {vector->result, vector->result_size};
    struct pti_buf form;

    if (json == NULL)
        fail_msg("%s: refused: %s", vector->name, complaint);
    if (!pti_bytes_equal(canonical(json, &form), want))
        fail_msg("%s: canonical form \"%s\"", vector->name, pti_buf_cstr(&form));
    check_compact(vector, json, want);
    pti_buf_clear(&form);
    pti_json_free(json);
}

static void check_refused(const struct vector *vector)
{
    char want[80];

    snprintf(want, sizeof(want), "byte %.*s: ", (int)vector->result_size, (const char *)vector->result);
    if (accepted((struct pintle_bytes){vector->text, vector->size}))
        fail_msg("%s: accepted", vector->name);
    if (strncmp(complaint, want, strlen(want)) != 0)
        fail_msg("%s: %s", vector->name, complaint);
}

/* White space around it changes nothing, NUL and a letter behind it spoil it, and any beginning of it is read safely. */
static void check_surroundings(struct vector *vector)
{
    static const char behind[] = {' ', '\t', '\n', '\r', '\0', 'x'};
    bool alone = accepted((struct pintle_bytes){vector->text, vector->size});

    for (size_t size = 0; size < vector->size; size++)
        (void)accepted((struct pintle_bytes){vector->text, size});
    for (size_t i = 0; i < sizeof(behind); i++) {
        vector->text[vector->size] = (uint8_t)behind[i];
        if (accepted((struct pintle_bytes){vector->text, vector->size + 1}) != (alone && i < 4))
            fail_msg("%s: with byte 0x%02x behind it", vector->name, (unsigned)behind[i]);
    }
    memmove(vector->text + 1, vector->text, vector->size);
    vector->text[0] = ' ';
    if (alone && !accepted((struct pintle_bytes){vector->text, vector->size + 1}))
        fail_msg("%s: with a space before it", vector->name);
}

static void every_vector_is_taken_for_what_it_is(void **state)
{
    static struct vector vector;
    static char line[LINE_MAX_SIZE];
    FILE *file = fopen(VECTORS, "r");
    unsigned count = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (!read_vector(line, &vector))
            continue;
        if (vector.verdict == 'y')
            check_accepted(&vector);
        else
            check_refused(&vector);
        check_surroundings(&vector);
        count++;
    }
    fclose(file);
    assert_true(count > 400);
}

/* ---- what can be counted out ---- */

/* Where the question mark stands, white space may, and nothing else. */
static void four_bytes_are_white_space(void **state)
{
    static const char *const texts[] = {"?[]",        "[]?",         "[?[]]",       "[[]?]",       "[[]?,[]]",
                                        "[[],?null]", "{?\"a\":[]}", "{\"a\"?:[]}", "{\"a\":?[]}", "{\"a\":[]?}"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (unsigned c = 0; c < 256; c++) {
            bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
            uint8_t text[16];
            size_t size = strlen(texts[i]);

            memcpy(text, texts[i], size);
            text[strcspn(texts[i], "?")] = (uint8_t)c;
            if (accepted((struct pintle_bytes){text, size}) != space)
                fail_msg("byte 0x%02x in %s", c, texts[i]);
        }
    }
}

/* RFC 3629, section 4, written down once more: is this one well-formed character? */
static bool is_utf8(const uint8_t *s, size_t size)
{
    bool tail = true;

    for (size_t i = 1; i < size; i++)
        tail = tail && s[i] >= 0x80 && s[i] <= 0xbf;
    if (size == 1)
        return s[0] < 0x80;
    if (size == 2)
        return s[0] >= 0xc2 && s[0] <= 0xdf && tail;
    if (size == 3)
        return (s[0] & 0xf0) == 0xe0 && tail && !(s[0] == 0xe0 && s[1] < 0xa0) && !(s[0] == 0xed && s[1] > 0x9f);
    return s[0] >= 0xf0 && s[0] <= 0xf4 && tail && !(s[0] == 0xf0 && s[1] < 0x90) && !(s[0] == 0xf4 && s[1] > 0x8f);
}

/* Every first and second byte, with continuation bytes behind them and with one that is none. */
static void every_beginning_of_a_character_is_judged(void **state)
{
    (void)state;
    for (unsigned first = 0x80; first < 256; first++) {
        for (unsigned second = 0x80; second < 256; second++) {
            for (size_t size = 2; size <= 4; size++) {
                uint8_t text[6] = {'"', (uint8_t)first, (uint8_t)second, 0x80, 0xbf};
                text[1 + size] = '"';
                if (accepted((struct pintle_bytes){text, size + 2}) != is_utf8(text + 1, size))
                    fail_msg("%02x %02x in %zu bytes", first, second, size);
                text[size] = 'A'; /* which makes another character, if the bytes before it make one */
                if (accepted((struct pintle_bytes){text, size + 2}) != (size > 2 && is_utf8(text + 1, size - 1)))
                    fail_msg("%02x %02x in %zu bytes, the last a letter", first, second, size);
            }
        }
    }
}

static void put_utf8(struct pti_buf *out, uint32_t scalar)
{
    uint8_t bytes[4];
    size_t size = scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;

    for (size_t i = size; i-- > 1; scalar >>= 6)
        bytes[i] = (uint8_t)(0x80 | (scalar & 0x3f));
    bytes[0] = (uint8_t)(size == 1 ? scalar : (0xf00u >> size & 0xff) | scalar);
    pti_buf_append(out, bytes, size);
}

static void put_escaped(struct pti_buf *out, uint32_t scalar, bool upper)
{
    if (scalar >= 0x10000) {
        put_escaped(out, 0xd800 + ((scalar - 0x10000) >> 10), upper);
        scalar = 0xdc00 + ((scalar - 0x10000) & 0x3ff);
    }
    if (upper)
        pti_buf_printf(out, "\\u%04X", (unsigned)scalar);
    else
        pti_buf_printf(out, "\\u%04x", (unsigned)scalar);
}

/* Every code point, 1024 at a time: escaped and raw it is the same character. */
static void every_code_point_reads_the_same_escaped_and_raw(void **state)
{
    (void)state;
    for (uint32_t base = 0; base < 0x110000; base += 1024) {
        struct pti_buf escaped, raw;
        struct pintle_bytes string = {NULL, 0};
        struct pti_json *json;

        if (base >= 0xd800 && base < 0xe000)
            continue;
        pti_buf_init(&escaped, TEXT_MAX);
        pti_buf_init(&raw, TEXT_MAX);
        pti_buf_text(&escaped, "\"");
        for (uint32_t scalar = base; scalar < base + 1024; scalar++) {
            put_escaped(&escaped, scalar, (base & 1024) != 0);
            put_utf8(&raw, scalar);
        }
        pti_buf_text(&escaped, "\"");
        json = read_text(pti_buf_bytes(&escaped));
        assert_true(pti_json_as_string(pti_json_root(json), &string));
        if (!pti_bytes_equal(string, pti_buf_bytes(&raw)))
            fail_msg("code points from U+%04X on", (unsigned)base);
        pti_json_free(json);
        pti_buf_clear(&raw);
        pti_buf_clear(&escaped);
    }
}

static void every_surrogate_needs_its_other_half(void **state)
{
    (void)state;
    for (unsigned unit = 0xd000; unit < 0x10000; unit += unit >= 0xd7f0 && unit < 0xe010 ? 1 : 97) {
        char text[32];
        bool high = unit >= 0xd800 && unit <= 0xdbff, low = unit >= 0xdc00 && unit <= 0xdfff;

        snprintf(text, sizeof(text), "\"\\u%04x\"", unit);
        assert_int_equal(accepted(pti_bytes_text(text)), !high && !low);
        snprintf(text, sizeof(text), "\"\\ud800\\u%04x\"", unit);
        assert_int_equal(accepted(pti_bytes_text(text)), low);
        snprintf(text, sizeof(text), "\"\\u%04x\\udfff\"", unit);
        assert_int_equal(accepted(pti_bytes_text(text)), high);
    }
}

/* Every number of up to four characters of those that numbers are made of. */
static void every_short_number_is_judged(void **state)
{
    static const char alphabet[] = "-+0159.eE";
    const unsigned letters = sizeof(alphabet) - 1;
    unsigned count = 0;

    (void)state;
    for (unsigned size = 1, all = letters; size <= 4; size++, all *= letters) {
        for (unsigned n = 0; n < all; n++) {
            char text[8] = "";
            unsigned rest = n;
            for (unsigned i = 0; i < size; i++, rest /= letters)
                text[i] = alphabet[rest % letters];
            const char *digits = text + (text[0] == '-');
            bool integer = digits[0] != '\0' && strspn(digits, "0159") == strlen(digits);
            bool want = integer && (digits[0] != '0' || (digits[1] == '\0' && digits == text));
            if (accepted(pti_bytes_text(text)) != want)
                fail_msg("%s", text);
            count += want;
        }
    }
    assert_int_equal(count, 4 + 12 + 48 + 192 + 3 + 12 + 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_taken_for_what_it_is),
        cmocka_unit_test(four_bytes_are_white_space),
        cmocka_unit_test(every_beginning_of_a_character_is_judged),
        cmocka_unit_test(every_code_point_reads_the_same_escaped_and_raw),
        cmocka_unit_test(every_surrogate_needs_its_other_half),
        cmocka_unit_test(every_short_number_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
