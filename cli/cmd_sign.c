/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle sign` */
#include "base/array.h"
#include "cli/commands.h"
#include "cli/drafts.h"

static const struct pti_column signed_columns[] = {
    {"text", "signed", PTI_SHOWN_BOTH},
    {"key", NULL, PTI_SHOWN_JSON},
    {"drafts", NULL, PTI_SHOWN_JSON},
};

static void put_signed(struct pti_printout *printout, const char *path, const struct pti_signed_roles *roles)
{
    char text[sizeof roles->names + 16] = "nothing: it may sign no draft";
    size_t length = 0;

    for (size_t i = 0; i < roles->count; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i ? ", " : "", roles->names[i]);
    }
    pti_printout_row(printout);
    pti_printout_format(printout, "text", "%s signed %s", path, text);
    pti_printout_text(printout, "key", path);
    pti_printout_integer(printout, "drafts", (int64_t)roles->count);
}

static enum pintle_status sign_with(struct pti_cli *cli, struct pti_stage *stage, const char *path,
                                    struct pti_printout *printout, size_t *made)
{
    struct pti_signing_key *key = NULL;
    struct pti_signed_roles roles = {.count = 0};
    enum pintle_status status = pti_session_load_key(cli, path, &key);

    if (status == PINTLE_OK) {
        status = pti_stage_sign(stage, key, &roles, &cli->error);
    }
    if (status == PINTLE_OK) {
        *made += roles.count;
        put_signed(printout, path, &roles);
    }
    pti_signing_key_free(key);
    return status;
}

/* Nothing is signed in what does not verify, or cannot be published. */
static enum pintle_status check(struct pti_cli *cli, struct pti_session *session, const struct pti_stage *stage)
{
    enum pintle_status status = pti_session_check_base(session, cli);

    if (status == PINTLE_OK && !pti_stage_has_drafts(stage)) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "expected a staged change to sign, found none; change something first, see `pintle diff`");
    }
    if (status == PINTLE_OK) {
        status = pti_stage_check(stage, &cli->error);
    }
    return status == PINTLE_OK && !pti_cli_text(cli, "roots") ? pti_session_say_anchor(session, cli) : status;
}

static enum pintle_status sign_all(struct pti_cli *cli, struct pti_stage *stage, struct pti_printout *printout)
{
    size_t made = 0;
    enum pintle_status status = PINTLE_OK;

    pti_printout_list(printout, pti_cli_flag(cli, "json") ? PTI_LAYOUT_COLUMNS : PTI_LAYOUT_LINES, "signed", NULL, NULL,
                      signed_columns, PTI_COUNT(signed_columns));
    for (size_t i = 0; i < pti_cli_count(cli, "key") && status == PINTLE_OK; i++) {
        status = sign_with(cli, stage, pti_cli_nth(cli, "key", i), printout, &made);
    }
    if (status == PINTLE_OK && made == 0) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "expected a key that may sign a draft, found %.200s%s; `pintle status` says which roles need "
                          "signatures, `pintle key show` what a key may sign",
                          pti_cli_text(cli, "key"), pti_cli_count(cli, "key") > 1 ? " and others that may not" : "");
    }
    return status;
}

/* Checks and signs the stage, or of --only the drafts of some roles as if nothing else were staged. */
static enum pintle_status sign_stage(struct pti_cli *cli, struct pti_session *session, struct pti_printout *printout)
{
    const char *only[PTI_CLI_GIVEN_MAX];
    size_t count = pti_session_only(cli, only);
    struct pti_stage *stage = &session->repository->stage, part = {0};
    enum pintle_status status = PINTLE_OK;

    if (count > 0) {
        status = pti_stage_part(stage, only, count, session->now, &part, &cli->error);
        stage = &part;
    }
    if (status == PINTLE_OK) {
        status = check(cli, session, stage);
        if (status != PINTLE_OK) {
            pti_session_mention_only(session, cli);
        }
    }
    if (status == PINTLE_OK) {
        status = sign_all(cli, stage, printout);
    }
    if (status == PINTLE_OK && count > 0) {
        status = pti_stage_part_return(&part, only, count, &session->repository->stage, &cli->error);
    }
    pti_stage_clear(&part);
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_session session;
    struct pti_printout printout;
    enum pintle_status status = PINTLE_OK;

    if (pti_cli_count(cli, "key") == 0) {
        return pti_cli_usage(cli, "expected --key KEY, found none");
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_init(&printout);
    status = pti_session_load_names(&session, cli);
    if (status == PINTLE_OK) {
        status = sign_stage(cli, &session, &printout);
    }
    if (status == PINTLE_OK) {
        status = pti_session_save_signed(&session, cli);
    }
    if (status == PINTLE_OK) {
        status = pti_drafts_print(&session, cli, &printout);
    }
    pti_printout_clear(&printout);
    pti_session_close(&session);
    return status;
}

static const struct pti_option options[] = {
    PTI_OPTION_REPO,
    PTI_OPTION_STAGE,
    {"key", "KEY", "the key to sign with: a key file, a signer file or \"pkcs11:...\"; repeat it for several", true},
    PTI_OPTION_ONLY("sign"),
    PTI_OPTION_ROOTS,
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_sign = {
    .name = "sign",
    .summary = "Add signatures to every draft that the keys may sign",
    .operands = "--key KEY",
    .details = "Look at `pintle diff` first: a signature says that you want all of it. It counts wherever your key\n"
               "is listed: keep a copy of app/roots from the day the keys were made, and give it to both with\n"
               "--roots, so that a repository which somebody made up to show you is refused. With --stage the\n"
               "signatures go into that file; `pintle stage import` takes them. Each is verified before it is kept.\n"
               "While another team's edit is half done, sign yours alone: `--only ZONE`.",
    .example = "  pintle sign --key /media/alice/targets-1.pem --roots /media/alice/roots --repo pins\n"
               "  pintle sign --key targets-2.pem --roots roots --stage /media/usb/for-bob",
    .options = options,
    .run = run,
};
