/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's strings: escapes and UTF-8, decoded in place. */
#include <stdio.h>
#include <string.h>

#include "base/json_internal.h"
#include "base/utf8.h"

enum pintle_status pti_json_fail_expected(struct pti_json_parser *parser, const char *expected)
{
    const struct pti_json *json = parser->json;
    char found[16];
    uint8_t c = json->text[parser->at];
    if (parser->at == json->size) {
        snprintf(found, sizeof found, "the end");
    } else if (c < 0x20 || c > 0x7e) {
        snprintf(found, sizeof found, "byte 0x%02x", c);
    } else {
        snprintf(found, sizeof found, "'%c'", c);
    }
    return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte %zu: expected %s, found %s", parser->at, expected, found);
}

/* Four hex digits after "\u". */
static enum pintle_status parse_hex4(struct pti_json_parser *parser, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = pti_json_peek(parser);
        uint32_t digit = 0;
        if (c >= '0' && c <= '9') {
            digit = (uint32_t)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        } else {
            return pti_json_fail_expected(parser, "four hex digits after \\u");
        }
        *unit = *unit << 4 | digit;
        parser->at++;
    }
    return PINTLE_OK;
}

/* After "\u": one unit, or a surrogate pair (RFC 8259, section 7). */
static enum pintle_status parse_unicode_escape(struct pti_json_parser *parser, uint32_t *scalar)
{
    size_t start = parser->at - 2;
    enum pintle_status status = parse_hex4(parser, scalar);
    if (status != PINTLE_OK || *scalar < 0xd800 || *scalar > 0xdfff) {
        return status;
    }
    uint32_t low = 0;
    if (*scalar <= 0xdbff && pti_json_peek(parser) == '\\' && parser->json->text[parser->at + 1] == 'u') {
        parser->at += 2;
        status = parse_hex4(parser, &low);
        if (status != PINTLE_OK) {
            return status;
        }
    }
    if (low < 0xdc00 || low > 0xdfff) {
        return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte %zu: expected a pair of surrogates, found one alone",
                        start);
    }
    *scalar = 0x10000 + ((*scalar - 0xd800) << 10) + (low - 0xdc00);
    return PINTLE_OK;
}

/* At a backslash: decodes one escape to out, which lies at or before it. */
static enum pintle_status parse_escape(struct pti_json_parser *parser, uint8_t **out)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    parser->at++;
    uint8_t c = pti_json_peek(parser);
    if (c == 'u') {
        parser->at++;
        uint32_t scalar = 0;
        enum pintle_status status = parse_unicode_escape(parser, &scalar);
        if (status == PINTLE_OK) {
            *out += pti_utf8_encode(scalar, *out); /* six or twelve bytes became at most three or four */
        }
        return status;
    }
    const char *escape = c == '\0' ? NULL : strchr(from, c);
    if (escape == NULL) {
        return pti_json_fail_expected(parser, "one of \"\\/bfnrtu after a backslash");
    }
    parser->at++;
    *(*out)++ = (uint8_t)to[escape - from];
    return PINTLE_OK;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Is none of these eight bytes below 0x20, above 0x7f, a quote or a backslash?  May say no when one follows such a byte. */
static bool eight_are_plain(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t quote = word ^ EACH('"');
    uint64_t backslash = word ^ EACH('\\');
    uint64_t found = word | (word - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1));
    return (found & EACH(0x80)) == 0;
}

/* Moves over characters that stand for themselves: nearly all of them, so they are not taken one by one. */
static void copy_plain(struct pti_json_parser *parser, uint8_t **out)
{
    const uint8_t *start = parser->json->text + parser->at;
    const uint8_t *end = start;
    while (eight_are_plain(end)) {
        end += 8; /* PTI_JSON_PADDING zeros stop it */
    }
    while (*end >= 0x20 && *end < 0x80 && *end != '"' && *end != '\\') {
        end++; /* the terminator stops it */
    }
    size_t length = (size_t)(end - start);
    if (*out != start) {
        memmove(*out, start, length);
    }
    *out += length;
    parser->at += length;
}

static enum pintle_status copy_sequence(struct pti_json_parser *parser, uint8_t **out)
{
    const struct pti_json *json = parser->json;
    size_t length = pti_utf8_length(json->text + parser->at, json->size - parser->at);
    if (length == 0) {
        return pti_json_fail_expected(parser, "UTF-8");
    }
    memmove(*out, json->text + parser->at, length);
    *out += length;
    parser->at += length;
    return PINTLE_OK;
}

enum pintle_status pti_json_parse_string(struct pti_json_parser *parser, const uint8_t **string, uint32_t *size)
{
    const struct pti_json *json = parser->json;
    parser->at++;
    uint8_t *start = json->text + parser->at;
    uint8_t *out = start;
    copy_plain(parser, &out);
    while (pti_json_peek(parser) != '"') {
        uint8_t c = pti_json_peek(parser);
        if (c < 0x20) {
            return pti_json_fail_expected(parser, parser->at == json->size ? "'\"' to close the string"
                                                                           : "an escape for a control character");
        }
        enum pintle_status status = c == '\\' ? parse_escape(parser, &out) : copy_sequence(parser, &out);
        if (status != PINTLE_OK) {
            return status;
        }
        copy_plain(parser, &out);
    }
    parser->at++;
    *string = start;
    *size = (uint32_t)(out - start);
    return PINTLE_OK;
}
