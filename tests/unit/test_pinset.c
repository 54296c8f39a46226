/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling charter and zones: what takes effect, what does not, and that it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pin_fixture.h"

#define ZONES_MAX 3

struct world {
    struct pti_charter charter;
    struct pti_zone zones[ZONES_MAX];
    struct pti_pinset_zone inputs[ZONES_MAX];
    struct pti_pinset_input input;
    struct pti_buf notices;
};

static void take_notice(void *ctx, const char *line)
{
    pti_buf_text(ctx, line);
    pti_buf_text(ctx, "\n");
}

/* zones are files of the zones a, b and c, as many as there are. */
static void world_init(struct world *world, const char *charter, const char *const *zones)
{
    static const char *const names[ZONES_MAX] = {"a", "b", "c"};

    memset(world, 0, sizeof *world);
    pti_buf_init(&world->notices, 1u << 20);
    fixture_charter(charter, &world->charter);
    for (size_t i = 0; i < ZONES_MAX && zones[i] != NULL; i++) {
        fixture_zone(zones[i], names[i], &world->zones[i]);
        world->inputs[i] = (struct pti_pinset_zone){&world->zones[i], (int64_t)(100 + i),
                                                    PINTLE_REASON_SHIPPED_TOO_OLD};
        world->input.zone_count++;
    }
    world->input.charter = &world->charter;
    world->input.zones = world->inputs;
    world->input.refuse_after = PTI_NEVER;
    world->input.refuse_reason = PINTLE_REASON_STALE_REFUSED;
    world->input.notice = take_notice;
    world->input.notice_ctx = &world->notices;
}

static void world_clear(struct world *world)
{
    for (size_t i = 0; i < world->input.zone_count; i++)
        pti_zone_clear(&world->zones[i]);
    pti_charter_clear(&world->charter);
    pti_buf_clear(&world->notices);
}

static struct pintle_pinset *compile(struct world *world)
{
    struct pintle_pinset *pinset;
    struct pti_error error;

    assert_int_equal(pti_pinset_compile(&world->input, &pinset, &error), PINTLE_OK);
    return pinset;
}

static void compiles_policies(void **state)
{
    static const char *const zones[] = {
        FIXTURE_ZONE(
            "a", "41",
            FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "leaf") "," FIXTURE_PIN("c", "issuer"), FIXTURE_DENY("d"))),
        NULL};
    struct world world;

    (void)state;
    world_init(
        &world,
        FIXTURE_CHARTER("3", FIXTURE_CHARTER_HOST("y.example", "true", "report", "b", "", "") "," FIXTURE_CHARTER_HOST(
                                 "x.example", "false", "enforce", "a", FIXTURE_PIN("c", "issuer"), FIXTURE_DENY("e"))),
        zones);
    struct pintle_pinset *pinset = compile(&world);
    world.input.notice = NULL; /* the notices go, the files go: the pinset stands alone */
    world_clear(&world);

    assert_int_equal(pinset->charter_version, 3);
    assert_int_equal(pinset->policy_count, 2);
    const struct pti_policy *policy = pti_pinset_find(pinset, "x.example");
    assert_ptr_equal(policy, &pinset->policies[0]);
    assert_string_equal(policy->zone, "a");
    assert_int_equal(policy->zone_version, 41);
    assert_int_equal(policy->refuse_after, 100);
    assert_int_equal(policy->refuse_reason, PINTLE_REASON_SHIPPED_TOO_OLD);
    assert_int_equal(policy->mode, PINTLE_MODE_ENFORCE);
    assert_int_equal(policy->pin_count, 2); /* the zone's copy of a charter pin counts once */
    assert_int_equal(pinset->pins[policy->pins].sha256[0], 'c');
    assert_int_equal(pinset->pins[policy->pins + 1].sha256[0], 'z');
    assert_int_equal(policy->charter_deny_count, 1);
    assert_int_equal(pinset->pins[policy->charter_deny].sha256[0], 'e');
    assert_int_equal(policy->zone_deny_count, 1);
    assert_int_equal(pinset->pins[policy->zone_deny].sha256[0], 'd');
    policy = pti_pinset_find(pinset, "y.example");
    assert_string_equal(policy->zone, "b");
    assert_int_equal(policy->zone_version, 0);
    assert_int_equal(policy->refuse_after, PTI_NEVER);
    assert_true(policy->subdomains);
    assert_int_equal(pintle_pinset_needs(pinset), PINTLE_OF_SPKI);
    pintle_pinset_free(pinset);
}

static void says_what_has_no_effect(void **state)
{
    static const struct {
        const char *name;
        const char *charter;
        const char *zone_a;
        const char *zone_b;
        const char *want[3]; /* parts of the notices, one line each; none besides */
    } cases[] = {
        {"nothing to say",
         FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "a", FIXTURE_PIN("c", "any"), FIXTURE_DENY("e")),
         FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "leaf"), FIXTURE_DENY("d")),
         "",
         {NULL}},
        {"a host that the charter does not list",
         FIXTURE_CHARTER_HOST("x.example", "true", "report", "a", "", ""),
         FIXTURE_ZONE_HOST("sub.x.example", FIXTURE_PIN("z", "leaf"), ""),
         "",
         {"zone a: what it says about host sub.x.example has no effect: the charter does not list"}},
        {"a host of another zone",
         FIXTURE_CHARTER_HOST("x.example", "true", "report", "a", "", ""),
         "",
         FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "leaf"), FIXTURE_DENY("d")),
         {"zone b: what it says about host x.example has no effect: the charter gives that host to zone a"}},
        {"a denial of a charter pin",
         FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "a", FIXTURE_PIN("c", "issuer"), ""),
         FIXTURE_ZONE_HOST("x.example", "", FIXTURE_DENY("c") "," FIXTURE_DENY("d")),
         "",
         {"zone a: host x.example: the denial of Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M= has no effect"}},
        {"pins of unknown kinds",
         FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "a",
                              FIXTURE_PIN("c", "root") "," FIXTURE_PIN("c", "any"), "{'of':'name'}"),
         FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "middle"), ""),
         "",
         {"charter: host x.example: pins of a kind", "charter: host x.example: denials of a kind",
          "zone a: host x.example: pins of a kind"}},
        {"enforced without pins",
         FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "a", "", FIXTURE_DENY("e")),
         "",
         "",
         {"host x.example: enforced without any usable pin"}},
        {"every pin denied, by the charter and by the zone",
         FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "a", "", FIXTURE_DENY("z")),
         FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "leaf") "," FIXTURE_PIN("y", "any"), FIXTURE_DENY("y")),
         "",
         {"host x.example: enforced, but every pin of it is denied"}},
        {"one pin of two denied",
         FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "a", "", FIXTURE_DENY("z")),
         FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "leaf") "," FIXTURE_PIN("y", "leaf"), ""),
         "",
         {NULL}},
        {"every pin denied, report only",
         FIXTURE_CHARTER_HOST("x.example", "false", "report", "a", "", FIXTURE_DENY("z")),
         FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "leaf"), ""),
         "",
         {NULL}},
        {"report without pins", FIXTURE_CHARTER_HOST("x.example", "false", "report", "a", "", ""), "", "", {NULL}},
        {"a zone without a file, once",
         FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "c", FIXTURE_PIN("c", "any"),
                              "") "," FIXTURE_CHARTER_HOST("y.example", "false", "enforce", "c",
                                                           FIXTURE_PIN("c", "any"), ""),
         "",
         "",
         {"zone c: the charter names it but it has no file"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        char texts[3][2048];
        const char *const zones[] = {texts[1], texts[2], NULL};
        (void)snprintf(texts[0], sizeof texts[0], FIXTURE_CHARTER("3", "%s"), cases[i].charter);
        (void)snprintf(texts[1], sizeof texts[1], FIXTURE_ZONE("a", "1", "%s"), cases[i].zone_a);
        (void)snprintf(texts[2], sizeof texts[2], FIXTURE_ZONE("b", "1", "%s"), cases[i].zone_b);
        world_init(&world, texts[0], zones);
        pintle_pinset_free(compile(&world));
        const char *notices = pti_buf_cstr(&world.notices);
        size_t lines = 0;
        for (const char *c = notices; *c != '\0'; c++)
            lines += *c == '\n';
        size_t wanted = 0;
        for (; wanted < 3 && cases[i].want[wanted] != NULL; wanted++) {
            if (strstr(notices, cases[i].want[wanted]) == NULL)
                fail_msg("%s: no \"%s\" in:\n%s", cases[i].name, cases[i].want[wanted], notices);
        }
        if (lines != wanted)
            fail_msg("%s: %zu notices, not %zu:\n%s", cases[i].name, lines, wanted, notices);
        world_clear(&world);
    }
}

static void oversteps_change_nothing(void **state)
{
    static const char *const zones[] = {
        FIXTURE_ZONE("a", "1", FIXTURE_ZONE_HOST("x.example", "", FIXTURE_DENY("c"))),
        FIXTURE_ZONE("b", "1", FIXTURE_ZONE_HOST("x.example", FIXTURE_PIN("z", "leaf"), FIXTURE_DENY("d"))), NULL};
    struct world world;

    (void)state;
    world_init(
        &world,
        FIXTURE_CHARTER("3", FIXTURE_CHARTER_HOST("x.example", "false", "enforce", "a", FIXTURE_PIN("c", "leaf"), "")),
        zones);
    struct pintle_pinset *pinset = compile(&world);
    assert_int_equal(pinset->policy_count, 1);
    assert_int_equal(pinset->policies[0].pin_count, 1);
    assert_int_equal(pinset->policies[0].zone_deny_count, 0);
    assert_int_equal(pinset->policies[0].charter_deny_count, 0);
    pintle_pinset_free(pinset);
    world_clear(&world);
}

static void needs_what_it_holds(void **state)
{
    static const char *const cert = "{'sha256':'@a','of':'cert','at':'leaf'}";
    static const char *const deny = "{'sha256':'@a','of':'cert'}";
    static const char *const zones[] = {FIXTURE_ZONE("a", "1", ""), NULL};
    struct world world;
    char text[1024];

    (void)state;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof text,
                       FIXTURE_CHARTER("3", FIXTURE_CHARTER_HOST("x.example", "false", "report", "a", "%s", "%s")),
                       i == 0 ? cert : "", i == 1 ? deny : "");
        world_init(&world, text, zones);
        struct pintle_pinset *pinset = compile(&world);
        assert_int_equal(pintle_pinset_needs(pinset), PINTLE_OF_SPKI | PINTLE_OF_CERT);
        pintle_pinset_free(pinset);
        world_clear(&world);
    }
}

static void compiles_nothing(void **state)
{
    static const char *const required[] = {"c.example", "b.example", "a.example", "b.example"};
    const struct pti_pinset_input input = {
        .unlisted = PINTLE_UNLISTED_REFUSE, .refuse_after = PTI_NEVER, .required = required, .required_count = 4};
    const struct pti_host host = {.name = "a.example", .size = 9, .hash = pti_host_hash("a.example", 9)};
    struct pintle_pinset *pinset;

    (void)state;
    assert_int_equal(pti_pinset_compile(&input, &pinset, NULL), PINTLE_OK);
    assert_int_equal(pinset->policy_count, 0);
    assert_null(pti_pinset_effective(pinset, &host));
    assert_true(pti_pinset_requires(pinset, "a.example"));
    assert_true(pti_pinset_requires(pinset, "b.example"));
    assert_true(pti_pinset_requires(pinset, "c.example"));
    assert_false(pti_pinset_requires(pinset, "x.a.example"));
    assert_false(pti_pinset_requires(pinset, "example"));
    pintle_pinset_free(pinset);
    pintle_pinset_free(NULL);
}

static void finds_the_most_specific(void **state)
{
    static const char *const zones[] = {NULL};
    static const struct {
        const char *host;
        bool ip;
        const char *want;
    } cases[] = {
        {"example.com", false, "example.com"},
        {"a.example.com", false, "example.com"},
        {"x.y.z.example.com", false, "example.com"},
        {"api.example.com", false, "api.example.com"},
        {"v1.api.example.com", false, "example.com"}, /* api has no subdomains: the next parent */
        {"dev.example.com", false, "dev.example.com"},
        {"v1.dev.example.com", false, "dev.example.com"},
        {"notexample.com", false, NULL},
        {"com", false, NULL},
        {"example.com.evil.test", false, NULL},
        {"192.0.2.1", true, "192.0.2.1"},
        {"1.192.0.2.1", true, NULL}, /* no parents for what is an address */
    };
    struct world world;

    (void)state;
    world_init(&world,
               FIXTURE_CHARTER(
                   "3", FIXTURE_CHARTER_HOST("example.com", "true", "report", "a", "", "") "," FIXTURE_CHARTER_HOST(
                            "api.example.com", "false", "report", "a", "",
                            "") "," FIXTURE_CHARTER_HOST("dev.example.com", "true", "report", "a", "",
                                                         "") "," FIXTURE_CHARTER_HOST("192.0.2.1", "false", "report",
                                                                                      "a", "", "")),
               zones);
    struct pintle_pinset *pinset = compile(&world);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_host host = {.ip = cases[i].ip};
        host.size = pti_copy_text(host.name, sizeof host.name, cases[i].host);
        host.hash = pti_host_hash(host.name, host.size);
        const struct pti_policy *policy = pti_pinset_effective(pinset, &host);
        if ((policy == NULL) != (cases[i].want == NULL) || (policy != NULL && strcmp(policy->host, cases[i].want) != 0))
            fail_msg("%s: found %s", cases[i].host, policy != NULL ? policy->host : "nothing");
    }
    pintle_pinset_free(pinset);
    world_clear(&world);
}

#define HASH_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
#define HASH_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="

static void static_pins(void **state)
{
    static const struct pintle_static_pin pins[] = {
        {"API.Example.com.", HASH_A, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
        {"[2001:DB8::1]", HASH_A, PINTLE_OF_CERT, PINTLE_AT_ANY, false},
        {"api.example.com", HASH_B, PINTLE_OF_SPKI, PINTLE_AT_ISSUER, true},
    };
    struct pintle_pinset *pinset;
    char detail[256] = "?";

    (void)state;
    assert_int_equal(pintle_pinset_new_static(pins, 3, PINTLE_UNLISTED_REFUSE, &pinset, detail, sizeof detail),
                     PINTLE_OK);
    assert_string_equal(detail, "");
    const struct pti_policy *policy = pti_pinset_find(pinset, "api.example.com");
    assert_int_equal(policy->pin_count, 2);
    assert_true(policy->subdomains);
    assert_int_equal(policy->mode, PINTLE_MODE_ENFORCE);
    assert_string_equal(policy->zone, "");
    assert_int_equal(policy->refuse_after, PTI_NEVER);
    assert_non_null(pti_pinset_find(pinset, "2001:db8::1"));
    assert_int_equal(pintle_pinset_needs(pinset), PINTLE_OF_SPKI | PINTLE_OF_CERT);
    assert_int_equal(pinset->charter_version, 0);
    assert_ptr_equal(pintle_pinset_ref(pinset), pinset);
    pintle_pinset_free(pinset);
    pintle_pinset_free(pinset);
}

static void static_pins_refused(void **state)
{
    static const struct {
        const char *name;
        struct pintle_static_pin pin;
        const char *detail;
    } cases[] = {
        {"host", {"*.example.com", HASH_A, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}, "wildcard"},
        {"no host", {NULL, HASH_A, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}, "host name"},
        {"prefix", {"a.example", "sha256/" HASH_A, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}, "without prefix"},
        {"no hash", {"a.example", NULL, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false}, "base64"},
        {"no kind", {"a.example", HASH_A, (enum pintle_of)0, PINTLE_AT_LEAF, false}, "PINTLE_OF_SPKI"},
        {"both kinds", {"a.example", HASH_A, (enum pintle_of)3, PINTLE_AT_LEAF, false}, "PINTLE_OF_SPKI"},
        {"no place", {"a.example", HASH_A, PINTLE_OF_SPKI, (enum pintle_at)0, false}, "PINTLE_AT_LEAF"},
        {"subdomains of an address", {"192.0.2.1", HASH_A, PINTLE_OF_SPKI, PINTLE_AT_LEAF, true}, "subdomains"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct pintle_static_pin pins[] = {{"ok.example", HASH_B, PINTLE_OF_SPKI, PINTLE_AT_LEAF, false},
                                                 cases[i].pin};
        struct pintle_pinset *pinset;
        char detail[512];
        enum pintle_status status = pintle_pinset_new_static(pins, 2, PINTLE_UNLISTED_ACCEPT, &pinset, detail,
                                                             sizeof detail);
        if (status != PINTLE_ERR_INPUT || pinset != NULL)
            fail_msg("%s: %s", cases[i].name, pintle_status_name(status));
        if (strncmp(detail, "pin 1: ", 7) != 0 || strstr(detail, cases[i].detail) == NULL)
            fail_msg("%s: %s", cases[i].name, detail);
    }
}

static void static_pins_are_bounded(void **state)
{
    enum { COUNT = PTI_PINS_PER_HOST_MAX + 1 };
    static char hashes[COUNT][45];
    struct pintle_static_pin pins[COUNT];
    struct pintle_pinset *pinset;
    char detail[512];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(hashes[i], sizeof hashes[i], "%042zu0=", i); /* base64 of 32 bytes */
        pins[i] = (struct pintle_static_pin){"a.example", hashes[i], PINTLE_OF_SPKI, PINTLE_AT_LEAF, false};
    }
    assert_int_equal(pintle_pinset_new_static(pins, COUNT - 1, PINTLE_UNLISTED_ACCEPT, &pinset, detail, sizeof detail),
                     PINTLE_OK);
    pintle_pinset_free(pinset);
    assert_int_equal(pintle_pinset_new_static(pins, COUNT, PINTLE_UNLISTED_ACCEPT, &pinset, detail, sizeof detail),
                     PINTLE_ERR_INPUT);
    assert_null(pinset);
    assert_non_null(strstr(detail, "too many pins for a.example; at most 64"));
}

static void static_pins_misused(void **state)
{
    struct pintle_pinset *pinset = NULL;

    (void)state;
    assert_int_equal(pintle_pinset_new_static(NULL, 0, PINTLE_UNLISTED_ACCEPT, &pinset, NULL, 0), PINTLE_ERR_MISUSE);
    assert_null(pinset);
    assert_int_equal(pintle_pinset_new_static(NULL, 1, PINTLE_UNLISTED_REFUSE, &pinset, NULL, 0), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_pinset_new_static(NULL, 0, PINTLE_UNLISTED_REFUSE, NULL, NULL, 0), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_pinset_new_static(NULL, 0, (enum pintle_unlisted)2, &pinset, NULL, 0), PINTLE_ERR_MISUSE);
    assert_null(pinset);
    assert_null(pintle_pinset_ref(NULL));
    assert_int_equal(pintle_pinset_needs(NULL), PINTLE_OF_SPKI);
    assert_int_equal(pintle_pinset_new_static(NULL, 0, PINTLE_UNLISTED_REFUSE, &pinset, NULL, 0), PINTLE_OK);
    pintle_pinset_free(pinset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiles_policies),
        cmocka_unit_test(says_what_has_no_effect),
        cmocka_unit_test(oversteps_change_nothing),
        cmocka_unit_test(needs_what_it_holds),
        cmocka_unit_test(compiles_nothing),
        cmocka_unit_test(finds_the_most_specific),
        cmocka_unit_test(static_pins),
        cmocka_unit_test(static_pins_refused),
        cmocka_unit_test(static_pins_are_bounded),
        cmocka_unit_test(static_pins_misused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
