/* SPDX-License-Identifier: Apache-2.0 */
/* A list of pins or denials as charter and zone files write them: {"sha256":"<base64>","of":"spki","at":"leaf"}. */
#ifndef PTI_PIN_PINS_H
#define PTI_PIN_PINS_H

#include <pintle/evidence.h>

#include "base/json.h"
#include "base/json_write.h"

struct pti_pin {
    uint8_t sha256[PINTLE_SHA256_SIZE];
    uint8_t of; /* enum pintle_of */
    uint8_t at; /* enum pintle_at; PINTLE_AT_ANY for a denial */
};

struct pti_pins {
    struct pti_pin *items;
    size_t count;
    size_t unusable; /* entries of a kind this build does not know: skipped, not fatal */
};

/*
 * Reads a JSON array; NULL is an absent one, so no pins.  denials have no "at".  A malformed hash (not 44 characters of base64 for 32 bytes) is
 * PINTLE_ERR_INPUT; an unknown "of" or "at" is counted in unusable.  More than PTI_PINS_PER_HOST_MAX: PINTLE_ERR_INPUT.
 */
enum pintle_status pti_pins_parse(const struct pti_json_value *array, bool denials, struct pti_pins *pins,
                                  struct pti_error *error);
void pti_pins_clear(struct pti_pins *pins);
/* Appends unless an equal one is there; *added says which. PINTLE_ERR_INPUT: the list is full. PINTLE_ERR_MEMORY. */
enum pintle_status pti_pins_add(struct pti_pins *pins, const struct pti_pin *pin, bool *added);
/* Removes all pins with this hash and returns how many went. */
size_t pti_pins_remove(struct pti_pins *pins, const uint8_t sha256[PINTLE_SHA256_SIZE]);
void pti_pins_write(const struct pti_pins *pins, bool denials, const char *name, struct pti_json_writer *writer);

const char *pti_of_name(unsigned of); /* "spki", "cert" */
const char *pti_at_name(unsigned at); /* "leaf", "issuer", "any" */
bool pti_of_parse(struct pintle_bytes text, uint8_t *of);
bool pti_at_parse(struct pintle_bytes text, uint8_t *at);

#endif
