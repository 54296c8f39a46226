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
 * A client's socket that sends nothing unless today's pins accept what its session proved: after the handshake, resumed
 * or not, and again before each write.
 */
final class GuardedSocket extends DelegatingSocket {
    private final Judge judge;
    private final Object lock = new Object();
    private boolean shaken;

    GuardedSocket(SSLSocket delegate, Contexts contexts) {
        super(delegate);
        this.judge = new Judge(contexts);
    }

    PintleVerdict verdict() {
        return judge.verdict("");
    }

    @Override
    public void startHandshake() throws IOException {
        shake(true);
        ask();
    }

    /** Performs the handshake if there was none; the session is invalid if the pins refuse it. */
    @Override
    public SSLSession getSession() {
        try {
            shake(false);
            ask();
        } catch (IOException refused) {
            delegate.getSession().invalidate();
        }
        return delegate.getSession();
    }

    /** On an established connection another handshake is a renegotiation, which is the application's to ask for. */
    private void shake(boolean again) throws IOException {
        synchronized (lock) {
            if (shaken && !again)
                return;
            try {
                delegate.startHandshake();
            } catch (IOException | RuntimeException failed) {
                judge.failed(failed);
                throw failed;
            }
            shaken = true;
        }
    }

    private void ask() throws IOException {
        if (!delegate.getUseClientMode())
            return;
        try {
            judge.judge(delegate.getSession());
        } catch (IOException refused) {
            delegate.close();
            throw refused;
        }
    }

    @Override
    public InputStream getInputStream() throws IOException {
        return new FilterInputStream(delegate.getInputStream()) {
            private boolean begun;

            private void begin() throws IOException {
                if (!begun) {
                    shake(false);
                    ask();
                }
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
                shake(false);
                ask();
                out.write(data, offset, length);
            }
        };
    }
}
