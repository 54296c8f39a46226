/* SPDX-License-Identifier: Apache-2.0 */
/* Which alerts what raises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "server/alert_rules.h"

#define NOW 1800000000
#define HOUR 3600
#define DAY 86400

static const struct pti_alert_limits limits = {14, 10, 20};

static struct pti_alert_list list;

static struct pti_status healthy(void)
{
    struct pti_status status = {.signer = PTI_SIGNER_UP, .readable = true, .role_count = 5};
    static const struct pti_role_status roles[] = {
        {"root", 1, NOW + 300 * DAY, 365 * DAY},    {"timestamp", 7, NOW + 2 * DAY, 3 * DAY},
        {"snapshot", 3, NOW + 5 * DAY, 7 * DAY},    {"targets", 2, NOW + 300 * DAY, 365 * DAY},
        {"payments", 41, NOW + 60 * DAY, 90 * DAY},
    };

    memcpy(status.roles, roles, sizeof roles);
    return status;
}

/* Everything is well, but what a case puts in. */
struct world {
    struct pti_status status;
    struct pti_alert_repository repository;
    struct pti_alert_edge edge;
    struct pti_alert_traffic traffic;
    struct pti_alert_facts facts;
};

static void make_world(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->status = healthy();
    world->repository = (struct pti_alert_repository){"shop", &world->status};
    world->edge = (struct pti_alert_edge){"shop", "api.example.com", "192.0.2.1:443", "ec",
                                          false,  NOW - 30 * DAY,    NOW + 60 * DAY};
    world->traffic = (struct pti_alert_traffic){"shop", "api.example.com", 0, 0, 7 * DAY, true};
    world->facts = (struct pti_alert_facts){.now = NOW,
                                            .repositories = &world->repository,
                                            .repository_count = 1,
                                            .edges = &world->edge,
                                            .edge_count = 1,
                                            .traffic = &world->traffic,
                                            .traffic_count = 1,
                                            .edges_known = true,
                                            .traffic_known = true,
                                            .disk = {1000, 500, -1}};
}

static void zone_in_13_days(struct world *world)
{
    world->status.roles[4].expires = NOW + 13 * DAY;
}

static void zone_in_3_days(struct world *world)
{
    world->status.roles[4].expires = NOW + 3 * DAY;
}

static void zone_expired(struct world *world)
{
    world->status.roles[4].expires = NOW - 1;
}

static void zone_in_14_days(struct world *world)
{
    world->status.roles[4].expires = NOW + 14 * DAY;
}

static void short_zone(struct world *world)
{
    world->status.roles[4].life_s = 6 * DAY;
    world->status.roles[4].expires = NOW + 2 * DAY;
}

static void short_zone_late(struct world *world)
{
    world->status.roles[4].life_s = 6 * DAY;
    world->status.roles[4].expires = NOW + 2 * DAY - 1;
}

static void timestamp_in_23_hours(struct world *world)
{
    world->status.roles[1].expires = NOW + 23 * HOUR;
}

static void timestamp_in_5_hours(struct world *world)
{
    world->status.roles[1].expires = NOW + 5 * HOUR;
}

static void root_in_10_days(struct world *world)
{
    world->status.roles[0].expires = NOW + 10 * DAY;
}

static void signer_down(struct world *world)
{
    world->status.signer = PTI_SIGNER_DOWN;
    world->status.resign_failing = true; /* it follows from the other */
}

static void signer_off(struct world *world)
{
    world->status.signer = PTI_SIGNER_OFF; /* an operator's choice until something is due */
}

static void resign_failing(struct world *world)
{
    world->status.resign_failing = true;
}

static void unpinned(struct world *world)
{
    world->edge.served = PTI_ALERT_EDGE_BAD;
}

static void unpinned_without_repository(struct world *world)
{
    world->edge.served = PTI_ALERT_EDGE_BAD;
    world->edge.repository = "";
    world->edge.key = "";
}

static void certificate_in_10_days(struct world *world)
{
    world->edge.not_after = NOW + 10 * DAY;
}

static void certificate_of_6_days(struct world *world)
{
    world->edge.not_before = NOW - 3 * DAY;
    world->edge.not_after = NOW + 3 * DAY;
}

static void certificate_unseen(struct world *world)
{
    world->edge.not_after = 0;
}

static void disk_at_9_percent(struct world *world)
{
    world->facts.disk.available = 90;
}

static void disk_at_2_percent(struct world *world)
{
    world->facts.disk.available = 20;
}

static void disk_full_in_hours(struct world *world)
{
    world->facts.disk.full_in_s = 5 * HOUR;
}

static void disk_full_in_days(struct world *world)
{
    world->facts.disk.full_in_s = 2 * DAY;
}

static void disk_unknown(struct world *world)
{
    world->facts.disk = (struct pti_alert_disk){0, 0, -1};
}

static void twenty_from_nothing(struct world *world)
{
    world->traffic.recent = 20;
}

static void nineteen_from_nothing(struct world *world)
{
    world->traffic.recent = 19;
}

static void a_flood(struct world *world)
{
    world->traffic.recent = 1000000000;
}

static void as_before(struct world *world)
{
    world->traffic.recent = 30; /* 20 a window for a week */
    world->traffic.before = 20 * 4 * 24 * 7;
}

static void far_above_before(struct world *world)
{
    world->traffic.recent = 100;
    world->traffic.before = 20 * 4 * 24 * 7;
}

static const struct {
    const char *name;
    void (*change)(struct world *world);
    const char *want; /* labels; NULL: nothing is raised */
} cases[] = {
    {"a zone two weeks before", zone_in_14_days, NULL},
    {"a zone within two weeks", zone_in_13_days,
     "{\"alertname\":\"PintleZoneExpiry\",\"repository\":\"shop\",\"severity\":\"ticket\",\"zone\":\"payments\"}"},
    {"a zone within days", zone_in_3_days,
     "{\"alertname\":\"PintleZoneExpiry\",\"repository\":\"shop\",\"severity\":\"page\",\"zone\":\"payments\"}"},
    {"an expired zone", zone_expired,
     "{\"alertname\":\"PintleZoneExpiry\",\"repository\":\"shop\",\"severity\":\"page\",\"zone\":\"payments\"}"},
    {"a zone that lives shortly, in time", short_zone, NULL},
    {"a zone that lives shortly, late", short_zone_late,
     "{\"alertname\":\"PintleZoneExpiry\",\"repository\":\"shop\",\"severity\":\"ticket\",\"zone\":\"payments\"}"},
    {"a timestamp that should have been renewed", timestamp_in_23_hours,
     "{\"alertname\":\"PintleManifestExpiry\",\"repository\":\"shop\",\"role\":\"timestamp\",\"severity\":\"ticket\"}"},
    {"a timestamp at its end", timestamp_in_5_hours,
     "{\"alertname\":\"PintleManifestExpiry\",\"repository\":\"shop\",\"role\":\"timestamp\",\"severity\":\"page\"}"},
    {"root", root_in_10_days,
     "{\"alertname\":\"PintleManifestExpiry\",\"repository\":\"shop\",\"role\":\"root\",\"severity\":\"ticket\"}"},
    {"a dead signer, once", signer_down,
     "{\"alertname\":\"PintleSignerSilent\",\"repository\":\"shop\",\"severity\":\"ticket\"}"},
    {"no signer", signer_off, NULL},
    {"failing keys", resign_failing,
     "{\"alertname\":\"PintleOnlineKeyFailing\",\"repository\":\"shop\",\"severity\":\"ticket\"}"},
    {"an unpinned key", unpinned,
     "{\"alertname\":\"PintleEdgeUnpinned\",\"edge\":\"192.0.2.1:443\",\"host\":\"api.example.com\",\"key\":\"ec\",\"repository\":\"shop\",\"severity\":\"page\"}"},
    {"empty labels are none", unpinned_without_repository,
     "{\"alertname\":\"PintleEdgeUnpinned\",\"edge\":\"192.0.2.1:443\",\"host\":\"api.example.com\",\"severity\":"
     "\"page\"}"},
    {"a certificate", certificate_in_10_days,
     "{\"alertname\":\"PintleCertificateExpiry\",\"edge\":\"192.0.2.1:443\",\"host\":\"api.example.com\",\"key\":\"ec\",\"repository\":\"shop\",\"severity\":\"ticket\"}"},
    {"a certificate of six days", certificate_of_6_days, NULL},
    {"no certificate", certificate_unseen, NULL},
    {"a disk with little left", disk_at_9_percent, "{\"alertname\":\"PintleDiskFilling\",\"severity\":\"ticket\"}"},
    {"a disk with next to nothing left", disk_at_2_percent,
     "{\"alertname\":\"PintleDiskFilling\",\"severity\":\"page\"}"},
    {"a disk that fills today", disk_full_in_hours, "{\"alertname\":\"PintleDiskFilling\",\"severity\":\"ticket\"}"},
    {"a disk that fills some day", disk_full_in_days, NULL},
    {"a disk that says nothing", disk_unknown, NULL},
    {"mismatches out of nothing", twenty_from_nothing,
     "{\"alertname\":\"PintleMismatchRate\",\"host\":\"api.example.com\",\"repository\":\"shop\",\"severity\":"
     "\"ticket\"}"},
    {"few mismatches", nineteen_from_nothing, NULL},
    {"a forged flood is still a ticket", a_flood,
     "{\"alertname\":\"PintleMismatchRate\",\"host\":\"api.example.com\",\"repository\":\"shop\",\"severity\":"
     "\"ticket\"}"},
    {"mismatches as before", as_before, NULL},
    {"mismatches far above before", far_above_before,
     "{\"alertname\":\"PintleMismatchRate\",\"host\":\"api.example.com\",\"repository\":\"shop\",\"severity\":"
     "\"ticket\"}"},
};

static void what_raises_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < PTI_COUNT(cases); i++) {
        struct world world;

        make_world(&world);
        cases[i].change(&world);
        assert_int_equal(pti_alert_rules_apply(&world.facts, &limits, &list), PINTLE_OK);
        if (list.count != (cases[i].want ? 1 : 0))
            fail_msg("%s: %zu alerts, %s", cases[i].name, list.count, list.count ? list.items[0].labels : "");
        if (cases[i].want && strcmp(list.items[0].labels, cases[i].want) != 0)
            fail_msg("%s: %s", cases[i].name, list.items[0].labels);
    }
}

/* An edge that is away is no edge that is well. */
static void an_edge_that_is_not_seen(void **state)
{
    struct world world;

    (void)state;
    make_world(&world);
    world.edge.served = PTI_ALERT_EDGE_UNSEEN;
    assert_int_equal(pti_alert_rules_apply(&world.facts, &limits, &list), PINTLE_OK);
    assert_int_equal(list.count, 1);
    assert_true(list.items[0].only_goes_on);
    world.edge.served = PTI_ALERT_EDGE_BAD;
    assert_int_equal(pti_alert_rules_apply(&world.facts, &limits, &list), PINTLE_OK);
    assert_false(list.items[0].only_goes_on);
}

/* What cannot be known now neither begins nor ends. */
static void what_is_not_known(void **state)
{
    struct world world;

    (void)state;
    make_world(&world);
    world.facts.edges_known = world.facts.traffic_known = world.status.readable = false;
    world.facts.disk.size = 0;
    assert_int_equal(pti_alert_rules_apply(&world.facts, &limits, &list), PINTLE_OK);
    for (int rule = 0; rule < PTI_ALERT_RULES; rule++)
        assert_int_equal(list.unknown[rule], rule != PTI_ALERT_ONLINE_KEY_FAILING && rule != PTI_ALERT_SIGNER_SILENT);
}

static void a_list_is_bounded(void **state)
{
    static struct pti_alert_edge edges[PTI_ALERTS_MAX + 1];
    static char addresses[PTI_ALERTS_MAX + 1][16];
    struct world world;

    (void)state;
    make_world(&world);
    for (size_t i = 0; i < PTI_COUNT(edges); i++) {
        snprintf(addresses[i], sizeof addresses[i], "edge-%zu", i);
        edges[i] = (struct pti_alert_edge){"", "a.example", addresses[i], "rsa", PTI_ALERT_EDGE_BAD, 0, 0};
    }
    world.facts.edges = edges;
    world.facts.edge_count = PTI_COUNT(edges);
    assert_int_equal(pti_alert_rules_apply(&world.facts, &limits, &list), PINTLE_OK);
    assert_int_equal(list.count, PTI_ALERTS_MAX);
    assert_true(list.truncated);
}

/* Whatever else is reported, a host that a charter lists is not crowded out by names that a stranger made up. */
static void hosts_that_there_are_come_first(void **state)
{
    static struct pti_alert_traffic traffic[PTI_ALERTS_MAX + 1];
    static char hosts[PTI_ALERTS_MAX][16];
    struct world world;

    (void)state;
    make_world(&world);
    for (size_t i = 0; i < PTI_ALERTS_MAX; i++) {
        snprintf(hosts[i], sizeof hosts[i], "made-up-%zu", i);
        traffic[i] = (struct pti_alert_traffic){"shop", hosts[i], 1000, 0, 7 * DAY, false};
    }
    traffic[PTI_ALERTS_MAX] = (struct pti_alert_traffic){"shop", "there.example", 20, 0, 7 * DAY, true};
    world.facts.traffic = traffic;
    world.facts.traffic_count = PTI_COUNT(traffic);
    assert_int_equal(pti_alert_rules_apply(&world.facts, &limits, &list), PINTLE_OK);
    assert_non_null(strstr(list.items[0].labels, "there.example"));
    assert_true(list.items[0].listed);
    assert_false(list.items[1].listed);
    assert_true(list.truncated);
}

static void rates(void **state)
{
    static const struct {
        int64_t recent, before, before_s;
        bool high;
    } rows[] = {
        {10, 0, 7 * DAY, true},              /* 10 a quarter of an hour against none in a week */
        {1, 0, 7 * DAY, false},              /* one is chance */
        {20, 0, 0, true},                    /* no time before is a day without any */
        {20, 96 * 5, DAY, false},            /* 5 a window before: 20 are within twice the bounds */
        {40, 96 * 5, DAY, true},             /* 40 are not */
        {220, 96 * 7 * 100, 7 * DAY, false}, /* 100 before: 220 are twice as many, but not surely */
        {300, 96 * 7 * 100, 7 * DAY, true},
        {0, 0, 0, false},
        {INT64_MAX, INT64_MAX, 7 * DAY, true}, /* nothing overflows: a week's worth in one window */
    };

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(rows); i++)
        if (pti_alert_rate_is_high(rows[i].recent, PTI_ALERT_WINDOW_S, rows[i].before, rows[i].before_s) !=
            rows[i].high)
            fail_msg("row %zu", i);
}

/* Alertmanager's own, so that an alert has one name wherever it is shown. */
static void fingerprints(void **state)
{
    struct world world;

    (void)state;
    make_world(&world);
    world.repository.name = "";
    signer_down(&world);
    assert_int_equal(pti_alert_rules_apply(&world.facts, &limits, &list), PINTLE_OK);
    assert_string_equal(list.items[0].labels, "{\"alertname\":\"PintleSignerSilent\",\"severity\":\"ticket\"}");
    assert_string_equal(list.items[0].fingerprint, "5e6dc1468eb4b7fa"); /* what Alertmanager 0.25 answers */
}

static void names(void **state)
{
    enum pti_alert_rule found;

    (void)state;
    for (int i = 0; i < PTI_ALERT_RULES; i++) {
        assert_true(pti_alert_rule_find(pti_alert_rule_name((enum pti_alert_rule)i), &found));
        assert_int_equal(found, i);
        assert_true(strlen(pti_alert_advice((enum pti_alert_rule)i)) > 20);
    }
    assert_false(pti_alert_rule_find("PintleSomethingElse", &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_raises_what),
        cmocka_unit_test(an_edge_that_is_not_seen),
        cmocka_unit_test(what_is_not_known),
        cmocka_unit_test(a_list_is_bounded),
        cmocka_unit_test(hosts_that_there_are_come_first),
        cmocka_unit_test(rates),
        cmocka_unit_test(fingerprints),
        cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
