/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle check`: one handshake, one verdict. */
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <pintle/openssl.h>

#include "base/array.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "pin/charter.h"
#include "pin/der.h"
#include "pin/pins.h"
#include "probe/dial.h"

/* One handshake under the pins of this moment, and what came of it. */
struct handshake {
    struct pintle_verdict verdict;
    char address[PTI_DIAL_ADDRESS_SIZE];
    char protocol[16];
    char validation[128];                               /* what ordinary validation found; "" if it was not reached */
    uint8_t spki[PINTLE_CHAIN_MAX][PINTLE_SHA256_SIZE]; /* of the verified chain, as far as it came */
    size_t count;
};

static void read_chain(SSL *ssl, struct handshake *handshake)
{
    STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);

    for (int i = 0; i < sk_X509_num(chain) && i < PINTLE_CHAIN_MAX; i++) {
        unsigned char *der = NULL;
        int length = i2d_X509(sk_X509_value(chain, i), &der);
        struct pintle_bytes spki = {NULL, 0};

        if (length > 0 && pti_der_certificate_spki((struct pintle_bytes){der, (size_t)length}, &spki) &&
            EVP_Digest(spki.data, spki.size, handshake->spki[handshake->count], NULL, EVP_sha256(), NULL) == 1) {
            handshake->count++;
        }
        OPENSSL_free(der);
    }
}

static enum pintle_status context_new(struct pti_app *app, SSL_CTX **ctx)
{
    const char *ca = pti_cli_text(app->cli, "ca");
    enum pintle_status status = PINTLE_ERR_MEMORY;

    *ctx = SSL_CTX_new(TLS_client_method());
    if (!*ctx) {
        return pti_fail(&app->cli->error, status, "no memory for a TLS connection");
    }
    if (!ca) {
        (void)SSL_CTX_set_default_verify_paths(*ctx);
    } else if (SSL_CTX_load_verify_file(*ctx, ca) != 1) {
        return pti_fail(&app->cli->error, PINTLE_ERR_INPUT, "the certificates in %.300s cannot be used", ca);
    }
    status = pintle_openssl_attach(*ctx, app->checker);
    return status == PINTLE_OK
               ? PINTLE_OK
               : pti_fail(&app->cli->error, status, "the TLS context cannot be pinned: %s", pintle_status_name(status));
}

/*
 * PINTLE_OK: there is a verdict, whatever it is.  Otherwise no handshake came far enough for one.
 */
static enum pintle_status shake_hands(struct pti_app *app, const struct pti_endpoint *host,
                                      const struct pti_endpoint *where, struct handshake *handshake)
{
    struct pti_dial_bound bound = pti_dial_bound(app->timeout_ms);
    enum pintle_status status = PINTLE_ERR_MEMORY;
    SSL_CTX *ctx = NULL;
    SSL *ssl = NULL;
    int fd = -1;

    memset(handshake, 0, sizeof *handshake);
    status = context_new(app, &ctx);
    if (status != PINTLE_OK) {
        goto done;
    }
    ssl = SSL_new(ctx);
    status = ssl ? pintle_openssl_set_host(ssl, host->host) : PINTLE_ERR_MEMORY;
    if (status != PINTLE_OK) {
        pti_fail(&app->cli->error, status, "no TLS connection can be made for %s: %s", host->host,
                 pintle_status_name(status));
        goto done;
    }
    status = pti_dial(where, &bound, &fd, handshake->address, &app->cli->error);
    if (status != PINTLE_OK) {
        goto done;
    }
    status = pti_dial_handshake(ssl, fd, &bound, &app->cli->error);
    (void)pintle_openssl_verdict(ssl, &handshake->verdict);
    if (handshake->verdict.reason != PINTLE_REASON_UNDECIDED) {
        status = PINTLE_OK; /* a rejection is what this command is for */
    }
    if (handshake->verdict.reason == PINTLE_REASON_VALIDATION_FAILED) {
        pti_copy_text(handshake->validation, sizeof handshake->validation,
                      X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
    } else {
        pti_copy_text(handshake->validation, sizeof handshake->validation, "ok");
    }
    pti_copy_text(handshake->protocol, sizeof handshake->protocol, SSL_get_version(ssl));
    read_chain(ssl, handshake);
done:
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}

/* ---- output ---- */

static const struct pti_column verdict_columns[] = {
    {"verdict", "verdict", PTI_SHOWN_BOTH},
    {"reason", "reason", PTI_SHOWN_BOTH},
    {"host", "host", PTI_SHOWN_BOTH},
    {"port", NULL, PTI_SHOWN_JSON},
    {"address", "address", PTI_SHOWN_BOTH},
    {"protocol", "protocol", PTI_SHOWN_BOTH},
    {"validation", "ordinary validation", PTI_SHOWN_BOTH},
    {"mode", "mode", PTI_SHOWN_BOTH},
    {"policy_host", "policy of", PTI_SHOWN_BOTH},
    {"zone", "zone", PTI_SHOWN_BOTH},
    {"charter_version", "charter version", PTI_SHOWN_BOTH},
    {"zone_version", "zone version", PTI_SHOWN_BOTH},
    {"freshness", "manifest", PTI_SHOWN_BOTH},
    {"matched", "matched", PTI_SHOWN_BOTH},
    {"matched_of", NULL, PTI_SHOWN_JSON},
    {"matched_position", "at position", PTI_SHOWN_BOTH},
    {"text", "in words", PTI_SHOWN_BOTH},
};

static const struct pti_column chain_columns[] = {
    {"position", "position", PTI_SHOWN_BOTH},
    {"spki", "spki pin", PTI_SHOWN_BOTH},
};

static void put_verdict(struct pti_printout *printout, const struct handshake *handshake, uint16_t port,
                        const char *text)
{
    const struct pintle_verdict *verdict = &handshake->verdict;

    pti_printout_text(printout, "verdict", verdict->status == PINTLE_OK ? "accept" : "reject");
    pti_printout_text(printout, "reason", pintle_reason_name(verdict->reason));
    pti_printout_text(printout, "host", verdict->host);
    pti_printout_integer(printout, "port", port);
    pti_printout_text(printout, "address", handshake->address);
    pti_printout_text(printout, "protocol", handshake->protocol);
    pti_printout_text(printout, "validation", handshake->validation);
    pti_printout_text(printout, "mode", verdict->mode == PINTLE_MODE_NONE ? NULL : pti_mode_name(verdict->mode));
    pti_printout_text(printout, "policy_host", *verdict->noted_host ? verdict->noted_host : NULL);
    if (*verdict->zone) {
        pti_printout_text(printout, "zone", verdict->zone);
        pti_printout_integer(printout, "zone_version", verdict->zone_version);
    }
    if (verdict->charter_version > 0) {
        pti_printout_integer(printout, "charter_version", verdict->charter_version);
    }
    if (verdict->matched_index >= 0) {
        pti_printout_sha256(printout, "matched", verdict->matched);
        pti_printout_text(printout, "matched_of", pti_of_name(verdict->matched_of));
        pti_printout_integer(printout, "matched_position", verdict->matched_index);
    }
    pti_printout_text(printout, "text", text);
}

static enum pintle_status print(struct pti_app *app, const struct handshake *handshake, uint16_t port, const char *text)
{
    struct pti_cli *cli = app->cli;
    struct pti_printout printout;
    enum pintle_status status = PINTLE_OK;
    char state[32];

    pti_printout_init(&printout);
    pti_printout_record(&printout, NULL, verdict_columns, PTI_COUNT(verdict_columns));
    put_verdict(&printout, handshake, port, text);
    pti_app_state(app, state, sizeof state);
    pti_printout_text(&printout, "freshness", state);
    pti_printout_list(&printout, PTI_LAYOUT_COLUMNS, "chain", "verified chain, leaf first:", NULL, chain_columns,
                      PTI_COUNT(chain_columns));
    for (size_t i = 0; handshake->verdict.reason != PINTLE_REASON_VALIDATION_FAILED && i < handshake->count; i++) {
        pti_printout_row(&printout);
        pti_printout_integer(&printout, "position", (int64_t)i);
        pti_printout_sha256(&printout, "spki", handshake->spki[i]);
    }
    status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    pti_printout_clear(&printout);
    return status;
}

/* ---- the command ---- */

static enum pintle_status decide(struct pti_app *app, const struct pti_endpoint *host, const struct pti_endpoint *where)
{
    struct pti_cli *cli = app->cli;
    struct handshake handshake;
    char text[PTI_ERROR_DETAIL_MAX];
    enum pintle_status status = pti_app_refresh(app);

    if (status == PINTLE_OK) {
        status = shake_hands(app, host, where, &handshake);
    }
    if (status == PINTLE_OK && handshake.verdict.status == PINTLE_ERR_RETRY && pti_app_heal(app)) {
        status = shake_hands(app, host, where, &handshake);
    }
    if (status != PINTLE_OK) {
        return status;
    }
    pti_app_describe(&handshake.verdict, text, sizeof text);
    if (handshake.verdict.reason == PINTLE_REASON_VALIDATION_FAILED) {
        snprintf(text, sizeof text, "%s: refused: ordinary validation failed (%s), so the pins were not asked",
                 host->host, handshake.validation);
    }
    status = print(app, &handshake, host->port, text);
    pti_app_send_reports(app);
    if (status == PINTLE_OK && handshake.verdict.status != PINTLE_OK) {
        status = pti_fail(&cli->error, PINTLE_ERR_PIN_MISMATCH, "%s", text);
    }
    return status;
}

static enum pintle_status run(struct pti_cli *cli)
{
    struct pti_endpoint host, connect;
    struct pti_app app;
    enum pintle_status status = pti_endpoint_parse(cli->operands[0], PTI_HTTPS_PORT, &host, &cli->error);

    if (status != PINTLE_OK) {
        return status;
    }
    connect = host;
    if (pti_cli_text(cli, "connect")) {
        status = pti_endpoint_parse(pti_cli_text(cli, "connect"), host.port, &connect, &cli->error);
        if (status != PINTLE_OK) {
            return pti_error_prefix(&cli->error, "--connect");
        }
    }
    status = pti_app_open(&app, cli, host.host);
    if (status == PINTLE_OK) {
        status = decide(&app, &host, &connect);
        pti_app_close(&app);
    }
    return status;
}

static const struct pti_option options_of_check[] = {PTI_OPTION_JSON, PTI_OPTION_END};

const struct pti_command pti_command_check = {
    .name = "check",
    .summary = "Connect to a host as a pinned client does, and say what it decided and why",
    .operands = "HOST[:PORT]",
    .details = "Exits 0 if the connection is accepted, 67 if it is refused. No application byte is sent.",
    .example = "  pintle check api.example.com --repo pins\n"
               "  pintle check api.example.com --roots app/roots --url https://pins.example.com --store state",
    .options = options_of_check,
    .shared = pti_app_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
