/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle publish` */
#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "publish/publish.h"

/* ",main=3,payments=41": what clients hold from now on, which a stage that is not empty may not say. */
static void say_zones(struct pti_cli *cli, const struct pti_repository *repository)
{
    struct pti_stage published;

    if (pti_stage_init(&published, &repository->published, &repository->settings.days, repository->crypto, NULL) !=
        PINTLE_OK) {
        return;
    }
    for (size_t i = 0; i < published.zone_count; i++) {
        fprintf(cli->out, ",%s=%" PRId64, published.zones[i].name, published.zones[i].zone.version);
    }
    pti_stage_clear(&published);
}

static void say_published(struct pti_cli *cli, const struct pti_repository *repository, bool renewed, bool root,
                          const struct pti_publish_result *result)
{
    if (renewed) {
        fputs("nothing was staged: timestamp and snapshot are renewed\n", cli->out);
    }
    if (root) {
        fprintf(cli->out, "root %zu is out: clients follow it from any root they have\n", result->root_version);
    }
    fprintf(cli->out, "published timestamp %" PRId64 ", snapshot %" PRId64 ", targets %" PRId64 ": charter=%" PRId64,
            result->timestamp_version, result->snapshot_version, result->targets_version, result->charter_version);
    say_zones(cli, repository);
    fprintf(cli->out, "\n%zu files written; serve %s/public\n", result->file_count, repository->directory);
    if (pti_stage_has_drafts(&repository->stage)) {
        fputs("the other drafts stay staged; `pintle diff` shows them\n", cli->out);
    }
}

/* What signs nothing any more does not stay where pintled and `pintle publish` look for keys. */
static void retire_keys(struct pti_cli *cli, struct pti_repository *repository)
{
    struct pti_error error;
    char **names = NULL;
    size_t count = 0;

    if (pti_repository_retire_keys(repository, &names, &count, &error) != PINTLE_OK) {
        fprintf(cli->err, "warning: published, but old keys were not moved aside: %s\n", error.detail);
    }
    for (size_t i = 0; i < count; i++) {
        fprintf(cli->out, "moved keys/%s to keys/retired: it may sign nothing any more\n", names[i]);
    }
    pti_file_names_free(names, count);
}

/* One line, however many there are: keys that were copied without their modes. */
static void warn_of_exposed_keys(struct pti_cli *cli, const struct pti_repository *repository)
{
    char directory[PTI_PATH_MAX], path[PTI_PATH_MAX], first[PTI_PATH_MAX] = "", **names = NULL;
    bool private_key = false, encrypted = false;
    size_t count = 0, exposed = 0;

    if (pti_repository_path(repository, "keys", directory, NULL) != PINTLE_OK ||
        pti_file_list(directory, ".pem", &names, &count, NULL) != PINTLE_OK) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (pti_file_path(path, directory, names[i], NULL) == PINTLE_OK && pti_signing_key_is_exposed(path) &&
            pti_signing_key_look(path, &private_key, &encrypted, NULL) == PINTLE_OK && private_key && exposed++ == 0) {
            pti_copy_text(first, sizeof first, path);
        }
    }
    if (exposed == 1) {
        fprintf(cli->err, "warning: others than its owner may read %s, a private key; run `chmod 600 %s`\n", first,
                first);
    } else if (exposed > 1) {
        fprintf(cli->err,
                "warning: others than their owner may read %s and %zu more private key%s; run `chmod 600 %s/*.pem`\n",
                first, exposed - 1, exposed > 2 ? "s" : "", directory);
    }
    pti_file_names_free(names, count);
}

/* A *.pem without a private key signs nothing, though somebody may count on it: the first such file, or "". */
static void find_public(const struct pti_repository *repository, char path[PTI_PATH_MAX])
{
    char directory[PTI_PATH_MAX], **names = NULL;
    bool private_key = true, encrypted = false;
    size_t count = 0;

    path[0] = '\0';
    if (pti_repository_path(repository, "keys", directory, NULL) != PINTLE_OK ||
        pti_file_list(directory, ".pem", &names, &count, NULL) != PINTLE_OK) {
        return;
    }
    for (size_t i = 0; i < count && private_key; i++) {
        if (pti_file_path(path, directory, names[i], NULL) != PINTLE_OK ||
            pti_signing_key_look(path, &private_key, &encrypted, NULL) != PINTLE_OK || private_key) {
            private_key = true;
            path[0] = '\0';
        }
    }
    pti_file_names_free(names, count);
}

static void mention_public(const struct pti_repository *repository, struct pti_error *error)
{
    char path[PTI_PATH_MAX];

    find_public(repository, path);
    if (path[0] != '\0') {
        pti_fail(error, error->status, "%.300s; %.150s holds no private key, so it signs nothing", error->detail, path);
    }
}

/* Perhaps the key that was missing is there, and only its passphrase is not. */
static void mention_encrypted(struct pti_error *error, size_t count)
{
    pti_fail(error, error->status, "%.400s; %zu encrypted key%s in keys/ %s not used, --passphrase-file FILE opens %s",
             error->detail, count, count == 1 ? "" : "s", count == 1 ? "was" : "were", count == 1 ? "it" : "them");
}

static enum pintle_status run_publish(struct pti_cli *cli)
{
    struct pti_session session;
    struct pti_keyring ring = {.count = 0};
    struct pti_publish_result result = {0};
    size_t encrypted = 0, roots = 0;
    const char *only[PTI_CLI_GIVEN_MAX];
    bool renewed = false;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_load_ring(&session, cli, &ring, &encrypted);
    warn_of_exposed_keys(cli, session.repository);
    if (status == PINTLE_OK) {
        renewed = !pti_stage_has_drafts(&session.repository->stage);
        roots = session.repository->published.root_count;
        session.repository->clock_is_right = pti_cli_flag(cli, "clock-is-right");
        session.repository->only = only;
        session.repository->only_count = pti_session_only(cli, only);
        status = pti_publish(session.repository, &ring, session.now, &result, &cli->error);
        if (status != PINTLE_OK) {
            pti_session_mention_only(&session, cli);
        }
    }
    if (status == PINTLE_OK) {
        say_published(cli, session.repository, renewed, result.root_version > roots, &result);
        retire_keys(cli, session.repository);
        status = pti_session_mirror(&session, cli);
    } else if (encrypted > 0) {
        mention_encrypted(&cli->error, encrypted);
    } else if (status == PINTLE_ERR_TRUST) {
        mention_public(session.repository, &cli->error);
    }
    pti_keyring_clear(&ring);
    pti_session_close(&session);
    return status;
}

static const struct pti_option options_of_publish[] = {
    PTI_OPTION_REPO,
    {"key", "KEY", "sign with this key too, besides those in DIR/keys; repeat it for several", true},
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_ONLY("publish"),
    PTI_OPTION_TO,
    {"clock-is-right", NULL, "publish though the last publication is dated more than a day ahead of this clock", false},
    PTI_OPTION_END,
};

const struct pti_command pti_command_publish = {
    .name = "publish",
    .summary = "Write what is staged and signed to DIR/public, as clients take it",
    .operands = "",
    .details =
        "Signs with the keys in DIR/keys, refuses if a threshold is missing, and lets the client's own code\n"
        "accept the new generation before anything is written. With nothing staged it renews snapshot and\n"
        "timestamp. Key files that may sign nothing any more are moved to DIR/keys/retired. A team whose draft\n"
        "is complete need not wait for another's: `--only ZONE`. With --to the files in DIR are complete at every\n"
        "moment: what is referred to comes first, each file at once, heads and timestamp last.",
    .example = "  pintle publish --repo pins",
    .options = options_of_publish,
    .run = run_publish,
};
