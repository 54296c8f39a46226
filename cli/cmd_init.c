/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle init` */
#include <string.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "publish/init.h"

static enum pintle_status read_options(struct pti_cli *cli, struct pti_init_options *options)
{
    int64_t keys = 1, threshold = 0;
    const char *type = pti_cli_text(cli, "key-type");

    options->directory = pti_cli_repo(cli);
    options->name = pti_cli_text(cli, "name");
    options->zone = pti_cli_text(cli, "zone");
    options->kind = PTI_KEY_ECDSA_P256;
    options->now = pti_session_time();
    if (type && !pti_key_kind_parse(type, &options->kind)) {
        return pti_cli_usage(cli, "--key-type needs p256 or ed25519, found \"%.40s\"", type);
    }
    if (pti_cli_number(cli, "offline-keys", 1, PTI_OFFLINE_KEYS_MAX, &keys) != PINTLE_OK) {
        return cli->error.status;
    }
    /* More than half, so that no two disjoint groups can each sign; one of one for a single machine. */
    threshold = keys / 2 + 1;
    if (pti_cli_number(cli, "threshold", 1, keys, &threshold) != PINTLE_OK) {
        return cli->error.status;
    }
    options->offline_keys = (int)keys;
    options->threshold = (int)threshold;
    return PINTLE_OK;
}

static void explain(const struct pti_init_options *options, struct pti_cli *cli)
{
    const char *directory = options->directory;

    fprintf(cli->out, "made repository %s; generation 1 is published in %s/public\n", directory, directory);
    fprintf(cli->out, "root and targets: %d of %d keys (%s/keys/root-*.pem, targets-*.pem)%s\n", options->threshold,
            options->offline_keys, directory, options->passphrase ? ", encrypted" : "");
    if (options->offline_keys > 1) {
        fputs("  move each pair of them to another person or medium, and away from this machine\n", cli->out);
    }
    fprintf(cli->out, "zone %s: its key signs from keys/, as snapshot and timestamp do\n",
            options->zone ? options->zone : "main");
    fprintf(cli->out,
            "an app embeds %s/app/roots, and %s/app/shipped so that it pins from its first start\n"
            "next: pintle host add HOST --zone %s --repo %s\n",
            directory, directory, options->zone ? options->zone : "main", directory);
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_init_options options = {0};
    struct pintle_crypto *crypto = NULL;
    char *passphrase = NULL;
    enum pintle_status status = read_options(cli, &options);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_passphrase_from_file(cli, &passphrase);
    if (status != PINTLE_OK) {
        return status;
    }
    options.passphrase = passphrase;
    status = pti_cli_crypto_new(cli, &crypto);
    if (status == PINTLE_OK) {
        status = pti_init(&options, crypto, &cli->error);
    }
    if (status == PINTLE_OK) {
        explain(&options, cli);
    }
    pintle_crypto_free(crypto);
    pti_passphrase_free(passphrase);
    return status;
}

static const struct pti_option options_of_init[] = {
    PTI_OPTION_REPO,
    {"name", "NAME", "the repository's signed name (default: the directory's); a client's store is bound to it", false},
    {"offline-keys", "N", "how many keys root and targets have, each (default 1)", false},
    {"threshold", "M", "how many of them must sign (default: more than half)", false},
    {"zone", "NAME", "the first zone (default main)", false},
    {"key-type", "TYPE", "p256 (default; every HSM and small TLS library has it) or ed25519", false},
    {"passphrase-file", "FILE", "encrypt the root and targets keys with the first line of FILE", false},
    PTI_OPTION_END,
};

const struct pti_command pti_command_init = {
    .name = "init",
    .summary = "Make a repository: keys, root, an empty charter, one zone; signed and published",
    .operands = "",
    .details = "Alone it yields a repository that works on a single machine, with all keys in DIR/keys. For a team,\n"
               "--offline-keys 3 asks for two of three people; nothing that exists is overwritten.",
    .example = "  pintle init --repo pins --offline-keys 3 --threshold 2",
    .options = options_of_init,
    .run = run,
};
