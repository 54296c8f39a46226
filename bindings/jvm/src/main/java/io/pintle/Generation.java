// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the moments at which pins may have changed, so that sessions and connections made before can be told from those made
 * since.  Only a hint: whatever is reused is asked for again, see {@link Connections}.
 */
final class Generation {
    private final AtomicLong count = new AtomicLong();

    long now() {
        return count.get();
    }

    /** Counts, then tells the application, if it wants to know. */
    PintleEvents watching(PintleEvents told) {
        AtomicLong counted = count;

        return event -> {
            if (event.verdict() == null)
                counted.incrementAndGet();
            if (told != null)
                told.onEvent(event);
        };
    }
}
