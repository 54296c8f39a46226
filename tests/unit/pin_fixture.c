/* SPDX-License-Identifier: Apache-2.0 */
/* The notation of pin_fixture.h. */
#include "pin_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"

char *fixture_json(const char *notation)
{
    struct pti_buf buf;

    pti_buf_init(&buf, 1u << 24);
    for (const char *c = notation; *c != '\0'; c++) {
        if (*c == '\'') {
            pti_buf_text(&buf, "\"");
        } else if (*c == '@') {
            uint8_t hash[PINTLE_SHA256_SIZE];
            char text[PTI_BASE64_SIZE(PINTLE_SHA256_SIZE) + 1];
            memset(hash, *++c, sizeof hash);
            pti_base64_encode(hash, sizeof hash, text);
            pti_buf_text(&buf, text);
        } else {
            pti_buf_append(&buf, c, 1);
        }
    }
    pti_buf_append(&buf, "", 1);
    assert_int_equal(buf.status, PINTLE_OK);
    return (char *)buf.data;
}

void fixture_charter(const char *notation, struct pti_charter *charter)
{
    struct pti_error error = {.detail = ""};
    char *json = fixture_json(notation);

    if (pti_charter_parse(pti_bytes_text(json), charter, &error) != PINTLE_OK)
        fail_msg("%s\n%s", error.detail, json);
    free(json);
}

void fixture_zone(const char *notation, const char *name, struct pti_zone *zone)
{
    struct pti_error error = {.detail = ""};
    char *json = fixture_json(notation);

    if (pti_zone_parse(pti_bytes_text(json), name, zone, &error) != PINTLE_OK)
        fail_msg("%s\n%s", error.detail, json);
    free(json);
}

void fixture_evidence(const char *chain, struct pintle_evidence *evidence)
{
    size_t count = strlen(chain);

    memset(evidence, 0, sizeof *evidence);
    assert_true(count <= PINTLE_CHAIN_MAX);
    evidence->count = (uint8_t)count;
    evidence->of = PINTLE_OF_SPKI | PINTLE_OF_CERT;
    for (size_t i = 0; i < count; i++) {
        memset(evidence->spki[i], chain[i], PINTLE_SHA256_SIZE);
        memset(evidence->cert[i], chain[i] - 'a' + 'A', PINTLE_SHA256_SIZE);
    }
}

struct pti_pin fixture_pin(char key, enum pintle_of of, enum pintle_at at)
{
    struct pti_pin pin = {.of = (uint8_t)of, .at = (uint8_t)at};

    memset(pin.sha256, key, sizeof pin.sha256);
    return pin;
}
