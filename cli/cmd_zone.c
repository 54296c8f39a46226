/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle zone add|rotate|renew|list` */
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/root_keys.h"
#include "cli/session.h"

/* The key files named on the command line, as public keys. */
static enum pintle_status given_keys(struct pti_cli *cli, struct pti_role_keys *keys)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < pti_cli_count(cli, "key") && status == PINTLE_OK; i++) {
        struct pti_public_key key;

        status = pti_session_load_public_key(cli, pti_cli_nth(cli, "key", i), &key);
        if (status == PINTLE_OK) {
            status = pti_role_keys_add(keys, &key, &cli->error);
        }
        pti_public_key_clear(&key);
    }
    return status;
}

/* keys/<name>.pem: an online key, for rotation without people. */
static enum pintle_status save_key(struct pti_cli *cli, const struct pti_session *session, const char *name,
                                   const struct pti_signing_key *key)
{
    char path[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_save_key(session->repository, key, name, path, &cli->error);

    if (status == PINTLE_OK) {
        fprintf(cli->out, "made %s\n", path);
    }
    return status;
}

typedef enum pintle_status (*zone_edit)(struct pti_stage *stage, const char *zone, const struct pti_role_keys *keys,
                                        const struct pti_file_source *source, struct pti_error *error);

/* Edits the zone with the keys given, or with one made here, which is written only once the edit is acceptable. */
static enum pintle_status edit_zone(struct pti_cli *cli, struct pti_session *session, zone_edit edit, const char *file,
                                    struct pti_role_keys *keys)
{
    struct pti_file_source source = pti_repository_source(session->repository);
    struct pti_signing_key *made = NULL;
    enum pintle_status status = PINTLE_OK;

    if (pti_cli_count(cli, "key") > 0) {
        status = given_keys(cli, keys);
    } else {
        status = pti_signing_key_generate(PTI_KEY_ECDSA_P256, &made, &cli->error);
        if (status == PINTLE_OK) {
            status = pti_role_keys_add(keys, pti_signing_key_public(made), &cli->error);
        }
    }
    if (status == PINTLE_OK && (int64_t)keys->key_count < keys->threshold) {
        status = pti_cli_usage(cli, "--threshold %" PRId64 " needs as many different keys, found %zu", keys->threshold,
                               keys->key_count);
    }
    if (status == PINTLE_OK) {
        status = edit(&session->repository->stage, cli->operands[0], keys, &source, &cli->error);
    }
    for (size_t i = 0; status == PINTLE_OK && i < keys->key_count; i++) {
        pti_cli_warn_of_second_role(cli, &session->repository->stage, cli->operands[0], &keys->keys[i]);
    }
    if (status == PINTLE_OK && made) {
        status = save_key(cli, session, file, made);
    }
    pti_signing_key_free(made);
    return status;
}

/* The name of the key file if one is made: keys/zone-NAME.pem, or .N.pem with the targets version that brings it. */
static void name_key(const struct pti_session *session, bool rotate, const char *zone, char *out, size_t size)
{
    if (rotate) {
        snprintf(out, size, "zone-%.63s.%" PRId64, zone, session->repository->published.targets_version + 1);
    } else {
        snprintf(out, size, "zone-%.63s", zone);
    }
}

static enum pintle_status run_edit(struct pti_cli *cli, zone_edit edit, bool rotate)
{
    const char *zone = cli->operands[0];
    struct pti_role_keys keys = {0};
    struct pti_session session;
    char file[128];
    int64_t threshold = 1, most = 0;
    enum pintle_status status = PINTLE_OK;

    if (!pti_zone_name_valid(pti_bytes_text(zone))) {
        return pti_fail(
            &cli->error, PINTLE_ERR_INPUT,
            "expected a zone name of 1 to %d of a-z, 0-9 and '-', not the name of a TUF role, found \"%.80s\"",
            PINTLE_ZONE_NAME_MAX, zone);
    }
    most = pti_cli_count(cli, "key") > 0 ? (int64_t)pti_cli_count(cli, "key") : 1;
    status = pti_cli_number(cli, "threshold", 1, most, &threshold);
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    keys.threshold = threshold;
    name_key(&session, rotate, zone, file, sizeof file);
    status = edit_zone(cli, &session, edit, file, &keys);
    if (status == PINTLE_OK) {
        pti_session_say(&session, "zone %s: %" PRId64 " of %zu %skeys\n", zone, threshold, keys.key_count,
                        rotate ? "new " : "");
        status = pti_session_save(&session, cli);
    }
    pti_role_keys_clear(&keys);
    pti_session_close(&session);
    return status;
}

static enum pintle_status run_add(struct pti_cli *cli)
{
    return run_edit(cli, pti_stage_zone_add, false);
}

static enum pintle_status run_rotate(struct pti_cli *cli)
{
    return run_edit(cli, pti_stage_zone_rotate, true);
}

static const struct pti_column zone_columns[] = {
    {"zone", "zone", PTI_SHOWN_BOTH},     {"version", "version", PTI_SHOWN_BOTH},
    {"hosts", "hosts", PTI_SHOWN_BOTH},   {"threshold", "threshold", PTI_SHOWN_BOTH},
    {"keys", "keys", PTI_SHOWN_BOTH},     {"expires", "expires", PTI_SHOWN_BOTH},
    {"staged", "staged", PTI_SHOWN_BOTH},
};

static size_t hosts_of(const struct pti_charter *charter, const char *zone)
{
    size_t count = 0;

    for (size_t i = 0; i < charter->host_count; i++) {
        count += strcmp(charter->hosts[i].zone, zone) == 0;
    }
    return count;
}

static void put_zone(struct pti_printout *printout, const struct pti_stage *stage, const struct pti_stage_zone *zone,
                     const struct pti_role_state *role)
{
    pti_printout_row(printout);
    pti_printout_text(printout, "zone", zone->name);
    pti_printout_integer(printout, "version", zone->zone.version);
    pti_printout_integer(printout, "hosts", (int64_t)hosts_of(&stage->charter, zone->name));
    pti_printout_integer(printout, "threshold", zone->keys.threshold);
    pti_printout_integer(printout, "keys", (int64_t)zone->keys.key_count);
    pti_printout_bool(printout, "staged", zone->draft.size > 0);
    if (role && role->expires > 0) {
        pti_printout_time(printout, "expires", role->expires);
    }
}

static enum pintle_status fill_list(struct pti_cli *cli, const struct pti_session *session,
                                    struct pti_printout *printout)
{
    const struct pti_stage *stage = &session->repository->stage;
    struct pti_role_state *roles = NULL;
    size_t count = 0;
    enum pintle_status status = pti_stage_roles(stage, &roles, &count, &cli->error);

    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "zones", NULL, "no zones; add one with `pintle zone add NAME`",
                      zone_columns, PTI_COUNT(zone_columns));
    for (size_t i = 0; status == PINTLE_OK && i < stage->zone_count; i++) {
        const struct pti_role_state *role = NULL;

        for (size_t j = 0; j < count; j++) {
            role = strcmp(roles[j].name, stage->zones[i].name) == 0 ? &roles[j] : role;
        }
        put_zone(printout, stage, &stage->zones[i], role);
    }
    pti_role_states_free(roles, count);
    return status;
}

static enum pintle_status run_list(struct pti_cli *cli)
{
    return pti_session_report(cli, fill_list, NULL);
}

static const struct pti_option options_of_add[] = {
    PTI_OPTION_REPO,
    {"key", "KEY",
     "a key that signs the zone, public half or whole; repeat it for several\n"
     "(default: keys/zone-NAME.pem is made, and `pintle publish` signs with it)",
     true},
    {"threshold", "M", "how many of the keys must sign (default 1)", false},
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_END,
};

const struct pti_command pti_command_zone_add = {
    .name = "zone add",
    .summary = "Add a zone: the hosts of one team, whose keys that team signs",
    .operands = "NAME",
    .details = "The targets role delegates to it, so this needs the signatures of targets once.",
    .example = "  pintle zone add payments --repo pins",
    .options = options_of_add,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_add,
};

static const struct pti_option options_of_rotate[] = {
    PTI_OPTION_REPO,
    {"key", "KEY",
     "a new key that signs the zone, public half or whole; repeat it for several\n"
     "(default: one is made in keys/, and `pintle publish` signs with it)",
     true},
    {"threshold", "M", "how many of the keys must sign (default 1)", false},
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_END,
};

const struct pti_command pti_command_zone_rotate = {
    .name = "zone rotate",
    .summary = "Replace all keys of a zone: when one was stolen",
    .operands = "ZONE",
    .details =
        "Needs the signatures of targets, and the new keys sign the zone again. Keys that the zone ever had are\n"
        "refused: only under new ones do clients disregard what a thief signed. Look at the zone's pins first,\n"
        "and deny a thief's key in the charter: `pintle pin add HOST --key FILE --deny --permanent`.",
    .example = "  pintle zone rotate payments --repo pins",
    .options = options_of_rotate,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_rotate,
};

static const struct pti_option options_of_list[] = {PTI_OPTION_REPO, PTI_OPTION_JSON, PTI_OPTION_END};

const struct pti_command pti_command_zone_list = {
    .name = "zone list",
    .summary = "List the zones, as staged",
    .operands = "",
    .example = "  pintle zone list --repo pins",
    .options = options_of_list,
    .run = run_list,
};

static enum pintle_status run_renew(struct pti_cli *cli)
{
    const char *zone = cli->operands[0];

    if (!pti_zone_name_valid(pti_bytes_text(zone))) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "expected a zone, found \"%.80s\"; `pintle zone list` shows them", zone);
    }
    return pti_session_renew(cli, zone);
}

static const struct pti_option options_of_renew[] = {PTI_OPTION_REPO, PTI_OPTION_END};

const struct pti_command pti_command_zone_renew = {
    .name = "zone renew",
    .summary = "Give a zone a new expiry, content unchanged",
    .operands = "ZONE",
    .details =
        "Needs the zone's signatures. Past its expiry clients keep the zone's pins and call them stale; `pintle\n"
        "status` says when it is time.",
    .example = "  pintle zone renew main --repo pins",
    .options = options_of_renew,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_renew,
};
