// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.nio.charset.StandardCharsets;

/**
 * What everything that pins holds: it follows its client, and outlives it with the last pins.  Freed when nothing holds
 * it any more.  Any thread.
 */
final class Checker {
    private static final byte[] NO_EVIDENCE = {};

    private final Handles.Handle handle;

    Checker(long checker) {
        handle = Handles.own(this, checker, Native::checkerFree);
    }

    private static byte[] bytes(String host) {
        return host.getBytes(StandardCharsets.UTF_8);
    }

    /** Evidence of a verified chain, leaf first. */
    byte[] evidence(byte[][] chain) {
        try {
            return Native.evidence(handle.value(), chain);
        } finally {
            keepAlive();
        }
    }

    PintleVerdict check(String host, byte[] evidence) {
        try {
            return Native.check(handle.value(), bytes(host), evidence);
        } finally {
            keepAlive();
        }
    }

    /** By today's pins, on evidence that was kept: no event, no report, no refresh. */
    PintleVerdict peek(String host, byte[] evidence) {
        try {
            return Native.peek(handle.value(), bytes(host), evidence);
        } finally {
            keepAlive();
        }
    }

    /** As {@link #peek}, but null if today's pins accept the evidence. */
    PintleVerdict refusal(String host, byte[] evidence) {
        try {
            return Native.refusal(handle.value(), bytes(host), evidence);
        } finally {
            keepAlive();
        }
    }

    /** Is there a policy for host? */
    boolean isListed(String host) {
        return peek(host, NO_EVIDENCE).mode() != PintleMode.NONE;
    }

    static PintleVerdict reject(PintleReason reason, String host) {
        return Native.reject(reason.ordinal(), bytes(host != null ? host : ""));
    }

    static boolean sameHost(String one, String other) {
        return Native.sameHost(bytes(one), bytes(other));
    }

    /** Reachability until here: Java 8 has no reachabilityFence(), and a lock that is taken is no dead code. */
    private synchronized void keepAlive() {}
}
