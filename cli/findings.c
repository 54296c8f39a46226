/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/findings.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"
#include "base/datetime.h"
#include "cli/session.h"
#include "client/client.h"
#include "pin/pinset.h"

#define SECONDS_A_DAY 86400
#define FEW_DAYS 7

static const struct pti_column finding_columns[] = {{"finding", "finding", PTI_SHOWN_BOTH}};

#define SAY(patient, ...)                                                                                              \
    do {                                                                                                               \
        pti_printout_row(&(patient)->printout);                                                                        \
        pti_printout_format(&(patient)->printout, "finding", __VA_ARGS__);                                             \
    } while (0)

static void explain_freshness(struct pti_patient *patient)
{
    const struct pintle_client *client = patient->app.client;
    char date[PTI_DATETIME_SIZE + 1] = "";

    if (client->accepted) {
        pti_datetime_format(pti_generation_expires(client->accepted, NULL), date);
    }
    if (strcmp(patient->state, "fresh") == 0) {
        SAY(patient, "The pins are fresh until %s; a client that polls renews that.", date);
        return;
    }
    patient->ailing = true;
    if (strcmp(patient->state, "unverified") == 0) {
        SAY(patient,
            "The store cannot be verified: what ships with the application is enforced, and every other host is "
            "refused until a refresh succeeds.");
    } else if (strcmp(patient->state, "none") == 0) {
        SAY(patient, "No manifest is known: nothing but required hosts is refused, and nothing is pinned.");
    } else {
        SAY(patient,
            "The pins are stale (they expired at %s, or something newer is known to exist): they are still "
            "enforced, and a rotated key would be refused. Find out why the refresh fails.",
            date);
    }
    for (size_t i = 0; client->accepted && i < client->accepted->zone_count; i++) {
        const struct pti_generation_zone *zone = &client->accepted->zones[i];

        if (pti_client_now(client) >= zone->role->expires) {
            SAY(patient, "Zone %s has expired: its team has to sign it again (pintle zone renew).", zone->name);
        }
    }
}

static void explain_policy(struct pti_patient *patient)
{
    const struct pti_policy *policy = patient->policy;
    const char *host = patient->host.host;
    char date[PTI_DATETIME_SIZE + 1];

    if (!policy) {
        patient->refused = pti_pinset_requires(patient->pinset, host) || patient->pinset->refuse_unknown;
        SAY(patient, "No policy covers %s: %s", host,
            patient->refused ? "it is refused, because pins are required for it or the store does not verify."
                             : "ordinary validation of its certificate is enough, and no key is pinned.");
        return;
    }
    SAY(patient, "%s is pinned by the charter's entry %s (charter version %" PRId64 "); its keys come from %s%s.", host,
        policy->host, patient->pinset->charter_version, *policy->zone ? "zone " : "the charter alone", policy->zone);
    SAY(patient, policy->mode == PINTLE_MODE_ENFORCE
                     ? "Mode enforce: a connection whose verified chain holds none of its pins is refused."
                     : "Mode report: a connection without a pinned key is let through and reported; a denied key is "
                       "refused.");
    if (policy->pin_count == 0 && policy->mode == PINTLE_MODE_ENFORCE) {
        patient->refused = true;
        SAY(patient, "It has no usable pin, so every connection is refused. Publish a pin for it.");
    } else if (policy->pin_count == 1) {
        patient->ailing = true;
        SAY(patient,
            "It has one pin: if that key is lost, every client is locked out until a new manifest has reached it. "
            "Publish a backup.");
    }
    if (policy->charter_deny_count + policy->zone_deny_count > 0) {
        SAY(patient, "%u keys or certificates are denied: a chain that holds one is refused, in report mode too.",
            policy->charter_deny_count + policy->zone_deny_count);
    }
    if (policy->refuse_after == PTI_NEVER) {
        SAY(patient, "If no refresh succeeds its pins go stale, but stay enforced; they are never dropped.");
    } else {
        pti_datetime_format(policy->refuse_after, date);
        SAY(patient, "If no refresh succeeds it is refused after %s.", date);
    }
}

static void explain_served(struct pti_patient *patient)
{
    const struct pti_probe_result *served = &patient->served;
    int64_t days = (served->certificates[0].not_after - pti_session_time()) / SECONDS_A_DAY;
    char text[PTI_ERROR_DETAIL_MAX];

    if (!served->valid) {
        patient->refused = true;
        SAY(patient, "What it serves is refused before pins are asked: ordinary validation says \"%s\".",
            served->validation);
        return;
    }
    patient->refused = patient->refused || patient->verdict.status != PINTLE_OK;
    (void)pintle_verdict_describe(&patient->verdict, text, sizeof text);
    SAY(patient, "What it serves now: %s", text);
    if (patient->verdict.status == PINTLE_ERR_PIN_MISMATCH) {
        SAY(patient,
            "A client would refresh once and connect once more; it stays refused unless the repository holds newer "
            "pins than these.");
    }
    if (days < FEW_DAYS) {
        patient->ailing = true;
        SAY(patient, "Its certificate expires in %" PRId64 " days: ordinary validation will refuse it then.", days);
    }
}

void pti_findings_put(struct pti_patient *patient)
{
    pti_printout_list(&patient->printout, PTI_LAYOUT_LINES, "findings", "in words:", NULL, finding_columns,
                      PTI_COUNT(finding_columns));
    explain_freshness(patient);
    if (*patient->host.host) {
        explain_policy(patient);
    }
    if (patient->probed) {
        explain_served(patient);
    }
}
