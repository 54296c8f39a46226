/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle pin add|remove|list` */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "cli/commands.h"
#include "cli/list_file.h"
#include "cli/output.h"
#include "cli/pin_source.h"
#include "cli/session.h"
#include "pin/host.h"

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

static void say_added(struct pti_session *session, const char *host, const struct pti_pin_edit *edit, bool added)
{
    const struct pti_stage *stage = &session->repository->stage;
    const struct pti_charter_host *entry = pti_charter_find(&stage->charter, host);
    const struct pti_stage_zone *zone = entry ? pti_stage_zone(stage, entry->zone) : NULL;
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

static enum pintle_status add_one(struct pti_cli *cli, struct pti_session *session, const char *host,
                                  const struct pti_pin_edit *edit)
{
    bool added = false;
    enum pintle_status status = pti_stage_pin_add(&session->repository->stage, host, edit, &added, &cli->error);

    if (status == PINTLE_OK) {
        say_added(session, host, edit, added);
    }
    return status;
}

/* "HOST,BASE64" */
static enum pintle_status add_entry(struct pti_cli *cli, struct pti_session *session, const char *const fields[2],
                                    struct pti_pin_edit *edit, size_t *count)
{
    struct pti_host host;
    bool added = false;
    enum pintle_status status = pti_host_parse(fields[0], &host, &cli->error);

    if (status == PINTLE_OK) {
        status = pti_pin_source_parse(cli, fields[1], edit->pin.sha256);
    }
    if (status == PINTLE_OK) {
        status = pti_stage_pin_add(&session->repository->stage, host.name, edit, &added, &cli->error);
    }
    *count += added;
    return status;
}

static enum pintle_status add_listed(struct pti_cli *cli, struct pti_session *session, struct pti_list *list,
                                     struct pti_pin_edit *edit)
{
    const char *fields[2];
    size_t entries = 0, added = 0;
    bool more = true;
    enum pintle_status status = PINTLE_OK;

    while (status == PINTLE_OK && more) {
        status = pti_list_next(cli, list, "HOST,BASE64", fields, 2, &more);
        if (status == PINTLE_OK && more) {
            entries++;
            status = pti_list_blame(cli, list, add_entry(cli, session, fields, edit, &added));
        }
    }
    if (status == PINTLE_OK) {
        pti_session_say(session, "%zu of %zu %s were added, the others were there\n", added, entries,
                        edit->deny ? "denials" : "pins");
    }
    return status;
}

/* What there is to read is read before the repository is opened: a terminal that asks must not hold its lock. */
static enum pintle_status read_pin(struct pti_cli *cli, struct pti_host *host, struct pti_pin_edit *edit,
                                   struct pti_list *list)
{
    enum pintle_status status = PINTLE_OK;

    *list = (struct pti_list){0};
    if (pti_cli_text(cli, "from")) {
        status = pti_pin_source_none(cli, "from");
        if (status == PINTLE_OK && cli->operand_count > 0) {
            status = pti_cli_usage(cli, "--from FILE and HOST exclude each other; each line of FILE names its host");
        }
        return status == PINTLE_OK ? pti_list_open(cli, list) : status;
    }
    if (cli->operand_count == 0) {
        return pti_cli_usage(cli, "expected HOST or --from FILE, found nothing");
    }
    status = pti_host_parse(cli->operands[0], host, &cli->error);
    return status == PINTLE_OK ? pti_pin_source_read(cli, host->name, &edit->pin) : status;
}

static enum pintle_status run_add(struct pti_cli *cli)
{
    struct pti_pin_edit edit = {0};
    struct pti_session session;
    struct pti_list list;
    struct pti_host host;
    enum pintle_status status = read_kind(cli, &edit);

    if (status == PINTLE_OK) {
        status = read_pin(cli, &host, &edit, &list);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status == PINTLE_OK) {
        status = list.text ? add_listed(cli, &session, &list, &edit) : add_one(cli, &session, host.name, &edit);
        if (status == PINTLE_OK) {
            status = pti_session_save(&session, cli);
        }
        pti_session_close(&session);
    }
    pti_list_close(&list);
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
    const struct pti_stage *stage;
    const struct pti_stage *published; /* the same without the edits */
};

static bool holds(const struct pti_pins *pins, const struct pti_pin *pin)
{
    for (size_t i = 0; pins && i < pins->count; i++) {
        if (pins->items[i].of == pin->of && pins->items[i].at == pin->at &&
            memcmp(pins->items[i].sha256, pin->sha256, PINTLE_SHA256_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

static const struct pti_zone_host *in_zone(const struct pti_stage *stage, const char *zone, const char *host)
{
    const struct pti_stage_zone *found = pti_stage_zone(stage, zone);

    return found ? pti_zone_find(&found->zone, host) : NULL;
}

static void put_pins(const struct listing *listing, const struct pti_charter_host *entry, const struct pti_pins *pins,
                     const struct pti_pins *published, bool deny, bool permanent)
{
    for (size_t i = 0; pins && i < pins->count; i++) {
        const struct pti_pin *pin = &pins->items[i];

        pti_printout_row(listing->printout);
        pti_printout_text(listing->printout, "host", entry->host);
        pti_printout_text(listing->printout, "kind", deny ? "deny" : "pin");
        pti_printout_sha256(listing->printout, "sha256", pin->sha256);
        pti_printout_text(listing->printout, "of", pti_of_name(pin->of));
        pti_printout_text(listing->printout, "at", pti_at_name(pin->at));
        pti_printout_format(listing->printout, "from", permanent ? "charter" : "zone %s", entry->zone);
        pti_printout_text(listing->printout, "zone", permanent ? NULL : entry->zone);
        pti_printout_bool(listing->printout, "permanent", permanent);
        pti_printout_bool(listing->printout, "published", holds(published, pin));
    }
}

static void put_host(const struct listing *listing, const struct pti_charter_host *entry)
{
    const struct pti_charter_host *old = pti_charter_find(&listing->published->charter, entry->host);
    const struct pti_zone_host *zone = in_zone(listing->stage, entry->zone, entry->host);
    const struct pti_zone_host *old_zone = in_zone(listing->published, entry->zone, entry->host);

    put_pins(listing, entry, &entry->pins, old ? &old->pins : NULL, false, true);
    put_pins(listing, entry, &entry->deny, old ? &old->deny : NULL, true, true);
    put_pins(listing, entry, zone ? &zone->pins : NULL, old_zone ? &old_zone->pins : NULL, false, false);
    put_pins(listing, entry, zone ? &zone->deny : NULL, old_zone ? &old_zone->deny : NULL, true, false);
}

static enum pintle_status put_hosts(struct pti_cli *cli, const struct listing *listing)
{
    const struct pti_charter *charter = &listing->stage->charter;
    const struct pti_charter_host *entry = NULL;
    struct pti_host only;

    if (cli->operand_count == 0) {
        for (size_t i = 0; i < charter->host_count; i++) {
            put_host(listing, &charter->hosts[i]);
        }
        return PINTLE_OK;
    }
    if (pti_host_parse(cli->operands[0], &only, &cli->error) != PINTLE_OK) {
        return cli->error.status;
    }
    entry = pti_charter_find(charter, only.name);
    if (!entry) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "expected a host of the charter, found %s; `pintle host list` shows them", only.name);
    }
    put_host(listing, entry);
    return PINTLE_OK;
}

static enum pintle_status fill_list(struct pti_cli *cli, const struct pti_session *session,
                                    struct pti_printout *printout)
{
    const struct pti_repository *repository = session->repository;
    struct pti_stage published;
    struct listing listing = {.printout = printout, .stage = &repository->stage, .published = &published};
    enum pintle_status status = pti_stage_init(&published, &repository->published, &repository->settings.days,
                                               session->crypto, &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "pins", NULL,
                      "no pins; add one with `pintle pin add HOST --key FILE`", pin_columns, PTI_COUNT(pin_columns));
    status = put_hosts(cli, &listing);
    pti_stage_clear(&published);
    return status;
}

static enum pintle_status run_list(struct pti_cli *cli)
{
    return pti_session_report(cli, fill_list, NULL);
}

/* ---- tables ---- */

static const struct pti_option options_of_add[] = {
    PTI_OPTION_REPO,
    {"cert", "FILE", "from a certificate (PEM or DER; of a chain the first counts)", false},
    {"key", "FILE", "from a private or public key", false},
    {"csr", "FILE", "from a certificate request, after its self-signature has been verified", false},
    {"sha256", "BASE64", "from its hash", false},
    {"probe", "ADDR[:PORT]", "from what is served there under the name HOST: no proof of whose key it is", false},
    PTI_OPTION_FROM("from a list of lines HOST,BASE64"),
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
    .operands = "(HOST (--cert FILE | --key FILE | --csr FILE | --sha256 BASE64 | --probe ADDR[:PORT]) | --from FILE)",
    .details = "Pin three keys: the one that is served, the next one before any server has it, and a backup that is\n"
               "kept elsewhere with another CA in mind. The pin goes into the host's zone unless --permanent.",
    .example = "  pintle pin add api.example.com --key /etc/ssl/private/api.key --repo pins",
    .options = options_of_add,
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
