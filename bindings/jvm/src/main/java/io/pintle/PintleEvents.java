// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import org.jetbrains.annotations.NotNull;

/** What a client tells its application as it happens: a fallback is never silent. */
public interface PintleEvents {
    /**
     * Runs on the thread that caused the event (a handshake, a refresh, the client's own native thread), so it must be
     * quick, and it must not call back into the client, which answers an {@link IllegalStateException}, except for
     * {@link PintleClient#info()} and {@link PintleClient#error()}.  What it throws is dropped.
     */
    void onEvent(@NotNull PintleEvent event);
}
