package io.replicate.nbd.tls;

import org.bouncycastle.tls.CipherSuite;
import org.bouncycastle.tls.ProtocolVersion;

/** What both sides offer: what the JDK has ciphers for, so no ChaCha20. */
final class PskSuites {
    private static final int[] SUITES = {
        CipherSuite.TLS_AES_128_GCM_SHA256, // 1.3: keys of a file are used with SHA-256
        CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256,
        CipherSuite.TLS_DHE_PSK_WITH_AES_256_GCM_SHA384,
        CipherSuite.TLS_DHE_PSK_WITH_AES_128_GCM_SHA256
    };

    private PskSuites() {}

    static int[] suites() {
        return SUITES.clone();
    }

    static ProtocolVersion[] versions() {
        return ProtocolVersion.TLSv13.downTo(ProtocolVersion.TLSv12);
    }
}
