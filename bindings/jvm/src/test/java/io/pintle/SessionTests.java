// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/** Sessions that are resumed and connections that are used again: no trust manager is called for them. */
final class SessionTests {
    private SessionTests() {}

    private static long creation(Pair pair) {
        return pair.client.getSession().getCreationTime();
    }

    private static Pair connect(SSLContext context, SSLContext server, String protocol) throws SSLException {
        Pair pair = new Pair(Pair.engine(context, "leaf.test"), server, protocol);

        pair.send("hello");
        pair.settle();
        return pair;
    }

    private static Pair connect(Contexts contexts, SSLContext server, String protocol) throws SSLException {
        Pair pair = new Pair(new GuardedEngine(contexts.current().createSSLEngine("leaf.test", 443), contexts), server,
                protocol);

        pair.send("hello");
        pair.settle();
        return pair;
    }

    private static void addResumption(World world, String protocol) {
        Tests.add("sessions are resumed while the pins stay, " + protocol, () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                SSLContext context = PintleSSLContext.of(client, world.trust("root.ca"), null, null);
                SSLContext server = world.server("leaf.test");
                Pair first = connect(context, server, protocol);

                Thread.sleep(5); // creation times have milliseconds
                Tests.same(creation(first), creation(connect(context, server, protocol)));
            }
        });
        Tests.add("a session from before a withdrawal is not offered, " + protocol, () -> {
            World.Files repository = world.repository();

            try (PintleClient client = world.builder(repository).build()) {
                SSLContext context = PintleSSLContext.of(client, world.trust("root.ca"), null, null);
                SSLContext server = world.server("leaf.test");

                connect(context, server, protocol);
                repository.now = "second";
                client.refresh(10_000);
                // A full handshake asks for a refresh, which a session does not.
                Tests.same(PintleStatus.RETRY, PintleVerdict
                        .of(Tests.thrown(SSLException.class, () -> connect(context, server, protocol))).status());
            }
        });
        Tests.add("a session that was offered before a withdrawal is refused after it, " + protocol, () -> {
            World.Files repository = world.repository();

            try (PintleClient client = world.builder(repository).build()) {
                SSLContext context = PintleSSLContext.of(client, world.trust("root.ca"), null, null);
                SSLContext server = world.server("leaf.test");
                SSLEngine engine;
                Pair pair;

                connect(context, server, protocol);
                engine = Pair.engine(context, "leaf.test"); // of the context with that session
                repository.now = "second";
                client.refresh(10_000);
                pair = new Pair(engine, server, protocol);
                Tests.same(PintleReason.MISMATCH, World.reason(Tests.thrown(SSLException.class,
                        () -> pair.send("hello"))));
                Tests.same(0, pair.served());
            }
        });
        Tests.add("a session of which nothing is known is refused, and the next handshake is full, " + protocol, () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                Contexts contexts = PintleSSLContext.contexts(client, world.trust("root.ca"), null, null);
                SSLContext server = world.server("leaf.test");

                connect(contexts, server, protocol).settle();
                for (int i = 0; i < 300; i++)
                    contexts.guard().keep(new Object(), "host-" + i + ".test", world.chain("leaf.test.pem"),
                            new byte[0]);
                Tests.same(PintleReason.UNDECIDED,
                        World.reason(Tests.thrown(SSLException.class, () -> connect(contexts, server, protocol))));
                connect(contexts, server, protocol);
            }
        });
        Tests.add("a connection in use is closed by a withdrawal before it sends again, " + protocol, () -> {
            World.Files repository = world.repository();

            try (PintleClient client = world.builder(repository).build()) {
                SSLContext context = PintleSSLContext.of(client, world.trust("root.ca"), null, null);
                Pair pair = connect(context, world.server("leaf.test"), protocol);
                int before;

                pair.send("again");
                before = pair.served();
                repository.now = "second";
                client.refresh(10_000);
                Tests.same(PintleReason.MISMATCH, World.reason(Tests.thrown(SSLException.class,
                        () -> pair.send("more"))));
                Tests.same(before, pair.served());
                Tests.isTrue(pair.client.isOutboundDone()
                        || pair.client.getHandshakeStatus().toString().equals("NEED_WRAP"),
                        "closing: " + pair.client.getHandshakeStatus());
            }
        });
    }

    /** Serves one connection after another and echoes what it reads. */
    private static SSLServerSocket echo(SSLContext context) throws IOException {
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0, 5,
                java.net.InetAddress.getLoopbackAddress());
        Thread thread = new Thread(() -> {
            while (!listener.isClosed()) {
                try (SSLSocket socket = (SSLSocket) listener.accept()) {
                    InputStream in = socket.getInputStream();
                    OutputStream out = socket.getOutputStream();

                    for (int value = in.read(); value >= 0; value = in.read())
                        out.write(value);
                } catch (IOException ended) {
                    // the next one
                }
            }
        });

        thread.setDaemon(true);
        thread.start();
        return listener;
    }

    private static SSLSocket socket(SSLContext context, SSLServerSocket server) throws IOException {
        java.net.Socket plain = new java.net.Socket(server.getInetAddress(), server.getLocalPort());

        return (SSLSocket) context.getSocketFactory().createSocket(plain, "leaf.test", server.getLocalPort(), true);
    }

    private static void addSockets(World world) {
        Tests.add("a socket that nobody told to shake hands does so, and is judged, before it writes", () -> {
            World.Files repository = world.repository();

            try (PintleClient client = world.builder(repository).build();
                    SSLServerSocket server = echo(world.server("leaf.test"))) {
                SSLContext context = PintleSSLContext.of(client, world.trust("root.ca"), null, null);

                try (SSLSocket socket = socket(context, server)) {
                    socket.getOutputStream().write('x');
                    Tests.same((int) 'x', socket.getInputStream().read());
                    socket.getOutputStream().write(new byte[] {'y'});
                    Tests.same((int) 'y', socket.getInputStream().read());
                    Tests.same(PintleReason.MATCHED, PintleSSLContext.verdict(socket).reason());
                    repository.now = "second";
                    client.refresh(10_000);
                    Tests.same(PintleReason.MISMATCH, World.reason(
                            Tests.thrown(IOException.class, () -> socket.getOutputStream().write('z'))));
                    Tests.isTrue(socket.isClosed(), "closed");
                    Tests.same(PintleReason.MISMATCH, PintleSSLContext.verdict(socket).reason());
                }
                try (SSLSocket socket = socket(context, server)) {
                    Tests.same(PintleReason.MISMATCH,
                            World.reason(Tests.thrown(IOException.class, () -> socket.getInputStream().read())));
                }
                try (SSLSocket socket = socket(context, server)) {
                    Tests.same(PintleReason.MISMATCH,
                            World.reason(Tests.thrown(IOException.class, () -> socket.startHandshake())));
                }
            }
        });
        Tests.add("what is pinned outlives its client", () -> {
            try (SSLServerSocket server = echo(world.server("leaf.test"))) {
                PintleClient client = world.builder(world.repository()).build();
                SSLContext context = PintleSSLContext.of(client, world.trust("root.ca"), null, null);

                client.close();
                try (SSLSocket socket = socket(context, server)) {
                    socket.startHandshake();
                    Tests.isTrue(socket.getSession().isValid(), "valid");
                }
            }
        });
        Tests.add("the protocol agreed on shows through", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                SSLContext context = PintleSSLContext.of(client, world.trust("root.ca"), null, null);
                SSLEngine engine = Pair.engine(context, "leaf.test");
                javax.net.ssl.SSLParameters parameters = engine.getSSLParameters();
                Pair pair;

                parameters.setApplicationProtocols(new String[] {"h2"});
                engine.setSSLParameters(parameters);
                pair = new Pair(engine, world.server("leaf.test"));
                parameters = pair.server.getSSLParameters();
                parameters.setApplicationProtocols(new String[] {"h2"});
                pair.server.setSSLParameters(parameters);
                pair.send("hello");
                Tests.same("h2", engine.getApplicationProtocol());
            }
        });
    }

    static void add(World world) {
        addResumption(world, "TLSv1.2");
        addResumption(world, "TLSv1.3");
        addSockets(world);
    }
}
