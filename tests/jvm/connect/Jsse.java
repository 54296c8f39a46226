// SPDX-License-Identifier: Apache-2.0
package connect;

import io.pintle.PintleClient;
import io.pintle.PintleSSLContext;
import io.pintle.PintleVerdict;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.Provider;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** Sockets of Java's TLS, over the JDK's provider or Conscrypt's. */
final class Jsse implements Library {
    private final Provider provider;
    private final boolean conscrypt;
    private final Map<String, Context> contexts = new HashMap<>();
    private PintleClient client;

    /** What the application makes once: trust in a file, or, switched off, in everything. */
    static final class Context {
        final Platform platform;
        final SSLContext tls;

        Context(PintleClient client, Platform platform, Provider provider) {
            this.platform = platform;
            this.tls = PintleSSLContext.of(client, platform, null, provider);
        }
    }

    Jsse(String name) throws ReflectiveOperationException {
        conscrypt = name.equals("conscrypt");
        provider = conscrypt ? (Provider) Class.forName("org.conscrypt.Conscrypt").getMethod("newProvider").invoke(null) : null;
    }

    @Override
    public String name() {
        return conscrypt ? "conscrypt " + provider.getVersionStr() : "jdk " + Runtime.version();
    }

    @Override
    public void start(PintleClient ofNow) {
        client = ofNow;
        contexts.clear();
    }

    /** Sessions hang on the context: whoever wants none has a new one. */
    private synchronized Context context(Order order) throws Exception {
        boolean off = order.is("verify", "off");
        String key = order.get("ca", "") + off, session = order.get("session", "none");
        Context made = session.equals("resume") ? contexts.get(key) : null;

        if (made == null)
            made = new Context(client, Platform.of(order.get("ca", ""), off), provider);
        if (!session.equals("none"))
            contexts.put(key, made);
        return made;
    }

    /** A TCP connection, through the proxy if there is one. */
    static Socket dial(Order order) throws IOException {
        int proxy = order.number("proxy");
        Socket raw = new Socket();

        raw.setSoTimeout(Order.TIMEOUT_MS);
        raw.setTcpNoDelay(true);
        raw.connect(new InetSocketAddress(proxy != 0 ? "127.0.0.1" : order.address(), proxy != 0 ? proxy : order.port()),
                Order.TIMEOUT_MS);
        if (proxy != 0) {
            String to = order.host() + ":" + order.port(), answer = "";

            raw.getOutputStream().write(("CONNECT " + to + " HTTP/1.1\r\nHost: " + to + "\r\n\r\n").getBytes());
            while (!answer.endsWith("\r\n\r\n")) {
                int next = raw.getInputStream().read();

                if (next < 0)
                    throw new IOException("the proxy hung up");
                answer += (char) next;
            }
        }
        return raw;
    }

    static void set(Order order, SSLParameters parameters) {
        parameters.setProtocols(order.protocols());
        if (order.is("sni", "off"))
            parameters.setServerNames(Collections.emptyList());
        if (order.is("verify", "name-off"))
            parameters.setEndpointIdentificationAlgorithm("");
    }

    @Override
    public Result connect(Order order) throws Exception {
        Context context = context(order);
        Result result = new Result();

        if (order.is("early", "on"))
            throw new Result.Cannot("Java's TLS has no early data");
        context.platform.forget();
        if (order.is("mode", "nonblocking"))
            new Engine(context, order, result).run();
        else
            overSocket(context, order, result);
        result.resumed = result.finished && !context.platform.wasAsked();
        return result;
    }

    private static void overSocket(Context context, Order order, Result result) throws IOException {
        String host = order.host().isEmpty() ? null : order.host();

        try (Socket raw = dial(order);
                SSLSocket socket = (SSLSocket) context.tls.getSocketFactory().createSocket(raw, host, order.port(), true)) {
            SSLParameters parameters = socket.getSSLParameters();

            set(order, parameters);
            socket.setSSLParameters(parameters);
            try {
                socket.startHandshake();
                result.finished = true;
                result.verdict = PintleSSLContext.verdict(socket);
                result.tls = socket.getSession().getProtocol().replace("TLSv", "");
            } catch (IOException refused) {
                result.verdict = PintleVerdict.of(refused);
                result.say(refused);
            }
            exchange(socket, order, result);
        }
    }

    /** Whatever the handshake said, as careless code does. */
    private static void exchange(SSLSocket socket, Order order, Result result) {
        byte[] request = order.request();

        try (OutputStream out = socket.getOutputStream(); InputStream in = socket.getInputStream()) {
            out.write(request);
            out.flush();
            result.sent = request.length;
            result.read(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1));
        } catch (IOException failed) {
            result.broke(failed);
        }
    }
}
