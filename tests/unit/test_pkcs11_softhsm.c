/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in SoftHSM2, a module as others are, with a token directory of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/key_access.h"
#include "scratch.h"

#define PIN "1234"

static const char *const modules[] = {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm.so",
                                      "/usr/local/lib/softhsm/libsofthsm2.so"};

static enum pintle_status answer(void *ctx, const struct pti_pin_request *request, char *pin, struct pti_error *error)
{
    (void)error;
    ++*(int *)ctx;
    assert_string_equal(request->token, "unit");
    (void)pti_copy_text(pin, PTI_PIN_MAX + 1, PIN);
    return PINTLE_OK;
}

/* A new token; the module, or the test is skipped. */
static const char *set_up(struct scratch *scratch)
{
    const char *module = NULL;
    char text[256];

    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]) && module == NULL; i++)
        module = pti_file_exists(modules[i]) ? modules[i] : NULL;
    if (module == NULL)
        skip();
    (void)snprintf(text, sizeof(text), "directories.tokendir = %s\nlog.level = ERROR\n", scratch->directory);
    scratch_write(scratch, scratch_path(scratch, "softhsm2.conf"), text);
    setenv("SOFTHSM2_CONF", scratch_path(scratch, "softhsm2.conf"), 1);
    assert_int_equal(system("softhsm2-util --init-token --free --label unit --pin " PIN " --so-pin 5678 >/dev/null"),
                     0);
    return module;
}

static void test_keys_are_made_found_and_sign(void **state)
{
    static const enum pti_key_kind kinds[] = {PTI_KEY_ECDSA_P256, PTI_KEY_ED25519};
    struct scratch *scratch = *state;
    const char *module = set_up(scratch);
    int asked = 0;
    const struct pti_key_access_calls calls = {answer, NULL, &asked};

    for (size_t i = 0; i < 2; i++) {
        struct pti_key_access *access;
        struct pti_signing_key *made, *found;
        struct pti_signature signature;
        char uri[256];

        (void)snprintf(uri, sizeof(uri), "pkcs11:token=unit;object=%s?module-path=%s", pti_key_kind_name(kinds[i]),
                       module);
        scratch_ok(scratch, pti_key_access_new(&calls, &access, &scratch->error));
        scratch_ok(scratch, pti_pkcs11_key_generate(access, uri, kinds[i], &made, &scratch->error));
        assert_int_equal(pti_signing_key_kind(made), kinds[i]);
        scratch_refused(scratch, pti_pkcs11_key_generate(access, uri, kinds[i], &found, &scratch->error),
                        PINTLE_ERR_STORAGE, "is there already and is not replaced");
        pti_key_access_free(access); /* as if another process came later */
        asked = 0;
        scratch_ok(scratch, pti_key_access_new(&calls, &access, &scratch->error));
        scratch_ok(scratch, pti_pkcs11_key_open(access, uri, &found, &scratch->error));
        assert_int_equal(asked, 0);
        assert_string_equal(pti_signing_key_public(found)->id, pti_signing_key_public(made)->id);
        for (int n = 0; n < 3; n++)
            scratch_ok(scratch, pti_signing_key_sign(found, pti_bytes_text("message"), &signature, &scratch->error));
        assert_int_equal(asked, 1);
        assert_true(kinds[i] == PTI_KEY_ED25519 ? signature.size == 64 : signature.data[0] == 0x30);
        pti_signing_key_free(made);
        pti_signing_key_free(found);
        pti_key_access_free(access);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_keys_are_made_found_and_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
