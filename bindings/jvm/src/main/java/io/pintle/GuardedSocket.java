// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;

/**
 * A client's socket that sends nothing unless today's pins accept what its session proved: after the handshake, resumed or not,
 * and again before each write.
 */
final class GuardedSocket extends DelegatingSocket {
    private final Contexts contexts;
    private final Object lock = new Object();
    private boolean shaken;
    private SSLSession judged;
    private Guard.Kept known;

    GuardedSocket(SSLSocket delegate, Contexts contexts) {
        super(delegate);
        this.contexts = contexts;
    }

    @Override
    public void startHandshake() throws IOException {
        synchronized (lock) {
            delegate.startHandshake();
            shaken = true;
        }
        judge();
    }

    /** Performs the handshake if there was none; the session is invalid if the pins refuse it. */
    @Override
    public SSLSession getSession() {
        SSLSession session;

        synchronized (lock) {
            session = delegate.getSession();
            shaken = shaken || session.isValid();
        }
        if (session.isValid()) {
            try {
                judge();
            } catch (IOException refused) {
                session.invalidate();
            }
        }
        return session;
    }

    private PintleVerdict ask() throws IOException {
        synchronized (lock) {
            SSLSession session;

            if (!shaken)
                delegate.startHandshake();
            shaken = true;
            session = delegate.getSession();
            if (session != judged)
                known = contexts.guard().find(session);
            judged = session;

            PintleVerdict refusal = contexts.guard().judge(known, known != null ? known.host : session.getPeerHost());

            if (refusal != null)
                session.invalidate();
            return refusal;
        }
    }

    private void judge() throws IOException {
        PintleVerdict refusal = delegate.getUseClientMode() ? ask() : null;

        if (refusal == null)
            return;
        contexts.renew();
        delegate.close();
        throw Refusals.asIo(refusal);
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(delegate.getInputStream()) {
            private boolean begun;

            private void begin() throws IOException {
                if (!begun)
                    judge();
                begun = true;
            }

            @Override
            public int read() throws IOException {
                begin();
                return in.read();
            }

            @Override
            public int read(byte[] data, int offset, int length) throws IOException {
                begin();
                return in.read(data, offset, length);
            }
        };
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
        return new FilterOutputStream(delegate.getOutputStream()) {
            @Override
            public void write(int data) throws IOException {
                write(new byte[] {(byte) data}, 0, 1);
            }

            @Override
            public void write(byte[] data, int offset, int length) throws IOException {
                judge();
                out.write(data, offset, length);
            }
        };
    }
}
