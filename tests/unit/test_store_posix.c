/* SPDX-License-Identifier: Apache-2.0 */
/* The POSIX store: whole blobs or none, one lock, no way out of its directory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "sys/store_posix.h"

static char scratch[64]; /* one directory per test */
static char path[256];

static int make_scratch(void **state)
{
    (void)state;
    strcpy(scratch, "/tmp/pintle-store-XXXXXX");
    return mkdtemp(scratch) != NULL ? 0 : -1;
}

static int remove_scratch(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
    return system(command) == 0 ? 0 : -1;
}

static const char *in_scratch(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static struct pintle_store open_store(void)
{
    struct pintle_store store;
    char detail[256] = "";

    if (pintle_store_posix_init(&store, in_scratch("store"), detail, sizeof(detail)) != PINTLE_OK)
        fail_msg("%s", detail);
    pti_store_posix_set_wait(&store, 50);
    return store;
}

static void save_text(struct pintle_store *store, const char *name, const char *text)
{
    char detail[256] = "";

    if (store->save(store->ctx, name, pti_bytes_text(text), detail, sizeof(detail)) != PINTLE_OK)
        fail_msg("%s", detail);
}

static void assert_blob(struct pintle_store *store, const char *name, const char *want)
{
    struct pti_buf buf;
    struct pintle_sink sink;
    char detail[256] = "";
    bool found = false;

    pti_buf_init(&buf, PTI_STORE_BLOB_MAX);
    sink = pti_buf_sink(&buf);
    if (store->load(store->ctx, name, &sink, &found, detail, sizeof(detail)) != PINTLE_OK)
        fail_msg("%s", detail);
    assert_int_equal(found, want != NULL);
    if (want != NULL)
        assert_true(pti_bytes_equal_text(pti_buf_bytes(&buf), want));
    pti_buf_clear(&buf);
}

static bool exists(const char *name)
{
    struct stat status;

    return lstat(in_scratch(name), &status) == 0;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_scratch(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void blobs_come_back_as_they_were(void **state)
{
    struct pintle_store store = open_store();
    struct pintle_store again;

    (void)state;
    assert_blob(&store, "accepted", NULL);
    save_text(&store, "accepted", "one");
    save_text(&store, "roots", "");
    save_text(&store, "accepted", "the second, longer");
    assert_blob(&store, "accepted", "the second, longer");
    assert_blob(&store, "roots", "");
    again = open_store();
    assert_blob(&again, "accepted", "the second, longer");
    again.free(again.ctx);
    assert_int_equal(store.remove(store.ctx, "accepted", NULL, 0), PINTLE_OK);
    assert_int_equal(store.remove(store.ctx, "accepted", NULL, 0), PINTLE_OK);
    assert_blob(&store, "accepted", NULL);
    store.free(store.ctx);
}

static void modes_keep_others_out(void **state)
{
    struct pintle_store store = open_store();
    struct stat status;

    (void)state;
    save_text(&store, "roots", "x");
    assert_int_equal(stat(in_scratch("store"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(stat(in_scratch("store/roots"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(in_scratch("store/lock"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    store.free(store.ctx);
}

static void only_plain_names_are_taken(void **state)
{
    static const char *const names[] = {NULL,          "",         ".",
                                        "..",          "../roots", "a/b",
                                        "/etc/passwd", "Roots",    "lock",
                                        "root.tmp",    "roots\n",  "a_b",
                                        "r\xc3\xb6ts", "roots ",   "a-name-that-is-longer-than-any-blob-has"};
    struct pintle_store store = open_store();

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct pti_buf buf;
        struct pintle_sink sink;
        char detail[256] = "";
        bool found = true;

        pti_buf_init(&buf, 100);
        sink = pti_buf_sink(&buf);
        assert_int_equal(store.load(store.ctx, names[i], &sink, &found, detail, sizeof(detail)), PINTLE_ERR_STORAGE);
        assert_false(found);
        assert_non_null(strstr(detail, "expected a blob name"));
        assert_int_equal(store.save(store.ctx, names[i], pti_bytes_text("x"), detail, sizeof(detail)),
                         PINTLE_ERR_STORAGE);
        assert_int_equal(store.remove(store.ctx, names[i], detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    }
    assert_false(exists("roots"));
    store.free(store.ctx);
}

/* What stands in place of a blob: reading it must fail without hanging, and must never be taken for an absent blob. */
static void what_is_no_regular_file_is_not_read(void **state)
{
    struct {
        const char *what;
        const char *detail;
    } cases[] = {{"symlink", "symbolic link"},
                 {"dangling", "symbolic link"},
                 {"directory", "regular file"},
                 {"fifo", "regular file"}};
    struct pintle_store store = open_store();

    (void)state;
    write_file("secret", "secret");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pti_buf buf;
        struct pintle_sink sink;
        char detail[256] = "";
        bool found = true;
        int made;

        if (i == 0)
            made = symlink("../secret", in_scratch("store/accepted"));
        else if (i == 1)
            made = symlink("nowhere", in_scratch("store/accepted"));
        else if (i == 2)
            made = mkdir(in_scratch("store/accepted"), 0700);
        else
            made = mkfifo(in_scratch("store/accepted"), 0600);
        assert_int_equal(made, 0);
        pti_buf_init(&buf, 100);
        sink = pti_buf_sink(&buf);
        assert_int_equal(store.load(store.ctx, "accepted", &sink, &found, detail, sizeof(detail)), PINTLE_ERR_STORAGE);
        assert_false(found);
        assert_int_equal(buf.size, 0);
        if (strstr(detail, cases[i].detail) == NULL || strstr(detail, "store/accepted") == NULL)
            fail_msg("%s: %s", cases[i].what, detail);
        assert_int_equal(remove(in_scratch("store/accepted")), 0);
    }
    store.free(store.ctx);
}

/* Replacing is by rename, so a link in place of the blob goes and what it pointed to stays. */
static void a_save_never_writes_through_a_link(void **state)
{
    struct pintle_store store = open_store();
    struct stat status;

    (void)state;
    write_file("victim", "untouched");
    assert_int_equal(symlink("../victim", in_scratch("store/roots")), 0);
    assert_int_equal(symlink("../victim", in_scratch("store/roots.tmp")), 0);
    save_text(&store, "roots", "new");
    assert_blob(&store, "roots", "new");
    assert_int_equal(lstat(in_scratch("store/roots"), &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(stat(in_scratch("victim"), &status), 0);
    assert_int_equal(status.st_size, strlen("untouched"));
    store.free(store.ctx);
}

static void the_leftover_of_a_crash_goes_with_the_next_save(void **state)
{
    struct pintle_store store = open_store();

    (void)state;
    write_file("store/accepted.tmp", "half of a generati");
    assert_blob(&store, "accepted", NULL);
    save_text(&store, "accepted", "whole");
    assert_blob(&store, "accepted", "whole");
    assert_false(exists("store/accepted.tmp"));
    write_file("store/accepted.tmp", "half");
    assert_int_equal(store.remove(store.ctx, "accepted", NULL, 0), PINTLE_OK);
    assert_false(exists("store/accepted.tmp"));
    store.free(store.ctx);
}

static void failures_say_which_file_and_why(void **state)
{
    struct pintle_store store = open_store();
    char detail[256] = "";
    struct pti_buf buf;
    struct pintle_sink sink;
    bool found;

    (void)state;
    save_text(&store, "roots", "old");
    assert_int_equal(mkdir(in_scratch("store/roots.tmp"), 0700), 0);
    assert_int_equal(store.save(store.ctx, "roots", pti_bytes_text("new"), detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(detail, "store/roots.tmp"));
    assert_blob(&store, "roots", "old");
    pti_buf_init(&buf, 2);
    sink = pti_buf_sink(&buf);
    assert_int_equal(store.load(store.ctx, "roots", &sink, &found, detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(detail, "larger than its reader takes"));
    assert_false(found);
    pti_buf_clear(&buf);
    store.free(store.ctx);
}

static void a_store_needs_a_real_directory(void **state)
{
    struct {
        const char *name, *detail;
    } cases[] = {{"absent/store", "No such file"}, {"file", "file"}, {"link", "link"}};
    struct pintle_store store;
    char detail[256];

    (void)state;
    write_file("file", "");
    assert_int_equal(symlink(".", in_scratch("link")), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        detail[0] = '\0';
        assert_int_equal(pintle_store_posix_init(&store, in_scratch(cases[i].name), detail, sizeof(detail)),
                         PINTLE_ERR_STORAGE);
        assert_non_null(strstr(detail, cases[i].detail));
        assert_null(store.ctx);
    }
    assert_int_equal(pintle_store_posix_init(&store, "", detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    assert_int_equal(pintle_store_posix_init(&store, NULL, NULL, 0), PINTLE_ERR_STORAGE);
    assert_int_equal(pintle_store_posix_init(NULL, "x", NULL, 0), PINTLE_ERR_MISUSE);
}

static void two_stores_of_one_process_exclude_each_other(void **state)
{
    struct pintle_store a = open_store(), b = open_store();
    char detail[256] = "", want[64];

    (void)state;
    snprintf(want, sizeof(want), "process %ld (this one)", (long)getpid());
    assert_int_equal(a.lock(a.ctx, detail, sizeof(detail)), PINTLE_OK);
    assert_int_equal(b.lock(b.ctx, detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(detail, want));
    assert_non_null(strstr(detail, "store/lock"));
    /* the holder may change; the other may read but not change */
    save_text(&a, "roots", "by a");
    assert_blob(&b, "roots", "by a");
    assert_int_equal(b.save(b.ctx, "roots", pti_bytes_text("by b"), detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    assert_int_equal(b.remove(b.ctx, "roots", detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    a.unlock(a.ctx);
    a.unlock(a.ctx);
    assert_int_equal(b.lock(b.ctx, detail, sizeof(detail)), PINTLE_OK);
    assert_int_equal(a.lock(a.ctx, detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    b.free(b.ctx); /* drops it */
    assert_int_equal(a.lock(a.ctx, detail, sizeof(detail)), PINTLE_OK);
    a.free(a.ctx);
}

/* Someone tidied up and removed the lock file: those who come later must still exclude each other. */
static void a_removed_lock_file_is_made_anew(void **state)
{
    struct pintle_store a = open_store(), b = open_store(), c = open_store();
    char detail[256] = "";

    (void)state;
    assert_int_equal(a.lock(a.ctx, detail, sizeof(detail)), PINTLE_OK);
    assert_int_equal(unlink(in_scratch("store/lock")), 0);
    a.unlock(a.ctx);
    assert_int_equal(b.lock(b.ctx, detail, sizeof(detail)), PINTLE_OK);
    assert_int_equal(c.lock(c.ctx, detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    a.free(a.ctx);
    b.free(b.ctx);
    c.free(c.ctx);
}

struct counter {
    struct pintle_store *store;
    int *value;
    bool failed;
};

static void *count(void *arg)
{
    struct counter *counter = arg;

    for (int i = 0; i < 200; i++) {
        if (counter->store->lock(counter->store->ctx, NULL, 0) != PINTLE_OK) {
            counter->failed = true;
            break;
        }
        *counter->value += 1;
        counter->store->unlock(counter->store->ctx);
    }
    return NULL;
}

static void two_threads_of_one_store_exclude_each_other(void **state)
{
    struct pintle_store store = open_store();
    int value = 0;
    struct counter counters[2] = {{&store, &value, false}, {&store, &value, false}};
    pthread_t threads[2];

    (void)state;
    pti_store_posix_set_wait(&store, 60000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, &counters[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_false(counters[0].failed || counters[1].failed);
    assert_int_equal(value, 400);
    store.free(store.ctx);
}

static void a_dead_process_holds_no_lock(void **state)
{
    struct pintle_store store = open_store();
    char detail[256] = "", want[64], byte;
    int ready[2];
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct pintle_store mine = open_store();

        if (mine.lock(mine.ctx, NULL, 0) == PINTLE_OK && write(ready[1], "x", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    snprintf(want, sizeof(want), "process %ld;", (long)child);
    assert_int_equal(store.lock(store.ctx, detail, sizeof(detail)), PINTLE_ERR_STORAGE);
    assert_non_null(strstr(detail, want));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(store.lock(store.ctx, detail, sizeof(detail)), PINTLE_OK);
    close(ready[0]);
    close(ready[1]);
    store.free(store.ctx);
}

/* Saves blobs that are one letter throughout, in lengths that differ, until it is killed. */
static void save_for_ever(int ready)
{
    static char blob[150000];
    struct pintle_store mine = open_store();

    for (int i = 0;; i++) {
        size_t size = (size_t)(i % 3 + 1) * 50000;

        memset(blob, 'a' + i % 3, size);
        if (mine.save(mine.ctx, "accepted", (struct pintle_bytes){(uint8_t *)blob, size}, NULL, 0) != PINTLE_OK)
            _exit(1);
        if (i == 0 && write(ready, "x", 1) != 1)
            _exit(1);
    }
}

static void a_crash_at_any_instruction_leaves_a_whole_blob(void **state)
{
    (void)state;
    for (int round = 0; round < 25; round++) {
        struct timespec moment = {0, 100000L + round * 170000L};
        struct pintle_store store = open_store();
        struct pti_buf buf;
        struct pintle_sink sink;
        bool found = false;
        char byte;
        int ready[2];
        pid_t child;

        assert_int_equal(pipe(ready), 0);
        child = fork();
        if (child == 0)
            save_for_ever(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        nanosleep(&moment, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(ready[0]);
        close(ready[1]);
        pti_buf_init(&buf, 1000000);
        sink = pti_buf_sink(&buf);
        assert_int_equal(store.load(store.ctx, "accepted", &sink, &found, NULL, 0), PINTLE_OK);
        assert_true(found && buf.size > 0);
        assert_int_equal(buf.size, (size_t)(buf.data[0] - 'a' + 1) * 50000);
        for (size_t i = 1; i < buf.size; i++)
            if (buf.data[i] != buf.data[0])
                fail_msg("round %d: byte %zu is of another save", round, i);
        pti_buf_clear(&buf);
        save_text(&store, "accepted", "after the crash");
        assert_blob(&store, "accepted", "after the crash");
        assert_false(exists("store/accepted.tmp"));
        store.free(store.ctx);
    }
}

int main(void)
{
#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, make_scratch, remove_scratch)
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(blobs_come_back_as_they_were),
        SCRATCH_TEST(modes_keep_others_out),
        SCRATCH_TEST(only_plain_names_are_taken),
        SCRATCH_TEST(what_is_no_regular_file_is_not_read),
        SCRATCH_TEST(a_save_never_writes_through_a_link),
        SCRATCH_TEST(the_leftover_of_a_crash_goes_with_the_next_save),
        SCRATCH_TEST(failures_say_which_file_and_why),
        SCRATCH_TEST(a_store_needs_a_real_directory),
        SCRATCH_TEST(two_stores_of_one_process_exclude_each_other),
        SCRATCH_TEST(a_removed_lock_file_is_made_anew),
        SCRATCH_TEST(two_threads_of_one_store_exclude_each_other),
        SCRATCH_TEST(a_dead_process_holds_no_lock),
        SCRATCH_TEST(a_crash_at_any_instruction_leaves_a_whole_blob),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
