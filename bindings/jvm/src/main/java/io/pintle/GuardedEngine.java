// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/**
 * A client's engine that neither sends nor delivers anything unless today's pins accept what its session proved: after
 * the handshake, resumed or not, and again before each record.
 */
final class GuardedEngine extends DelegatingEngine {
    private static final ByteBuffer[] NOTHING = {};

    private final Judge judge;
    private volatile boolean established;

    GuardedEngine(SSLEngine delegate, Contexts contexts) {
        super(delegate);
        this.judge = new Judge(contexts);
    }

    PintleVerdict verdict() {
        return judge.verdict("");
    }

    /**
     * Until there is a verdict the application's bytes are kept away: an engine may take them along with its last
     * flight.
     */
    @Override
    public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer destination)
            throws SSLException {
        if (!delegate.getUseClientMode() || delegate.isOutboundDone())
            return delegate.wrap(sources, offset, length, destination);
        if (established) {
            ask();
            return delegate.wrap(sources, offset, length, destination);
        }
        try {
            return watch(delegate.wrap(NOTHING, 0, 0, destination));
        } catch (SSLException | RuntimeException failed) {
            judge.failed(failed);
            throw failed;
        }
    }

    @Override
    public SSLEngineResult unwrap(ByteBuffer source, ByteBuffer[] destinations, int offset, int length)
            throws SSLException {
        try {
            SSLEngineResult result = delegate.unwrap(source, destinations, offset, length);

            return delegate.getUseClientMode() ? watch(result) : result;
        } catch (SSLException | RuntimeException failed) {
            judge.failed(failed);
            throw failed;
        }
    }

    private SSLEngineResult watch(SSLEngineResult result) throws SSLException {
        if (result.getHandshakeStatus() == HandshakeStatus.FINISHED) {
            ask();
            established = true;
        }
        return result;
    }

    private void ask() throws SSLException {
        try {
            judge.judge(delegate.getSession());
        } catch (SSLException refused) {
            delegate.closeOutbound();
            throw refused;
        }
    }
}
