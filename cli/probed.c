/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/probed.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/datetime.h"
#include "cli/output.h"

#define SECONDS_A_DAY 86400

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
static void put_address(struct pti_printout *printout, const struct pti_probed_edge *edge)
{
    pti_printout_format(printout, "address", strchr(edge->address.host, ':') ? "[%s]:%u" : "%s:%u", edge->address.host,
                        (unsigned)edge->address.port);
    pti_printout_text(printout, "key_type", key_name(edge->key));
}

static void judge(const struct pti_probed *probed, const struct pti_probed_edge *edge, size_t generation,
                  struct pintle_verdict *verdict)
{
    pti_probe_judge(&edge->result, probed->held->generations[generation].pinset, probed->host->host, probed->now,
                    verdict);
}

static void put_refusals(struct pti_printout *printout, const struct pti_probed *probed,
                         const struct pti_probed_edge *edge)
{
    struct pti_buf names;

    pti_buf_init(&names, PTI_FLEET_MAX * (PTI_FLEET_NAME_SIZE + 2));
    for (size_t i = 0; i < probed->held->count; i++) {
        struct pintle_verdict verdict;

        judge(probed, edge, i, &verdict);
        if (verdict.status != PINTLE_OK)
            pti_buf_printf(&names, "%s%s", names.size > 0 ? ", " : "", probed->held->generations[i].name);
    }
    pti_printout_text(printout, "refused_by", names.size > 0 ? pti_buf_cstr(&names) : "nobody");
    pti_buf_clear(&names);
}

static void put_edge(struct pti_printout *printout, const struct pti_probed *probed, const struct pti_probed_edge *edge)
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
    if (probed->held)
        put_refusals(printout, probed, edge);
}

static void put_verdicts(struct pti_printout *printout, const struct pti_probed *probed,
                         const struct pti_probed_edge *edge)
{
    for (size_t i = 0; i < probed->held->count; i++) {
        struct pintle_verdict verdict;

        judge(probed, edge, i, &verdict);
        pti_printout_row(printout);
        put_address(printout, edge);
        pti_printout_text(printout, "generation", probed->held->generations[i].name);
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
static bool is_shown(const struct pti_probed *probed, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (probed->edges[i].outcome == PTI_PROBE_SERVED &&
            is_same_chain(&probed->edges[i].result, &probed->edges[index].result))
            return true;
    return false;
}

static void put_chains(struct pti_printout *printout, const struct pti_probed *probed)
{
    pti_printout_list(printout, PTI_LAYOUT_BLOCKS, "certificates",
                      "what is served, each chain once; of a valid one the verified chain, where pins match:", NULL,
                      certificate_columns, PTI_COUNT(certificate_columns));
    for (size_t i = 0; i < probed->count; i++) {
        const struct pti_probed_edge *edge = &probed->edges[i];

        for (size_t j = 0; edge->outcome == PTI_PROBE_SERVED && !is_shown(probed, i) && j < edge->result.count; j++)
            put_certificate(printout, &edge->result, &edge->result.certificates[j], probed->now);
    }
}

/* The first edge that serves this kind of key; NULL. */
static const struct pti_probe_result *first_served(const struct pti_probed *probed, enum pti_probe_key key)
{
    for (size_t i = 0; i < probed->count; i++)
        if (probed->edges[i].key == key && probed->edges[i].outcome == PTI_PROBE_SERVED)
            return &probed->edges[i].result;
    return NULL;
}

static bool is_all_valid(const struct pti_probed *probed)
{
    bool valid = true;

    for (size_t i = 0; i < probed->count; i++)
        valid = valid && (probed->edges[i].outcome != PTI_PROBE_SERVED || probed->edges[i].result.valid);
    return valid;
}

static void fill(struct pti_printout *printout, const struct pti_probed *probed)
{
    const char *host = probed->host->host;
    const struct pti_probe_result *ec = first_served(probed, PTI_PROBE_KEY_ECDSA);
    const struct pti_probe_result *rsa = first_served(probed, PTI_PROBE_KEY_RSA);

    pti_printout_record(printout, NULL, host_columns, PTI_COUNT(host_columns));
    pti_printout_text(printout, "host", host);
    pti_printout_integer(printout, "port", probed->host->port);
    pti_printout_bool(printout, "valid", is_all_valid(probed));
    pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "edges", "edges:", NULL, edge_columns, PTI_COUNT(edge_columns));
    for (size_t i = 0; i < probed->count; i++)
        put_edge(printout, probed, &probed->edges[i]);
    if (probed->held) {
        pti_printout_list(printout, PTI_LAYOUT_COLUMNS, "verdicts", "what clients decide:", NULL, verdict_columns,
                          PTI_COUNT(verdict_columns));
        for (size_t i = 0; i < probed->count; i++)
            if (probed->edges[i].outcome == PTI_PROBE_SERVED)
                put_verdicts(printout, probed, &probed->edges[i]);
    }
    put_chains(printout, probed);
    pti_printout_list(printout, PTI_LAYOUT_LINES, "advice", "what to pin:", NULL, advice_columns,
                      PTI_COUNT(advice_columns));
    pti_probe_advise(ec ? ec : rsa, ec ? rsa : NULL, host, probed->now, put_advice, printout);
    pti_printout_record(printout, "", warning_columns, PTI_COUNT(warning_columns));
    pti_printout_text(printout, "warning", pti_probe_warning);
}

enum pintle_status pti_probed_print(const struct pti_probed *probed, bool json, FILE *out, struct pti_error *error)
{
    struct pti_printout printout;
    enum pintle_status status;

    pti_printout_init(&printout);
    fill(&printout, probed);
    status = pti_printout_print(&printout, json, out, error);
    pti_printout_clear(&printout);
    return status;
}
