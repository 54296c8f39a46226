/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of alerts over time: pending, firing, resolved; and who has been told.  Pure: the lists that the rules
 * yield and the time go in, transitions come out; server/alerts.h stores and sends.
 *
 * There is no queue of messages: what a webhook has to be told follows from the state and from what it was told last.
 * So nothing is sent twice because it waited, and a webhook that was away learns what holds now.
 */
#ifndef PTI_SERVER_ALERT_STATE_H
#define PTI_SERVER_ALERT_STATE_H

#include "server/alert_rules.h"

enum pti_alert_state {
    PTI_ALERT_PENDING, /* it holds, not yet for long enough */
    PTI_ALERT_FIRING,
    PTI_ALERT_RESOLVED
};

/* One webhook's knowledge of one alert. */
struct pti_alert_told {
    bool firing; /* it was told that the alert fires, and not yet that it is over */
    int64_t at;  /* Unix seconds, here and below */
};

struct pti_alert_entry {
    struct pti_alert alert;
    enum pti_alert_state state;
    int64_t since;    /* it began to hold */
    int64_t fired;    /* 0: never */
    int64_t seen;     /* it held last */
    int64_t resolved; /* 0: not since it fired */
    struct pti_alert_told told[PTI_WEBHOOKS_MAX];
    bool present; /* within pti_alert_state_step() */
    bool changed; /* since it was stored */
    bool turned;  /* it began to fire or ended since then: the journal lacks a line */
};

struct pti_alert_book {
    struct pti_alert_entry entries[PTI_ALERTS_MAX];
    size_t count;
};

/* Called of each alert that starts to fire or is over. */
typedef void (*pti_alert_transition_fn)(void *ctx, const struct pti_alert_entry *entry);
/* Called of each entry that goes: it was pending and did not come to pass, or has been over for long. */
typedef void (*pti_alert_removed_fn)(void *ctx, const struct pti_alert_entry *entry);

struct pti_alert_watcher {
    pti_alert_transition_fn transition;
    pti_alert_removed_fn removed;
    void *ctx;
};

/* Returns false if the book was too full for some of list. */
bool pti_alert_state_step(struct pti_alert_book *book, const struct pti_alert_list *list, int64_t now,
                          const struct pti_alert_watcher *watcher);

/* What webhook number index has to be told of entry. */
enum pti_alert_message { PTI_ALERT_SAY_NOTHING, PTI_ALERT_SAY_FIRING, PTI_ALERT_SAY_RESOLVED };
enum pti_alert_message pti_alert_due(const struct pti_alert_entry *entry, size_t index, int64_t repeat_s, int64_t now);
/* It has been told. */
void pti_alert_note_told(struct pti_alert_entry *entry, size_t index, enum pti_alert_message message, int64_t now);

const char *pti_alert_state_name(enum pti_alert_state state); /* "pending", "firing", "resolved"; static */

/*
 * Seconds until the next try after so many failures in a row: at random up to twice as long each time, at most five
 * minutes, and not before retry_after_s (at most an hour of it; -1: none).
 */
int64_t pti_alert_retry_s(unsigned failures, int64_t retry_after_s, uint64_t random);

/* Free bytes of a disk over the last hours, a sample every ten minutes. */
#define PTI_DISK_SAMPLES 37
struct pti_disk_trend {
    struct {
        int64_t at, available;
    } samples[PTI_DISK_SAMPLES]; /* oldest first */
    size_t count;
};
void pti_disk_trend_note(struct pti_disk_trend *trend, int64_t now, int64_t available);
/*
 * Seconds from now until nothing is left, by least squares; -1: it does not shrink, or an hour of samples is missing.
 */
int64_t pti_disk_trend_full_in(const struct pti_disk_trend *trend, int64_t now, int64_t available);

#endif
