/* SPDX-License-Identifier: Apache-2.0 */
#include "server/edge_finding.h"

#include <string.h>

#include "base/datetime.h"
#include "base/json_write.h"

enum pti_edge_pinned pti_edge_pinned_by(enum pintle_reason reason)
{
    switch (reason) {
    case PINTLE_REASON_MATCHED:
        return PTI_EDGE_PINNED;
    case PINTLE_REASON_MISMATCH:
    case PINTLE_REASON_DENIED:
    case PINTLE_REASON_REPORT_ONLY:
        return PTI_EDGE_UNPINNED;
    case PINTLE_REASON_UNDECIDED:
    case PINTLE_REASON_UNLISTED:
    case PINTLE_REASON_UNLISTED_REFUSED:
    case PINTLE_REASON_REQUIRED_UNKNOWN:
    case PINTLE_REASON_NO_USABLE_PIN:
    case PINTLE_REASON_CHAIN_UNUSABLE:
    case PINTLE_REASON_STALE_REFUSED:
    case PINTLE_REASON_SHIPPED_TOO_OLD:
    case PINTLE_REASON_STORE_UNVERIFIED:
    case PINTLE_REASON_EVIDENCE_PARTIAL:
    case PINTLE_REASON_ADAPTER_LIMIT:
    case PINTLE_REASON_HOST_INVALID:
    case PINTLE_REASON_HOST_MISSING:
    case PINTLE_REASON_VALIDATION_FAILED:
    case PINTLE_REASON_VALIDATION_OFF:
        break;
    }
    return PTI_EDGE_UNKNOWN;
}

static void put_hash(struct pti_json_writer *writer, const char *name, const uint8_t sha256[PINTLE_SHA256_SIZE])
{
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(sha256, PINTLE_SHA256_SIZE, text);
    pti_json_put_text(writer, name, text);
}

static void put_time(struct pti_json_writer *writer, const char *name, int64_t seconds)
{
    char text[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(seconds, text);
    pti_json_put_text(writer, name, text);
}

static void put_position(struct pti_json_writer *writer, const char *name, int position)
{
    if (position >= 0)
        pti_json_put_integer(writer, name, position);
    else
        pti_json_put_null(writer, name);
}

static void put_certificate(struct pti_json_writer *writer, const struct pti_probe_certificate *certificate)
{
    pti_json_begin_object(writer, NULL);
    put_position(writer, "chain_position", certificate->chain_at);
    put_position(writer, "sent_position", certificate->sent_at);
    pti_json_put_text(writer, "subject", certificate->subject);
    pti_json_put_text(writer, "issuer", certificate->issuer);
    put_time(writer, "not_before", certificate->not_before);
    put_time(writer, "not_after", certificate->not_after);
    pti_json_put_text(writer, "key", certificate->key);
    put_hash(writer, "spki", certificate->spki);
    put_hash(writer, "cert", certificate->cert);
    pti_json_end_object(writer);
}

static void put_verdict(struct pti_json_writer *writer, const char *generation, const struct pintle_verdict *verdict)
{
    pti_json_begin_object(writer, NULL);
    pti_json_put_text(writer, "generation", generation);
    pti_json_put_bool(writer, "accepted", verdict->status == PINTLE_OK);
    pti_json_put_text(writer, "reason", pintle_reason_name(verdict->reason));
    pti_json_put_integer(writer, "charter_version", verdict->charter_version);
    pti_json_put_text(writer, "zone", verdict->zone);
    pti_json_put_integer(writer, "zone_version", verdict->zone_version);
    pti_json_end_object(writer);
}

static void put_verdicts(struct pti_json_writer *writer, const struct pti_probe_result *result,
                         const struct pti_fleet *held, const char *host, struct pti_edge_finding *finding)
{
    pti_json_begin_array(writer, "verdicts");
    for (size_t i = 0; i < held->count; i++) {
        struct pintle_verdict verdict;
        enum pti_edge_pinned pinned;

        pti_probe_judge(result, held->generations[i].pinset, host, finding->probed, &verdict);
        put_verdict(writer, held->generations[i].name, &verdict);
        pinned = pti_edge_pinned_by(verdict.reason);
        if (pinned > finding->pinned)
            finding->pinned = pinned;
    }
    pti_json_end_array(writer);
}

static void put_served(struct pti_json_writer *writer, const struct pti_probe_result *result,
                       const struct pti_fleet *held, const char *host, struct pti_edge_finding *finding)
{
    const struct pti_probe_certificate *leaf = &result->certificates[0];

    pti_base64_encode(leaf->spki, PINTLE_SHA256_SIZE, finding->leaf);
    finding->not_before = leaf->not_before;
    finding->not_after = leaf->not_after;
    pti_json_put_text(writer, "protocol", result->protocol);
    pti_json_put_bool(writer, "valid", result->valid);
    pti_json_put_text(writer, "validation", result->validation);
    pti_json_begin_array(writer, "certificates");
    for (size_t i = 0; i < result->count; i++)
        put_certificate(writer, &result->certificates[i]);
    pti_json_end_array(writer);
    put_verdicts(writer, result, held, host, finding);
}

enum pintle_status pti_edge_find(enum pti_probe_outcome outcome, const struct pti_probe_result *result, const char *why,
                                 const struct pti_fleet *held, const char *host, int64_t now, struct pti_buf *document,
                                 struct pti_edge_finding *finding, struct pti_error *error)
{
    struct pti_json_writer writer;
    enum pintle_status status = PINTLE_ERR_MEMORY;

    memset(finding, 0, sizeof *finding);
    finding->probed = now;
    finding->outcome = outcome;
    pti_json_writer_init(&writer, document, false);
    pti_json_begin_object(&writer, NULL);
    if (outcome == PTI_PROBE_SERVED)
        put_served(&writer, result, held, host, finding);
    else
        pti_json_put_text(&writer, "detail", why);
    pti_json_end_object(&writer);
    status = pti_buf_check(document, error, "the result of a probe");
    finding->document = pti_buf_bytes(document);
    return status;
}
