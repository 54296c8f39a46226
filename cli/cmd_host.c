/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle host add|release|list`: the charter, which hosts are pinned and how strictly */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cli/collector.h"
#include "cli/commands.h"
#include "cli/list_file.h"
#include "cli/output.h"
#include "cli/session.h"
#include "pin/host.h"

static enum pintle_status read_edit(struct pti_cli *cli, struct pti_host_edit *edit)
{
    const char *mode = pti_cli_text(cli, "mode");

    edit->zone = pti_cli_text(cli, "zone");
    edit->mode = PINTLE_MODE_NONE;
    if (mode && !pti_mode_parse(pti_bytes_text(mode), &edit->mode)) {
        return pti_cli_usage(cli, "--mode needs enforce or report, found \"%.40s\"", mode);
    }
    if (pti_cli_flag(cli, "subdomains") && pti_cli_flag(cli, "no-subdomains")) {
        return pti_cli_usage(cli, "--subdomains and --no-subdomains exclude each other; give one");
    }
    edit->subdomains = pti_cli_flag(cli, "subdomains");
    edit->set_subdomains = edit->subdomains || pti_cli_flag(cli, "no-subdomains");
    return PINTLE_OK;
}

static const struct pti_zone_host *in_zone(const struct pti_stage *stage, const struct pti_charter_host *host)
{
    const struct pti_stage_zone *zone = pti_stage_zone(stage, host->zone);

    return zone ? pti_zone_find(&zone->zone, host->host) : NULL;
}

static size_t pins_of(const struct pti_stage *stage, const struct pti_charter_host *host)
{
    const struct pti_zone_host *entry = in_zone(stage, host);

    return host->pins.count + (entry ? entry->pins.count : 0);
}

/* ---- many hosts at once ---- */

/* What is done with each host that is named, on the command line or in the file of --from; once for all of them. */
typedef enum pintle_status (*host_edit)(struct pti_cli *cli, struct pti_session *session, const char *host, void *ctx);

static enum pintle_status edit_host(struct pti_cli *cli, struct pti_session *session, const char *text, host_edit edit,
                                    void *ctx)
{
    struct pti_host host;
    enum pintle_status status = pti_host_parse(text, &host, &cli->error);

    return status == PINTLE_OK ? edit(cli, session, host.name, ctx) : status;
}

static enum pintle_status edit_listed(struct pti_cli *cli, struct pti_session *session, struct pti_list *list,
                                      host_edit edit, void *ctx, size_t *count)
{
    const char *host = NULL;
    bool more = true;
    enum pintle_status status = PINTLE_OK;

    while (status == PINTLE_OK) {
        status = pti_list_next(cli, list, "HOST alone", &host, 1, &more);
        if (status != PINTLE_OK || !more) {
            return status;
        }
        status = pti_list_blame(cli, list, edit_host(cli, session, host, edit, ctx));
        *count += 1;
    }
    return status;
}

static enum pintle_status edit_hosts(struct pti_cli *cli, struct pti_session *session, struct pti_list *list,
                                     host_edit edit, void *ctx, size_t *count)
{
    enum pintle_status status = PINTLE_OK;

    if (list->text) {
        return edit_listed(cli, session, list, edit, ctx, count);
    }
    for (*count = 0; status == PINTLE_OK && *count < cli->operand_count; *count += 1) {
        status = edit_host(cli, session, cli->operands[*count], edit, ctx);
    }
    return status;
}

/* Hosts are named on the command line or in a file; opens that before the repository. */
static enum pintle_status open_list(struct pti_cli *cli, struct pti_list *list)
{
    struct pti_host host;
    enum pintle_status status = PINTLE_OK;

    *list = (struct pti_list){0};
    if (pti_cli_text(cli, "from")) {
        return cli->operand_count == 0 ? pti_list_open(cli, list)
                                       : pti_cli_usage(cli, "--from FILE and HOST exclude each other; give one");
    }
    if (cli->operand_count == 0) {
        return pti_cli_usage(cli, "expected HOST or --from FILE, found nothing");
    }
    for (size_t i = 0; status == PINTLE_OK && i < cli->operand_count; i++) {
        status = pti_host_parse(cli->operands[i], &host, &cli->error);
    }
    return status;
}

/* ---- add ---- */

struct addition {
    struct pti_host_edit edit;
    bool quiet; /* of each single one */
    size_t unpinned;
};

static enum pintle_status add_host(struct pti_cli *cli, struct pti_session *session, const char *host, void *ctx)
{
    struct addition *addition = ctx;
    struct pti_stage *stage = &session->repository->stage;
    enum pintle_status status = pti_stage_host_add(stage, host, &addition->edit, &cli->error);
    const struct pti_charter_host *entry = status == PINTLE_OK ? pti_charter_find(&stage->charter, host) : NULL;
    bool unpinned = entry && entry->mode == PINTLE_MODE_ENFORCE && pins_of(stage, entry) == 0;

    if (!entry) {
        return status;
    }
    addition->unpinned += unpinned;
    if (addition->quiet) {
        return PINTLE_OK;
    }
    pti_session_say(session, "%s: zone %s, %s%s\n", host, entry->zone, pti_mode_name(entry->mode),
                    entry->subdomains ? ", with subdomains" : "");
    if (unpinned) {
        pti_session_say(session,
                        "an enforced host without pins is refused: `pintle pin add %s ...` before publishing\n", host);
    }
    return PINTLE_OK;
}

static enum pintle_status add_hosts(struct pti_cli *cli, struct pti_list *list, struct addition *addition)
{
    struct pti_session session;
    size_t count = 0;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);

    if (status != PINTLE_OK) {
        return status;
    }
    addition->quiet = list->text;
    status = edit_hosts(cli, &session, list, add_host, addition, &count);
    if (status == PINTLE_OK) {
        status = pti_cli_check_collectors(cli, &session.repository->stage.charter);
    }
    if (status == PINTLE_OK && addition->quiet) {
        pti_session_say(&session, "%zu host%s added or changed\n", count, count == 1 ? "" : "s");
        if (addition->unpinned > 0) {
            pti_session_say(&session,
                            "%zu of them enforced without pins, which is refused: `pintle pin add` before publishing\n",
                            addition->unpinned);
        }
    }
    if (status == PINTLE_OK) {
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

static enum pintle_status run_add(struct pti_cli *cli)
{
    struct addition addition = {.unpinned = 0};
    struct pti_list list;
    enum pintle_status status = read_edit(cli, &addition.edit);

    if (status == PINTLE_OK) {
        status = open_list(cli, &list);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    status = add_hosts(cli, &list, &addition);
    pti_list_close(&list);
    return status;
}

/* ---- release ---- */

struct release {
    struct pti_charter published; /* of hosts that are in the stage only, no client ever heard */
    bool quiet;
};

static enum pintle_status release_host(struct pti_cli *cli, struct pti_session *session, const char *host, void *ctx)
{
    const struct release *release = ctx;
    enum pintle_status status = pti_stage_host_release(&session->repository->stage, host, &cli->error);

    if (status == PINTLE_OK && !release->quiet) {
        pti_session_say(session,
                        pti_charter_find(&release->published, host)
                            ? "%s: released; once published, clients stop pinning it and what it covered\n"
                            : "%s: taken out of the stage; it is not published, so clients do not pin it\n",
                        host);
    }
    return status;
}

static enum pintle_status release_hosts(struct pti_cli *cli, struct pti_list *list)
{
    struct release release = {.quiet = list->text};
    struct pti_session session;
    size_t count = 0;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_charter_init(&release.published);
    if (session.repository->published.charter.size > 0) {
        status = pti_charter_parse(session.repository->published.charter, &release.published, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = edit_hosts(cli, &session, list, release_host, &release, &count);
    }
    if (status == PINTLE_OK && release.quiet) {
        pti_session_say(&session, "%zu host%s released; once published, clients stop pinning what was published\n",
                        count, count == 1 ? "" : "s");
    }
    if (status == PINTLE_OK) {
        status = pti_session_save(&session, cli);
    }
    pti_charter_clear(&release.published);
    pti_session_close(&session);
    return status;
}

static enum pintle_status run_release(struct pti_cli *cli)
{
    struct pti_list list;
    enum pintle_status status = open_list(cli, &list);

    if (status != PINTLE_OK) {
        return status;
    }
    status = release_hosts(cli, &list);
    pti_list_close(&list);
    return status;
}

/* ---- list ---- */

static const struct pti_column host_columns[] = {
    {"host", "host", PTI_SHOWN_BOTH},       {"subdomains", "subdomains", PTI_SHOWN_BOTH},
    {"mode", "mode", PTI_SHOWN_BOTH},       {"zone", "zone", PTI_SHOWN_BOTH},
    {"pins", "pins", PTI_SHOWN_BOTH},       {"permanent_pins", "permanent", PTI_SHOWN_BOTH},
    {"denials", "denials", PTI_SHOWN_BOTH},
};

static const struct pti_column released_columns[] = {{"released", "released", PTI_SHOWN_BOTH}};

static void put_host(struct pti_printout *printout, const struct pti_stage *stage, const struct pti_charter_host *host)
{
    const struct pti_zone_host *entry = in_zone(stage, host);

    pti_printout_row(printout);
    pti_printout_text(printout, "host", host->host);
    pti_printout_bool(printout, "subdomains", host->subdomains);
    pti_printout_text(printout, "mode", pti_mode_name(host->mode));
    pti_printout_text(printout, "zone", host->zone);
    pti_printout_integer(printout, "pins", entry ? (int64_t)entry->pins.count : 0);
    pti_printout_integer(printout, "permanent_pins", (int64_t)host->pins.count);
    pti_printout_integer(printout, "denials", (int64_t)(host->deny.count + (entry ? entry->deny.count : 0)));
}

static enum pintle_status fill_list(struct pti_cli *cli, const struct pti_session *session,
                                    struct pti_printout *printout)
{
    const struct pti_stage *stage = &session->repository->stage;

    (void)cli;
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "hosts", NULL,
                      "no hosts; add one with `pintle host add HOST --zone ZONE`", host_columns,
                      PTI_COUNT(host_columns));
    for (size_t i = 0; i < stage->charter.host_count; i++) {
        put_host(printout, stage, &stage->charter.hosts[i]);
    }
    pti_printout_list(printout, PTI_LAYOUT_LINES, "released", "released, for ever unless added again:", NULL,
                      released_columns, PTI_COUNT(released_columns));
    for (size_t i = 0; i < stage->charter.released_count; i++) {
        pti_printout_row(printout);
        pti_printout_text(printout, "released", stage->charter.released[i]);
    }
    return PINTLE_OK;
}

static enum pintle_status run_list(struct pti_cli *cli)
{
    return pti_session_report(cli, fill_list, NULL);
}

/* ---- tables ---- */

static const struct pti_option options_of_add[] = {
    PTI_OPTION_REPO,
    {"zone", "ZONE", "the zone whose team says which keys it has; needed for a new host if there are several", false},
    {"mode", "MODE", "enforce (default for a new host), or report: let it through and tell the collector", false},
    {"subdomains", NULL, "cover every name below it too", false},
    {"no-subdomains", NULL, "stop covering them: that releases *.HOST", false},
    PTI_OPTION_FROM("the hosts are in FILE, one a line"),
    PTI_OPTION_END,
};

const struct pti_command pti_command_host_add = {
    .name = "host add",
    .summary = "Pin hosts, or change their zone, mode or subdomains",
    .operands = "(HOST ... | --from FILE)",
    .details = "Needs the signatures of targets: no online key can add, loosen or release a host.",
    .example = "  pintle host add api.example.com --zone main --repo pins",
    .options = options_of_add,
    .operands_max = PTI_CLI_OPERANDS_MAX,
    .run = run_add,
};

static const struct pti_option options_of_release[] = {
    PTI_OPTION_REPO, PTI_OPTION_FROM("the hosts are in FILE, one a line"), PTI_OPTION_END};

const struct pti_command pti_command_host_release = {
    .name = "host release",
    .summary = "Stop pinning hosts",
    .operands = "(HOST ... | --from FILE)",
    .details = "Needs the signatures of targets. A host that merely vanished from the charter would be refused by\n"
               "clients as a manifest cut short; a release is how they know that it is meant.",
    .example = "  pintle host release old.example.com --repo pins",
    .options = options_of_release,
    .operands_max = PTI_CLI_OPERANDS_MAX,
    .run = run_release,
};

static const struct pti_option options_of_list[] = {PTI_OPTION_REPO, PTI_OPTION_JSON, PTI_OPTION_END};

const struct pti_command pti_command_host_list = {
    .name = "host list",
    .summary = "List the pinned hosts, as staged",
    .operands = "",
    .example = "  pintle host list --repo pins",
    .options = options_of_list,
    .run = run_list,
};
