/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a client.  Secure by default; what weakens security has "insecure" in its name, and there is
 * nothing here that does.  One thread at a time; pintle_client_new() copies everything.
 *
 * Setters return PINTLE_ERR_MISUSE for NULL or empty arguments, PINTLE_ERR_MEMORY, and what they say; the configuration
 * is unchanged on failure and pintle_config_error() has the detail.
 */
#ifndef PINTLE_CONFIG_H
#define PINTLE_CONFIG_H

#include <pintle/clock.h>
#include <pintle/crypto.h>
#include <pintle/event.h>
#include <pintle/pinset.h>
#include <pintle/store.h>
#include <pintle/transport.h>

PINTLE_BEGIN_DECLS

struct pintle_config;

/* On success *config is owned by the caller, who frees it with pintle_config_free(). */
PINTLE_API enum pintle_status pintle_config_new(struct pintle_config **config);
PINTLE_API void pintle_config_free(struct pintle_config *config);

/*
 * The trust anchor, required: every root of the repository from version 1 on, as the publisher wrote it to `app/roots`;
 * or the JSON of root version 1 alone.  Verified by pintle_client_new(), not here.
 */
PINTLE_API enum pintle_status pintle_config_set_roots_mem(struct pintle_config *config, struct pintle_bytes roots);
PINTLE_API enum pintle_status pintle_config_set_roots_file(struct pintle_config *config, const char *path);

/*
 * The generation that ships inside the app (`app/shipped`), enforced from the first start on.  Optional; but without
 * it, and with no pintle_config_require_host() or PINTLE_UNLISTED_REFUSE, a first start pins nothing until its first
 * refresh has succeeded, and whoever owns the network can prevent that.
 */
PINTLE_API enum pintle_status pintle_config_set_shipped_mem(struct pintle_config *config, struct pintle_bytes shipped);
PINTLE_API enum pintle_status pintle_config_set_shipped_file(struct pintle_config *config, const char *path);

/*
 * Adds the base URL of a copy of the repository, tried in the order added; http or https, without query or fragment.
 * None at all is legal: then the client enforces what is stored or shipped and every refresh fails with MISUSE.
 */
PINTLE_API enum pintle_status pintle_config_add_url(struct pintle_config *config, const char *url);

/*
 * Declares that host must be pinned: without a policy for it, or without any usable pin, it is refused, and `report`
 * counts as `enforce`.  PINTLE_ERR_INPUT: not a host name.
 */
PINTLE_API enum pintle_status pintle_config_require_host(struct pintle_config *config, const char *host);

/* What happens to hosts without a policy; PINTLE_UNLISTED_ACCEPT unless set. */
PINTLE_API enum pintle_status pintle_config_set_unlisted(struct pintle_config *config, enum pintle_unlisted unlisted);

/* Refuse pinned hosts once stale for this many days (0 to 3650); it can only shorten what the charter says. */
PINTLE_API enum pintle_status pintle_config_set_stale(struct pintle_config *config, int days);

/*
 * Who the application is, and what it runs on (such as "android", "14"): for reports, and for the header of the client's
 * own polls.  At most 63 bytes each of printable ASCII without quotes; no identifier of a person or a device.
 */
PINTLE_API enum pintle_status pintle_config_set_app(struct pintle_config *config, const char *id, const char *version);
PINTLE_API enum pintle_status pintle_config_set_platform(struct pintle_config *config, const char *os,
                                                         const char *version);

/* What hashes and verifies (pintle/crypto.h).  Takes a reference.  Required. */
PINTLE_API enum pintle_status pintle_config_set_crypto(struct pintle_config *config, struct pintle_crypto *crypto);

/*
 * The vtables are copied, their ctx is borrowed: it must outlive every client made from this configuration, and the
 * caller frees it afterwards.  A transport serves one client: two would cancel and interrupt each other.  The store is
 * required.  Without a transport every refresh fails with MISUSE.  Without a clock the machine's is used.
 */
PINTLE_API enum pintle_status pintle_config_set_transport(struct pintle_config *config,
                                                          const struct pintle_transport *transport);
PINTLE_API enum pintle_status pintle_config_set_store(struct pintle_config *config, const struct pintle_store *store);
PINTLE_API enum pintle_status pintle_config_set_clock(struct pintle_config *config, const struct pintle_clock *clock);

/* Where events go; NULL switches them off. */
PINTLE_API enum pintle_status pintle_config_set_events(struct pintle_config *config, pintle_event_fn on_event,
                                                       void *ctx);

/* The detail of the last failure of a setter or of pintle_client_new(); "" if there was none.  Borrowed. */
PINTLE_API const char *pintle_config_error(const struct pintle_config *config);

PINTLE_END_DECLS

#endif
