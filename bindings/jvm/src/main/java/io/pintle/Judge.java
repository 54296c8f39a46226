// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/** What is known of one client's connection; any thread. */
final class Judge {
    private final Contexts contexts;
    private SSLSession judged;
    private Guard.Kept known;
    private PintleVerdict refusal;

    Judge(Contexts contexts) {
        this.contexts = contexts;
    }

    /**
     * Asks today's pins about the session of an established connection.
     *
     * @throws SSLPeerUnverifiedException they refuse it: it is not to be resumed, and the connection to be closed
     */
    synchronized void judge(SSLSession session) throws SSLPeerUnverifiedException {
        if (session != judged)
            known = contexts.guard().find(session);
        judged = session;
        refusal = contexts.guard().judge(known, known != null ? known.host : session.getPeerHost());
        if (refusal == null)
            return;
        session.invalidate();
        contexts.renew();
        throw Refusals.asIo(refusal);
    }

    /** A handshake failed: the verdict with which it did, if that was why. */
    synchronized void failed(Throwable thrown) {
        PintleVerdict found = PintleVerdict.of(thrown);

        if (found != null)
            refusal = found;
    }

    synchronized PintleVerdict verdict(String host) {
        return refusal != null ? refusal : contexts.guard().verdict(known, host);
    }
}
