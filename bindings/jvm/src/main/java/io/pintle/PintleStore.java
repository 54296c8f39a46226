// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/**
 * Where a client keeps what it has accepted: a few small named blobs, each replaced atomically, and one lock.  Contents
 * are signed and verified at every start: a store needs no secrecy.  Any thread may call, also a native one, one at a
 * time for each client.  The message of an exception is what the application is told; it names the place and the
 * reason.
 */
public interface PintleStore {
    /** The blob, or null if there is none.  An unreadable one is an exception, never null. */
    @Nullable
    byte[] load(@NotNull String name) throws IOException;

    /** Replaces the blob: after a crash at any instruction the old one or the new one is there, whole. */
    void save(@NotNull String name, @NotNull byte[] data) throws IOException;

    /** Removes the blob; one that is absent is no failure. */
    void remove(@NotNull String name) throws IOException;

    /** One lock over the whole store, between processes and between clients of one process; waits, boundedly. */
    void lock() throws IOException;

    /** Gives the lock back. */
    void unlock();
}
