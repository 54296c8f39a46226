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
    struct pti_status status = {.signer = PTI_SIGNER_UP, .readable = true, .role_count = 5};
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
        bool unreadable, resign_failing;
        const char *expired; /* a role */
        bool empty;          /* nothing was ever read */
        enum pti_health want;
    } cases[] = {
        {"all is well", .signer = PTI_SIGNER_UP, .want = PTI_HEALTH_OK},
        {"no signer", .signer = PTI_SIGNER_OFF, .want = PTI_HEALTH_DEGRADED},
        {"a dead signer", .signer = PTI_SIGNER_DOWN, .want = PTI_HEALTH_DEGRADED},
        {"re-signing fails", .signer = PTI_SIGNER_UP, .resign_failing = true, .want = PTI_HEALTH_DEGRADED},
        {"files that do not fit together", .signer = PTI_SIGNER_UP, .unreadable = true, .want = PTI_HEALTH_DEGRADED},
        {"an expired zone", .signer = PTI_SIGNER_UP, .expired = "payments", .want = PTI_HEALTH_DEGRADED},
        {"an expired timestamp", .signer = PTI_SIGNER_UP, .expired = "timestamp", .want = PTI_HEALTH_FAILING},
        {"an expired snapshot", .signer = PTI_SIGNER_UP, .expired = "snapshot", .want = PTI_HEALTH_FAILING},
        {"expired targets", .signer = PTI_SIGNER_UP, .expired = "targets", .want = PTI_HEALTH_FAILING},
        {"an expired root", .signer = PTI_SIGNER_UP, .expired = "root", .want = PTI_HEALTH_FAILING},
        {"nothing to serve", .signer = PTI_SIGNER_OFF, .unreadable = true, .empty = true, .want = PTI_HEALTH_FAILING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pti_status status = healthy();

        status.signer = cases[i].signer;
        status.readable = !cases[i].unreadable;
        status.resign_failing = cases[i].resign_failing;
        if (cases[i].empty)
            status.role_count = 0;
        for (size_t role = 0; cases[i].expired && role < status.role_count; role++)
            if (strcmp(status.roles[role].name, cases[i].expired) == 0)
                status.roles[role].expires = NOW;
        if (pti_status_health(&status, NOW) != cases[i].want)
            fail_msg("%s: %d", cases[i].name, (int)pti_status_health(&status, NOW));
    }
}

/* A service of repositories called "", "shop", "bank". */
struct world {
    struct pti_status_board boards[3];
    struct pti_service_status service;
};

static void begin(struct world *world, size_t repositories)
{
    static const char *const names[] = {"", "shop", "bank"};
    struct pti_status status = healthy();

    pti_service_status_init(&world->service);
    for (size_t i = 0; i < repositories; i++) {
        pti_status_board_init(&world->boards[i], names[i]);
        pti_status_set_signer(&world->boards[i], PTI_SIGNER_UP);
        pti_status_set_roles(&world->boards[i], status.roles, status.role_count);
        pti_service_status_add(&world->service, &world->boards[i]);
    }
}

static void end(struct world *world)
{
    for (size_t i = 0; i < world->service.board_count; i++)
        pti_status_board_clear(&world->boards[i]);
}

static void expire(struct pti_status_board *board)
{
    struct pti_status status = healthy();

    status.roles[1].expires = NOW;
    pti_status_set_roles(board, status.roles, status.role_count);
}

static void one_repository_does_not_take_the_others_down(void **state)
{
    static const struct {
        const char *name;
        size_t repositories, failing;
        bool degraded, storage_down, stopping;
        enum pti_health want;
    } cases[] = {
        {"all is well", .repositories = 3, .want = PTI_HEALTH_OK},
        {"one is degraded", .repositories = 3, .degraded = true, .want = PTI_HEALTH_DEGRADED},
        {"one fails", .repositories = 3, .failing = 1, .want = PTI_HEALTH_DEGRADED},
        {"two fail", .repositories = 3, .failing = 2, .want = PTI_HEALTH_DEGRADED},
        {"all fail", .repositories = 3, .failing = 3, .want = PTI_HEALTH_FAILING},
        {"the only one fails", .repositories = 1, .failing = 1, .want = PTI_HEALTH_FAILING},
        {"a full disk", .repositories = 1, .storage_down = true, .want = PTI_HEALTH_DEGRADED},
        {"stopping", .repositories = 3, .stopping = true, .want = PTI_HEALTH_FAILING},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        struct pti_buf text;

        begin(&world, cases[i].repositories);
        pti_buf_init(&text, 65536);
        for (size_t failing = 0; failing < cases[i].failing; failing++)
            expire(&world.boards[failing]);
        if (cases[i].degraded)
            pti_status_set_signer(&world.boards[2], PTI_SIGNER_DOWN);
        if (cases[i].storage_down)
            pti_service_status_set_storage(&world.service, false);
        if (cases[i].stopping)
            pti_service_status_set_stopping(&world.service);
        if (pti_service_status_write(&world.service, NULL, NOW, false, &text) != cases[i].want)
            fail_msg("%s: %s", cases[i].name, pti_buf_cstr(&text));
        pti_buf_clear(&text);
        end(&world);
    }
}

static void strangers_see_less(void **state)
{
    struct world world;
    struct pti_buf text;

    (void)state;
    begin(&world, 2);
    expire(&world.boards[0]);
    pti_status_set_signer(&world.boards[1], PTI_SIGNER_DOWN);
    pti_buf_init(&text, 65536);
    pti_service_status_write(&world.service, NULL, NOW, false, &text);
    assert_string_equal(pti_buf_cstr(&text), "{\"status\":\"degraded\"}");
    pti_buf_clear(&text);
    assert_int_equal(pti_service_status_write(&world.service, &world.boards[0], NOW, false, &text), PTI_HEALTH_FAILING);
    assert_string_equal(pti_buf_cstr(&text), "{\"status\":\"failing\"}");
    pti_buf_clear(&text);
    pti_service_status_write(&world.service, NULL, NOW, true, &text);
    assert_non_null(strstr(pti_buf_cstr(&text), "{\"name\":\"\",\"status\":\"failing\",\"signer\":\"up\""));
    assert_non_null(strstr(pti_buf_cstr(&text), "{\"name\":\"shop\",\"status\":\"degraded\",\"signer\":\"down\""));
    assert_non_null(strstr(pti_buf_cstr(&text), "{\"role\":\"payments\",\"version\":5,\"expires\":\""));
    pti_buf_clear(&text);
    pti_service_status_write(&world.service, &world.boards[0], NOW, true, &text);
    assert_null(strstr(pti_buf_cstr(&text), "shop"));
    pti_buf_clear(&text);
    end(&world);
}

static void what_was_known_of_an_unreadable_publication_stays(void **state)
{
    struct pti_status status;
    struct world world;

    (void)state;
    begin(&world, 1);
    pti_status_set_roles(&world.boards[0], NULL, 0);
    pti_status_board_read(&world.boards[0], &status);
    assert_false(status.readable);
    assert_int_equal(status.role_count, 5);
    assert_true(pti_service_status_set_storage(&world.service, false));
    assert_false(pti_service_status_set_storage(&world.service, false));
    assert_true(pti_service_status_set_storage(&world.service, true));
    end(&world);
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
    struct pti_metrics metrics;
    struct world world;
    struct pti_buf text;

    (void)state;
    memset(&metrics, 0, sizeof metrics);
    pti_metrics_count_request(&metrics, PTI_FILE_HEAD, 200);
    pti_metrics_count_request(&metrics, PTI_FILE_HEAD, 200);
    pti_metrics_count_request(&metrics, PTI_ROUTE_METRICS, 200);
    pti_metrics_count_request(&metrics, PTI_ROUTE_REPORTS, 418);
    pti_metrics_count_report(&metrics, PTI_REPORT_INVALID);
    pti_metrics_count_drop(&metrics, PTI_DROP_OLD, 7);
    begin(&world, 2);
    pti_status_set_signer(&world.boards[0], PTI_SIGNER_DOWN);
    expire(&world.boards[1]);
    pti_buf_init(&text, 1 << 20);
    pti_metrics_write(&metrics, &world.service, NULL, &text);
    assert_line(&text, "pintle_http_requests_total{route=\"head\",code=\"200\"} 2");
    assert_line(&text, "pintle_http_requests_total{route=\"metrics\",code=\"200\"} 1");
    assert_line(&text, "pintle_http_requests_total{route=\"reports\",code=\"other\"} 1");
    assert_line(&text, "pintle_reports_total{result=\"invalid\"} 1");
    assert_line(&text, "pintle_reports_total{result=\"accepted\"} 0");
    assert_line(&text, "pintle_reports_dropped_total{reason=\"old\"} 7");
    assert_line(&text, "pintle_manifest_expiry_timestamp_seconds{role=\"payments\"} 1800001000");
    assert_line(&text, "pintle_manifest_version{role=\"snapshot\"} 3");
    assert_line(&text, "pintle_signer_up 0");
    assert_line(&text, "pintle_signer_up{repository=\"shop\"} 1");
    assert_line(&text, "pintle_manifest_expiry_timestamp_seconds{repository=\"shop\",role=\"timestamp\"} 1800000000");
    assert_line(&text, "pintle_storage_up 1");
    assert_line(&text, "# TYPE pintle_signer_up gauge");
    assert_int_equal(pti_buf_cstr(&text)[text.size - 1], '\n');
    pti_buf_clear(&text);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_is_what_a_balancer_needs),
        cmocka_unit_test(one_repository_does_not_take_the_others_down),
        cmocka_unit_test(strangers_see_less),
        cmocka_unit_test(what_was_known_of_an_unreadable_publication_stays),
        cmocka_unit_test(metrics_are_counted_and_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
