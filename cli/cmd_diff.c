/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle diff` */
#include <stdlib.h>

#include "base/array.h"
#include "cli/commands.h"
#include "cli/drafts.h"

static const struct pti_column change_columns[] = {
    {"text", "change", PTI_SHOWN_BOTH},    {"kind", NULL, PTI_SHOWN_JSON},
    {"effect", "clients", PTI_SHOWN_BOTH}, {"role", "to be signed by", PTI_SHOWN_BOTH},
    {"host", NULL, PTI_SHOWN_JSON},        {"permanent", NULL, PTI_SHOWN_JSON},
    {"sha256", NULL, PTI_SHOWN_JSON},      {"of", NULL, PTI_SHOWN_JSON},
    {"at", NULL, PTI_SHOWN_JSON},          {"key_role", NULL, PTI_SHOWN_JSON},
    {"keyid", NULL, PTI_SHOWN_JSON},       {"old_keyid", NULL, PTI_SHOWN_JSON},
};

/* Text says it on standard error, beside the changes. */
static const struct pti_column publishable_columns[] = {
    {"publishable", NULL, PTI_SHOWN_JSON},
    {"why", NULL, PTI_SHOWN_JSON},
};

static bool is_about_a_pin(enum pti_change_kind kind)
{
    return kind == PTI_CHANGE_PIN_ADDED || kind == PTI_CHANGE_PIN_REMOVED || kind == PTI_CHANGE_DENIAL_ADDED ||
           kind == PTI_CHANGE_DENIAL_REMOVED;
}

static void put_change(struct pti_printout *printout, const struct pti_change *change)
{
    pti_printout_row(printout);
    pti_printout_text(printout, "text", change->text);
    pti_printout_text(printout, "effect", *change->effect ? change->effect : NULL);
    pti_printout_text(printout, "kind", pti_change_kind_name(change->kind));
    pti_printout_text(printout, "role", change->role);
    pti_printout_text(printout, "host", *change->host ? change->host : NULL);
    pti_printout_bool(printout, "permanent", change->permanent);
    if (*change->key_role) {
        pti_printout_text(printout, "key_role", change->key_role);
        pti_printout_text(printout, "keyid", *change->keyid ? change->keyid : NULL);
        pti_printout_text(printout, "old_keyid", *change->old_keyid ? change->old_keyid : NULL);
    }
    if (is_about_a_pin(change->kind)) {
        pti_printout_sha256(printout, "sha256", change->pin.sha256);
        pti_printout_text(printout, "of", pti_of_name(change->pin.of));
        pti_printout_text(printout, "at", pti_at_name(change->pin.at));
    }
}

static const struct pti_column base_columns[] = {
    {"repository", "repository", PTI_SHOWN_BOTH},   {"root_version", "root", PTI_SHOWN_BOTH},
    {"charter_version", "charter", PTI_SHOWN_BOTH}, {"timestamp_version", "timestamp", PTI_SHOWN_BOTH},
    {"issued", "issued", PTI_SHOWN_BOTH},           {"expires", "expires", PTI_SHOWN_BOTH},
};

/* How old what the changes are told against is: somebody may be shown an old copy. */
static enum pintle_status put_base(struct pti_printout *printout, struct pti_cli *cli,
                                   const struct pti_session *session)
{
    const struct pti_published *published = &session->repository->published;
    struct pti_tuf_metadata *timestamp = NULL;
    struct pti_charter charter;
    enum pintle_status status = pti_charter_parse(published->charter, &charter, &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_tuf_metadata_parse(published->timestamp, PTI_TUF_TIMESTAMP, session->crypto, &timestamp, &cli->error);
    if (status == PINTLE_OK) {
        pti_printout_record(printout, "compared with what is published:", base_columns, PTI_COUNT(base_columns));
        pti_printout_text(printout, "repository", published->repository);
        pti_printout_integer(printout, "root_version", (int64_t)published->root_count);
        pti_printout_integer(printout, "charter_version", charter.version);
        pti_printout_integer(printout, "timestamp_version", timestamp->version);
        pti_printout_time(printout, "issued", timestamp->issued);
        pti_printout_time(printout, "expires", timestamp->expires);
    }
    if (status == PINTLE_OK && timestamp->expires <= session->now) {
        fprintf(cli->err, "what this is compared with has expired by this machine's clock: it may be an old copy\n");
    }
    pti_tuf_metadata_free(timestamp);
    pti_charter_clear(&charter);
    return status;
}

static const struct pti_column warning_columns[] = {{"warning", "warning", PTI_SHOWN_BOTH}};

static void put_warning(void *ctx, const char *line)
{
    struct pti_printout *printout = ctx;

    pti_printout_row(printout);
    pti_printout_text(printout, "warning", line);
}

static enum pintle_status put_changes(struct pti_printout *printout, struct pti_cli *cli,
                                      const struct pti_session *session)
{
    const struct pti_stage *stage = &session->repository->stage;
    struct pti_change *changes = NULL;
    size_t count = 0;
    enum pintle_status status = pti_stage_diff(stage, &changes, &count, &cli->error);

    pti_printout_list(printout, PTI_LAYOUT_BLOCKS, "changes", "changes:", "nothing is staged", change_columns,
                      PTI_COUNT(change_columns));
    for (size_t i = 0; status == PINTLE_OK && i < count; i++) {
        put_change(printout, &changes[i]);
    }
    pti_printout_list(printout, PTI_LAYOUT_LINES, "warnings", "mind:", NULL, warning_columns,
                      PTI_COUNT(warning_columns));
    if (status == PINTLE_OK) {
        status = pti_stage_warnings(stage, changes, count, put_warning, printout, &cli->error);
    }
    free(changes);
    return status;
}

static enum pintle_status fill(struct pti_cli *cli, const struct pti_session *session, struct pti_printout *printout)
{
    enum pintle_status status = put_changes(printout, cli, session);

    if (status == PINTLE_OK) {
        status = pti_drafts_put(printout, cli, session, "to be signed:", true, NULL);
    }
    if (status == PINTLE_OK && (pti_cli_flag(cli, "json") || pti_stage_has_drafts(&session->repository->stage))) {
        status = put_base(printout, cli, session);
    }
    return status;
}

static enum pintle_status show(struct pti_cli *cli, const struct pti_session *session, struct pti_printout *printout)
{
    struct pti_error why = {.status = PINTLE_OK};
    const bool publishable = pti_stage_check(&session->repository->stage, &why) == PINTLE_OK;
    enum pintle_status status = fill(cli, session, printout);

    if (status == PINTLE_OK && pti_cli_flag(cli, "json")) {
        pti_printout_record(printout, NULL, publishable_columns, PTI_COUNT(publishable_columns));
        pti_printout_bool(printout, "publishable", publishable);
        pti_printout_text(printout, "why", publishable ? NULL : why.detail);
    }
    if (status == PINTLE_OK) {
        status = pti_printout_print(printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    if (status == PINTLE_OK && !publishable) {
        fprintf(cli->err, "not publishable yet: %s\n", why.detail);
    }
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_session session;
    struct pti_printout printout;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_READ);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_init(&printout);
    status = pti_session_check_base(&session, cli);
    if (status == PINTLE_OK && session.stage_file && !pti_cli_text(cli, "roots")) {
        status = pti_session_say_anchor(&session, cli);
    }
    if (status == PINTLE_OK) {
        status = pti_session_load_names(&session, cli);
    }
    if (status == PINTLE_OK) {
        status = show(cli, &session, &printout);
    }
    pti_printout_clear(&printout);
    pti_session_close(&session);
    return status;
}

static const struct pti_option options[] = {PTI_OPTION_REPO, PTI_OPTION_STAGE, PTI_OPTION_ROOTS, PTI_OPTION_JSON,
                                            PTI_OPTION_END};

const struct pti_command pti_command_diff = {
    .name = "diff",
    .summary = "Say in words what publishing would change: read it before you sign",
    .operands = "",
    .details =
        "What is published is verified first: else somebody could hide a change by showing it as published.\n"
        "With --roots it must also be the repository that your copy of app/roots is from. With --stage it reads\n"
        "a file that `pintle stage export` made.",
    .example = "  pintle diff --repo pins\n"
               "  pintle diff --stage /media/usb/for-bob --roots roots",
    .options = options,
    .run = run,
};
