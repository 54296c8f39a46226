/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle status` */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cli/commands.h"
#include "cli/drafts.h"
#include "publish/root_history.h"

#define SECONDS_A_DAY 86400

static const struct pti_column repository_columns[] = {
    {"repository", "repository", PTI_SHOWN_BOTH},
    {"directory", "directory", PTI_SHOWN_BOTH},
    {"root_version", "root", PTI_SHOWN_BOTH},
    {"charter_version", "charter", PTI_SHOWN_BOTH},
    {"refresh_seconds", "clients poll", PTI_SHOWN_JSON},
    {"refresh_text", "clients poll", PTI_SHOWN_TEXT},
    {"staged_changes", "staged", PTI_SHOWN_JSON},
    {"staged_text", "staged", PTI_SHOWN_TEXT},
};

static const struct pti_column role_columns[] = {
    {"role", "role", PTI_SHOWN_BOTH},
    {"version", "version", PTI_SHOWN_BOTH},
    {"expires", "expires", PTI_SHOWN_BOTH},
    {"days_left", "days left", PTI_SHOWN_BOTH},
    {"expiry", NULL, PTI_SHOWN_JSON},
    {"threshold", NULL, PTI_SHOWN_JSON},
    {"keys", NULL, PTI_SHOWN_JSON},
    {"signers", "signed by", PTI_SHOWN_TEXT},
    {"draft_version", "draft", PTI_SHOWN_BOTH},
    {"signatures", NULL, PTI_SHOWN_JSON},
    {"signatures_missing", "signatures missing", PTI_SHOWN_BOTH},
    {"old_threshold", NULL, PTI_SHOWN_JSON},
    {"old_signatures", NULL, PTI_SHOWN_JSON},
};

static const struct pti_column url_columns[] = {{"url", "url", PTI_SHOWN_BOTH}};
static const struct pti_column notice_columns[] = {{"notice", "notice", PTI_SHOWN_BOTH}};

/* How long a role lives and who gives it more time. */
static int64_t lifetime_days(const char *role, const struct pti_expiry_days *days)
{
    return strcmp(role, "timestamp") == 0  ? days->timestamp
           : strcmp(role, "snapshot") == 0 ? days->snapshot
           : strcmp(role, "targets") == 0  ? days->targets
           : strcmp(role, "root") == 0     ? days->root
                                           : days->zone;
}

/* "ok"; "soon" in the last third of a lifetime; "expired". */
static const char *expiry_of(const struct pti_role_state *role, const struct pti_expiry_days *days, int64_t now)
{
    int64_t left = role->expires - now;

    return left <= 0 ? "expired" : left < lifetime_days(role->name, days) * SECONDS_A_DAY / 3 ? "soon" : "ok";
}

static void put_role(struct pti_printout *printout, const struct pti_role_state *role,
                     const struct pti_expiry_days *days, int64_t now)
{
    pti_printout_row(printout);
    pti_printout_text(printout, "role", role->name);
    pti_printout_integer(printout, "threshold", role->threshold);
    pti_printout_integer(printout, "keys", (int64_t)role->keys.key_count);
    pti_printout_format(printout, "signers", "%" PRId64 " of %zu", role->threshold, role->keys.key_count);
    if (role->version > 0) {
        pti_printout_integer(printout, "version", role->version);
        pti_printout_time(printout, "expires", role->expires);
        pti_printout_integer(printout, "days_left", (role->expires - now) / SECONDS_A_DAY);
        pti_printout_text(printout, "expiry", expiry_of(role, days, now));
    }
    if (role->draft_version > 0) {
        pti_printout_integer(printout, "draft_version", role->draft_version);
        pti_printout_integer(printout, "signatures", role->signatures);
        pti_printout_integer(printout, "signatures_missing", pti_role_state_missing(role));
    }
    if (role->old_keys.key_count > 0) {
        pti_printout_integer(printout, "old_threshold", role->old_keys.threshold);
        pti_printout_integer(printout, "old_signatures", role->old_signatures);
    }
}

static void describe_renewal(const struct pti_role_state *role, char *out, size_t size)
{
    if (role->draft_version > 0) {
        pti_copy_text(out, size, "sign and publish the draft, which has a later expiry");
    } else if (strcmp(role->name, "timestamp") == 0 || strcmp(role->name, "snapshot") == 0) {
        pti_copy_text(out, size, "`pintle resign` renews it, and pintled does so by itself");
    } else if (strcmp(role->name, "targets") == 0) {
        pti_copy_text(out, size, "`pintle charter renew`, then sign and publish");
    } else if (strcmp(role->name, "root") == 0) {
        pti_copy_text(out, size, "`pintle root renew`, then sign and publish");
    } else {
        snprintf(out, size, "`pintle zone renew %s`, then sign and publish", role->name);
    }
}

static void put_expiry_notice(struct pti_printout *printout, const struct pti_role_state *role,
                              const struct pti_expiry_days *days, int64_t now)
{
    const char *expiry = expiry_of(role, days, now);
    char renewal[160];

    describe_renewal(role, renewal, sizeof renewal);
    if (role->version == 0 || strcmp(expiry, "ok") == 0) {
        return;
    }
    pti_printout_row(printout);
    if (strcmp(expiry, "expired") == 0) {
        pti_printout_format(printout, "notice", "%s has expired: %s", role->name, renewal);
    } else {
        pti_printout_format(printout, "notice", "%s expires in %" PRId64 " days: %s", role->name,
                            (role->expires - now) / SECONDS_A_DAY, renewal);
    }
}

static void put_notice(struct pti_printout *printout, const struct pti_role_state *role,
                       const struct pti_session *session)
{
    char signatures[128], waiting[PTI_WAITING_MAX];

    put_expiry_notice(printout, role, &session->repository->settings.days, session->now);
    if (pti_role_state_missing(role) > 0) {
        pti_role_state_describe(role, signatures, sizeof signatures);
        pti_printout_row(printout);
        pti_drafts_waiting(role, &session->names, waiting, sizeof waiting);
        pti_printout_format(printout, "notice",
                            "%s: %s, %s; `pintle publish` signs with keys/, `pintle sign --key FILE` with others",
                            role->name, signatures, waiting);
    } else if (role->draft_version > 0) {
        pti_printout_row(printout);
        pti_printout_format(printout, "notice", "%s: a draft is signed but not published; `pintle publish`",
                            role->name);
    }
}

/* What somebody has to do something about. */
static void put_notices(struct pti_printout *printout, const struct pti_role_state *roles, size_t count,
                        const struct pti_session *session)
{
    pti_printout_list(printout, PTI_LAYOUT_LINES, "notices", "to do:", NULL, notice_columns, PTI_COUNT(notice_columns));
    for (size_t i = 0; i < count; i++) {
        put_notice(printout, &roles[i], session);
    }
}

/* A publication that ended between a root and its timestamp: clients see the state before until somebody goes on. */
static enum pintle_status put_interruption(struct pti_cli *cli, struct pti_printout *printout,
                                           const struct pti_repository *repository)
{
    size_t version = 0;
    enum pintle_status status = pti_root_history_accepting(&repository->published, repository->crypto, &version,
                                                           &cli->error);

    if (status == PINTLE_OK && version < repository->published.root_count) {
        pti_printout_row(printout);
        pti_printout_format(printout, "notice",
                            "root %zu is out, but the manifest is not signed for it: a publication was interrupted; "
                            "`pintle publish` completes it",
                            repository->published.root_count);
    }
    return status;
}

static void put_repository(struct pti_printout *printout, const struct pti_repository *repository, size_t changes)
{
    const struct pti_charter *charter = &repository->stage.charter;

    pti_printout_record(printout, NULL, repository_columns, PTI_COUNT(repository_columns));
    pti_printout_text(printout, "repository", repository->settings.name);
    pti_printout_text(printout, "directory", *repository->directory ? repository->directory : NULL);
    pti_printout_integer(printout, "root_version", (int64_t)repository->published.root_count);
    pti_printout_integer(printout, "charter_version", charter->version);
    pti_printout_integer(printout, "refresh_seconds", charter->refresh_default_s);
    pti_printout_format(printout, "refresh_text", "every %" PRId64 " seconds", charter->refresh_default_s);
    pti_printout_integer(printout, "staged_changes", (int64_t)changes);
    pti_printout_format(printout, "staged_text",
                        changes == 1 ? "%zu change; see `pintle diff`"
                        : changes    ? "%zu changes; see `pintle diff`"
                                     : "nothing",
                        changes);
    pti_printout_list(printout, PTI_LAYOUT_LINES, "reports_to", "reports go to:", NULL, url_columns,
                      PTI_COUNT(url_columns));
    for (size_t i = 0; i < charter->report_url_count; i++) {
        pti_printout_row(printout);
        pti_printout_text(printout, "url", charter->report_urls[i]);
    }
}

static enum pintle_status fill_status(struct pti_cli *cli, const struct pti_session *session,
                                      struct pti_printout *printout)
{
    const struct pti_repository *repository = session->repository;
    struct pti_role_state *roles = NULL;
    struct pti_change *changes = NULL;
    size_t role_count = 0, change_count = 0;
    enum pintle_status status = pti_stage_roles(&repository->stage, &roles, &role_count, &cli->error);

    if (status == PINTLE_OK) {
        status = pti_stage_diff(&repository->stage, &changes, &change_count, &cli->error);
    }
    if (status == PINTLE_OK) {
        put_repository(printout, repository, change_count);
        pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "roles", "roles:", NULL, role_columns, PTI_COUNT(role_columns));
        for (size_t i = 0; i < role_count; i++) {
            put_role(printout, &roles[i], &repository->settings.days, session->now);
        }
        put_notices(printout, roles, role_count, session);
        status = put_interruption(cli, printout, repository);
    }
    if (status == PINTLE_OK && pti_cli_flag(cli, "json")) {
        pti_drafts_put_waiting(printout, roles, role_count, &session->names);
    }
    pti_role_states_free(roles, role_count);
    free(changes);
    return status;
}

/* For monitoring: one line with all roles that somebody has to renew, those that have expired first. */
static enum pintle_status check_expiry(struct pti_cli *cli, const struct pti_session *session)
{
    const struct pti_expiry_days *days = &session->repository->settings.days;
    static const char *const kinds[] = {"expired", "soon"};
    struct pti_role_state *roles = NULL;
    char line[PTI_ERROR_DETAIL_MAX] = "";
    size_t count = 0, expired = 0, listed = 0;
    enum pintle_status status = pti_stage_roles(&session->repository->stage, &roles, &count, &cli->error);

    for (size_t k = 0; status == PINTLE_OK && k < 2; k++) {
        for (size_t i = 0; i < count; i++) {
            const size_t length = strlen(line);

            if (roles[i].version > 0 && strcmp(expiry_of(&roles[i], days, session->now), kinds[k]) == 0) {
                expired += k == 0;
                snprintf(line + length, sizeof line - length, "%s%s %s", listed++ ? ", " : "", roles[i].name,
                         k == 0 ? "has expired" : "expires soon");
            }
        }
    }
    pti_role_states_free(roles, count);
    if (status != PINTLE_OK || listed == 0) {
        return status;
    }
    return expired > 0 ? pti_fail(&cli->error, PINTLE_ERR_TRUST, "%s", line) : pti_cli_other(cli, "%s", line);
}

static enum pintle_status run_status(struct pti_cli *cli)
{
    return pti_session_report(cli, fill_status, pti_cli_flag(cli, "check") ? check_expiry : NULL);
}

static const struct pti_option options_of_status[] = {
    PTI_OPTION_REPO,
    PTI_OPTION_STAGE,
    {"check", NULL, "exit with 66 if a role has expired, with 1 if one is in the last third of its life", false},
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_status = {
    .name = "status",
    .summary = "Versions, expiry, staged changes and missing signatures of a repository",
    .operands = "",
    .details = "A role is signed by M of N keys. Days left are whole days; below zero a client calls it stale or\n"
               "rejects it. For monitoring: --check.",
    .example = "  pintle status --repo pins\n"
               "  pintle status --check --repo pins",
    .options = options_of_status,
    .run = run_status,
};
