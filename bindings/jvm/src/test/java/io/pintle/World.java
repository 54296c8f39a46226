// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** What test_jvm_unit.py made: two generations of a repository, servers' certificates, roots. */
final class World {
    /** A repository without network: the files of "first" or "second". */
    static final class Files implements PintleTransport {
        private final File directory;
        final AtomicInteger requests = new AtomicInteger();
        volatile String now = "first";

        Files(File directory) {
            this.directory = directory;
        }

        @Override
        public Response perform(Request request, Sink sink) throws IOException {
            File file = new File(new File(directory, now), request.url().replaceFirst("^http://[^/]*/", ""));

            requests.incrementAndGet();
            if (!file.isFile())
                return new Response(404, -1);

            byte[] data = java.nio.file.Files.readAllBytes(file.toPath());

            sink.write(data, 0, data.length);
            return new Response(200, -1);
        }
    }

    /** A store in memory. */
    static class Memory implements PintleStore {
        final java.util.Map<String, byte[]> blobs = new java.util.concurrent.ConcurrentHashMap<>();
        private final java.util.concurrent.Semaphore lock = new java.util.concurrent.Semaphore(1);

        @Override
        public byte[] load(String name) throws IOException {
            return blobs.get(name);
        }

        @Override
        public void save(String name, byte[] data) throws IOException {
            blobs.put(name, data);
        }

        @Override
        public void remove(String name) throws IOException {
            blobs.remove(name);
        }

        @Override
        public void lock() throws IOException {
            lock.acquireUninterruptibly();
        }

        @Override
        public void unlock() {
            lock.release();
        }
    }

    final File directory;

    World(File directory) {
        this.directory = directory;
    }

    byte[] bytes(String name) throws IOException {
        return java.nio.file.Files.readAllBytes(path(name));
    }

    private Path path(String name) {
        return new File(directory, name).toPath();
    }

    Files repository() {
        return new Files(directory);
    }

    PintleClient.Builder builder(PintleTransport transport) throws IOException {
        return PintleClient.builder().roots(bytes("roots")).shipped(bytes("shipped")).url("http://repository/")
                .store(new Memory()).transport(transport);
    }

    X509Certificate[] chain(String name) throws IOException, GeneralSecurityException {
        Collection<? extends Certificate> read = CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(bytes(name)));
        List<X509Certificate> chain = new ArrayList<>();

        for (Certificate certificate : read)
            chain.add((X509Certificate) certificate);
        return chain.toArray(new X509Certificate[0]);
    }

    private PrivateKey key(String name) throws IOException, GeneralSecurityException {
        String pem = new String(bytes(name), StandardCharsets.US_ASCII).replaceAll("-----.*?-----|\\s", "");

        return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    }

    /** A server that sends the chain of this name, whatever it is worth; made once per test, it resumes sessions. */
    SSLContext server(String name) throws IOException, GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        X509Certificate[] chain = chain(name + ".pem");
        PrivateKey key = key(name + ".key");

        context.init(new KeyManager[] {new X509ExtendedKeyManager() {
            @Override
            public String chooseEngineServerAlias(String type, Principal[] issuers, SSLEngine engine) {
                return type.startsWith("EC") ? "server" : null;
            }

            @Override
            public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
                return chooseEngineServerAlias(type, issuers, null);
            }

            @Override
            public X509Certificate[] getCertificateChain(String alias) {
                return chain;
            }

            @Override
            public PrivateKey getPrivateKey(String alias) {
                return key;
            }

            @Override
            public String[] getServerAliases(String type, Principal[] issuers) {
                return null;
            }

            @Override
            public String[] getClientAliases(String type, Principal[] issuers) {
                return null;
            }

            @Override
            public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
                return null;
            }
        }}, null, null);
        return context;
    }

    /** The platform's trust manager over these roots. */
    X509ExtendedTrustManager trust(String... names) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance("PKCS12");

        store.load(null, null);
        for (String name : names)
            store.setCertificateEntry(name, chain(name)[0]);
        return PintleTrustManager.over(store);
    }

    static PintleReason reason(Throwable refused) {
        PintleVerdict verdict = PintleVerdict.of(refused);

        if (verdict == null)
            throw new AssertionError("expected a verdict, found " + refused, refused);
        return verdict.reason();
    }

}
