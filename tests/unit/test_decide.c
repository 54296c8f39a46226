/* SPDX-License-Identifier: Apache-2.0 */
/* The decision: every reason, and every precedence between them (docs/design.md, section 7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pin/decide.h"
#include "pin_fixture.h"

#define SPKI PINTLE_OF_SPKI
#define BOTH (PINTLE_OF_SPKI | PINTLE_OF_CERT)
#define ENFORCE(host, pins, deny) FIXTURE_CHARTER_HOST(host, "false", "enforce", "a", pins, deny)
#define REPORT(host, pins, deny) FIXTURE_CHARTER_HOST(host, "false", "report", "a", pins, deny)
#define WIDE(host, pins, deny) FIXTURE_CHARTER_HOST(host, "true", "enforce", "a", pins, deny)
#define LEAF(key) FIXTURE_PIN(key, "leaf")
#define ISSUER(key) FIXTURE_PIN(key, "issuer")
#define ANY(key) FIXTURE_PIN(key, "any")
#define CERT_PIN(key, at) "{'sha256':'@" key "','of':'cert','at':'" at "'}"
#define CERT_DENY(key) "{'sha256':'@" key "','of':'cert'}"
#define DENY(key) FIXTURE_DENY(key)

struct decision {
    const char *name;
    const char *charter; /* its hosts */
    const char *zone_a;  /* the hosts of zone a; NULL: no file */
    const char *zone_b;
    const char *required;
    bool refuse_unknown;
    bool refuse_unlisted;
    int64_t refuse_after; /* 0: never */
    const char *host;     /* NULL: api.example.com */
    const char *chain;    /* NULL: "lic" */
    unsigned of;          /* 0: both */
    bool leaf_only;
    enum pintle_reason want;
    enum pintle_status status;
    const char *matched;   /* position and key, such as "1i"; NULL: nothing */
    const char *noted;     /* NULL: not looked at */
    enum pintle_mode mode; /* PINTLE_MODE_NONE: not looked at */
};

#define API "api.example.com"
#define ACCEPT(reason) .want = PINTLE_REASON_##reason, .status = PINTLE_OK
#define REJECT(reason, class) .want = PINTLE_REASON_##reason, .status = PINTLE_ERR_##class

static const struct decision decisions[] = {
    /* Matching: hash and position. */
    {"leaf pin at the leaf", ENFORCE(API, LEAF("l"), ""), ACCEPT(MATCHED), .matched = "0l", .noted = API,
     .mode = PINTLE_MODE_ENFORCE},
    {"leaf pin on an issuer", ENFORCE(API, LEAF("i"), ""), REJECT(MISMATCH, PIN_MISMATCH)},
    {"issuer pin at index 1", ENFORCE(API, ISSUER("i"), ""), ACCEPT(MATCHED), .matched = "1i"},
    {"issuer pin at the anchor", ENFORCE(API, ISSUER("c"), ""), ACCEPT(MATCHED), .matched = "2c"},
    {"issuer pin on the leaf", ENFORCE(API, ISSUER("l"), ""), REJECT(MISMATCH, PIN_MISMATCH)},
    {"any pin at the leaf", ENFORCE(API, ANY("l"), ""), ACCEPT(MATCHED), .matched = "0l"},
    {"any pin at the anchor", ENFORCE(API, ANY("c"), ""), ACCEPT(MATCHED), .matched = "2c"},
    {"certificate pin", ENFORCE(API, CERT_PIN("L", "leaf"), ""), ACCEPT(MATCHED), .matched = "0L"},
    {"certificate pin on an issuer", ENFORCE(API, CERT_PIN("I", "issuer"), ""), ACCEPT(MATCHED), .matched = "1I"},
    {"a certificate's hash as a key pin", ENFORCE(API, LEAF("L"), ""), REJECT(MISMATCH, PIN_MISMATCH)},
    {"a key's hash as a certificate pin", ENFORCE(API, CERT_PIN("l", "leaf"), ""), REJECT(MISMATCH, PIN_MISMATCH)},
    {"one of several", ENFORCE(API, LEAF("x") "," ISSUER("y") "," LEAF("l"), ""), ACCEPT(MATCHED), .matched = "0l"},
    {"the zone's pin", ENFORCE(API, "", ""), FIXTURE_ZONE_HOST(API, LEAF("l"), ""), ACCEPT(MATCHED), .matched = "0l"},
    {"the charter's pin beside the zone's", ENFORCE(API, ISSUER("c"), ""), FIXTURE_ZONE_HOST(API, LEAF("x"), ""),
     ACCEPT(MATCHED), .matched = "2c"},
    {"a chain of one", ENFORCE(API, LEAF("l"), ""), .chain = "l", ACCEPT(MATCHED), .matched = "0l"},
    {"an issuer pin and a chain of one", ENFORCE(API, ISSUER("l"), ""), .chain = "l", REJECT(MISMATCH, PIN_MISMATCH)},
    {"a chain of sixteen", ENFORCE(API, ISSUER("p"), ""), .chain = "abcdefghijklmnop", ACCEPT(MATCHED),
     .matched = "15p"},
    {"nothing matches in enforce", ENFORCE(API, LEAF("x"), ""), REJECT(MISMATCH, PIN_MISMATCH), .noted = API},
    {"nothing matches in report", REPORT(API, LEAF("x"), ""), ACCEPT(REPORT_ONLY), .mode = PINTLE_MODE_REPORT},
    {"a match in report", REPORT(API, LEAF("l"), ""), ACCEPT(MATCHED), .matched = "0l"},

    /* Which policy. */
    {"a subdomain", WIDE("example.com", LEAF("l"), ""), ACCEPT(MATCHED), .matched = "0l", .noted = "example.com"},
    {"a subdomain of a subdomain", WIDE("example.com", LEAF("x"), ""), .host = "a.b.c.example.com",
     REJECT(MISMATCH, PIN_MISMATCH), .noted = "example.com"},
    {"a parent without subdomains", ENFORCE("example.com", LEAF("x"), ""), ACCEPT(UNLISTED), .noted = ""},
    {"exact beats parent", WIDE("example.com", LEAF("x"), "") "," ENFORCE(API, LEAF("l"), ""), ACCEPT(MATCHED),
     .matched = "0l", .noted = API},
    {"a parent's pin is not the child's", WIDE("example.com", LEAF("l"), "") "," ENFORCE(API, LEAF("x"), ""),
     REJECT(MISMATCH, PIN_MISMATCH), .noted = API},
    {"the longest parent wins", WIDE("example.com", LEAF("x"), "") "," WIDE("b.example.com", LEAF("l"), ""),
     .host = "a.b.example.com", ACCEPT(MATCHED), .matched = "0l", .noted = "b.example.com"},
    {"a report child of an enforced parent", WIDE("example.com", LEAF("x"), "") "," REPORT(API, LEAF("x"), ""),
     ACCEPT(REPORT_ONLY), .noted = API},
    {"a longer name that ends alike", WIDE("example.com", LEAF("x"), ""), .host = "badexample.com", ACCEPT(UNLISTED)},
    {"upper case and a trailing dot", ENFORCE(API, LEAF("x"), ""), .host = "API.EXAMPLE.COM.",
     REJECT(MISMATCH, PIN_MISMATCH), .noted = API},
    {"an IPv6 literal in another form", ENFORCE("2001:db8::1", LEAF("x"), ""), .host = "[2001:DB8:0::0001]",
     REJECT(MISMATCH, PIN_MISMATCH), .noted = "2001:db8::1"},
    {"an IPv4 literal has no parents", WIDE("x1.example", LEAF("x"), ""), .host = "192.0.2.1", ACCEPT(UNLISTED)},

    /* 1. Denials. */
    {"denied beats matched", ENFORCE(API, LEAF("l"), DENY("l")), REJECT(DENIED, TRUST), .matched = "0l", .noted = API},
    {"denied anywhere in the chain", ENFORCE(API, LEAF("l"), DENY("c")), REJECT(DENIED, TRUST), .matched = "2c"},
    {"a denied certificate", ENFORCE(API, LEAF("l"), CERT_DENY("I")), REJECT(DENIED, TRUST), .matched = "1I"},
    {"denied in report mode", REPORT(API, LEAF("l"), DENY("i")), REJECT(DENIED, TRUST), .matched = "1i"},
    {"denied by the zone in report mode", REPORT(API, "", ""), FIXTURE_ZONE_HOST(API, "", DENY("i")),
     REJECT(DENIED, TRUST), .matched = "1i", .noted = API},
    {"denied by the zone though the charter pins another", ENFORCE(API, ISSUER("c"), ""),
     FIXTURE_ZONE_HOST(API, "", DENY("l")), REJECT(DENIED, TRUST), .matched = "0l"},
    {"the zone cannot deny what the charter pins", ENFORCE(API, ISSUER("c"), ""), FIXTURE_ZONE_HOST(API, "", DENY("c")),
     ACCEPT(MATCHED), .matched = "2c"},
    {"denied by the parent's charter entry", WIDE("example.com", "", DENY("i")) "," ENFORCE(API, LEAF("l"), ""),
     REJECT(DENIED, TRUST), .matched = "1i", .noted = "example.com"},
    {"denied by the grandparent's charter entry",
     WIDE("com", "", DENY("i")) "," WIDE("example.com", "", "") "," ENFORCE(API, LEAF("l"), ""), REJECT(DENIED, TRUST),
     .matched = "1i", .noted = "com"},
    {"a parent without subdomains denies nothing here",
     ENFORCE("example.com", "", DENY("i")) "," ENFORCE(API, LEAF("l"), ""), ACCEPT(MATCHED), .matched = "0l"},
    {"zone a's denial for the parent does not touch zone b's host",
     WIDE("example.com", "", "") "," FIXTURE_CHARTER_HOST(API, "false", "enforce", "b", LEAF("l"), ""),
     FIXTURE_ZONE_HOST("example.com", "", DENY("l") "," DENY("i") "," DENY("c")), FIXTURE_ZONE_HOST(API, "", ""),
     ACCEPT(MATCHED), .matched = "0l"},
    {"nor its own more specific host", WIDE("example.com", "", "") "," ENFORCE(API, LEAF("l"), ""),
     FIXTURE_ZONE_HOST("example.com", "", DENY("i")), ACCEPT(MATCHED), .matched = "0l"},
    {"zone b's denial of zone a's host has no effect", ENFORCE(API, LEAF("l"), ""), "",
     FIXTURE_ZONE_HOST(API, "", DENY("l")), ACCEPT(MATCHED), .matched = "0l"},
    {"a zone's denial reaches the subdomains of its entry", WIDE("example.com", LEAF("l"), ""),
     FIXTURE_ZONE_HOST("example.com", "", DENY("i")), REJECT(DENIED, TRUST), .matched = "1i", .noted = "example.com"},
    {"denied beats stale", ENFORCE(API, LEAF("l"), DENY("i")), .refuse_after = 1, REJECT(DENIED, TRUST),
     .matched = "1i"},
    {"denied beats no usable pin", ENFORCE(API, "", DENY("i")), REJECT(DENIED, TRUST), .matched = "1i"},
    {"a denial that is not there", ENFORCE(API, LEAF("l"), DENY("x")), ACCEPT(MATCHED), .matched = "0l"},
    {"a denial of a host touches no other", ENFORCE("other.example.com", "", DENY("l")), ACCEPT(UNLISTED)},

    /* 2. No policy. */
    {"unlisted, accepted", "", ACCEPT(UNLISTED), .noted = ""},
    {"unlisted, refused", "", .refuse_unlisted = true, REJECT(UNLISTED_REFUSED, TRUST)},
    {"unlisted with an unusable chain", "", .chain = "", ACCEPT(UNLISTED)},
    {"required and unknown", "", .required = API, REJECT(REQUIRED_UNKNOWN, TRUST)},
    {"required beats unverified storage", "", .required = API, .refuse_unknown = true, REJECT(REQUIRED_UNKNOWN, TRUST)},
    {"required and covered by a parent", WIDE("example.com", LEAF("l"), ""), .required = API, ACCEPT(MATCHED),
     .matched = "0l"},
    {"another host is required", "", .required = "example.com", ACCEPT(UNLISTED)},
    {"storage unverified", "", .refuse_unknown = true, REJECT(STORE_UNVERIFIED, TRUST)},
    {"storage unverified, app refuses too", "", .refuse_unknown = true, .refuse_unlisted = true,
     REJECT(STORE_UNVERIFIED, TRUST)},
    {"storage unverified, but shipped", ENFORCE(API, LEAF("l"), ""), .refuse_unknown = true, ACCEPT(MATCHED),
     .matched = "0l"},

    /* 3. What rejects before pins are asked. */
    {"an unusable chain", ENFORCE(API, LEAF("l"), ""), .chain = "", REJECT(CHAIN_UNUSABLE, INPUT)},
    {"an unusable chain in report mode", REPORT(API, LEAF("l"), ""), .chain = "", REJECT(CHAIN_UNUSABLE, INPUT)},
    {"an unusable chain beats stale", ENFORCE(API, LEAF("l"), ""), .chain = "", .refuse_after = 1,
     REJECT(CHAIN_UNUSABLE, INPUT)},
    {"on the last second", ENFORCE(API, LEAF("l"), ""), .refuse_after = 1000, ACCEPT(MATCHED), .matched = "0l"},
    {"one second later", ENFORCE(API, LEAF("l"), ""), .refuse_after = 999, REJECT(STALE_REFUSED, TRUST)},
    {"stale and no match", ENFORCE(API, LEAF("x"), ""), .refuse_after = 999, REJECT(STALE_REFUSED, TRUST)},
    {"stale in report mode, match", REPORT(API, LEAF("l"), ""), .refuse_after = 999, ACCEPT(MATCHED), .matched = "0l"},
    {"stale in report mode, no match", REPORT(API, LEAF("x"), ""), .refuse_after = 999, ACCEPT(REPORT_ONLY)},
    {"stale in report mode, but required", REPORT(API, LEAF("l"), ""), .refuse_after = 999, .required = API,
     REJECT(STALE_REFUSED, TRUST)},
    {"no pins in enforce", ENFORCE(API, "", ""), REJECT(NO_USABLE_PIN, TRUST)},
    {"no usable pins in enforce", ENFORCE(API, "{'of':'spki','at':'root'}", ""), REJECT(NO_USABLE_PIN, TRUST)},
    {"no pins in report", REPORT(API, "", ""), ACCEPT(REPORT_ONLY)},
    {"no pins in report, but required", REPORT(API, "", ""), .required = API, REJECT(NO_USABLE_PIN, TRUST)},
    {"required and report is enforce", REPORT(API, LEAF("x"), ""), .required = API, REJECT(MISMATCH, PIN_MISMATCH),
     .mode = PINTLE_MODE_ENFORCE},

    /* 4 and 6. What the evidence cannot answer. */
    {"a denial of a kind the evidence lacks", ENFORCE(API, LEAF("l"), CERT_DENY("X")), .of = SPKI,
     REJECT(EVIDENCE_PARTIAL, UNSUPPORTED)},
    {"the same in report mode", REPORT(API, LEAF("l"), CERT_DENY("X")), .of = SPKI,
     REJECT(EVIDENCE_PARTIAL, UNSUPPORTED)},
    {"a parent's denial of such a kind", WIDE("example.com", "", CERT_DENY("X")) "," ENFORCE(API, LEAF("l"), ""),
     .of = SPKI, REJECT(EVIDENCE_PARTIAL, UNSUPPORTED)},
    {"a zone's denial of such a kind", ENFORCE(API, LEAF("l"), ""), FIXTURE_ZONE_HOST(API, "", CERT_DENY("X")),
     .of = SPKI, REJECT(EVIDENCE_PARTIAL, UNSUPPORTED)},
    {"an unmatched pin of such a kind", ENFORCE(API, LEAF("x") "," CERT_PIN("L", "leaf"), ""), .of = SPKI,
     REJECT(EVIDENCE_PARTIAL, UNSUPPORTED)},
    {"a pin of such a kind beside a match", ENFORCE(API, CERT_PIN("X", "leaf") "," LEAF("l"), ""), .of = SPKI,
     ACCEPT(MATCHED), .matched = "0l"},
    {"a pin of such a kind in report mode", REPORT(API, CERT_PIN("L", "leaf"), ""), .of = SPKI, ACCEPT(REPORT_ONLY)},
    {"keys lacking", ENFORCE(API, LEAF("l"), ""), .of = PINTLE_OF_CERT, REJECT(EVIDENCE_PARTIAL, UNSUPPORTED)},
    {"a known denial beats an unanswerable one", ENFORCE(API, LEAF("l"), CERT_DENY("X") "," DENY("i")), .of = SPKI,
     REJECT(DENIED, TRUST), .matched = "1i"},
    {"stale beats unanswerable", ENFORCE(API, LEAF("l"), CERT_DENY("X")), .of = SPKI, .refuse_after = 1,
     REJECT(STALE_REFUSED, TRUST)},
    {"leaf only, a denial", ENFORCE(API, LEAF("l"), DENY("x")), .chain = "l", .leaf_only = true,
     REJECT(ADAPTER_LIMIT, UNSUPPORTED)},
    {"leaf only, a denial in report mode", REPORT(API, LEAF("l"), DENY("x")), .chain = "l", .leaf_only = true,
     REJECT(ADAPTER_LIMIT, UNSUPPORTED)},
    {"leaf only, the leaf is denied", ENFORCE(API, LEAF("l"), DENY("l")), .chain = "l", .leaf_only = true,
     REJECT(DENIED, TRUST), .matched = "0l"},
    {"leaf only, an issuer pin", ENFORCE(API, ISSUER("i"), ""), .chain = "l", .leaf_only = true,
     REJECT(ADAPTER_LIMIT, UNSUPPORTED)},
    {"leaf only, an any pin", ENFORCE(API, ANY("i"), ""), .chain = "l", .leaf_only = true,
     REJECT(ADAPTER_LIMIT, UNSUPPORTED)},
    {"leaf only, an any pin that matches", ENFORCE(API, ISSUER("i") "," ANY("l"), ""), .chain = "l", .leaf_only = true,
     ACCEPT(MATCHED), .matched = "0l"},
    {"leaf only, leaf pins", ENFORCE(API, LEAF("x"), ""), .chain = "l", .leaf_only = true,
     REJECT(MISMATCH, PIN_MISMATCH)},
    {"leaf only, an issuer pin in report mode", REPORT(API, ISSUER("i"), ""), .chain = "l", .leaf_only = true,
     ACCEPT(REPORT_ONLY)},
    {"leaf only and kinds lacking", ENFORCE(API, ISSUER("i") "," CERT_PIN("L", "leaf"), ""), .chain = "l", .of = SPKI,
     .leaf_only = true, REJECT(EVIDENCE_PARTIAL, UNSUPPORTED)},

    /* Hosts that are none. */
    {"a host with a port", ENFORCE(API, LEAF("l"), ""), .host = API ":443", REJECT(HOST_INVALID, INPUT)},
    {"an ideographic full stop", ENFORCE(API, LEAF("l"), ""),
     .host = "api\xe3\x80\x82"
             "example.com",
     REJECT(HOST_INVALID, INPUT)},
    {"no host", ENFORCE(API, LEAF("l"), ""), .host = "", REJECT(HOST_MISSING, MISUSE)},
};

static struct pintle_pinset *compile(const struct decision *decision)
{
    struct pti_charter charter;
    struct pti_zone zones[2];
    struct pti_pinset_zone inputs[2];
    struct pti_pinset_input input = {.charter = &charter, .zones = inputs};
    const char *const files[] = {decision->zone_a, decision->zone_b};
    static const char *const names[] = {"a", "b"};
    struct pintle_pinset *pinset;
    char text[8192];

    (void)snprintf(text, sizeof text, FIXTURE_CHARTER("3", "%s"), decision->charter);
    fixture_charter(text, &charter);
    input.refuse_after = decision->refuse_after != 0 ? decision->refuse_after : PTI_NEVER;
    input.refuse_reason = PINTLE_REASON_STALE_REFUSED;
    for (size_t i = 0; i < 2; i++) {
        if (files[i] == NULL)
            continue;
        (void)snprintf(text, sizeof text, "{'type':'pintle-zone','format':1,'zone':'%s','version':41,'hosts':[%s]}",
                       names[i], files[i]);
        fixture_zone(text, names[i], &zones[input.zone_count]);
        inputs[input.zone_count] = (struct pti_pinset_zone){&zones[input.zone_count], input.refuse_after,
                                                            PINTLE_REASON_STALE_REFUSED};
        input.zone_count++;
    }
    input.unlisted = decision->refuse_unlisted ? PINTLE_UNLISTED_REFUSE : PINTLE_UNLISTED_ACCEPT;
    input.refuse_unknown = decision->refuse_unknown;
    input.required = &decision->required;
    input.required_count = decision->required != NULL;
    assert_int_equal(pti_pinset_compile(&input, &pinset, NULL), PINTLE_OK);
    pti_charter_clear(&charter);
    for (size_t i = 0; i < input.zone_count; i++)
        pti_zone_clear(&zones[i]);
    return pinset;
}

static void check_match(const struct decision *decision, const struct pintle_verdict *verdict)
{
    static const uint8_t nothing[PINTLE_SHA256_SIZE];
    char found[16] = "";

    if (verdict->matched_index >= 0) {
        (void)snprintf(found, sizeof found, "%d%c", verdict->matched_index, verdict->matched[0]);
        bool upper = verdict->matched[0] >= 'A' && verdict->matched[0] <= 'Z';
        assert_int_equal(verdict->matched_of, upper ? PINTLE_OF_CERT : PINTLE_OF_SPKI);
    } else {
        assert_int_equal(verdict->matched_index, -1);
        assert_memory_equal(verdict->matched, nothing, sizeof nothing);
    }
    if (strcmp(found, decision->matched != NULL ? decision->matched : "") != 0)
        fail_msg("%s: matched \"%s\"", decision->name, found);
}

static void check_verdict(const struct decision *decision, const struct pintle_verdict *verdict)
{
    char line[1024];

    if (verdict->reason != decision->want || verdict->status != decision->status)
        fail_msg("%s: %s, %s", decision->name, pintle_reason_name(verdict->reason),
                 pintle_status_name(verdict->status));
    check_match(decision, verdict);
    if (decision->noted != NULL && strcmp(verdict->noted_host, decision->noted) != 0)
        fail_msg("%s: noted \"%s\"", decision->name, verdict->noted_host);
    if (decision->mode != PINTLE_MODE_NONE && verdict->mode != decision->mode)
        fail_msg("%s: mode %d", decision->name, (int)verdict->mode);
    bool listed = verdict->noted_host[0] != '\0';
    assert_int_equal(verdict->mode != PINTLE_MODE_NONE, listed);
    assert_int_equal(verdict->zone[0] != '\0', listed);
    /* The line is whole, is one line, and says which way it went. */
    size_t length = pintle_verdict_describe(verdict, line, sizeof line);
    assert_true(length < sizeof line && length == strlen(line));
    assert_null(strchr(line, '\n'));
    assert_int_equal(strstr(line, ": accepted") != NULL, verdict->status == PINTLE_OK);
    assert_int_equal(strstr(line, ": refused") != NULL, verdict->status != PINTLE_OK);
}

static void decides(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof decisions / sizeof decisions[0]; i++) {
        const struct decision *decision = &decisions[i];
        struct pintle_evidence evidence;
        struct pintle_verdict verdict;
        struct pintle_pinset *pinset = compile(decision);
        fixture_evidence(decision->chain != NULL ? decision->chain : "lic", &evidence);
        evidence.of = (uint8_t)(decision->of != 0 ? decision->of : BOTH);
        evidence.leaf_only = decision->leaf_only;
        memset(&verdict, 0xee, sizeof verdict); /* nothing of before may shine through */
        enum pintle_status status = pintle_pinset_check(pinset, decision->host != NULL ? decision->host : API,
                                                        &evidence, 1000, &verdict);
        assert_int_equal(status, verdict.status);
        check_verdict(decision, &verdict);
        pintle_pinset_free(pinset);
    }
}

/* A struct that an application filled in itself must not make the check read past its arrays. */
static void bounds_the_chain(void **state)
{
    static const struct decision decision = {.charter = ENFORCE(API, ANY("x"), DENY("y"))};
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;
    struct pintle_pinset *pinset = compile(&decision);

    (void)state;
    fixture_evidence("lic", &evidence);
    evidence.count = 255;
    assert_int_equal(pintle_pinset_check(pinset, API, &evidence, 1000, &verdict), PINTLE_ERR_INPUT);
    assert_int_equal(verdict.reason, PINTLE_REASON_CHAIN_UNUSABLE);
    pintle_pinset_free(pinset);
}

static void misuse_is_no_acceptance(void **state)
{
    static const struct decision decision = {.charter = ""};
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;
    struct pintle_pinset *pinset = compile(&decision);

    (void)state;
    fixture_evidence("l", &evidence);
    assert_int_equal(pintle_pinset_check(NULL, API, &evidence, 0, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(pintle_pinset_check(pinset, API, NULL, 0, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(pintle_pinset_check(pinset, NULL, &evidence, 0, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_HOST_MISSING);
    assert_int_equal(pintle_pinset_check(pinset, API, &evidence, 0, NULL), PINTLE_ERR_MISUSE);
    pintle_pinset_free(pinset);
}

static void ties_reasons_to_statuses_and_names(void **state)
{
    (void)state;
    for (int i = PINTLE_REASON_UNDECIDED; i <= PINTLE_REASON_VALIDATION_OFF; i++) {
        enum pintle_reason reason = (enum pintle_reason)i;
        struct pintle_verdict verdict;
        char line[1024];
        pti_verdict_reject(&verdict, reason, API);
        bool accepts = reason == PINTLE_REASON_MATCHED || reason == PINTLE_REASON_UNLISTED ||
                       reason == PINTLE_REASON_REPORT_ONLY;
        assert_int_equal(verdict.status == PINTLE_OK, accepts);
        assert_int_equal(verdict.status == PINTLE_ERR_PIN_MISMATCH, reason == PINTLE_REASON_MISMATCH);
        assert_string_not_equal(pintle_reason_name(reason), "unknown");
        for (int other = PINTLE_REASON_UNDECIDED; other < i; other++)
            assert_string_not_equal(pintle_reason_name(reason), pintle_reason_name((enum pintle_reason)other));
        assert_true(pintle_verdict_describe(&verdict, line, sizeof line) > strlen(API));
    }
    assert_string_equal(pintle_reason_name((enum pintle_reason)99), "unknown");
}

static void describes(void **state)
{
    struct pintle_verdict verdict;
    char line[512];

    (void)state;
    memset(&verdict, 0, sizeof verdict);
    (void)pintle_verdict_describe(&verdict, line, sizeof line);
    assert_string_equal(line, "(no host): not decided: no check has run; check before asking for a verdict");

    pti_verdict_reject(&verdict, PINTLE_REASON_MISMATCH, API);
    (void)pti_copy_text(verdict.noted_host, sizeof verdict.noted_host, "example.com");
    (void)pti_copy_text(verdict.zone, sizeof verdict.zone, "payments");
    verdict.charter_version = 3;
    verdict.zone_version = 41;
    verdict.status = PINTLE_ERR_RETRY;
    size_t length = pintle_verdict_describe(&verdict, line, sizeof line);
    assert_string_equal(line,
                        "api.example.com: refused for now: no key in the verified chain is pinned; refresh the pins, "
                        "then connect once more [policy of example.com, charter 3, zone payments 41]");
    /* As snprintf: cut, terminated, and the whole length told. */
    assert_int_equal(pintle_verdict_describe(&verdict, line, 8), length);
    assert_string_equal(line, "api.exa");
    assert_int_equal(pintle_verdict_describe(&verdict, NULL, 0), length);

    verdict.status = PINTLE_OK;
    verdict.reason = PINTLE_REASON_MATCHED;
    verdict.matched_of = PINTLE_OF_SPKI;
    verdict.matched_index = 1;
    memset(verdict.matched, 'a', sizeof verdict.matched);
    verdict.zone_version = 0;
    (void)pintle_verdict_describe(&verdict, line, sizeof line);
    assert_string_equal(line, "api.example.com: accepted: a pin matched (key sha256/"
                              "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE= at position 1) [policy of example.com, "
                              "charter 3, zone payments without a file]");
}

static void rejects_before_deciding(void **state)
{
    struct pintle_verdict verdict;
    char long_host[600];

    (void)state;
    memset(long_host, 'a', sizeof long_host - 1);
    long_host[sizeof long_host - 1] = '\0';
    memset(&verdict, 0xee, sizeof verdict);
    pti_verdict_reject(&verdict, PINTLE_REASON_VALIDATION_OFF, long_host);
    assert_int_equal(verdict.status, PINTLE_ERR_MISUSE);
    assert_int_equal(strlen(verdict.host), PINTLE_HOST_MAX);
    assert_int_equal(verdict.matched_index, -1);
    assert_string_equal(verdict.noted_host, "");
    pti_verdict_reject(&verdict, PINTLE_REASON_VALIDATION_FAILED, NULL);
    assert_int_equal(verdict.status, PINTLE_ERR_TRUST);
    assert_string_equal(verdict.host, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decides),
        cmocka_unit_test(bounds_the_chain),
        cmocka_unit_test(misuse_is_no_acceptance),
        cmocka_unit_test(ties_reasons_to_statuses_and_names),
        cmocka_unit_test(describes),
        cmocka_unit_test(rejects_before_deciding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
