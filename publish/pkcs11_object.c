/* SPDX-License-Identifier: Apache-2.0 */
/* Objects in a token: finding them, and the one private key that is meant. */
#include <string.h>

#include "base/buf.h"
#include "publish/pkcs11_internal.h"

#define LIST_MAX 300 /* bytes of what a message lists */

static void *writable(const void *data) /* PKCS#11 knows no const; modules do not write into a template for finding */
{
    return (void *)(uintptr_t)data;
}

enum pintle_status pti_pkcs11_find(const struct pti_pkcs11_token *token, CK_OBJECT_CLASS class, const char *label,
                                   struct pintle_bytes id, struct pti_pkcs11_objects *objects, struct pti_error *error)
{
    CK_ATTRIBUTE template[3] = {{CKA_CLASS, &class, sizeof(class)}};
    CK_ULONG count = 1, found = 1;
    CK_RV rv;

    if (label != NULL && label[0] != '\0')
        template[count++] = (CK_ATTRIBUTE){CKA_LABEL, writable(label), strlen(label)};
    if (id.size > 0)
        template[count++] = (CK_ATTRIBUTE){CKA_ID, writable(id.data), id.size};
    objects->count = 0;
    rv = token->functions->C_FindObjectsInit(token->session, template, count);
    if (rv != CKR_OK)
        return pti_pkcs11_fail(token->label, "C_FindObjectsInit", rv, error);
    while (rv == CKR_OK && found > 0 && objects->count < PTI_PKCS11_OBJECTS_MAX) {
        CK_ULONG room = PTI_PKCS11_OBJECTS_MAX - objects->count;

        found = 0;
        rv = token->functions->C_FindObjects(token->session, objects->handles + objects->count, room, &found);
        if (rv == CKR_OK && found > room)
            rv = CKR_GENERAL_ERROR; /* it says that it wrote past the end, so perhaps it did not */
        if (rv == CKR_OK)
            objects->count += found;
    }
    (void)token->functions->C_FindObjectsFinal(token->session);
    return rv == CKR_OK ? PINTLE_OK : pti_pkcs11_fail(token->label, "C_FindObjects", rv, error);
}

bool pti_pkcs11_get(const struct pti_pkcs11_token *token, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, void *out,
                    size_t max, size_t *size)
{
    CK_ATTRIBUTE attribute = {type, out, max};

    *size = 0;
    if (token->functions->C_GetAttributeValue(token->session, object, &attribute, 1) != CKR_OK ||
        attribute.ulValueLen > max)
        return false;
    *size = attribute.ulValueLen;
    return true;
}

/* ---- which one ---- */

static const char *kind_name(const struct pti_pkcs11_token *token, CK_OBJECT_HANDLE object)
{
    CK_KEY_TYPE type = 0;
    size_t size = 0;

    if (!pti_pkcs11_get(token, object, CKA_KEY_TYPE, &type, sizeof(type), &size) || size != sizeof(type))
        return "key";
    return type == CKK_EC ? "EC" : type == CKK_EC_EDWARDS ? "Edwards" : type == CKK_RSA ? "RSA" : "key";
}

/* "object=root-1;id=%01 (EC), ..." */
static void put_objects(const struct pti_pkcs11_token *token, const struct pti_pkcs11_objects *objects,
                        struct pti_buf *list)
{
    uint8_t value[PTI_PKCS11_TEXT_MAX];
    size_t size = 0;

    for (size_t i = 0; i < objects->count && list->status == PINTLE_OK; i++) {
        if (i > 0)
            pti_buf_text(list, ", ");
        if (pti_pkcs11_get(token, objects->handles[i], CKA_LABEL, value, sizeof(value), &size))
            pti_pkcs11_uri_put(list, "object", (struct pintle_bytes){value, size});
        if (pti_pkcs11_get(token, objects->handles[i], CKA_ID, value, PTI_PKCS11_ID_MAX, &size) && size > 0)
            pti_pkcs11_uri_put(list, ";id", (struct pintle_bytes){value, size});
        pti_buf_printf(list, " (%s)", kind_name(token, objects->handles[i]));
    }
}

static enum pintle_status not_one(const struct pti_pkcs11_token *token, const struct pti_pkcs11_objects *named,
                                  struct pti_error *error)
{
    struct pti_pkcs11_objects all;
    struct pti_buf list;
    const char *text;
    enum pintle_status status = PINTLE_OK;

    all = *named;
    if (named->count == 0)
        status = pti_pkcs11_find(token, CKO_PRIVATE_KEY, NULL, (struct pintle_bytes){NULL, 0}, &all, error);
    if (status != PINTLE_OK)
        return status;
    if (all.count == 0)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "token %s: expected a private key, found none; `pintle key new` with this URI makes one",
                        token->label);
    pti_buf_init(&list, LIST_MAX);
    put_objects(token, &all, &list);
    list.status = PINTLE_OK; /* what did not fit is left out */
    text = pti_buf_cstr(&list);
    if (named->count == 0)
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "token %s: expected a private key, found none of that name; there are: %s", token->label,
                          text != NULL ? text : "");
    else
        status = pti_fail(
            error, PINTLE_ERR_INPUT,
            "token %s: expected a PKCS#11 URI that names one private key, found %zu, name the one that is "
            "meant: %s",
            token->label, named->count, text != NULL ? text : "");
    pti_buf_clear(&list);
    return status;
}

enum pintle_status pti_pkcs11_private_key(struct pti_pkcs11_token *token, const struct pti_pkcs11_uri *uri,
                                          CK_OBJECT_HANDLE *object, struct pti_error *error)
{
    struct pti_pkcs11_objects objects = {.count = 0};
    enum pintle_status status = pti_pkcs11_login(token, uri, error);

    if (status == PINTLE_OK)
        status = pti_pkcs11_find(token, CKO_PRIVATE_KEY, uri->object, (struct pintle_bytes){uri->id, uri->id_size},
                                 &objects, error);
    if (status == PINTLE_OK && objects.count != 1)
        status = not_one(token, &objects, error);
    *object = status == PINTLE_OK ? objects.handles[0] : CK_INVALID_HANDLE;
    return status;
}
