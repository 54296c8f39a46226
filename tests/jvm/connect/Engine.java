// SPDX-License-Identifier: Apache-2.0
package connect;

import io.pintle.PintleSSLContext;
import io.pintle.PintleVerdict;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLParameters;

/** One connection through an SSLEngine, which never blocks: whoever uses it moves the bytes. */
final class Engine {
    private final Order order;
    private final Result result;
    private final SSLEngine engine;
    private final Socket raw;
    private final ByteBuffer arrived;
    private final ByteBuffer out;
    private final StringBuilder answer = new StringBuilder();

    Engine(Jsse.Context context, Order order, Result result) throws IOException {
        this.order = order;
        this.result = result;
        engine = order.host().isEmpty() ? context.tls.createSSLEngine() : context.tls.createSSLEngine(order.host(), order.port());
        engine.setUseClientMode(true);

        SSLParameters parameters = engine.getSSLParameters();

        Jsse.set(order, parameters);
        engine.setSSLParameters(parameters);
        raw = Jsse.dial(order);
        arrived = ByteBuffer.allocate(1 << 17);
        out = ByteBuffer.allocate(1 << 17);
        arrived.flip();
    }

    void run() throws IOException {
        ByteBuffer request = ByteBuffer.wrap(order.request());

        try {
            shake();
            result.finished = true;
            result.verdict = PintleSSLContext.verdict(engine);
            result.tls = engine.getSession().getProtocol().replace("TLSv", "");
        } catch (IOException refused) {
            result.verdict = PintleVerdict.of(refused);
            result.say(refused);
        }
        try {
            while (request.hasRemaining()) {
                int before = request.remaining();

                send(request);
                if (request.remaining() == before)
                    throw new IOException("the engine takes no more");
            }
            result.sent = order.request().length;
            while (receive())
                continue;
            result.read(answer.toString());
        } catch (IOException failed) {
            result.broke(failed);
        } finally {
            raw.close();
        }
    }

    private void shake() throws IOException {
        engine.beginHandshake();
        for (;;) {
            HandshakeStatus status = engine.getHandshakeStatus();

            if (status == HandshakeStatus.NEED_TASK)
                engine.getDelegatedTask().run();
            else if (status == HandshakeStatus.NEED_WRAP)
                send(ByteBuffer.allocate(0));
            else if (status == HandshakeStatus.NOT_HANDSHAKING || status == HandshakeStatus.FINISHED)
                return;
            else if (!receive())
                throw new IOException("the peer hung up");
        }
    }

    private void send(ByteBuffer data) throws IOException {
        out.clear();
        try {
            engine.wrap(data, out);
        } finally {
            raw.getOutputStream().write(out.array(), 0, out.position()); // an alert, if it failed
        }
    }

    /** One step further with what arrived; false at the end. */
    private boolean receive() throws IOException {
        ByteBuffer plain = ByteBuffer.allocate(1 << 17);
        SSLEngineResult step = engine.unwrap(arrived, plain);

        answer.append(new String(plain.array(), 0, plain.position(), StandardCharsets.ISO_8859_1));
        if (step.getStatus() == SSLEngineResult.Status.CLOSED)
            return false;
        if (step.getStatus() != SSLEngineResult.Status.BUFFER_UNDERFLOW)
            return true;
        arrived.compact();

        int count = raw.getInputStream().read(arrived.array(), arrived.position(), arrived.remaining());

        if (count > 0)
            arrived.position(arrived.position() + count);
        arrived.flip();
        return count > 0;
    }
}
