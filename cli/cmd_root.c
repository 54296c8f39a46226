/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle root list` */
#include <string.h>

#include "base/array.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"

static const struct pti_column root_columns[] = {
    {"root_version", "root", PTI_SHOWN_BOTH},
    {"expires", "expires", PTI_SHOWN_BOTH},
    {"draft_version", "staged", PTI_SHOWN_BOTH},
};

static const struct pti_column role_columns[] = {
    {"role", "role", PTI_SHOWN_BOTH},
    {"threshold", "must sign", PTI_SHOWN_BOTH},
    {"keys", "keys", PTI_SHOWN_BOTH},
    {"staged_threshold", "must sign, staged", PTI_SHOWN_BOTH},
    {"staged_keys", "keys, staged", PTI_SHOWN_BOTH},
};

static const struct pti_column key_columns[] = {
    {"role", "role", PTI_SHOWN_BOTH},       {"keyid", NULL, PTI_SHOWN_JSON},
    {"short_id", "key id", PTI_SHOWN_TEXT}, {"type", "type", PTI_SHOWN_BOTH},
    {"change", "staged", PTI_SHOWN_BOTH},   {"signed", "signed the draft", PTI_SHOWN_BOTH},
};

static const enum pti_tuf_type roles[] = {PTI_TUF_ROOT, PTI_TUF_TARGETS, PTI_TUF_SNAPSHOT, PTI_TUF_TIMESTAMP};

static void put_role(struct pti_printout *printout, enum pti_tuf_type role, const struct pti_role_keys *before,
                     const struct pti_role_keys *after)
{
    pti_printout_row(printout);
    pti_printout_text(printout, "role", pti_tuf_type_name(role));
    pti_printout_integer(printout, "threshold", before->threshold);
    pti_printout_integer(printout, "keys", (int64_t)before->key_count);
    if (!pti_role_keys_same(before, after)) {
        pti_printout_integer(printout, "staged_threshold", after->threshold);
        pti_printout_integer(printout, "staged_keys", (int64_t)after->key_count);
    }
}

static enum pintle_status put_key(struct pti_cli *cli, struct pti_printout *printout, const struct pti_stage *stage,
                                  const char *role, const struct pti_public_key *key, const char *change)
{
    enum pti_key_kind kind;
    bool has_signed = false;

    pti_printout_row(printout);
    pti_printout_text(printout, "role", role);
    pti_printout_text(printout, "keyid", key->id);
    pti_printout_format(printout, "short_id", "%.16s", key->id);
    pti_printout_text(printout, "type",
                      pti_public_key_kind(key, &kind, NULL) == PINTLE_OK ? pti_key_kind_name(kind) : "other");
    pti_printout_text(printout, "change", change);
    if (strcmp(role, "root") != 0 || stage->root.size == 0) {
        return PINTLE_OK;
    }
    if (pti_envelope_signed_by(stage->root, key, stage->crypto, &has_signed, &cli->error) != PINTLE_OK) {
        return cli->error.status;
    }
    pti_printout_bool(printout, "signed", has_signed);
    return PINTLE_OK;
}

/* Those that stay or go, then those that come. */
static enum pintle_status put_keys(struct pti_cli *cli, struct pti_printout *printout, const struct pti_stage *stage,
                                   const char *role, const struct pti_role_keys *before,
                                   const struct pti_role_keys *after)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < before->key_count && status == PINTLE_OK; i++) {
        bool stays = pti_role_keys_find(after, before->keys[i].id);

        status = put_key(cli, printout, stage, role, &before->keys[i], stays ? NULL : "removed");
    }
    for (size_t i = 0; i < after->key_count && status == PINTLE_OK; i++) {
        if (!pti_role_keys_find(before, after->keys[i].id)) {
            status = put_key(cli, printout, stage, role, &after->keys[i], "added");
        }
    }
    return status;
}

static enum pintle_status put_root(struct pti_cli *cli, struct pti_printout *printout, const struct pti_stage *stage)
{
    int64_t version = 0, expires = 0;
    enum pintle_status status = pti_envelope_dates(pti_published_root(stage->base), &version, &expires, &cli->error);

    pti_printout_record(printout, NULL, root_columns, PTI_COUNT(root_columns));
    pti_printout_integer(printout, "root_version", version);
    pti_printout_time(printout, "expires", expires);
    if (status == PINTLE_OK && stage->root.size > 0) {
        status = pti_envelope_dates(stage->root, &version, &expires, &cli->error);
        pti_printout_integer(printout, "draft_version", version);
    }
    return status;
}

static enum pintle_status fill(struct pti_cli *cli, const struct pti_session *session, struct pti_printout *printout)
{
    const struct pti_stage *stage = &session->repository->stage;
    struct pti_role_keys before[PTI_TUF_TYPES];
    enum pintle_status status = PINTLE_OK;

    memset(before, 0, sizeof before);
    for (size_t i = 0; i < PTI_COUNT(roles) && status == PINTLE_OK; i++) {
        status = pti_role_keys_from_root(pti_published_root(stage->base), pti_tuf_type_name(roles[i]),
                                         &before[roles[i]], &cli->error);
    }
    if (status == PINTLE_OK) {
        status = put_root(cli, printout, stage);
    }
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "roles", "roles:", NULL, role_columns, PTI_COUNT(role_columns));
    for (size_t i = 0; i < PTI_COUNT(roles) && status == PINTLE_OK; i++) {
        put_role(printout, roles[i], &before[roles[i]], &stage->root_keys[roles[i]]);
    }
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "keys", "keys:", NULL, key_columns, PTI_COUNT(key_columns));
    for (size_t i = 0; i < PTI_COUNT(roles) && status == PINTLE_OK; i++) {
        status = put_keys(cli, printout, stage, pti_tuf_type_name(roles[i]), &before[roles[i]],
                          &stage->root_keys[roles[i]]);
    }
    for (size_t i = 0; i < PTI_TUF_TYPES; i++) {
        pti_role_keys_clear(&before[i]);
    }
    return status;
}

static enum pintle_status run_list(struct pti_cli *cli)
{
    return pti_session_report(cli, fill, NULL);
}

static const struct pti_option options_of_list[] = {PTI_OPTION_REPO, PTI_OPTION_JSON, PTI_OPTION_END};

const struct pti_command pti_command_root_list = {
    .name = "root list",
    .summary = "List who may sign root, targets, snapshot and timestamp, and what is staged",
    .operands = "",
    .details = "Key ids are those of `pintle key show`; JSON has them in full.",
    .example = "  pintle root list --repo pins",
    .options = options_of_list,
    .run = run_list,
};
