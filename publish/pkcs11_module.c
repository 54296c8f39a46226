/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#11 modules: loading them, and the names of what they fail with. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "publish/pkcs11_internal.h"

#if !defined(PTI_P11_KIT_PROXY)
#define PTI_P11_KIT_PROXY "p11-kit-proxy.so"
#endif

#define NAMED(code)                                                                                                    \
    {                                                                                                                  \
        code, #code                                                                                                    \
    }

static const struct {
    CK_RV rv;
    const char *name;
} names[] = {
    NAMED(CKR_CANCEL),
    NAMED(CKR_HOST_MEMORY),
    NAMED(CKR_SLOT_ID_INVALID),
    NAMED(CKR_GENERAL_ERROR),
    NAMED(CKR_FUNCTION_FAILED),
    NAMED(CKR_ARGUMENTS_BAD),
    NAMED(CKR_NEED_TO_CREATE_THREADS),
    NAMED(CKR_CANT_LOCK),
    NAMED(CKR_ATTRIBUTE_READ_ONLY),
    NAMED(CKR_ATTRIBUTE_SENSITIVE),
    NAMED(CKR_ATTRIBUTE_TYPE_INVALID),
    NAMED(CKR_ATTRIBUTE_VALUE_INVALID),
    NAMED(CKR_ACTION_PROHIBITED),
    NAMED(CKR_DATA_INVALID),
    NAMED(CKR_DATA_LEN_RANGE),
    NAMED(CKR_DEVICE_ERROR),
    NAMED(CKR_DEVICE_MEMORY),
    NAMED(CKR_DEVICE_REMOVED),
    NAMED(CKR_FUNCTION_CANCELED),
    NAMED(CKR_FUNCTION_NOT_SUPPORTED),
    NAMED(CKR_KEY_HANDLE_INVALID),
    NAMED(CKR_KEY_SIZE_RANGE),
    NAMED(CKR_KEY_TYPE_INCONSISTENT),
    NAMED(CKR_KEY_FUNCTION_NOT_PERMITTED),
    NAMED(CKR_MECHANISM_INVALID),
    NAMED(CKR_MECHANISM_PARAM_INVALID),
    NAMED(CKR_OBJECT_HANDLE_INVALID),
    NAMED(CKR_OPERATION_ACTIVE),
    NAMED(CKR_OPERATION_NOT_INITIALIZED),
    NAMED(CKR_PIN_INCORRECT),
    NAMED(CKR_PIN_INVALID),
    NAMED(CKR_PIN_LEN_RANGE),
    NAMED(CKR_PIN_EXPIRED),
    NAMED(CKR_PIN_LOCKED),
    NAMED(CKR_SESSION_CLOSED),
    NAMED(CKR_SESSION_COUNT),
    NAMED(CKR_SESSION_HANDLE_INVALID),
    NAMED(CKR_SESSION_READ_ONLY),
    NAMED(CKR_TEMPLATE_INCOMPLETE),
    NAMED(CKR_TEMPLATE_INCONSISTENT),
    NAMED(CKR_TOKEN_NOT_PRESENT),
    NAMED(CKR_TOKEN_NOT_RECOGNIZED),
    NAMED(CKR_TOKEN_WRITE_PROTECTED),
    NAMED(CKR_USER_NOT_LOGGED_IN),
    NAMED(CKR_USER_PIN_NOT_INITIALIZED),
    NAMED(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
    NAMED(CKR_DOMAIN_PARAMS_INVALID),
    NAMED(CKR_CURVE_NOT_SUPPORTED),
    NAMED(CKR_BUFFER_TOO_SMALL),
    NAMED(CKR_CRYPTOKI_NOT_INITIALIZED),
    NAMED(CKR_FIPS_SELF_TEST_FAILED),
    NAMED(CKR_LIBRARY_LOAD_FAILED),
    NAMED(CKR_FUNCTION_REJECTED),
};

/* What to do about it, as far as that is known. */
static const char *advice(CK_RV rv)
{
    switch (rv) {
    case CKR_PIN_LOCKED:
        return "; its administrator can unlock it";
    case CKR_PIN_EXPIRED:
    case CKR_USER_PIN_NOT_INITIALIZED:
        return "; set a PIN with the tool of the token";
    case CKR_MECHANISM_INVALID:
    case CKR_CURVE_NOT_SUPPORTED:
    case CKR_DOMAIN_PARAMS_INVALID:
        return "; this token does not know that kind of key";
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
        return "; this key was made for something other than signing";
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
        return "; put it back and try again";
    default:
        return "; see the documentation of the token";
    }
}

enum pintle_status pti_pkcs11_fail(const char *where, const char *call, CK_RV rv, struct pti_error *error)
{
    enum pintle_status status = rv == CKR_HOST_MEMORY ? PINTLE_ERR_MEMORY : PINTLE_ERR_STORAGE;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].rv == rv)
            return pti_fail(error, status, "%.200s: %s failed with %s%s", where, call, names[i].name, advice(rv));
    return pti_fail(error, status, "%.200s: %s failed with 0x%lX%s", where, call, (unsigned long)rv, advice(rv));
}

static const struct pti_pkcs11_module *opened(const struct pti_key_access *access, const char *path)
{
    for (const struct pti_pkcs11_module *module = access->modules; module != NULL; module = module->next)
        if (strcmp(module->path, path) == 0)
            return module;
    return NULL;
}

/* Every function that is called: a list with a hole would be a jump to nowhere. */
static bool is_complete(const CK_FUNCTION_LIST *list)
{
    return list->C_Initialize != NULL && list->C_Finalize != NULL && list->C_GetSlotList != NULL &&
           list->C_GetTokenInfo != NULL && list->C_OpenSession != NULL && list->C_CloseSession != NULL &&
           list->C_Login != NULL && list->C_FindObjectsInit != NULL && list->C_FindObjects != NULL &&
           list->C_FindObjectsFinal != NULL && list->C_GetAttributeValue != NULL && list->C_SignInit != NULL &&
           list->C_Sign != NULL && list->C_GenerateKeyPair != NULL;
}

static enum pintle_status load(struct pti_pkcs11_module *module, struct pti_error *error)
{
    CK_C_GetFunctionList get_list = NULL;
    const char *why;
    void *symbol;
    CK_RV rv;

    module->library = dlopen(module->path, RTLD_NOW | RTLD_LOCAL);
    if (module->library == NULL) {
        why = dlerror();
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "the PKCS#11 module cannot be loaded: %.300s; name the library that came with the token: "
                        "?module-path=/PATH at the end of the URI",
                        why != NULL ? why : module->path);
    }
    symbol = dlsym(module->library, "C_GetFunctionList");
    if (symbol == NULL)
        return pti_fail(error, PINTLE_ERR_STORAGE,
                        "%.300s is no PKCS#11 module: it has no C_GetFunctionList; name the library that came with the "
                        "token",
                        module->path);
    memcpy(&get_list, &symbol, sizeof(get_list)); /* POSIX: a function's address fits; C alone has no conversion */
    rv = get_list(&module->functions);
    if (rv != CKR_OK)
        return pti_pkcs11_fail(module->path, "C_GetFunctionList", rv, error);
    if (module->functions == NULL || !is_complete(module->functions))
        return pti_fail(error, PINTLE_ERR_STORAGE, "%.300s lacks functions that every PKCS#11 module has; replace it",
                        module->path);
    rv = module->functions->C_Initialize(NULL); /* one thread calls it */
    if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return pti_pkcs11_fail(module->path, "C_Initialize", rv, error);
    module->initialised = rv == CKR_OK;
    return PINTLE_OK;
}

static void close_module(struct pti_pkcs11_module *module)
{
    if (module->initialised)
        (void)module->functions->C_Finalize(NULL);
    /* The library stays: modules leave threads and exit handlers behind, which would then run in nothing. */
    free(module);
}

enum pintle_status pti_pkcs11_module_open(struct pti_key_access *access, const struct pti_pkcs11_uri *uri,
                                          const struct pti_pkcs11_module **module, struct pti_error *error)
{
    const char *path = uri->module_path[0] != '\0' ? uri->module_path : PTI_P11_KIT_PROXY;
    struct pti_pkcs11_module *made = NULL;
    enum pintle_status status;

    *module = opened(access, path);
    if (*module != NULL)
        return PINTLE_OK;
    made = calloc(1, sizeof(*made));
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a PKCS#11 module");
    (void)pti_copy_text(made->path, sizeof(made->path), path);
    status = load(made, error);
    if (status != PINTLE_OK) {
        close_module(made);
        return status;
    }
    made->next = access->modules;
    access->modules = made;
    *module = made;
    return PINTLE_OK;
}

void pti_pkcs11_modules_close(struct pti_key_access *access)
{
    while (access->modules != NULL) {
        struct pti_pkcs11_module *module = access->modules;
        access->modules = module->next;
        close_module(module);
    }
}
