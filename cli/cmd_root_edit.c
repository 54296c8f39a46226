/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle root add|remove|rotate|threshold|renew`: every edit goes into one next root */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/root_keys.h"

/* What one edit does to the stage; what it did goes to pti_session_say(). */
typedef enum pintle_status (*root_edit)(struct pti_cli *cli, struct pti_session *session, enum pti_tuf_type role);

static enum pintle_status run_edit(struct pti_cli *cli, root_edit edit)
{
    struct pti_session session;
    enum pti_tuf_type role = PTI_TUF_ROOT;
    enum pintle_status status = pti_cli_root_role(cli, &role);

    if (status == PINTLE_OK) {
        status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    status = edit(cli, &session, role);
    if (status == PINTLE_OK) {
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

/* ---- add, remove, threshold ---- */

static enum pintle_status add(struct pti_cli *cli, struct pti_session *session, enum pti_tuf_type role)
{
    struct pti_public_key key;
    enum pintle_status status = pti_session_load_public_key(cli, cli->operands[0], &key);

    if (status == PINTLE_OK) {
        status = pti_stage_root_add(&session->repository->stage, role, &key, &cli->error);
    }
    if (status == PINTLE_OK) {
        pti_cli_warn_of_second_role(cli, &session->repository->stage, pti_tuf_type_name(role), &key);
        pti_session_say(session, "%s: key %.16s is added\n", pti_tuf_type_name(role), key.id);
    }
    pti_public_key_clear(&key);
    return status;
}

static enum pintle_status run_add(struct pti_cli *cli)
{
    return run_edit(cli, add);
}

static enum pintle_status remove_key(struct pti_cli *cli, struct pti_session *session, enum pti_tuf_type role)
{
    struct pti_stage *stage = &session->repository->stage;
    char keyid[PTI_KEYID_SIZE + 1];
    enum pintle_status status = pti_cli_root_key(cli, stage, role, cli->operands[0], keyid);

    if (status == PINTLE_OK) {
        status = pti_stage_root_remove(stage, role, keyid, &cli->error);
    }
    if (status == PINTLE_OK) {
        pti_session_say(session, "%s: key %.16s is removed\n", pti_tuf_type_name(role), keyid);
    }
    return status;
}

static enum pintle_status run_remove(struct pti_cli *cli)
{
    return run_edit(cli, remove_key);
}

static enum pintle_status set_threshold(struct pti_cli *cli, struct pti_session *session, enum pti_tuf_type role)
{
    struct pti_stage *stage = &session->repository->stage;
    int64_t threshold = strtoll(cli->operands[0], NULL, 10); /* digits, at most four: run_threshold() looked */
    enum pintle_status status = pti_stage_root_threshold(stage, role, threshold, &cli->error);

    if (status == PINTLE_OK) {
        pti_session_say(session, "%s: %" PRId64 " of %zu keys must sign\n", pti_tuf_type_name(role), threshold,
                        stage->root_keys[role].key_count);
    }
    return status;
}

static enum pintle_status run_threshold(struct pti_cli *cli)
{
    const char *text = cli->operands[0];

    if (strlen(text) > 4 || strspn(text, "0123456789") != strlen(text)) {
        return pti_cli_usage(cli, "expected a number of keys, found \"%.40s\"", text);
    }
    return run_edit(cli, set_threshold);
}

/* ---- rotate ---- */

static enum pintle_status replace(struct pti_cli *cli, struct pti_session *session, enum pti_tuf_type role)
{
    struct pti_stage *stage = &session->repository->stage;
    struct pti_public_key key = {{0}, NULL};
    char old[PTI_KEYID_SIZE + 1];
    enum pintle_status status = pti_cli_root_key(cli, stage, role, pti_cli_text(cli, "old"), old);

    if (status == PINTLE_OK) {
        status = pti_session_load_public_key(cli, pti_cli_text(cli, "new"), &key);
    }
    if (status == PINTLE_OK) {
        status = pti_stage_root_replace(stage, role, old, &key, &cli->error);
    }
    if (status == PINTLE_OK) {
        pti_cli_warn_of_second_role(cli, stage, pti_tuf_type_name(role), &key);
        pti_session_say(session, "%s: key %.16s is replaced by %.16s\n", pti_tuf_type_name(role), old, key.id);
    }
    pti_public_key_clear(&key);
    return status;
}

/* keys/timestamp.<root version>.pem and so on: pintled finds them beside the old ones, which sign until publication. */
static enum pintle_status save_ring(struct pti_cli *cli, const struct pti_repository *repository,
                                    enum pti_tuf_type role, const struct pti_keyring *ring)
{
    enum pintle_status status = PINTLE_OK;
    char name[64], path[PTI_PATH_MAX];

    snprintf(name, sizeof name, "%s.%zu", pti_tuf_type_name(role), repository->published.root_count + 1);
    for (size_t i = 0; i < ring->count && status == PINTLE_OK; i++) {
        status = pti_repository_save_key(repository, ring->keys[i], name, path, &cli->error);
        if (status == PINTLE_OK) {
            fprintf(cli->out, "made %s\n", path);
        }
    }
    return status;
}

static enum pintle_status replace_online(struct pti_cli *cli, struct pti_session *session, enum pti_tuf_type role)
{
    struct pti_repository *repository = session->repository;
    struct pti_keyring rings[PTI_TUF_TYPES];
    enum pintle_status status = pti_stage_root_replace_online(&repository->stage, rings, &cli->error);

    (void)role;
    if (status == PINTLE_OK) {
        status = save_ring(cli, repository, PTI_TUF_TIMESTAMP, &rings[PTI_TUF_TIMESTAMP]);
    }
    if (status == PINTLE_OK) {
        status = save_ring(cli, repository, PTI_TUF_SNAPSHOT, &rings[PTI_TUF_SNAPSHOT]);
    }
    pti_keyring_clear(&rings[PTI_TUF_TIMESTAMP]);
    pti_keyring_clear(&rings[PTI_TUF_SNAPSHOT]);
    return status;
}

static enum pintle_status run_rotate(struct pti_cli *cli)
{
    bool online = pti_cli_flag(cli, "online"), old = pti_cli_text(cli, "old"), new = pti_cli_text(cli, "new");
    enum pintle_status status = PINTLE_OK;

    if (online && (old || new || pti_cli_text(cli, "role"))) {
        return pti_cli_usage(cli, "--online makes the new keys itself; give it alone");
    }
    if (!online && (!old || !new)) {
        return pti_cli_usage(cli, "expected --old KEY with --new KEY, or --online");
    }
    status = run_edit(cli, online ? replace_online : replace);
    if (status == PINTLE_OK && online) {
        fputs(
            "until then the old keys go on signing, and stay in keys/\n"
            "1. have the root keys sign: `pintle sign --key FILE`, one person after another\n"
            "2. `pintle publish`: it starts the version numbers again and moves the old key files to keys/retired\n"
            "3. restart pintled, which reads its keys when it starts; on another machine give it the new files first\n",
            cli->out);
    }
    return status;
}

/* ---- renew ---- */

static enum pintle_status run_renew(struct pti_cli *cli)
{
    return pti_session_renew(cli, "root");
}

/* ---- the commands ---- */

static const struct pti_option options_of_edits[] = {
    PTI_OPTION_REPO,
    PTI_OPTION_ROLE,
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_END,
};

const struct pti_command pti_command_root_add = {
    .name = "root add",
    .summary = "Let one more key sign root, targets, snapshot or timestamp",
    .operands = "KEY",
    .details =
        "KEY is a file with the key or its public half, a signer file, or \"pkcs11:...\". A new root is staged; edits add up in it until it is published. It\n"
        "needs signatures of the old root keys and of the new ones. A removed key never returns.",
    .example = "  pintle root add dave-root.pem --repo pins",
    .options = options_of_edits,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_add,
};

const struct pti_command pti_command_root_remove = {
    .name = "root remove",
    .summary = "Let a key sign no longer; the threshold stays",
    .operands = "KEY",
    .details = "KEY is a key id or its first 8 or more digits, as `pintle root list` shows them, or names the\n"
               "key in another way, as for `root add`. Once published, the key can never be added again.",
    .example = "  pintle root remove 1f0c2d3e4a5b --role targets --repo pins",
    .options = options_of_edits,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_remove,
};

static const struct pti_option options_of_threshold[] = {PTI_OPTION_REPO, PTI_OPTION_ROLE, PTI_OPTION_END};

const struct pti_command pti_command_root_threshold = {
    .name = "root threshold",
    .summary = "Set how many keys of a role must sign",
    .operands = "N",
    .details = "More than half of the keys is a good choice: no two groups of people can then each sign alone.",
    .example = "  pintle root threshold 2 --role targets --repo pins",
    .options = options_of_threshold,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_threshold,
};

static const struct pti_option options_of_rotate[] = {
    PTI_OPTION_REPO,
    {"old", "KEY", "the key that goes: its id, the first digits of it, or a file", false},
    {"new", "KEY", "the key that comes, or its public half", false},
    PTI_OPTION_ROLE,
    {"online", NULL,
     "replace all timestamp and snapshot keys by new ones, made in DIR/keys: when a\n"
     "server was broken into",
     false},
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_END,
};

const struct pti_command pti_command_root_rotate = {
    .name = "root rotate",
    .summary = "Replace a key of the trust anchor, or all online keys at once",
    .operands = "(--old KEY --new KEY | --online)",
    .details =
        "The next root is signed by a threshold of the old root keys and of the new ones; clients follow it from\n"
        "any root they have, without an app release. New targets keys sign the charter again. With --online\n"
        "numbers start again, whatever a thief has used up: timestamp's at 1, snapshot's at the lowest that no\n"
        "file ever had. The keys of a zone are replaced by `pintle zone rotate`.",
    .example = "  pintle root rotate --old carol-root.pem --new dave-root.pem --repo pins\n"
               "  pintle root rotate --online --repo pins",
    .options = options_of_rotate,
    .run = run_rotate,
};

static const struct pti_option options_of_renew[] = {PTI_OPTION_REPO, PTI_OPTION_END};

const struct pti_command pti_command_root_renew = {
    .name = "root renew",
    .summary = "Give the trust anchor a new expiry, keys unchanged",
    .operands = "",
    .details =
        "Needs the signatures of root. Past its expiry clients keep their pins but take nothing new; `pintle status`\n"
        "says when it is time.",
    .example = "  pintle root renew --repo pins",
    .options = options_of_renew,
    .run = run_renew,
};
