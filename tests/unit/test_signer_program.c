/* SPDX-License-Identifier: Apache-2.0 */
/* Keys behind a program, and the files that stand for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "publish/key_access.h"
#include "scratch.h"

#define P256 "tests/vectors/keys/p256.pem"
#define ED25519 "tests/vectors/keys/ed25519.pem"
#define TIMEOUT_S 20

static struct pti_buf heard;

static void listen_to(void *ctx, struct pintle_bytes text)
{
    (void)ctx;
    pti_buf_append(&heard, text.data, text.size);
}

static struct pti_key_access *reach(struct scratch *scratch)
{
    const struct pti_key_access_calls calls = {NULL, listen_to, NULL};
    struct pti_key_access *access;

    pti_buf_init(&heard, 1000000);
    scratch_ok(scratch, pti_key_access_new(&calls, &access, &scratch->error));
    return access;
}

/* A script of the shell, whose $1 is a key. */
static const char *script(struct scratch *scratch, const char *lines)
{
    const char *path = scratch_path(scratch, "signer");
    struct pti_buf text;

    pti_buf_init(&text, 4096);
    pti_buf_printf(&text, "#!/bin/sh\n%s\n", lines);
    scratch_write(scratch, path, pti_buf_cstr(&text));
    pti_buf_clear(&text);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

/* Signs size bytes with the key at path behind the program. */
static enum pintle_status sign(struct scratch *scratch, const char *program, const char *path, size_t size,
                               int64_t timeout_s)
{
    struct pti_key_access *access = reach(scratch);
    char *arguments[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)path, NULL};
    struct pti_public_key public_half;
    struct pti_signature signature = {.size = 1};
    struct pti_signing_key *key;
    uint8_t *message = calloc(1, size + 1);
    struct pti_buf pem;
    enum pintle_status status;

    scratch_ok(scratch, pti_public_key_load(path, NULL, &public_half, &scratch->error));
    pti_buf_init(&pem, 4096);
    scratch_ok(scratch, pti_public_key_pem(&public_half, &pem, &scratch->error));
    {
        const struct pti_signer_file file = {(char *)(uintptr_t)pti_buf_cstr(&pem), NULL, arguments, timeout_s};
        scratch_ok(scratch, pti_signer_file_key(&file, "alice.signer", access, &key, &scratch->error));
    }
    assert_string_equal(pti_signing_key_public(key)->id, public_half.id);
    assert_non_null(message);
    status = pti_signing_key_sign(key, (struct pintle_bytes){message, size}, &signature, &scratch->error);
    if (status != PINTLE_OK)
        assert_int_equal(signature.size, 0);
    free(message);
    pti_buf_clear(&pem);
    pti_public_key_clear(&public_half);
    pti_signing_key_free(key);
    pti_key_access_free(access);
    return status;
}

#define DGST "openssl dgst -sha256 -sign \"$1\""
/* OpenSSL's Ed25519 signs files only. */
#define ED "cat >\"$0.in\"; openssl pkeyutl -sign -rawin -inkey \"$1\" -in \"$0.in\""
/* DER to r and s, by cutting the numbers out of asn1parse. */
#define RAW                                                                                                            \
    DGST " | openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' | while read n; do "                           \
         "printf '%064s' \"$n\" | tr ' ' 0; done | tr A-F a-f | sed 's/../\\\\x&/g' >\"$0.hex\"; "                     \
         "env printf \"$(cat \"$0.hex\")\""

static void test_programs_sign(void **state)
{
    static const struct {
        const char *lines, *key;
        size_t size;
    } table[] = {
        {DGST, P256, 7},
        {DGST, P256, 0},
        {DGST, P256, 3000000}, /* more than a pipe holds */
        {RAW, P256, 7},
        {ED, ED25519, 7},
        {"echo touch it >&2; exec " DGST, P256, 7},
        {"sleep 3 & " DGST, P256, 7}, /* a child keeps the streams open */
        {DGST "; exec >&- 2>&-; sleep 0.1", P256, 7},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *program = script(scratch, table[i].lines);

        scratch_ok(scratch, sign(scratch, program, table[i].key, table[i].size, TIMEOUT_S));
        if (strstr(table[i].lines, "touch it") != NULL)
            assert_string_equal(pti_buf_cstr(&heard), "touch it\n");
        pti_buf_clear(&heard);
    }
}

static void test_what_a_program_does_wrong_is_named(void **state)
{
    static const struct {
        const char *lines, *key;
        enum pintle_status want;
        const char *text;
    } table[] = {
        {"exit 3", P256, PINTLE_ERR_STORAGE, "signer failed with exit code 3"},
        {"echo 'no credentials' >&2; exit 1", P256, PINTLE_ERR_STORAGE,
         "failed with exit code 1; it said: no credentials"},
        {DGST "; exit 1", P256, PINTLE_ERR_STORAGE, "failed with exit code 1"},
        {"kill -9 $$", P256, PINTLE_ERR_STORAGE, "was ended by signal 9"},
        {"cat >/dev/null", P256, PINTLE_ERR_STORAGE, "was to write a signature, DER or 64 bytes, and wrote 0"},
        {":", P256, PINTLE_ERR_STORAGE, "and wrote 0"},
        {DGST " | openssl base64", P256, PINTLE_ERR_STORAGE, "of text; have it decode base64 or hex"},
        {DGST "; echo", P256, PINTLE_ERR_STORAGE, "DER or 64 bytes, and wrote"},
        {"cat", P256, PINTLE_ERR_STORAGE, "and wrote 7"},
        {"while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", P256, PINTLE_ERR_STORAGE,
         "wrote more than 4096 bytes instead of a signature, and was ended"},
        {"head -c 64 /dev/zero", P256, PINTLE_ERR_TRUST, "does not verify; the program signs with another key"},
        {"head -c 64 /dev/zero", ED25519, PINTLE_ERR_TRUST, "does not verify; the program signs with another key"},
        {"openssl dgst -sha256 -binary | " DGST, P256, PINTLE_ERR_TRUST, "or signs a digest of what it is given"},
        {DGST, ED25519, PINTLE_ERR_STORAGE, "failed with exit code"},
        {"head -c 65 /dev/zero", ED25519, PINTLE_ERR_STORAGE, "was to write a signature, 64 bytes, and wrote 65"},
        {"printf '\\033[2Jx\\ny' >&2; exit 1", P256, PINTLE_ERR_STORAGE, "it said: [2Jx y"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *program = script(scratch, table[i].lines);

        scratch_refused(scratch, sign(scratch, program, table[i].key, 7, TIMEOUT_S), table[i].want, table[i].text);
        assert_non_null(strstr(scratch->error.detail, table[i].want == PINTLE_ERR_TRUST ? "key" : "alice.signer: "));
        pti_buf_clear(&heard);
    }
}

/* Neither one that never ends, nor one that reads nothing, nor one that only talks. */
static void test_a_program_that_takes_too_long_is_ended(void **state)
{
    static const char *const lines[] = {
        "exec sleep 100", "exec >&- 2>&- <&-; exec sleep 100",
        "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy >&2; done"};
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const char *program = script(scratch, lines[i]);
        time_t start = time(NULL);

        scratch_refused(scratch, sign(scratch, program, P256, 3000000, 1), PINTLE_ERR_STORAGE,
                        "did not sign within 1 seconds and was ended");
        assert_true(time(NULL) - start <= 10);
        assert_true(heard.size <= 65536); /* what publish/key_access.h promises to forward */
        pti_buf_clear(&heard);
    }
}

static void test_what_cannot_be_run_is_named(void **state)
{
    struct scratch *scratch = *state;
    const char *plain = scratch_path(scratch, "plain");

    scratch_write(scratch, plain, "just text\n");
    scratch_refused(scratch, sign(scratch, "/nowhere/signer", P256, 7, 1), PINTLE_ERR_STORAGE,
                    "alice.signer: /nowhere/signer cannot be run: No such file or directory; check the path");
    scratch_refused(scratch, sign(scratch, plain, P256, 7, 1), PINTLE_ERR_STORAGE,
                    "cannot be run: Permission denied; check its mode");
    assert_int_equal(chmod(plain, 0700), 0);
    scratch_refused(scratch, sign(scratch, plain, P256, 7, 1), PINTLE_ERR_STORAGE, "check its first line");
}

/* ---- signer files ---- */

#define PUBLIC "\"public\":\"-----BEGIN PUBLIC KEY-----\\n\""

static void test_a_signer_file_is_spelled_out(void **state)
{
    static const struct {
        const char *text, *want;
    } table[] = {
        {"{", "a.signer: byte"},
        {"[]", "a.signer: "},
        {"{}", "\"signer\" is missing"},
        {"{\"signer\":2}", "\"signer\""},
        {"{\"signer\":1}", "\"public\" must be text"},
        {"{\"signer\":1," PUBLIC "}", "expected either \"pkcs11\" or \"program\", found neither"},
        {"{\"signer\":1," PUBLIC ",\"pkcs11\":\"pkcs11:\",\"program\":[\"/x\"]}", "found both"},
        {"{\"signer\":1," PUBLIC ",\"pkcs11\":\"x\"}", "expected a PKCS#11 URI"},
        {"{\"signer\":1," PUBLIC ",\"pkcs11\":\"pkcs11:?pin-value=1\"}", "must not hold the PIN"},
        {"{\"signer\":1," PUBLIC ",\"pkcs11\":7}", "\"pkcs11\" must be text"},
        {"{\"signer\":1," PUBLIC ",\"program\":\"/x\"}", "\"program\" must be an array of 1 to 32 words"},
        {"{\"signer\":1," PUBLIC ",\"program\":[]}", "\"program\" must be an array of 1 to 32 words"},
        {"{\"signer\":1," PUBLIC ",\"program\":[\"x\"]}", "must begin with an absolute path"},
        {"{\"signer\":1," PUBLIC ",\"program\":[\"/x\",1]}", "\"program\" must be text"},
        {"{\"signer\":1," PUBLIC ",\"program\":[\"/x\\u0000y\"]}", "\"program\" must be text without NUL"},
        {"{\"signer\":1," PUBLIC ",\"program\":[\"/x\"],\"shell\":true}", "found \"shell\""},
        {"{\"signer\":1," PUBLIC ",\"program\":[\"/x\"],\"timeout_seconds\":0}", "\"timeout_seconds\""},
        {"{\"signer\":1," PUBLIC ",\"pkcs11\":\"pkcs11:\",\"timeout_seconds\":1}", "is for programs only"},
    };
    struct scratch *scratch = *state;
    struct pti_signer_file file;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        scratch_refused(scratch,
                        pti_signer_file_parse(pti_bytes_text(table[i].text), "a.signer", &file, &scratch->error),
                        PINTLE_ERR_INPUT, table[i].want);
}

static void test_a_signer_file_survives_its_text(void **state)
{
    char first[] = "/bin/x", second[] = "a \"b\"", pem[] = "-----BEGIN\n";
    char *words[] = {first, second, NULL};
    const struct pti_signer_file written = {pem, NULL, words, 5};
    struct scratch *scratch = *state;
    struct pti_signer_file file;
    struct pti_buf text;

    pti_buf_init(&text, 4096);
    pti_signer_file_write(&written, &text);
    assert_true(pti_signer_file_is(pti_buf_bytes(&text)));
    assert_false(pti_signer_file_is(pti_bytes_text("-----BEGIN")));
    scratch_ok(scratch, pti_signer_file_parse(pti_buf_bytes(&text), "a", &file, &scratch->error));
    assert_string_equal(file.public_pem, pem);
    assert_string_equal(file.arguments[0], first);
    assert_string_equal(file.arguments[1], second);
    assert_null(file.arguments[2]);
    assert_null(file.uri);
    assert_int_equal(file.timeout_s, 5);
    pti_signer_file_clear(&file);
    pti_buf_clear(&text);
}

/* It says what to run, so who can write it can run what he likes as us. */
static void test_a_signer_file_that_others_may_write_is_refused(void **state)
{
    static const struct {
        mode_t mode;
        enum pintle_status want;
    } table[] = {{0600, PINTLE_OK}, {0644, PINTLE_OK}, {0660, PINTLE_ERR_TRUST}, {0602, PINTLE_ERR_TRUST}};
    struct scratch *scratch = *state;
    const char *path = scratch_path(scratch, "a.signer");

    scratch_write(scratch, path, "{}");
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_int_equal(chmod(path, table[i].mode), 0);
        assert_int_equal(pti_signer_file_check_place(path, &scratch->error), table[i].want);
    }
    assert_non_null(strstr(scratch->error.detail, "chmod go-w"));
    scratch_refused(scratch, pti_signer_file_check_place(scratch->directory, &scratch->error), PINTLE_ERR_TRUST,
                    "must be a regular file");
    if (geteuid() == 0) {
        assert_int_equal(chmod(path, 0600), 0);
        assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
        scratch_refused(scratch, pti_signer_file_check_place(path, &scratch->error), PINTLE_ERR_TRUST,
                        "belongs to user 12345, neither to you nor to root");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_programs_sign),
        SCRATCH_TEST(test_what_a_program_does_wrong_is_named),
        SCRATCH_TEST(test_a_program_that_takes_too_long_is_ended),
        SCRATCH_TEST(test_what_cannot_be_run_is_named),
        SCRATCH_TEST(test_a_signer_file_is_spelled_out),
        SCRATCH_TEST(test_a_signer_file_survives_its_text),
        SCRATCH_TEST(test_a_signer_file_that_others_may_write_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
