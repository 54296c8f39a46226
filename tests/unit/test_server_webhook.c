/* SPDX-License-Identifier: Apache-2.0 */
/* What webhooks are told in each form, and that the secrets of their URLs are never shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "server/webhook.h"

#define NOW 1800000000 /* 2027-01-15T08:00:00Z */

static void urls(void **state)
{
    static const struct {
        const char *text, *url, *shown;
        enum pti_webhook_form form;
    } rows[] = {
        {"json=https://hooks.example.com/services/T0/B0/secret?token=secret#secret",
         "https://hooks.example.com/services/T0/B0/secret?token=secret#secret", "https://hooks.example.com",
         PTI_WEBHOOK_JSON},
        {"v4=http://user:secret@127.0.0.1:9000/", "http://user:secret@127.0.0.1:9000/", "http://127.0.0.1:9000",
         PTI_WEBHOOK_V4},
        {"v4=https://user:p@secret@[::1]:9000?secret", "https://user:p@secret@[::1]:9000?secret", "https://[::1]:9000",
         PTI_WEBHOOK_V4},
        {"alertmanager=http://am:9093", "http://am:9093/api/v2/alerts", "http://am:9093", PTI_WEBHOOK_ALERTMANAGER},
        {"alertmanager=HTTPS://am/prefix//", "HTTPS://am/prefix/api/v2/alerts", "HTTPS://am", PTI_WEBHOOK_ALERTMANAGER},
    };
    struct pti_webhook webhook;
    struct pti_error error;

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(rows); i++) {
        if (pti_webhook_parse(rows[i].text, &webhook, &error) != PINTLE_OK)
            fail_msg("%s: %s", rows[i].text, error.detail);
        assert_int_equal(webhook.form, rows[i].form);
        assert_string_equal(webhook.url, rows[i].url);
        assert_string_equal(webhook.shown, rows[i].shown);
    }
}

static void no_urls(void **state)
{
    static const char *const rows[] = {
        "",
        "=",
        "https://secret",
        "slack=https://secret",
        "v4",
        "v4=",
        "v4=secret",
        "v4=ftp://secret/",
        "v4=https://",
        "v4=https:///secret",
        "v4=https://:443/secret",
        "v4=https://secret@/",
        "v4=https://secret /",
        "V4=https://secret/",
        "v4=https://a/\nsecret",
        "v4=https://secret\\@b/",
        "v4=file:///secret",
        "v4=https://secret\xc3\xa4/",
    };
    char long_one[PTI_WEBHOOK_URL_MAX + 64];
    struct pti_webhook webhook;
    struct pti_error error;

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(rows); i++) {
        if (pti_webhook_parse(rows[i], &webhook, &error) != PINTLE_ERR_MISUSE)
            fail_msg("%s is taken", rows[i]);
        assert_null(strstr(error.detail, "secret"));
    }
    snprintf(long_one, sizeof long_one, "v4=https://a/%01040d", 1);
    assert_int_equal(pti_webhook_parse(long_one, &webhook, &error), PINTLE_ERR_MISUSE);
}

static struct pti_alert_entry entry = {
    .alert = {.rule = PTI_ALERT_EDGE_UNPINNED,
              .severity = PTI_SEVERITY_PAGE,
              .labels = "{\"alertname\":\"PintleEdgeUnpinned\",\"edge\":\"192.0.2.1:443\"}",
              .fingerprint = "0123456789abcdef",
              .summary = "an \"edge\""},
    .fired = NOW - 60,
    .resolved = NOW,
};

/* Which of these texts are in the body for each message. */
static void assert_body(enum pti_webhook_form form, enum pti_alert_message message, const char *const *wanted,
                        size_t count)
{
    const struct pti_webhook webhook = {.form = form};
    const struct pti_webhook_item item = {&entry, message};
    struct pti_buf body;

    pti_buf_init(&body, 8192);
    pti_webhook_write(&webhook, &item, 1, NOW, &body);
    assert_int_equal(body.status, PINTLE_OK);
    for (size_t i = 0; i < count; i++)
        if (!strstr(pti_buf_cstr(&body), wanted[i]))
            fail_msg("%s lacks %s", pti_buf_cstr(&body), wanted[i]);
    pti_buf_clear(&body);
}

#define LABELS "{\"alertname\":\"PintleEdgeUnpinned\",\"edge\":\"192.0.2.1:443\"}"

static void version_4(void **state)
{
    static const char *const firing[] = {"\"version\":\"4\"",
                                         "\"groupKey\":\"{}:{\\\"alertname\\\":",
                                         "\"status\":\"firing\",\"receiver\":\"pintled\",\"groupLabels\":" LABELS,
                                         "\"commonLabels\":" LABELS,
                                         "\"alerts\":[{\"status\":\"firing\",\"labels\":" LABELS,
                                         "\"summary\":\"an \\\"edge\\\"\"",
                                         "\"startsAt\":\"2027-01-15T07:59:00Z\",\"endsAt\":\"0001-01-01T00:00:00Z\"",
                                         "\"fingerprint\":\"0123456789abcdef\"}]}"};
    static const char *const over[] = {"\"status\":\"resolved\",\"receiver\"", "\"alerts\":[{\"status\":\"resolved\"",
                                       "\"startsAt\":\"2027-01-15T07:59:00Z\",\"endsAt\":\"2027-01-15T08:00:00Z\""};

    (void)state;
    assert_body(PTI_WEBHOOK_V4, PTI_ALERT_SAY_FIRING, firing, PTI_COUNT(firing));
    assert_body(PTI_WEBHOOK_V4, PTI_ALERT_SAY_RESOLVED, over, PTI_COUNT(over));
}

static void flat_json(void **state)
{
    static const char *const firing[] = {"{\"v\":1,\"alert\":\"PintleEdgeUnpinned\",\"status\":\"firing\",\"severity\":"
                                         "\"page\",\"summary\":\"an \\\"edge\\\"\"",
                                         "\"labels\":" LABELS,
                                         "\"fired\":\"2027-01-15T07:59:00Z\",\"resolved\":null,\"fingerprint\":"
                                         "\"0123456789abcdef\"}"};
    static const char *const over[] = {"\"status\":\"resolved\"", "\"resolved\":\"2027-01-15T08:00:00Z\""};

    (void)state;
    assert_body(PTI_WEBHOOK_JSON, PTI_ALERT_SAY_FIRING, firing, PTI_COUNT(firing));
    assert_body(PTI_WEBHOOK_JSON, PTI_ALERT_SAY_RESOLVED, over, PTI_COUNT(over));
}

/* A firing alert ends by itself when pintled does not repeat it. */
static void to_an_alertmanager(void **state)
{
    static const char *const firing[] = {"[{\"labels\":" LABELS ",\"annotations\":{",
                                         "\"startsAt\":\"2027-01-15T07:59:00Z\",\"endsAt\":\"2027-01-15T08:05:00Z\"}]"};
    static const char *const over[] = {"\"endsAt\":\"2027-01-15T08:00:00Z\"}]"};
    const struct pti_webhook webhook = {.form = PTI_WEBHOOK_ALERTMANAGER}, other = {.form = PTI_WEBHOOK_V4};

    (void)state;
    assert_body(PTI_WEBHOOK_ALERTMANAGER, PTI_ALERT_SAY_FIRING, firing, PTI_COUNT(firing));
    assert_body(PTI_WEBHOOK_ALERTMANAGER, PTI_ALERT_SAY_RESOLVED, over, PTI_COUNT(over));
    assert_int_equal(pti_webhook_repeat_s(&webhook, 14400), PTI_ALERTMANAGER_REPEAT_S);
    assert_int_equal(pti_webhook_repeat_s(&other, 14400), 14400);
}

/* The longest alerts there are fit. */
static void a_full_request(void **state)
{
    const struct pti_webhook webhook = {.form = PTI_WEBHOOK_ALERTMANAGER};
    struct pti_webhook_item items[PTI_WEBHOOK_BATCH_MAX];
    static struct pti_alert_entry longest;
    struct pti_buf body;

    (void)state;
    longest = entry;
    memset(longest.alert.summary, '"', sizeof longest.alert.summary - 1);
    snprintf(longest.alert.labels, sizeof longest.alert.labels, "{\"a\":\"%01010d\"}", 1);
    for (size_t i = 0; i < PTI_COUNT(items); i++)
        items[i] = (struct pti_webhook_item){&longest, PTI_ALERT_SAY_FIRING};
    pti_buf_init(&body, PTI_WEBHOOK_BODY_MAX);
    pti_webhook_write(&webhook, items, PTI_COUNT(items), NOW, &body);
    assert_int_equal(body.status, PINTLE_OK);
    pti_buf_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls),
        cmocka_unit_test(no_urls),
        cmocka_unit_test(version_4),
        cmocka_unit_test(flat_json),
        cmocka_unit_test(to_an_alertmanager),
        cmocka_unit_test(a_full_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
