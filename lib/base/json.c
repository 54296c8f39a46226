/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a parsed text. */
#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/json_internal.h"

void pti_json_free(struct pti_json *json)
{
    if (json != NULL) {
        free(json->values);
        free(json->text);
        free(json);
    }
}

size_t pti_json_memory(const struct pti_json *json)
{
    return json == NULL ? 0 : sizeof *json + json->size + json->capacity * sizeof *json->values;
}

const struct pti_json_value *pti_json_root(const struct pti_json *json)
{
    return json != NULL ? json->values : NULL;
}

enum pti_json_type pti_json_type(const struct pti_json_value *value)
{
    return value->type;
}

const char *pti_json_type_name(enum pti_json_type type)
{
    switch (type) {
    case PTI_JSON_NULL:
        return "null";
    case PTI_JSON_BOOL:
        return "a boolean";
    case PTI_JSON_INTEGER:
        return "an integer";
    case PTI_JSON_STRING:
        return "a string";
    case PTI_JSON_ARRAY:
        return "an array";
    case PTI_JSON_OBJECT:
        return "an object";
    }
    return "unknown";
}

size_t pti_json_offset(const struct pti_json_value *value)
{
    return value->offset;
}

const struct pti_json_value *pti_json_first(const struct pti_json_value *value)
{
    return value == NULL || value->first == 0 ? NULL : value + value->first;
}

const struct pti_json_value *pti_json_next(const struct pti_json_value *value)
{
    return value == NULL || value->next == 0 ? NULL : value + value->next;
}

static bool is(const struct pti_json_value *value, enum pti_json_type type)
{
    return value != NULL && value->type == type;
}

size_t pti_json_count(const struct pti_json_value *value)
{
    return is(value, PTI_JSON_ARRAY) || is(value, PTI_JSON_OBJECT) ? value->size : 0;
}

struct pintle_bytes pti_json_name(const struct pti_json_value *member)
{
    return (struct pintle_bytes){.data = member->name, .size = member->name_size};
}

const struct pti_json_value *pti_json_member(const struct pti_json_value *object, const char *name)
{
    if (!is(object, PTI_JSON_OBJECT)) {
        return NULL;
    }
    struct pintle_bytes wanted = pti_bytes_text(name);
    for (const struct pti_json_value *member = pti_json_first(object); member != NULL; member = pti_json_next(member)) {
        int order = pti_bytes_compare(pti_json_name(member), wanted);
        if (order >= 0) {
            return order == 0 ? member : NULL;
        }
    }
    return NULL;
}

bool pti_json_as_string(const struct pti_json_value *value, struct pintle_bytes *string)
{
    if (!is(value, PTI_JSON_STRING)) {
        return false;
    }
    *string = (struct pintle_bytes){.data = value->as.string, .size = value->size};
    return true;
}

bool pti_json_as_integer(const struct pti_json_value *value, int64_t *integer)
{
    if (!is(value, PTI_JSON_INTEGER)) {
        return false;
    }
    *integer = value->as.integer;
    return true;
}

bool pti_json_as_bool(const struct pti_json_value *value, bool *boolean)
{
    if (!is(value, PTI_JSON_BOOL)) {
        return false;
    }
    *boolean = value->as.boolean;
    return true;
}

enum pintle_status pti_json_get(const struct pti_json_value *object, const char *name, enum pti_json_type type,
                                const struct pti_json_value **value, struct pti_error *error)
{
    *value = NULL;
    if (object == NULL) {
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" is missing, and so is the object it should stand in", name);
    }
    if (object->type != PTI_JSON_OBJECT) {
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must stand in an object, found %s (byte %zu)", name,
                        pti_json_type_name(object->type), pti_json_offset(object));
    }
    const struct pti_json_value *member = pti_json_member(object, name);
    if (member == NULL) {
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" is missing from the object at byte %zu", name,
                        pti_json_offset(object));
    }
    if (member->type != type) {
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must be %s, found %s (byte %zu)", name,
                        pti_json_type_name(type), pti_json_type_name(member->type), pti_json_offset(member));
    }
    *value = member;
    return PINTLE_OK;
}

enum pintle_status pti_json_get_string(const struct pti_json_value *object, const char *name,
                                       struct pintle_bytes *string, struct pti_error *error)
{
    *string = (struct pintle_bytes){.data = NULL, .size = 0};
    const struct pti_json_value *value = NULL;
    enum pintle_status status = pti_json_get(object, name, PTI_JSON_STRING, &value, error);
    pti_json_as_string(value, string);
    return status;
}

enum pintle_status pti_json_get_integer(const struct pti_json_value *object, const char *name, int64_t min, int64_t max,
                                        int64_t *integer, struct pti_error *error)
{
    *integer = 0;
    const struct pti_json_value *value = NULL;
    enum pintle_status status = pti_json_get(object, name, PTI_JSON_INTEGER, &value, error);
    if (status != PINTLE_OK) {
        return status;
    }
    if (value->as.integer < min || value->as.integer > max) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "\"%s\" must be from %" PRId64 " to %" PRId64 ", found %" PRId64 " (byte %zu)", name, min, max,
                        value->as.integer, pti_json_offset(value));
    }
    *integer = value->as.integer;
    return PINTLE_OK;
}

enum pintle_status pti_json_get_bool(const struct pti_json_value *object, const char *name, bool *boolean,
                                     struct pti_error *error)
{
    *boolean = false;
    const struct pti_json_value *value = NULL;
    enum pintle_status status = pti_json_get(object, name, PTI_JSON_BOOL, &value, error);
    pti_json_as_bool(value, boolean);
    return status;
}
