/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of pintled: `pintled NOUN VERB ...` does one thing with the data of a server and ends.  A command's file,
 * server/command_<noun>.c, defines it, server/commands.h declares it, main.c lists it.
 */
#ifndef PTI_SERVER_COMMAND_H
#define PTI_SERVER_COMMAND_H

#include "server/options.h"
#include "server/settings.h"

#define PTI_COMMAND_OPERANDS_MAX 8
#define PTI_COMMAND_VALUES_MAX 512 /* bytes of the structure that a command's settings fill */

struct pti_command_call {
    const struct pti_server_command *command;
    struct pti_server_options *server; /* what --config and the command line say of the server */
    void *values;                      /* what command->settings filled; zero where nothing was given */
    const char *operands[PTI_COMMAND_OPERANDS_MAX];
    size_t operand_count;
    FILE *out;
    struct pti_error *error;
};

struct pti_server_command {
    const char *name;     /* "backup", "token add" */
    const char *operands; /* the rest of its synopsis, "" without any */
    const char *summary;  /* one line, for the list of commands */
    const char *details;  /* NULL without any */
    const char *example;
    const struct pti_setting *settings; /* of its own, ends with a NULL name; NULL without any */
    size_t values_size;                 /* of the structure that they fill */
    unsigned wants;                     /* of the server's settings: PTI_WANTS_... */
    unsigned operands_min, operands_max;
    /* Prints what it has to say to call->out.  On failure *call->error says why; PINTLE_ERR_MISUSE: wrong usage. */
    enum pintle_status (*run)(struct pti_command_call *call);
};

/*
 * The command that argv[1], and argv[2] for a name of two words, call for, run.  Returns the exit status; what is
 * wrong is told on stderr.  commands ends with NULL.
 */
int pti_command_main(const struct pti_server_command *const *commands, int argc, char **argv);

/* The list of commands, for --help. */
void pti_commands_help(const struct pti_server_command *const *commands, FILE *stream);

/* Exit statuses, besides 0 and 1. */
#define PTI_EXIT_USAGE 64
#define PTI_EXIT_CONFIG 78

#endif
