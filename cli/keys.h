/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as the command line names them, the same everywhere: a file that holds the key (or, where that is enough, its public
 * half), a signer file, or "pkcs11:..."; and the secrets that open them, which are never on the command line.
 */
#ifndef PTI_CLI_KEYS_H
#define PTI_CLI_KEYS_H

#include "cli/cli.h"
#include "publish/key_access.h"

/* The options that every command with keys has; one that makes keys has those of tokens alone. */
#define PTI_OPTIONS_PIN                                                                                                \
    {"pin-file", "FILE", "the PIN of tokens is the first line of FILE (else the terminal is asked)", false},           \
    {                                                                                                                  \
        "pin-fd", "N", "the PIN of tokens is the first line of what descriptor N gives", false                         \
    }
#define PTI_OPTIONS_SECRETS                                                                                            \
    {"passphrase-file", "FILE",                                                                                        \
     "the passphrase of encrypted keys is the first line of FILE (else the terminal is asked)", false},                \
        PTI_OPTIONS_PIN

/*
 * The passphrase in the first line of --passphrase-file, malloc'ed; NULL without that option.  The file is read once,
 * however often this is called, so that it may be a pipe.  Frees with pti_passphrase_free().  PINTLE_ERR_STORAGE,
 * PINTLE_ERR_INPUT (empty).
 */
enum pintle_status pti_passphrase_from_file(struct pti_cli *cli, char **passphrase);
/*
 * Asks on the terminal, without echo, for the passphrase of path.  PINTLE_ERR_INPUT if standard input is no terminal:
 * the message names --passphrase-file.
 */
enum pintle_status pti_passphrase_ask(struct pti_cli *cli, const char *path, char **passphrase);
void pti_passphrase_free(char *passphrase); /* wipes; NULL is legal */

/* For struct pti_key_access_calls: --pin-fd, --pin-file, the file that a URI names, or the terminal; ctx is a pti_cli. */
enum pintle_status pti_pin_answer(void *ctx, const struct pti_pin_request *request, char *pin, struct pti_error *error);

/* How this command reaches keys that lie elsewhere: made when it is first asked for.  NULL without memory. */
struct pti_key_access *pti_cli_key_access(struct pti_cli *cli);
/* Closes and wipes; after the keys. */
void pti_cli_keys_clear(struct pti_cli *cli);

/* Loads a key that can sign; an encrypted one with --passphrase-file, else by asking. */
enum pintle_status pti_session_load_key(struct pti_cli *cli, const char *name, struct pti_signing_key **key);
/* Loads the public half from whatever names the key, its public half included; the caller clears it. */
enum pintle_status pti_session_load_public_key(struct pti_cli *cli, const char *name, struct pti_public_key *key);

#endif
