/* SPDX-License-Identifier: Apache-2.0 */
/* The contract is in publish/draft.h. */
#include "publish/draft.h"

#include "base/json_write.h"

#define DAY_S INT64_C(86400)
#define SIGNED_SIZE_MAX PTI_TARGETS_SIZE_MAX /* the largest of all roles */

enum pintle_status pti_draft_keep(struct pintle_bytes *slot, struct pintle_bytes bytes, struct pti_error *error)
{
    struct pintle_bytes copy;

    if (pti_bytes_copy(bytes, &copy) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a draft");
    pti_bytes_free(slot);
    *slot = copy;
    return PINTLE_OK;
}

enum pintle_status pti_draft_canonical(struct pintle_bytes text, bool envelope, struct pti_buf *out,
                                       struct pti_error *error)
{
    struct pti_json *json = NULL;
    const struct pti_json_value *value;
    enum pintle_status status = pti_json_parse(text, &json, error);

    if (status != PINTLE_OK)
        return status;
    value = envelope ? pti_json_member(pti_json_root(json), "signed") : pti_json_root(json);
    if (value != NULL)
        pti_json_write_canonical(value, out);
    pti_json_free(json);
    return pti_buf_check(out, error, "metadata");
}

enum pintle_status pti_draft_says_same(const struct pti_draft *draft, struct pintle_bytes envelope, bool *same,
                                       struct pti_error *error)
{
    struct pti_buf wanted, text, found;
    int64_t version, expires;
    enum pintle_status status = pti_envelope_dates(envelope, &version, &expires, error);

    *same = false;
    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&wanted, SIGNED_SIZE_MAX);
    pti_buf_init(&text, SIGNED_SIZE_MAX);
    pti_buf_init(&found, SIGNED_SIZE_MAX);
    draft->write(draft->fields, version, expires, &text);
    status = pti_buf_check(&text, error, "metadata");
    if (status == PINTLE_OK)
        status = pti_draft_canonical(pti_buf_bytes(&text), false, &wanted, error);
    if (status == PINTLE_OK)
        status = pti_draft_canonical(envelope, true, &found, error);
    if (status == PINTLE_OK)
        *same = pti_bytes_equal(pti_buf_bytes(&wanted), pti_buf_bytes(&found));
    pti_buf_clear(&found);
    pti_buf_clear(&text);
    pti_buf_clear(&wanted);
    return status;
}

static enum pintle_status make(const struct pti_draft *draft, struct pti_error *error)
{
    struct pti_buf text, envelope;
    enum pintle_status status;

    pti_buf_init(&text, SIGNED_SIZE_MAX);
    pti_buf_init(&envelope, SIGNED_SIZE_MAX);
    draft->write(draft->fields, draft->published_version + 1, draft->now + draft->days * DAY_S, &text);
    status = pti_buf_check(&text, error, "metadata");
    if (status == PINTLE_OK)
        status = pti_envelope_write(pti_buf_bytes(&text), &envelope, error);
    if (status == PINTLE_OK)
        status = pti_draft_keep(draft->slot, pti_buf_bytes(&envelope), error);
    pti_buf_clear(&envelope);
    pti_buf_clear(&text);
    return status;
}

enum pintle_status pti_draft_update(const struct pti_draft *draft, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    int64_t version = 0, expires = 0;
    bool same = false;

    if (draft->slot->size > 0) {
        status = pti_envelope_dates(*draft->slot, &version, &expires, error);
        if (status == PINTLE_ERR_MEMORY)
            return status; /* it may carry signatures */
        if (status == PINTLE_OK && version == draft->published_version + 1 && expires > draft->now) {
            status = pti_draft_says_same(draft, *draft->slot, &same, error);
            if (status != PINTLE_OK || same)
                return status;
        }
    }
    if (draft->published.size > 0 && !draft->resign) {
        status = pti_draft_says_same(draft, draft->published, &same, error);
        if (status != PINTLE_OK)
            return status;
        if (same) {
            pti_bytes_free(draft->slot);
            return PINTLE_OK;
        }
    }
    return make(draft, error);
}
