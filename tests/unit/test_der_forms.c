/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate walk against lengths, tags and nesting that no certificate has: one part at a time is odd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pin/der.h"

enum form {
    MINIMAL,
    ONE_OCTET_MORE,
    IN_FIVE_OCTETS,
    IN_EIGHT_OCTETS,
    IN_127_OCTETS,
    INDEFINITE,
    ONE_TOO_LONG,
    ONE_TOO_SHORT,
    HUGE_LENGTH,
    FORMS
};

static void put_octets(struct pti_buf *out, size_t length, unsigned octets)
{
    uint8_t first = (uint8_t)(0x80 | octets);

    pti_buf_append(out, &first, 1);
    while (octets-- > 0) {
        uint8_t octet = octets < sizeof(length) ? (uint8_t)(length >> (8 * octets)) : 0;
        pti_buf_append(out, &octet, 1);
    }
}

static void put_length(struct pti_buf *out, size_t length, enum form form)
{
    uint8_t only = (uint8_t)length;
    unsigned minimal = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;

    switch (form) {
    case MINIMAL:
        break;
    case ONE_OCTET_MORE:
        put_octets(out, length, minimal + 1);
        return;
    case IN_FIVE_OCTETS:
        put_octets(out, length, 5);
        return;
    case IN_EIGHT_OCTETS:
        put_octets(out, length, 8);
        return;
    case IN_127_OCTETS:
        put_octets(out, length, 127);
        return;
    case INDEFINITE:
        put_octets(out, 0, 0);
        return;
    case ONE_TOO_LONG:
        put_length(out, length + 1, MINIMAL);
        return;
    case ONE_TOO_SHORT:
        put_length(out, length - 1, MINIMAL);
        return;
    case HUGE_LENGTH:
        put_octets(out, 0xffffffff, 4);
        return;
    case FORMS:
        break;
    }
    if (minimal == 0)
        pti_buf_append(out, &only, 1);
    else
        put_octets(out, length, minimal);
}

/* What stands on the way, in the order of a certificate. */
enum part { CERTIFICATE, TBS, VERSION, SERIAL, SIGNATURE, ISSUER, VALIDITY, SUBJECT, SPKI, ALGORITHM, KEY, PARTS };

/* A certificate in which one part is odd. */
struct oddity {
    enum part part;
    enum form form;
    struct pintle_bytes tag;     /* empty: the right one */
    struct pintle_bytes content; /* of the part; empty: the usual */
};

static void put_part(struct pti_buf *out, enum part part, struct pintle_bytes content, const struct oddity *odd)
{
    static const uint8_t tags[PARTS] = {0x30, 0x30, 0xa0, 0x02, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x03};
    static const uint8_t end_of_contents[2] = {0, 0};
    bool is_odd = odd->part == part;

    if (is_odd && odd->content.size > 0)
        content = odd->content;
    if (is_odd && odd->tag.size > 0)
        pti_buf_append(out, odd->tag.data, odd->tag.size);
    else
        pti_buf_append(out, &tags[part], 1);
    put_length(out, content.size, is_odd ? odd->form : MINIMAL);
    pti_buf_append(out, content.data, content.size);
    if (is_odd && odd->form == INDEFINITE)
        pti_buf_append(out, end_of_contents, sizeof(end_of_contents));
}

#define BYTES(...)                                                                                                     \
    (struct pintle_bytes)                                                                                              \
    {                                                                                                                  \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                                         \
    }

/* Is its key found, and which bytes are it? */
static bool walk(const struct oddity *odd, struct pti_buf *spki)
{
    static uint8_t bits[200];
    struct pti_buf tbs, certificate, outer;
    struct pintle_bytes input, found = {NULL, 0};
    bool ok;

    bits[0] = 0;
    pti_buf_init(spki, 200000);
    pti_buf_init(&tbs, 400000);
    pti_buf_init(&certificate, 400000);
    pti_buf_init(&outer, 400000);
    put_part(&tbs, ALGORITHM, BYTES(0x06, 0x03, 0x2b, 0x65, 0x70), odd); /* tbs, for a moment: the content of the key */
    put_part(&tbs, KEY, (struct pintle_bytes){bits, sizeof(bits)}, odd);
    put_part(spki, SPKI, pti_buf_bytes(&tbs), odd);
    pti_buf_clear(&tbs);
    pti_buf_init(&tbs, 400000);
    put_part(&tbs, VERSION, BYTES(0x02, 0x01, 0x00), odd);
    put_part(&tbs, SERIAL, BYTES(0x01), odd);
    put_part(&tbs, SIGNATURE, BYTES(0x06, 0x01, 0x2a), odd);
    put_part(&tbs, ISSUER, BYTES(0x31, 0x00), odd);
    put_part(&tbs, VALIDITY, BYTES(0x17, 0x00, 0x17, 0x00), odd);
    put_part(&tbs, SUBJECT, BYTES(0x31, 0x00), odd);
    pti_buf_append(&tbs, spki->data, spki->size);
    put_part(&certificate, TBS, pti_buf_bytes(&tbs), odd);
    pti_buf_append(&certificate, (const uint8_t[]){0x30, 0x00, 0x03, 0x01, 0x00}, 5);
    put_part(&outer, CERTIFICATE, pti_buf_bytes(&certificate), odd);
    assert_int_equal(outer.status, PINTLE_OK);
    assert_int_equal(pti_bytes_copy(pti_buf_bytes(&outer), &input), PINTLE_OK);
    ok = pti_der_certificate_spki(input, &found);
    if (ok && !pti_bytes_equal(found, pti_buf_bytes(spki)))
        fail_msg("part %d, form %d: other bytes were found", (int)odd->part, (int)odd->form);
    pti_bytes_free(&input);
    pti_buf_clear(&outer);
    pti_buf_clear(&certificate);
    pti_buf_clear(&tbs);
    return ok;
}

static bool walks(const struct oddity *odd)
{
    struct pti_buf spki;
    bool ok = walk(odd, &spki);

    pti_buf_clear(&spki);
    return ok;
}

static void a_length_has_one_form(void **state)
{
    (void)state;
    for (int part = 0; part < PARTS; part++) {
        for (int form = 0; form < FORMS; form++) {
            struct oddity odd = {.part = (enum part)part, .form = (enum form)form};
            /* what stands behind the key is not read: a byte more of it is not noticed */
            bool unread = part == TBS && form == ONE_TOO_LONG;
            if (walks(&odd) != (form == MINIMAL || unread))
                fail_msg("part %d with its length in form %d", part, form);
        }
    }
}

static void a_part_has_one_tag(void **state)
{
    static const uint8_t long_tags[][5] = {
        {0x1f, 0x30}, {0x3f, 0x10}, {0x3f, 0x81, 0x10}, {0xbf, 0x00}, {0x1f, 0xff, 0xff, 0xff, 0x7f}};

    (void)state;
    for (int part = 0; part < PARTS; part++) {
        unsigned taken = 0;
        for (unsigned tag = 0; tag < 256; tag++) {
            uint8_t octet = (uint8_t)tag;
            taken += walks(&(struct oddity){.part = (enum part)part, .tag = {&octet, 1}});
        }
        assert_int_equal(taken, 1);
        for (size_t i = 0; i < sizeof(long_tags) / sizeof(long_tags[0]); i++) {
            for (size_t size = 2; size <= 5; size++)
                assert_false(walks(&(struct oddity){.part = (enum part)part, .tag = {long_tags[i], size}}));
        }
    }
}

/* Content that the walk does not read is skipped by its length alone, whatever it is and however deep. */
static void content_is_skipped_unread(void **state)
{
    static const enum part skipped[] = {VERSION, SERIAL, SIGNATURE, ISSUER, VALIDITY, SUBJECT, ALGORITHM, KEY};
    static uint8_t nested[100000], ones[100000], zero[1];

    (void)state;
    for (size_t i = 0; i < sizeof(nested); i += 2) { /* 50000 sequences of indefinite length, none of which ends */
        nested[i] = 0x30;
        nested[i + 1] = 0x80;
    }
    memset(ones, 0xff, sizeof(ones));
    for (size_t i = 0; i < sizeof(skipped) / sizeof(skipped[0]); i++) {
        assert_true(walks(&(struct oddity){.part = skipped[i], .content = {nested, sizeof(nested)}}));
        assert_true(walks(&(struct oddity){.part = skipped[i], .content = {ones, sizeof(ones)}}));
        assert_true(walks(&(struct oddity){.part = skipped[i], .content = {ones, 127}}));
        assert_true(walks(&(struct oddity){.part = skipped[i], .content = {ones, 128}}));
        assert_true(walks(&(struct oddity){.part = skipped[i], .content = {ones, 65535}}));
        assert_true(walks(&(struct oddity){.part = skipped[i], .content = {ones, 65536}}));
        assert_true(walks(&(struct oddity){.part = skipped[i], .content = {zero, 1}}));
    }
    /* where the walk does read, the same is no certificate */
    assert_false(walks(&(struct oddity){.part = SPKI, .content = {nested, sizeof(nested)}}));
    assert_false(walks(&(struct oddity){.part = TBS, .content = {nested, sizeof(nested)}}));
    assert_false(walks(&(struct oddity){.part = CERTIFICATE, .content = {nested, sizeof(nested)}}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_has_one_form),
        cmocka_unit_test(a_part_has_one_tag),
        cmocka_unit_test(content_is_skipped_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
