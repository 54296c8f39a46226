/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the chain of published roots tells: under which of them the manifest was made, where version numbers start
 * again, and which keys are gone for ever.  Pure.
 */
#ifndef PTI_PUBLISH_ROOT_HISTORY_H
#define PTI_PUBLISH_ROOT_HISTORY_H

#include "publish/published.h"
#include "tuf/metadata.h"

/*
 * The newest root under which the published timestamp and snapshot verify; *version is 0 if there is none.  It is the
 * newest of all, unless a publication ended between its root and its timestamp.  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_root_history_accepting(const struct pti_published *published, struct pintle_crypto *crypto,
                                              size_t *version, struct pti_error *error);

/*
 * Do versions of timestamp and snapshot start again from one root to another?  Only if neither role keeps a key: then
 * no client can compare with what it had, and whatever numbers a thief of the old keys used up are free again.
 */
bool pti_root_history_restarts(const struct pti_tuf_metadata *before, const struct pti_tuf_metadata *after);

/* The version of the root at which they last started again; 1 if they never did.  PINTLE_ERR_INPUT, _MEMORY. */
enum pintle_status pti_root_history_epoch(const struct pti_published *published, struct pintle_crypto *crypto,
                                          size_t *version, struct pti_error *error);

/*
 * Was this key removed: named for role by an earlier root and not by the newest, or named by an earlier one for
 * anything and by the newest for nothing?  PINTLE_ERR_INPUT, PINTLE_ERR_MEMORY.
 */
enum pintle_status pti_root_history_removed(const struct pti_published *published, enum pti_tuf_type role,
                                            const char *keyid, bool *removed, struct pti_error *error);

#endif
