// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import org.jetbrains.annotations.NotNull;

/** Why a connection was accepted or rejected; the same, in the same order, as in {@code pintle/verdict.h}. */
public enum PintleReason {
    /** No check has run: not an acceptance. */
    UNDECIDED,
    /** Accepted: a pin matched. */
    MATCHED,
    /** Accepted: no policy for this host, and the application accepts such hosts. */
    UNLISTED,
    /** Accepted: nothing matched, but the policy only reports. */
    REPORT_ONLY,
    /** Nothing matched. */
    MISMATCH,
    /** A denied key or certificate stands in the chain. */
    DENIED,
    /** No policy for this host, and the application refuses such hosts. */
    UNLISTED_REFUSED,
    /** The application requires pins for this host, and none are known. */
    REQUIRED_UNKNOWN,
    /** The policy enforces but holds no pin that this build understands. */
    NO_USABLE_PIN,
    /** No chain, one that is too long, or a certificate that does not parse. */
    CHAIN_UNUSABLE,
    /** Stale for longer than the charter or the application allows. */
    STALE_REFUSED,
    /** The shipped generation is older than the charter allows. */
    SHIPPED_TOO_OLD,
    /** Storage could not be verified, and nothing shipped covers this host. */
    STORE_UNVERIFIED,
    /** The evidence lacks a kind of hash that the policy asks for. */
    EVIDENCE_PARTIAL,
    /** The TLS library cannot supply the issuers that the policy asks for. */
    ADAPTER_LIMIT,
    /** The host is not a host name or IP address, or there are several. */
    HOST_INVALID,
    /** Nobody said which host the connection is for. */
    HOST_MISSING,
    /** Ordinary validation (chain, host name, time) failed: pins were not asked. */
    VALIDATION_FAILED,
    /** Ordinary validation was switched off. */
    VALIDATION_OFF;

    private static final PintleReason[] ALL = values();

    /** The name of {@code pintle_reason_name()}: "mismatch". */
    @Override
    public @NotNull String toString() {
        return Names.lower(this);
    }

    static PintleReason of(int number) {
        return ALL[number];
    }
}
