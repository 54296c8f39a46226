// SPDX-License-Identifier: Apache-2.0
package io.pintle;

/**
 * libpintle_jni: every decision is made there.  Text crosses as bytes of UTF-8, for JNI's own form of it is another.  A
 * handle is a pointer, and stays valid until its free function is called: the callers see to it that no call is under
 * way then.
 */
final class Native {
    /** Numbers of {@code enum pintle_unlisted}. */
    static final int UNLISTED_ACCEPT = 0;
    static final int UNLISTED_REFUSE = 1;

    static {
        System.loadLibrary("pintle_jni");
    }

    private Native() {}

    /** Nothing but the name of every constant, in order, for the tests: 0 status, 1 reason, 2 event. */
    static native String name(int list, int number);

    /**
     * upcalls stands for what Java supplies: events always, a transport and a store if so said.  Otherwise the
     * transport is libcurl's, with caFile or null, and the store a directory, or none.
     */
    static native long clientNew(byte[] roots, byte[] shipped, byte[][] urls, byte[][] required, int unlisted,
            int staleDays, byte[] appId, byte[] appVersion, byte[] storeDirectory, byte[] caFile, boolean javaTransport,
            boolean javaStore, Upcalls upcalls) throws PintleException;

    static native void clientFree(long client);

    /** Makes long calls of other threads end soon, these and all that follow; repeated until none is left. */
    static native void clientInterrupt(long client);

    static native void clientRefresh(long client, long deadlineMs) throws PintleException;

    static native void clientHeal(long client, byte[] host, long deadlineMs) throws PintleException;

    static native long clientNextDue(long client);

    static native void clientStart(long client) throws PintleException;

    static native void clientSendReports(long client, long deadlineMs) throws PintleException;

    /** False: misuse.  bits of {@code enum pintle_network}: 1 captive, 2 VPN, 4 proxy. */
    static native boolean clientSetNetwork(long client, byte[] type, int bits);

    static native byte[] clientInfo(long client);

    static native byte[] clientHeader(long client, byte[] host);

    static native byte[] clientError(long client);

    static native long clientChecker(long client) throws PintleException;

    static native void checkerFree(long checker);

    /** Evidence of a verified chain of DER certificates, leaf first; of one that is unusable it is empty, not null. */
    static native byte[] evidence(long checker, byte[][] chain);

    /** On a full handshake. */
    static native PintleVerdict check(long checker, byte[] host, byte[] evidence);

    /** On evidence kept from an earlier handshake. */
    static native PintleVerdict peek(long checker, byte[] host, byte[] evidence);

    /** As peek, but null if today's pins accept the evidence: for what is asked before every write. */
    static native PintleVerdict refusal(long checker, byte[] host, byte[] evidence);

    /** A rejection that no pin decided; reason is a number of {@code enum pintle_reason}. */
    static native PintleVerdict reject(int reason, byte[] host);

    /** Do both name the same host? */
    static native boolean sameHost(byte[] one, byte[] other);

    /** False: the sink has had enough. */
    static native boolean sinkWrite(long sink, byte[] data, int offset, int length);
}
