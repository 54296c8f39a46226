// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * What native code calls: nothing that an application's code throws gets past here.  A failure is an array of one
 * element, the detail; the methods that fill one in return a status.
 */
final class Upcalls {
    private static final ThreadLocal<Boolean> INSIDE = new ThreadLocal<>();

    private final PintleTransport transport;
    private final PintleStore store;
    private final PintleEvents events;

    Upcalls(PintleTransport transport, PintleStore store, PintleEvents events) {
        this.transport = transport;
        this.store = store;
        this.events = events;
    }

    /** Is this thread within the application's code that native code has called? */
    static boolean inside() {
        return INSIDE.get() != null;
    }

    /** True for the outermost call of a thread, which {@link #leave} ends. */
    private static boolean enter() {
        if (inside())
            return false;
        INSIDE.set(Boolean.TRUE);
        return true;
    }

    private static void leave(boolean outermost) {
        if (outermost)
            INSIDE.remove();
    }

    private static final class NativeSink implements PintleTransport.Sink {
        private final Thread owner = Thread.currentThread();
        private long handle;

        NativeSink(long handle) {
            this.handle = handle;
        }

        @Override
        public void write(byte[] data, int offset, int length) throws IOException {
            if (data == null || offset < 0 || length < 0 || length > data.length - offset)
                throw new IndexOutOfBoundsException("offset " + offset + ", length " + length);
            if (handle == 0 || Thread.currentThread() != owner)
                throw new IllegalStateException("a sink is of use in the thread of perform(), until that returns");
            if (!Native.sinkWrite(handle, data, offset, length))
                throw new IOException("the response is longer than the request allows, or memory ran out");
        }
    }

    /** Called from native code.  result: HTTP status, Retry-After. */
    private byte[] perform(byte[] method, byte[] url, byte[] contentType, byte[] body, long maxResponse, long timeoutMs,
            int minBytesPerSecond, long sink, long[] result) {
        NativeSink into = new NativeSink(sink);
        boolean outermost = enter();

        try {
            PintleTransport.Response response = transport.perform(
                    new PintleTransport.Request(text(method), text(url), text(contentType), body, maxResponse,
                            timeoutMs,
                            minBytesPerSecond), into);

            result[0] = response.status();
            result[1] = response.retryAfterSeconds();
            return null;
        } catch (Throwable thrown) {
            return detail("transport", thrown);
        } finally {
            into.handle = 0;
            leave(outermost);
        }
    }

    /** Called from native code. */
    private void cancel() {
        boolean outermost = enter();

        try {
            transport.cancel();
        } catch (Throwable thrown) {
            // It is called again until the transfer has ended.
        } finally {
            leave(outermost);
        }
    }

    /** Called from native code.  found[0] is the blob; null: there is none. */
    private byte[] load(byte[] name, byte[][] found) {
        boolean outermost = enter();

        try {
            found[0] = store.load(text(name));
            return null;
        } catch (Throwable thrown) {
            return detail("store", thrown);
        } finally {
            leave(outermost);
        }
    }

    /** Called from native code. */
    private byte[] save(byte[] name, byte[] data) {
        boolean outermost = enter();

        try {
            store.save(text(name), data);
            return null;
        } catch (Throwable thrown) {
            return detail("store", thrown);
        } finally {
            leave(outermost);
        }
    }

    /** Called from native code. */
    private byte[] remove(byte[] name) {
        boolean outermost = enter();

        try {
            store.remove(text(name));
            return null;
        } catch (Throwable thrown) {
            return detail("store", thrown);
        } finally {
            leave(outermost);
        }
    }

    /** Called from native code. */
    private byte[] lock() {
        boolean outermost = enter();

        try {
            store.lock();
            return null;
        } catch (Throwable thrown) {
            return detail("store", thrown);
        } finally {
            leave(outermost);
        }
    }

    /** Called from native code. */
    private void unlock() {
        boolean outermost = enter();

        try {
            store.unlock();
        } catch (Throwable thrown) {
            // There is nobody to tell: the next lock() will say it.
        } finally {
            leave(outermost);
        }
    }

    /** Called from native code. */
    private void event(int kind, int status, byte[] message, PintleVerdict verdict) {
        PintleEvent.Kind known = PintleEvent.Kind.of(kind);

        if (known == null)
            return;

        boolean outermost = enter();

        try {
            events.onEvent(new PintleEvent(known, PintleStatus.of(status), text(message), verdict));
        } catch (Throwable thrown) {
            // An application's trouble with an event is no reason to fail what the event tells of.
        } finally {
            leave(outermost);
        }
    }

    private static String text(byte[] bytes) {
        return bytes != null ? new String(bytes, StandardCharsets.UTF_8) : null;
    }

    private static byte[] detail(String what, Throwable thrown) {
        String message = thrown.getMessage();

        return (what + ": " + (message != null ? message
                : thrown.getClass().getName())).getBytes(StandardCharsets.UTF_8);
    }
}
