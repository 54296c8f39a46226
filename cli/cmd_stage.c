/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle stage export`, `pintle stage import`, `pintle stage drop` */
#include <string.h>

#include "base/array.h"
#include "cli/commands.h"
#include "cli/drafts.h"
#include "publish/stage_file.h"
#include "publish/stage_merge.h"

/* ---- export ---- */

/* Who gets it can read it, or it is not written. */
static enum pintle_status read_back(struct pti_session *session, struct pintle_bytes file, struct pti_error *error)
{
    struct pti_repository *again = NULL;
    struct pti_key_names names;
    enum pintle_status status = pti_stage_file_read(file, session->now, session->crypto, &again, &names, error);

    pti_repository_close(again);
    pti_key_names_clear(&names);
    return status == PINTLE_OK ? status : pti_error_prefix(error, "the file would not be readable");
}

static enum pintle_status export_to(struct pti_session *session, struct pti_cli *cli, const char *path)
{
    struct pti_buf text;
    enum pintle_status status = pti_stage_file_write(session->repository, &session->names, &text, &cli->error);

    if (status == PINTLE_OK) {
        status = read_back(session, pti_buf_bytes(&text), &cli->error);
    }
    if (status == PINTLE_OK) {
        status = pti_file_replace(path, pti_buf_bytes(&text), 0644, &cli->error);
    }
    pti_buf_clear(&text);
    return status;
}

static const struct pti_column export_columns[] = {
    {"file", "wrote", PTI_SHOWN_BOTH},
    {"repository", "of repository", PTI_SHOWN_BOTH},
};

static enum pintle_status print_exported(struct pti_session *session, struct pti_cli *cli, const char *path)
{
    struct pti_printout printout;
    enum pintle_status status = PINTLE_OK;

    pti_printout_init(&printout);
    pti_printout_record(&printout, NULL, export_columns, PTI_COUNT(export_columns));
    pti_printout_text(&printout, "file", path);
    pti_printout_text(&printout, "repository", session->repository->settings.name);
    status = pti_drafts_put(&printout, cli, session, "", true, NULL);
    if (status == PINTLE_OK) {
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    pti_printout_clear(&printout);
    return status;
}

static enum pintle_status run_export(struct pti_cli *cli)
{
    const char *path = cli->operands[0];
    struct pti_session session;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_READ);

    if (status != PINTLE_OK) {
        return status;
    }
    if (!pti_stage_has_drafts(&session.repository->stage)) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "expected a staged change to export, found none; change something first");
    }
    if (status == PINTLE_OK && pti_file_exists(path)) {
        status = pti_fail(
            &cli->error, PINTLE_ERR_STORAGE,
            "expected a name that is free, found %.300s; it may hold signatures, so import it or remove it", path);
    }
    if (status == PINTLE_OK) {
        status = pti_session_load_names(&session, cli);
    }
    if (status == PINTLE_OK) {
        status = export_to(&session, cli, path);
    }
    if (status == PINTLE_OK) {
        status = print_exported(&session, cli, path);
    }
    pti_session_close(&session);
    return status;
}

/* ---- import ---- */

static const struct pti_column merge_columns[] = {
    {"text", "signature", PTI_SHOWN_BOTH}, {"outcome", NULL, PTI_SHOWN_JSON}, {"role", NULL, PTI_SHOWN_JSON},
    {"keyid", NULL, PTI_SHOWN_JSON},       {"name", NULL, PTI_SHOWN_JSON},
};

static void put_item(struct pti_printout *printout, const struct pti_merge_item *item,
                     const struct pti_key_names *names)
{
    static const char *const outcomes[] = {"taken", "known", "refused"};
    const char *name = pti_key_names_find(names, item->keyid);

    pti_printout_row(printout);
    if (item->outcome == PTI_MERGE_REFUSED) {
        pti_printout_format(printout, "text", "refused: %s", item->why);
    } else {
        pti_printout_format(printout, "text", "%s: signature of %s%s%.8s%s %s", item->role, name ? name : "key ",
                            name ? " (" : "", item->keyid, name ? ")" : "",
                            item->outcome == PTI_MERGE_TAKEN ? "taken" : "was there already");
    }
    pti_printout_text(printout, "outcome", outcomes[item->outcome]);
    pti_printout_text(printout, "role", item->role);
    pti_printout_text(printout, "keyid", *item->keyid ? item->keyid : NULL);
    pti_printout_text(printout, "name", name);
}

/* The first that was refused, and how many more. */
static enum pintle_status fail_refused(const struct pti_merge *merge, struct pti_error *error)
{
    const size_t refused = pti_merge_count(merge, PTI_MERGE_REFUSED);

    for (size_t i = 0; i < merge->count; i++) {
        if (merge->items[i].outcome == PTI_MERGE_REFUSED) {
            if (refused > 1) {
                return pti_fail(error, PINTLE_ERR_TRUST, "%s (and %zu more)", merge->items[i].why, refused - 1);
            }
            return pti_fail(error, PINTLE_ERR_TRUST, "%s", merge->items[i].why);
        }
    }
    return PINTLE_OK;
}

/* What fits is kept, even beside what is refused. */
static enum pintle_status keep(struct pti_session *session, struct pti_cli *cli, const struct pti_merge *merge)
{
    struct pti_printout printout;
    enum pintle_status status = PINTLE_OK;

    if (pti_merge_count(merge, PTI_MERGE_TAKEN) > 0) {
        status = pti_repository_save_stage(session->repository, &cli->error);
    } else if (pti_merge_count(merge, PTI_MERGE_REFUSED) > 0) {
        return fail_refused(merge, &cli->error);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_init(&printout);
    pti_printout_list(&printout, pti_cli_flag(cli, "json") ? PTI_LAYOUT_COLUMNS : PTI_LAYOUT_LINES, "merged", NULL,
                      NULL, merge_columns, PTI_COUNT(merge_columns));
    for (size_t i = 0; i < merge->count; i++) {
        put_item(&printout, &merge->items[i], &session->names);
    }
    status = pti_drafts_print(session, cli, &printout);
    pti_printout_clear(&printout);
    return status == PINTLE_OK ? fail_refused(merge, &cli->error) : status;
}

static enum pintle_status merge_from(struct pti_session *session, struct pti_cli *cli,
                                     const struct pti_repository *other)
{
    const char *name = session->repository->settings.name;
    struct pti_merge merge = {NULL, 0};
    enum pintle_status status = PINTLE_OK;

    if (strcmp(other->settings.name, name) != 0) {
        return pti_fail(&cli->error, PINTLE_ERR_TRUST,
                        "%.300s: expected a stage of repository \"%s\", found one of \"%s\"; name another with --repo",
                        cli->operands[0], name, other->settings.name);
    }
    status = pti_stage_merge(&session->repository->stage, &other->stage, &merge, &cli->error);
    if (status == PINTLE_OK && merge.count == 0) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "%.300s: expected signatures, found none; sign it with `pintle sign --stage`",
                          cli->operands[0]);
    }
    if (status == PINTLE_OK) {
        status = keep(session, cli, &merge);
    }
    pti_merge_clear(&merge);
    return status;
}

static enum pintle_status run_import(struct pti_cli *cli)
{
    struct pti_repository *other = NULL;
    struct pti_key_names names = {NULL, 0}; /* theirs; ours are shown */
    struct pti_session session;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_load_names(&session, cli);
    if (status == PINTLE_OK) {
        status = pti_session_read_stage(&session, cli, cli->operands[0], &other, &names);
    }
    if (status == PINTLE_OK) {
        status = merge_from(&session, cli, other);
    }
    pti_repository_close(other);
    pti_key_names_clear(&names);
    pti_session_close(&session);
    return status;
}

/* ---- drop ---- */

/* The stage itself is not read: a damaged one is what this is for, too. */
static enum pintle_status run_drop(struct pti_cli *cli)
{
    struct pti_session session;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_PUBLISHED);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_repository_drop_stage(session.repository, &cli->error);
    if (status == PINTLE_OK) {
        fputs("nothing is staged any more: charter, zones and keys are those that are published\n", cli->out);
    }
    pti_session_close(&session);
    return status;
}

static const struct pti_option options_of_export[] = {PTI_OPTION_REPO, PTI_OPTION_JSON, PTI_OPTION_END};
static const struct pti_option options_of_import[] = {PTI_OPTION_REPO, PTI_OPTION_JSON, PTI_OPTION_END};
static const struct pti_option options_of_drop[] = {PTI_OPTION_REPO, PTI_OPTION_END};

const struct pti_command pti_command_stage_export = {
    .name = "stage export",
    .summary = "Write what is staged to one file, for somebody who signs elsewhere",
    .operands = "FILE",
    .details = "The file holds the drafts, their signatures so far and what is published now, and no key. With it,\n"
               "their key and their copy of app/roots a person needs nothing else: `pintle diff --stage FILE` shows\n"
               "what will change, `pintle sign --stage FILE` signs it, `pintle stage import FILE` brings it home.",
    .example = "  pintle stage export for-bob --repo pins",
    .options = options_of_export,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_export,
};

const struct pti_command pti_command_stage_import = {
    .name = "stage import",
    .summary = "Take the signatures of a file that was exported and signed elsewhere",
    .operands = "FILE",
    .details = "Only signatures are taken, never content: each must verify over exactly what is staged here, by a key\n"
               "of the role. What fits is kept even if the rest is refused, which is told, with exit code 66. Files\n"
               "may come in any order, and twice.",
    .example = "  pintle stage import from-bob --repo pins",
    .options = options_of_import,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_import,
};

const struct pti_command pti_command_stage_drop = {
    .name = "stage drop",
    .summary = "Throw away what is staged, with the signatures on it",
    .operands = "",
    .details =
        "For a draft that nobody wants, or that is damaged. What is published stays as it is. Key files that an\n"
        "edit made stay in DIR/keys, where they sign nothing. Look at `pintle diff` first: there is no way back.",
    .example = "  pintle stage drop --repo pins",
    .options = options_of_drop,
    .run = run_drop,
};
