// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/** A client's engine and a server's, in memory. */
final class Pair {
    private static final int TURNS = 200;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    final SSLEngine client;
    final SSLEngine server;
    private final ByteBuffer toServer = ByteBuffer.allocate(1 << 17);
    private final ByteBuffer toClient = ByteBuffer.allocate(1 << 17);
    private final ByteBuffer plain = ByteBuffer.allocate(1 << 17);
    private int served;

    Pair(SSLEngine client, SSLContext server, String... protocols) {
        this.client = client;
        this.server = server.createSSLEngine();
        client.setUseClientMode(true);
        this.server.setUseClientMode(false);
        if (protocols.length > 0)
            client.setEnabledProtocols(protocols);
    }

    static SSLEngine engine(SSLContext context, String host) {
        SSLEngine engine = host != null ? context.createSSLEngine(host, 443) : context.createSSLEngine();
        SSLParameters parameters = engine.getSSLParameters();

        engine.setUseClientMode(true);
        engine.setSSLParameters(parameters);
        return engine;
    }

    private static void work(SSLEngine engine) {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask())
            task.run();
    }

    /** One record each way, as far as there is something; the client tries to send what it is given. */
    private int turn(ByteBuffer data) throws SSLException {
        SSLEngineResult result = client.wrap(data, toServer);
        int consumed = result.bytesConsumed();

        work(client);
        move(server, toServer, true);
        server.wrap(NOTHING, toClient);
        work(server);
        move(client, toClient, false);
        return consumed;
    }

    private void move(SSLEngine to, ByteBuffer records, boolean count) throws SSLException {
        SSLEngineResult result;

        records.flip();
        do {
            result = to.unwrap(records, plain);
            work(to);
            if (count)
                served += plain.position();
            plain.clear();
        } while (result.getStatus() == SSLEngineResult.Status.OK && records.hasRemaining()
                && (result.bytesConsumed() > 0 || result.getHandshakeStatus() == HandshakeStatus.NEED_TASK));
        records.compact();
    }

    /** Pushes data from the beginning, as careless code does; returns once the server has all of it. */
    void send(String text) throws SSLException {
        ByteBuffer data = ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
        int want = served + data.remaining();

        for (int i = 0; i < TURNS && served < want; i++)
            turn(data);
        Tests.same(want, served);
    }

    /** Lets what the server still has to say (tickets) arrive. */
    void settle() throws SSLException {
        for (int i = 0; i < 4; i++) {
            server.wrap(NOTHING, toClient);
            move(client, toClient, false);
        }
    }

    /** How many bytes of the application the server has seen. */
    int served() {
        return served;
    }
}
