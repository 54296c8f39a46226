/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/pkcs11_uri.h"

#include <string.h>

#define SCHEME "pkcs11:"

/* One "name=value" of the text, not decoded. */
struct pair {
    struct pintle_bytes name, value;
};

bool pti_pkcs11_uri_is(const char *text)
{
    return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes value into out; false: not percent-encoded rightly, a raw byte that must be, or more than max bytes. */
static bool decode(struct pintle_bytes value, uint8_t *out, size_t max, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];

        if (byte < 0x20 || byte > 0x7e || *size == max)
            return false;
        if (byte == '%') {
            int high = i + 2 < value.size ? hex_digit(value.data[i + 1]) : -1;
            int low = i + 2 < value.size ? hex_digit(value.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        out[(*size)++] = byte;
    }
    return *size > 0;
}

static enum pintle_status bad_value(const struct pair *pair, size_t max, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "\"%.*s\" of a PKCS#11 URI needs a percent-encoded value of 1 to %zu bytes, found \"%.*s\"",
                    (int)pair->name.size, (const char *)pair->name.data, max,
                    pair->value.size < 80 ? (int)pair->value.size : 80, (const char *)pair->value.data);
}

static enum pintle_status twice(const struct pair *pair, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_INPUT, "\"%.*s\" stands twice in the PKCS#11 URI; name it once",
                    (int)pair->name.size, (const char *)pair->name.data);
}

/* Text of at most size - 1 bytes without NUL. */
static enum pintle_status take_text(const struct pair *pair, char *out, size_t size, struct pti_error *error)
{
    size_t length = 0;

    if (out[0] != '\0')
        return twice(pair, error);
    if (!decode(pair->value, (uint8_t *)out, size - 1, &length) || memchr(out, '\0', length) != NULL) {
        out[0] = '\0';
        return bad_value(pair, size - 1, error);
    }
    out[length] = '\0';
    return PINTLE_OK;
}

static enum pintle_status take_id(const struct pair *pair, struct pti_pkcs11_uri *uri, struct pti_error *error)
{
    if (uri->id_size > 0)
        return twice(pair, error);
    if (decode(pair->value, uri->id, sizeof(uri->id), &uri->id_size))
        return PINTLE_OK;
    uri->id_size = 0;
    return bad_value(pair, sizeof(uri->id), error);
}

static enum pintle_status take_slot(const struct pair *pair, struct pti_pkcs11_uri *uri, struct pti_error *error)
{
    if (uri->has_slot)
        return twice(pair, error);
    uri->slot = 0;
    for (size_t i = 0; i < pair->value.size; i++) {
        if (pair->value.data[i] < '0' || pair->value.data[i] > '9' || i >= 10)
            return bad_value(pair, 10, error);
        uri->slot = uri->slot * 10 + (unsigned long)(pair->value.data[i] - '0');
    }
    uri->has_slot = pair->value.size > 0;
    return uri->has_slot ? PINTLE_OK : bad_value(pair, 10, error);
}

/* Both halves of a pair of keys have its names, so that what a listing shows of either can be given. */
static enum pintle_status take_type(const struct pair *pair, struct pti_error *error)
{
    if (pti_bytes_equal_text(pair->value, "private") || pti_bytes_equal_text(pair->value, "public"))
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "\"type\" of a PKCS#11 URI can be private or public, found \"%.*s\"; name a key",
                    pair->value.size < 40 ? (int)pair->value.size : 40, (const char *)pair->value.data);
}

static enum pintle_status take_path_attribute(const struct pair *pair, struct pti_pkcs11_uri *uri,
                                              struct pti_error *error)
{
    const struct {
        const char *name;
        char *out;
    } texts[] = {{"token", uri->token},
                 {"manufacturer", uri->manufacturer},
                 {"serial", uri->serial},
                 {"model", uri->model},
                 {"object", uri->object}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (pti_bytes_equal_text(pair->name, texts[i].name))
            return take_text(pair, texts[i].out, PTI_PKCS11_TEXT_MAX, error);
    if (pti_bytes_equal_text(pair->name, "id"))
        return take_id(pair, uri, error);
    if (pti_bytes_equal_text(pair->name, "slot-id"))
        return take_slot(pair, uri, error);
    if (pti_bytes_equal_text(pair->name, "type"))
        return take_type(pair, error);
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected token, manufacturer, serial, model, slot-id, object, id or type in a PKCS#11 URI, found "
                    "\"%.*s\"; name the key by those",
                    pair->name.size < 40 ? (int)pair->name.size : 40, (const char *)pair->name.data);
}

/* "file:/path", "file:///path" or "/path". */
static enum pintle_status take_pin_source(const struct pair *pair, char out[PTI_PKCS11_PATH_MAX],
                                          struct pti_error *error)
{
    enum pintle_status status = take_text(pair, out, PTI_PKCS11_PATH_MAX, error);
    size_t skip;

    if (status != PINTLE_OK)
        return status;
    skip = strncmp(out, "file:///", 8) == 0 ? 7 : strncmp(out, "file:/", 6) == 0 ? 5 : 0;
    memmove(out, out + skip, strlen(out + skip) + 1);
    if (out[0] == '/')
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected pin-source=file:/PATH in a PKCS#11 URI, found something else; or leave it out and use "
                    "--pin-file FILE");
}

static enum pintle_status take_module_path(const struct pair *pair, char out[PTI_PKCS11_PATH_MAX],
                                           struct pti_error *error)
{
    enum pintle_status status = take_text(pair, out, PTI_PKCS11_PATH_MAX, error);

    if (status == PINTLE_OK && out[0] != '/')
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected an absolute path after module-path= in a PKCS#11 URI, found \"%.200s\"", out);
    return status;
}

static enum pintle_status take_query_attribute(const struct pair *pair, struct pti_pkcs11_uri *uri,
                                               struct pti_error *error)
{
    if (pti_bytes_equal_text(pair->name, "module-path"))
        return take_module_path(pair, uri->module_path, error);
    if (pti_bytes_equal_text(pair->name, "pin-source"))
        return take_pin_source(pair, uri->pin_source, error);
    if (pti_bytes_equal_text(pair->name, "pin-value"))
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "a PKCS#11 URI must not hold the PIN (pin-value): others can read command lines; use --pin-file "
            "FILE, --pin-fd N or pin-source=file:/PATH, or type it when asked, and change it now");
    return pti_fail(error, PINTLE_ERR_INPUT,
                    "expected module-path or pin-source after the '?' of a PKCS#11 URI, found \"%.*s\"",
                    pair->name.size < 40 ? (int)pair->name.size : 40, (const char *)pair->name.data);
}

typedef enum pintle_status (*take_pair)(const struct pair *pair, struct pti_pkcs11_uri *uri, struct pti_error *error);

/* The pairs of text, which separator divides; an empty text has none. */
static enum pintle_status take_pairs(struct pintle_bytes text, char separator, take_pair take,
                                     struct pti_pkcs11_uri *uri, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t at = 0; at < text.size && status == PINTLE_OK;) {
        const uint8_t *start = text.data + at;
        const uint8_t *end = memchr(start, separator, text.size - at);
        size_t size = end != NULL ? (size_t)(end - start) : text.size - at;
        const uint8_t *equals = memchr(start, '=', size);
        size_t name = equals != NULL ? (size_t)(equals - start) : size;
        const struct pair pair = {{start, name},
                                  {start + (name < size ? name + 1 : size), name < size ? size - name - 1 : 0}};

        status = take(&pair, uri, error);
        at += size + 1;
    }
    return status;
}

enum pintle_status pti_pkcs11_uri_parse(const char *text, struct pti_pkcs11_uri *uri, struct pti_error *error)
{
    struct pintle_bytes path = {NULL, 0}, query = {NULL, 0};
    const char *mark;
    enum pintle_status status;

    memset(uri, 0, sizeof(*uri));
    if (!pti_pkcs11_uri_is(text) || strlen(text) > PTI_PKCS11_URI_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a PKCS#11 URI, \"" SCHEME "...\", of at most %d characters",
                        PTI_PKCS11_URI_MAX);
    if (strstr(text, "pin-value") != NULL)
        return pti_fail(
            error, PINTLE_ERR_INPUT,
            "a PKCS#11 URI must not hold the PIN (pin-value): others can read command lines; use --pin-file "
            "FILE, --pin-fd N or pin-source=file:/PATH, or type it when asked, and change it now");
    path = pti_bytes_text(text + strlen(SCHEME));
    mark = strchr(text, '?');
    if (mark != NULL) {
        query = pti_bytes_text(mark + 1);
        path.size -= query.size + 1;
    }
    status = take_pairs(query, '&', take_query_attribute, uri, error);
    if (status == PINTLE_OK)
        status = take_pairs(path, ';', take_path_attribute, uri, error);
    return status;
}

void pti_pkcs11_uri_put(struct pti_buf *out, const char *name, struct pintle_bytes value)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    pti_buf_printf(out, "%s=", name);
    for (size_t i = 0; i < value.size; i++)
        if (memchr(plain, value.data[i], sizeof(plain) - 1) != NULL)
            pti_buf_append(out, &value.data[i], 1);
        else
            pti_buf_printf(out, "%%%02X", value.data[i]);
}
