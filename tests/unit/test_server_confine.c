/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* syscall(2) */
/* What a process can still do once it has given up its rights.  Each test confines a child and asks it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/confine.h"

enum { UNSUPPORTED = 100 }; /* exit status of a child: this kernel cannot; 0: all is well; else the line that failed */

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__ % 100;                                                                                     \
    } while (0)

static char scratch[64];

static const char *in_scratch(const char *name)
{
    static char path[4][160];
    static unsigned next;
    char *out = path[next++ % 4];

    snprintf(out, sizeof path[0], "%s/%s", scratch, name);
    return out;
}

static int make_scratch(void **state)
{
    int fd = -1;

    (void)state;
    snprintf(scratch, sizeof scratch, "/tmp/pintle-confine-XXXXXX");
    if (!mkdtemp(scratch) || mkdir(in_scratch("readable"), 0700) != 0 || mkdir(in_scratch("writable"), 0700) != 0 ||
        mkdir(in_scratch("keys"), 0700) != 0)
        return -1;
    fd = open(in_scratch("readable/file"), O_CREAT | O_WRONLY, 0600);
    close(fd);
    fd = open(in_scratch("keys/timestamp.pem"), O_CREAT | O_WRONLY, 0600);
    return fd < 0 ? -1 : close(fd);
}

static int remove_scratch(void **state)
{
    static const char *const names[] = {"readable/file", "readable",           "writable/moved",
                                        "writable",      "keys/timestamp.pem", "keys"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        remove(in_scratch(names[i]));
    return rmdir(scratch);
}

static void run_child(int (*child)(void))
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0)
        _exit(child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("the child was killed by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == UNSUPPORTED)
        skip();
    if (WEXITSTATUS(status) != 0)
        fail_msg("the expectation at line x%02d of this file failed in the child", WEXITSTATUS(status));
}

static int server_child(void)
{
    const char *const readable[] = {in_scratch("readable"), in_scratch("absent"), NULL};
    const char *const writable[] = {in_scratch("writable"), NULL};
    struct pti_error error;
    int fd = -1;

    if (pti_confine_server(readable, writable, &error) == PINTLE_ERR_UNSUPPORTED)
        return UNSUPPORTED;
    EXPECT(open(in_scratch("keys/timestamp.pem"), O_RDONLY) < 0 && errno == EACCES);
    EXPECT(open(in_scratch("keys"), O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
    EXPECT(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
    EXPECT(open(in_scratch("readable/file"), O_WRONLY) < 0 && errno == EACCES);
    EXPECT(open(in_scratch("readable/new"), O_CREAT | O_WRONLY, 0600) < 0 && errno == EACCES);
    EXPECT((fd = open(in_scratch("readable/file"), O_RDONLY)) >= 0 && close(fd) == 0);
    EXPECT((fd = open(in_scratch("writable/new"), O_CREAT | O_WRONLY, 0600)) >= 0 && fsync(fd) == 0 && close(fd) == 0);
    EXPECT(rename(in_scratch("writable/new"), in_scratch("writable/moved")) == 0);
    EXPECT((fd = open(in_scratch("writable"), O_RDONLY | O_DIRECTORY)) >= 0 && fsync(fd) == 0);
    EXPECT(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EACCES);
    EXPECT(link(in_scratch("keys/timestamp.pem"), in_scratch("writable/key")) != 0);
    return 0;
}

static void the_server_cannot_read_the_keys(void **state)
{
    (void)state;
    run_child(server_child);
}

static void *do_nothing(void *argument)
{
    return argument;
}

static int calls_child(void)
{
    pthread_t thread;
    struct pti_error error;
    void *memory;
    int fd = -1;

    if (pti_confine_calls(&error) == PINTLE_ERR_UNSUPPORTED)
        return UNSUPPORTED;
    EXPECT(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EPERM);
#if !defined(__has_feature) /* gcc: clang's builds are sanitized, and those may fork and trace for their leak check */
    EXPECT(fork() < 0 && errno == EPERM);
    EXPECT(syscall(SYS_ptrace, 0, 0, 0, 0) < 0 && errno == EPERM);
#endif
    EXPECT(syscall(SYS_unshare, 0) < 0 && errno == EPERM);
    EXPECT(syscall(SYS_setuid, getuid()) < 0 && errno == EPERM);
    EXPECT(syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL) < 0 && errno == EPERM);
    EXPECT(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
    EXPECT(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM);
    EXPECT(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
#if defined(__x86_64__)
    EXPECT(syscall(0x40000000 + SYS_getpid) < 0 && errno == ENOSYS);
#endif
    EXPECT(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
           errno == EPERM);
    memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED && mprotect(memory, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) < 0 && errno == EPERM);
    EXPECT(socket(AF_PACKET, SOCK_DGRAM, 0) < 0 && errno == EAFNOSUPPORT);
    EXPECT(socket(AF_ALG, SOCK_SEQPACKET, 0) < 0 && errno == EAFNOSUPPORT);
    EXPECT((fd = socket(AF_INET, SOCK_STREAM, 0)) >= 0 && close(fd) == 0);
    EXPECT((fd = socket(AF_INET6, SOCK_STREAM, 0)) >= 0 || errno == EAFNOSUPPORT);
    EXPECT((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0 && close(fd) == 0);
    EXPECT((fd = socket(AF_NETLINK, SOCK_RAW, 0)) >= 0 && close(fd) == 0);
    EXPECT(pthread_create(&thread, NULL, do_nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
    EXPECT(open("/dev/null", O_RDONLY) >= 0 && kill(getpid(), 0) == 0);
    return 0;
}

static void the_server_makes_no_process_and_no_machine(void **state)
{
    (void)state;
    run_child(calls_child);
}

static int signer_child(void)
{
    struct pti_error error;
    struct stat status;
    int pair[2], kept = -1;
    char byte = 'x';

    EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    kept = pair[1];
    if (pti_confine_signer(kept, &error) == PINTLE_ERR_UNSUPPORTED)
        return UNSUPPORTED;
    EXPECT(send(kept, &byte, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE); /* the other end was closed with all the rest */
    EXPECT(open("/dev/null", O_RDONLY) < 0);
    EXPECT(socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM);
    EXPECT(fork() < 0);
    EXPECT(execl("/bin/true", "true", (char *)NULL) < 0);
    EXPECT(stat("/", &status) < 0 && errno == EPERM);
    EXPECT(read(STDIN_FILENO, &byte, 1) == 0);
    free(malloc(1 << 22)); /* memory is still to be had */
    return 0;
}

static void the_signer_can_only_read_write_and_compute(void **state)
{
    (void)state;
    run_child(signer_child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_server_cannot_read_the_keys, make_scratch, remove_scratch),
        cmocka_unit_test(the_server_makes_no_process_and_no_machine),
        cmocka_unit_test(the_signer_can_only_read_write_and_compute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
