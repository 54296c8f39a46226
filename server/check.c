/* SPDX-License-Identifier: Apache-2.0 */
#include "server/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/probe.h"
#include "server/command.h"
#include "server/database_copy.h"
#include "server/files.h"
#include "server/targets.h"
#include "server/tls.h"

static enum pintle_status check_not_public(const struct pti_served *served, size_t count, const char *option,
                                           const char *directory, struct pti_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (pti_file_directory_is_below(directory, served[i].public_directory))
            return pti_fail(error, PINTLE_ERR_MISUSE,
                            "%s %s lies among the public files, which everybody can read; move it", option, directory);
    return PINTLE_OK;
}

enum pintle_status pti_check_private(const struct pti_served *served, size_t count, const char *data,
                                     struct pti_error *error)
{
    enum pintle_status status = check_not_public(served, count, "--data", data, error);

    for (size_t i = 0; i < count && status == PINTLE_OK; i++)
        status = check_not_public(served, count, "--keys", served[i].keys, error);
    return status;
}

/* Where a directory would be made. */
static enum pintle_status check_parent(const char *directory, struct pti_error *error)
{
    char parent[PTI_PATH_MAX];
    size_t length = strlen(directory);

    pti_copy_text(parent, sizeof parent, directory);
    while (length > 1 && parent[length - 1] == '/')
        parent[--length] = '\0';
    while (length > 0 && parent[length - 1] != '/')
        parent[--length] = '\0';
    if (access(length > 0 ? parent : ".", W_OK | X_OK) != 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "--data %s cannot be made: %s", directory, strerror(errno));
    return PINTLE_OK;
}

static enum pintle_status check_data(const char *directory, struct pti_error *error)
{
    struct pti_database_facts facts;
    char path[PTI_PATH_MAX];
    struct stat info;
    enum pintle_status status = pti_file_path(path, directory, PTI_DATABASE_NAME, error);

    if (status != PINTLE_OK)
        return status;
    if (stat(directory, &info) != 0 && errno == ENOENT)
        return check_parent(directory, error);
    if (stat(directory, &info) == 0 && !S_ISDIR(info.st_mode))
        return pti_fail(error, PINTLE_ERR_STORAGE, "--data %s: expected a directory, found something else", directory);
    if (access(directory, R_OK | W_OK | X_OK) != 0)
        return pti_fail(error, PINTLE_ERR_STORAGE, "--data %s cannot be used: %s", directory, strerror(errno));
    return pti_database_look(path, false, &facts, error);
}

static bool is_served(const struct pti_server_options *options, const char *name)
{
    for (size_t i = 0; i < options->served_count; i++)
        if (strcmp(options->served[i].name, name) == 0)
            return true;
    return false;
}

enum pintle_status pti_check_probing(const struct pti_server_options *options, struct pti_error *error)
{
    struct pti_target target;

    if (options->probe_ca && pti_probe_check_ca(options->probe_ca, error) != PINTLE_OK)
        return pti_error_prefix(error, "--probe-ca");
    for (size_t i = 0; i < options->edge_count; i++) {
        if (pti_target_parse(options->edges[i], &target, error) != PINTLE_OK)
            return pti_error_prefix(error, "--edge");
        if (!is_served(options, target.repository))
            return pti_fail(error, PINTLE_ERR_INPUT,
                            "--edge %s: expected [NAME/]HOST with the NAME of a --repo, found \"%s\"",
                            options->edges[i], target.repository);
    }
    return PINTLE_OK;
}

static bool report(const char *kind, enum pintle_status status, const struct pti_error *error)
{
    if (status != PINTLE_OK)
        fprintf(stderr, "pintled: %s%s\n", kind, error->detail);
    return status != PINTLE_OK;
}

static enum pintle_status check_tls(const struct pti_server_options *options, struct pti_error *error)
{
    struct pti_tls *tls = NULL;
    char *authorities = NULL;
    enum pintle_status status = PINTLE_OK;

    if (options->tls_certificate)
        status = pti_tls_open(options->tls_certificate, options->tls_key, &tls, error);
    pti_tls_close(tls);
    if (status == PINTLE_OK && options->admin_client_ca)
        status = pti_tls_load_authorities(options->admin_client_ca, &authorities, error);
    free(authorities);
    return status;
}

/* Returns how many findings keep a server from what it is told to do. */
static int check_all(const struct pti_server_options *options, struct pti_served *served)
{
    struct pti_error error;
    int wrong = 0;

    for (size_t i = 0; i < options->served_count; i++) {
        enum pintle_status status = pti_served_open(&served[i], &error);

        wrong += report("", status, &error);
        if (status == PINTLE_OK)
            report("warning: nothing would be re-signed: ",
                   pti_signer_check(served[i].directory, served[i].keys, &error), &error);
    }
    wrong += report("", pti_check_private(served, options->served_count, options->data, &error), &error);
    wrong += report("", check_tls(options, &error), &error);
    wrong += report("", pti_check_probing(options, &error), &error);
    wrong += report("", check_data(options->data, &error), &error);
    return wrong;
}

int pti_check_config(const struct pti_server_options *options)
{
    struct pti_served *served = calloc(options->served_count, sizeof *served);
    int wrong = 0;

    if (!served) {
        fputs("pintled: no memory for the repositories\n", stderr);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < options->served_count; i++)
        pti_served_init(&served[i], &options->served[i]);
    wrong = check_all(options, served);
    for (size_t i = 0; i < options->served_count; i++)
        pti_served_clear(&served[i]);
    free(served);
    if (wrong > 0)
        return PTI_EXIT_CONFIG;
    printf("pintled: the configuration is in order\n");
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
