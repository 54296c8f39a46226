/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser.  It recurses at most PTI_JSON_DEPTH_MAX deep, allocates twice (text and values, the latter growing), and
 * takes O(n log n) on any text.
 */
#include "base/json_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* A list of children under construction. */
struct list {
    size_t parent;
    size_t last; /* meaningful once the parent has a child */
    bool sorted; /* each name so far was above the one before */
};

static enum pintle_status parse_value(struct pti_json_parser *parser, size_t *index);

static enum pintle_status out_of_memory(struct pti_json_parser *parser)
{
    return pti_fail(parser->error, PINTLE_ERR_MEMORY, "byte %zu: out of memory", parser->at);
}

static bool take(struct pti_json_parser *parser, char c)
{
    if (pti_json_peek(parser) != (uint8_t)c) {
        return false;
    }
    parser->at++;
    return true;
}

static void skip_space(struct pti_json_parser *parser)
{
    uint8_t c = pti_json_peek(parser);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        parser->at++;
        c = pti_json_peek(parser);
    }
}

static enum pintle_status new_value(struct pti_json_parser *parser, enum pti_json_type type, size_t *index)
{
    struct pti_json *json = parser->json;
    if (json->count == json->capacity) {
        if (json->count >= PTI_JSON_NODES_MAX) {
            return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte %zu: expected at most %zu values", parser->at,
                            (size_t)PTI_JSON_NODES_MAX);
        }
        size_t capacity = json->capacity == 0 ? 64 : json->capacity * 2;
        capacity = capacity > PTI_JSON_NODES_MAX ? PTI_JSON_NODES_MAX : capacity;
        struct pti_json_value *values = realloc(json->values, capacity * sizeof *values);
        if (values == NULL) {
            return out_of_memory(parser);
        }
        json->values = values;
        json->capacity = capacity;
    }
    json->values[json->count] = (struct pti_json_value){.type = type, .offset = (uint32_t)parser->at};
    *index = json->count++;
    return PINTLE_OK;
}

static struct pintle_bytes name_of(const struct pti_json_value *value)
{
    return (struct pintle_bytes){.data = value->name, .size = value->name_size};
}

static void append_child(struct pti_json_parser *parser, struct list *list, size_t child)
{
    struct pti_json_value *values = parser->json->values;
    struct pti_json_value *parent = &values[list->parent];
    if (parent->size == 0) {
        parent->first = (int32_t)(child - list->parent);
    } else {
        values[list->last].next = (int32_t)(child - list->last);
        list->sorted = list->sorted && pti_bytes_compare(name_of(&values[list->last]), name_of(&values[child])) < 0;
    }
    parent->size++;
    list->last = child;
}

static enum pintle_status parse_integer(struct pti_json_parser *parser, size_t *index)
{
    enum pintle_status status = new_value(parser, PTI_JSON_INTEGER, index);
    if (status != PINTLE_OK) {
        return status;
    }
    size_t start = parser->at;
    bool negative = take(parser, '-');
    if (pti_json_peek(parser) < '0' || pti_json_peek(parser) > '9') {
        return pti_json_fail_expected(parser, "a digit");
    }
    size_t digits = parser->at;
    int64_t value = 0;
    for (; pti_json_peek(parser) >= '0' && pti_json_peek(parser) <= '9'; parser->at++) {
        value = value * 10 + (pti_json_peek(parser) - '0');
        if (value > PTI_JSON_INTEGER_MAX) {
            return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte %zu: expected an integer of at most 2^53-1", start);
        }
    }
    if (parser->json->text[digits] == '0' && (negative || parser->at - digits > 1)) {
        return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte %zu: expected an integer without %s", start,
                        value == 0 && negative ? "-0" : "a leading zero");
    }
    uint8_t c = pti_json_peek(parser);
    if (c == '.' || c == 'e' || c == 'E') {
        return pti_json_fail_expected(parser, "an integer without fraction or exponent");
    }
    parser->json->values[*index].as.integer = negative ? -value : value;
    return PINTLE_OK;
}

static enum pintle_status parse_word(struct pti_json_parser *parser, const char *word, enum pti_json_type type,
                                     size_t *index)
{
    enum pintle_status status = new_value(parser, type, index);
    for (; status == PINTLE_OK && *word != '\0'; word++) {
        if (!take(parser, *word)) {
            return pti_json_fail_expected(parser, "true, false or null");
        }
    }
    return status;
}

static enum pintle_status enter(struct pti_json_parser *parser, enum pti_json_type type, size_t *index)
{
    if (parser->depth == PTI_JSON_DEPTH_MAX) {
        return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte %zu: expected at most %d nested values", parser->at,
                        PTI_JSON_DEPTH_MAX);
    }
    enum pintle_status status = new_value(parser, type, index);
    if (status == PINTLE_OK) {
        parser->depth++;
        parser->at++;
        skip_space(parser);
    }
    return status;
}

/* Hands an element over and forgets it with all that it holds: nothing else was made since. */
static enum pintle_status give(struct pti_json_parser *parser, size_t array, size_t child)
{
    const struct pti_json_elements *elements = parser->elements;
    enum pintle_status status = elements->take(elements->ctx, &parser->json->values[child], parser->error);
    parser->json->count = child;
    parser->json->values[array].size++;
    return status;
}

static enum pintle_status parse_array(struct pti_json_parser *parser, size_t *index)
{
    bool giving = parser->giving;
    parser->giving = false;
    enum pintle_status status = enter(parser, PTI_JSON_ARRAY, index);
    struct list list = {.parent = *index};
    bool open = status == PINTLE_OK && !take(parser, ']');
    while (open) {
        size_t child = 0;
        status = parse_value(parser, &child);
        if (status != PINTLE_OK) {
            return status;
        }
        if (giving) {
            status = give(parser, *index, child);
            if (status != PINTLE_OK) {
                return status;
            }
        } else {
            append_child(parser, &list, child);
        }
        skip_space(parser);
        open = take(parser, ',');
        if (!open && !take(parser, ']')) {
            return pti_json_fail_expected(parser, "',' or ']'");
        }
        skip_space(parser);
    }
    parser->depth--;
    return status;
}

static struct pti_json_value *next_of(struct pti_json_value *value)
{
    return value->next == 0 ? NULL : value + value->next;
}

/* Merges two sorted lists given by their first values, which lie in one array, or NULL; a wins ties. */
static struct pti_json_value *merge(struct pti_json_value *a, struct pti_json_value *b)
{
    struct pti_json_value *head = NULL;
    struct pti_json_value *tail = NULL;
    while (a != NULL && b != NULL) {
        struct pti_json_value **source = pti_bytes_compare(name_of(a), name_of(b)) <= 0 ? &a : &b;
        struct pti_json_value *least = *source;
        *source = next_of(least);
        if (tail == NULL) {
            head = least;
        } else {
            tail->next = (int32_t)(least - tail);
        }
        tail = least;
    }
    struct pti_json_value *rest = a != NULL ? a : b;
    if (tail == NULL) {
        return rest;
    }
    tail->next = (int32_t)(rest - tail);
    return head;
}

/* A bottom-up merge sort: runs[i] is empty or a sorted list of 2^i members, earlier ones in higher places. */
static struct pti_json_value *sort_members(struct pti_json_value *member)
{
    struct pti_json_value *runs[32];
    size_t used = 0;
    while (member != NULL) {
        struct pti_json_value *next = next_of(member);
        member->next = 0;
        size_t i = 0;
        for (; i < used && runs[i] != NULL; i++) {
            member = merge(runs[i], member);
            runs[i] = NULL;
        }
        if (i == used) {
            used++;
        }
        runs[i] = member;
        member = next;
    }
    struct pti_json_value *sorted = NULL;
    for (size_t i = 0; i < used; i++) {
        sorted = merge(runs[i], sorted);
    }
    return sorted;
}

/* Sorts the members of a finished object, so that those with one name become neighbours, of which there may be none. */
static enum pintle_status close_object(struct pti_json_parser *parser, const struct list *list)
{
    struct pti_json_value *object = &parser->json->values[list->parent];
    if (list->sorted || object->size == 0) {
        return PINTLE_OK;
    }
    struct pti_json_value *member = sort_members(object + object->first);
    object->first = (int32_t)(member - object);
    for (; member->next != 0; member += member->next) {
        const struct pti_json_value *next = member + member->next;
        if (pti_bytes_equal(name_of(member), name_of(next))) {
            size_t quote = (size_t)(next->name - parser->json->text) - 1;
            int shown = next->name_size > 64 ? 64 : (int)next->name_size;
            return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte %zu: duplicate key \"%.*s\"", quote, shown,
                            (const char *)next->name);
        }
    }
    return PINTLE_OK;
}

static enum pintle_status parse_member(struct pti_json_parser *parser, struct list *list)
{
    if (pti_json_peek(parser) != '"') {
        return pti_json_fail_expected(parser, "'\"' to open a key");
    }
    const uint8_t *name = NULL;
    uint32_t name_size = 0;
    enum pintle_status status = pti_json_parse_string(parser, &name, &name_size);
    if (status != PINTLE_OK) {
        return status;
    }
    skip_space(parser);
    if (!take(parser, ':')) {
        return pti_json_fail_expected(parser, "':' after a key");
    }
    skip_space(parser);
    size_t child = 0;
    parser->giving = parser->elements != NULL && parser->depth == 1 && pti_json_peek(parser) == '[' &&
                     pti_bytes_equal_text((struct pintle_bytes){name, name_size}, parser->elements->name);
    status = parse_value(parser, &child);
    if (status != PINTLE_OK) {
        return status;
    }
    parser->json->values[child].name = name;
    parser->json->values[child].name_size = name_size;
    append_child(parser, list, child);
    return PINTLE_OK;
}

static enum pintle_status parse_object(struct pti_json_parser *parser, size_t *index)
{
    enum pintle_status status = enter(parser, PTI_JSON_OBJECT, index);
    struct list list = {.parent = *index, .sorted = true};
    bool open = status == PINTLE_OK && !take(parser, '}');
    while (open) {
        status = parse_member(parser, &list);
        if (status != PINTLE_OK) {
            return status;
        }
        skip_space(parser);
        open = take(parser, ',');
        if (!open && !take(parser, '}')) {
            return pti_json_fail_expected(parser, "',' or '}'");
        }
        skip_space(parser);
    }
    parser->depth--;
    return status == PINTLE_OK ? close_object(parser, &list) : status;
}

static enum pintle_status parse_value(struct pti_json_parser *parser, size_t *index)
{
    enum pintle_status status = PINTLE_ERR_INPUT;
    uint8_t c = pti_json_peek(parser);
    if (c == '{') {
        return parse_object(parser, index);
    }
    if (c == '[') {
        return parse_array(parser, index);
    }
    if (c == '"') {
        status = new_value(parser, PTI_JSON_STRING, index);
        if (status == PINTLE_OK) {
            const uint8_t *string = NULL;
            uint32_t size = 0;
            status = pti_json_parse_string(parser, &string, &size);
            parser->json->values[*index].as.string = string;
            parser->json->values[*index].size = size;
        }
        return status;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return parse_integer(parser, index);
    }
    if (c == 't' || c == 'f') {
        status = parse_word(parser, c == 't' ? "true" : "false", PTI_JSON_BOOL, index);
        if (status == PINTLE_OK) {
            parser->json->values[*index].as.boolean = c == 't';
        }
        return status;
    }
    return c == 'n' ? parse_word(parser, "null", PTI_JSON_NULL, index) : pti_json_fail_expected(parser, "a value");
}

static enum pintle_status parse_text(struct pti_json_parser *parser)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (parser->json->size >= sizeof mark && memcmp(parser->json->text, mark, sizeof mark) == 0) {
        return pti_fail(parser->error, PINTLE_ERR_INPUT, "byte 0: expected a value, found a byte order mark");
    }
    size_t root = 0;
    skip_space(parser);
    enum pintle_status status = parse_value(parser, &root);
    if (status != PINTLE_OK) {
        return status;
    }
    skip_space(parser);
    return parser->at == parser->json->size ? PINTLE_OK : pti_json_fail_expected(parser, "nothing after the value");
}

enum pintle_status pti_json_parse(struct pintle_bytes text, struct pti_json **json, struct pti_error *error)
{
    return pti_json_parse_elements(text, NULL, json, error);
}

enum pintle_status pti_json_parse_elements(struct pintle_bytes text, const struct pti_json_elements *elements,
                                           struct pti_json **json, struct pti_error *error)
{
    *json = NULL;
    if (text.size > INT32_MAX) {
        return pti_fail(error, PINTLE_ERR_INPUT, "byte 0: expected a text of less than 2 GiB");
    }
    struct pti_json *made = calloc(1, sizeof *made);
    uint8_t *copy = malloc(text.size + PTI_JSON_PADDING);
    if (made == NULL || copy == NULL) {
        free(made);
        free(copy);
        return pti_fail(error, PINTLE_ERR_MEMORY, "byte 0: out of memory");
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    memset(copy + text.size, 0, PTI_JSON_PADDING);
    made->text = copy;
    made->size = text.size;
    struct pti_json_parser parser = {.json = made, .error = error, .elements = elements};
    enum pintle_status status = parse_text(&parser);
    if (status != PINTLE_OK) {
        pti_json_free(made);
        return status;
    }
    *json = made;
    return PINTLE_OK;
}
