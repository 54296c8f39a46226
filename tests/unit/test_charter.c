/* SPDX-License-Identifier: Apache-2.0 */
/* The charter: reading, changing, writing, and what one may take away from the one before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pin_fixture.h"

#define HEAD "'type':'pintle-charter','format':1,'version':3,"
#define ENTRY(host) FIXTURE_CHARTER_HOST(host, "false", "enforce", "web", "", "")
#define WIDE(host) FIXTURE_CHARTER_HOST(host, "true", "enforce", "web", "", "")
#define WITH(field) "{" HEAD "'hosts':[]," field "}"

static void reads_or_refuses(void **state)
{
    static const struct {
        const char *name;
        const char *input;
        enum pintle_status want;
    } cases[] = {
        {"empty", "{" HEAD "'hosts':[]}", PINTLE_OK},
        {"hosts", "{" HEAD "'hosts':[" ENTRY("b.example") "," WIDE("a.example") "]}", PINTLE_OK},
        {"an IP literal", "{" HEAD "'hosts':[" ENTRY("192.0.2.1") "]}", PINTLE_OK},
        {"report", "{" HEAD "'hosts':[{'host':'a.example','subdomains':true,'mode':'report','zone':'web'}]}",
         PINTLE_OK},
        {"unknown fields",
         "{" HEAD "'x':{},'hosts':[{'y':1,'host':'a.example','subdomains':true,'mode':'report',"
         "'zone':'web'}]}",
         PINTLE_OK},
        {"critical fields that are known", WITH("'critical':['released','refuse_stale_after_days']"), PINTLE_OK},
        {"released", WITH("'released':['b.example','*.a.example','192.0.2.1']"), PINTLE_OK},
        {"a host listed and released", "{" HEAD "'hosts':[" ENTRY("a.example") "],'released':['a.example']}",
         PINTLE_OK},
        {"reports", WITH("'reports':{'to':['https://c.example/v1','http://localhost:1/'],'sample_per_mille':0}"),
         PINTLE_OK},
        {"whole chains", WITH("'reports':{'want_chain':true}"), PINTLE_OK},
        {"report path with @", WITH("'reports':{'to':['https://c.example/\\u0040v1']}"), PINTLE_OK},
        {"no bounds", WITH("'max_shipped_age_days':null,'refuse_stale_after_days':null"), PINTLE_OK},

        {"no type", "{'format':1,'version':3,'hosts':[]}", PINTLE_ERR_INPUT},
        {"another type", "{'type':'pintle-zone','format':1,'version':3,'hosts':[]}", PINTLE_ERR_INPUT},
        {"another format", "{'type':'pintle-charter','format':2,'version':3,'hosts':[]}", PINTLE_ERR_INPUT},
        {"no format", "{'type':'pintle-charter','version':3,'hosts':[]}", PINTLE_ERR_INPUT},
        {"no version", "{'type':'pintle-charter','format':1,'hosts':[]}", PINTLE_ERR_INPUT},
        {"no hosts", "{" HEAD "'critical':[]}", PINTLE_ERR_INPUT},
        {"a critical field that is not known", WITH("'critical':['quorum']"), PINTLE_ERR_INPUT},
        {"a host twice", "{" HEAD "'hosts':[" ENTRY("a.example") "," WIDE("a.example") "]}", PINTLE_ERR_INPUT},
        {"a host that is not normalised", "{" HEAD "'hosts':[" ENTRY("a.example.") "]}", PINTLE_ERR_INPUT},
        {"an IPv6 literal that is not normalised", "{" HEAD "'hosts':[" ENTRY("::ffff:c000:201") "]}",
         PINTLE_ERR_INPUT},
        {"a wildcard", "{" HEAD "'hosts':[" ENTRY("*.example") "]}", PINTLE_ERR_INPUT},
        {"subdomains of an IP literal", "{" HEAD "'hosts':[" WIDE("192.0.2.1") "]}", PINTLE_ERR_INPUT},
        {"no mode", "{" HEAD "'hosts':[{'host':'a.example','subdomains':false,'zone':'web'}]}", PINTLE_ERR_INPUT},
        {"an unknown mode", "{" HEAD "'hosts':[" FIXTURE_CHARTER_HOST("a.example", "false", "warn", "web", "", "") "]}",
         PINTLE_ERR_INPUT},
        {"mode none", "{" HEAD "'hosts':[" FIXTURE_CHARTER_HOST("a.example", "false", "none", "web", "", "") "]}",
         PINTLE_ERR_INPUT},
        {"no zone", "{" HEAD "'hosts':[{'host':'a.example','subdomains':false,'mode':'enforce'}]}", PINTLE_ERR_INPUT},
        {"a zone that is a role",
         "{" HEAD "'hosts':[" FIXTURE_CHARTER_HOST("a.example", "false", "enforce", "root", "", "") "]}",
         PINTLE_ERR_INPUT},
        {"a zone that is a path",
         "{" HEAD "'hosts':[" FIXTURE_CHARTER_HOST("a.example", "false", "enforce", "../x", "", "") "]}",
         PINTLE_ERR_INPUT},
        {"no subdomains", "{" HEAD "'hosts':[{'host':'a.example','mode':'enforce','zone':'web'}]}", PINTLE_ERR_INPUT},
        {"subdomains in words",
         "{" HEAD "'hosts':[" FIXTURE_CHARTER_HOST("a.example", "'yes'", "enforce", "web", "", "") "]}",
         PINTLE_ERR_INPUT},
        {"a bad denial",
         "{" HEAD
         "'hosts':[" FIXTURE_CHARTER_HOST("a.example", "false", "enforce", "web", "", "{'sha256':'','of':'spki'}") "]}",
         PINTLE_ERR_INPUT},
        {"released twice", WITH("'released':['a.example','a.example']"), PINTLE_ERR_INPUT},
        {"released not normalised", WITH("'released':['A.example']"), PINTLE_ERR_INPUT},
        {"released twice wild", WITH("'released':['*.*.example']"), PINTLE_ERR_INPUT},
        {"released subdomains of nothing", WITH("'released':['*.']"), PINTLE_ERR_INPUT},
        {"released subdomains of an IP literal", WITH("'released':['*.192.0.2.1']"), PINTLE_ERR_INPUT},
        {"released number", WITH("'released':[1]"), PINTLE_ERR_INPUT},
        {"five collectors", WITH("'reports':{'to':['http://a','http://b','http://c','http://d','http://e']}"),
         PINTLE_ERR_INPUT},
        {"collector over ftp", WITH("'reports':{'to':['ftp://c.example/']}"), PINTLE_ERR_INPUT},
        {"collector without host", WITH("'reports':{'to':['https:///v1']}"), PINTLE_ERR_INPUT},
        {"collector with credentials", WITH("'reports':{'to':['https://u:p\\u0040c.example/']}"), PINTLE_ERR_INPUT},
        {"collector with a space", WITH("'reports':{'to':['https://c.example/a b']}"), PINTLE_ERR_INPUT},
        {"collector with a line feed", WITH("'reports':{'to':['https://c.example/\\r\\nX: y']}"), PINTLE_ERR_INPUT},
        {"collector with a NUL", WITH("'reports':{'to':['https://c.example/\\u0000']}"), PINTLE_ERR_INPUT},
        {"samples above all", WITH("'reports':{'sample_per_mille':1001}"), PINTLE_ERR_INPUT},
        {"whole chains for yes", WITH("'reports':{'want_chain':'yes'}"), PINTLE_ERR_INPUT},
        {"reports as array", WITH("'reports':[]"), PINTLE_ERR_INPUT},
        {"refresh every 0 s", WITH("'refresh_seconds':{'min':0}"), PINTLE_ERR_INPUT},
        {"refresh once in 31 days", WITH("'refresh_seconds':{'max':2678400}"), PINTLE_ERR_INPUT},
        {"default above max", WITH("'refresh_seconds':{'max':1800}"), PINTLE_ERR_INPUT},
        {"min above default", WITH("'refresh_seconds':{'min':3601}"), PINTLE_ERR_INPUT},
        {"shipped age 0", WITH("'max_shipped_age_days':0"), PINTLE_ERR_INPUT},
        {"stale after -1 days", WITH("'refuse_stale_after_days':-1"), PINTLE_ERR_INPUT},
        {"stale after a long time", WITH("'refuse_stale_after_days':3651"), PINTLE_ERR_INPUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_charter charter;
        struct pti_error error = {.detail = ""};
        char *json = fixture_json(cases[i].input);
        enum pintle_status status = pti_charter_parse(pti_bytes_text(json), &charter, &error);
        if (status != cases[i].want)
            fail_msg("%s: %s, %s", cases[i].name, pintle_status_name(status), error.detail);
        if (status != PINTLE_OK && (strncmp(error.detail, "charter: ", 9) != 0 || charter.host_count != 0))
            fail_msg("%s: refused, but not cleanly: %s", cases[i].name, error.detail);
        pti_charter_clear(&charter);
        free(json);
    }
}

static void reads_every_field(void **state)
{
    struct pti_charter charter;

    (void)state;
    fixture_charter(
        "{" HEAD "'hosts':[" FIXTURE_CHARTER_HOST(
            "b.example", "true", "report", "web", FIXTURE_PIN("a", "issuer"),
            FIXTURE_DENY("b")) "," ENTRY("a.example") "],"
                                                      "'released':['z.example','*.b.example'],"
                                                      "'reports':{'to':['https://c.example/v1'],'sample_per_mille':10},"
                                                      "'refresh_seconds':{'min':60,'default':120,'max':240},"
                                                      "'max_shipped_age_days':30,'refuse_stale_after_days':0}",
        &charter);
    assert_int_equal(charter.version, 3);
    assert_int_equal(charter.host_count, 2);
    const struct pti_charter_host *entry = pti_charter_find(&charter, "b.example");
    assert_ptr_equal(entry, &charter.hosts[1]);
    assert_true(entry->subdomains);
    assert_int_equal(entry->mode, PINTLE_MODE_REPORT);
    assert_string_equal(entry->zone, "web");
    assert_int_equal(entry->pins.items[0].at, PINTLE_AT_ISSUER);
    assert_int_equal(entry->deny.count, 1);
    assert_int_equal(charter.hosts[0].mode, PINTLE_MODE_ENFORCE);
    assert_string_equal(charter.released[0], "*.b.example");
    assert_string_equal(charter.report_urls[0], "https://c.example/v1");
    assert_int_equal(charter.sample_per_mille, 10);
    assert_int_equal(charter.refresh_min_s, 60);
    assert_int_equal(charter.refresh_default_s, 120);
    assert_int_equal(charter.refresh_max_s, 240);
    assert_int_equal(charter.max_shipped_age_days, 30);
    assert_int_equal(charter.refuse_stale_after_days, 0);
    pti_charter_clear(&charter);
}

static void has_the_designs_defaults(void **state)
{
    struct pti_charter charter;

    (void)state;
    fixture_charter("{" HEAD "'hosts':[]}", &charter);
    assert_int_equal(charter.sample_per_mille, 1000);
    assert_int_equal(charter.refresh_min_s, 300);
    assert_int_equal(charter.refresh_default_s, 3600);
    assert_int_equal(charter.refresh_max_s, 86400);
    assert_int_equal(charter.max_shipped_age_days, 180);
    assert_int_equal(charter.refuse_stale_after_days, -1);
    pti_charter_clear(&charter);
    fixture_charter(WITH("'max_shipped_age_days':null"), &charter);
    assert_int_equal(charter.max_shipped_age_days, -1);
    pti_charter_clear(&charter);
}

static void writes_what_it_reads(void **state)
{
    static const char
        notation[] = "{'type':'pintle-charter','format':1,'version':3,'critical':[],'hosts':["
                     "{'host':'api.example.com','subdomains':false,'mode':'enforce','zone':'payments',"
                     "'pins':[{'sha256':'@a','of':'spki','at':'issuer'}],'deny':[{'sha256':'@b','of':'cert'}]}],"
                     "'released':['old.example.com'],"
                     "'reports':{'to':['https://collector.example.net/v1/reports'],'sample_per_mille':1000},"
                     "'refresh_seconds':{'min':300,'default':3600,'max':86400},"
                     "'max_shipped_age_days':180,'refuse_stale_after_days':null}";
    struct pti_charter charter;
    struct pti_buf out;
    char *want = fixture_json(notation);

    (void)state;
    fixture_charter(notation, &charter);
    pti_buf_init(&out, 8192);
    pti_charter_write(&charter, &out);
    assert_string_equal(pti_buf_cstr(&out), want);
    pti_buf_clear(&out);
    pti_charter_clear(&charter);
    free(want);
}

/* Rule 2 of apply: nothing in force is lost without a release. */
static void successor(void **state)
{
    static const struct {
        const char *name;
        const char *current;
        const char *next;
        const char *released;
        const char *loses; /* NULL: accepted */
    } cases[] = {
        {"the same", ENTRY("a.example"), ENTRY("a.example"), "", NULL},
        {"one more", ENTRY("a.example"), ENTRY("a.example") "," ENTRY("b.example"), "", NULL},
        {"wider", ENTRY("a.example"), WIDE("a.example"), "", NULL},
        {"another mode and zone", ENTRY("a.example"),
         FIXTURE_CHARTER_HOST("a.example", "false", "report", "other", "", ""), "", NULL},
        {"dropped", ENTRY("a.example"), "", "", "a.example"},
        {"dropped and released", ENTRY("a.example"), "", "'a.example'", NULL},
        {"another one released", ENTRY("a.example"), "", "'b.example'", "a.example"},
        {"only its subdomains released", ENTRY("a.example"), "", "'*.a.example'", "a.example"},
        {"its parent released", ENTRY("a.example"), "", "'example'", "a.example"},
        {"its parent's subdomains released", ENTRY("a.example"), "", "'*.example'", "a.example"},
        {"covered by a parent, but not released", ENTRY("a.example"), WIDE("example"), "", "a.example"},
        {"a wide one dropped and released", WIDE("a.example"), "", "'a.example'", NULL},
        {"a wide one dropped, subdomains released", WIDE("a.example"), "", "'*.a.example'", "a.example"},
        {"narrowed", WIDE("a.example"), ENTRY("a.example"), "", "a.example"},
        {"narrowed, subdomains released", WIDE("a.example"), ENTRY("a.example"), "'*.a.example'", NULL},
        {"narrowed, wholly released", WIDE("a.example"), ENTRY("a.example"), "'a.example'", NULL},
        {"narrowed, another's subdomains released", WIDE("a.example"), ENTRY("a.example"), "'*.example'", "a.example"},
        {"the second of two", ENTRY("a.example") "," ENTRY("b.example"), ENTRY("a.example"), "", "b.example"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_charter current;
        struct pti_charter next;
        struct pti_error error = {.detail = ""};
        char text[2048];
        (void)snprintf(text, sizeof text, "{" HEAD "'hosts':[%s]}", cases[i].current);
        fixture_charter(text, &current);
        (void)snprintf(text, sizeof text, "{" HEAD "'hosts':[%s],'released':[%s]}", cases[i].next, cases[i].released);
        fixture_charter(text, &next);
        enum pintle_status status = pti_charter_check_successor(&current, &next, &error);
        if (status != (cases[i].loses != NULL ? PINTLE_ERR_TRUST : PINTLE_OK))
            fail_msg("%s: %s, %s", cases[i].name, pintle_status_name(status), error.detail);
        if (cases[i].loses != NULL && strstr(error.detail, cases[i].loses) == NULL)
            fail_msg("%s: %s", cases[i].name, error.detail);
        pti_charter_clear(&current);
        pti_charter_clear(&next);
    }
}

static void publishers_keep_releases(void **state)
{
    static const struct {
        const char *name;
        const char *released_before;
        const char *next;
        const char *released;
        enum pintle_status want;
    } cases[] = {
        {"kept", "'a.example'", "", "'a.example','b.example'", PINTLE_OK},
        {"gone", "'a.example'", "", "", PINTLE_ERR_INPUT},
        {"subdomains gone", "'*.a.example'", "", "", PINTLE_ERR_INPUT},
        {"subdomains taken in by the whole", "'*.a.example'", "", "'a.example'", PINTLE_OK},
        {"the whole is not taken in by subdomains", "'a.example'", "", "'*.a.example'", PINTLE_ERR_INPUT},
        {"listed again, as wide as can be", "'a.example'", WIDE("a.example"), "", PINTLE_OK},
        {"listed again, narrow, nothing about subdomains", "'a.example'", ENTRY("a.example"), "", PINTLE_ERR_INPUT},
        {"listed again, narrow", "'a.example'", ENTRY("a.example"), "'*.a.example'", PINTLE_OK},
        {"subdomains covered again", "'*.a.example'", WIDE("a.example"), "", PINTLE_OK},
        {"listed and released", "", ENTRY("a.example"), "'a.example'", PINTLE_ERR_INPUT},
        {"subdomains covered and released", "", WIDE("a.example"), "'*.a.example'", PINTLE_ERR_INPUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_charter current;
        struct pti_charter next;
        struct pti_error error = {.detail = ""};
        char text[2048];
        (void)snprintf(text, sizeof text, "{" HEAD "'hosts':[],'released':[%s]}", cases[i].released_before);
        fixture_charter(text, &current);
        (void)snprintf(text, sizeof text, "{" HEAD "'hosts':[%s],'released':[%s]}", cases[i].next, cases[i].released);
        fixture_charter(text, &next);
        enum pintle_status status = pti_charter_check_released(&current, &next, &error);
        if (status != cases[i].want)
            fail_msg("%s: %s, %s", cases[i].name, pintle_status_name(status), error.detail);
        pti_charter_clear(&current);
        pti_charter_clear(&next);
    }
}

static void copy_charter(const struct pti_charter *from, struct pti_charter *to)
{
    struct pti_buf text;
    struct pti_error error = {.detail = ""};

    pti_buf_init(&text, 1u << 20);
    pti_charter_write(from, &text);
    if (pti_charter_parse(pti_buf_bytes(&text), to, &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    pti_buf_clear(&text);
}

/*
 * Whatever a client holds from a history of edits, the newest charter must be takeable, and one that drops the host
 * without a release must not be.
 */
static void edits_keep_every_old_client(void **state)
{
    enum edit { ADD, RELEASE, WIDEN, NARROW };
    static const struct {
        const char *name;
        enum edit edits[8];
        size_t count;
        bool listed; /* at the end */
    } cases[] = {
        {"added", {ADD}, 1, true},
        {"released", {ADD, RELEASE}, 2, false},
        {"listed again", {ADD, RELEASE, ADD}, 3, true},
        {"listed again, once wide", {ADD, WIDEN, RELEASE, ADD}, 4, true},
        {"wide again", {ADD, WIDEN, RELEASE, ADD, WIDEN}, 5, true},
        {"narrowed", {ADD, WIDEN, NARROW}, 3, true},
        {"narrowed and wide again", {ADD, WIDEN, NARROW, WIDEN}, 4, true},
        {"released twice", {ADD, WIDEN, NARROW, RELEASE, ADD, RELEASE}, 6, false},
        {"everything", {ADD, WIDEN, RELEASE, ADD, WIDEN, NARROW, RELEASE, ADD}, 8, true},
    };
    static const char host[] = "a.example";

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_charter draft;
        struct pti_charter held[9];
        struct pti_error error = {.detail = ""};
        pti_charter_init(&draft);
        copy_charter(&draft, &held[0]);
        for (size_t step = 0; step < cases[i].count; step++) {
            struct pti_charter_host *entry;
            enum pintle_status status = PINTLE_OK;
            switch (cases[i].edits[step]) {
            case ADD:
                status = pti_charter_add_host(&draft, host, &entry, &error);
                if (entry != NULL)
                    (void)pti_copy_text(entry->zone, sizeof entry->zone, "web");
                break;
            case RELEASE:
                status = pti_charter_release_host(&draft, host, &error);
                break;
            case WIDEN:
                status = pti_charter_set_subdomains(&draft, host, true, &error);
                break;
            case NARROW:
                status = pti_charter_set_subdomains(&draft, host, false, &error);
                break;
            }
            if (status == PINTLE_OK)
                status = pti_charter_check_released(&held[step], &draft, &error);
            for (size_t old = 0; old <= step && status == PINTLE_OK; old++)
                status = pti_charter_check_successor(&held[old], &draft, &error);
            if (status != PINTLE_OK)
                fail_msg("%s, step %zu: %s", cases[i].name, step, error.detail);
            copy_charter(&draft, &held[step + 1]);
        }
        assert_int_equal(pti_charter_find(&draft, host) != NULL, cases[i].listed);
        if (cases[i].listed) {
            /* The silent omission: the same charter without the entry, and without anybody having released it. */
            struct pti_charter silent;
            copy_charter(&draft, &silent);
            free(silent.hosts[0].host);
            silent.host_count = 0;
            if (pti_charter_check_successor(&draft, &silent, &error) != PINTLE_ERR_TRUST)
                fail_msg("%s: the host could be dropped on the strength of an old release", cases[i].name);
            pti_charter_clear(&silent);
        }
        for (size_t old = 0; old <= cases[i].count; old++)
            pti_charter_clear(&held[old]);
        pti_charter_clear(&draft);
    }
}

static void refuses_edits_that_make_no_sense(void **state)
{
    struct pti_charter charter;
    struct pti_charter_host *entry;
    struct pti_error error;

    (void)state;
    pti_charter_init(&charter);
    assert_int_equal(pti_charter_add_host(&charter, "b.example", &entry, &error), PINTLE_OK);
    assert_int_equal(pti_charter_add_host(&charter, "192.0.2.1", &entry, &error), PINTLE_OK);
    assert_ptr_equal(entry, &charter.hosts[0]);
    assert_int_equal(entry->mode, PINTLE_MODE_ENFORCE);
    assert_int_equal(pti_charter_add_host(&charter, "b.example", &entry, &error), PINTLE_ERR_INPUT);
    assert_null(entry);
    assert_int_equal(pti_charter_add_host(&charter, "B.example", &entry, &error), PINTLE_ERR_INPUT);
    assert_int_equal(pti_charter_release_host(&charter, "c.example", &error), PINTLE_ERR_INPUT);
    assert_int_equal(pti_charter_set_subdomains(&charter, "c.example", true, &error), PINTLE_ERR_INPUT);
    assert_int_equal(pti_charter_set_subdomains(&charter, "192.0.2.1", true, &error), PINTLE_ERR_INPUT);
    assert_int_equal(pti_charter_set_subdomains(&charter, "192.0.2.1", false, &error), PINTLE_OK);
    assert_int_equal(charter.released_count, 0);
    /* An IP literal that is listed again has no subdomains whose release would have to stay. */
    assert_int_equal(pti_charter_release_host(&charter, "192.0.2.1", &error), PINTLE_OK);
    assert_int_equal(charter.released_count, 1);
    assert_int_equal(pti_charter_add_host(&charter, "192.0.2.1", &entry, &error), PINTLE_OK);
    assert_int_equal(charter.released_count, 0);
    assert_int_equal(charter.host_count, 2);
    pti_charter_clear(&charter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_or_refuses),
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(has_the_designs_defaults),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(successor),
        cmocka_unit_test(publishers_keep_releases),
        cmocka_unit_test(edits_keep_every_old_client),
        cmocka_unit_test(refuses_edits_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
