/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: which one is meant, and logging in. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/buf.h"
#include "publish/pkcs11_internal.h"

#define SLOTS_MAX 256
#define LIST_MAX 300 /* bytes of what a message lists */

/* Fields of tokens have a fixed width, padded with spaces. */
static size_t trimmed(const CK_UTF8CHAR *field, size_t width)
{
    while (width > 0 && (field[width - 1] == ' ' || field[width - 1] == '\0'))
        width--;
    return width;
}

static bool field_is(const CK_UTF8CHAR *field, size_t width, const char *want)
{
    size_t size = trimmed(field, width);

    return want[0] == '\0' || (strlen(want) == size && memcmp(field, want, size) == 0);
}

static bool is_meant(const struct pti_pkcs11_uri *uri, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
    return (!uri->has_slot || uri->slot == slot) && field_is(info->label, sizeof(info->label), uri->token) &&
           field_is(info->manufacturerID, sizeof(info->manufacturerID), uri->manufacturer) &&
           field_is(info->serialNumber, sizeof(info->serialNumber), uri->serial) &&
           field_is(info->model, sizeof(info->model), uri->model);
}

static void label_of(const CK_TOKEN_INFO *info, char out[PTI_PKCS11_LABEL_MAX])
{
    size_t size = trimmed(info->label, sizeof(info->label));

    for (size_t i = 0; i < size; i++)
        out[i] = info->label[i] >= 0x20 && info->label[i] < 0x7f ? (char)info->label[i] : '?';
    out[size] = '\0';
}

/* The slots with a token; *slots is malloc'ed. */
static enum pintle_status list_slots(const struct pti_pkcs11_module *module, CK_SLOT_ID **slots, CK_ULONG *count,
                                     struct pti_error *error)
{
    CK_RV rv;

    *count = SLOTS_MAX;
    *slots = calloc(SLOTS_MAX, sizeof(**slots));
    if (*slots == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %d slots", SLOTS_MAX);
    rv = module->functions->C_GetSlotList(CK_TRUE, *slots, count);
    if (rv == CKR_OK && *count > SLOTS_MAX)
        rv = CKR_BUFFER_TOO_SMALL;
    if (rv == CKR_OK)
        return PINTLE_OK;
    free(*slots);
    *slots = NULL;
    return pti_pkcs11_fail(module->path, "C_GetSlotList", rv, error);
}

struct choice {
    CK_SLOT_ID slot;
    CK_TOKEN_INFO info;
    size_t meant, present;
    struct pti_buf list; /* of those meant; of all if none is */
};

static void put_token(struct pti_buf *list, const CK_TOKEN_INFO *info)
{
    size_t label = trimmed(info->label, sizeof(info->label));
    size_t serial = trimmed(info->serialNumber, sizeof(info->serialNumber));

    if (list->size > 0)
        pti_buf_text(list, ", ");
    pti_pkcs11_uri_put(list, "token", (struct pintle_bytes){info->label, label});
    pti_pkcs11_uri_put(list, ";serial", (struct pintle_bytes){info->serialNumber, serial});
}

static void choose(const struct pti_pkcs11_module *module, const struct pti_pkcs11_uri *uri, const CK_SLOT_ID *slots,
                   CK_ULONG count, bool list_all, struct choice *choice)
{
    choice->meant = choice->present = 0;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        bool meant;

        memset(&info, 0, sizeof(info));
        if (module->functions->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
            continue;
        choice->present++;
        meant = is_meant(uri, slots[i], &info);
        if (meant && choice->meant++ == 0) {
            choice->slot = slots[i];
            choice->info = info;
        }
        if (meant || list_all)
            put_token(&choice->list, &info);
    }
}

/* The list as far as it fits. */
static const char *listed(struct pti_buf *list)
{
    const char *text;

    if (list->status == PINTLE_ERR_INPUT) {
        list->status = PINTLE_OK;
        list->max += 8;
        pti_buf_text(list, ", ...");
    }
    text = pti_buf_cstr(list);
    return text != NULL ? text : "";
}

static enum pintle_status explain_choice(struct choice *choice, const struct pti_pkcs11_module *module,
                                         struct pti_error *error)
{
    if (choice->present == 0)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a token, found none with a PKCS#11 module, %.200s; plug it in, or name its module: "
                        "?module-path=/PATH at the end of the URI",
                        module->path);
    if (choice->meant == 0)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected a PKCS#11 URI that names a token, found none of that name; there are: %s",
                        listed(&choice->list));
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected a PKCS#11 URI that names one token, found %zu, name the one that is meant: %s",
                    choice->meant, listed(&choice->list));
}

static enum pintle_status find_token(const struct pti_pkcs11_module *module, const struct pti_pkcs11_uri *uri,
                                     struct choice *choice, struct pti_error *error)
{
    CK_SLOT_ID *slots = NULL;
    CK_ULONG count = 0;
    enum pintle_status status = list_slots(module, &slots, &count, error);

    if (status != PINTLE_OK)
        return status;
    pti_buf_init(&choice->list, LIST_MAX);
    choose(module, uri, slots, count, false, choice);
    if (choice->meant == 0)
        choose(module, uri, slots, count, true, choice);
    if (choice->meant != 1)
        status = explain_choice(choice, module, error);
    pti_buf_clear(&choice->list);
    free(slots);
    return status;
}

static struct pti_pkcs11_token *opened(const struct pti_key_access *access, const struct pti_pkcs11_module *module,
                                       CK_SLOT_ID slot, bool writable)
{
    for (struct pti_pkcs11_token *token = access->tokens; token != NULL; token = token->next)
        if (token->module == module && token->slot == slot && (token->writable || !writable))
            return token;
    return NULL;
}

enum pintle_status pti_pkcs11_token_open(struct pti_key_access *access, const struct pti_pkcs11_uri *uri, bool writable,
                                         struct pti_pkcs11_token **token, struct pti_error *error)
{
    const struct pti_pkcs11_module *module = NULL;
    struct pti_pkcs11_token *made = NULL;
    struct choice choice;
    enum pintle_status status = pti_pkcs11_module_open(access, uri, &module, error);
    CK_RV rv;

    *token = NULL;
    if (status == PINTLE_OK)
        status = find_token(module, uri, &choice, error);
    if (status != PINTLE_OK)
        return status;
    *token = opened(access, module, choice.slot, writable);
    if (*token != NULL)
        return PINTLE_OK;
    made = calloc(1, sizeof(*made));
    if (made == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a token");
    made->module = module;
    made->functions = module->functions;
    made->slot = choice.slot;
    made->calls = &access->calls;
    made->writable = writable;
    label_of(&choice.info, made->label);
    rv = made->functions->C_OpenSession(made->slot, CKF_SERIAL_SESSION | (writable ? CKF_RW_SESSION : 0UL), NULL, NULL,
                                        &made->session);
    if (rv != CKR_OK) {
        status = pti_pkcs11_fail(made->label, "C_OpenSession", rv, error);
        free(made);
        return status;
    }
    made->next = access->tokens;
    access->tokens = made;
    *token = made;
    return PINTLE_OK;
}

void pti_pkcs11_tokens_close(struct pti_key_access *access)
{
    while (access->tokens != NULL) {
        struct pti_pkcs11_token *token = access->tokens;
        access->tokens = token->next;
        (void)token->functions->C_CloseSession(token->session); /* the last one of a token logs out */
        free(token);
    }
}

/* ---- logging in ---- */

static enum pintle_status refuse_pin(struct pti_pkcs11_token *token, CK_RV rv, struct pti_error *error)
{
    token->refused = true;
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID || rv == CKR_PIN_LEN_RANGE)
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "token %s: the PIN is wrong (%s), and is not tried again, for tokens lock after a few; find the "
            "right one before the next try",
            token->label,
            rv == CKR_PIN_INCORRECT ? "CKR_PIN_INCORRECT"
            : rv == CKR_PIN_INVALID ? "CKR_PIN_INVALID"
                                    : "CKR_PIN_LEN_RANGE");
    return pti_pkcs11_fail(token->label, "C_Login", rv, error);
}

static enum pintle_status log_in(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri, CK_FLAGS flags,
                                 CK_USER_TYPE user, struct pti_error *error)
{
    const struct pti_pin_request request = {.token = token->label,
                                            .source = uri->pin_source[0] != '\0' ? uri->pin_source : NULL,
                                            .last_try = (flags & CKF_USER_PIN_FINAL_TRY) != 0};
    bool on_device = (flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
    char pin[PTI_PIN_MAX + 1] = "";
    enum pintle_status status = PINTLE_OK;
    CK_RV rv = CKR_OK;

    if (token->refused)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "token %s: it did not let us in before, and is not asked again; find out why", token->label);
    if ((flags & CKF_USER_PIN_LOCKED) != 0)
        return refuse_pin(token, CKR_PIN_LOCKED, error);
    if (!on_device)
        status = token->calls->pin(token->calls->ctx, &request, pin, error);
    if (status == PINTLE_OK)
        rv = token->functions->C_Login(token->session, user, on_device ? NULL : (CK_UTF8CHAR_PTR)pin,
                                       (CK_ULONG)strlen(pin));
    OPENSSL_cleanse(pin, sizeof(pin));
    if (status == PINTLE_OK && rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        status = refuse_pin(token, rv, error);
    return status;
}

static enum pintle_status current_flags(const struct pti_pkcs11_token *token, CK_FLAGS *flags, struct pti_error *error)
{
    CK_TOKEN_INFO info;
    CK_RV rv;

    memset(&info, 0, sizeof(info));
    rv = token->functions->C_GetTokenInfo(token->slot, &info);
    *flags = info.flags;
    return rv == CKR_OK ? PINTLE_OK : pti_pkcs11_fail(token->label, "C_GetTokenInfo", rv, error);
}

enum pintle_status pti_pkcs11_login(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                    struct pti_error *error)
{
    CK_FLAGS flags = 0;
    enum pintle_status status = PINTLE_OK;

    if (token->logged_in)
        return PINTLE_OK;
    status = current_flags(token, &flags, error);
    if (status == PINTLE_OK && (flags & CKF_LOGIN_REQUIRED) != 0)
        status = log_in(token, uri, flags, CKU_USER, error);
    token->logged_in = status == PINTLE_OK;
    return status;
}

enum pintle_status pti_pkcs11_login_again(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                          struct pti_error *error)
{
    CK_FLAGS flags = 0;
    enum pintle_status status = current_flags(token, &flags, error);

    return status == PINTLE_OK ? log_in(token, uri, flags, CKU_CONTEXT_SPECIFIC, error) : status;
}
