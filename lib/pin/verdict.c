/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts: names of reasons, their statuses, verdicts before any decision, and a line for people. */
#include <pintle/verdict.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "pin/decide.h"

struct reason_text {
    const char *name;
    const char *why; /* what was found */
    const char *act; /* what to do; NULL if nothing */
};

static struct reason_text text_of(enum pintle_reason reason)
{
    switch (reason) {
    case PINTLE_REASON_UNDECIDED:
        return (struct reason_text){"undecided", "no check has run", "check before asking for a verdict"};
    case PINTLE_REASON_MATCHED:
        return (struct reason_text){"matched", "a pin matched", NULL};
    case PINTLE_REASON_UNLISTED:
        return (struct reason_text){"unlisted", "no pins are known for this host and none are required", NULL};
    case PINTLE_REASON_REPORT_ONLY:
        return (struct reason_text){"report_only", "no pin matched, but the policy only reports",
                                    "pin the served key or serve a pinned one before enforcing"};
    case PINTLE_REASON_MISMATCH:
        return (struct reason_text){"mismatch", "no key in the verified chain is pinned",
                                    "compare the served chain (pintle probe) with the pins of this version; if the "
                                    "server is right, publish its pin"};
    case PINTLE_REASON_DENIED:
        return (struct reason_text){"denied", "a key or certificate in the verified chain is denied",
                                    "serve a chain without it"};
    case PINTLE_REASON_UNLISTED_REFUSED:
        return (struct reason_text){"unlisted_refused", "no pins are known and the application refuses such hosts",
                                    "add the host to the charter"};
    case PINTLE_REASON_REQUIRED_UNKNOWN:
        return (struct reason_text){"required_unknown", "the application requires pins and none are known",
                                    "refresh, or ship a generation that lists the host"};
    case PINTLE_REASON_NO_USABLE_PIN:
        return (struct reason_text){"no_usable_pin", "the policy enforces but has no pin that this build understands",
                                    "publish a pin for the host, or update the application"};
    case PINTLE_REASON_CHAIN_UNUSABLE:
        return (struct reason_text){"chain_unusable", "the chain is empty, too long, or holds what is no certificate",
                                    "check what the TLS library handed over"};
    case PINTLE_REASON_STALE_REFUSED:
        return (struct reason_text){"stale_refused", "the pins have been stale for longer than is allowed",
                                    "let the client reach its repository"};
    case PINTLE_REASON_SHIPPED_TOO_OLD:
        return (struct reason_text){"shipped_too_old", "the pins that came with the application are too old",
                                    "let the client reach its repository, or update the application"};
    case PINTLE_REASON_STORE_UNVERIFIED:
        return (struct reason_text){"store_unverified", "the stored pins could not be verified and no other are known",
                                    "let a refresh succeed"};
    case PINTLE_REASON_EVIDENCE_PARTIAL:
        return (struct reason_text){"evidence_partial", "the evidence lacks a kind of hash that the policy asks for",
                                    "extract the evidence anew, with all that the pinset needs"};
    case PINTLE_REASON_ADAPTER_LIMIT:
        return (struct reason_text){
            "adapter_limit", "the TLS adapter cannot supply the issuers that the policy needs, or match an address",
            "pin leaf keys for a host name, without denials, or use another TLS library"};
    case PINTLE_REASON_HOST_INVALID:
        return (struct reason_text){"host_invalid", "it is not a host name or IP address",
                                    "name the host alone, as A-labels"};
    case PINTLE_REASON_HOST_MISSING:
        return (struct reason_text){"host_missing", "the TLS adapter was given no host",
                                    "set the host before the handshake"};
    case PINTLE_REASON_VALIDATION_FAILED:
        return (struct reason_text){"validation_failed",
                                    "ordinary certificate validation failed, so pins were not asked",
                                    "see the error of the TLS library"};
    case PINTLE_REASON_VALIDATION_OFF:
        return (struct reason_text){"validation_off", "ordinary certificate validation is switched off",
                                    "leave it on: pins come after it and never replace it"};
    }
    return (struct reason_text){"unknown", "unknown reason", NULL};
}

const char *pintle_reason_name(enum pintle_reason reason)
{
    return text_of(reason).name;
}

enum pintle_status pti_reason_status(enum pintle_reason reason)
{
    switch (reason) {
    case PINTLE_REASON_MATCHED:
    case PINTLE_REASON_UNLISTED:
    case PINTLE_REASON_REPORT_ONLY:
        return PINTLE_OK;
    case PINTLE_REASON_MISMATCH:
        return PINTLE_ERR_PIN_MISMATCH;
    case PINTLE_REASON_DENIED:
    case PINTLE_REASON_UNLISTED_REFUSED:
    case PINTLE_REASON_REQUIRED_UNKNOWN:
    case PINTLE_REASON_NO_USABLE_PIN:
    case PINTLE_REASON_STALE_REFUSED:
    case PINTLE_REASON_SHIPPED_TOO_OLD:
    case PINTLE_REASON_STORE_UNVERIFIED:
    case PINTLE_REASON_VALIDATION_FAILED:
        return PINTLE_ERR_TRUST;
    case PINTLE_REASON_CHAIN_UNUSABLE:
    case PINTLE_REASON_HOST_INVALID:
        return PINTLE_ERR_INPUT;
    case PINTLE_REASON_EVIDENCE_PARTIAL:
    case PINTLE_REASON_ADAPTER_LIMIT:
        return PINTLE_ERR_UNSUPPORTED;
    case PINTLE_REASON_UNDECIDED:
    case PINTLE_REASON_HOST_MISSING:
    case PINTLE_REASON_VALIDATION_OFF:
        return PINTLE_ERR_MISUSE;
    }
    return PINTLE_ERR_MISUSE;
}

void pti_verdict_reject(struct pintle_verdict *verdict, enum pintle_reason reason, const char *host)
{
    memset(verdict, 0, sizeof *verdict);
    verdict->status = pti_reason_status(reason);
    verdict->reason = reason;
    verdict->matched_index = -1;
    if (host != NULL)
        (void)pti_copy_text(verdict->host, sizeof verdict->host, host);
}

static const char *outcome(const struct pintle_verdict *verdict)
{
    if (verdict->reason == PINTLE_REASON_UNDECIDED)
        return "not decided";
    if (verdict->status == PINTLE_OK)
        return "accepted";
    return verdict->status == PINTLE_ERR_RETRY ? "refused for now" : "refused";
}

static void describe_match(const struct pintle_verdict *verdict, char *out, size_t size)
{
    char sha256[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    out[0] = '\0';
    if (verdict->reason == PINTLE_REASON_UNDECIDED || verdict->matched_index < 0)
        return;
    pti_base64_encode(verdict->matched, sizeof verdict->matched, sha256);
    (void)snprintf(out, size, " (%s sha256/%s at position %d)",
                   verdict->matched_of == PINTLE_OF_CERT ? "certificate" : "key", sha256, verdict->matched_index);
}

/* " [policy of example.com, charter 3, zone payments 41]", as much of it as there is. */
static void describe_policy(const struct pintle_verdict *verdict, char *out, size_t size)
{
    char zone[PINTLE_ZONE_NAME_MAX + 32] = "";

    out[0] = '\0';
    if (verdict->noted_host[0] == '\0')
        return;
    if (verdict->zone[0] != '\0' && verdict->zone_version > 0)
        (void)snprintf(zone, sizeof zone, ", zone %s %" PRId64, verdict->zone, verdict->zone_version);
    else if (verdict->zone[0] != '\0')
        (void)snprintf(zone, sizeof zone, ", zone %s without a file", verdict->zone);
    if (verdict->charter_version > 0)
        (void)snprintf(out, size, " [policy of %s, charter %" PRId64 "%s]", verdict->noted_host,
                       verdict->charter_version, zone);
    else
        (void)snprintf(out, size, " [policy of %s%s]", verdict->noted_host, zone);
}

size_t pintle_verdict_describe(const struct pintle_verdict *verdict, char *out, size_t size)
{
    char match[128];
    char policy[PINTLE_HOST_MAX + PINTLE_ZONE_NAME_MAX + 96];

    struct reason_text text = text_of(verdict->reason);
    const char *act = verdict->status == PINTLE_ERR_RETRY ? "refresh the pins, then connect once more" : text.act;
    describe_match(verdict, match, sizeof match);
    describe_policy(verdict, policy, sizeof policy);
    int length = snprintf(out, size, "%s: %s: %s%s%s%s%s", verdict->host[0] != '\0' ? verdict->host : "(no host)",
                          outcome(verdict), text.why, match, act != NULL ? "; " : "", act != NULL ? act : "", policy);
    return length > 0 ? (size_t)length : 0;
}
