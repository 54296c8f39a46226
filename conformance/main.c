/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pintle-tuf: the command line of theupdateframework/tuf-conformance over lib/tuf, so that the engine is judged by
 * somebody else's tests.  Exits with 0 or 1 and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include <pintle/clock.h>
#include <pintle/crypto.h>
#include <pintle/curl_transport.h>

#include "conformance/download.h"
#include "conformance/metadata_directory.h"

static const char usage[] =
    "usage: pintle-tuf --metadata-dir DIR init ROOT\n"
    "       pintle-tuf --metadata-dir DIR --metadata-url URL refresh\n"
    "       pintle-tuf --metadata-dir DIR --metadata-url URL --target-base-url URL --target-dir DIR "
    "--target-name NAME ... download\n"
    "\n"
    "A plain TUF client (specification 1.0.34) for conformance tests.  init keeps the trusted root, refresh brings the\n"
    "metadata up to date, download refreshes and then fetches targets, in order, until one fails.  Exit code 0 or 1.\n"
    "\n"
    "options:\n"
    "  --metadata-dir DIR     where verified metadata are kept; made if it is missing\n"
    "  --metadata-url URL     where metadata are fetched from\n"
    "  --target-base-url URL  where targets are fetched from\n"
    "  --target-dir DIR       where targets are kept; made if it is missing\n"
    "  --target-name NAME     the path of a target; repeat it for several\n"
    "  --help                 print this text\n";

#define TARGETS_MAX 256
#define ALLOWED_MS (300 * 1000) /* for the metadata, and again for each target */

struct arguments {
    const char *metadata_dir, *metadata_url, *target_dir, *target_base_url, *command, *root;
    const char *targets[TARGETS_MAX];
    size_t target_count;
};

static enum pintle_status take_option(struct arguments *arguments, const char *option, const char *value,
                                      struct pti_error *error)
{
    const struct {
        const char *name;
        const char **place;
    } single[] = {{"--metadata-dir", &arguments->metadata_dir},
                  {"--metadata-url", &arguments->metadata_url},
                  {"--target-dir", &arguments->target_dir},
                  {"--target-base-url", &arguments->target_base_url}};

    if (value == NULL)
        return pti_fail(error, PINTLE_ERR_INPUT, "expected a value after %s", option);
    if (strcmp(option, "--target-name") == 0 && arguments->target_count < TARGETS_MAX) {
        arguments->targets[arguments->target_count++] = value;
        return PINTLE_OK;
    }
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        if (strcmp(option, single[i].name) == 0) {
            *single[i].place = value;
            return PINTLE_OK;
        }
    }
    return pti_fail(error, PINTLE_ERR_INPUT, "%s: unknown, or too often; see --help", option);
}

static enum pintle_status parse(int argc, char **argv, struct arguments *arguments, struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    for (int i = 1; i < argc && status == PINTLE_OK; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            status = take_option(arguments, argv[i], argv[i + 1], error);
            i++;
        } else if (arguments->command == NULL) {
            arguments->command = argv[i];
        } else if (arguments->root == NULL && strcmp(arguments->command, "init") == 0) {
            arguments->root = argv[i];
        } else {
            status = pti_fail(error, PINTLE_ERR_INPUT, "%s: one word too many; see --help", argv[i]);
        }
    }
    return status;
}

static enum pintle_status need(const char *value, const char *option, struct pti_error *error)
{
    return value != NULL ? PINTLE_OK : pti_fail(error, PINTLE_ERR_INPUT, "expected %s; see --help", option);
}

/* Else a target called root.json would be taken for the trusted root. */
static enum pintle_status check_apart(const struct arguments *arguments, struct pti_error *error)
{
    struct stat metadata, targets;

    if (stat(arguments->target_dir, &targets) != 0 || stat(arguments->metadata_dir, &metadata) != 0 ||
        targets.st_dev != metadata.st_dev || targets.st_ino != metadata.st_ino)
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT, "expected two directories, found %s as --metadata-dir and --target-dir",
                    arguments->target_dir);
}

static enum pintle_status download_all(const struct arguments *arguments, struct pti_updater *updater,
                                       struct pti_fetcher *fetcher, struct pti_error *error)
{
    int lock;
    enum pintle_status status = pti_directory_hold(arguments->target_dir, ALLOWED_MS, &lock, error);

    for (size_t i = 0; i < arguments->target_count && status == PINTLE_OK; i++) {
        pti_fetcher_allow(fetcher, ALLOWED_MS);
        status = pti_download(updater, fetcher, arguments->target_base_url, arguments->target_dir,
                              arguments->targets[i], error);
    }
    if (lock >= 0)
        (void)close(lock);
    return status;
}

static enum pintle_status check(const struct arguments *arguments, bool download, struct pti_error *error)
{
    enum pintle_status status = need(arguments->metadata_url, "--metadata-url", error);

    if (status == PINTLE_OK && download)
        status = need(arguments->target_dir, "--target-dir", error);
    if (status == PINTLE_OK && download)
        status = need(arguments->target_base_url, "--target-base-url", error);
    if (status == PINTLE_OK && download && arguments->target_count == 0)
        status = need(NULL, "--target-name", error);
    if (status == PINTLE_OK && download)
        status = check_apart(arguments, error);
    return status;
}

static enum pintle_status update(const struct arguments *arguments, struct pintle_crypto *crypto,
                                 struct pti_error *error)
{
    struct pintle_transport transport;
    struct pintle_clock clock;
    struct pti_fetcher fetcher = {&transport, &clock, 0};
    struct pti_metadata_directory directory = {arguments->metadata_dir, arguments->metadata_url, &fetcher};
    struct pti_updater_io io = pti_metadata_directory_io(&directory);
    struct pti_updater updater;
    bool download = strcmp(arguments->command, "download") == 0;
    enum pintle_status status = check(arguments, download, error);
    int lock = -1;

    if (status == PINTLE_OK)
        status = pti_directory_hold(arguments->metadata_dir, ALLOWED_MS, &lock, error);
    if (status != PINTLE_OK)
        return status;
    pintle_clock_system_init(&clock);
    pti_updater_init(&updater, &io, PTI_TUF_KEYIDS_ANY, crypto, clock.now(clock.ctx));
    if (pintle_curl_transport_init(&transport, NULL) != PINTLE_OK) {
        status = pti_fail(error, PINTLE_ERR_MEMORY, "no transport");
    } else {
        pti_fetcher_allow(&fetcher, ALLOWED_MS);
        status = pti_updater_refresh(&updater, error);
        if (status == PINTLE_OK && download)
            status = download_all(arguments, &updater, &fetcher, error);
        transport.free(transport.ctx);
    }
    pti_updater_clear(&updater);
    (void)close(lock);
    return status;
}

static enum pintle_status run(const struct arguments *arguments, struct pti_error *error)
{
    struct pti_metadata_directory directory = {arguments->metadata_dir, NULL, NULL};
    struct pintle_crypto *crypto;
    enum pintle_status status = need(arguments->command, "init, refresh or download", error);

    if (status == PINTLE_OK)
        status = need(arguments->metadata_dir, "--metadata-dir", error);
    if (status != PINTLE_OK)
        return status;
    if (pintle_crypto_openssl_new(&crypto) != PINTLE_OK)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no crypto provider");
    if (strcmp(arguments->command, "init") == 0) {
        status = need(arguments->root, "the file of a trusted root", error);
        if (status == PINTLE_OK)
            status = pti_metadata_directory_start(&directory, arguments->root, crypto, error);
    } else if (strcmp(arguments->command, "refresh") == 0 || strcmp(arguments->command, "download") == 0) {
        status = update(arguments, crypto, error);
    } else {
        status = pti_fail(error, PINTLE_ERR_INPUT, "expected init, refresh or download, found %.40s",
                          arguments->command);
    }
    pintle_crypto_free(crypto);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.command = NULL};
    struct pti_error error;
    enum pintle_status status;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) < 0 || fflush(stdout) != 0;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    status = parse(argc, argv, &arguments, &error);
    if (status == PINTLE_OK)
        status = run(&arguments, &error);
    if (status != PINTLE_OK)
        (void)fprintf(stderr, "pintle-tuf: %s\n", error.detail);
    curl_global_cleanup();
    return status == PINTLE_OK ? 0 : 1;
}
