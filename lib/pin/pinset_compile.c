/* SPDX-License-Identifier: Apache-2.0 */
/* From charter and zones to a pinset. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "pin/pinset.h"

#define LINE_MAX_SIZE 768

/* What a compilation carries along.  The pinset's arrays are large enough for all of the input from the start. */
struct compiler {
    const struct pti_pinset_input *input;
    struct pintle_pinset *pinset;
    size_t names_used;
    size_t pins_used;
    const char *absent_zones[PTI_ZONES_MAX]; /* told once each */
    size_t absent_zone_count;
};

static void notice(const struct compiler *compiler, const char *format, ...) PTI_PRINTF(2, 3);

static void notice(const struct compiler *compiler, const char *format, ...)
{
    char line[LINE_MAX_SIZE];
    va_list args;

    if (compiler->input->notice == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    compiler->input->notice(compiler->input->notice_ctx, line);
}

static const struct pti_pinset_zone *find_zone(const struct pti_pinset_input *input, const char *name)
{
    for (size_t i = 0; i < input->zone_count; i++) {
        if (input->zones[i].zone != NULL && strcmp(input->zones[i].zone->name, name) == 0)
            return &input->zones[i];
    }
    return NULL;
}

static const char *keep_name(struct compiler *compiler, const char *text)
{
    char *copy = compiler->pinset->names + compiler->names_used;
    size_t size = strlen(text) + 1;

    memcpy(copy, text, size);
    compiler->names_used += size;
    return copy;
}

static void keep_pin(struct compiler *compiler, const struct pti_pin *pin)
{
    struct pti_policy_pin *kept = &compiler->pinset->pins[compiler->pins_used++];

    memcpy(kept->sha256, pin->sha256, sizeof kept->sha256);
    kept->of = pin->of;
    kept->at = pin->at;
    compiler->pinset->needs |= pin->of;
}

static bool is_same_key(const struct pti_pin *a, const struct pti_pin *b)
{
    return a->of == b->of && memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0;
}

static bool charter_pins_key(const struct pti_charter_host *entry, const struct pti_pin *pin)
{
    for (size_t i = 0; i < entry->pins.count; i++) {
        if (is_same_key(&entry->pins.items[i], pin))
            return true;
    }
    return false;
}

static bool charter_has_pin(const struct pti_charter_host *entry, const struct pti_pin *pin)
{
    for (size_t i = 0; i < entry->pins.count; i++) {
        if (is_same_key(&entry->pins.items[i], pin) && entry->pins.items[i].at == pin->at)
            return true;
    }
    return false;
}

static void tell_unusable(const struct compiler *compiler, const char *file, const char *host,
                          const struct pti_pins *pins, const char *what)
{
    if (pins->unusable > 0)
        notice(compiler,
               "%s: host %s: %s of a kind that this version does not know have no effect (%zu); update the "
               "application",
               file, host, what, pins->unusable);
}

/* The charter's list, kept as one range. */
static void keep_all(struct compiler *compiler, const struct pti_pins *pins, uint32_t *start, uint32_t *count)
{
    *start = (uint32_t)compiler->pins_used;
    for (size_t i = 0; i < pins->count; i++)
        keep_pin(compiler, &pins->items[i]);
    *count = (uint32_t)pins->count;
}

/* What the zone adds to the range of pins that has just been kept. */
static void add_zone_pins(struct compiler *compiler, const struct pti_charter_host *entry,
                          const struct pti_zone_host *zone_host, struct pti_policy *policy)
{
    for (size_t i = 0; i < zone_host->pins.count; i++) {
        if (!charter_has_pin(entry, &zone_host->pins.items[i])) {
            keep_pin(compiler, &zone_host->pins.items[i]);
            policy->pin_count++;
        }
    }
}

/* An online key must not take away what only the offline threshold may give: charter pins stand against the zone. */
static void keep_zone_denials(struct compiler *compiler, const struct pti_charter_host *entry,
                              const struct pti_zone_host *zone_host, struct pti_policy *policy)
{
    char sha256[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    policy->zone_deny = (uint32_t)compiler->pins_used;
    for (size_t i = 0; i < zone_host->deny.count; i++) {
        const struct pti_pin *denial = &zone_host->deny.items[i];
        if (charter_pins_key(entry, denial)) {
            pti_base64_encode(denial->sha256, sizeof denial->sha256, sha256);
            notice(compiler,
                   "zone %s: host %s: the denial of %s has no effect: the charter pins it, and only the "
                   "charter can deny it",
                   entry->zone, entry->host, sha256);
            continue;
        }
        keep_pin(compiler, denial);
        policy->zone_deny_count++;
    }
}

static void tell_absent_zone(struct compiler *compiler, const char *zone)
{
    for (size_t i = 0; i < compiler->absent_zone_count; i++) {
        if (strcmp(compiler->absent_zones[i], zone) == 0)
            return;
    }
    if (zone[0] == '\0' || compiler->absent_zone_count == PTI_ZONES_MAX)
        return;
    compiler->absent_zones[compiler->absent_zone_count++] = zone;
    notice(compiler, "zone %s: the charter names it but it has no file; its hosts have the charter's pins alone", zone);
}

static void compile_zone_part(struct compiler *compiler, const struct pti_charter_host *entry,
                              const struct pti_zone *zone, struct pti_policy *policy)
{
    char file[PINTLE_ZONE_NAME_MAX + 8];

    policy->zone_version = zone->version;
    const struct pti_zone_host *zone_host = pti_zone_find(zone, entry->host);
    if (zone_host == NULL)
        return;
    (void)snprintf(file, sizeof file, "zone %s", zone->name);
    tell_unusable(compiler, file, entry->host, &zone_host->pins, "pins");
    tell_unusable(compiler, file, entry->host, &zone_host->deny, "denials");
    add_zone_pins(compiler, entry, zone_host, policy);
    keep_zone_denials(compiler, entry, zone_host, policy);
}

static bool is_among(const struct pti_policy_pin *pin, const struct pti_policy_pin *denials, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (denials[i].of == pin->of && memcmp(denials[i].sha256, pin->sha256, sizeof pin->sha256) == 0)
            return true;
    }
    return false;
}

static bool every_pin_is_denied(const struct pintle_pinset *pinset, const struct pti_policy *policy)
{
    for (uint32_t i = 0; i < policy->pin_count; i++) {
        const struct pti_policy_pin *pin = &pinset->pins[policy->pins + i];
        if (!is_among(pin, &pinset->pins[policy->charter_deny], policy->charter_deny_count) &&
            !is_among(pin, &pinset->pins[policy->zone_deny], policy->zone_deny_count))
            return false;
    }
    return true;
}

/* A host that no connection to can succeed: its charter and zone say so together, though neither may mean it. */
static void tell_unreachable(const struct compiler *compiler, const struct pti_policy *policy)
{
    if (policy->mode != PINTLE_MODE_ENFORCE)
        return;
    if (policy->pin_count == 0)
        notice(compiler,
               "host %s: enforced without any usable pin, so every connection to it is refused; publish a pin "
               "in zone %s",
               policy->host, policy->zone);
    else if (every_pin_is_denied(compiler->pinset, policy))
        notice(compiler,
               "host %s: enforced, but every pin of it is denied, so every connection to it is refused; publish a pin "
               "in zone %s that is not denied",
               policy->host, policy->zone);
}

static void compile_host(struct compiler *compiler, const struct pti_charter_host *entry, struct pti_policy *policy)
{
    const struct pti_pinset_zone *zone = find_zone(compiler->input, entry->zone);

    policy->host = keep_name(compiler, entry->host);
    policy->zone = keep_name(compiler, entry->zone);
    policy->host_size = strlen(policy->host);
    policy->zone_size = strlen(policy->zone);
    policy->mode = entry->mode;
    policy->subdomains = entry->subdomains;
    policy->refuse_after = zone != NULL ? zone->refuse_after : compiler->input->refuse_after;
    compiler->pinset->bounded |= policy->refuse_after != PTI_NEVER;
    policy->refuse_reason = zone != NULL ? zone->refuse_reason : compiler->input->refuse_reason;
    tell_unusable(compiler, "charter", entry->host, &entry->pins, "pins");
    tell_unusable(compiler, "charter", entry->host, &entry->deny, "denials");
    keep_all(compiler, &entry->deny, &policy->charter_deny, &policy->charter_deny_count);
    keep_all(compiler, &entry->pins, &policy->pins, &policy->pin_count);
    if (zone != NULL)
        compile_zone_part(compiler, entry, zone->zone, policy);
    else
        tell_absent_zone(compiler, entry->zone);
    tell_unreachable(compiler, policy);
}

static void tell_overstepping(const struct compiler *compiler, const struct pti_zone *zone)
{
    for (size_t i = 0; i < zone->host_count; i++) {
        const struct pti_charter_host *entry = pti_charter_find(compiler->input->charter, zone->hosts[i].host);
        if (entry == NULL)
            notice(compiler, "zone %s: what it says about host %s has no effect: the charter does not list that host",
                   zone->name, zone->hosts[i].host);
        else if (strcmp(entry->zone, zone->name) != 0)
            notice(compiler,
                   "zone %s: what it says about host %s has no effect: the charter gives that host to zone %s",
                   zone->name, zone->hosts[i].host, entry->zone);
    }
}

struct sizes {
    size_t names;
    size_t pins;
};

/* An upper bound of what compiling keeps, so that nothing can fail half way. */
static struct sizes measure(const struct pti_pinset_input *input)
{
    struct sizes sizes = {0, 0};

    for (size_t i = 0; input->charter != NULL && i < input->charter->host_count; i++) {
        const struct pti_charter_host *entry = &input->charter->hosts[i];
        sizes.names += strlen(entry->host) + strlen(entry->zone) + 2;
        sizes.pins += entry->pins.count + entry->deny.count;
        const struct pti_pinset_zone *zone = find_zone(input, entry->zone);
        const struct pti_zone_host *zone_host = zone != NULL ? pti_zone_find(zone->zone, entry->host) : NULL;
        if (zone_host != NULL)
            sizes.pins += zone_host->pins.count + zone_host->deny.count;
    }
    for (size_t i = 0; i < input->required_count; i++)
        sizes.names += strlen(input->required[i]) + 1;
    return sizes;
}

static struct pintle_pinset *allocate(const struct pti_pinset_input *input)
{
    struct sizes sizes = measure(input);
    size_t policies = input->charter != NULL ? input->charter->host_count : 0;

    struct pintle_pinset *pinset = calloc(1, sizeof *pinset);
    if (pinset == NULL)
        return NULL;
    atomic_init(&pinset->references, 1);
    pinset->policies = calloc(policies + 1, sizeof *pinset->policies);
    pinset->index_mask = (uint32_t)(pti_pinset_index_size(policies) - 1);
    pinset->index = calloc((size_t)pinset->index_mask + 1, sizeof *pinset->index);
    pinset->pins = calloc(sizes.pins + 1, sizeof *pinset->pins);
    pinset->required = calloc(input->required_count + 1, sizeof *pinset->required);
    pinset->names = malloc(sizes.names + 1);
    if (pinset->policies == NULL || pinset->index == NULL || pinset->pins == NULL || pinset->required == NULL ||
        pinset->names == NULL) {
        pintle_pinset_free(pinset);
        return NULL;
    }
    return pinset;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum pintle_status pti_pinset_compile(const struct pti_pinset_input *input, struct pintle_pinset **pinset,
                                      struct pti_error *error)
{
    struct compiler compiler = {.input = input};
    const struct pti_charter *charter = input->charter;

    *pinset = NULL;
    struct pintle_pinset *made = allocate(input);
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a pinset of %zu hosts",
                        charter != NULL ? charter->host_count : 0);
    compiler.pinset = made;
    made->unlisted = input->unlisted;
    made->refuse_unknown = input->refuse_unknown;
    made->needs = PINTLE_OF_SPKI;
    if (charter != NULL) {
        made->charter_version = charter->version;
        for (size_t i = 0; i < charter->host_count; i++)
            compile_host(&compiler, &charter->hosts[i], &made->policies[i]);
        made->policy_count = charter->host_count; /* sorted, as the charter's hosts are */
        pti_pinset_index_fill(made);
        for (size_t i = 0; i < input->zone_count; i++) {
            if (input->zones[i].zone != NULL)
                tell_overstepping(&compiler, input->zones[i].zone);
        }
    }
    for (size_t i = 0; i < input->required_count; i++)
        made->required[i] = keep_name(&compiler, input->required[i]);
    made->required_count = input->required_count;
    qsort(made->required, made->required_count, sizeof *made->required, compare_texts);
    *pinset = made;
    return PINTLE_OK;
}
