/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 modules that are unusual, unhelpful or hostile, by one that does as it is told (module/fake_pkcs11.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "publish/key_access.h"
#include "scratch.h"

#define URI "pkcs11:token=fake;object=root?module-path=" FAKE_MODULE

struct asked {
    const char *pin;
    int times;
    bool last_try;
};

static enum pintle_status answer(void *ctx, const struct pti_pin_request *request, char *pin, struct pti_error *error)
{
    struct asked *asked = ctx;

    asked->times++;
    asked->last_try = request->last_try;
    if (asked->pin == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "nobody knows the PIN of %s", request->token);
    (void)pti_copy_text(pin, PTI_PIN_MAX + 1, asked->pin);
    return PINTLE_OK;
}

static struct pti_key_access *reach(struct scratch *scratch, struct asked *asked)
{
    const struct pti_key_access_calls calls = {answer, NULL, asked};
    struct pti_key_access *access;

    scratch_ok(scratch, pti_key_access_new(&calls, &access, &scratch->error));
    return access;
}

/* Opens the key of the module as it is told to be, and signs twice. */
static enum pintle_status use(struct scratch *scratch, const char *how, const char *uri, struct asked *asked)
{
    struct pti_key_access *access = reach(scratch, asked);
    struct pti_signing_key *key = NULL;
    struct pti_signature signature = {.size = 1};
    enum pintle_status status;

    setenv("FAKE_PKCS11", how, 1);
    status = pti_pkcs11_key_open(access, uri, &key, &scratch->error);
    for (int i = 0; i < 2 && status == PINTLE_OK; i++)
        status = pti_signing_key_sign(key, pti_bytes_text("message"), &signature, &scratch->error);
    if (status != PINTLE_OK && key != NULL)
        assert_int_equal(signature.size, 0);
    pti_signing_key_free(key);
    pti_key_access_free(access);
    return status;
}

/* Each signs; by how many questions for the PIN. */
static void test_unusual_modules_sign(void **state)
{
    static const struct {
        const char *how;
        int asked;
    } table[] = {
        {"", 1},
        {"raw-point", 1},
        {"bit-string", 1},
        {"hidden-public", 1},
        {"no-public certificate", 1},
        {"no-public", 1}, /* the private key shows its point */
        {"no-login", 0},
        {"pin-pad", 0},
        {"already-initialised", 1},
        {"always-authenticate", 3}, /* and again for each signature */
        {"last-try", 1},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct asked asked = {.pin = "1234"};

        scratch_ok(scratch, use(scratch, table[i].how, URI, &asked));
        assert_int_equal(asked.times, table[i].asked);
        assert_int_equal(asked.last_try, strcmp(table[i].how, "last-try") == 0);
    }
}

static void test_what_a_module_does_wrong_is_named(void **state)
{
    static const struct {
        const char *how;
        enum pintle_status want;
        const char *text;
    } table[] = {
        {"initialize-fails", PINTLE_ERR_STORAGE, "C_Initialize failed with CKR_GENERAL_ERROR"},
        {"no-list", PINTLE_ERR_STORAGE, "lacks functions that every PKCS#11 module has"},
        {"no-sign", PINTLE_ERR_STORAGE, "lacks functions that every PKCS#11 module has"},
        {"no-token", PINTLE_ERR_INPUT, "expected a token, found none"},
        {"removed", PINTLE_ERR_INPUT, "expected a token, found none"},
        {"slots-overflow", PINTLE_ERR_STORAGE, "C_GetSlotList failed with CKR_BUFFER_TOO_SMALL"},
        {"two-tokens", PINTLE_ERR_INPUT,
         "names one token, found 2, name the one that is meant: token=fake;serial=1, token=fake;serial=2"},
        {"ugly-label", PINTLE_ERR_INPUT, "found none of that name; there are: token=a%1B%5B2Jb;serial=1"},
        {"no-session", PINTLE_ERR_STORAGE, "fake: C_OpenSession failed with CKR_SESSION_COUNT"},
        {"locked", PINTLE_ERR_STORAGE, "CKR_PIN_LOCKED; its administrator can unlock it"},
        {"login-breaks", PINTLE_ERR_STORAGE, "C_Login failed with CKR_DEVICE_ERROR"},
        {"find-overflow", PINTLE_ERR_STORAGE, "C_FindObjects failed"},
        {"find-endless", PINTLE_ERR_INPUT, "found 64 public keys of that name"},
        {"two-keys", PINTLE_ERR_INPUT,
         "names one private key, found 2, name the one that is meant: object=root;id=%01 (EC), object=ro%0Aot;id=%01"},
        {"attribute-overflow", PINTLE_ERR_INPUT, "expected an ECDSA P-256 or an Ed25519 key, found another kind"},
        {"p384", PINTLE_ERR_INPUT, "expected an ECDSA P-256 or an Ed25519 key, found another kind"},
        {"short-point", PINTLE_ERR_INPUT, "the public half (CKA_EC_POINT, 66 bytes) is in no form that PKCS#11 has"},
        {"compressed-point", PINTLE_ERR_INPUT, "is in no form that PKCS#11 has"},
        {"point-off-curve", PINTLE_ERR_INPUT, "the public key is damaged"},
        {"no-public bare-private", PINTLE_ERR_INPUT, "found another kind"},
        {"no-public certificate bad-certificate", PINTLE_ERR_INPUT, "its certificate is damaged"},
        {"not-for-signing", PINTLE_ERR_STORAGE, "this key was made for something other than signing"},
        {"sign-fails", PINTLE_ERR_STORAGE, "C_Sign failed with CKR_DEVICE_ERROR"},
        {"sign-fails-oddly", PINTLE_ERR_STORAGE, "C_Sign failed with 0x80001234"},
        {"sign-lacks-memory", PINTLE_ERR_MEMORY, "CKR_HOST_MEMORY"},
        {"short-signature", PINTLE_ERR_STORAGE, "expected a signature of 64 bytes, found 63"},
        {"size-overflow", PINTLE_ERR_STORAGE, "expected a signature of 64 bytes, found 1000000"},
        {"wrong-signature", PINTLE_ERR_TRUST, "does not verify; the key in the token is not the one"},
        {"zero-signature", PINTLE_ERR_TRUST, "does not verify"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct asked asked = {.pin = "1234"};

        scratch_refused(scratch, use(scratch, table[i].how, URI, &asked), table[i].want, table[i].text);
    }
}

static size_t logins(struct scratch *scratch, const char *path)
{
    struct pintle_bytes data = scratch_read(scratch, path);
    size_t size = data.size;

    pti_bytes_free(&data);
    return size;
}

static void test_a_wrong_pin_is_tried_once(void **state)
{
    struct scratch *scratch = *state;
    struct asked asked = {.pin = "4321"};
    struct pti_key_access *access = reach(scratch, &asked);
    const char *counted = scratch_path(scratch, "logins");
    struct pti_signing_key *key;
    struct pti_signature signature;

    setenv("FAKE_LOGINS", counted, 1);
    setenv("FAKE_PKCS11", "", 1);
    scratch_ok(scratch, pti_pkcs11_key_open(access, URI, &key, &scratch->error));
    scratch_refused(scratch, pti_signing_key_sign(key, pti_bytes_text("a"), &signature, &scratch->error),
                    PINTLE_ERR_INPUT, "token fake: the PIN is wrong (CKR_PIN_INCORRECT), and is not tried again");
    scratch_refused(scratch, pti_signing_key_sign(key, pti_bytes_text("a"), &signature, &scratch->error),
                    PINTLE_ERR_INPUT, "it did not let us in before, and is not asked again");
    assert_int_equal(asked.times, 1);
    assert_int_equal(logins(scratch, counted), 1);
    pti_signing_key_free(key);
    pti_key_access_free(access);
    unsetenv("FAKE_LOGINS");
}

static void test_without_a_pin_the_token_is_not_asked(void **state)
{
    struct scratch *scratch = *state;
    struct asked asked = {.pin = NULL};
    const char *counted = scratch_path(scratch, "logins");

    scratch_write(scratch, counted, "");
    setenv("FAKE_LOGINS", counted, 1);
    scratch_refused(scratch, use(scratch, "", URI, &asked), PINTLE_ERR_INPUT, "nobody knows the PIN of fake");
    assert_int_equal(logins(scratch, counted), 0);
    unsetenv("FAKE_LOGINS");
}

static void test_two_keys_of_a_token_are_one_login(void **state)
{
    struct scratch *scratch = *state;
    struct asked asked = {.pin = "1234"};
    struct pti_key_access *access = reach(scratch, &asked);
    struct pti_signing_key *first, *second;
    struct pti_signature signature;

    setenv("FAKE_PKCS11", "", 1);
    scratch_ok(scratch, pti_pkcs11_key_open(access, URI, &first, &scratch->error));
    scratch_ok(scratch, pti_pkcs11_key_open(access, URI, &second, &scratch->error));
    assert_string_equal(pti_signing_key_public(first)->id, pti_signing_key_public(second)->id);
    scratch_ok(scratch, pti_signing_key_sign(first, pti_bytes_text("a"), &signature, &scratch->error));
    scratch_ok(scratch, pti_signing_key_sign(second, pti_bytes_text("a"), &signature, &scratch->error));
    assert_int_equal(asked.times, 1);
    pti_signing_key_free(first);
    pti_signing_key_free(second);
    pti_key_access_free(access);
}

static void test_what_is_no_module_is_refused(void **state)
{
    static const struct {
        const char *uri, *text;
    } table[] = {
        {"pkcs11:token=fake?module-path=/nowhere/module.so", "cannot be loaded: /nowhere/module.so"},
        {"pkcs11:token=fake?module-path=/etc/passwd", "cannot be loaded: /etc/passwd"},
        {"pkcs11:token=fake?module-path=" OTHER_LIBRARY, "is no PKCS#11 module: it has no C_GetFunctionList"},
    };
    struct scratch *scratch = *state;

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct asked asked = {.pin = "1234"};

        scratch_refused(scratch, use(scratch, "", table[i].uri, &asked), PINTLE_ERR_STORAGE, table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_unusual_modules_sign),
        SCRATCH_TEST(test_what_a_module_does_wrong_is_named),
        SCRATCH_TEST(test_a_wrong_pin_is_tried_once),
        SCRATCH_TEST(test_without_a_pin_the_token_is_not_asked),
        SCRATCH_TEST(test_two_keys_of_a_token_are_one_login),
        SCRATCH_TEST(test_what_is_no_module_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
