/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of alerts over time, who is told when, and how a disk fills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "server/alert_state.h"

#define NOW 1800000000
#define HOUR 3600
#define DAY 86400

static struct pti_alert_list list;

static struct pti_alert_book book;
static int fired, resolved, removed;

static void note_transition(void *ctx, const struct pti_alert_entry *entry)
{
    (void)ctx;
    fired += entry->state == PTI_ALERT_FIRING;
    resolved += entry->state == PTI_ALERT_RESOLVED;
}

static void note_removed(void *ctx, const struct pti_alert_entry *entry)
{
    (void)ctx, (void)entry;
    removed++;
}

static const struct pti_alert_watcher watcher = {note_transition, note_removed, NULL};

static void start_over(void)
{
    memset(&book, 0, sizeof book);
    fired = resolved = removed = 0;
}

static void raise_one(enum pti_alert_rule rule, const char *labels)
{
    struct pti_alert *alert = &list.items[list.count++];

    memset(alert, 0, sizeof *alert);
    alert->rule = rule;
    snprintf(alert->labels, sizeof alert->labels, "%s", labels);
}

static void step(enum pti_alert_rule rule, bool holds, int64_t now)
{
    list.count = 0;
    list.truncated = false;
    memset(list.unknown, 0, sizeof list.unknown);
    if (holds)
        raise_one(rule, "{}");
    assert_true(pti_alert_state_step(&book, &list, now, &watcher));
}

static void fires_at_once_and_is_over_at_once(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW);
    assert_int_equal(fired, 1);
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW + 15);
    assert_int_equal(fired, 1);
    assert_int_equal(book.entries[0].fired, NOW);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 30);
    assert_int_equal(resolved, 1);
    assert_int_equal(book.entries[0].resolved, NOW + 30);
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW + 45); /* again: another time it fires */
    assert_int_equal(fired, 2);
    assert_int_equal(book.entries[0].fired, NOW + 45);
    assert_int_equal(book.entries[0].resolved, 0);
}

static void waits_before_it_fires(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW);
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW + 599);
    assert_int_equal(fired, 0);
    assert_int_equal(book.entries[0].state, PTI_ALERT_PENDING);
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW + 600);
    assert_int_equal(fired, 1);
    start_over();
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW);
    step(PTI_ALERT_ONLINE_KEY_FAILING, false, NOW + 300); /* it was nothing */
    assert_int_equal(removed, 1);
    assert_int_equal(book.count, 0);
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW + 600);
    step(PTI_ALERT_ONLINE_KEY_FAILING, true,
         NOW - DAY); /* the clock is put back: it waits anew, and not for a day more */
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW - DAY + 600);
    assert_int_equal(fired, 1);
}

static void stays_while_it_comes_and_goes(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_MISMATCH_RATE, true, NOW);
    step(PTI_ALERT_MISMATCH_RATE, false, NOW + 899);
    step(PTI_ALERT_MISMATCH_RATE, true, NOW + 900);
    step(PTI_ALERT_MISMATCH_RATE, false, NOW + 1799);
    assert_int_equal(resolved, 0);
    step(PTI_ALERT_MISMATCH_RATE, false, NOW + 1800);
    assert_int_equal(resolved, 1);
    assert_int_equal(fired, 1);
}

static void ends_not_while_nothing_is_known(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW);
    list.count = 0;
    list.unknown[PTI_ALERT_EDGE_UNPINNED] = true;
    assert_true(pti_alert_state_step(&book, &list, NOW + DAY, &watcher));
    assert_int_equal(resolved, 0);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + DAY + 15);
    assert_int_equal(resolved, 1);
}

static void what_is_not_seen_only_goes_on(void **state)
{
    (void)state;
    start_over();
    for (int i = 0; i < 4; i++) { /* unseen, bad, unseen, fine */
        list.count = 0;
        if (i < 3) {
            raise_one(PTI_ALERT_EDGE_UNPINNED, "{}");
            list.items[0].only_goes_on = i != 1;
        }
        assert_true(pti_alert_state_step(&book, &list, NOW + 15 * i, &watcher));
        assert_int_equal(fired, i >= 1);
        assert_int_equal(resolved, i == 3);
    }
}

static void what_is_over_is_forgotten(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 15);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 6 * DAY);
    assert_int_equal(removed, 0);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 8 * DAY);
    assert_int_equal(removed, 1);
    assert_int_equal(book.count, 0);
}

/* Old ones make room for new ones; those that hold do not. */
static void a_full_book(void **state)
{
    char labels[32];

    (void)state;
    start_over();
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 1);
    list.count = 0;
    for (int i = 0; i < PTI_ALERTS_MAX; i++) {
        snprintf(labels, sizeof labels, "{\"edge\":\"%d\"}", i);
        raise_one(PTI_ALERT_EDGE_UNPINNED, labels);
    }
    assert_true(pti_alert_state_step(&book, &list, NOW + 2, &watcher));
    assert_int_equal(removed, 1);
    assert_int_equal(book.count, PTI_ALERTS_MAX);
    list.count = PTI_ALERTS_MAX - 1;
    raise_one(PTI_ALERT_EDGE_UNPINNED, "{\"edge\":\"one more\"}");
    assert_false(pti_alert_state_step(&book, &list, NOW + 2, &watcher));
    assert_int_equal(resolved, 2); /* the one whose place was wanted, but only after it was over */
    assert_true(pti_alert_state_step(&book, &list, NOW + 3, &watcher));
    assert_int_equal(removed, 2);
}

/* A stranger who reports about ever new hosts fills his own places only. */
static void forged_alerts_take_no_place(void **state)
{
    char labels[32];

    (void)state;
    start_over();
    for (int round = 0; round < 20; round++) {
        list.count = 0;
        for (int i = 0; i < 30; i++) {
            snprintf(labels, sizeof labels, "{\"host\":\"%d\"}", 30 * round + i);
            raise_one(PTI_ALERT_MISMATCH_RATE, labels);
        }
        assert_int_equal(pti_alert_state_step(&book, &list, NOW + 15 * round, &watcher), round == 0);
    }
    assert_int_equal(book.count, PTI_ALERTS_FORGEABLE_MAX);
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW + 300);
    assert_int_equal(book.entries[book.count - 1].alert.rule, PTI_ALERT_EDGE_UNPINNED);
    assert_int_equal(fired, PTI_ALERTS_FORGEABLE_MAX + 1);
    raise_one(PTI_ALERT_MISMATCH_RATE, "{\"host\":\"there is one\"}"); /* a host of the charter is not hidden by them */
    list.items[list.count - 1].listed = true;
    assert_true(pti_alert_state_step(&book, &list, NOW + 300, &watcher));
    assert_int_equal(fired, PTI_ALERTS_FORGEABLE_MAX + 2);
}

/* ---- who is told ---- */

static enum pti_alert_message due(int64_t now)
{
    enum pti_alert_message message = pti_alert_due(&book.entries[0], 0, 4 * HOUR, now);

    if (message != PTI_ALERT_SAY_NOTHING)
        pti_alert_note_told(&book.entries[0], 0, message, now);
    return message;
}

static void is_told_once_repeated_and_told_once_more(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW);
    assert_int_equal(due(NOW), PTI_ALERT_SAY_FIRING);
    assert_int_equal(due(NOW + 4 * HOUR - 1), PTI_ALERT_SAY_NOTHING);
    assert_int_equal(due(NOW + 4 * HOUR), PTI_ALERT_SAY_FIRING);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 5 * HOUR);
    assert_int_equal(due(NOW + 5 * HOUR), PTI_ALERT_SAY_RESOLVED);
    assert_int_equal(due(NOW + 6 * HOUR), PTI_ALERT_SAY_NOTHING);
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW + 7 * HOUR);
    assert_int_equal(due(NOW + 7 * HOUR), PTI_ALERT_SAY_FIRING);
}

/* Nobody hears of the end of what he never heard of; whoever missed an end hears of the new beginning. */
static void a_webhook_that_was_away(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 60);
    assert_int_equal(due(NOW + 60), PTI_ALERT_SAY_NOTHING);
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW + 120);
    assert_int_equal(due(NOW + 120), PTI_ALERT_SAY_FIRING);
    step(PTI_ALERT_EDGE_UNPINNED, false, NOW + 180);
    step(PTI_ALERT_EDGE_UNPINNED, true, NOW + 240);
    assert_int_equal(due(NOW + 240), PTI_ALERT_SAY_FIRING);
}

/* A second beginning that comes to nothing does not swallow the end of the first. */
static void an_end_that_was_not_told_yet(void **state)
{
    (void)state;
    start_over();
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW);
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW + 600);
    assert_int_equal(due(NOW + 600), PTI_ALERT_SAY_FIRING);
    step(PTI_ALERT_ONLINE_KEY_FAILING, false, NOW + 700);
    step(PTI_ALERT_ONLINE_KEY_FAILING, true, NOW + 715);
    assert_int_equal(due(NOW + 715), PTI_ALERT_SAY_NOTHING);
    step(PTI_ALERT_ONLINE_KEY_FAILING, false, NOW + 730);
    assert_int_equal(due(NOW + 730), PTI_ALERT_SAY_RESOLVED);
    assert_int_equal(book.entries[0].resolved, NOW + 700);
}

static void retries(void **state)
{
    static const struct {
        unsigned failures;
        int64_t retry_after_s;
        uint64_t random;
        int64_t want;
    } rows[] = {
        {1, -1, 0, 1},   {1, -1, 4, 5},       {1, -1, 5, 1},           {2, -1, 9, 10},
        {3, -1, 19, 20}, {7, -1, 299, 300},   {100, -1, 299, 300},     {4000000000u, -1, 300, 1},
        {1, 30, 0, 30},  {100, 30, 299, 300}, {1, INT64_MAX, 0, 3600}, {1, 0, 2, 3},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(rows); i++)
        if (pti_alert_retry_s(rows[i].failures, rows[i].retry_after_s, rows[i].random) != rows[i].want)
            fail_msg("row %zu", i);
}

/* ---- the disk ---- */

static void disk_trends(void **state)
{
    struct pti_disk_trend trend = {.count = 0};

    (void)state;
    for (int64_t t = 0; t < 3000; t += 15)
        pti_disk_trend_note(&trend, NOW + t, 1000000 - t);
    assert_int_equal(trend.count, 5);                                         /* one in ten minutes */
    assert_int_equal(pti_disk_trend_full_in(&trend, NOW + 3000, 997000), -1); /* too early to tell */
    for (int64_t t = 3000; t <= 30000; t += 15)
        pti_disk_trend_note(&trend, NOW + t, 1000000 - t);
    assert_int_equal(trend.count, PTI_DISK_SAMPLES);
    assert_in_range(pti_disk_trend_full_in(&trend, NOW + 30000, 970000), 969000, 971000); /* a byte a second */
    for (int64_t t = 30000; t <= 60000; t += 15)
        pti_disk_trend_note(&trend, NOW + t, 970000 + t % 1200);
    assert_true(pti_disk_trend_full_in(&trend, NOW + 60000, 970000) == -1 ||
                pti_disk_trend_full_in(&trend, NOW + 60000, 970000) > 30 * DAY);
    pti_disk_trend_note(&trend, NOW, 970000); /* the clock was put back */
    assert_int_equal(trend.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_at_once_and_is_over_at_once),
        cmocka_unit_test(waits_before_it_fires),
        cmocka_unit_test(stays_while_it_comes_and_goes),
        cmocka_unit_test(ends_not_while_nothing_is_known),
        cmocka_unit_test(what_is_not_seen_only_goes_on),
        cmocka_unit_test(what_is_over_is_forgotten),
        cmocka_unit_test(a_full_book),
        cmocka_unit_test(forged_alerts_take_no_place),
        cmocka_unit_test(is_told_once_repeated_and_told_once_more),
        cmocka_unit_test(a_webhook_that_was_away),
        cmocka_unit_test(an_end_that_was_not_told_yet),
        cmocka_unit_test(retries),
        cmocka_unit_test(disk_trends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
