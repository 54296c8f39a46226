/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>

static struct {
    unsigned kinds;
    long n;
    enum faults_how how;
    int number;
} fault;

static long seen;
static char trace[101];
static unsigned paused;
static bool armed, met;

/* What is to become of a call. */
enum fate { MADE, FAILS, CUT, KILLED_AFTER };

static void die(void)
{
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

static char letter_of(unsigned kind)
{
    const char *letter = "CORWSXNLUTDKMM";

    for (; kind > 1; kind >>= 1)
        letter++;
    return *letter;
}

static enum fate fate_of(unsigned kind)
{
    long number;

    if (!armed || paused > 0 || (fault.kinds & kind) == 0)
        return MADE;
    number = seen++;
    if ((size_t)number < sizeof trace - 1)
        trace[number] = letter_of(kind);
    if (number != fault.n && !(fault.how == FAULTS_FAIL_ON && number > fault.n))
        return MADE;
    met = true;
    switch (fault.how) {
    case FAULTS_FAIL:
    case FAULTS_FAIL_ON:
        errno = fault.number;
        return FAILS;
    case FAULTS_SHORT:
        return CUT;
    case FAULTS_KILL:
        die();
        break;
    case FAULTS_KILL_HALFWAY:
        return KILLED_AFTER;
    }
    return MADE;
}

void faults_arm(unsigned kinds, long n, enum faults_how how, int number)
{
    fault.kinds = kinds;
    fault.n = n;
    fault.how = how;
    fault.number = number;
    seen = 0;
    memset(trace, 0, sizeof trace);
    met = false;
    armed = true;
}

bool faults_disarm(void)
{
    armed = false;
    return met;
}

const char *faults_trace(void)
{
    return trace;
}

void faults_pause(void)
{
    paused++;
}

void faults_resume(void)
{
    paused--;
}

enum faults_end faults_in_child(unsigned kinds, long n, enum faults_how how, int (*run)(void *ctx), void *ctx)
{
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        faults_arm(kinds, n, how, EIO);
        status = run(ctx);
        (void)faults_disarm();
        (void)fflush(NULL);
        _exit(status);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (child < 0)
        return FAULTS_BROKEN;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return FAULTS_KILLED;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? FAULTS_ENDED : FAULTS_BROKEN;
}

#ifdef PTI_FAULTS

bool faults_available(void)
{
    return true;
}

/* What the linker calls the real functions, and where it sends the calls. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_open(const char *path, int flags, ...);
int __real_openat(int at, const char *path, int flags, ...);
ssize_t __real_read(int file, void *data, size_t size);
ssize_t __real_write(int file, const void *data, size_t size);
ssize_t __real_pwrite(int file, const void *data, size_t size, off_t at);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);
ssize_t __wrap_read(int file, void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size);
ssize_t __wrap_pwrite(int file, const void *data, size_t size, off_t at);

void *__wrap_malloc(size_t size)
{
    return fate_of(FAULTS_MEMORY) == FAILS ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fate_of(FAULTS_MEMORY) == FAILS ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fate_of(FAULTS_MEMORY) == FAILS ? NULL : __real_realloc(memory, size);
}

static int done(enum fate fate, int file)
{
    if (fate == KILLED_AFTER)
        die();
    return file;
}

static unsigned kind_of_open(int flags)
{
    return (flags & O_CREAT) != 0 ? FAULTS_CREATE : FAULTS_OPEN;
}

int __wrap_open(const char *path, int flags, ...)
{
    enum fate fate = fate_of(kind_of_open(flags));
    mode_t mode = 0;
    va_list rest;

    va_start(rest, flags);
    if ((flags & O_CREAT) != 0)
        mode = va_arg(rest, mode_t);
    va_end(rest);
    return fate == FAILS ? -1 : done(fate, __real_open(path, flags, mode));
}

int __wrap_openat(int at, const char *path, int flags, ...)
{
    enum fate fate = fate_of(kind_of_open(flags));
    mode_t mode = 0;
    va_list rest;

    va_start(rest, flags);
    if ((flags & O_CREAT) != 0)
        mode = va_arg(rest, mode_t);
    va_end(rest);
    return fate == FAILS ? -1 : done(fate, __real_openat(at, path, flags, mode));
}

static size_t part_of(enum fate fate, size_t size)
{
    return fate == MADE || size < 2 ? size : size / 2;
}

static ssize_t moved(enum fate fate, ssize_t size)
{
    if (fate == KILLED_AFTER)
        die();
    return size;
}

ssize_t __wrap_read(int file, void *data, size_t size)
{
    enum fate fate = fate_of(FAULTS_READ);

    return fate == FAILS ? -1 : moved(fate, __real_read(file, data, part_of(fate, size)));
}

ssize_t __wrap_write(int file, const void *data, size_t size)
{
    enum fate fate = fate_of(FAULTS_WRITE);

    return fate == FAILS ? -1 : moved(fate, __real_write(file, data, part_of(fate, size)));
}

ssize_t __wrap_pwrite(int file, const void *data, size_t size, off_t at)
{
    enum fate fate = fate_of(FAULTS_WRITE);

    return fate == FAILS ? -1 : moved(fate, __real_pwrite(file, data, part_of(fate, size), at));
}

/* Of those that do one thing and return 0. */
#define WRAP(kind, name, parameters, ...)                                                                              \
    int __real_##name parameters;                                                                                      \
    int __wrap_##name parameters;                                                                                      \
    int __wrap_##name parameters                                                                                       \
    {                                                                                                                  \
        enum fate fate = fate_of(kind);                                                                                \
        return fate == FAILS ? -1 : done(fate, __real_##name(__VA_ARGS__));                                            \
    }

WRAP(FAULTS_SYNC, fsync, (int file), file)
WRAP(FAULTS_SYNC, fdatasync, (int file), file)
WRAP(FAULTS_RENAME, rename, (const char *from, const char *to), from, to)
WRAP(FAULTS_RENAME, renameat, (int at, const char *from, int to_at, const char *to), at, from, to_at, to)
WRAP(FAULTS_LINK, link, (const char *from, const char *to), from, to)
WRAP(FAULTS_LINK, linkat, (int at, const char *from, int to_at, const char *to, int flags), at, from, to_at, to, flags)
WRAP(FAULTS_LINK, symlink, (const char *content, const char *path), content, path)
WRAP(FAULTS_LINK, symlinkat, (const char *content, int at, const char *path), content, at, path)
WRAP(FAULTS_UNLINK, unlink, (const char *path), path)
WRAP(FAULTS_UNLINK, unlinkat, (int at, const char *path, int flags), at, path, flags)
WRAP(FAULTS_UNLINK, rmdir, (const char *path), path)
WRAP(FAULTS_TRUNCATE, truncate, (const char *path, off_t size), path, size)
WRAP(FAULTS_TRUNCATE, ftruncate, (int file, off_t size), file, size)
WRAP(FAULTS_MKDIR, mkdir, (const char *path, mode_t mode), path, mode)
WRAP(FAULTS_MKDIR, mkdirat, (int at, const char *path, mode_t mode), at, path, mode)
WRAP(FAULTS_LOCK, flock, (int file, int operation), file, operation)

/* A close that fails has closed the file all the same, as on Linux. */
int __real_close(int file);
int __wrap_close(int file);

int __wrap_close(int file)
{
    enum fate fate = fate_of(FAULTS_CLOSE);
    int result = done(fate, __real_close(file));

    if (fate != FAILS)
        return result;
    errno = fault.number;
    return -1;
}

#ifdef OPENSSL_IS_BORINGSSL

/* BoringSSL takes its memory from these if the program has them; it wants to know the size of what it gives back. */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *memory);
size_t OPENSSL_memory_get_size(void *memory);

union block {
    size_t size;
    max_align_t aligned;
};

void *OPENSSL_memory_alloc(size_t size)
{
    union block *block = fate_of(FAULTS_OPENSSL) == FAILS ? NULL : __real_malloc(sizeof *block + size);

    if (block == NULL)
        return NULL;
    block->size = size;
    return block + 1;
}

void OPENSSL_memory_free(void *memory)
{
    if (memory != NULL)
        free((union block *)memory - 1);
}

size_t OPENSSL_memory_get_size(void *memory)
{
    return memory != NULL ? ((union block *)memory - 1)->size : 0;
}

bool faults_hook_openssl(void)
{
    return true;
}

#else

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 || fate_of(FAULTS_OPENSSL) == FAILS ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return fate_of(FAULTS_OPENSSL) == FAILS ? NULL : __real_realloc(memory, size);
}

static void openssl_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

bool faults_hook_openssl(void)
{
    return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;
}

#endif

#else

bool faults_available(void)
{
    return false;
}

bool faults_hook_openssl(void)
{
    return true;
}

#endif
