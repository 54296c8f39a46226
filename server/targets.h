/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target says where a host is to be looked for: at an address, or at a name that is resolved each round.  Targets
 * come from the hosts of a manifest, from --edge and from the API.
 *
 * All that use a database return PINTLE_OK, PINTLE_ERR_STORAGE or PINTLE_ERR_MEMORY.
 */
#ifndef PTI_SERVER_TARGETS_H
#define PTI_SERVER_TARGETS_H

#include "probe/endpoint.h"
#include "server/database.h"

#define PTI_REPOSITORY_NAME_SIZE 64 /* bytes with terminator; the plain repository is "" */

/* Who named a target. */
enum pti_target_source { PTI_TARGET_MANIFEST, PTI_TARGET_OPTION, PTI_TARGET_API };
const char *pti_target_source_name(enum pti_target_source source); /* "manifest", "option", "api"; static */

struct pti_target {
    char repository[PTI_REPOSITORY_NAME_SIZE];
    char host[PINTLE_HOST_MAX + 1]; /* that is asked for and validated */
    struct pti_endpoint where;      /* an address, or a name that has some */
    enum pti_target_source source;
};

/*
 * [NAME/]HOST=ADDRESS[:PORT], as people write it: a target of repository NAME.  source stays what 0 is.
 * PINTLE_ERR_INPUT.
 */
enum pintle_status pti_target_parse(const char *text, struct pti_target *target, struct pti_error *error);

/*
 * Only those of PTI_TARGET_API are kept; the others are said anew at each start.  Told to the journal as actor's
 * doing; *changed: it was not, or was, there.
 */
enum pintle_status pti_targets_add(struct pti_database *database, const struct pti_target *target, int64_t now,
                                   const char *actor, bool *changed, struct pti_error *error);
enum pintle_status pti_targets_remove(struct pti_database *database, const struct pti_target *target, const char *actor,
                                      bool *changed, struct pti_error *error);
enum pintle_status pti_targets_list(struct pti_database *database,
                                    bool (*row)(void *ctx, const struct pti_target *target), void *ctx,
                                    struct pti_error *error);

#endif
