/* SPDX-License-Identifier: Apache-2.0 */
/* Pins and denials as lists, and as JSON. */
#include "pin/pins.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"

struct name {
    const char *text;
    uint8_t value;
};

static const struct name of_names[] = {{"spki", PINTLE_OF_SPKI}, {"cert", PINTLE_OF_CERT}};
static const struct name at_names[] = {{"leaf", PINTLE_AT_LEAF}, {"issuer", PINTLE_AT_ISSUER}, {"any", PINTLE_AT_ANY}};

static const char *name_of(const struct name *names, size_t count, unsigned value)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].value == value)
            return names[i].text;
    }
    return "unknown";
}

static bool value_of(const struct name *names, size_t count, struct pintle_bytes text, uint8_t *value)
{
    for (size_t i = 0; i < count; i++) {
        if (pti_bytes_equal_text(text, names[i].text)) {
            *value = names[i].value;
            return true;
        }
    }
    return false;
}

const char *pti_of_name(unsigned of)
{
    return name_of(of_names, sizeof of_names / sizeof of_names[0], of);
}

const char *pti_at_name(unsigned at)
{
    return name_of(at_names, sizeof at_names / sizeof at_names[0], at);
}

bool pti_of_parse(struct pintle_bytes text, uint8_t *of)
{
    return value_of(of_names, sizeof of_names / sizeof of_names[0], text, of);
}

bool pti_at_parse(struct pintle_bytes text, uint8_t *at)
{
    return value_of(at_names, sizeof at_names / sizeof at_names[0], text, at);
}

static bool equal(const struct pti_pin *a, const struct pti_pin *b)
{
    return a->of == b->of && a->at == b->at && memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

static bool contains(const struct pti_pins *pins, const struct pti_pin *pin)
{
    for (size_t i = 0; i < pins->count; i++) {
        if (equal(&pins->items[i], pin))
            return true;
    }
    return false;
}

/* *usable is false for a kind that a later version may have added; its other fields then mean nothing to us. */
static enum pintle_status parse_pin(const struct pti_json_value *object, bool denial, struct pti_pin *pin, bool *usable,
                                    struct pti_error *error)
{
    struct pintle_bytes of, at, sha256;

    *usable = false;
    pin->at = PINTLE_AT_ANY;
    enum pintle_status status = pti_json_get_string(object, "of", &of, error);
    if (status != PINTLE_OK || !pti_of_parse(of, &pin->of))
        return status;
    if (!denial) {
        status = pti_json_get_string(object, "at", &at, error);
        if (status != PINTLE_OK || !pti_at_parse(at, &pin->at))
            return status;
    }
    status = pti_json_get_string(object, "sha256", &sha256, error);
    if (status != PINTLE_OK)
        return status;
    if (!pti_base64_decode_exact(sha256, pin->sha256, sizeof pin->sha256))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected \"sha256\" to be 44 characters of base64 for 32 bytes, found %zu characters "
                        "(byte %zu)",
                        sha256.size, pti_json_offset(pti_json_member(object, "sha256")));
    *usable = true;
    return PINTLE_OK;
}

enum pintle_status pti_pins_parse(const struct pti_json_value *array, bool denials, struct pti_pins *pins,
                                  struct pti_error *error)
{
    *pins = (struct pti_pins){NULL, 0, 0};
    if (array == NULL)
        return PINTLE_OK;
    if (pti_json_type(array) != PTI_JSON_ARRAY)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected an array of %s, found %s", denials ? "denials" : "pins",
                        pti_json_type_name(pti_json_type(array)));
    size_t count = pti_json_count(array);
    if (count > PTI_PINS_PER_HOST_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected at most %d %s for one host, found %zu; remove old ones",
                        PTI_PINS_PER_HOST_MAX, denials ? "denials" : "pins", count);
    if (count == 0)
        return PINTLE_OK;
    pins->items = malloc(count * sizeof *pins->items);
    if (pins->items == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu pins", count);
    for (const struct pti_json_value *item = pti_json_first(array); item != NULL; item = pti_json_next(item)) {
        struct pti_pin pin;
        bool usable;
        enum pintle_status status = parse_pin(item, denials, &pin, &usable, error);
        if (status != PINTLE_OK) {
            pti_pins_clear(pins);
            return status;
        }
        if (!usable)
            pins->unusable++;
        else if (!contains(pins, &pin))
            pins->items[pins->count++] = pin;
    }
    return PINTLE_OK;
}

void pti_pins_clear(struct pti_pins *pins)
{
    free(pins->items);
    *pins = (struct pti_pins){NULL, 0, 0};
}

enum pintle_status pti_pins_add(struct pti_pins *pins, const struct pti_pin *pin, bool *added)
{
    *added = false;
    if (contains(pins, pin))
        return PINTLE_OK;
    if (pins->count >= PTI_PINS_PER_HOST_MAX)
        return PINTLE_ERR_INPUT;
    struct pti_pin *items = realloc(pins->items, (pins->count + 1) * sizeof *items);
    if (items == NULL)
        return PINTLE_ERR_MEMORY;
    items[pins->count++] = *pin;
    pins->items = items;
    *added = true;
    return PINTLE_OK;
}

size_t pti_pins_remove(struct pti_pins *pins, const uint8_t sha256[PINTLE_SHA256_SIZE])
{
    size_t kept = 0;

    for (size_t i = 0; i < pins->count; i++) {
        if (memcmp(pins->items[i].sha256, sha256, PINTLE_SHA256_SIZE) != 0)
            pins->items[kept++] = pins->items[i];
    }
    size_t removed = pins->count - kept;
    pins->count = kept;
    return removed;
}

void pti_pins_write(const struct pti_pins *pins, bool denials, const char *name, struct pti_json_writer *writer)
{
    char sha256[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_json_begin_array(writer, name);
    for (size_t i = 0; i < pins->count; i++) {
        const struct pti_pin *pin = &pins->items[i];
        pti_base64_encode(pin->sha256, sizeof pin->sha256, sha256);
        pti_json_begin_object(writer, NULL);
        pti_json_put_text(writer, "sha256", sha256);
        pti_json_put_text(writer, "of", pti_of_name(pin->of));
        if (!denials)
            pti_json_put_text(writer, "at", pti_at_name(pin->at));
        pti_json_end_object(writer);
    }
    pti_json_end_array(writer);
}
