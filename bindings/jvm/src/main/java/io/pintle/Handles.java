// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.HashSet;
import java.util.Set;

/**
 * Native objects whose Java owner is gone.  They are freed whenever another one is made, by that thread: no thread of
 * our own, no finalizer, and nothing that Android lacks.
 */
final class Handles {
    /** Frees one native object; knows nothing of its owner. */
    interface Free {
        void free(long handle);
    }

    static final class Handle extends PhantomReference<Object> {
        private final Free free;
        private long value;

        private Handle(Object owner, long value, Free free) {
            super(owner, DROPPED);
            this.value = value;
            this.free = free;
        }

        /** Of use while the owner is reachable and {@link #free()} has not been called. */
        long value() {
            return value;
        }

        void free() {
            long taken;

            synchronized (LIVE) {
                taken = value;
                value = 0;
                LIVE.remove(this);
            }
            clear();
            if (taken != 0)
                free.free(taken);
        }
    }

    private static final ReferenceQueue<Object> DROPPED = new ReferenceQueue<>();
    private static final Set<Handle> LIVE = new HashSet<>();

    private Handles() {}

    static Handle own(Object owner, long value, Free free) {
        Handle handle = new Handle(owner, value, free);

        synchronized (LIVE) {
            LIVE.add(handle);
        }
        freeDropped();
        return handle;
    }

    /** How many native objects there are, for the tests. */
    static int count() {
        synchronized (LIVE) {
            return LIVE.size();
        }
    }

    static void freeDropped() {
        for (Object dropped = DROPPED.poll(); dropped != null; dropped = DROPPED.poll())
            ((Handle) dropped).free();
    }
}
