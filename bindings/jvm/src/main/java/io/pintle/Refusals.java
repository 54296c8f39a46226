// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import javax.net.ssl.SSLPeerUnverifiedException;

/** How a verdict travels through exceptions that are not ours. */
final class Refusals {
    /** Causes form no cycle of their own accord, but who knows what an application links. */
    private static final int DEPTH_MAX = 16;

    private Refusals() {}

    static PintleVerdict find(Throwable thrown) {
        return find(thrown, DEPTH_MAX);
    }

    private static PintleVerdict find(Throwable thrown, int depth) {
        if (thrown == null || depth == 0)
            return null;
        if (thrown instanceof PintlePinException)
            return ((PintlePinException) thrown).verdict();
        for (Throwable suppressed : thrown.getSuppressed()) {
            if (suppressed instanceof PintlePinException)
                return ((PintlePinException) suppressed).verdict();
        }
        return find(thrown.getCause(), depth - 1);
    }

    /**
     * For places that may throw an IOException only: TLS and HTTP libraries know it as final, not worth another try.
     */
    static SSLPeerUnverifiedException asIo(PintleVerdict verdict) {
        SSLPeerUnverifiedException refusal = new SSLPeerUnverifiedException(verdict.toString());
        refusal.initCause(new PintlePinException(verdict));
        return refusal;
    }
}
