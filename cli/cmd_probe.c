/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle probe` */
#include <stdlib.h>
#include <string.h>

#include "cli/ca_file.h"
#include "cli/commands.h"
#include "cli/probed.h"
#include "cli/session.h"

struct probe {
    struct pti_cli *cli;
    struct pti_probe_request request;
    struct pti_probed found;
};

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
    struct pti_probed_edge *edge = &probe->found.edges[probe->found.count++];

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
    probe->found.edges = calloc(2 * count, sizeof *probe->found.edges);
    if (!probe->found.edges)
        return pti_fail(&probe->cli->error, PINTLE_ERR_MEMORY, "no memory for a probe");
    for (size_t i = 0; i < count; i++) {
        if (ec)
            look(probe, &addresses[i], PTI_PROBE_KEY_ECDSA);
        if (rsa)
            look(probe, &addresses[i], PTI_PROBE_KEY_RSA);
    }
    probe->request.connect = NULL;
    for (size_t i = 0; i < probe->found.count; i++)
        if (probe->found.edges[i].outcome == PTI_PROBE_SERVED)
            return PINTLE_OK;
    probe->cli->error = probe->found.edges[0].why;
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
    struct probe probe = {.cli = cli, .found = {.now = pti_session_time()}};
    struct pti_fleet held = {.count = 0};
    enum pintle_status status = read_request(cli, &probe.request);

    probe.found.host = &probe.request.host;
    if (status == PINTLE_OK && pti_cli_text(cli, "repo")) {
        status = load_held(cli, &held);
        probe.found.held = &held;
    }
    if (status == PINTLE_OK)
        status = look_everywhere(&probe);
    if (status == PINTLE_OK)
        status = pti_probed_print(&probe.found, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    pti_fleet_clear(&held);
    free(probe.found.edges);
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
