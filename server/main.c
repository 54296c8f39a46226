/* SPDX-License-Identifier: Apache-2.0 */
/* pintled: the table of its commands, and the daemon where none is named. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pintle/version.h>

#include "server/check.h"
#include "server/commands.h"
#include "server/service.h"

static const struct pti_server_command *const commands[] = {
    &pti_server_command_token_add,      &pti_server_command_token_list,
    &pti_server_command_token_revoke,   &pti_server_command_release_add,
    &pti_server_command_release_list,   &pti_server_command_release_remove,
    &pti_server_command_journal_verify, /* before the one whose name its own begins with */
    &pti_server_command_journal,        &pti_server_command_backup,
    &pti_server_command_restore,        NULL,
};

/* Else a database or a socket would get the number of a stream that was closed, and be written into. */
static bool hold_standard_streams(void)
{
    int held;

    do
        held = open("/dev/null", O_RDONLY);
    while (held >= 0 && held <= STDERR_FILENO);
    return held >= 0 && close(held) == 0;
}

static int serve(const struct pti_server_options *options)
{
    if (options->help) {
        pti_server_options_help(stdout);
        pti_commands_help(commands, stdout);
        return EXIT_SUCCESS;
    }
    if (options->version) {
        printf("pintled %d.%d.%d\n", PINTLE_VERSION_MAJOR, PINTLE_VERSION_MINOR, PINTLE_VERSION_PATCH);
        return EXIT_SUCCESS;
    }
    return options->check_config ? pti_check_config(options) : pti_service_run(options);
}

static int exit_status(enum pintle_status status)
{
    if (status == PINTLE_ERR_MISUSE)
        return PTI_EXIT_USAGE;
    return status == PINTLE_ERR_INPUT ? PTI_EXIT_CONFIG : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct pti_server_options options;
    struct pti_error error;
    enum pintle_status status = PINTLE_OK;
    int code = EXIT_FAILURE;

    if (!hold_standard_streams())
        return EXIT_FAILURE;
    if (argc > 1 && argv[1][0] != '-')
        return pti_command_main(commands, argc, argv);
    status = pti_server_options_parse(argc, argv, &options, &error);
    if (status == PINTLE_OK) {
        code = serve(&options);
    } else {
        fprintf(stderr, "pintled: %s\n", error.detail);
        code = exit_status(status);
    }
    pti_server_options_clear(&options);
    return code;
}
