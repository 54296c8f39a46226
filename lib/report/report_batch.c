/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report_batch.h"

#include "report/foreign.h"

static enum pintle_status read_batch(const struct pti_json_value *array, struct pti_report_batch *batch,
                                     struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (pti_json_count(array) < 1 || pti_json_count(array) > PTI_REPORT_BATCH_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected 1 to %d reports in an array, found %zu",
                        PTI_REPORT_BATCH_MAX, pti_json_count(array));
    for (const struct pti_json_value *item = pti_json_first(array); item && status == PINTLE_OK;
         item = pti_json_next(item)) {
        status = pti_report_read(item, &batch->all[batch->count], error);
        if (status == PINTLE_OK)
            batch->count++;
    }
    if (status == PINTLE_ERR_INPUT)
        (void)pti_error_prefix(error, "report %zu of the array", batch->count + 1);
    return status;
}

/* Puts a report of others in our form into the place of what was read. */
static enum pintle_status translate(struct pti_report_batch *batch, struct pintle_crypto *crypto, uint64_t network,
                                    struct pti_error *error)
{
    struct pti_json *ours = NULL;
    enum pintle_status status;
    struct pti_buf text;

    pti_buf_init(&text, 2 * PTI_REPORT_SIZE_MAX);
    status = pti_report_translate(pti_json_root(batch->json), crypto, network, &text, error);
    if (status == PINTLE_OK)
        status = pti_json_parse(pti_buf_bytes(&text), &ours, error);
    pti_buf_clear(&text);
    if (status != PINTLE_OK)
        return status;
    pti_json_free(batch->json);
    batch->json = ours;
    return PINTLE_OK;
}

enum pintle_status pti_report_parse_batch(struct pintle_bytes text, struct pintle_crypto *crypto, uint64_t network,
                                          struct pti_report_batch *batch, struct pti_error *error)
{
    enum pintle_status status = pti_json_parse(text, &batch->json, error);

    batch->count = 0;
    batch->foreign = status == PINTLE_OK && pti_report_is_foreign(pti_json_root(batch->json));
    if (status == PINTLE_OK && batch->foreign)
        status = translate(batch, crypto, network, error);
    if (status == PINTLE_OK && pti_json_type(pti_json_root(batch->json)) == PTI_JSON_ARRAY)
        status = read_batch(pti_json_root(batch->json), batch, error);
    else if (status == PINTLE_OK &&
             (status = pti_report_read(pti_json_root(batch->json), &batch->all[0], error)) == PINTLE_OK)
        batch->count = 1;
    if (status != PINTLE_OK)
        pti_report_batch_clear(batch);
    return status;
}

void pti_report_batch_clear(struct pti_report_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        pti_report_clear(&batch->all[i]);
    batch->count = 0;
    pti_json_free(batch->json);
    batch->json = NULL;
}
