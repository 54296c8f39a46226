/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle doctor`: what is pinned, by whom, how fresh that is, what would fail, and why. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "cli/ca_file.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/session.h"
#include "client/client.h"
#include "client/enforce.h"
#include "pin/charter.h"
#include "pin/pins.h"

static const struct pti_column state_columns[] = {
    {"state", "state", PTI_SHOWN_BOTH},
    {"repository", "repository", PTI_SHOWN_BOTH},
    {"root", "root", PTI_SHOWN_BOTH},
    {"charter", "charter version", PTI_SHOWN_BOTH},
    {"issued", "issued", PTI_SHOWN_BOTH},
    {"expires", "expires", PTI_SHOWN_BOTH},
    {"source", "pins come from", PTI_SHOWN_BOTH},
    {"reports_queued", "reports waiting", PTI_SHOWN_BOTH},
};

static const struct pti_column host_columns[] = {
    {"host", "host", PTI_SHOWN_BOTH},
    {"mode", "mode", PTI_SHOWN_BOTH},
    {"subdomains", "subdomains", PTI_SHOWN_BOTH},
    {"charter_pins", "pins of the charter", PTI_SHOWN_BOTH},
    {"zone_pins", "pins of the zone", PTI_SHOWN_BOTH},
    {"zone", "zone", PTI_SHOWN_BOTH},
    {"denials", "denials", PTI_SHOWN_BOTH},
};

static const struct pti_column pin_columns[] = {
    {"sha256", "pin", PTI_SHOWN_BOTH}, {"of", "of", PTI_SHOWN_BOTH},           {"at", "at", PTI_SHOWN_BOTH},
    {"by", "by", PTI_SHOWN_BOTH},      {"matches", "matches", PTI_SHOWN_BOTH},
};

static const struct pti_column served_columns[] = {
    {"position", "position", PTI_SHOWN_BOTH},
    {"subject", "subject", PTI_SHOWN_BOTH},
    {"not_after", "not after", PTI_SHOWN_BOTH},
    {"spki", "spki pin", PTI_SHOWN_BOTH},
};

/* For programs: people read the findings. */
static const struct pti_column diagnosis_columns[] = {
    {"host", NULL, PTI_SHOWN_JSON}, {"refused", NULL, PTI_SHOWN_JSON}, {"healthy", NULL, PTI_SHOWN_JSON}};
/* ---- what is pinned ---- */

static size_t charter_pins(const struct pti_patient *patient, const struct pti_policy *policy)
{
    const struct pti_charter_host *host = patient->ruling ? pti_charter_find(&patient->ruling->charter, policy->host)
                                                          : NULL;

    return host ? host->pins.count : 0;
}

static bool is_of_charter(const struct pti_patient *patient, const struct pti_policy_pin *pin)
{
    const struct pti_charter_host *host = patient->ruling
                                              ? pti_charter_find(&patient->ruling->charter, patient->policy->host)
                                              : NULL;

    for (size_t i = 0; host && i < host->pins.count; i++) {
        if (memcmp(host->pins.items[i].sha256, pin->sha256, PINTLE_SHA256_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

/* The certificate of the verified chain in which a pin matches; -1. */
static int matches_at(const struct pintle_evidence *evidence, const struct pti_policy_pin *pin)
{
    for (int i = 0; i < evidence->count; i++) {
        const uint8_t *hash = pin->of == PINTLE_OF_CERT ? evidence->cert[i] : evidence->spki[i];

        if ((pin->at & (i == 0 ? PINTLE_AT_LEAF : PINTLE_AT_ISSUER)) != 0 &&
            memcmp(hash, pin->sha256, PINTLE_SHA256_SIZE) == 0) {
            return i;
        }
    }
    return -1;
}

static void put_hosts(struct pti_patient *patient)
{
    pti_printout_list(&patient->printout, PTI_LAYOUT_COLUMNS, "hosts", "hosts with pins:", "no host has pins",
                      host_columns, PTI_COUNT(host_columns));
    for (size_t i = 0; i < patient->pinset->policy_count; i++) {
        const struct pti_policy *policy = &patient->pinset->policies[i];
        int64_t own = (int64_t)charter_pins(patient, policy);

        pti_printout_row(&patient->printout);
        pti_printout_text(&patient->printout, "host", policy->host);
        pti_printout_text(&patient->printout, "mode", pti_mode_name(policy->mode));
        pti_printout_bool(&patient->printout, "subdomains", policy->subdomains);
        pti_printout_integer(&patient->printout, "charter_pins", own);
        pti_printout_integer(&patient->printout, "zone_pins", policy->pin_count > own ? policy->pin_count - own : 0);
        pti_printout_text(&patient->printout, "zone", *policy->zone ? policy->zone : NULL);
        pti_printout_integer(&patient->printout, "denials", policy->charter_deny_count + policy->zone_deny_count);
    }
}

static void put_pins(struct pti_patient *patient)
{
    const struct pti_policy *policy = patient->policy;

    pti_printout_list(&patient->printout, PTI_LAYOUT_COLUMNS, "pins", "its pins:", "it has no pins", pin_columns,
                      PTI_COUNT(pin_columns));
    for (uint32_t i = 0; policy && i < policy->pin_count; i++) {
        const struct pti_policy_pin *pin = &patient->pinset->pins[policy->pins + i];
        int at = patient->probed ? matches_at(&patient->evidence, pin) : -1;

        pti_printout_row(&patient->printout);
        pti_printout_sha256(&patient->printout, "sha256", pin->sha256);
        pti_printout_text(&patient->printout, "of", pti_of_name((enum pintle_of)pin->of));
        pti_printout_text(&patient->printout, "at", pti_at_name((enum pintle_at)pin->at));
        if (is_of_charter(patient, pin)) {
            pti_printout_text(&patient->printout, "by", "charter");
        } else {
            pti_printout_format(&patient->printout, "by", "zone %s", policy->zone);
        }
        if (at >= 0) {
            pti_printout_format(&patient->printout, "matches", "certificate %d", at);
        }
    }
}

static void put_served(struct pti_patient *patient)
{
    const struct pti_probe_result *served = &patient->served;

    pti_printout_list(
        &patient->printout, PTI_LAYOUT_COLUMNS, "served",
        served->valid ? "the verified chain that it serves, where pins match:" : "what it serves, not verified:", NULL,
        served_columns, PTI_COUNT(served_columns));
    for (size_t i = 0; i < served->count; i++) {
        const struct pti_probe_certificate *certificate = &served->certificates[i];

        if (served->valid && certificate->chain_at < 0) {
            continue;
        }
        pti_printout_row(&patient->printout);
        pti_printout_integer(&patient->printout, "position",
                             served->valid ? certificate->chain_at : certificate->sent_at);
        pti_printout_text(&patient->printout, "subject", *certificate->subject ? certificate->subject : "(empty)");
        pti_printout_time(&patient->printout, "not_after", certificate->not_after);
        pti_printout_sha256(&patient->printout, "spki", certificate->spki);
    }
}

/* ---- the examination ---- */

static void put_state(struct pti_patient *patient)
{
    const struct pintle_client *client = patient->app.client;
    const struct pti_tuf_metadata *root = pti_roots_newest(&client->roots);
    const struct pti_generation *accepted = client->accepted;
    struct pti_printout *printout = &patient->printout;
    char *name = pti_bytes_strdup(root->repository);

    pti_printout_record(printout, NULL, state_columns, PTI_COUNT(state_columns));
    pti_printout_text(printout, "state", patient->state);
    pti_printout_text(printout, "repository", name);
    pti_printout_integer(printout, "root", root->version);
    pti_printout_integer(printout, "reports_queued", (int64_t)client->live->reports.count);
    if (accepted) {
        pti_printout_integer(printout, "charter", patient->ruling->charter.version);
        if (accepted->timestamp->issued >= 0) {
            pti_printout_time(printout, "issued", accepted->timestamp->issued);
        }
        pti_printout_time(printout, "expires", pti_generation_expires(accepted, NULL));
        pti_printout_text(printout, "source",
                          accepted->shipped ? "the application itself" : "the repository, kept in the store");
    }
    free(name);
}

static enum pintle_status look_at_host(struct pti_patient *patient, const struct pti_endpoint *connect)
{
    struct pti_cli *cli = patient->app.cli;
    struct pti_probe_request request = {
        .host = patient->host, .connect = connect, .key = PTI_PROBE_KEY_ANY, .timeout_ms = patient->app.timeout_ms};
    enum pintle_status status = pti_cli_ca_file(cli, &request.ca_file);

    if (status == PINTLE_OK) {
        status = pti_probe(&request, &patient->served, &cli->error);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    patient->probed = true;
    pti_probe_evidence(&patient->served, &patient->evidence);
    (void)pintle_checker_peek(patient->app.checker, patient->host.host, &patient->evidence, &patient->verdict);
    return PINTLE_OK;
}

static enum pintle_status conclude(struct pti_patient *patient)
{
    struct pti_cli *cli = patient->app.cli;
    enum pintle_status status = pti_printout_print(&patient->printout, pti_cli_flag(cli, "json"), cli->out,
                                                   &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    if (patient->refused) {
        return pti_fail(&cli->error, PINTLE_ERR_PIN_MISMATCH, "%s would be refused; the findings say why",
                        patient->host.host);
    }
    return patient->ailing ? pti_cli_other(cli, "something needs attention; the findings say what") : PINTLE_OK;
}

static enum pintle_status examine(struct pti_patient *patient, const struct pti_endpoint *connect)
{
    struct pti_cli *cli = patient->app.cli;
    struct pti_host normal;
    enum pintle_status status = PINTLE_OK;

    patient->pinset = pintle_client_pinset(patient->app.client);
    patient->ruling = pti_enforce_ruling(patient->app.client, patient->app.client->accepted);
    pti_app_state(&patient->app, patient->state, sizeof patient->state);
    if (*patient->host.host && pti_host_parse(patient->host.host, &normal, &cli->error) == PINTLE_OK) {
        patient->policy = pti_pinset_effective(patient->pinset, &normal);
    }
    if (pti_cli_flag(cli, "probe") || connect) {
        status = look_at_host(patient, connect);
        if (status != PINTLE_OK) {
            return status;
        }
    }
    put_state(patient);
    if (!*patient->host.host) {
        put_hosts(patient);
    } else {
        put_pins(patient);
    }
    if (patient->probed) {
        put_served(patient);
    }
    pti_findings_put(patient);
    pti_printout_record(&patient->printout, NULL, diagnosis_columns, PTI_COUNT(diagnosis_columns));
    pti_printout_text(&patient->printout, "host", *patient->host.host ? patient->host.host : NULL);
    pti_printout_bool(&patient->printout, "refused", patient->refused);
    pti_printout_bool(&patient->printout, "healthy", !patient->refused && !patient->ailing);
    return conclude(patient);
}

static enum pintle_status read_where(struct pti_cli *cli, struct pti_endpoint *host, struct pti_endpoint *connect,
                                     bool *has_connect)
{
    const char *where = pti_cli_text(cli, "connect");
    enum pintle_status status = PINTLE_OK;

    *has_connect = where != NULL;
    if (cli->operand_count == 0) {
        return where || pti_cli_flag(cli, "probe") || pti_cli_flag(cli, "require")
                   ? pti_cli_usage(cli, "--probe, --connect and --require need a HOST")
                   : PINTLE_OK;
    }
    status = pti_endpoint_parse(cli->operands[0], PTI_HTTPS_PORT, host, &cli->error);
    if (status == PINTLE_OK && where && pti_endpoint_parse(where, host->port, connect, &cli->error) != PINTLE_OK) {
        return pti_error_prefix(&cli->error, "--connect");
    }
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_patient *patient = calloc(1, sizeof *patient);
    struct pti_endpoint connect;
    bool has_connect = false;
    enum pintle_status status = PINTLE_ERR_MEMORY;

    if (!patient) {
        return pti_fail(&cli->error, status, "no memory for an examination");
    }
    pti_printout_init(&patient->printout);
    status = read_where(cli, &patient->host, &connect, &has_connect);
    if (status == PINTLE_OK) {
        status = pti_app_open(&patient->app, cli, patient->host.host);
    }
    if (status == PINTLE_OK) {
        status = pti_app_refresh(&patient->app);
        if (status == PINTLE_OK) {
            status = examine(patient, has_connect ? &connect : NULL);
        }
        pintle_pinset_free(patient->pinset);
        pti_app_close(&patient->app);
    }
    pti_printout_clear(&patient->printout);
    free(patient);
    return status;
}

static const struct pti_option options_of_doctor[] = {
    {"probe", NULL, "connect to HOST and judge what it serves (--connect does so too)", false},
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_doctor = {
    .name = "doctor",
    .summary = "Explain what is pinned, by whom, how fresh that is, what would fail and why",
    .operands = "[HOST[:PORT]]",
    .details = "Exits 0 if all is well, 67 if HOST would be refused, 1 if something else needs attention.\n"
               "Nothing is reported to a collector. With --no-refresh a store is looked at as it is.",
    .example = "  pintle doctor --roots app/roots --store state --no-refresh\n"
               "  pintle doctor api.example.com --repo pins --probe",
    .options = options_of_doctor,
    .shared = pti_app_options,
    .operands_min = 0,
    .operands_max = 1,
    .run = run,
};
