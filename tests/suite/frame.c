/* SPDX-License-Identifier: Apache-2.0 */
/* One order a line on standard input, one line of answer on standard output: README.md. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define LINE_MAX_BYTES 4096
#define CONTEXTS_MAX 16
#define THREADS_MAX 64

/* The application's contexts: one for each trust store and choice of versions, made when first wanted. */
struct context {
    char key[512];
    void *made;
};

struct frame {
    struct frame_app app;
    struct context contexts[CONTEXTS_MAX];
    size_t count;
};

static void end(struct frame *frame)
{
    for (size_t i = 0; i < frame->count; i++)
        connector.context_free(frame->contexts[i].made);
    frame->count = 0;
    frame_app_end(&frame->app);
}

static void start(struct frame *frame, char *line)
{
    char detail[512];

    end(frame);
    if (frame_app_start(&frame->app, line, detail, sizeof detail))
        printf("ok\n");
    else
        printf("error %s\n", detail);
}

static void tell(const struct frame *frame, enum pintle_status status)
{
    char detail[512] = "";

    if (status != PINTLE_OK)
        (void)pintle_client_error(frame->app.client, detail, sizeof detail);
    printf("status=%s detail=%s\n", pintle_status_name(status), detail);
}

static void refresh(const struct frame *frame)
{
    tell(frame, pintle_client_refresh(frame->app.client, CONNECT_TIMEOUT_MS));
}

static void release(struct frame *frame)
{
    frame_app_release(&frame->app);
    printf("ok\n");
}

static void *context_of(struct frame *frame, const struct connect_order *order, char *detail, size_t size)
{
    struct context *context = NULL;
    char key[sizeof context->key];

    (void)snprintf(key, sizeof key, "%d %d %s", order->min, order->max, order->ca);
    for (size_t i = 0; i < frame->count; i++)
        if (strcmp(frame->contexts[i].key, key) == 0)
            return frame->contexts[i].made;
    if (frame->count == CONTEXTS_MAX) {
        (void)snprintf(detail, size, "too many contexts");
        return NULL;
    }
    context = &frame->contexts[frame->count];
    memcpy(context->key, key, sizeof key);
    context->made = connector.context_new(frame->app.checker, order, detail, size);
    frame->count += context->made != NULL;
    return context->made;
}

static void connect_healing(struct frame *frame, void *context, const struct connect_order *order,
                            struct connect_result *result)
{
    if (connector.connect_healing != NULL) {
        connector.connect_healing(context, frame->app.client, order, result);
        return;
    }
    connector.connect(context, order, result);
    if (result->verdict.status != PINTLE_ERR_RETRY ||
        pintle_client_heal(frame->app.client, result->verdict.host, CONNECT_TIMEOUT_MS) != PINTLE_OK)
        return;
    *result = (struct connect_result){.sent = 0};
    connector.connect(context, order, result);
}

/* What one thread does, and what came of it last. */
struct worker {
    void *context;
    const struct connect_order *order;
    unsigned times;
    struct connect_result result;
    bool agree;
};

static bool same(const struct connect_result *a, const struct connect_result *b)
{
    return a->verdict.status == b->verdict.status && a->verdict.reason == b->verdict.reason &&
           a->finished == b->finished && a->exchanged == b->exchanged && a->sent == b->sent;
}

static void *work(void *arg)
{
    struct worker *worker = arg;

    worker->agree = true;
    for (unsigned i = 0; i < worker->times; i++) {
        struct connect_result before = worker->result;

        worker->result = (struct connect_result){.sent = 0};
        connector.connect(worker->context, worker->order, &worker->result);
        worker->agree = worker->agree && (i == 0 || same(&before, &worker->result));
    }
    return NULL;
}

/* All at once; the first one's result, if all came to the same. */
static bool work_together(struct worker first, unsigned count, struct connect_result *result)
{
    static struct worker workers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    unsigned started = 0;
    bool agree = true;

    for (unsigned i = 0; i < count; i++) {
        workers[i] = first;
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
            break;
        started++;
    }
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(threads[i], NULL);
        agree = agree && workers[i].agree && same(&workers[i].result, &workers[0].result);
    }
    *result = workers[0].result;
    return agree && started == count;
}

static void print(struct frame_app *app, const struct connect_result *result, bool agree)
{
    static const char *const modes[] = {"none", "enforce", "report"};
    const struct pintle_verdict *verdict = &result->verdict;

    if (result->cannot != NULL) {
        printf("cannot %s\n", result->cannot);
        return;
    }
    printf(
        "status=%s reason=%s mode=%s index=%d host=%s noted=%s finished=%d sent=%zu exchanged=%d resumed=%d tls=1.%d "
        "early=%d agree=%d refused=%u reported=%u detail=%s\n",
        pintle_status_name(verdict->status), pintle_reason_name(verdict->reason), modes[verdict->mode],
        verdict->matched_index, verdict->host, verdict->noted_host, result->finished, result->sent, result->exchanged,
        result->resumed, result->tls, result->early, agree, atomic_exchange(&app->refused, 0),
        atomic_exchange(&app->reported, 0), result->detail);
}

static void connect_as_told(struct frame *frame, char *line)
{
    struct connect_order order;
    struct connect_result result = {.sent = 0};
    char detail[256] = "";
    unsigned threads, times;
    bool heal, agree = true;
    void *context;

    if (!frame_order_read(line, &order, &threads, &times, &heal, detail, sizeof detail) ||
        (context = context_of(frame, &order, detail, sizeof detail)) == NULL) {
        printf("error %s\n", detail);
        return;
    }
    if (heal)
        connect_healing(frame, context, &order, &result);
    else if (threads > 1 || times > 1)
        agree = work_together((struct worker){context, &order, times, result, true}, threads, &result);
    else
        connector.connect(context, &order, &result);
    print(&frame->app, &result, agree);
}

static void obey(struct frame *frame, char *line)
{
    char *value, *word = frame_word(&line, &value);

    if (word == NULL)
        printf("error an empty line\n");
    else if (strcmp(word, "name") == 0)
        printf("%s %s\n", connector.name, connector.version());
    else if (strcmp(word, "client") == 0)
        start(frame, line);
    else if (frame->app.checker == NULL)
        printf("error no client; say client first\n");
    else if (strcmp(word, "connect") == 0)
        connect_as_told(frame, line);
    else if (frame->app.client == NULL)
        printf("error the client is released\n");
    else if (strcmp(word, "refresh") == 0)
        refresh(frame);
    else if (strcmp(word, "release") == 0)
        release(frame);
    else
        printf("error what is %s?\n", word);
}

int main(void)
{
    static struct frame frame;
    char line[LINE_MAX_BYTES];

    (void)signal(SIGPIPE, SIG_IGN); /* a server that goes away is what some rows are about */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(&frame, line);
    end(&frame);
    return 0;
}
