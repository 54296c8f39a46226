/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle probe` */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "cli/ca_file.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "probe/probe.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECONDS_A_DAY 86400

static const struct pti_column host_columns[] = {
    {"host", "host", PTI_SHOWN_BOTH},
    {"port", NULL, PTI_SHOWN_JSON},
    {"address", "address", PTI_SHOWN_BOTH},
    {"protocol", "protocol", PTI_SHOWN_BOTH},
    {"valid", NULL, PTI_SHOWN_JSON},
    {"validation", "ordinary validation", PTI_SHOWN_BOTH},
    {"other_leaf", "other leaf", PTI_SHOWN_BOTH},
};

static const struct pti_column certificate_columns[] = {
    {"heading", "position", PTI_SHOWN_TEXT},    {"chain_position", NULL, PTI_SHOWN_JSON},
    {"sent_position", NULL, PTI_SHOWN_JSON},    {"subject", "subject", PTI_SHOWN_BOTH},
    {"issuer", "issuer", PTI_SHOWN_BOTH},       {"not_before", "not before", PTI_SHOWN_BOTH},
    {"not_after", "not after", PTI_SHOWN_JSON}, {"not_after_text", "not after", PTI_SHOWN_TEXT},
    {"days_left", NULL, PTI_SHOWN_JSON},        {"key", "key", PTI_SHOWN_BOTH},
    {"spki", "spki pin", PTI_SHOWN_BOTH},       {"cert", "cert pin", PTI_SHOWN_BOTH},
};

static const struct pti_column advice_columns[] = {{"advice", "advice", PTI_SHOWN_BOTH}};
static const struct pti_column warning_columns[] = {{"warning", "warning", PTI_SHOWN_BOTH}};

static void put_heading(struct pti_printout *printout, const struct pti_probe_result *result,
                        const struct pti_probe_certificate *certificate)
{
    int position = certificate->chain_at >= 0 ? certificate->chain_at : certificate->sent_at;
    const char *role = position == 0 ? "leaf" : "issuer";

    if (certificate->chain_at < 0 && result->valid) {
        pti_printout_format(printout, "heading", "sent as %d, but not part of the verified chain",
                            certificate->sent_at);
    } else if (certificate->sent_at < 0) {
        pti_printout_format(printout, "heading", "%d %s, from the trust store", position, role);
    } else {
        pti_printout_format(printout, "heading", "%d %s", position, role);
    }
}

static void put_certificate(struct pti_printout *printout, const struct pti_probe_result *result,
                            const struct pti_probe_certificate *certificate, int64_t now)
{
    int64_t days = (certificate->not_after - now) / SECONDS_A_DAY;

    pti_printout_row(printout);
    put_heading(printout, result, certificate);
    if (certificate->chain_at >= 0) {
        pti_printout_integer(printout, "chain_position", certificate->chain_at);
    }
    if (certificate->sent_at >= 0) {
        pti_printout_integer(printout, "sent_position", certificate->sent_at);
    }
    pti_printout_text(printout, "subject", *certificate->subject ? certificate->subject : "(empty)");
    pti_printout_text(printout, "issuer", *certificate->issuer ? certificate->issuer : "(empty)");
    pti_printout_time(printout, "not_before", certificate->not_before);
    pti_printout_time(printout, "not_after", certificate->not_after);
    pti_printout_integer(printout, "days_left", days);
    if (certificate->not_after <= now) {
        pti_printout_format(printout, "not_after_text", "expired %" PRId64 " days ago", -days);
    } else {
        char date[PTI_DATETIME_SIZE + 1];

        pti_datetime_format(certificate->not_after, date);
        pti_printout_format(printout, "not_after_text", "%s, in %" PRId64 " days", date, days);
    }
    pti_printout_text(printout, "key", certificate->key);
    pti_printout_sha256(printout, "spki", certificate->spki);
    pti_printout_sha256(printout, "cert", certificate->cert);
}

static void put_advice(void *ctx, const char *text)
{
    struct pti_printout *printout = ctx;

    pti_printout_row(printout);
    pti_printout_text(printout, "advice", text);
}

static void fill(struct pti_printout *printout, const struct pti_probe_request *request,
                 const struct pti_probe_result *result, const struct pti_probe_result *other)
{
    const char *host = request->host.host;
    int64_t now = pti_session_time();

    pti_printout_record(printout, NULL, host_columns, COUNT(host_columns));
    pti_printout_text(printout, "host", host);
    pti_printout_integer(printout, "port", request->host.port);
    pti_printout_text(printout, "address", result->address);
    pti_printout_text(printout, "protocol", result->protocol);
    pti_printout_bool(printout, "valid", result->valid);
    pti_printout_text(printout, "validation", result->validation);
    if (other) {
        char hash[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

        pti_base64_encode(other->certificates[0].spki, PINTLE_SHA256_SIZE, hash);
        pti_printout_format(printout, "other_leaf", "%s, spki pin %s", other->certificates[0].key, hash);
    }
    pti_printout_list(printout, PTI_LAYOUT_BLOCKS, "certificates",
                      result->valid ? "the verified chain, where pins match:" : "as sent, not verified:", NULL,
                      certificate_columns, COUNT(certificate_columns));
    for (size_t i = 0; i < result->count; i++) {
        put_certificate(printout, result, &result->certificates[i], now);
    }
    pti_printout_list(printout, PTI_LAYOUT_LINES, "advice", "what to pin:", NULL, advice_columns,
                      COUNT(advice_columns));
    pti_probe_advise(result, other, host, now, put_advice, printout);
    pti_printout_record(printout, "", warning_columns, COUNT(warning_columns));
    pti_printout_text(printout, "warning", pti_probe_warning);
}

/* A server with two certificates shows one: ask for the kind of key that it did not show. */
static bool probe_other(const struct pti_probe_request *request, const struct pti_probe_result *result,
                        struct pti_probe_result *other)
{
    struct pti_probe_request second = *request;
    struct pti_error ignored = {.status = PINTLE_OK};

    second.key = strncmp(result->certificates[0].key, "RSA", 3) == 0 ? PTI_PROBE_KEY_ECDSA : PTI_PROBE_KEY_RSA;
    return pti_probe(&second, other, &ignored) == PINTLE_OK &&
           memcmp(other->certificates[0].spki, result->certificates[0].spki, PINTLE_SHA256_SIZE) != 0;
}

static enum pintle_status read_request(struct pti_cli *cli, struct pti_probe_request *request,
                                       struct pti_endpoint *connect)
{
    const char *where = pti_cli_text(cli, "connect");
    int64_t seconds = 10;

    if (pti_endpoint_parse(cli->operands[0], PTI_HTTPS_PORT, &request->host, &cli->error) != PINTLE_OK) {
        return cli->error.status;
    }
    if (where) {
        if (pti_endpoint_parse(where, request->host.port, connect, &cli->error) != PINTLE_OK) {
            return pti_error_prefix(&cli->error, "--connect");
        }
        request->connect = connect;
    }
    if (pti_cli_ca_file(cli, &request->ca_file) != PINTLE_OK ||
        pti_cli_number(cli, "timeout", 1, 600, &seconds) != PINTLE_OK) {
        return cli->error.status;
    }
    request->timeout_ms = seconds * 1000;
    return PINTLE_OK;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_probe_request request = {.key = PTI_PROBE_KEY_ANY};
    struct pti_endpoint connect;
    struct pti_probe_result *results = NULL; /* what is served, and with the other kind of key */
    struct pti_printout printout;
    enum pintle_status status = read_request(cli, &request, &connect);

    if (status != PINTLE_OK) {
        return status;
    }
    results = calloc(2, sizeof *results);
    if (!results) {
        return pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for a probe");
    }
    pti_printout_init(&printout);
    status = pti_probe(&request, &results[0], &cli->error);
    if (status == PINTLE_OK) {
        bool two = probe_other(&request, &results[0], &results[1]);

        fill(&printout, &request, &results[0], two ? &results[1] : NULL);
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    pti_printout_clear(&printout);
    free(results);
    return status;
}

static const struct pti_option options_of_probe[] = {
    {"connect", "ADDR[:PORT]", "connect there instead of resolving HOST", false},
    {"ca", "FILE", "PEM certificates to validate with, instead of this machine's trust store", false},
    {"timeout", "SECONDS", "give up after that long (default 10)", false},
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_probe = {
    .name = "probe",
    .summary = "Show what a host serves: chain, pins, expiry, and what to pin",
    .operands = "HOST[:PORT]",
    .details = "It looks and does not judge: it exits 0 whatever certificates are served, if there are at most 16 and\n"
               "they can be read. What a network shows is no proof of whose key it is; take pins from keys,\n"
               "certificates or requests that you hold.",
    .example = "  pintle probe example.com",
    .options = options_of_probe,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
