/* SPDX-License-Identifier: Apache-2.0 */
/* The network of the simulated repository.  Contracts are in sim_repository.h. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim_machine.h"

static bool matches(const char *pattern, const char *text)
{
    size_t size = strlen(pattern);

    if (size > 0 && pattern[size - 1] == '*')
        return strncmp(pattern, text, size - 1) == 0;
    return strcmp(pattern, text) == 0;
}

static const char *path_of(const char *url)
{
    const char *at = strstr(url, "://");

    at = at == NULL ? url : strchr(at + 3, '/');
    return at == NULL ? "" : at[0] == '/' ? at + 1 : at;
}

static enum pintle_status no_network(char *detail, size_t size, const char *text)
{
    (void)pti_copy_text(detail, size, text);
    return PINTLE_ERR_NETWORK;
}

static void log_request(struct sim_machine *machine, const char *path, const char *header)
{
    size_t count = machine->request_count + 1;

    machine->requests = sim_grow(machine->requests, count * sizeof(*machine->requests));
    machine->headers = sim_grow(machine->headers, count * sizeof(*machine->headers));
    machine->requests[count - 1] = sim_copy_text(path);
    machine->headers[count - 1] = sim_copy_text(header != NULL ? header : "");
    machine->request_count = count;
}

static const struct sim_override_entry *override_for(const struct sim_machine *machine, const char *url)
{
    for (size_t i = machine->override_count; i-- > 0;)
        if (matches(machine->overrides[i].pattern, path_of(url)) || matches(machine->overrides[i].pattern, url))
            return &machine->overrides[i];
    return NULL;
}

/* What goes over the wire; owned. */
struct answer {
    bool fail;
    int status;
    int64_t retry_after_s;
    struct pintle_bytes bytes;
};

static void answer_file(const struct sim_machine *machine, const char *path, struct answer *answer)
{
    const struct sim_named *item = sim_files_named(machine->serving != NULL ? machine->serving : &machine->current,
                                                   path);

    answer->status = item == NULL ? 404 : 200;
    if (item != NULL)
        answer->bytes = sim_copy_bytes(item->bytes);
}

static void apply_override(const struct sim_machine *machine, const struct sim_override_entry *override,
                           const char *path, struct answer *answer)
{
    switch (override->answer) {
    case SIM_BYTES:
        answer->status = 200;
        answer->bytes = sim_copy_bytes(override->bytes);
        return;
    case SIM_STATUS:
        answer->status = override->http_status;
        return;
    case SIM_FAIL:
    case SIM_BLOCK:
        answer->fail = true;
        return;
    case SIM_CUT:
        answer_file(machine, path, answer);
        if (answer->bytes.size > 0)
            answer->bytes.size--;
        return;
    case SIM_FLIP:
        answer_file(machine, path, answer);
        if (answer->bytes.size > 0)
            ((uint8_t *)(uintptr_t)answer->bytes.data)[answer->bytes.size / 2] ^= 1u;
        return;
    }
}

static void post(struct sim_machine *machine, struct pintle_bytes body, struct answer *answer)
{
    machine->posted = sim_grow(machine->posted, (machine->posted_count + 1) * sizeof(*machine->posted));
    machine->posted[machine->posted_count++] = sim_copy_bytes(body);
    answer->status = 202;
}

/* Under the mutex; waits in it while an override blocks. */
static void decide(struct sim_machine *machine, const struct pintle_request *request, struct answer *answer)
{
    const char *path = path_of(request->url);
    const struct sim_override_entry *override = override_for(machine, request->url);

    machine->cancelled = false; /* cancelling ends what is under way, nothing later */
    log_request(machine, path, request->manifest);
    while (override != NULL && override->answer == SIM_BLOCK && !machine->cancelled) {
        pthread_cond_wait(&machine->changed, &machine->mutex);
        override = override_for(machine, request->url);
        answer->fail = true;
    }
    if (machine->answers_left == 0)
        answer->fail = true;
    if (machine->answers_left > 0)
        machine->answers_left--;
    if (answer->fail)
        return;
    if (override != NULL)
        apply_override(machine, override, path, answer);
    else if (strcmp(request->method, "POST") == 0)
        post(machine, request->body, answer);
    else
        answer_file(machine, path, answer);
    if (answer->status >= 400)
        answer->retry_after_s = machine->retry_after_s;
}

static enum pintle_status transport_perform(void *ctx, const struct pintle_request *request,
                                            const struct pintle_sink *sink, struct pintle_response *response,
                                            char *detail, size_t detail_size)
{
    struct sim_machine *machine = ctx;
    struct answer answer = {false, 0, -1, {NULL, 0}};
    enum pintle_status status = PINTLE_OK;

    pthread_mutex_lock(&machine->mutex);
    decide(machine, request, &answer);
    pthread_mutex_unlock(&machine->mutex);
    response->status = answer.status;
    response->retry_after_s = answer.retry_after_s;
    if (answer.fail)
        status = no_network(detail, detail_size, "the simulated network is down");
    /* In small pieces: a reader must not rely on getting everything at once. */
    for (size_t done = 0; done < answer.bytes.size && status == PINTLE_OK;) {
        size_t piece = answer.bytes.size - done < 1000 ? answer.bytes.size - done : 1000;
        if (!sink->write(sink->ctx, answer.bytes.data + done, piece))
            status = no_network(detail, detail_size, "the reader had enough");
        done += piece;
    }
    pti_bytes_free(&answer.bytes);
    return status;
}

static void transport_cancel(void *ctx)
{
    struct sim_machine *machine = ctx;

    pthread_mutex_lock(&machine->mutex);
    machine->cancelled = true;
    pthread_cond_broadcast(&machine->changed);
    pthread_mutex_unlock(&machine->mutex);
}

const struct pintle_transport *sim_transport(struct sim *sim)
{
    return &sim->machine->transport;
}

void sim_override(struct sim *sim, const char *pattern, enum sim_answer answer, int http_status,
                  struct pintle_bytes bytes)
{
    struct sim_machine *machine = sim->machine;

    pthread_mutex_lock(&machine->mutex);
    machine->overrides = sim_grow(machine->overrides, (machine->override_count + 1) * sizeof(*machine->overrides));
    machine->overrides[machine->override_count++] = (struct sim_override_entry){sim_copy_text(pattern), answer,
                                                                                http_status, sim_copy_bytes(bytes)};
    pthread_cond_broadcast(&machine->changed);
    pthread_mutex_unlock(&machine->mutex);
}

static void clear_overrides(struct sim_machine *machine)
{
    for (size_t i = 0; i < machine->override_count; i++) {
        free(machine->overrides[i].pattern);
        pti_bytes_free(&machine->overrides[i].bytes);
    }
    free(machine->overrides);
    machine->overrides = NULL;
    machine->override_count = 0;
}

void sim_override_clear(struct sim *sim)
{
    pthread_mutex_lock(&sim->machine->mutex);
    clear_overrides(sim->machine);
    pthread_cond_broadcast(&sim->machine->changed);
    pthread_mutex_unlock(&sim->machine->mutex);
}

void sim_retry_after(struct sim *sim, int64_t seconds)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->retry_after_s = seconds;
    pthread_mutex_unlock(&sim->machine->mutex);
}

void sim_fail_after(struct sim *sim, int requests)
{
    pthread_mutex_lock(&sim->machine->mutex);
    sim->machine->answers_left = requests;
    pthread_mutex_unlock(&sim->machine->mutex);
}

size_t sim_requests(struct sim *sim, const char *pattern)
{
    struct sim_machine *machine = sim->machine;
    size_t count = 0;

    pthread_mutex_lock(&machine->mutex);
    for (size_t i = 0; i < machine->request_count; i++)
        count += matches(pattern, machine->requests[i]) ? 1 : 0;
    pthread_mutex_unlock(&machine->mutex);
    return count;
}

const char *sim_request_header(struct sim *sim, size_t index)
{
    const char *header;

    pthread_mutex_lock(&sim->machine->mutex);
    header = index < sim->machine->request_count ? sim->machine->headers[index] : "";
    pthread_mutex_unlock(&sim->machine->mutex);
    return header;
}

static void clear_requests(struct sim_machine *machine)
{
    for (size_t i = 0; i < machine->request_count; i++) {
        free(machine->requests[i]);
        free(machine->headers[i]);
    }
    free(machine->requests);
    free(machine->headers);
    machine->requests = machine->headers = NULL;
    machine->request_count = 0;
}

void sim_requests_reset(struct sim *sim)
{
    pthread_mutex_lock(&sim->machine->mutex);
    clear_requests(sim->machine);
    pthread_mutex_unlock(&sim->machine->mutex);
}

struct pintle_bytes sim_posted(struct sim *sim, size_t index)
{
    struct pintle_bytes body = {NULL, 0};

    pthread_mutex_lock(&sim->machine->mutex);
    if (index < sim->machine->posted_count)
        body = sim->machine->posted[index];
    pthread_mutex_unlock(&sim->machine->mutex);
    return body;
}

void sim_network_init(struct sim_machine *machine)
{
    machine->retry_after_s = -1;
    machine->answers_left = -1;
    machine->transport = (struct pintle_transport){
        .size = sizeof(machine->transport), .ctx = machine, .perform = transport_perform, .cancel = transport_cancel};
}

void sim_network_clear(struct sim_machine *machine)
{
    clear_overrides(machine);
    clear_requests(machine);
    for (size_t i = 0; i < machine->posted_count; i++)
        pti_bytes_free(&machine->posted[i]);
    free(machine->posted);
}
