/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keys.h"

#include <string.h>

#include "base/buf.h"
#include "cli/given_file.h"
#include "publish/pkcs11_uri.h"

static void pass_on(void *ctx, struct pintle_bytes text)
{
    const struct pti_cli *cli = ctx;

    fwrite(text.data, 1, text.size, cli->err);
    fflush(cli->err);
}

struct pti_key_access *pti_cli_key_access(struct pti_cli *cli)
{
    const struct pti_key_access_calls calls = {pti_pin_answer, pass_on, cli};

    if (!cli->keys.access) {
        (void)pti_key_access_new(&calls, &cli->keys.access, &cli->error);
    }
    return cli->keys.access;
}

void pti_cli_keys_clear(struct pti_cli *cli)
{
    pti_key_access_free(cli->keys.access);
    pti_passphrase_free(cli->keys.passphrase);
    pti_passphrase_free(cli->keys.pin);
    memset(&cli->keys, 0, sizeof cli->keys);
}

/* What opens a key: NULL if it needs nothing. */
static enum pintle_status passphrase_for(struct pti_cli *cli, struct pintle_bytes pem, const char *path,
                                         char **passphrase)
{
    bool private_key = false, encrypted = false;

    *passphrase = NULL;
    pti_signing_key_inspect(pem, &private_key, &encrypted);
    if (private_key && pti_signing_key_is_exposed(path)) {
        fprintf(cli->err, "warning: others than its owner may read %s, a private key; run `chmod 600 %s`\n", path,
                path);
    }
    if (!encrypted) {
        return PINTLE_OK;
    }
    return pti_cli_text(cli, "passphrase-file") ? pti_passphrase_from_file(cli, passphrase)
                                                : pti_passphrase_ask(cli, path, passphrase);
}

static enum pintle_status load_pem(struct pti_cli *cli, struct pintle_bytes pem, const char *path,
                                   struct pti_signing_key **key)
{
    char *passphrase = NULL;
    enum pintle_status status = passphrase_for(cli, pem, path, &passphrase);

    if (status == PINTLE_OK) {
        status = pti_signing_key_parse(pem, path, passphrase, key, &cli->error);
    }
    pti_passphrase_free(passphrase);
    return status;
}

static enum pintle_status load_signer(struct pti_cli *cli, struct pintle_bytes text, const char *path,
                                      struct pti_signing_key **key)
{
    struct pti_key_access *access = pti_cli_key_access(cli);
    struct pti_signer_file file;
    enum pintle_status status = access ? pti_signer_file_check_place(path, &cli->error) : cli->error.status;

    if (status == PINTLE_OK) {
        status = pti_signer_file_parse(text, path, &file, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = pti_signer_file_key(&file, path, access, key, &cli->error);
        pti_signer_file_clear(&file);
    }
    return status;
}

enum pintle_status pti_session_load_key(struct pti_cli *cli, const char *name, struct pti_signing_key **key)
{
    struct pintle_bytes text = {NULL, 0};
    enum pintle_status status = PINTLE_OK;

    *key = NULL;
    if (pti_pkcs11_uri_is(name)) {
        return pti_cli_key_access(cli) ? pti_pkcs11_key_open(cli->keys.access, name, key, &cli->error)
                                       : cli->error.status;
    }
    status = pti_given_file_read(name, PTI_KEY_FILE_SIZE_MAX, &text, &cli->error);
    if (status == PINTLE_OK) {
        status = pti_signer_file_is(text) ? load_signer(cli, text, name, key) : load_pem(cli, text, name, key);
    }
    pti_given_file_clear(&text);
    return status;
}

static enum pintle_status load_public_of_token(struct pti_cli *cli, const char *uri, struct pti_public_key *key)
{
    struct pti_signing_key *opened = NULL;
    enum pintle_status status = pti_session_load_key(cli, uri, &opened);

    if (status == PINTLE_OK) {
        status = pti_public_key_copy(pti_signing_key_public(opened), key, &cli->error);
    }
    pti_signing_key_free(opened);
    return status;
}

static enum pintle_status load_public_of_pem(struct pti_cli *cli, struct pintle_bytes pem, const char *path,
                                             struct pti_public_key *key)
{
    char *passphrase = NULL;
    enum pintle_status status = passphrase_for(cli, pem, path, &passphrase);

    if (status == PINTLE_OK) {
        status = pti_public_key_parse(pem, path, passphrase, key, &cli->error);
    }
    pti_passphrase_free(passphrase);
    return status;
}

enum pintle_status pti_session_load_public_key(struct pti_cli *cli, const char *name, struct pti_public_key *key)
{
    struct pintle_bytes text = {NULL, 0};
    enum pintle_status status = PINTLE_OK;

    memset(key, 0, sizeof *key);
    if (pti_pkcs11_uri_is(name)) {
        return load_public_of_token(cli, name, key);
    }
    status = pti_given_file_read(name, PTI_KEY_FILE_SIZE_MAX, &text, &cli->error);
    if (status == PINTLE_OK) {
        status = pti_signer_file_is(text) ? pti_signer_file_public(text, name, key, &cli->error)
                                          : load_public_of_pem(cli, text, name, key);
    }
    pti_given_file_clear(&text);
    return status;
}
