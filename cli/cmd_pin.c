/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle pin add|remove|list` */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/pin_source.h"
#include "cli/session.h"
#include "pin/host.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- add ---- */

static enum pintle_status read_kind(struct pti_cli *cli, struct pti_pin_edit *edit)
{
    const char *of = pti_cli_text(cli, "of"), *at = pti_cli_text(cli, "at");

    edit->pin.of = PINTLE_OF_SPKI;
    edit->pin.at = PINTLE_AT_LEAF;
    edit->permanent = pti_cli_flag(cli, "permanent");
    edit->deny = pti_cli_flag(cli, "deny");
    if (of && !pti_of_parse(pti_bytes_text(of), &edit->pin.of)) {
        return pti_cli_usage(cli, "--of needs spki (the key) or cert (the whole certificate), found \"%.40s\"", of);
    }
    if (at && !pti_at_parse(pti_bytes_text(at), &edit->pin.at)) {
        return pti_cli_usage(cli, "--at needs leaf, issuer or any, found \"%.40s\"", at);
    }
    if (at && edit->deny) {
        return pti_cli_usage(cli, "--at does not go with --deny: a denial counts anywhere in the chain");
    }
    if (pti_cli_text(cli, "probe") && edit->pin.at == PINTLE_AT_ISSUER) {
        return pti_cli_usage(cli, "--probe takes the leaf; `pintle probe` prints the issuers' hashes for --sha256");
    }
    if (edit->deny) {
        edit->pin.at = PINTLE_AT_ANY;
    }
    return PINTLE_OK;
}

static const struct pti_stage_zone *zone_of(const struct pti_stage *stage, const char *name)
{
    for (size_t i = 0; i < stage->zone_count; i++) {
        if (strcmp(stage->zones[i].name, name) == 0) {
            return &stage->zones[i];
        }
    }
    return NULL;
}

static void say_added(struct pti_session *session, const char *host, const struct pti_pin_edit *edit, bool added)
{
    const struct pti_stage *stage = &session->repository->stage;
    const struct pti_charter_host *entry = pti_charter_find(&stage->charter, host);
    const struct pti_stage_zone *zone = entry ? zone_of(stage, entry->zone) : NULL;
    const struct pti_zone_host *in_zone = zone ? pti_zone_find(&zone->zone, host) : NULL;
    char hash[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(edit->pin.sha256, PINTLE_SHA256_SIZE, hash);
    pti_session_say(session, "%s: %s %s %s%s%s in %s%s%s\n", host, edit->deny ? "denial" : "pin", hash,
                    pti_of_name(edit->pin.of), edit->deny ? "" : " at ", edit->deny ? "" : pti_at_name(edit->pin.at),
                    edit->permanent ? "the charter" : "zone ", edit->permanent || !entry ? "" : entry->zone,
                    added ? "" : ", as before");
    if (entry && entry->pins.count + (in_zone ? in_zone->pins.count : 0) == 1) {
        pti_session_say(
            session,
            "one pin is one accident away from an outage: add the next key, and a backup key kept elsewhere\n");
    }
}

static enum pintle_status run_add(struct pti_cli *cli)
{
    struct pti_pin_edit edit = {0};
    struct pti_session session;
    struct pti_host host;
    bool added = false;
    enum pintle_status status = read_kind(cli, &edit);

    if (status == PINTLE_OK) {
        status = pti_host_parse(cli->operands[0], &host, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = pti_pin_source_read(cli, host.name, &edit.pin);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_stage_pin_add(&session.repository->stage, host.name, &edit, &added, &cli->error);
    if (status == PINTLE_OK) {
        say_added(&session, host.name, &edit, added);
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

/* ---- remove ---- */

static enum pintle_status run_remove(struct pti_cli *cli)
{
    struct pti_pin_edit edit = {.permanent = pti_cli_flag(cli, "permanent"), .deny = pti_cli_flag(cli, "deny")};
    struct pti_session session;
    struct pti_host host;
    enum pintle_status status = pti_host_parse(cli->operands[0], &host, &cli->error);

    if (status == PINTLE_OK) {
        status = pti_pin_source_parse(cli, cli->operands[1], edit.pin.sha256);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_stage_pin_remove(&session.repository->stage, host.name, &edit, &cli->error);
    if (status == PINTLE_OK) {
        pti_session_say(&session, "%s: %s %s removed from %s\n", host.name, edit.deny ? "denial" : "pin",
                        cli->operands[1], edit.permanent ? "the charter" : "its zone");
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

/* ---- list ---- */

static const struct pti_column pin_columns[] = {
    {"host", "host", PTI_SHOWN_BOTH}, {"kind", "kind", PTI_SHOWN_BOTH},    {"sha256", "sha256", PTI_SHOWN_BOTH},
    {"of", "of", PTI_SHOWN_BOTH},     {"at", "at", PTI_SHOWN_BOTH},        {"from", "from", PTI_SHOWN_BOTH},
    {"zone", NULL, PTI_SHOWN_JSON},   {"permanent", NULL, PTI_SHOWN_JSON}, {"published", "published", PTI_SHOWN_BOTH},
};

struct listing {
    struct pti_printout *printout;
    const struct pti_change *changes;
    size_t change_count;
};

static bool is_published(const struct listing *listing, const char *host, bool deny, bool permanent,
                         const struct pti_pin *pin)
{
    for (size_t i = 0; i < listing->change_count; i++) {
        const struct pti_change *change = &listing->changes[i];

        if (change->kind == (deny ? PTI_CHANGE_DENIAL_ADDED : PTI_CHANGE_PIN_ADDED) && change->permanent == permanent &&
            strcmp(change->host, host) == 0 && change->pin.of == pin->of && change->pin.at == pin->at &&
            memcmp(change->pin.sha256, pin->sha256, PINTLE_SHA256_SIZE) == 0) {
            return false;
        }
    }
    return true;
}

static void put_pins(const struct listing *listing, const char *host, const char *zone, const struct pti_pins *pins,
                     bool deny, bool permanent)
{
    for (size_t i = 0; i < pins->count; i++) {
        const struct pti_pin *pin = &pins->items[i];

        pti_printout_row(listing->printout);
        pti_printout_text(listing->printout, "host", host);
        pti_printout_text(listing->printout, "kind", deny ? "deny" : "pin");
        pti_printout_sha256(listing->printout, "sha256", pin->sha256);
        pti_printout_text(listing->printout, "of", pti_of_name(pin->of));
        pti_printout_text(listing->printout, "at", pti_at_name(pin->at));
        pti_printout_format(listing->printout, "from", permanent ? "charter" : "zone %s", zone);
        pti_printout_text(listing->printout, "zone", permanent ? NULL : zone);
        pti_printout_bool(listing->printout, "permanent", permanent);
        pti_printout_bool(listing->printout, "published", is_published(listing, host, deny, permanent, pin));
    }
}

static enum pintle_status put_hosts(struct pti_cli *cli, const struct listing *listing, const struct pti_stage *stage,
                                    const struct pti_host *only)
{
    bool seen = !only;

    for (size_t i = 0; i < stage->charter.host_count; i++) {
        const struct pti_charter_host *entry = &stage->charter.hosts[i];
        const struct pti_stage_zone *zone = zone_of(stage, entry->zone);
        const struct pti_zone_host *in_zone = zone ? pti_zone_find(&zone->zone, entry->host) : NULL;

        if (only && strcmp(only->name, entry->host) != 0) {
            continue;
        }
        seen = true;
        put_pins(listing, entry->host, entry->zone, &entry->pins, false, true);
        put_pins(listing, entry->host, entry->zone, &entry->deny, true, true);
        if (in_zone) {
            put_pins(listing, entry->host, entry->zone, &in_zone->pins, false, false);
            put_pins(listing, entry->host, entry->zone, &in_zone->deny, true, false);
        }
    }
    if (!seen) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "expected a host of the charter, found %s; `pintle host list` shows them", only->name);
    }
    return PINTLE_OK;
}

static enum pintle_status run_list(struct pti_cli *cli)
{
    struct pti_session session;
    struct pti_printout printout;
    struct pti_change *changes = NULL;
    struct listing listing = {.printout = &printout};
    struct pti_host host;
    enum pintle_status status = PINTLE_OK;

    if (cli->operand_count > 0 && pti_host_parse(cli->operands[0], &host, &cli->error) != PINTLE_OK) {
        return cli->error.status;
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_READ);
    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_init(&printout);
    pti_printout_list(&printout, PTI_LAYOUT_COLUMNS, "pins", NULL,
                      "no pins; add one with `pintle pin add HOST --key FILE`", pin_columns, COUNT(pin_columns));
    status = pti_stage_diff(&session.repository->stage, &changes, &listing.change_count, &cli->error);
    if (status == PINTLE_OK) {
        listing.changes = changes;
        status = put_hosts(cli, &listing, &session.repository->stage, cli->operand_count > 0 ? &host : NULL);
    }
    if (status == PINTLE_OK) {
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    free(changes);
    pti_printout_clear(&printout);
    pti_session_close(&session);
    return status;
}

/* ---- tables ---- */

static const struct pti_option options_of_add[] = {
    PTI_OPTION_REPO,
    {"cert", "FILE", "from a certificate (PEM or DER; of a chain the first counts)", false},
    {"key", "FILE", "from a private or public key", false},
    {"csr", "FILE", "from a certificate request, after its self-signature has been verified", false},
    {"sha256", "BASE64", "from its hash", false},
    {"probe", "ADDR[:PORT]", "from what is served there under the name HOST: no proof of whose key it is", false},
    {"of", "WHAT", "spki, the key (default); or cert, the whole certificate, which changes at every renewal", false},
    {"at", "WHERE", "leaf (default), issuer, or any: where in the verified chain it must stand", false},
    {"permanent", NULL, "in the charter, signed by targets: a backup or CA key that no online key can remove", false},
    {"deny", NULL, "deny it anywhere in the chain, instead of pinning it", false},
    {"passphrase-file", "FILE", "the passphrase of an encrypted --key is the first line of FILE", false},
    PTI_OPTION_END,
};

const struct pti_command pti_command_pin_add = {
    .name = "pin add",
    .summary = "Pin a key of a host, or deny one",
    .operands = "HOST (--cert FILE | --key FILE | --csr FILE | --sha256 BASE64 | --probe ADDR[:PORT])",
    .details = "Pin three keys: the one that is served, the next one before any server has it, and a backup that is\n"
               "kept elsewhere with another CA in mind. The pin goes into the host's zone unless --permanent.",
    .example = "  pintle pin add api.example.com --key /etc/ssl/private/api.key --repo pins",
    .options = options_of_add,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_add,
};

static const struct pti_option options_of_remove[] = {
    PTI_OPTION_REPO,
    {"permanent", NULL, "from the charter, instead of the host's zone", false},
    {"deny", NULL, "a denial, instead of a pin", false},
    PTI_OPTION_END,
};

const struct pti_command pti_command_pin_remove = {
    .name = "pin remove",
    .summary = "Remove a pin of a host, or a denial",
    .operands = "HOST BASE64",
    .details = "Remove a pin only when no server has that key any more: every client that has the new manifest\n"
               "refuses it.",
    .example = "  pintle pin remove api.example.com 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= --repo pins",
    .options = options_of_remove,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_remove,
};

static const struct pti_option options_of_list[] = {PTI_OPTION_REPO, PTI_OPTION_JSON, PTI_OPTION_END};

const struct pti_command pti_command_pin_list = {
    .name = "pin list",
    .summary = "List the pins and denials of one host or of all, as staged",
    .operands = "[HOST]",
    .example = "  pintle pin list api.example.com --repo pins",
    .options = options_of_list,
    .operands_max = 1,
    .run = run_list,
};
