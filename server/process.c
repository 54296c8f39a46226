/* SPDX-License-Identifier: Apache-2.0 */
#include "server/process.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "publish/file.h"
#include "server/confine.h"
#include "server/log.h"

#define READABLE_COMMON_MAX 32
#define WRITABLE_EACH 4         /* in a repository */
#define DESCRIPTORS_BESIDE 2048 /* beside those of connections: files that go out on them, the database, signers */

void pti_process_prepare(sigset_t *signals)
{
    /* A look-up, which nothing can end, is over before a stop is. */
    (void)setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk, not the end */
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, signals, NULL); /* threads inherit it: they are taken where one waits for them */
}

unsigned pti_process_allow_connections(int64_t wanted)
{
    const rlim_t needed = (rlim_t)wanted + DESCRIPTORS_BESIDE;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return (unsigned)wanted;
    if (files.rlim_cur < needed) {
        files.rlim_cur = files.rlim_max < needed ? files.rlim_max : needed;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur >= needed)
        return (unsigned)wanted;
    wanted = files.rlim_cur > 2 * DESCRIPTORS_BESIDE ? (int64_t)files.rlim_cur - DESCRIPTORS_BESIDE
                                                     : (int64_t)files.rlim_cur / 2;
    pti_log(PTI_LOG_WARNING, "connections: only %" PRId64 " can be open at once, for want of descriptors (ulimit -n)",
            wanted);
    return (unsigned)wanted;
}

/* What the server may reach from now on. */
struct reach {
    const char *readable[PTI_SERVED_MAX + READABLE_COMMON_MAX + 1], *writable[PTI_SERVED_MAX * WRITABLE_EACH + 2];
    size_t readable_count, writable_count;
    char (*paths)[PTI_PATH_MAX]; /* into which the above point */
};

static enum pintle_status reach_repositories(struct reach *reach, const struct pti_served *served, size_t count,
                                             struct pti_error *error)
{
    static const char *const names[] = {"repository.json", "public", "app", "stage", "lock"};
    size_t each = sizeof names / sizeof names[0];
    enum pintle_status status = PINTLE_OK;

    reach->paths = calloc(count * each, sizeof *reach->paths);
    if (!reach->paths)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the paths of the repositories");
    for (size_t i = 0; i < count * each && status == PINTLE_OK; i++) {
        status = pti_file_path(reach->paths[i], served[i / each].directory, names[i % each], error);
        if (i % each == 0)
            reach->readable[reach->readable_count++] = reach->paths[i];
        else
            reach->writable[reach->writable_count++] = reach->paths[i];
    }
    return status;
}

void pti_process_confine(const struct pti_server_options *options, const struct pti_served *served, size_t count)
{
    static const char *const readable[] = {
        "/dev/null", "/dev/urandom", "/proc/self",
        /* names and authorities of those whom it connects to */
        "/etc/resolv.conf", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/etc/hosts",
        "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf", "/usr/lib/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"};
    struct reach reach = {.writable = {options->data}, .writable_count = 1};
    struct pti_error error;
    enum pintle_status status = reach_repositories(&reach, served, count, &error);

    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++)
        reach.readable[reach.readable_count++] = readable[i];
    if (options->probe_ca)
        reach.readable[reach.readable_count++] = options->probe_ca;
    if (status == PINTLE_OK)
        status = pti_confine_server(reach.readable, reach.writable, &error);
    free(reach.paths);
    if (status != PINTLE_OK)
        pti_log(PTI_LOG_WARNING, "the server could read the key files, as it is not confined: %s", error.detail);
    if (pti_confine_calls(&error) != PINTLE_OK)
        pti_log(PTI_LOG_WARNING, "the server is not kept from any system call: %s", error.detail);
}
