/* SPDX-License-Identifier: Apache-2.0 */
/* `pintle logfeed` */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/encode.h"
#include "base/json_write.h"
#include "cli/api.h"
#include "cli/commands.h"
#include "cli/log_feed.h"
#include "cli/log_files.h"
#include "cli/log_summary.h"
#include "publish/file.h"

#define BLOCK_SIZE 65536
#define STATE_SIZE_MAX 2000000
#define ANSWER_SIZE_MAX 65536
#define DRY_ROWS_MAX 100000
#define STREAM_FLUSH_S 60 /* what came from standard input waits so long at most */
#define RETRY_MS 10000

struct run {
    struct pti_cli *cli;
    struct pti_api api;
    struct pintle_crypto *crypto;
    const char *path, *state_path, *repository;
    bool stream, dry;
    struct pti_log_state state;
    struct pti_log_feed feed;
    int64_t counted, refused; /* hits, as the server says */
    bool lost;
    int lock;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* ---- the state ---- */

static enum pintle_status random_bytes(struct run *run, uint8_t *out, size_t size)
{
    if (RAND_bytes(out, (int)size) != 1)
        return pti_fail(&run->cli->error, PINTLE_ERR_UNSUPPORTED, "OpenSSL has no random bytes");
    return PINTLE_OK;
}

static enum pintle_status load_state(struct run *run, uint32_t per_source)
{
    uint8_t key[PTI_SOURCES_KEY_SIZE] = {0};
    struct pintle_bytes text = {NULL, 0};
    bool found = false;
    enum pintle_status status = random_bytes(run, key, sizeof key);

    pti_log_state_init(&run->state, key, per_source);
    if (status != PINTLE_OK || !run->state_path)
        return status;
    status = pti_file_read_optional(run->state_path, STATE_SIZE_MAX, &text, &found, &run->cli->error);
    if (status == PINTLE_OK && found && pti_log_state_parse(text, &run->state, &run->cli->error) != PINTLE_OK)
        status = pti_error_prefix(
            &run->cli->error,
            "%.300s is not what logfeed wrote; restore it, or remove it, which counts the log from "
            "its start again",
            run->state_path);
    pti_bytes_free(&text);
    return status;
}

/* Two runs at once would count the same lines. */
static enum pintle_status lock_state(struct run *run)
{
    char path[PTI_PATH_MAX];

    if (!run->state_path || run->dry)
        return PINTLE_OK;
    if (strlen(run->state_path) + sizeof ".lock" > sizeof path)
        return pti_cli_usage(run->cli, "--state is too long");
    (void)snprintf(path, sizeof path, "%s.lock", run->state_path);
    if (pti_file_lock(path, 0, &run->lock, &run->cli->error) != PINTLE_OK)
        return pti_error_prefix(&run->cli->error, "another logfeed may be running with --state %.200s",
                                run->state_path);
    return PINTLE_OK;
}

static enum pintle_status save_state(struct run *run)
{
    struct pti_buf text;
    enum pintle_status status;

    if (!run->state_path || run->dry)
        return PINTLE_OK;
    pti_buf_init(&text, STATE_SIZE_MAX);
    pti_log_state_write(&run->state, &text);
    status = pti_buf_check(&text, &run->cli->error, "the state");
    if (status == PINTLE_OK)
        status = pti_file_replace(run->state_path, pti_buf_bytes(&text), 0600, &run->cli->error);
    pti_buf_clear(&text);
    return status;
}

/* ---- sending ---- */

static void write_body(const struct run *run, struct pti_buf *out)
{
    struct pti_json_writer json;

    pti_json_writer_init(&json, out, false);
    pti_json_begin_object(&json, NULL);
    pti_json_put_text(&json, "batch", run->state.batch);
    pti_json_put_text(&json, "repository", run->repository);
    pti_json_put_raw(&json, "rows", pti_buf_bytes(&run->state.rows));
    pti_json_end_object(&json);
}

static enum pintle_status judge_answer(struct run *run, long code, struct pintle_bytes answer)
{
    struct pti_json *json = NULL;
    struct pintle_bytes why = {NULL, 0};
    int64_t counted = 0, refused = 0;
    bool known = false;
    enum pintle_status status = pti_json_parse(answer, &json, NULL);
    const struct pti_json_value *root = pti_json_root(json);

    if (status == PINTLE_OK && code == 200 && pti_json_get_bool(root, "known", &known, NULL) == PINTLE_OK &&
        pti_json_get_integer(root, "counted", 0, PTI_JSON_INTEGER_MAX, &counted, NULL) == PINTLE_OK &&
        pti_json_get_integer(root, "refused", 0, PTI_JSON_INTEGER_MAX, &refused, NULL) == PINTLE_OK) {
        run->counted += counted;
        run->refused += refused;
    } else {
        (void)pti_json_get_string(root, "error", &why, NULL);
        status = code >= 500 || code == 429 ? PINTLE_ERR_NETWORK : PINTLE_ERR_MISUSE;
        (void)pti_fail(&run->cli->error, status,
                       "%s answered %ld: %.*s; what is unsent is kept and goes first next time", run->api.server, code,
                       (int)(why.size < 200 ? why.size : 200), why.size > 0 ? (const char *)why.data : "");
        if (status == PINTLE_ERR_MISUSE)
            run->cli->failure = PTI_FAILURE_OTHER;
    }
    pti_json_free(json);
    return status;
}

static enum pintle_status send_once(struct run *run)
{
    struct pti_buf body, answer;
    enum pintle_status status;
    long code = 0;

    pti_buf_init(&body, PTI_LOG_ROWS_SIZE_MAX + 1024);
    pti_buf_init(&answer, ANSWER_SIZE_MAX);
    write_body(run, &body);
    status = pti_buf_check(&body, &run->cli->error, "a batch");
    if (status == PINTLE_OK)
        status = pti_api_post(&run->api, "/v1/adoption", pti_buf_bytes(&body), &code, &answer, &run->cli->error);
    if (status == PINTLE_OK)
        status = judge_answer(run, code, pti_buf_bytes(&answer));
    pti_buf_clear(&body);
    pti_buf_clear(&answer);
    return status;
}

/* What is unsent, if anything is, with its name; a stream cannot be read again later, so it waits for the server. */
static enum pintle_status send_unsent(struct run *run)
{
    enum pintle_status status = PINTLE_OK;

    if (run->state.batch[0] == '\0')
        return PINTLE_OK;
    while ((status = send_once(run)) == PINTLE_ERR_NETWORK && run->stream && !stopped) {
        fprintf(run->cli->err, "pintle logfeed: %s; trying again\n", run->cli->error.detail);
        (void)poll(NULL, 0, RETRY_MS);
    }
    if (status != PINTLE_OK)
        return status;
    run->state.batch[0] = '\0';
    pti_buf_clear(&run->state.rows);
    return save_state(run);
}

/* Rows and position are on the disk before they are sent. */
static enum pintle_status flush(struct run *run)
{
    uint8_t id[(PTI_LOG_BATCH_ID_SIZE - 1) / 2];
    enum pintle_status status = PINTLE_OK;

    if (run->dry)
        return PINTLE_OK;
    if (run->feed.tally.count > 0) {
        status = random_bytes(run, id, sizeof id);
        pti_hex_encode(id, sizeof id, run->state.batch);
        pti_log_feed_write_rows(&run->feed, &run->state.rows);
        if (status == PINTLE_OK)
            status = pti_buf_check(&run->state.rows, &run->cli->error, "a batch");
    }
    if (status == PINTLE_OK)
        status = save_state(run);
    return status == PINTLE_OK ? send_unsent(run) : status;
}

/* ---- reading ---- */

static enum pintle_status note_position(struct run *run, struct pti_log_file *file, size_t index)
{
    enum pintle_status status = pti_log_file_mark(file, run->crypto, &run->cli->error);

    if (status == PINTLE_OK)
        run->state.files[index] = file->position;
    return status;
}

/*
 * A block of a log, from *at on; the end of its last line is not there yet.  file NULL: of a stream, which has no position,
 * so that index and at do not matter.
 */
static enum pintle_status take_block(struct run *run, struct pti_log_file *file, size_t index,
                                     struct pintle_bytes block, int64_t *at)
{
    enum pintle_status status = PINTLE_OK;

    while (status == PINTLE_OK && block.size > 0) {
        bool ended = false;
        size_t taken = pti_log_feed_take(&run->feed, block, &ended);

        block.data += taken;
        block.size -= taken;
        if (file)
            *at += (int64_t)taken;
        if (file && ended)
            file->position.offset = *at;
        if (ended && !run->dry && pti_log_feed_is_full(&run->feed)) {
            status = file ? note_position(run, file, index) : PINTLE_OK;
            if (status == PINTLE_OK)
                status = flush(run);
        }
    }
    return status;
}

static enum pintle_status read_log(struct run *run, struct pti_log_file *file, size_t index)
{
    uint8_t block[BLOCK_SIZE];
    int64_t at = file->position.offset;
    enum pintle_status status = PINTLE_OK;
    ssize_t got = 1;

    while (status == PINTLE_OK && got > 0 && !stopped) {
        got = pread(file->fd, block, sizeof block, (off_t)at);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            status = pti_fail(&run->cli->error, PINTLE_ERR_STORAGE, "%.300s cannot be read: %s", run->path,
                              strerror(errno));
        else if (got > 0)
            status = take_block(run, file, index, (struct pintle_bytes){block, (size_t)got}, &at);
    }
    pti_log_feed_drop_line(&run->feed); /* its rest comes with the next run */
    return status == PINTLE_OK ? note_position(run, file, index) : status;
}

static enum pintle_status read_file(struct run *run)
{
    struct pti_log_file files[PTI_LOG_FILES];
    enum pintle_status status = pti_log_files_open(run->path, &run->state, run->crypto, files, &run->lost,
                                                   &run->cli->error);

    if (status != PINTLE_OK)
        return status;
    if (run->lost)
        fprintf(run->cli->err,
                "warning: the log that was read last is not beside %s any more, so its last lines are not counted\n",
                run->path);
    /* What is remembered of a file that is gone is of no use; of both, before a batch may write it down. */
    for (size_t i = 0; i < PTI_LOG_FILES; i++)
        run->state.files[i] = files[i].fd >= 0 ? files[i].position : (struct pti_log_position){.inode = 0};
    for (size_t i = 0; status == PINTLE_OK && i < PTI_LOG_FILES; i++)
        if (files[i].fd >= 0)
            status = read_log(run, &files[i], i);
    pti_log_files_close(files);
    return status == PINTLE_OK ? flush(run) : status;
}

static int64_t seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec;
}

static enum pintle_status read_stream(struct run *run)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    uint8_t block[BLOCK_SIZE];
    int64_t flushed = seconds();
    enum pintle_status status = PINTLE_OK;
    bool over = false;

    while (status == PINTLE_OK && !over && !stopped) {
        int ready = poll(&input, 1, 1000);

        if (ready > 0) {
            ssize_t got = read(STDIN_FILENO, block, sizeof block);

            over = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
            if (got > 0)
                status = take_block(run, NULL, 0, (struct pintle_bytes){block, (size_t)got}, NULL);
        }
        if (status == PINTLE_OK && seconds() - flushed >= STREAM_FLUSH_S) {
            status = flush(run);
            flushed = seconds();
        }
    }
    pti_log_feed_end(&run->feed);
    return status == PINTLE_OK ? flush(run) : status;
}

static enum pintle_status print_summary(struct run *run)
{
    const struct pti_log_summary summary = {&run->feed.counts, run->counted, run->refused,
                                            run->dry ? &run->feed.tally : NULL};

    if (run->feed.counts.lost > 0)
        fprintf(run->cli->err, "warning: %" PRId64 " versions found no room among %zu rows, and are left out\n",
                run->feed.counts.lost, run->feed.tally.max);
    return pti_log_summary_print(&summary, pti_cli_flag(run->cli, "json"), run->cli->out, &run->cli->error);
}

/* ---- the command ---- */

static enum pintle_status read_options(struct run *run, int64_t *per_source)
{
    struct pti_cli *cli = run->cli;
    enum pintle_status status = pti_cli_number(cli, "per-source", 1, PTI_SOURCES_PER_DAY_MAX, per_source);

    run->path = cli->operands[0];
    run->stream = strcmp(run->path, "-") == 0;
    run->dry = pti_cli_flag(cli, "dry-run");
    run->state_path = pti_cli_text(cli, "state");
    run->repository = pti_cli_text(cli, "repository") ? pti_cli_text(cli, "repository") : "";
    if (status != PINTLE_OK || run->dry)
        return status;
    if (!run->state_path && !run->stream)
        return pti_cli_usage(cli, "--state FILE is missing: where to remember how far the log was read");
    return pti_api_open(cli, &run->api);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static enum pintle_status feed_log(struct pti_cli *cli)
{
    struct run run = {.cli = cli, .lock = -1};
    int64_t per_source = PTI_SOURCES_PER_DAY_DEFAULT;
    enum pintle_status status = read_options(&run, &per_source);

    if (status == PINTLE_OK)
        status = pti_cli_crypto_new(cli, &run.crypto);
    if (status == PINTLE_OK)
        status = lock_state(&run);
    if (status == PINTLE_OK)
        status = load_state(&run, (uint32_t)per_source);
    pti_log_feed_init(&run.feed, &run.state.sources, run.dry ? DRY_ROWS_MAX : PTI_LOG_BATCH_ROWS);
    catch_signals();
    if (status == PINTLE_OK && !run.dry)
        status = send_unsent(&run);
    if (status == PINTLE_OK)
        status = run.stream ? read_stream(&run) : read_file(&run);
    if (status == PINTLE_OK)
        status = print_summary(&run);
    pti_log_feed_clear(&run.feed);
    pti_log_state_clear(&run.state);
    pti_file_unlock(run.lock);
    pintle_crypto_free(run.crypto);
    pti_api_clear(&run.api);
    return status;
}

static const struct pti_option options[] = {
    PTI_OPTION_SERVER,
    PTI_OPTION_TOKEN_FILE,
    {"state", "FILE", "remembers how far the log was read; made if missing", false},
    {"repository", "NAME", "the repository's name on the server (default: the one at its root)", false},
    {"per-source", "N", "how many requests of a network are counted a day (default 10000)", false},
    {"dry-run", NULL, "print the counts; send nothing, remember nothing", false},
    {"ca", "FILE", "PEM certificates to trust instead of this machine's trust store", false},
    {"timeout", "SECONDS", "give up on one request after that long (default 30)", false},
    PTI_OPTION_JSON,
    PTI_OPTION_END,
};

const struct pti_command pti_command_logfeed = {
    .name = "logfeed",
    .summary = "Count the versions that clients hold from an access log, and send the counts",
    .operands = "FILE",
    .details = "Reads FILE, an access log of nginx, from where the last run ended, also after it was rotated; - is\n"
               "standard input.  Lines are \"combined\" with \"$http_pintle_manifest\" as a last field, or JSON: see\n"
               "pintle-logfeed(1).  No line is counted twice, whatever breaks off.  The token needs the scope\n"
               "operator, and is never given on the command line.",
    .example = "  pintle logfeed access.log --state feed.state --server http://127.0.0.1:8441 --token-file token",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = feed_log,
};
