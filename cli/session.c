/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "cli/given_file.h"
#include "publish/bundle.h"
#include "publish/mirror.h"
#include "publish/stage_file.h"

#define SAID_MAX 65536 /* bytes */

int64_t pti_session_time(void)
{
    return (int64_t)time(NULL);
}

enum pintle_status pti_session_read_stage(struct pti_session *session, struct pti_cli *cli, const char *path,
                                          struct pti_repository **repository, struct pti_key_names *names)
{
    struct pintle_bytes file = {NULL, 0};
    enum pintle_status status = pti_given_file_read(path, PTI_STAGE_FILE_SIZE_MAX, &file, &cli->error);

    *repository = NULL;
    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_stage_file_read(file, session->now, session->crypto, repository, names, &cli->error);
    pti_bytes_free(&file);
    if (status == PINTLE_ERR_STORAGE) {
        status = cli->error.status = PINTLE_ERR_INPUT; /* what is missing in a file is no fault of a disk */
    }
    return status == PINTLE_OK ? status : pti_error_prefix(&cli->error, "%.300s", path);
}

static bool takes_stage(const struct pti_cli *cli)
{
    for (const struct pti_option *option = cli->command->options; option->name; option++) {
        if (strcmp(option->name, "stage") == 0) {
            return true;
        }
    }
    return false;
}

static enum pintle_status open_stage(struct pti_session *session, struct pti_cli *cli)
{
    if (pti_cli_text(cli, "repo")) {
        return pti_cli_usage(cli, "expected --repo or --stage, found both");
    }
    return pti_session_read_stage(session, cli, session->stage_file, &session->repository, &session->names);
}

enum pintle_status pti_session_open(struct pti_session *session, struct pti_cli *cli, enum pti_repository_access access)
{
    enum pintle_status status = PINTLE_OK;

    *session = (struct pti_session){.now = pti_session_time(),
                                    .stage_file = takes_stage(cli) ? pti_cli_text(cli, "stage") : NULL};
    pti_buf_init(&session->said, SAID_MAX);
    status = pti_cli_crypto_new(cli, &session->crypto);
    if (status != PINTLE_OK) {
        return status;
    }
    status = session->stage_file ? open_stage(session, cli)
                                 : pti_repository_open(pti_cli_repo(cli), access, session->now, session->crypto,
                                                       &session->repository, &cli->error);
    if (status != PINTLE_OK) {
        pti_session_close(session);
        return status;
    }
    session->repository->key_access = pti_cli_key_access(cli);
    if (!session->repository->key_access) {
        pti_session_close(session);
        return cli->error.status;
    }
    return PINTLE_OK;
}

void pti_session_close(struct pti_session *session)
{
    pti_repository_close(session->repository);
    pintle_crypto_free(session->crypto);
    pti_buf_clear(&session->said);
    pti_key_names_clear(&session->names);
    session->repository = NULL;
    session->crypto = NULL;
}

enum pintle_status pti_session_report(struct pti_cli *cli, pti_session_fill_fn *fill, pti_session_judge_fn *judge)
{
    struct pti_session session;
    struct pti_printout printout;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_READ);

    if (status != PINTLE_OK) {
        return status;
    }
    pti_printout_init(&printout);
    status = pti_session_load_names(&session, cli);
    if (status == PINTLE_OK) {
        status = fill(cli, &session, &printout);
    }
    if (status == PINTLE_OK) {
        status = pti_printout_print(&printout, pti_cli_flag(cli, "json"), cli->out, &cli->error);
    }
    pti_printout_clear(&printout);
    if (status == PINTLE_OK && judge) {
        status = judge(cli, &session);
    }
    pti_session_close(&session);
    return status;
}

enum pintle_status pti_session_check_base(struct pti_session *session, struct pti_cli *cli)
{
    const char *path = pti_cli_text(cli, "roots");
    struct pintle_bytes anchor = {NULL, 0};
    enum pintle_status status = path ? pti_given_file_read(path, PTI_STORE_BLOB_MAX, &anchor, &cli->error) : PINTLE_OK;

    if (status == PINTLE_OK && path && anchor.size == 0) {
        status = pti_fail(&cli->error, PINTLE_ERR_INPUT,
                          "%.300s: expected app/roots of a repository, found an empty file", path);
    }
    if (status == PINTLE_OK) {
        status = pti_bundle_check_base(&session->repository->published, anchor, session->now, session->crypto,
                                       &cli->error);
    }
    pti_bytes_free(&anchor);
    return status;
}

/* Whoever makes a repository up can give it any name and list any public key in it, but not make this root. */
enum pintle_status pti_session_say_anchor(struct pti_session *session, struct pti_cli *cli)
{
    const struct pti_published *published = &session->repository->published;
    char hex[PTI_HEX_SIZE(PINTLE_SHA256_SIZE) + 1];
    uint8_t digest[PINTLE_SHA256_SIZE];

    if (pti_sha256(session->crypto, published->roots[0], digest) != PINTLE_OK) {
        return pti_fail(&cli->error, PINTLE_ERR_MEMORY, "root 1 cannot be hashed");
    }
    pti_hex_encode(digest, sizeof digest, hex);
    fprintf(cli->err,
            "repository %s by its own word, its root 1 has SHA-256 %.16s...; --roots FILE, your own copy, makes sure\n",
            published->repository, hex);
    return PINTLE_OK;
}

enum pintle_status pti_session_load_names(struct pti_session *session, struct pti_cli *cli)
{
    char keys[PTI_PATH_MAX];
    enum pintle_status status = PINTLE_OK;

    if (session->stage_file) {
        return PINTLE_OK; /* they came with it */
    }
    status = pti_repository_path(session->repository, "keys", keys, &cli->error);
    return status == PINTLE_OK ? pti_key_names_load(keys, &session->names, &cli->error) : status;
}

static enum pintle_status write_stage_file(struct pti_session *session, struct pti_cli *cli)
{
    struct pti_buf text;
    enum pintle_status status = pti_stage_file_write(session->repository, &session->names, &text, &cli->error);

    if (status == PINTLE_OK) {
        status = pti_file_replace(session->stage_file, pti_buf_bytes(&text), 0644, &cli->error);
    }
    pti_buf_clear(&text);
    return status;
}

enum pintle_status pti_session_save_signed(struct pti_session *session, struct pti_cli *cli)
{
    return session->stage_file ? write_stage_file(session, cli)
                               : pti_repository_save_stage(session->repository, &cli->error);
}

/* Once it is true. */
static enum pintle_status print_said(struct pti_session *session, struct pti_cli *cli)
{
    enum pintle_status status = pti_buf_check(&session->said, &cli->error, "what there is to say");

    if (status == PINTLE_OK) {
        fwrite(session->said.data, 1, session->said.size, cli->out);
    }
    return status;
}

/* "staged, to be signed by targets (1 of 2 signatures), payments (0 of 1 signatures); ..." */
static enum pintle_status say_staged(struct pti_session *session, struct pti_cli *cli)
{
    struct pti_role_state *roles = NULL;
    const char *separator = "staged, to be signed by ";
    char signatures[128];
    size_t count = 0;
    enum pintle_status status = pti_stage_roles(&session->repository->stage, &roles, &count, &cli->error);

    for (size_t i = 0; status == PINTLE_OK && i < count; i++) {
        if (roles[i].draft_version > 0) {
            pti_role_state_describe(&roles[i], signatures, sizeof signatures);
            fprintf(cli->out, "%s%s (%s)", separator, roles[i].name, signatures);
            separator = ", ";
        }
    }
    if (status == PINTLE_OK) {
        fputs(pti_stage_has_drafts(&session->repository->stage) ? "; see `pintle diff`, then `pintle publish`\n"
                                                                : "nothing is staged: this is what is published\n",
              cli->out);
    }
    pti_role_states_free(roles, count);
    return status;
}

size_t pti_session_only(const struct pti_cli *cli, const char *only[PTI_CLI_GIVEN_MAX])
{
    size_t count = pti_cli_count(cli, "only");

    for (size_t i = 0; i < count; i++) {
        only[i] = pti_cli_nth(cli, "only", i);
    }
    return count;
}

static size_t count_drafts(const struct pti_stage *stage)
{
    size_t count = (stage->root.size > 0 ? 1u : 0u) + (stage->targets.size > 0 ? 1u : 0u);

    for (size_t i = 0; i < stage->zone_count; i++) {
        count += stage->zones[i].draft.size > 0;
    }
    return count;
}

void pti_session_mention_only(const struct pti_session *session, struct pti_cli *cli)
{
    size_t drafts = count_drafts(&session->repository->stage);
    enum pintle_status status = cli->error.status;

    if ((status != PINTLE_ERR_INPUT && status != PINTLE_ERR_TRUST) || drafts < 2) {
        return;
    }
    if (pti_cli_count(cli, "only") == 0) {
        pti_fail(&cli->error, status, "%.380s; a draft that is finished need not wait: --only DRAFT takes it alone",
                 cli->error.detail);
    } else if (pti_cli_count(cli, "only") < drafts) {
        pti_fail(&cli->error, status,
                 "%.380s; with --only all else counts as published, so name every draft that belongs to it",
                 cli->error.detail);
    }
}

void pti_session_say(struct pti_session *session, const char *format, ...)
{
    char text[2 * PTI_ERROR_DETAIL_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pti_buf_text(&session->said, text);
}

enum pintle_status pti_session_save(struct pti_session *session, struct pti_cli *cli)
{
    enum pintle_status status = pti_stage_update(&session->repository->stage, session->now, &cli->error);

    if (status == PINTLE_OK) {
        status = pti_repository_save_stage(session->repository, &cli->error);
    }
    if (status == PINTLE_OK) {
        status = print_said(session, cli);
    }
    return status == PINTLE_OK ? say_staged(session, cli) : status;
}

enum pintle_status pti_session_renew(struct pti_cli *cli, const char *role)
{
    struct pti_session session;
    enum pintle_status status = pti_session_open(&session, cli, PTI_REPOSITORY_WRITE);

    if (status != PINTLE_OK) {
        return status;
    }
    status = pti_stage_renew(&session.repository->stage, role, session.now, &cli->error);
    if (status == PINTLE_OK) {
        pti_session_say(&session, "%s: a new version with the same content and a new expiry\n", role);
        status = pti_session_save(&session, cli);
    }
    pti_session_close(&session);
    return status;
}

/* Every --key into ring. */
static enum pintle_status load_given_keys(struct pti_cli *cli, struct pti_keyring *ring)
{
    enum pintle_status status = PINTLE_OK;

    for (size_t i = 0; i < pti_cli_count(cli, "key") && status == PINTLE_OK; i++) {
        struct pti_signing_key *key = NULL;

        status = pti_session_load_key(cli, pti_cli_nth(cli, "key", i), &key);
        if (status == PINTLE_OK) {
            status = pti_keyring_take(ring, key, &cli->error);
            if (status != PINTLE_OK) {
                pti_signing_key_free(key);
            }
        }
    }
    return status;
}

enum pintle_status pti_session_load_ring(struct pti_session *session, struct pti_cli *cli, struct pti_keyring *ring,
                                         size_t *encrypted)
{
    char *passphrase = NULL;
    enum pintle_status status = pti_passphrase_from_file(cli, &passphrase);

    if (status == PINTLE_OK) {
        status = load_given_keys(cli, ring);
    }
    if (status == PINTLE_OK) {
        status = pti_repository_load_keys(session->repository, NULL, passphrase, ring, encrypted, &cli->error);
    }
    pti_passphrase_free(passphrase);
    return status;
}

enum pintle_status pti_session_mirror(struct pti_session *session, struct pti_cli *cli)
{
    const char *directory = pti_cli_text(cli, "to");
    struct pti_mirror_result result;

    if (directory == NULL) {
        return PINTLE_OK;
    }
    if (pti_mirror_write(session->repository, directory, session->now, &result, &cli->error) != PINTLE_OK) {
        return pti_error_prefix(&cli->error, "published, but not written to --to");
    }
    if (result.written > 0 && !pti_cli_flag(cli, "json")) {
        fprintf(cli->out, "%zu files written to %s\n", result.written, directory);
    }
    return PINTLE_OK;
}
