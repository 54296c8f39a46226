// SPDX-License-Identifier: Apache-2.0
package io.pintle;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXCertPathBuilderResult;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * The JDK.  Its trust managers do not show the path that they verified.  So its own PKIX builder finds one to an issuer
 * that the application's trust manager accepts, and the JDK's own trust manager then has to accept exactly this path,
 * from nothing but its anchor, for this host: what is matched has been verified, however the builder came to it.
 */
final class Platform {
    /** Certificates of a chain, anchor included: PINTLE_CHAIN_MAX. */
    private static final int CHAIN_MAX = 16;

    private Platform() {}

    /**
     * In the JDK's words: where TLS 1.3 says nothing of the key exchange, Conscrypt says "GENERIC", which the JDK does
     * not know.
     */
    static String authType(String given) {
        return given.equals("GENERIC") ? "UNKNOWN" : given;
    }

    static VerifiedPath verifiedPath(X509ExtendedTrustManager manager) {
        return (sent, authType, host, handshake) -> {
            if (sent.length > CHAIN_MAX)
                return Arrays.asList(sent); // too many to be evidence: nothing of it is looked at
            try {
                List<X509Certificate> path = build(sent, manager.getAcceptedIssuers());

                handshake.ask(over(path.get(path.size() - 1)), path.toArray(new X509Certificate[0]));
                return path;
            } catch (CertificateException unverified) {
                throw unverified;
            } catch (GeneralSecurityException unverified) {
                throw new CertificateException("the JDK finds no verified path: " + unverified.getMessage(),
                        unverified);
            }
        };
    }

    private static List<X509Certificate> build(X509Certificate[] sent, X509Certificate[] issuers)
            throws GeneralSecurityException {
        Set<TrustAnchor> anchors = new HashSet<>();
        X509CertSelector leaf = new X509CertSelector();

        for (X509Certificate issuer : issuers)
            anchors.add(new TrustAnchor(issuer, null));
        if (anchors.isEmpty())
            throw new CertificateException("the trust manager names no issuer that it accepts");
        leaf.setCertificate(sent[0]);

        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, leaf);

        parameters.addCertStore(
                CertStore.getInstance("Collection", new CollectionCertStoreParameters(below(sent, issuers))));
        parameters.setRevocationEnabled(false); // for the application's trust manager to decide, which has accepted
        parameters.setMaxPathLength(CHAIN_MAX);
        return withAnchor((PKIXCertPathBuilderResult) CertPathBuilder.getInstance("PKIX").build(parameters), sent[0]);
    }

    /**
     * Without what somebody else has signed for an issuer that is accepted itself: there the path of the JDK's trust
     * manager ends, and so must this one.
     */
    private static List<X509Certificate> below(X509Certificate[] sent, X509Certificate[] issuers) {
        List<X509Certificate> certificates = new ArrayList<>(Arrays.asList(sent).subList(0, 1));

        for (X509Certificate certificate : Arrays.asList(sent).subList(1, sent.length)) {
            if (Arrays.stream(issuers).noneMatch(
                    issuer -> issuer.getSubjectX500Principal().equals(certificate.getSubjectX500Principal())
                            && issuer.getPublicKey().equals(certificate.getPublicKey())))
                certificates.add(certificate);
        }
        return certificates;
    }

    private static List<X509Certificate> withAnchor(PKIXCertPathBuilderResult result, X509Certificate leaf)
            throws CertificateException {
        List<X509Certificate> path = new ArrayList<>();
        X509Certificate anchor = result.getTrustAnchor().getTrustedCert();

        for (Certificate certificate : result.getCertPath().getCertificates())
            path.add((X509Certificate) certificate);
        if (path.isEmpty() || !path.get(path.size() - 1).equals(anchor))
            path.add(anchor);
        if (!path.get(0).equals(leaf))
            throw new CertificateException("the verified path does not begin with the certificate of the peer");
        return Collections.unmodifiableList(path);
    }

    /** A trust manager of the JDK that trusts anchor alone. */
    private static X509ExtendedTrustManager over(X509Certificate anchor) throws GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());

        try {
            store.load(null, null);
        } catch (IOException impossible) {
            throw new GeneralSecurityException(impossible);
        }
        store.setCertificateEntry("anchor", anchor);
        return PintleTrustManager.over(store);
    }
}
