// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import org.jetbrains.annotations.NotNull;

/**
 * The classes of success and failure that a caller can act on; the same, in the same order, as in
 * {@code pintle/status.h}.
 */
public enum PintleStatus {
    OK,
    /** A call out of order, or with arguments that can never be right. */
    MISUSE,
    /** Malformed data: a manifest, a certificate, a host name. */
    INPUT,
    /** Well-formed, but not signed, not newer, expired, denied, or no pin is known. */
    TRUST,
    /** The verified chain holds no key that is pinned for this host; nothing else. */
    PIN_MISMATCH,
    /** As {@link #PIN_MISMATCH}, but a refresh is due: {@link PintleClient#heal heal}, then connect once more. */
    RETRY,
    /** A transfer failed, was cut short, or ran out of time. */
    NETWORK,
    /** The store cannot be read, written or locked. */
    STORAGE,
    /** An allocation failed. */
    MEMORY,
    /** This build, or this TLS library, cannot evaluate what is asked of it. */
    UNSUPPORTED;

    private static final PintleStatus[] ALL = values();

    /** The name of {@code pintle_status_name()}: "pin_mismatch". */
    @Override
    public @NotNull String toString() {
        return Names.lower(this);
    }

    static PintleStatus of(int number) {
        return ALL[number];
    }
}
