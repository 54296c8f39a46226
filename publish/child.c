/* SPDX-License-Identifier: Apache-2.0 */
#include "publish/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 50          /* how often to look whether it has ended while something keeps its streams open */
#define LOOK_CLOSED_MS 2    /* and once they are closed: it is about to */
#define FORWARDED_MAX 65536 /* bytes of standard error that go to said; the rest is read and dropped */

enum { IN, OUT, ERR, PIPES };

struct child {
    pid_t pid;
    int fds[PIPES]; /* our ends; -1 once closed */
    struct pintle_bytes input;
    void (*said)(void *ctx, struct pintle_bytes text);
    void *ctx;
    size_t forwarded;
    struct pti_child_result *result;
};

static int64_t now_ms(void)
{
    struct timespec time = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* ---- starting ---- */

static bool make_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        ends[0] = ends[1] = -1;
        return false;
    }
    return fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0;
}

/* In the child: only what is safe between fork and exec. */
static void become(char *const *arguments, const int streams[PIPES], int report)
{
    static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP};
    struct sigaction usual;
    sigset_t none;
    int why;

    memset(&usual, 0, sizeof(usual));
    usual.sa_handler = SIG_DFL;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)sigaction(ignored[i], &usual, NULL);
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(streams[IN], STDIN_FILENO) >= 0 && dup2(streams[OUT], STDOUT_FILENO) >= 0 &&
        dup2(streams[ERR], STDERR_FILENO) >= 0)
        (void)execv(arguments[0], arguments);
    why = errno;
    while (write(report, &why, sizeof(why)) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

/* What exec failed with: the pipe closes without a word once it has succeeded. */
static int exec_failure(int report)
{
    int why = 0;
    ssize_t got;

    do
        got = read(report, &why, sizeof(why));
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof(why) ? why : 0;
}

static enum pintle_status cannot_start(const char *program, int why, struct pti_error *error)
{
    return pti_fail(error, PINTLE_ERR_STORAGE, "%.200s cannot be run: %s; check %s", program, strerror(why),
                    why == ENOENT    ? "the path"
                    : why == EACCES  ? "its mode, and that of the directories above it"
                    : why == ENOEXEC ? "its first line, \"#!/...\""
                                     : "the limits of this machine");
}

static enum pintle_status start(struct child *child, char *const *arguments, struct pti_error *error)
{
    int pipes[PIPES + 1][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    int *const report = pipes[PIPES];
    bool made = true;
    int why = 0;

    for (int i = 0; i <= PIPES && made; i++)
        made = make_pipe(pipes[i]);
    child->pid = made ? fork() : -1;
    if (child->pid == 0) {
        const int streams[PIPES] = {pipes[IN][0], pipes[OUT][1], pipes[ERR][1]};
        become(arguments, streams, report[1]);
    }
    if (child->pid < 0)
        why = errno;
    close_fd(&pipes[IN][0]);
    close_fd(&pipes[OUT][1]);
    close_fd(&pipes[ERR][1]);
    close_fd(&report[1]);
    child->fds[IN] = pipes[IN][1];
    child->fds[OUT] = pipes[OUT][0];
    child->fds[ERR] = pipes[ERR][0];
    if (child->pid > 0)
        why = exec_failure(report[0]);
    close_fd(&report[0]);
    if (why != 0 && child->pid > 0)
        (void)waitpid(child->pid, NULL, 0);
    for (int i = 0; i < PIPES && why != 0; i++)
        close_fd(&child->fds[i]);
    for (int i = 0; i < PIPES && why == 0; i++)
        if (fcntl(child->fds[i], F_SETFL, O_NONBLOCK) != 0)
            close_fd(&child->fds[i]);
    return why == 0 ? PINTLE_OK : cannot_start(arguments[0], why, error);
}

/* ---- the three streams ---- */

static void feed(struct child *child)
{
    ssize_t done = write(child->fds[IN], child->input.data, child->input.size);

    if (done > 0) {
        child->input.data += done;
        child->input.size -= (size_t)done;
    }
    /* A program that does not want all of it may still sign rightly. */
    if ((done < 0 && errno != EAGAIN && errno != EINTR) || child->input.size == 0)
        close_fd(&child->fds[IN]);
}

/* The end of what it said, on one line. */
static void remember(struct pti_child_result *result, const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool printable = text[i] >= 0x20 && text[i] < 0x7f;

        if (result->said_size == sizeof(result->said)) {
            memmove(result->said, result->said + 1, sizeof(result->said) - 1);
            result->said_size--;
        }
        if (printable || (result->said_size > 0 && result->said[result->said_size - 1] != ' '))
            result->said[result->said_size++] = printable ? (char)text[i] : ' ';
    }
}

/* False: nothing more for now. */
static bool listen_to(struct child *child)
{
    uint8_t block[512];
    ssize_t got = read(child->fds[ERR], block, sizeof(block));

    if (got > 0) {
        size_t left = FORWARDED_MAX - child->forwarded;
        size_t size = (size_t)got < left ? (size_t)got : left;

        remember(child->result, block, (size_t)got);
        if (child->said != NULL && size > 0)
            child->said(child->ctx, (struct pintle_bytes){block, size});
        child->forwarded += size;
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_fd(&child->fds[ERR]);
    return false;
}

static bool take(struct child *child)
{
    struct pti_child_result *result = child->result;
    uint8_t more;
    bool full = result->output_size == sizeof(result->output);
    ssize_t got = read(child->fds[OUT], full ? &more : result->output + result->output_size,
                       full ? 1 : sizeof(result->output) - result->output_size);

    if (got > 0 && full)
        result->end = PTI_CHILD_TOO_LOUD;
    else if (got > 0)
        result->output_size += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_fd(&child->fds[OUT]);
    return got > 0 && !full;
}

static void exchange(struct child *child, int64_t wait_ms)
{
    struct pollfd polled[PIPES] = {
        {child->fds[IN], POLLOUT, 0}, {child->fds[OUT], POLLIN, 0}, {child->fds[ERR], POLLIN, 0}};
    int64_t look = child->fds[OUT] < 0 && child->fds[ERR] < 0 ? LOOK_CLOSED_MS : LOOK_MS;

    if (poll(polled, PIPES, (int)(wait_ms < look ? wait_ms : look)) <= 0)
        return;
    if (polled[IN].revents != 0)
        feed(child);
    if (polled[OUT].revents != 0)
        (void)take(child);
    if (polled[ERR].revents != 0)
        (void)listen_to(child);
}

/* ---- until it ends ---- */

static bool has_ended(struct child *child)
{
    int status = 0;

    if (waitpid(child->pid, &status, WNOHANG) != child->pid)
        return false;
    child->pid = -1;
    child->result->end = WIFSIGNALED(status) ? PTI_CHILD_SIGNALLED : PTI_CHILD_EXITED;
    child->result->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

static void kill_it(struct child *child)
{
    (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    child->pid = -1;
}

static void run(struct child *child, int64_t timeout_s)
{
    struct pti_child_result *result = child->result;
    int64_t deadline = now_ms() + timeout_s * 1000;

    while (!has_ended(child)) {
        int64_t left = deadline - now_ms();

        if (left <= 0)
            result->end = PTI_CHILD_TIMED_OUT;
        if (left > 0)
            exchange(child, left);
        if (result->end != PTI_CHILD_EXITED) {
            kill_it(child);
            return;
        }
    }
    /* What it wrote before it ended is in the pipes; who else holds them open is not waited for. */
    while (child->fds[OUT] >= 0 && take(child))
        continue;
    for (size_t i = 0; i < FORWARDED_MAX / 512 && child->fds[ERR] >= 0 && listen_to(child); i++)
        continue;
}

enum pintle_status pti_child_run(char *const *arguments, struct pintle_bytes input, int64_t timeout_s,
                                 void (*said)(void *ctx, struct pintle_bytes text), void *ctx,
                                 struct pti_child_result *result, struct pti_error *error)
{
    struct child child = {.pid = -1, .fds = {-1, -1, -1}, .input = input, .said = said, .ctx = ctx, .result = result};
    struct sigaction ignore, before;
    enum pintle_status status;

    memset(result, 0, sizeof(*result));
    memset(&ignore, 0, sizeof(ignore));
    ignore.sa_handler = SIG_IGN;
    sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGPIPE, &ignore, &before);
    status = start(&child, arguments, error);
    if (status == PINTLE_OK)
        run(&child, timeout_s);
    for (int i = 0; i < PIPES; i++)
        close_fd(&child.fds[i]);
    (void)sigaction(SIGPIPE, &before, NULL);
    return status;
}
