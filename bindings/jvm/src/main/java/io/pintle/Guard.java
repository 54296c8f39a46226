// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;

/**
 * What full handshakes proved, kept so that today's pins can be asked again when a session is resumed or a connection
 * is used again, for which no trust manager is called.  Any thread.
 */
final class Guard {
    /** What is pushed out is only asked for again by a full handshake. */
    private static final int KEPT_MAX = 256;
    /** For so long a path that was verified is not built anew for the same certificates and host. */
    private static final long PATH_NS = TimeUnit.MINUTES.toNanos(10);

    /** Evidence of one verified chain, for the one host whose name was verified. */
    static final class Kept {
        final String host;
        final byte[] evidence;
        private final long verifiedAt;

        Kept(String host, byte[] evidence, long verifiedAt) {
            this.host = host;
            this.evidence = evidence;
            this.verifiedAt = verifiedAt;
        }
    }

    private final Checker checker;
    private final Generation generation;
    /** By host and certificates as sent, which a resumed session has from the full handshake. */
    private final Map<List<Object>, Kept> kept = new LinkedHashMap<List<Object>, Kept>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<List<Object>, Kept> eldest) {
            return size() > KEPT_MAX;
        }
    };
    private final Map<SSLSocket, Long> opened = new WeakHashMap<>();
    private final Map<Object, Kept> accepted = new WeakHashMap<>();

    /** @throws IllegalStateException the client is closed */
    Guard(PintleClient client) {
        client.requireOpen();
        checker = client.checker();
        generation = client.generation();
    }

    Checker checker() {
        return checker;
    }

    Generation generation() {
        return generation;
    }

    private static List<Object> key(String host, Certificate[] sent) {
        List<Object> key = new ArrayList<>(Arrays.<Object>asList((Object[]) sent));

        key.add(host);
        return key;
    }

    /**
     * The evidence of these certificates, if their path was verified for this host a short while ago and today's pins
     * need no more than was taken from it; else null.
     */
    byte[] recent(String host, X509Certificate[] sent) {
        Kept known;

        synchronized (kept) {
            known = kept.get(key(host, sent));
        }
        if (known == null || System.nanoTime() - known.verifiedAt > PATH_NS
                || checker.peek(host, known.evidence).reason() == PintleReason.EVIDENCE_PARTIAL)
            return null;
        return known.evidence;
    }

    /**
     * connection (a socket or an engine) went through a full handshake with these certificates, and the pins accept
     * them.
     */
    void keep(Object connection, String host, X509Certificate[] sent, byte[] evidence) {
        Kept before, made;

        synchronized (kept) {
            before = kept.get(key(host, sent));
        }
        made = before != null && before.evidence == evidence ? before : new Kept(host, evidence, System.nanoTime());

        synchronized (kept) {
            kept.put(key(host, sent), made);
        }
        synchronized (opened) {
            accepted.put(connection, made);
        }
    }

    /** What is known of an established session; null: nothing, it must not be used. */
    Kept find(SSLSession session) {
        String host = session.getPeerHost();

        if (host == null)
            host = Peer.requestedName(session);
        if (host == null)
            return null;
        try {
            List<Object> key = key(host, session.getPeerCertificates());

            synchronized (kept) {
                return kept.get(key);
            }
        } catch (SSLPeerUnverifiedException anonymous) {
            return null;
        }
    }

    /**
     * The refusal by today's pins; null: they accept.  Evidence serves another host only if its name was verified, too.
     */
    PintleVerdict judge(Kept known, String host) {
        if (known == null)
            return Checker.reject(PintleReason.UNDECIDED, host);
        return checker.refusal(host, known.evidence);
    }

    PintleVerdict judge(SSLSession session) {
        Kept known = find(session);

        return judge(known, known != null ? known.host : session.getPeerHost());
    }

    /** The verdict by today's pins on an established session of which this much is known. */
    PintleVerdict verdict(Kept known, String host) {
        return known != null ? checker.peek(known.host, known.evidence) : Checker.reject(PintleReason.UNDECIDED, host);
    }

    /** For {@link #sweep()}. */
    void watch(SSLSocket socket) {
        synchronized (opened) {
            opened.put(socket, generation.now());
        }
    }

    /**
     * Closes watched connections that today's pins refuse; and, since nothing is known of a connection that resumed a
     * session, those of them that were opened before the pins last changed.
     */
    void sweep() {
        List<SSLSocket> doomed = new ArrayList<>();

        synchronized (opened) {
            for (Map.Entry<SSLSocket, Long> entry : opened.entrySet()) {
                Kept known = accepted.get(entry.getKey());

                if (known != null ? checker.refusal(known.host, known.evidence) != null
                        : entry.getValue() != generation.now())
                    doomed.add(entry.getKey());
            }
            opened.keySet().removeAll(doomed);
        }
        for (SSLSocket socket : doomed) {
            try {
                socket.close();
            } catch (IOException closing) {
                // It is of no use any more either way.
            }
        }
    }
}
