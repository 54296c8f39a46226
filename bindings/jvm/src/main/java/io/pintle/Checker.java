// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.nio.charset.StandardCharsets;

/**
 * What everything that pins holds: it follows its client, and outlives it with the last pins.  Freed when nothing holds it any
 * more.  Any thread.
 */
final class Checker {
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

    /** Null if today's pins accept evidence that was kept. */
    PintleVerdict peek(String host, byte[] evidence) {
        try {
            return Native.peek(handle.value(), bytes(host), evidence);
        } finally {
            keepAlive();
        }
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
