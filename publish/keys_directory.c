/* SPDX-License-Identifier: Apache-2.0 */
/* The private keys that lie in a directory.  The contract is in publish/repository.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publish/repository.h"

#define NAMES_MAX 100 /* of one kind: "timestamp.2.pem", "timestamp.2-2.pem", ... */

/* Takes key over, whatever happens. */
static enum pintle_status take_key(struct pti_keyring *ring, struct pti_signing_key *key, struct pti_error *error)
{
    enum pintle_status status = pti_keyring_take(ring, key, error);

    if (status != PINTLE_OK)
        pti_signing_key_free(key);
    return status;
}

static enum pintle_status load_one(const char *path, const char *passphrase, struct pti_keyring *ring, size_t *skipped,
                                   struct pti_error *error)
{
    struct pti_signing_key *key = NULL;
    bool private_key = false, encrypted = false;
    enum pintle_status status = pti_signing_key_look(path, &private_key, &encrypted, error);

    if (status != PINTLE_OK || !private_key)
        return status;
    if (!encrypted || passphrase != NULL)
        status = pti_signing_key_load(path, passphrase, &key, error);
    if (encrypted && (status == PINTLE_ERR_INPUT || passphrase == NULL)) {
        (*skipped)++;
        return PINTLE_OK;
    }
    return status == PINTLE_OK ? take_key(ring, key, error) : status;
}

static enum pintle_status load_signers(const char *directory, struct pti_key_access *access, struct pti_keyring *ring,
                                       struct pti_error *error)
{
    char path[PTI_PATH_MAX], **names = NULL;
    size_t count = 0;
    enum pintle_status status = pti_file_list(directory, PTI_SIGNER_SUFFIX, &names, &count, error);

    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        struct pti_signing_key *key = NULL;

        status = pti_file_path(path, directory, names[i], error);
        if (status == PINTLE_OK)
            status = pti_signer_file_load(path, access, &key, error);
        if (status == PINTLE_OK)
            status = take_key(ring, key, error);
    }
    pti_file_names_free(names, count);
    return status;
}

enum pintle_status pti_repository_load_keys(const struct pti_repository *repository, const char *directory,
                                            const char *passphrase, struct pti_keyring *ring, size_t *skipped,
                                            struct pti_error *error)
{
    char own[PTI_PATH_MAX], path[PTI_PATH_MAX], **names = NULL;
    size_t count = 0, left_out = 0;
    enum pintle_status status = pti_repository_path(repository, "keys", own, error);

    if (directory == NULL)
        directory = own;
    if (status == PINTLE_OK)
        status = pti_file_list(directory, ".pem", &names, &count, error);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        status = pti_file_path(path, directory, names[i], error);
        if (status == PINTLE_OK)
            status = load_one(path, passphrase, ring, &left_out, error);
    }
    pti_file_names_free(names, count);
    if (status == PINTLE_OK && repository->key_access != NULL)
        status = load_signers(directory, repository->key_access, ring, error);
    if (skipped != NULL)
        *skipped = left_out;
    return status;
}

/* ---- new ones ---- */

static enum pintle_status name_is_taken(const struct pti_repository *repository, const char *file, char *path,
                                        bool *taken, struct pti_error *error)
{
    char relative[PTI_PATH_MAX];
    enum pintle_status status = pti_file_path(relative, "keys/retired", file, error);

    if (status == PINTLE_OK)
        status = pti_repository_path(repository, relative, path, error);
    *taken = status == PINTLE_OK && pti_file_exists(path);
    if (status == PINTLE_OK)
        status = pti_file_path(relative, "keys", file, error);
    if (status == PINTLE_OK)
        status = pti_repository_path(repository, relative, path, error);
    *taken = *taken || (status == PINTLE_OK && pti_file_exists(path));
    return status;
}

enum pintle_status pti_repository_save_key(const struct pti_repository *repository, const struct pti_signing_key *key,
                                           const char *name, char *path, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;
    bool taken = true;

    for (int i = 1; i <= NAMES_MAX && taken && status == PINTLE_OK; i++) {
        char file[160];
        if (i == 1)
            (void)snprintf(file, sizeof(file), "%.120s.pem", name);
        else
            (void)snprintf(file, sizeof(file), "%.120s-%d.pem", name, i);
        status = name_is_taken(repository, file, path, &taken, error);
    }
    if (status == PINTLE_OK && taken)
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s and %d more like it are taken; remove what is not needed",
                          path, NAMES_MAX - 1);
    return status == PINTLE_OK ? pti_signing_key_save(key, path, NULL, error) : status;
}

/* ---- those that sign nothing any more ---- */

static bool is_named(const struct pti_repository *repository, const char *keyid)
{
    const struct pti_stage *stage = &repository->stage;

    for (size_t i = 0; i < PTI_TUF_TYPES; i++)
        if (pti_role_keys_find(&stage->root_keys[i], keyid) != NULL)
            return true;
    for (size_t i = 0; i < stage->zone_count; i++)
        if (pti_role_keys_find(&stage->zones[i].keys, keyid) != NULL)
            return true;
    return false;
}

static enum pintle_status was_named(struct pti_repository *repository, const char *keyid, bool *named,
                                    struct pti_error *error)
{
    const struct pti_published *published = &repository->published;
    const struct pti_file_source source = pti_repository_source(repository);
    enum pintle_status status = PINTLE_OK;

    *named = false;
    for (size_t n = published->root_count; n > 0 && status == PINTLE_OK && !*named; n--)
        for (int i = 0; i < PTI_TUF_TYPES && status == PINTLE_OK && !*named; i++) {
            struct pti_role_keys keys;
            status = pti_role_keys_from_root(published->roots[n - 1], pti_tuf_type_name((enum pti_tuf_type)i), &keys,
                                             error);
            *named = status == PINTLE_OK && pti_role_keys_find(&keys, keyid) != NULL;
            pti_role_keys_clear(&keys);
        }
    if (status == PINTLE_OK && !*named)
        status = pti_published_key_was_used(&source, published, NULL, keyid, named, error);
    return status;
}

static bool is_signer_name(const char *name)
{
    size_t length = strlen(name), suffix = strlen(PTI_SIGNER_SUFFIX);

    return length > suffix && strcmp(name + length - suffix, PTI_SIGNER_SUFFIX) == 0;
}

/* Of a signer file or a private key; nothing of an encrypted one, which does not tell, and of what is no private key. */
static enum pintle_status public_half_of(const char *path, struct pti_public_key *key, struct pti_error *error)
{
    bool private_key = false, encrypted = false;
    enum pintle_status status = PINTLE_OK;

    if (is_signer_name(path))
        return pti_public_key_load(path, NULL, key, error);
    status = pti_signing_key_look(path, &private_key, &encrypted, error);
    return status == PINTLE_OK && private_key && !encrypted ? pti_public_key_load(path, NULL, key, error) : status;
}

/* Does the file hold a key that root or targets once named, and neither they nor their drafts name any more? */
static enum pintle_status is_retired(struct pti_repository *repository, const char *path, bool *retired,
                                     struct pti_error *error)
{
    struct pti_public_key key = {{0}, NULL};
    enum pintle_status status = public_half_of(path, &key, error);

    *retired = false;
    if (status == PINTLE_OK && key.json == NULL)
        return PINTLE_OK;
    if (status == PINTLE_ERR_INPUT)
        return PINTLE_OK; /* of a kind that signs nothing here */
    if (status == PINTLE_OK && !is_named(repository, key.id))
        status = was_named(repository, key.id, retired, error);
    pti_public_key_clear(&key);
    return status;
}

static enum pintle_status move_aside(const struct pti_repository *repository, const char *path, const char *name,
                                     struct pti_error *error)
{
    char directory[PTI_PATH_MAX], to[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, "keys/retired", directory, error);

    if (status == PINTLE_OK)
        status = pti_file_make_directory(directory, 0700, error);
    if (status == PINTLE_OK)
        status = pti_file_path(to, directory, name, error);
    if (status == PINTLE_OK && pti_file_exists(to))
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s is there already; move %s away by hand", to, path);
    if (status == PINTLE_OK && rename(path, to) != 0)
        status = pti_fail(error, PINTLE_ERR_STORAGE, "%s cannot be moved to %s: %s", path, to, strerror(errno));
    return status;
}

static enum pintle_status append_name(char ***names, size_t *count, const char *name, struct pti_error *error)
{
    char **grown = realloc(*names, (*count + 1) * sizeof(char *));

    if (grown == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for %zu names", *count + 1);
    *names = grown;
    grown[*count] = pti_bytes_strdup(pti_bytes_text(name));
    if (grown[*count] == NULL)
        return pti_fail(error, PINTLE_ERR_MEMORY, "out of memory for a name");
    (*count)++;
    return PINTLE_OK;
}

/* Of the files in directory that end in suffix. */
static enum pintle_status retire(struct pti_repository *repository, const char *directory, const char *suffix,
                                 char ***names, size_t *count, struct pti_error *error)
{
    char path[PTI_PATH_MAX], **files = NULL;
    size_t file_count = 0;
    enum pintle_status status = pti_file_list(directory, suffix, &files, &file_count, error);

    for (size_t i = 0; i < file_count && status == PINTLE_OK; i++) {
        bool retired = false;
        status = pti_file_path(path, directory, files[i], error);
        if (status == PINTLE_OK)
            status = is_retired(repository, path, &retired, error);
        if (status == PINTLE_OK && retired)
            status = move_aside(repository, path, files[i], error);
        if (status == PINTLE_OK && retired)
            status = append_name(names, count, files[i], error);
    }
    pti_file_names_free(files, file_count);
    return status;
}

enum pintle_status pti_repository_retire_keys(struct pti_repository *repository, char ***names, size_t *count,
                                              struct pti_error *error)
{
    char directory[PTI_PATH_MAX];
    enum pintle_status status = pti_repository_path(repository, "keys", directory, error);

    *names = NULL;
    *count = 0;
    if (status == PINTLE_OK)
        status = retire(repository, directory, ".pem", names, count, error);
    if (status == PINTLE_OK)
        status = retire(repository, directory, PTI_SIGNER_SUFFIX, names, count, error);
    if (status != PINTLE_OK) {
        pti_file_names_free(*names, *count);
        *names = NULL;
        *count = 0;
    }
    return status;
}
