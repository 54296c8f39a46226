/* SPDX-License-Identifier: Apache-2.0 */
/* pintled token add, list, revoke: what the administrative listener asks for. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/datetime.h"
#include "base/json_write.h"
#include "server/commands.h"
#include "server/data.h"
#include "server/journal_head.h"
#include "server/limits.h"
#include "server/token_make.h"

struct add_values {
    const char *scope;
    int64_t days;
};

struct list_values {
    bool json;
};

/* The head of the journal moves with what was written; only who keeps it apart can tell that it was cut. */
static enum pintle_status follow_head(const struct pti_command_call *call, struct pti_database *database)
{
    return pti_journal_head_update(database, call->server->data, call->error);
}

static enum pintle_status add_to(struct pti_command_call *call, struct pti_database *database,
                                 const struct pti_token_wish *wish)
{
    char text[PTI_TOKEN_SIZE], actor[PTI_JOURNAL_ACTOR_SIZE];
    struct pintle_crypto *crypto = NULL;
    struct pti_token token;
    enum pintle_status status = pintle_crypto_openssl_new(&crypto);

    pti_data_actor(actor, sizeof actor);
    if (status == PINTLE_OK)
        status = pti_token_make(crypto, wish, (int64_t)time(NULL), text, &token, call->error);
    else
        (void)pti_fail(call->error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    if (status == PINTLE_OK)
        status = pti_tokens_add(database, &token, actor, call->error);
    if (status == PINTLE_OK) { /* first: it is made, and will not be shown again */
        fprintf(call->out, "%s\n", text);
        status = follow_head(call, database);
    }
    pintle_crypto_free(crypto);
    return status;
}

static enum pintle_status add(struct pti_command_call *call)
{
    const struct add_values *values = call->values;
    struct pti_token_wish wish = {.name = call->operands[0], .days = values->days};
    struct pti_database *database = NULL;
    enum pintle_status status;

    if (!values->scope)
        return pti_fail(call->error, PINTLE_ERR_MISUSE,
                        "--scope SCOPE is missing: reader, operator, publisher or admin");
    status = pti_token_wish_check(&wish, values->scope, call->error);
    if (status == PINTLE_OK)
        status = pti_data_open(call->server->data, true, &database, call->error);
    if (status == PINTLE_OK)
        status = add_to(call, database, &wish);
    pti_database_close(database);
    return status;
}

static enum pintle_status revoke(struct pti_command_call *call)
{
    char actor[PTI_JOURNAL_ACTOR_SIZE];
    struct pti_database *database = NULL;
    bool found = false;
    enum pintle_status status = pti_data_open(call->server->data, false, &database, call->error);

    pti_data_actor(actor, sizeof actor);
    if (status == PINTLE_OK)
        status = pti_tokens_revoke(database, call->operands[0], actor, &found, call->error);
    if (status == PINTLE_OK && !found)
        status = pti_fail(call->error, PINTLE_ERR_INPUT, "there is no token \"%.64s\"; see pintled token list",
                          call->operands[0]);
    if (status == PINTLE_OK)
        status = follow_head(call, database);
    pti_database_close(database);
    return status;
}

/* ---- list ---- */

struct listing {
    FILE *out;
    bool json;
    int64_t now;
};

static void format_or(int64_t seconds, const char *otherwise, char out[PTI_DATETIME_SIZE + 1])
{
    if (seconds > 0)
        pti_datetime_format(seconds, out);
    else
        pti_copy_text(out, PTI_DATETIME_SIZE + 1, otherwise);
}

static bool print_json(struct listing *listing, const struct pti_token *token)
{
    struct pti_json_writer json;
    struct pti_buf line;
    const char *text;

    pti_buf_init(&line, 1024);
    pti_json_writer_init(&json, &line, false);
    pti_json_begin_object(&json, NULL);
    pti_token_put(token, listing->now, &json);
    pti_json_end_object(&json);
    text = pti_buf_cstr(&line);
    if (text)
        fprintf(listing->out, "%s\n", text);
    pti_buf_clear(&line);
    return text != NULL;
}

static bool print_token(void *ctx, const struct pti_token *token)
{
    struct listing *listing = ctx;
    char created[PTI_DATETIME_SIZE + 1], expires[PTI_DATETIME_SIZE + 1], used[PTI_DATETIME_SIZE + 1];

    if (listing->json)
        return print_json(listing, token);
    format_or(token->created, "-", created);
    format_or(token->expires, "never", expires);
    format_or(token->used, "never", used);
    fprintf(listing->out, "%s  %-9s  id %s  made %s  expires %s  last used %s\n", token->name,
            pti_scope_name(token->scope), token->id, created, expires, used);
    return true;
}

static enum pintle_status list(struct pti_command_call *call)
{
    const struct list_values *values = call->values;
    struct listing listing = {call->out, values->json, (int64_t)time(NULL)};
    const struct pti_token_query query = {"", PTI_TOKENS_MAX, print_token, &listing};
    struct pti_database *database = NULL;
    enum pintle_status status = pti_data_open(call->server->data, false, &database, call->error);

    if (status == PINTLE_OK)
        status = pti_tokens_list(database, &query, call->error);
    pti_database_close(database);
    return status;
}

/* ---- the commands ---- */

static const struct pti_setting add_settings[] = {
    {.name = "scope",
     .value = "SCOPE",
     .help = "what it may do: reader, operator, publisher or admin; each may do what\n"
             "those before it may; required",
     .take = pti_setting_text,
     .at = offsetof(struct add_values, scope)},
    {.name = "expires",
     .value = "DAYS",
     .help = "for how long it is good, 1 to 3650 days (default: until it is revoked)",
     .take = pti_setting_number,
     .at = offsetof(struct add_values, days),
     .min = 1,
     .max = PTI_TOKEN_DAYS_MAX},
    {.name = NULL},
};

static const struct pti_setting list_settings[] = {
    {.name = "json",
     .help = "one JSON object a line",
     .take = pti_setting_flag,
     .at = offsetof(struct list_values, json)},
    {.name = NULL},
};

const struct pti_server_command pti_server_command_token_add = {
    .name = "token add",
    .operands = "NAME",
    .summary = "Make a token for the administrative listener and print it, this once",
    .details = "Only a hash of it is kept: whoever loses it makes another one.  Send it as the header\n"
               "\"Authorization: Bearer TOKEN\".",
    .example = "  pintled token add prometheus --scope reader --expires 365 --data pintled-data",
    .settings = add_settings,
    .values_size = sizeof(struct add_values),
    .wants = PTI_WANTS_DATA,
    .operands_min = 1,
    .operands_max = 1,
    .run = add,
};

const struct pti_server_command pti_server_command_token_list = {
    .name = "token list",
    .operands = "",
    .summary = "List the tokens: scope, expiry, last use",
    .example = "  pintled token list --data pintled-data",
    .settings = list_settings,
    .values_size = sizeof(struct list_values),
    .wants = PTI_WANTS_DATA,
    .run = list,
};

const struct pti_server_command pti_server_command_token_revoke = {
    .name = "token revoke",
    .operands = "NAME",
    .summary = "Make a token useless, at once",
    .example = "  pintled token revoke prometheus --data pintled-data",
    .wants = PTI_WANTS_DATA,
    .operands_min = 1,
    .operands_max = 1,
    .run = revoke,
};
