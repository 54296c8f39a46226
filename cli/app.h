/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application that `check` and `get` play: configuration, store, transport, client and checker in one, set up from
 * the client options, and what the client's events said.
 */
#ifndef PTI_CLI_APP_H
#define PTI_CLI_APP_H

#include <pthread.h>

#include <pintle/pintle.h>

#include "cli/cli.h"

/* The options that set one up; pti_command.shared of both commands. */
extern const struct pti_option pti_app_options[];

struct pti_app {
    struct pti_cli *cli;
    struct pintle_config *config;
    struct pintle_store store;
    struct pintle_transport transport;
    struct pintle_client *client;
    struct pintle_checker *checker;
    char host[PINTLE_HOST_MAX + 1]; /* that the command is about */
    int64_t timeout_ms;
    bool has_url; /* there is somewhere to refresh from */
    bool quiet;   /* of failed refreshes, which the command reports; before the client's thread is started */
    bool stamped; /* events are written with the time in front */
    /* what the event callback, on any thread, has seen */
    pthread_mutex_t lock;
    bool refreshing;               /* the command itself refreshes, and says how that failed */
    bool reported;                 /* a report was queued, if the charter wants any */
    struct pintle_verdict refused; /* the last refusal; its status is PINTLE_OK if there was none */
};

/*
 * Makes the client for host (a normalised name); touches no network.  On failure nothing is open.
 */
enum pintle_status pti_app_open(struct pti_app *app, struct pti_cli *cli, const char *host);
void pti_app_close(struct pti_app *app); /* all zero is legal */

/*
 * One refresh, unless --no-refresh.  A failure is told on cli->err together with the age of the pins that stay in
 * force, and is PINTLE_OK as long as there are any: without a manifest nothing would be pinned, which is refused here.
 */
enum pintle_status pti_app_refresh(struct pti_app *app);

/*
 * After a verdict of PINTLE_ERR_RETRY: refreshes once.  True if new pins may have come of it, so that connecting once
 * more makes sense.  Says on cli->err what happened.
 */
bool pti_app_heal(struct pti_app *app);

/* Takes the last refusal out. false if there was none since. */
bool pti_app_take_refusal(struct pti_app *app, struct pintle_verdict *verdict);

/* What a person is told of a refusal that stands, after whatever refresh it asked for. */
void pti_app_describe(const struct pintle_verdict *verdict, char *out, size_t size);

/* "state" of pintle_client_info(), for the zone of the host: how current the pins in force for it are. */
void pti_app_state(struct pti_app *app, char *out, size_t size);

/* Sends what was queued, if anything, within a short deadline, and says so on cli->err. */
void pti_app_send_reports(struct pti_app *app);

#endif
