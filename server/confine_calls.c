/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that the server never makes, and that whoever takes it over would want.  A list of what is forbidden:
 * name resolution, TLS and the database are other people's code, which calls what it likes, and an outage at the next
 * update of theirs would end with somebody switching the filter off.
 */
#define _DEFAULT_SOURCE

#include "server/confine.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

#if defined(__linux__)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif
#endif

/* The leak check of a sanitizer stops its own process as a debugger does. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(ARCHITECTURE)

#define RULES_MAX 256
#define X32_CALLS 0x40000000 /* from here on x86_64 has the same calls once more */

static const int denied[] = {
    /* other programs, and other processes' memory */
    SYS_execve,
    SYS_execveat,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
#if !defined(SANITIZED)
    SYS_ptrace,
#endif
#if defined(SYS_fork)
    SYS_fork,
    SYS_vfork,
#endif
#if defined(SYS_pidfd_getfd)
    SYS_pidfd_getfd,
#endif
    /* another user, another view of the machine */
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_capset,
    SYS_unshare,
    SYS_setns,
    SYS_chroot,
    SYS_pivot_root,
    SYS_mount,
    SYS_umount2,
    SYS_open_by_handle_at,
    SYS_personality,
#if defined(SYS_open_tree)
    SYS_open_tree,
    SYS_move_mount,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
#endif
#if defined(SYS_mount_setattr)
    SYS_mount_setattr,
#endif
    /* the machine itself */
    SYS_acct,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_clock_settime,
    SYS_settimeofday,
    SYS_delete_module,
    SYS_finit_module,
    SYS_init_module,
    SYS_kexec_load,
    SYS_quotactl,
    SYS_reboot,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_swapon,
    SYS_swapoff,
    SYS_syslog,
    SYS_vhangup,
#if defined(SYS_iopl)
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
#endif
#if defined(SYS_kexec_file_load)
    SYS_kexec_file_load,
#endif
    /* parts of the kernel through which others are broken, and ways around this filter */
    SYS_add_key,
    SYS_bpf,
    SYS_keyctl,
    SYS_lookup_dcookie,
    SYS_perf_event_open,
    SYS_request_key,
    SYS_userfaultfd,
#if defined(SYS_io_uring_setup)
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
#endif
};

struct filter {
    struct sock_filter rules[RULES_MAX];
    unsigned short count;
};

static void add(struct filter *filter, unsigned code, unsigned value, unsigned if_true, unsigned if_false)
{
    filter->rules[filter->count++] = (struct sock_filter){(unsigned short)code, (unsigned char)if_true,
                                                          (unsigned char)if_false, value};
}

static void load_number(struct filter *filter)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

static void load_argument(struct filter *filter, unsigned argument)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, args) + 8 * argument, 0, 0);
}

static void refuse(struct filter *filter, int code)
{
    add(filter, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)code, 0, 0);
}

static void deny(struct filter *filter, int call, int code)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1);
    refuse(filter, code);
}

/* Where the bits of mask in its argument are these. */
static void deny_where(struct filter *filter, int call, unsigned argument, unsigned mask, unsigned bits)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 5);
    load_argument(filter, argument);
    add(filter, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, bits, 0, 1);
    refuse(filter, EPERM);
    load_number(filter);
}

static void deny_other_sockets(struct filter *filter)
{
    static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, PTI_COUNT(families) + 3);
    load_argument(filter, 0);
    for (unsigned i = 0; i < PTI_COUNT(families); i++)
        add(filter, BPF_JMP | BPF_JEQ | BPF_K, families[i], PTI_COUNT(families) - i, 0);
    refuse(filter, EAFNOSUPPORT);
    load_number(filter);
}

static void write_filter(struct filter *filter)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    add(filter, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    load_number(filter);
    add(filter, BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 1);
    refuse(filter, ENOSYS);
    for (size_t i = 0; i < PTI_COUNT(denied); i++)
        deny(filter, denied[i], EPERM);
#if defined(SYS_clone3)
    deny(filter, SYS_clone3, ENOSYS); /* its flags lie in memory, where nobody can judge them; libc then calls clone */
#endif
#if !defined(SANITIZED)
    deny_where(filter, SYS_clone, 0, CLONE_THREAD, 0); /* threads are made, processes are not */
#endif
    deny_where(filter, SYS_mmap, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC);
    deny_where(filter, SYS_mprotect, 2, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC);
    deny_where(filter, SYS_ioctl, 1, ~0u, TIOCSTI);
    deny_other_sockets(filter);
    add(filter, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

enum pintle_status pti_confine_calls(struct pti_error *error)
{
    struct filter filter = {.count = 0};
    struct sock_fprog program = {0, filter.rules};

    write_filter(&filter);
    program.len = filter.count;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
        return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "this kernel has no seccomp (%s)", strerror(errno));
    return PINTLE_OK;
}

#else

enum pintle_status pti_confine_calls(struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_UNSUPPORTED, "this build has no seccomp");
}

#endif
