/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle resign` */
#include <stdio.h>

#include "base/array.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "publish/resign.h"

static const struct pti_column columns[] = {
    {"renewed", "renewed", PTI_SHOWN_BOTH},           {"timestamp_version", "timestamp", PTI_SHOWN_BOTH},
    {"timestamp_expires", "expires", PTI_SHOWN_BOTH}, {"snapshot_version", "snapshot", PTI_SHOWN_BOTH},
    {"snapshot_expires", "expires", PTI_SHOWN_BOTH},
};

static enum pintle_status put_role(struct pti_printout *printout, struct pintle_bytes role, const char *version_key,
                                   const char *expires_key, struct pti_error *error)
{
    int64_t version, expires;
    enum pintle_status status = pti_envelope_dates(role, &version, &expires, error);

    if (status == PINTLE_OK) {
        pti_printout_integer(printout, version_key, version);
        pti_printout_time(printout, expires_key, expires);
    }
    return status;
}

/* Nothing where nothing was done, for cron mails whatever it reads. */
static enum pintle_status print(struct pti_cli *cli, const struct pti_session *session,
                                const struct pti_renewed *renewed)
{
    const struct pti_published *published = &session->repository->published;
    struct pti_printout printout;
    enum pintle_status status = PINTLE_OK;

    if (!renewed->timestamp && !pti_cli_flag(cli, "json")) {
        return PINTLE_OK;
    }
    pti_printout_init(&printout);
    pti_printout_record(&printout, NULL, columns, PTI_COUNT(columns));
    pti_printout_text(&printout, "renewed",
                      renewed->snapshot    ? "timestamp and snapshot"
                      : renewed->timestamp ? "timestamp"
                                           : NULL);
    status = put_role(&printout, published->timestamp, "timestamp_version", "timestamp_expires", &cli->error);
    if (status == PINTLE_OK) {
        status = put_role(&printout, published->snapshot, "snapshot_version", "snapshot_expires", &cli->error);
    }
    if (status == PINTLE_OK) {
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    pti_printout_clear(&printout);
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_session session;
    struct pti_keyring ring = {.count = 0};
    struct pti_renewed renewed;
    size_t encrypted = 0;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_PUBLISHED);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_session_load_ring(&session, cli, &ring, &encrypted);
    if (status == PINTLE_OK) {
        status = pti_resign_repository(session.repository, &ring, pti_cli_flag(cli, "always"), session.now, &renewed,
                                       &cli->error);
    }
    if (status == PINTLE_OK) {
        status = print(cli, &session, &renewed);
    }
    if (status == PINTLE_OK) {
        status = pti_session_mirror(&session, cli);
    }
    if (status == PINTLE_OK && renewed.lacking.status != PINTLE_OK) {
        status = pti_fail(&cli->error, renewed.lacking.status,
                          "the timestamp was renewed, but the snapshot, which is due too, was not: %.300s",
                          renewed.lacking.detail);
    }
    pti_keyring_clear(&ring);
    pti_session_close(&session);
    return status;
}

static const struct pti_option options[] = {
    PTI_OPTION_REPO,
    {"key", "KEY", "sign with this key too, besides those in DIR/keys; repeat it for several", true},
    PTI_OPTIONS_SECRETS,
    PTI_OPTION_TO,
    {"always", NULL, "renew the timestamp though it is not due yet", false},
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_resign = {
    .name = "resign",
    .summary = "Renew timestamp and snapshot when half of their life is over: for cron, instead of pintled",
    .operands = "",
    .details =
        "Says nothing and writes nothing while nothing is due. The stage is neither read nor changed, and no key\n"
        "but those of timestamp and snapshot signs. What clients have, they keep: same content, later dates. With --to\n"
        "what is published is copied in any case.",
    .example = "  pintle resign --repo pins",
    .options = options,
    .run = run,
};
