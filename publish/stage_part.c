/* SPDX-License-Identifier: Apache-2.0 */
/* Some drafts of a stage as a stage of its own, so that no team waits for another.  The contract is in publish/stage.h. */
#include <stdio.h>
#include <string.h>

#include "publish/draft.h"
#include "publish/output.h"
#include "publish/stage_internal.h"

#define PART_PATH_MAX 128

/* The files of the whole stage, and whose of them are let through. */
struct part {
    const struct pti_output *files;
    const char *const *roles;
    size_t count;
};

static bool belongs(const char *path, const char *role)
{
    char draft[PART_PATH_MAX], content[PART_PATH_MAX];

    (void)snprintf(draft, sizeof(draft), "metadata/%s.json", role);
    (void)snprintf(content, sizeof(content), "zones/%s.json", role);
    return strcmp(path, draft) == 0 || strcmp(path, content) == 0 ||
           (strcmp(role, "targets") == 0 && strcmp(path, "charter.json") == 0);
}

static enum pintle_status read_part(void *ctx, const char *path, size_t max, struct pintle_bytes *data, bool *found,
                                    struct pti_error *error)
{
    const struct part *part = ctx;
    const struct pti_output_file *file = pti_output_find(part->files, path);
    bool chosen = false;

    for (size_t i = 0; i < part->count; i++)
        chosen = chosen || belongs(path, part->roles[i]);
    *found = chosen && file != NULL;
    if (!*found)
        return PINTLE_OK;
    if (file->bytes.size > max)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected at most %zu bytes, found %zu", path, max,
                        file->bytes.size);
    return pti_bytes_copy(file->bytes, data) == PINTLE_OK
               ? PINTLE_OK
               : pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %s", path);
}

/* The draft of a role; NULL if there is no such role. */
static struct pintle_bytes *draft_of(struct pti_stage *stage, const char *role)
{
    struct pti_stage_zone *zone;

    if (strcmp(role, "root") == 0)
        return &stage->root;
    if (strcmp(role, "targets") == 0)
        return &stage->targets;
    zone = pti_stage_zone(stage, role);
    return zone != NULL ? &zone->draft : NULL;
}

static enum pintle_status check_role(struct pti_stage *stage, const char *role, struct pti_error *error)
{
    const struct pintle_bytes *draft = draft_of(stage, role);

    if (draft == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected root, targets or a zone, found \"%.63s\"; `pintle status` shows the roles", role);
    if (draft->size == 0)
        return pti_fail(error, PINTLE_ERR_INPUT, "%s: expected a draft, found none; `pintle diff` shows what is staged",
                        role);
    return PINTLE_OK;
}

enum pintle_status pti_stage_part(struct pti_stage *stage, const char *const *roles, size_t count, int64_t now,
                                  struct pti_stage *part, struct pti_error *error)
{
    struct pti_output files = {NULL, 0};
    struct part wanted = {&files, roles, count};
    const struct pti_file_source source = {read_part, &wanted};
    enum pintle_status status = PINTLE_OK;

    memset(part, 0, sizeof(*part));
    for (size_t i = 0; i < count && status == PINTLE_OK; i++)
        status = check_role(stage, roles[i], error);
    if (status == PINTLE_OK)
        status = pti_stage_write(stage, &files, error);
    if (status == PINTLE_OK)
        status = pti_stage_init(part, stage->base, &stage->days, stage->crypto, error);
    if (status == PINTLE_OK)
        status = pti_stage_load(part, &source, now, error);
    pti_output_clear(&files);
    if (status != PINTLE_OK)
        pti_stage_clear(part);
    return status;
}

enum pintle_status pti_stage_part_return(struct pti_stage *part, const char *const *roles, size_t count,
                                         struct pti_stage *stage, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        const struct pintle_bytes *from = draft_of(part, roles[i]);
        struct pintle_bytes *to = draft_of(stage, roles[i]);

        if (from != NULL && to != NULL && from->size > 0)
            status = pti_draft_keep(to, *from, error);
    }
    return status;
}
