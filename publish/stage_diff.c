/* SPDX-License-Identifier: Apache-2.0 */
/* The stage against what is published, as a list of changes in words: what a person reads before signing. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "publish/stage_internal.h"

const char *pti_change_kind_name(enum pti_change_kind kind)
{
    switch (kind) {
    case PTI_CHANGE_HOST_ADDED:
        return "host_added";
    case PTI_CHANGE_HOST_RELEASED:
        return "host_released";
    case PTI_CHANGE_MODE:
        return "mode";
    case PTI_CHANGE_ZONE:
        return "zone";
    case PTI_CHANGE_SUBDOMAINS:
        return "subdomains";
    case PTI_CHANGE_PIN_ADDED:
        return "pin_added";
    case PTI_CHANGE_PIN_REMOVED:
        return "pin_removed";
    case PTI_CHANGE_DENIAL_ADDED:
        return "denial_added";
    case PTI_CHANGE_DENIAL_REMOVED:
        return "denial_removed";
    case PTI_CHANGE_ZONE_ADDED:
        return "zone_added";
    case PTI_CHANGE_ZONE_WITHDRAWN:
        return "zone_withdrawn";
    case PTI_CHANGE_SETTING:
        return "setting";
    case PTI_CHANGE_KEY_ADDED:
        return "key_added";
    case PTI_CHANGE_KEY_REMOVED:
        return "key_removed";
    case PTI_CHANGE_KEY_REPLACED:
        return "key_replaced";
    case PTI_CHANGE_THRESHOLD:
        return "threshold";
    case PTI_CHANGE_RENEWED:
        return "renewed";
    }
    return "unknown";
}

struct pti_change *pti_diff_add(struct pti_differ *differ, enum pti_change_kind kind, const char *role,
                                const char *host)
{
    struct pti_change *change;

    if (differ->count == differ->capacity) {
        size_t capacity = differ->capacity == 0 ? 16 : 2 * differ->capacity;
        struct pti_change *grown = realloc(differ->changes, capacity * sizeof(*grown));
        if (grown == NULL) {
            differ->failed = true;
            return NULL;
        }
        differ->changes = grown;
        differ->capacity = capacity;
    }
    change = &differ->changes[differ->count++];
    memset(change, 0, sizeof(*change));
    change->kind = kind;
    change->permanent = strcmp(role, "targets") == 0;
    (void)pti_copy_text(change->role, sizeof(change->role), role);
    (void)pti_copy_text(change->host, sizeof(change->host), host);
    return change;
}

void pti_diff_say(struct pti_change *change, const char *format, ...)
{
    va_list arguments;

    if (change == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(change->text, sizeof(change->text), format, arguments);
    va_end(arguments);
}

/* ---- pins ---- */

static bool holds(const struct pti_pins *pins, const struct pti_pin *pin)
{
    for (size_t i = 0; pins != NULL && i < pins->count; i++)
        if (pins->items[i].of == pin->of && pins->items[i].at == pin->at &&
            memcmp(pins->items[i].sha256, pin->sha256, sizeof(pin->sha256)) == 0)
            return true;
    return false;
}

static void say_pin(struct pti_differ *differ, enum pti_change_kind kind, const char *role, const char *host,
                    const struct pti_pin *pin)
{
    bool denial = kind == PTI_CHANGE_DENIAL_ADDED || kind == PTI_CHANGE_DENIAL_REMOVED;
    bool added = kind == PTI_CHANGE_PIN_ADDED || kind == PTI_CHANGE_DENIAL_ADDED;
    struct pti_change *change = pti_diff_add(differ, kind, role, host);
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    if (change == NULL)
        return;
    change->pin = *pin;
    pti_base64_encode(pin->sha256, sizeof(pin->sha256), text);
    pti_diff_say(change, "%s: %s%s%s %s (%s%s%s)", host, change->permanent ? "permanent " : "",
                 denial ? "denial" : "pin", added ? " added:" : " removed:", text, pti_of_name(pin->of),
                 denial ? "" : ", ", denial ? "" : pti_at_name(pin->at));
}

/* What one list lost and won; either may be NULL. */
static void diff_pins(struct pti_differ *differ, const char *role, const char *host, const struct pti_pins *before,
                      const struct pti_pins *after, bool denials)
{
    for (size_t i = 0; before != NULL && i < before->count; i++)
        if (!holds(after, &before->items[i]))
            say_pin(differ, denials ? PTI_CHANGE_DENIAL_REMOVED : PTI_CHANGE_PIN_REMOVED, role, host,
                    &before->items[i]);
    for (size_t i = 0; after != NULL && i < after->count; i++)
        if (!holds(before, &after->items[i]))
            say_pin(differ, denials ? PTI_CHANGE_DENIAL_ADDED : PTI_CHANGE_PIN_ADDED, role, host, &after->items[i]);
}

/* ---- the charter ---- */

static void diff_entry(struct pti_differ *differ, const struct pti_charter_host *before,
                       const struct pti_charter_host *after)
{
    if (before->mode != after->mode)
        pti_diff_say(pti_diff_add(differ, PTI_CHANGE_MODE, "targets", after->host), "%s: mode %s, was %s%s",
                     after->host, pti_mode_name(after->mode), pti_mode_name(before->mode),
                     after->mode == PINTLE_MODE_REPORT ? ": a mismatch is reported and no longer refused" : "");
    if (strcmp(before->zone, after->zone) != 0)
        pti_diff_say(pti_diff_add(differ, PTI_CHANGE_ZONE, "targets", after->host), "%s: zone %s, was %s", after->host,
                     after->zone, before->zone);
    if (before->subdomains != after->subdomains)
        pti_diff_say(pti_diff_add(differ, PTI_CHANGE_SUBDOMAINS, "targets", after->host), "%s: subdomains %s",
                     after->host, after->subdomains ? "covered too" : "released: no longer pinned");
    diff_pins(differ, "targets", after->host, &before->pins, &after->pins, false);
    diff_pins(differ, "targets", after->host, &before->deny, &after->deny, true);
}

static void diff_new_entry(struct pti_differ *differ, const struct pti_charter_host *after)
{
    pti_diff_say(pti_diff_add(differ, PTI_CHANGE_HOST_ADDED, "targets", after->host),
                 "%s: host added, zone %s, mode %s%s", after->host, after->zone, pti_mode_name(after->mode),
                 after->subdomains ? ", with subdomains" : "");
    diff_pins(differ, "targets", after->host, NULL, &after->pins, false);
    diff_pins(differ, "targets", after->host, NULL, &after->deny, true);
}

static void setting(struct pti_differ *differ, const char *format, ...) PTI_PRINTF(2, 3);

static void setting(struct pti_differ *differ, const char *format, ...)
{
    struct pti_change *change = pti_diff_add(differ, PTI_CHANGE_SETTING, "targets", "");
    va_list arguments;

    if (change == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf(change->text, sizeof(change->text), format, arguments);
    va_end(arguments);
}

static bool sends_to(const struct pti_charter *charter, const char *url)
{
    for (size_t i = 0; i < charter->report_url_count; i++)
        if (strcmp(charter->report_urls[i], url) == 0)
            return true;
    return false;
}

/* A collector that changes hands must not hide: every address is named. */
static void diff_reports(struct pti_differ *differ, const struct pti_charter *before, const struct pti_charter *after)
{
    for (size_t i = 0; i < before->report_url_count; i++)
        if (!sends_to(after, before->report_urls[i]))
            setting(differ, "charter: reports no longer go to %s", before->report_urls[i]);
    for (size_t i = 0; i < after->report_url_count; i++)
        if (!sends_to(before, after->report_urls[i]))
            setting(differ, "charter: reports go to %s", after->report_urls[i]);
    if (before->sample_per_mille != after->sample_per_mille)
        setting(differ, "charter: reports are sampled at %d per mille, was %d", after->sample_per_mille,
                before->sample_per_mille);
    if (before->want_chain != after->want_chain)
        setting(differ, after->want_chain ? "charter: collectors may ask for whole chains"
                                          : "charter: collectors get no whole chains any more");
}

/* A bound in days, or none (negative). */
static void diff_bound(struct pti_differ *differ, const char *what, int64_t before, int64_t after)
{
    char was[32] = "never";

    if (before == after)
        return;
    if (before >= 0)
        (void)snprintf(was, sizeof(was), "after %" PRId64 " days", before);
    if (after < 0)
        setting(differ, "charter: %s are never refused, was %s", what, was);
    else
        setting(differ, "charter: %s are refused after %" PRId64 " days, was %s", what, after, was);
}

static void diff_settings(struct pti_differ *differ, const struct pti_charter *before, const struct pti_charter *after)
{
    diff_reports(differ, before, after);
    if (before->refresh_default_s != after->refresh_default_s || before->refresh_min_s != after->refresh_min_s ||
        before->refresh_max_s != after->refresh_max_s)
        setting(differ,
                "charter: clients poll every %" PRId64 " seconds (%" PRId64 " to %" PRId64 "), was %" PRId64
                " (%" PRId64 " to %" PRId64 ")",
                after->refresh_default_s, after->refresh_min_s, after->refresh_max_s, before->refresh_default_s,
                before->refresh_min_s, before->refresh_max_s);
    diff_bound(differ, "shipped pins", before->max_shipped_age_days, after->max_shipped_age_days);
    diff_bound(differ, "stale pins", before->refuse_stale_after_days, after->refuse_stale_after_days);
}

static void diff_charter(struct pti_differ *differ, const struct pti_charter *before, const struct pti_charter *after)
{
    for (size_t i = 0; i < after->host_count; i++) {
        const struct pti_charter_host *old = pti_charter_find(before, after->hosts[i].host);
        if (old == NULL)
            diff_new_entry(differ, &after->hosts[i]);
        else
            diff_entry(differ, old, &after->hosts[i]);
    }
    for (size_t i = 0; i < before->host_count; i++)
        if (pti_charter_find(after, before->hosts[i].host) == NULL)
            pti_diff_say(pti_diff_add(differ, PTI_CHANGE_HOST_RELEASED, "targets", before->hosts[i].host),
                         "%s: host released: clients stop pinning it", before->hosts[i].host);
    diff_settings(differ, before, after);
}

/* ---- zones ---- */

static void diff_zone(struct pti_differ *differ, const struct pti_zone *before, const struct pti_zone *after)
{
    for (size_t i = 0; i < before->host_count; i++) {
        const struct pti_zone_host *old = &before->hosts[i], *now = pti_zone_find(after, old->host);
        diff_pins(differ, before->name, old->host, &old->pins, now == NULL ? NULL : &now->pins, false);
        diff_pins(differ, before->name, old->host, &old->deny, now == NULL ? NULL : &now->deny, true);
    }
    for (size_t i = 0; i < after->host_count; i++) {
        const struct pti_zone_host *now = &after->hosts[i];
        if (pti_zone_find(before, now->host) != NULL)
            continue;
        diff_pins(differ, after->name, now->host, NULL, &now->pins, false);
        diff_pins(differ, after->name, now->host, NULL, &now->deny, true);
    }
}

static enum pintle_status diff_staged_zone(struct pti_differ *differ, const struct pti_stage_zone *zone,
                                           struct pti_error *error)
{
    const struct pti_published_zone *published = pti_published_zone(differ->stage->base, zone->name);
    struct pti_zone before;
    enum pintle_status status = PINTLE_OK;

    pti_zone_init(&before, zone->name);
    if (published != NULL && published->delegated)
        status = pti_zone_parse(published->file, zone->name, &before, error);
    else
        pti_diff_say(pti_diff_add(differ, PTI_CHANGE_ZONE_ADDED, "targets", ""),
                     "zone %s: added, %" PRId64 " of %zu keys sign it", zone->name, zone->keys.threshold,
                     zone->keys.key_count);
    if (status == PINTLE_OK)
        diff_zone(differ, &before, &zone->zone);
    pti_zone_clear(&before);
    return status;
}

/* A draft without a change of content is a renewal, or there because other keys sign now. */
static void diff_renewal(struct pti_differ *differ, const char *role, bool draft)
{
    bool explained = !draft, other_keys = false;

    for (size_t i = 0; i < differ->count && !explained; i++) {
        explained = strcmp(differ->changes[i].role, role) == 0;
        other_keys = other_keys || strcmp(differ->changes[i].key_role, role) == 0;
    }
    if (!explained)
        pti_diff_say(pti_diff_add(differ, PTI_CHANGE_RENEWED, role, ""), "%s: %s", role,
                     other_keys ? "signed anew by those who may sign it now, same content"
                                : "renewed, same content, later expiry");
}

enum pintle_status pti_stage_diff(const struct pti_stage *stage, struct pti_change **changes, size_t *count,
                                  struct pti_error *error)
{
    struct pti_differ differ = {.stage = stage};
    struct pti_charter before;
    enum pintle_status status = PINTLE_OK;

    pti_charter_init(&before);
    status = pti_diff_root(&differ, error);
    if (status == PINTLE_OK && stage->base->charter.size > 0)
        status = pti_charter_parse(stage->base->charter, &before, error);
    if (status == PINTLE_OK)
        diff_charter(&differ, &before, &stage->charter);
    pti_charter_clear(&before);
    if (status == PINTLE_OK)
        status = pti_diff_delegations(&differ, error);
    for (size_t i = 0; i < stage->zone_count && status == PINTLE_OK; i++)
        status = diff_staged_zone(&differ, &stage->zones[i], error);
    for (size_t i = 0; i < stage->base->zone_count && status == PINTLE_OK; i++)
        if (stage->base->zones[i].delegated && pti_stage_zone(stage, stage->base->zones[i].name) == NULL)
            pti_diff_say(pti_diff_add(&differ, PTI_CHANGE_ZONE_WITHDRAWN, "targets", ""), "zone %s: withdrawn",
                         stage->base->zones[i].name);
    diff_renewal(&differ, "root", stage->root.size > 0);
    diff_renewal(&differ, "targets", stage->targets.size > 0);
    for (size_t i = 0; i < stage->zone_count; i++) {
        const struct pti_published_zone *published = pti_published_zone(stage->base, stage->zones[i].name);
        if (published != NULL && published->delegated)
            diff_renewal(&differ, stage->zones[i].name, stage->zones[i].draft.size > 0);
    }
    if (status == PINTLE_OK && differ.failed)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu changes", differ.count);
    if (status != PINTLE_OK) {
        free(differ.changes);
        differ = (struct pti_differ){0};
    }
    for (size_t i = 0; i < differ.count; i++)
        pti_diff_effect(stage, &differ.changes[i]);
    *changes = differ.changes;
    *count = differ.count;
    return status;
}
