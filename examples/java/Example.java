// SPDX-License-Identifier: Apache-2.0

import io.pintle.PintleClient;
import io.pintle.PintleSSLContext;
import io.pintle.PintleStatus;
import io.pintle.PintleVerdict;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * Gets a page over a pinned connection, with nothing but the JDK: java Example MANIFEST-URL CA HOST ADDRESS:PORT.  The
 * files "roots" and "shipped" stand in the working directory, and the store is made there.  OkHttp, HttpsURLConnection
 * and HttpClient need less: docs/guides/jvm.md.
 */
public final class Example {
    private static final long DEADLINE_MS = 10_000;

    private Example() {}

    private static X509TrustManager trust(String file) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());

        store.load(null, null);
        try (InputStream in = Files.newInputStream(Paths.get(file))) {
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(in))
                store.setCertificateEntry("ca-" + store.size(), certificate);
        }
        factory.init(store);
        return (X509TrustManager) factory.getTrustManagers()[0];
    }

    private static byte[] get(PintleClient client, SSLContext context, String host, String address) throws IOException {
        int colon = address.lastIndexOf(':');
        Socket plain = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));

        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, host, plain.getPort(),
                true)) {
            socket.startHandshake();
            System.err.println("verdict: " + PintleSSLContext.verdict(socket).reason() + ": accepted");
            String manifest = client.header(host);
            String request = "GET / HTTP/1.0\r\nHost: " + host + "\r\n"
                    + (manifest.isEmpty() ? "" : "Pintle-Manifest: " + manifest + "\r\n") + "\r\n";

            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return socket.getInputStream().readAllBytes();
        }
    }

    public static void main(String[] words) throws IOException, GeneralSecurityException {
        try (PintleClient client = PintleClient.builder().roots(Files.readAllBytes(Paths.get("roots")))
                .shipped(Files.readAllBytes(Paths.get("shipped"))).url(words[0])
                .storeDirectory(new File("pintle-store"))
                .events(event -> System.err.println("pins: " + event)).build()) {
            SSLContext context = PintleSSLContext.of(client, trust(words[1]), null, null);
            byte[] page;

            try {
                page = get(client, context, words[2], words[3]);
            } catch (IOException refused) {
                PintleVerdict verdict = PintleVerdict.of(refused);

                if (verdict == null || verdict.status() != PintleStatus.RETRY || !client.heal(words[2], DEADLINE_MS))
                    throw refused;
                page = get(client, context, words[2], words[3]);
            }
            System.out.write(page);
            System.out.flush();
        } catch (IOException refused) {
            PintleVerdict verdict = PintleVerdict.of(refused);

            System.err.println(verdict != null ? "verdict: " + verdict.reason() + ": " + verdict : refused.toString());
            System.exit(1);
        }
    }
}
