// SPDX-License-Identifier: Apache-2.0
package io.pintle;

/** What the two interceptors know of one call; it travels with the request, also through redirects. */
final class OkHttpState {
    /** Something has been sent that may not be sent twice. */
    volatile boolean sent;
    private Guard guard;
    private Guard.Kept known;
    private String host;

    /** The request goes out over a connection of which this is known. */
    synchronized void accepted(Guard asked, Guard.Kept proved, String requested) {
        guard = asked;
        known = proved;
        host = requested;
    }

    /** What today's pins say of the connection of the last request; UNDECIDED if there was none over TLS. */
    synchronized PintleVerdict verdict() {
        return guard != null ? guard.verdict(known, host) : Checker.reject(PintleReason.UNDECIDED, null);
    }
}
