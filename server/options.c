/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what the options are set to: the command line, then the file, then whether it fits together. */
#include "server/options.h"

#include <stdlib.h>
#include <string.h>

#include "publish/file.h"

void pti_server_options_help(FILE *stream)
{
    const struct pti_setting_group group = {.settings = pti_server_settings};

    fputs("usage: pintled --repo [NAME=]DIR --data DIR [options]\n\n"
          "Serves the public files of a repository, re-signs its timestamp and snapshot before they\n"
          "expire, and takes reports at POST /v1/reports.\n",
          stream);
    pti_settings_help(&group, 1, stream);
    fputs("\nroutes for clients: /head/N /body/HASH /metadata/... /targets/... POST /v1/reports /healthz\n"
          "(each of a repository with a NAME below /NAME)\n"
          "routes for administrators: /metrics /healthz, and with a token (pintled token add) /v1/...\n"
          "signals: SIGTERM and SIGINT stop it when all is answered, SIGHUP looks at the repositories\n"
          "and the files of TLS at once\n"
          "exit codes: 0 stopped by a signal, 1 it cannot run, 64 wrong command line, 78 wrong configuration\n\n"
          "example:\n  pintle init --repo pins && pintled --repo pins --data pintled-data\n",
          stream);
}

void pti_server_options_clear(struct pti_server_options *options)
{
    free(options->config_text);
    pti_server_options_init(options);
}

static enum pintle_status load_config(const char *path, char **text, struct pti_error *error)
{
    struct pintle_bytes data = {NULL, 0};
    enum pintle_status status = pti_file_read(path, PTI_CONFIG_SIZE_MAX, &data, error);

    if (status != PINTLE_OK)
        return status;
    *text = malloc(data.size + 1);
    if (!*text)
        status = pti_fail(error, PINTLE_ERR_MEMORY, "no memory for %s", path);
    else if (data.size > 0 && memchr(data.data, '\0', data.size))
        status = pti_fail(error, PINTLE_ERR_INPUT, "%s: expected text, found a NUL byte", path);
    if (status == PINTLE_OK) {
        if (data.size > 0)
            memcpy(*text, data.data, data.size);
        (*text)[data.size] = '\0';
    }
    pti_bytes_free(&data);
    return status;
}

/* line says what the command line has given already. */
static enum pintle_status read_config(struct pti_server_options *options, struct pti_setting_group *line,
                                      struct pti_error *error)
{
    struct pti_server_options unused;
    enum pintle_status status = load_config(options->config, &options->config_text, error);

    if (status == PINTLE_ERR_STORAGE)
        error->status = status = PINTLE_ERR_INPUT;
    if (status != PINTLE_OK)
        return status;
    pti_server_options_init(&unused);
    line->wants = 0;
    return pti_settings_read_file(line, &unused, options->config, options->config_text, error);
}

static enum pintle_status check(struct pti_server_options *options, unsigned wants, struct pti_error *error)
{
    if (options->served_count == 0 && (wants & PTI_WANTS_REPOSITORY))
        return pti_fail(error, PINTLE_ERR_MISUSE, "--repo DIR is missing: the repository to serve; see pintled --help");
    for (size_t i = 0; i < options->served_count; i++)
        if (!options->served[i].directory)
            return pti_fail(error, PINTLE_ERR_MISUSE, "--repo %s%sDIR is missing: --keys is for that repository",
                            options->served[i].name, options->served[i].name[0] ? "=" : "");
    if (!options->data && (wants & PTI_WANTS_DATA))
        return pti_fail(error, PINTLE_ERR_MISUSE, "--data DIR is missing: where to keep reports; see pintled --help");
    if (!options->tls_certificate != !options->tls_key)
        return pti_fail(error, PINTLE_ERR_MISUSE, "--tls-%s FILE is missing: HTTPS needs a certificate and its key",
                        options->tls_key ? "cert" : "key");
    if (options->admin.size > 0 && !pti_address_is_loopback(&options->admin))
        return pti_fail(error, PINTLE_ERR_MISUSE,
                        "--admin must be on loopback, such as 127.0.0.1:8441: reports and "
                        "metrics are not for everybody; reach it from elsewhere through SSH or a proxy that "
                        "authenticates");
    if (options->admin_client_ca && (!options->tls_certificate || options->admin.size == 0))
        return pti_fail(error, PINTLE_ERR_MISUSE,
                        "--%s is missing: --admin-client-ca is for HTTPS on a listener of "
                        "its own",
                        options->tls_certificate ? "admin ADDR:PORT" : "tls-cert FILE");
    options->admin_on_listen = options->admin.size == 0 && pti_address_is_loopback(&options->listen);
    return PINTLE_OK;
}

enum pintle_status pti_server_options_complete(struct pti_server_options *options, struct pti_setting_group *line,
                                               struct pti_error *error)
{
    const unsigned wants = line->wants;
    enum pintle_status status = options->config ? read_config(options, line, error) : PINTLE_OK;

    if (status != PINTLE_OK)
        return status;
    status = check(options, wants == 0 ? ~0u : wants, error);
    if (status == PINTLE_OK || !options->config)
        return status;
    error->status = PINTLE_ERR_INPUT;
    return pti_error_prefix(error, "%s and the command line together", options->config);
}

enum pintle_status pti_server_options_parse(int argc, char **argv, struct pti_server_options *options,
                                            struct pti_error *error)
{
    struct pti_setting_group group = {.settings = pti_server_settings, .into = options};
    struct pti_operands none = {NULL, 0, 0};
    enum pintle_status status;

    pti_server_options_init(options);
    status = pti_settings_read_line(&group, 1, argc - 1, argv + 1, &none, error);
    if (status != PINTLE_OK || options->help || options->version)
        return status;
    return pti_server_options_complete(options, &group, error);
}
