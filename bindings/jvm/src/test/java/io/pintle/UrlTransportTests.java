// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.CookieHandler;
import java.net.CookieManager;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/** The transport over HttpURLConnection. */
final class UrlTransportTests {
    private static final long TIMEOUT_MS = 20_000;

    private UrlTransportTests() {}

    /** Answers as it is told by the path. */
    private static final class Server implements AutoCloseable {
        private final HttpServer server;
        private final CountDownLatch end = new CountDownLatch(1);
        final List<String> seen = new CopyOnWriteArrayList<>();

        Server() throws IOException {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            server.createContext("/", this::answer);
            server.setExecutor(task -> new Thread(task).start());
            server.start();
        }

        String url(String path) {
            return "http://127.0.0.1:" + server.getAddress().getPort() + path;
        }

        private void answer(HttpExchange exchange) throws IOException {
            String path = exchange.getRequestURI().getPath();
            byte[] body = "the body".getBytes(StandardCharsets.US_ASCII);
            int status = 200;

            seen.add(exchange.getRequestMethod() + " " + path + " encoding=" + exchange.getRequestHeaders()
                    .getFirst("Accept-Encoding") + " cookie=" + exchange.getRequestHeaders().getFirst("Cookie")
                            + " body="
                    + new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.US_ASCII));
            if (path.equals("/redirect")) {
                exchange.getResponseHeaders().add("Location", url("/ok"));
                status = 302;
            } else if (path.equals("/later")) {
                exchange.getResponseHeaders().add("Retry-After", "17");
                status = 503;
            } else if (path.equals("/gzip")) {
                exchange.getResponseHeaders().add("Content-Encoding", "gzip");
            } else if (path.equals("/hang")) {
                try {
                    end.await();
                } catch (InterruptedException over) {
                    return;
                }
            }
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        }

        @Override
        public void close() {
            end.countDown();
            server.stop(0);
        }
    }

    private static PintleTransport.Request get(String url, long max, long timeoutMs) {
        return new PintleTransport.Request("GET", url, null, null, max, timeoutMs, 0);
    }

    private static String fetch(Server server, String path) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        PintleTransport.Response response =
                new PintleUrlTransport().perform(get(server.url(path), 100, TIMEOUT_MS), body::write);

        return response.status() + " " + response.retryAfterSeconds() + " " + body.toString("US-ASCII");
    }

    static void add() {
        Tests.add("the URL transport gets, posts, and follows nothing", () -> {
            try (Server server = new Server()) {
                Tests.same("200 -1 the body", fetch(server, "/ok"));
                Tests.same("302 -1 ", fetch(server, "/redirect"));
                Tests.same("503 17 ", fetch(server, "/later"));
                new PintleUrlTransport().perform(new PintleTransport.Request("POST", server.url("/report"),
                        "application/json", new byte[] {'{', '}'}, 100, TIMEOUT_MS, 0), (data, offset, length) -> {});
                Tests.same("GET /ok encoding=identity cookie=null body=", server.seen.get(0));
                Tests.same("POST /report encoding=identity cookie=null body={}", server.seen.get(3));
                Tests.same(4, server.seen.size());
            }
        });
        Tests.add("the URL transport takes nothing encoded, nothing too long, and no file", () -> {
            try (Server server = new Server()) {
                Tests.thrown(IOException.class, () -> fetch(server, "/gzip"));
                Tests.thrown(IOException.class, () -> new PintleUrlTransport().perform(get(server.url("/ok"), 3,
                        TIMEOUT_MS),
                        (data, offset, length) -> {}));
                Tests.thrown(IOException.class, () -> new PintleUrlTransport().perform(get("file:///etc/hosts", 999,
                        TIMEOUT_MS),
                        (data, offset, length) -> {}));
            }
        });
        Tests.add("the URL transport refuses where cookies would be sent", () -> {
            try (Server server = new Server()) {
                CookieHandler.setDefault(new CookieManager());
                Tests.isTrue(Tests.thrown(IOException.class, () -> fetch(server,
                        "/ok")).getMessage().contains("CookieHandler"),
                        "message");
                Tests.same(0, server.seen.size());
            } finally {
                CookieHandler.setDefault(null);
            }
        });
        Tests.add("the URL transport is not pinned by what the application made the default", () -> {
            SSLSocketFactory before = HttpsURLConnection.getDefaultSSLSocketFactory();
            HttpsURLConnection opened;

            try {
                HttpsURLConnection.setDefaultSSLSocketFactory((SSLSocketFactory) SSLSocketFactory.getDefault());
                opened = (HttpsURLConnection) new PintleUrlTransport().open(get("https://repository.test/", 100,
                        TIMEOUT_MS));
                Tests.isTrue(opened.getSSLSocketFactory() != HttpsURLConnection.getDefaultSSLSocketFactory(),
                        "the default");
            } finally {
                HttpsURLConnection.setDefaultSSLSocketFactory(before);
            }
        });
        Tests.add("a connection that is connected cannot be pinned any more", () -> {
            HttpsURLConnection connected = new HttpsURLConnection(new java.net.URL("https://leaf.test/")) {
                {
                    connected = true;
                }

                @Override
                public void connect() {}

                @Override
                public void disconnect() {}

                @Override
                public boolean usingProxy() {
                    return false;
                }

                @Override
                public String getCipherSuite() {
                    return null;
                }

                @Override
                public Certificate[] getLocalCertificates() {
                    return null;
                }

                @Override
                public Certificate[] getServerCertificates() {
                    return null;
                }
            };

            Tests.thrown(IllegalStateException.class, () -> PintleHttpsURLConnection.pin(connected, null));
            Tests.thrown(IllegalArgumentException.class,
                    () -> PintleHttpsURLConnection.pin(new java.net.URL("http://leaf.test/").openConnection(), null));
        });
        Tests.add("the URL transport ends at its deadline, however slowly a head arrives", () -> {
            try (ServerSocket listener = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
                Thread dripping = new Thread(() -> drip(listener));

                dripping.start();
                Tests.thrown(IOException.class, () -> new PintleUrlTransport().perform(
                        get("http://127.0.0.1:" + listener.getLocalPort() + "/", 100, 200), (data, offset,
                                length) -> {}));
                dripping.join(); // it ends when nobody listens any more
            }
        });
        Tests.add("the URL transport ends when it is cancelled", () -> {
            try (Server server = new Server()) {
                PintleUrlTransport transport = new PintleUrlTransport();
                AtomicBoolean ended = new AtomicBoolean();
                Thread cancelling = new Thread(() -> {
                    while (!ended.get()) {
                        transport.cancel();
                        Thread.yield();
                    }
                });

                cancelling.start();
                Tests.thrown(IOException.class, () -> transport.perform(get(server.url("/hang"), 100, 600_000),
                        (data, offset, length) -> {}));
                ended.set(true);
                cancelling.join();
            }
        });
    }

    /** One byte of a head after another, for as long as they are taken. */
    private static void drip(ServerSocket listener) {
        try (Socket socket = listener.accept()) {
            socket.getOutputStream().write("HTTP/1.1 200 OK\r\nX-Long: ".getBytes(StandardCharsets.US_ASCII));
            for (int i = 0; i < 100_000; i++) {
                socket.getOutputStream().write('x');
                Thread.sleep(5);
            }
        } catch (IOException | InterruptedException ended) {
            // as it should be
        }
    }
}
