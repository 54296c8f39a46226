// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;

/**
 * A client's engine that neither sends nor delivers anything unless today's pins accept what its session proved: after the
 * handshake, resumed or not, and again before each record.
 */
final class GuardedEngine extends DelegatingEngine {
    private static final ByteBuffer[] NOTHING = {};

    private final Contexts contexts;
    private final Object lock = new Object();
    private volatile boolean established;
    private SSLSession judged;
    private Guard.Kept known;

    GuardedEngine(SSLEngine delegate, Contexts contexts) {
        super(delegate);
        this.contexts = contexts;
    }

    /** Until there is a verdict the application's bytes are kept away: an engine may take them along with its last flight. */
    @Override
    public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer destination) throws SSLException {
        if (!delegate.getUseClientMode() || delegate.isOutboundDone())
            return delegate.wrap(sources, offset, length, destination);
        if (established) {
            judge();
            return delegate.wrap(sources, offset, length, destination);
        }
        return watch(delegate.wrap(NOTHING, 0, 0, destination));
    }

    @Override
    public SSLEngineResult unwrap(ByteBuffer source, ByteBuffer[] destinations, int offset, int length)
            throws SSLException {
        SSLEngineResult result = delegate.unwrap(source, destinations, offset, length);

        return delegate.getUseClientMode() ? watch(result) : result;
    }

    private SSLEngineResult watch(SSLEngineResult result) throws SSLException {
        if (result.getHandshakeStatus() == HandshakeStatus.FINISHED) {
            judge();
            established = true;
        }
        return result;
    }

    private PintleVerdict ask() {
        synchronized (lock) {
            SSLSession session = delegate.getSession();

            if (session != judged)
                known = contexts.guard().find(session);
            judged = session;

            PintleVerdict refusal = contexts.guard().judge(known, known != null ? known.host : session.getPeerHost());

            if (refusal != null)
                session.invalidate();
            return refusal;
        }
    }

    private void judge() throws SSLException {
        PintleVerdict refusal = ask();

        if (refusal == null)
            return;
        contexts.renew();
        delegate.closeOutbound();
        throw Refusals.asIo(refusal);
    }
}
