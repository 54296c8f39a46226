/* SPDX-License-Identifier: Apache-2.0 */
/* Checkers: where the pinset of the moment comes from, who hears of verdicts, who frees what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pin/checker.h"
#include "pin_fixture.h"
#include "providers.h"

#define HASH_L "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw="
#define HASH_X "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="

static struct pintle_crypto *crypto;

static int open_crypto(void **state)
{
    (void)state;
    return provider_new(&crypto) == PINTLE_OK ? 0 : -1;
}

static int close_crypto(void **state)
{
    (void)state;
    pintle_crypto_free(crypto);
    return 0;
}

static struct pintle_pinset *pin(const char *sha256, enum pintle_of of)
{
    const struct pintle_static_pin pins[] = {{"api.example.com", sha256, of, PINTLE_AT_LEAF, false}};
    struct pintle_pinset *pinset;

    assert_int_equal(pintle_pinset_new_static(pins, 1, PINTLE_UNLISTED_ACCEPT, &pinset, NULL, 0), PINTLE_OK);
    return pinset;
}

/* A source that a test can steer, as a client would. */
struct source {
    struct pintle_pinset *pinset;
    int64_t now;
    unsigned decided;
    unsigned released;
    enum pintle_status turn_into; /* what a mismatch becomes */
    enum pintle_reason heard;
};

static struct pintle_pinset *acquire(void *ctx)
{
    return pintle_pinset_ref(((struct source *)ctx)->pinset);
}

static unsigned needs(void *ctx)
{
    return pintle_pinset_needs(((struct source *)ctx)->pinset);
}

static int64_t now(void *ctx)
{
    return ((struct source *)ctx)->now;
}

static void decided(void *ctx, const struct pintle_evidence *evidence, struct pintle_verdict *verdict)
{
    struct source *source = ctx;

    assert_non_null(evidence);
    source->decided++;
    source->heard = verdict->reason;
    if (verdict->status == PINTLE_ERR_PIN_MISMATCH)
        verdict->status = source->turn_into;
}

static void release(void *ctx)
{
    struct source *source = ctx;

    source->released++;
    pintle_pinset_free(source->pinset);
}

static const struct pti_checker_source steered = {
    .acquire = acquire, .drop = pintle_pinset_free, .needs = needs, .now = now, .decided = decided, .release = release};

static void follows_its_source(void **state)
{
    struct source source = {.pinset = pin(HASH_X, PINTLE_OF_SPKI), .turn_into = PINTLE_ERR_RETRY};
    struct pintle_checker *checker;
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;

    (void)state;
    fixture_evidence("lic", &evidence);
    assert_int_equal(pti_checker_new(&steered, &source, crypto, &checker), PINTLE_OK);
    /* To peek is to ask without anybody hearing of it. */
    assert_int_equal(pintle_checker_peek(checker, "api.example.com", &evidence, &verdict), PINTLE_ERR_PIN_MISMATCH);
    assert_int_equal(source.decided, 0);
    assert_int_equal(pintle_checker_check(checker, "api.example.com", &evidence, &verdict), PINTLE_ERR_RETRY);
    assert_int_equal(verdict.status, PINTLE_ERR_RETRY);
    assert_int_equal(verdict.reason, PINTLE_REASON_MISMATCH);
    assert_int_equal(source.decided, 1);

    /* A swap takes effect at once, also for evidence that was accepted before: resumption after a withdrawal. */
    pintle_pinset_free(source.pinset);
    source.pinset = pin(HASH_L, PINTLE_OF_SPKI);
    assert_int_equal(pintle_checker_check(checker, "api.example.com", &evidence, &verdict), PINTLE_OK);
    assert_int_equal(source.heard, PINTLE_REASON_MATCHED);
    pintle_pinset_free(source.pinset);
    source.pinset = pin(HASH_X, PINTLE_OF_SPKI);
    assert_int_equal(pintle_checker_peek(checker, "api.example.com", &evidence, &verdict), PINTLE_ERR_PIN_MISMATCH);

    /* It hears of what could not be decided too. */
    assert_int_equal(pintle_checker_check(checker, "", &evidence, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(source.heard, PINTLE_REASON_HOST_MISSING);
    assert_int_equal(source.decided, 3);
    assert_int_equal(pintle_checker_check(checker, "api.example.com", NULL, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(source.decided, 3);

    assert_ptr_equal(pintle_checker_ref(checker), checker);
    pintle_checker_free(checker);
    assert_int_equal(source.released, 0);
    pintle_checker_free(checker);
    assert_int_equal(source.released, 1);
}

static const uint8_t tiny[] = {0x30, 0x1e, 0x30, 0x17, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01,
                               0x01, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x05,
                               0x30, 0x00, 0x03, 0x01, 0x00, 0x30, 0x00, 0x03, 0x01, 0x00};
static const struct pintle_bytes chain[] = {{tiny, sizeof tiny}};

/* A pin of a new kind may arrive between two handshakes: the evidence kept with a session then cannot answer it. */
static void extracts_what_the_pinset_needs(void **state)
{
    struct source source = {.pinset = pin(HASH_X, PINTLE_OF_SPKI), .turn_into = PINTLE_ERR_PIN_MISMATCH};
    struct pintle_checker *checker;
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;

    (void)state;
    assert_int_equal(pti_checker_new(&steered, &source, crypto, &checker), PINTLE_OK);
    assert_int_equal(pintle_checker_evidence(checker, chain, 1, &evidence), PINTLE_OK);
    assert_int_equal(evidence.of, PINTLE_OF_SPKI);
    pintle_pinset_free(source.pinset);
    source.pinset = pin(HASH_X, PINTLE_OF_CERT);
    assert_int_equal(pintle_checker_peek(checker, "api.example.com", &evidence, &verdict), PINTLE_ERR_UNSUPPORTED);
    assert_int_equal(verdict.reason, PINTLE_REASON_EVIDENCE_PARTIAL);
    assert_int_equal(pintle_checker_evidence(checker, chain, 1, &evidence), PINTLE_OK);
    assert_int_equal(evidence.of, PINTLE_OF_SPKI | PINTLE_OF_CERT);
    assert_int_equal(pintle_checker_check(checker, "api.example.com", &evidence, &verdict), PINTLE_ERR_PIN_MISMATCH);
    assert_int_equal(pintle_checker_evidence(checker, chain, 0, &evidence), PINTLE_ERR_INPUT);
    assert_int_equal(pintle_checker_check(checker, "api.example.com", &evidence, &verdict), PINTLE_ERR_INPUT);
    assert_int_equal(verdict.reason, PINTLE_REASON_CHAIN_UNUSABLE);
    pintle_checker_free(checker);
}

static void static_outlives_its_parts(void **state)
{
    struct pintle_pinset *pinset = pin(HASH_L, PINTLE_OF_SPKI);
    struct pintle_checker *checker;
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;
    char text[512];

    (void)state;
    assert_int_equal(pintle_checker_new_static(pinset, crypto, &checker), PINTLE_OK);
    pintle_pinset_free(pinset);
    assert_int_equal(pintle_checker_evidence(checker, chain, 1, &evidence), PINTLE_OK);
    assert_int_equal(evidence.of, PINTLE_OF_SPKI);
    fixture_evidence("lic", &evidence);
    assert_int_equal(pintle_checker_check(checker, "api.example.com", &evidence, &verdict), PINTLE_OK);
    assert_int_equal(verdict.charter_version, 0);
    fixture_evidence("xic", &evidence);
    assert_int_equal(pintle_checker_check(checker, "api.example.com", &evidence, &verdict), PINTLE_ERR_PIN_MISMATCH);
    (void)pintle_verdict_describe(&verdict, text, sizeof text);
    assert_non_null(strstr(text, "[policy of api.example.com]")); /* of no charter and no zone */
    pintle_checker_free(checker);
    assert_null(pintle_checker_ref(NULL));
    pintle_checker_free(NULL);
}

static void static_takes_no_bound_in_time(void **state)
{
    struct pti_charter charter;
    struct pti_pinset_input input = {
        .charter = &charter, .refuse_after = 1, .refuse_reason = PINTLE_REASON_STALE_REFUSED};
    struct pintle_pinset *pinset;
    struct pintle_checker *checker;

    (void)state;
    fixture_charter(FIXTURE_CHARTER("3", FIXTURE_CHARTER_HOST("api.example.com", "false", "enforce", "a",
                                                              FIXTURE_PIN("l", "leaf"), "")),
                    &charter);
    assert_int_equal(pti_pinset_compile(&input, &pinset, NULL), PINTLE_OK);
    assert_int_equal(pintle_checker_new_static(pinset, crypto, &checker), PINTLE_ERR_UNSUPPORTED);
    assert_null(checker);
    pintle_pinset_free(pinset);
    input.refuse_after = PTI_NEVER;
    assert_int_equal(pti_pinset_compile(&input, &pinset, NULL), PINTLE_OK);
    assert_int_equal(pintle_checker_new_static(pinset, crypto, &checker), PINTLE_OK);
    pintle_checker_free(checker);
    pintle_pinset_free(pinset);
    pti_charter_clear(&charter);
}

static void refuses_misuse(void **state)
{
    struct pintle_pinset *pinset = pin(HASH_L, PINTLE_OF_SPKI);
    struct pintle_checker *checker;
    struct pintle_evidence evidence;
    struct pintle_verdict verdict;

    (void)state;
    fixture_evidence("l", &evidence);
    assert_int_equal(pintle_checker_new_static(NULL, crypto, &checker), PINTLE_ERR_MISUSE);
    assert_null(checker);
    assert_int_equal(pintle_checker_new_static(pinset, NULL, &checker), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_checker_new_static(pinset, crypto, NULL), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_checker_evidence(NULL, NULL, 0, &evidence), PINTLE_ERR_MISUSE);
    assert_int_equal(pintle_checker_check(NULL, "api.example.com", &evidence, &verdict), PINTLE_ERR_MISUSE);
    assert_int_equal(verdict.reason, PINTLE_REASON_UNDECIDED);
    assert_int_equal(pintle_checker_check(NULL, NULL, NULL, NULL), PINTLE_ERR_MISUSE);
    pintle_pinset_free(pinset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_its_source),
        cmocka_unit_test(extracts_what_the_pinset_needs),
        cmocka_unit_test(static_outlives_its_parts),
        cmocka_unit_test(static_takes_no_bound_in_time),
        cmocka_unit_test(refuses_misuse),
    };
    return cmocka_run_group_tests(tests, open_crypto, close_crypto);
}
