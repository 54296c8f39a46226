/* SPDX-License-Identifier: Apache-2.0 */
/* Static pinning: pins frozen into the program become the charter that they amount to, and that is compiled. */
#include <string.h>

#include "base/buf.h"
#include "base/encode.h"
#include "pin/pinset.h"

static enum pintle_status read_pin(const struct pintle_static_pin *given, struct pti_pin *pin, struct pti_error *error)
{
    if (given->sha256 == NULL ||
        !pti_base64_decode_exact(pti_bytes_text(given->sha256), pin->sha256, sizeof pin->sha256))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected 44 characters of base64 for a SHA-256, without prefix, found \"%.64s\"",
                        given->sha256 != NULL ? given->sha256 : "");
    if (given->of != PINTLE_OF_SPKI && given->of != PINTLE_OF_CERT)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected \"of\" to be PINTLE_OF_SPKI or PINTLE_OF_CERT, found %u",
                        (unsigned)given->of);
    if (given->at != PINTLE_AT_LEAF && given->at != PINTLE_AT_ISSUER && given->at != PINTLE_AT_ANY)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected \"at\" to be PINTLE_AT_LEAF, PINTLE_AT_ISSUER or PINTLE_AT_ANY, found %u",
                        (unsigned)given->at);
    pin->of = (uint8_t)given->of;
    pin->at = (uint8_t)given->at;
    return PINTLE_OK;
}

static enum pintle_status add_pin(struct pti_charter *charter, const struct pintle_static_pin *given,
                                  struct pti_error *error)
{
    struct pti_host host;
    struct pti_pin pin;
    bool added;

    enum pintle_status status = pti_host_parse(given->host, &host, error);
    if (status != PINTLE_OK)
        return status;
    status = read_pin(given, &pin, error);
    if (status != PINTLE_OK)
        return status;
    struct pti_charter_host *entry = pti_charter_find(charter, host.name);
    if (entry == NULL)
        status = pti_charter_add_host(charter, host.name, &entry, error);
    if (status == PINTLE_OK && given->subdomains)
        status = pti_charter_set_subdomains(charter, host.name, true, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_pins_add(&entry->pins, &pin, &added);
    if (status != PINTLE_OK)
        (void)pti_fail(error, status,
                       status == PINTLE_ERR_MEMORY ? "out of memory for the pins of %s (at most %d)"
                                                   : "too many pins for %s; at most %d are possible",
                       host.name, PTI_PINS_PER_HOST_MAX);
    return status;
}

static enum pintle_status make(const struct pintle_static_pin *pins, size_t count, enum pintle_unlisted unlisted,
                               struct pintle_pinset **pinset, struct pti_error *error)
{
    struct pti_charter charter;
    enum pintle_status status = PINTLE_OK;

    pti_charter_init(&charter);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        status = add_pin(&charter, &pins[i], error);
        if (status != PINTLE_OK)
            (void)pti_error_prefix(error, "pin %zu", i);
    }
    if (status == PINTLE_OK) {
        const struct pti_pinset_input input = {.charter = &charter,
                                               .refuse_after = PTI_NEVER,
                                               .refuse_reason = PINTLE_REASON_STALE_REFUSED,
                                               .unlisted = unlisted};
        status = pti_pinset_compile(&input, pinset, error);
    }
    pti_charter_clear(&charter);
    return status;
}

enum pintle_status pintle_pinset_new_static(const struct pintle_static_pin *pins, size_t count,
                                            enum pintle_unlisted unlisted, struct pintle_pinset **pinset, char *detail,
                                            size_t detail_size)
{
    struct pti_error error;
    enum pintle_status status;

    pti_error_clear(&error);
    if (pinset != NULL)
        *pinset = NULL;
    /* "An empty pin set means accept" has been the hole in more than one pinning library. */
    if (unlisted != PINTLE_UNLISTED_ACCEPT && unlisted != PINTLE_UNLISTED_REFUSE)
        status = pti_fail(&error, PINTLE_ERR_MISUSE, "expected unlisted hosts to be accepted or refused, found %d",
                          (int)unlisted);
    else if (pinset == NULL || (pins == NULL && count > 0) || (count == 0 && unlisted != PINTLE_UNLISTED_REFUSE))
        status = pti_fail(
            &error, PINTLE_ERR_MISUSE,
            "expected pins and a place for the pinset; one without pins that accepts unlisted hosts would "
            "pin nothing");
    else
        status = make(pins, count, unlisted, pinset, &error);
    if (detail != NULL)
        (void)pti_copy_text(detail, detail_size, error.detail);
    return status;
}
