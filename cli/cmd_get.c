/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle get`: a pinned HTTPS GET, once, or again and again in one process with a running client. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "base/datetime.h"
#include "cli/app.h"
#include "cli/ca_file.h"
#include "cli/commands.h"
#include "cli/https.h"
#include "cli/session.h"
#include "client/header.h"

struct getter {
    struct pti_cli *cli;
    struct pti_app app; /* not open with --insecure-unpinned */
    bool pinned;
    struct pti_https_get get;
    struct pti_endpoint connect;
    int64_t every_s; /* 0: once */
    int64_t count;   /* attempts; 0: until told to stop */
};

/* What became of one connection. */
struct outcome {
    enum pintle_status status; /* PIN_MISMATCH for every refusal */
    bool retry;                /* a refresh may heal it */
    struct pti_https_answer answer;
    char text[PTI_ERROR_DETAIL_MAX];
};

/* ---- stopping ---- */

static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    stop_signal = number;
}

/* SIGINT and SIGTERM stay blocked but during sleeps, so that none is lost between a look and a sleep. */
static bool stop_wanted(void)
{
    sigset_t pending;

    return stop_signal != 0 ||
           (sigpending(&pending) == 0 && (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1));
}

static void catch_signals(sigset_t *unblocked)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &blocked, unblocked);
}

/* ---- one connection ---- */

static void connect_once(struct getter *getter, struct outcome *outcome)
{
    char header[256] = "";
    struct pintle_verdict verdict;
    struct pti_error error = {.status = PINTLE_OK};

    memset(outcome, 0, sizeof *outcome);
    if (getter->pinned) {
        pintle_client_header(getter->app.client, getter->get.host.host, header, sizeof header);
    }
    getter->get.manifest = header;
    outcome->status = pti_https_get(&getter->get, &outcome->answer, &error);
    pti_copy_text(outcome->text, sizeof outcome->text, error.detail);
    if (getter->pinned && pti_app_take_refusal(&getter->app, &verdict)) {
        outcome->status = PINTLE_ERR_PIN_MISMATCH;
        outcome->retry = verdict.status == PINTLE_ERR_RETRY;
        pti_app_describe(&verdict, outcome->text, sizeof outcome->text);
    } else if (outcome->status == PINTLE_ERR_NETWORK && outcome->answer.invalid) {
        outcome->status = PINTLE_ERR_PIN_MISMATCH;
        (void)pti_error_prefix(&error, "%s: refused: ordinary validation failed", getter->get.host.host);
        pti_copy_text(outcome->text, sizeof outcome->text, error.detail);
    }
    fflush(getter->cli->out);
}

/* ---- once ---- */

static enum pintle_status judge_answer(struct getter *getter, const struct outcome *outcome)
{
    if (outcome->answer.status >= 400) {
        return pti_cli_other(getter->cli, "%s answered HTTP %ld", getter->get.host.host, outcome->answer.status);
    }
    return PINTLE_OK;
}

static enum pintle_status get_once(struct getter *getter)
{
    struct pti_cli *cli = getter->cli;
    struct outcome outcome;

    connect_once(getter, &outcome);
    if (outcome.retry && pti_app_heal(&getter->app)) {
        connect_once(getter, &outcome);
    }
    if (getter->pinned) {
        pti_app_send_reports(&getter->app);
    }
    if (outcome.status != PINTLE_OK) {
        return pti_fail(&cli->error, outcome.status, "%s", outcome.text);
    }
    return judge_answer(getter, &outcome);
}

/* ---- again and again ---- */

static void print_attempt(struct getter *getter, const struct outcome *outcome)
{
    char now[PTI_DATETIME_SIZE + 1], header[256] = "unpinned", state[32] = "";

    pti_datetime_format(pti_session_time(), now);
    if (getter->pinned) {
        pti_header_versions(getter->app.client, getter->get.host.host, header, sizeof header);
        pti_app_state(&getter->app, state, sizeof state);
    }
    if (outcome->status == PINTLE_OK) {
        fprintf(getter->cli->err, "%s HTTP %ld in %ld ms, %s%s%s\n", now, outcome->answer.status,
                outcome->answer.elapsed_ms, header, *state ? " " : "", state);
    } else {
        fprintf(getter->cli->err, "%s %s, %s%s%s: %s\n", now,
                outcome->status == PINTLE_ERR_PIN_MISMATCH ? "refused" : "failed", header, *state ? " " : "", state,
                outcome->text);
    }
}

static void sleep_until_next(const struct getter *getter, const sigset_t *unblocked)
{
    struct timespec wait = {.tv_sec = (time_t)getter->every_s};

    if (!stop_wanted()) {
        (void)pselect(0, NULL, NULL, NULL, &wait, unblocked);
    }
}

static enum pintle_status get_every(struct getter *getter)
{
    struct outcome outcome = {.status = PINTLE_OK};
    sigset_t unblocked;
    enum pintle_status status = PINTLE_OK;

    catch_signals(&unblocked);
    getter->get.stop = stop_wanted;
    getter->app.stamped = true;
    if (getter->pinned && !pti_cli_flag(getter->cli, "no-refresh")) {
        status = pintle_client_start(getter->app.client);
        if (status != PINTLE_OK) {
            return pti_fail(&getter->cli->error, status, "the client's thread cannot be started: %s",
                            pintle_status_name(status));
        }
    }
    for (int64_t i = 0; !stop_wanted() && (getter->count == 0 || i < getter->count); i++) {
        if (i > 0) {
            sleep_until_next(getter, &unblocked);
        }
        if (stop_wanted()) {
            break;
        }
        connect_once(getter, &outcome);
        if (outcome.status != PINTLE_OK && stop_wanted()) {
            break;
        }
        if (outcome.retry && pti_app_heal(&getter->app)) {
            connect_once(getter, &outcome);
        }
        print_attempt(getter, &outcome);
    }
    if (stop_wanted()) {
        return PINTLE_OK; /* being told to stop is how this ends */
    }
    return outcome.status == PINTLE_OK ? judge_answer(getter, &outcome)
                                       : pti_fail(&getter->cli->error, outcome.status, "the last attempt failed");
}

/* ---- the command ---- */

static enum pintle_status read_options(struct getter *getter)
{
    struct pti_cli *cli = getter->cli;
    int64_t seconds = 10;

    getter->pinned = !pti_cli_flag(cli, "insecure-unpinned");
    if (!getter->pinned && pti_cli_flag(cli, "require")) {
        return pti_cli_usage(cli, "--insecure-unpinned and --require exclude each other; give one");
    }
    getter->get.url = cli->operands[0];
    getter->get.body = cli->out;
    if (pti_cli_ca_file(cli, &getter->get.ca_file) != PINTLE_OK ||
        pti_https_endpoint(getter->get.url, &getter->get.host, &cli->error) != PINTLE_OK ||
        pti_cli_number(cli, "timeout", 1, 600, &seconds) != PINTLE_OK ||
        pti_cli_number(cli, "every", 1, 86400, &getter->every_s) != PINTLE_OK ||
        pti_cli_number(cli, "count", 1, INT32_MAX, &getter->count) != PINTLE_OK) {
        return cli->error.status;
    }
    if (getter->count > 0 && getter->every_s == 0) {
        return pti_cli_usage(cli, "--count needs --every SECONDS, found none");
    }
    getter->get.timeout_ms = seconds * 1000;
    if (pti_cli_text(cli, "connect")) {
        if (pti_endpoint_parse(pti_cli_text(cli, "connect"), getter->get.host.port, &getter->connect, &cli->error) !=
            PINTLE_OK) {
            return pti_error_prefix(&cli->error, "--connect");
        }
        getter->get.connect = &getter->connect;
    }
    return PINTLE_OK;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct getter getter = {.cli = cli};
    enum pintle_status status = read_options(&getter);

    if (status != PINTLE_OK) {
        return status;
    }
    if (getter.pinned) {
        status = pti_app_open(&getter.app, cli, getter.get.host.host);
        if (status != PINTLE_OK) {
            return status;
        }
        getter.get.checker = getter.app.checker;
        status = pti_app_refresh(&getter.app);
    }
    if (status == PINTLE_OK) {
        status = getter.every_s > 0 ? get_every(&getter) : get_once(&getter);
    }
    pti_app_close(&getter.app);
    return status;
}

static const struct pti_option options_of_get[] = {
    {"every", "SECONDS",
     "again every so often, until SIGINT or SIGTERM, with a client that keeps itself current;\n"
     "one line per attempt on standard error",
     false},
    {"count", "N", "with --every: stop after N attempts; the exit code is the last one's", false},
    {"insecure-unpinned", NULL, "no pins at all, ordinary validation only: what an ordinary client does", false},
    PTI_OPTION_END,
};

const struct pti_command pti_command_get = {
    .name = "get",
    .summary = "Get an https URL over a pinned connection",
    .operands = "URL",
    .details =
        "The body goes to standard output. If no pin matches, the manifest is refreshed once and the connection\n"
        "made once more; a refusal exits 67 and no byte of the request was sent. Redirects are not followed and\n"
        "proxies not used.",
    .example = "  pintle get https://api.example.com/ --repo pins\n"
               "  pintle get https://api.example.com/ --repo pins --url https://pins.example.com --every 5",
    .options = options_of_get,
    .shared = pti_app_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
