// SPDX-License-Identifier: Apache-2.0
package drive;

import io.pintle.PintleStore;
import io.pintle.PintleTransport;
import io.pintle.PintleUrlTransport;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Transports and stores of applications: good ones, and ones that misbehave as they are told. */
final class Doubles {
    private Doubles() {}

    /** What goes wrong at the next call of that name, until it is told otherwise. */
    private static void misbehave(String how) throws IOException {
        switch (how) {
            case "good":
                return;
            case "io":
                throw new IOException("as told: \u00e4 \ud83d\ude80");
            case "unchecked":
                throw new IllegalStateException();
            case "error":
                throw new StackOverflowError("as told");
            case "null-message":
                throw new RuntimeException((String) null);
            default:
                throw new IllegalArgumentException(how);
        }
    }

    static final class Transport implements PintleTransport {
        volatile String how;
        private final PintleTransport honest = new PintleUrlTransport();
        private volatile CountDownLatch cancelled = new CountDownLatch(1);
        final CountDownLatch entered = new CountDownLatch(1);
        volatile int calls;
        volatile Sink kept;

        Transport(String how) {
            this.how = how;
        }

        @Override
        public Response perform(Request request, Sink sink) throws IOException {
            calls++;
            kept = sink;
            entered.countDown();
            switch (how) {
                case "nothing":
                    return null;
                case "long":
                    sink.write(new byte[1 << 20], 0, 1 << 20);
                    for (long sent = 1 << 20; sent <= request.maxResponse(); sent += 1 << 20)
                        sink.write(new byte[1 << 20], 0, 1 << 20);
                    return new Response(200, -1);
                case "garbage":
                    sink.write(new byte[] {1, 2, 3}, 1, 2);
                    return new Response(200, -1);
                case "bounds":
                    sink.write(new byte[3], 2, 2);
                    return new Response(200, -1);
                case "busy":
                    return new Response(503, 3600);
                case "hang":
                    hang(request.timeoutMs());
                    throw new IOException("cancelled, or out of time");
                case "good":
                    return honest.perform(request, sink);
                default:
                    misbehave(how);
                    return null;
            }
        }

        private void hang(long milliseconds) throws IOException {
            try {
                cancelled.await(milliseconds, TimeUnit.MILLISECONDS);
                cancelled = new CountDownLatch(1);
            } catch (InterruptedException interrupted) {
                throw new IOException(interrupted);
            }
        }

        @Override
        public void cancel() {
            cancelled.countDown();
            honest.cancel();
        }
    }

    static final class Store implements PintleStore {
        volatile String how = "good";
        private final Map<String, byte[]> blobs = new HashMap<>();
        private final java.util.concurrent.locks.ReentrantLock lock = new java.util.concurrent.locks.ReentrantLock();

        @Override
        public synchronized byte[] load(String name) throws IOException {
            misbehave(how);
            byte[] blob = blobs.get(name);
            return blob == null ? null : blob.clone();
        }

        @Override
        public synchronized void save(String name, byte[] data) throws IOException {
            misbehave(how);
            blobs.put(name, data.clone());
        }

        @Override
        public synchronized void remove(String name) throws IOException {
            misbehave(how);
            blobs.remove(name);
        }

        @Override
        public void lock() throws IOException {
            misbehave(how);
            lock.lock();
        }

        @Override
        public void unlock() {
            lock.unlock();
        }
    }
}
