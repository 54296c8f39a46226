/* SPDX-License-Identifier: Apache-2.0 */
/* Edits of hosts and pins in the stage.  Everything is checked before anything is changed. */
#include <string.h>

#include "base/encode.h"
#include "pin/host.h"
#include "publish/stage_internal.h"

/* ---- hosts ---- */

static enum pintle_status find_entry(struct pti_stage *stage, const char *host, struct pti_charter_host **entry,
                                     struct pti_error *error)
{
    struct pti_host parsed;
    enum pintle_status status = pti_host_parse(host, &parsed, error);

    *entry = NULL;
    if (status != PINTLE_OK)
        return status;
    *entry = pti_charter_find(&stage->charter, parsed.name);
    if (*entry == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a host of the charter, found %s; add it first: `pintle host add %s --zone ZONE`",
                        parsed.name, parsed.name);
    return PINTLE_OK;
}

enum pintle_status pti_stage_find_zone(const struct pti_stage *stage, const char *name, struct pti_stage_zone **zone,
                                       struct pti_error *error)
{
    *zone = pti_stage_zone(stage, name);
    if (*zone == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "there is no zone \"%.63s\"; add it with `pintle zone add %.63s`, or see `pintle zone list`",
                        name, name);
    return PINTLE_OK;
}

/* The zone of a new host, or of an existing one after the edit. */
static enum pintle_status wanted_zone(const struct pti_stage *stage, const struct pti_charter_host *entry,
                                      const struct pti_host_edit *edit, struct pti_stage_zone **zone,
                                      struct pti_error *error)
{
    if (edit->zone != NULL)
        return pti_stage_find_zone(stage, edit->zone, zone, error);
    if (entry != NULL)
        return pti_stage_find_zone(stage, entry->zone, zone, error);
    if (stage->zone_count != 1)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected --zone ZONE, found none, and there are %zu zones; say which one has the host's keys",
                        stage->zone_count);
    *zone = &stage->zones[0];
    return PINTLE_OK;
}

static enum pintle_status add_all(struct pti_pins *to, const struct pti_pins *from, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    bool added;

    for (size_t i = 0; i < from->count && status == PINTLE_OK; i++)
        status = pti_pins_add(to, &from->items[i], &added);
    return status == PINTLE_OK ? status : pti_fail(error, status, "the zone has no room for the pins of this host");
}

/* A host that changes its zone takes what the old zone says about it along. */
static enum pintle_status move_entry(struct pti_stage_zone *from, struct pti_stage_zone *to, const char *host,
                                     struct pti_error *error)
{
    const struct pti_zone_host *old = pti_zone_find(&from->zone, host);
    struct pti_zone_host *entry = NULL;
    enum pintle_status status;

    if (old == NULL || from == to)
        return PINTLE_OK;
    status = pti_zone_host(&to->zone, host, &entry, error);
    if (status == PINTLE_OK)
        status = add_all(&entry->pins, &old->pins, error);
    if (status == PINTLE_OK)
        status = add_all(&entry->deny, &old->deny, error);
    if (status != PINTLE_OK)
        pti_zone_remove_host(&to->zone, host);
    else
        pti_zone_remove_host(&from->zone, host);
    return status;
}

static enum pintle_status change_host(struct pti_stage *stage, const char *name, struct pti_stage_zone *zone,
                                      const struct pti_host_edit *edit, struct pti_error *error)
{
    struct pti_charter_host *entry = pti_charter_find(&stage->charter, name);
    struct pti_stage_zone *old = pti_stage_zone(stage, entry->zone);
    enum pintle_status status = PINTLE_OK;

    if (old != NULL)
        status = move_entry(old, zone, name, error);
    if (status != PINTLE_OK)
        return status;
    (void)pti_copy_text(entry->zone, sizeof(entry->zone), zone->name);
    if (edit->mode != PINTLE_MODE_NONE)
        entry->mode = edit->mode;
    return edit->set_subdomains ? pti_charter_set_subdomains(&stage->charter, name, edit->subdomains, error)
                                : PINTLE_OK;
}

enum pintle_status pti_stage_host_add(struct pti_stage *stage, const char *host, const struct pti_host_edit *edit,
                                      struct pti_error *error)
{
    struct pti_host parsed;
    struct pti_charter_host *entry;
    struct pti_stage_zone *zone = NULL;
    enum pintle_status status = pti_host_parse(host, &parsed, error);

    if (status != PINTLE_OK)
        return status;
    if (parsed.ip && edit->set_subdomains && edit->subdomains)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s is an IP address, which has no subdomains; leave --subdomains out",
                        parsed.name);
    entry = pti_charter_find(&stage->charter, parsed.name);
    status = wanted_zone(stage, entry, edit, &zone, error);
    if (status == PINTLE_OK && entry == NULL)
        status = pti_charter_add_host(&stage->charter, parsed.name, &entry, error);
    return status == PINTLE_OK ? change_host(stage, parsed.name, zone, edit, error) : status;
}

enum pintle_status pti_stage_host_release(struct pti_stage *stage, const char *host, struct pti_error *error)
{
    struct pti_charter_host *entry;
    struct pti_host parsed;
    enum pintle_status status = find_entry(stage, host, &entry, error);

    if (status == PINTLE_OK)
        status = pti_host_parse(host, &parsed, error);
    if (status == PINTLE_OK)
        status = pti_charter_release_host(&stage->charter, parsed.name, error);
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        pti_zone_remove_host(&stage->zones[i].zone, parsed.name);
    return status;
}

/* ---- pins ---- */

static bool names_key(const struct pti_pins *pins, const struct pti_pin *pin)
{
    for (size_t i = 0; i < pins->count; i++)
        if (pins->items[i].of == pin->of && memcmp(pins->items[i].sha256, pin->sha256, sizeof(pin->sha256)) == 0)
            return true;
    return false;
}

/*
 * A key that one file both pins and denies is a mistake, and a zone's denial of a charter pin has no effect in any
 * client. The charter may deny what a zone pins: that is how a stolen zone key is answered.
 */
static enum pintle_status check_conflict(const struct pti_charter_host *entry, const struct pti_zone_host *zone_entry,
                                         const struct pti_pin_edit *edit, struct pti_error *error)
{
    const char *permanent = edit->permanent ? " --permanent" : "";
    const struct pti_pins *pins = edit->permanent ? &entry->pins : zone_entry == NULL ? NULL : &zone_entry->pins;
    const struct pti_pins *deny = edit->permanent ? &entry->deny : zone_entry == NULL ? NULL : &zone_entry->deny;
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(edit->pin.sha256, sizeof(edit->pin.sha256), text);
    if (edit->deny && pins != NULL && names_key(pins, &edit->pin))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s is pinned for %s; remove that pin first: `pintle pin remove %s %s%s`", text, entry->host,
                        entry->host, text, permanent);
    if (!edit->deny && deny != NULL && names_key(deny, &edit->pin))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "%s is denied for %s; remove that denial first: `pintle pin remove %s %s --deny%s`", text,
                        entry->host, entry->host, text, permanent);
    if (edit->deny && !edit->permanent && names_key(&entry->pins, &edit->pin))
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "the charter pins %s for %s, and clients ignore a zone's denial of a charter pin; remove it there: "
            "`pintle pin remove %s %s --permanent`",
            text, entry->host, entry->host, text);
    if (!edit->deny && edit->permanent && zone_entry != NULL && names_key(&zone_entry->deny, &edit->pin))
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "zone %s denies %s for %s, which would have no effect beside a charter pin; remove that denial first: "
            "`pintle pin remove %s %s --deny`",
            entry->zone, text, entry->host, entry->host, text);
    return PINTLE_OK;
}

enum pintle_status pti_stage_pin_add(struct pti_stage *stage, const char *host, const struct pti_pin_edit *edit,
                                     bool *added, struct pti_error *error)
{
    struct pti_charter_host *entry;
    struct pti_stage_zone *zone;
    struct pti_zone_host *zone_entry;
    struct pti_pin pin = edit->pin;
    struct pti_pins *list;
    enum pintle_status status = find_entry(stage, host, &entry, error);

    *added = false;
    if (status == PINTLE_OK)
        status = pti_stage_find_zone(stage, entry->zone, &zone, error);
    if (status == PINTLE_OK)
        status = check_conflict(entry, pti_zone_find(&zone->zone, entry->host), edit, error);
    if (status != PINTLE_OK)
        return status;
    if (edit->deny)
        pin.at = PINTLE_AT_ANY;
    if (edit->permanent) {
        list = edit->deny ? &entry->deny : &entry->pins;
    } else {
        status = pti_zone_host(&zone->zone, entry->host, &zone_entry, error);
        if (status != PINTLE_OK)
            return status;
        list = edit->deny ? &zone_entry->deny : &zone_entry->pins;
    }
    status = pti_pins_add(list, &pin, added);
    if (status == PINTLE_ERR_INPUT)
        return pti_fail(error, status, "%s has %zu of at most %d; remove old ones first", entry->host, list->count,
                        PTI_PINS_PER_HOST_MAX);
    return status == PINTLE_OK ? status : pti_fail(error, status, "out of memory for a pin");
}

enum pintle_status pti_stage_pin_remove(struct pti_stage *stage, const char *host, const struct pti_pin_edit *edit,
                                        struct pti_error *error)
{
    struct pti_charter_host *entry;
    struct pti_stage_zone *zone;
    struct pti_zone_host *zone_entry;
    size_t removed = 0;
    enum pintle_status status = find_entry(stage, host, &entry, error);

    if (status == PINTLE_OK)
        status = pti_stage_find_zone(stage, entry->zone, &zone, error);
    if (status != PINTLE_OK)
        return status;
    zone_entry = pti_zone_find(&zone->zone, entry->host);
    if (edit->permanent)
        removed = pti_pins_remove(edit->deny ? &entry->deny : &entry->pins, edit->pin.sha256);
    else if (zone_entry != NULL)
        removed = pti_pins_remove(edit->deny ? &zone_entry->deny : &zone_entry->pins, edit->pin.sha256);
    if (removed == 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s has no such %s in the %s; see `pintle pin list %s`", entry->host,
                        edit->deny ? "denial" : "pin",
                        edit->permanent ? "charter" : "zone (for the charter's: --permanent)", entry->host);
    if (zone_entry != NULL && zone_entry->pins.count == 0 && zone_entry->deny.count == 0)
        pti_zone_remove_host(&zone->zone, entry->host);
    return PINTLE_OK;
}
