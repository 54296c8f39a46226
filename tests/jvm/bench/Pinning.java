// SPDX-License-Identifier: Apache-2.0
package bench;

import io.pintle.PintleClient;
import io.pintle.PintleOkHttp;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.CertificatePinner;
import okhttp3.ConnectionPool;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;

/**
 * Requests of OkHttp, each over a connection of its own: without pins, with OkHttp's CertificatePinner, and with ours, in turn.
 * Prints the median microseconds of each; and the same for requests over a connection that is kept.
 *
 * <p>Usage: bench.Pinning CA ROOTS MANIFEST-URL STORE URL SHA256 ROUNDS
 */
public final class Pinning {
    private Pinning() {}

    public static void main(String[] arguments) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        SSLContext tls = SSLContext.getInstance("TLS");
        String url = arguments[4];
        int rounds = Integer.parseInt(arguments[6]), count = 0;

        store.load(null, null);
        try (InputStream in = Files.newInputStream(Path.of(arguments[0]))) {
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(in))
                store.setCertificateEntry("ca-" + count++, certificate);
        }
        factory.init(store);
        tls.init(null, factory.getTrustManagers(), null);

        X509TrustManager trust = (X509TrustManager) factory.getTrustManagers()[0];
        OkHttpClient plain = new OkHttpClient.Builder().sslSocketFactory(tls.getSocketFactory(), trust).build();
        OkHttpClient pinner = plain.newBuilder().certificatePinner(
                new CertificatePinner.Builder().add(HttpUrl.parse(url).host(), "sha256/" + arguments[5]).build()).build();

        try (PintleClient client = PintleClient.builder().roots(Files.readAllBytes(Path.of(arguments[1]))).url(arguments[2])
                .storeDirectory(new File(arguments[3])).build()) {
            client.refresh(10000);

            OkHttpClient ours = PintleOkHttp.pin(new OkHttpClient.Builder(), client, trust, null).build();

            measure("connection", rounds, url, 0, plain, pinner, ours);
            measure("request", rounds * 5, url, 5, plain, pinner, ours);
        }
        System.exit(0);
    }

    /** Sockets that wait for nothing: else the request waits for the acknowledgement of the handshake's last message. */
    private static final class Prompt extends SocketFactory {
        @Override
        public Socket createSocket() throws IOException {
            Socket socket = new Socket();

            socket.setTcpNoDelay(true);
            return socket;
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress address, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress address, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException();
        }
    }

    private static void measure(String what, int rounds, String url, int kept, OkHttpClient... clients) throws Exception {
        long[][] times = new long[clients.length][rounds];
        OkHttpClient[] made = new OkHttpClient[clients.length];

        for (int i = 0; i < clients.length; i++)
            made[i] = clients[i].newBuilder().socketFactory(new Prompt()).connectionPool(new ConnectionPool(kept, 1, TimeUnit.MINUTES)).build();
        for (int round = -rounds / 2; round < rounds; round++) { // the first third warms up
            for (int i = 0; i < made.length; i++) {
                long before = System.nanoTime();

                try (Response response = made[i].newCall(new Request.Builder().url(url).build()).execute()) {
                    response.body().bytes();
                }
                if (round >= 0)
                    times[i][round] = System.nanoTime() - before;
            }
        }
        for (long[] one : times) {
            Arrays.sort(one);
            what += " " + one[rounds / 2] / 1000;
        }
        System.out.println(what);
    }
}
