/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures of the simulated repository, and its roots.  Contracts are in sim_repository.h and sim_sign.h. */
#include "sim_sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/json_write.h"
#include "providers.h"

static struct pti_error error; /* of the step at hand; tests use one thread here */

struct sim_history *sim_history_of(struct sim *sim)
{
    return &((struct sim_whole *)(void *)sim)->history;
}

void sim_make_signers(struct sim *sim, struct sim_signers *signers, enum pti_key_kind kind, size_t count,
                      int64_t threshold)
{
    struct pti_signing_key *key;

    sim_true(count <= SIM_KEYS_MAX, "too many keys");
    *signers = (struct sim_signers){{NULL}, count, threshold, 0};
    for (size_t i = 0; i < count; i++) {
        sim_ok(pti_signing_key_generate(provider_kind(kind), &key, &error), &error, "generate a key");
        sim_ok(pti_keyring_take(&sim_history_of(sim)->keys, key, &error), &error, "keep a key");
        signers->keys[i] = key;
    }
}

struct pti_role_keys sim_role_keys(const struct sim_signers *signers)
{
    struct pti_role_keys role = {NULL, 0, signers->threshold};

    for (size_t i = 0; i < signers->count; i++)
        sim_ok(pti_role_keys_add(&role, pti_signing_key_public(signers->keys[i]), &error), &error, "name a key");
    role.threshold = signers->threshold;
    return role;
}

static void put_signatures(const struct sim_signers *signers, struct pintle_bytes canonical,
                           struct pti_json_writer *writer)
{
    size_t count = signers->sign_with > 0 ? signers->sign_with : (size_t)signers->threshold;

    for (size_t i = 0; i < count && i < signers->count; i++) {
        char hex[PTI_HEX_SIZE(PTI_SIGNATURE_SIZE_MAX) + 1];
        struct pti_signature signature;
        sim_ok(pti_signing_key_sign(signers->keys[i], canonical, &signature, &error), &error, "sign");
        pti_hex_encode(signature.data, signature.size, hex);
        pti_json_begin_object(writer, NULL);
        pti_json_put_text(writer, "keyid", pti_signing_key_public(signers->keys[i])->id);
        pti_json_put_text(writer, "sig", hex);
        pti_json_end_object(writer);
    }
}

struct pintle_bytes sim_sign_twice(const struct sim_signers *first, const struct sim_signers *second,
                                   struct pintle_bytes signed_json)
{
    struct pti_json_writer writer;
    struct pti_json *json;
    struct pti_buf canonical, out;
    struct pintle_bytes envelope;

    pti_buf_init(&canonical, SIM_TEXT_MAX);
    pti_buf_init(&out, SIM_TEXT_MAX);
    sim_ok(pti_json_parse(signed_json, &json, &error), &error, "parse what is to be signed");
    pti_json_write_canonical(pti_json_root(json), &canonical);
    pti_json_writer_init(&writer, &out, false);
    pti_json_begin_object(&writer, NULL);
    pti_json_begin_array(&writer, "signatures");
    put_signatures(first, pti_buf_bytes(&canonical), &writer);
    if (second != NULL)
        put_signatures(second, pti_buf_bytes(&canonical), &writer);
    pti_json_end_array(&writer);
    pti_json_put_raw(&writer, "signed", signed_json);
    pti_json_end_object(&writer);
    sim_ok(pti_buf_check(&out, &error, "envelope"), &error, "write an envelope");
    sim_ok(pti_bytes_copy(pti_buf_bytes(&out), &envelope), NULL, "copy an envelope");
    pti_json_free(json);
    pti_buf_clear(&canonical);
    pti_buf_clear(&out);
    return envelope;
}

struct pintle_bytes sim_sign(struct sim *sim, const struct sim_signers *signers, struct pintle_bytes signed_json)
{
    (void)sim;
    return sim_sign_twice(signers, NULL, signed_json);
}

void sim_sign_into(const struct sim_signers *signers, struct pti_buf *buf, struct pintle_bytes *slot)
{
    struct pintle_bytes envelope = sim_sign_twice(signers, NULL, pti_buf_bytes(buf));

    pti_bytes_free(slot);
    *slot = envelope;
    pti_buf_clear(buf);
}

/* ---- keys of the top-level roles ---- */

void sim_new_keys(struct sim *sim, enum sim_role role, enum pti_key_kind kind, size_t count, int64_t threshold)
{
    sim_make_signers(sim, &sim->signers[role], kind, count, threshold);
    if (role == SIM_TARGETS)
        pti_bytes_free(&sim->targets); /* signed anew by the next publication */
}

static bool same_keys(const struct sim_signers *a, const struct sim_signers *b)
{
    return a->count == b->count && a->threshold == b->threshold && a->sign_with == b->sign_with &&
           memcmp(a->keys, b->keys, a->count * sizeof(a->keys[0])) == 0;
}

void sim_publish_root(struct sim *sim)
{
    struct sim_history *history = sim_history_of(sim);
    const struct sim_signers *now = &sim->signers[SIM_ROOT];
    const struct sim_signers *before = history->root.count > 0 ? &history->root : now;
    struct pti_role_keys keys[SIM_ROLES];
    struct pintle_bytes envelope;
    struct pti_buf buf;
    char path[64];

    for (size_t i = 0; i < SIM_ROLES; i++)
        keys[i] = sim_role_keys(&sim->signers[i]);
    sim->root_version++;
    pti_buf_init(&buf, SIM_TEXT_MAX);
    pti_root_write(&(struct pti_root_fields){.version = sim->root_version,
                                             .expires = sim_now(sim) + sim->expires_days[SIM_ROOT] * SIM_DAY,
                                             .repository = sim->repository,
                                             .root = keys[SIM_ROOT],
                                             .targets = keys[SIM_TARGETS],
                                             .snapshot = keys[SIM_SNAPSHOT],
                                             .timestamp = keys[SIM_TIMESTAMP]},
                   &buf);
    envelope = sim_sign_twice(before, same_keys(before, now) ? NULL : now, pti_buf_bytes(&buf));
    (void)snprintf(path, sizeof(path), "metadata/%" PRId64 ".root.json", sim->root_version);
    sim_machine_put(sim->machine, path, envelope);
    history->root = *now;
    pti_bytes_free(&envelope);
    pti_buf_clear(&buf);
    for (size_t i = 0; i < SIM_ROLES; i++)
        pti_role_keys_clear(&keys[i]);
}

void sim_rotate(struct sim *sim, enum sim_role role)
{
    const struct sim_signers *signers = &sim->signers[role];
    enum pti_key_kind kind = pti_signing_key_kind(signers->keys[0]);

    sim_new_keys(sim, role, kind, signers->count, signers->threshold);
    sim_publish_root(sim);
    sim_publish(sim);
}
