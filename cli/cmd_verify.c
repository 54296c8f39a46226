/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle verify` */
#include <inttypes.h>

#include "base/array.h"
#include "base/encode.h"
#include "cli/commands.h"
#include "cli/foreign.h"
#include "cli/output.h"
#include "cli/verification.h"

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

    pti_printout_record(printout, NULL, result_columns, PTI_COUNT(result_columns));
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
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "zones", "zones:", NULL, zone_columns, PTI_COUNT(zone_columns));
    for (const struct pti_json_value *zone = pti_json_first(zones); zone; zone = pti_json_next(zone)) {
        pti_printout_row(printout);
        put_member(printout, "zone", zone, "zone");
        put_member(printout, "version", zone, "version");
        put_member(printout, "expires", zone, "expires");
        put_member(printout, "state", zone, "state");
    }
    pti_printout_list(printout, PTI_LAYOUT_LINES, "notices", "a client would say:", NULL, notice_columns,
                      PTI_COUNT(notice_columns));
    for (size_t i = 0; i < verification->notice_count; i++) {
        pti_printout_row(printout);
        pti_printout_text(printout, "notice", verification->notices[i]);
    }
}

/* ---- a plain TUF repository ---- */

static const struct pti_column foreign_columns[] = {
    {"verified", "verified", PTI_SHOWN_BOTH},
    {"kind", "what it is", PTI_SHOWN_BOTH},
    {"anchor", "trust anchor", PTI_SHOWN_BOTH},
    {"anchor_sha256", "its SHA-256", PTI_SHOWN_BOTH},
    {"root_version", "root", PTI_SHOWN_BOTH},
    {"consistent_snapshot", NULL, PTI_SHOWN_JSON},
    {"targets_listed", "targets listed", PTI_SHOWN_BOTH},
    {"roles_failed", "do not verify", PTI_SHOWN_BOTH},
};

static const struct pti_column foreign_role_columns[] = {
    {"role", "role", PTI_SHOWN_BOTH},         {"delegated_by", "delegated by", PTI_SHOWN_BOTH},
    {"version", "version", PTI_SHOWN_BOTH},   {"expires", "expires", PTI_SHOWN_BOTH},
    {"threshold", NULL, PTI_SHOWN_JSON},      {"keys", NULL, PTI_SHOWN_JSON},
    {"signers", "signed by", PTI_SHOWN_TEXT}, {"keys_unusable", "unusable keys", PTI_SHOWN_BOTH},
    {"targets", "targets", PTI_SHOWN_BOTH},   {"problem", "verifies", PTI_SHOWN_JSON},
    {"verifies", "verifies", PTI_SHOWN_TEXT},
};

static void put_foreign_role(struct pti_printout *printout, const struct pti_foreign_role *role)
{
    int64_t unusable = 0;

    for (size_t i = 0; i < role->signers->count; i++) {
        unusable += role->keys->items[role->signers->keys[i]].key == NULL;
    }
    pti_printout_row(printout);
    pti_printout_text(printout, "role", role->name);
    pti_printout_text(printout, "delegated_by", role->delegator);
    pti_printout_integer(printout, "threshold", (int64_t)role->signers->threshold);
    pti_printout_integer(printout, "keys", (int64_t)role->signers->count);
    pti_printout_format(printout, "signers", "%zu of %zu", role->signers->threshold, role->signers->count);
    pti_printout_integer(printout, "keys_unusable", unusable);
    pti_printout_text(printout, "problem", *role->problem ? role->problem : NULL);
    pti_printout_text(printout, "verifies", *role->problem ? role->problem : "yes");
    if (role->metadata) {
        pti_printout_integer(printout, "version", role->metadata->version);
        pti_printout_time(printout, "expires", role->metadata->expires);
        if (role->metadata->type == PTI_TUF_TARGETS) {
            pti_printout_integer(printout, "targets", (int64_t)role->metadata->files.count);
        }
    }
}

static void put_anchor(struct pti_printout *printout, const struct pti_foreign *foreign)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    uint8_t digest[PINTLE_SHA256_SIZE];

    if (pti_sha256(foreign->crypto, foreign->root, digest) == PINTLE_OK) {
        pti_hex_encode(digest, sizeof digest, hex);
        pti_printout_text(printout, "anchor_sha256", hex);
    }
    pti_printout_format(printout, "anchor",
                        foreign->anchored ? "root %" PRId64 ", as given"
                                          : "root %" PRId64 ", as the repository itself shows it: that it is whole is "
                                            "shown, not whose it is",
                        foreign->first_root);
}

static void fill_foreign(const struct pti_foreign *foreign, struct pti_printout *printout)
{
    size_t targets = 0, failed = 0;

    for (size_t i = PTI_TUF_TARGETS; i < foreign->role_count; i++) {
        targets += foreign->roles[i].metadata ? foreign->roles[i].metadata->files.count : 0;
        failed += foreign->roles[i].metadata == NULL;
    }
    pti_printout_record(printout, NULL, foreign_columns, PTI_COUNT(foreign_columns));
    pti_printout_text(printout, "verified", foreign->cli->operands[0]);
    pti_printout_text(printout, "kind", "a plain TUF repository, none of Pintle's");
    put_anchor(printout, foreign);
    pti_printout_integer(printout, "root_version", foreign->updater.root->version);
    pti_printout_bool(printout, "consistent_snapshot", foreign->updater.root->consistent_snapshot);
    pti_printout_integer(printout, "targets_listed", (int64_t)targets);
    if (failed > 0 || pti_cli_flag(foreign->cli, "json")) {
        pti_printout_integer(printout, "roles_failed", (int64_t)failed);
    }
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "roles", "roles:", NULL, foreign_role_columns,
                      PTI_COUNT(foreign_role_columns));
    for (size_t i = 0; i < foreign->role_count; i++) {
        put_foreign_role(printout, &foreign->roles[i]);
    }
    pti_printout_list(printout, PTI_LAYOUT_LINES, "notices", "what clients may stumble over:", NULL, notice_columns,
                      PTI_COUNT(notice_columns));
    for (size_t i = 0; i < foreign->note_count; i++) {
        pti_printout_row(printout);
        pti_printout_text(printout, "notice", foreign->notes[i]);
    }
}

/* What does not verify is printed beside what does, and ends in its exit code. */
static enum pintle_status print_foreign(const struct pti_foreign *foreign)
{
    struct pti_error *error = &foreign->cli->error;
    struct pti_printout printout;
    enum pintle_status status = PINTLE_OK;

    pti_printout_init(&printout);
    fill_foreign(foreign, &printout);
    status = pti_printout_print(&printout, pti_cli_flag(foreign->cli, "json"), foreign->cli->out, error);
    pti_printout_clear(&printout);
    for (size_t i = 0; i < foreign->role_count && status == PINTLE_OK; i++) {
        if (*foreign->roles[i].problem) {
            status = pti_fail(error, foreign->worst, "role %s, delegated by %s: %.300s", foreign->roles[i].name,
                              foreign->roles[i].delegator, foreign->roles[i].problem);
        }
    }
    return status;
}

/* ---- one of Pintle's ---- */

static enum pintle_status run_own(struct pti_cli *cli, struct pintle_bytes roots)
{
    struct pti_verification verification;
    struct pti_printout printout;
    enum pintle_status status = pti_verification_run(&verification, cli, roots);

    if (status == PINTLE_OK) {
        pti_printout_init(&printout);
        fill(&verification, &printout);
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
        pti_printout_clear(&printout);
    }
    pti_verification_clear(&verification);
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_foreign foreign;
    bool yes = false;
    enum pintle_status status = pti_foreign_find(&foreign, cli, &yes);

    if (status == PINTLE_OK && yes) {
        status = pti_foreign_run(&foreign);
        if (status == PINTLE_OK) {
            status = print_foreign(&foreign);
        }
    } else if (status == PINTLE_OK) {
        const struct pintle_bytes none = {NULL, 0};

        status = run_own(cli, foreign.anchored ? foreign.root : none);
        foreign.root = foreign.anchored ? none : foreign.root; /* taken over */
    }
    pti_foreign_clear(&foreign);
    return status;
}

static const struct pti_option options_of_verify[] = {
    {"roots", "FILE", "the trust anchor that apps embed, or a root (default: root 1 as the repository itself shows it)",
     false},
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
        "shows that a repository is whole, not whose it is. A plain TUF repository that another program made is\n"
        "verified as pintle-tuf does, with every role that is delegated to.",
    .example = "  pintle verify pins\n"
               "  pintle verify https://pins.example.com --roots pins/app/roots\n"
               "  pintle verify https://tuf.example.org/metadata --roots root.json",
    .options = options_of_verify,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
