/* SPDX-License-Identifier: Apache-2.0 */
#include "client/live.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "client/wait.h"
#include "pin/checker.h"

static bool init_locks(struct pti_live *live)
{
    if (pthread_mutex_init(&live->lock, NULL) != 0)
        return false;
    if (pthread_mutex_init(&live->reports_lock, NULL) != 0)
        goto no_second;
    if (pti_wait_init(&live->changed))
        return true;
    (void)pthread_mutex_destroy(&live->reports_lock);
no_second:
    (void)pthread_mutex_destroy(&live->lock);
    return false;
}

enum pintle_status pti_live_new(const struct pintle_clock *clock, struct pintle_crypto *crypto,
                                pintle_event_fn on_event, void *event_ctx, struct pti_live **live)
{
    *live = calloc(1, sizeof **live);
    if (*live == NULL)
        return PINTLE_ERR_MEMORY;
    if (!init_locks(*live)) {
        free(*live);
        *live = NULL;
        return PINTLE_ERR_MEMORY;
    }
    atomic_init(&(*live)->references, 1);
    atomic_init(&(*live)->recovering, 0);
    atomic_init(&(*live)->chains_missing, 0);
    pti_successes_init(&(*live)->successes);
    pti_reports_init(&(*live)->reports);
    (*live)->clock = *clock;
    (*live)->crypto = pti_crypto_ref(crypto);
    (*live)->on_event = on_event;
    (*live)->event_ctx = event_ctx;
    pti_buckets_init(&(*live)->buckets, clock->monotonic_ms(clock->ctx));
    return PINTLE_OK;
}

struct pti_live *pti_live_ref(struct pti_live *live)
{
    (void)atomic_fetch_add_explicit(&live->references, 1, memory_order_relaxed);
    return live;
}

void pti_live_unref(struct pti_live *live)
{
    if (live == NULL || atomic_fetch_sub_explicit(&live->references, 1, memory_order_acq_rel) != 1)
        return;
    pintle_pinset_free(live->pinset);
    pti_reports_clear(&live->reports);
    pti_chains_clear(&live->chains);
    pintle_crypto_free(live->crypto);
    (void)pthread_cond_destroy(&live->changed);
    (void)pthread_mutex_destroy(&live->reports_lock);
    (void)pthread_mutex_destroy(&live->lock);
    free(live);
}

/* The clock's ctx is the application's and may go with the client; checkers that live on use the machine's. */
static void keep_system_clock(struct pti_live *live)
{
    pintle_clock_system_init(&live->clock);
}

void pti_live_close(struct pti_live *live)
{
    (void)pthread_mutex_lock(&live->lock);
    live->closed = true;
    live->on_event = NULL;
    (void)pthread_cond_broadcast(&live->changed);
    while (live->callbacks > 0)
        (void)pthread_cond_wait(&live->changed, &live->lock);
    keep_system_clock(live);
    (void)pthread_mutex_unlock(&live->lock);
}

bool pti_live_closed(struct pti_live *live)
{
    bool closed;

    (void)pthread_mutex_lock(&live->lock);
    closed = live->closed;
    (void)pthread_mutex_unlock(&live->lock);
    return closed;
}

void pti_live_swap(struct pti_live *live, struct pintle_pinset *pinset, int64_t time_floor)
{
    struct pintle_pinset *previous;

    (void)pthread_mutex_lock(&live->lock);
    previous = live->pinset;
    live->pinset = pinset;
    atomic_store_explicit(&live->needs, pintle_pinset_needs(pinset), memory_order_relaxed);
    live->time_floor = time_floor;
    (void)pthread_mutex_unlock(&live->lock);
    pintle_pinset_free(previous);
}

struct pintle_pinset *pti_live_pinset(struct pti_live *live)
{
    struct pintle_pinset *pinset;

    (void)pthread_mutex_lock(&live->lock);
    pinset = pintle_pinset_ref(live->pinset);
    (void)pthread_mutex_unlock(&live->lock);
    return pinset;
}

int64_t pti_live_now(struct pti_live *live)
{
    int64_t now;

    (void)pthread_mutex_lock(&live->lock);
    now = live->clock.now(live->clock.ctx);
    if (now < live->time_floor)
        now = live->time_floor;
    (void)pthread_mutex_unlock(&live->lock);
    return now;
}

void pti_live_emit(struct pti_live *live, enum pintle_event_kind kind, enum pintle_status status,
                   const struct pintle_verdict *verdict, const char *message)
{
    struct pintle_event event = {sizeof event, kind, status, message, verdict};
    pintle_event_fn on_event;
    void *ctx;

    (void)pthread_mutex_lock(&live->lock);
    on_event = live->on_event;
    ctx = live->event_ctx;
    if (on_event != NULL)
        live->callbacks++;
    (void)pthread_mutex_unlock(&live->lock);
    if (on_event == NULL)
        return;
    on_event(ctx, &event);
    (void)pthread_mutex_lock(&live->lock);
    live->callbacks--;
    (void)pthread_cond_broadcast(&live->changed);
    (void)pthread_mutex_unlock(&live->lock);
}

static bool wanted(const struct pti_heal *heal)
{
    return heal->wished > heal->begun;
}

bool pti_live_heal_wanted(struct pti_live *live)
{
    bool is_wanted;

    (void)pthread_mutex_lock(&live->lock);
    is_wanted = wanted(&live->heal);
    (void)pthread_mutex_unlock(&live->lock);
    return is_wanted;
}

bool pti_live_heal_begin(struct pti_live *live)
{
    bool was_wanted;

    (void)pthread_mutex_lock(&live->lock);
    was_wanted = wanted(&live->heal);
    live->heal.begun = live->heal.wished;
    (void)pthread_mutex_unlock(&live->lock);
    return was_wanted;
}

void pti_live_heal_end(struct pti_live *live, bool succeeded, int64_t patience_ms)
{
    int64_t bounded_ms = patience_ms < PTI_HEAL_PATIENCE_MAX_MS ? patience_ms : PTI_HEAL_PATIENCE_MAX_MS;

    (void)pthread_mutex_lock(&live->lock);
    live->heal.tried = live->heal.begun;
    if (succeeded)
        live->heal.healed = live->heal.begun;
    live->heal.patient_until = live->clock.monotonic_ms(live->clock.ctx) + bounded_ms;
    (void)pthread_mutex_unlock(&live->lock);
    (void)pthread_mutex_lock(&live->reports_lock);
    pti_reports_tried(&live->reports);
    (void)pthread_mutex_unlock(&live->reports_lock);
}

uint64_t pti_live_wish(struct pti_live *live, const char *host)
{
    uint64_t wish;

    (void)pthread_mutex_lock(&live->lock);
    wish = pti_buckets_find(&live->buckets, host, live->clock.monotonic_ms(live->clock.ctx))->wish;
    (void)pthread_mutex_unlock(&live->lock);
    return wish;
}

bool pti_live_heal_tried(struct pti_live *live, uint64_t wish)
{
    bool tried;

    (void)pthread_mutex_lock(&live->lock);
    tried = live->heal.tried >= wish;
    (void)pthread_mutex_unlock(&live->lock);
    return tried;
}

bool pti_live_heal_healed(struct pti_live *live, uint64_t wish)
{
    bool healed;

    (void)pthread_mutex_lock(&live->lock);
    healed = live->heal.healed >= wish;
    (void)pthread_mutex_unlock(&live->lock);
    return healed;
}

bool pti_live_wait(struct pti_live *live, int64_t timeout_ms)
{
    struct timespec moment = pti_wait_moment(timeout_ms);
    bool open, early = true;

    (void)pthread_mutex_lock(&live->lock);
    while (!live->closed && !wanted(&live->heal) && !live->reports_wanted && early)
        early = pti_wait_until(&live->changed, &live->lock, &moment);
    open = !live->closed;
    (void)pthread_mutex_unlock(&live->lock);
    return open;
}

/* The checker's view. */

static struct pintle_pinset *acquire(void *ctx)
{
    return pti_live_pinset(ctx);
}

static unsigned needs(void *ctx)
{
    struct pti_live *live = ctx;

    return atomic_load_explicit(&live->needs, memory_order_relaxed);
}

static int64_t now(void *ctx)
{
    return pti_live_now(ctx);
}

static void release(void *ctx)
{
    pti_live_unref(ctx);
}

/*
 * Under the lock.  A refusal that comes while a refresh for this host is asked for needs no token to share it; one that
 * comes while that refresh is under way may be newer than what it has read, so it takes a token while there is one.
 */
static bool grant_wish(struct pti_live *live, const char *host)
{
    int64_t now_ms = live->clock.monotonic_ms(live->clock.ctx);
    struct pti_bucket *bucket = pti_buckets_find(&live->buckets, host, now_ms);

    if (bucket->wish > live->heal.begun)
        return true;
    if (now_ms >= live->heal.patient_until && pti_buckets_take(&live->buckets, host, now_ms)) {
        bucket->wish = ++live->heal.wished;
        return true;
    }
    return bucket->wish > live->heal.tried;
}

/* One refresh per token heals every waiting host; without one the verdict stays a plain mismatch. */
static void want_heal(struct pti_live *live, struct pintle_verdict *verdict)
{
    (void)pthread_mutex_lock(&live->lock);
    if (!live->closed && grant_wish(live, verdict->host)) {
        verdict->status = PINTLE_ERR_RETRY;
        (void)pthread_cond_broadcast(&live->changed);
    }
    (void)pthread_mutex_unlock(&live->lock);
}

struct pti_report_moment pti_live_moment(struct pti_live *live)
{
    struct pti_report_moment moment;

    (void)pthread_mutex_lock(&live->lock);
    moment.now = live->clock.now(live->clock.ctx);
    moment.behind = live->time_floor > moment.now ? live->time_floor - moment.now : 0;
    moment.random = live->clock.random(live->clock.ctx);
    moment.id[0] = live->clock.random(live->clock.ctx);
    moment.id[1] = live->clock.random(live->clock.ctx);
    moment.seed = live->clock.random(live->clock.ctx);
    (void)pthread_mutex_unlock(&live->lock);
    return moment;
}

void pti_live_count_recovering(struct pti_live *live)
{
    atomic_store_explicit(&live->recovering, pti_reports_recovering(&live->reports), memory_order_relaxed);
}

bool pti_live_reports_wanted(struct pti_live *live)
{
    bool are_wanted;

    (void)pthread_mutex_lock(&live->lock);
    are_wanted = live->reports_wanted;
    live->reports_wanted = false;
    (void)pthread_mutex_unlock(&live->lock);
    return are_wanted;
}

/* Has a report just been dropped that the application was not told of? */
static bool drop_untold(struct pti_reports *reports, uint64_t dropped_before)
{
    bool untold = reports->dropped != dropped_before && !reports->drop_told;

    if (untold)
        reports->drop_told = true;
    return untold;
}

static void tell_drop(struct pti_live *live)
{
    pti_live_emit(live, PINTLE_EVENT_REPORTS_DROPPED, PINTLE_ERR_MEMORY, NULL,
                  "the queue of reports is full or memory ran out; newer reports are dropped until some are sent");
}

/* One of both is set: a connection, or a manifest. */
struct news {
    const struct pintle_evidence *evidence;
    const struct pintle_verdict *verdict;
    const char *host, *reason;
    int64_t charter_version;
};

static void queue_report(struct pti_live *live, const struct news *news)
{
    struct pti_report_moment moment = pti_live_moment(live);
    struct pintle_pinset *pinset = pti_live_pinset(live);
    struct pti_reports *reports = &live->reports;
    uint64_t dropped;
    bool untold;

    (void)pthread_mutex_lock(&live->reports_lock);
    dropped = reports->dropped;
    if (news->verdict != NULL)
        pti_reports_add(reports, &live->successes, pinset, news->evidence, news->verdict, &moment);
    else
        pti_reports_add_manifest(reports, news->host, news->reason, news->charter_version, &moment);
    untold = drop_untold(reports, dropped);
    pti_live_count_recovering(live);
    (void)pthread_mutex_unlock(&live->reports_lock);
    pintle_pinset_free(pinset);
    (void)pthread_mutex_lock(&live->lock);
    live->reports_wanted = true;
    (void)pthread_cond_broadcast(&live->changed);
    (void)pthread_mutex_unlock(&live->lock);
    if (untold)
        tell_drop(live);
}

/* "https://[2001:db8::1]:8443/pins" -> "2001:db8::1"; a host that is no host name is reported as none. */
static bool host_of_url(const char *url, struct pti_host *host)
{
    const char *start = strstr(url, "://");
    char text[PINTLE_HOST_MAX + 3];
    size_t size;

    if (start == NULL)
        return false;
    start += 3;
    size = start[0] == '[' ? strcspn(start, "]") + 1 : strcspn(start, ":/");
    if (size >= sizeof text || strlen(start) < size)
        return false;
    memcpy(text, start, size);
    text[size] = '\0';
    return pti_host_parse(text, host, NULL) == PINTLE_OK;
}

void pti_live_report_manifest(struct pti_live *live, const char *url, const char *reason, int64_t charter_version)
{
    struct pti_host host;

    if (host_of_url(url, &host))
        queue_report(live, &(struct news){.host = host.name, .reason = reason, .charter_version = charter_version});
}

/* A connection that was refused and passes now has recovered. */
static void count_match(struct pti_live *live, const struct pintle_evidence *evidence,
                        const struct pintle_verdict *verdict)
{
    pti_successes_add(&live->successes, verdict->noted_host);
    if (atomic_load_explicit(&live->recovering, memory_order_relaxed) == 0 || evidence->count == 0)
        return;
    (void)pthread_mutex_lock(&live->reports_lock);
    pti_reports_recovered(&live->reports, verdict->host, evidence->spki[0]);
    pti_live_count_recovering(live);
    (void)pthread_mutex_unlock(&live->reports_lock);
}

static void decided(void *ctx, const struct pintle_evidence *evidence, struct pintle_verdict *verdict)
{
    struct pti_live *live = ctx;
    bool refused = verdict->status != PINTLE_OK;
    char line[PTI_ERROR_DETAIL_MAX];

    if (verdict->reason == PINTLE_REASON_MATCHED)
        count_match(live, evidence, verdict);
    if (!refused && verdict->reason != PINTLE_REASON_REPORT_ONLY)
        return;
    if (verdict->status == PINTLE_ERR_PIN_MISMATCH)
        want_heal(live, verdict);
    if (verdict->mode != PINTLE_MODE_NONE && !pti_live_closed(live))
        queue_report(live, &(struct news){.evidence = evidence, .verdict = verdict});
    (void)pintle_verdict_describe(verdict, line, sizeof line);
    pti_live_emit(live, refused ? PINTLE_EVENT_REFUSED : PINTLE_EVENT_REPORT_ONLY, verdict->status, verdict, line);
}

/* Costs nothing until a collector has asked. */
static void seen(void *ctx, const struct pintle_bytes *chain, size_t count, const struct pintle_evidence *evidence)
{
    struct pti_live *live = ctx;

    if (atomic_load_explicit(&live->chains_missing, memory_order_relaxed) == 0)
        return;
    (void)pthread_mutex_lock(&live->reports_lock);
    pti_chains_meet(&live->chains, chain, count, evidence);
    atomic_store_explicit(&live->chains_missing, pti_chains_missing(&live->chains), memory_order_relaxed);
    (void)pthread_mutex_unlock(&live->reports_lock);
}

enum pintle_status pti_live_checker(struct pti_live *live, struct pintle_checker **checker)
{
    static const struct pti_checker_source source = {acquire, pintle_pinset_free, needs, now, decided, seen, release};

    return pti_checker_new(&source, pti_live_ref(live), live->crypto, checker);
}
