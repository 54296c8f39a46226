// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.annotations.NotNull;
import org.jetbrains.annotations.Nullable;

/**
 * Keeps the pins of one repository current: it fetches the manifest, verifies it fully, stores it, and swaps it in.
 * When anything fails it keeps the last good pins, and says so.
 *
 * <p>It promises that what was pinned with it uses its newest pins from the next check on, and that no check waits for
 * a refresh.  It starts no thread unless {@link #start()} is called.  It does not pin anything by itself: see
 * {@link PintleSSLContext}, {@link PintleHttpsURLConnection}, {@code PintleOkHttp} and {@code PintleHttpClient}.
 *
 * <p>Any thread may call any method; {@link Thread#interrupt()} does not end a call, its deadline or {@link #close()}
 * does. After {@link #close()} every method but that one throws {@link IllegalStateException}, and so does a call from
 * within a transport, a store or an event of this or another client, except for {@link #info()} and {@link #error()}.
 * What was pinned outlives the client, with the last pins.
 */
public final class PintleClient implements AutoCloseable {
    /** How often a long call that {@link #close()} waits for is told to end. */
    private static final long INTERRUPT_EVERY_MS = 20;

    private final Handles.Handle handle;
    private final Checker checker;
    private final Generation generation;
    private final Object lock = new Object();
    private int calls;
    private boolean closed;
    private PintleSSLContext context;

    private PintleClient(Builder builder) throws PintleException {
        PintleEvents told = builder.events;

        Handles.freeDropped();
        generation = new Generation();
        handle = Handles.own(this, builder.make(generation.watching(told)), Native::clientFree);
        checker = new Checker(Native.clientChecker(handle.value()));
    }

    /**
     * A configuration to fill in: {@link Builder#roots roots} and a store are required.  The native library pintle_jni
     * is loaded by the first {@link Builder#build()} as {@link System#loadLibrary} does it, with its errors.
     */
    public static @NotNull Builder builder() {
        return new Builder();
    }

    /**
     * Polls once, now, and applies what is new.  Returns if the pins in force are those of the repository.
     *
     * @param deadlineMs more than 0; waiting for a call of another thread counts
     * @throws PintleException the last good pins stay: {@link PintleStatus#NETWORK} (nothing usable arrived in time),
     *         {@link PintleStatus#TRUST} or {@link PintleStatus#INPUT} (what arrived was rejected),
     *         {@link PintleStatus#STORAGE} (it could not be stored, so it was not applied),
     *         {@link PintleStatus#MEMORY}, {@link PintleStatus#MISUSE} (no URL, or a deadline that is not positive)
     */
    public void refresh(long deadlineMs) throws PintleException {
        long client = begin();

        try {
            Native.clientRefresh(client, deadlineMs);
        } finally {
            end();
        }
    }

    /**
     * After a connection to host was refused with {@link PintleStatus#RETRY}: makes the refresh that this asked for, or
     * waits for the one that another thread makes.
     *
     * @param deadlineMs more than 0; at most 30 seconds count
     * @return true: a refresh that began after the refusal has succeeded, connect once more, and only once.  False: do
     *         not; {@link #error()} says why
     */
    public boolean heal(@NotNull String host, long deadlineMs) {
        long client = begin();

        try {
            Native.clientHeal(client, bytes(host), deadlineMs);
            return true;
        } catch (PintleException failed) {
            return false;
        } finally {
            end();
        }
    }

    /** Milliseconds until {@link #refresh} should be called next; 0: now.  Jitter and back-off are in it. */
    public long nextDue() {
        long client = begin();

        try {
            return Native.clientNextDue(client);
        } finally {
            end();
        }
    }

    /**
     * Starts one native thread that refreshes when due, heals after a mismatch, and sends reports, until
     * {@link #close()}.
     *
     * @throws PintleException {@link PintleStatus#MISUSE} (started already), {@link PintleStatus#MEMORY} (no thread to
     *         be had)
     */
    public void start() throws PintleException {
        long client = begin();

        try {
            Native.clientStart(client);
        } finally {
            end();
        }
    }

    /**
     * Sends queued reports to the first of the charter's collectors that takes them.
     *
     * @throws PintleException {@link PintleStatus#NETWORK} and others: they stay queued
     */
    public void sendReports(long deadlineMs) throws PintleException {
        long client = begin();

        try {
            Native.clientSendReports(client, deadlineMs);
        } finally {
            end();
        }
    }

    /**
     * What network the device is on, for reports and nothing else.
     *
     * @param type such as "wifi" or "cellular": at most 16 characters of a-z, A-Z, 0-9, '.', '_', ':' and '-'; null:
     *         not known
     * @param captive behind a captive portal
     * @throws IllegalArgumentException type is none
     */
    public void setNetwork(@Nullable String type, boolean captive, boolean vpn, boolean proxy) {
        long client = begin();

        try {
            if (!Native.clientSetNetwork(client, bytes(type), (captive ? 1 : 0) + (vpn ? 2 : 0) + (proxy ? 4 : 0)))
                throw new IllegalArgumentException("expected the type of a network, found \"" + type + "\"");
        } finally {
            end();
        }
    }

    /** What the client holds, as one JSON object for a diagnostics page (pintle_client(3) describes it). */
    public @NotNull String info() {
        long client = beginFromAnywhere();

        try {
            return text(Native.clientInfo(client));
        } finally {
            end();
        }
    }

    /**
     * The value of the {@code Pintle-Manifest} request header for one request of the application to host; empty: send
     * none. Call it once per request, right before that is sent, for what is counted per day is marked as sent.  No
     * identifier is in it.
     */
    public @NotNull String header(@NotNull String host) {
        long client = begin();

        try {
            return text(Native.clientHeader(client, bytes(host)));
        } finally {
            end();
        }
    }

    /** The detail of the last failed call; empty if there was none. */
    public @NotNull String error() {
        long client = beginFromAnywhere();

        try {
            return text(Native.clientError(client));
        } finally {
            end();
        }
    }

    /**
     * Ends the client: cancels what other threads have under way, waits for it, and frees it.  A further call does
     * nothing.
     *
     * @throws IllegalStateException from within a transport, a store or an event, which would wait for itself
     */
    @Override
    public void close() {
        if (Upcalls.inside())
            throw new IllegalStateException("close() from within a transport, a store or an event");
        synchronized (lock) {
            if (closed)
                return;
            closed = true;
        }
        awaitCalls();
        handle.free();
    }

    private void awaitCalls() {
        boolean interrupted = false;

        while (isBusy()) {
            Native.clientInterrupt(handle.value());
            synchronized (lock) {
                try {
                    if (calls > 0)
                        lock.wait(INTERRUPT_EVERY_MS);
                } catch (InterruptedException again) {
                    interrupted = true;
                }
            }
        }
        if (interrupted)
            Thread.currentThread().interrupt();
    }

    private boolean isBusy() {
        synchronized (lock) {
            return calls > 0;
        }
    }

    Checker checker() {
        return checker;
    }

    void requireOpen() {
        synchronized (lock) {
            if (closed)
                throw new IllegalStateException("this PintleClient is closed");
        }
    }

    Generation generation() {
        return generation;
    }

    /** One for all that is pinned over the platform's defaults, so that it shares connections and sessions. */
    PintleSSLContext sharedContext() {
        synchronized (lock) {
            requireOpen();
            if (context == null)
                context = PintleSSLContext.of(this);
            return context;
        }
    }

    /**
     * Like {@link #header}, for helpers, which may outlive the client: empty once it is closed, and for hosts without a
     * policy.
     */
    String headerIfListed(String host) {
        try {
            return checker.isListed(host) ? header(host) : "";
        } catch (IllegalStateException isClosed) {
            return "";
        }
    }

    /** Like {@link #heal}, for helpers that may outlive the client: false once it is closed. */
    boolean healIfOpen(String host, long deadlineMs) {
        try {
            return heal(host, deadlineMs);
        } catch (IllegalStateException isClosed) {
            return false;
        }
    }

    private long begin() {
        if (Upcalls.inside())
            throw new IllegalStateException(
                    "from within a transport, store or event only info() and error() may be called");
        return beginFromAnywhere();
    }

    private long beginFromAnywhere() {
        synchronized (lock) {
            requireOpen();
            calls++;
            return handle.value();
        }
    }

    private void end() {
        synchronized (lock) {
            calls--;
            lock.notifyAll();
        }
    }

    private static byte[] bytes(String text) {
        return text != null ? text.getBytes(StandardCharsets.UTF_8) : null;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** The configuration of a client.  Secure by default, and nothing here weakens that.  One thread at a time. */
    public static final class Builder {
        private byte[] roots;
        private byte[] shipped;
        private final List<byte[]> urls = new ArrayList<>();
        private final List<byte[]> required = new ArrayList<>();
        private int unlisted = Native.UNLISTED_ACCEPT;
        private int staleDays = -1;
        private byte[] appId;
        private byte[] appVersion;
        private File directory;
        private PintleStore store;
        private PintleTransport transport;
        private boolean nativeTransport;
        private byte[] caFile;
        private PintleEvents events;

        private Builder() {}

        /** The trust anchor, required: what the publisher wrote to {@code app/roots}.  Copied. */
        public @NotNull Builder roots(@NotNull byte[] roots) {
            this.roots = roots.clone();
            return this;
        }

        /**
         * The generation that ships inside the app ({@code app/shipped}), enforced from the first start on.  Optional;
         * but without it, and with neither {@link #requireHost} nor {@link #refuseUnlisted}, a first start pins nothing
         * until its first refresh has succeeded, and whoever owns the network can prevent that.  Copied.
         */
        public @NotNull Builder shipped(@NotNull byte[] shipped) {
            this.shipped = shipped.clone();
            return this;
        }

        /**
         * Adds the base URL of a copy of the repository, tried in the order added; http or https, without query or
         * fragment.
         */
        public @NotNull Builder url(@NotNull String url) {
            urls.add(bytes(url));
            return this;
        }

        /** Declares that host must be pinned: without a policy for it, or without any usable pin, it is refused. */
        public @NotNull Builder requireHost(@NotNull String host) {
            required.add(bytes(host));
            return this;
        }

        /** Refuses hosts without a policy; they are accepted (ordinary validation is enough) unless this is called. */
        public @NotNull Builder refuseUnlisted() {
            unlisted = Native.UNLISTED_REFUSE;
            return this;
        }

        /**
         * Refuses pinned hosts once stale for this many days (0 to 3650); it can only shorten what the charter says.
         */
        public @NotNull Builder refuseStaleAfterDays(int days) {
            if (days < 0)
                throw new IllegalArgumentException("expected 0 to 3650 days, found " + days);
            staleDays = days;
            return this;
        }

        /** Who the application is, for reports only: at most 63 bytes each of printable ASCII without quotes. */
        public @NotNull Builder app(@NotNull String id, @NotNull String version) {
            appId = bytes(id);
            appVersion = bytes(version);
            return this;
        }

        /**
         * Keeps what is accepted in this directory, made if it is missing (its parent must exist).  This or a store is
         * required.
         */
        public @NotNull Builder storeDirectory(@NotNull File directory) {
            this.directory = directory;
            this.store = null;
            return this;
        }

        /** Keeps what is accepted in a store of the application's own. */
        public @NotNull Builder store(@NotNull PintleStore store) {
            this.store = store;
            this.directory = null;
            return this;
        }

        /**
         * Reaches the network through transport; {@link PintleUrlTransport} unless this or {@link #nativeTransport} is
         * called.
         */
        public @NotNull Builder transport(@NotNull PintleTransport transport) {
            this.transport = transport;
            this.nativeTransport = false;
            return this;
        }

        /**
         * Reaches the network through libcurl, where the native library was built with it ({@link #build} says
         * {@link PintleStatus#UNSUPPORTED} where it was not).
         *
         * @param caFile a PEM bundle that replaces libcurl's default, or null
         */
        public @NotNull Builder nativeTransport(@Nullable File caFile) {
            this.nativeTransport = true;
            this.transport = null;
            this.caFile = caFile != null ? bytes(caFile.getPath()) : null;
            return this;
        }

        /** Where events go, from {@link #build()} on. */
        public @NotNull Builder events(@NotNull PintleEvents events) {
            this.events = events;
            return this;
        }

        /**
         * Verifies the trust anchor, then what is stored and shipped, and enforces the result at once; does not touch
         * the network. Storage that is unreadable or does not verify is no failure here: shipped policies are enforced,
         * every other host is refused until a refresh succeeds, and an event says so.  A builder may make several
         * clients; a transport serves one.
         *
         * @throws PintleException {@link PintleStatus#MISUSE} (no roots, no store), {@link PintleStatus#INPUT} or
         *         {@link PintleStatus#TRUST} (roots, shipped generation, a URL or a host are not sound),
         *         {@link PintleStatus#STORAGE} (the directory), {@link PintleStatus#UNSUPPORTED},
         *         {@link PintleStatus#MEMORY}
         */
        public @NotNull PintleClient build() throws PintleException {
            return new PintleClient(this);
        }

        private long make(PintleEvents told) throws PintleException {
            PintleTransport reached = transport != null || nativeTransport ? transport : new PintleUrlTransport();

            return Native.clientNew(roots, shipped, urls.toArray(new byte[0][]), required.toArray(new byte[0][]),
                    unlisted,
                    staleDays, appId, appVersion, directory != null ? bytes(directory.getPath()) : null, caFile,
                    !nativeTransport, store != null, new Upcalls(reached, store, told));
        }
    }
}
