/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict: accept or reject for one connection, why, what matched, and under which version. */
#ifndef PINTLE_VERDICT_H
#define PINTLE_VERDICT_H

#include <stddef.h>
#include <stdint.h>

#include <pintle/bytes.h>
#include <pintle/evidence.h>
#include <pintle/export.h>
#include <pintle/status.h>

PINTLE_BEGIN_DECLS

/* Longest host name, in bytes, without terminator (RFC 1035, section 2.3.4), and longest zone name. */
#define PINTLE_HOST_MAX 253
#define PINTLE_ZONE_NAME_MAX 63

enum pintle_mode { PINTLE_MODE_NONE = 0, PINTLE_MODE_ENFORCE, PINTLE_MODE_REPORT };

enum pintle_reason {
    PINTLE_REASON_UNDECIDED = 0, /* no check has run: not an acceptance */
    /* accepted */
    PINTLE_REASON_MATCHED,     /* a pin matched */
    PINTLE_REASON_UNLISTED,    /* no policy for this host, and the application accepts such hosts */
    PINTLE_REASON_REPORT_ONLY, /* nothing matched, but the policy only reports */
    /* rejected */
    PINTLE_REASON_MISMATCH,          /* nothing matched */
    PINTLE_REASON_DENIED,            /* a denied key or certificate stands in the chain */
    PINTLE_REASON_UNLISTED_REFUSED,  /* no policy for this host, and the application refuses such hosts */
    PINTLE_REASON_REQUIRED_UNKNOWN,  /* the application requires pins for this host and none are known */
    PINTLE_REASON_NO_USABLE_PIN,     /* the policy enforces but holds no pin that this build understands */
    PINTLE_REASON_CHAIN_UNUSABLE,    /* empty chain, or a certificate that does not parse */
    PINTLE_REASON_STALE_REFUSED,     /* stale for longer than the charter or the application allows */
    PINTLE_REASON_SHIPPED_TOO_OLD,   /* the shipped generation is older than the charter allows */
    PINTLE_REASON_STORE_UNVERIFIED,  /* storage could not be verified and nothing shipped covers this host */
    PINTLE_REASON_EVIDENCE_PARTIAL,  /* the evidence lacks a kind of hash that the policy asks for */
    PINTLE_REASON_ADAPTER_LIMIT,     /* the adapter cannot supply the issuers asked for, or match an address */
    PINTLE_REASON_HOST_INVALID,      /* the host is not a host name or IP address */
    PINTLE_REASON_HOST_MISSING,      /* the adapter was given no host */
    PINTLE_REASON_VALIDATION_FAILED, /* ordinary validation (chain, host name, time) failed: pins were not asked */
    PINTLE_REASON_VALIDATION_OFF     /* ordinary validation was switched off after attaching */
};

/* A plain value.  A verdict that is all zero is no acceptance: ask status only after a check. */
struct pintle_verdict {
    enum pintle_status status; /* PINTLE_OK: accept; any other: reject */
    enum pintle_reason reason;
    enum pintle_mode mode;                /* of the effective policy; NONE without one */
    enum pintle_of matched_of;            /* meaningful if matched_index >= 0 */
    int matched_index;                    /* position in the chain of what matched or is denied; -1 if nothing */
    uint8_t matched[PINTLE_SHA256_SIZE];  /* the pin that matched, or the denial */
    int64_t charter_version;              /* 0 without a charter */
    int64_t zone_version;                 /* 0 if the zone has no file */
    char zone[PINTLE_ZONE_NAME_MAX + 1];  /* empty without a policy */
    char host[PINTLE_HOST_MAX + 1];       /* the host asked for, normalised */
    char noted_host[PINTLE_HOST_MAX + 1]; /* the entry whose policy decided; a parent if it covers subdomains */
};

/* The name of a reason ("matched", "mismatch", ...); static.  Any thread. */
PINTLE_API const char *pintle_reason_name(enum pintle_reason reason);

/*
 * One line for a person: what was decided, why, and what to do.  Writes at most size bytes with the terminator, cutting
 * what does not fit, and returns the length of the whole line without it, as snprintf does.
 */
PINTLE_API size_t pintle_verdict_describe(const struct pintle_verdict *verdict, char *out, size_t size);

PINTLE_END_DECLS

#endif
