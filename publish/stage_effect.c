/* SPDX-License-Identifier: Apache-2.0 */
/* What clients do differently once a change is out, and what of it somebody may regret. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/stage_internal.h"

/* ---- effects ---- */

static void say(struct pti_change *change, const char *text)
{
    (void)pti_copy_text(change->effect, sizeof(change->effect), text);
}

/* The entry, other than the host's own, that covers a name below it. */
static const struct pti_charter_host *parent_of(const struct pti_charter *charter, const char *host)
{
    for (const char *dot = strchr(host, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        const struct pti_charter_host *parent = pti_charter_find(charter, dot + 1);
        if (parent != NULL && parent->subdomains)
            return parent;
    }
    return NULL;
}

static void say_without_entry(const struct pti_stage *stage, struct pti_change *change, const char *what)
{
    const struct pti_charter_host *parent = parent_of(&stage->charter, change->host);

    if (parent != NULL)
        (void)snprintf(change->effect, sizeof(change->effect), "hold %s to the pins of %.100s", what, parent->host);
    else
        (void)snprintf(change->effect, sizeof(change->effect),
                       "connect to %s after ordinary validation alone; apps that require pins for it refuse it", what);
}

static void say_pin(struct pti_change *change, const struct pti_charter_host *entry)
{
    if (entry == NULL)
        say(change, "nothing more: the host is pinned no more");
    else if (change->kind == PTI_CHANGE_PIN_ADDED)
        (void)snprintf(change->effect, sizeof(change->effect), "accept a chain with this %s %s",
                       change->pin.of == PINTLE_OF_CERT ? "certificate" : "key",
                       change->pin.at == PINTLE_AT_LEAF     ? "as its leaf"
                       : change->pin.at == PINTLE_AT_ISSUER ? "as one of its issuers"
                                                            : "anywhere in it");
    else if (entry->mode == PINTLE_MODE_ENFORCE)
        say(change, "refuse a chain that no other pin matches");
    else
        say(change, "report a chain that no other pin matches");
}

static void say_mode(struct pti_change *change, const struct pti_charter_host *entry, bool added)
{
    if (entry == NULL)
        return;
    if (entry->mode != PINTLE_MODE_ENFORCE)
        say(change, "report a chain without a pinned key, and connect all the same");
    else
        (void)snprintf(change->effect, sizeof(change->effect), "refuse it%s without a pinned key in its chain%s",
                       added && entry->subdomains ? ", and every name below it," : "",
                       added ? "" : ", which they only reported before");
}

static void say_key(struct pti_change *change)
{
    const bool top = strcmp(change->role, "root") == 0;
    const char *what = !top                                        ? "what the zone says"
                       : strcmp(change->key_role, "root") == 0     ? "new roots, and with them every other key"
                       : strcmp(change->key_role, "targets") == 0  ? "charters: which hosts are pinned, and by whom"
                       : strcmp(change->key_role, "snapshot") == 0 ? "snapshots"
                                                                   : "timestamps";

    if (change->kind == PTI_CHANGE_KEY_ADDED)
        (void)snprintf(change->effect, sizeof(change->effect), "count its signature on %s", what);
    else if (change->kind == PTI_CHANGE_KEY_REMOVED)
        (void)snprintf(change->effect, sizeof(change->effect), "no longer count its signature on %s", what);
    else if (change->kind == PTI_CHANGE_KEY_REPLACED)
        (void)snprintf(change->effect, sizeof(change->effect), "count the new key's signature on %s, not the old one's",
                       what);
    else
        (void)snprintf(change->effect, sizeof(change->effect), "ask for as many signatures on %s", what);
}

void pti_diff_effect(const struct pti_stage *stage, struct pti_change *change)
{
    const struct pti_charter_host *entry = pti_charter_find(&stage->charter, change->host);

    switch (change->kind) {
    case PTI_CHANGE_HOST_ADDED:
        say_mode(change, entry, true);
        break;
    case PTI_CHANGE_HOST_RELEASED:
        say_without_entry(stage, change, "it");
        break;
    case PTI_CHANGE_MODE:
        say_mode(change, entry, false);
        break;
    case PTI_CHANGE_ZONE:
        say(change, "take its pins from the other zone, which others may sign");
        break;
    case PTI_CHANGE_SUBDOMAINS:
        if (entry != NULL && entry->subdomains)
            say(change, "hold every name below it that has no entry of its own to its pins");
        else
            say_without_entry(stage, change, "names below it that have no entry of their own");
        break;
    case PTI_CHANGE_PIN_ADDED:
    case PTI_CHANGE_PIN_REMOVED:
        say_pin(change, entry);
        break;
    case PTI_CHANGE_DENIAL_ADDED:
        say(change, entry == NULL ? "nothing more: the host is pinned no more"
                                  : "refuse every chain that holds it, whatever else matches, in mode report too");
        break;
    case PTI_CHANGE_DENIAL_REMOVED:
        say(change, entry == NULL ? "nothing more: the host is pinned no more"
                                  : "accept a chain that holds it again, where a pin matches");
        break;
    case PTI_CHANGE_ZONE_ADDED:
        say(change, "take what it says of the hosts that the charter gives it");
        break;
    case PTI_CHANGE_ZONE_WITHDRAWN:
        say(change, "take nothing from it any more");
        break;
    case PTI_CHANGE_SETTING:
        break; /* the change is told in these words */
    case PTI_CHANGE_KEY_ADDED:
    case PTI_CHANGE_KEY_REMOVED:
    case PTI_CHANGE_KEY_REPLACED:
    case PTI_CHANGE_THRESHOLD:
        say_key(change);
        break;
    case PTI_CHANGE_RENEWED:
        say(change, "nothing different, for longer");
        break;
    }
}

/* ---- warnings ---- */

/* The pins of one host in one charter and its zone. */
struct policy {
    const struct pti_charter_host *entry; /* NULL: none */
    const struct pti_zone_host *zone;     /* likewise */
};

static bool denies(const struct pti_pins *denials, const struct pti_pin *pin)
{
    for (size_t i = 0; i < denials->count; i++)
        if (denials->items[i].of == pin->of && memcmp(denials->items[i].sha256, pin->sha256, sizeof(pin->sha256)) == 0)
            return true;
    return false;
}

static bool usable(const struct policy *policy, const struct pti_pin *pin)
{
    return !denies(&policy->entry->deny, pin) && (policy->zone == NULL || !denies(&policy->zone->deny, pin));
}

static bool same_key(const struct pti_pin *a, const struct pti_pin *b)
{
    return a->of == b->of && memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

static bool accepts(const struct policy *policy, const struct pti_pin *pin)
{
    const struct pti_pins *lists[] = {&policy->entry->pins, policy->zone != NULL ? &policy->zone->pins : NULL};

    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; lists[k] != NULL && i < lists[k]->count; i++)
            if (same_key(&lists[k]->items[i], pin) && usable(policy, pin))
                return true;
    return false;
}

/* How many keys it accepts, each once; and how many of them other accepts too. */
static void count_keys(const struct policy *policy, const struct policy *other, size_t *keys, size_t *shared)
{
    const struct pti_pins *lists[] = {&policy->entry->pins, policy->zone != NULL ? &policy->zone->pins : NULL};

    *keys = *shared = 0;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; lists[k] != NULL && i < lists[k]->count; i++) {
            const struct pti_pin *pin = &lists[k]->items[i];
            bool again = false;
            for (size_t j = 0; j < i; j++)
                again = again || same_key(&lists[k]->items[j], pin);
            for (size_t j = 0; k == 1 && j < lists[0]->count; j++)
                again = again || same_key(&lists[0]->items[j], pin);
            if (again || !usable(policy, pin))
                continue;
            ++*keys;
            *shared += other->entry != NULL && accepts(other, pin) ? 1u : 0u;
        }
}

static void warn_host(const struct policy *before, const struct policy *after, pti_stage_warning_fn *warn, void *ctx)
{
    char line[PTI_ERROR_DETAIL_MAX];
    size_t keys, shared, old_keys = 0, ignored;
    const char *host = after->entry->host;

    count_keys(after, before, &keys, &shared);
    if (before->entry != NULL)
        count_keys(before, after, &old_keys, &ignored);
    if (after->entry->mode == PINTLE_MODE_ENFORCE && keys == 0) {
        (void)snprintf(line, sizeof(line), "%s: no usable pin is left: every client would be locked out", host);
        warn(ctx, line);
    } else if (after->entry->mode == PINTLE_MODE_ENFORCE && keys == 1) {
        (void)snprintf(line, sizeof(line), "%s: one pin alone: if that key is lost, every client is locked out", host);
        warn(ctx, line);
    }
    if (old_keys > 0 && keys > 0 && shared == 0) {
        (void)snprintf(line, sizeof(line),
                       "%s: none of the keys that clients accept now stays: a server that still has one is refused",
                       host);
        warn(ctx, line);
    }
    if (before->entry != NULL && before->entry->pins.count > 0 && after->entry->pins.count == 0) {
        (void)snprintf(line, sizeof(line),
                       "%s: its last permanent pin goes: who holds its zone's keys can then lock every client out",
                       host);
        warn(ctx, line);
    }
}

static int compare_hosts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The hosts that changes name, each once; freed with free(). */
static enum pintle_status list_hosts(const struct pti_change *changes, size_t count, const char ***hosts,
                                     size_t *host_count, struct pti_error *error)
{
    const char **list = calloc(count + 1, sizeof(*list));
    size_t kept = 0;

    *hosts = list;
    *host_count = 0;
    if (list == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu changes", count);
    for (size_t i = 0; i < count; i++)
        list[i] = changes[i].host;
    qsort(list, count, sizeof(*list), compare_hosts);
    for (size_t i = 0; i < count; i++)
        if (list[i][0] != '\0' && (kept == 0 || strcmp(list[kept - 1], list[i]) != 0))
            list[kept++] = list[i];
    *host_count = kept;
    return PINTLE_OK;
}

/* What is published, to be compared with. */
struct past {
    struct pti_charter charter;
    struct pti_zone *zones;
    size_t zone_count;
};

static void clear_past(struct past *past)
{
    for (size_t i = 0; i < past->zone_count; i++)
        pti_zone_clear(&past->zones[i]);
    free(past->zones);
    pti_charter_clear(&past->charter);
}

static enum pintle_status read_past(const struct pti_published *base, struct past *past, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    *past = (struct past){.zones = calloc(base->zone_count + 1, sizeof(*past->zones))};
    pti_charter_init(&past->charter);
    if (past->zones == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu zones", base->zone_count);
    if (base->charter.size > 0)
        status = pti_charter_parse(base->charter, &past->charter, error);
    for (size_t i = 0; i < base->zone_count && status == PINTLE_OK; i++) {
        status = pti_zone_parse(base->zones[i].file, base->zones[i].name, &past->zones[i], error);
        past->zone_count += status == PINTLE_OK ? 1u : 0u;
    }
    return status;
}

static struct policy past_policy(const struct past *past, const char *host)
{
    struct policy policy = {pti_charter_find(&past->charter, host), NULL};

    for (size_t i = 0; i < past->zone_count && policy.entry != NULL; i++)
        if (strcmp(past->zones[i].name, policy.entry->zone) == 0)
            policy.zone = pti_zone_find(&past->zones[i], host);
    return policy;
}

static enum pintle_status warn_hosts(const struct pti_stage *stage, const struct pti_change *changes, size_t count,
                                     pti_stage_warning_fn *warn, void *ctx, struct pti_error *error)
{
    const char **hosts = NULL;
    size_t host_count = 0;
    struct past past;
    enum pintle_status status = read_past(stage->base, &past, error);

    if (status == PINTLE_OK)
        status = list_hosts(changes, count, &hosts, &host_count, error);
    for (size_t i = 0; i < host_count; i++) {
        const struct policy before = past_policy(&past, hosts[i]);
        struct policy after = {pti_charter_find(&stage->charter, hosts[i]), NULL};
        const struct pti_stage_zone *zone = after.entry != NULL ? pti_stage_zone(stage, after.entry->zone) : NULL;
        after.zone = zone != NULL ? pti_zone_find(&zone->zone, hosts[i]) : NULL;
        if (after.entry != NULL)
            warn_host(&before, &after, warn, ctx);
    }
    free(hosts);
    clear_past(&past);
    return status;
}

static void warn_roles(const struct pti_stage *stage, const struct pti_change *changes, size_t count,
                       pti_stage_warning_fn *warn, void *ctx)
{
    char line[PTI_ERROR_DETAIL_MAX];

    for (size_t i = 0; i < count; i++) {
        const struct pti_role_keys *keys = NULL;
        bool told = changes[i].key_role[0] == '\0' || strcmp(changes[i].role, "root") != 0;
        for (size_t j = 0; j < i && !told; j++)
            told = strcmp(changes[j].key_role, changes[i].key_role) == 0;
        if (told)
            continue;
        keys = strcmp(changes[i].key_role, "root") == 0      ? &stage->root_keys[PTI_TUF_ROOT]
               : strcmp(changes[i].key_role, "targets") == 0 ? &stage->root_keys[PTI_TUF_TARGETS]
                                                             : NULL;
        if (keys == NULL)
            continue;
        if (keys->threshold == 1) {
            (void)snprintf(line, sizeof(line), "%s: one key alone can then sign it, and so can who steals it",
                           changes[i].key_role);
            warn(ctx, line);
        }
        if (keys->threshold > 1 && (uint64_t)keys->threshold == keys->key_count) {
            (void)snprintf(line, sizeof(line), "%s: all of its %zu keys must sign, so none of them may ever be lost",
                           changes[i].key_role, keys->key_count);
            warn(ctx, line);
        }
    }
}

enum pintle_status pti_stage_warnings(const struct pti_stage *stage, const struct pti_change *changes, size_t count,
                                      pti_stage_warning_fn *warn, void *ctx, struct pti_error *error)
{
    enum pintle_status status = warn_hosts(stage, changes, count, warn, ctx, error);

    if (status == PINTLE_OK)
        warn_roles(stage, changes, count, warn, ctx);
    return status;
}
