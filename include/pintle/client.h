/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client keeps the pins of one repository current: it fetches the manifest, verifies it fully, stores it, and swaps it
 * in.  When anything fails it keeps the last good pins, and says so.
 *
 * Any thread may call any function; refreshes are serialised, and no check waits for one.  The library starts no thread
 * unless pintle_client_start() is called.
 *
 * A forked child of a process with one thread may go on with the client; one of a process with several, such as one that
 * called pintle_client_start(), only executes another program or leaves by _exit().
 */
#ifndef PINTLE_CLIENT_H
#define PINTLE_CLIENT_H

#include <pintle/checker.h>
#include <pintle/config.h>

PINTLE_BEGIN_DECLS

struct pintle_client;

/*
 * Verifies the trust anchor, then what is stored and shipped, and enforces the result at once; does not touch the
 * network.  Storage that is unreadable or does not verify is no failure here: shipped policies are enforced, every other
 * host is refused until a refresh succeeds, and a PINTLE_EVENT_STORAGE says so.
 * On success *client is owned by the caller; on failure it is NULL and pintle_config_error(config) says why.
 * PINTLE_ERR_MISUSE (no roots, crypto provider or store), PINTLE_ERR_INPUT or _TRUST (roots or shipped generation do
 * not verify), PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_client_new(struct pintle_config *config, struct pintle_client **client);

/*
 * Stops the client's thread, cancels a refresh or a sending of reports that another thread has under way, waits for it, and
 * frees the client.  No call may begin once this one has.  Its checkers live on.  NULL is legal.
 */
PINTLE_API void pintle_client_free(struct pintle_client *client);

/*
 * Polls once, now, within deadline_ms milliseconds (more than 0; waiting for a call of another thread counts), and applies
 * what is new.  PINTLE_OK: the pins in force are those of the repository.  Otherwise the last good pins stay:
 * PINTLE_ERR_NETWORK (nothing usable arrived in time), PINTLE_ERR_TRUST or _INPUT (what arrived was rejected),
 * PINTLE_ERR_STORAGE (it could not be stored, so it was not applied), PINTLE_ERR_MEMORY, PINTLE_ERR_MISUSE (no URL or no
 * transport).
 */
PINTLE_API enum pintle_status pintle_client_refresh(struct pintle_client *client, int64_t deadline_ms);

/* Milliseconds until pintle_client_refresh() should be called next; 0: now.  Jitter and back-off are in it. */
PINTLE_API int64_t pintle_client_next_due(struct pintle_client *client);

/*
 * After a check of host ended with PINTLE_ERR_RETRY: makes the refresh that it asked for, or waits for the one that the
 * client's thread or another caller makes, within deadline_ms milliseconds (more than 0; at most 30 seconds count).
 * PINTLE_OK: a refresh that began after the refusal has succeeded, connect once more, and only once.  Any other: do not.
 * One refresh serves all who wait, and leaves the schedule of polls alone; one that failed is not repeated for the same
 * refusal.  PINTLE_ERR_NETWORK, _TRUST, _INPUT, _STORAGE or _MEMORY as pintle_client_refresh(), PINTLE_ERR_MISUSE (no
 * check of host has asked for a refresh, or no URL or transport), PINTLE_ERR_INPUT also if host is not a host name.
 */
PINTLE_API enum pintle_status pintle_client_heal(struct pintle_client *client, const char *host, int64_t deadline_ms);

/*
 * Starts one thread that refreshes when due, heals after a mismatch, and sends reports.  Once per client.
 * PINTLE_ERR_MISUSE (started already), PINTLE_ERR_MEMORY (no thread to be had).
 */
PINTLE_API enum pintle_status pintle_client_start(struct pintle_client *client);

/*
 * Sends queued reports to the first of the charter's collectors that takes them, within deadline_ms milliseconds.
 * PINTLE_OK: nothing is left in the queue.  PINTLE_ERR_NETWORK: they stay queued.
 */
PINTLE_API enum pintle_status pintle_client_send_reports(struct pintle_client *client, int64_t deadline_ms);

/*
 * What network the device is on, for reports and nothing else: a type such as "wifi" or "cellular" (at most 16 characters
 * of a-z, A-Z, 0-9, '.', '_', ':' and '-'), and bits of enum pintle_network.  NULL: not known, as before the first call.
 * PINTLE_ERR_MISUSE.
 */
enum pintle_network { PINTLE_NETWORK_CAPTIVE = 1, PINTLE_NETWORK_VPN = 2, PINTLE_NETWORK_PROXY = 4 };
PINTLE_API enum pintle_status pintle_client_set_network(struct pintle_client *client, const char *type, unsigned bits);

/*
 * What the client holds, as one JSON object for a diagnostics page: state, versions, age, hosts with pin counts, last
 * error.  Writes at most size bytes with the terminator and returns the length of the whole text without it, as snprintf
 * does; 0 if memory ran out.
 */
PINTLE_API size_t pintle_client_info(struct pintle_client *client, char *out, size_t size);

/*
 * The value of the `Pintle-Manifest` request header for the application's own requests to host, such as
 * "charter=3,payments=41;d=1": versions, and whether this request is the first of a UTC day (d=1) and week (w=1) for the
 * zone of host; no identifier.  Call it once for a request that is about to be sent, with room for 256 bytes: a day is
 * counted once by all processes on one store, in which it is remembered before the flag is given out.  Like snprintf, but
 * with too little room for flags none is counted, and the length returned would do.  An unlisted host yields "charter=3",
 * a client without a manifest the empty string.
 */
PINTLE_API size_t pintle_client_header(struct pintle_client *client, const char *host, char *out, size_t size);

/* The pinset of this moment; the caller owns one reference. */
PINTLE_API struct pintle_pinset *pintle_client_pinset(struct pintle_client *client);

/* A checker that follows this client, for TLS adapters.  On success *checker is owned by the caller. */
PINTLE_API enum pintle_status pintle_client_checker(struct pintle_client *client, struct pintle_checker **checker);

/* Copies the detail of the last failed call into out, always terminated; "" if there was none.  Like snprintf. */
PINTLE_API size_t pintle_client_error(struct pintle_client *client, char *out, size_t size);

PINTLE_END_DECLS

#endif
