/* SPDX-License-Identifier: Apache-2.0 */
#include "client/notes.h"

enum pintle_status pti_notes_load(struct pintle_client *client, const char *name, struct pti_buf *content,
                                  struct pti_error *error)
{
    const struct pintle_store *store = &client->config->store;
    struct pintle_sink sink = pti_buf_sink(content);
    char detail[PTI_ERROR_DETAIL_MAX] = "";
    bool found = false;
    enum pintle_status status = store->load(store->ctx, name, &sink, &found, detail, sizeof detail);

    if (content->status != PINTLE_OK) /* whatever the store makes of a sink that refused */
        return pti_buf_check(content, error, name);
    return status == PINTLE_OK ? status
                               : pti_fail(error, PINTLE_ERR_STORAGE, "store: cannot read %s: %s", name, detail);
}

enum pintle_status pti_notes_save(struct pintle_client *client, const char *name, const struct pti_buf *content,
                                  struct pti_error *error)
{
    const struct pintle_store *store = &client->config->store;
    char detail[PTI_ERROR_DETAIL_MAX] = "";

    if (content->status != PINTLE_OK)
        return pti_buf_check(content, error, name);
    if (store->save(store->ctx, name, pti_buf_bytes(content), detail, sizeof detail) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_STORAGE, "store: cannot write %s: %s", name, detail);
    return PINTLE_OK;
}
