// SPDX-License-Identifier: Apache-2.0
package io.pintle;

/**
 * What the effective policy of a host does on a mismatch; the same, in the same order, as in {@code pintle/verdict.h}.
 */
public enum PintleMode {
    /** There is no policy. */
    NONE,
    /** A mismatch is refused. */
    ENFORCE,
    /** A mismatch is accepted and reported. */
    REPORT;

    private static final PintleMode[] ALL = values();

    static PintleMode of(int number) {
        return ALL[number];
    }
}
