/* SPDX-License-Identifier: Apache-2.0 */
#include "server/alert_state.h"

#include <string.h>

#define REMEMBER_S (7 * 86400) /* what is over, for lists and for webhooks that were away */
#define RETRY_FIRST_S 5
#define RETRY_CAP_S 300
#define RETRY_AFTER_CAP_S 3600
#define SAMPLE_EVERY_S 600
#define TREND_MIN_S 3600

const char *pti_alert_state_name(enum pti_alert_state state)
{
    switch (state) {
    case PTI_ALERT_PENDING:
        return "pending";
    case PTI_ALERT_FIRING:
        return "firing";
    case PTI_ALERT_RESOLVED:
        return "resolved";
    }
    return "?";
}

static struct pti_alert_entry *find(struct pti_alert_book *book, const char *labels)
{
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->entries[i].alert.labels, labels) == 0)
            return &book->entries[i];
    return NULL;
}

static void remove_entry(struct pti_alert_book *book, size_t index, const struct pti_alert_watcher *watcher)
{
    watcher->removed(watcher->ctx, &book->entries[index]);
    if (index != book->count - 1)
        book->entries[index] = book->entries[book->count - 1];
    book->count--;
}

/* The one that has been over for longest makes room; NULL: all of them hold. */
static struct pti_alert_entry *make_room(struct pti_alert_book *book, const struct pti_alert_watcher *watcher)
{
    size_t oldest = book->count;

    if (book->count < PTI_ALERTS_MAX)
        return &book->entries[book->count++];
    for (size_t i = 0; i < book->count; i++)
        if (book->entries[i].state == PTI_ALERT_RESOLVED &&
            (oldest == book->count || book->entries[i].resolved < book->entries[oldest].resolved))
            oldest = i;
    if (oldest == book->count)
        return NULL;
    remove_entry(book, oldest, watcher);
    return &book->entries[book->count++];
}

/* Reports take no place from what the server saw itself, nor those about made up hosts from those about hosts there are. */
static bool is_excess(const struct pti_alert_book *book, const struct pti_alert *alert)
{
    size_t count = 0;

    if (alert->rule != PTI_ALERT_MISMATCH_RATE)
        return false;
    for (size_t i = 0; i < book->count; i++)
        count += book->entries[i].alert.rule == alert->rule && book->entries[i].alert.listed == alert->listed &&
                 book->entries[i].state != PTI_ALERT_RESOLVED;
    return count >= (alert->listed ? PTI_ALERTS_LISTED_MAX : PTI_ALERTS_FORGEABLE_MAX);
}

static bool note_present(struct pti_alert_book *book, const struct pti_alert *alert, int64_t now,
                         const struct pti_alert_watcher *watcher)
{
    struct pti_alert_entry *entry = find(book, alert->labels);

    if (alert->only_goes_on) {
        if (entry)
            entry->present = entry->state == PTI_ALERT_FIRING;
        return true;
    }
    if ((!entry || entry->state == PTI_ALERT_RESOLVED) && is_excess(book, alert))
        return false;
    if (!entry) {
        entry = make_room(book, watcher);
        if (!entry)
            return false;
        memset(entry, 0, sizeof *entry);
        entry->state = PTI_ALERT_RESOLVED;
    }
    if (entry->state == PTI_ALERT_RESOLVED) {
        entry->state = PTI_ALERT_PENDING;
        entry->since = now;
        entry->changed = true;
    }
    entry->alert = *alert;
    entry->present = true;
    entry->seen = now;
    if (entry->since > now) /* the clock was put back */
        entry->since = now;
    return true;
}

static void move(struct pti_alert_entry *entry, enum pti_alert_state state, const struct pti_alert_watcher *watcher)
{
    entry->state = state;
    entry->changed = entry->turned = true;
    watcher->transition(watcher->ctx, entry);
}

/* Returns whether it stays. */
static bool settle(struct pti_alert_entry *entry, int64_t now, const struct pti_alert_watcher *watcher)
{
    enum pti_alert_rule rule = entry->alert.rule;

    switch (entry->state) {
    case PTI_ALERT_PENDING:
        if (entry->present && now - entry->since >= pti_alert_pending_s(rule)) {
            entry->fired = now;
            entry->resolved = 0;
            move(entry, PTI_ALERT_FIRING, watcher);
        } else if (!entry->present && entry->resolved != 0) {
            entry->state = PTI_ALERT_RESOLVED; /* of the last time: there may be webhooks to tell */
            entry->changed = true;
        } else if (!entry->present) {
            return false;
        }
        return true;
    case PTI_ALERT_FIRING:
        if (!entry->present && (now - entry->seen >= pti_alert_keep_s(rule) || now < entry->seen)) {
            entry->resolved = now > entry->fired ? now : entry->fired; /* whatever the clock does */
            move(entry, PTI_ALERT_RESOLVED, watcher);
        }
        return true;
    case PTI_ALERT_RESOLVED:
        return now - entry->resolved < REMEMBER_S;
    }
    return true;
}

bool pti_alert_state_step(struct pti_alert_book *book, const struct pti_alert_list *list, int64_t now,
                          const struct pti_alert_watcher *watcher)
{
    bool all = !list->truncated;

    for (size_t i = 0; i < book->count; i++)
        book->entries[i].present = false;
    for (size_t i = 0; i < list->count; i++)
        all = note_present(book, &list->items[i], now, watcher) && all;
    for (size_t i = book->count; i-- > 0;) {
        struct pti_alert_entry *entry = &book->entries[i];

        if (entry->state != PTI_ALERT_RESOLVED && !entry->present && list->unknown[entry->alert.rule])
            continue;
        if (!settle(entry, now, watcher))
            remove_entry(book, i, watcher);
    }
    return all;
}

enum pti_alert_message pti_alert_due(const struct pti_alert_entry *entry, size_t index, int64_t repeat_s, int64_t now)
{
    const struct pti_alert_told *told = &entry->told[index];

    switch (entry->state) {
    case PTI_ALERT_PENDING:
        return PTI_ALERT_SAY_NOTHING;
    case PTI_ALERT_FIRING:
        if (told->firing && told->at >= entry->fired && now - told->at < repeat_s)
            return PTI_ALERT_SAY_NOTHING;
        return PTI_ALERT_SAY_FIRING;
    case PTI_ALERT_RESOLVED:
        return told->firing ? PTI_ALERT_SAY_RESOLVED : PTI_ALERT_SAY_NOTHING;
    }
    return PTI_ALERT_SAY_NOTHING;
}

void pti_alert_note_told(struct pti_alert_entry *entry, size_t index, enum pti_alert_message message, int64_t now)
{
    entry->told[index].firing = message == PTI_ALERT_SAY_FIRING;
    entry->told[index].at = now;
    entry->changed = true;
}

int64_t pti_alert_retry_s(unsigned failures, int64_t retry_after_s, uint64_t random)
{
    int64_t cap = RETRY_FIRST_S, wait;

    for (unsigned i = 1; i < failures && cap < RETRY_CAP_S; i++)
        cap *= 2;
    cap = cap < RETRY_CAP_S ? cap : RETRY_CAP_S;
    wait = 1 + (int64_t)(random % (uint64_t)cap);
    retry_after_s = retry_after_s < RETRY_AFTER_CAP_S ? retry_after_s : RETRY_AFTER_CAP_S;
    return wait > retry_after_s ? wait : retry_after_s;
}

/* ---- the disk ---- */

void pti_disk_trend_note(struct pti_disk_trend *trend, int64_t now, int64_t available)
{
    size_t last = trend->count - 1;

    if (trend->count > 0 && now < trend->samples[last].at)
        trend->count = 0; /* the clock was put back: what was is no measure */
    else if (trend->count > 0 && now - trend->samples[last].at < SAMPLE_EVERY_S)
        return;
    if (trend->count == PTI_DISK_SAMPLES) {
        memmove(&trend->samples[0], &trend->samples[1], (PTI_DISK_SAMPLES - 1) * sizeof trend->samples[0]);
        trend->count--;
    }
    trend->samples[trend->count].at = now;
    trend->samples[trend->count].available = available;
    trend->count++;
}

int64_t pti_disk_trend_full_in(const struct pti_disk_trend *trend, int64_t now, int64_t available)
{
    double count = (double)trend->count, mean_t = 0, mean_y = 0, above = 0, below = 0;

    if (trend->count < 2 || now - trend->samples[0].at < TREND_MIN_S)
        return -1;
    for (size_t i = 0; i < trend->count; i++) {
        mean_t += (double)(trend->samples[i].at - trend->samples[0].at) / count;
        mean_y += (double)trend->samples[i].available / count;
    }
    for (size_t i = 0; i < trend->count; i++) {
        double t = (double)(trend->samples[i].at - trend->samples[0].at) - mean_t;

        above += t * ((double)trend->samples[i].available - mean_y);
        below += t * t;
    }
    if (below <= 0 || above >= 0 || (double)available * below / -above > 1e9)
        return -1;
    return (int64_t)((double)available * below / -above);
}
