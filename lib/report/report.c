/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"

#include <string.h>

#include "base/json_write.h"
#include "report/report_form.h"

/* The field has been checked: it is a string that fits. */
static void copy_string(const struct pti_json_value *object, const char *name, char *out, size_t size)
{
    struct pintle_bytes text = {NULL, 0};

    if (!pti_json_as_string(pti_json_member(object, name), &text) || text.size >= size)
        return;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

static int64_t copy_integer(const struct pti_json_value *object, const char *name, int64_t absent)
{
    int64_t integer = absent;

    (void)pti_json_as_integer(pti_json_member(object, name), &integer);
    return integer;
}

static bool copy_bool(const struct pti_json_value *object, const char *name)
{
    bool boolean = false;

    return pti_json_as_bool(pti_json_member(object, name), &boolean) && boolean;
}

/* What is counted by, beside what every report has. */
static void copy_details(const struct pti_json_value *value, struct pti_report *report)
{
    const struct pti_json_value *manifest = pti_json_member(value, "manifest");
    const struct pti_json_value *app = pti_json_member(value, "app");
    const struct pti_json_value *recovery = pti_json_member(value, "recovery");
    const struct pti_json_value *hll = pti_json_first(pti_json_member(value, "hll"));
    struct pintle_bytes leaf;

    if (pti_json_as_string(pti_json_first(pti_json_member(value, "chain-spki")), &leaf))
        memcpy(report->leaf, leaf.data, leaf.size);
    copy_string(manifest, "zone", report->zone, sizeof report->zone);
    report->zone_version = copy_integer(manifest, "version", 0);
    copy_string(app, "id", report->app_id, sizeof report->app_id);
    copy_string(app, "ver", report->app_version, sizeof report->app_version);
    copy_string(app, "os", report->os, sizeof report->os);
    report->weight = copy_integer(value, "weight", 1);
    report->successes = copy_integer(value, "success_since_last", 0);
    report->recovery_tried = copy_bool(recovery, "tried");
    report->recovered = copy_bool(recovery, "ok");
    report->hll_register = report->hll_rank = -1;
    (void)pti_json_as_integer(hll, &report->hll_register);
    (void)pti_json_as_integer(pti_json_next(hll), &report->hll_rank);
}

enum pintle_status pti_report_read(const struct pti_json_value *value, struct pti_report *report,
                                   struct pti_error *error)
{
    enum pintle_status status;

    memset(report, 0, sizeof *report);
    pti_buf_init(&report->document, 2 * PTI_REPORT_SIZE_MAX);
    status = pti_report_check(value, error);
    if (status == PINTLE_OK) {
        copy_string(value, "id", report->id, sizeof report->id);
        copy_string(value, "type", report->type, sizeof report->type);
        copy_string(value, "host", report->host, sizeof report->host);
        copy_string(value, "reason", report->reason, sizeof report->reason);
        copy_details(value, report);
        report->value = value;
    }
    return status;
}

enum pintle_status pti_report_document(struct pti_report *report, struct pti_error *error)
{
    enum pintle_status status;

    pti_json_write_compact(report->value, &report->document);
    status = pti_buf_check(&report->document, error, "report");
    if (status != PINTLE_OK)
        pti_buf_clear(&report->document); /* a part of it is no document */
    return status;
}

enum pintle_status pti_report_parse(struct pintle_bytes text, struct pti_report *report, struct pti_error *error)
{
    struct pti_json *json = NULL;
    enum pintle_status status = PINTLE_ERR_INPUT;

    memset(report, 0, sizeof *report);
    status = pti_json_parse(text, &json, error);
    if (status != PINTLE_OK)
        return status;
    status = pti_report_read(pti_json_root(json), report, error);
    if (status == PINTLE_OK)
        status = pti_report_document(report, error);
    report->value = NULL;
    if (status != PINTLE_OK)
        pti_report_clear(report);
    pti_json_free(json);
    return status;
}

void pti_report_clear(struct pti_report *report)
{
    pti_buf_clear(&report->document);
    memset(report, 0, sizeof *report);
}
