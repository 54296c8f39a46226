/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passphrases and PINs come from a file, a descriptor or a terminal, never from the command line or the environment, which
 * others can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cli/given_file.h"
#include "cli/keys.h"

void pti_passphrase_free(char *passphrase)
{
    if (passphrase) {
        OPENSSL_cleanse(passphrase, strlen(passphrase));
        free(passphrase);
    }
}

/* What is read: "a passphrase", "a PIN". */
struct secret {
    const char *what;
    size_t max; /* bytes */
};

static const struct secret a_passphrase = {"a passphrase", PTI_PASSPHRASE_MAX};
static const struct secret a_pin = {"a PIN", PTI_PIN_MAX};

/* The first line of stream, without its end. */
static enum pintle_status read_line(struct pti_cli *cli, FILE *stream, const char *name, const struct secret *secret,
                                    char **text)
{
    char line[PTI_PASSPHRASE_MAX + 3]; /* with the end of the line; the longest secret */
    enum pintle_status status = PINTLE_OK;

    *text = NULL;
    if (!fgets(line, sizeof line, stream)) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected %s in %s, found nothing", secret->what, name);
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected %s in the first line of %s, found an empty line",
                          secret->what, name);
    } else if (strlen(line) > secret->max) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT, "expected %s of at most %zu bytes in %s, found more",
                          secret->what, secret->max, name);
    } else {
        *text = malloc(strlen(line) + 1);
        if (!*text) {
            status = pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for %s", secret->what);
        } else {
            memcpy(*text, line, strlen(line) + 1);
        }
    }
    OPENSSL_cleanse(line, sizeof line);
    return status;
}

static enum pintle_status read_stream(struct pti_cli *cli, FILE *stream, const char *name, const struct secret *secret,
                                      char **text)
{
    enum pintle_status status = PINTLE_OK;

    (void)setvbuf(stream, NULL, _IONBF, 0); /* no copy left in a buffer */
    status = read_line(cli, stream, name, secret, text);
    fclose(stream);
    return status;
}

static enum pintle_status read_file(struct pti_cli *cli, const char *path, const struct secret *secret, char **text)
{
    FILE *file = fopen(path, "r");

    *text = NULL;
    return file ? read_stream(cli, file, path, secret, text) : pti_given_file_missing(path, &cli->error);
}

static enum pintle_status copy(struct pti_cli *cli, const char *from, char **to)
{
    *to = from ? malloc(strlen(from) + 1) : NULL;
    if (from && !*to) {
        return pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for a secret");
    }
    if (from) {
        memcpy(*to, from, strlen(from) + 1);
    }
    return PINTLE_OK;
}

enum pintle_status pti_passphrase_from_file(struct pti_cli *cli, char **passphrase)
{
    const char *path = pti_cli_text(cli, "passphrase-file");
    enum pintle_status status = PINTLE_OK;

    *passphrase = NULL;
    if (path && !cli->keys.passphrase) {
        status = read_file(cli, path, &a_passphrase, &cli->keys.passphrase);
    }
    return status == PINTLE_OK ? copy(cli, cli->keys.passphrase, passphrase) : status;
}

static volatile sig_atomic_t interrupted_by;

static void on_signal(int number)
{
    interrupted_by = number;
}

/*
 * Prompts and reads a line while SIGINT and SIGTERM only interrupt it, so that the terminal gets its echo back first.  They
 * are blocked but while it waits, so that none is lost between a look and a wait.  A terminal is readable when it has a
 * whole line.
 */
static enum pintle_status read_interruptibly(struct pti_cli *cli, const struct secret *secret, const char *prompt,
                                             char **text)
{
    struct sigaction action = {.sa_handler = on_signal}, on_int, on_term;
    enum pintle_status status = PINTLE_OK;
    sigset_t blocked, before;
    int ready = 0;

    sigemptyset(&action.sa_mask);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    interrupted_by = 0;
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    sigaction(SIGINT, &action, &on_int);
    sigaction(SIGTERM, &action, &on_term);
    fputs(prompt, cli->err);
    fflush(cli->err);
    while (ready == 0 && interrupted_by == 0) {
        const struct timespec second = {.tv_sec = 1}; /* another thread, of a token's module, may get the signal */
        fd_set input;

        FD_ZERO(&input);
        FD_SET(STDIN_FILENO, &input);
        ready = pselect(STDIN_FILENO + 1, &input, NULL, NULL, &second, &before);
        ready = ready < 0 && errno == EINTR ? 0 : ready;
    }
    if (interrupted_by == 0) {
        status = read_line(cli, stdin, "the terminal", secret, text);
    } else {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT, "interrupted while asked for %s", secret->what);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL); /* one that waited is still only noted */
    sigaction(SIGINT, &on_int, NULL);
    sigaction(SIGTERM, &on_term, NULL);
    return status;
}

/* prompt is complete; without is what to say if there is no terminal. */
static enum pintle_status ask(struct pti_cli *cli, const struct secret *secret, const char *prompt, const char *without,
                              char **text)
{
    enum pintle_status status = PINTLE_OK;
    struct termios saved, silent;

    *text = NULL;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT, "%s", without);
    }
    silent = saved;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    /* First, for it throws away what was typed before: whoever sees the prompt may answer at once, and unseen. */
    if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "the terminal cannot be told to hide what is typed; give %s in a file", secret->what);
    }
    status = read_interruptibly(cli, secret, prompt, text);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
    fputs("\n", cli->err);
    if (interrupted_by != 0) {
        (void)raise(interrupted_by);
    }
    return status;
}

enum pintle_status pti_passphrase_ask(struct pti_cli *cli, const char *path, char **passphrase)
{
    char prompt[PTI_ERROR_DETAIL_MAX], without[PTI_ERROR_DETAIL_MAX];

    snprintf(prompt, sizeof prompt, "passphrase of %.300s: ", path);
    snprintf(without, sizeof without,
             "%.300s is encrypted and there is no terminal to ask; give --passphrase-file FILE", path);
    return ask(cli, &a_passphrase, prompt, without, passphrase);
}

/* ---- PINs ---- */

static enum pintle_status pin_from_descriptor(struct pti_cli *cli, char **pin)
{
    char name[40];
    int64_t number = 0;
    FILE *stream = NULL;
    enum pintle_status status = pti_cli_number(cli, "pin-fd", 0, 65535, &number);

    if (status != PINTLE_OK) {
        return status;
    }
    snprintf(name, sizeof name, "descriptor %d", (int)number);
    stream = number == STDOUT_FILENO || number == STDERR_FILENO ? NULL : fdopen((int)number, "r");
    if (!stream) {
        return pti_cli_usage(cli, "--pin-fd needs a descriptor that is open for reading, found %d", (int)number);
    }
    return read_stream(cli, stream, name, &a_pin, pin);
}

static enum pintle_status pin_from_terminal(struct pti_cli *cli, const struct pti_pin_request *request, char **pin)
{
    char prompt[PTI_ERROR_DETAIL_MAX], without[PTI_ERROR_DETAIL_MAX];

    snprintf(prompt, sizeof prompt,
             "%sPIN of token %s: ", request->last_try ? "the last try before the token locks itself\n" : "",
             request->token);
    snprintf(without, sizeof without,
             "token %s wants its PIN and there is no terminal to ask; give --pin-file FILE or --pin-fd N",
             request->token);
    return ask(cli, &a_pin, prompt, without, pin);
}

/* --pin-file and --pin-fd are read once: they may be pipes, and speak of every token that its URI says nothing of. */
static enum pintle_status pin_from_options(struct pti_cli *cli, char **pin)
{
    enum pintle_status status = PINTLE_OK;

    if (cli->keys.pin) {
        return copy(cli, cli->keys.pin, pin);
    }
    if (pti_cli_text(cli, "pin-fd") && pti_cli_text(cli, "pin-file")) {
        return pti_cli_usage(cli, "--pin-file and --pin-fd say the same; give one of them");
    }
    status = pti_cli_text(cli, "pin-fd") ? pin_from_descriptor(cli, &cli->keys.pin)
                                         : read_file(cli, pti_cli_text(cli, "pin-file"), &a_pin, &cli->keys.pin);
    return status == PINTLE_OK ? copy(cli, cli->keys.pin, pin) : status;
}

enum pintle_status pti_pin_answer(void *ctx, const struct pti_pin_request *request, char *pin, struct pti_error *error)
{
    struct pti_cli *cli = ctx;
    bool given = request->source || pti_cli_text(cli, "pin-file") || pti_cli_text(cli, "pin-fd");
    char *text = NULL;
    enum pintle_status status = PINTLE_OK;

    if (given && request->last_try) {
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "token %s: one more wrong PIN locks it, so none is taken from a file; type it once, without "
                        "--pin-file, --pin-fd and pin-source",
                        request->token);
    }
    if (request->source) {
        status = read_file(cli, request->source, &a_pin, &text);
    } else {
        status = given ? pin_from_options(cli, &text) : pin_from_terminal(cli, request, &text);
    }
    if (status == PINTLE_OK) {
        (void)pti_copy_text(pin, PTI_PIN_MAX + 1, text);
    } else if (error && error != &cli->error) {
        *error = cli->error;
    }
    pti_passphrase_free(text);
    return status;
}
