// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/**
 * Accept or reject for one connection, why, what matched, and under which version: {@code struct pintle_verdict}.
 * Made by the native library alone.  Immutable; any thread.
 */
public final class PintleVerdict {
    private final PintleStatus status;
    private final PintleReason reason;
    private final PintleMode mode;
    private final int matchedIndex;
    private final long charterVersion;
    private final long zoneVersion;
    private final String zone;
    private final String host;
    private final String notedHost;
    private final String description;

    /** Called from native code. */
    PintleVerdict(int status, int reason, int mode, int matchedIndex, long charterVersion, long zoneVersion,
            String zone,
            String host, String notedHost, String description) {
        this.status = PintleStatus.of(status);
        this.reason = PintleReason.of(reason);
        this.mode = PintleMode.of(mode);
        this.matchedIndex = matchedIndex;
        this.charterVersion = charterVersion;
        this.zoneVersion = zoneVersion;
        this.zone = zone;
        this.host = host;
        this.notedHost = notedHost;
        this.description = description;
    }

    /** {@link PintleStatus#OK}: accepted; any other: rejected. */
    public @NotNull PintleStatus status() {
        return status;
    }

    public @NotNull PintleReason reason() {
        return reason;
    }

    public @NotNull PintleMode mode() {
        return mode;
    }

    /** Position in the verified chain, 0 being the leaf, of what matched or is denied; -1 if nothing. */
    public int matchedIndex() {
        return matchedIndex;
    }

    /** 0 without a charter. */
    public long charterVersion() {
        return charterVersion;
    }

    /** 0 if the zone has no file. */
    public long zoneVersion() {
        return zoneVersion;
    }

    /** Empty without a policy. */
    public @NotNull String zone() {
        return zone;
    }

    /** The host asked for, normalised; empty if it is none. */
    public @NotNull String host() {
        return host;
    }

    /** The entry whose policy decided; a parent if that covers subdomains. */
    public @NotNull String notedHost() {
        return notedHost;
    }

    /** One line for a person: what was decided, why, and what to do. */
    @Override
    public @NotNull String toString() {
        return description;
    }

    /**
     * The verdict with which a connection was refused, from what the TLS library or HTTP client threw: looks along
     * causes and suppressed exceptions for a {@link PintlePinException}.  Null if the failure was none of Pintle's.
     */
    public static @Nullable PintleVerdict of(@Nullable Throwable thrown) {
        return Refusals.find(thrown);
    }
}
