/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle verify` */
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/verification.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct pti_column result_columns[] = {
    {"verified", "verified", PTI_SHOWN_BOTH},
    {"repository", "repository", PTI_SHOWN_BOTH},
    {"anchor", "trust anchor", PTI_SHOWN_BOTH},
    {"root_version", "root", PTI_SHOWN_BOTH},
    {"timestamp_version", "timestamp", PTI_SHOWN_BOTH},
    {"charter_version", "charter", PTI_SHOWN_BOTH},
    {"issued", "issued", PTI_SHOWN_BOTH},
    {"expires", "expires", PTI_SHOWN_BOTH},
    {"state", "state", PTI_SHOWN_BOTH},
    {"hosts", "hosts", PTI_SHOWN_BOTH},
    {"files", "files", PTI_SHOWN_TEXT},
    {"heads", NULL, PTI_SHOWN_JSON},
    {"bodies", NULL, PTI_SHOWN_JSON},
};

static const struct pti_column zone_columns[] = {
    {"zone", "zone", PTI_SHOWN_BOTH},
    {"version", "version", PTI_SHOWN_BOTH},
    {"expires", "expires", PTI_SHOWN_BOTH},
    {"state", "state", PTI_SHOWN_BOTH},
};

static const struct pti_column notice_columns[] = {{"notice", "notice", PTI_SHOWN_BOTH}};

/* A member of the client's information, as it stands. */
static void put_member(struct pti_printout *printout, const char *key, const struct pti_json_value *object,
                       const char *name)
{
    const struct pti_json_value *value = pti_json_member(object, name);
    struct pintle_bytes text = {NULL, 0};
    int64_t integer = 0;

    if (pti_json_as_string(value, &text)) {
        pti_printout_format(printout, key, "%.*s", (int)text.size, (const char *)text.data);
    } else if (pti_json_as_integer(value, &integer)) {
        pti_printout_integer(printout, key, integer);
    }
}

static void fill(const struct pti_verification *verification, struct pti_printout *printout)
{
    const struct pti_json_value *info = pti_json_root(verification->info);
    const struct pti_json_value *zones = pti_json_member(info, "zones");

    pti_printout_record(printout, NULL, result_columns, COUNT(result_columns));
    pti_printout_text(printout, "verified", verification->cli->operands[0]);
    put_member(printout, "repository", info, "repository");
    pti_printout_text(printout, "anchor",
                      verification->anchored ? "as given" : "root 1, as the repository itself shows it");
    put_member(printout, "root_version", info, "root");
    put_member(printout, "timestamp_version", info, "timestamp");
    put_member(printout, "charter_version", info, "charter");
    put_member(printout, "issued", info, "issued");
    put_member(printout, "expires", info, "expires");
    put_member(printout, "state", info, "state");
    pti_printout_integer(printout, "hosts", (int64_t)pti_json_count(pti_json_member(info, "hosts")));
    if (!verification->remote) {
        pti_printout_format(printout, "files", "metadata %zu, targets %zu, heads %zu, bodies %zu: all agree",
                            verification->agreement.metadata, verification->agreement.targets,
                            verification->agreement.heads, verification->agreement.bodies);
        pti_printout_integer(printout, "heads", (int64_t)verification->agreement.heads);
        pti_printout_integer(printout, "bodies", (int64_t)verification->agreement.bodies);
    }
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "zones", "zones:", NULL, zone_columns, COUNT(zone_columns));
    for (const struct pti_json_value *zone = pti_json_first(zones); zone; zone = pti_json_next(zone)) {
        pti_printout_row(printout);
        put_member(printout, "zone", zone, "zone");
        put_member(printout, "version", zone, "version");
        put_member(printout, "expires", zone, "expires");
        put_member(printout, "state", zone, "state");
    }
    pti_printout_list(printout, PTI_LAYOUT_LINES, "notices", "a client would say:", NULL, notice_columns,
                      COUNT(notice_columns));
    for (size_t i = 0; i < verification->notice_count; i++) {
        pti_printout_row(printout);
        pti_printout_text(printout, "notice", verification->notices[i]);
    }
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_verification verification;
    struct pti_printout printout;
    enum pintle_status status = pti_verification_run(&verification, cli);

    if (status == PINTLE_OK) {
        pti_printout_init(&printout);
        fill(&verification, &printout);
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
        pti_printout_clear(&printout);
    }
    pti_verification_clear(&verification);
    return status;
}

static const struct pti_option options_of_verify[] = {
    {"roots", "FILE", "the trust anchor that apps embed (default: root 1 as the repository itself shows it)", false},
    {"ca", "FILE", "PEM certificates to validate HTTPS with, instead of this machine's trust store", false},
    {"timeout", "SECONDS", "for each of the two clients (default 30)", false},
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_verify = {
    .name = "verify",
    .summary = "Verify a repository as a client does that starts with its first root",
    .operands = "PATH|URL",
    .details =
        "Runs two clients, one on head and body, one on the plain TUF files. Of a directory it also checks that\n"
        "every head, body and plain file agrees with the others, and what apps embed. Without --roots it\n"
        "shows that a repository is whole, not whose it is.",
    .example = "  pintle verify pins\n"
               "  pintle verify https://pins.example.com --roots pins/app/roots",
    .options = options_of_verify,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
