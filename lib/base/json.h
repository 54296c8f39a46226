/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict JSON reader: the subset of RFC 8259 in which no text has two readings (docs/design/0008-strict-json.md says
 * why; tests/vectors/json/rfc8259 has examples of each).
 *
 * Accepted: UTF-8; any type at the top; white space where RFC 8259 allows it, also after the value; every escape, with
 * surrogates in pairs; integers from -(2^53-1) to 2^53-1.  Refused, though RFC 8259 allows it: fractions, exponents, -0,
 * larger integers, a key twice in an object (after decoding), a surrogate alone, a byte order mark, more than
 * PTI_JSON_DEPTH_MAX nested values or PTI_JSON_NODES_MAX in all.  Whatever RFC 8259 does not allow is refused: a byte
 * after the value, a comma before a closing bracket, comments, NaN, bad UTF-8, raw control characters.
 *
 * Strings are decoded and carry their length, so "\u0000" is an ordinary character.  The members of an object are kept
 * sorted by key (by byte); the elements of an array keep their order.
 */
#ifndef PTI_BASE_JSON_H
#define PTI_BASE_JSON_H

#include <stdbool.h>

#include <pintle/bytes.h>

#include "base/error.h"

enum pti_json_type { PTI_JSON_NULL, PTI_JSON_BOOL, PTI_JSON_INTEGER, PTI_JSON_STRING, PTI_JSON_ARRAY, PTI_JSON_OBJECT };

struct pti_json;       /* a parsed text; owns all its values */
struct pti_json_value; /* borrowed from its text */

/*
 * Parses text, which may be freed afterwards.  On failure *json is NULL: PINTLE_ERR_INPUT with
 * "byte 17: duplicate key \"a\"" in error, or PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_json_parse(struct pintle_bytes text, struct pti_json **json, struct pti_error *error);

/*
 * The same, but for the elements of one array, the member `name` of the root: each is given to take() once it is parsed,
 * is valid until that returns, and takes no memory afterwards; the array has its count then, but no children.  A take()
 * that fails ends the parsing with its status.  What is given may still turn out to stand in a text that is refused.
 */
struct pti_json_elements {
    const char *name;
    enum pintle_status (*take)(void *ctx, const struct pti_json_value *element, struct pti_error *error);
    void *ctx;
};
enum pintle_status pti_json_parse_elements(struct pintle_bytes text, const struct pti_json_elements *elements,
                                           struct pti_json **json, struct pti_error *error);
void pti_json_free(struct pti_json *json);
size_t pti_json_memory(const struct pti_json *json);                     /* bytes that it takes; 0 of NULL */
const struct pti_json_value *pti_json_root(const struct pti_json *json); /* NULL of NULL */

enum pti_json_type pti_json_type(const struct pti_json_value *value);
const char *pti_json_type_name(enum pti_json_type type);    /* "an object", "a string", ... */
size_t pti_json_offset(const struct pti_json_value *value); /* of its first byte in the text */

/* Children of an array or object: NULL at the end, and for any other type. */
const struct pti_json_value *pti_json_first(const struct pti_json_value *value);
const struct pti_json_value *pti_json_next(const struct pti_json_value *value);
size_t pti_json_count(const struct pti_json_value *value);
struct pintle_bytes pti_json_name(const struct pti_json_value *member);
/* The member of an object, or NULL if it is absent or value is NULL or no object. */
const struct pti_json_value *pti_json_member(const struct pti_json_value *object, const char *name);

/* The content, false if value is NULL or of another type. */
bool pti_json_as_string(const struct pti_json_value *value, struct pintle_bytes *string);
bool pti_json_as_integer(const struct pti_json_value *value, int64_t *integer);
bool pti_json_as_bool(const struct pti_json_value *value, bool *boolean);

/*
 * Required members, with the error written: PINTLE_ERR_INPUT, "\"version\" must be an integer, found a string (byte
 * 40)" or "\"version\" is missing from the object at byte 12".
 */
enum pintle_status pti_json_get(const struct pti_json_value *object, const char *name, enum pti_json_type type,
                                const struct pti_json_value **value, struct pti_error *error);
enum pintle_status pti_json_get_string(const struct pti_json_value *object, const char *name,
                                       struct pintle_bytes *string, struct pti_error *error);
enum pintle_status pti_json_get_integer(const struct pti_json_value *object, const char *name, int64_t min, int64_t max,
                                        int64_t *integer, struct pti_error *error);
enum pintle_status pti_json_get_bool(const struct pti_json_value *object, const char *name, bool *boolean,
                                     struct pti_error *error);

#endif
