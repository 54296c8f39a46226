/* SPDX-License-Identifier: Apache-2.0 */
/* What /healthz and /metrics say of which state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/metrics.h"

#define NOW INT64_C(1800000000)

static struct pti_status healthy(void)
{
    struct pti_status status = {.signer = PTI_SIGNER_UP, .readable = true, .storage_up = true, .role_count = 5};
    static const char *const names[] = {"root", "timestamp", "snapshot", "targets", "payments"};

    for (size_t i = 0; i < 5; i++) {
        snprintf(status.roles[i].name, sizeof status.roles[i].name, "%s", names[i]);
        status.roles[i].version = (int64_t)i + 1;
        status.roles[i].expires = NOW + 1000;
    }
    return status;
}

static void health_is_what_a_balancer_needs(void **state)
{
    static const struct {
        const char *name;
        enum pti_signer_state signer;
        bool unreadable, resign_failing, storage_down, stopping;
        const char *expired; /* a role */
        bool empty;          /* nothing was ever read */
        enum pti_health want;
    } cases[] = {
        {"all is well", .signer = PTI_SIGNER_UP, .want = PTI_HEALTH_OK},
        {"no signer", .signer = PTI_SIGNER_OFF, .want = PTI_HEALTH_DEGRADED},
        {"a dead signer", .signer = PTI_SIGNER_DOWN, .want = PTI_HEALTH_DEGRADED},
        {"re-signing fails", .signer = PTI_SIGNER_UP, .resign_failing = true, .want = PTI_HEALTH_DEGRADED},
        {"a full disk", .signer = PTI_SIGNER_UP, .storage_down = true, .want = PTI_HEALTH_DEGRADED},
        {"files that do not fit together", .signer = PTI_SIGNER_UP, .unreadable = true, .want = PTI_HEALTH_DEGRADED},
        {"an expired zone", .signer = PTI_SIGNER_UP, .expired = "payments", .want = PTI_HEALTH_DEGRADED},
        {"an expired timestamp", .signer = PTI_SIGNER_UP, .expired = "timestamp", .want = PTI_HEALTH_FAILING},
        {"an expired snapshot", .signer = PTI_SIGNER_UP, .expired = "snapshot", .want = PTI_HEALTH_FAILING},
        {"expired targets", .signer = PTI_SIGNER_UP, .expired = "targets", .want = PTI_HEALTH_FAILING},
        {"an expired root", .signer = PTI_SIGNER_UP, .expired = "root", .want = PTI_HEALTH_FAILING},
        {"stopping", .signer = PTI_SIGNER_UP, .stopping = true, .want = PTI_HEALTH_FAILING},
        {"nothing to serve", .signer = PTI_SIGNER_OFF, .unreadable = true, .empty = true, .want = PTI_HEALTH_FAILING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_status status = healthy();

        status.signer = cases[i].signer;
        status.readable = !cases[i].unreadable;
        status.resign_failing = cases[i].resign_failing;
        status.storage_up = !cases[i].storage_down;
        status.stopping = cases[i].stopping;
        if (cases[i].empty)
            status.role_count = 0;
        for (size_t role = 0; cases[i].expired && role < status.role_count; role++)
            if (strcmp(status.roles[role].name, cases[i].expired) == 0)
                status.roles[role].expires = NOW;
        if (pti_status_health(&status, NOW) != cases[i].want)
            fail_msg("%s: %d", cases[i].name, (int)pti_status_health(&status, NOW));
    }
}

static void strangers_see_less(void **state)
{
    struct pti_status status = healthy();
    struct pti_buf text;

    (void)state;
    status.signer = PTI_SIGNER_DOWN;
    pti_buf_init(&text, 65536);
    pti_status_write(&status, NOW, false, &text);
    assert_string_equal(pti_buf_cstr(&text), "{\"status\":\"degraded\"}");
    pti_buf_clear(&text);
    pti_status_write(&status, NOW, true, &text);
    assert_non_null(strstr(pti_buf_cstr(&text), "\"signer\":\"down\""));
    assert_non_null(strstr(pti_buf_cstr(&text), "{\"role\":\"payments\",\"version\":5,\"expires\":\""));
    pti_buf_clear(&text);
}

static void what_was_known_of_an_unreadable_publication_stays(void **state)
{
    struct pti_status status = healthy();
    struct pti_status_board board;

    (void)state;
    pti_status_board_init(&board);
    pti_status_set_roles(&board, status.roles, status.role_count);
    pti_status_set_roles(&board, NULL, 0);
    pti_status_board_read(&board, &status);
    assert_false(status.readable);
    assert_int_equal(status.role_count, 5);
    assert_true(pti_status_set_storage(&board, false));
    assert_false(pti_status_set_storage(&board, false));
    assert_true(pti_status_set_storage(&board, true));
    pti_status_board_clear(&board);
}

static void assert_line(struct pti_buf *text, const char *line)
{
    char wanted[160];

    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(pti_buf_cstr(text), wanted))
        fail_msg("there is no line %s in %s", line, pti_buf_cstr(text));
}

static void metrics_are_counted_and_written(void **state)
{
    struct pti_status status = healthy();
    struct pti_metrics metrics;
    struct pti_buf text;

    (void)state;
    memset(&metrics, 0, sizeof metrics);
    pti_metrics_count_request(&metrics, PTI_FILE_HEAD, 200);
    pti_metrics_count_request(&metrics, PTI_FILE_HEAD, 200);
    pti_metrics_count_request(&metrics, PTI_ROUTE_METRICS, 200);
    pti_metrics_count_request(&metrics, PTI_ROUTE_REPORTS, 418);
    pti_metrics_count_report(&metrics, PTI_REPORT_INVALID);
    pti_metrics_count_drop(&metrics, PTI_DROP_OLD, 7);
    status.signer = PTI_SIGNER_DOWN;
    pti_buf_init(&text, 1 << 20);
    pti_metrics_write(&metrics, &status, &text);
    assert_line(&text, "pintle_http_requests_total{route=\"head\",code=\"200\"} 2");
    assert_line(&text, "pintle_http_requests_total{route=\"metrics\",code=\"200\"} 1");
    assert_line(&text, "pintle_http_requests_total{route=\"reports\",code=\"other\"} 1");
    assert_line(&text, "pintle_reports_total{result=\"invalid\"} 1");
    assert_line(&text, "pintle_reports_total{result=\"accepted\"} 0");
    assert_line(&text, "pintle_reports_dropped_total{reason=\"old\"} 7");
    assert_line(&text, "pintle_manifest_expiry_timestamp_seconds{role=\"payments\"} 1800001000");
    assert_line(&text, "pintle_manifest_version{role=\"snapshot\"} 3");
    assert_line(&text, "pintle_signer_up 0");
    assert_line(&text, "# TYPE pintle_signer_up gauge");
    assert_int_equal(pti_buf_cstr(&text)[text.size - 1], '\n');
    pti_buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_is_what_a_balancer_needs),
        cmocka_unit_test(strangers_see_less),
        cmocka_unit_test(what_was_known_of_an_unreadable_publication_stays),
        cmocka_unit_test(metrics_are_counted_and_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
