/* SPDX-License-Identifier: Apache-2.0 */
/* What a client tells its application as it happens.  A fallback is never silent: every kind below reaches here. */
#ifndef PINTLE_EVENT_H
#define PINTLE_EVENT_H

#include <pintle/export.h>
#include <pintle/verdict.h>

PINTLE_BEGIN_DECLS

enum pintle_event_kind {
    PINTLE_EVENT_STARTED = 1,     /* what the client enforces from now on, and where that came from */
    PINTLE_EVENT_APPLIED,         /* a new manifest is in force */
    PINTLE_EVENT_UP_TO_DATE,      /* a poll found nothing new; freshness renewed */
    PINTLE_EVENT_FETCH_FAILED,    /* the last good pins stay in force */
    PINTLE_EVENT_REJECTED,        /* a manifest was refused; the last good pins stay in force */
    PINTLE_EVENT_STALE,           /* a refresh failed and the pins in force have expired: still enforced */
    PINTLE_EVENT_STORAGE,         /* the store could not be read, verified or written */
    PINTLE_EVENT_NOTICE,          /* something in the manifest has no effect, and why */
    PINTLE_EVENT_REFUSED,         /* a connection was refused; verdict is set */
    PINTLE_EVENT_REPORT_ONLY,     /* a connection would have been refused in enforce mode; verdict is set */
    PINTLE_EVENT_REPORTS_SENT,    /* reports reached a collector */
    PINTLE_EVENT_REPORTS_DROPPED, /* reports were dropped: the queue is full or the collector refused them */
    PINTLE_EVENT_REPORT           /* a report was queued; message is its JSON, for an application that sends its own */
};

struct pintle_event {
    size_t size; /* sizeof(struct pintle_event) as compiled */
    enum pintle_event_kind kind;
    enum pintle_status status;
    const char *message;                  /* one line; borrowed until the callback returns */
    const struct pintle_verdict *verdict; /* NULL unless the kind says otherwise; borrowed likewise */
};

/*
 * Runs on the thread that caused the event (a handshake, a refresh, the client's own thread), so it must be quick, and it
 * must not call back into the client except for pintle_client_info() and pintle_client_error().
 */
typedef void (*pintle_event_fn)(void *ctx, const struct pintle_event *event);

/* The name of a kind ("applied", "refused", ...); static. */
PINTLE_API const char *pintle_event_name(enum pintle_event_kind kind);

PINTLE_END_DECLS

#endif
