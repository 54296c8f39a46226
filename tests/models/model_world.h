/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the world; whoever uses the model includes model.h alone. */
#ifndef PINTLE_TESTS_MODEL_WORLD_H
#define PINTLE_TESTS_MODEL_WORLD_H

#include "model.h"

/* ---- signing (model_publisher.c): each returns the number of the file; when it expires is filled in ---- */

int model_sign_targets(struct model *world, int key); /* the draft */
int model_sign_zone(struct model *world, struct model_zone file);
int model_sign_timestamp(struct model *world, struct model_timestamp file);
int model_sign_online(struct model *world, struct model_timestamp timestamp, struct model_snapshot snapshot);
const struct model_timestamp *model_timestamp_now(const struct model *world);
int model_snapshot_version_now(const struct model *world);
/* A new root in which the roles of these bits have new keys. */
void model_next_root(struct model *world, int new_keys);
/* Everything that changed or expired, then snapshot and timestamp, whose versions may start again. */
void model_publish(struct model *world, bool restart);

/* ---- polls and starts, which are remembered in deeds ---- */

struct model_deed *model_add_deed(struct model_deeds *deeds, enum model_deed_kind kind, int value);
struct model_poll model_honest_poll(const struct model *world, int client);
bool model_do_poll(struct model *world, struct model_poll poll, struct model_deeds *deeds);
void model_start_client(struct model *world, int client, struct model_deeds *deeds);
void model_start_all(struct model *world, struct model_deeds *deeds); /* as another app */

/* ---- actions: what a and b mean stands with each ---- */

#define MODEL_ACTION(name) bool name(struct model *world, const struct model_action *action, struct model_deeds *deeds)

MODEL_ACTION(model_publish_pins);
MODEL_ACTION(model_publish_host);
MODEL_ACTION(model_publish_omission);
MODEL_ACTION(model_publish_subdomains);
MODEL_ACTION(model_publish_narrower);
MODEL_ACTION(model_publish_zone);
MODEL_ACTION(model_publish_zone_key);
MODEL_ACTION(model_rotate);
MODEL_ACTION(model_publish_again);

MODEL_ACTION(model_poll_client);
MODEL_ACTION(model_poll_full_disk);
MODEL_ACTION(model_replay);
MODEL_ACTION(model_garble);
MODEL_ACTION(model_race);
MODEL_ACTION(model_steal);
MODEL_ACTION(model_steal_timestamp);

MODEL_ACTION(model_restart);
MODEL_ACTION(model_upgrade);
MODEL_ACTION(model_downgrade);
MODEL_ACTION(model_damage);
MODEL_ACTION(model_turn_clock);

#endif
