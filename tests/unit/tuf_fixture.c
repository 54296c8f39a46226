/* SPDX-License-Identifier: Apache-2.0 */
#include "tuf_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/json_write.h"
#include "providers.h"

#define TEXT_MAX 6000000

const char tuf_root[] = "{'_type':'root','spec_version':'1.0.31','version':1,'expires':'2030-01-01T00:00:00Z',"
                        "'consistent_snapshot':true,'keys':{@K0,@K1,@K2,@K3},'roles':{"
                        "'root':{'keyids':[@I0],'threshold':1},'targets':{'keyids':[@I1],'threshold':1},"
                        "'snapshot':{'keyids':[@I2],'threshold':1},"
                        "'timestamp':{'keyids':[@I3],'threshold':1}},'x-pintle-repo':'test'}";

#define ZERO_SHA256 "0000000000000000000000000000000000000000000000000000000000000000"

const char tuf_timestamp[] = "{'_type':'timestamp','spec_version':'1.0.31','version':1,"
                             "'expires':'2030-01-01T00:00:00Z','meta':{'snapshot.json':{'version':1,"
                             "'length':10,'hashes':{'sha256':'" ZERO_SHA256 "'}}},"
                             "'x-pintle-issued':'2027-01-15T08:00:00Z'}";

const char tuf_snapshot[] = "{'_type':'snapshot','spec_version':'1.0.31','version':1,"
                            "'expires':'2030-01-01T00:00:00Z','meta':{'targets.json':{'version':1},"
                            "'main.json':{'version':1,'length':7,'hashes':{'sha256':'" ZERO_SHA256 "'}}}}";

const char tuf_targets[] = "{'_type':'targets','spec_version':'1.0.31','version':1,"
                           "'expires':'2030-01-01T00:00:00Z','targets':{'charter.json':{'length':5,"
                           "'hashes':{'sha256':'" ZERO_SHA256 "'}}},'delegations':{'keys':{@K4,@K5},'roles':["
                           "{'name':'main','keyids':[@I4],'threshold':1,'terminating':true,"
                           "'paths':['zones/main.json']}]}}";

const char *tuf_signed(enum pti_tuf_type type)
{
    static const char *const texts[PTI_TUF_TYPES] = {tuf_root, tuf_timestamp, tuf_snapshot, tuf_targets};

    return texts[type];
}

static void must(bool condition, const char *what, const struct pti_error *error)
{
    if (!condition)
        fail_msg("%s: %s", what, error != NULL ? error->detail : "");
}

static char *text_of(struct pti_buf *buf)
{
    char *text = pti_bytes_strdup(pti_buf_bytes(buf));

    must(buf->status == PINTLE_OK && text != NULL, "write a text", NULL);
    pti_buf_clear(buf);
    return text;
}

void tuf_init(struct tuf_fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    assert_int_equal(provider_new(&fixture->crypto), PINTLE_OK);
    for (size_t i = 0; i < TUF_KEYS; i++)
        must(pti_signing_key_generate(i < 6 ? provider_kind(PTI_KEY_ED25519) : PTI_KEY_ECDSA_P256, &fixture->keys[i],
                                      &fixture->error) == PINTLE_OK,
             "generate a key", &fixture->error);
}

void tuf_clear(struct tuf_fixture *fixture)
{
    for (size_t i = 0; i < TUF_KEYS; i++)
        pti_signing_key_free(fixture->keys[i]);
    pintle_crypto_free(fixture->crypto);
}

char *tuf_expand(const struct tuf_fixture *fixture, const char *text)
{
    struct pti_buf out;

    pti_buf_init(&out, TEXT_MAX);
    for (; *text != '\0'; text++) {
        bool placeholder = text[0] == '@' && text[1] != '\0' && text[2] >= '0' && text[2] < '0' + TUF_KEYS;
        const struct pti_public_key *key;

        if (!placeholder) {
            pti_buf_append(&out, *text == '\'' ? "\"" : text, 1);
            continue;
        }
        key = pti_signing_key_public(fixture->keys[text[2] - '0']);
        if (text[1] != 'O')
            pti_buf_printf(&out, "\"%s\"", key->id);
        if (text[1] == 'K')
            pti_buf_text(&out, ":");
        if (text[1] != 'I')
            pti_buf_text(&out, key->json);
        text += 2;
    }
    return text_of(&out);
}

char *tuf_edit(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    struct pti_buf out;

    if (at == NULL)
        fail_msg("there is no %s in %s", from, text);
    pti_buf_init(&out, TEXT_MAX);
    if (at != NULL) {
        pti_buf_append(&out, text, (size_t)(at - text));
        pti_buf_text(&out, to);
        pti_buf_text(&out, at + strlen(from));
    }
    return text_of(&out);
}

static void put_signature(const struct tuf_fixture *fixture, const char *expanded, size_t key, struct pti_buf *out)
{
    char hex[PTI_HEX_SIZE(PTI_SIGNATURE_SIZE_MAX) + 1];
    struct pti_signature signature;
    struct pti_buf canonical;
    struct pti_json *json;
    struct pti_error error;

    pti_buf_init(&canonical, TEXT_MAX);
    must(pti_json_parse(pti_bytes_text(expanded), &json, &error) == PINTLE_OK, "parse what is to be signed", &error);
    pti_json_write_canonical(pti_json_root(json), &canonical);
    must(pti_signing_key_sign(fixture->keys[key], pti_buf_bytes(&canonical), &signature, &error) == PINTLE_OK, "sign",
         &error);
    pti_hex_encode(signature.data, signature.size, hex);
    pti_buf_printf(out, "{\"keyid\":\"%s\",\"sig\":\"%s\"}", pti_signing_key_public(fixture->keys[key])->id, hex);
    pti_json_free(json);
    pti_buf_clear(&canonical);
}

char *tuf_signature(const struct tuf_fixture *fixture, const char *text, size_t key)
{
    char *expanded = tuf_expand(fixture, text);
    struct pti_buf out;

    pti_buf_init(&out, TEXT_MAX);
    put_signature(fixture, expanded, key, &out);
    free(expanded);
    return text_of(&out);
}

struct pintle_bytes tuf_envelope_with(const struct tuf_fixture *fixture, const char *text, const char *signatures)
{
    char *expanded = tuf_expand(fixture, text);
    struct pintle_bytes envelope;
    struct pti_buf out;

    pti_buf_init(&out, TEXT_MAX);
    pti_buf_printf(&out, "{\"signatures\":%s,\"signed\":%s}", signatures, expanded);
    must(pti_bytes_copy(pti_buf_bytes(&out), &envelope) == PINTLE_OK, "copy an envelope", NULL);
    pti_buf_clear(&out);
    free(expanded);
    return envelope;
}

struct pintle_bytes tuf_envelope(const struct tuf_fixture *fixture, const char *text, const char *signers)
{
    char *expanded = tuf_expand(fixture, text), *list;
    struct pintle_bytes envelope;
    struct pti_buf out;

    pti_buf_init(&out, TEXT_MAX);
    pti_buf_text(&out, "[");
    for (size_t i = 0; signers[i] != '\0'; i++) {
        pti_buf_text(&out, i > 0 ? "," : "");
        put_signature(fixture, expanded, (size_t)(signers[i] - '0'), &out);
    }
    pti_buf_text(&out, "]");
    list = text_of(&out);
    envelope = tuf_envelope_with(fixture, text, list);
    free(list);
    free(expanded);
    return envelope;
}

char *tuf_listed(const struct tuf_fixture *fixture, struct pintle_bytes file, int64_t version)
{
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    uint8_t digest[PINTLE_SHA256_SIZE];
    struct pti_buf out;

    assert_int_equal(pti_sha256(fixture->crypto, file, digest), PINTLE_OK);
    pti_hex_encode(digest, sizeof digest, hex);
    pti_buf_init(&out, TEXT_MAX);
    pti_buf_printf(&out, "{'version':%" PRId64 ",'length':%zu,'hashes':{'sha256':'%s'}}", version, file.size, hex);
    return text_of(&out);
}

struct pti_tuf_metadata *tuf_parse(struct tuf_fixture *fixture, enum pti_tuf_type type, const char *text,
                                   const char *signers)
{
    struct pintle_bytes envelope = tuf_envelope(fixture, text, signers);
    struct pti_tuf_metadata *metadata;

    must(pti_tuf_metadata_parse(envelope, type, fixture->crypto, &metadata, &fixture->error) == PINTLE_OK, "parse",
         &fixture->error);
    pti_bytes_free(&envelope);
    return metadata;
}

enum pintle_status tuf_read(struct tuf_fixture *fixture, enum pti_tuf_type type, struct pintle_bytes bytes,
                            struct pti_tuf_metadata **metadata)
{
    enum pintle_status status;

    fixture->error = (struct pti_error){PINTLE_OK, ""};
    status = pti_tuf_metadata_parse(bytes, type, fixture->crypto, metadata, &fixture->error);
    if (status != PINTLE_OK) {
        assert_null(*metadata);
        assert_int_equal(fixture->error.status, status);
        assert_int_equal(strncmp(fixture->error.detail, pti_tuf_type_name(type), strlen(pti_tuf_type_name(type))), 0);
    }
    return status;
}

void tuf_expect(const struct tuf_fixture *fixture, const char *name, enum pintle_status status, const char *want)
{
    bool as_wanted = want == NULL ? status == PINTLE_OK
                                  : status == PINTLE_ERR_INPUT && strstr(fixture->error.detail, want) != NULL;

    if (!as_wanted)
        fail_msg("%s: expected %s, found %s: %s", name, want != NULL ? want : "ok", pintle_status_name(status),
                 fixture->error.detail);
}
