/* SPDX-License-Identifier: Apache-2.0 */
#include "client/report.h"

#include <inttypes.h>
#include <stdio.h>

#include <pintle/client.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "base/json_write.h"

const char *pti_adapter_name(uint8_t adapter)
{
    static const char *const names[] = {NULL, "openssl", "gnutls", "mbedtls", "boringssl", "curl", "jvm"};

    return adapter < sizeof names / sizeof names[0] ? names[adapter] : NULL;
}

static void write_hash(struct pti_json_writer *writer, const uint8_t hash[PINTLE_SHA256_SIZE])
{
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_base64_encode(hash, PINTLE_SHA256_SIZE, text);
    pti_json_put_text(writer, NULL, text);
}

static void write_known_pins(struct pti_json_writer *writer, const struct pintle_pinset *pinset,
                             const struct pti_policy *policy)
{
    pti_json_begin_array(writer, "known-pins");
    for (uint32_t i = 0; policy != NULL && i < policy->pin_count; i++)
        write_hash(writer, pinset->pins[policy->pins + i].sha256);
    pti_json_end_array(writer);
}

static void write_chain(struct pti_json_writer *writer, const struct pintle_evidence *evidence)
{
    const char *adapter = pti_adapter_name(evidence->adapter);

    pti_json_begin_array(writer, "chain-spki");
    for (unsigned i = 0; (evidence->of & PINTLE_OF_SPKI) != 0 && i < evidence->count; i++)
        write_hash(writer, evidence->spki[i]);
    pti_json_end_array(writer);
    pti_json_begin_array(writer, "chain-sha256");
    for (unsigned i = 0; (evidence->of & PINTLE_OF_CERT) != 0 && i < evidence->count; i++)
        write_hash(writer, evidence->cert[i]);
    pti_json_end_array(writer);
    pti_json_put_text(writer, "platform-verify",
                      "ok"); /* pins are asked only of chains that the TLS library verified */
    if (adapter != NULL)
        pti_json_put_text(writer, "adapter", adapter);
}

static void write_manifest(struct pti_json_writer *writer, const struct pti_report_settings *settings,
                           const struct pintle_verdict *verdict, int64_t now)
{
    char expires[PTI_DATETIME_SIZE + 1];

    pti_json_begin_object(writer, "manifest");
    pti_json_put_integer(writer, "age_s", settings->issued >= 0 && now > settings->issued ? now - settings->issued : 0);
    pti_json_put_integer(writer, "charter", verdict->charter_version);
    if (settings->expires >= 0) {
        pti_datetime_format(settings->expires, expires);
        pti_json_put_text(writer, "expires", expires);
    }
    pti_json_put_integer(writer, "version", verdict->zone_version);
    pti_json_put_text(writer, "zone", verdict->zone);
    pti_json_end_object(writer);
}

static void write_app(struct pti_json_writer *writer, const struct pti_report_settings *settings)
{
    pti_json_begin_object(writer, "app");
    pti_json_put_text(writer, "id", settings->app_id);
    if (settings->os[0] != '\0')
        pti_json_put_text(writer, "os", settings->os);
    if (settings->os_version[0] != '\0')
        pti_json_put_text(writer, "os_ver", settings->os_version);
    pti_json_put_text(writer, "ver", settings->app_version);
    pti_json_end_object(writer);
}

static void write_network(struct pti_json_writer *writer, const struct pti_report_network *network)
{
    if (network->type[0] == '\0')
        return;
    pti_json_begin_object(writer, "net");
    pti_json_put_bool(writer, "captive", (network->bits & PINTLE_NETWORK_CAPTIVE) != 0);
    pti_json_put_bool(writer, "proxy", (network->bits & PINTLE_NETWORK_PROXY) != 0);
    pti_json_put_text(writer, "type", network->type);
    pti_json_put_bool(writer, "vpn", (network->bits & PINTLE_NETWORK_VPN) != 0);
    pti_json_end_object(writer);
}

void pti_report_name(const struct pti_report_moment *moment, char id[PTI_REPORT_ID_SIZE + 1])
{
    (void)snprintf(id, PTI_REPORT_ID_SIZE + 1, "%016" PRIx64 "%016" PRIx64, moment->id[0], moment->id[1]);
}

void pti_report_write(struct pti_buf *out, const struct pti_report_settings *settings,
                      const struct pti_report_network *network, const struct pti_report_subject *subject,
                      const struct pti_report_moment *moment)
{
    const struct pintle_verdict *verdict = subject->verdict;
    const struct pti_policy *policy = subject->pinset != NULL ? pti_pinset_find(subject->pinset, verdict->noted_host)
                                                              : NULL;
    char date[PTI_DATETIME_SIZE + 1], id[PTI_REPORT_ID_SIZE + 1];
    struct pti_json_writer writer;

    pti_datetime_format(moment->now, date);
    pti_report_name(moment, id);
    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "v", 1);
    pti_json_put_text(&writer, "type", subject->type);
    pti_json_put_text(&writer, "id", id);
    pti_json_put_text(&writer, "host", verdict->host);
    pti_json_put_text(&writer, "noted-hostname", verdict->noted_host);
    pti_json_put_bool(&writer, "include-subdomains", policy != NULL && policy->subdomains);
    pti_json_put_bool(&writer, "enforce", verdict->status != PINTLE_OK);
    pti_json_put_text(&writer, "reason", subject->reason);
    pti_json_put_text(&writer, "date-time", date);
    if (subject->evidence != NULL) {
        write_known_pins(&writer, subject->pinset, policy);
        write_chain(&writer, subject->evidence);
    }
    write_manifest(&writer, settings, verdict, moment->now);
    pti_json_put_text(&writer, "pin-source", settings->shipped ? "shipped" : "stored");
    pti_json_put_integer(&writer, "weight", settings->sample_per_mille > 0 ? 1000 / settings->sample_per_mille : 1);
    if (subject->successes >= 0)
        pti_json_put_integer(&writer, "success_since_last", subject->successes);
    if (moment->behind > 0)
        pti_json_put_integer(&writer, "clock_skew_s", -moment->behind);
    write_network(&writer, network);
    write_app(&writer, settings);
    pti_json_end_object(&writer);
}
