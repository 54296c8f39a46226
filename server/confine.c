/* SPDX-License-Identifier: Apache-2.0 */
/* This file and confine_calls.c go beyond POSIX: syscall(2), which glibc hides from a POSIX program. */
#define _DEFAULT_SOURCE

#include "server/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#if defined(__linux__) && defined(SYS_landlock_create_ruleset)
#include <linux/landlock.h>
#define HAVE_LANDLOCK 1
#endif

#define DESCRIPTORS_MAX 65536 /* looked at where there is no list of the open ones */

static void close_listed(DIR *list, int keep)
{
    int own = dirfd(list);

    for (const struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
        long fd = strtol(entry->d_name, NULL, 10); /* "." and ".." read as 0 */

        if (fd > STDERR_FILENO && fd != keep && fd != own)
            close((int)fd);
    }
    closedir(list);
}

static void close_others(int keep)
{
    DIR *list = opendir("/proc/self/fd");
    long max = sysconf(_SC_OPEN_MAX);

    if (list) {
        close_listed(list, keep);
        return;
    }
    if (max < 0 || max > DESCRIPTORS_MAX)
        max = DESCRIPTORS_MAX;
    for (int fd = STDERR_FILENO + 1; fd < max; fd++)
        if (fd != keep)
            close(fd);
}

static bool replace_standard_streams(void)
{
    int null = open("/dev/null", O_RDWR);
    bool replaced = null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0;

    if (null > STDERR_FILENO)
        close(null);
    return replaced;
}

/* stderr may be a file, so a line written there after this fails; the signer speaks through its socket. */
static bool limit_resources(void)
{
    static const struct rlimit none = {0, 0};

    return setrlimit(RLIMIT_NOFILE, &none) == 0 && setrlimit(RLIMIT_FSIZE, &none) == 0 &&
           setrlimit(RLIMIT_CORE, &none) == 0;
}

#if defined(__linux__)

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

static bool drop_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

#if defined(ARCHITECTURE)

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* Everything else fails with EPERM, which a library survives; killing would turn its every whim into an outage. */
static bool filter_system_calls(void)
{
    /* clang-format off */
    static struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_recvfrom), ALLOW(SYS_sendto), ALLOW(SYS_close),
        ALLOW(SYS_mmap), ALLOW(SYS_munmap), ALLOW(SYS_mremap), ALLOW(SYS_mprotect), ALLOW(SYS_madvise), ALLOW(SYS_brk),
        ALLOW(SYS_clock_gettime), ALLOW(SYS_gettimeofday), ALLOW(SYS_getrandom), ALLOW(SYS_futex),
        ALLOW(SYS_getpid), ALLOW(SYS_gettid), ALLOW(SYS_tgkill), ALLOW(SYS_sched_yield),
        ALLOW(SYS_rt_sigaction), ALLOW(SYS_rt_sigprocmask), ALLOW(SYS_rt_sigreturn), ALLOW(SYS_sigaltstack),
        ALLOW(SYS_restart_syscall), ALLOW(SYS_exit), ALLOW(SYS_exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    /* clang-format on */
    static const struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};

    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

#else
static bool filter_system_calls(void)
{
    return false;
}
#endif

#else /* not Linux */

static bool drop_privileges(void)
{
    return true;
}

static bool filter_system_calls(void)
{
    return false;
}

#endif

enum pintle_status pti_confine_signer(int keep, struct pti_error *error)
{
    close_others(keep);
    if (!replace_standard_streams())
        return pti_fail(error, PINTLE_ERR_STORAGE, "the signer cannot open /dev/null: %s", strerror(errno));
    if (!limit_resources() || !drop_privileges())
        return pti_fail(error, PINTLE_ERR_STORAGE, "the signer cannot give up its rights: %s", strerror(errno));
    if (!filter_system_calls())
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED,
                        "no system call filter for the signer: this kernel or this build "
                        "has no seccomp");
    return PINTLE_OK;
}

#if defined(HAVE_LANDLOCK)

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                  \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR)
/* Handled and granted nowhere: whoever takes over the server runs no program and makes no socket or device. */
#define OTHER_RIGHTS                                                                                                   \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_SOCK |                        \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

static bool allow_path(int ruleset, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long added = -1;

    rule.parent_fd = directory;
    if (directory < 0) { /* a file, to which the rights of directories do not apply */
        rule.allowed_access &= FILE_RIGHTS;
        rule.parent_fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (rule.parent_fd < 0)
        return errno == ENOENT;
    added = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0u);
    close(rule.parent_fd);
    return added == 0;
}

static bool allow_paths(int ruleset, const char *const *readable, const char *const *writable)
{
    for (; *readable; readable++)
        if (!allow_path(ruleset, *readable, READ_RIGHTS))
            return false;
    for (; *writable; writable++)
        if (!allow_path(ruleset, *writable, READ_RIGHTS | WRITE_RIGHTS))
            return false;
    return true;
}

enum pintle_status pti_confine_server(const char *const *readable, const char *const *writable, struct pti_error *error)
{
    const struct landlock_ruleset_attr attributes = {.handled_access_fs = READ_RIGHTS | WRITE_RIGHTS | OTHER_RIGHTS};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0u);
    bool confined = false;

    if (ruleset < 0)
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "this kernel has no Landlock (%s)", strerror(errno));
    confined = allow_paths(ruleset, readable, writable) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               syscall(SYS_landlock_restrict_self, ruleset, 0u) == 0;
    close(ruleset);
    if (!confined)
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "Landlock cannot be applied: %s", strerror(errno));
    return PINTLE_OK;
}

#else

enum pintle_status pti_confine_server(const char *const *readable, const char *const *writable, struct pti_error *error)
{
    (void)readable;
    (void)writable;
    return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "this build has no Landlock");
}

#endif
