/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of edges: every one once, what was found last, which keys were ever seen; and where to look for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "scratch.h"
#include "server/edge_finding.h"
#include "server/journal.h"

#define DAY_S 86400

static struct scratch *scratch;
static struct pti_database *database;

static int open_database(void **state)
{
    (void)state;
    scratch = scratch_new();
    scratch_ok(scratch, pti_database_open_sqlite(scratch->directory, &database, &scratch->error));
    return 0;
}

static int close_database(void **state)
{
    (void)state;
    pti_database_close(database);
    scratch_free(scratch);
    return 0;
}

static struct pti_edge_key key_of(const char *repository, const char *host, const char *address,
                                  enum pti_probe_key kind)
{
    struct pti_edge_key key = {.port = 443, .key = kind};

    pti_copy_text(key.repository, sizeof key.repository, repository);
    pti_copy_text(key.host, sizeof key.host, host);
    pti_copy_text(key.address, sizeof key.address, address);
    return key;
}

static bool is_key(const struct pti_edge_key *a, const struct pti_edge_key *b)
{
    return strcmp(a->repository, b->repository) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port &&
           strcmp(a->address, b->address) == 0 && a->key == b->key;
}

static void note(const struct pti_edge_key *key, int64_t now)
{
    assert_int_equal(pti_edges_note(database, key, 1, "option", now, NULL), PINTLE_OK);
}

static void see(const struct pti_edge_key *key, const char *leaf, int64_t now)
{
    struct pti_edge_finding finding = {.probed = now,
                                       .outcome = leaf[0] ? PTI_PROBE_SERVED : PTI_PROBE_FAILED,
                                       .failures = leaf[0] ? 0 : 2,
                                       .pinned = leaf[0] ? PTI_EDGE_UNPINNED : PTI_EDGE_UNKNOWN,
                                       .not_before = 5,
                                       .not_after = 6,
                                       .document = pti_bytes_text("{\"detail\":\"x\"}")};

    pti_copy_text(finding.leaf, sizeof finding.leaf, leaf);
    assert_int_equal(pti_edges_store(database, key, &finding, NULL), PINTLE_OK);
}

struct found {
    struct pti_edge edges[16];
    char documents[16][64];
    size_t count;
};

static bool keep(void *ctx, const struct pti_edge *edge)
{
    struct found *found = ctx;
    const struct pintle_bytes document = edge->finding.document;

    found->edges[found->count] = *edge;
    snprintf(found->documents[found->count++], sizeof found->documents[0], "%.*s", (int)document.size,
             (const char *)document.data);
    return true;
}

static size_t list(struct pti_edge_query query, struct found *found)
{
    found->count = 0;
    query.row = keep;
    query.ctx = found;
    if (query.limit == 0)
        query.limit = 16;
    assert_int_equal(pti_edges_list(database, &query, NULL), PINTLE_OK);
    return found->count;
}

static size_t leaves_of(const struct pti_edge_key *key, struct pti_edge_leaf leaves[PTI_EDGE_LEAVES_MAX])
{
    size_t count = 0;

    assert_int_equal(pti_edges_leaves(database, key, leaves, &count, NULL), PINTLE_OK);
    return count;
}

static void found_last(void **state)
{
    const struct pti_edge_key key = key_of("", "a.test", "192.0.2.1", PTI_PROBE_KEY_RSA);
    struct pti_edge_leaf leaves[PTI_EDGE_LEAVES_MAX];
    struct found found;

    (void)state;
    see(&key, "early", 5); /* no edge yet: nothing is kept */
    assert_int_equal(list((struct pti_edge_query){.limit = 0}, &found), 0);
    assert_int_equal(leaves_of(&key, leaves), 0);
    note(&key, 10);
    assert_int_equal(list((struct pti_edge_query){.documents = true}, &found), 1);
    assert_int_equal(found.edges[0].finding.probed, 0);
    see(&key, "one", 20);
    see(&key, "two", 30);
    see(&key, "one", 40);
    note(&key, 50); /* it is still one: what was found stays */
    assert_int_equal(list((struct pti_edge_query){.documents = true}, &found), 1);
    assert_true(is_key(&found.edges[0].key, &key));
    assert_true(found.edges[0].active);
    assert_string_equal(found.edges[0].source, "option");
    assert_int_equal(found.edges[0].added, 10);
    assert_int_equal(found.edges[0].finding.probed, 40);
    assert_int_equal(found.edges[0].finding.outcome, PTI_PROBE_SERVED);
    assert_int_equal(found.edges[0].finding.pinned, PTI_EDGE_UNPINNED);
    assert_string_equal(found.edges[0].finding.leaf, "one");
    assert_int_equal(found.edges[0].finding.not_before, 5);
    assert_int_equal(found.edges[0].finding.not_after, 6);
    assert_string_equal(found.documents[0], "{\"detail\":\"x\"}");
    assert_int_equal(list((struct pti_edge_query){.documents = false}, &found), 1);
    assert_string_equal(found.documents[0], "");
    assert_int_equal(leaves_of(&key, leaves), 2);
    assert_string_equal(leaves[0].spki, "one");
    assert_int_equal(leaves[0].first_seen, 20);
    assert_int_equal(leaves[0].last_seen, 40);
    assert_string_equal(leaves[1].spki, "two");
    see(&key, "", 60);
    assert_int_equal(list((struct pti_edge_query){.limit = 0}, &found), 1);
    assert_int_equal(found.edges[0].finding.outcome, PTI_PROBE_FAILED);
    assert_int_equal(found.edges[0].finding.failures, 2);
    assert_int_equal(leaves_of(&key, leaves), 2);
    see(&key, "one", 70);
    see(&key, "zzz", 70); /* replaced within a second: the newer one is what it serves */
    assert_int_equal(leaves_of(&key, leaves), 3);
    assert_string_equal(leaves[0].spki, "zzz");
}

static bool take_count(void *ctx, const struct pti_db_value *columns, size_t count)
{
    assert_int_equal(count, 1);
    *(int64_t *)ctx = columns[0].integer;
    return true;
}

static int64_t count_leaves(void)
{
    static const struct pti_db_statement statement = {"count leaves", "SELECT count(*) FROM edge_leaf"};
    int64_t number = 0;
    const struct pti_db_query query = {&statement, NULL, 0, take_count, &number};

    assert_int_equal(pti_database_read(database, &query, NULL), PINTLE_OK);
    return number;
}

/* A server that shows another key each time does not fill the disk. */
static void leaves_are_bounded(void **state)
{
    const struct pti_edge_key key = key_of("", "a.test", "192.0.2.1", PTI_PROBE_KEY_ECDSA);
    const struct pti_edge_key other = key_of("", "a.test", "192.0.2.1", PTI_PROBE_KEY_RSA);
    struct pti_edge_leaf leaves[PTI_EDGE_LEAVES_MAX];

    (void)state;
    note(&key, 1);
    note(&other, 1);
    see(&other, "kept", 1);
    for (int i = 0; i < PTI_EDGE_LEAVES_MAX + 5; i++) {
        char leaf[8];

        snprintf(leaf, sizeof leaf, "%d", i);
        see(&key, leaf, 100 + i);
    }
    assert_int_equal(leaves_of(&key, leaves), PTI_EDGE_LEAVES_MAX);
    assert_int_equal(leaves[0].last_seen, 100 + PTI_EDGE_LEAVES_MAX + 4);
    assert_int_equal(leaves[PTI_EDGE_LEAVES_MAX - 1].last_seen, 105);
    assert_int_equal(leaves_of(&other, leaves), 1);
    assert_int_equal(count_leaves(), PTI_EDGE_LEAVES_MAX + 1);
}

static void lists(void **state)
{
    const struct pti_edge_key keys[] = {key_of("", "a.test", "192.0.2.1", PTI_PROBE_KEY_ECDSA),
                                        key_of("", "a.test", "192.0.2.1", PTI_PROBE_KEY_RSA),
                                        key_of("", "b.test", "192.0.2.1", PTI_PROBE_KEY_ECDSA),
                                        key_of("shop", "a.test", "192.0.2.1", PTI_PROBE_KEY_RSA)};
    struct found found;

    (void)state;
    for (size_t i = PTI_COUNT(keys); i-- > 0;)
        note(&keys[i], 1);
    assert_int_equal(list((struct pti_edge_query){.limit = 0}, &found), 4);
    for (size_t i = 0; i < PTI_COUNT(keys); i++) {
        assert_true(is_key(&found.edges[i].key, &keys[i]));
        list((struct pti_edge_query){.after = &keys[i]}, &found);
        assert_int_equal(found.count, PTI_COUNT(keys) - 1 - i);
        list((struct pti_edge_query){.limit = 0}, &found);
    }
    assert_int_equal(list((struct pti_edge_query){.limit = 3}, &found), 3);
    assert_int_equal(list((struct pti_edge_query){.repository = ""}, &found), 3);
    assert_int_equal(list((struct pti_edge_query){.repository = "shop"}, &found), 1);
    assert_int_equal(list((struct pti_edge_query){.host = "a.test"}, &found), 3);
    assert_int_equal(list((struct pti_edge_query){.repository = "shop", .host = "b.test"}, &found), 0);
}

/* One that is none any more is shown as such for a month, then forgotten with all that was seen there. */
static void forgotten(void **state)
{
    const struct pti_edge_key key = key_of("", "a.test", "192.0.2.1", PTI_PROBE_KEY_ECDSA);
    const struct pti_edge_key other = key_of("", "b.test", "192.0.2.1", PTI_PROBE_KEY_ECDSA);
    struct pti_edge_leaf leaves[PTI_EDGE_LEAVES_MAX];
    struct found found;

    (void)state;
    note(&key, 1);
    note(&other, 1);
    see(&key, "one", 2);
    see(&other, "one", 2);
    assert_int_equal(pti_edges_retire(database, &key, 100, NULL), PINTLE_OK);
    assert_int_equal(list((struct pti_edge_query){.active = true}, &found), 1);
    assert_int_equal(list((struct pti_edge_query){.limit = 0}, &found), 2);
    assert_false(found.edges[0].active);
    assert_int_equal(pti_edges_retire(database, &other, 100 + 30 * DAY_S, NULL), PINTLE_OK);
    assert_int_equal(list((struct pti_edge_query){.limit = 0}, &found), 2);
    assert_int_equal(pti_edges_retire(database, &other, 101 + 30 * DAY_S, NULL), PINTLE_OK);
    assert_int_equal(list((struct pti_edge_query){.limit = 0}, &found), 1);
    assert_string_equal(found.edges[0].key.host, "b.test");
    assert_int_equal(leaves_of(&key, leaves), 0);
    assert_int_equal(leaves_of(&other, leaves), 1);
    note(&other, 102 + 30 * DAY_S);
    assert_int_equal(list((struct pti_edge_query){.active = true}, &found), 1);
}

/* ---- targets ---- */

static void targets_as_people_write_them(void **state)
{
    static const struct {
        const char *text, *repository, *host, *place; /* host NULL: refused */
        unsigned port;
    } cases[] = {
        {"a.test=192.0.2.1", "", "a.test", "192.0.2.1", 443},
        {"A.Test.=192.0.2.1:8443", "", "a.test", "192.0.2.1", 8443},
        {"shop/a.test=[2001:DB8::1]:8443", "shop", "a.test", "2001:db8::1", 8443},
        {"a.test:8443=origin.test", "", "a.test", "origin.test", 8443},
        {"a.test", NULL, NULL, NULL, 0},
        {"a.test=", NULL, NULL, NULL, 0},
        {"=192.0.2.1", NULL, NULL, NULL, 0},
        {"a.test=192.0.2.1:0", NULL, NULL, NULL, 0},
        {"a.test=https://b.test", NULL, NULL, NULL, 0},
        {"a b=192.0.2.1", NULL, NULL, NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct pti_target target;
        struct pti_error error = {.detail = ""};
        enum pintle_status status = pti_target_parse(cases[i].text, &target, &error);

        if ((status == PINTLE_OK) != (cases[i].host != NULL))
            fail_msg("\"%s\": %s %s", cases[i].text, pintle_status_name(status), error.detail);
        if (!cases[i].host) {
            assert_int_equal(status, PINTLE_ERR_INPUT);
            continue;
        }
        assert_string_equal(target.repository, cases[i].repository);
        assert_string_equal(target.host, cases[i].host);
        assert_string_equal(target.where.host, cases[i].place);
        assert_int_equal(target.where.port, cases[i].port);
    }
}

static bool take_target(void *ctx, const struct pti_target *target)
{
    *(struct pti_target *)ctx = *target;
    return true;
}

static bool take_line(void *ctx, const struct pti_journal_line *line)
{
    char *text = ctx;

    snprintf(text + strlen(text), 512 - strlen(text), "%.*s %.*s %.*s\n", (int)line->actor.size,
             (const char *)line->actor.data, (int)line->event.size, (const char *)line->event.data,
             (int)line->detail.size, (const char *)line->detail.data);
    return true;
}

static void targets_are_kept_and_journaled(void **state)
{
    struct pti_target target, kept = {.host = ""};
    char lines[512] = "";
    const struct pti_journal_query query = {0, 10, take_line, lines};
    bool changed = false;

    (void)state;
    assert_int_equal(pti_target_parse("shop/a.test=192.0.2.1:8443", &target, NULL), PINTLE_OK);
    assert_int_equal(pti_targets_add(database, &target, 1, "token:me", &changed, NULL), PINTLE_OK);
    assert_true(changed);
    assert_int_equal(pti_targets_add(database, &target, 2, "token:me", &changed, NULL), PINTLE_OK);
    assert_false(changed);
    assert_int_equal(pti_targets_list(database, take_target, &kept, NULL), PINTLE_OK);
    assert_string_equal(kept.repository, "shop");
    assert_string_equal(kept.host, "a.test");
    assert_string_equal(kept.where.host, "192.0.2.1");
    assert_int_equal(kept.where.port, 8443);
    assert_int_equal(kept.source, PTI_TARGET_API);
    assert_int_equal(pti_targets_remove(database, &target, "token:me", &changed, NULL), PINTLE_OK);
    assert_true(changed);
    assert_int_equal(pti_targets_remove(database, &target, "token:me", &changed, NULL), PINTLE_OK);
    assert_false(changed);
    assert_int_equal(pti_journal_read(database, &query, NULL), PINTLE_OK);
    assert_string_equal(lines, "token:me edge.added shop/a.test at 192.0.2.1 port 8443\n"
                               "token:me edge.removed shop/a.test at 192.0.2.1 port 8443\n");
}

/* ---- findings ---- */

static struct pintle_pinset *pin(const char *host, uint8_t byte)
{
    char hash[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];
    const struct pintle_static_pin one = {.host = host, .sha256 = hash, .of = PINTLE_OF_SPKI, .at = PINTLE_AT_LEAF};
    uint8_t sha256[PINTLE_SHA256_SIZE];
    struct pintle_pinset *pinset = NULL;

    memset(sha256, byte, sizeof sha256);
    pti_base64_encode(sha256, sizeof sha256, hash);
    assert_int_equal(pintle_pinset_new_static(&one, 1, PINTLE_UNLISTED_ACCEPT, &pinset, NULL, 0), PINTLE_OK);
    return pinset;
}

/* One generation that does not know the key is enough; one that does not list the host says nothing. */
static void pinned_under_every_generation(void **state)
{
    static const struct {
        uint8_t pins[3]; /* of the generations, 0: host not listed; the key is 1 */
        bool valid;
        enum pti_probe_outcome outcome;
        enum pti_edge_pinned want;
    } cases[] = {
        {{1, 1, 1}, true, PTI_PROBE_SERVED, PTI_EDGE_PINNED},
        {{1, 0, 1}, true, PTI_PROBE_SERVED, PTI_EDGE_PINNED},
        {{1, 1, 2}, true, PTI_PROBE_SERVED, PTI_EDGE_UNPINNED},
        {{2, 0, 1}, true, PTI_PROBE_SERVED, PTI_EDGE_UNPINNED},
        {{0, 0, 0}, true, PTI_PROBE_SERVED, PTI_EDGE_UNKNOWN},
        {{1, 1, 2}, false, PTI_PROBE_SERVED, PTI_EDGE_UNKNOWN},
        {{1, 1, 2}, true, PTI_PROBE_FAILED, PTI_EDGE_UNKNOWN},
        {{1, 1, 2}, true, PTI_PROBE_NOT_SERVED, PTI_EDGE_UNKNOWN},
    };
    struct pti_probe_result *result = calloc(1, sizeof *result);
    struct pti_fleet *held = calloc(1, sizeof *held);

    (void)state;
    result->count = 1;
    memset(result->certificates[0].spki, 1, PINTLE_SHA256_SIZE);
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct pti_edge_finding finding;
        struct pti_buf document;

        result->valid = cases[i].valid;
        for (held->count = 0; held->count < 3; held->count++) {
            uint8_t byte = cases[i].pins[held->count];

            snprintf(held->generations[held->count].name, PTI_FLEET_NAME_SIZE, "g%zu", held->count);
            held->generations[held->count].pinset = pin(byte ? "a.test" : "b.test", byte);
        }
        pti_buf_init(&document, PTI_EDGE_DOCUMENT_MAX);
        assert_int_equal(
            pti_edge_find(cases[i].outcome, result, "why \"not\"", held, "a.test", 7, &document, &finding, NULL),
            PINTLE_OK);
        if (finding.pinned != cases[i].want)
            fail_msg("%zu: %s", i, pti_edge_pinned_name(finding.pinned));
        assert_int_equal(finding.probed, 7);
        assert_int_equal(finding.leaf[0] != '\0', cases[i].outcome == PTI_PROBE_SERVED);
        assert_int_equal(strstr(pti_buf_cstr(&document), "{\"detail\":\"why \\\"not\\\"\"}") != NULL,
                         cases[i].outcome != PTI_PROBE_SERVED);
        pti_buf_clear(&document);
        pti_fleet_clear(held);
    }
    free(held);
    free(result);
}

/*
 * What a generation's own age refuses is no fault of the edge's; report mode accepts, and the key is unpinned all the
 * same.
 */
static void what_a_reason_says(void **state)
{
    static const struct {
        enum pintle_reason reason;
        enum pti_edge_pinned want;
    } cases[] = {
        {PINTLE_REASON_MATCHED, PTI_EDGE_PINNED},          {PINTLE_REASON_MISMATCH, PTI_EDGE_UNPINNED},
        {PINTLE_REASON_DENIED, PTI_EDGE_UNPINNED},         {PINTLE_REASON_REPORT_ONLY, PTI_EDGE_UNPINNED},
        {PINTLE_REASON_UNLISTED, PTI_EDGE_UNKNOWN},        {PINTLE_REASON_STALE_REFUSED, PTI_EDGE_UNKNOWN},
        {PINTLE_REASON_SHIPPED_TOO_OLD, PTI_EDGE_UNKNOWN}, {PINTLE_REASON_VALIDATION_FAILED, PTI_EDGE_UNKNOWN},
        {PINTLE_REASON_NO_USABLE_PIN, PTI_EDGE_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++)
        assert_int_equal(pti_edge_pinned_by(cases[i].reason), cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found_last, open_database, close_database),
        cmocka_unit_test_setup_teardown(leaves_are_bounded, open_database, close_database),
        cmocka_unit_test_setup_teardown(lists, open_database, close_database),
        cmocka_unit_test_setup_teardown(forgotten, open_database, close_database),
        cmocka_unit_test(targets_as_people_write_them),
        cmocka_unit_test_setup_teardown(targets_are_kept_and_journaled, open_database, close_database),
        cmocka_unit_test(pinned_under_every_generation),
        cmocka_unit_test(what_a_reason_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
