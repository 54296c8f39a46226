/* SPDX-License-Identifier: Apache-2.0 */
#include "server/access.h"

#include <stdio.h>
#include <string.h>

void pti_access_init(struct pti_access *access, struct pti_database *database, struct pintle_crypto *crypto)
{
    memset(access, 0, sizeof *access);
    access->database = database;
    access->crypto = crypto;
    pthread_mutex_init(&access->mutex, NULL);
}

void pti_access_clear(struct pti_access *access)
{
    pthread_mutex_destroy(&access->mutex);
}

enum pti_access_result pti_access_decide(const struct pti_token *token, enum pti_scope needed, int64_t now)
{
    if (token->scope == PTI_SCOPE_NONE)
        return PTI_ACCESS_WRONG;
    if (token->expires > 0 && now >= token->expires)
        return PTI_ACCESS_EXPIRED;
    return token->scope >= needed ? PTI_ACCESS_GRANTED : PTI_ACCESS_SCOPE;
}

/* NULL if it is not there. */
static struct pti_access_use *find_use(struct pti_access *access, const char *id)
{
    for (size_t i = 0; i < PTI_TOKENS_MAX; i++)
        if (strcmp(access->uses[i].use.id, id) == 0)
            return &access->uses[i];
    return NULL;
}

/* Where there is no room, what was used longest ago makes it; its last use may then be lost. */
static struct pti_access_use *new_use(struct pti_access *access, const struct pti_token *token)
{
    struct pti_access_use *oldest = &access->uses[0];

    for (size_t i = 1; i < PTI_TOKENS_MAX; i++)
        if (access->uses[i].use.used < oldest->use.used)
            oldest = &access->uses[i];
    *oldest = (struct pti_access_use){.written = token->used};
    memcpy(oldest->use.id, token->id, sizeof oldest->use.id);
    return oldest;
}

static void note_use(struct pti_access *access, const struct pti_token *token, int64_t now)
{
    struct pti_access_use *use;

    pthread_mutex_lock(&access->mutex);
    use = find_use(access, token->id);
    if (!use)
        use = new_use(access, token);
    use->use.used = now;
    pthread_mutex_unlock(&access->mutex);
}

static unsigned wait_of(struct pti_access *access, const char *id, uint64_t source, int64_t now)
{
    unsigned wait = 0;

    pthread_mutex_lock(&access->mutex);
    if (id[0] == '\0' || !find_use(access, id))
        wait = pti_guesses_wait(&access->guesses, source, now);
    pthread_mutex_unlock(&access->mutex);
    return wait;
}

static void add_guess(struct pti_access *access, uint64_t source, int64_t now)
{
    pthread_mutex_lock(&access->mutex);
    pti_guesses_add(&access->guesses, source, now);
    pthread_mutex_unlock(&access->mutex);
}

/* id and hash as the header has them; id "" stands for one that has not the form of a token. */
static enum pti_access_result look_up(struct pti_access *access, const char *id, const uint8_t *hash,
                                      struct pti_token *token, struct pti_error *error)
{
    bool found = false;

    if (id[0] == '\0')
        return PTI_ACCESS_WRONG;
    if (pti_tokens_find(access->database, id, token, &found, error) != PINTLE_OK)
        return PTI_ACCESS_UNAVAILABLE;
    return found && pti_token_hash_equal(token->hash, hash) ? PTI_ACCESS_GRANTED : PTI_ACCESS_WRONG;
}

enum pti_access_result pti_access_check(struct pti_access *access, const struct pti_credentials *credentials,
                                        enum pti_scope needed, int64_t now, char actor[PTI_ACTOR_SIZE], unsigned *wait,
                                        struct pti_error *error)
{
    uint8_t hash[PINTLE_SHA256_SIZE];
    char id[PTI_TOKEN_ID_SIZE] = "";
    enum pti_access_result result;
    struct pintle_bytes text;
    struct pti_token token;

    actor[0] = '\0';
    *wait = 0;
    if (!credentials->authorization)
        return PTI_ACCESS_MISSING;
    if (credentials->authorizations != 1)
        return PTI_ACCESS_DOUBLED;
    if (!pti_token_of_header(credentials->authorization, &text) || !pti_token_read(access->crypto, text, hash, id))
        id[0] = '\0';
    *wait = wait_of(access, id, credentials->source, now);
    if (*wait > 0)
        return PTI_ACCESS_LIMITED;
    result = look_up(access, id, hash, &token, error);
    if (result == PTI_ACCESS_GRANTED)
        result = pti_access_decide(&token, needed, now);
    if (result == PTI_ACCESS_WRONG || result == PTI_ACCESS_EXPIRED)
        add_guess(access, credentials->source, now);
    if (result == PTI_ACCESS_GRANTED || result == PTI_ACCESS_SCOPE)
        note_use(access, &token, now);
    if (result == PTI_ACCESS_GRANTED)
        snprintf(actor, PTI_ACTOR_SIZE, "token:%s", token.name);
    return result;
}

/* A clock that was set back is written too: the latest use is then the one that was noted last. */
static size_t collect(struct pti_access *access, struct pti_token_use *uses)
{
    size_t count = 0;

    pthread_mutex_lock(&access->mutex);
    for (size_t i = 0; i < PTI_TOKENS_MAX; i++)
        if (access->uses[i].use.id[0] && access->uses[i].use.used != access->uses[i].written)
            uses[count++] = access->uses[i].use;
    pthread_mutex_unlock(&access->mutex);
    return count;
}

static void conclude(struct pti_access *access, const struct pti_token_use *uses, size_t count)
{
    pthread_mutex_lock(&access->mutex);
    for (size_t i = 0; i < count; i++) {
        struct pti_access_use *use = find_use(access, uses[i].id);

        if (use)
            use->written = uses[i].used;
    }
    pthread_mutex_unlock(&access->mutex);
}

enum pintle_status pti_access_flush(struct pti_access *access, struct pti_database *database, int64_t now,
                                    struct pti_error *error)
{
    struct pti_token_use uses[PTI_TOKENS_MAX];
    enum pintle_status status;
    size_t count = 0;

    if (now < access->next_flush && access->next_flush - now <= PTI_TOKEN_USE_EVERY_S)
        return PINTLE_OK;
    count = collect(access, uses);
    if (count == 0)
        return PINTLE_OK;
    access->next_flush = now + PTI_TOKEN_USE_EVERY_S;
    status = pti_tokens_note_uses(database, uses, count, error);
    if (status == PINTLE_OK)
        conclude(access, uses, count);
    return status;
}
