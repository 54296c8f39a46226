// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts the moments at which pins may have changed, so that sessions and connections made before can be told from
 * those made since.  Only a hint: whatever is reused is asked for again, see {@link Connections}.
 */
final class Generation {
    /** Not what an attacker can bring about at will, who would cost every connection its session. */
    private static final Set<PintleEvent.Kind> CHANGES = EnumSet.of(PintleEvent.Kind.STARTED, PintleEvent.Kind.APPLIED,
            PintleEvent.Kind.UP_TO_DATE, PintleEvent.Kind.STALE, PintleEvent.Kind.STORAGE);

    private final AtomicLong count = new AtomicLong();

    long now() {
        return count.get();
    }

    /** Counts, then tells the application, if it wants to know. */
    PintleEvents watching(PintleEvents told) {
        AtomicLong counted = count;

        return event -> {
            if (CHANGES.contains(event.kind()))
                counted.incrementAndGet();
            if (told != null)
                told.onEvent(event);
        };
    }
}
