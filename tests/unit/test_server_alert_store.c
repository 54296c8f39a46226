/* SPDX-License-Identifier: Apache-2.0 */
/* A restart neither forgets an alert nor tells it twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scratch.h"
#include "server/alert_store.h"

#define NOW 1800000000

static const struct pti_webhook_keys keys = {{"0123456789abcdef", "fedcba9876543210"}, 2};
static const struct pti_webhook_keys swapped = {{"fedcba9876543210", "0123456789abcdef"}, 2};

static struct pti_alert_book book;

static struct pti_database *open_database(struct scratch *scratch)
{
    struct pti_database *database = NULL;

    scratch_ok(scratch, pti_database_open_sqlite(scratch->directory, &database, &scratch->error));
    return database;
}

static void store(struct scratch *scratch)
{
    struct pti_database *database = open_database(scratch);

    scratch_ok(scratch, pti_alert_store_save(database, &keys, &book, &scratch->error));
    pti_database_close(database);
}

static void load(struct scratch *scratch, const struct pti_webhook_keys *webhooks, int64_t now)
{
    struct pti_database *database = open_database(scratch);

    memset(&book, 0, sizeof book);
    scratch_ok(scratch, pti_alert_store_load(database, webhooks, now, &book, &scratch->error));
    pti_database_close(database);
}

static struct pti_alert_entry *add(const char *labels, enum pti_alert_state state)
{
    struct pti_alert_entry *entry = &book.entries[book.count++];

    memset(entry, 0, sizeof *entry);
    entry->alert.rule = PTI_ALERT_EDGE_UNPINNED;
    entry->alert.severity = PTI_SEVERITY_PAGE;
    pti_copy_text(entry->alert.labels, sizeof entry->alert.labels, labels);
    pti_copy_text(entry->alert.fingerprint, sizeof entry->alert.fingerprint, "0011223344556677");
    pti_copy_text(entry->alert.summary, sizeof entry->alert.summary, "it serves another key");
    entry->state = state;
    entry->since = NOW - 20;
    entry->fired = NOW - 10;
    entry->resolved = state == PTI_ALERT_RESOLVED ? NOW - 5 : 0;
    entry->changed = true;
    return entry;
}

static void everything_comes_back(void **state)
{
    struct scratch *scratch = *state;
    const struct pti_alert_entry *entry = &book.entries[1];

    book.count = 0;
    pti_alert_note_told(add("{\"edge\":\"b\"}", PTI_ALERT_FIRING), 1, PTI_ALERT_SAY_FIRING, NOW - 9);
    add("{\"edge\":\"a\"}", PTI_ALERT_RESOLVED);
    store(scratch);
    assert_false(book.entries[0].changed || book.entries[1].changed);
    load(scratch, &keys, NOW);
    assert_int_equal(book.count, 2);
    assert_int_equal(book.entries[0].state, PTI_ALERT_RESOLVED);
    assert_int_equal(book.entries[0].resolved, NOW - 5);
    assert_false(book.entries[0].told[0].firing || book.entries[0].told[1].firing);
    assert_string_equal(entry->alert.labels, "{\"edge\":\"b\"}");
    assert_string_equal(entry->alert.summary, "it serves another key");
    assert_string_equal(entry->alert.fingerprint, "0011223344556677");
    assert_int_equal(entry->alert.rule, PTI_ALERT_EDGE_UNPINNED);
    assert_int_equal(entry->alert.severity, PTI_SEVERITY_PAGE);
    assert_int_equal(entry->state, PTI_ALERT_FIRING);
    assert_int_equal(entry->since, NOW - 20);
    assert_int_equal(entry->fired, NOW - 10);
    assert_int_equal(entry->seen, NOW);
    assert_false(entry->told[0].firing);
    assert_true(entry->told[1].firing);
    assert_int_equal(entry->told[1].at, NOW - 9);
    assert_false(entry->changed);
}

/* A webhook is known by its URL, wherever it stands in the configuration; a new one was told nothing. */
static void webhooks_are_known_again(void **state)
{
    static const struct pti_webhook_keys others = {{"aaaaaaaaaaaaaaaa"}, 1};
    struct scratch *scratch = *state;

    book.count = 0;
    pti_alert_note_told(add("{}", PTI_ALERT_FIRING), 0, PTI_ALERT_SAY_FIRING, NOW);
    store(scratch);
    load(scratch, &swapped, NOW);
    assert_false(book.entries[0].told[0].firing);
    assert_true(book.entries[0].told[1].firing);
    load(scratch, &others, NOW);
    assert_false(book.entries[0].told[0].firing);
}

static void the_end_is_told_once(void **state)
{
    struct scratch *scratch = *state;

    book.count = 0;
    pti_alert_note_told(add("{}", PTI_ALERT_FIRING), 0, PTI_ALERT_SAY_FIRING, NOW);
    store(scratch);
    load(scratch, &keys, NOW + 60);
    book.entries[0].state = PTI_ALERT_RESOLVED;
    book.entries[0].resolved = NOW + 60;
    assert_int_equal(pti_alert_due(&book.entries[0], 0, 14400, NOW + 60), PTI_ALERT_SAY_RESOLVED);
    pti_alert_note_told(&book.entries[0], 0, PTI_ALERT_SAY_RESOLVED, NOW + 60);
    store(scratch);
    load(scratch, &keys, NOW + 120);
    assert_int_equal(book.entries[0].state, PTI_ALERT_RESOLVED);
    assert_int_equal(pti_alert_due(&book.entries[0], 0, 14400, NOW + 120), PTI_ALERT_SAY_NOTHING);
}

static void what_is_removed_is_gone(void **state)
{
    struct scratch *scratch = *state;
    struct pti_database *database;

    book.count = 0;
    pti_alert_note_told(add("{\"edge\":\"a\"}", PTI_ALERT_FIRING), 0, PTI_ALERT_SAY_FIRING, NOW);
    add("{\"edge\":\"b\"}", PTI_ALERT_FIRING);
    store(scratch);
    database = open_database(scratch);
    scratch_ok(scratch, pti_alert_store_remove(database, &book.entries[0], &scratch->error));
    pti_database_close(database);
    load(scratch, &keys, NOW);
    assert_int_equal(book.count, 1);
    assert_string_equal(book.entries[0].alert.labels, "{\"edge\":\"b\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(everything_comes_back),
        SCRATCH_TEST(webhooks_are_known_again),
        SCRATCH_TEST(the_end_is_told_once),
        SCRATCH_TEST(what_is_removed_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
