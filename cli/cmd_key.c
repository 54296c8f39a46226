/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle key new|show` */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "publish/pkcs11_uri.h"

static const struct pti_column key_columns[] = {
    {"file", "file", PTI_SHOWN_BOTH},          {"keyid", "key id", PTI_SHOWN_BOTH},
    {"type", "type", PTI_SHOWN_BOTH},          {"public", "public", PTI_SHOWN_JSON},
    {"public_line", "public", PTI_SHOWN_TEXT}, {"repository", "repository", PTI_SHOWN_BOTH},
};

static const struct pti_column role_columns[] = {{"role", "role", PTI_SHOWN_BOTH}};

/* The key on one line: hex as it is, PEM without its armour. */
static void put_line(struct pti_printout *printout, struct pintle_bytes key)
{
    char line[1024];
    size_t length = 0;

    for (size_t at = 0; at < key.size && length < sizeof line - 1;) {
        const char *start = (const char *)key.data + at;
        const char *end = memchr(start, '\n', key.size - at);
        size_t size = end ? (size_t)(end - start) : key.size - at;

        if (strncmp(start, "-----", size < 5 ? size : 5) != 0 && length + size < sizeof line) {
            memcpy(line + length, start, size);
            length += size;
        }
        at += size + 1;
    }
    line[length] = '\0';
    pti_printout_text(printout, "public_line", line);
}

/* Type and public part, from the TUF key object. */
static enum pintle_status put_key(struct pti_cli *cli, struct pti_printout *printout, const struct pti_public_key *key)
{
    struct pti_json *json = NULL;
    const struct pti_json_value *value = NULL;
    struct pintle_bytes scheme = {NULL, 0}, text = {NULL, 0};
    enum pintle_status status = pti_json_parse(pti_bytes_text(key->json), &json, &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_json_get_string(pti_json_root(json), "scheme", &scheme, &cli->error);
    if (status == PINTLE_OK) {
        status = pti_json_get(pti_json_root(json), "keyval", PTI_JSON_OBJECT, &value, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = pti_json_get_string(value, "public", &text, &cli->error);
    }
    if (status == PINTLE_OK) {
        pti_printout_text(printout, "keyid", key->id);
        pti_printout_text(printout, "type", pti_bytes_equal_text(scheme, "ed25519") ? "ed25519" : "p256");
        pti_printout_format(printout, "public", "%.*s", (int)text.size, (const char *)text.data);
        put_line(printout, text);
    }
    pti_json_free(json);
    return status;
}

static enum pintle_status put_roles(struct pti_cli *cli, struct pti_printout *printout, const char *keyid)
{
    struct pti_session session;
    struct pti_role_state *roles = NULL;
    size_t count = 0;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_READ);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_text(printout, "repository", session.repository->settings.name);
    pti_printout_list(printout, PTI_LAYOUT_LINES, "roles",
                      "may sign in this repository:", "signs nothing in this repository", role_columns,
                      PTI_COUNT(role_columns));
    status = pti_stage_roles(&session.repository->stage, &roles, &count, &cli->error);
    for (size_t i = 0; status == PINTLE_OK && i < count; i++) {
        if (pti_role_keys_find(&roles[i].keys, keyid) || pti_role_keys_find(&roles[i].old_keys, keyid)) {
            pti_printout_row(printout);
            pti_printout_text(printout, "role", roles[i].name);
        }
    }
    pti_role_states_free(roles, count);
    pti_session_close(&session);
    return status;
}

/* Without --repo a key may be looked at anywhere; with a repository around, its roles are told too. */
static bool repository_is_meant(const struct pti_cli *cli)
{
    char path[PTI_PATH_MAX];

    if (pti_cli_text(cli, "repo") || getenv("PINTLE_REPO")) {
        return true;
    }
    return pti_file_path(path, pti_cli_repo(cli), "repository.json", NULL) == PINTLE_OK && pti_file_exists(path);
}

/* What others need to list the key, and nothing else. */
static enum pintle_status print_pem(struct pti_cli *cli, const struct pti_public_key *key)
{
    struct pti_buf pem;
    enum pintle_status status = PINTLE_OK;

    pti_buf_init(&pem, PTI_KEY_FILE_SIZE_MAX);
    status = pti_public_key_pem(key, &pem, &cli->error);
    if (status == PINTLE_OK) {
        fwrite(pem.data, 1, pem.size, cli->out);
    }
    pti_buf_clear(&pem);
    return status;
}

static enum pintle_status run_show(struct pti_cli *cli)
{
    struct pti_printout printout;
    struct pti_public_key key;
    enum pintle_status status = PINTLE_OK;

    if (pti_cli_flag(cli, "pem") && pti_cli_flag(cli, "json")) {
        return pti_cli_usage(cli, "--pem and --json are two forms of output; give one of them");
    }
    status = pti_session_load_public_key(cli, cli->operands[0], &key);
    if (status != PINTLE_OK) {
        return status;
    }
    if (pti_cli_flag(cli, "pem")) {
        status = print_pem(cli, &key);
        pti_public_key_clear(&key);
        return status;
    }
    pti_printout_init(&printout);
    pti_printout_record(&printout, NULL, key_columns, PTI_COUNT(key_columns));
    pti_printout_text(&printout, "file", cli->operands[0]);
    status = put_key(cli, &printout, &key);
    if (status == PINTLE_OK && repository_is_meant(cli)) {
        status = put_roles(cli, &printout, key.id);
    }
    if (status == PINTLE_OK) {
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    pti_printout_clear(&printout);
    pti_public_key_clear(&key);
    return status;
}

static enum pintle_status new_in_token(struct pti_cli *cli, const char *uri, enum pti_key_kind kind)
{
    struct pti_key_access *access = pti_cli_key_access(cli);
    struct pti_signing_key *key = NULL;
    enum pintle_status status = PINTLE_OK;

    if (pti_cli_text(cli, "passphrase-file")) {
        return pti_cli_usage(cli, "--passphrase-file encrypts a key file; a token has a PIN, see --pin-file");
    }
    status = access ? pti_pkcs11_key_generate(access, uri, kind, &key, &cli->error) : cli->error.status;
    if (status == PINTLE_OK) {
        fprintf(cli->out, "made a key in the token (%s)\nkey id %s\n", pti_key_kind_name(kind),
                pti_signing_key_public(key)->id);
    }
    pti_signing_key_free(key);
    return status;
}

static enum pintle_status run_new(struct pti_cli *cli)
{
    const char *path = cli->operands[0], *type = pti_cli_text(cli, "type");
    enum pti_key_kind kind = PTI_KEY_ECDSA_P256;
    struct pti_signing_key *key = NULL;
    char *passphrase = NULL;
    enum pintle_status status = PINTLE_OK;

    if (type && !pti_key_kind_parse(type, &kind)) {
        return pti_cli_usage(cli, "--type needs p256 or ed25519, found \"%.40s\"", type);
    }
    if (pti_pkcs11_uri_is(path)) {
        return new_in_token(cli, path, kind);
    }
    status = pti_passphrase_from_file(cli, &passphrase);
    if (status == PINTLE_OK) {
        status = pti_signing_key_generate(kind, &key, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = pti_signing_key_save(key, path, passphrase, &cli->error);
    }
    if (status == PINTLE_OK) {
        fprintf(cli->out, "made %s (%s%s)\nkey id %s\n", path, pti_key_kind_name(kind), passphrase ? ", encrypted" : "",
                pti_signing_key_public(key)->id);
    }
    pti_signing_key_free(key);
    pti_passphrase_free(passphrase);
    return status;
}

static const struct pti_option options_of_new[] = {
    {"type", "TYPE", "p256 (default) or ed25519", false},
    {"passphrase-file", "FILE", "encrypt it with the first line of FILE", false},
    PTI_OPTIONS_PIN,
    PTI_OPTION_END,
};

const struct pti_command pti_command_key_new = {
    .name = "key new",
    .summary = "Make a key that signs manifests (not a TLS key)",
    .operands = "KEY",
    .details =
        "KEY is a file, which becomes a private key in PKCS#8 PEM, mode 0600, or \"pkcs11:token=T;object=NAME\",\n"
        "and the key is made in the token and never leaves it. Nothing that exists is overwritten.",
    .example = "  pintle key new payments.pem",
    .options = options_of_new,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_new,
};

static const struct pti_option options_of_show[] = {
    PTI_OPTION_REPO, PTI_OPTIONS_SECRETS, {"pem", NULL, "print the public half as PEM, and nothing else", false},
    PTI_OPTION_JSON, PTI_OPTION_END,
};

const struct pti_command pti_command_key_show = {
    .name = "key show",
    .summary = "Show a signing key or its public half: id, type, what it may sign in the repository",
    .operands = "KEY",
    .details = "KEY is a file with the key or its public half, a signer file, or \"pkcs11:...\".",
    .example = "  pintle key show pins/keys/targets-1.pem --repo pins",
    .options = options_of_show,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_show,
};
