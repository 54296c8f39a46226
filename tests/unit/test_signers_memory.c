/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that lie elsewhere, where any allocation may fail: they fail with it, lose nothing, and sign the next time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "faults.h"
#include "publish/key_access.h"
#include "scratch.h"

#define URI "pkcs11:token=fake;object=root?module-path=" FAKE_MODULE
#define KEY "tests/vectors/keys/p256.pem"

static enum pintle_status answer(void *ctx, const struct pti_pin_request *request, char *pin, struct pti_error *error)
{
    (void)ctx;
    (void)request;
    (void)error;
    (void)pti_copy_text(pin, PTI_PIN_MAX + 1, "1234");
    return PINTLE_OK;
}

/* Opens what text is, a URI or a signer file, and signs with it. */
static enum pintle_status use(const char *text, struct pti_error *error)
{
    static const struct pti_key_access_calls calls = {answer, NULL, NULL};
    struct pti_key_access *access = NULL;
    struct pti_signer_file file = {NULL, NULL, NULL, 0};
    struct pti_signing_key *key = NULL;
    struct pti_signature signature;
    enum pintle_status status = pti_key_access_new(&calls, &access, error);

    if (status == PINTLE_OK && text[0] == '{') {
        status = pti_signer_file_parse(pti_bytes_text(text), "a.signer", &file, error);
        if (status == PINTLE_OK)
            status = pti_signer_file_key(&file, "a.signer", access, &key, error);
        pti_signer_file_clear(&file);
    } else if (status == PINTLE_OK) {
        status = pti_pkcs11_key_open(access, text, &key, error);
    }
    if (status == PINTLE_OK)
        status = pti_signing_key_sign(key, pti_bytes_text("message"), &signature, error);
    pti_signing_key_free(key);
    pti_key_access_free(access);
    return status;
}

static void try_each(struct scratch *scratch, const char *text)
{
    bool more = true;

    for (long n = 0; more; n++) {
        enum pintle_status status;

        faults_arm(FAULTS_MEMORY, n, FAULTS_FAIL, 0);
        status = use(text, &scratch->error);
        more = faults_disarm();
        if (status != PINTLE_OK && status != PINTLE_ERR_MEMORY)
            fail_msg("call %ld: %s", n, scratch->error.detail);
    }
    scratch_ok(scratch, use(text, &scratch->error));
}

static void test_a_token_without_memory(void **state)
{
    if (!faults_available())
        skip();
    setenv("FAKE_PKCS11", "", 1);
    try_each(*state, URI);
}

static void test_a_program_without_memory(void **state)
{
    struct scratch *scratch = *state;
    const char *program = scratch_path(scratch, "signer");
    struct pti_public_key public_half;
    struct pti_signer_file file;
    struct pti_buf pem, text;
    char key[] = KEY, path[PTI_PATH_MAX];
    char *arguments[] = {path, key, NULL};

    if (!faults_available())
        skip();
    scratch_write(scratch, program, "#!/bin/sh\nexec openssl dgst -sha256 -sign \"$1\"\n");
    assert_int_equal(chmod(program, 0700), 0);
    (void)pti_copy_text(path, sizeof(path), program);
    pti_buf_init(&pem, 4096);
    pti_buf_init(&text, 8192);
    scratch_ok(scratch, pti_public_key_load(KEY, NULL, &public_half, &scratch->error));
    scratch_ok(scratch, pti_public_key_pem(&public_half, &pem, &scratch->error));
    file = (struct pti_signer_file){(char *)(uintptr_t)pti_buf_cstr(&pem), NULL, arguments, 20};
    pti_signer_file_write(&file, &text);
    try_each(scratch, pti_buf_cstr(&text));
    pti_buf_clear(&text);
    pti_buf_clear(&pem);
    pti_public_key_clear(&public_half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_a_token_without_memory),
        SCRATCH_TEST(test_a_program_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
