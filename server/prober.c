/* SPDX-License-Identifier: Apache-2.0 */
#include "server/prober.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/edge_finding.h"
#include "server/judges.h"
#include "server/log.h"
#include "server/probe_jobs.h"
#include "server/steady.h"

struct pti_prober {
    struct pti_prober_settings settings;
    pthread_mutex_t mutex; /* over all below; never held while the network or the database is waited for */
    pthread_cond_t changed;
    struct pti_judges *judges;
    size_t judges_count;
    struct pti_probe_jobs jobs;
    atomic_bool stopping;
    pthread_t threads[PTI_PROBE_WORKERS];
    size_t thread_count;
};

static struct pti_judges *judges_of(struct pti_prober *prober, const char *repository)
{
    for (size_t i = 0; i < prober->judges_count; i++)
        if (strcmp(prober->judges[i].name, repository) == 0)
            return &prober->judges[i];
    return NULL;
}

/* ---- what the database is told, without the mutex ---- */

static void complain(const struct pti_error *error)
{
    pti_log(PTI_LOG_ERROR, "probing: %s", error->detail);
}

struct keys {
    struct pti_edge_key *items;
    size_t count;
};

static bool take_active(void *ctx, const struct pti_edge *edge)
{
    struct keys *keys = ctx;

    if (keys->count < PTI_EDGES_MAX)
        keys->items[keys->count++] = edge->key;
    return true;
}

/* Those that the database calls active and that no target yields: of host in repository, or of all (NULL). */
static void retire_unwanted(struct pti_prober *prober, const char *repository, const char *host)
{
    struct keys keys = {calloc(PTI_EDGES_MAX, sizeof *keys.items), 0};
    const struct pti_edge_query query = {.repository = repository,
                                         .host = host,
                                         .active = true,
                                         .limit = PTI_EDGES_MAX,
                                         .row = take_active,
                                         .ctx = &keys};
    struct pti_error error;

    if (!keys.items)
        return;
    if (pti_edges_list(prober->settings.database, &query, &error) != PINTLE_OK)
        complain(&error);
    for (size_t i = 0; i < keys.count; i++) {
        bool wanted;

        pthread_mutex_lock(&prober->mutex);
        wanted = pti_probe_jobs_want(&prober->jobs, &keys.items[i]);
        pthread_mutex_unlock(&prober->mutex);
        if (!wanted &&
            pti_edges_retire(prober->settings.database, &keys.items[i], (int64_t)time(NULL), &error) != PINTLE_OK)
            complain(&error);
    }
    free(keys.items);
}

static void note(struct pti_prober *prober, const struct pti_target *target, const struct pti_endpoint *addresses,
                 size_t count)
{
    struct pti_edge_key keys[2 * PTI_DIAL_ADDRESSES_MAX];
    struct pti_error error;

    for (size_t i = 0; i < 2 * count; i++)
        keys[i] = pti_probe_edge_key(target, addresses[i / 2].host,
                                     i % 2 == 0 ? PTI_PROBE_KEY_ECDSA : PTI_PROBE_KEY_RSA);
    if (pti_edges_note(prober->settings.database, keys, 2 * count, pti_target_source_name(target->source),
                       (int64_t)time(NULL), &error) != PINTLE_OK)
        complain(&error);
}

/* ---- one job ---- */

/* Returns whether it went well. */
static bool resolve(struct pti_prober *prober, const struct pti_probe_job *job)
{
    struct pti_endpoint addresses[PTI_DIAL_ADDRESSES_MAX];
    struct pti_error error;
    size_t count = 0;
    bool known = true;

    if (pti_dial_resolve(&job->target.where, addresses, &count, &error) != PINTLE_OK) {
        if (job->failures == 0)
            pti_log(PTI_LOG_WARNING, "probing: the addresses of %s stay what they were: %s", job->target.host,
                    error.detail);
        return false;
    }
    pthread_mutex_lock(&prober->mutex);
    known = pti_probe_jobs_resolved(&prober->jobs, &job->target, addresses, count, pti_steady_ms());
    pthread_mutex_unlock(&prober->mutex);
    if (!known && job->failures > 0) /* said already */
        return false;
    if (!known) {
        pti_log(PTI_LOG_ERROR, "probing: out of memory, or more than %d edges: some of %s are not probed",
                PTI_EDGES_MAX, job->target.host);
        return false;
    }
    note(prober, &job->target, addresses, count);
    retire_unwanted(prober, job->target.repository, job->target.host);
    return true;
}

/* What is new. */
static void tell(const struct pti_edge_key *key, const struct pti_edge_finding *finding,
                 const struct pti_probe_job *job, const char *why)
{
    if (finding->pinned == PTI_EDGE_UNPINNED && job->pinned != PTI_EDGE_UNPINNED)
        pti_log(PTI_LOG_ERROR, "probing: %s at %s port %u serves the %s key %s, which not all clients find pinned",
                key->host, key->address, (unsigned)key->port, pti_edge_key_type(key->key), finding->leaf);
    else if (finding->outcome == PTI_PROBE_FAILED && job->failures == 0)
        pti_log(PTI_LOG_WARNING, "probing: %s at %s port %u: %s", key->host, key->address, (unsigned)key->port, why);
}

static void store(struct pti_prober *prober, struct pti_probe_job *job, enum pti_probe_outcome outcome,
                  const struct pti_probe_result *result, const char *why)
{
    const struct pti_edge_key key = pti_probe_edge_key(&job->target, job->target.where.host, job->key);
    struct pti_edge_finding finding;
    struct pti_buf document;
    struct pti_error error;
    enum pintle_status status;

    pti_buf_init(&document, PTI_EDGE_DOCUMENT_MAX);
    pthread_mutex_lock(&prober->mutex);
    status = pti_edge_find(outcome, result, why, &judges_of(prober, key.repository)->held, key.host,
                           (int64_t)time(NULL), &document, &finding, &error);
    pthread_mutex_unlock(&prober->mutex);
    finding.failures = outcome == PTI_PROBE_FAILED ? (int64_t)job->failures + 1 : 0;
    if (status == PINTLE_OK) {
        tell(&key, &finding, job, why);
        job->pinned = finding.pinned;
        status = pti_edges_store(prober->settings.database, &key, &finding, &error);
    }
    if (status != PINTLE_OK)
        complain(&error);
    pti_buf_clear(&document);
}

static bool probe(struct pti_prober *prober, struct pti_probe_job *job, struct pti_probe_result *result)
{
    struct pti_probe_request request = {.connect = &job->target.where,
                                        .ca_file = prober->settings.ca_file,
                                        .key = job->key,
                                        .timeout_ms = PTI_PROBE_TIMEOUT_MS,
                                        .cancelled = &prober->stopping};
    struct pti_error why = {.detail = ""};
    enum pti_probe_outcome outcome;

    pti_copy_text(request.host.host, sizeof request.host.host, job->target.host);
    request.host.port = job->target.where.port;
    outcome = pti_probe_edge(&request, result, &why);
    if (!atomic_load(&prober->stopping)) /* else it failed because it was told to */
        store(prober, job, outcome, result, why.detail);
    return outcome != PTI_PROBE_FAILED;
}

/* ---- the threads ---- */

static void wait_until(struct pti_prober *prober, int64_t wait_ms)
{
    const struct timespec until = pti_steady_after_ms(wait_ms);

    if (wait_ms < 0)
        pthread_cond_wait(&prober->changed, &prober->mutex);
    else
        pthread_cond_timedwait(&prober->changed, &prober->mutex, &until);
}

/* Waits for one that is due; false at the end. */
static bool take_job(struct pti_prober *prober, struct pti_probe_job *job)
{
    bool taken = false;

    pthread_mutex_lock(&prober->mutex);
    while (!taken && !atomic_load(&prober->stopping)) {
        int64_t wait_ms = 0;

        taken = pti_probe_jobs_take(&prober->jobs, pti_steady_ms(), PTI_PROBE_WORKERS, job, &wait_ms);
        if (!taken)
            wait_until(prober, wait_ms);
    }
    pthread_mutex_unlock(&prober->mutex);
    return taken;
}

static void *work(void *ctx)
{
    struct pti_prober *prober = ctx;
    struct pti_probe_result *result = malloc(sizeof *result);
    struct pti_probe_job job;

    if (!result) {
        pti_log(PTI_LOG_ERROR, "probing: out of memory");
        return NULL;
    }
    while (take_job(prober, &job)) {
        bool good = job.is_edge ? probe(prober, &job, result) : resolve(prober, &job);

        pthread_mutex_lock(&prober->mutex);
        pti_probe_jobs_done(&prober->jobs, &job, good, pti_steady_ms());
        pthread_cond_broadcast(&prober->changed);
        pthread_mutex_unlock(&prober->mutex);
    }
    free(result);
    return NULL;
}

/* ---- repositories ---- */

/* The hosts of the current manifest are targets, at their own names; those of the one before are none any more. */
static void put_in_force(struct pti_prober *prober, struct pti_judges *judges, struct pti_fleet *held)
{
    const struct pti_fleet before = judges->held;
    bool complete;

    pthread_mutex_lock(&prober->mutex);
    judges->held = *held;
    complete = pti_probe_jobs_set_manifest(&prober->jobs, judges->name, held->generations[0].pinset, pti_steady_ms());
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->mutex);
    if (!complete)
        pti_log(PTI_LOG_WARNING, "probing: more than %d targets, or no memory; not all hosts are probed",
                PTI_TARGETS_MAX);
    *held = before;
    pti_fleet_clear(held);
    retire_unwanted(prober, judges->name, NULL);
}

static void tick_one(struct pti_prober *prober, struct pti_judges *judges, int64_t now)
{
    struct pti_fleet *held = malloc(sizeof *held);

    /* Why it cannot be read is told by who re-signs it. */
    if (held && pti_judges_read(judges, prober->settings.crypto, now, held))
        put_in_force(prober, judges, held);
    free(held);
}

void pti_prober_tick(struct pti_prober *prober, int64_t now)
{
    if (prober->settings.every_s == 0)
        return;
    for (size_t i = 0; i < prober->judges_count; i++)
        if (pti_judges_changed(&prober->judges[i], now))
            tick_one(prober, &prober->judges[i], now);
}

/* ---- the whole ---- */

enum pintle_status pti_prober_new(const struct pti_prober_settings *settings, struct pti_prober **prober,
                                  struct pti_error *error)
{
    struct pti_prober *made = calloc(1, sizeof *made);
    struct timespec now = {0};

    *prober = NULL;
    if (!made)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the prober");
    made->settings = *settings;
    clock_gettime(CLOCK_REALTIME, &now);
    made->jobs.every_ms = settings->every_s * 1000;
    made->jobs.random = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec + ((uint64_t)getpid() << 32);
    pthread_mutex_init(&made->mutex, NULL);
    pti_steady_condition_init(&made->changed);
    *prober = made;
    return PINTLE_OK;
}

enum pintle_status pti_prober_add_repository(struct pti_prober *prober, const char *name, const char *directory,
                                             struct pti_error *error)
{
    struct pti_judges *grown = realloc(prober->judges, (prober->judges_count + 1) * sizeof *grown);

    if (!grown)
        return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for the prober");
    prober->judges = grown;
    memset(&grown[prober->judges_count], 0, sizeof *grown);
    pti_copy_text(grown[prober->judges_count].name, sizeof grown->name, name);
    grown[prober->judges_count].directory = directory;
    prober->judges_count++;
    return PINTLE_OK;
}

enum pintle_status pti_prober_may_add(struct pti_prober *prober, const struct pti_target *target,
                                      struct pti_error *error)
{
    enum pintle_status status = PINTLE_OK;

    if (!judges_of(prober, target->repository))
        return pti_fail(error, PINTLE_ERR_INPUT, "there is no repository \"%s\" here; see --repo", target->repository);
    pthread_mutex_lock(&prober->mutex);
    status = pti_probe_jobs_has_room(&prober->jobs, target, error);
    pthread_mutex_unlock(&prober->mutex);
    return status;
}

enum pintle_status pti_prober_add(struct pti_prober *prober, const struct pti_target *target, struct pti_error *error)
{
    enum pintle_status status = pti_prober_may_add(prober, target, error);

    if (status != PINTLE_OK)
        return status;
    pthread_mutex_lock(&prober->mutex);
    status = pti_probe_jobs_add(&prober->jobs, target, pti_steady_ms(), error);
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->mutex);
    return status;
}

void pti_prober_remove(struct pti_prober *prober, const struct pti_target *target)
{
    pthread_mutex_lock(&prober->mutex);
    pti_probe_jobs_remove(&prober->jobs, target);
    pthread_mutex_unlock(&prober->mutex);
    retire_unwanted(prober, target->repository, target->host);
}

static bool add_kept(void *ctx, const struct pti_target *target)
{
    struct pti_prober *prober = ctx;
    struct pti_error error;

    if (pti_prober_add(prober, target, &error) != PINTLE_OK)
        pti_log(PTI_LOG_WARNING, "probing: %s at %s is left out: %s", target->host, target->where.host, error.detail);
    return true;
}

enum pintle_status pti_prober_start(struct pti_prober *prober, struct pti_error *error)
{
    struct pti_error why;

    /* A damaged database keeps nobody from the manifest. */
    if (pti_targets_list(prober->settings.database, add_kept, prober, &why) != PINTLE_OK)
        pti_log(PTI_LOG_ERROR, "probing: what was added to /v1/edges is left out: %s", why.detail);
    if (prober->settings.every_s == 0)
        return PINTLE_OK;
    for (; prober->thread_count < PTI_PROBE_WORKERS; prober->thread_count++)
        if (pthread_create(&prober->threads[prober->thread_count], NULL, work, prober) != 0)
            return pti_fail(error, PINTLE_ERR_MEMORY, "the threads that probe cannot be started");
    return PINTLE_OK;
}

void pti_prober_stop(struct pti_prober *prober)
{
    pthread_mutex_lock(&prober->mutex);
    atomic_store(&prober->stopping, true);
    pthread_cond_broadcast(&prober->changed);
    pthread_mutex_unlock(&prober->mutex);
    for (size_t i = 0; i < prober->thread_count; i++)
        pthread_join(prober->threads[i], NULL);
    prober->thread_count = 0;
}

void pti_prober_free(struct pti_prober *prober)
{
    if (!prober)
        return;
    pti_prober_stop(prober);
    for (size_t i = 0; i < prober->judges_count; i++)
        pti_fleet_clear(&prober->judges[i].held);
    free(prober->judges);
    pti_probe_jobs_clear(&prober->jobs);
    pthread_cond_destroy(&prober->changed);
    pthread_mutex_destroy(&prober->mutex);
    free(prober);
}
