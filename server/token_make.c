/* SPDX-License-Identifier: Apache-2.0 */
#include "server/token_make.h"

#include <string.h>

#include "base/datetime.h"
#include "server/data.h"

#define DAY_S 86400

enum pintle_status pti_token_wish_check(struct pti_token_wish *wish, const char *scope, struct pti_error *error)
{
    if (!pti_token_name_valid(wish->name))
        return pti_fail(error, PINTLE_ERR_MISUSE,
                        "expected a name of 1 to 64 letters, digits, \".\", \"_\" or \"-\", found \"%.70s\"",
                        wish->name);
    if (!pti_scope_parse(pti_bytes_text(scope), &wish->scope))
        return pti_fail(error, PINTLE_ERR_MISUSE,
                        "expected a scope of reader, operator, publisher or admin, found \"%.40s\"", scope);
    return PINTLE_OK;
}

enum pintle_status pti_token_make(struct pintle_crypto *crypto, const struct pti_token_wish *wish, int64_t now,
                                  char text[PTI_TOKEN_SIZE], struct pti_token *token, struct pti_error *error)
{
    uint8_t random[PTI_TOKEN_RANDOM_SIZE];
    enum pintle_status status = pti_data_random(random, sizeof random, error);

    memset(token, 0, sizeof *token);
    if (status != PINTLE_OK)
        return status;
    if (pti_token_write(crypto, random, text) != PINTLE_OK ||
        !pti_token_read(crypto, pti_bytes_text(text), token->hash, token->id))
        return pti_fail(error, PINTLE_ERR_MEMORY, "the token cannot be hashed: out of memory");
    pti_copy_text(token->name, sizeof token->name, wish->name);
    token->scope = wish->scope;
    token->created = now;
    token->expires = wish->days > 0 ? now + wish->days * DAY_S : 0;
    return PINTLE_OK;
}

static void put_time(struct pti_json_writer *json, const char *name, int64_t seconds)
{
    char text[PTI_DATETIME_SIZE + 1];

    pti_datetime_format(seconds, text);
    pti_json_put_text(json, name, seconds > 0 ? text : NULL);
}

void pti_token_put(const struct pti_token *token, int64_t now, struct pti_json_writer *json)
{
    pti_json_put_text(json, "name", token->name);
    pti_json_put_text(json, "id", token->id);
    pti_json_put_text(json, "scope", pti_scope_name(token->scope));
    put_time(json, "created", token->created);
    put_time(json, "expires", token->expires);
    put_time(json, "used", token->used);
    pti_json_put_bool(json, "expired", token->expires > 0 && now >= token->expires);
}
