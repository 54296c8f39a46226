/* SPDX-License-Identifier: Apache-2.0 */
/* Signer files: what stands for a key that lies elsewhere.  The contract is in publish/key_access.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json_write.h"
#include "publish/file.h"
#include "publish/key_access.h"
#include "publish/pkcs11_uri.h"
#include "publish/signing_key_internal.h"

#define SIGNER 1 /* the version of the form */

bool pti_signer_file_is(struct pintle_bytes text)
{
    size_t at = 0;

    while (at < text.size && memchr(" \t\r\n", text.data[at], 4) != NULL)
        at++;
    return at < text.size && text.data[at] == '{';
}

void pti_signer_file_clear(struct pti_signer_file *file)
{
    free(file->public_pem);
    free(file->uri);
    for (size_t i = 0; file->arguments != NULL && file->arguments[i] != NULL; i++)
        free(file->arguments[i]);
    free(file->arguments);
    *file = (struct pti_signer_file){NULL, NULL, NULL, 0};
}

/* ---- reading ---- */

/* A name that is misspelt would silently have no effect. */
static enum pintle_status check_names(const struct pti_json_value *root, struct pti_error *error)
{
    static const char *const known[] = {"signer", "public", "pkcs11", "program", "timeout_seconds"};

    for (const struct pti_json_value *member = pti_json_first(root); member != NULL; member = pti_json_next(member)) {
        struct pintle_bytes name = pti_json_name(member);
        size_t i = 0;

        while (i < sizeof(known) / sizeof(known[0]) && !pti_bytes_equal_text(name, known[i]))
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "expected signer, public, pkcs11, program and timeout_seconds, found \"%.*s\" (byte %zu)",
                            name.size < 64 ? (int)name.size : 64, (const char *)name.data, pti_json_offset(member));
    }
    return PINTLE_OK;
}

static enum pintle_status take_text(const struct pti_json_value *value, const char *name, char **out,
                                    struct pti_error *error)
{
    struct pintle_bytes text;

    if (!pti_json_as_string(value, &text) || text.size == 0 || memchr(text.data, '\0', text.size) != NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "\"%s\" must be text without NUL, found something else", name);
    *out = pti_bytes_strdup(text);
    return *out != NULL ? PINTLE_OK : pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a signer file");
}

static enum pintle_status take_program(const struct pti_json_value *array, struct pti_signer_file *file,
                                       struct pti_error *error)
{
    size_t count = pti_json_count(array), i = 0;
    enum pintle_status status = PINTLE_OK;

    if (pti_json_type(array) != PTI_JSON_ARRAY || count == 0 || count > PTI_SIGNER_ARGUMENTS_MAX)
        return pti_fail(error, PINTLE_ERR_INPUT,
                        "\"program\" must be an array of 1 to %d words, the program and its arguments",
                        PTI_SIGNER_ARGUMENTS_MAX);
    file->arguments = calloc(count + 1, sizeof(char *));
    if (file->arguments == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a signer file");
    for (const struct pti_json_value *word = pti_json_first(array); word != NULL && status == PINTLE_OK;
         word = pti_json_next(word))
        status = take_text(word, "program", &file->arguments[i++], error);
    if (status == PINTLE_OK && file->arguments[0][0] != '/')
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "\"program\" must begin with an absolute path, for no shell looks for it; found \"%.100s\"",
                          file->arguments[0]);
    return status;
}

static enum pintle_status take_members(const struct pti_json_value *root, struct pti_signer_file *file,
                                       struct pti_error *error)
{
    const struct pti_json_value *uri = pti_json_member(root, "pkcs11"), *program = pti_json_member(root, "program");
    struct pti_pkcs11_uri parsed;
    int64_t version = 0;
    enum pintle_status status = pti_json_get_integer(root, "signer", SIGNER, SIGNER, &version, error);

    if (status == PINTLE_OK)
        status = check_names(root, error);
    if (status == PINTLE_OK)
        status = take_text(pti_json_member(root, "public"), "public", &file->public_pem, error);
    if (status == PINTLE_OK && (uri == NULL) == (program == NULL))
        status = pti_fail(error, PINTLE_ERR_INPUT,
                          "expected either \"pkcs11\" or \"program\", found %s; see "
                          "pintle-signer(5)",
                          uri == NULL ? "neither" : "both");
    if (status == PINTLE_OK && uri != NULL)
        status = take_text(uri, "pkcs11", &file->uri, error);
    if (status == PINTLE_OK && uri != NULL)
        status = pti_pkcs11_uri_parse(file->uri, &parsed, error);
    if (status == PINTLE_OK && program != NULL)
        status = take_program(program, file, error);
    if (status == PINTLE_OK && pti_json_member(root, "timeout_seconds") != NULL)
        status = program == NULL ? pti_fail(error, PINTLE_ERR_INPUT, "\"timeout_seconds\" is for programs only")
                                 : pti_json_get_integer(root, "timeout_seconds", 1, PTI_SIGNER_TIMEOUT_MOST,
                                                        &file->timeout_s, error);
    return status;
}

enum pintle_status pti_signer_file_parse(struct pintle_bytes text, const char *name, struct pti_signer_file *file,
                                         struct pti_error *error)
{
    struct pti_error why = {PINTLE_OK, ""};
    struct pti_json *json = NULL;
    enum pintle_status status = pti_json_parse(text, &json, &why);

    *file = (struct pti_signer_file){.timeout_s = PTI_SIGNER_TIMEOUT_DEFAULT};
    if (status == PINTLE_OK)
        status = take_members(pti_json_root(json), file, &why);
    pti_json_free(json);
    if (status == PINTLE_OK)
        return PINTLE_OK;
    pti_signer_file_clear(file);
    return pti_fail(error, status, "%.200s: %s", name, why.detail);
}

void pti_signer_file_write(const struct pti_signer_file *file, struct pti_buf *out)
{
    struct pti_json_writer writer;

    pti_json_writer_init(&writer, out, true);
    pti_json_begin_object(&writer, NULL);
    pti_json_put_integer(&writer, "signer", SIGNER);
    pti_json_put_text(&writer, "public", file->public_pem);
    if (file->uri != NULL)
        pti_json_put_text(&writer, "pkcs11", file->uri);
    if (file->arguments != NULL) {
        pti_json_begin_array(&writer, "program");
        for (size_t i = 0; file->arguments[i] != NULL; i++)
            pti_json_put_text(&writer, NULL, file->arguments[i]);
        pti_json_end_array(&writer);
        pti_json_put_integer(&writer, "timeout_seconds", file->timeout_s);
    }
    pti_json_end_object(&writer);
}

/* ---- using ---- */

enum pintle_status pti_signer_file_check_place(const char *path, struct pti_error *error)
{
    struct stat info;

    if (stat(path, &info) != 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "%.300s cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "%.200s: a signer file, which says what to run, must be a regular file; copy it to one", path);
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return pti_fail(
            error, PINTLE_ERR_TRUST,
            "%.200s: a signer file, which says what to run, belongs to user %ld, neither to you nor to root; "
            "look at it, then make a copy of your own",
            path, (long)info.st_uid);
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return pti_fail(error, PINTLE_ERR_TRUST,
                        "%.200s: others than its owner may write this signer file, which says what to run; look at it, "
                        "then run `chmod go-w %.200s`",
                        path, path);
    return PINTLE_OK;
}

enum pintle_status pti_signer_file_key(const struct pti_signer_file *file, const char *name,
                                       struct pti_key_access *access, struct pti_signing_key **key,
                                       struct pti_error *error)
{
    struct evp_pkey_st *pkey = NULL;
    enum pintle_status status = pti_public_half_from_pem(pti_bytes_text(file->public_pem), name, &pkey, error);

    *key = NULL;
    if (status != PINTLE_OK)
        return status;
    return file->uri != NULL ? pti_pkcs11_key_with_public(access, file->uri, pkey, name, key, error)
                             : pti_signer_program_key(access, file->arguments, file->timeout_s, pkey, name, key, error);
}

enum pintle_status pti_signer_file_public(struct pintle_bytes text, const char *name, struct pti_public_key *key,
                                          struct pti_error *error)
{
    struct pti_signer_file file;
    enum pintle_status status = pti_signer_file_parse(text, name, &file, error);

    *key = (struct pti_public_key){{0}, NULL};
    if (status == PINTLE_OK)
        status = pti_public_key_parse(pti_bytes_text(file.public_pem), name, NULL, key, error);
    pti_signer_file_clear(&file);
    return status;
}

enum pintle_status pti_signer_file_load(const char *path, struct pti_key_access *access, struct pti_signing_key **key,
                                        struct pti_error *error)
{
    struct pti_signer_file file;
    struct pintle_bytes text = {NULL, 0};
    enum pintle_status status = pti_signer_file_check_place(path, error);

    *key = NULL;
    if (status == PINTLE_OK)
        status = pti_file_read(path, PTI_KEY_FILE_SIZE_MAX, &text, error);
    if (status == PINTLE_OK)
        status = pti_signer_file_parse(text, path, &file, error);
    if (status == PINTLE_OK) {
        status = pti_signer_file_key(&file, path, access, key, error);
        pti_signer_file_clear(&file);
    }
    pti_bytes_free(&text);
    return status;
}
