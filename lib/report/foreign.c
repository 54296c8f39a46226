/* SPDX-License-Identifier: Apache-2.0 */
#include "report/foreign.h"

#include <stdlib.h>
#include <string.h>

#include <pintle/evidence.h>

#include "base/datetime.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "pin/host.h"

#define TEXT_MAX 63
#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define PEM_END "-----END CERTIFICATE-----"
#define PIN_PREFIX "pin-sha256=\""

bool pti_report_is_foreign(const struct pti_json_value *value)
{
    return pti_json_member(value, "hostname") && pti_json_member(value, "known-pins") && !pti_json_member(value, "v");
}

/* A member that is a string without NUL, of at most max bytes; false if it is not. */
static bool get_text(const struct pti_json_value *value, const char *name, char *out, size_t max)
{
    struct pintle_bytes text;

    if (!pti_json_as_string(pti_json_member(value, name), &text) || text.size > max ||
        (text.size > 0 && memchr(text.data, '\0', text.size)))
        return false;
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

static bool get_host(const struct pti_json_value *value, const char *name, struct pti_host *host)
{
    char text[PINTLE_HOST_MAX + 2];

    return get_text(value, name, text, sizeof text - 1) && pti_host_parse(text, host, NULL) == PINTLE_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "+0100" and "+01:00" as seconds; false for anything else. */
static bool parse_offset(const char *text, int64_t *seconds)
{
    size_t colon = strlen(text) == 6 && text[3] == ':' ? 1 : 0;

    if (strlen(text) != 5 + colon || (text[0] != '+' && text[0] != '-') || !is_digit(text[1]) || !is_digit(text[2]) ||
        !is_digit(text[3 + colon]) || !is_digit(text[4 + colon]))
        return false;
    *seconds = ((text[1] - '0') * 10 + (text[2] - '0')) * 3600 +
               ((text[3 + colon] - '0') * 10 + (text[4 + colon] - '0')) * 60;
    if (text[0] == '-')
        *seconds = -*seconds;
    return true;
}

/* RFC 3339, section 5.6, which allows a fraction and an offset; and the offset without colon that Java writes. */
static bool get_time(const struct pti_json_value *value, char out[PTI_DATETIME_SIZE + 1])
{
    char text[48], whole[PTI_DATETIME_SIZE + 1];
    int64_t seconds = 0, offset = 0;
    const char *rest = text + PTI_DATETIME_SIZE - 1;

    if (!get_text(value, "date-time", text, sizeof text - 1) || strlen(text) < PTI_DATETIME_SIZE)
        return false;
    memcpy(whole, text, PTI_DATETIME_SIZE - 1);
    memcpy(whole + PTI_DATETIME_SIZE - 1, "Z", 2);
    if (*rest == '.')
        for (rest++; is_digit(*rest); rest++)
            continue;
    if (!pti_datetime_parse(pti_bytes_text(whole), &seconds) ||
        (strcmp(rest, "Z") != 0 && !parse_offset(rest, &offset)))
        return false;
    pti_datetime_format(seconds - offset, out);
    return true;
}

/* The certificate in a text of PEM, malloc'ed; false if there is none that fits, or no memory. */
static bool read_pem(struct pintle_bytes text, struct pintle_bytes *certificate)
{
    const uint8_t *from = text.data, *end = text.data + text.size;
    uint8_t *packed = malloc(text.size + 1);
    size_t size = 0;

    *certificate = (struct pintle_bytes){NULL, 0};
    if (!packed)
        return false;
    while (from < end && (*from == '\n' || *from == '\r' || *from == ' '))
        from++;
    if ((size_t)(end - from) < strlen(PEM_BEGIN) || memcmp(from, PEM_BEGIN, strlen(PEM_BEGIN)) != 0) {
        free(packed);
        return false;
    }
    for (from += strlen(PEM_BEGIN); from < end && *from != '-'; from++)
        if (*from != '\n' && *from != '\r' && *from != ' ')
            packed[size++] = *from;
    if ((size_t)(end - from) >= strlen(PEM_END) && memcmp(from, PEM_END, strlen(PEM_END)) == 0 &&
        pti_base64_decode((struct pintle_bytes){packed, size}, packed, size, &size)) {
        *certificate = (struct pintle_bytes){packed, size};
        return true;
    }
    free(packed);
    return false;
}

static void put_hashes(struct pti_json_writer *json, const char *name, const uint8_t (*hashes)[PINTLE_SHA256_SIZE],
                       size_t count)
{
    char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];

    pti_json_begin_array(json, name);
    for (size_t i = 0; i < count; i++) {
        pti_base64_encode(hashes[i], PINTLE_SHA256_SIZE, text);
        pti_json_put_text(json, NULL, text);
    }
    pti_json_end_array(json);
}

/* A chain that cannot be read is left out: the report still says that something failed at that host. */
static enum pintle_status put_chain(struct pti_json_writer *json, const struct pti_json_value *chain,
                                    struct pintle_crypto *crypto, struct pti_error *error)
{
    struct pintle_bytes certificates[PINTLE_CHAIN_MAX], text;
    struct pintle_evidence evidence;
    size_t count = 0;
    bool sound = true;

    if (pti_json_count(chain) > PINTLE_CHAIN_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a chain of at most %d certificates, found %zu",
                        PINTLE_CHAIN_MAX, pti_json_count(chain));
    for (const struct pti_json_value *item = pti_json_first(chain); item && sound; item = pti_json_next(item)) {
        sound = pti_json_as_string(item, &text) && read_pem(text, &certificates[count]);
        count += sound;
    }
    if (sound && count > 0 &&
        pintle_evidence_init(&evidence, crypto, certificates, count, PINTLE_OF_SPKI | PINTLE_OF_CERT) == PINTLE_OK) {
        put_hashes(json, "chain-spki", (const uint8_t(*)[PINTLE_SHA256_SIZE])evidence.spki, evidence.count);
        put_hashes(json, "chain-sha256", (const uint8_t(*)[PINTLE_SHA256_SIZE])evidence.cert, evidence.count);
    }
    while (count > 0)
        pti_bytes_free(&certificates[--count]);
    return PINTLE_OK;
}

/* Each is pin-sha256="..." (RFC 7469, section 2.1); others are left out. */
static void put_pins(struct pti_json_writer *json, const struct pti_json_value *pins)
{
    const size_t prefix = strlen(PIN_PREFIX), size = PTI_BASE64_SIZE(PINTLE_SHA256_SIZE);
    uint8_t hash[PINTLE_SHA256_SIZE];
    struct pintle_bytes text;
    size_t left = 2 * PTI_PINS_PER_HOST_MAX;

    pti_json_begin_array(json, "known-pins");
    for (const struct pti_json_value *pin = pti_json_first(pins); pin && left > 0; pin = pti_json_next(pin)) {
        if (!pti_json_as_string(pin, &text) || text.size != prefix + size + 1 ||
            memcmp(text.data, PIN_PREFIX, prefix) != 0 || text.data[text.size - 1] != '"')
            continue;
        text = (struct pintle_bytes){text.data + prefix, size};
        if (!pti_base64_decode_exact(text, hash, sizeof hash))
            continue;
        pti_json_put_string(json, NULL, text);
        left--;
    }
    pti_json_end_array(json);
}

static void put_app_text(struct pti_json_writer *json, const char *name, const struct pti_json_value *value,
                         const char *from)
{
    char text[TEXT_MAX + 1];

    if (!get_text(value, from, text, TEXT_MAX))
        return;
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~' || *c == '"' || *c == '\'' || *c == '\\')
            return;
    pti_json_put_text(json, name, text);
}

static void put_app(struct pti_json_writer *json, const struct pti_json_value *value)
{
    pti_json_begin_object(json, "app");
    put_app_text(json, "id", value, "app-bundle-id");
    put_app_text(json, "ver", value, "app-version");
    put_app_text(json, "os", value, "app-platform");
    put_app_text(json, "os_ver", value, "app-platform-version");
    pti_json_end_object(json);
}

static void put_bool(struct pti_json_writer *json, const char *name, const struct pti_json_value *value,
                     const char *from)
{
    bool boolean;

    if (pti_json_as_bool(pti_json_member(value, from), &boolean))
        pti_json_put_bool(json, name, boolean);
}

/* TrustKit's validation-result, where it tells what the platform said: the same numbers on iOS and Android. */
static void put_result(struct pti_json_writer *json, const struct pti_json_value *value)
{
    int64_t result = 0;

    if (!pti_json_as_integer(pti_json_member(value, "validation-result"), &result))
        return;
    if (result == 2)
        pti_json_put_text(json, "platform-verify", "untrusted");
    else if (result == 4)
        pti_json_put_text(json, "platform-verify", "user_root");
}

/* The same report sent again is the same text of the same device, or at least of the same network. */
static enum pintle_status put_id(struct pti_json_writer *json, const struct pti_json_value *value,
                                 struct pintle_crypto *crypto, uint64_t network, struct pti_error *error)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    uint8_t digest[PINTLE_SHA256_SIZE] = {0};
    enum pintle_status status;
    struct pti_buf text;

    pti_buf_init(&text, 2 * PTI_REPORT_BATCH_SIZE_MAX);
    if (!pti_json_member(value, "app-vendor-id"))
        pti_buf_append(&text, &network, sizeof network);
    pti_json_write_canonical(value, &text);
    status = pti_buf_check(&text, error, "report");
    if (status == PINTLE_OK)
        status = pti_sha256(crypto, pti_buf_bytes(&text), digest);
    pti_buf_clear(&text);
    pti_hex_encode(digest, sizeof digest, hex);
    pti_json_put_text(json, "id", hex);
    return status;
}

enum pintle_status pti_report_translate(const struct pti_json_value *value, struct pintle_crypto *crypto,
                                        uint64_t network, struct pti_buf *out, struct pti_error *error)
{
    const struct pti_json_value *chain = pti_json_member(value, "validated-certificate-chain");
    char time[PTI_DATETIME_SIZE + 1];
    struct pti_json_writer json;
    struct pti_host host;
    enum pintle_status status;
    int64_t port = 0;

    if (!get_host(value, "hostname", &host))
        return pti_fail(error, PINTLE_ERR_INPUT, "\"hostname\" must be a host name");
    if (!get_time(value, time))
        return pti_fail(error, PINTLE_ERR_INPUT, "\"date-time\" must be a time like 2026-11-21T20:00:00Z");
    pti_json_writer_init(&json, out, false);
    pti_json_begin_object(&json, NULL);
    pti_json_put_integer(&json, "v", 1);
    pti_json_put_text(&json, "type", "tls.cert.pinned_key_not_in_cert_chain");
    pti_json_put_text(&json, "reason", "mismatch");
    pti_json_put_text(&json, "adapter",
                      pti_json_member(value, "trustkit-version") || pti_json_member(value, "app-bundle-id") ? "trustkit"
                                                                                                            : "hpkp");
    pti_json_put_text(&json, "host", host.name);
    pti_json_put_text(&json, "date-time", time);
    if (pti_json_as_integer(pti_json_member(value, "port"), &port) && port >= 1 && port <= 65535)
        pti_json_put_integer(&json, "port", port);
    if (get_host(value, "noted-hostname", &host))
        pti_json_put_text(&json, "noted-hostname", host.name);
    put_bool(&json, "include-subdomains", value, "include-subdomains");
    put_bool(&json, "enforce", value, "enforce-pinning");
    put_pins(&json, pti_json_member(value, "known-pins"));
    put_result(&json, value);
    put_app(&json, value);
    status = put_chain(&json, pti_json_count(chain) > 0 ? chain : pti_json_member(value, "served-certificate-chain"),
                       crypto, error);
    if (status == PINTLE_OK)
        status = put_id(&json, value, crypto, network, error);
    pti_json_end_object(&json);
    return status == PINTLE_OK ? pti_buf_check(out, error, "report") : status;
}
