/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pin_source.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/encode.h"
#include "cli/certificate_kind.h"
#include "cli/given_file.h"
#include "cli/session.h"
#include "probe/probe.h"
#include "publish/key_source.h"

#define PROBE_TIMEOUT_MS 10000

static const char *const sources[] = {"cert", "key", "csr", "sha256", "probe"};

enum pintle_status pti_pin_source_parse(struct pti_cli *cli, const char *text, uint8_t sha256[PINTLE_SHA256_SIZE])
{
    if (strncmp(text, "sha256/", 7) == 0) {
        text += 7; /* as OkHttp and HPKP write it */
    }
    if (!pti_base64_decode_exact(pti_bytes_text(text), sha256, PINTLE_SHA256_SIZE)) {
        return pti_fail(&cli->error, PINTLE_ERR_INPUT,
                        "expected 44 characters of base64 (a SHA-256), found \"%.60s\"; `pintle probe` prints them",
                        text);
    }
    return PINTLE_OK;
}

/* A pin in the wrong place matches nothing, and as the only pin it is an outage. */
static void warn_of_place(struct pti_cli *cli, const char *path, struct pintle_bytes data, enum pintle_at at)
{
    enum pti_certificate_kind kind = pti_certificate_kind(data);

    if (at == PINTLE_AT_LEAF && kind == PTI_CERTIFICATE_CA) {
        fprintf(cli->err,
                "warning: %s: this is a CA certificate; at leaf it matches only where a server presents it as its own; "
                "did you mean --at issuer?\n",
                path);
    } else if (at == PINTLE_AT_ISSUER && kind == PTI_CERTIFICATE_END_ENTITY) {
        fprintf(cli->err,
                "warning: %s: the first certificate is not a CA's, so it never matches at issuer; give the CA's "
                "certificate, or --at leaf\n",
                path);
    }
}

static enum pintle_status pin_data(struct pti_cli *cli, enum pti_key_source source, const char *path,
                                   struct pintle_bytes data, struct pti_pin *pin)
{
    struct pintle_crypto *crypto = NULL;
    char *passphrase = NULL;
    enum pintle_status status = pti_passphrase_from_file(cli, &passphrase);

    if (status == PINTLE_OK) {
        status = pti_cli_crypto_new(cli, &crypto);
    }
    if (status == PINTLE_OK) {
        status = pti_key_source_pin(source, data, path, passphrase, pin->of, crypto, pin->sha256, &cli->error);
    }
    pintle_crypto_free(crypto);
    pti_passphrase_free(passphrase);
    return status;
}

static enum pintle_status from_file(struct pti_cli *cli, enum pti_key_source source, const char *path,
                                    struct pti_pin *pin)
{
    struct pintle_bytes data = {NULL, 0};
    enum pintle_status status = pti_given_file_read(path, PTI_KEY_SOURCE_SIZE_MAX, &data, &cli->error);

    if (status == PINTLE_OK) {
        status = pin_data(cli, source, path, data, pin);
    }
    if (status == PINTLE_OK && source == PTI_KEY_SOURCE_CERTIFICATE) {
        warn_of_place(cli, path, data, pin->at);
    }
    pti_given_file_clear(&data);
    return status;
}

static enum pintle_status from_probe(struct pti_cli *cli, const char *host, const char *where, enum pintle_of of,
                                     uint8_t sha256[PINTLE_SHA256_SIZE])
{
    struct pti_probe_request request = {.timeout_ms = PROBE_TIMEOUT_MS};
    struct pti_probe_result *result = NULL;
    const struct pti_probe_certificate *leaf = NULL;
    struct pti_endpoint connect;
    enum pintle_status status = pti_endpoint_parse(where, PTI_HTTPS_PORT, &connect, &cli->error);

    if (status == PINTLE_OK) {
        status = pti_endpoint_parse(host, PTI_HTTPS_PORT, &request.host, &cli->error);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    request.connect = &connect;
    result = malloc(sizeof *result);
    if (!result) {
        return pti_fail(&cli->error, PINTLE_ERR_MEMORY, "no memory for a probe");
    }
    status = pti_probe(&request, result, &cli->error);
    if (status == PINTLE_OK) {
        leaf = &result->certificates[0];
        memcpy(sha256, of == PINTLE_OF_CERT ? leaf->cert : leaf->spki, PINTLE_SHA256_SIZE);
        fprintf(cli->out, "seen at %s: %s, issued by %s; ordinary validation: %s\n", result->address, leaf->subject,
                leaf->issuer, result->validation);
        fprintf(cli->err, "warning: %s.\nwarning: compare the hash with the key's owner before you sign it.\n",
                pti_probe_warning);
    }
    free(result);
    return status;
}

enum pintle_status pti_pin_source_none(struct pti_cli *cli, const char *option)
{
    for (size_t i = 0; i < PTI_COUNT(sources); i++) {
        if (pti_cli_text(cli, sources[i])) {
            return pti_cli_usage(cli, "--%s and --%s each name pins; give one", option, sources[i]);
        }
    }
    return PINTLE_OK;
}

enum pintle_status pti_pin_source_read(struct pti_cli *cli, const char *host, struct pti_pin *pin)
{
    const char *name = NULL, *value = NULL;

    for (size_t i = 0; i < PTI_COUNT(sources); i++) {
        if (pti_cli_text(cli, sources[i])) {
            if (name) {
                return pti_cli_usage(cli, "--%s and --%s each name a pin; give one, and repeat the command", name,
                                     sources[i]);
            }
            name = sources[i];
            value = pti_cli_text(cli, name);
        }
    }
    if (!name) {
        return pti_cli_usage(cli, "expected one of --cert, --key, --csr, --sha256 or --probe, found none");
    }
    if (strcmp(name, "sha256") == 0) {
        return pti_pin_source_parse(cli, value, pin->sha256);
    }
    if (strcmp(name, "probe") == 0) {
        return from_probe(cli, host, value, pin->of, pin->sha256);
    }
    return from_file(cli,
                     strcmp(name, "cert") == 0  ? PTI_KEY_SOURCE_CERTIFICATE
                     : strcmp(name, "key") == 0 ? PTI_KEY_SOURCE_KEY
                                                : PTI_KEY_SOURCE_CSR,
                     value, pin);
}
