/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports at the server's door, one, an array, or one of others: what is accepted is written anew, is accepted again,
 * and stays the same.
 */
#include <string.h>

#include "fuzz.h"
#include "report/report_batch.h"

static void check(struct pti_report *report)
{
    struct pti_report again;

    REQUIRE(report->id[0] != '\0' && report->host[0] != '\0');
    if (report->document.size == 0)
        REQUIRE(pti_report_document(report, NULL) == PINTLE_OK);
    REQUIRE(pti_report_parse(pti_buf_bytes(&report->document), &again, NULL) == PINTLE_OK);
    REQUIRE(pti_bytes_equal(pti_buf_bytes(&report->document), pti_buf_bytes(&again.document)));
    REQUIRE(strcmp(report->id, again.id) == 0 && strcmp(report->host, again.host) == 0);
    pti_report_clear(&again);
}

static void run_batch(struct pintle_bytes text)
{
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_report_batch batch;

    if (pti_report_parse_batch(text, fuzz_crypto(), 7, &batch, &error) != PINTLE_OK) {
        REQUIRE(batch.count == 0 && batch.json == NULL && error.detail[0] != '\0');
        return;
    }
    REQUIRE(batch.count > 0);
    for (size_t i = 0; i < batch.count; i++)
        check(&batch.all[i]);
    pti_report_batch_clear(&batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pintle_bytes text = {data, size};
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_report report;

    run_batch(text);
    if (pti_report_parse(text, &report, &error) != PINTLE_OK) {
        REQUIRE(report.document.size == 0 && error.detail[0] != '\0');
        return 0;
    }
    check(&report);
    pti_report_clear(&report);
    return 0;
}
