/* SPDX-License-Identifier: Apache-2.0 */
#include "server/probe_jobs.h"

#include <stdlib.h>
#include <string.h>

#include "pin/pinset.h"

#define GROW_BY 64

static const enum pti_probe_key key_types[] = {PTI_PROBE_KEY_ECDSA, PTI_PROBE_KEY_RSA};

/* SplitMix64: times need no better. */
static uint32_t draw(struct pti_probe_jobs *jobs)
{
    uint64_t mixed = jobs->random += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((mixed ^ (mixed >> 31)) >> 32);
}

struct pti_edge_key pti_probe_edge_key(const struct pti_target *target, const char *address, enum pti_probe_key key)
{
    struct pti_edge_key made = {.port = target->where.port, .key = key};

    pti_copy_text(made.repository, sizeof made.repository, target->repository);
    pti_copy_text(made.host, sizeof made.host, target->host);
    pti_copy_text(made.address, sizeof made.address, address);
    return made;
}

/* ---- the table ---- */

static bool is_live(const struct pti_probe_jobs *jobs, size_t i, bool is_edge)
{
    return jobs->slots[i].used && !jobs->jobs[i].gone && jobs->jobs[i].is_edge == is_edge;
}

/* Targets of one host at one port of one repository yield edges together. */
static bool is_group(const struct pti_target *a, const struct pti_target *b)
{
    return strcmp(a->repository, b->repository) == 0 && strcmp(a->host, b->host) == 0 && a->where.port == b->where.port;
}

static bool is_place(const struct pti_target *a, const struct pti_target *b)
{
    return is_group(a, b) && strcmp(a->where.host, b->where.host) == 0;
}

static struct pti_probe_job *find_target(const struct pti_probe_jobs *jobs, const struct pti_target *target)
{
    for (size_t i = 0; i < jobs->count; i++)
        if (is_live(jobs, i, false) && is_place(&jobs->jobs[i].target, target))
            return &jobs->jobs[i];
    return NULL;
}

static struct pti_probe_job *find_edge(const struct pti_probe_jobs *jobs, const struct pti_target *target,
                                       enum pti_probe_key key)
{
    for (size_t i = 0; i < jobs->count; i++)
        if (is_live(jobs, i, true) && jobs->jobs[i].key == key && is_place(&jobs->jobs[i].target, target))
            return &jobs->jobs[i];
    return NULL;
}

static bool grow(struct pti_probe_jobs *jobs)
{
    size_t count = jobs->count + GROW_BY;
    struct pti_probe_slot *slots = realloc(jobs->slots, count * sizeof *slots);
    struct pti_probe_job *grown = NULL;

    if (!slots)
        return false;
    jobs->slots = slots;
    grown = realloc(jobs->jobs, count * sizeof *grown);
    if (!grown)
        return false;
    jobs->jobs = grown;
    memset(&slots[jobs->count], 0, GROW_BY * sizeof *slots);
    memset(&grown[jobs->count], 0, GROW_BY * sizeof *grown);
    jobs->count = count;
    return true;
}

/* A free slot, due soon; NULL without memory. */
static struct pti_probe_job *enter(struct pti_probe_jobs *jobs, const struct pti_target *target, int64_t now_ms)
{
    size_t at = 0;

    while (at < jobs->count && jobs->slots[at].used)
        at++;
    if (at == jobs->count && !grow(jobs))
        return NULL;
    jobs->slots[at] = (struct pti_probe_slot){.at_ms = now_ms + pti_probe_first_delay(jobs->every_ms, draw(jobs)),
                                              .used = true};
    jobs->jobs[at] = (struct pti_probe_job){.slot = at, .target = *target};
    return &jobs->jobs[at];
}

static void leave(struct pti_probe_jobs *jobs, size_t at)
{
    struct pti_probe_job *job = &jobs->jobs[at];

    if (!job->gone && job->is_edge)
        jobs->edge_count--;
    else if (!job->gone)
        jobs->target_count--;
    job->gone = true;
    if (jobs->slots[at].running)
        return; /* until it is done */
    free(job->addresses);
    job->addresses = NULL;
    jobs->slots[at].used = false;
}

void pti_probe_jobs_clear(struct pti_probe_jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++)
        free(jobs->jobs[i].addresses);
    free(jobs->jobs);
    free(jobs->slots);
    memset(jobs, 0, sizeof *jobs);
}

/* ---- edges ---- */

static bool yields(const struct pti_probe_job *target, const char *address)
{
    for (size_t i = 0; i < target->address_count; i++)
        if (strcmp(target->addresses[i].host, address) == 0)
            return true;
    return false;
}

/* Whether a target of the group yields this address, or is still to be asked. */
static bool is_wanted(const struct pti_probe_jobs *jobs, const struct pti_target *group, const char *address)
{
    for (size_t i = 0; i < jobs->count; i++) {
        const struct pti_probe_job *job = &jobs->jobs[i];

        if (is_live(jobs, i, false) && is_group(&job->target, group) && (!job->resolved || yields(job, address)))
            return true;
    }
    return false;
}

static void remove_unwanted(struct pti_probe_jobs *jobs, const struct pti_target *group)
{
    for (size_t i = 0; i < jobs->count; i++)
        if (is_live(jobs, i, true) && is_group(&jobs->jobs[i].target, group) &&
            !is_wanted(jobs, group, jobs->jobs[i].target.where.host))
            leave(jobs, i);
}

static bool add_edge(struct pti_probe_jobs *jobs, const struct pti_target *edge, enum pti_probe_key key, int64_t now_ms)
{
    struct pti_probe_job *job = NULL;

    if (find_edge(jobs, edge, key))
        return true;
    if (jobs->edge_count >= PTI_EDGES_MAX)
        return false;
    job = enter(jobs, edge, now_ms);
    if (!job)
        return false;
    job->is_edge = true;
    job->key = key;
    jobs->edge_count++;
    return true;
}

bool pti_probe_jobs_resolved(struct pti_probe_jobs *jobs, const struct pti_target *target,
                             const struct pti_endpoint *addresses, size_t count, int64_t now_ms)
{
    struct pti_probe_job *job = find_target(jobs, target);
    struct pti_endpoint *copy = NULL;
    bool complete = true;

    if (!job) /* removed meanwhile */
        return true;
    copy = malloc(count * sizeof *copy);
    if (!copy)
        return false;
    memcpy(copy, addresses, count * sizeof *copy);
    free(job->addresses);
    job->addresses = copy;
    job->address_count = count;
    job->resolved = true;
    for (size_t i = 0; i < count; i++) {
        struct pti_target edge = *target;

        edge.where = addresses[i];
        for (size_t k = 0; k < sizeof key_types / sizeof key_types[0]; k++)
            complete = add_edge(jobs, &edge, key_types[k], now_ms) && complete;
    }
    remove_unwanted(jobs, target);
    return complete;
}

bool pti_probe_jobs_want(const struct pti_probe_jobs *jobs, const struct pti_edge_key *key)
{
    struct pti_target target = {.source = PTI_TARGET_MANIFEST};

    pti_copy_text(target.repository, sizeof target.repository, key->repository);
    pti_copy_text(target.host, sizeof target.host, key->host);
    target.where.port = key->port;
    return is_wanted(jobs, &target, key->address);
}

/* ---- targets ---- */

enum pintle_status pti_probe_jobs_has_room(const struct pti_probe_jobs *jobs, const struct pti_target *target,
                                           struct pti_error *error)
{
    if (jobs->target_count < PTI_TARGETS_MAX || find_target(jobs, target))
        return PINTLE_OK;
    return pti_fail(error, PINTLE_ERR_INPUT, "there are %d places to look for edges already; remove some",
                    PTI_TARGETS_MAX);
}

static unsigned bit_of(enum pti_target_source source)
{
    return 1u << source;
}

enum pintle_status pti_probe_jobs_add(struct pti_probe_jobs *jobs, const struct pti_target *target, int64_t now_ms,
                                      struct pti_error *error)
{
    struct pti_probe_job *job = find_target(jobs, target);

    if (!job) {
        if (pti_probe_jobs_has_room(jobs, target, error) != PINTLE_OK)
            return PINTLE_ERR_INPUT;
        job = enter(jobs, target, now_ms);
        if (!job)
            return pti_fail(error, PINTLE_ERR_MEMORY, "no memory for an edge");
        jobs->target_count++;
    }
    job->sources |= bit_of(target->source);
    return PINTLE_OK;
}

/* It stays for as long as somebody else names it, and is his from then on. */
static void take_source(struct pti_probe_jobs *jobs, size_t at, enum pti_target_source source)
{
    struct pti_probe_job *job = &jobs->jobs[at];
    const struct pti_target group = job->target;

    job->sources &= ~bit_of(source);
    if (job->sources == 0) {
        leave(jobs, at);
        remove_unwanted(jobs, &group);
        return;
    }
    for (job->target.source = PTI_TARGET_MANIFEST; !(job->sources & bit_of(job->target.source));)
        job->target.source++;
}

void pti_probe_jobs_remove(struct pti_probe_jobs *jobs, const struct pti_target *target)
{
    struct pti_probe_job *job = find_target(jobs, target);

    if (job)
        take_source(jobs, job->slot, target->source);
}

bool pti_probe_jobs_set_manifest(struct pti_probe_jobs *jobs, const char *repository,
                                 const struct pintle_pinset *pinset, int64_t now_ms)
{
    struct pti_target target = {.source = PTI_TARGET_MANIFEST, .where.port = PTI_HTTPS_PORT};
    bool complete = true;

    pti_copy_text(target.repository, sizeof target.repository, repository);
    for (size_t i = 0; i < jobs->count; i++) {
        const struct pti_target *old = &jobs->jobs[i].target;

        if (is_live(jobs, i, false) && (jobs->jobs[i].sources & bit_of(PTI_TARGET_MANIFEST)) &&
            strcmp(old->repository, repository) == 0 && !pti_pinset_find(pinset, old->host))
            take_source(jobs, i, PTI_TARGET_MANIFEST);
    }
    for (size_t i = 0; i < pinset->policy_count && complete; i++) {
        pti_copy_text(target.host, sizeof target.host, pinset->policies[i].host);
        pti_copy_text(target.where.host, sizeof target.where.host, pinset->policies[i].host);
        complete = pti_probe_jobs_add(jobs, &target, now_ms, NULL) == PINTLE_OK;
    }
    for (size_t i = 0; i < jobs->count; i++)
        if (is_live(jobs, i, true) && strcmp(jobs->jobs[i].target.repository, repository) == 0)
            jobs->slots[i].at_ms = now_ms + pti_probe_first_delay(jobs->every_ms, draw(jobs));
    return complete;
}

/* ---- doing ---- */

bool pti_probe_jobs_take(struct pti_probe_jobs *jobs, int64_t now_ms, size_t most, struct pti_probe_job *job,
                         int64_t *wait_ms)
{
    size_t at = pti_probe_choose(jobs->slots, jobs->count, now_ms, most, wait_ms);

    if (at == PTI_PROBE_NONE)
        return false;
    jobs->slots[at].running = true;
    *job = jobs->jobs[at];
    return true;
}

void pti_probe_jobs_done(struct pti_probe_jobs *jobs, const struct pti_probe_job *job, bool good, int64_t now_ms)
{
    struct pti_probe_job *kept = &jobs->jobs[job->slot];

    jobs->slots[job->slot].running = false;
    kept->failures = good ? 0 : kept->failures + 1;
    kept->pinned = job->pinned;
    jobs->slots[job->slot].at_ms = now_ms + pti_probe_delay(jobs->every_ms, kept->failures, draw(jobs));
    if (kept->gone)
        leave(jobs, job->slot);
}
