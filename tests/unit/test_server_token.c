/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, who may do what with them, and who is not listened to any more for sending wrong ones. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/array.h"
#include "base/buf.h"
#include "report/network.h"
#include "scratch.h"
#include "server/access.h"
#include "server/address.h"

#define NOW INT64_C(1800000000)

static struct pintle_crypto *crypto;

static int make_crypto(void **state)
{
    (void)state;
    return pintle_crypto_openssl_new(&crypto) == PINTLE_OK ? 0 : -1;
}

static int free_crypto(void **state)
{
    (void)state;
    pintle_crypto_free(crypto);
    return 0;
}

static void make(uint8_t seed, char text[PTI_TOKEN_SIZE])
{
    uint8_t random[PTI_TOKEN_RANDOM_SIZE];

    memset(random, seed, sizeof random);
    assert_int_equal(pti_token_write(crypto, random, text), PINTLE_OK);
}

/* ---- the text ---- */

static void its_form_never_changes(void **state)
{
    char text[PTI_TOKEN_SIZE], id[PTI_TOKEN_ID_SIZE];
    uint8_t hash[PINTLE_SHA256_SIZE];

    (void)state;
    make(0xab, text);
    assert_string_equal(text, "pintle_abababababababababababababababababababababababababababababababab"
                              "2656b14c");
    assert_true(pti_token_read(crypto, pti_bytes_text(text), hash, id));
    assert_string_equal(id, "b1d57e3cc5c8a2ee");
}

/* Each single character changed, left out or doubled, is noticed before any database is asked. */
static void any_other_text_is_none(void **state)
{
    char text[PTI_TOKEN_SIZE], wrong[PTI_TOKEN_SIZE + 1], id[PTI_TOKEN_ID_SIZE];
    uint8_t hash[PINTLE_SHA256_SIZE];
    size_t length;

    (void)state;
    make(7, text);
    length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        memcpy(wrong, text, sizeof text);
        wrong[i] = wrong[i] == '0' ? '1' : '0';
        assert_false(pti_token_read(crypto, pti_bytes_text(wrong), hash, id));
        memmove(wrong + i, text + i + 1, length - i);
        assert_false(pti_token_read(crypto, pti_bytes_text(wrong), hash, id));
        memcpy(wrong, text, i + 1);
        memcpy(wrong + i + 1, text + i, length - i + 1);
        assert_false(pti_token_read(crypto, pti_bytes_text(wrong), hash, id));
    }
    assert_false(pti_token_read(crypto, pti_bytes_text(""), hash, id));
    text[10] = 'A'; /* hex has one form */
    assert_false(pti_token_read(crypto, pti_bytes_text(text), hash, id));
}

static void header(void **state)
{
    static const struct {
        const char *header;
        const char *token; /* NULL: none */
    } rows[] = {
        {"Bearer pintle_1", "pintle_1"},
        {"bearer pintle_1", "pintle_1"},
        {"BEARER   pintle_1", "pintle_1"},
        {"Bearer", NULL},
        {"Bearer ", NULL},
        {"Bearer\tpintle_1", NULL},
        {"Bearer pintle_1 pintle_2", NULL},
        {"Bearer pintle_1,pintle_2", NULL},
        {"Bearer pintle_1 ", NULL},
        {"Basic cGludGxlOjE=", NULL},
        {"pintle_1", NULL},
        {"", NULL},
    };
    struct pintle_bytes token;

    (void)state;
    for (size_t i = 0; i < PTI_COUNT(rows); i++) {
        bool found = pti_token_of_header(rows[i].header, &token);

        if (found != (rows[i].token != NULL) || (found && !pti_bytes_equal_text(token, rows[i].token)))
            fail_msg("\"%s\"", rows[i].header);
    }
}

static void names_and_scopes(void **state)
{
    char longest[PTI_TOKEN_NAME_SIZE + 1];
    enum pti_scope scope = PTI_SCOPE_NONE;

    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(pti_token_name_valid(longest));
    longest[PTI_TOKEN_NAME_SIZE - 1] = '\0';
    assert_true(pti_token_name_valid(longest));
    assert_true(pti_token_name_valid("ci.example_2-B"));
    assert_false(pti_token_name_valid("") || pti_token_name_valid(".x") || pti_token_name_valid("-x") ||
                 pti_token_name_valid("a b") || pti_token_name_valid("a/b") || pti_token_name_valid("a\n"));
    assert_true(pti_scope_parse(pti_bytes_text("publisher"), &scope));
    assert_int_equal(scope, PTI_SCOPE_PUBLISHER);
    assert_false(pti_scope_parse(pti_bytes_text("none"), &scope) || pti_scope_parse(pti_bytes_text("Admin"), &scope) ||
                 pti_scope_parse(pti_bytes_text(""), &scope));
}

/* ---- the decision ---- */

static void every_scope_against_every_other(void **state)
{
    (void)state;
    for (int held = PTI_SCOPE_NONE; held <= PTI_SCOPE_ADMIN; held++) {
        for (int needed = PTI_SCOPE_READER; needed <= PTI_SCOPE_ADMIN; needed++) {
            struct pti_token token = {.scope = (enum pti_scope)held};
            enum pti_access_result want = held >= needed ? PTI_ACCESS_GRANTED : PTI_ACCESS_SCOPE;

            if (held == PTI_SCOPE_NONE) /* what the database should not hold */
                want = PTI_ACCESS_WRONG;
            assert_int_equal(pti_access_decide(&token, (enum pti_scope)needed, NOW), want);
            token.expires = NOW;
            if (held != PTI_SCOPE_NONE)
                want = PTI_ACCESS_EXPIRED;
            assert_int_equal(pti_access_decide(&token, (enum pti_scope)needed, NOW), want);
            token.expires = NOW + 1;
            assert_int_not_equal(pti_access_decide(&token, (enum pti_scope)needed, NOW), PTI_ACCESS_EXPIRED);
        }
    }
}

/* ---- guessing ---- */

static uint64_t source_of(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return pti_address_network((const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return pti_address_network((const struct sockaddr *)&v6);
}

static void networks_not_addresses(void **state)
{
    (void)state;
    assert_true(source_of("192.0.2.1") == source_of("192.0.2.200"));
    assert_true(source_of("192.0.2.1") == source_of("::ffff:192.0.2.9"));
    assert_true(source_of("192.0.2.1") != source_of("192.0.3.1"));
    assert_true(source_of("2001:db8:1:100::1") == source_of("2001:db8:1:ffff:1:2:3:4"));
    assert_true(source_of("2001:db8:1:100::1") != source_of("2001:db8:2:100::1"));
    assert_true(pti_address_network(NULL) == PTI_NETWORK_UNKNOWN);
}

static void limits_guesses_within_a_window(void **state)
{
    struct pti_guesses *guesses = calloc(1, sizeof *guesses);
    uint64_t bad = source_of("192.0.2.1"), good = source_of("198.51.100.1");

    (void)state;
    assert_non_null(guesses);
    for (int i = 0; i < PTI_GUESSES_MAX; i++) {
        assert_int_equal(pti_guesses_wait(guesses, bad, NOW + 5), 0);
        pti_guesses_add(guesses, bad, NOW + (i > 0 ? 5 : 0));
    }
    assert_int_equal(pti_guesses_wait(guesses, bad, NOW + 5), PTI_GUESS_WINDOW_S - 5);
    assert_int_equal(pti_guesses_wait(guesses, good, NOW + 5), 0);
    assert_int_equal(pti_guesses_wait(guesses, bad, NOW + PTI_GUESS_WINDOW_S - 1), 1);
    assert_int_equal(pti_guesses_wait(guesses, bad, NOW + PTI_GUESS_WINDOW_S), 0);
    assert_int_equal(pti_guesses_wait(guesses, bad, NOW - 1), 0); /* the clock was set back */
    pti_guesses_add(guesses, bad, NOW + PTI_GUESS_WINDOW_S);
    assert_int_equal(pti_guesses_wait(guesses, bad, NOW + PTI_GUESS_WINDOW_S), 0); /* it starts anew */
    free(guesses);
}

static void a_full_table_forgets_the_quietest(void **state)
{
    struct pti_guesses *guesses = calloc(1, sizeof *guesses);

    (void)state;
    assert_non_null(guesses);
    for (int i = 0; i < PTI_GUESSES_MAX; i++)
        pti_guesses_add(guesses, 1, NOW + 30);
    for (uint64_t source = 2; source < PTI_GUESS_SOURCES + 100; source++)
        pti_guesses_add(guesses, source, NOW + (source < 200 ? 0 : 31));
    assert_int_not_equal(pti_guesses_wait(guesses, 1, NOW + 32), 0);
    free(guesses);
}

/* ---- all of it ---- */

struct fixture {
    struct scratch *scratch;
    struct pti_database *database;
    struct pti_access *access;
};

static int open_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    fixture->scratch = scratch_new();
    scratch_ok(fixture->scratch,
               pti_database_open_sqlite(fixture->scratch->directory, &fixture->database, &fixture->scratch->error));
    fixture->access = malloc(sizeof *fixture->access);
    pti_access_init(fixture->access, fixture->database, crypto);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;

    pti_access_clear(fixture->access);
    free(fixture->access);
    pti_database_close(fixture->database);
    scratch_free(fixture->scratch);
    free(fixture);
    return 0;
}

/* Adds the token of seed and returns what its owner sends. */
static const char *add(struct fixture *fixture, uint8_t seed, const char *name, enum pti_scope scope, int64_t expires)
{
    static char headers[4][PTI_TOKEN_SIZE + 8];
    char *header = headers[seed % 4], text[PTI_TOKEN_SIZE];
    struct pti_token token = {.scope = scope, .created = NOW, .expires = expires};
    struct pti_error error;

    make(seed, text);
    assert_true(pti_token_read(crypto, pti_bytes_text(text), token.hash, token.id));
    snprintf(token.name, sizeof token.name, "%s", name);
    if (pti_tokens_add(fixture->database, &token, "test", &error) != PINTLE_OK)
        fail_msg("%s", error.detail);
    snprintf(header, sizeof headers[0], "Bearer %s", text);
    return header;
}

static enum pti_access_result ask(struct fixture *fixture, const char *header, uint64_t source, int64_t now)
{
    const struct pti_credentials credentials = {header, header ? 1 : 0, source};
    char actor[PTI_ACTOR_SIZE];
    struct pti_error error;
    unsigned wait = 0;
    enum pti_access_result result = pti_access_check(fixture->access, &credentials, PTI_SCOPE_OPERATOR, now, actor,
                                                     &wait, &error);

    assert_int_equal(actor[0] != '\0', result == PTI_ACCESS_GRANTED);
    assert_int_equal(wait > 0, result == PTI_ACCESS_LIMITED);
    return result;
}

static void a_token_lives_and_ends(void **state)
{
    struct fixture *fixture = *state;
    const char *for_operators = add(fixture, 1, "operator", PTI_SCOPE_OPERATOR, 0);
    const char *reader = add(fixture, 2, "reader", PTI_SCOPE_READER, 0);
    const char *short_lived = add(fixture, 3, "short", PTI_SCOPE_ADMIN, NOW + 10);
    struct pti_error error;
    bool found = false;

    assert_int_equal(ask(fixture, for_operators, 1, NOW), PTI_ACCESS_GRANTED);
    assert_int_equal(ask(fixture, reader, 1, NOW), PTI_ACCESS_SCOPE);
    assert_int_equal(ask(fixture, short_lived, 1, NOW + 9), PTI_ACCESS_GRANTED);
    assert_int_equal(ask(fixture, short_lived, 1, NOW + 10), PTI_ACCESS_EXPIRED);
    assert_int_equal(ask(fixture, NULL, 1, NOW), PTI_ACCESS_MISSING);
    assert_int_equal(pti_tokens_revoke(fixture->database, "operator", "test", &found, &error), PINTLE_OK);
    assert_true(found);
    assert_int_equal(ask(fixture, for_operators, 1, NOW), PTI_ACCESS_WRONG);
    assert_int_equal(pti_tokens_revoke(fixture->database, "operator", "test", &found, &error), PINTLE_OK);
    assert_false(found);
}

static void doubled_headers_say_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct pti_credentials credentials = {add(fixture, 1, "a", PTI_SCOPE_ADMIN, 0), 2, 1};
    char actor[PTI_ACTOR_SIZE];
    struct pti_error error;
    unsigned wait = 0;

    assert_int_equal(pti_access_check(fixture->access, &credentials, PTI_SCOPE_READER, NOW, actor, &wait, &error),
                     PTI_ACCESS_DOUBLED);
}

/* Who guessed too often is not looked at, even if he is right at last; who was right before goes on. */
static void guessing_ends(void **state)
{
    struct fixture *fixture = *state;
    const char *in_use = add(fixture, 1, "in-use", PTI_SCOPE_ADMIN, 0);
    const char *never_used = add(fixture, 2, "never-used", PTI_SCOPE_ADMIN, 0);
    struct pti_error error;
    bool found = false;

    assert_int_equal(ask(fixture, in_use, 1, NOW), PTI_ACCESS_GRANTED);
    for (int i = 0; i < PTI_GUESSES_MAX; i++)
        assert_int_equal(ask(fixture, "Bearer pintle_guess", 1, NOW), PTI_ACCESS_WRONG);
    assert_int_equal(ask(fixture, "Bearer pintle_guess", 1, NOW), PTI_ACCESS_LIMITED);
    assert_int_equal(ask(fixture, never_used, 1, NOW), PTI_ACCESS_LIMITED);
    assert_int_equal(ask(fixture, in_use, 1, NOW), PTI_ACCESS_GRANTED);
    assert_int_equal(ask(fixture, never_used, 2, NOW), PTI_ACCESS_GRANTED);
    assert_int_equal(ask(fixture, never_used, 1, NOW), PTI_ACCESS_GRANTED);
    assert_int_equal(ask(fixture, "Bearer pintle_guess", 1, NOW + PTI_GUESS_WINDOW_S), PTI_ACCESS_WRONG);
    assert_int_equal(pti_tokens_revoke(fixture->database, "in-use", "test", &found, &error), PINTLE_OK);
    assert_int_equal(ask(fixture, in_use, 1, NOW), PTI_ACCESS_WRONG);
}

static bool take_use(void *ctx, const struct pti_token *token)
{
    *(int64_t *)ctx = token->used;
    return true;
}

static int64_t used(struct fixture *fixture)
{
    int64_t when = -1;
    const struct pti_token_query query = {"", 1, take_use, &when};
    struct pti_error error;

    assert_int_equal(pti_tokens_list(fixture->database, &query, &error), PINTLE_OK);
    return when;
}

static void last_use_is_written_once_a_minute(void **state)
{
    struct fixture *fixture = *state;
    const char *token = add(fixture, 1, "a", PTI_SCOPE_ADMIN, 0);
    struct pti_error error;
    bool found = false;

    assert_int_equal(ask(fixture, token, 1, NOW), PTI_ACCESS_GRANTED);
    assert_int_equal(used(fixture), 0);
    assert_int_equal(pti_access_flush(fixture->access, fixture->database, NOW + 1, &error), PINTLE_OK);
    assert_int_equal(used(fixture), NOW);
    assert_int_equal(ask(fixture, token, 1, NOW + 5), PTI_ACCESS_GRANTED);
    assert_int_equal(pti_access_flush(fixture->access, fixture->database, NOW + 60, &error), PINTLE_OK);
    assert_int_equal(used(fixture), NOW);
    assert_int_equal(pti_access_flush(fixture->access, fixture->database, NOW + 61, &error), PINTLE_OK);
    assert_int_equal(used(fixture), NOW + 5);
    assert_int_equal(ask(fixture, token, 1, NOW + 200), PTI_ACCESS_GRANTED);
    assert_int_equal(pti_tokens_revoke(fixture->database, "a", "test", &found, &error), PINTLE_OK);
    assert_int_equal(pti_access_flush(fixture->access, fixture->database, NOW + 300, &error), PINTLE_OK);
    assert_int_equal(used(fixture), -1); /* what was revoked does not come back */
}

static void names_are_taken_once_and_tokens_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct pti_token token = {.scope = PTI_SCOPE_READER};
    struct pti_error error;
    enum pintle_status status = PINTLE_OK;
    int added = 0;

    for (; status == PINTLE_OK && added <= PTI_TOKENS_MAX; added += status == PINTLE_OK) {
        snprintf(token.id, sizeof token.id, "%d", added);
        snprintf(token.name, sizeof token.name, "name-%d", added);
        status = pti_tokens_add(fixture->database, &token, "test", &error);
    }
    assert_int_equal(status, PINTLE_ERR_MISUSE);
    assert_int_equal(added, PTI_TOKENS_MAX);
    assert_non_null(strstr(error.detail, "too many"));
}

static void a_name_is_taken_once(void **state)
{
    struct fixture *fixture = *state;
    struct pti_token token = {.scope = PTI_SCOPE_READER, .id = "other", .name = "a"};
    struct pti_error error;

    add(fixture, 1, "a", PTI_SCOPE_ADMIN, 0);
    assert_int_equal(pti_tokens_add(fixture->database, &token, "test", &error), PINTLE_ERR_MISUSE);
    assert_non_null(strstr(error.detail, "there is one of that name"));
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_form_never_changes),
        cmocka_unit_test(any_other_text_is_none),
        cmocka_unit_test(header),
        cmocka_unit_test(names_and_scopes),
        cmocka_unit_test(every_scope_against_every_other),
        cmocka_unit_test(networks_not_addresses),
        cmocka_unit_test(limits_guesses_within_a_window),
        cmocka_unit_test(a_full_table_forgets_the_quietest),
        FIXTURE_TEST(a_token_lives_and_ends),
        FIXTURE_TEST(doubled_headers_say_nothing),
        FIXTURE_TEST(guessing_ends),
        FIXTURE_TEST(last_use_is_written_once_a_minute),
        FIXTURE_TEST(names_are_taken_once_and_tokens_bounded),
        FIXTURE_TEST(a_name_is_taken_once),
    };

    return cmocka_run_group_tests(tests, make_crypto, free_crypto);
}
