/* SPDX-License-Identifier: Apache-2.0 */
#include "server/command.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "publish/suggest.h"

/* ---- finding one ---- */

/* How many words of the command line name this command; 0: they do not. */
static int words_of(const struct pti_server_command *command, int argc, char **argv)
{
    size_t first = strcspn(command->name, " ");

    if (strlen(argv[1]) != first || strncmp(argv[1], command->name, first) != 0)
        return 0;
    if (!command->name[first])
        return 1;
    return argc > 2 && strcmp(argv[2], command->name + first + 1) == 0 ? 2 : 0;
}

static bool is_group(const struct pti_server_command *command, const char *word)
{
    size_t length = strlen(word);

    return strncmp(command->name, word, length) == 0 && command->name[length] == ' ';
}

static int unknown_command(const struct pti_server_command *const *commands, int argc, char **argv)
{
    struct pti_suggestion suggestion;
    bool group = false;
    char typed[80];

    for (size_t i = 0; commands[i]; i++)
        group = group || is_group(commands[i], argv[1]);
    if (group && argc == 2) {
        fprintf(stderr, "pintled %s: expected a command after it, found nothing; see pintled --help\n", argv[1]);
        return PTI_EXIT_USAGE;
    }
    snprintf(typed, sizeof typed, "%.36s%s%.36s", argv[1], group && argc > 2 ? " " : "",
             group && argc > 2 ? argv[2] : "");
    pti_suggestion_init(&suggestion, typed);
    for (size_t i = 0; commands[i]; i++)
        pti_suggestion_offer(&suggestion, commands[i]->name);
    if (suggestion.nearest)
        fprintf(stderr, "pintled: there is no command \"%s\"; did you mean `pintled %s`?\n", typed, suggestion.nearest);
    else
        fprintf(stderr, "pintled: there is no command \"%s\"; see pintled --help\n", typed);
    return PTI_EXIT_USAGE;
}

void pti_commands_help(const struct pti_server_command *const *commands, FILE *stream)
{
    if (!commands[0])
        return;
    fputs("\ncommands (`pintled COMMAND --help` explains one):\n", stream);
    for (size_t i = 0; commands[i]; i++)
        fprintf(stream, "  %-22s  %s\n", commands[i]->name, commands[i]->summary);
}

/* ---- running it ---- */

struct help {
    bool asked;
};

static const struct pti_setting help_settings[] = {
    {.name = "help", .help = "print this text", .take = pti_setting_flag, .at = offsetof(struct help, asked)},
    {.name = NULL},
};

static void print_help(const struct pti_server_command *command, const struct pti_setting_group *groups, size_t count)
{
    printf("usage: pintled %s%s%s [options]\n\n%s.\n", command->name, *command->operands ? " " : "", command->operands,
           command->summary);
    if (command->details)
        printf("\n%s\n", command->details);
    pti_settings_help(groups, count, stdout);
    printf("\nexample:\n%s\n", command->example);
}

static enum pintle_status read_call(struct pti_command_call *call, struct help *help, int argc, char **argv)
{
    static const struct pti_setting none = {.name = NULL};
    const struct pti_server_command *command = call->command;
    struct pti_operands operands = {call->operands, 0, command->operands_max};
    struct pti_setting_group groups[] = {
        {.settings = command->settings ? command->settings : &none, .into = call->values},
        {.settings = pti_server_settings, .into = call->server, .wants = command->wants},
        {.settings = help_settings, .into = help},
    };
    const size_t count = sizeof groups / sizeof groups[0];
    enum pintle_status status = pti_settings_read_line(groups, count, argc, argv, &operands, call->error);

    if (status == PINTLE_OK && help->asked) {
        print_help(command, groups, count);
        return PINTLE_OK;
    }
    if (status == PINTLE_OK && operands.count < command->operands_min)
        return pti_fail(call->error, PINTLE_ERR_MISUSE, "expected %s, found %s; see --help", command->operands,
                        operands.count > 0 ? "too few names" : "nothing");
    call->operand_count = operands.count;
    if (status == PINTLE_OK)
        status = pti_server_options_complete(call->server, &groups[1], call->error);
    return status;
}

static int run(const struct pti_server_command *command, int argc, char **argv)
{
    alignas(max_align_t) unsigned char values[PTI_COMMAND_VALUES_MAX] = {0};
    struct pti_server_options server;
    struct pti_error error;
    struct help help = {false};
    struct pti_command_call call = {
        .command = command, .server = &server, .values = values, .out = stdout, .error = &error};
    enum pintle_status status = PINTLE_OK;
    int code = EXIT_SUCCESS;

    assert(command->values_size <= sizeof values);
    pti_server_options_init(&server);
    status = read_call(&call, &help, argc, argv);
    if (status != PINTLE_OK)
        code = status == PINTLE_ERR_INPUT ? PTI_EXIT_CONFIG : EXIT_FAILURE;
    else if (!help.asked && (status = command->run(&call)) != PINTLE_OK)
        code = EXIT_FAILURE;
    if (status == PINTLE_OK && fflush(stdout) != 0)
        status = pti_fail(&error, PINTLE_ERR_STORAGE, "standard output cannot be written");
    if (status != PINTLE_OK)
        fprintf(stderr, "pintled %s: %s\n", command->name, error.detail);
    pti_server_options_clear(&server);
    return status == PINTLE_ERR_MISUSE ? PTI_EXIT_USAGE : code;
}

int pti_command_main(const struct pti_server_command *const *commands, int argc, char **argv)
{
    for (size_t i = 0; commands[i]; i++) {
        int words = words_of(commands[i], argc, argv);

        if (words > 0)
            return run(commands[i], argc - 1 - words, argv + 1 + words);
    }
    return unknown_command(commands, argc, argv);
}
