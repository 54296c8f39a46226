/* SPDX-License-Identifier: Apache-2.0 */
/* The private keys that lie in a directory.  The contract is in publish/repository.h. */
#include <string.h>

#include "publish/repository.h"

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
    if (status == PINTLE_OK) {
        status = pti_keyring_take(ring, key, error);
        if (status != PINTLE_OK)
            pti_signing_key_free(key);
    }
    return status;
}

enum pintle_status pti_repository_load_keys(const struct pti_repository *repository, const char *directory,
                                            const char *passphrase, struct pti_keyring *ring, size_t *skipped,
                                            struct pti_error *error)
{
    char own[PTI_PATH_MAX], path[PTI_PATH_MAX], **names = NULL;
    size_t count = 0, left_out = 0;
    enum pintle_status status = pti_repository_path(repository, "keys", own, error);

    if (status == PINTLE_OK)
        status = pti_file_list(directory != NULL ? directory : own, ".pem", &names, &count, error);
    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        status = pti_file_path(path, directory != NULL ? directory : own, names[i], error);
        if (status == PINTLE_OK)
            status = load_one(path, passphrase, ring, &left_out, error);
    }
    pti_file_names_free(names, count);
    if (skipped != NULL)
        *skipped = left_out;
    return status;
}
