/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: numbered lines, each vouched for by those after it; and what is found when somebody was at it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/array.h"
#include "publish/file.h"
#include "scratch.h"
#include "server/journal_check.h"
#include "server/journal_head.h"
#include "server/limits.h"

struct fixture {
    struct scratch *scratch;
    struct pti_database *database;
    struct pti_journal_head heads[8]; /* after each line */
};

static void append(struct fixture *fixture, const char *detail)
{
    struct pti_error error;

    if (pti_journal_append(fixture->database, "token:ci", "token.added", detail, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
}

static struct pti_journal_head head_of(struct fixture *fixture)
{
    struct pti_journal_head head;
    struct pti_error error;

    assert_int_equal(pti_journal_read_head(fixture->database, &head, &error), PINTLE_OK);
    return head;
}

/* Seven lines. */
static int open_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char detail[16];

    fixture->scratch = scratch_new();
    scratch_ok(fixture->scratch,
               pti_database_open_sqlite(fixture->scratch->directory, &fixture->database, &fixture->scratch->error));
    for (size_t i = 1; i < PTI_COUNT(fixture->heads); i++) {
        snprintf(detail, sizeof detail, "line %zu", i);
        append(fixture, detail);
        fixture->heads[i] = head_of(fixture);
    }
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;

    pti_database_close(fixture->database);
    scratch_free(fixture->scratch);
    free(fixture);
    return 0;
}

static void execute(struct fixture *fixture, const char *sql)
{
    char *why = NULL;
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(scratch_path(fixture->scratch, "pintled.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* ---- what is hashed ---- */

static bool keep_text(void *ctx, const struct pti_journal_line *line)
{
    pti_journal_line_write(line, ctx);
    return true;
}

static void a_line_is_bounded_and_printable(void **state)
{
    struct fixture *fixture = *state;
    char *endless = malloc(100000);
    struct pti_buf text;
    const struct pti_journal_query query = {7, 2, keep_text, &text};
    struct pti_error error;

    assert_non_null(endless);
    memset(endless, 'x', 99999);
    endless[99999] = '\0';
    append(fixture, "a\"b\\c\nd\x1b[31m\xff");
    append(fixture, endless);
    pti_buf_init(&text, 1 << 20);
    assert_int_equal(pti_journal_read(fixture->database, &query, &error), PINTLE_OK);
    assert_non_null(strstr(pti_buf_cstr(&text), "\"detail\":\"a\\\"b\\\\c?d?[31m?\"}"));
    assert_true(text.size < 2 * PTI_JOURNAL_TEXT_MAX);
    assert_memory_equal(text.data, "{\"seq\":8,\"time\":\"", 17);
    pti_buf_clear(&text);
    free(endless);
}

/* Computed by hand once: whoever changes the form of a line, or the chain, breaks every journal there is. */
static void the_chain_never_changes(void **state)
{
    struct fixture *fixture = *state;
    const struct pti_journal_line line = {.seq = 1,
                                          .time = 1800000000,
                                          .actor = {(const uint8_t *)"pintled", 7},
                                          .event = {(const uint8_t *)"a.b", 3},
                                          .detail = {(const uint8_t *)"c", 1}};
    static const uint8_t first[PINTLE_SHA256_SIZE];
    struct pti_journal_head head = {.seq = 1};
    char text[PTI_JOURNAL_HEAD_SIZE];
    struct pti_error error;

    assert_int_equal(pti_journal_hash(fixture->scratch->crypto, first, &line, head.hash, &error), PINTLE_OK);
    pti_journal_head_format(&head, text);
    assert_string_equal(text, "1:e94aa7f29836c1704a6cca416111fa0cd2a7b7144e67662070b5b436fbc0725f");
}

/* ---- verifying ---- */

struct findings {
    char text[512];
};

static void note(void *ctx, enum pti_journal_finding finding, int64_t first, int64_t last)
{
    static const char *const names[] = {[PTI_JOURNAL_CHANGED] = "changed",
                                        [PTI_JOURNAL_MISSING] = "missing",
                                        [PTI_JOURNAL_CUT] = "cut",
                                        [PTI_JOURNAL_REWRITTEN] = "rewritten"};
    struct findings *findings = ctx;
    size_t length = strlen(findings->text);

    snprintf(findings->text + length, sizeof findings->text - length, "%s %d-%d ", names[finding], (int)first,
             (int)last);
}

static bool check_line(void *ctx, const struct pti_journal_line *line)
{
    struct pti_error error;

    return pti_journal_check_line(ctx, line, &error) == PINTLE_OK;
}

static void assert_found(struct fixture *fixture, const struct pti_journal_head *noted, const char *want)
{
    struct findings findings = {""};
    struct pti_journal_check check;
    const struct pti_journal_query query = {INT64_MIN, INT64_MAX, check_line, &check};
    struct pti_error error;

    pti_journal_check_init(&check, fixture->scratch->crypto, noted, noted ? 1 : 0, note, &findings);
    assert_int_equal(pti_journal_read(fixture->database, &query, &error), PINTLE_OK);
    pti_journal_check_end(&check);
    assert_string_equal(findings.text, want);
}

/* What each does to the seven lines, and what is found without a head and with that of line 7. */
static void what_is_found(void **state)
{
    static const struct {
        const char *name, *sql, *chain, *head;
    } rows[] = {
        {"nothing", "SELECT 1", "", ""},
        {"detail", "UPDATE journal SET detail = 'x' WHERE seq = 3", "changed 3-3 ", "changed 3-3 "},
        {"actor", "UPDATE journal SET actor = 'token:cj' WHERE seq = 1", "changed 1-1 ", "changed 1-1 "},
        {"time", "UPDATE journal SET time = time + 1 WHERE seq = 7", "changed 7-7 ", "changed 7-7 "},
        {"between fields", "UPDATE journal SET actor = 'token:citoken', event = '.added' WHERE seq = 2", "changed 2-2 ",
         "changed 2-2 "},
        {"hash", "UPDATE journal SET hash = zeroblob(32) WHERE seq = 3", "changed 3-3 changed 4-4 ",
         "changed 3-3 changed 4-4 "},
        {"hash of another size", "UPDATE journal SET hash = x'00' WHERE seq = 3", "changed 3-3 changed 4-4 ",
         "changed 3-3 changed 4-4 "},
        {"dropped", "DELETE FROM journal WHERE seq = 3", "missing 3-3 ", "missing 3-3 "},
        {"first dropped", "DELETE FROM journal WHERE seq < 3", "missing 1-2 ", "missing 1-2 "},
        {"dropped and renumbered", "DELETE FROM journal WHERE seq = 5; UPDATE journal SET seq = seq - 1 WHERE seq > 5",
         "changed 5-5 changed 6-6 ", "changed 5-5 changed 6-6 cut 7-7 "},
        {"reordered",
         "UPDATE journal SET seq = 100 WHERE seq = 3; UPDATE journal SET seq = 3 WHERE seq = 4;"
         "UPDATE journal SET seq = 4 WHERE seq = 100",
         "changed 3-3 changed 4-4 changed 5-5 ", "changed 3-3 changed 4-4 changed 5-5 "},
        {"doubled", "INSERT INTO journal SELECT 8, time, actor, event, detail, hash FROM journal WHERE seq = 7",
         "changed 8-8 ", "changed 8-8 "},
        {"put before", "INSERT INTO journal SELECT 0, time, actor, event, detail, hash FROM journal WHERE seq = 7",
         "changed 0-0 ", "changed 0-0 "},
        {"cut", "DELETE FROM journal WHERE seq > 5", "", "cut 6-7 "},
        {"emptied", "DELETE FROM journal", "", "cut 1-7 "},
    };
    struct fixture *fixture = *state;

    (void)state;
    execute(fixture, "CREATE TABLE kept AS SELECT * FROM journal");
    for (size_t i = 0; i < PTI_COUNT(rows); i++) {
        print_message("%s\n", rows[i].name);
        execute(fixture, rows[i].sql);
        assert_found(fixture, NULL, rows[i].chain);
        assert_found(fixture, &fixture->heads[7], rows[i].head);
        execute(fixture, "DELETE FROM journal; INSERT INTO journal SELECT * FROM kept");
    }
}

/* A chain that is sound, but another one: found by any head that was noted after the change. */
static void written_anew(void **state)
{
    struct fixture *fixture = *state;

    execute(fixture, "DELETE FROM journal WHERE seq > 3");
    for (int i = 4; i < 10; i++)
        append(fixture, "another past");
    assert_found(fixture, NULL, "");
    assert_found(fixture, &fixture->heads[3], "");
    assert_found(fixture, &fixture->heads[4], "rewritten 4-4 ");
    assert_found(fixture, &fixture->heads[7], "rewritten 7-7 ");
}

/* ---- the head beside it ---- */

static void start(struct fixture *fixture, const char *want)
{
    struct pti_journal_head head, before = head_of(fixture);
    struct pti_buf text;
    const struct pti_journal_query query = {before.seq, 2, keep_text, &text};
    struct pti_error error;

    pti_buf_init(&text, 1 << 16);
    assert_int_equal(pti_journal_head_start(fixture->database, fixture->scratch->directory, &head, &error), PINTLE_OK);
    assert_int_equal(pti_journal_read(fixture->database, &query, &error), PINTLE_OK);
    if (want && (text.size == 0 || !strstr(pti_buf_cstr(&text), want)))
        fail_msg("expected a line that says %s", want);
    assert_true(want || text.size == 0);
    assert_int_equal(head.seq, head_of(fixture).seq);
    pti_buf_clear(&text);
}

static void a_start_compares_and_tells(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    struct pti_error error;

    snprintf(path, sizeof path, "%s/journal.head", fixture->scratch->directory);
    start(fixture, "journal.head is missing"); /* lines without a head: somebody took it away */
    start(fixture, NULL);
    append(fixture, "the file lags behind: the machine was switched off");
    start(fixture, NULL);
    execute(fixture, "DELETE FROM journal WHERE seq > 6");
    start(fixture, "which is not in the journal");
    start(fixture, NULL); /* told once */
    assert_int_equal(pti_file_replace(path, (struct pintle_bytes){(const uint8_t *)"x", 1}, 0600, &error), PINTLE_OK);
    start(fixture, "expected NUMBER:HASH");
    start(fixture, NULL);
}

static void a_command_leaves_what_does_not_agree(void **state)
{
    struct fixture *fixture = *state;
    struct pti_journal_head kept;
    struct pti_error error;
    bool found = false;

    assert_int_equal(pti_journal_head_update(fixture->database, fixture->scratch->directory, &error), PINTLE_OK);
    assert_int_equal(pti_journal_head_load(fixture->scratch->directory, &kept, &found, &error), PINTLE_OK);
    assert_true(found);
    assert_int_equal(kept.seq, 7);
    execute(fixture, "DELETE FROM journal WHERE seq > 5");
    append(fixture, "6");
    append(fixture, "7");
    append(fixture, "8");
    assert_int_equal(pti_journal_head_update(fixture->database, fixture->scratch->directory, &error), PINTLE_OK);
    assert_int_equal(pti_journal_head_load(fixture->scratch->directory, &kept, &found, &error), PINTLE_OK);
    assert_int_equal(kept.seq, 7);
    assert_memory_equal(kept.hash, fixture->heads[7].hash, sizeof kept.hash);
    start(fixture, "which is not in the journal");
}

/* What a running server finds gone, it does not cover up by following. */
static void a_server_follows_only_what_goes_on(void **state)
{
    static const char *const changes[] = {"DELETE FROM journal WHERE seq > 6", "DELETE FROM journal",
                                          "UPDATE journal SET hash = zeroblob(32) WHERE seq = 8"};
    struct fixture *fixture = *state;
    struct pti_journal_head head, kept;
    struct pti_error error;
    bool found = false;

    assert_int_equal(pti_journal_head_start(fixture->database, fixture->scratch->directory, &head, &error), PINTLE_OK);
    execute(fixture, "CREATE TABLE kept AS SELECT * FROM journal");
    for (size_t i = 0; i < PTI_COUNT(changes); i++) {
        execute(fixture, changes[i]);
        for (int lines = 0; lines < 4; lines++) { /* also when as many are there as before, and more */
            assert_int_equal(pti_journal_head_follow(fixture->database, fixture->scratch->directory, &head, &error),
                             PINTLE_ERR_TRUST);
            assert_int_equal(pti_journal_head_load(fixture->scratch->directory, &kept, &found, &error), PINTLE_OK);
            assert_memory_equal(&kept, &head, sizeof kept);
            append(fixture, "later");
        }
        execute(fixture, "DELETE FROM journal; INSERT INTO journal SELECT * FROM kept");
    }
    append(fixture, "goes on");
    assert_int_equal(pti_journal_head_follow(fixture->database, fixture->scratch->directory, &head, &error), PINTLE_OK);
    assert_int_equal(head.seq, head_of(fixture).seq);
}

static void head_text(void **state)
{
    static const char *const wrong[] = {
        "",
        ":",
        "1",
        "1:",
        "1:ab",
        "-1:0000000000000000000000000000000000000000000000000000000000000000",
        "1234567890123456789:0000000000000000000000000000000000000000000000000000000000000000",
        "1:000000000000000000000000000000000000000000000000000000000000000g",
        "1:00000000000000000000000000000000000000000000000000000000000000000"};
    struct pti_journal_head head;

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(wrong); i++)
        if (pti_journal_head_parse(pti_bytes_text(wrong[i]), &head))
            fail_msg("\"%s\"", wrong[i]);
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_line_is_bounded_and_printable),
        FIXTURE_TEST(the_chain_never_changes),
        FIXTURE_TEST(what_is_found),
        FIXTURE_TEST(written_anew),
        FIXTURE_TEST(a_start_compares_and_tells),
        FIXTURE_TEST(a_command_leaves_what_does_not_agree),
        FIXTURE_TEST(a_server_follows_only_what_goes_on),
        cmocka_unit_test(head_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
