/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle zone keys|remove`: a zone handed to others, and withdrawn */
#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/root_keys.h"
#include "cli/session.h"
#include "pin/zone.h"

static enum pintle_status find_zone(struct pti_cli *cli, const struct pti_session *session,
                                    const struct pti_stage_zone **zone)
{
    *zone = pti_stage_zone(&session->repository->stage, cli->operands[0]);
    return *zone ? PINTLE_OK
                 : pti_fail(&cli->error, PINTLE_ERR_INPUT,
                            "expected a zone, found \"%.80s\"; `pintle zone list` shows them", cli->operands[0]);
}

/* ---- who signs it ---- */

static const struct pti_column zone_columns[] = {
    {"zone", "zone", PTI_SHOWN_BOTH},
    {"threshold", "must sign", PTI_SHOWN_BOTH},
};

static const struct pti_column key_columns[] = {
    {"keyid", NULL, PTI_SHOWN_JSON},
    {"short_id", "key id", PTI_SHOWN_TEXT},
    {"type", "type", PTI_SHOWN_BOTH},
    {"signed", "signed the draft", PTI_SHOWN_BOTH},
};

static enum pintle_status put_key(struct pti_cli *cli, struct pti_printout *printout, const struct pti_session *session,
                                  const struct pti_stage_zone *zone, const struct pti_public_key *key)
{
    enum pti_key_kind kind;
    bool has_signed = false;
    enum pintle_status status = PINTLE_OK;

    pti_printout_row(printout);
    pti_printout_text(printout, "keyid", key->id);
    pti_printout_format(printout, "short_id", "%.16s", key->id);
    pti_printout_text(printout, "type",
                      pti_public_key_kind(key, &kind, NULL) == PINTLE_OK ? pti_key_kind_name(kind) : "other");
    if (zone->draft.size > 0) {
        status = pti_envelope_signed_by(zone->draft, key, session->crypto, &has_signed, &cli->error);
        pti_printout_bool(printout, "signed", has_signed);
    }
    return status;
}

static enum pintle_status fill_keys(struct pti_cli *cli, const struct pti_session *session,
                                    struct pti_printout *printout)
{
    const struct pti_stage_zone *zone = NULL;
    enum pintle_status status = find_zone(cli, session, &zone);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_record(printout, NULL, zone_columns, PTI_COUNT(zone_columns));
    pti_printout_text(printout, "zone", zone->name);
    pti_printout_integer(printout, "threshold", zone->keys.threshold);
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "keys", "keys:", NULL, key_columns, PTI_COUNT(key_columns));
    for (size_t i = 0; i < zone->keys.key_count && status == PINTLE_OK; i++) {
        status = put_key(cli, printout, session, zone, &zone->keys.keys[i]);
    }
    return status;
}

/* ---- others may sign it ---- */

static enum pintle_status add_key(struct pti_cli *cli, struct pti_session *session, const char *path,
                                  struct pti_role_keys *keys)
{
    struct pti_public_key key;
    enum pintle_status status = pti_session_load_public_key(cli, path, &key);

    if (status == PINTLE_OK && pti_role_keys_find(keys, key.id)) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "%.200s: expected a key that the zone lacks, found %.16s, which signs it already", path,
                          key.id);
    }
    if (status == PINTLE_OK) {
        status = pti_role_keys_add(keys, &key, &cli->error);
    }
    if (status == PINTLE_OK) {
        pti_session_say(session, "zone %s: key %.16s is added\n", cli->operands[0], key.id);
    }
    pti_public_key_clear(&key);
    return status;
}

static enum pintle_status remove_key(struct pti_cli *cli, struct pti_session *session, const char *text,
                                     struct pti_role_keys *keys)
{
    char keyid[PTI_KEYID_SIZE + 1];
    enum pintle_status status = pti_cli_role_key(cli, keys, cli->operands[0], text, keyid);

    if (status == PINTLE_OK && !pti_role_keys_find(keys, keyid)) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "%.200s: expected a key of zone %s, found %.16s; `pintle zone keys %s` shows them", text,
                          cli->operands[0], keyid, cli->operands[0]);
    }
    if (status == PINTLE_OK) {
        pti_role_keys_remove(keys, keyid);
        pti_session_say(session, "zone %s: key %.16s is removed\n", cli->operands[0], keyid);
    }
    return status;
}

/* The keys as they are staged, with what the options change. */
static enum pintle_status wanted_keys(struct pti_cli *cli, struct pti_session *session, struct pti_role_keys *keys)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < pti_cli_count(cli, "add") && status == PINTLE_OK; i++) {
        status = add_key(cli, session, pti_cli_nth(cli, "add", i), keys);
    }
    for (size_t i = 0; i < pti_cli_count(cli, "remove") && status == PINTLE_OK; i++) {
        status = remove_key(cli, session, pti_cli_nth(cli, "remove", i), keys);
    }
    if (status == PINTLE_OK) {
        status = pti_cli_number(cli, "threshold", 1, PTI_KEYS_MAX, &keys->threshold);
    }
    if (status == PINTLE_OK && (int64_t)keys->key_count < keys->threshold) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "zone %s: %" PRId64
                          " keys must sign, and %zu would be left; give it another with --add FILE, "
                          "or lower --threshold",
                          cli->operands[0], keys->threshold, keys->key_count);
    }
    return status;
}

static enum pintle_status edit_keys(struct pti_cli *cli, struct pti_session *session)
{
    struct pti_file_source source = pti_repository_source(session->repository);
    struct pti_role_keys keys = {0};
    const struct pti_stage_zone *zone = NULL;
    enum pintle_status status = find_zone(cli, session, &zone);

    if (status == PINTLE_OK) {
        status = pti_role_keys_copy(&zone->keys, &keys, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = wanted_keys(cli, session, &keys);
    }
    if (status == PINTLE_OK) {
        status = pti_stage_zone_set_keys(&session->repository->stage, cli->operands[0], &keys, &source, &cli->error);
    }
    for (size_t i = 0; i < keys.key_count && status == PINTLE_OK; i++) {
        pti_cli_warn_of_second_role(cli, &session->repository->stage, cli->operands[0], &keys.keys[i]);
    }
    if (status == PINTLE_OK) {
        pti_session_say(session, "zone %s: %" PRId64 " of %zu keys must sign\n", cli->operands[0], keys.threshold,
                        keys.key_count);
        status = pti_session_save(session, cli);
    }
    pti_role_keys_clear(&keys);
    return status;
}

static enum pintle_status run_keys(struct pti_cli *cli)
{
    struct pti_session session;
    enum pintle_status status = PINTLE_OK;
    bool edit = pti_cli_count(cli, "add") + pti_cli_count(cli, "remove") + pti_cli_count(cli, "threshold") > 0;

    if (!edit) {
        return pti_session_report(cli, fill_keys, NULL);
    }
    if (pti_cli_flag(cli, "json")) {
        return pti_cli_usage(cli, "--json shows the keys and does not go with --add, --remove and --threshold");
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    status = edit_keys(cli, &session);
    pti_session_close(&session);
    return status;
}

static const struct pti_option options_of_keys[] = {
    PTI_OPTION_REPO,
    {"add", "KEY", "let this key sign the zone too, public half or whole; repeat it for several", true},
    {"remove", "KEY",
     "let this key sign it no more: a key id, 8 or more hex digits of one, or a file that holds it;\n"
     "repeat it for several",
     true},
    {"threshold", "M", "how many of the keys must sign", false},
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_zone_keys = {
    .name = "zone keys",
    .summary = "Show who may sign a zone, or hand it to others",
    .operands = "ZONE",
    .details =
        "Needs the signatures of targets, and those who may sign from then on sign the zone once. Its versions go\n"
        "on. A key that the zone had once and has no more is refused. When a key was stolen, replace all of\n"
        "them: `pintle zone rotate`.",
    .example = "  pintle zone keys payments --add bob.pub --threshold 2 --repo pins",
    .options = options_of_keys,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_keys,
};

/* ---- withdrawn ---- */

static enum pintle_status run_remove(struct pti_cli *cli)
{
    const char *name = cli->operands[0];
    const struct pti_published_zone *published = NULL;
    struct pti_session session;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);

    if (status != PINTLE_OK) {
        return status;
    }
    published = pti_published_zone(&session.repository->published, name);
    status = pti_stage_zone_remove(&session.repository->stage, name, &cli->error);
    if (status == PINTLE_OK) {
        pti_session_say(
            &session,
            published && published->delegated
                ? "zone %s: withdrawn; its keys sign nothing once that is published, and a zone of that name "
                  "needs others\n"
                : "zone %s: taken out of the stage; it is not published\n",
            name);
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

static const struct pti_option options_of_remove[] = {PTI_OPTION_REPO, PTI_OPTION_END};

const struct pti_command pti_command_zone_remove = {
    .name = "zone remove",
    .summary = "Withdraw a zone that has no hosts any more",
    .operands = "ZONE",
    .details =
        "Needs the signatures of targets, not the zone's own. Move its hosts to another zone or release them first.\n"
        "Clients remember its last version: should the name come back, an old file of it is refused.",
    .example = "  pintle zone remove payments --repo pins",
    .options = options_of_remove,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_remove,
};
