/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command of `pintle` is, and what it is given.  A command reads its options here, calls the library and fills
 * a pti_printout; it never exits and never prints an error itself: it returns a status, with the detail in cli->error,
 * and main turns both into one line and an exit code.
 */
#ifndef PTI_CLI_CLI_H
#define PTI_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/error.h"
#include "cli/exit_code.h"

#define PTI_CLI_OPTIONS_MAX 40 /* in the table of one command */
#define PTI_CLI_GIVEN_MAX 128  /* on one command line */
#define PTI_CLI_OPERANDS_MAX 100

/* One long option.  value is what --help calls its argument, NULL for a flag. */
struct pti_option {
    const char *name;
    const char *value;
    const char *help; /* continuation lines are separated by '\n' */
    bool repeatable;
};

struct pti_cli;

struct pti_command {
    const char *name;                 /* "init", "pin add" */
    const char *summary;              /* one line in the list of commands */
    const char *operands;             /* the rest of the synopsis: "HOST (--cert FILE | ...)"; "" without any */
    const char *details;              /* what a person must know before using it; lines of at most 96 columns */
    const char *example;              /* works as it stands, once the names are yours; one or more lines */
    const struct pti_option *options; /* ends with a NULL name; --help is added to every command */
    const struct pti_option *shared;  /* further options, shared with other commands; likewise, or NULL */
    unsigned operands_min, operands_max;
    enum pintle_status (*run)(struct pti_cli *cli);
};

struct pti_given {
    const struct pti_option *option;
    const char *value;
};

/* What cli/keys.h has read, once, and has open. */
struct pti_key_access;
struct pti_cli_keys {
    char *passphrase;
    char *pin;
    struct pti_key_access *access;
};

struct pti_cli {
    const struct pti_command *command;
    struct pti_given given[PTI_CLI_GIVEN_MAX]; /* in the order of the command line */
    size_t given_count;
    const char *operands[PTI_CLI_OPERANDS_MAX + 1];
    size_t operand_count;
    bool help; /* --help was given: print it and do nothing else */
    enum pti_failure failure;
    struct pti_error error;
    struct pti_cli_keys keys;
    FILE *out;
    FILE *err;
};

/* The option every command that reads or writes a repository has, and the one of every command that prints data. */
#define PTI_OPTION_REPO                                                                                                \
    {                                                                                                                  \
        "repo", "DIR", "the repository (default: $PINTLE_REPO, else the current directory)", false                     \
    }
#define PTI_OPTION_JSON                                                                                                \
    {                                                                                                                  \
        "json", NULL, "print JSON with stable keys instead of text", false                                             \
    }
#define PTI_OPTION_END                                                                                                 \
    {                                                                                                                  \
        NULL, NULL, NULL, false                                                                                        \
    }

/*
 * Reads a command line (argv[0] is the first word after the command's name) with getopt_long.  Long names are matched
 * whole, never abbreviated: a script that uses an abbreviation breaks on the day a longer option appears.
 * PINTLE_ERR_MISUSE with cli->failure set: what is wrong and the nearest name that exists.
 */
enum pintle_status pti_cli_parse(struct pti_cli *cli, const struct pti_command *command, int argc, char **argv);

/* A failure of the command line itself: exit code 64 and a hint to --help. */
enum pintle_status pti_cli_usage(struct pti_cli *cli, const char *format, ...) PTI_PRINTF(2, 3);
/* A failure that is none of the library's classes: exit code 1. */
enum pintle_status pti_cli_other(struct pti_cli *cli, const char *format, ...) PTI_PRINTF(2, 3);

/* What was given; name must be in the command's table. */
bool pti_cli_flag(const struct pti_cli *cli, const char *name);
const char *pti_cli_text(const struct pti_cli *cli, const char *name); /* NULL if absent */
size_t pti_cli_count(const struct pti_cli *cli, const char *name);
const char *pti_cli_nth(const struct pti_cli *cli, const char *name, size_t index);
/* A decimal integer from min to max; *number is left alone if the option is absent. */
enum pintle_status pti_cli_number(struct pti_cli *cli, const char *name, int64_t min, int64_t max, int64_t *number);
/* --repo, else $PINTLE_REPO, else ".". */
const char *pti_cli_repo(const struct pti_cli *cli);

/* The provider that all commands use; the caller frees *crypto, which is NULL on failure. */
enum pintle_status pti_cli_crypto_new(struct pti_cli *cli, struct pintle_crypto **crypto);

/* The text of --help. */
void pti_cli_help(const struct pti_command *command, FILE *stream);

#endif
