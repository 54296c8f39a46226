/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/foreign.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pintle/curl_transport.h>

#include "cli/ca_file.h"
#include "cli/directory_transport.h"
#include "cli/given_file.h"
#include "cli/session.h"
#include "tuf/escape.h"

#define NAME_SIZE (PTI_TUF_ESCAPED_MAX + 32)

/* ---- files ---- */

static enum pintle_status get(struct pti_foreign *foreign, const char *name, struct pti_buf *out, bool *found,
                              struct pti_error *error)
{
    struct pintle_response response = {sizeof response, 0, -1};
    struct pintle_sink sink = pti_buf_sink(out);
    const size_t length = strlen(foreign->base);
    const int64_t left = foreign->give_up_at - pti_session_time();
    char url[PTI_PATH_MAX + NAME_SIZE], detail[PTI_ERROR_DETAIL_MAX] = "";
    struct pintle_request request = {.size = sizeof request,
                                     .method = "GET",
                                     .url = url,
                                     .max_response = out->max,
                                     .timeout_ms = left * 1000,
                                     .min_bytes_per_second = PTI_MIN_BYTES_PER_SECOND};
    enum pintle_status status = PINTLE_OK;

    *found = false;
    if (left <= 0) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "it took too long; give it more time with --timeout");
    }
    snprintf(url, sizeof url, "%s%s%s", foreign->base, length > 0 && foreign->base[length - 1] == '/' ? "" : "/", name);
    status = foreign->transport.perform(foreign->transport.ctx, &request, &sink, &response, detail, sizeof detail);
    if (out->status != PINTLE_OK) { /* whatever the transport makes of a sink that refused */
        return pti_buf_check(out, error, name);
    }
    if (status != PINTLE_OK) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "%.200s: %.200s", url, detail);
    }
    if (response.status != 200 && response.status != 404 && response.status != 403) {
        return pti_fail(error, PINTLE_ERR_NETWORK, "%.200s: expected HTTP status 200, found %d", url, response.status);
    }
    *found = response.status == 200;
    return PINTLE_OK;
}

/* ---- what the updater works with: nothing is kept but the root to begin with ---- */

static bool is_role(struct pintle_bytes role, enum pti_tuf_type type)
{
    return pti_bytes_equal_text(role, pti_tuf_type_name(type));
}

static enum pintle_status fetch_role(void *ctx, struct pintle_bytes role, int64_t version, struct pti_buf *out,
                                     bool *found, struct pti_error *error)
{
    char name[NAME_SIZE];
    struct pti_buf escaped;
    enum pintle_status status = PINTLE_OK;

    pti_buf_init(&escaped, PTI_TUF_ESCAPED_MAX + 8);
    status = pti_tuf_escape(role, &escaped, error);
    if (status == PINTLE_OK && version > 0) {
        snprintf(name, sizeof name, "%" PRId64 ".%.*s.json", version, (int)escaped.size, (const char *)escaped.data);
    } else if (status == PINTLE_OK) {
        snprintf(name, sizeof name, "%.*s.json", (int)escaped.size, (const char *)escaped.data);
    }
    pti_buf_clear(&escaped);
    return status == PINTLE_OK ? get(ctx, name, out, found, error) : status;
}

static enum pintle_status load_role(void *ctx, struct pintle_bytes role, struct pti_buf *out, bool *found,
                                    struct pti_error *error)
{
    const struct pti_foreign *foreign = ctx;

    *found = is_role(role, PTI_TUF_ROOT);
    if (*found) {
        pti_buf_append(out, foreign->root.data, foreign->root.size);
    }
    return pti_buf_check(out, error, "root");
}

static enum pintle_status keep_role(void *ctx, struct pintle_bytes role, struct pintle_bytes bytes,
                                    struct pti_error *error)
{
    (void)ctx, (void)role, (void)bytes, (void)error;
    return PINTLE_OK;
}

static enum pintle_status forget_role(void *ctx, struct pintle_bytes role, struct pti_error *error)
{
    (void)ctx, (void)role, (void)error;
    return PINTLE_OK;
}

/* ---- finding it ---- */

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* A local repository is answered from its directory of metadata; a URL may be that of the metadata or the one above. */
static bool open_place(struct pti_foreign *foreign, const char *operand, const char *below, const char *ca)
{
    char path[PTI_PATH_MAX];
    int length = 0;

    if (foreign->transport.free) {
        foreign->transport.free(foreign->transport.ctx);
        foreign->transport = (struct pintle_transport){0};
    }
    if (is_url(operand)) {
        length = snprintf(foreign->base, sizeof foreign->base, "%s%s%s", operand,
                          *operand && operand[strlen(operand) - 1] == '/' ? "" : "/", below);
        return length > 0 && length <= PTI_URL_MAX && pintle_curl_transport_init(&foreign->transport, ca) == PINTLE_OK;
    }
    pti_copy_text(foreign->base, sizeof foreign->base, PTI_DIRECTORY_URL);
    return pti_file_path(path, operand, *below ? below : ".", NULL) == PINTLE_OK &&
           pti_directory_transport_init(&foreign->transport, path, NULL) == PINTLE_OK;
}

static bool holds(struct pti_foreign *foreign, const char *name, size_t max, struct pintle_bytes *bytes)
{
    struct pti_error error;
    struct pti_buf buf;
    bool found = false;

    pti_buf_init(&buf, max);
    if (get(foreign, name, &buf, &found, &error) != PINTLE_OK || !found) {
        pti_buf_clear(&buf);
        return false;
    }
    *bytes = pti_buf_bytes(&buf); /* its allocation is the caller's now */
    return true;
}

/* Root metadata of somebody else's: whether it verifies is another question. */
static bool is_foreign_root(struct pti_foreign *foreign, struct pintle_bytes bytes)
{
    struct pti_tuf_metadata *root = NULL;
    bool foreign_root = pti_tuf_metadata_parse_with(bytes, PTI_TUF_ROOT, PTI_TUF_KEYIDS_ANY, foreign->crypto, &root,
                                                    NULL) == PINTLE_OK &&
                        root->repository.size == 0;

    foreign->first_root = root ? root->version : 0;
    pti_tuf_metadata_free(root);
    return foreign_root;
}

static bool find_root(struct pti_foreign *foreign)
{
    struct pintle_bytes bytes = {NULL, 0};

    if (foreign->anchored) {
        return true;
    }
    if (holds(foreign, "1.root.json", PTI_ROOT_SIZE_MAX, &bytes) ||
        holds(foreign, "root.json", PTI_ROOT_SIZE_MAX, &bytes)) {
        pti_bytes_free(&foreign->root);
        foreign->root = bytes;
        return true;
    }
    return false;
}

/* The timestamp has the same name in every repository. */
static bool find_place(struct pti_foreign *foreign, const char *ca)
{
    static const char *const places[] = {"metadata", "", "public/metadata"};

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct pintle_bytes timestamp = {NULL, 0};

        if (is_url(foreign->cli->operands[0]) && strncmp(places[i], "public", 6) == 0) {
            continue;
        }
        if (open_place(foreign, foreign->cli->operands[0], places[i], ca) &&
            holds(foreign, "timestamp.json", PTI_TIMESTAMP_SIZE_MAX, &timestamp)) {
            pti_bytes_free(&timestamp);
            return find_root(foreign);
        }
    }
    return false;
}

enum pintle_status pti_foreign_find(struct pti_foreign *foreign, struct pti_cli *cli, bool *yes)
{
    const char *path = pti_cli_text(cli, "roots"), *ca = NULL;
    int64_t seconds = 30;
    enum pintle_status status = pti_cli_number(cli, "timeout", 1, 600, &seconds);

    *yes = false;
    memset(foreign, 0, sizeof *foreign);
    foreign->cli = cli;
    foreign->now = pti_session_time();
    foreign->give_up_at = foreign->now + seconds;
    if (status == PINTLE_OK) {
        status = pti_cli_ca_file(cli, &ca);
    }
    if (status == PINTLE_OK) {
        status = pti_cli_crypto_new(cli, &foreign->crypto);
    }
    if (status == PINTLE_OK && path) {
        foreign->anchored = true;
        status = pti_given_file_read(path, PTI_STORE_BLOB_MAX, &foreign->root, &cli->error);
    }
    if (status != PINTLE_OK || (path && !is_foreign_root(foreign, foreign->root))) {
        return status;
    }
    *yes = find_place(foreign, ca) && is_foreign_root(foreign, foreign->root);
    return PINTLE_OK;
}

/* ---- all of it ---- */

static void copy_name(char out[PTI_KEYID_SIZE + 1], struct pintle_bytes name)
{
    const size_t size = name.size < PTI_KEYID_SIZE ? name.size : PTI_KEYID_SIZE;

    for (size_t i = 0; i < size; i++) {
        out[i] = name.data[i] == '\0' ? '?' : (char)name.data[i];
    }
    out[size] = '\0';
}

static struct pti_foreign_role *add_role(struct pti_foreign *foreign, struct pintle_bytes name,
                                         struct pintle_bytes delegator, const struct pti_tuf_signers *signers,
                                         const struct pti_tuf_keys *keys)
{
    struct pti_foreign_role *grown = realloc(foreign->roles, (foreign->role_count + 1) * sizeof *grown), *role = NULL;

    if (!grown) {
        return NULL;
    }
    foreign->roles = grown;
    role = &grown[foreign->role_count++];
    memset(role, 0, sizeof *role);
    role->id = name;
    role->delegator_id = delegator;
    copy_name(role->name, name);
    copy_name(role->delegator, delegator);
    role->signers = signers;
    role->keys = keys;
    return role;
}

static enum pintle_status no_memory(struct pti_foreign *foreign)
{
    return pti_fail(&foreign->cli->error, PINTLE_ERR_MEMORY, "out of memory for %zu roles", foreign->role_count + 1);
}

static enum pintle_status list_top(struct pti_foreign *foreign)
{
    const struct pti_tuf_metadata *root = foreign->updater.root;
    const struct pti_trusted *set = &foreign->updater.set;
    const struct pti_tuf_metadata *const metadata[PTI_TUF_TYPES] = {[PTI_TUF_ROOT] = root,
                                                                    [PTI_TUF_TIMESTAMP] = pti_trusted_timestamp(set),
                                                                    [PTI_TUF_SNAPSHOT] = set->snapshot,
                                                                    [PTI_TUF_TARGETS] = pti_trusted_targets(set)};

    for (int i = 0; i < PTI_TUF_TYPES; i++) {
        const struct pintle_bytes name = pti_bytes_text(pti_tuf_type_name((enum pti_tuf_type)i));
        struct pti_foreign_role *role = add_role(foreign, name, pti_bytes_text("root"), &root->roles[i], &root->keys);

        if (!role) {
            return no_memory(foreign);
        }
        role->metadata = metadata[i];
    }
    return PINTLE_OK;
}

static bool is_listed(const struct pti_foreign *foreign, struct pintle_bytes delegator, struct pintle_bytes name)
{
    for (size_t i = PTI_TUF_TYPES; i < foreign->role_count; i++) {
        if (pti_bytes_equal(foreign->roles[i].id, name) && pti_bytes_equal(foreign->roles[i].delegator_id, delegator)) {
            return true;
        }
    }
    return false;
}

/* A role that does not verify is told beside those that do: only lack of resources ends the walk. */
static enum pintle_status visit(struct pti_foreign *foreign, const struct pti_tuf_metadata *delegator,
                                struct pintle_bytes delegator_id, const struct pti_tuf_delegation *delegation)
{
    struct pti_foreign_role *role = NULL;
    struct pti_error error = {.status = PINTLE_OK};
    enum pintle_status status = PINTLE_OK;

    if (is_listed(foreign, delegator_id, delegation->name)) {
        return PINTLE_OK;
    }
    role = add_role(foreign, delegation->name, delegator_id, &delegation->signers, &delegator->keys);
    if (!role) {
        return no_memory(foreign);
    }
    status = pti_updater_role(&foreign->updater, delegator, delegation->name, &role->metadata, &error);
    if (status == PINTLE_ERR_MEMORY) {
        return no_memory(foreign);
    }
    if (status != PINTLE_OK) {
        pti_copy_text(role->problem, sizeof role->problem, error.detail);
        foreign->worst = foreign->worst == PINTLE_OK ? status : foreign->worst;
    }
    return PINTLE_OK;
}

/* Breadth first, each role once for each that delegates to it. */
static enum pintle_status walk(struct pti_foreign *foreign)
{
    enum pintle_status status = list_top(foreign);

    for (size_t i = PTI_TUF_TARGETS; i < foreign->role_count && status == PINTLE_OK; i++) {
        const struct pti_tuf_metadata *delegator = foreign->roles[i].metadata;
        const struct pintle_bytes name = foreign->roles[i].id;

        for (size_t k = 0; delegator && k < delegator->delegation_count && status == PINTLE_OK; k++) {
            if (foreign->role_count == PTI_FOREIGN_ROLES_MAX) {
                return pti_fail(&foreign->cli->error, PINTLE_ERR_TRUST,
                                "expected at most %d delegated roles, found more",
                                PTI_FOREIGN_ROLES_MAX - PTI_TUF_TYPES);
            }
            status = visit(foreign, delegator, name, &delegator->delegations[k]);
        }
    }
    return status;
}

enum pintle_status pti_foreign_run(struct pti_foreign *foreign)
{
    const struct pti_updater_io io = {foreign, fetch_role, load_role, keep_role, forget_role};
    enum pintle_status status = PINTLE_OK;

    pti_updater_init(&foreign->updater, &io, PTI_TUF_KEYIDS_ANY, foreign->crypto, foreign->now);
    status = pti_updater_refresh(&foreign->updater, &foreign->cli->error);
    if (status != PINTLE_OK) {
        return pti_error_prefix(&foreign->cli->error, "a plain TUF repository, verified from root %" PRId64 " on",
                                foreign->first_root);
    }
    status = walk(foreign);
    if (status == PINTLE_OK) {
        pti_foreign_lint(foreign);
    }
    return status;
}

void pti_foreign_clear(struct pti_foreign *foreign)
{
    if (foreign->updater.crypto) {
        pti_updater_clear(&foreign->updater);
    }
    if (foreign->transport.free) {
        foreign->transport.free(foreign->transport.ctx);
    }
    for (size_t i = 0; i < foreign->note_count; i++) {
        free(foreign->notes[i]);
    }
    free(foreign->roles);
    pti_bytes_free(&foreign->root);
    pintle_crypto_free(foreign->crypto);
}
