/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle key link`: a signer file, which stands for a key that a token or a program holds */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/keys.h"
#include "publish/file.h"
#include "publish/pkcs11_uri.h"

#define SIGNER_FILE_MAX 65536 /* bytes */

static enum pintle_status check_options(struct pti_cli *cli)
{
    const char *uri = pti_cli_text(cli, "pkcs11"), *program = pti_cli_text(cli, "program");

    if (!uri == !program) {
        return pti_cli_usage(cli, "expected --pkcs11 URI, or --program PATH with --public FILE");
    }
    if (uri && (pti_cli_text(cli, "argument") || pti_cli_text(cli, "timeout"))) {
        return pti_cli_usage(cli, "--argument and --timeout are for --program");
    }
    if (program && !pti_cli_text(cli, "public")) {
        return pti_cli_usage(cli, "--program needs --public FILE, the public half of the key that it signs with");
    }
    if (program && *program != '/') {
        return pti_cli_usage(cli, "--program needs an absolute path, for no shell looks for it; found \"%.100s\"",
                             program);
    }
    if (pti_cli_count(cli, "argument") >= PTI_SIGNER_ARGUMENTS_MAX) {
        return pti_cli_usage(cli, "expected at most %d --argument, found more; put them into a script",
                             PTI_SIGNER_ARGUMENTS_MAX - 1);
    }
    return PINTLE_OK;
}

/* words has room for the program, its arguments and the end. */
static void take_words(const struct pti_cli *cli, char **words)
{
    size_t count = 0;

    words[count++] = (char *)(uintptr_t)pti_cli_text(cli, "program");
    for (size_t i = 0; i < pti_cli_count(cli, "argument"); i++) {
        words[count++] = (char *)(uintptr_t)pti_cli_nth(cli, "argument", i);
    }
    words[count] = NULL;
}

static enum pintle_status write_file(struct pti_cli *cli, const struct pti_signer_file *file)
{
    struct pti_buf text;
    enum pintle_status status = PINTLE_OK;

    pti_buf_init(&text, SIGNER_FILE_MAX);
    pti_signer_file_write(file, &text);
    pti_buf_text(&text, "\n");
    status = pti_buf_check(&text, &cli->error, "a signer file");
    if (status == PINTLE_OK) {
        status = pti_file_create_private(cli->operands[0], pti_buf_bytes(&text), &cli->error);
    }
    pti_buf_clear(&text);
    return status;
}

/* The public half, from --public or from the token. */
static enum pintle_status read_public(struct pti_cli *cli, struct pti_public_key *key)
{
    const char *file = pti_cli_text(cli, "public");
    struct pti_pkcs11_uri parsed;

    if (!file) {
        return pti_session_load_public_key(cli, pti_cli_text(cli, "pkcs11"), key);
    }
    if (pti_cli_text(cli, "pkcs11") &&
        pti_pkcs11_uri_parse(pti_cli_text(cli, "pkcs11"), &parsed, &cli->error) != PINTLE_OK) {
        return cli->error.status;
    }
    return pti_session_load_public_key(cli, file, key);
}

static enum pintle_status run(struct pti_cli *cli)
{
    char *words[PTI_SIGNER_ARGUMENTS_MAX + 1] = {NULL};
    struct pti_signer_file file = {.timeout_s = PTI_SIGNER_TIMEOUT_DEFAULT};
    struct pti_public_key key = {{0}, NULL};
    enum pti_key_kind kind = PTI_KEY_ECDSA_P256;
    struct pti_buf pem;
    enum pintle_status status = check_options(cli);

    pti_buf_init(&pem, PTI_KEY_FILE_SIZE_MAX);
    if (status == PINTLE_OK) {
        status = pti_cli_number(cli, "timeout", 1, PTI_SIGNER_TIMEOUT_MOST, &file.timeout_s);
    }
    if (status == PINTLE_OK) {
        status = read_public(cli, &key);
    }
    if (status == PINTLE_OK) {
        status = pti_public_key_kind(&key, &kind, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = pti_public_key_pem(&key, &pem, &cli->error);
    }
    if (status == PINTLE_OK) {
        take_words(cli, words);
        file.uri = (char *)(uintptr_t)pti_cli_text(cli, "pkcs11"); /* both borrowed: only written */
        file.arguments = words[0] ? words : NULL;
        file.public_pem = (char *)(uintptr_t)pti_buf_cstr(&pem);
        status = file.public_pem ? write_file(cli, &file)
                                 : pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for a public key");
    }
    if (status == PINTLE_OK) {
        fprintf(cli->out, "made %s (%s)\nkey id %s\n", cli->operands[0], pti_key_kind_name(kind), key.id);
    }
    pti_public_key_clear(&key);
    pti_buf_clear(&pem);
    return status;
}

static const struct pti_option options[] = {
    {"pkcs11", "URI", "the key is in a token: \"pkcs11:token=...;object=...?module-path=...\"", false},
    {"program", "PATH", "the key is behind a program, which gets what to sign on standard input", false},
    {"argument", "WORD", "one argument of the program; repeat it for several", true},
    {"timeout", "SECONDS", "how long the program may take (default 60)", false},
    {"public", "FILE", "the public half, which a token shows by itself and a program does not", false},
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_END,
};

const struct pti_command pti_command_key_link = {
    .name = "key link",
    .summary = "Make a signer file: it stands for a key that is in a token or behind a program",
    .operands = "FILE",
    .details = "FILE can be given wherever a key file can; a *.signer in DIR/keys is used by `pintle publish`. It\n"
               "holds the public half and no secret. Who can write it can have you run what he likes.",
    .example = "  pintle key link alice.signer --program /usr/local/bin/sign-with-kms --argument alias/alice --public "
               "alice.pub",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
