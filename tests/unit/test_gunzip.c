/* SPDX-License-Identifier: Apache-2.0 */
/* gzip undone piece by piece: the same in pieces of any size, bounded whatever arrives, and right or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "sys/curl/gunzip.h"

#define TEXT_SIZE 100000

/* windowBits as deflateInit2() takes them: 31 is gzip. */
static struct pintle_bytes compress_with(const uint8_t *data, size_t size, int window_bits)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    size_t room = size + 1000;
    uint8_t *out = malloc(room);

    assert_non_null(out);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return (struct pintle_bytes){out, room - stream.avail_out};
}

static void make_text(uint8_t text[TEXT_SIZE])
{
    uint32_t state = 1;

    for (size_t i = 0; i < TEXT_SIZE; i++) {
        state = state * 1664525u + 1013904223u;
        text[i] = (uint8_t)("0123456789abcdef"[state >> 28]);
    }
}

/* NULL if everything came out and it ended; else what was wrong. */
static const char *gunzip(struct pintle_bytes in, size_t piece, size_t max, struct pti_buf *out)
{
    struct pintle_sink sink = pti_buf_sink(out);
    struct pti_gunzip *gunzip = pti_gunzip_new(&sink, max);
    const char *wrong = NULL;

    assert_non_null(gunzip);
    for (size_t at = 0; at < in.size && wrong == NULL; at += piece)
        wrong = pti_gunzip_write(gunzip, in.data + at, in.size - at < piece ? in.size - at : piece);
    if (wrong == NULL)
        wrong = pti_gunzip_end(gunzip);
    pti_gunzip_free(gunzip);
    return wrong;
}

static void pieces_of_any_size_are_the_same(void **state)
{
    static const size_t pieces[] = {1, 2, 17, 4096, PTI_GUNZIP_CHUNK, TEXT_SIZE};
    uint8_t text[TEXT_SIZE];
    struct pintle_bytes in;
    struct pti_buf out;

    (void)state;
    make_text(text);
    in = compress_with(text, sizeof text, 31);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        pti_buf_init(&out, TEXT_SIZE);
        assert_null(gunzip(in, pieces[i], TEXT_SIZE, &out));
        assert_int_equal(out.size, TEXT_SIZE);
        assert_memory_equal(out.data, text, TEXT_SIZE);
        pti_buf_clear(&out);
    }
    pti_bytes_free(&in);
}

static void nothing_but_one_whole_member_is_taken(void **state)
{
    uint8_t text[TEXT_SIZE];
    struct pintle_bytes in, raw, zlib;
    struct pti_buf out, twice;

    (void)state;
    make_text(text);
    in = compress_with(text, sizeof text, 31);
    raw = compress_with(text, sizeof text, -15);
    zlib = compress_with(text, sizeof text, 15);
    pti_buf_init(&out, TEXT_SIZE);
    for (size_t size = 0; size < in.size; size += 1 + size / 8) {
        pti_buf_clear(&out);
        assert_string_equal(gunzip((struct pintle_bytes){in.data, size}, 1000, TEXT_SIZE, &out), "gzip: cut short");
    }
    for (size_t byte = in.size - 8; byte < in.size; byte++) { /* checksum and length */
        ((uint8_t *)(uintptr_t)in.data)[byte] ^= 1;
        pti_buf_clear(&out);
        assert_string_equal(gunzip(in, 1000, TEXT_SIZE, &out), "gzip: damaged");
        ((uint8_t *)(uintptr_t)in.data)[byte] ^= 1;
    }
    pti_buf_init(&twice, 2 * in.size);
    pti_buf_append(&twice, in.data, in.size);
    pti_buf_append(&twice, in.data, in.size);
    for (size_t piece = 1; piece <= twice.size; piece = piece * 2 + (piece == 1 ? in.size - 2 : 0)) {
        pti_buf_clear(&out);
        assert_non_null(strstr(gunzip(pti_buf_bytes(&twice), piece, 2 * TEXT_SIZE, &out), "follows the end"));
        assert_int_equal(out.size, TEXT_SIZE);
    }
    pti_buf_clear(&out);
    assert_string_equal(gunzip(raw, 1000, TEXT_SIZE, &out), "gzip: damaged");
    assert_string_equal(gunzip(zlib, 1000, TEXT_SIZE, &out), "gzip: damaged");
    pti_buf_clear(&out);
    pti_buf_clear(&twice);
    pti_bytes_free(&in);
    pti_bytes_free(&raw);
    pti_bytes_free(&zlib);
}

static void no_more_comes_out_than_allowed(void **state)
{
    uint8_t text[TEXT_SIZE];
    struct pintle_bytes in;
    struct pti_buf out;

    (void)state;
    make_text(text);
    in = compress_with(text, sizeof text, 31);
    pti_buf_init(&out, SIZE_MAX / 2);
    assert_ptr_equal(gunzip(in, 1000, TEXT_SIZE - 1, &out), pti_gunzip_too_large);
    assert_in_range(out.size, 0, TEXT_SIZE - 1);
    pti_buf_clear(&out);
    pti_buf_init(&out, 10); /* a sink that refuses is the same */
    assert_ptr_equal(gunzip(in, 1000, TEXT_SIZE, &out), pti_gunzip_too_large);
    pti_buf_clear(&out);
    pti_bytes_free(&in);
}

/* One megabyte that stands for a gigabyte, and the same bomb inside a second gzip. */
static void a_bomb_is_cut_off_at_the_bound(void **state)
{
    static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff};
    uint8_t *zeros = calloc(1, 1 << 20), *block = malloc(4096);
    z_stream stream = {.next_in = zeros, .avail_in = 1 << 20, .next_out = block, .avail_out = 4096};
    struct pti_buf bomb, out;
    struct pintle_bytes nested;

    (void)state;
    assert_non_null(zeros);
    assert_non_null(block);
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FULL_FLUSH), Z_OK);
    pti_buf_init(&bomb, 2 << 20);
    pti_buf_append(&bomb, header, sizeof header);
    for (int i = 0; i < 1024; i++) /* a full flush lets a block stand anywhere */
        pti_buf_append(&bomb, block, 4096 - stream.avail_out);
    deflateEnd(&stream);
    assert_in_range(bomb.size, 1 << 19, 3 << 19);
    pti_buf_init(&out, SIZE_MAX / 2);
    assert_ptr_equal(gunzip(pti_buf_bytes(&bomb), 4096, PTI_BODY_SIZE_MAX, &out), pti_gunzip_too_large);
    assert_in_range(out.size, 1, PTI_BODY_SIZE_MAX);
    nested = compress_with(bomb.data, bomb.size, 31);
    assert_in_range(nested.size, 1, 20000);
    pti_buf_clear(&out);
    assert_null(gunzip(nested, 4096, PTI_BODY_SIZE_MAX, &out)); /* one layer, and no more */
    assert_int_equal(out.size, bomb.size);
    pti_bytes_free(&nested);
    pti_buf_clear(&out);
    pti_buf_clear(&bomb);
    free(zeros);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_are_the_same),
        cmocka_unit_test(nothing_but_one_whole_member_is_taken),
        cmocka_unit_test(no_more_comes_out_than_allowed),
        cmocka_unit_test(a_bomb_is_cut_off_at_the_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
