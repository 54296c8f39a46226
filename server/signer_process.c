/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the signer process: load, confine itself, answer until the socket closes. */
#include "server/signer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "publish/key_access.h"
#include "server/confine.h"
#include "server/frame.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/publication.h"
#include "server/signer_policy.h"

static int64_t now(void)
{
    return (int64_t)time(NULL);
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_online(const char *name)
{
    return starts_with(name, "timestamp") || starts_with(name, "snapshot");
}

/* Their keys are out of reach for a process that may open nothing, and somebody may count on them. */
static void warn_of_signer_files(const char *directory)
{
    char **names = NULL;
    size_t count = 0;

    if (pti_file_list(directory, PTI_SIGNER_SUFFIX, &names, &count, NULL) != PINTLE_OK)
        return;
    for (size_t i = 0; i < count; i++)
        if (is_online(names[i]))
            pti_log(
                PTI_LOG_WARNING,
                "%s/%s is not used: the signer may neither open a token nor run a program; keep this key in a file, "
                "or renew with `pintle resign` from cron",
                directory, names[i]);
    pti_file_names_free(names, count);
}

/* Only what it will use: root and targets keys may lie in the same directory, and are nothing to it. */
static enum pintle_status load_keys(const char *directory, struct pti_keyring *keys, struct pti_error *error)
{
    char **names = NULL;
    size_t count = 0;
    enum pintle_status status = pti_file_list(directory, ".pem", &names, &count, error);

    for (size_t i = 0; i < count && status == PINTLE_OK; i++) {
        char path[PTI_PATH_MAX];
        struct pti_signing_key *key = NULL;

        if (!is_online(names[i]))
            continue;
        status = pti_file_path(path, directory, names[i], error);
        if (status == PINTLE_OK && pti_signing_key_is_exposed(path))
            pti_log(PTI_LOG_WARNING, "others than its owner may read %s, a private key; run `chmod 600 %s`", path,
                    path);
        if (status == PINTLE_OK)
            status = pti_signing_key_load(path, NULL, &key, error);
        if (status == PINTLE_OK)
            status = pti_keyring_take(keys, key, error);
        if (status != PINTLE_OK)
            pti_signing_key_free(key);
    }
    pti_file_names_free(names, count);
    warn_of_signer_files(directory);
    if (status == PINTLE_OK && keys->count == 0)
        status = pti_fail(error, PINTLE_ERR_STORAGE,
                          "expected timestamp.pem and snapshot.pem in %s, found no such file; "
                          "name the directory of the online keys with --keys DIR",
                          directory);
    return status;
}

/* What is published now is the first thing it sees, and what everything later is measured against. */
static enum pintle_status see_publication(struct pti_signer_policy *policy, const struct pti_published *published,
                                          struct pti_error *error)
{
    struct pti_resigned nothing;
    struct pti_buf request;
    enum pintle_status status = pti_signer_request_write(published, 0, 0, &request, error);

    if (status == PINTLE_OK)
        status = pti_signer_policy_decide(policy, pti_buf_bytes(&request), now(), &nothing, error);
    if (status == PINTLE_OK)
        status = pti_signer_policy_check_keys(policy, error);
    pti_buf_clear(&request);
    return status;
}

static enum pintle_status load(const char *repository, const char *keys_directory, struct pintle_crypto *crypto,
                               struct pti_signer_policy *policy, struct pti_error *error)
{
    struct pti_publication publication;
    struct pti_keyring keys = {NULL, 0};
    enum pintle_status status = pti_publication_load(repository, crypto, &publication, error);

    if (status == PINTLE_OK)
        status = load_keys(keys_directory, &keys, error);
    if (status == PINTLE_OK) {
        pti_signer_policy_init(policy, crypto, &keys, &publication.settings.days);
        status = see_publication(policy, &publication.published, error);
    }
    pti_keyring_clear(&keys);
    pti_publication_clear(&publication);
    return status;
}

static enum pintle_status send_reply(int socket, enum pintle_status status, const struct pti_error *why,
                                     const struct pti_resigned *resigned)
{
    struct pti_error error;
    struct pti_buf reply;

    pti_signer_reply_write(status, why, resigned, &reply);
    status = pti_buf_check(&reply, &error, "a reply");
    if (status == PINTLE_OK)
        status = pti_frame_write(socket, pti_buf_bytes(&reply), &error);
    pti_buf_clear(&reply);
    return status;
}

/* One request; false ends the process: the server is gone, or says what no server says. */
static bool answer(int socket, struct pti_signer_policy *policy)
{
    struct pti_resigned resigned;
    struct pti_error error;
    struct pti_buf request;
    enum pintle_status status = PINTLE_ERR_NETWORK;

    memset(&resigned, 0, sizeof resigned);
    pti_buf_init(&request, PTI_SIGNER_REQUEST_MAX);
    status = pti_frame_read(socket, &request, &error);
    if (status == PINTLE_OK) {
        enum pintle_status decided = pti_signer_policy_decide(policy, pti_buf_bytes(&request), now(), &resigned,
                                                              &error);

        status = send_reply(socket, decided, &error, &resigned);
    }
    pti_resigned_clear(&resigned);
    pti_buf_clear(&request);
    return status == PINTLE_OK;
}

enum pintle_status pti_signer_check(const char *repository, const char *keys, struct pti_error *error)
{
    struct pti_signer_policy policy;
    struct pintle_crypto *crypto = NULL;
    enum pintle_status status = pintle_crypto_openssl_new(&crypto);

    memset(&policy, 0, sizeof policy);
    if (status != PINTLE_OK)
        return pti_fail(error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    status = load(repository, keys, crypto, &policy, error);
    pti_signer_policy_clear(&policy);
    pintle_crypto_free(crypto);
    return status;
}

int pti_signer_process(int socket, const char *repository, const char *keys)
{
    struct pti_signer_policy policy;
    struct pintle_crypto *crypto = NULL;
    struct pti_error error;
    enum pintle_status status = PINTLE_ERR_MEMORY;

    /* Ctrl-C and a service manager's SIGTERM reach the whole group; the signer ends when the socket closes. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    memset(&policy, 0, sizeof policy);
    status = pintle_crypto_openssl_new(&crypto);
    if (status != PINTLE_OK)
        pti_fail(&error, status, "OpenSSL cannot be used: %s", pintle_status_name(status));
    if (status == PINTLE_OK)
        status = load(repository, keys, crypto, &policy, &error);
    if (status == PINTLE_OK) {
        status = pti_confine_signer(socket, &error);
        if (status == PINTLE_ERR_UNSUPPORTED)
            status = PINTLE_OK;
    }
    if (send_reply(socket, status, &error, &(struct pti_resigned){{NULL, 0}, {NULL, 0}}) == PINTLE_OK &&
        status == PINTLE_OK)
        while (answer(socket, &policy))
            continue;
    pti_signer_policy_clear(&policy);
    pintle_crypto_free(crypto);
    return status == PINTLE_OK ? 0 : 1;
}
