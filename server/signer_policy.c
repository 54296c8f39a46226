/* SPDX-License-Identifier: Apache-2.0 */
#include "server/signer_policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_write.h"
#include "manifest/apply.h"
#include "publish/bundle.h"
#include "publish/root_history.h"
#include "server/limits.h"
#include "tuf/container.h"
#include "tuf/verify.h"

#define REQUEST_ENTRIES 4

struct request {
    int64_t timestamp_version, snapshot_version; /* 0: not to be signed */
    struct pintle_bytes roots, timestamp, body;  /* views */
};

void pti_signer_policy_init(struct pti_signer_policy *policy, struct pintle_crypto *crypto, struct pti_keyring *keys,
                            const struct pti_expiry_days *days)
{
    memset(policy, 0, sizeof *policy);
    policy->crypto = crypto;
    policy->keys = *keys;
    policy->days = *days;
    memset(keys, 0, sizeof *keys);
    pti_roots_init(&policy->roots, crypto);
}

void pti_signer_policy_clear(struct pti_signer_policy *policy)
{
    pti_keyring_clear(&policy->keys);
    pti_roots_clear(&policy->roots);
    pti_generation_free(policy->seen);
    memset(policy, 0, sizeof *policy);
}

static enum pintle_status check_role_keys(const struct pti_signer_policy *policy, const char *role,
                                          struct pti_error *error)
{
    const struct pti_tuf_metadata *root = pti_roots_newest(&policy->roots);
    struct pti_role_keys keys = {NULL, 0, 0};
    char missing[160] = "";
    size_t used = 0;
    int64_t held = 0;
    enum pintle_status status = pti_role_keys_from_root(root->bytes, role, &keys, error);

    if (status != PINTLE_OK)
        return status;
    for (size_t i = 0; i < keys.key_count; i++) {
        bool found = pti_keyring_find(&policy->keys, keys.keys[i].id) != NULL;

        held += found;
        if (!found && used + 24 < sizeof missing)
            used += (size_t)snprintf(missing + used, sizeof missing - used, "%s%.16s", used > 0 ? ", " : "",
                                     keys.keys[i].id);
    }
    if (held < keys.threshold)
        status = pti_fail(error, PINTLE_ERR_TRUST,
                          "root %" PRId64 " asks for %" PRId64 " of its %s keys, found %" PRId64
                          "; put %s into the keys directory as %s*.pem and restart pintled",
                          root->version, keys.threshold, role, held, missing, role);
    pti_role_keys_clear(&keys);
    return status;
}

enum pintle_status pti_signer_policy_check_keys(const struct pti_signer_policy *policy, struct pti_error *error)
{
    enum pintle_status status = check_role_keys(policy, "timestamp", error);

    return status == PINTLE_OK ? check_role_keys(policy, "snapshot", error) : status;
}

static enum pintle_status parse_versions(struct pintle_bytes text, struct request *request, struct pti_error *error)
{
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(text, &json, error);

    if (status == PINTLE_OK)
        status = pti_json_get_integer(pti_json_root(json), "timestamp", 0, PTI_JSON_INTEGER_MAX,
                                      &request->timestamp_version, error);
    if (status == PINTLE_OK)
        status = pti_json_get_integer(pti_json_root(json), "snapshot", 0, PTI_JSON_INTEGER_MAX,
                                      &request->snapshot_version, error);
    if (status == PINTLE_OK && pti_json_count(pti_json_root(json)) != 2)
        status = pti_fail(error, PINTLE_ERR_INPUT, "only timestamp and snapshot are signed here, found another role");
    if (status == PINTLE_OK && request->snapshot_version > 0 && request->timestamp_version == 0)
        status = pti_fail(error, PINTLE_ERR_INPUT, "a snapshot is only signed together with its timestamp");
    pti_json_free(json);
    return status;
}

static enum pintle_status parse_request(const struct pti_container *container, struct request *request,
                                        struct pti_error *error)
{
    struct pintle_bytes json;

    if (container->count != REQUEST_ENTRIES || !pti_container_find(container, "request.json", &json) ||
        !pti_container_find(container, "roots", &request->roots) ||
        !pti_container_find(container, "timestamp.json", &request->timestamp) ||
        !pti_container_find(container, "body", &request->body))
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "expected request.json, roots, timestamp.json and body in a request, "
                        "found %zu other entries",
                        container->count);
    return parse_versions(json, request, error);
}

/* The publication, verified as a client does it; expiry is waived because renewing what expired is the purpose. */
static enum pintle_status verify(struct pti_signer_policy *policy, const struct request *request, int64_t now,
                                 struct pti_generation **generation, struct pti_error *error)
{
    struct pti_container body = {NULL, 0};
    struct pti_manifest_source source;
    struct pti_trusted set;
    enum pintle_status status = pti_container_parse(request->body, &body, error);

    *generation = NULL;
    if (status != PINTLE_OK)
        return status;
    pti_trusted_init(&set, policy->crypto, pti_roots_newest(&policy->roots), now);
    set.waive_expiry = true;
    status = pti_trusted_update_timestamp(&set, request->timestamp, error);
    if (status == PINTLE_OK) {
        source = pti_container_source(&body);
        status = pti_generation_build(&set, &source, generation, error);
    }
    pti_trusted_clear(&set);
    pti_container_clear(&body);
    return status;
}

/* "payments.json" is the file of a zone that is delegated now. */
static bool is_delegated(const struct pti_generation *generation, struct pintle_bytes file)
{
    for (size_t i = 0; i < generation->zone_count; i++) {
        size_t size = strlen(generation->zones[i].name);

        if (file.size == size + strlen(".json") && memcmp(file.data, generation->zones[i].name, size) == 0 &&
            memcmp(file.data + size, ".json", strlen(".json")) == 0)
            return true;
    }
    return false;
}

/* A role in the snapshot that nobody delegates may only be one withdrawn earlier, which stays listed for ever. */
static enum pintle_status check_listed_roles(const struct pti_signer_policy *policy,
                                             const struct pti_generation *generation, struct pti_error *error)
{
    const struct pti_tuf_files *files = &generation->snapshot->files;

    for (size_t i = 0; i < files->count; i++) {
        struct pintle_bytes name = files->items[i].name;

        if (pti_bytes_equal_text(name, "targets.json") || is_delegated(generation, name) || !policy->seen)
            continue;
        if (!pti_tuf_file_find(&policy->seen->snapshot->files, name))
            return pti_fail(error, PINTLE_ERR_TRUST,
                            "the snapshot lists %.*s, which is not delegated and was not listed "
                            "before; if a zone was added and withdrawn at once, restart pintled",
                            (int)(name.size < 80 ? name.size : 80), (const char *)name.data);
    }
    return PINTLE_OK;
}

/* One version has one content, for as long as its keys sign: a root that replaces them lets the numbers start again. */
static enum pintle_status check_same(const struct pti_tuf_metadata *seen, const struct pti_tuf_metadata *next,
                                     const struct pti_tuf_metadata *root, struct pti_error *error)
{
    const char *role = pti_tuf_type_name(seen->type);
    enum pintle_status status;

    if (seen->version != next->version || pti_bytes_equal(seen->bytes, next->bytes))
        return PINTLE_OK;
    status = pti_tuf_verify(seen, &root->roles[seen->type], &root->keys, role, error);
    if (status == PINTLE_ERR_TRUST)
        return PINTLE_OK;
    if (status != PINTLE_OK)
        return status;
    return pti_fail(error, PINTLE_ERR_TRUST, "%s version %" PRId64 " has another content than the one seen before",
                    role, seen->version);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Has a root replaced all online keys since?  Numbers then start again, and the old ones say nothing about them. */
static bool starts_again(const struct pti_signer_policy *policy)
{
    return policy->seen && pti_root_history_restarts(pti_roots_version(&policy->roots, policy->seen->root_version),
                                                     pti_roots_newest(&policy->roots));
}

static enum pintle_status look(struct pti_signer_policy *policy, const struct request *request, int64_t now,
                               struct pti_error *error)
{
    const struct pti_tuf_metadata *root = NULL;
    struct pti_generation *next = NULL;
    bool again = false;
    enum pintle_status status = pti_roots_add_file(&policy->roots, request->roots, error);

    if (status == PINTLE_OK)
        status = verify(policy, request, now, &next, error);
    if (status != PINTLE_OK)
        return status;
    root = pti_roots_newest(&policy->roots);
    again = starts_again(policy);
    status = pti_apply(policy->seen, next, root, error);
    if (status == PINTLE_OK && policy->seen)
        status = check_same(policy->seen->timestamp, next->timestamp, root, error);
    if (status == PINTLE_OK && policy->seen)
        status = check_same(policy->seen->snapshot, next->snapshot, root, error);
    if (status == PINTLE_OK)
        status = check_listed_roles(policy, next, error);
    if (status == PINTLE_OK)
        status = pti_apply_inherit(policy->seen, next, root, error);
    if (status != PINTLE_OK) {
        pti_generation_free(next);
        return status;
    }
    pti_generation_free(policy->seen);
    policy->seen = next;
    policy->timestamp_version = larger(again ? 0 : policy->timestamp_version, next->timestamp->version);
    policy->snapshot_version = larger(again ? 0 : policy->snapshot_version, next->snapshot->version);
    return PINTLE_OK;
}

static enum pintle_status check_version(const char *role, int64_t version, int64_t highest, struct pti_error *error)
{
    if (version <= highest)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "%s version %" PRId64 " is not above %" PRId64 ", the highest one seen or signed", role,
                        version, highest);
    if (version - highest > PTI_SIGNER_VERSION_STEP_MAX)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "%s version %" PRId64 " is more than %d above %" PRId64 ": the numbers would be used up", role,
                        version, PTI_SIGNER_VERSION_STEP_MAX, highest);
    return PINTLE_OK;
}

static enum pintle_status sign(struct pti_signer_policy *policy, const struct request *request, int64_t now,
                               struct pti_resigned *resigned, struct pti_error *error)
{
    struct pti_resign_input input = {
        .root = pti_roots_newest(&policy->roots)->bytes,
        .snapshot = policy->seen->snapshot->bytes,
        .timestamp = policy->seen->timestamp->bytes,
        .keys = &policy->keys,
        .timestamp_version = request->timestamp_version,
        .snapshot_version = request->snapshot_version,
        .renew_snapshot = request->snapshot_version > 0,
        .days = policy->days,
        .now = now,
        .crypto = policy->crypto,
    };
    enum pintle_status status = check_version("timestamp", request->timestamp_version, policy->timestamp_version,
                                              error);

    if (status == PINTLE_OK && input.renew_snapshot)
        status = check_version("snapshot", request->snapshot_version, policy->snapshot_version, error);
    if (status == PINTLE_OK)
        status = pti_resign(&input, resigned, error);
    if (status != PINTLE_OK)
        return status;
    policy->timestamp_version = request->timestamp_version;
    policy->snapshot_version = larger(policy->snapshot_version, request->snapshot_version);
    return PINTLE_OK;
}

enum pintle_status pti_signer_policy_decide(struct pti_signer_policy *policy, struct pintle_bytes request, int64_t now,
                                            struct pti_resigned *resigned, struct pti_error *error)
{
    struct pti_container container = {NULL, 0};
    struct request parsed = {0};
    enum pintle_status status = PINTLE_ERR_INPUT;

    memset(resigned, 0, sizeof *resigned);
    if (request.size > PTI_SIGNER_REQUEST_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT, "a request has at most %d bytes, found %zu", PTI_SIGNER_REQUEST_MAX,
                        request.size);
    status = pti_container_parse(request, &container, error);
    if (status == PINTLE_OK)
        status = parse_request(&container, &parsed, error);
    if (status == PINTLE_OK)
        status = look(policy, &parsed, now, error);
    /* Asked even when nothing is due: a root with other keys must not stay unnoticed until the timestamp runs out. */
    if (status == PINTLE_OK)
        status = pti_signer_policy_check_keys(policy, error);
    if (status == PINTLE_OK && parsed.timestamp_version > 0)
        status = sign(policy, &parsed, now, resigned, error);
    pti_container_clear(&container);
    return status;
}

static void write_request_json(int64_t timestamp_version, int64_t snapshot_version, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "timestamp", timestamp_version);
    pti_json_put_integer(&writer, "snapshot", snapshot_version);
    pti_json_end_object(&writer);
}

enum pintle_status pti_signer_request_write(const struct pti_published *published, int64_t timestamp_version,
                                            int64_t snapshot_version, struct pti_buf *out, struct pti_error *error)
{
    struct pti_buf json, roots, body;
    enum pintle_status status = PINTLE_ERR_MEMORY;

    pti_buf_init(out, PTI_SIGNER_REQUEST_MAX);
    pti_buf_init(&json, 256);
    pti_buf_init(&body, 0);
    write_request_json(timestamp_version, snapshot_version, &json);
    status = pti_bundle_roots(published, &roots, error);
    if (status == PINTLE_OK)
        status = pti_bundle_body(published, &body, error);
    if (status == PINTLE_OK) {
        pti_container_write_begin(out, REQUEST_ENTRIES);
        pti_container_write_entry(out, "request.json", pti_buf_bytes(&json));
        pti_container_write_entry(out, "roots", pti_buf_bytes(&roots));
        pti_container_write_entry(out, "timestamp.json", published->timestamp);
        pti_container_write_entry(out, "body", pti_buf_bytes(&body));
        status = pti_buf_check(out, error, "a request to the signer");
    }
    pti_buf_clear(&json);
    pti_buf_clear(&roots);
    pti_buf_clear(&body);
    if (status != PINTLE_OK)
        pti_buf_clear(out);
    return status;
}

void pti_signer_reply_write(enum pintle_status status, const struct pti_error *error,
                            const struct pti_resigned *resigned, struct pti_buf *out)
{
    bool timestamp = status == PINTLE_OK && resigned->timestamp.size > 0;
    bool snapshot = status == PINTLE_OK && resigned->snapshot.size > 0;
    struct pti_json_writer writer;
    struct pti_buf json;

    pti_buf_init(&json, 8 * PTI_ERROR_DETAIL_MAX);
    pti_json_writer_init(&writer, &json, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_text(&writer, "refused", status == PINTLE_OK ? NULL : error->detail);
    pti_json_end_object(&writer);
    pti_buf_init(out, PTI_SIGNER_REPLY_MAX);
    pti_container_write_begin(out, 1u + timestamp + snapshot);
    pti_container_write_entry(out, "reply.json", pti_buf_bytes(&json));
    if (timestamp)
        pti_container_write_entry(out, "timestamp.json", resigned->timestamp);
    if (snapshot)
        pti_container_write_entry(out, "snapshot.json", resigned->snapshot);
    pti_buf_clear(&json);
}

static enum pintle_status read_reply_json(struct pintle_bytes text, struct pti_error *error)
{
    const struct pti_json_value *refused = NULL;
    struct pintle_bytes why;
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(text, &json, error);

    if (status != PINTLE_OK)
        return status;
    refused = pti_json_member(pti_json_root(json), "refused");
    if (pti_json_as_string(refused, &why))
        status = pti_fail(error, PINTLE_ERR_TRUST, "%.*s", (int)why.size, (const char *)why.data);
    else if (!refused || pti_json_type(refused) != PTI_JSON_NULL)
        status = pti_fail(error, PINTLE_ERR_INPUT, "the signer's reply does not say whether it refused");
    pti_json_free(json);
    return status;
}

static enum pintle_status copy_entry(const struct pti_container *container, const char *path, struct pintle_bytes *copy,
                                     struct pti_error *error)
{
    struct pintle_bytes data = {NULL, 0};

    if (!pti_container_find(container, path, &data))
        return PINTLE_OK;
    if (pti_bytes_copy(data, copy) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the signer's reply");
    return PINTLE_OK;
}

enum pintle_status pti_signer_reply_read(struct pintle_bytes reply, struct pti_resigned *resigned,
                                         struct pti_error *error)
{
    struct pti_container container = {NULL, 0};
    struct pintle_bytes json = {NULL, 0};
    enum pintle_status status = pti_container_parse(reply, &container, error);

    memset(resigned, 0, sizeof *resigned);
    if (status == PINTLE_OK && !pti_container_find(&container, "reply.json", &json))
        status = pti_fail(error, PINTLE_ERR_INPUT, "the signer's reply lacks reply.json");
    if (status == PINTLE_OK)
        status = read_reply_json(json, error);
    if (status == PINTLE_OK)
        status = copy_entry(&container, "timestamp.json", &resigned->timestamp, error);
    if (status == PINTLE_OK)
        status = copy_entry(&container, "snapshot.json", &resigned->snapshot, error);
    if (status != PINTLE_OK)
        pti_resigned_clear(resigned);
    pti_container_clear(&container);
    return status;
}
