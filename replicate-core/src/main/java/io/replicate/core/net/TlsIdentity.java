package io.replicate.core.net;

import io.replicate.core.spi.ReplicationException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.CertStore;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The keys and certificates of one side.
 *
 * @param context that has them.
 * @param chain our own certificate first; empty when we have none.
 */
public record TlsIdentity(SSLContext context, List<X509Certificate> chain) {
    private static final char[] NO_PASSWORD = new char[0];

    /** Reads {@code side-cert.pem} and {@code side-key.pem} ({@code server}, {@code client}) and the CA's files. */
    public static TlsIdentity ofDirectory(
            final Path directory, final String side, final boolean required, final boolean verifyPeer)
            throws ReplicationException {
        if (!Files.isDirectory(directory)) {
            throw ReplicationException.misuse("certificates " + directory + ": there is no such directory");
        }
        final Path certificate = directory.resolve(side + "-cert.pem");
        final Path key = directory.resolve(side + "-key.pem");
        final boolean present = required || Files.exists(certificate) || Files.exists(key);
        final List<X509Certificate> chain = present ? Pem.certificates(certificate) : List.of();
        final @Nullable PrivateKey privateKey = present ? Pem.privateKey(key) : null;
        try {
            return new TlsIdentity(
                    context(privateKey, chain, verifyPeer ? trustOf(directory) : new TrustManager[] {new Anybody()}),
                    chain);
        } catch (final GeneralSecurityException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, "certificates " + directory + ": " + e.getMessage(), e);
        }
    }

    /** Returns an identity that lives as long as the process and takes anybody: a shared secret does the rest. */
    static TlsIdentity ephemeral(final boolean withCertificate) throws ReplicationException {
        try {
            final TrustManager[] trust = {new Anybody()};
            if (!withCertificate) {
                return new TlsIdentity(context(null, List.of(), trust), List.of());
            }
            final EphemeralIdentity self = EphemeralIdentity.create();
            final List<X509Certificate> chain = List.of(self.certificate());
            return new TlsIdentity(context(self.key(), chain, trust), chain);
        } catch (final GeneralSecurityException e) {
            throw ReplicationException.fail("tls: " + e.getMessage(), e);
        }
    }

    /** Returns a client's identity without certificates, which trusts the CAs that come with the JDK, or anybody. */
    public static TlsIdentity system(final boolean verifyPeer) throws ReplicationException {
        try {
            return new TlsIdentity(
                    context(null, List.of(), verifyPeer ? null : new TrustManager[] {new Anybody()}), List.of());
        } catch (final GeneralSecurityException e) {
            throw ReplicationException.fail("tls: " + e.getMessage(), e);
        }
    }

    private static SSLContext context(
            final @Nullable PrivateKey key, final List<X509Certificate> chain, final TrustManager @Nullable [] trust)
            throws GeneralSecurityException {
        KeyManager[] keys = new KeyManager[0];
        if (key != null) {
            final KeyStore store = emptyStore();
            store.setKeyEntry("own", key, NO_PASSWORD, chain.toArray(new X509Certificate[0]));
            final KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(store, NO_PASSWORD);
            keys = factory.getKeyManagers();
        }
        final SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, trust, new SecureRandom());
        return context;
    }

    private static TrustManager[] trustOf(final Path directory) throws ReplicationException, GeneralSecurityException {
        final KeyStore store = emptyStore();
        int number = 0;
        for (final X509Certificate authority : Pem.certificates(directory.resolve("ca-cert.pem"))) {
            store.setCertificateEntry("ca" + number++, authority);
        }
        final TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        final Path revoked = directory.resolve("ca-crl.pem");
        if (Files.exists(revoked)) {
            final PKIXBuilderParameters parameters = new PKIXBuilderParameters(store, new X509CertSelector());
            parameters.setRevocationEnabled(true);
            parameters.addCertStore(
                    CertStore.getInstance("Collection", new CollectionCertStoreParameters(Pem.revocations(revoked))));
            factory.init(new CertPathTrustManagerParameters(parameters));
        } else {
            factory.init(store);
        }
        return factory.getTrustManagers();
    }

    private static KeyStore emptyStore() throws GeneralSecurityException {
        final KeyStore store = KeyStore.getInstance("PKCS12");
        try {
            store.load(null, null);
        } catch (final java.io.IOException e) {
            throw new IllegalStateException("an empty key store needs no input", e);
        }
        return store;
    }

    /** Takes every certificate: where a shared secret, bound to it, is the proof; or where the user wants none. */
    private static final class Anybody extends X509ExtendedTrustManager {
        @Override
        public void checkClientTrusted(final X509Certificate[] chain, final String type) {}

        @Override
        public void checkClientTrusted(final X509Certificate[] chain, final String type, final Socket socket) {}

        @Override
        public void checkClientTrusted(final X509Certificate[] chain, final String type, final SSLEngine engine) {}

        @Override
        public void checkServerTrusted(final X509Certificate[] chain, final String type) {}

        @Override
        public void checkServerTrusted(final X509Certificate[] chain, final String type, final Socket socket) {}

        @Override
        public void checkServerTrusted(final X509Certificate[] chain, final String type, final SSLEngine engine) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
