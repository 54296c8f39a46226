// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Collections;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/** What the trust manager accepts: verified paths of the right host, and nothing else. */
final class TrustTests {
    private TrustTests() {}

    private static PintleReason refused(World world, String host, String server, X509TrustManager platform)
            throws Exception {
        try (PintleClient client = world.builder(world.repository()).build()) {
            Pair pair = new Pair(Pair.engine(PintleSSLContext.of(client, platform, null, null), host),
                    world.server(server));
            SSLException refusal;

            Tests.same(PintleReason.UNDECIDED, PintleSSLContext.verdict(pair.client).reason());
            refusal = Tests.thrown(SSLException.class, () -> pair.send("hello"));
            Tests.same(0, pair.served());
            Tests.same(World.reason(refusal), PintleSSLContext.verdict(pair.client).reason());
            return World.reason(refusal);
        }
    }

    private static void accepted(World world, String host, String server, X509TrustManager platform) throws Exception {
        try (PintleClient client = world.builder(world.repository()).build()) {
            for (String protocol : new String[] {"TLSv1.2", "TLSv1.3"}) {
                Pair pair = new Pair(Pair.engine(PintleSSLContext.of(client, platform, null, null), host),
                        world.server(server), protocol);

                pair.send("hello");
                Tests.same(PintleReason.MATCHED, PintleSSLContext.verdict(pair.client).reason());
            }
        }
    }

    /** Accepts everything, and names whom issuers names. */
    private static X509ExtendedTrustManager gullible(X509Certificate... issuers) {
        return new X509ExtendedTrustManager() {
            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return issuers;
            }
        };
    }

    private static void addPaths(World world) {
        Tests.add("a pin of leaf, issuer or root matches", () -> {
            for (String host : new String[] {"leaf.test", "issuer.test", "root.test"})
                accepted(world, host, host, world.trust("root.ca"));
        });
        Tests.add("a leaf or an issuer that is trusted itself is the end of the path", () -> {
            accepted(world, "leaf.test", "leaf.test", world.trust("leaf.test.pem"));
            accepted(world, "issuer.test", "issuer.test", world.trust("issuing.ca"));
            Tests.same(PintleReason.MISMATCH, refused(world, "root.test", "root.test", world.trust("issuing.ca")));
        });
        Tests.add("another spelling of the host is the same host",
                () -> {
                    accepted(world, "LEAF.test", "leaf.test", world.trust("root.ca"));
                    accepted(world, "leaf.test.", "leaf.test", world.trust("root.ca"));
                });
        Tests.add("a cross-signed issuer leads to whichever root is trusted", () -> {
            accepted(world, "issuer.test", "crossed", world.trust("other.ca"));
            Tests.same(PintleReason.VALIDATION_FAILED, refused(world, "issuer.test", "crossed",
                    world.trust("root.ca")));
        });
        Tests.add("the pinned certificates appended to another chain count for nothing", () -> Tests.same(
                PintleReason.MISMATCH, refused(world, "issuer.test", "appended", world.trust("root.ca", "other.ca"))));
        Tests.add("an authority of the same name with another key is another", () -> Tests.same(PintleReason.MISMATCH,
                refused(world, "issuer.test", "twin", world.trust("root.ca", "other.ca"))));
        Tests.add("the wrong key is a mismatch, which heals", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                Pair pair = new Pair(
                        Pair.engine(PintleSSLContext.of(client, world.trust("root.ca", "other.ca"), null, null),
                                "issuer.test"),
                        world.server("twin"));
                PintleVerdict verdict = PintleVerdict.of(Tests.thrown(SSLException.class, () -> pair.send("hello")));

                Tests.same(PintleStatus.RETRY, verdict.status());
                Tests.same("issuer.test", verdict.host());
                Tests.same(-1, verdict.matchedIndex());
                Tests.same(PintleMode.ENFORCE, verdict.mode());
                Tests.same("main", verdict.zone());
                Tests.same(2L, verdict.charterVersion());
            }
        });
    }

    private static void addValidation(World world) {
        Tests.add("ordinary validation comes first", () -> {
            for (String server : new String[] {"wrong-name", "expired", "self-signed"})
                Tests.same(PintleReason.VALIDATION_FAILED, refused(world, "leaf.test", server, world.trust("root.ca")));
            Tests.same(PintleReason.VALIDATION_FAILED, refused(world, "leaf.test", "leaf.test",
                    world.trust("other.ca")));
        });
        Tests.add("the platform's exception stays what it was", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                Pair pair = new Pair(
                        Pair.engine(PintleSSLContext.of(client, world.trust("other.ca"), null, null), "leaf.test"),
                        world.server("leaf.test"));
                SSLException refusal = Tests.thrown(SSLException.class, () -> pair.send("hello"));

                Tests.isTrue(refusal.getCause() instanceof CertificateException, "cause: " + refusal.getCause());
                Tests.isTrue(!(refusal.getCause() instanceof PintlePinException), "cause: " + refusal.getCause());
            }
        });
        Tests.add("a trust manager that accepts everything is found out", () -> {
            X509Certificate root = world.chain("root.ca")[0];

            Tests.same(PintleReason.VALIDATION_OFF, refused(world, "leaf.test", "leaf.test", gullible()));
            for (String server : new String[] {"wrong-name", "expired", "self-signed"})
                Tests.same(PintleReason.VALIDATION_OFF, refused(world, "leaf.test", server, gullible(root)));
        });
        Tests.add("a trust manager that cannot verify names is no use", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                Tests.thrown(IllegalArgumentException.class, () -> PintleTrustManager.of(client,
                        new X509TrustManager() {
                    @Override
                    public void checkServerTrusted(X509Certificate[] chain, String type) {}

                    @Override
                    public void checkClientTrusted(X509Certificate[] chain, String type) {}

                    @Override
                    public X509Certificate[] getAcceptedIssuers() {
                        return new X509Certificate[0];
                    }
                }));
            }
        });
    }

    private static void addHosts(World world) {
        Tests.add("no host, no handshake", () -> {
            Tests.same(PintleReason.HOST_MISSING, refused(world, null, "leaf.test", world.trust("root.ca")));
            try (PintleClient client = world.builder(world.repository()).build()) {
                PintleTrustManager manager = PintleTrustManager.of(client, world.trust("root.ca"));
                X509Certificate[] chain = world.chain("leaf.test.pem");

                Tests.same(PintleReason.HOST_MISSING, World.reason(
                        Tests.thrown(PintlePinException.class, () -> manager.checkServerTrusted(chain,
                                "ECDHE_ECDSA"))));
                Tests.same(PintleReason.HOST_MISSING, World.reason(Tests.thrown(PintlePinException.class,
                        () -> manager.checkServerTrusted(chain, "ECDHE_ECDSA", (Socket) null))));
                Tests.same(PintleReason.HOST_MISSING, World.reason(Tests.thrown(PintlePinException.class,
                        () -> manager.checkServerTrusted(chain, "ECDHE_ECDSA", new Socket()))));
            }
        });
        Tests.add("another name in SNI: whose pins count?", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                SSLEngine engine = Pair.engine(PintleSSLContext.of(client, world.trust("root.ca"), null, null),
                        "leaf.test");
                SSLParameters parameters = engine.getSSLParameters();
                Pair pair;

                parameters.setServerNames(Collections.singletonList(new SNIHostName("issuer.test")));
                engine.setSSLParameters(parameters);
                pair = new Pair(engine, world.server("issuer.test"));
                Tests.same(PintleReason.HOST_INVALID,
                        World.reason(Tests.thrown(SSLException.class, () -> pair.send("hello"))));
            }
        });
        Tests.add("an application's own SSLContext with the trust manager is pinned, too", () -> {
            try (PintleClient client = world.builder(world.repository()).build()) {
                SSLContext context = SSLContext.getInstance("TLS");

                context.init(null, new TrustManager[] {PintleTrustManager.of(client, world.trust("root.ca",
                        "other.ca"))}, null);
                new Pair(Pair.engine(context, "leaf.test"), world.server("leaf.test")).send("hello");
                Tests.same(PintleReason.MISMATCH, World.reason(Tests.thrown(SSLException.class,
                        () -> new Pair(Pair.engine(context, "issuer.test"), world.server("twin")).send("hello"))));
            }
        });
    }

    static void add(World world) {
        addPaths(world);
        addValidation(world);
        addHosts(world);
    }
}
