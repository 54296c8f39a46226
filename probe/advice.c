/* SPDX-License-Identifier: Apache-2.0 */
/* What to pin: pure. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "probe/probe.h"

#define SECONDS_A_DAY 86400
#define SOON_DAYS 21
#define LINE_MAX_SIZE 512

const char pti_probe_warning[] = "what a network shows is no proof of whose key it is: an interceptor shows its own";

struct advice {
    void (*line)(void *ctx, const char *text);
    void *ctx;
    const char *host;
    int64_t now;
};

static void pin_leaf(const struct advice *advice, const struct pti_probe_certificate *leaf, const char *which)
{
    char text[LINE_MAX_SIZE], hash[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(leaf->spki, sizeof leaf->spki, hash);
    snprintf(text, sizeof text,
             "live%s: pin the leaf's key, spki %s; take it from the key itself: pintle pin add %s --key FILE (or "
             "--csr FILE)",
             which, hash, advice->host);
    advice->line(advice->ctx, text);
}

static void judge_dates(const struct advice *advice, const struct pti_probe_certificate *leaf)
{
    char text[LINE_MAX_SIZE];
    int64_t days = (leaf->not_after - advice->now) / SECONDS_A_DAY;

    if (advice->now >= leaf->not_after) {
        advice->line(advice->ctx, "the leaf certificate has expired: every client that validates refuses it, pinned or "
                                  "not; renew it, with the same key if that is pinned");
    } else if (advice->now < leaf->not_before) {
        advice->line(advice->ctx, "the leaf certificate is not valid yet; check the clock here and the certificate");
    } else if (days < SOON_DAYS) {
        snprintf(text, sizeof text,
                 "the leaf certificate expires in %" PRId64 " days: renew it with the same key, or with one that is "
                 "pinned already",
                 days);
        advice->line(advice->ctx, text);
    }
}

static bool mentions(const struct pti_probe_result *result, const char *name)
{
    for (size_t i = 0; i < result->count; i++) {
        if (strstr(result->certificates[i].issuer, name)) {
            return true;
        }
    }
    return false;
}

static void judge_issuers(const struct advice *advice, const struct pti_probe_result *result)
{
    char text[LINE_MAX_SIZE];

    if (mentions(result, "Let's Encrypt") || mentions(result, "Internet Security Research Group")) {
        advice->line(advice->ctx,
                     "never pin an intermediate of Let's Encrypt: it picks one at random on purpose, so the "
                     "next renewal would lock clients out");
    } else if (result->count > 1) {
        advice->line(advice->ctx,
                     "a CA's intermediate may change at any renewal: pin issuers only where the CA promises "
                     "to tell you before, and every one it may use");
    }
    for (size_t i = 0; result->valid && i < result->count; i++) {
        if (result->certificates[i].chain_at < 0) {
            snprintf(text, sizeof text,
                     "certificate %d is sent but is no part of the verified chain: a pin on it never matches",
                     result->certificates[i].sent_at);
            advice->line(advice->ctx, text);
        }
    }
}

void pti_probe_advise(const struct pti_probe_result *result, const struct pti_probe_result *other, const char *host,
                      int64_t now, void (*line)(void *ctx, const char *text), void *ctx)
{
    struct advice advice = {line, ctx, host, now};
    char text[LINE_MAX_SIZE];

    if (!result->valid) {
        snprintf(text, sizeof text,
                 "ordinary validation fails here (%s): pinning does not replace it, clients would refuse this host; "
                 "with a private CA, name it with --ca FILE",
                 result->validation);
        line(ctx, text);
    }
    judge_dates(&advice, &result->certificates[0]);
    pin_leaf(&advice, &result->certificates[0], "");
    if (other) {
        pin_leaf(&advice, &other->certificates[0], " too (this server has two kinds of keys, clients may get either)");
    }
    snprintf(text, sizeof text,
             "next: make the key that will replace it today and pin it before any server has it: "
             "pintle pin add %s --key next.pem",
             host);
    line(ctx, text);
    snprintf(text, sizeof text,
             "backup: keep a third key away from the servers, with a certificate request for another CA: "
             "pintle pin add %s --csr backup.csr --permanent",
             host);
    line(ctx, text);
    judge_issuers(&advice, result);
}
