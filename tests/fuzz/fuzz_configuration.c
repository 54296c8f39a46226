/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people configure.  The first line says what: "repository", then repository.json; "pintled" or "pintle check", then
 * the words of a command line, one a line; "client", then calls of its setters, as "url https://...", one a line.
 */
#include <string.h>

#include <pintle/config.h>

#include "cli/commands.h"
#include "client/config.h"
#include "fuzz.h"
#include "pin/host.h"
#include "publish/settings.h"
#include "server/limits.h"
#include "server/options.h"

#define WORDS_MAX 160

static void repository(struct pintle_bytes text)
{
    struct pti_repository_settings settings, again;
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_buf out;

    if (pti_repository_settings_parse(text, &settings, &error) != PINTLE_OK) {
        REQUIRE(error.status == PINTLE_ERR_INPUT && error.detail[0] != '\0');
        return;
    }
    pti_buf_init(&out, PTI_SETTINGS_SIZE_MAX);
    pti_repository_settings_write(&settings, &out);
    REQUIRE(out.status == PINTLE_OK);
    REQUIRE(pti_repository_settings_parse(pti_buf_bytes(&out), &again, NULL) == PINTLE_OK);
    REQUIRE(strcmp(settings.name, again.name) == 0 && memcmp(&settings.days, &again.days, sizeof(again.days)) == 0);
    pti_buf_clear(&out);
}

/* An address that was accepted is written as the text of the same address. */
static void address_again(const struct pti_address *address)
{
    struct pti_address again;
    char text[PTI_ADDRESS_TEXT_MAX];

    pti_address_format(address, text);
    REQUIRE(pti_address_parse(text, &again, NULL) == PINTLE_OK);
    REQUIRE(again.size == address->size && memcmp(&again.socket, &address->socket, sizeof(again.socket)) == 0);
}

static void pintled(int argc, char **argv)
{
    struct pti_server_options options;
    struct pti_error error = {PINTLE_OK, ""};

    if (pti_server_options_parse(argc, argv, &options, &error) != PINTLE_OK) {
        REQUIRE(error.status == PINTLE_ERR_MISUSE && error.detail[0] != '\0');
        return;
    }
    if (options.help || options.version) {
        return;
    }
    REQUIRE(options.served_count >= 1 && options.served_count <= PTI_SERVED_MAX && options.data[0] != '\0');
    for (size_t i = 0; i < options.served_count; i++) {
        REQUIRE(options.served[i].directory[0] != '\0' && strlen(options.served[i].name) <= PTI_SERVED_NAME_MAX);
    }
    REQUIRE(!options.tls_certificate == !options.tls_key);
    REQUIRE(options.resign_every_s >= 1 && options.resign_every_s <= PTI_RESIGN_EVERY_MAX_S);
    REQUIRE(options.keep_reports >= 1 && options.keep_reports <= PTI_KEEP_REPORTS_MAX);
    address_again(&options.listen);
    if (options.admin.size > 0) {
        REQUIRE(pti_address_is_loopback(&options.admin));
        address_again(&options.admin);
    }
    REQUIRE(!options.admin_on_listen || pti_address_is_loopback(&options.listen));
}

static void pintle_check(int argc, char **argv)
{
    struct pti_cli cli = {.help = false};
    int64_t timeout = 20;

    if (pti_cli_parse(&cli, &pti_command_check, argc, argv) != PINTLE_OK) {
        REQUIRE(cli.error.status == PINTLE_ERR_MISUSE && cli.error.detail[0] != '\0');
        return;
    }
    REQUIRE(cli.help || cli.operand_count >= pti_command_check.operands_min);
    REQUIRE(cli.operand_count <= pti_command_check.operands_max && cli.given_count <= PTI_CLI_GIVEN_MAX);
    for (size_t i = 0; i < cli.given_count; i++) {
        REQUIRE((cli.given[i].option->value == NULL) == (cli.given[i].value == NULL));
        REQUIRE(cli.given[i].option->repeatable || pti_cli_count(&cli, cli.given[i].option->name) == 1);
    }
    if (pti_cli_number(&cli, "timeout", 1, 3600, &timeout) == PINTLE_OK) {
        REQUIRE(timeout >= 1 && timeout <= 3600);
    }
}

static enum pintle_status set(struct pintle_config *config, const char *name, const char *value)
{
    if (strcmp(name, "url") == 0) {
        return pintle_config_add_url(config, value);
    }
    if (strcmp(name, "host") == 0) {
        return pintle_config_require_host(config, value);
    }
    return strcmp(name, "app") == 0 ? pintle_config_set_app(config, value, value) : PINTLE_OK;
}

static void client(int argc, char **argv)
{
    struct pintle_config *config = NULL;

    REQUIRE(pintle_config_new(&config) == PINTLE_OK);
    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], ' ');

        if (value == NULL) {
            continue;
        }
        *value++ = '\0';
        if (set(config, argv[i], value) != PINTLE_OK) {
            REQUIRE(pintle_config_error(config)[0] != '\0');
        }
    }
    REQUIRE(config->url_count <= PTI_URLS_MAX && config->required_count <= PTI_REQUIRED_HOSTS_MAX);
    for (size_t i = 0; i < config->url_count; i++) {
        size_t size = strlen(config->urls[i]);

        REQUIRE(strncmp(config->urls[i], "http", 4) == 0 && strpbrk(config->urls[i], "?#@\" \r\n\t") == NULL);
        REQUIRE(size <= PTI_URL_MAX && config->urls[i][size - 1] != '/');
    }
    for (size_t i = 0; i < config->required_count; i++) {
        REQUIRE(pti_host_is_normal(config->required[i]));
    }
    REQUIRE(strpbrk(config->app_id, "\"'\\\r\n") == NULL);
    pintle_config_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        const char *line;
        void (*run)(int argc, char **argv);
    } programs[] = {{"pintled", pintled}, {"pintle check", pintle_check}, {"client", client}};
    static const char json[] = "repository\n";
    char *words[WORDS_MAX + 1] = {NULL};
    char *text;
    int count = 0;

    if (size >= sizeof(json) - 1 && memcmp(data, json, sizeof(json) - 1) == 0) {
        repository((struct pintle_bytes){data + sizeof(json) - 1, size - (sizeof(json) - 1)});
        return 0;
    }
    text = calloc(1, size + 1);
    REQUIRE(text != NULL);
    if (size > 0) {
        memcpy(text, data, size);
    }
    for (char *line = text; line != NULL && count < WORDS_MAX;) {
        words[count++] = line;
        line = strchr(line, '\n');
        if (line != NULL) {
            *line++ = '\0';
        }
    }
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(words[0], programs[i].line) == 0) {
            programs[i].run(count, words);
        }
    }
    free(text);
    return 0;
}
