/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases come from a file or from a terminal, never from the command line, which others can read. */
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/given_file.h"
#include "cli/session.h"

void pti_passphrase_free(char *passphrase)
{
    if (passphrase) {
        OPENSSL_cleanse(passphrase, strlen(passphrase));
        free(passphrase);
    }
}

/* The first line of stream, without its end. */
static enum pintle_status read_line(struct pti_cli *cli, FILE *stream, const char *name, char **passphrase)
{
    char line[PTI_PASSPHRASE_MAX + 3]; /* with the end of the line */
    enum pintle_status status = PINTLE_OK;

    *passphrase = NULL;
    if (!fgets(line, sizeof line, stream)) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected a passphrase in %s, found nothing", name);
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "expected a passphrase in the first line of %s, found an empty line", name);
    } else if (strlen(line) > PTI_PASSPHRASE_MAX) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected a passphrase of at most %d bytes in %s, found more",
                          PTI_PASSPHRASE_MAX, name);
    } else {
        *passphrase = malloc(strlen(line) + 1);
        if (!*passphrase) {
            status = pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for a passphrase");
        } else {
            memcpy(*passphrase, line, strlen(line) + 1);
        }
    }
    OPENSSL_cleanse(line, sizeof line);
    return status;
}

enum pintle_status pti_passphrase_from_file(struct pti_cli *cli, char **passphrase)
{
    const char *path = pti_cli_text(cli, "passphrase-file");
    enum pintle_status status = PINTLE_OK;
    FILE *file = NULL;

    *passphrase = NULL;
    if (!path) {
        return PINTLE_OK;
    }
    file = fopen(path, "r");
    if (!file) {
        return pti_given_file_missing(path, &cli->error);
    }
    (void)setvbuf(file, NULL, _IONBF, 0); /* no copy left in a buffer */
    status = read_line(cli, file, path, passphrase);
    fclose(file);
    return status;
}

static volatile sig_atomic_t interrupted_by;

static void on_signal(int number)
{
    interrupted_by = number;
}

/* Reads a line while SIGINT and SIGTERM only interrupt it, so that the terminal gets its echo back first. */
static enum pintle_status read_interruptibly(struct pti_cli *cli, char **passphrase)
{
    struct sigaction action = {.sa_handler = on_signal}, on_int, on_term;
    enum pintle_status status = PINTLE_OK;

    sigemptyset(&action.sa_mask);
    interrupted_by = 0;
    sigaction(SIGINT, &action, &on_int);
    sigaction(SIGTERM, &action, &on_term);
    status = read_line(cli, stdin, "the terminal", passphrase);
    sigaction(SIGINT, &on_int, NULL);
    sigaction(SIGTERM, &on_term, NULL);
    return status;
}

enum pintle_status pti_passphrase_ask(struct pti_cli *cli, const char *path, char **passphrase)
{
    enum pintle_status status = PINTLE_OK;
    struct termios saved, silent;

    *passphrase = NULL;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "%s is encrypted and there is no terminal to ask; give --passphrase-file FILE", path);
    }
    silent = saved;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    fprintf(cli->err, "passphrase of %s: ", path);
    fflush(cli->err);
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "the terminal cannot be told to hide what is typed; give --passphrase-file FILE");
    }
    status = read_interruptibly(cli, passphrase);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
    fputs("\n", cli->err);
    if (interrupted_by != 0) {
        (void)raise(interrupted_by);
    }
    return status;
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

enum pintle_status pti_session_load_key(struct pti_cli *cli, const char *path, struct pti_signing_key **key)
{
    struct pintle_bytes pem = {NULL, 0};
    char *passphrase = NULL;
    enum pintle_status status = pti_given_file_read(path, PTI_KEY_FILE_SIZE_MAX, &pem, &cli->error);

    *key = NULL;
    if (status == PINTLE_OK) {
        status = passphrase_for(cli, pem, path, &passphrase);
    }
    if (status == PINTLE_OK) {
        status = pti_signing_key_parse(pem, path, passphrase, key, &cli->error);
    }
    pti_given_file_clear(&pem);
    pti_passphrase_free(passphrase);
    return status;
}

enum pintle_status pti_session_load_public_key(struct pti_cli *cli, const char *path, struct pti_public_key *key)
{
    struct pintle_bytes pem = {NULL, 0};
    char *passphrase = NULL;
    enum pintle_status status = pti_given_file_read(path, PTI_KEY_FILE_SIZE_MAX, &pem, &cli->error);

    memset(key, 0, sizeof *key);
    if (status == PINTLE_OK) {
        status = passphrase_for(cli, pem, path, &passphrase);
    }
    if (status == PINTLE_OK) {
        status = pti_public_key_parse(pem, path, passphrase, key, &cli->error);
    }
    pti_given_file_clear(&pem);
    pti_passphrase_free(passphrase);
    return status;
}
