/* SPDX-License-Identifier: Apache-2.0 */
/* What names a key that lies elsewhere: a PKCS#11 URI, or else the text of a signer file.  Nothing is opened or run. */
#include <string.h>

#include "fuzz.h"
#include "publish/key_access.h"
#include "publish/pkcs11_uri.h"

static void uri(const char *text)
{
    struct pti_pkcs11_uri parsed, again;
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_buf out;

    if (pti_pkcs11_uri_parse(text, &parsed, &error) != PINTLE_OK) {
        REQUIRE(error.status == PINTLE_ERR_INPUT && error.detail[0] != '\0');
        return;
    }
    REQUIRE(strstr(text, "pin-value") == NULL);
    REQUIRE(parsed.module_path[0] == '\0' || parsed.module_path[0] == '/');
    REQUIRE(parsed.pin_source[0] == '\0' || parsed.pin_source[0] == '/');
    REQUIRE(parsed.id_size <= sizeof(parsed.id));
    pti_buf_init(&out, PTI_PKCS11_URI_MAX);
    pti_buf_text(&out, "pkcs11:");
    if (parsed.object[0] != '\0')
        pti_pkcs11_uri_put(&out, "object", pti_bytes_text(parsed.object));
    REQUIRE(pti_pkcs11_uri_parse(pti_buf_cstr(&out), &again, NULL) == PINTLE_OK);
    REQUIRE(strcmp(parsed.object, again.object) == 0);
    pti_buf_clear(&out);
}

static void file(struct pintle_bytes text)
{
    struct pti_signer_file parsed, again;
    struct pti_error error = {PINTLE_OK, ""};
    struct pti_buf out;

    if (pti_signer_file_parse(text, "x", &parsed, &error) != PINTLE_OK) {
        REQUIRE(error.status == PINTLE_ERR_INPUT && error.detail[0] != '\0');
        REQUIRE(parsed.public_pem == NULL && parsed.uri == NULL && parsed.arguments == NULL);
        return;
    }
    REQUIRE((parsed.uri == NULL) != (parsed.arguments == NULL));
    REQUIRE(parsed.arguments == NULL || parsed.arguments[0][0] == '/');
    REQUIRE(parsed.timeout_s >= 1 && parsed.timeout_s <= PTI_SIGNER_TIMEOUT_MOST);
    pti_buf_init(&out, 10000000);
    pti_signer_file_write(&parsed, &out);
    REQUIRE(pti_signer_file_parse(pti_buf_bytes(&out), "x", &again, NULL) == PINTLE_OK);
    REQUIRE(strcmp(parsed.public_pem, again.public_pem) == 0);
    pti_signer_file_clear(&again);
    pti_signer_file_clear(&parsed);
    pti_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);

    REQUIRE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    if (pti_pkcs11_uri_is(text))
        uri(text);
    else
        file((struct pintle_bytes){data, size});
    free(text);
    return 0;
}
