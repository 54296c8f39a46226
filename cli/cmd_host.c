/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle host add|release|list`: the charter, which hosts are pinned and how strictly */
#include <stdlib.h>
#include <string.h>

#include "cli/collector.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "pin/host.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

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
    for (size_t i = 0; i < stage->zone_count; i++) {
        if (strcmp(stage->zones[i].name, host->zone) == 0) {
            return pti_zone_find(&stage->zones[i].zone, host->host);
        }
    }
    return NULL;
}

static size_t pins_of(const struct pti_stage *stage, const struct pti_charter_host *host)
{
    const struct pti_zone_host *entry = in_zone(stage, host);

    return host->pins.count + (entry ? entry->pins.count : 0);
}

static enum pintle_status run_add(struct pti_cli *cli)
{
    struct pti_host_edit edit = {0};
    struct pti_session session;
    struct pti_host host;
    const struct pti_charter_host *entry = NULL;
    enum pintle_status status = read_edit(cli, &edit);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_host_parse(cli->operands[0], &host, &cli->error);
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_stage_host_add(&session.repository->stage, host.name, &edit, &cli->error);
    if (status == PINTLE_OK) {
        status = pti_cli_check_collectors(cli, &session.repository->stage.charter);
    }
    if (status == PINTLE_OK) {
        entry = pti_charter_find(&session.repository->stage.charter, host.name);
        pti_session_say(&session, "%s: zone %s, %s%s\n", host.name, entry->zone, pti_mode_name(entry->mode),
                        entry->subdomains ? ", with subdomains" : "");
        if (entry->mode == PINTLE_MODE_ENFORCE && pins_of(&session.repository->stage, entry) == 0) {
            pti_session_say(&session,
                            "an enforced host without pins is refused: `pintle pin add %s ...` before publishing\n",
                            host.name);
        }
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

/* Whether the host is in the stage only, so that no client ever heard of it. */
static enum pintle_status only_staged(struct pti_cli *cli, const struct pti_stage *stage, const char *host, bool *only)
{
    struct pti_change *changes = NULL;
    size_t count = 0;
    enum pintle_status status = pti_stage_diff(stage, &changes, &count, &cli->error);

    *only = false;
    for (size_t i = 0; status == PINTLE_OK && i < count; i++) {
        *only = *only || (changes[i].kind == PTI_CHANGE_HOST_ADDED && strcmp(changes[i].host, host) == 0);
    }
    free(changes);
    return status;
}

static enum pintle_status run_release(struct pti_cli *cli)
{
    bool only = false;
    struct pti_session session;
    struct pti_host host;
    enum pintle_status status = pti_host_parse(cli->operands[0], &host, &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    status = only_staged(cli, &session.repository->stage, host.name, &only);
    if (status == PINTLE_OK) {
        status = pti_stage_host_release(&session.repository->stage, host.name, &cli->error);
    }
    if (status == PINTLE_OK) {
        pti_session_say(&session,
                        only ? "%s: taken out of the stage; it is not published, so clients do not pin it\n"
                             : "%s: released; once published, clients stop pinning it and what it covered\n",
                        host.name);
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

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

static enum pintle_status run_list(struct pti_cli *cli)
{
    struct pti_session session;
    struct pti_printout printout;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_READ);
    const struct pti_charter *charter = NULL;

    if (status != PINTLE_OK) {
        return status;
    }
    charter = &session.repository->stage.charter;
    pti_printout_init(&printout);
    pti_printout_list(&printout, PTI_LAYOUT_COLUMNS, "hosts", NULL,
                      "no hosts; add one with `pintle host add HOST --zone ZONE`", host_columns, COUNT(host_columns));
    for (size_t i = 0; i < charter->host_count; i++) {
        put_host(&printout, &session.repository->stage, &charter->hosts[i]);
    }
    pti_printout_list(&printout, PTI_LAYOUT_LINES, "released", "released, for ever unless added again:", NULL,
                      released_columns, COUNT(released_columns));
    for (size_t i = 0; i < charter->released_count; i++) {
        pti_printout_row(&printout);
        pti_printout_text(&printout, "released", charter->released[i]);
    }
    status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    pti_printout_clear(&printout);
    pti_session_close(&session);
    return status;
}

static const struct pti_option options_of_add[] = {
    PTI_OPTION_REPO,
    {"zone", "ZONE", "the zone whose team says which keys it has; needed for a new host if there are several", false},
    {"mode", "MODE", "enforce (default for a new host), or report: let it through and tell the collector", false},
    {"subdomains", NULL, "cover every name below it too", false},
    {"no-subdomains", NULL, "stop covering them: that releases *.HOST", false},
    PTI_OPTION_END,
};

const struct pti_command pti_command_host_add = {
    .name = "host add",
    .summary = "Pin a host, or change its zone, mode or subdomains",
    .operands = "HOST",
    .details = "Needs the signatures of targets: no online key can add, loosen or release a host.",
    .example = "  pintle host add api.example.com --zone main --repo pins",
    .options = options_of_add,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_add,
};

static const struct pti_option options_of_release[] = {PTI_OPTION_REPO, PTI_OPTION_END};

const struct pti_command pti_command_host_release = {
    .name = "host release",
    .summary = "Stop pinning a host",
    .operands = "HOST",
    .details = "Needs the signatures of targets. A host that merely vanished from the charter would be refused by\n"
               "clients as a manifest cut short; a release is how they know that it is meant.",
    .example = "  pintle host release old.example.com --repo pins",
    .options = options_of_release,
    .operands_min = 1,
    .operands_max = 1,
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
