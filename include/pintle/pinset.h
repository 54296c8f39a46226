/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pinset: the immutable form of all pins that checks run against.  A check allocates nothing, takes no lock and does
 * no I/O.  Reference-counted; any thread may check at any time.
 */
#ifndef PINTLE_PINSET_H
#define PINTLE_PINSET_H

#include <pintle/evidence.h>
#include <pintle/export.h>
#include <pintle/verdict.h>

PINTLE_BEGIN_DECLS

struct pintle_pinset;

/* What happens to a host without a policy. */
enum pintle_unlisted { PINTLE_UNLISTED_ACCEPT = 0, PINTLE_UNLISTED_REFUSE };

/* One pin of a static pinset. */
struct pintle_static_pin {
    const char *host;   /* a host name or IP literal; normalised when read */
    const char *sha256; /* 44 characters of base64, without the "sha256/" some tools prefix */
    enum pintle_of of;
    enum pintle_at at;
    bool subdomains; /* the host's policy covers subdomains; if any of its pins says so, all do */
};

/*
 * A pinset from pins frozen into the program: static pinning, for a host whose keys you will never rotate without an
 * app release.  Several pins of one host form its policy, in enforce mode.  The pins are copied.
 * On success *pinset is owned by the caller.  detail, if not NULL, receives one line on failure.
 * PINTLE_ERR_INPUT: a host name or hash is malformed, or of or at is not set.  PINTLE_ERR_MISUSE: an argument is NULL,
 * unlisted is neither value, or there are no pins at all and unlisted hosts are accepted, which would pin nothing.
 * PINTLE_ERR_MEMORY.
 */
PINTLE_API enum pintle_status pintle_pinset_new_static(const struct pintle_static_pin *pins, size_t count,
                                                       enum pintle_unlisted unlisted, struct pintle_pinset **pinset,
                                                       char *detail, size_t detail_size);

/* Takes another reference and returns it.  NULL is legal. */
PINTLE_API struct pintle_pinset *pintle_pinset_ref(struct pintle_pinset *pinset);

/* Drops a reference; the last one frees.  NULL is legal. */
PINTLE_API void pintle_pinset_free(struct pintle_pinset *pinset);

/* Which hashes evidence must hold for this pinset: bits of enum pintle_of, PINTLE_OF_SPKI among them.  NULL is legal. */
PINTLE_API unsigned pintle_pinset_needs(const struct pintle_pinset *pinset);

/*
 * The decision (docs/design.md, section 7).  host is NUL-terminated, normalised here; evidence comes from the chain that
 * the TLS library verified for exactly this host; now is Unix time in seconds and only matters where staleness was
 * bounded.  Always fills *verdict and returns verdict->status.
 */
PINTLE_API enum pintle_status pintle_pinset_check(const struct pintle_pinset *pinset, const char *host,
                                                  const struct pintle_evidence *evidence, int64_t now,
                                                  struct pintle_verdict *verdict);

PINTLE_END_DECLS

#endif
