/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle probe` */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/datetime.h"
#include "cli/ca_file.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "probe/probe.h"
#include "publish/fleet.h"

#define SECONDS_A_DAY 86400

/* One address and one kind of key, and what was found there. */
struct edge {
    struct pti_endpoint address;
    enum pti_probe_key key;
    enum pti_probe_outcome outcome;
    struct pti_probe_result result; /* if it is served */
    struct pti_error why;           /* if not */
};

struct probe {
    struct pti_cli *cli;
    struct pti_probe_request request;
    struct edge *edges;
    size_t count;
    const struct pti_fleet *held; /* NULL without --repo */
    int64_t now;
};

static const struct pti_column host_columns[] = {
    {"host", "host", PTI_SHOWN_BOTH},
    {"port", "port", PTI_SHOWN_BOTH},
    {"valid", NULL, PTI_SHOWN_JSON},
};

static const struct pti_column edge_columns[] = {
    {"address", "address", PTI_SHOWN_BOTH},
    {"key_type", "key", PTI_SHOWN_BOTH},
    {"outcome", "outcome", PTI_SHOWN_BOTH},
    {"protocol", "protocol", PTI_SHOWN_BOTH},
    {"valid", NULL, PTI_SHOWN_JSON},
    {"validation", "validation", PTI_SHOWN_BOTH},
    {"not_after", "expires", PTI_SHOWN_BOTH},
    {"spki", "leaf's spki pin", PTI_SHOWN_BOTH},
    {"refused_by", "refused by", PTI_SHOWN_BOTH},
    {"detail", "why not", PTI_SHOWN_BOTH},
};

static const struct pti_column verdict_columns[] = {
    {"address", "address", PTI_SHOWN_BOTH},         {"key_type", "key", PTI_SHOWN_BOTH},
    {"generation", "generation", PTI_SHOWN_BOTH},   {"accepted", NULL, PTI_SHOWN_JSON},
    {"verdict", "verdict", PTI_SHOWN_TEXT},         {"reason", "reason", PTI_SHOWN_BOTH},
    {"charter_version", "charter", PTI_SHOWN_BOTH}, {"zone", "zone", PTI_SHOWN_BOTH},
    {"zone_version", "version", PTI_SHOWN_BOTH},
};

static const struct pti_column certificate_columns[] = {
    {"heading", "position", PTI_SHOWN_TEXT},
    {"leaf", NULL, PTI_SHOWN_JSON},
    {"chain_position", NULL, PTI_SHOWN_JSON},
    {"sent_position", NULL, PTI_SHOWN_JSON},
    {"subject", "subject", PTI_SHOWN_BOTH},
    {"issuer", "issuer", PTI_SHOWN_BOTH},
    {"not_before", "not before", PTI_SHOWN_BOTH},
    {"not_after", "not after", PTI_SHOWN_JSON},
    {"not_after_text", "not after", PTI_SHOWN_TEXT},
    {"days_left", NULL, PTI_SHOWN_JSON},
    {"key", "key", PTI_SHOWN_BOTH},
    {"spki", "spki pin", PTI_SHOWN_BOTH},
    {"cert", "cert pin", PTI_SHOWN_BOTH},
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
    pti_printout_sha256(printout, "leaf", result->certificates[0].spki);
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

static const char *key_name(enum pti_probe_key key)
{
    return key == PTI_PROBE_KEY_RSA ? "rsa" : "ec";
}

/* The address as the result has it, or where nobody answered as it was asked for. */
static void put_address(struct pti_printout *printout, const struct edge *edge)
{
    pti_printout_format(printout, "address", strchr(edge->address.host, ':') ? "[%s]:%u" : "%s:%u", edge->address.host,
                        (unsigned)edge->address.port);
    pti_printout_text(printout, "key_type", key_name(edge->key));
}

static void judge(const struct probe *probe, const struct edge *edge, size_t generation, struct pintle_verdict *verdict)
{
    pti_probe_judge(&edge->result, probe->held->generations[generation].pinset, probe->request.host.host, probe->now,
                    verdict);
}

static void put_refusals(struct pti_printout *printout, const struct probe *probe, const struct edge *edge)
{
    struct pti_buf names;

    pti_buf_init(&names, PTI_FLEET_MAX * (PTI_FLEET_NAME_SIZE + 2));
    for (size_t i = 0; i < probe->held->count; i++) {
        struct pintle_verdict verdict;

        judge(probe, edge, i, &verdict);
        if (verdict.status != PINTLE_OK)
            pti_buf_printf(&names, "%s%s", names.size > 0 ? ", " : "", probe->held->generations[i].name);
    }
    pti_printout_text(printout, "refused_by", names.size > 0 ? pti_buf_cstr(&names) : "nobody");
    pti_buf_clear(&names);
}

static void put_edge(struct pti_printout *printout, const struct probe *probe, const struct edge *edge)
{
    const struct pti_probe_result *result = &edge->result;

    pti_printout_row(printout);
    put_address(printout, edge);
    pti_printout_text(printout, "outcome", pti_probe_outcome_name(edge->outcome));
    if (edge->outcome != PTI_PROBE_SERVED) {
        pti_printout_text(printout, "detail", edge->why.detail);
        return;
    }
    pti_printout_text(printout, "protocol", result->protocol);
    pti_printout_bool(printout, "valid", result->valid);
    pti_printout_text(printout, "validation", result->validation);
    pti_printout_time(printout, "not_after", result->certificates[0].not_after);
    pti_printout_sha256(printout, "spki", result->certificates[0].spki);
    if (probe->held)
        put_refusals(printout, probe, edge);
}

static void put_verdicts(struct pti_printout *printout, const struct probe *probe, const struct edge *edge)
{
    for (size_t i = 0; i < probe->held->count; i++) {
        struct pintle_verdict verdict;

        judge(probe, edge, i, &verdict);
        pti_printout_row(printout);
        put_address(printout, edge);
        pti_printout_text(printout, "generation", probe->held->generations[i].name);
        pti_printout_bool(printout, "accepted", verdict.status == PINTLE_OK);
        pti_printout_text(printout, "verdict", verdict.status == PINTLE_OK ? "accepts" : "refuses");
        pti_printout_text(printout, "reason", pintle_reason_name(verdict.reason));
        pti_printout_integer(printout, "charter_version", verdict.charter_version);
        pti_printout_text(printout, "zone", verdict.zone);
        pti_printout_integer(printout, "zone_version", verdict.zone_version);
    }
}

static bool is_same_chain(const struct pti_probe_result *a, const struct pti_probe_result *b)
{
    bool same = a->count == b->count && a->valid == b->valid;

    for (size_t i = 0; same && i < a->count; i++)
        same = memcmp(a->certificates[i].cert, b->certificates[i].cert, PINTLE_SHA256_SIZE) == 0;
    return same;
}

/* Whether an edge before it serves the very same chain. */
static bool is_shown(const struct probe *probe, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (probe->edges[i].outcome == PTI_PROBE_SERVED &&
            is_same_chain(&probe->edges[i].result, &probe->edges[index].result))
            return true;
    return false;
}

static void put_chains(struct pti_printout *printout, const struct probe *probe)
{
    pti_printout_list(printout, PTI_LAYOUT_BLOCKS, "certificates",
                      "what is served, each chain once; of a valid one the verified chain, where pins match:", NULL,
                      certificate_columns, PTI_COUNT(certificate_columns));
    for (size_t i = 0; i < probe->count; i++) {
        const struct edge *edge = &probe->edges[i];

        for (size_t j = 0; edge->outcome == PTI_PROBE_SERVED && !is_shown(probe, i) && j < edge->result.count; j++)
            put_certificate(printout, &edge->result, &edge->result.certificates[j], probe->now);
    }
}

/* The first edge that serves this kind of key; NULL. */
static const struct pti_probe_result *first_served(const struct probe *probe, enum pti_probe_key key)
{
    for (size_t i = 0; i < probe->count; i++)
        if (probe->edges[i].key == key && probe->edges[i].outcome == PTI_PROBE_SERVED)
            return &probe->edges[i].result;
    return NULL;
}

static bool is_all_valid(const struct probe *probe)
{
    bool valid = true;

    for (size_t i = 0; i < probe->count; i++)
        valid = valid && (probe->edges[i].outcome != PTI_PROBE_SERVED || probe->edges[i].result.valid);
    return valid;
}

static void fill(struct pti_printout *printout, const struct probe *probe)
{
    const char *host = probe->request.host.host;
    const struct pti_probe_result *ec = first_served(probe, PTI_PROBE_KEY_ECDSA);
    const struct pti_probe_result *rsa = first_served(probe, PTI_PROBE_KEY_RSA);

    pti_printout_record(printout, NULL, host_columns, PTI_COUNT(host_columns));
    pti_printout_text(printout, "host", host);
    pti_printout_integer(printout, "port", probe->request.host.port);
    pti_printout_bool(printout, "valid", is_all_valid(probe));
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "edges", "edges:", NULL, edge_columns, PTI_COUNT(edge_columns));
    for (size_t i = 0; i < probe->count; i++)
        put_edge(printout, probe, &probe->edges[i]);
    if (probe->held) {
        pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "verdicts", "what clients decide:", NULL, verdict_columns,
                          PTI_COUNT(verdict_columns));
        for (size_t i = 0; i < probe->count; i++)
            if (probe->edges[i].outcome == PTI_PROBE_SERVED)
                put_verdicts(printout, probe, &probe->edges[i]);
    }
    put_chains(printout, probe);
    pti_printout_list(printout, PTI_LAYOUT_LINES, "advice", "what to pin:", NULL, advice_columns,
                      PTI_COUNT(advice_columns));
    pti_probe_advise(ec ? ec : rsa, ec ? rsa : NULL, host, probe->now, put_advice, printout);
    pti_printout_record(printout, "", warning_columns, PTI_COUNT(warning_columns));
    pti_printout_text(printout, "warning", pti_probe_warning);
}

/* ---- what is asked ---- */

static enum pintle_status read_keys(struct pti_cli *cli, bool *ec, bool *rsa)
{
    const char *type = pti_cli_text(cli, "key-type");

    *ec = !type || strcmp(type, "both") == 0 || strcmp(type, "ec") == 0;
    *rsa = !type || strcmp(type, "both") == 0 || strcmp(type, "rsa") == 0;
    if (!*ec && !*rsa)
        return pti_cli_usage(cli, "--key-type needs ec, rsa or both, found \"%.40s\"", type);
    return PINTLE_OK;
}

static enum pintle_status read_addresses(struct probe *probe, struct pti_endpoint addresses[PTI_DIAL_ADDRESSES_MAX],
                                         size_t *count)
{
    struct pti_cli *cli = probe->cli;

    *count = pti_cli_count(cli, "address");
    if (*count == 0)
        return pti_dial_resolve(&probe->request.host, addresses, count, &cli->error);
    if (*count > PTI_DIAL_ADDRESSES_MAX)
        return pti_cli_usage(cli, "--address can be given at most %d times", PTI_DIAL_ADDRESSES_MAX);
    for (size_t i = 0; i < *count; i++)
        if (pti_endpoint_parse(pti_cli_nth(cli, "address", i), probe->request.host.port, &addresses[i], &cli->error) !=
            PINTLE_OK)
            return pti_error_prefix(&cli->error, "--address");
    return PINTLE_OK;
}

static enum pintle_status read_request(struct pti_cli *cli, struct pti_probe_request *request)
{
    int64_t seconds = 10;

    if (pti_endpoint_parse(cli->operands[0], PTI_HTTPS_PORT, &request->host, &cli->error) != PINTLE_OK ||
        pti_cli_ca_file(cli, &request->ca_file) != PINTLE_OK ||
        pti_cli_number(cli, "timeout", 1, 600, &seconds) != PINTLE_OK)
        return cli->error.status;
    request->timeout_ms = seconds * 1000;
    return PINTLE_OK;
}

static void look(struct probe *probe, const struct pti_endpoint *address, enum pti_probe_key key)
{
    struct edge *edge = &probe->edges[probe->count++];

    edge->address = *address;
    edge->key = key;
    probe->request.connect = address;
    probe->request.key = key;
    edge->outcome = pti_probe_edge(&probe->request, &edge->result, &edge->why);
}

/* If nothing is served anywhere, the first failure is that of the command. */
static enum pintle_status look_everywhere(struct probe *probe)
{
    struct pti_endpoint addresses[PTI_DIAL_ADDRESSES_MAX];
    size_t count = 0;
    bool ec = false, rsa = false;
    enum pintle_status status = read_keys(probe->cli, &ec, &rsa);

    if (status == PINTLE_OK)
        status = read_addresses(probe, addresses, &count);
    if (status != PINTLE_OK)
        return status;
    probe->edges = calloc(2 * count, sizeof *probe->edges);
    if (!probe->edges)
        return pti_fail(&probe->cli->error, PINTLE_ERR_MEMORY, "no memory for a probe");
    for (size_t i = 0; i < count; i++) {
        if (ec)
            look(probe, &addresses[i], PTI_PROBE_KEY_ECDSA);
        if (rsa)
            look(probe, &addresses[i], PTI_PROBE_KEY_RSA);
    }
    probe->request.connect = NULL;
    if (first_served(probe, PTI_PROBE_KEY_ECDSA) || first_served(probe, PTI_PROBE_KEY_RSA))
        return PINTLE_OK;
    probe->cli->error = probe->edges[0].why;
    return probe->cli->error.status;
}

static void say_unusable(void *ctx, const char *why)
{
    struct pti_cli *cli = ctx;

    fprintf(cli->err, "warning: left out: %s\n", why);
}

static enum pintle_status load_held(struct pti_cli *cli, struct pti_fleet *held)
{
    struct pti_session session;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_READ);

    if (status == PINTLE_OK)
        status = pti_fleet_load(&session.repository->published, session.repository->directory, session.crypto,
                                session.now, say_unusable, cli, held, &cli->error);
    pti_session_close(&session);
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct probe probe = {.cli = cli, .now = pti_session_time()};
    struct pti_fleet held = {.count = 0};
    struct pti_printout printout;
    enum pintle_status status = read_request(cli, &probe.request);

    if (status == PINTLE_OK && pti_cli_text(cli, "repo")) {
        status = load_held(cli, &held);
        probe.held = &held;
    }
    if (status == PINTLE_OK)
        status = look_everywhere(&probe);
    pti_printout_init(&printout);
    if (status == PINTLE_OK) {
        fill(&printout, &probe);
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    pti_printout_clear(&printout);
    pti_fleet_clear(&held);
    free(probe.edges);
    return status;
}

static const struct pti_option options_of_probe[] = {
    {"address", "ADDR[:PORT]", "look there instead of at every address of HOST; repeat it for several", true},
    {"key-type", "TYPE", "which certificates to ask for: ec, rsa or both (default both)", false},
    {"repo", "DIR",
     "also say what clients of this repository decide: with what is published now, and\n"
     "with each generation in its app directory",
     false},
    {"ca", "FILE", "PEM certificates to validate with, instead of this machine's trust store", false},
    {"timeout", "SECONDS", "give up on one handshake after that long (default 10)", false},
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_probe = {
    .name = "probe",
    .summary = "Show what a host serves, at every address: chain, pins, expiry, and what to pin",
    .operands = "HOST[:PORT]",
    .details =
        "Asks every address of HOST for its ECDSA and for its RSA certificate, each in a TLS handshake of its own.\n"
        "It looks and does not judge: it exits 0 whatever certificates are served, if one address serves at\n"
        "most 16 that can be read. What a network shows is no proof of whose key it is; take pins from keys,\n"
        "certificates or requests that you hold.",
    .example = "  pintle probe example.com",
    .options = options_of_probe,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
