/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle charter set|renew`: what the charter says of all hosts together, and its expiry */
#include <stdlib.h>
#include <string.h>

#include "cli/collector.h"
#include "cli/commands.h"
#include "cli/session.h"

#define REFRESH_MAX_S (30 * 86400) /* what a charter may ask for at most */
#define DAYS_MAX 36500

static const char *const settings[] = {
    "report-url",      "no-reports",           "sample-per-mille",       "want-chain",
    "refresh-seconds", "max-shipped-age-days", "refuse-stale-after-days"};

static void drop_urls(struct pti_charter *charter)
{
    for (size_t i = 0; i < charter->report_url_count; i++) {
        free(charter->report_urls[i]);
    }
    free(charter->report_urls);
    charter->report_urls = NULL;
    charter->report_url_count = 0;
}

static enum pintle_status set_urls(struct pti_cli *cli, struct pti_charter *charter)
{
    size_t count = pti_cli_count(cli, "report-url");

    if (count > PTI_REPORT_URLS_MAX) {
        return pti_cli_usage(cli, "expected at most %d --report-url, found %zu", PTI_REPORT_URLS_MAX, count);
    }
    if (count > 0 && pti_cli_flag(cli, "no-reports")) {
        return pti_cli_usage(cli, "--report-url and --no-reports exclude each other; give one");
    }
    if (count == 0 && !pti_cli_flag(cli, "no-reports")) {
        return PINTLE_OK;
    }
    drop_urls(charter);
    charter->report_urls = count > 0 ? calloc(count, sizeof *charter->report_urls) : NULL;
    for (size_t i = 0; i < count; i++) {
        char *url = charter->report_urls ? pti_bytes_strdup(pti_bytes_text(pti_cli_nth(cli, "report-url", i))) : NULL;

        if (!url) {
            return pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for a URL");
        }
        charter->report_urls[charter->report_url_count++] = url;
    }
    return PINTLE_OK;
}

/* A number of days, or "none" for -1. */
static enum pintle_status set_days(struct pti_cli *cli, const char *name, int64_t min, int64_t *days)
{
    const char *text = pti_cli_text(cli, name);

    if (text && strcmp(text, "none") == 0) {
        *days = -1;
        return PINTLE_OK;
    }
    return pti_cli_number(cli, name, min, DAYS_MAX, days);
}

static enum pintle_status set_want_chain(struct pti_cli *cli, struct pti_charter *charter)
{
    const char *word = pti_cli_text(cli, "want-chain");

    if (word && strcmp(word, "yes") != 0 && strcmp(word, "no") != 0) {
        return pti_cli_usage(cli, "--want-chain needs yes or no, found \"%.40s\"", word);
    }
    charter->want_chain = word ? strcmp(word, "yes") == 0 : charter->want_chain;
    return PINTLE_OK;
}

static enum pintle_status set_numbers(struct pti_cli *cli, struct pti_charter *charter)
{
    int64_t sample = charter->sample_per_mille;
    enum pintle_status status = pti_cli_number(cli, "sample-per-mille", 0, 1000, &sample);

    charter->sample_per_mille = (int)sample;
    if (status == PINTLE_OK) {
        status = set_want_chain(cli, charter);
    }
    if (status == PINTLE_OK) {
        status = pti_cli_number(cli, "refresh-seconds", 1, REFRESH_MAX_S, &charter->refresh_default_s);
    }
    if (charter->refresh_min_s > charter->refresh_default_s) {
        charter->refresh_min_s = charter->refresh_default_s;
    }
    if (charter->refresh_max_s < charter->refresh_default_s) {
        charter->refresh_max_s = charter->refresh_default_s;
    }
    if (status == PINTLE_OK) {
        status = set_days(cli, "max-shipped-age-days", 1, &charter->max_shipped_age_days);
    }
    return status == PINTLE_OK ? set_days(cli, "refuse-stale-after-days", 0, &charter->refuse_stale_after_days)
                               : status;
}

/* Through the reader that clients use, so that nothing is staged which they would not read. */
static enum pintle_status read_back(struct pti_cli *cli, struct pti_charter *charter)
{
    struct pti_charter checked;
    struct pti_buf text;
    enum pintle_status status = PINTLE_OK;

    pti_buf_init(&text, PTI_CHARTER_SIZE_MAX);
    pti_charter_write(charter, &text);
    status = pti_buf_check(&text, &cli->error, "the charter");
    if (status == PINTLE_OK) {
        status = pti_charter_parse(pti_buf_bytes(&text), &checked, &cli->error);
    }
    if (status == PINTLE_OK) {
        pti_charter_clear(&checked);
    }
    pti_buf_clear(&text);
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_session session;
    bool any = false;
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        any = any || pti_cli_flag(cli, settings[i]);
    }
    if (!any) {
        return pti_cli_usage(cli, "expected something to set, found nothing; `pintle status` shows what is set");
    }
    status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);
    if (status != PINTLE_OK) {
        return status;
    }
    status = set_urls(cli, &session.repository->stage.charter);
    if (status == PINTLE_OK) {
        status = set_numbers(cli, &session.repository->stage.charter);
    }
    if (status == PINTLE_OK) {
        status = read_back(cli, &session.repository->stage.charter);
    }
    if (status == PINTLE_OK) {
        status = pti_cli_check_collectors(cli, &session.repository->stage.charter);
    }
    if (status == PINTLE_OK) {
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

static const struct pti_option options_of_set[] = {
    PTI_OPTION_REPO,
    {"report-url", "URL", "where clients send reports of refused connections; repeat it for several", true},
    {"no-reports", NULL, "clients send no reports", false},
    {"sample-per-mille", "N", "of 1000 reports, clients send N (default 1000)", false},
    {"want-chain", "WORD", "yes: a collector that has never seen a key may ask for the whole chain; or no (default)",
     false},
    {"refresh-seconds", "N", "how often clients poll (default 3600)", false},
    {"max-shipped-age-days", "N",
     "refuse hosts whose pins came with the app longer ago than that, or none (default 180)", false},
    {"refuse-stale-after-days", "N", "refuse pinned hosts that long after the manifest expired, or none (default)",
     false},
    PTI_OPTION_END,
};

const struct pti_command pti_command_charter_set = {
    .name = "charter set",
    .summary = "Set where reports go, how often clients poll, how old pins may be",
    .operands = "",
    .details = "Needs the signatures of targets. What is not given stays as it is; the URLs given replace those that\n"
               "stand there. Reports go to another host than the pinned ones, over ordinary HTTPS: a pinned one is\n"
               "refused, for who intercepts it would get them.",
    .example = "  pintle charter set --report-url https://collector.example.net/v1/reports --repo pins",
    .options = options_of_set,
    .run = run,
};

static enum pintle_status run_renew(struct pti_cli *cli)
{
    return pti_session_renew(cli, "targets");
}

static const struct pti_option options_of_renew[] = {PTI_OPTION_REPO, PTI_OPTION_END};

const struct pti_command pti_command_charter_renew = {
    .name = "charter renew",
    .summary = "Give the charter and the delegations a new expiry, content unchanged",
    .operands = "",
    .details =
        "Needs the signatures of targets. Past its expiry clients keep their pins but take nothing new; `pintle\n"
        "status` says when it is time.",
    .example = "  pintle charter renew --repo pins",
    .options = options_of_renew,
    .run = run_renew,
};
