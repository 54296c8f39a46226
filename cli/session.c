/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <inttypes.h>
#include <time.h>

int64_t pti_session_time(void)
{
    return (int64_t)time(NULL);
}

enum pintle_status pti_session_open(struct pti_session *session, struct pti_cli *cli, enum pti_repository_access access)
{
    enum pintle_status status = PINTLE_OK;

    *session = (struct pti_session){.now = pti_session_time()};
    status = pintle_crypto_openssl_new(&session->crypto);
    if (status != PINTLE_OK) {
        return pti_fail(&cli->error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    }
    status = pti_repository_open(pti_cli_repo(cli), access, session->now, session->crypto, &session->repository,
                                 &cli->error);
    if (status != PINTLE_OK) {
        pti_session_close(session);
    }
    return status;
}

void pti_session_close(struct pti_session *session)
{
    pti_repository_close(session->repository);
    pintle_crypto_free(session->crypto);
    session->repository = NULL;
    session->crypto = NULL;
}

enum pintle_status pti_session_print_drafts(struct pti_session *session, struct pti_cli *cli)
{
    struct pti_role_state *roles = NULL;
    size_t count = 0, missing = 0;
    enum pintle_status status = pti_stage_roles(&session->repository->stage, &roles, &count, &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (roles[i].draft_version == 0) {
            continue;
        }
        fprintf(cli->out, "%s: %" PRId64 " of %" PRId64 " signatures\n", roles[i].name, roles[i].signatures,
                roles[i].threshold);
        missing += roles[i].signatures < roles[i].threshold;
    }
    pti_role_states_free(roles, count);
    if (!pti_stage_has_drafts(&session->repository->stage)) {
        fputs("nothing is staged\n", cli->out);
    } else if (missing > 0) {
        fputs("next: `pintle diff` shows what is staged; `pintle publish` signs with the keys in keys/,\n"
              "      `pintle sign --key FILE` with a key that is kept elsewhere\n",
              cli->out);
    } else {
        fputs("next: `pintle publish`\n", cli->out);
    }
    return PINTLE_OK;
}

enum pintle_status pti_session_save(struct pti_session *session, struct pti_cli *cli)
{
    enum pintle_status status = pti_stage_update(&session->repository->stage, session->now, &cli->error);

    if (status == PINTLE_OK) {
        status = pti_repository_save_stage(session->repository, &cli->error);
    }
    return status == PINTLE_OK ? pti_session_print_drafts(session, cli) : status;
}
