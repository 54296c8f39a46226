/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle stage drop` */
#include "cli/commands.h"
#include "cli/session.h"

/* The stage itself is not read: a damaged one is what this is for, too. */
static enum pintle_status run_drop(struct pti_cli *cli)
{
    struct pti_session session;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_PUBLISHED);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_repository_drop_stage(session.repository, &cli->error);
    if (status == PINTLE_OK) {
        fputs("nothing is staged any more: charter, zones and keys are those that are published\n", cli->out);
    }
    pti_session_close(&session);
    return status;
}

static const struct pti_option options_of_drop[] = {PTI_OPTION_REPO, PTI_OPTION_END};

const struct pti_command pti_command_stage_drop = {
    .name = "stage drop",
    .summary = "Throw away what is staged, with the signatures on it",
    .operands = "",
    .details =
        "For a draft that nobody wants, or that is damaged. What is published stays as it is. Key files that an\n"
        "edit made stay in DIR/keys, where they sign nothing. Look at `pintle diff` first: there is no way back.",
    .example = "  pintle stage drop --repo pins",
    .options = options_of_drop,
    .run = run_drop,
};
