/* SPDX-License-Identifier: Apache-2.0 */
/* How a parsed text lies in memory: for json_parse.c and json_string.c, which make it, and json.c, which reads it. */
#ifndef PTI_BASE_JSON_INTERNAL_H
#define PTI_BASE_JSON_INTERNAL_H

#include "base/json.h"

/*
 * Values lie in one array, each before its children, and know each other by distance: the array may move while it
 * grows, and afterwards a value finds its relatives without knowing the array.
 */
struct pti_json_value {
    const uint8_t *name; /* of a member */
    union {
        const uint8_t *string;
        int64_t integer;
        bool boolean;
    } as;
    uint32_t name_size;
    uint32_t size;   /* bytes of a string, or how many children */
    uint32_t offset; /* in the text */
    int32_t first;   /* distance to the first child, 0 for none */
    int32_t next;    /* distance to the next sibling, 0 for none */
    enum pti_json_type type;
};

#define PTI_JSON_PADDING 8 /* NULs behind a text, the first of which is its terminator: eight bytes are read at once */

struct pti_json {
    uint8_t *text; /* a copy with a terminator; strings are decoded in place, so names and strings point into it */
    size_t size;
    struct pti_json_value *values;
    size_t count;
    size_t capacity;
};

struct pti_json_parser {
    struct pti_json *json;
    size_t at;    /* next byte; text[size] is a NUL, which no rule accepts, so that looking one byte ahead is safe */
    size_t depth; /* open arrays and objects */
    const struct pti_json_elements *elements; /* NULL: every value is kept */
    bool giving;                              /* the value to come is that of elements->name */
    struct pti_error *error;
};

/* "byte 3: expected ',' or ']', found '}'": what was expected at the next byte. Returns PINTLE_ERR_INPUT. */
enum pintle_status pti_json_fail_expected(struct pti_json_parser *parser, const char *expected);

/* At the opening quote: decodes a string in place and goes on behind the closing one. */
enum pintle_status pti_json_parse_string(struct pti_json_parser *parser, const uint8_t **string, uint32_t *size);

static inline uint8_t pti_json_peek(const struct pti_json_parser *parser)
{
    return parser->json->text[parser->at];
}

#endif
